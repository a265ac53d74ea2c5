package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"

	"github.com/alecthomas/kong"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/schema"
)

// Exit codes. They are an interface: scripts and schedulers act on them.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
	exitPartly = 3
)

// version is set by the linker in releases.
var version string

// program is everything that a command uses of the world around it.
type program struct {
	stdout, stderr io.Writer
	// sources returns what is collected.
	sources func(context.Context, sourceFlags) ([]source, error)
}

// arguments are the commands and flags.
type arguments struct {
	Once       onceCommand       `cmd:"" help:"Collect once and exit."`
	Run        runCommand        `cmd:"" help:"Collect again and again, each category at its interval, until stopped."`
	Categories categoriesCommand `cmd:"" help:"List what can be collected, with the IAM actions that each category takes."`

	LogFormat string           `enum:"text,json" default:"text" help:"Format of the log on standard error: ${enum}."`
	LogLevel  slog.Level       `default:"info" help:"Lowest level that is logged: debug, info, warn or error."`
	Version   kong.VersionFlag `env:"-" help:"Print the version and exit."`
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

// run parses the arguments, runs the command and returns the exit code.
func (p program) run(ctx context.Context, args []string) int {
	var parsed arguments
	exit := -1
	parser, err := kong.New(&parsed,
		kong.Name("spoke"),
		kong.Description(description),
		kong.DefaultEnvars("SPOKE"),
		kong.Writers(p.stdout, p.stderr),
		kong.Exit(func(code int) { exit = code }), // -h and --version
		kong.Vars{"version": versionText()},
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.ConfigureHelp(kong.HelpOptions{FlagsLast: true}),
	)
	if err != nil {
		panic(err) // a mistake in the declarations above
	}
	command, err := parser.Parse(args)
	if exit >= 0 {
		return exit
	}
	if err != nil {
		fmt.Fprintf(p.stderr, "spoke: %v\n`spoke -h` shows commands and flags.\n", err)
		return exitUsage
	}
	stderr := &console{Writer: p.stderr}
	err = command.Run(p, stderr, newLog(stderr, parsed.LogFormat, parsed.LogLevel))
	var partial *collect.PartialError
	switch {
	case errors.As(err, &partial):
		fmt.Fprintf(p.stderr, "spoke: %s\n", partial.Summary()) // the table of results has the rest
	case err != nil:
		fmt.Fprintf(p.stderr, "spoke: %v\n", err)
	}
	return exitCode(err)
}

// usageError is a mistake or a missing prerequisite that the caller can mend; its
// text says how.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

func exitCode(err error) int {
	var usage usageError
	var partial *collect.PartialError
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &usage):
		return exitUsage
	case errors.As(err, &partial) && didAnything(partial):
		return exitPartly
	}
	return exitFailed
}

// didAnything reports whether any run did at least a part of its work.
func didAnything(e *collect.PartialError) bool {
	if len(e.Done) > 0 {
		return true
	}
	for _, r := range e.Failed {
		// Without destinations nothing is stored, and what was read is printed.
		if r.Outcome.Complete() || r.Stored || r.Outcome == schema.Partial {
			return true
		}
	}
	return false
}

func newLog(w io.Writer, format string, level slog.Level) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

func versionText() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Version
	}
	return "unknown"
}
