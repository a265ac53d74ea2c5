package collect

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// errPaidLimit stops a run that has sent too many requests that AWS charges for.
var errPaidLimit = errors.New("collect: stopped at the limit of requests that AWS charges for")

// pay counts a request that AWS charges for, unless it is one above most: then it
// returns errPaidLimit.
func pay(sent *atomic.Int64, most int) error {
	if sent.Add(1) > int64(most) {
		sent.Add(-1)
		return fmt.Errorf("%w: %d in one run", errPaidLimit, most)
	}
	return nil
}

// errOverdue stops a run that takes too long.
var errOverdue = errors.New("collect: stopped, because the run took too long")

// shortestDeadline is how long a run may take at least, however short its interval.
const shortestDeadline = time.Hour

// withDeadline returns a context that is done when a run of a collector with this
// interval has taken too long. It has no deadline, so that nobody gives up before.
func withDeadline(ctx context.Context, every time.Duration) (context.Context, context.CancelFunc) {
	most := max(4*every, shortestDeadline)
	ctx, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(most, func() {
		cancel(fmt.Errorf("%w: more than %v (four times the interval, an hour at least)", errOverdue, most))
	})
	return ctx, func() { timer.Stop(); cancel(context.Canceled) }
}
