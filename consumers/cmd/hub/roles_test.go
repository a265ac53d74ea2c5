package main

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/hubspoke/observability/lib/pgtest"
	"github.com/hubspoke/observability/lib/pgtest/pgserver"
	"github.com/hubspoke/observability/lib/program"
	"github.com/hubspoke/observability/schemas"
)

// Everything but migrating and forgetting works for a member of obs_writer, who owns nothing.
// Roles belong to a whole server, so the test has one of its own.
func TestWriterNeedsNoMoreThanItsRole(t *testing.T) {
	w := newWorld(t, 1)
	server := pgtest.StartServer(t, pgserver.Config{})
	owner := must(pgx.Connect(t.Context(), server.URL()))
	defer owner.Close(t.Context())
	if _, err := owner.Exec(t.Context(), "CREATE ROLE obs_writer; CREATE ROLE consumer LOGIN PASSWORD 'x' IN ROLE obs_writer"); err != nil {
		t.Fatal(err)
	}
	hub(t.Context(), "migrate", "--database-url", server.URL()).want(t, program.ExitDone)

	address := server.URL()[strings.LastIndexByte(server.URL(), '@'):]
	t.Setenv("DATABASE_URL", "postgres://consumer:x"+address)
	pool := must(pgxpool.New(t.Context(), server.URL()))
	defer pool.Close()
	w.db = &pgtest.DB{URL: server.URL(), Pool: pool}
	c := w.consume()
	w.send(spoke, collector(schemas.Certificates, nil, certificate(1, "ISSUED")))
	w.completed(1)
	c.stop(t)
	for _, command := range []string{"check", "status", "refresh", "verify", "rejects list"} {
		hub(t.Context(), strings.Fields(command)...).want(t, program.ExitDone)
	}
	hub(t.Context(), "forget", "--account", spoke, "--yes").want(t, program.ExitUsage, "forgetting needs the owner of the tables")
}
