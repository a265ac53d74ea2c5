// Package rows turns Go rows of a category into Arrow records, and back. It keeps the rules
// that package rowjson keeps for JSON, so that what a producer could gather, the
// hub can store.
package rows

import (
	"fmt"
	"reflect"
	"unsafe"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/hubspoke/observability/lib/internal/jsonscan"
	"github.com/hubspoke/observability/lib/internal/rowbuild"
	"github.com/hubspoke/observability/lib/schema"
)

// Appender appends rows of type T to an Arrow record; a failed row leaves no trace
// in any column. It is not safe for concurrent use.
type Appender[T any] struct {
	table  *schema.Table
	fields []field
	build  *rowbuild.Builder
	scan   jsonscan.Scanner
	json   []byte // canonical JSON of the row that is being appended
	nulled int    // see NulledTimes
}

// field is where the value of a column is in a row.
//
// Values are read through unsafe.Pointer, because reflection costs several times
// as much per row. It is safe: offsets and types are those that reflection gave
// for T, schema.Compile admits only the types that value reads, and a pointer into
// a row is used only while Append holds the row.
type field struct {
	schema.Column
	offset  uintptr
	pointer bool
}

// NewAppender returns an appender for rows of c. Records come from mem; nil means
// memory.DefaultAllocator. It panics if c was not made by schema.Of for T.
func NewAppender[T any](c schema.Category[T], mem memory.Allocator) *Appender[T] {
	typ := reflect.TypeFor[T]()
	if c.Table == nil || c.GoType() != typ {
		panic(fmt.Sprintf("rows: category of %v was not made by schema.Of", typ))
	}
	a := &Appender[T]{table: c.Table, build: rowbuild.New(c.Table, mem)}
	for _, column := range c.Columns() {
		f := typ.Field(column.Field)
		a.fields = append(a.fields, field{column, f.Offset, f.Type.Kind() == reflect.Pointer})
	}
	return a
}

// Append appends a copy of one row. Times are cut to microseconds and kept in UTC;
// one of a year that no column can hold is null where the column is nullable. JSON
// is brought to canonical form. U+FFFD replaces NUL and invalid UTF-8 in texts, in
// strings of JSON and in its keys, where AWS passes on what its users wrote; in a
// key column they are refused.
//
// The error is a *schema.RowError with Offset -1.
func (a *Appender[T]) Append(row *T) error {
	a.build.Clear()
	a.json = a.json[:0]
	for i := range a.fields {
		f := &a.fields[i]
		if err := a.set(&a.build.Cells[i], f, unsafe.Add(unsafe.Pointer(row), f.offset)); err != nil {
			err.Column, err.Offset = f.Name, -1
			return err
		}
	}
	if err := a.build.Check(-1); err != nil {
		return err
	}
	a.build.Append()
	return nil
}

// Slice returns the value of the slice column as the scope writes it, "" if the
// category has none.
func (a *Appender[T]) Slice(row *T) string {
	i := a.table.SliceColumn()
	if i < 0 {
		return ""
	}
	f := &a.fields[i]
	p := unsafe.Add(unsafe.Pointer(row), f.offset)
	if f.Kind == schema.KindDate {
		return value[schema.Date](p).String()
	}
	return value[string](p)
}

// NulledTimes returns how many times are null because no column can hold them, of
// all rows that were given to Append.
func (a *Appender[T]) NulledTimes() int { return a.nulled }

// Len returns the number of rows since the last record.
func (a *Appender[T]) Len() int { return a.build.Len() }

// Bytes returns about how large a record of the rows since the last one is.
func (a *Appender[T]) Bytes() int { return a.build.Bytes() }

// Record returns the rows since the last record; the caller must release it. The
// appender is ready for the next record.
func (a *Appender[T]) Record() arrow.Record { return a.build.Record() }

// Release drops the rows since the last record and gives memory back. The appender
// stays usable.
func (a *Appender[T]) Release() {
	a.build.Release()
	a.scan, a.json = jsonscan.Scanner{}, nil
}
