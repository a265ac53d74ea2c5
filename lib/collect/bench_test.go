package collect_test

import (
	"context"
	"runtime"
	"strconv"
	"testing"

	"github.com/hubspoke/observability/internal/fixture"
	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/lib/stream"
)

// discard is a stream that is never full.
type discard struct{}

func (discard) Publish(context.Context, []stream.Message) error { return nil }

// findings returns a collector of n findings with different keys.
func findings(n int) collect.Collector[fixture.Finding] {
	some := fixture.Findings(2_000, 1)
	return collect.Collector[fixture.Finding]{
		Category: fixture.Category, Reach: collect.PerRegion, Every: 1, Calls: []string{"x:Y"},
		Collect: func(_ context.Context, _ *collect.Env, emit func(fixture.Finding) error) error {
			for i := range n {
				row := some[i%len(some)]
				row.FindingARN += strconv.Itoa(i / len(some))
				if err := emit(row); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func TestMemoryIsBounded(t *testing.T) {
	const rows, limit = 25_000, 40 << 20
	cfg := config(findings(rows))
	cfg.Publisher, cfg.Archive = discard{}, newArchive(t, &bucket{discard: true})
	var most uint64
	chunks := 0
	cfg.Hooks.Sent = func(schema.Scope, int) {
		if chunks++; chunks%3 == 0 {
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapAlloc)
		}
	}
	if _, err := newRunner(t, cfg).Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	if chunks < 6 || most > limit {
		t.Errorf("%d chunks, %d MiB in use at most, limit %d MiB", chunks, most>>20, limit>>20)
	}
	t.Logf("%d MiB in use at most", most>>20)
}

// BenchmarkRun is the way of a row from emit to the archive and the stream,
// which both cost nothing here.
func BenchmarkRun(b *testing.B) {
	cfg := config(findings(b.N))
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
