package schema

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
)

// Kind is the type of a column. The package documentation has the table of what
// each kind is in Go, JSON, Arrow, Parquet and PostgreSQL.
type Kind uint8

// The kinds of columns. The zero Kind is invalid.
const (
	KindText Kind = iota + 1
	KindInt64
	KindFloat64
	KindDecimal
	KindBool
	KindTimestamp
	KindDate
	KindJSON
)

// Precision and scale of a decimal column, in decimal digits.
const (
	DecimalPrecision = 38
	DecimalScale     = 10
)

// jsonMetadata marks a utf8 Arrow field as KindJSON.
var jsonMetadata = arrow.NewMetadata([]string{"kind"}, []string{"json"})

type kindInfo struct {
	name     string
	postgres string
	hive     string
	arrow    arrow.DataType
}

var kinds = [...]kindInfo{
	KindText:    {"text", "text", "string", arrow.BinaryTypes.String},
	KindInt64:   {"int64", "bigint", "bigint", arrow.PrimitiveTypes.Int64},
	KindFloat64: {"float64", "double precision", "double", arrow.PrimitiveTypes.Float64},
	KindDecimal: {"decimal", "numeric(38,10)", "decimal(38,10)",
		&arrow.Decimal128Type{Precision: DecimalPrecision, Scale: DecimalScale}},
	KindBool:      {"bool", "boolean", "boolean", arrow.FixedWidthTypes.Boolean},
	KindTimestamp: {"timestamp", "timestamp with time zone", "timestamp", arrow.FixedWidthTypes.Timestamp_us},
	KindDate:      {"date", "date", "date", arrow.FixedWidthTypes.Date32},
	KindJSON:      {"json", "jsonb", "string", arrow.BinaryTypes.String},
}

func (k Kind) valid() bool { return k >= KindText && k <= KindJSON }

// String returns the name of the kind as the catalog writes it.
func (k Kind) String() string {
	if !k.valid() {
		return fmt.Sprintf("Kind(%d)", uint8(k))
	}
	return kinds[k].name
}

// PostgresType returns the type of the kind's column as format_type prints it
// (PostgreSQL, chapter 9.26, System Information Functions).
func (k Kind) PostgresType() string { return kinds[k].postgres }

// HiveType returns the type of the kind's column in Hive's language of definitions, as AWS Glue
// and Athena have it for Parquet files of the archive.
func (k Kind) HiveType() string { return kinds[k].hive }

// ArrowType returns the Arrow data type of the kind.
func (k Kind) ArrowType() arrow.DataType { return kinds[k].arrow }

// KindOf returns the kind of an Arrow field made by [Table.ArrowSchema], and
// false for a field that no kind has.
func KindOf(f arrow.Field) (Kind, bool) {
	if f.Metadata.Len() > 0 && f.Metadata.FindKey("kind") >= 0 {
		return KindJSON, f.Type.ID() == arrow.STRING
	}
	for k := KindText; k < KindJSON; k++ {
		if arrow.TypeEqual(f.Type, kinds[k].arrow) {
			return k, true
		}
	}
	return 0, false
}

// Mode says what a run tells about the things it does not name.
type Mode uint8

const (
	// Snapshot categories show what there is: what a complete run that read everything
	// does not name is gone.
	Snapshot Mode = iota + 1
	// Event categories keep what their API forgets, such as forecasts and closed cases:
	// rows are added and updated, and nothing is gone by absence.
	Event
)

// String returns "snapshot" or "event".
func (m Mode) String() string {
	switch m {
	case Snapshot:
		return "snapshot"
	case Event:
		return "event"
	}
	return fmt.Sprintf("Mode(%d)", uint8(m))
}
