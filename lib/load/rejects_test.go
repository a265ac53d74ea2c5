package load_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/pgtest"
)

// BenchmarkRejects stores rejects of records, and counts those that are too many.
func BenchmarkRejects(b *testing.B) {
	const rejects = 5000
	for name, config := range map[string]load.Config{
		"stored":  {RejectLimit: 1 << 30, TotalRejectLimit: 1 << 40, AccountRejectBytes: 1 << 40, TotalRejectBytes: 1 << 40},
		"counted": {},
	} {
		b.Run(name, func(b *testing.B) {
			db := pgtest.New(b, template)
			config.Tables = categories
			loader := must(load.New(db.Pool, config))
			data := strings.Repeat("x", 1000)
			n := 0
			for b.Loop() {
				batch := build(b)
				for range rejects {
					n++
					batch.refuse("111122223333", "header", fmt.Sprint("record ", n), data)
				}
				if _, err := loader.Apply(b.Context(), &batch.batch); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rejects/s")
		})
	}
}
