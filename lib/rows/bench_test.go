package rows_test

import (
	"testing"

	"github.com/hubspoke/observability/internal/fixture"
	"github.com/hubspoke/observability/lib/rows"
)

func BenchmarkAppend(b *testing.B) {
	const n = 5000
	findings := fixture.Findings(n, 1)
	a := rows.NewAppender(fixture.Category, nil)
	b.ReportAllocs()
	for b.Loop() {
		for i := range findings {
			if err := a.Append(&findings[i]); err != nil {
				b.Fatal(err)
			}
		}
		a.Record().Release()
	}
	perRow := float64(b.Elapsed().Nanoseconds()) / float64(b.N) / n
	b.ReportMetric(perRow, "ns/row")
	b.ReportMetric(1e9/perRow, "rows/s")
}
