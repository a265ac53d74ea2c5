package program

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/alecthomas/kong"
)

// drainTimeout is how long a command may take to end after its context is done,
// unless it or the program chooses: ECS kills a container after 30 seconds.
const drainTimeout = 25 * time.Second

// drainer is a command that says how long it may take to end.
type drainer interface{ DrainTime() time.Duration }

// drainTime returns how long the chosen command may take to end.
func (p Program) drainTime(command *kong.Context) time.Duration {
	if d, ok := command.Selected().Target.Addr().Interface().(drainer); ok {
		return d.DrainTime()
	}
	return cmp.Or(p.DrainTimeout, drainTimeout)
}

// runUntil returns what run returns. When ctx is done, run has the given time to
// end, and is then left to itself: whatever it waits for, the program ends.
func runUntil(ctx context.Context, limit time.Duration, run func() error) error {
	ended := make(chan error, 1)
	go func() { ended <- run() }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case err := <-ended:
		return err
	case <-timer.C:
		return fmt.Errorf("told to stop, and not done after %v: leaving what is under way", limit)
	}
}
