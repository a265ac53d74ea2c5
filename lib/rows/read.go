package rows

import (
	"fmt"
	"reflect"
	"time"
	"unsafe"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/hubspoke/observability/lib/schema"
)

// Read returns the rows of a record of c, as package archive reads them, in their
// order. They share no memory with the record, which stays the caller's to release.
// Null is a nil pointer, or JSON that is nil; times are in UTC; fields that are no
// columns are zero.
//
// A record of another schema than c.ArrowSchema() is an error, and so is null in a
// column that is not nullable. Read panics if c was not made by schema.Of for T.
func Read[T any](c schema.Category[T], rec arrow.Record) ([]T, error) {
	typ := reflect.TypeFor[T]()
	if c.Table == nil || c.GoType() != typ {
		panic(fmt.Sprintf("rows: category of %v was not made by schema.Of", typ))
	}
	if n := len(c.Columns()); rec.Schema().NumFields() != n {
		return nil, fmt.Errorf("rows: the record has %d columns, category %s has %d", rec.Schema().NumFields(), c.Name(), n)
	}
	all := make([]T, rec.NumRows())
	for i, column := range c.Columns() {
		from := rec.Schema().Field(i)
		if kind, ok := schema.KindOf(from); !ok || kind != column.Kind || from.Name != column.Name {
			return nil, fmt.Errorf("rows: column %d of the record is %s %s, in category %s it is %s of kind %s",
				i, from.Name, from.Type, c.Name(), column.Name, column.Kind)
		}
		f := typ.Field(column.Field)
		values := rec.Column(i)
		read := reader(column.Kind, values, f.Type.Kind() == reflect.Pointer)
		for row := range all {
			if !values.IsNull(row) {
				read(unsafe.Add(unsafe.Pointer(&all[row]), f.Offset), row)
			} else if !column.Nullable {
				return nil, fmt.Errorf("rows: row %d: column %s of category %s is null, and it is not nullable", row, column.Name,
					c.Name())
			}
		}
	}
	return all, nil
}

// reader returns a function that sets the field at p to a value that is not null.
// It is safe for the reasons that [field] gives.
func reader(kind schema.Kind, from arrow.Array, pointer bool) func(p unsafe.Pointer, row int) {
	switch from := from.(type) {
	case *array.String:
		if kind == schema.KindJSON {
			return setter(pointer, func(row int) schema.JSON { return schema.JSON(from.Value(row)) })
		}
		return setter(pointer, func(row int) string {
			return string([]byte(from.Value(
				row)))
		}) // the array's own text ends with it
	case *array.Int64:
		return setter(pointer, from.Value)
	case *array.Float64:
		return setter(pointer, from.Value)
	case *array.Decimal128:
		return setter(pointer, func(row int) schema.Decimal { return schema.DecimalFromUnits(from.Value(row)) })
	case *array.Boolean:
		return setter(pointer, from.Value)
	case *array.Timestamp:
		return setter(pointer, func(row int) time.Time { return time.UnixMicro(int64(from.Value(row))).UTC() })
	case *array.Date32:
		return setter(pointer, func(row int) schema.Date { return schema.Date(from.Value(row)) })
	}
	panic("rows: no kind has the Arrow type " + from.DataType().String()) // Read has looked
}

// setter returns a function that sets a field of type V, or a pointer to it.
func setter[V any](pointer bool, value func(row int) V) func(p unsafe.Pointer, row int) {
	if pointer {
		return func(p unsafe.Pointer, row int) { *(**V)(p) = new(value(row)) }
	}
	return func(p unsafe.Pointer, row int) { *(*V)(p) = value(row) }
}
