package parquet

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	parquetgo "github.com/parquet-go/parquet-go"

	"github.com/hubspoke/observability/lib/schema"
)

const (
	// rowGroupRows is how many rows a row group has at most.
	rowGroupRows = 64 << 10
	// dictionaryBytes is where a column gives up its dictionary: identifiers have
	// no use for one, and everything else is smaller.
	dictionaryBytes = 64 << 10
	// valuesAtOnce is how many values are handed to parquet-go in one call.
	valuesAtOnce = 1024
)

// Encode writes the rows of rec as one Parquet file, compressed with zstd. The schema
// of rec must be t's. The order of columns in the file is that of their names. What
// [Decode] would refuse because of its size is an [*Error] with [ReasonTooLarge], and
// nothing is written.
//
// Which columns are personal data stands in the metadata of the file, by class:
// personal.columns is email:contact,user_arn:identity. So does what became of it, as
// personal.policy; "" is not said. No reader of this module looks at them.
func Encode(w io.Writer, t *schema.Table, rec arrow.Record, policy string) error {
	if !rec.Schema().Equal(t.ArrowSchema()) {
		return fmt.Errorf("parquet: the record is not one of category %s", t.Name())
	}
	if rec.NumRows() > MaxRows {
		return refuse(ReasonTooLarge, "the record has %d rows, more than %d", rec.NumRows(), MaxRows)
	}
	if n := DecodedBytes(rec); n > MaxDecoded {
		return refuse(ReasonTooLarge, "the record has %d bytes, more than %d", n, MaxDecoded)
	}
	var file bytes.Buffer
	options := []parquetgo.WriterOption{parquetSchema(t),
		parquetgo.Compression(&compression),
		parquetgo.DictionaryMaxBytes(dictionaryBytes),
		parquetgo.DataPageStatistics(false), // four times a value of any length, and the column index says the same
		parquetgo.CreatedBy("github.com/hubspoke/observability", "1", ""),
	}
	for key, value := range map[string]string{"personal.columns": personalColumns(t), "personal.policy": policy} {
		if value != "" {
			options = append(options, parquetgo.KeyValueMetadata(key, value))
		}
	}
	out := parquetgo.NewGenericWriter[any](&file, options...)
	for from := 0; from < int(rec.NumRows()); from += rowGroupRows {
		to := min(from+rowGroupRows, int(rec.NumRows()))
		if err := writeRowGroup(out, t, rec, from, to); err != nil {
			return fmt.Errorf("parquet: %w", err)
		}
	}
	if err := out.Close(); err != nil {
		return fmt.Errorf("parquet: %w", err)
	}
	data, err := boundFooter(file.Bytes())
	if err != nil {
		return err
	}
	if _, err := w.Write(data); err != nil {
		return fmt.Errorf("parquet: %w", err)
	}
	return nil
}

// personalColumns names the columns of personal data, and their classes.
func personalColumns(t *schema.Table) string {
	var texts []string
	for _, c := range t.Columns() {
		if c.Personal != "" {
			texts = append(texts, c.Name+":"+string(c.Personal))
		}
	}
	return strings.Join(texts, ",")
}

// DecodedBytes is what a record counts against [MaxDecoded], or a little more.
func DecodedBytes(rec arrow.Record) (n int64) {
	for _, column := range rec.Columns() {
		width := 8
		switch a := column.(type) {
		case *array.String:
			width = 4
			n += int64(len(a.ValueBytes()))
		case *array.Decimal128:
			width = decimalBytes
		}
		n += int64(column.Len() * width)
	}
	return n
}

func parquetSchema(t *schema.Table) *parquetgo.Schema {
	root := parquetgo.Group{}
	for _, c := range t.Columns() {
		node := parquetNode(c.Kind)
		if c.Nullable {
			node = parquetgo.Optional(node)
		} else {
			node = parquetgo.Required(node)
		}
		root[c.Name] = node
	}
	return parquetgo.NewSchema(t.Name(), root)
}

func parquetNode(k schema.Kind) parquetgo.Node {
	switch k {
	case schema.KindText:
		return parquetgo.Encoded(parquetgo.String(), &parquetgo.RLEDictionary)
	case schema.KindJSON:
		return parquetgo.Encoded(parquetgo.JSON(), &parquetgo.RLEDictionary)
	case schema.KindInt64:
		return parquetgo.Leaf(parquetgo.Int64Type)
	case schema.KindFloat64:
		return parquetgo.Leaf(parquetgo.DoubleType)
	case schema.KindDecimal:
		return parquetgo.Decimal(schema.DecimalScale, schema.DecimalPrecision, parquetgo.FixedLenByteArrayType(decimalBytes))
	case schema.KindBool:
		return parquetgo.Leaf(parquetgo.BooleanType)
	case schema.KindTimestamp:
		return parquetgo.Timestamp(parquetgo.Microsecond)
	case schema.KindDate:
		return parquetgo.Date()
	}
	panic("parquet: no Parquet type for " + k.String())
}

// decimalBytes is the size of a decimal of 38 digits.
const decimalBytes = 16

func writeRowGroup(out *parquetgo.GenericWriter[any], t *schema.Table, rec arrow.Record, from, to int) error {
	writers := out.ColumnWriters()
	values := make([]parquetgo.Value, 0, valuesAtOnce)
	for i, path := range out.Schema().Columns() {
		j, ok := t.Index(path[0])
		if !ok {
			return errors.New("no column " + path[0])
		}
		column := newValues(rec.Column(j))
		for start := from; start < to; start += valuesAtOnce {
			values = values[:0]
			for row := start; row < min(start+valuesAtOnce, to); row++ {
				values = append(values, column.value(row, i, t.Columns()[j].Nullable))
			}
			if _, err := writers[i].WriteRowValues(values); err != nil {
				return err
			}
		}
		if err := writers[i].Flush(); err != nil {
			return err
		}
	}
	return out.Flush()
}

// values reads one Arrow array as Parquet values.
type values struct {
	array arrow.Array
	get   func(row int) parquetgo.Value
}

func newValues(a arrow.Array) values {
	switch a := a.(type) {
	case *array.String:
		offsets, bytes := a.ValueOffsets(), a.ValueBytes()
		first := offsets[0]
		return values{a, func(row int) parquetgo.Value {
			return parquetgo.ByteArrayValue(bytes[offsets[row]-first : offsets[row+1]-first])
		}}
	case *array.Int64:
		return values{a, func(row int) parquetgo.Value { return parquetgo.Int64Value(a.Value(row)) }}
	case *array.Float64:
		return values{a, func(row int) parquetgo.Value { return parquetgo.DoubleValue(a.Value(row)) }}
	case *array.Boolean:
		return values{a, func(row int) parquetgo.Value { return parquetgo.BooleanValue(a.Value(row)) }}
	case *array.Timestamp:
		return values{a, func(row int) parquetgo.Value { return parquetgo.Int64Value(int64(a.Value(row))) }}
	case *array.Date32:
		return values{a, func(row int) parquetgo.Value { return parquetgo.Int32Value(int32(a.Value(row))) }}
	case *array.Decimal128:
		return values{a, func(row int) parquetgo.Value {
			n := a.Value(row)
			b := binary.BigEndian.AppendUint64(make([]byte, 0, decimalBytes), uint64(n.HighBits()))
			return parquetgo.FixedLenByteArrayValue(binary.BigEndian.AppendUint64(b, n.LowBits()))
		}}
	}
	panic(fmt.Sprintf("parquet: no Parquet type for %v", a.DataType()))
}

func (v values) value(row, column int, nullable bool) parquetgo.Value {
	switch {
	case v.array.IsNull(row):
		return parquetgo.NullValue().Level(0, 0, column)
	case nullable:
		return v.get(row).Level(0, 1, column)
	}
	return v.get(row).Level(0, 0, column)
}
