package rowjson

import (
	"fmt"
	"math"
	"strconv"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/hubspoke/observability/lib/internal/jsonscan"
	"github.com/hubspoke/observability/lib/schema"
)

// Encoder writes the rows of one Arrow record as JSON objects. It is safe for
// concurrent use, and valid until the record is released.
type Encoder struct {
	columns []encoderColumn
}

// encoderColumn is a column bound to its array in the record.
type encoderColumn struct {
	token string // "name":
	array arrow.Array
	nulls bool
	value func(dst []byte, row int) []byte
}

// NewEncoder binds the columns of rec, which must have the schema of the table,
// t.ArrowSchema(), and hold valid text and canonical JSON, as all records of this
// module do. The encoder does not retain rec.
func NewEncoder(t *schema.Table, rec arrow.Record) (*Encoder, error) {
	if err := checkSchema(t, rec.Schema()); err != nil {
		return nil, fmt.Errorf("rowjson: category %s: %w", t.Name(), err)
	}
	e := &Encoder{columns: make([]encoderColumn, len(t.Columns()))}
	for i, c := range t.Columns() {
		a := rec.Column(i)
		e.columns[i] = encoderColumn{`"` + c.Name + `":`, a, a.NullN() > 0, valueOf(c.Kind, a)}
	}
	return e, nil
}

func checkSchema(t *schema.Table, s *arrow.Schema) error {
	if s.NumFields() != len(t.Columns()) {
		return fmt.Errorf("the record has %d columns, the table %d", s.NumFields(), len(t.Columns()))
	}
	for i, c := range t.Columns() {
		f := s.Field(i)
		if kind, ok := schema.KindOf(f); f.Name != c.Name || !ok || kind != c.Kind {
			return fmt.Errorf("column %d of the record is %s %s, in the table it is %s of kind %s", i, f.Name, f.Type, c.Name,
				c.Kind)
		}
	}
	return nil
}

// AppendRow appends a row as one JSON object: keys in table order, nulls left out,
// no line break.
func (e *Encoder) AppendRow(dst []byte, row int) []byte {
	dst = append(dst, '{')
	first := true
	for i := range e.columns {
		c := &e.columns[i]
		if c.nulls && c.array.IsNull(row) {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = c.value(append(dst, c.token...), row)
	}
	return append(dst, '}')
}

// valueOf returns a function that appends a value of the array as JSON.
func valueOf(kind schema.Kind, a arrow.Array) func(dst []byte, row int) []byte {
	switch a := a.(type) {
	case *array.String:
		text := textOf(a)
		if kind == schema.KindJSON {
			return func(dst []byte, row int) []byte { return append(dst, text(row)...) }
		}
		return func(dst []byte, row int) []byte { return jsonscan.AppendString(dst, text(row)) }
	case *array.Int64:
		values := a.Int64Values()
		return func(dst []byte, row int) []byte { return strconv.AppendInt(dst, values[row], 10) }
	case *array.Float64:
		values := a.Float64Values()
		return func(dst []byte, row int) []byte { return appendFloat(dst, values[row]) }
	case *array.Decimal128:
		values := a.Values()
		return func(dst []byte, row int) []byte { return append(appendDecimal(append(dst, '"'), values[row]), '"') }
	case *array.Boolean:
		return func(dst []byte, row int) []byte { return strconv.AppendBool(dst, a.Value(row)) }
	case *array.Timestamp:
		values := a.TimestampValues()
		return func(dst []byte, row int) []byte {
			return append(appendTimestamp(append(dst, '"'), int64(values[row])), '"')
		}
	case *array.Date32:
		values := a.Date32Values()
		return func(dst []byte, row int) []byte {
			return append(appendDate(append(dst, '"'), int64(values[row])), '"')
		}
	}
	panic("rowjson: no kind has the Arrow type " + a.DataType().String()) // checkSchema has looked
}

// textOf returns a function that returns a text of the array without copying it.
func textOf(a *array.String) func(row int) []byte {
	if a.Len() == 0 {
		return nil
	}
	offsets, values := a.ValueOffsets(), a.ValueBytes()
	base := offsets[0]
	return func(row int) []byte { return values[offsets[row]-base : offsets[row+1]-base] }
}

// appendFloat appends a finite number in the form of encoding/json.
func appendFloat(dst []byte, f float64) []byte {
	format := byte('f')
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	return strconv.AppendFloat(dst, f, format, -1, 64)
}
