package program_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hubspoke/observability/internal/program"
)

func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		var out bytes.Buffer
		calls, fault := 0, errors.New("the database is away")
		err := program.Program{Stdout: &out}.Watch(ctx, 2*time.Second, func(p program.Program) error {
			calls++
			time.Sleep(time.Second) // so long it takes
			switch calls {
			case 2:
				return fault
			case 4:
				stop()
				return ctx.Err()
			}
			fmt.Fprintln(p.Stdout, "call", calls)
			return nil
		})
		const want = `2000-01-01 00:00:00 UTC, every 2s; Ctrl-C ends it
call 1

2000-01-01 00:00:03 UTC, every 2s; Ctrl-C ends it
the database is away

2000-01-01 00:00:06 UTC, every 2s; Ctrl-C ends it
call 3

`
		if err != nil || out.String() != want {
			t.Errorf("%v:\n%s", err, &out)
		}
	})
}

func TestWatchEnds(t *testing.T) {
	fault := errors.New("fault")
	var out bytes.Buffer
	err := program.Program{Stdout: &out}.Watch(t.Context(), time.Second, func(program.Program) error { return fault })
	if !errors.Is(err, fault) || out.Len() > 0 {
		t.Errorf("the first call failed: %v, %q", err, &out)
	}
	p := program.Program{Stdout: brokenWriter{}}
	if err := p.Watch(t.Context(), time.Second, func(program.Program) error { return nil }); err == nil {
		t.Error("nobody takes what is written, and it goes on")
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		p := program.Program{Stdout: &out}
		if err := p.Watch(ctx, time.Hour, func(program.Program) error { return nil }); err != nil {
			t.Error(err)
		}
	})
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }
