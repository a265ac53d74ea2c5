package parquet_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"
	parquetgo "github.com/parquet-go/parquet-go"

	"github.com/hubspoke/observability/internal/fixture"
	"github.com/hubspoke/observability/lib/envelope"
	"github.com/hubspoke/observability/lib/internal/parquet"
	"github.com/hubspoke/observability/lib/rowjson"
	"github.com/hubspoke/observability/lib/rows"
	"github.com/hubspoke/observability/lib/schema"
)

// thing has a column of every kind, with and without null.
type thing struct {
	ID        string          `col:"id,key"`
	Day       schema.Date     `col:"day,key,slice"`
	Text      *string         `col:"text"`
	Count     int64           `col:"count"`
	MaybeInt  *int64          `col:"maybe_int"`
	Ratio     float64         `col:"ratio"`
	MaybeReal *float64        `col:"maybe_real"`
	Cost      schema.Decimal  `col:"cost"`
	MaybeCost *schema.Decimal `col:"maybe_cost"`
	On        bool            `col:"on_"`
	MaybeOn   *bool           `col:"maybe_on"`
	At        time.Time       `col:"at"`
	MaybeAt   *time.Time      `col:"maybe_at"`
	MaybeDay  *schema.Date    `col:"maybe_day"`
	Details   schema.JSON     `col:"details"`
}

var things = schema.Of[thing](schema.Spec{Name: "things", Mode: schema.Snapshot})

const day = "2026-08-01"

func date(s string) schema.Date {
	d, err := schema.ParseDate(s)
	if err != nil {
		panic(err)
	}
	return d
}

func decimal(s string) schema.Decimal {
	d, err := schema.ParseDecimal(s)
	if err != nil {
		panic(err)
	}
	return d
}

// randomThings returns n rows, the same for the same seed.
func randomThings(n int, seed uint64) []thing {
	r := rand.New(rand.NewPCG(seed, 1))
	var list []thing
	for i := range n {
		t := thing{
			ID:    fmt.Sprint("thing-", i),
			Day:   date(day),
			Count: int64(r.Uint64()),
			Ratio: r.NormFloat64(),
			Cost:  schema.DecimalFromUnits(decimal128.New(r.Int64N(1<<58)-1<<57, r.Uint64())),
			On:    r.IntN(2) == 0,
			At:    time.UnixMicro(r.Int64N(1 << 52)),
		}
		maybe := func(set func()) {
			if r.IntN(3) > 0 {
				set()
			}
		}
		maybe(func() { s := strings.Repeat("é", r.IntN(20)); t.Text = &s })
		maybe(func() { t.MaybeInt = &list0(r.Int64N(9) - 4)[0] })
		maybe(func() { t.MaybeReal = &list0(float64(r.IntN(5)) / 2)[0] })
		maybe(func() { t.MaybeCost = &list0(decimal("-12.3400000001"))[0] })
		maybe(func() { t.MaybeOn = &list0(r.IntN(2) == 0)[0] })
		maybe(func() { t.MaybeAt = &list0(time.UnixMicro(-r.Int64N(1 << 52)))[0] })
		maybe(func() { t.MaybeDay = &list0(schema.Date(r.IntN(100000) - 50000))[0] })
		maybe(func() { t.Details = fmt.Appendf(nil, `{"a":[%d,"x"],"b":null}`, r.IntN(4)) })
		list = append(list, t)
	}
	return list
}

func list0[T any](v T) []T { return []T{v} }

// record makes an Arrow record of rows; mem may be nil.
func record[T any](t testing.TB, c schema.Category[T], mem memory.Allocator, list []T) arrow.Record {
	t.Helper()
	a := rows.NewAppender(c, mem)
	defer a.Release()
	for i := range list {
		if err := a.Append(&list[i]); err != nil {
			t.Fatal(err)
		}
	}
	return a.Record()
}

func encode(t testing.TB, table *schema.Table, rec arrow.Record) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := parquet.Encode(&out, table, rec, ""); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// checked returns an allocator that fails the test if memory is not given back.
func checked(t testing.TB) memory.Allocator {
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	t.Cleanup(func() { mem.AssertSize(t, 0) })
	return mem
}

func release(records []arrow.Record) {
	for _, r := range records {
		r.Release()
	}
}

// wantSame compares records that Decode returned with the one that was encoded.
func wantSame(t testing.TB, got []arrow.Record, want arrow.Record) {
	t.Helper()
	from := int64(0)
	for _, g := range got {
		part := want.NewSlice(from, from+g.NumRows())
		if !array.RecordEqual(g, part) {
			t.Errorf("rows from %d on differ:\ngot  %v\nwant %v", from, g, part)
		}
		part.Release()
		from += g.NumRows()
	}
	if from != want.NumRows() {
		t.Errorf("%d rows, want %d", from, want.NumRows())
	}
}

func TestEncodeDecode(t *testing.T) {
	for _, n := range []int{0, 1, 7, 1023, 1025, 70_000} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			mem := checked(t)
			rec := record(t, things, mem, randomThings(n, uint64(n)))
			defer rec.Release()
			got, err := parquet.Decode(t.Context(), things.Table, encode(t, things.Table, rec), day, mem)
			if err != nil {
				t.Fatal(err)
			}
			defer release(got)
			wantSame(t, got, rec)
		})
	}
}

func TestEncodeDecodeFindings(t *testing.T) {
	mem := checked(t)
	rec := record(t, fixture.Category, mem, fixture.Findings(5000, 1))
	defer rec.Release()
	data := encode(t, fixture.Category.Table, rec)
	t.Logf("%d bytes per row", len(data)/5000)
	got, err := parquet.Decode(t.Context(), fixture.Category.Table, data, "", mem)
	if err != nil {
		t.Fatal(err)
	}
	defer release(got)
	wantSame(t, got, rec)
}

// A slice of a record has offsets that do not begin at 0.
func TestEncodeSlicedRecord(t *testing.T) {
	mem := checked(t)
	rec := record(t, things, mem, randomThings(100, 3))
	defer rec.Release()
	part := rec.NewSlice(33, 77)
	defer part.Release()
	got, err := parquet.Decode(t.Context(), things.Table, encode(t, things.Table, part), day, mem)
	if err != nil {
		t.Fatal(err)
	}
	defer release(got)
	wantSame(t, got, part)
}

// document has columns with values that may be as long as a record of the stream.
type document struct {
	ID    string      `col:"id,key"`
	State string      `col:"state"`
	Text  *string     `col:"text"`
	JSON  schema.JSON `col:"json"`
}

var documents = schema.Of[document](schema.Spec{Name: "documents", Mode: schema.Snapshot, MaxText: schema.MaxRow})

// longDocuments returns two rows, each with a value of n bytes.
func longDocuments(n int) []document {
	text := strings.Repeat("x", n)
	return []document{{ID: "a", State: "ACTIVE", Text: &text},
		{ID: "b", State: "DELETED", JSON: schema.JSON(`"` + text[2:] + `"`)}}
}

// The longest row that the stream takes can be read again.
func TestLongestRow(t *testing.T) {
	packer, err := envelope.NewPacker(envelope.Config{})
	if err != nil {
		t.Fatal(err)
	}
	line := func(list []document) []byte {
		rec := record(t, documents, nil, list)
		defer rec.Release()
		e, err := rowjson.NewEncoder(documents.Table, rec)
		if err != nil {
			t.Fatal(err)
		}
		return e.AppendRow(nil, 0)
	}
	empty := len(line(longDocuments(2)[:1])) - 2
	list := longDocuments(packer.MaxLine() - empty)
	if n := len(line(list[:1])); n != packer.MaxLine() {
		t.Fatalf("the row has %d bytes, want %d", n, packer.MaxLine())
	}
	mem := checked(t)
	rec := record(t, documents, mem, list)
	defer rec.Release()
	data := encode(t, documents.Table, rec)
	got, err := parquet.Decode(t.Context(), documents.Table, data, "", mem)
	if err != nil {
		t.Fatal(err)
	}
	defer release(got)
	wantSame(t, got, rec)
	if len(data) > 10_000 {
		t.Errorf("the file has %d bytes, which is more than its pages need", len(data))
	}
}

// Engines skip files and pages by the bounds of columns: those that are there are
// right, also where values are long.
func TestBounds(t *testing.T) {
	rec := record(t, documents, nil, longDocuments(100_000))
	defer rec.Release()
	data := encode(t, documents.Table, rec)
	f, err := parquetgo.OpenFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][2]string{"id": {"a", "b"}, "state": {"ACTIVE", "DELETED"}, "text": {}, "json": {}}
	prefix := map[string]string{"id": "a", "state": "ACTIVE", "text": strings.Repeat("x", 16),
		"json": `"` + strings.Repeat("x", 15)}
	for i, column := range f.Metadata().RowGroups[0].Columns {
		name := column.MetaData.PathInSchema[0]
		s := column.MetaData.Statistics
		if got := [2]string{string(s.MinValue), string(s.MaxValue)}; got != want[name] {
			t.Errorf("bounds of column %s in the metadata: %.100q, want %q", name, got, want[name])
		}
		index, err := f.RowGroups()[0].ColumnChunks()[i].ColumnIndex()
		if err != nil {
			t.Fatal(err)
		}
		if got := index.MinValue(0).String(); got != prefix[name] {
			t.Errorf("least value of column %s in its index: %.100q, want %q", name, got, prefix[name])
		}
	}
}

// Earlier versions wrote bounds of any length into metadata and headers of pages.
func TestLongBoundsAreRead(t *testing.T) {
	const long = 120_000
	list := longDocuments(long)
	for i := range list {
		list[i].State, list[i].JSON = strings.Repeat("s", long-i), nil
	}
	rec := record(t, documents, nil, list)
	defer rec.Release()
	type row struct {
		ID    string  `parquet:"id"`
		State string  `parquet:"state"`
		Text  *string `parquet:"text,optional"`
	}
	var out bytes.Buffer
	w := parquetgo.NewGenericWriter[row](&out, parquetgo.DefaultEncodingFor(parquetgo.ByteArray, &parquetgo.Plain),
		parquetgo.Compression(&parquetgo.Zstd))
	if _, err := w.Write([]row{{"a", list[0].State, list[0].Text}, {"b", list[1].State, nil}}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if out.Len() < 12*long {
		t.Fatalf("the file has %d bytes, so the bounds are not in it", out.Len())
	}
	got, err := parquet.Decode(t.Context(), documents.Table, out.Bytes(), "", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer release(got)
	wantSame(t, got, rec)
}

// What cannot be read because of its size is not written.
func TestEncodeRefusesWhatDecodeWould(t *testing.T) {
	text := strings.Repeat("x", 128<<10)
	var list []document
	for i := range parquet.MaxDecoded>>17 + 1 {
		list = append(list, document{ID: fmt.Sprint(i), Text: &text})
	}
	rec := record(t, documents, nil, list)
	defer rec.Release()
	var out bytes.Buffer
	err := parquet.Encode(&out, documents.Table, rec, "")
	wantReason(t, err, parquet.ReasonTooLarge)
	if out.Len() > 0 {
		t.Errorf("%d bytes were written", out.Len())
	}
	most := rec.NewSlice(0, parquet.MaxDecoded>>17-1)
	defer most.Release()
	got, err := parquet.Decode(t.Context(), documents.Table, encode(t, documents.Table, most), "", nil)
	if err != nil {
		t.Fatal(err)
	}
	release(got)
}

// Another implementation reads what Encode writes, and finds the same.
func TestOtherReader(t *testing.T) {
	rec := record(t, things, nil, randomThings(3000, 4))
	defer rec.Release()
	f, err := file.NewParquetReader(bytes.NewReader(encode(t, things.Table, rec)))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := pqarrow.NewFileReader(f, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
	if err != nil {
		t.Fatal(err)
	}
	table, err := r.ReadTable(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer table.Release()
	for i := range int(table.NumCols()) {
		name := table.Schema().Field(i).Name
		j, _ := things.Index(name)
		if things.Columns()[j].Kind == schema.KindJSON {
			wantBinary(t, table.Column(i).Data(), rec.Column(j).(*array.String))
			continue
		}
		want := arrow.NewChunked(rec.Column(j).DataType(), []arrow.Array{rec.Column(j)})
		if got := table.Column(i).Data(); !array.ChunkedEqual(want, got) {
			t.Errorf("column %s is %v and differs", name, got.DataType())
		}
		want.Release()
	}
}

// Athena reads a Parquet column as a type of Hive by what the file says of the column: the
// types are those of its documentation (Data types, Parquet SerDe).
func TestHiveTypes(t *testing.T) {
	rec := record(t, things, nil, randomThings(3, 5))
	defer rec.Release()
	f, err := file.NewParquetReader(bytes.NewReader(encode(t, things.Table, rec)))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	kinds := map[schema.Kind]bool{}
	for i := range f.MetaData().Schema.NumColumns() {
		column := f.MetaData().Schema.Column(i)
		j, _ := things.Index(column.Name())
		kind := things.Columns()[j].Kind
		kinds[kind] = true
		stored := fmt.Sprint(column.PhysicalType(), " ", column.LogicalType())
		want, ok := map[string]string{
			"BYTE_ARRAY String":                     "string",
			"BYTE_ARRAY JSON":                       "string",
			"INT64 Int(bitWidth=64, isSigned=true)": "bigint",
			"DOUBLE None":                           "double",
			"BOOLEAN None":                          "boolean",
			"INT32 Date":                            "date",
			"FIXED_LEN_BYTE_ARRAY Decimal(precision=38, scale=10)": "decimal(38,10)",
			"INT64 Timestamp(isAdjustedToUTC=true, timeUnit=microseconds, is_from_converted_type=false, " +
				"force_set_converted_type=false)": "timestamp",
		}[stored]
		if !ok || kind.HiveType() != want {
			t.Errorf("%s is stored as %s, which Athena reads as %q; HiveType says %s", column.Name(), stored, want,
				kind.HiveType())
		}
	}
	if all := int(schema.KindJSON); len(kinds) != all {
		t.Errorf("%d of %d kinds were compared", len(kinds), all)
	}
}

// wantBinary compares a column of JSON, which arrow reads as bytes.
func wantBinary(t *testing.T, got *arrow.Chunked, want *array.String) {
	t.Helper()
	row := 0
	for _, chunk := range got.Chunks() {
		for i := range chunk.Len() {
			binary := chunk.(*array.Binary)
			if binary.IsNull(i) != want.IsNull(row) || string(binary.Value(i)) != want.Value(row) {
				t.Fatalf("row %d is %q, want %q", row, binary.Value(i), want.Value(row))
			}
			row++
		}
	}
	if row != want.Len() {
		t.Errorf("%d rows, want %d", row, want.Len())
	}
}

// Decode reads what another implementation writes in the same types: data pages
// of version 1 and 2, with and without dictionaries and compression.
func TestOtherWriter(t *testing.T) {
	type row struct {
		ID    string   `parquet:"id"`
		Count int64    `parquet:"count"`
		Text  *string  `parquet:"text,optional,dict"`
		Ratio *float64 `parquet:"ratio,optional"`
		More  int32    `parquet:"more"` // unknown to the table
	}
	type known struct {
		ID     string      `col:"id,key"`
		Count  int64       `col:"count"`
		Text   *string     `col:"text"`
		Ratio  *float64    `col:"ratio"`
		Absent *bool       `col:"absent"`
		JSON   schema.JSON `col:"json"`
	}
	table := schema.Of[known](schema.Spec{Name: "known", Mode: schema.Event})
	var input []row
	var list []known
	for i := range 500 {
		r := row{ID: fmt.Sprint(i), Count: int64(i)}
		if i%3 > 0 {
			r.Text, r.Ratio = &list0(fmt.Sprint(i % 7))[0], &list0(float64(i))[0]
		}
		input = append(input, r)
		list = append(list, known{ID: r.ID, Count: r.Count, Text: r.Text, Ratio: r.Ratio})
	}
	rec := record(t, table, nil, list)
	defer rec.Release()
	for _, version := range []int{1, 2} {
		for _, codec := range []parquetgo.WriterOption{parquetgo.Compression(&parquetgo.Uncompressed),
			parquetgo.Compression(&parquetgo.Zstd)} {
			var out bytes.Buffer
			w := parquetgo.NewGenericWriter[row](&out, codec, parquetgo.DataPageVersion(version), parquetgo.PageBufferSize(300),
				parquetgo.DefaultEncodingFor(parquetgo.ByteArray, &parquetgo.Plain), parquetgo.MaxRowsPerRowGroup(170))
			if _, err := w.Write(input); err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			got, err := parquet.Decode(t.Context(), table.Table, out.Bytes(), "", nil)
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != 3 {
				t.Errorf("%d records, want one for each row group", len(got))
			}
			wantSame(t, got, rec)
			release(got)
		}
	}
}

// The metadata says which columns are personal data and what became of it.
func TestPersonalMetadata(t *testing.T) {
	type person struct {
		ARN   string  `col:"arn,key,personal=identity"`
		Email *string `col:"email,personal=contact"`
		Note  *string `col:"note"`
	}
	type thing struct {
		ID string `col:"id,key"`
	}
	persons := schema.Of[person](schema.Spec{Name: "persons", Mode: schema.Snapshot})
	things := schema.Of[thing](schema.Spec{Name: "things", Mode: schema.Snapshot})
	ofPerson := record(t, persons, nil, []person{{ARN: "a"}})
	defer ofPerson.Release()
	ofThing := record(t, things, nil, []thing{{ID: "a"}})
	defer ofThing.Release()
	for _, test := range []struct {
		table  *schema.Table
		rec    arrow.Record
		policy string
		want   map[string]string
	}{
		{persons.Table, ofPerson, "contact:drop", map[string]string{
			"personal.columns": "arn:identity,email:contact", "personal.policy": "contact:drop",
		}},
		{persons.Table, ofPerson, "", map[string]string{"personal.columns": "arn:identity,email:contact"}},
		{things.Table, ofThing, "", map[string]string{}},
	} {
		var out bytes.Buffer
		if err := parquet.Encode(&out, test.table, test.rec, test.policy); err != nil {
			t.Fatal(err)
		}
		f, err := parquetgo.OpenFile(bytes.NewReader(out.Bytes()), int64(out.Len()))
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for _, pair := range f.Metadata().KeyValueMetadata {
			got[pair.Key] = pair.Value
		}
		if !maps.Equal(got, test.want) {
			t.Errorf("policy %q: metadata %v, want %v", test.policy, got, test.want)
		}
		records, err := parquet.Decode(t.Context(), test.table, out.Bytes(), "", nil)
		if err != nil {
			t.Fatal(err)
		}
		release(records)
	}
}
