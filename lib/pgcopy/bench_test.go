package pgcopy_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/hubspoke/observability/internal/fixture"
	"github.com/hubspoke/observability/lib/pgcopy"
	"github.com/hubspoke/observability/lib/rows"
)

// BenchmarkRead reads as pgconn does, 64 KiB at a time: rows of the usual size, and
// one row that is much larger than a read.
func BenchmarkRead(b *testing.B) {
	appender := rows.NewAppender(fixture.Category, nil)
	for _, row := range fixture.Findings(5000, 1) {
		if err := appender.Append(&row); err != nil {
			b.Fatal(err)
		}
	}
	findings := appender.Record()
	defer findings.Release()
	giant := giantRow(memory.DefaultAllocator, 16<<20)
	defer giant.Release()
	for name, rec := range map[string]arrow.Record{"findings": findings, "giant": giant} {
		b.Run(name, func(b *testing.B) {
			p := make([]byte, 64<<10)
			n := 0
			b.ReportAllocs()
			for b.Loop() {
				r, err := pgcopy.NewReader(pgcopy.Source{Record: rec})
				if err != nil {
					b.Fatal(err)
				}
				for n = 0; err == nil; {
					var got int
					got, err = r.Read(p)
					n += got
				}
				if !errors.Is(err, io.EOF) {
					b.Fatal(err)
				}
			}
			b.SetBytes(int64(n))
			ns := float64(b.Elapsed().Nanoseconds()) / float64(b.N) / float64(rec.NumRows())
			b.ReportMetric(ns, "ns/row")
		})
	}
}

// giantRow is a record of one row with a text of n bytes.
func giantRow(mem memory.Allocator, n int) arrow.Record {
	s := arrow.NewSchema([]arrow.Field{{Name: "t", Type: arrow.BinaryTypes.String}}, nil)
	rb := array.NewRecordBuilder(mem, s)
	defer rb.Release()
	rb.Field(0).(*array.StringBuilder).Append(strings.Repeat("x", n))
	return rb.NewRecord()
}
