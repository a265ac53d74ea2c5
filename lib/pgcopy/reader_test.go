package pgcopy_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/iotest"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/jackc/pgx/v5"

	"github.com/hubspoke/observability/lib/pgcopy"
	"github.com/hubspoke/observability/lib/pgtest"
	"github.com/hubspoke/observability/lib/schema"
)

// everything has a column of each kind that COPY knows, each nullable.
var everything = arrow.NewSchema([]arrow.Field{
	{Name: "n", Type: arrow.PrimitiveTypes.Int64},
	{Name: "t", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "j", Type: arrow.BinaryTypes.String, Nullable: true,
		Metadata: arrow.NewMetadata([]string{"kind"}, []string{"json"})},
	{Name: "i", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
	{Name: "f", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
	{Name: "d", Type: schema.KindDecimal.ArrowType(), Nullable: true},
	{Name: "b", Type: arrow.FixedWidthTypes.Boolean, Nullable: true},
	{Name: "ts", Type: arrow.FixedWidthTypes.Timestamp_us, Nullable: true},
	{Name: "day", Type: arrow.FixedWidthTypes.Date32, Nullable: true},
	{Name: "u", Type: &arrow.FixedSizeBinaryType{ByteWidth: 16}, Nullable: true},
}, nil)

const createEverything = `CREATE TABLE everything (n bigint, t text, j jsonb, i bigint, f double precision,
	d numeric(38,10), b boolean, ts timestamptz, day date, u uuid)`

// randomRecord returns n random rows and, for each, the row as PostgreSQL prints it.
func randomRecord(mem memory.Allocator, r *rand.Rand, n int) (arrow.Record, []string) {
	rb := array.NewRecordBuilder(mem, everything)
	defer rb.Release()
	want := make([]string, n)
	for row := range n {
		rb.Field(0).(*array.Int64Builder).Append(int64(row))
		text := fmt.Sprint(row)
		for i := 1; i < rb.Schema().NumFields(); i++ {
			text += "|"
			if r.IntN(5) == 0 {
				rb.Field(i).AppendNull()
				text += "NULL"
				continue
			}
			text += appendRandom(rb.Field(i), r, i == 2)
		}
		want[row] = text
	}
	return rb.NewRecord(), want
}

func appendRandom(b array.Builder, r *rand.Rand, isJSON bool) string {
	switch b := b.(type) {
	case *array.StringBuilder:
		if isJSON {
			v := fmt.Sprintf(`{"a": [%d, "%s"]}`, r.IntN(10), []string{"", "é", "😀"}[r.IntN(3)])
			b.Append(v)
			return v
		}
		v := []string{"", "plain", "tab\tand\\.", "naïve 😀"}[r.IntN(4)]
		b.Append(v)
		return v
	case *array.Int64Builder:
		v := []int64{0, -1, math.MaxInt64, math.MinInt64, r.Int64()}[r.IntN(5)]
		b.Append(v)
		return fmt.Sprint(v)
	case *array.Float64Builder:
		v := float64(r.Int32()) / 8
		b.Append(v)
		return fmt.Sprintf("%.3f", v)
	case *array.Decimal128Builder:
		d := randomDecimal(r)
		b.Append(d.Units())
		return d.String()
	case *array.BooleanBuilder:
		v := r.IntN(2) == 0
		b.Append(v)
		return fmt.Sprint(v)
	case *array.TimestampBuilder:
		v := arrow.Timestamp(r.Int64N(4e15) - 2e15)
		b.Append(v)
		return v.ToTime(arrow.Microsecond).Format("2006-01-02 15:04:05.000000")
	case *array.Date32Builder:
		v := schema.Date(r.IntN(60000) - 20000)
		b.Append(arrow.Date32(v))
		return v.String()
	case *array.FixedSizeBinaryBuilder:
		var id schema.RunID
		for i := range id {
			id[i] = byte(r.IntN(256))
		}
		b.Append(id[:])
		return id.String()
	}
	panic("unknown builder")
}

func randomDecimal(r *rand.Rand) schema.Decimal {
	n := decimal128.New(int64(r.Uint64()>>(2+r.IntN(62))), r.Uint64()>>r.IntN(64))
	switch r.IntN(4) {
	case 0:
		n = decimal128.FromI64(r.Int64N(2e12) - 1e12)
	case 1:
		n = decimal128.FromU64(uint64(r.IntN(1000)) * 100_000_000)
	}
	if n.BigInt().BitLen() > 126 {
		n = decimal128.FromI64(0)
	}
	if r.IntN(2) == 0 {
		n = n.Negate()
	}
	return schema.DecimalFromUnits(n)
}

const readEverything = `SELECT concat_ws('|', n, coalesce(t,'NULL'), coalesce(j::text,'NULL'), coalesce(i::text,'NULL'),
	coalesce(to_char(f,'FM99999999999990.000'),'NULL'), coalesce(trim_scale(d)::text,'NULL'), coalesce(b::text,'NULL'),
	coalesce(to_char(ts AT TIME ZONE 'UTC','YYYY-MM-DD HH24:MI:SS.US'),'NULL'), coalesce(day::text,'NULL'), coalesce(u::text,'NULL'))
	FROM everything ORDER BY n`

// copyIn copies r into the table everything and returns what the query reads of it.
func copyIn(t *testing.T, db *pgtest.DB, r io.Reader, create, query string) []string {
	t.Helper()
	ctx := t.Context()
	conn, err := db.Pool.Acquire(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, create); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Conn().PgConn().CopyFrom(ctx, r, "COPY everything FROM STDIN BINARY"); err != nil {
		t.Fatal(err)
	}
	rows, err := conn.Query(ctx, query)
	if err != nil {
		t.Fatal(err)
	}
	got, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestPostgreSQLReadsEveryKind(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	rec, want := randomRecord(mem, rand.New(rand.NewPCG(1, 2)), 3000)
	defer rec.Release()
	// A slice has an offset into every buffer.
	tail := rec.NewSlice(1001, 3000)
	defer tail.Release()
	head := make([]int32, 0, 1001)
	for i := range int32(1001) {
		head = append(head, i)
	}
	r, err := pgcopy.NewReader(pgcopy.Source{Record: tail}, pgcopy.Source{Record: rec, Rows: head})
	if err != nil {
		t.Fatal(err)
	}
	got := copyIn(t, pgtest.Empty(t), r, createEverything, readEverything)
	if len(got) != len(want) {
		t.Fatalf("%d rows, want %d", len(got), len(want))
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("row %d:\ngot  %s\nwant %s", i, got[i], want[i])
		}
	}
}

func TestReadSizesDoNotMatter(t *testing.T) {
	rec, _ := randomRecord(memory.DefaultAllocator, rand.New(rand.NewPCG(3, 4)), 500)
	read := func(wrap func(io.Reader) io.Reader) []byte {
		r, err := pgcopy.NewReader(pgcopy.Source{Record: rec})
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(wrap(r))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	whole := read(func(r io.Reader) io.Reader { return r })
	if !bytes.Equal(whole, read(iotest.OneByteReader)) || !bytes.Equal(whole, read(iotest.HalfReader)) {
		t.Fatal("the bytes depend on the sizes of the reads")
	}
}

func TestReadFillsTheBuffer(t *testing.T) {
	rec, _ := randomRecord(memory.DefaultAllocator, rand.New(rand.NewPCG(5, 6)), 2000)
	r, err := pgcopy.NewReader(pgcopy.Source{Record: rec})
	if err != nil {
		t.Fatal(err)
	}
	p := make([]byte, 4096)
	for reads := 0; ; reads++ {
		n, err := r.Read(p)
		if n == len(p) {
			continue
		}
		if rest, _ := r.Read(p); rest != 0 {
			t.Fatalf("read %d returned %d of %d bytes before the end (%v)", reads, n, len(p), err)
		}
		return
	}
}

func TestNothing(t *testing.T) {
	r, err := pgcopy.NewReader()
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil || string(b) != "PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff" {
		t.Fatalf("%q, %v", b, err)
	}
}

// Arrow's builders allocate no buffer for the values of an empty column.
func TestEmptyRecord(t *testing.T) {
	rec, _ := randomRecord(memory.DefaultAllocator, rand.New(rand.NewPCG(7, 8)), 0)
	r, err := pgcopy.NewReader(pgcopy.Source{Record: rec})
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(r); err != nil || !bytes.HasSuffix(b, []byte("\x00\xff\xff")) || len(b) != 21 {
		t.Fatalf("%q, %v", b, err)
	}
}

// What a decimal128 holds beyond 38 digits is written as it is too.
func TestLargestDecimals(t *testing.T) {
	beyond := decimal128.New(0x4b3b4ca85a86c47a, 0x098a224000000000) // 10^38
	numbers := []decimal128.Num{
		decimal128.New(math.MinInt64, 0), beyond.Negate(), decimal128.FromI64(-1), decimal128.FromI64(0),
		decimal128.FromI64(1), beyond.Sub(decimal128.FromI64(1)), beyond, decimal128.New(math.MaxInt64, math.MaxUint64),
	}
	s := arrow.NewSchema([]arrow.Field{{Name: "d", Type: schema.KindDecimal.ArrowType()}}, nil)
	rb := array.NewRecordBuilder(memory.DefaultAllocator, s)
	var want []string
	for _, n := range numbers {
		rb.Field(0).(*array.Decimal128Builder).Append(n)
		want = append(want, new(big.Rat).SetFrac(n.BigInt(), big.NewInt(1e10)).FloatString(schema.DecimalScale))
	}
	r, err := pgcopy.NewReader(pgcopy.Source{Record: rb.NewRecord()})
	if err != nil {
		t.Fatal(err)
	}
	got := copyIn(t, pgtest.Empty(t), r, "CREATE TABLE everything (d numeric)",
		"SELECT d::text FROM everything ORDER BY everything.d")
	if !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

// A row that is larger than a read is not moved for each of them.
func TestGiantRow(t *testing.T) {
	const size = 8 << 20
	r, err := pgcopy.NewReader(pgcopy.Source{Record: giantRow(memory.DefaultAllocator, size)})
	if err != nil {
		t.Fatal(err)
	}
	start, total, p := time.Now(), 0, make([]byte, 512)
	for err == nil {
		var n int
		n, err = r.Read(p)
		total += n
	}
	if !errors.Is(err, io.EOF) || total < size {
		t.Fatalf("%d bytes, %v", total, err)
	}
	if took := time.Since(start); took > 20*time.Second { // wide; what is caught here is quadratic
		t.Errorf("reading a row of %d bytes in small pieces took %v", size, took)
	}
}

func TestUnsupportedColumn(t *testing.T) {
	for name, typ := range map[string]arrow.DataType{
		"small":    arrow.PrimitiveTypes.Int8,
		"millis":   arrow.FixedWidthTypes.Timestamp_ms,
		"no zone":  &arrow.TimestampType{Unit: arrow.Microsecond},
		"cents":    &arrow.Decimal128Type{Precision: 38, Scale: 2},
		"not uuid": &arrow.FixedSizeBinaryType{ByteWidth: 15},
	} {
		s := arrow.NewSchema([]arrow.Field{{Name: name, Type: typ}}, nil)
		rb := array.NewRecordBuilder(memory.DefaultAllocator, s)
		rb.Field(0).AppendNull()
		_, err := pgcopy.NewReader(pgcopy.Source{Record: rb.NewRecord()})
		want := fmt.Sprintf("pgcopy: column %q: Arrow type %v has no PostgreSQL type here", name, typ)
		if err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestSourcesHaveOneSchema(t *testing.T) {
	rec, _ := randomRecord(memory.DefaultAllocator, rand.New(rand.NewPCG(9, 10)), 1)
	other := giantRow(memory.DefaultAllocator, 1)
	if _, err := pgcopy.NewReader(pgcopy.Source{Record: rec}, pgcopy.Source{Record: other}); err == nil {
		t.Error("records of two tables are one COPY")
	}
}
