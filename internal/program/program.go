// Package program is what the programs of this module have in common, so that
// they look and behave the same: how arguments are parsed, exit codes, logs on
// standard error, results on standard output as a table or JSON, progress, and
// the endpoints of a service.
package program

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
	_ "golang.org/x/crypto/x509roots/fallback" // certificates of authorities, where the system has none
)

// Exit codes. They are an interface: scripts and schedulers act on them.
const (
	ExitDone   = 0
	ExitFailed = 1
	ExitUsage  = 2
	ExitPartly = 3
)

// Program is one command line program.
type Program struct {
	// Name of the program; environment variables of its flags begin with it, in
	// upper case.
	Name string
	// Description for -h.
	Description string
	// Version that the linker has set; "" means that of the build information.
	Version string
	// Stdin is where questions are answered; nil if nobody answers.
	Stdin *os.File
	// Stdout takes results, Stderr everything else.
	Stdout, Stderr io.Writer
	// Service is the command that runs as a service, for [ConfigCommand].
	Service string
	// DrainTimeout is how long commands may take to end after their context is done.
	// Defaults to 25 seconds.
	DrainTimeout time.Duration
	// Explain adds the next step to an error of a command. It gets the command's names and
	// arguments, as "rejects show <id>". Nil leaves errors as they are.
	Explain func(command string, err error) error
}

// Run parses args into arguments, a pointer to a struct of commands and flags as
// kong has them, runs the command that was chosen and returns the exit code. The
// Run method of a command may take the context.Context, the Program, the
// *slog.Logger if arguments embeds [LogFlags], and the values of bind.
//
// A function of Lambda gets no arguments; its handler is the command then.
//
// Every flag can be set by an environment variable, which -h names. Durations may be
// given in days, as 8d. Numbers and durations must not be negative, nor above
// 1,000,000 and ten years, unless the tag max of the field names another limit; zero
// is the default of a flag that has one.
//
// A result that could not be written is a failure, whatever the command says. Once
// ctx is done the command has as long as its method DrainTime() time.Duration says,
// else DrainTimeout; then Run returns without it, with [ExitFailed].
func (p Program) Run(ctx context.Context, arguments any, args []string, bind ...any) int {
	results := &resultWriter{w: p.Stdout}
	p.Stdout, p.Stderr = results, newConsole(p.Stderr)
	code := p.run(ctx, arguments, args, bind)
	if err := results.failure(); err != nil && code != ExitFailed {
		fmt.Fprintf(p.Stderr, "%s: standard output: %v\n", p.Name, err)
		return ExitFailed
	}
	return code
}

func (p Program) run(ctx context.Context, arguments any, args []string, bind []any) int {
	exit := -1
	handler := lambdaHandler(args)
	if handler != "" {
		args = []string{handler}
	}
	parser := p.parser(arguments, func(code int) { exit = code }, // -h and --version
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(append(bind, p)...),
	)
	command, err := parser.Parse(asFlags(args))
	if exit >= 0 {
		return exit
	}
	if err == nil {
		err = checkNumbers(command.Flags())
	}
	if err != nil && handler != "" {
		err = fmt.Errorf("the handler of the function must be a command, such as lambda, and is %q: %w", handler, err)
	}
	if err != nil {
		fmt.Fprintf(p.Stderr, "%s: %v\n`%s -h` shows commands and flags.\n", p.Name, err, p.Name)
		return ExitUsage
	}
	if flags, ok := arguments.(interface{ New(io.Writer) *slog.Logger }); ok { // LogFlags
		log := flags.New(p.Stderr)
		for _, v := range unknownVariables(parser.Model, p.prefix()) {
			log.Warn("this variable is no setting", "variable", v.Name, "nearest", v.Nearest)
		}
	}
	err = runUntil(ctx, p.drainTime(command), func() error { return command.Run() })
	if err != nil && p.Explain != nil {
		err = p.Explain(command.Command(), err)
	}
	if err != nil {
		fmt.Fprintf(p.Stderr, "%s: %v\n", p.Name, err)
	}
	return ExitCode(err)
}

// parser returns the parser of arguments.
func (p Program) parser(arguments any, exit func(code int), options ...kong.Option) *kong.Kong {
	parser, err := kong.New(arguments, append(options,
		kong.Name(p.Name),
		kong.Description(p.Description),
		kong.DefaultEnvars(p.prefix()),
		kong.Writers(p.Stdout, p.Stderr),
		kong.Exit(exit),
		kong.Vars{"version": p.VersionText(), "service": p.Service},
		kong.ConfigureHelp(kong.HelpOptions{FlagsLast: true}),
		durations,
	)...)
	if err != nil {
		panic(err) // a mistake in the declaration of arguments
	}
	return parser
}

// prefix of the variables of flags, without the underscore.
func (p Program) prefix() string { return strings.ToUpper(p.Name) }

// asFlags returns args with a leading `help` or `version`, which people try, as the
// flag that does it.
func asFlags(args []string) []string {
	if len(args) == 0 {
		return args
	}
	switch args[0] {
	case "help":
		return append(slices.Clone(args[1:]), "--help")
	case "version":
		return append([]string{"--version"}, args[1:]...)
	}
	return args
}

// VersionText returns the version for people.
func (p Program) VersionText() string {
	if p.Version != "" {
		return p.Version
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Version
	}
	return "unknown"
}

// Context returns a context that ends with SIGINT or SIGTERM. A second signal
// ends the process at once.
func Context() context.Context {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx
}

// LogFlags are the flags of the log, to be embedded in a program's arguments.
type LogFlags struct {
	LogFormat string     `enum:"text,json" default:"text" help:"Format of the log on standard error: ${enum}."`
	LogLevel  slog.Level `default:"info" help:"Lowest level that is logged: debug, info, warn or error."`
}

// AfterApply is called by kong.
func (f LogFlags) AfterApply(k *kong.Context) error {
	k.Bind(f.New(k.Stderr))
	return nil
}

// New returns the log.
func (f LogFlags) New(w io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: f.LogLevel}
	if f.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// UsageError is a mistake or a missing prerequisite that the caller can mend; its
// text says how.
type UsageError struct{ Err error }

// Error is the text of Err.
func (e *UsageError) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *UsageError) Unwrap() error { return e.Err }

// Usagef returns a UsageError of that text.
func Usagef(format string, args ...any) error { return &UsageError{fmt.Errorf(format, args...)} }

// PartialError says that some of the work was done.
type PartialError struct{ Err error }

// Error is the text of Err.
func (e *PartialError) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *PartialError) Unwrap() error { return e.Err }

// Partlyf returns a PartialError of that text.
func Partlyf(format string, args ...any) error { return &PartialError{fmt.Errorf(format, args...)} }

// ExitCode returns what a program that ends with err exits with.
func ExitCode(err error) int {
	var usage *UsageError
	var partial *PartialError
	switch {
	case err == nil:
		return ExitDone
	case errors.As(err, &usage):
		return ExitUsage
	case errors.As(err, &partial):
		return ExitPartly
	}
	return ExitFailed
}
