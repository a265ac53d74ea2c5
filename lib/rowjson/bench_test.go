package rowjson_test

import (
	"runtime"
	"testing"

	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/hubspoke/observability/internal/fixture"
	"github.com/hubspoke/observability/lib/rowjson"
)

const benchRows = 5000

var benchLines = fixture.Lines(fixture.Findings(benchRows, 1))

// measure runs f, which handles benchRows rows, and reports what a row costs.
func measure(b *testing.B, f func()) {
	bytes := 0
	for _, line := range benchLines {
		bytes += len(line)
	}
	b.SetBytes(int64(bytes))
	f() // grow what is used again
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	b.ResetTimer()
	n := 0
	for b.Loop() {
		f()
		n++
	}
	runtime.ReadMemStats(&after)
	rows := float64(n) * benchRows
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/rows, "ns/row")
	b.ReportMetric(rows/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(float64(after.Mallocs-before.Mallocs)/rows, "allocs/row")
}

func BenchmarkDecode(b *testing.B) {
	d := rowjson.NewDecoder(fixture.Category.Table, nil)
	measure(b, func() {
		for _, line := range benchLines {
			if err := d.Append(line, ""); err != nil {
				b.Fatal(err)
			}
		}
		d.Record().Release()
	})
}

// BenchmarkDecodeEncodingJSON is the baseline: the same rows through
// encoding/json and arrow's builders into the same record.
func BenchmarkDecodeEncodingJSON(b *testing.B) {
	builder := array.NewRecordBuilder(memory.DefaultAllocator, fixture.Category.ArrowSchema())
	measure(b, func() {
		for _, line := range benchLines {
			if err := appendFinding(builder, line); err != nil {
				b.Fatal(err)
			}
		}
		builder.NewRecord().Release()
	})
}

func BenchmarkEncode(b *testing.B) {
	d := rowjson.NewDecoder(fixture.Category.Table, nil)
	for _, line := range benchLines {
		if err := d.Append(line, ""); err != nil {
			b.Fatal(err)
		}
	}
	rec := d.Record()
	defer rec.Release()
	var buf []byte
	measure(b, func() {
		e, err := rowjson.NewEncoder(fixture.Category.Table, rec)
		if err != nil {
			b.Fatal(err)
		}
		for row := range benchRows {
			buf = e.AppendRow(buf[:0], row)
		}
	})
}
