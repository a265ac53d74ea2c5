package load

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// Class answers what to do about an error of the database.
type Class uint8

const (
	// Stop: nothing here can mend it; a person must.
	Stop Class = iota
	// Retry the whole transaction, after re-reading progress: its outcome may be
	// unknown. Such an error never becomes a reject.
	Retry
	// PutAside: the data is at fault. Bisect to the row and reject it.
	PutAside
	// Park the category: its table does not fit. The other categories go on.
	Park
)

// String returns the name of the class in lower case.
func (c Class) String() string {
	return [...]string{"stop", "retry", "put aside", "park"}[c]
}

// MisfitError says that the table of a category is not as its schema declares.
type MisfitError struct {
	// Category of the table that does not fit.
	Category string
	// Faults of the table, each with the statement that mends it.
	Faults []Fault
}

// Error names the table and its faults.
func (e *MisfitError) Error() string {
	var b strings.Builder
	b.WriteString("table obs." + e.Category + " does not fit:")
	for _, f := range e.Faults {
		b.WriteString(" " + f.String() + ";")
	}
	return strings.TrimSuffix(b.String(), ";")
}

// Classify decides by type and SQLSTATE, never by text (PostgreSQL manual,
// appendix A, Error Codes).
func Classify(err error) Class {
	var misfit *MisfitError
	var server *pgconn.PgError
	switch {
	case errors.Is(err, context.Canceled):
		return Stop
	case errors.As(err, &misfit):
		return Park
	case errors.As(err, &server):
		return classifyState(server.Code)
	}
	var network net.Error
	var connect *pgconn.ConnectError
	if errors.As(err, &connect) || errors.As(err, &network) || errors.Is(err, io.EOF) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, errSlow) || errors.Is(err, errScopePruned) || errors.Is(err, pgconn.ErrConnClosed) ||
		errors.Is(err, context.DeadlineExceeded) || pgconn.Timeout(err) {
		return Retry
	}
	return Stop
}

const (
	codeReadOnly = "25006" // read_only_sql_transaction
	codeCanceled = "57014" // query_canceled: statement timeout
	codeUnique   = "23505" // unique_violation
)

// readOnly reports whether the server takes no writes.
func readOnly(err error) bool { return hasCode(err, codeReadOnly) }

// changedByOthers reports whether rows came or went between the question which there are
// and the writing: somebody else than a loader wrote to the table.
func changedByOthers(err error) bool { return errors.Is(err, errVanished) || hasCode(err, codeUnique) }

var errVanished = errors.New("rows to be changed are not there any more")

var errSlow = errors.New("the transaction takes too long")

// tooSlow reports whether a transaction took longer than it may.
func tooSlow(err error) bool { return errors.Is(err, errSlow) || hasCode(err, codeCanceled) }

func hasCode(err error, code string) bool {
	var server *pgconn.PgError
	return errors.As(err, &server) && server.Code == code
}

func classifyState(code string) Class {
	if len(code) != 5 {
		return Stop
	}
	switch code {
	case "55P03", // lock timeout
		codeCanceled,                       // our COPY never asks the client to encode, which pgx reports so, too
		"57P01", "57P02", "57P03", "57P05", // shutdown, crash, cannot connect now, idle for too long
		codeReadOnly,
		"25P03", "25P04", // transaction idle or open for too long
		"58030": // I/O error
		return Retry
	case "42501", "3D000", "3F000": // privilege, database, schema missing
		return Park
	}
	switch code[:2] {
	case "08", // connection
		"28", // credentials, which may be renewed
		"40", // serialization, deadlock
		"53": // disk, memory, connections
		return Retry
	case "22", "23", "54", "21":
		return PutAside
	case "42", "0A":
		return Park
	}
	return Stop
}
