package collectors

import (
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

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

// integer widens n; nil stays nil.
func integer(n *int32) *int64 {
	if n == nil {
		return nil
	}
	wide := int64(*n)
	return &wide
}

// jsonOf returns an SDK value as JSON with the names of the AWS API. What AWS
// left out is left out: nil pointers, empty texts, lists and objects; an empty
// list or nil pointer as the value itself is null.
func jsonOf(v any) schema.JSON {
	value := reflect.ValueOf(v)
	if !present(value) {
		return nil
	}
	return appendJSON(nil, value)
}

var timeType = reflect.TypeFor[time.Time]()

// present reports whether AWS sent the value.
func present(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		return !v.IsNil()
	case reflect.Slice, reflect.Map, reflect.String:
		return v.Len() > 0
	case reflect.Float64, reflect.Float32:
		return !math.IsNaN(v.Float()) && !math.IsInf(v.Float(), 0)
	}
	return v.IsValid()
}

func appendJSON(dst []byte, v reflect.Value) []byte {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		return appendJSON(dst, v.Elem())
	case reflect.Struct:
		if v.Type() == timeType {
			return v.Interface().(time.Time).UTC().AppendFormat(dst, `"`+time.RFC3339Nano+`"`)
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
	case reflect.Int32, reflect.Int64, reflect.Int:
		return strconv.AppendInt(dst, v.Int(), 10)
	case reflect.Float32, reflect.Float64:
		if !present(v) {
			return append(dst, "null"...)
		}
		return strconv.AppendFloat(dst, v.Float(), 'g', -1, 64)
	case reflect.String:
		return appendText(dst, v.String())
	}
	return append(dst, "null"...)
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
