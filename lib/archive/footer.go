package archive

import (
	"encoding/binary"
	"fmt"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"github.com/hubspoke/observability/lib/schema"
)

// Limits of a file. Encode writes none that exceeds them.
const (
	// MaxFile is the length of a file in bytes.
	MaxFile = 64 << 20
	// MaxRows is how many rows a file has.
	MaxRows = 1_000_000
	// MaxDecoded is how many bytes the pages of a file, and the Arrow records that
	// are made of them, have when they are not compressed.
	MaxDecoded = 128 << 20

	maxFooter     = 4 << 20
	maxPageHeader = 1 << 20
)

var magic = []byte("PAR1")

// unmarshal decodes the struct that b begins with and returns its length. It
// believes nothing of b.
func unmarshal(b []byte, v any) (n int, err error) {
	if n, err = checkThrift(b); err != nil {
		return 0, err
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", errThrift, p)
		}
	}()
	return n, thrift.Unmarshal(new(thrift.CompactProtocol), b[:n], v)
}

// readFooter reads the metadata at the end of a file, and returns also what is
// before it.
func readFooter(data []byte) (*format.FileMetaData, []byte, error) {
	const frame = 4 + 4 + 4 // magic at both ends, length of the metadata
	if len(data) < frame || string(data[:4]) != string(magic) || string(data[len(data)-4:]) != string(magic) {
		return nil, nil, corrupt("the file does not begin and end with %s", magic)
	}
	size := int64(binary.LittleEndian.Uint32(data[len(data)-8:]))
	if size > maxFooter {
		return nil, nil, refuse(ReasonTooLarge, "the metadata has %d bytes, more than %d", size, maxFooter)
	}
	if size > int64(len(data)-frame) {
		return nil, nil, corrupt("the metadata has %d bytes, the file %d", size, len(data))
	}
	pages, footer := data[:len(data)-8-int(size)], data[len(data)-8-int(size):len(data)-8]
	metadata := new(format.FileMetaData)
	if n, err := unmarshal(footer, metadata); err != nil || n != len(footer) {
		return nil, nil, corrupt("the metadata cannot be read: %v", err)
	}
	return metadata, pages, nil
}

// leaves returns the columns of a file, which must be flat, by name.
func leaves(metadata *format.FileMetaData) (map[string]int, error) {
	elements := metadata.Schema
	if len(elements) == 0 || int(elements[0].NumChildren.V) != len(elements)-1 {
		return nil, corrupt("the schema is not a flat list of columns")
	}
	byName := make(map[string]int, len(elements))
	for i, e := range elements[1:] {
		if e.NumChildren.V != 0 || !e.Type.Valid || e.RepetitionType.V == format.Repeated {
			return nil, corrupt("column %.60q is nested or repeated", e.Name)
		}
		if _, twice := byName[e.Name]; twice {
			return nil, corrupt("column %.60q is there twice", e.Name)
		}
		byName[e.Name] = i
	}
	return byName, nil
}

// layout is how Parquet stores a kind.
type layout struct {
	physical format.Type
	length   int // bytes of a value of fixed length, 0 for the others
	logical  string
}

var layouts = map[schema.Kind]layout{
	schema.KindText:      {format.ByteArray, 0, "STRING"},
	schema.KindInt64:     {format.Int64, 8, "INT(64,true)"},
	schema.KindFloat64:   {format.Double, 8, ""},
	schema.KindDecimal:   {format.FixedLenByteArray, 16, "DECIMAL(38,10)"},
	schema.KindBool:      {format.Boolean, 0, ""},
	schema.KindTimestamp: {format.Int64, 8, "TIMESTAMP(isAdjustedToUTC=true,unit=MICROS)"},
	schema.KindDate:      {format.Int32, 4, "DATE"},
	schema.KindJSON:      {format.ByteArray, 0, "JSON"},
}

// checkType compares a column of a file with one of the table.
func checkType(c schema.Column, e format.SchemaElement) error {
	want := layouts[c.Kind]
	logical := ""
	if e.LogicalType.Value != nil {
		logical = e.LogicalType.Value.String()
	}
	if e.Type.V != want.physical || logical != want.logical ||
		want.physical == format.FixedLenByteArray && int(e.TypeLength.V) != want.length {
		return refuse(ReasonColumn, "column %s is %v (%d) %.60q in the file, and %v is %v (%d) %q",
			c.Name, e.Type.V, e.TypeLength.V, logical, c.Kind, want.physical, want.length, want.logical)
	}
	return nil
}
