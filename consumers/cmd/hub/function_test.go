package main

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestInTime(t *testing.T) {
	broken := errors.New("broken")
	// Work ends a tenth of the time before the invocation, the answer half of that.
	const second = time.Second
	for name, test := range map[string]struct {
		run   func(context.Context) (int, error)
		took  time.Duration
		value int
		err   error
	}{
		"done":    {func(context.Context) (int, error) { return 1, nil }, 0, 1, nil},
		"failed":  {func(context.Context) (int, error) { return 2, broken }, 0, 2, broken},
		"cut":     {func(ctx context.Context) (int, error) { <-ctx.Done(); return 3, ctx.Err() }, 90 * second, 3, errTimeUp},
		"partial": {func(ctx context.Context) (int, error) { <-ctx.Done(); return 4, nil }, 90 * second, 4, nil},
		"hangs":   {func(context.Context) (int, error) { time.Sleep(time.Hour); return 5, nil }, 95 * second, 0, errTimeUp},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 100*time.Second)
				defer cancel()
				start := time.Now()
				value, err := inTime(ctx, test.run)
				if value != test.value || !errors.Is(err, test.err) || time.Since(start) != test.took {
					t.Errorf("%d, %v after %v; want %d, %v after %v", value, err, time.Since(start), test.value, test.err, test.took)
				}
				time.Sleep(time.Hour) // until nothing is under way
			})
		})
	}
	if value, err := inTime(t.Context(), func(context.Context) (int, error) { return 6, broken }); value != 6 ||
		!errors.Is(err, broken) {
		t.Errorf("without a deadline: %d, %v", value, err)
	}
}
