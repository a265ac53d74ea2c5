package parquet_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	parquetgo "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"github.com/hubspoke/observability/lib/internal/parquet"
	"github.com/hubspoke/observability/lib/schema"
)

// smallFile returns a file of n things.
func smallFile(t testing.TB, n int) []byte {
	t.Helper()
	rec := record(t, things, nil, randomThings(n, 1))
	defer rec.Release()
	return encode(t, things.Table, rec)
}

// decodeBounded decodes, and fails the test if that allocates more than limit bytes.
func decodeBounded(t testing.TB, table *schema.Table, data []byte, limit uint64) (int64, error) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got, err := parquet.Decode(t.Context(), table, data, day, nil)
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > limit {
		t.Errorf("%d bytes allocated for a file of %d (%v)", n, len(data), err)
	}
	rows := int64(0)
	for _, r := range got {
		rows += r.NumRows()
	}
	release(got)
	return rows, err
}

func TestTruncated(t *testing.T) {
	data := smallFile(t, 20)
	for n := range data {
		var refused *parquet.Error
		if _, err := parquet.Decode(t.Context(), things.Table, data[:n], day, nil); !errors.As(err, &refused) {
			t.Fatalf("%d of %d bytes: %v", n, len(data), err)
		}
	}
}

func TestFlippedBits(t *testing.T) {
	data := smallFile(t, 20)
	flips := 30_000
	if testing.Short() {
		flips = 3_000
	}
	const batch = 100 // for which memory is measured
	r := rand.New(rand.NewPCG(11, 12))
	accepted := 0
	for range flips / batch {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range batch {
			mutant := bytes.Clone(data)
			for range 1 + r.IntN(3) {
				mutant[r.IntN(len(mutant))] ^= 1 << r.IntN(8)
			}
			got, err := parquet.Decode(t.Context(), things.Table, mutant, day, nil)
			if err != nil {
				continue
			}
			accepted++
			if len(got) != 1 || got[0].NumRows() != 20 {
				t.Fatalf("%d records are taken for one of 20 rows", len(got))
			}
			release(got)
		}
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > batch<<20 {
			t.Fatalf("%d bytes allocated for %d mutants of %d bytes", n, batch, len(data))
		}
	}
	t.Logf("%d of %d mutants are readable", accepted, flips)
}

// rewrite changes the metadata of a file.
func rewrite(t testing.TB, data []byte, change func(m *format.FileMetaData)) []byte {
	t.Helper()
	size := int(binary.LittleEndian.Uint32(data[len(data)-8:]))
	return rewriteWith(t, data, data[:len(data)-8-size], change)
}

// rewriteWith puts other pages before the metadata, too.
func rewriteWith(t testing.TB, data, pages []byte, change func(m *format.FileMetaData)) []byte {
	t.Helper()
	size := int(binary.LittleEndian.Uint32(data[len(data)-8:]))
	footer := data[len(data)-8-size : len(data)-8]
	var m format.FileMetaData
	if err := thrift.Unmarshal(new(thrift.CompactProtocol), footer, &m); err != nil {
		t.Fatal(err)
	}
	change(&m)
	again, err := thrift.Marshal(new(thrift.CompactProtocol), m)
	if err != nil {
		t.Fatal(err)
	}
	return frame(pages, again)
}

// frame makes a file of pages, which begin with PAR1, and metadata.
func frame(pages, footer []byte) []byte {
	data := append(bytes.Clone(pages), footer...)
	data = binary.LittleEndian.AppendUint32(data, uint32(len(footer)))
	return append(data, "PAR1"...)
}

func TestFooterLies(t *testing.T) {
	good := smallFile(t, 20)
	type metadata = format.FileMetaData
	first := func(m *metadata) *format.ColumnMetaData { return &m.RowGroups[0].Columns[0].MetaData }
	tests := []struct {
		name   string
		change func(m *metadata)
		reason schema.Reason
	}{
		{"rows", func(m *metadata) { m.NumRows++ }, parquet.ReasonCorrupt},
		{"rows negative", func(m *metadata) { m.NumRows = -1 }, parquet.ReasonTooLarge},
		{"2^62 rows", func(m *metadata) { m.NumRows = 1 << 62 }, parquet.ReasonTooLarge},
		{"rows everywhere", func(m *metadata) {
			m.NumRows++
			m.RowGroups[0].NumRows++
			for i := range m.RowGroups[0].Columns {
				m.RowGroups[0].Columns[i].MetaData.NumValues++
			}
		}, parquet.ReasonCorrupt},
		{"a million rows", func(m *metadata) {
			m.NumRows, m.RowGroups[0].NumRows = parquet.MaxRows, parquet.MaxRows
			for i := range m.RowGroups[0].Columns {
				m.RowGroups[0].Columns[i].MetaData.NumValues = parquet.MaxRows
			}
		}, parquet.ReasonCorrupt},
		{"fewer rows everywhere", func(m *metadata) {
			m.NumRows--
			m.RowGroups[0].NumRows--
			for i := range m.RowGroups[0].Columns {
				m.RowGroups[0].Columns[i].MetaData.NumValues--
			}
		}, parquet.ReasonCorrupt},
		{"row group negative", func(m *metadata) { m.RowGroups[0].NumRows = -1 }, parquet.ReasonCorrupt},
		{"row group twice", func(m *metadata) { m.RowGroups = append(m.RowGroups, m.RowGroups[0]) }, parquet.ReasonCorrupt},
		{"no row group", func(m *metadata) { m.RowGroups = nil }, parquet.ReasonCorrupt},
		{"10^5 row groups", func(m *metadata) {
			for range 100_000 {
				m.RowGroups = append(m.RowGroups, format.RowGroup{})
			}
		}, parquet.ReasonCorrupt},
		{"10^6 columns", func(m *metadata) {
			for range 1_000_000 {
				m.Schema = append(m.Schema, format.SchemaElement{Name: "x"})
			}
		}, parquet.ReasonCorrupt},
		{"a column missing in a row group", func(m *metadata) { m.RowGroups[0].Columns = m.RowGroups[0].Columns[1:] },
			parquet.ReasonCorrupt},
		{"values", func(m *metadata) { first(m).NumValues++ }, parquet.ReasonCorrupt},
		{"offset before the file", func(m *metadata) { first(m).DataPageOffset, first(m).DictionaryPageOffset = -1, 0 },
			parquet.ReasonCorrupt},
		{"offset behind the file", func(m *metadata) {
			first(m).DataPageOffset, first(m).DictionaryPageOffset = math.MaxInt64,
				0
		}, parquet.ReasonCorrupt},
		{"offset elsewhere", func(m *metadata) { first(m).DataPageOffset += 3; first(m).DictionaryPageOffset = 0 },
			parquet.ReasonCorrupt},
		{"size negative", func(m *metadata) { first(m).TotalCompressedSize = -1 }, parquet.ReasonCorrupt},
		{"size huge", func(m *metadata) { first(m).TotalCompressedSize = math.MaxInt64 }, parquet.ReasonCorrupt},
		{"size small", func(m *metadata) { first(m).TotalCompressedSize-- }, parquet.ReasonCorrupt},
		{"codec", func(m *metadata) { first(m).Codec = format.Gzip }, parquet.ReasonCorrupt},
		{"another column's values", func(m *metadata) {
			m.RowGroups[0].Columns[0], m.RowGroups[0].Columns[1] = m.RowGroups[0].Columns[1], m.RowGroups[0].Columns[0]
		}, parquet.ReasonCorrupt},
		{"no schema", func(m *metadata) { m.Schema = nil }, parquet.ReasonCorrupt},
		{"column twice", func(m *metadata) { m.Schema[2].Name = m.Schema[1].Name }, parquet.ReasonCorrupt},
		{"nested", func(m *metadata) { m.Schema[1].NumChildren = thrift.Null[int32]{V: 1, Valid: true} },
			parquet.ReasonCorrupt},
		{"repeated", func(m *metadata) { m.Schema[1].RepetitionType.V = format.Repeated }, parquet.ReasonCorrupt},
		{"required for optional", func(m *metadata) {
			for i := range m.Schema[1:] {
				m.Schema[1+i].RepetitionType.V = format.Required
			}
		}, parquet.ReasonCorrupt},
		{"decimal of 10^9 bytes", func(m *metadata) {
			for i := range m.Schema {
				if m.Schema[i].Name == "cost" {
					m.Schema[i].TypeLength.V = 1 << 30
				}
			}
		}, parquet.ReasonColumn},
	}
	if _, err := parquet.Decode(t.Context(), things.Table, rewrite(t, good, func(*metadata) {}), day, nil); err != nil {
		t.Fatalf("the file as it is: %v", err)
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := decodeBounded(t, things.Table, rewrite(t, good, test.change), 64<<20)
			wantReason(t, err, test.reason)
		})
	}
}

// Row groups may name the same bytes, so that a small file has the work of a large
// one many times over.
func TestBytesAreReadOnce(t *testing.T) {
	once := handmade(t, 1, format.Uncompressed, dataPage(1, 5, format.Plain, []byte("\x01\x00\x00\x00a")))
	again := rewrite(t, once, func(m *format.FileMetaData) {
		m.NumRows = 2
		m.RowGroups = append(m.RowGroups, m.RowGroups[0])
	})
	_, err := decodeBounded(t, ones.Table, again, 8<<20)
	wantReason(t, err, parquet.ReasonCorrupt)
}

// A value that is null, after megabytes of spaces, is scanned as often as a row
// refers to it.
func TestScannedBytesAreBounded(t *testing.T) {
	type raw struct {
		ID   string `parquet:"id"`
		JSON string `parquet:"json,json,dict"`
	}
	type known struct {
		ID   string      `col:"id,key"`
		JSON schema.JSON `col:"json"`
	}
	table := schema.Of[known](schema.Spec{Name: "known", Mode: schema.Event})
	null := strings.Repeat(" ", 1<<20) + "null"
	var out bytes.Buffer
	w := parquetgo.NewGenericWriter[raw](&out, parquetgo.DefaultEncodingFor(parquetgo.ByteArray, &parquetgo.Plain),
		parquetgo.DataPageStatistics(false))
	for i := range parquet.MaxDecoded>>20 + 1 {
		if _, err := w.Write([]raw{{strconv.Itoa(i), null}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := parquet.Decode(t.Context(), table.Table, out.Bytes(), "", nil)
	wantReason(t, err, parquet.ReasonTooLarge)
}

// The limit is that of all row groups together.
func TestDecodedBytesAreBounded(t *testing.T) {
	type raw struct {
		ID string `parquet:"id,dict"`
	}
	group := make([]raw, parquet.MaxRows/2)
	for i := range group {
		group[i].ID = strings.Repeat("x", parquet.MaxDecoded/parquet.MaxRows-3) // an offset has 4 bytes more
	}
	var out bytes.Buffer
	w := parquetgo.NewGenericWriter[raw](&out, parquetgo.MaxRowsPerRowGroup(parquet.MaxRows/2))
	for range 2 {
		if _, err := w.Write(group); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := parquet.Decode(t.Context(), ones.Table, out.Bytes(), "", nil)
	wantReason(t, err, parquet.ReasonTooLarge)
}

// The most that a file may have costs a few times MaxDecoded, however few bytes it
// has; one row group more, and it is refused for about the same.
func TestLargestFile(t *testing.T) {
	list := make([]one, parquet.MaxRows)
	filler := strings.Repeat("x", parquet.MaxDecoded/parquet.MaxRows-20)
	for i := range list {
		list[i].ID = fmt.Sprintf("%s%06d", filler, i)
	}
	rec := record(t, ones, nil, list)
	defer rec.Release()
	data := encode(t, ones.Table, rec)
	if len(data) > 2<<20 {
		t.Errorf("the file has %d bytes", len(data))
	}
	if rows, err := decodeBounded(t, ones.Table, data, 6*parquet.MaxDecoded); rows != parquet.MaxRows || err != nil {
		t.Errorf("%d rows, %v", rows, err)
	}
	more := rewrite(t, data, func(m *format.FileMetaData) {
		m.NumRows += m.RowGroups[1].NumRows
		m.RowGroups = append(m.RowGroups, m.RowGroups[1])
	})
	_, err := decodeBounded(t, ones.Table, more, 1<<20)
	wantReason(t, err, parquet.ReasonTooLarge)
}

func TestDecodeEndsWithTheContext(t *testing.T) {
	mem := checked(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got, err := parquet.Decode(ctx, things.Table, smallFile(t, 3), day, mem); !errors.Is(err, context.Canceled) ||
		got != nil {
		t.Errorf("got %d records, %v", len(got), err)
	}
}

func wantReason(t testing.TB, err error, want schema.Reason) {
	t.Helper()
	var refused *parquet.Error
	if !errors.As(err, &refused) || refused.Reason != want {
		t.Errorf("got %v, want an *Error with reason %s", err, want)
	}
}

func TestThriftLies(t *testing.T) {
	tests := []struct {
		name   string
		footer string
	}{
		{"nothing", ""},
		{"text of 2^31 bytes", "\x68\xff\xff\xff\xff\x07x\x00"},
		{"text of 2^63 bytes", "\x68\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01x\x00"},
		{"list of 2^31 structs", "\x49\xfc\xff\xff\xff\xff\x07\x00"},
		{"list of 2^31 texts", "\x49\xf8\xff\xff\xff\xff\x07\x00"},
		{"list of 2^31 booleans", "\x49\xf1\xff\xff\xff\xff\x07\x00"},
		{"endless number", "\x15" + strings.Repeat("\xff", 20) + "\x00"},
		{"deep", strings.Repeat("\x1c", 100_000)},
		{"deep lists", strings.Repeat("\x19", 100_000)},
		{"map", "\x1b\x01\x88\x00\x00\x00"},
		{"unknown type", "\x1d\x00"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := decodeBounded(t, things.Table, frame([]byte("PAR1"), []byte(test.footer)), 1<<20)
			wantReason(t, err, parquet.ReasonCorrupt)
		})
	}
}

// Metadata that this version does not know is ignored, unless it is nested deeper
// than any sane file.
func TestUnknownMetadata(t *testing.T) {
	good := smallFile(t, 2)
	size := int(binary.LittleEndian.Uint32(good[len(good)-8:]))
	pages, footer := good[:len(good)-8-size], good[len(good)-8-size:len(good)-9]
	nested := func(depth int) []byte {
		field := "\x0c\xc8\x01" + strings.Repeat("\x1c", depth) + strings.Repeat("\x00", depth+1)
		return frame(pages, append(bytes.Clone(footer), field+"\x00"...))
	}
	got, err := parquet.Decode(t.Context(), things.Table, nested(5), day, nil)
	if err != nil {
		t.Errorf("an unknown field: %v", err)
	}
	release(got)
	_, err = decodeBounded(t, things.Table, nested(100), 1<<20)
	wantReason(t, err, parquet.ReasonCorrupt)

	// All lists together have a limit.
	lists := func(n int) []byte {
		list := "\x09\xc8\x01\xf3" + string(binary.AppendUvarint(nil, 60_000)) + strings.Repeat("\x07", 60_000)
		return frame(pages, append(bytes.Clone(footer), strings.Repeat(list, n)+"\x00"...))
	}
	got, err = parquet.Decode(t.Context(), things.Table, lists(1), day, nil)
	if err != nil {
		t.Errorf("an unknown list: %v", err)
	}
	release(got)
	_, err = parquet.Decode(t.Context(), things.Table, lists(2), day, nil)
	wantReason(t, err, parquet.ReasonCorrupt)
}

// one is a table of a single column, for files that are made by hand.
type one struct {
	ID string `col:"id,key"`
}

var ones = schema.Of[one](schema.Spec{Name: "ones", Mode: schema.Snapshot, MaxText: schema.MaxRow})

type page struct {
	header format.PageHeader
	body   []byte
}

// handmade returns a file of one row group with those pages.
func handmade(t testing.TB, rows int64, codec format.CompressionCodec, pages ...page) []byte {
	t.Helper()
	var empty bytes.Buffer
	w := parquetgo.NewGenericWriter[any](&empty, parquetgo.NewSchema("ones", parquetgo.Group{"id": parquetgo.String()}))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	data := []byte("PAR1")
	for _, p := range pages {
		header, err := thrift.Marshal(new(thrift.CompactProtocol), p.header)
		if err != nil {
			t.Fatal(err)
		}
		data = append(append(data, header...), p.body...)
	}
	return rewriteWith(t, empty.Bytes(), data, func(m *format.FileMetaData) {
		m.NumRows = rows
		m.RowGroups = thrift.Slice[format.RowGroup]{{
			NumRows: rows,
			Columns: thrift.Slice[format.ColumnChunk]{{MetaData: format.ColumnMetaData{
				Type: format.ByteArray, Encoding: thrift.Slice[format.Encoding]{format.Plain},
				PathInSchema: thrift.Slice[string]{"id"},
				Codec:        codec, NumValues: rows, DataPageOffset: 4, TotalCompressedSize: int64(len(data) - 4),
			}}},
		}}
	})
}

func dataPage(values, uncompressed int, encoding format.Encoding, body []byte) page {
	return page{format.PageHeader{
		Type: format.DataPage, UncompressedPageSize: int32(uncompressed), CompressedPageSize: int32(len(body)),
		DataPageHeader: thrift.Null[format.DataPageHeader]{Valid: true, V: format.DataPageHeader{
			NumValues: int32(values), Encoding: encoding, DefinitionLevelEncoding: format.RLE,
			RepetitionLevelEncoding: format.RLE,
		}},
	}, body}
}

func dictionaryPage(values, uncompressed int, body []byte) page {
	return page{format.PageHeader{
		Type: format.DictionaryPage, UncompressedPageSize: int32(uncompressed), CompressedPageSize: int32(len(body)),
		DictionaryPageHeader: thrift.Null[format.DictionaryPageHeader]{Valid: true,
			V: format.DictionaryPageHeader{NumValues: int32(values)}},
	}, body}
}

func TestPageLies(t *testing.T) {
	text := func(s string) []byte {
		return append(binary.LittleEndian.AppendUint32(nil, uint32(len(s))), s...)
	}
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	bomb := z.EncodeAll(make([]byte, 100<<20), nil) // below every limit but that of its page
	oneOf20MiB := z.EncodeAll(append(text("a"), make([]byte, 20<<20-5)...), nil)
	ab := append(text("a"), text("b")...)
	large := text(strings.Repeat("x", 200<<10))
	changed := func(p page, change func(h *format.PageHeader)) page {
		change(&p.header)
		return p
	}
	plain := dataPage(2, len(ab), format.Plain, ab)
	runOfIndexes := append([]byte{1}, binary.AppendUvarint(nil, 200<<1)...)
	runOfIndexes = append(runOfIndexes, 0)
	const none, zst = format.Uncompressed, format.Zstd

	good := [][]byte{
		handmade(t, 2, none, plain),
		handmade(t, 2, none, dictionaryPage(2, len(ab), ab), dataPage(2, 3, format.RLEDictionary, []byte{1, 3, 2})),
		handmade(t, 200, none, dictionaryPage(2, len(ab), ab),
			dataPage(200, len(runOfIndexes), format.RLEDictionary, runOfIndexes)),
	}
	for i, data := range good {
		got, err := parquet.Decode(t.Context(), ones.Table, data, "", nil)
		if err != nil {
			t.Errorf("good file %d: %v", i, err)
		}
		release(got)
	}
	optional := func(level byte) []byte {
		data := handmade(t, 2, none, dataPage(2, len(ab)+6, format.Plain, append([]byte{2, 0, 0, 0, 2 << 1, level}, ab...)))
		return rewrite(t, data, func(m *format.FileMetaData) { m.Schema[1].RepetitionType.V = format.Optional })
	}
	if got, err := parquet.Decode(t.Context(), ones.Table, optional(1), "", nil); err != nil {
		t.Errorf("an optional column: %v", err)
	} else {
		release(got)
	}
	firstOnly := dataPage(2, 3, format.RLEDictionary, []byte{1, 2 << 1, 0})
	tests := []struct {
		name   string
		data   []byte
		reason schema.Reason
	}{
		{"definition level 2", optional(2), parquet.ReasonCorrupt},
		{"a page too many", handmade(t, 2, none, plain, plain), parquet.ReasonCorrupt},
		{"bomb", handmade(t, 2, zst, dataPage(2, 10, format.Plain, bomb)), parquet.ReasonCorrupt},
		{"bomb in a dictionary", handmade(t, 2, zst, dictionaryPage(2, 10, bomb)), parquet.ReasonCorrupt},
		{"bomb that says its size", handmade(t, 2, zst, dataPage(2, math.MaxInt32, format.Plain, bomb)),
			parquet.ReasonTooLarge},
		{"many pages", handmade(t, 2, zst, dataPage(1, 20<<20, format.Plain, oneOf20MiB),
			dataPage(1, 20<<20, format.Plain, oneOf20MiB)), parquet.ReasonTooLarge},
		{"large values in few indexes", handmade(t, 200, none, dictionaryPage(1, len(large), large),
			dataPage(200, len(runOfIndexes), format.RLEDictionary, runOfIndexes)), parquet.ReasonTooLarge},
		{"dictionary with too many entries", handmade(t, 2, none, dictionaryPage(3, len(ab), ab), firstOnly),
			parquet.ReasonCorrupt},
		{"dictionary with too few entries", handmade(t, 2, none, dictionaryPage(1, len(ab), ab), firstOnly),
			parquet.ReasonCorrupt},
		{"dictionary of 2^31 entries", handmade(t, 2, none, dictionaryPage(math.MaxInt32, len(ab), ab)),
			parquet.ReasonCorrupt},
		{"two dictionaries", handmade(t, 2, none, dictionaryPage(2, len(ab), ab), dictionaryPage(2, len(ab), ab), firstOnly),
			parquet.ReasonCorrupt},
		{"no dictionary", handmade(t, 2, none, dataPage(2, 3, format.RLEDictionary, []byte{1, 3, 2})), parquet.ReasonCorrupt},
		{"index outside", handmade(t, 1, none, dictionaryPage(1, 5, text("a")),
			dataPage(1, 3, format.RLEDictionary, []byte{1, 3, 1})), parquet.ReasonCorrupt},
		{"index of 33 bits", handmade(t, 2, none, dictionaryPage(2, len(ab), ab),
			dataPage(2, 3, format.RLEDictionary, []byte{33, 3, 2})), parquet.ReasonCorrupt},
		{"run of 2^31 packed groups", handmade(t, 2, none, dictionaryPage(2, len(ab), ab),
			dataPage(2, 6, format.RLEDictionary, []byte{1, 0xff, 0xff, 0xff, 0xff, 0x0f})), parquet.ReasonCorrupt},
		{"indexes end early", handmade(t, 9, none, dictionaryPage(2, len(ab), ab),
			dataPage(9, 3, format.RLEDictionary, []byte{1, 3, 2})), parquet.ReasonCorrupt},
		{"text of 4 GiB", handmade(t, 1, none, dataPage(1, 5, format.Plain, []byte("\xff\xff\xff\xffx"))),
			parquet.ReasonCorrupt},
		{"more values than rows", handmade(t, 1, none, plain), parquet.ReasonCorrupt},
		{"fewer values than rows", handmade(t, 3, none, plain), parquet.ReasonCorrupt},
		{"values negative", handmade(t, 2, none, changed(plain,
			func(h *format.PageHeader) { h.DataPageHeader.V.NumValues = -1 })), parquet.ReasonCorrupt},
		{"size negative", handmade(t, 2, none, changed(plain, func(h *format.PageHeader) { h.CompressedPageSize = -1 })),
			parquet.ReasonCorrupt},
		{"size too large", handmade(t, 2, none, changed(plain, func(h *format.PageHeader) { h.CompressedPageSize = 1000 })),
			parquet.ReasonCorrupt},
		{"decoded size negative", handmade(t, 2, none,
			changed(plain, func(h *format.PageHeader) { h.UncompressedPageSize = -1 })), parquet.ReasonCorrupt},
		{"decoded size differs", handmade(t, 2, none,
			changed(plain, func(h *format.PageHeader) { h.UncompressedPageSize++ })), parquet.ReasonCorrupt},
		{"no page header", handmade(t, 2, none, changed(plain,
			func(h *format.PageHeader) { h.DataPageHeader.Valid = false })), parquet.ReasonCorrupt},
		{"index page", handmade(t, 2, none, changed(plain, func(h *format.PageHeader) { h.Type = format.IndexPage })),
			parquet.ReasonCorrupt},
		{"encoding", handmade(t, 2, none, dataPage(2, len(ab), format.DeltaByteArray, ab)), parquet.ReasonCorrupt},
		{"no pages", handmade(t, 2, none), parquet.ReasonCorrupt},
		{"page without values", handmade(t, 2, none, dataPage(0, 0, format.Plain, nil), plain), parquet.ReasonCorrupt},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			limit := uint64(8 << 20)
			if test.reason == parquet.ReasonTooLarge { // the limits themselves were reached
				limit = 6 * parquet.MaxDecoded
			}
			_, err := decodeBounded(t, ones.Table, test.data, limit)
			wantReason(t, err, test.reason)
		})
	}
}

// Rows that break a rule of the table refuse the file.
func TestDecodeChecksRows(t *testing.T) {
	type raw struct {
		ID      string   `parquet:"id"`
		Day     int32    `parquet:"day,date"`
		Ratio   *float64 `parquet:"ratio,optional"`
		At      *int64   `parquet:"at,optional,timestamp(microsecond)"`
		Cost    [16]byte `parquet:"cost,decimal(10:38)"`
		Details string   `parquet:"details,json"`
	}
	type strict struct {
		ID      string         `col:"id,key"`
		Day     schema.Date    `col:"day,key,slice"`
		Ratio   *float64       `col:"ratio"`
		At      *time.Time     `col:"at"`
		Cost    schema.Decimal `col:"cost"`
		Details schema.JSON    `col:"details"`
	}
	table := schema.Of[strict](schema.Spec{Name: "strict", Mode: schema.Snapshot})
	tests := []struct {
		name   string
		change func(r *raw)
		column string
		reason schema.Reason
	}{
		{"good", func(*raw) {}, "", ""},
		{"NUL", func(r *raw) { r.ID = "a\x00" }, "id", schema.ReasonText},
		{"invalid UTF-8", func(r *raw) { r.ID = "a\xff" }, "id", schema.ReasonText},
		{"empty key", func(r *raw) { r.ID = "" }, "id", schema.ReasonEmptyKey},
		{"slice", func(r *raw) { r.Day++ }, "day", schema.ReasonSlice},
		{"year of a date", func(r *raw) { r.Day = math.MaxInt32 }, "day", schema.ReasonRange},
		{"NaN", func(r *raw) { r.Ratio = &list0(math.NaN())[0] }, "ratio", schema.ReasonRange},
		{"infinity", func(r *raw) { r.Ratio = &list0(math.Inf(-1))[0] }, "ratio", schema.ReasonRange},
		{"year of a time", func(r *raw) { r.At = &list0(int64(math.MinInt64))[0] }, "at", schema.ReasonRange},
		{"decimal", func(r *raw) { r.Cost = [16]byte{0x7f} }, "cost", schema.ReasonRange},
		{"long text", func(r *raw) { r.ID = strings.Repeat("x", schema.DefaultMaxText+1) }, "id", schema.ReasonTooLarge},
		{"large row", func(r *raw) { r.Details = `"` + strings.Repeat("x", schema.MaxRow) + `"` }, "", schema.ReasonTooLarge},
		{"JSON", func(r *raw) { r.Details = `{"a":01}` }, "details", schema.ReasonSyntax},
		{"JSON key twice", func(r *raw) { r.Details = `{"a":1,"a":2}` }, "details", schema.ReasonDuplicateKey},
		{"JSON empty", func(r *raw) { r.Details = "" }, "details", schema.ReasonSyntax},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			mem := checked(t)
			list := []raw{{ID: "a", Day: int32(date(day)), Details: "{}"}, {ID: "b", Day: int32(date(day)), Details: "{}"}}
			test.change(&list[1])
			var out bytes.Buffer
			w := parquetgo.NewGenericWriter[raw](&out, parquetgo.DefaultEncodingFor(parquetgo.ByteArray, &parquetgo.Plain))
			if _, err := w.Write(list); err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			got, err := parquet.Decode(t.Context(), table.Table, out.Bytes(), day, mem)
			if test.reason == "" {
				if err != nil {
					t.Fatal(err)
				}
				release(got)
				return
			}
			var row *schema.RowError
			if !errors.As(err, &row) || row.Reason != test.reason || row.Column != test.column {
				t.Fatalf("got %v, want reason %s for column %s", err, test.reason, test.column)
			}
			if !strings.Contains(err.Error(), "row 1 ") {
				t.Errorf("%v does not name row 1", err)
			}
		})
	}
}

// JSON comes back in canonical form, and null is null.
func TestDecodeCanonicalJSON(t *testing.T) {
	type raw struct {
		ID      string `parquet:"id"`
		Details string `parquet:"details,json"`
	}
	type known struct {
		ID      string      `col:"id,key"`
		Details schema.JSON `col:"details"`
	}
	table := schema.Of[known](schema.Spec{Name: "known", Mode: schema.Event})
	var out bytes.Buffer
	w := parquetgo.NewGenericWriter[raw](&out, parquetgo.DefaultEncodingFor(parquetgo.ByteArray, &parquetgo.Plain))
	if _, err := w.Write([]raw{{"a", `{ "b": 1, "a": "\u0041" }`}, {"b", " null "}}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := parquet.Decode(t.Context(), table.Table, out.Bytes(), "", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer release(got)
	rec := record(t, table, nil, []known{{ID: "a", Details: schema.JSON(`{"a":"A","b":1}`)}, {ID: "b"}})
	defer rec.Release()
	wantSame(t, got, rec)
}

// A column of the table that is in the file in another type is named.
func TestDecodeWrongColumns(t *testing.T) {
	file := func(node parquetgo.Node) []byte {
		var out bytes.Buffer
		w := parquetgo.NewGenericWriter[any](&out, parquetgo.NewSchema("x", parquetgo.Group{"id": node}))
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	for name, node := range map[string]parquetgo.Node{
		"bytes":   parquetgo.Leaf(parquetgo.ByteArrayType),
		"JSON":    parquetgo.JSON(),
		"enum":    parquetgo.Enum(),
		"integer": parquetgo.Int(64),
	} {
		_, err := parquet.Decode(t.Context(), ones.Table, file(node), "", nil)
		wantReason(t, err, parquet.ReasonColumn)
		if err != nil && !strings.Contains(err.Error(), "column id") {
			t.Errorf("%s: %v does not name the column", name, err)
		}
	}
	_, err := parquet.Decode(t.Context(), things.Table, file(parquetgo.String()), day, nil)
	wantReason(t, err, parquet.ReasonColumn)
}

func FuzzDecode(f *testing.F) {
	f.Add(smallFile(f, 0))
	f.Add(smallFile(f, 3))
	f.Add([]byte("PAR1PAR1"))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := parquet.Decode(t.Context(), things.Table, data, day, nil)
		if err == nil {
			rows, bytes := int64(0), 0
			for _, r := range got {
				rows += r.NumRows()
				for _, column := range r.Columns() {
					for _, buffer := range column.Data().Buffers() {
						if buffer != nil {
							bytes += buffer.Len()
						}
					}
				}
				if !r.Schema().Equal(things.ArrowSchema()) {
					t.Fatal(r.Schema())
				}
			}
			release(got)
			if rows > parquet.MaxRows || bytes > 2*parquet.MaxDecoded {
				t.Fatalf("%d rows and %d bytes of a file of %d", rows, bytes, len(data))
			}
			return
		}
		var refused *parquet.Error
		var row *schema.RowError
		if !errors.As(err, &refused) && !errors.As(err, &row) {
			t.Fatalf("an error of another type: %v", err)
		}
		if got != nil {
			t.Fatal("records and an error")
		}
	})
}
