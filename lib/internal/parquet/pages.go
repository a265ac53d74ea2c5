package parquet

import (
	"encoding/binary"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/format"
)

// chunk reads the values of one column in one row group, one after the other. It
// holds the dictionary and one page at a time.
type chunk struct {
	layout   layout
	optional bool
	codec    format.CompressionCodec
	zstd     *zstd.Decoder
	budget   *int64 // bytes that all pages of the file may still have

	pages []byte // what was not read yet
	left  int64  // values in pages

	// The dictionary: its page, and where each entry begins in it.
	dictionary []byte
	entries    []uint32

	// The page that is being read.
	buffer  []byte // holds it if it was compressed
	inPage  int    // values left, nulls included
	defined hybrid // for each of them, whether it is not null
	plain   []byte // values that are written out, unless indexed
	bit     uint   // of the next boolean in plain
	indexed bool
	index   hybrid
	one     [1]byte // holds a boolean
}

// next returns the next value, in the bytes that Parquet has for it (a boolean is
// one byte), or false if it is null. They are valid until the next call. Without
// values left it is an error.
func (c *chunk) next() (value []byte, ok bool, err error) {
	for c.inPage == 0 {
		if err := c.page(); err != nil {
			return nil, false, err
		}
	}
	c.inPage--
	if c.optional {
		switch level, ok := c.defined.next(); {
		case !ok || level > 1:
			return nil, false, corrupt("the definition levels are malformed")
		case level == 0:
			return nil, false, nil
		}
	}
	switch {
	case c.indexed:
		value, ok = c.fromDictionary()
	case c.layout.physical == format.Boolean:
		value, ok = c.boolean()
	default:
		value, c.plain, ok = c.split(c.plain)
	}
	if !ok {
		return nil, false, corrupt("a page has fewer values than its header says, or values that are malformed")
	}
	return value, true, nil
}

func (c *chunk) fromDictionary() ([]byte, bool) {
	i, ok := c.index.next()
	if !ok || uint64(i) >= uint64(len(c.entries)) {
		return nil, false
	}
	value, _, ok := c.split(c.dictionary[c.entries[i]:])
	return value, ok
}

func (c *chunk) boolean() ([]byte, bool) {
	if c.bit/8 >= uint(len(c.plain)) {
		return nil, false
	}
	c.one[0] = c.plain[c.bit/8] >> (c.bit % 8) & 1
	c.bit++
	return c.one[:], true
}

// split cuts the first value from values that are written out.
func (c *chunk) split(b []byte) (value, rest []byte, ok bool) {
	n := uint64(c.layout.length)
	if c.layout.physical == format.ByteArray {
		if len(b) < 4 {
			return nil, nil, false
		}
		n, b = uint64(binary.LittleEndian.Uint32(b)), b[4:]
	}
	if n > uint64(len(b)) {
		return nil, nil, false
	}
	return b[:n:n], b[n:], true
}

// end checks that nothing is left.
func (c *chunk) end() error {
	if c.inPage > 0 || c.left > 0 || len(c.pages) > 0 {
		return corrupt("there are more values than rows")
	}
	return nil
}

// page reads the next page.
func (c *chunk) page() error {
	if len(c.pages) == 0 {
		return corrupt("there are fewer values than rows")
	}
	var header format.PageHeader
	n, err := unmarshal(c.pages[:min(len(c.pages), maxPageHeader)], &header)
	if err != nil {
		return corrupt("the header of a page cannot be read: %v", err)
	}
	size := int64(header.CompressedPageSize)
	if size < 0 || size > int64(len(c.pages)-n) || header.UncompressedPageSize < 0 {
		return corrupt("a page claims %d bytes, %d uncompressed; %d are left", size, header.UncompressedPageSize,
			len(c.pages)-n)
	}
	if *c.budget -= int64(header.UncompressedPageSize); *c.budget < 0 {
		return refuse(ReasonTooLarge, "the pages have more than %d bytes uncompressed", MaxDecoded)
	}
	body := c.pages[n : n+int(size)]
	c.pages = c.pages[n+int(size):]
	switch {
	case header.Type == format.DictionaryPage && header.DictionaryPageHeader.Valid:
		return c.readDictionary(header.DictionaryPageHeader.V, body, int(header.UncompressedPageSize))
	case header.Type == format.DataPage && header.DataPageHeader.Valid:
		return c.readPageV1(header.DataPageHeader.V, body, int(header.UncompressedPageSize))
	case header.Type == format.DataPageV2 && header.DataPageHeaderV2.Valid:
		return c.readPageV2(header.DataPageHeaderV2.V, body, int(header.UncompressedPageSize))
	}
	return corrupt("a page has the unknown type %v", header.Type)
}

func (c *chunk) readDictionary(h format.DictionaryPageHeader, body []byte, size int) error {
	if c.dictionary != nil || h.Encoding != format.Plain ||
		c.layout.physical == format.Boolean {
		return corrupt("an unexpected dictionary, in encoding %v", h.Encoding)
	}
	// The dictionary outlives the pages: it gets a buffer of its own.
	dictionary, err := c.decompress(make([]byte, 0, size), body, size)
	if err != nil {
		return err
	}
	if h.NumValues < 0 || int64(h.NumValues) > c.left {
		return corrupt("a dictionary claims %d entries for %d values", h.NumValues, c.left)
	}
	c.dictionary, c.entries = dictionary, make([]uint32, h.NumValues)
	rest := dictionary
	for i := range c.entries {
		c.entries[i] = uint32(len(dictionary) - len(rest))
		var ok bool
		if _, rest, ok = c.split(rest); !ok {
			return corrupt("a dictionary has fewer entries than its header says")
		}
	}
	if len(rest) > 0 {
		return corrupt("a dictionary has more entries than its header says")
	}
	return nil
}

func (c *chunk) readPageV1(h format.DataPageHeader, body []byte, size int) error {
	page, err := c.decompressPage(body, size)
	if err != nil {
		return err
	}
	var levels []byte
	if c.optional {
		if h.DefinitionLevelEncoding != format.RLE {
			return corrupt("definition levels are in encoding %v", h.DefinitionLevelEncoding)
		}
		if len(page) < 4 || uint64(binary.LittleEndian.Uint32(page)) > uint64(len(page)-4) {
			return corrupt("the definition levels are longer than their page")
		}
		n := 4 + int(binary.LittleEndian.Uint32(page))
		levels, page = page[4:n], page[n:]
	}
	return c.begin(h.NumValues, h.Encoding, levels, page)
}

func (c *chunk) readPageV2(h format.DataPageHeaderV2, body []byte, size int) error {
	n := int(h.DefinitionLevelsByteLength)
	if n < 0 || n > len(body) || n > size || h.RepetitionLevelsByteLength != 0 || h.NumRows != h.NumValues {
		return corrupt("a page of %d values has %d rows, %d bytes of definition and %d of repetition levels",
			h.NumValues, h.NumRows, n, h.RepetitionLevelsByteLength)
	}
	levels, page := body[:n], body[n:]
	if h.IsCompressed.Valid && !h.IsCompressed.V {
		if len(page) != size-n {
			return corrupt("a page has %d bytes, its header says %d", len(page), size-n)
		}
		return c.begin(h.NumValues, h.Encoding, levels, page)
	}
	page, err := c.decompressPage(page, size-n)
	if err != nil {
		return err
	}
	return c.begin(h.NumValues, h.Encoding, levels, page)
}

// begin makes a page the one that next reads from.
func (c *chunk) begin(values int32, encoding format.Encoding, levels, page []byte) error {
	if values < 1 || int64(values) > c.left {
		return corrupt("a page claims %d values, %d are left", values, c.left)
	}
	c.left -= int64(values)
	c.inPage = int(values)
	c.defined = hybrid{rest: levels, width: 1}
	c.plain, c.bit = page, 0
	switch encoding {
	case format.Plain:
		c.indexed = false
		return nil
	case format.RLEDictionary:
		if c.dictionary == nil {
			return corrupt("a page refers to a dictionary that is not there")
		}
		c.indexed = true
		if values == 0 || len(page) == 0 { // no index is needed where all values are null
			c.index = hybrid{}
			return nil
		}
		if page[0] > 32 {
			return corrupt("indexes into a dictionary have %d bits", page[0])
		}
		c.index = hybrid{width: uint(page[0]), rest: page[1:]}
		return nil
	}
	return corrupt("a page is in encoding %v, which this package does not write", encoding)
}

func (c *chunk) decompressPage(body []byte, size int) ([]byte, error) {
	if cap(c.buffer) < size {
		c.buffer = make([]byte, 0, size)
	}
	return c.decompress(c.buffer[:0], body, size)
}

// decompress returns the body of a page, which must have that size: in buffer, which
// must have room for it, or, if it is not compressed, where it is.
func (c *chunk) decompress(buffer, body []byte, size int) ([]byte, error) {
	switch c.codec {
	case format.Uncompressed:
		if len(body) == size {
			return body, nil
		}
	case format.Zstd:
		page, err := c.zstd.DecodeAll(body, buffer[:0:size])
		if err == nil && len(page) == size {
			return page, nil
		}
	}
	return nil, corrupt("a page cannot be decompressed from %d to %d bytes (%v)", len(body), size, c.codec)
}
