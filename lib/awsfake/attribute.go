package awsfake

import (
	"encoding/base64"
	"encoding/json"
	"math/big"
	"regexp"
	"slices"
	"strings"
)

// attribute is a DynamoDB attribute value.
type attribute struct {
	kind string // S, N, B, BOOL, NULL, L, M, SS, NS or BS
	text string // of S; of N in canonical form; of B as bytes
	yes  bool   // of BOOL
	list []attribute
	m    map[string]attribute
	set  []string // of SS, NS and BS, as text, sorted
}

// item is a row of a DynamoDB table.
type item map[string]attribute

// size is about what DynamoDB counts for an item, in bytes.
func (i item) size() int {
	n := 0
	for name, a := range i {
		n += len(name) + a.size()
	}
	return n
}

func (a *attribute) size() int {
	n := 1 + len(a.text)
	for i := range a.list {
		n += a.list[i].size()
	}
	for _, s := range a.set {
		n += len(s)
	}
	return n + item(a.m).size()
}

// maxNesting is how deep DynamoDB lets lists and maps nest.
const maxNesting = 32

// UnmarshalJSON reads the form {"S": "text"}.
func (a *attribute) UnmarshalJSON(b []byte) error { return a.read(b, 0) }

func (a *attribute) read(b []byte, depth int) error {
	if depth > maxNesting {
		return invalid("ValidationException", "Nesting Levels have exceeded supported limits: Attribute value has nested "+
			"levels over supported limit of %d", maxNesting)
	}
	var typed map[string]json.RawMessage
	if err := json.Unmarshal(b, &typed); err != nil {
		return err
	}
	if len(typed) != 1 {
		return invalid("ValidationException", "Supplied AttributeValue is empty or has more than one datatype, must "+
			"contain exactly one of the supported datatypes")
	}
	for kind, raw := range typed {
		a.kind = kind
		return a.readKind(raw, depth)
	}
	return nil
}

func (a *attribute) readKind(raw json.RawMessage, depth int) (err error) {
	switch a.kind {
	case "S", "N", "B":
		if err = json.Unmarshal(raw, &a.text); err == nil {
			a.text, err = scalar(a.kind, a.text)
		}
	case "BOOL", "NULL":
		err = json.Unmarshal(raw, &a.yes)
	case "SS", "NS", "BS":
		err = a.readSet(raw)
	case "L":
		var list []json.RawMessage
		if err = json.Unmarshal(raw, &list); err != nil {
			return err
		}
		a.list = make([]attribute, len(list))
		for i := range list {
			if err := a.list[i].read(list[i], depth+1); err != nil {
				return err
			}
		}
	case "M":
		var m map[string]json.RawMessage
		if err = json.Unmarshal(raw, &m); err != nil {
			return err
		}
		a.m = make(map[string]attribute, len(m))
		for name, v := range m {
			var child attribute
			if err := child.read(v, depth+1); err != nil {
				return err
			}
			a.m[name] = child
		}
	default:
		err = invalid("ValidationException", "Supplied AttributeValue is empty, must contain exactly one of the supported "+
			"datatypes")
	}
	return err
}

func (a *attribute) readSet(raw json.RawMessage) error {
	if err := json.Unmarshal(raw, &a.set); err != nil {
		return err
	}
	if len(a.set) == 0 {
		return invalid("ValidationException", "One or more parameter values were invalid: An attribute value may not "+
			"contain an empty set")
	}
	for i := range a.set {
		var err error
		if a.set[i], err = scalar(a.kind[:1], a.set[i]); err != nil {
			return err
		}
	}
	slices.Sort(a.set)
	if len(slices.Compact(slices.Clone(a.set))) != len(a.set) {
		return invalid("ValidationException", "One or more parameter values were invalid: Input collection contains "+
			"duplicates.")
	}
	return nil
}

// scalar brings a string, number or binary value from its JSON form into the one that is kept.
func scalar(kind, s string) (string, error) {
	switch kind {
	case "N":
		n, err := parseNumber(s)
		if err != nil {
			return "", err
		}
		text, outOfRange := formatNumber(n)
		if outOfRange != nil {
			return "", outOfRange
		}
		return text, nil
	case "B":
		b, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			return "", invalid("SerializationException", "invalid base64: %v", err)
		}
		return string(b), nil
	}
	return s, nil
}

// MarshalJSON writes the form {"S": "text"}.
func (a attribute) MarshalJSON() ([]byte, error) {
	var v any
	switch a.kind {
	case "S", "N":
		v = a.text
	case "B":
		v = []byte(a.text)
	case "BOOL", "NULL":
		v = a.yes
	case "L":
		v = a.list
	case "M":
		v = a.m
	case "SS", "NS":
		v = a.set
	case "BS":
		set := make([][]byte, len(a.set))
		for i, s := range a.set {
			set[i] = []byte(s)
		}
		v = set
	}
	return json.Marshal(map[string]any{a.kind: v})
}

func (a *attribute) equal(b *attribute) bool {
	if a.kind != b.kind || a.text != b.text || a.yes != b.yes || len(a.list) != len(b.list) || len(a.m) != len(b.m) ||
		!slices.Equal(a.set, b.set) {
		return false
	}
	for i := range a.list {
		if !a.list[i].equal(&b.list[i]) {
			return false
		}
	}
	for name, x := range a.m {
		y, ok := b.m[name]
		if !ok || !x.equal(&y) {
			return false
		}
	}
	return true
}

// compare orders two values of the same scalar type; others have no order.
func (a *attribute) compare(b *attribute) (int, bool) {
	if a.kind != b.kind {
		return 0, false
	}
	switch a.kind {
	case "S", "B":
		return strings.Compare(a.text, b.text), true
	case "N":
		return a.number().Cmp(b.number()), true
	}
	return 0, false
}

// number is the value of an N.
func (a *attribute) number() *big.Rat {
	n, _ := new(big.Rat).SetString(a.text) // it was checked when it was read
	return n
}

var numberForm = regexp.MustCompile(`^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?$`)

const (
	maxNumberText   = 512
	maxSignificant  = 38
	maxNumberDigits = 126 // before the point
	maxFraction     = 130 // after it
)

func parseNumber(s string) (*big.Rat, error) {
	if len(s) > maxNumberText || !numberForm.MatchString(s) {
		return nil, invalid("ValidationException", "The parameter cannot be converted to a numeric value: %s", s)
	}
	n, ok := new(big.Rat).SetString(s)
	if !ok {
		return nil, invalid("ValidationException", "The parameter cannot be converted to a numeric value: %s", s)
	}
	return n, nil
}

// formatNumber writes a number in its canonical form, or says that DynamoDB cannot hold it.
func formatNumber(n *big.Rat) (string, *apiError) {
	s := n.FloatString(maxFraction)
	s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	if s == "" || s == "-" || s == "-0" {
		s = "0"
	}
	whole, fraction, _ := strings.Cut(strings.TrimPrefix(s, "-"), ".")
	significant := strings.Trim(strings.TrimLeft(whole, "0")+fraction, "0")
	switch {
	case len(whole) > maxNumberDigits:
		return "", invalid("ValidationException", "Number overflow. Attempting to store a number with magnitude larger "+
			"than supported range")
	case s == "0" && n.Sign() != 0:
		return "", invalid("ValidationException", "Number underflow. Attempting to store a number with magnitude smaller "+
			"than supported range")
	case len(significant) > maxSignificant:
		return "", invalid("ValidationException", "Attempting to store more than 38 significant digits in a Number")
	}
	return s, nil
}

// contains is DynamoDB's contains function: a substring, or a member of a set or list.
func (a *attribute) contains(b *attribute) bool {
	switch {
	case a.kind == b.kind && (a.kind == "S" || a.kind == "B"):
		return strings.Contains(a.text, b.text)
	case len(a.kind) == 2 && a.kind[1] == 'S' && a.kind[:1] == b.kind:
		return slices.Contains(a.set, b.text)
	case a.kind == "L":
		return slices.ContainsFunc(a.list, func(x attribute) bool { return x.equal(b) })
	}
	return false
}
