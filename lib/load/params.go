package load

import (
	"encoding/binary"
	"errors"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/hubspoke/observability/lib/schema"
)

// The statements that carry a value per row are sent with their parameters
// already in PostgreSQL's binary array format (array_send in
// src/backend/utils/adt/arrayfuncs.c): one append per element, and no
// description round trip.

// param is one encoded parameter.
type param struct {
	oid   uint32
	value []byte
}

// appendArrayHeader starts a one-dimensional array without nulls.
func appendArrayHeader(b []byte, element uint32, n int) []byte {
	dimensions := uint32(1)
	if n == 0 {
		dimensions = 0
	}
	b = binary.BigEndian.AppendUint32(b, dimensions)
	b = binary.BigEndian.AppendUint32(b, 0)
	b = binary.BigEndian.AppendUint32(b, element)
	if n > 0 {
		b = binary.BigEndian.AppendUint32(b, uint32(n))
		b = binary.BigEndian.AppendUint32(b, 1)
	}
	return b
}

// uuids encodes the 16-byte values that each of flat consists of.
func uuids(flat ...[]byte) param {
	n := 0
	for _, f := range flat {
		n += len(f) / idSize
	}
	b := appendArrayHeader(make([]byte, 0, 20+n*(4+idSize)), pgtype.UUIDOID, n)
	for _, f := range flat {
		for ; len(f) > 0; f = f[idSize:] {
			b = appendUUID(b, f)
		}
	}
	return param{pgtype.UUIDArrayOID, b}
}

// uuidsOf encodes those of the rows given.
func uuidsOf(rows []int32, flat []byte) param {
	b := appendArrayHeader(make([]byte, 0, 20+len(rows)*(4+idSize)), pgtype.UUIDOID, len(rows))
	for _, row := range rows {
		b = appendUUID(b, flat[int(row)*idSize:])
	}
	return param{pgtype.UUIDArrayOID, b}
}

func appendUUID(b, v []byte) []byte { return append(append(b, 0, 0, 0, idSize), v[:idSize]...) }

func uuidList[T ~[idSize]byte](ids []T) param {
	b := appendArrayHeader(nil, pgtype.UUIDOID, len(ids))
	for _, v := range ids {
		b = appendUUID(b, v[:])
	}
	return param{pgtype.UUIDArrayOID, b}
}

func uuid[T ~[idSize]byte](v T) param { return param{pgtype.UUIDOID, v[:]} }
func text(v string) param             { return param{pgtype.TextOID, []byte(v)} }
func bigintOf(v int64) param {
	return param{pgtype.Int8OID, binary.BigEndian.AppendUint64(nil, uint64(v))}
}
func int4(v int) param { return param{pgtype.Int4OID, binary.BigEndian.AppendUint32(nil, uint32(v))} }

// postgresEpoch is 2000-01-01 in microseconds since 1970.
const postgresEpoch = 946_684_800_000_000

// timestamptz encodes the start of a run.
func timestamptz(run schema.RunID) []byte {
	return binary.BigEndian.AppendUint64(nil, uint64(run.Time().UnixMicro()-postgresEpoch))
}

func ints(values []int32) param {
	b := appendArrayHeader(make([]byte, 0, 20+len(values)*8), pgtype.Int4OID, len(values))
	for _, v := range values {
		b = append(b, 0, 0, 0, 4)
		b = binary.BigEndian.AppendUint32(b, uint32(v))
	}
	return param{pgtype.Int4ArrayOID, b}
}

func byteas(values [][]byte) param {
	b := appendArrayHeader(nil, pgtype.ByteaOID, len(values))
	for _, v := range values {
		b = binary.BigEndian.AppendUint32(b, uint32(len(v)))
		b = append(b, v...)
	}
	return param{pgtype.ByteaArrayOID, b}
}

func bigint(v []byte) int64  { return int64(binary.BigEndian.Uint64(v)) }
func integer(v []byte) int32 { return int32(binary.BigEndian.Uint32(v)) }

var errArray = errors.New("load: the server sent a malformed array")

// elements calls f with every element of a binary array without nulls; a nil
// array has none.
func elements(b []byte, f func(v []byte)) error {
	if b == nil {
		return nil
	}
	if len(b) < 12 {
		return errArray
	}
	if binary.BigEndian.Uint32(b) == 0 {
		return nil
	}
	if len(b) < 20 {
		return errArray
	}
	n := int(binary.BigEndian.Uint32(b[12:]))
	b = b[20:]
	for range n {
		if len(b) < 4 {
			return errArray
		}
		size := int(int32(binary.BigEndian.Uint32(b)))
		if size < 0 || len(b) < 4+size {
			return errArray
		}
		f(b[4 : 4+size])
		b = b[4+size:]
	}
	return nil
}
