package main

import (
	"fmt"
	"go/constant"
	"go/types"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/tools/go/packages"

	"github.com/hubspoke/observability/lib/schema"
)

// kind says how a member of an answer becomes a column.
type kind string

const (
	kindKey  kind = "key"
	kindText kind = "text"
	kindEnum kind = "enum"
	kindBool kind = "bool"
	kindInt  kind = "int"
	kindReal kind = "real"
	kindTime kind = "time"
	kindTags kind = "tags"
	kindList kind = "list"
	kindJSON kind = "json"
)

// column is one column of the draft.
type column struct {
	Name   string // instance_type
	Kind   kind
	Field  string // member of the item: InstanceType
	Doc    string
	Value  string   // Go expression of the column's value, of item
	Values []string // some values of an enumeration
	Pair   string   // type of a tag in package types
}

// columnOf returns the column of a member, or the reason for which it is left out.
func columnOf(field *types.Var, item string, model *packages.Package) (c column, leftOut string) {
	c = column{Name: columnName(field.Name(), item), Field: field.Name()}
	value := "item." + field.Name()
	if mayBeSecret.MatchString(field.Name()) {
		return c, "may hold a secret"
	}
	typ, pointer := field.Type(), false
	if p, ok := typ.(*types.Pointer); ok {
		typ, pointer = p.Elem(), true
	}
	address := value
	if !pointer {
		address = "&" + value
	}
	if named, ok := typ.(*types.Named); ok && types.TypeString(named, nil) == "time.Time" {
		c.Kind, c.Value = kindTime, address
		return c, ""
	}
	switch t := typ.Underlying().(type) {
	case *types.Basic:
		return basicColumn(c, typ, t, value, address, model)
	case *types.Slice:
		if pair := tagType(t.Elem()); pair != "" {
			c.Kind, c.Pair = kindTags, pair
			return c, ""
		}
		c.Kind = kindList
	case *types.Map:
		c.Kind = kindJSON
		if types.TypeString(t.Elem(), nil) == "string" {
			c.Value = "jsonOf(redactMap(" + value + "))"
		}
	default:
		c.Kind = kindJSON
	}
	if secret := secretWithin(typ, map[types.Type]bool{}); c.Value == "" && secret != "" {
		return c, "may hold a secret: " + secret
	}
	if c.Value == "" {
		c.Value = "jsonOf(" + value + ")"
	}
	return c, ""
}

func basicColumn(c column, typ types.Type, basic *types.Basic, value, address string, model *packages.Package) (
	column, string,
) {
	switch _, named := typ.(*types.Named); {
	case named && basic.Kind() == types.String:
		c.Kind, c.Value, c.Values = kindEnum, "enum("+value+")", valuesOf(typ, model)
		if len(c.Values) == 0 {
			c.Values = []string{"VALUE"}
		}
	case basic.Kind() == types.String:
		c.Kind, c.Value = kindText, "text("+address+")"
		if speaks.MatchString(c.Field) {
			c.Value = "freeText(" + address + ")"
		}
	case basic.Kind() == types.Bool:
		c.Kind, c.Value = kindBool, address
	case basic.Kind() == types.Int32:
		c.Kind, c.Value = kindInt, "integer("+address+")"
	case basic.Kind() == types.Int64:
		c.Kind, c.Value = kindInt, address
	case basic.Kind() == types.Float64:
		c.Kind, c.Value = kindReal, address
	default:
		return c, "type " + types.TypeString(typ, nil)
	}
	return c, ""
}

// mayBeSecret matches names of members that are not passed on without a second thought.
var mayBeSecret = regexp.MustCompile(
	`(?i)passw(or)?d|pwd|secret|token|credential|(private|api|access).?key|user.?data|` +
		`input.?parameters|authorization|connection.?string|^(environment|variables|parameters)$`)

// speaks matches names of members with what people wrote: it is redacted if there is a secret
// in it.
var speaks = regexp.MustCompile(`(?i)^(latest)?description$|^(subject|annotation)$`)

// secretWithin returns the path of a member inside a type that may hold a secret: a name
// for one, tags, a map of texts, or bytes.
func secretWithin(typ types.Type, seen map[types.Type]bool) string {
	if seen[typ] {
		return ""
	}
	seen[typ] = true
	switch t := typ.(type) {
	case *types.Pointer:
		return secretWithin(t.Elem(), seen)
	case *types.Slice:
		if b, ok := t.Elem().(*types.Basic); ok && b.Kind() == types.Byte {
			return "bytes"
		}
		return secretWithin(t.Elem(), seen)
	case *types.Map:
		if types.TypeString(t.Elem(), nil) == "string" {
			return "a map"
		}
		return secretWithin(t.Elem(), seen)
	case *types.Named:
		if _, ok := t.Underlying().(*types.Interface); ok {
			return "a union"
		}
		s, ok := t.Underlying().(*types.Struct)
		if !ok || types.TypeString(t, nil) == "time.Time" {
			return ""
		}
		if tagType(t) != "" {
			return t.Obj().Name()
		}
		for field := range s.Fields() {
			if !field.Exported() {
				continue
			}
			if mayBeSecret.MatchString(field.Name()) {
				return field.Name()
			}
			if path := secretWithin(field.Type(), seen); path != "" {
				return field.Name()
			}
		}
	}
	return ""
}

// tagType returns the name of a type that is a key and a value, "" for others.
func tagType(typ types.Type) string {
	named, ok := typ.(*types.Named)
	if !ok {
		return ""
	}
	s, ok := named.Underlying().(*types.Struct)
	if !ok {
		return ""
	}
	for _, name := range []string{"Key", "Value"} {
		field, ok := member(s, name)
		if !ok || types.TypeString(field.Type(), nil) != "*string" {
			return ""
		}
	}
	return named.Obj().Name()
}

// valuesOf returns the first values of an enumeration.
func valuesOf(typ types.Type, model *packages.Package) (values []string) {
	scope := model.Types.Scope()
	for _, name := range scope.Names() {
		if c, ok := scope.Lookup(name).(*types.Const); ok && types.Identical(c.Type(), typ) && len(values) < 3 {
			values = append(values, constant.StringVal(c.Val()))
		}
	}
	return values
}

// nullDoc is what the draft says of null.
const nullDoc = " Null: AWS reports none."

// columnDoc makes the doc comment of a column of that of a member: its first paragraph, and
// the name of the member.
func columnDoc(doc, member string) string {
	first, _, _ := strings.Cut(strings.TrimSpace(doc), "\n\n")
	first = strings.Join(strings.Fields(first), " ")
	if first == "" || strings.HasPrefix(first, "This member is required") {
		first = member
	}
	if sentence, _, more := strings.Cut(first, ". "); more {
		first = sentence
	}
	return strings.TrimRight(first, ".:") + " (" + member + ")." + nullDoc
}

// snake writes a Go name in lower case with underscores.
func snake(name string) string {
	var b strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		if unicode.IsUpper(r) {
			begins := i > 0 && (unicode.IsLower(runes[i-1]) || unicode.IsDigit(runes[i-1]))
			ends := i > 0 && i+1 < len(runes) && unicode.IsUpper(runes[i-1]) && unicode.IsLower(runes[i+1])
			if begins || ends {
				b.WriteByte('_')
			}
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// columnName is the name of a member's column. A name that no column can have gets the
// name of the item in front.
func columnName(member, item string) string {
	column := snake(member)
	trial := reflect.StructOf([]reflect.StructField{{
		Name: "Column", Type: reflect.TypeFor[string](), Tag: reflect.StructTag(fmt.Sprintf("col:%q", column+",key")),
	}})
	if _, err := schema.Compile(trial, schema.Spec{Name: "draft", Mode: schema.Snapshot}); err != nil {
		return snake(item) + "_" + column
	}
	return column
}

// singularOf returns the singular of the last word of a Go name: QueueUrl of QueueUrls.
func singularOf(name string) string {
	words := strings.Split(snake(name), "_")
	words[len(words)-1] = singular(words[len(words)-1])
	for i, word := range words {
		words[i] = strings.ToUpper(word[:1]) + word[1:]
	}
	return strings.Join(slices.DeleteFunc(words, func(w string) bool { return w == "" }), "")
}
