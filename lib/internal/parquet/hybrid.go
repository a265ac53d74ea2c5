package parquet

import "encoding/binary"

// hybrid reads numbers in Parquet's hybrid of run lengths and bit packing, which
// levels and indexes into dictionaries are written in. It holds one run at a time:
// a run of two billion values costs nothing until somebody asks for them.
//
// https://parquet.apache.org/docs/file-format/data-pages/encodings/#RLE
type hybrid struct {
	rest   []byte
	width  uint // bits of a number, at most 32
	left   int  // numbers left in the run
	packed []byte
	bit    uint   // of the next number in packed
	value  uint32 // of a run of equal numbers, where packed is nil
}

// next returns the next number, or false where the data ends.
func (h *hybrid) next() (uint32, bool) {
	for h.left == 0 {
		if !h.run() {
			return 0, false
		}
	}
	h.left--
	if h.packed == nil {
		return h.value, true
	}
	var v uint64
	first := h.bit / 8
	for i, b := range h.packed[first:min(first+5, uint(len(h.packed)))] {
		v |= uint64(b) << (8 * i)
	}
	v = v >> (h.bit % 8) & (1<<h.width - 1)
	h.bit += h.width
	return uint32(v), true
}

// run begins the next run.
func (h *hybrid) run() bool {
	header, n := binary.Uvarint(h.rest)
	if n <= 0 || header>>1 > 1<<31-1 {
		return false
	}
	h.rest = h.rest[n:]
	count := int(header >> 1)
	if header&1 == 1 { // groups of 8 packed numbers
		size := count * int(h.width)
		if size > len(h.rest) {
			return false
		}
		h.packed, h.rest = h.rest[:size:size], h.rest[size:]
		h.bit, h.left = 0, count*8
		return true
	}
	size := int(h.width+7) / 8
	if size > len(h.rest) {
		return false
	}
	var value [4]byte
	copy(value[:], h.rest[:size])
	h.rest = h.rest[size:]
	h.packed, h.value, h.left = nil, binary.LittleEndian.Uint32(value[:]), count
	return true
}
