package parquet

import (
	"encoding/binary"
	"errors"
)

// The metadata of a Parquet file is Thrift in the compact protocol, which says the
// lengths of texts and lists before they come. A decoder that believes them
// allocates gigabytes for a few bytes. So structs are walked before they are
// decoded: see checkThrift.

var errThrift = errors.New("malformed Thrift")

const (
	// maxThriftElements is how many elements all lists of one struct have together.
	maxThriftElements = 1 << 16
	maxThriftDepth    = 16
)

// Types of the compact protocol.
const (
	thriftTrue = iota + 1
	thriftFalse
	thriftByte
	thriftI16
	thriftI32
	thriftI64
	thriftDouble
	thriftBinary
	thriftList
	thriftSet
	thriftMap
	thriftStruct
)

// checkThrift returns the length of the struct that b begins with, or an error if
// it claims texts or lists that are longer than what b holds.
func checkThrift(b []byte) (int, error) {
	w := thriftWalker{rest: b, elements: maxThriftElements}
	if err := w.structure(maxThriftDepth); err != nil {
		return 0, err
	}
	return len(b) - len(w.rest), nil
}

type thriftWalker struct {
	rest     []byte
	elements int // how many more elements lists may have
}

func (w *thriftWalker) structure(depth int) error {
	if depth == 0 {
		return errThrift
	}
	for {
		header, err := w.byte()
		if err != nil || header == 0 {
			return err
		}
		if header>>4 == 0 { // the field's number follows; else it is a delta
			if _, err := w.varint(); err != nil {
				return err
			}
		}
		typ := header & 15
		if typ == thriftTrue || typ == thriftFalse {
			continue // a field that is a boolean has its value in the type
		}
		if err := w.value(typ, depth); err != nil {
			return err
		}
	}
}

func (w *thriftWalker) value(typ byte, depth int) error {
	switch typ {
	case thriftTrue, thriftFalse, thriftByte:
		return w.skip(1)
	case thriftI16, thriftI32, thriftI64:
		_, err := w.varint()
		return err
	case thriftDouble:
		return w.skip(8)
	case thriftBinary:
		n, err := w.varint()
		if err != nil {
			return err
		}
		return w.skip(n)
	case thriftList, thriftSet:
		return w.list(depth)
	case thriftStruct:
		return w.structure(depth - 1)
	}
	return errThrift // Parquet has no maps
}

func (w *thriftWalker) list(depth int) error {
	header, err := w.byte()
	if err != nil {
		return err
	}
	n := uint64(header >> 4)
	if n == 15 {
		if n, err = w.varint(); err != nil {
			return err
		}
	}
	if n > uint64(w.elements) {
		return errThrift
	}
	w.elements -= int(n)
	for range n {
		if err := w.value(header&15, depth-1); err != nil {
			return err
		}
	}
	return nil
}

func (w *thriftWalker) byte() (byte, error) {
	if len(w.rest) == 0 {
		return 0, errThrift
	}
	b := w.rest[0]
	w.rest = w.rest[1:]
	return b, nil
}

func (w *thriftWalker) varint() (uint64, error) {
	v, n := binary.Uvarint(w.rest)
	if n <= 0 {
		return 0, errThrift
	}
	w.rest = w.rest[n:]
	return v, nil
}

func (w *thriftWalker) skip(n uint64) error {
	if n > uint64(len(w.rest)) {
		return errThrift
	}
	w.rest = w.rest[n:]
	return nil
}
