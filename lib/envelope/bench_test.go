package envelope_test

import (
	"fmt"
	"testing"

	"github.com/hubspoke/observability/internal/fixture"
	"github.com/hubspoke/observability/lib/envelope"
)

// findings returns n rows of one account and region, as every part has them.
func findings(t testing.TB, n int) [][]byte {
	t.Helper()
	return fixture.Lines(fixture.FindingsOf("123456789012", "eu-central-1", n, 1))
}

func packFindings(t testing.TB, p *envelope.Packer, lines [][]byte) []envelope.Packed {
	t.Helper()
	r := startRun(t, p, scope)
	for _, line := range lines {
		if err := r.Add(line); err != nil {
			t.Fatal(err)
		}
	}
	return r.Flush()
}

// A record must stay near the size per row that the format was chosen for.
func TestWireSize(t *testing.T) {
	for _, test := range []struct {
		rows  int
		limit float64 // bytes per row
	}{{500, 120}, {1000, 105}} {
		packed := packFindings(t, newPacker(t, envelope.Config{}), findings(t, test.rows))
		if len(packed) != 1 {
			t.Fatalf("%d rows make %d parts", test.rows, len(packed))
		}
		got := float64(len(packed[0].Record)) / float64(test.rows)
		t.Logf("%d rows of %d bytes take %.1f bytes each", test.rows, packed[0].Header.Size/test.rows, got)
		if got > test.limit {
			t.Errorf("%d rows take %.1f bytes each, limit %.0f", test.rows, got, test.limit)
		}
	}
}

func BenchmarkPack(b *testing.B) {
	for _, n := range []int{10, 100, 500, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			lines := findings(b, n)
			p := newPacker(b, envelope.Config{})
			bytes := 0
			b.ReportAllocs()
			for b.Loop() {
				bytes = 0
				for _, packed := range packFindings(b, p, lines) {
					bytes += len(packed.Record)
				}
			}
			perRow(b, n)
			b.ReportMetric(float64(bytes)/float64(n), "B/row")
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	for _, n := range []int{10, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			record := packFindings(b, newPacker(b, envelope.Config{}), findings(b, n))[0].Record
			d := envelope.NewDecoder()
			defer d.Close()
			var dst []byte
			b.ReportAllocs()
			for b.Loop() {
				r, err := envelope.Parse(record)
				if err != nil {
					b.Fatal(err)
				}
				if dst, err = d.Body(dst[:0], r.Part, r.Body); err != nil {
					b.Fatal(err)
				}
			}
			perRow(b, n)
		})
	}
}

func BenchmarkParse(b *testing.B) {
	record := []byte(partLine + partBody)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := envelope.Parse(record); err != nil {
			b.Fatal(err)
		}
	}
}

func perRow(b *testing.B, n int) {
	ns := float64(b.Elapsed().Nanoseconds()) / float64(b.N) / float64(n)
	b.ReportMetric(ns, "ns/row")
	b.ReportMetric(1e9/ns, "rows/s")
}
