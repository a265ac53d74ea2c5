package kcl

import (
	"errors"
	"fmt"
)

var (
	// errStopped ends reads when the worker stops.
	errStopped = errors.New("the worker stops")
	// errEnded ends a lease whose shard turned out to be at its end.
	errEnded = errors.New("the shard has ended")
	// errDrainTimeout ends drains that last too long.
	errDrainTimeout = errors.New("not applied within the drain timeout")
)

// reported is an error that this package logs itself: the library need not.
type reported struct{ error }

func (r reported) Unwrap() error { return r.error }

// panicked is a panic of the Sink, or of the library in one of its callbacks.
type panicked struct {
	value any
	stack []byte
}

func (p *panicked) Error() string { return fmt.Sprintf("panic: %v\n%s", p.value, p.stack) }

func (p *panicked) Unwrap() error {
	err, _ := p.value.(error)
	return err
}

func isReported(err error) bool {
	var r reported
	return errors.As(err, &r)
}
