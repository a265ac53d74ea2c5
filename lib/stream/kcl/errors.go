package kcl

import (
	"errors"
)

var (
	// errStopped ends reads when the worker stops.
	errStopped = errors.New("the worker stops")
	// errEnded ends a lease because its shard turned out to be at its end.
	errEnded = errors.New("the shard has ended")
	// errExcess ends a lease that is left to a worker with fewer.
	errExcess = errors.New("another worker has fewer shards")
	// errDrainTimeout ends drains that last too long.
	errDrainTimeout = errors.New("not applied within the drain timeout")
)

// reported is an error that this package logs itself, so that the library need
// not. It does not unwrap: what the library sees in an error makes it go on.
type reported struct{ error }

// inOrder says whether the reading of a shard ended for a reason that is none to
// complain of.
func inOrder(err error) bool {
	return errors.Is(err, errEnded) || errors.Is(err, errStopped) || errors.Is(err, errExcess)
}

func isReported(err error) bool {
	var r reported
	return errors.As(err, &r)
}
