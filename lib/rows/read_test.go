package rows_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/hubspoke/observability/internal/fixture"
	"github.com/hubspoke/observability/lib/rows"
	"github.com/hubspoke/observability/lib/schema"
)

// randomItem returns a row as it comes back: times in microseconds of UTC, JSON in
// canonical form.
func randomItem(r *rand.Rand, n int) item {
	text := func() string { return strings.Repeat("é\n", r.IntN(5)) + fmt.Sprint(r.Uint64()) }
	decimal := func() schema.Decimal {
		return schema.DecimalFromUnits(decimal128.FromI64(r.Int64() - r.Int64()).Mul(decimal128.FromI64(r.Int64N(1e6))))
	}
	at := func() time.Time { return time.UnixMicro(r.Int64N(4e15) - 2e15).UTC() }
	day := func() schema.Date { return schema.Date(r.IntN(1e5) - 5e4) }
	row := item{
		ID: fmt.Sprint(n, text()), Day: day(), Count: r.Int64() - r.Int64(), Ratio: r.NormFloat64(), Active: r.IntN(2) == 0,
		Price: decimal(), SeenAt: at(),
	}
	if r.IntN(2) == 0 {
		row.Text, row.CountN, row.RatioN = new(text()), new(r.Int64()), new(r.NormFloat64())
	}
	if r.IntN(2) == 0 {
		row.ActiveN, row.PriceN, row.SeenAtN, row.DayN = new(r.IntN(2) == 0), new(decimal()), new(at()), new(day())
	}
	if r.IntN(2) == 0 {
		row.Details = schema.JSON(fmt.Sprintf(`{"a":[%d,null],"b":"é"}`, r.IntN(9)))
	}
	return row
}

func recordOf[T any](t testing.TB, c schema.Category[T], all []T) arrow.Record {
	t.Helper()
	a := newAppender(t, c)
	for i := range all {
		if err := a.Append(&all[i]); err != nil {
			t.Fatal(err)
		}
	}
	return a.Record()
}

// What is read is what was appended, also from a piece of a record, and after the
// record's memory was used for something else.
func TestReadIsWhatWasAppended(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 0))
		want := make([]item, r.IntN(30))
		for i := range want {
			want[i] = randomItem(r, i)
		}
		from := r.IntN(len(want) + 1)
		to := from + r.IntN(len(want)-from+1)
		whole := recordOf(t, items, want)
		rec := whole.NewSlice(int64(from), int64(to))
		got, err := rows.Read(items, rec)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range whole.Columns() {
			for _, b := range c.Data().Buffers() {
				if b != nil {
					clear(b.Bytes())
				}
			}
		}
		rec.Release()
		whole.Release()
		if len(got) != to-from {
			t.Fatalf("seed %d: %d rows, want %d", seed, len(got), to-from)
		}
		for i, row := range got {
			if !reflect.DeepEqual(row, want[from+i]) {
				t.Fatalf("seed %d, row %d:\ngot  %+v\nwant %+v", seed, i, row, want[from+i])
			}
		}
	}
}

// Rows that are read make the same record again.
func TestReadFindings(t *testing.T) {
	rec := recordOf(t, fixture.Category, fixture.Findings(500, 1))
	defer rec.Release()
	read, err := rows.Read(fixture.Category, rec)
	if err != nil {
		t.Fatal(err)
	}
	again := recordOf(t, fixture.Category, read)
	defer again.Release()
	if !array.RecordEqual(rec, again) {
		t.Error("the records differ")
	}
}

func TestReadRefuses(t *testing.T) {
	type few struct {
		ID string `col:"id,key"`
	}
	type other struct {
		ID int64 `col:"id,key"`
	}
	fews := schema.Of[few](schema.Spec{Name: "few", Mode: schema.Snapshot})
	others := schema.Of[other](schema.Spec{Name: "few", Mode: schema.Snapshot})
	rec := recordOf(t, fews, []few{{"a"}})
	defer rec.Release()
	if _, err := rows.Read(items, rec); err == nil || !strings.Contains(err.Error(), "1 columns") {
		t.Errorf("too few columns: %v", err)
	}
	if _, err := rows.Read(others, rec); err == nil || !strings.Contains(err.Error(), "id") {
		t.Errorf("another kind: %v", err)
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, fews.ArrowSchema())
	defer b.Release()
	b.Field(0).AppendNull()
	null := b.NewRecord()
	defer null.Release()
	if _, err := rows.Read(fews, null); err == nil || !strings.Contains(err.Error(), "null") {
		t.Errorf("null in a key: %v", err)
	}
}

func BenchmarkRead(b *testing.B) {
	const n = 10_000
	rec := recordOf(b, fixture.Category, fixture.Findings(n, 1))
	defer rec.Release()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := rows.Read(fixture.Category, rec); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/row")
}
