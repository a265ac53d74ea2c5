// Command hub brings what the spokes send into PostgreSQL.
//
//	hub migrate                              makes or updates tables and views
//	hub check                                does the database fit this program?
//	hub consume --stream arn:…               from the stream into the database, until stopped
//	hub lambda                               the same behind a Lambda event source mapping
//	hub replay --bucket NAME                 from the archive into the database
//	hub dashboard | access                   shows the views in a browser; who sees which account
//	hub show PAGE                            shows the same pages in a terminal
//	hub refresh | status | rejects | verify  views, what has arrived, what was refused, is it right
//	hub forget --account ID                  removes an account from the database
//	hub plan --accounts N                    what a hub and its spokes cost
//
// Every flag can be set by the environment variable that `hub -h` names next to
// it. Results are written to standard output, logs and progress to standard
// error. The exit code is 0 when everything is done, 1 when it failed, 2 for
// wrong usage or something missing that the message names, and 3 when only a
// part is done or differences were found.
package main

import (
	"context"
	"io"
	"os"

	"github.com/alecthomas/kong"

	"github.com/hubspoke/observability/internal/program"
)

func main() {
	program.SpareProcessors()
	os.Exit(run(program.Context(), os.Stdout, os.Stderr, os.Args[1:]))
}

// version is set by the linker in releases.
var version string

// arguments are the commands and flags.
type arguments struct {
	Migrate migrateCommand `cmd:"" help:"Make or update the tables and views of the database."`
	Check   checkCommand   `cmd:"" help:"Compare the database with what this program needs."`
	Consume consumeCommand `cmd:"" help:"Apply the stream to the database until stopped."`
	Lambda  lambdaCommand  `cmd:"" help:"Apply the events of an AWS Lambda event source mapping; for the Lambda runtime only."`
	Replay  replayCommand  `cmd:"" help:"Apply the archive to the database."`
	Refresh refreshCommand `cmd:"" help:"Refresh the materialized views over tables that changed."`
	Status  statusCommand  `cmd:"" help:"Show what is in the database, what arrived lately and how far the shards are."`
	Rejects rejectsCommand `cmd:"" help:"Show what could not be applied."`
	Forget  forgetCommand  `cmd:"" help:"Remove an account from the database."`
	Verify  verifyCommand  `cmd:"" help:"Check that nothing was lost or doubled, or compare two databases."`
	Plan    planCommand    `cmd:"" help:"Say what a hub and its spokes cost in a year."`

	Dashboard dashboardCommand `cmd:"" help:"Show the views in a browser."`
	Show      showCommand      `cmd:"" help:"Show a page of the dashboard, or the queries of a category, in the terminal."`
	Access    accessCommand    `cmd:"" help:"Say who sees which account in dashboards."`

	Config     program.ConfigCommand     `cmd:"" help:"Show the settings of a command and where they come from."`
	Completion program.CompletionCommand `cmd:"" help:"Print a script that completes commands and flags in a shell."`

	program.LogFlags
	Version kong.VersionFlag `env:"-" help:"Print the version and exit."`
}

const description = `Brings what the spokes send into PostgreSQL.

Make the tables and views, then consume the stream:

  export DATABASE_URL=postgres://hub@db.example.com/observability
  hub migrate
  hub consume --stream arn:aws:kinesis:eu-central-1:444455556666:stream/observability

See what is there, and whether it is right:

  hub dashboard
  hub show overview
  hub status
  hub verify

The database is --database-url, DATABASE_URL or what libpq's variables (PGHOST and so on)
say. Outside this host TLS is verified in full: PGSSLROOTCERT names the authority. AWS
credentials, profile and endpoints are those of the AWS command line. Exit codes: 0 done,
1 failed, 2 wrong usage or something missing, 3 partly done or differences found.`

// run parses the arguments, runs the command and returns the exit code.
func run(ctx context.Context, stdout, stderr io.Writer, args []string) int {
	p := program.Program{Name: "hub", Description: description, Version: version, Service: "consume", Stdin: os.Stdin,
		Stdout: stdout, Stderr: stderr, Explain: explain}
	return p.Run(ctx, new(arguments), args)
}
