package ingest_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/hubspoke/observability/lib/ingest"
	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/pgtest"
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/lib/stream"
)

// TestDriveAppliesWhatTheSourceDeliveredLast stops while nothing is applied yet:
// the pipeline must outlast the source, because its session still drains.
func TestDriveAppliesWhatTheSourceDeliveredLast(t *testing.T) {
	cfg, err := load.PoolConfig(pgtest.New(t, template).URL)
	if err != nil {
		t.Fatal(err)
	}
	pool, err := pgxpool.NewWithConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	loader, err := load.New(pool, load.Config{Tables: []*schema.Table{things.Table}})
	if err != nil {
		t.Fatal(err)
	}
	newPipeline := func() *ingest.Pipeline {
		p, err := ingest.New(loader, ingest.Config{StreamID: "stream", BatchAge: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}

	p := newPipeline()
	ctx, stop := context.WithCancel(t.Context())
	err = p.Drive(ctx, func(ctx context.Context) error {
		s := p.Open("shard-0", stream.Position{})
		for i, data := range records(t, scopeOf(1), time.Now(), 10, thing("a", "1")) {
			if err := s.Deliver(ctx, []stream.Record{{Sequence: string(rune('1' + i)), Data: data,
				Arrived: time.Now()}}); err != nil {
				return err
			}
		}
		stop()
		<-ctx.Done()
		position, err := s.Drain(context.WithoutCancel(ctx))
		if err == nil && position.Sequence != "2" {
			t.Errorf("drained at %+v", position)
		}
		return err
	})
	if err != nil {
		t.Errorf("drive: %v", err)
	}
	if p, err := p.Progress(t.Context(), "shard-0"); err != nil || p.Sequence != "2" {
		t.Errorf("progress is %+v, %v", p, err)
	}

	broken := errors.New("the stream is gone")
	if err := newPipeline().Drive(t.Context(), func(context.Context) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("drive with a broken source: %v", err)
	}
}
