package pgtest

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// Main is a TestMain: it runs the tests, stops the server that they started,
// fails if they left goroutines behind, and exits.
func Main(m *testing.M, options ...goleak.Option) {
	goleak.VerifyTestMain(stopAfter{m}, options...)
}

// Stop stops the server that this process's tests started, if there is one.
// Only a TestMain that cannot use Main needs it.
func Stop() error { return shared.stop() }

// stopAfter stops the server between the tests and the count of goroutines.
type stopAfter struct{ m *testing.M }

func (s stopAfter) Run() int {
	code := s.m.Run()
	if err := Stop(); err != nil {
		fmt.Fprintln(os.Stderr, "pgtest:", err)
		return max(code, 1)
	}
	return code
}
