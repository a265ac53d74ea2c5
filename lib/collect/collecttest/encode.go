package collecttest

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"reflect"

	"github.com/hubspoke/observability/lib/schema"
)

var discard = slog.New(slog.DiscardHandler)

func encoder[T any](c schema.Category[T]) (encode func(*T) ([]byte, error), release func()) {
	return func(row *T) ([]byte, error) {
		v := reflect.ValueOf(row).Elem()
		out := []byte("{")
		for _, c := range c.Columns() {
			f := v.Field(c.Field)
			if f.Kind() == reflect.Pointer {
				if f.IsNil() {
					continue
				}
				f = f.Elem()
			}
			if c.Kind == schema.KindJSON && f.Len() == 0 {
				continue
			}
			b, err := json.Marshal(f.Interface())
			if err != nil {
				return nil, err
			}
			if c.Kind == schema.KindJSON {
				val, err := parseJSON(b)
				if err != nil {
					return nil, err
				}
				var buf bytes.Buffer
				e := json.NewEncoder(&buf)
				e.SetEscapeHTML(false)
				e.Encode(val)
				b = bytes.TrimSpace(buf.Bytes())
			}
			if len(out) > 1 {
				out = append(out, ',')
			}
			out = append(out, '"')
			out = append(out, c.Name...)
			out = append(out, `":`...)
			out = append(out, b...)
		}
		return append(out, '}'), nil
	}, func() {}
}
