package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hubspoke/observability/internal/program"
)

// insufficientPrivilege is the code of PostgreSQL for a right that the user has not.
const insufficientPrivilege = "42501"

// explain says which user a command needs where PostgreSQL says that this one may not.
func explain(command string, err error) error {
	server, ok := errors.AsType[*pgconn.PgError](err)
	if !ok || server.Code != insufficientPrivilege {
		return err
	}
	name, _, _ := strings.Cut(command, " <") // without arguments
	name, _, _ = strings.Cut(name, " [<")
	role := "obs_writer"
	if name == "show" || name == "dashboard" {
		role = "obs_reader"
	}
	next := fmt.Sprintf("hub %s needs a user with the role %s (GRANT %[2]s TO user); "+
		"`hub migrate` gives that role its rights", name, role)
	switch name {
	case "migrate", "forget", "access grant", "access revoke":
		next = fmt.Sprintf("hub %s needs the user who owns the tables and views, "+
			"which is the one who ran `hub migrate` first", name)
	}
	said := strings.ReplaceAll(err.Error(), server.Error(), server.Message) // without a code, which says the same
	denied := &deniedError{said + "; " + next, err}
	if program.ExitCode(err) == program.ExitPartly {
		return &program.PartialError{Err: denied}
	}
	return &program.UsageError{Err: denied}
}

// deniedError is an error of PostgreSQL with a text for people.
type deniedError struct {
	text string
	err  error
}

func (e *deniedError) Error() string { return e.text }
func (e *deniedError) Unwrap() error { return e.err }
