package parquet

import (
	"encoding/binary"
	"fmt"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"github.com/hubspoke/observability/lib/schema"
)

// Limits of a file. Encode writes none that exceeds them. They are what a reader
// of files that somebody else wrote can be made to spend: a few times MaxDecoded.
const (
	// MaxFile is the length of a file in bytes.
	MaxFile = 32 << 20
	// MaxRows is how many rows a file has.
	MaxRows = 100_000
	// MaxDecoded is how many bytes the pages of a file, and the Arrow records that
	// are made of them, have when they are not compressed.
	MaxDecoded = 32 << 20

	// Files of earlier versions have values of 1 MiB in both, as bounds: four times
	// in the header of a page, and twice per column in the metadata.
	maxFooter     = 16 << 20
	maxPageHeader = 5 << 20

	// maxBound is how long the least and greatest value of a column may be for the
	// metadata to have them. Times, states and identifiers are shorter, and it is by
	// those that engines skip files.
	maxBound = 256
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

// readFooter reads the metadata at the end of a file, of at most limit bytes, and
// returns also what is before it.
func readFooter(data []byte, limit int64) (*format.FileMetaData, []byte, error) {
	const frame = 4 + 4 + 4 // magic at both ends, length of the metadata
	if len(data) < frame || string(data[:4]) != string(magic) || string(data[len(data)-4:]) != string(magic) {
		return nil, nil, corrupt("the file does not begin and end with %s", magic)
	}
	size := int64(binary.LittleEndian.Uint32(data[len(data)-8:]))
	if size > limit {
		return nil, nil, refuse(ReasonTooLarge, "the metadata has %d bytes, more than %d", size, limit)
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

// boundFooter returns a file that was just written, without the bounds of columns
// that are too long, and refuses what Decode would not read. The bounds that a
// column index has are short, and stay.
func boundFooter(file []byte) ([]byte, error) {
	metadata, pages, err := readFooter(file, int64(len(file)))
	if err != nil {
		return nil, err
	}
	decoded := int64(0)
	for _, g := range metadata.RowGroups {
		for i := range g.Columns {
			column := &g.Columns[i].MetaData
			decoded += column.TotalUncompressedSize
			if s := &column.Statistics; max(len(s.MinValue), len(s.MaxValue)) > maxBound {
				s.MinValue, s.MaxValue = nil, nil
			}
		}
	}
	if decoded > MaxDecoded {
		return nil, refuse(ReasonTooLarge, "the pages have %d bytes, more than %d", decoded, MaxDecoded)
	}
	footer, err := thrift.Marshal(new(thrift.CompactProtocol), metadata)
	if err != nil {
		return nil, fmt.Errorf("parquet: %w", err)
	}
	file = append(pages, footer...)
	file = binary.LittleEndian.AppendUint32(file, uint32(len(footer)))
	if file = append(file, magic...); len(file) > MaxFile {
		return nil, refuse(ReasonTooLarge, "the file has %d bytes, more than %d", len(file), MaxFile)
	}
	return file, nil
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
