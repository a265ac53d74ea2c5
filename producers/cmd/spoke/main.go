// Command spoke collects the state of one AWS account, or of many, and sends it to the
// hub: into its stream, and as Parquet into its archive.
//
//	spoke categories                         what can be collected, with the IAM actions it takes
//	spoke policy                             the IAM policy that a spoke needs
//	spoke plan                               what a day of an account takes, and what AWS charges for it
//	spoke doctor                             what can be collected, and what to do about the rest
//	spoke once --category certificates       collect once and print
//	spoke run --stream arn:… --bucket NAME   collect again and again
//	spoke lambda                             collect as a Lambda function
//
// Every flag can be set by the environment variable that `spoke -h` names next
// to it. Results are written to standard output, logs and progress to standard
// error. The exit code is 0 when everything is done, 1 when nothing is, 2 for
// wrong usage or something missing that the message names, and 3 when only a part is done.
package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"runtime/debug"

	"github.com/alecthomas/kong"

	"github.com/hubspoke/observability/internal/program"
)

func main() {
	saveMemory()
	os.Exit(run(program.Context(), os.Stdout, os.Stderr, awsSources, os.Args[1:]))
}

// gcPercent makes the garbage collector run six times as often as by default: a spoke
// waits for AWS most of the time, and has little memory in the cheapest containers. An
// account of 50,000 findings, 200,000 applications and 20,000 resources needs 155 MiB; with
// 30 it was 172.
const gcPercent = 15

// saveMemory sets gcPercent unless the environment chooses otherwise.
func saveMemory() {
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetGCPercent(gcPercent)
	}
}

// version is set by the linker in releases.
var version string

// arguments are the commands and flags.
type arguments struct {
	Once       onceCommand       `cmd:"" help:"Collect once and exit."`
	Run        runCommand        `cmd:"" help:"Collect again and again, each category at its interval, until stopped."`
	Lambda     lambdaCommand     `cmd:"" help:"Collect as a Lambda function, when a schedule or a queue of events invokes it."`
	Doctor     doctorCommand     `cmd:"" help:"Say what can be collected with these credentials, and what to do about the rest."`
	Policy     policyCommand     `cmd:"" help:"Print the IAM policy that a spoke needs."`
	Rules      rulesCommand      `cmd:"" help:"Print the EventBridge rules that bring events to a spoke."`
	Plan       planCommand       `cmd:"" help:"Say how many requests and objects a day of an account takes, and what AWS charges for them."`
	Categories categoriesCommand `cmd:"" help:"List what can be collected, with the IAM actions that each category takes and what AWS charges for it."`

	Config     program.ConfigCommand     `cmd:"" help:"Show the settings of a command and where they come from."`
	Completion program.CompletionCommand `cmd:"" help:"Print a script that completes commands and flags in a shell."`

	program.LogFlags
	Version kong.VersionFlag `env:"-" help:"Print the version and exit."`
}

const description = `Collects the state of this AWS account and sends it to the hub.

Try it, nothing is sent anywhere:

  spoke once --category certificates --region eu-central-1

Send everything to the hub, again and again:

  spoke run --region eu-central-1 --region us-east-1 \
    --stream arn:aws:kinesis:eu-central-1:444455556666:stream/observability \
    --stream-role-arn arn:aws:iam::444455556666:role/hub-writer \
    --bucket hub-archive

Credentials, profile and endpoints are those of the AWS command line. Exit codes:
0 done, 1 failed, 2 wrong usage or something missing, 3 partly done.`

// findSources returns what is collected.
type findSources func(context.Context, sourceFlags, *slog.Logger) ([]source, error)

// run parses the arguments, runs the command and returns the exit code.
func run(ctx context.Context, stdout, stderr io.Writer, find findSources, args []string) int {
	p := program.Program{Name: "spoke", Description: description, Version: version, Service: "run", Stdout: stdout,
		Stderr: stderr}
	return p.Run(ctx, new(arguments), args, find)
}
