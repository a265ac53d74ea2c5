package parquet_test

import (
	"bytes"
	"testing"

	"github.com/hubspoke/observability/internal/fixture"
	"github.com/hubspoke/observability/lib/internal/parquet"
)

const benchRows = 10_000

func BenchmarkEncode(b *testing.B) {
	rec := record(b, fixture.Category, nil, fixture.Findings(benchRows, 1))
	defer rec.Release()
	var out bytes.Buffer
	b.ReportAllocs()
	for b.Loop() {
		out.Reset()
		if err := parquet.Encode(&out, fixture.Category.Table, rec, ""); err != nil {
			b.Fatal(err)
		}
	}
	perRow(b)
	b.ReportMetric(float64(out.Len())/benchRows, "B/row")
}

func BenchmarkDecode(b *testing.B) {
	rec := record(b, fixture.Category, nil, fixture.Findings(benchRows, 1))
	data := encode(b, fixture.Category.Table, rec)
	rec.Release()
	b.ReportAllocs()
	for b.Loop() {
		got, err := parquet.Decode(b.Context(), fixture.Category.Table, data, "", nil)
		if err != nil {
			b.Fatal(err)
		}
		release(got)
	}
	perRow(b)
}

func perRow(b *testing.B) {
	ns := float64(b.Elapsed().Nanoseconds()) / float64(b.N) / benchRows
	b.ReportMetric(ns, "ns/row")
	b.ReportMetric(1e9/ns, "rows/s")
}
