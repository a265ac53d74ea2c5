package main

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/hubspoke/observability/consumers/dashboard"
	"github.com/hubspoke/observability/consumers/dashboard/pages"
	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/lib/pgtest"
	"github.com/hubspoke/observability/lib/pgtest/pgserver"
	"github.com/hubspoke/observability/schemas"
)

// A user who has too few rights for a command gets the role to use. Roles belong to a
// whole server, so the test has one of its own.
func TestRolesOfCommands(t *testing.T) {
	w := newWorld(t, 1)
	server := pgtest.StartServer(t, pgserver.Config{})
	owner := must(pgx.Connect(t.Context(), server.URL()))
	defer owner.Close(t.Context())
	for _, role := range []string{"writer", "reader"} {
		if _, err := owner.Exec(t.Context(), "CREATE ROLE obs_"+role+"; CREATE ROLE "+role+" LOGIN PASSWORD 'x' IN ROLE obs_"+
			role); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := owner.Exec(t.Context(), "CREATE ROLE stranger LOGIN PASSWORD 'x'"); err != nil {
		t.Fatal(err)
	}
	hub(t.Context(), "migrate", "--database-url", server.URL()).want(t, program.ExitDone)
	as := func(t *testing.T, role string) string {
		url := "postgres://" + role + ":x" + server.URL()[strings.LastIndexByte(server.URL(), '@'):]
		t.Setenv("DATABASE_URL", url)
		return url
	}

	url := as(t, "writer")
	pool := must(pgxpool.New(t.Context(), server.URL()))
	defer pool.Close()
	w.db = &pgtest.DB{URL: server.URL(), Pool: pool}
	c := w.consume()
	w.send(spoke, collector(schemas.Certificates, nil, certificate(1, "ISSUED")))
	w.completed(1)
	c.stop(t)
	if _, err := pool.Exec(t.Context(),
		`INSERT INTO hub.reject (state, reason, detail, category, account_id, region, slice, origin, size, sha256, bytes)
		VALUES ('open', 'malformed', '', '', '', '', '', 'test', 1, sha256('x'), 'x')`); err != nil {
		t.Fatal(err)
	}
	id := must(pgx.CollectExactlyOneRow(must(pool.Query(t.Context(), "SELECT id::text FROM hub.reject LIMIT 1")),
		pgx.RowTo[string]))

	const needsWriter, needsOwner = "needs a user with the role obs_writer", "needs the user who owns the tables"
	tests := []struct {
		command string
		needs   string
		done    int // exit code of those who may
	}{
		{"check", needsWriter, program.ExitDone},
		{"status", needsWriter, program.ExitDone},
		{"refresh", needsWriter, program.ExitDone},
		{"refresh --all", needsWriter, program.ExitDone},
		{"verify", needsWriter, program.ExitDone},
		{"verify --content", needsWriter, program.ExitDone},
		{"verify --against " + url, needsWriter, program.ExitDone},
		{"rejects list", needsWriter, program.ExitDone},
		{"rejects show " + id, needsWriter, program.ExitDone},
		{"replay --bucket " + bucket, needsWriter, program.ExitDone},
		{"migrate", needsOwner, program.ExitUsage},
		{"migrate --dry-run", needsOwner, program.ExitDone},
		{"access list", needsWriter, program.ExitDone},
		{"access grant group:a " + spoke, needsOwner, program.ExitUsage},
		{"access revoke group:a *", needsOwner, program.ExitUsage},
		{"forget --account " + spoke + " --dry-run", needsOwner, program.ExitDone},
		{"forget --account " + spoke + " --yes", needsOwner, program.ExitUsage},
	}
	for _, test := range tests {
		t.Run("writer "+test.command, func(t *testing.T) {
			r := hub(t.Context(), strings.Fields(test.command)...).want(t, test.done)
			if test.done == program.ExitUsage {
				r.want(t, test.done, test.needs)
			}
			withoutState(t, r)
		})
		t.Run("reader "+test.command, func(t *testing.T) {
			as(t, "reader")
			withoutState(t, hub(t.Context(), strings.Fields(test.command)...).want(t, program.ExitUsage, test.needs))
		})
	}
	t.Run("reader", func(t *testing.T) {
		as(t, "reader")
		withoutState(t, hub(t.Context(), "consume", "--stream", streamARN).want(t, program.ExitUsage,
			"hub consume "+needsWriter))
		d := startDashboard(t)
		for _, p := range pages.All() {
			if body := d.get(t, strings.ReplaceAll(p.Path, "{account}", spoke)); strings.Contains(body, "has no answer") {
				t.Errorf("%s: a reader may not read all: %s", p.Path, d.stderr.String())
			}
		}
		d.stop()
		<-d.code
		for _, p := range pages.All() {
			args := []string{"show", p.Name}
			if dashboard.FixedFilter(p) == "account" {
				args = append(args, "--filter", "account="+spoke)
			}
			hub(t.Context(), args...).want(t, program.ExitDone)
		}
		hub(t.Context(), "show", "certificates").want(t, program.ExitDone, "certificates")
		as(t, "stranger")
		withoutState(t, hub(t.Context(), "show", "overview").want(t, program.ExitUsage, "GRANT obs_reader TO stranger"))
		withoutState(t, hub(t.Context(), "dashboard").want(t, program.ExitUsage, "GRANT obs_reader TO stranger"))
		as(t, "reader")
		t.Setenv("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:1")
		withoutState(t, hub(t.Context(), "lambda").want(t, program.ExitUsage, "hub lambda "+needsWriter))
	})
}

// withoutState makes sure that nobody has to look up a code of PostgreSQL.
func withoutState(t *testing.T, r result) {
	t.Helper()
	if strings.Contains(r.stderr, "SQLSTATE") {
		t.Error(r.stderr)
	}
}
