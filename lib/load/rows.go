package load

import (
	"crypto/sha256"
	"encoding/binary"
	"math"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/hubspoke/observability/lib/schema"
)

const idSize = 16

// id is a row key or a row hash.
type id = [idSize]byte

const (
	// scopePrefix is how many bytes of a row key come from (category, account,
	// region): rows of a scope lie together, and a scope is a range of the key.
	scopePrefix = 6
	// keySuffix is how many come from (category, account, region) and the key columns.
	keySuffix = idSize - scopePrefix
)

// keyPrefix returns the part of a row key that all rows of a scope share. Another
// scope may share it: 48 bits can be searched. The rest of the key depends on the scope,
// too, so that no account can aim at the rows of another.
func keyPrefix(s schema.Scope) (p [scopePrefix]byte) {
	d := schema.Digest(s.Category, s.Account, s.Region)
	copy(p[:], d[:])
	return p
}

// keyRange returns the first and the last key that rows of the scope can have.
func keyRange(s schema.Scope) (first, last id) {
	p := keyPrefix(s)
	copy(first[:], p[:])
	copy(last[:], p[:])
	for i := scopePrefix; i < idSize; i++ {
		last[i] = 0xff
	}
	return first, last
}

// fingerprint is what a key adds, by exclusive or, to the fingerprint of a set of keys.
func fingerprint(key []byte) int64 { return int64(binary.BigEndian.Uint64(key[idSize-8:])) }

// identifier computes row keys and row hashes of one record. Values are written
// into buffers, each with its length before it, and hashed.
type identifier struct {
	keys, others []valueWriter

	scope  schema.Scope
	prefix [scopePrefix]byte
	// key holds what is hashed for a key: first, scoped bytes long, the scope.
	key    []byte
	scoped int
	// content holds what is hashed for a hash.
	content []byte
}

// valueWriter appends the bytes of one column's values for hashing.
type valueWriter struct {
	tag   [4]byte
	array arrow.Array
	value func(b []byte, row int) []byte
}

func newIdentifier(t *schema.Table, rec arrow.Record) *identifier {
	x := &identifier{}
	for i, c := range t.Columns() {
		w := valueWriter{c.Tag(), rec.Column(i), valueOf(rec.Column(i))}
		if c.Key {
			x.keys = append(x.keys, w)
		} else {
			x.others = append(x.others, w)
		}
	}
	return x
}

// valueOf returns a function that appends a value with its length before it.
func valueOf(a arrow.Array) func(b []byte, row int) []byte {
	word := func(b []byte, v uint64) []byte {
		return binary.BigEndian.AppendUint64(append(b, 0, 0, 0, 8), v)
	}
	switch a := a.(type) {
	case *array.String:
		offsets, bytes := a.ValueOffsets(), a.ValueBytes()
		base := offsets[0]
		return func(b []byte, row int) []byte {
			v := bytes[offsets[row]-base : offsets[row+1]-base]
			return append(binary.BigEndian.AppendUint32(b, uint32(len(v))), v...)
		}
	case *array.Int64:
		values := a.Int64Values()
		return func(b []byte, row int) []byte { return word(b, uint64(values[row])) }
	case *array.Float64:
		values := a.Float64Values()
		return func(b []byte, row int) []byte { return word(b, math.Float64bits(values[row])) }
	case *array.Timestamp:
		values := a.TimestampValues()
		return func(b []byte, row int) []byte { return word(b, uint64(values[row])) }
	case *array.Date32:
		values := a.Date32Values()
		return func(b []byte, row int) []byte { return word(b, uint64(values[row])) }
	case *array.Boolean:
		return func(b []byte, row int) []byte {
			v := uint64(0)
			if a.Value(row) {
				v = 1
			}
			return word(b, v)
		}
	case *array.Decimal128:
		values := a.Values()
		return func(b []byte, row int) []byte {
			b = append(b, 0, 0, 0, 16)
			b = binary.BigEndian.AppendUint64(b, uint64(values[row].HighBits()))
			return binary.BigEndian.AppendUint64(b, values[row].LowBits())
		}
	}
	panic("load: a record's column has the Arrow type " + a.DataType().String() + ", which no kind has")
}

// setScope says which scope the next rows belong to. Their slice is among the key
// columns.
func (x *identifier) setScope(s schema.Scope) {
	s.Slice = ""
	if s == x.scope {
		return
	}
	x.scope, x.prefix, x.key = s, keyPrefix(s), x.key[:0]
	for _, part := range []string{s.Category, s.Account, s.Region} {
		x.key = binary.BigEndian.AppendUint32(x.key, uint32(len(part)))
		x.key = append(x.key, part...)
	}
	x.scoped = len(x.key)
}

// appendKey appends the key of a row.
func (x *identifier) appendKey(dst []byte, row int) []byte {
	x.key = x.key[:x.scoped]
	for i := range x.keys {
		x.key = x.keys[i].value(x.key, row)
	}
	sum := sha256.Sum256(x.key)
	return append(append(dst, x.prefix[:]...), sum[:keySuffix]...)
}

// appendHash appends the hash of a row: of the tag and value of every column that
// is not null and not in the key. A new column that is null changes no hash.
func (x *identifier) appendHash(dst []byte, row int) []byte {
	x.content = x.content[:0]
	for i := range x.others {
		c := &x.others[i]
		if c.array.IsNull(row) {
			continue
		}
		x.content = append(x.content, c.tag[:]...)
		x.content = c.value(x.content, row)
	}
	sum := sha256.Sum256(x.content)
	return append(dst, sum[:idSize]...)
}

// Identify returns the row keys and row hashes, 16 bytes each, of rows that all
// belong to scope: what the loader stores for them. Use it to compare a database
// with rows from elsewhere.
func Identify(t *schema.Table, rec arrow.Record, scope schema.Scope) (keys, hashes []byte) {
	return identify(t, rec, []Part{{Scope: scope, Rows: int(rec.NumRows())}})
}

// identify computes the identity of every row of rec; parts say which rows belong
// to which scope.
func identify(t *schema.Table, rec arrow.Record, parts []Part) (keys, hashes []byte) {
	n := int(rec.NumRows())
	keys, hashes = make([]byte, 0, n*idSize), make([]byte, 0, n*idSize)
	x := newIdentifier(t, rec)
	for _, p := range parts {
		x.setScope(p.Scope)
		for row := p.First; row < p.First+p.Rows; row++ {
			keys = x.appendKey(keys, row)
			hashes = x.appendHash(hashes, row)
		}
	}
	return keys, hashes
}
