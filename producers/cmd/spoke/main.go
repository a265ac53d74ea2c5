// Command spoke collects the state of one AWS account and sends it to the hub:
// into its stream, and as Parquet into its archive.
//
//	spoke categories                         what can be collected, with the IAM actions it takes
//	spoke once --category certificates       collect once and print
//	spoke run --stream arn:… --bucket NAME   collect again and again
//
// Every flag can be set by the environment variable that `spoke -h` names next
// to it. Results are written to standard output, logs and progress to standard
// error. The exit code is 0 when everything is done, 1 when nothing is, 2 for
// wrong usage or something missing that the message names, and 3 when only a part is done.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(program{stdout: os.Stdout, stderr: os.Stderr, sources: awsSources}.run(ctx, os.Args[1:]))
}
