package load

import (
	"encoding/binary"
	"errors"

	"github.com/jackc/pgx/v5/pgtype"
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

// uuids encodes the 16-byte values of flat at the given rows, nil meaning all.
func uuids(flat []byte, rows []int32) param {
	n := len(rows)
	if rows == nil {
		n = len(flat) / idSize
	}
	b := appendArrayHeader(make([]byte, 0, 20+n*(4+idSize)), pgtype.UUIDOID, n)
	for i := range n {
		row := i
		if rows != nil {
			row = int(rows[i])
		}
		b = append(b, 0, 0, 0, idSize)
		b = append(b, flat[row*idSize:(row+1)*idSize]...)
	}
	return param{pgtype.UUIDArrayOID, b}
}

func uuidList[T ~[idSize]byte](ids []T) param {
	b := appendArrayHeader(nil, pgtype.UUIDOID, len(ids))
	for _, v := range ids {
		b = append(b, 0, 0, 0, idSize)
		b = append(b, v[:]...)
	}
	return param{pgtype.UUIDArrayOID, b}
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
