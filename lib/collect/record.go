package collect

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/hubspoke/observability/lib/schema"
)

// keySet remembers the natural keys of a run and the rows that have them as digests,
// so that its memory is bounded by the number of rows whatever they look like.
type keySet struct {
	seen map[[16]byte]uint64 // digest of the key: of the row
	seed maphash.Seed
	text []byte
}

// seenKey says what is known of the key of a row.
type seenKey uint8

const (
	newKey  seenKey = iota
	sameRow         // an equal row had the key
	otherRow
)

// add adds a row, which is line as JSON, and says whether another one had its key.
func (s *keySet) add(rec arrow.Record, keys []int, row int, line []byte) seenKey {
	s.text = s.text[:0]
	for _, k := range keys {
		s.text = appendKey(s.text, rec.Column(k), row)
	}
	sum := sha256.Sum256(s.text)
	digest := [16]byte(sum[:16])
	if s.seen == nil {
		s.seen, s.seed = map[[16]byte]uint64{}, maphash.MakeSeed()
	}
	content := maphash.Bytes(s.seed, line)
	switch before, twice := s.seen[digest]; {
	case !twice:
		s.seen[digest] = content
		return newKey
	case before == content:
		return sameRow
	}
	return otherRow
}

// appendKey appends a value so that no two lists of values give the same bytes.
func appendKey(b []byte, column arrow.Array, row int) []byte {
	switch a := column.(type) {
	case *array.String:
		b = binary.BigEndian.AppendUint32(b, uint32(a.ValueLen(row)))
		return append(b, a.Value(row)...)
	case *array.Int64:
		return binary.BigEndian.AppendUint64(b, uint64(a.Value(row)))
	case *array.Timestamp:
		return binary.BigEndian.AppendUint64(b, uint64(a.Value(row)))
	case *array.Date32:
		return binary.BigEndian.AppendUint32(b, uint32(a.Value(row)))
	case *array.Decimal128:
		v := a.Value(row)
		b = binary.BigEndian.AppendUint64(b, uint64(v.HighBits()))
		return binary.BigEndian.AppendUint64(b, v.LowBits())
	case *array.Boolean:
		if a.Value(row) {
			return append(b, 1)
		}
		return append(b, 0)
	}
	panic(fmt.Sprintf("collect: a key column of type %v", column.DataType())) // schema allows no other
}

// keyText returns the key of a row for people.
func keyText(t *schema.Table, rec arrow.Record, row int) string {
	values := make([]string, len(t.Keys()))
	for i, k := range t.Keys() {
		values[i] = rec.Column(k).ValueStr(row)
	}
	return strings.Join(values, "/")
}

// without returns the record without the rows in skip, which are ascending. The
// caller releases it.
func without(rec arrow.Record, skip []int) (arrow.Record, error) {
	if len(skip) == 0 {
		rec.Retain()
		return rec, nil
	}
	if int64(len(skip)) == rec.NumRows() {
		return rec.NewSlice(0, 0), nil
	}
	columns := make([]arrow.Array, rec.NumCols())
	defer func() {
		for _, c := range columns {
			if c != nil {
				c.Release()
			}
		}
	}()
	for i := range columns {
		var err error
		if columns[i], err = withoutRows(rec.Column(i), skip); err != nil {
			return nil, err
		}
	}
	return array.NewRecord(rec.Schema(), columns, rec.NumRows()-int64(len(skip))), nil
}

func withoutRows(column arrow.Array, skip []int) (arrow.Array, error) {
	var pieces []arrow.Array
	from := 0
	piece := func(to int) {
		if to > from {
			pieces = append(pieces, array.NewSlice(column, int64(from), int64(to)))
		}
		from = to + 1
	}
	for _, row := range skip {
		piece(row)
	}
	piece(column.Len())
	defer func() {
		for _, p := range pieces {
			p.Release()
		}
	}()
	return array.Concatenate(pieces, memory.DefaultAllocator)
}
