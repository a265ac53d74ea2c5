package awsfake

import (
	_ "embed"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
)

// maxExpression is DynamoDB's limit for one expression, in bytes. It also bounds how deep parentheses nest.
const maxExpression = 4096

// expressions evaluates the expressions of one request, and keeps book of the placeholders they use.
type expressions struct {
	names      map[string]string
	values     item
	usedNames  map[string]bool
	usedValues map[string]bool
	targets    map[string]bool // attributes that an update sets or removes
}

func newExpressions(names map[string]string, values item) *expressions {
	return &expressions{names, values, map[string]bool{}, map[string]bool{}, map[string]bool{}}
}

// reserved are the words that an expression names only with a placeholder, in upper case.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ReservedWords.html
var reserved = func() map[string]bool {
	words := map[string]bool{}
	for word := range strings.FieldsSeq(reservedWords) {
		words[word] = true
	}
	return words
}()

//go:embed reserved.txt
var reservedWords string

// unused is an error if a placeholder was given that no expression names, as it is in DynamoDB.
func (e *expressions) unused() error {
	for _, v := range slices.Sorted(maps.Keys(e.values)) {
		if !e.usedValues[v] {
			return invalid("ValidationException", "Value provided in ExpressionAttributeValues unused in expressions: keys: "+
				"{%s}", v)
		}
	}
	for _, n := range slices.Sorted(maps.Keys(e.names)) {
		if !e.usedNames[n] {
			return invalid("ValidationException", "Value provided in ExpressionAttributeNames unused in expressions: keys: {%s}",
				n)
		}
	}
	return nil
}

// condition evaluates a condition or filter on an item; an empty one is true. kind names the parameter, for errors.
func (e *expressions) condition(kind, text string, on item) (bool, error) {
	if text == "" {
		return true, nil
	}
	p, err := e.parse(text, on)
	if err != nil {
		return false, inExpression(kind, err)
	}
	ok, err := p.or()
	if err == nil && !p.atEnd() {
		err = p.unexpected()
	}
	if err != nil {
		return false, inExpression(kind, err)
	}
	return ok, nil
}

// expressionError is a message of DynamoDB about an expression.
type expressionError string

func (e expressionError) Error() string { return string(e) }

func wrong(format string, args ...any) error { return expressionError(fmt.Sprintf(format, args...)) }

// itemError is an error of a well-formed update that depends on the item. A failed condition comes before it.
type itemError struct{ *apiError }

// inExpression says which expression an error was found in.
func inExpression(kind string, err error) error {
	return invalid("ValidationException", "Invalid %s: %v", kind, err)
}

// update applies an update expression to a copy of an item. Operands are those of the item before the update.
func (e *expressions) update(text string, old item) (item, error) {
	out := maps.Clone(old)
	p, err := e.parse(text, old)
	if err != nil {
		return nil, inExpression("UpdateExpression", err)
	}
	clauses := map[string]bool{}
	for !p.atEnd() {
		clause := p.next()
		kind := strings.ToUpper(clause)
		switch {
		case clauses[kind]:
			err = wrong("The %q section can only be used once in an update expression;", kind)
		case kind == "SET":
			err = p.list(func() error { return p.set(out) })
		case kind == "REMOVE":
			err = p.list(func() error { return p.remove(out) })
		case kind == "ADD" || kind == "DELETE":
			err = wrong("awsfake does not implement the clause %s", clause)
		default:
			err = syntaxError(clause)
		}
		if err != nil {
			return nil, inExpression("UpdateExpression", err)
		}
		clauses[kind] = true
	}
	if p.failed != nil {
		return nil, itemError{p.failed}
	}
	return out, nil
}

// project picks the attributes that a projection expression names; an empty one picks all.
func (e *expressions) project(text string, from item) (item, error) {
	if text == "" {
		return from, nil
	}
	p, err := e.parse(text, from)
	if err != nil {
		return nil, inExpression("ProjectionExpression", err)
	}
	out := item{}
	err = p.list(func() error {
		name, err := p.name(p.next())
		if err != nil {
			return err
		}
		if a, ok := from[name]; ok {
			out[name] = a
		}
		return nil
	})
	if err == nil && !p.atEnd() {
		err = p.unexpected()
	}
	if err != nil {
		return nil, inExpression("ProjectionExpression", err)
	}
	return out, nil
}

// parser evaluates one expression while it reads it.
type parser struct {
	*expressions
	tokens []string
	on     item
	// The first error that depends on the item. Reading goes on, since an error of the
	// expression comes first.
	failed *apiError
}

func (p *parser) fail(format string, args ...any) {
	if p.failed == nil {
		p.failed = invalid("ValidationException", format, args...)
	}
}

func (e *expressions) parse(text string, on item) (*parser, error) {
	if len(text) > maxExpression {
		return nil, wrong("Expression size has exceeded the maximum allowed size; expression size: %d", len(text))
	}
	tokens, err := tokenize(text)
	if err != nil {
		return nil, err
	}
	return &parser{expressions: e, tokens: tokens, on: on}, nil
}

func tokenize(s string) ([]string, error) {
	var out []string
	for i := 0; i < len(s); {
		n := 1
		switch c := s[i]; {
		case strings.IndexByte(" \t\r\n", c) >= 0:
			i++
			continue
		case strings.IndexByte("(),=+-", c) >= 0:
		case c == '<' || c == '>':
			if i+1 < len(s) && (s[i+1] == '=' || c == '<' && s[i+1] == '>') {
				n = 2
			}
		case word(c) || c == '#' || c == ':':
			for i+n < len(s) && word(s[i+n]) {
				n++
			}
		case c == '.' || c == '[':
			return nil, wrong("awsfake does not implement document paths; near: %q", s[i:])
		default:
			return nil, wrong("Syntax error; token: %q, near: %q", s[i:i+1], s[i:])
		}
		out = append(out, s[i:i+n])
		i += n
	}
	return out, nil
}

func word(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

func syntaxError(token string) error {
	if token == "" {
		return wrong("Syntax error; token: <EOF>")
	}
	return wrong("Syntax error; token: %q", token)
}

func (p *parser) atEnd() bool { return len(p.tokens) == 0 }

func (p *parser) peek() string {
	if p.atEnd() {
		return ""
	}
	return p.tokens[0]
}

func (p *parser) next() string {
	t := p.peek()
	if t != "" {
		p.tokens = p.tokens[1:]
	}
	return t
}

// accept takes the next token if it is this one, in any case.
func (p *parser) accept(token string) bool {
	if !strings.EqualFold(p.peek(), token) {
		return false
	}
	p.next()
	return true
}

func (p *parser) expect(token string) error {
	if p.accept(token) {
		return nil
	}
	return p.unexpected()
}

func (p *parser) unexpected() error { return syntaxError(p.peek()) }

// list reads what is separated by commas.
func (p *parser) list(read func() error) error {
	for {
		if err := read(); err != nil {
			return err
		}
		if !p.accept(",") {
			return nil
		}
	}
}

func (p *parser) or() (bool, error) {
	ok, err := p.and()
	for err == nil && p.accept("OR") {
		var right bool
		right, err = p.and()
		ok = ok || right
	}
	return ok, err
}

func (p *parser) and() (bool, error) {
	ok, err := p.not()
	for err == nil && p.accept("AND") {
		var right bool
		right, err = p.not()
		ok = ok && right
	}
	return ok, err
}

func (p *parser) not() (bool, error) {
	if p.accept("NOT") {
		ok, err := p.not()
		return !ok, err
	}
	if p.accept("(") {
		ok, err := p.or()
		if err != nil {
			return false, err
		}
		return ok, p.expect(")")
	}
	if len(p.tokens) > 1 && p.tokens[1] == "(" {
		return p.function(p.next())
	}
	return p.comparison()
}

// function evaluates a function that is true or false.
func (p *parser) function(name string) (bool, error) {
	if err := p.expect("("); err != nil {
		return false, err
	}
	var result func(a, b *attribute) bool
	switch name {
	case "attribute_exists":
		result = func(a, _ *attribute) bool { return a != nil }
	case "attribute_not_exists":
		result = func(a, _ *attribute) bool { return a == nil }
	case "begins_with":
		result = func(a, b *attribute) bool {
			return a != nil && b != nil && a.kind == b.kind && (a.kind == "S" || a.kind == "B") &&
				strings.HasPrefix(a.text, b.text)
		}
	case "contains":
		result = func(a, b *attribute) bool { return a != nil && b != nil && a.contains(b) }
	default:
		return false, wrong("awsfake does not implement the function %s", name)
	}
	a, err := p.operand()
	if err != nil {
		return false, err
	}
	var b *attribute
	if name == "begins_with" || name == "contains" {
		if err := p.expect(","); err != nil {
			return false, err
		}
		if b, err = p.operand(); err != nil {
			return false, err
		}
	}
	return result(a, b), p.expect(")")
}

func (p *parser) comparison() (bool, error) {
	left, err := p.operand()
	if err != nil {
		return false, err
	}
	operator := p.next()
	switch strings.ToUpper(operator) {
	case "BETWEEN":
		return p.between(left)
	case "IN":
		return p.in(left)
	case "=", "<>", "<", "<=", ">", ">=":
		right, err := p.operand()
		if err != nil {
			return false, err
		}
		return compares(operator, left, right), nil
	}
	return false, syntaxError(operator)
}

// compares evaluates a comparison; nil stands for an attribute that the item does not have.
func compares(operator string, left, right *attribute) bool {
	same := left != nil && right != nil && left.equal(right)
	switch operator {
	case "=":
		return same
	case "<>":
		return !same
	}
	if left == nil || right == nil {
		return false
	}
	n, ok := left.compare(right)
	switch operator {
	case "<":
		return ok && n < 0
	case "<=":
		return ok && n <= 0
	case ">":
		return ok && n > 0
	}
	return ok && n >= 0
}

func (p *parser) between(a *attribute) (bool, error) {
	low, err := p.operand()
	if err != nil {
		return false, err
	}
	if err := p.expect("AND"); err != nil {
		return false, err
	}
	high, err := p.operand()
	return compares(">=", a, low) && compares("<=", a, high), err
}

func (p *parser) in(a *attribute) (bool, error) {
	if err := p.expect("("); err != nil {
		return false, err
	}
	found := false
	err := p.list(func() error {
		b, err := p.operand()
		found = found || compares("=", a, b)
		return err
	})
	if err != nil {
		return false, err
	}
	return found, p.expect(")")
}

// operand reads a value or an attribute; nil is an attribute that the item does not have.
func (p *parser) operand() (*attribute, error) {
	token := p.next()
	if strings.HasPrefix(token, ":") {
		v, ok := p.values[token]
		if !ok {
			return nil, wrong("An expression attribute value used in expression is not defined; attribute value: %s", token)
		}
		p.usedValues[token] = true
		return &v, nil
	}
	name, err := p.name(token)
	if err != nil {
		return nil, err
	}
	if a, ok := p.on[name]; ok {
		return &a, nil
	}
	return nil, nil
}

// name is the attribute that a token names.
func (p *parser) name(token string) (string, error) {
	if strings.HasPrefix(token, "#") {
		name, ok := p.names[token]
		if !ok {
			return "", wrong("An expression attribute name used in the document path is not defined; attribute name: %s", token)
		}
		p.usedNames[token] = true
		return name, nil
	}
	if token == "" || !word(token[0]) {
		return "", syntaxError(token)
	}
	if reserved[strings.ToUpper(token)] {
		return "", wrong("Attribute name is a reserved keyword; reserved keyword: %s", token)
	}
	return token, nil
}

// target reads the attribute that an action of an update changes. Each is changed once.
func (p *parser) target() (string, error) {
	name, err := p.name(p.next())
	if err == nil && p.targets[name] {
		err = wrong("Two document paths overlap with each other; must remove or rewrite one of these paths; path one: "+
			"[%s], path two: [%[1]s]", name)
	}
	if err == nil {
		p.targets[name] = true
	}
	return name, err
}

// remove evaluates one action of a REMOVE clause.
func (p *parser) remove(out item) error {
	name, err := p.target()
	if err == nil {
		delete(out, name)
	}
	return err
}

// set evaluates one action of a SET clause.
func (p *parser) set(out item) error {
	name, err := p.target()
	if err != nil {
		return err
	}
	if err := p.expect("="); err != nil {
		return err
	}
	value, err := p.setOperand()
	if err != nil {
		return err
	}
	if sign := p.peek(); sign == "+" || sign == "-" {
		p.next()
		right, err := p.setOperand()
		if err != nil {
			return err
		}
		value = p.sum(value, right, sign)
	}
	out[name] = *value
	return nil
}

func (p *parser) setOperand() (*attribute, error) {
	if len(p.tokens) < 2 || p.tokens[1] != "(" {
		a, err := p.operand()
		if err == nil && a == nil {
			p.fail("The provided expression refers to an attribute that does not exist in the item")
			a = &attribute{kind: "NULL"}
		}
		return a, err
	}
	if name := p.next(); name != "if_not_exists" {
		return nil, wrong("awsfake does not implement the function %s", name)
	}
	if err := p.expect("("); err != nil {
		return nil, err
	}
	a, err := p.operand()
	if err != nil {
		return nil, err
	}
	if err := p.expect(","); err != nil {
		return nil, err
	}
	b, err := p.setOperand()
	if err != nil {
		return nil, err
	}
	if a == nil {
		a = b
	}
	return a, p.expect(")")
}

func (p *parser) sum(a, b *attribute, sign string) *attribute {
	if a.kind != "N" || b.kind != "N" {
		p.fail("An operand in the update expression has an incorrect data type")
		return a
	}
	n := new(big.Rat)
	if sign == "+" {
		n.Add(a.number(), b.number())
	} else {
		n.Sub(a.number(), b.number())
	}
	text, err := formatNumber(n)
	if err != nil && p.failed == nil {
		p.failed = err
	}
	return &attribute{kind: "N", text: text}
}
