package collectors

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/smithy-go/document"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/schema"
)

// text returns s, or nil if it is empty: AWS leaves values out in either way.
func text(s *string) *string {
	if s == nil || *s == "" {
		return nil
	}
	return s
}

// enum returns the text of an SDK enumeration, or nil if it is empty.
func enum[S ~string](s S) *string {
	if s == "" {
		return nil
	}
	t := string(s)
	return &t
}

// upper returns a text in capitals, as the other APIs of AWS write enumerations.
func upper(s *string) *string {
	if s == nil {
		return nil
	}
	capitals := strings.ToUpper(*s)
	return &capitals
}

// isState reports whether a state is the one asked for; nil if AWS does not say.
func isState[S ~string](state, wanted S) *bool {
	if state == "" {
		return nil
	}
	is := state == wanted
	return &is
}

// integer widens n; nil stays nil.
func integer(n *int32) *int64 {
	if n == nil {
		return nil
	}
	wide := int64(*n)
	return &wide
}

// parseTime parses a time that AWS sends as text, in the first layout that it fits; none
// is RFC 3339. nil and an empty text are nil. A text that fits no layout, or has no zone, so
// that nobody knows which instant it is, is nil, and named in the log with its thing and field.
func parseTime(env *collect.Env, thing, field string, value *string, layouts ...string) *time.Time {
	if value == nil || *value == "" {
		return nil
	}
	if len(layouts) == 0 {
		layouts = rfc3339
	}
	if t := timeIn(*value, layouts); t != nil {
		return t
	}
	env.Logger.Warn("a time is in an unknown format", "of", thing, "field", field, "value", *value)
	return nil
}

// timeIn parses a time in the first layout that it fits; nil if it fits none.
func timeIn(value string, layouts []string) *time.Time {
	for _, layout := range layouts {
		if t, err := time.Parse(layout, value); err == nil {
			return &t
		}
	}
	return nil
}

var rfc3339 = []string{time.RFC3339Nano}

// floatDecimal returns a number that AWS sends as a float: the shortest text that is this
// float, rounded where a decimal ends, at ten digits behind the point. nil, what is not
// finite and what is too large are nil.
func floatDecimal[F float32 | float64](f *F) *schema.Decimal {
	if f == nil {
		return nil
	}
	bits := reflect.TypeFor[F]().Bits()
	value, err := schema.ParseDecimal(strconv.FormatFloat(float64(*f), 'f', -1, bits))
	if err != nil {
		value, err = schema.ParseDecimal(strconv.FormatFloat(float64(*f), 'f', schema.DecimalScale, bits))
	}
	if err != nil {
		return nil
	}
	return &value
}

// textDecimal returns a number that AWS sends as text and that is an estimate, or has few
// digits: exactly if a decimal has room for it, and else rounded as floatDecimal does. nil,
// an empty text and what is no number are nil.
func textDecimal(text *string) *schema.Decimal {
	if text == nil {
		return nil
	}
	if value, err := schema.ParseDecimal(*text); err == nil {
		return &value
	}
	f, err := strconv.ParseFloat(*text, 64)
	if err != nil {
		return nil
	}
	return floatDecimal(&f)
}

// arnPart returns a part of an ARN, or nil if the text is none or has no such part:
// arnPart(s, arnName), or a function for another part.
func arnPart(text *string, part func(arn.ARN) string) *string {
	parsed, err := arn.Parse(aws.ToString(text))
	if err != nil {
		return nil
	}
	return enum(part(parsed))
}

func arnAccount(a arn.ARN) string { return a.AccountID }
func arnRegion(a arn.ARN) string  { return a.Region }

// arnName returns the resource without its type: orders of db:orders and of function/orders.
func arnName(a arn.ARN) string {
	if i := strings.IndexAny(a.Resource, ":/"); i >= 0 {
		return a.Resource[i+1:]
	}
	return a.Resource
}

// jsonOf returns an SDK value as JSON with the names of the AWS API. What AWS
// left out is left out: nil pointers, empty texts, lists and objects; an empty
// list or nil pointer as the value itself is null. Bytes are base64, and a union is
// an object of the member that it has.
func jsonOf[T any](v T) schema.JSON {
	value := reflect.ValueOf(&v).Elem() // of the type T, also where that is a union
	if !present(value) {
		return nil
	}
	return appendJSON(nil, value)
}

var (
	timeType = reflect.TypeFor[time.Time]()
	byteType = reflect.TypeFor[byte]()

	// Of documents: the service does not say their form.
	numberType    = reflect.TypeFor[document.Number]()
	nullType      = reflect.TypeFor[document.Null]()
	timestampType = reflect.TypeFor[document.Timestamp]()
	structureType = reflect.TypeFor[document.Structure]()
	opaqueType    = reflect.TypeFor[document.Opaque]()
)

// present reports whether AWS sent the value.
func present(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer:
		return !v.IsNil()
	case reflect.Interface:
		return !v.IsNil() && present(v.Elem())
	case reflect.Slice, reflect.Map, reflect.String:
		return v.Len() > 0
	case reflect.Float64, reflect.Float32:
		return !math.IsNaN(v.Float()) && !math.IsInf(v.Float(), 0)
	}
	return v.IsValid()
}

func appendJSON(dst []byte, v reflect.Value) []byte {
	switch v.Kind() {
	case reflect.Pointer:
		return appendJSON(dst, v.Elem())
	case reflect.Interface:
		return appendInterface(dst, v)
	case reflect.Struct:
		return appendStruct(dst, v)
	case reflect.Map:
		dst = append(dst, '{')
		first := true
		keys := v.MapKeys()
		// Go walks a map in another order each time, and equal rows must be equal bytes.
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
		for _, key := range keys {
			dst = appendKey(dst, key.String(), &first)
			dst = appendJSON(dst, v.MapIndex(key))
		}
		return append(dst, '}')
	case reflect.Slice:
		if v.Type().Elem() == byteType {
			dst = base64.StdEncoding.AppendEncode(append(dst, '"'), v.Bytes())
			return append(dst, '"')
		}
		dst = append(dst, '[')
		for i := range v.Len() {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendJSON(dst, v.Index(i))
		}
		return append(dst, ']')
	case reflect.Bool:
		return strconv.AppendBool(dst, v.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return strconv.AppendInt(dst, v.Int(), 10)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return strconv.AppendUint(dst, v.Uint(), 10)
	case reflect.Float32, reflect.Float64:
		if !present(v) {
			return append(dst, "null"...)
		}
		return strconv.AppendFloat(dst, v.Float(), 'g', -1, v.Type().Bits())
	case reflect.String:
		if v.Type() == numberType {
			return appendNumber(dst, v.String())
		}
		return appendText(dst, v.String())
	}
	return append(dst, "null"...)
}

func appendStruct(dst []byte, v reflect.Value) []byte {
	switch v.Type() {
	case timeType, timestampType:
		at := v.Convert(timeType).Interface().(time.Time)
		return at.UTC().AppendFormat(dst, `"`+time.RFC3339Nano+`"`)
	case nullType:
		return append(dst, "null"...)
	case structureType:
		return appendJSON(dst, v.FieldByName("Members"))
	case opaqueType:
		return appendJSON(dst, v.FieldByName("Value"))
	}
	dst = append(dst, '{')
	first := true
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if !field.IsExported() || !present(v.Field(i)) {
			continue
		}
		dst = appendKey(dst, field.Name, &first)
		dst = appendJSON(dst, v.Field(i))
	}
	return append(dst, '}')
}

// appendInterface writes what an interface has: the member of a union as an object of
// its name and its value, the value of a document, or any other.
func appendInterface(dst []byte, v reflect.Value) []byte {
	value := v.Elem()
	if doc, ok := v.Interface().(document.Unmarshaler); ok {
		var content any
		if doc.UnmarshalSmithyDocument(&content) != nil {
			return append(dst, "null"...) // it is no answer of a service, but somebody's own
		}
		return appendJSON(dst, reflect.ValueOf(&content).Elem())
	}
	name, member, ok := unionMember(v)
	if !ok {
		return appendJSON(dst, value)
	}
	first := true
	dst = appendKey(append(dst, '{'), name, &first)
	return append(appendJSON(dst, member), '}')
}

// unionMember returns the name and the value of the member that a union has: S of an
// AttributeValue that is an *AttributeValueMemberS. A member that this version of the
// SDK does not know has a name, and its value is null.
func unionMember(v reflect.Value) (name string, value reflect.Value, ok bool) {
	union, pointer := v.Type().Name(), v.Elem()
	if union == "" || pointer.Kind() != reflect.Pointer || pointer.IsNil() || pointer.Elem().Kind() != reflect.Struct {
		return "", value, false
	}
	member := pointer.Elem()
	if name, ok := strings.CutPrefix(member.Type().Name(), union+"Member"); ok {
		return name, member.FieldByName("Value"), true
	}
	if member.Type().Name() == "UnknownUnionMember" {
		return member.FieldByName("Tag").String(), value, true
	}
	return "", value, false
}

// memberOf returns the name of the only member of a struct that the service fills:
// Block of an action that blocks. nil: it fills none.
func memberOf[T any](choice *T) *string {
	if choice == nil {
		return nil
	}
	value := reflect.ValueOf(choice).Elem()
	for i := range value.NumField() {
		if field := value.Type().Field(i); field.IsExported() && present(value.Field(i)) {
			return &field.Name
		}
	}
	return nil
}

// editJSON lets edit change each object of a JSON value, the inner ones first.
func editJSON(value schema.JSON, edit func(object map[string]any)) schema.JSON {
	if value == nil {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(value))
	d.UseNumber()
	var tree any
	if err := d.Decode(&tree); err != nil {
		panic(err) // jsonOf wrote it
	}
	editObjects(tree, edit)
	edited, err := json.Marshal(tree)
	if err != nil {
		panic(err) // as above
	}
	return edited
}

func editObjects(tree any, edit func(object map[string]any)) {
	switch v := tree.(type) {
	case []any:
		for _, element := range v {
			editObjects(element, edit)
		}
	case map[string]any:
		for _, member := range v {
			editObjects(member, edit)
		}
		edit(v)
	}
}

// appendNumber writes a number of a document as it came.
func appendNumber(dst []byte, number string) []byte {
	if !json.Valid([]byte(number)) {
		return append(dst, "null"...) // NaN and the infinities
	}
	return append(dst, number...)
}

func appendKey(dst []byte, name string, first *bool) []byte {
	if !*first {
		dst = append(dst, ',')
	}
	*first = false
	return append(appendText(dst, name), ':')
}

func appendText(dst []byte, s string) []byte {
	quoted, err := json.Marshal(s)
	if err != nil {
		panic(err) // encoding/json marshals every string
	}
	return append(dst, quoted...)
}

// jsonArray is jsonOf for a list that is known: an empty one is [], not null.
func jsonArray[T any](list []T) schema.JSON {
	if len(list) == 0 {
		return schema.JSON("[]")
	}
	return jsonOf(list)
}

// jsonObject is jsonOf for an object that is known: an empty one is {}, not null.
func jsonObject[V any](object map[string]V) schema.JSON {
	if len(object) == 0 {
		return schema.JSON("{}")
	}
	return jsonOf(object)
}
