package rowjson_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/hubspoke/observability/lib/internal/jsontest"
	"github.com/hubspoke/observability/lib/rowjson"
	"github.com/hubspoke/observability/lib/schema"
)

// FuzzDecode compares the decoder with encoding/json and package time: the same
// rows are accepted, with equal values.
func FuzzDecode(f *testing.F) {
	f.Add([]byte("{" + minimal + "}"))
	f.Add([]byte("{" + minimal + `,"text":"é\ud83d\ude00\n","details":{"b":[1.0, null],"a":"\u0041"},"x":{"y":1},"count_n":null}`))
	for _, test := range refusals() {
		if len(test.row) < 1000 {
			f.Add([]byte(test.row))
		}
	}
	f.Fuzz(func(t *testing.T, row []byte) {
		mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
		defer mem.AssertSize(t, 0)
		d := rowjson.NewDecoder(items.Table, mem)
		defer d.Release()

		before := bytes.Clone(row)
		err := d.Append(row, "")
		if !bytes.Equal(row, before) {
			t.Fatal("the row was changed")
		}
		want, wantErr := decodeSlowly(row)
		if len(row) > schema.MaxRow {
			wantErr = errors.New("too long")
		}
		if errors.Is(wantErr, jsontest.ErrUndecided) {
			return
		}
		if err != nil {
			var got *schema.RowError
			if !errors.As(err, &got) || got.Offset < 0 || got.Offset > len(row) || got.Detail == "" || d.Len() != 0 ||
				d.Bytes() != 0 {
				t.Fatalf("not a proper refusal: %#v", err)
			}
			if wantErr == nil {
				t.Fatalf("%q is refused: %v", row, err)
			}
			return
		}
		if d.Bytes() > schema.MaxRow || len(row) > schema.MaxRow {
			t.Fatalf("a row of %d bytes, %d decoded, is accepted", len(row), d.Bytes())
		}
		if wantErr != nil {
			t.Fatalf("%q is accepted, but %v", row, wantErr)
		}
		rec := d.Record()
		defer rec.Release()
		e, err := rowjson.NewEncoder(items.Table, rec)
		if err != nil {
			t.Fatal(err)
		}
		encoded := e.AppendRow(nil, 0)
		got, err := decodeSlowly(encoded)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%q\nbecame %q\ngot  %v, %v\nwant %v", row, encoded, got, err, want)
		}
		if err := d.Append(encoded, ""); err != nil {
			t.Fatal(err)
		}
		again := d.Record()
		defer again.Release()
		requireEqual(t, again, rec)
	})
}

var (
	timestampRE = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$`)
	integerRE   = regexp.MustCompile(`^-?\d+$`)
)

// decodeSlowly decodes a row of items with encoding/json, strictly.
func decodeSlowly(row []byte) (map[string]any, error) {
	// A value may nest schema.MaxDepth levels deep; the row is one more.
	value, err := jsontest.Decode(row, schema.MaxDepth+1)
	if err != nil {
		return nil, err
	}
	members, ok := value.(map[string]any)
	if !ok {
		return nil, errors.New("not an object")
	}
	values := map[string]any{}
	for _, c := range items.Columns() {
		v := members[c.Name]
		if v == nil {
			if !c.Nullable {
				return nil, errors.New(c.Name + " is missing")
			}
			continue
		}
		if values[c.Name], err = cellOf(c, v); err != nil {
			return nil, err
		}
	}
	return values, nil
}

// cellOf returns the value of a column, in a form that compares with ==.
func cellOf(c schema.Column, v any) (any, error) {
	text, isText := v.(string)
	number, isNumber := v.(json.Number)
	wrong := errors.New(c.Name + " does not fit")
	switch {
	case c.Kind == schema.KindJSON:
		return v, nil
	case c.Kind == schema.KindBool:
		if _, ok := v.(bool); ok {
			return v, nil
		}
	case c.Kind == schema.KindText && isText && len(text) <= items.MaxText() && (text != "" || !c.Key):
		return text, nil
	case c.Kind == schema.KindInt64 && isNumber && integerRE.MatchString(string(number)):
		return strconv.ParseInt(string(number), 10, 64)
	case c.Kind == schema.KindFloat64 && isNumber:
		f, err := number.Float64()
		return f + 0, err // -0 + 0 is 0
	case c.Kind == schema.KindDecimal && isText:
		return schema.ParseDecimal(text)
	case c.Kind == schema.KindTimestamp && isText && timestampRE.MatchString(text):
		at, err := time.Parse(time.RFC3339Nano, text)
		if err == nil && at.Year() >= 1 {
			return at, nil
		}
	case c.Kind == schema.KindDate && isText && len(text) == len(time.DateOnly):
		day, err := schema.ParseDate(text)
		if err == nil && day.Time().Year() >= 1 {
			return day, nil
		}
	}
	return math.NaN(), wrong
}
