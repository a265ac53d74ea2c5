package collect_test

import (
	"context"
	"strconv"
	"testing"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/internal/fixture"
	"github.com/hubspoke/observability/lib/stream"
)

// discard is a stream that is never full.
type discard struct{}

func (discard) Publish(context.Context, []stream.Message) error { return nil }

// BenchmarkRun is the way of a row from emit to the archive and the stream,
// which both cost nothing here.
func BenchmarkRun(b *testing.B) {
	findings := fixture.Findings(2_000, 1)
	ids := make([]string, len(findings))
	for i := range findings {
		ids[i] = findings[i].FindingARN
	}
	cfg := config(collect.Collector[fixture.Finding]{
		Category: fixture.Category, Reach: collect.PerRegion, Every: 1, Actions: []string{"x:Y"}, Rate: collect.Rate{PerSecond: 1},
		Collect: func(_ context.Context, _ *collect.Env, emit func(fixture.Finding) error) error {
			for i := range b.N {
				row := findings[i%len(findings)]
				if round := i / len(findings); round > 0 {
					row.FindingARN = ids[i%len(findings)] + strconv.Itoa(round)
				}
				if err := emit(row); err != nil {
					return err
				}
			}
			return nil
		},
	})
	cfg.Publisher, cfg.Archive = discard{}, newArchive(b, &bucket{discard: true})
	runner, err := collect.New(cfg)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	results, err := runner.Once(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N), "ns/row")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(float64(results[0].Bytes)/float64(b.N), "wire-B/row")
}
