package program

import (
	"os"
	"runtime"
)

// spare is the number of committers that a pipeline has by default.
const spare = 2

// SpareProcessors lets a few goroutines more run than there are processors, unless
// GOMAXPROCS is set. Decoding keeps every processor that the Go scheduler has, and
// the scheduler looks for answers from the network when one of them is idle, else
// only every 10 ms: a committer would wait that long for the answer to each of its
// statements. The operating system, which then shares the processors, does not let
// it wait.
func SpareProcessors() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + spare)
	}
}
