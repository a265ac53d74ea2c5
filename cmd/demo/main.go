// Command demo runs the whole pipeline on this machine: PostgreSQL, stand-ins for
// AWS in this process, and the built programs spoke and hub with the flags that a
// person would use. It prints their command lines, so that it teaches them.
//
//	demo                      until Ctrl-C
//	demo --duration 20s       ends by itself and checks that everything is right
//	demo --duration 20s --chaos   kills the consumer and splits shards meanwhile
//	demo up | down            the same, detached
//
// Build spoke and hub into --bin first; `make demo` does.
package main

import (
	"context"
	"io"
	"os"
	"time"

	"github.com/hubspoke/observability/internal/program"
)

func main() { os.Exit(run(program.Context(), os.Stdout, os.Stderr, os.Args[1:])) }

// arguments are the commands and flags.
type arguments struct {
	Demo  demoCommand  `cmd:"" default:"withargs" help:"Run the pipeline in front of you, and with --duration check it at the end. The default."`
	Up    upCommand    `cmd:"" help:"Start the same stack detached, and print how to use it."`
	Down  downCommand  `cmd:"" help:"Stop the detached stack and remove everything it made."`
	Serve serveCommand `cmd:"" hidden:"" help:"Be the detached stack."`
}

const description = `Runs the whole pipeline on this machine: a made-up organisation of some accounts, a spoke
that collects it, Kinesis and S3 (stand-ins in this process), a hub, PostgreSQL.

  make demo                                                until Ctrl-C
  make demo ARGS="--accounts 50 --rate 2000 --duration 20s"   ends by itself, and checks the result
  make demo ARGS="--duration 30s --chaos"                  kills the consumer again and again
  make up; make down                                       the same, detached

PostgreSQL is the server of DATABASE_URL, in databases of its own, or else a private one
from the installed binaries; as root on Debian they are installed if need be. Exit codes:
0 done and right, 1 failed or not right, 2 wrong usage or something missing.`

// stopTimeout is for programs that have their own, one after the other.
const stopTimeout = 2 * time.Minute

// run parses the arguments, runs the command and returns the exit code.
func run(ctx context.Context, stdout, stderr io.Writer, args []string) int {
	p := program.Program{Name: "demo", Description: description, Stdout: stdout, Stderr: stderr, DrainTimeout: stopTimeout}
	return p.Run(ctx, new(arguments), args)
}
