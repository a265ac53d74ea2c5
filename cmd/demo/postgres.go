package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/lib/pgtest/pgserver"
)

// postgres is a server, private or given, on which the demo makes databases of its own.
type postgres struct {
	url    string           // of a database that exists
	server *pgserver.Server // nil: DATABASE_URL
	made   []string
}

const installCommand = "apt-get install -y --no-install-recommends postgresql"

// startPostgres finds a server: DATABASE_URL, installed binaries, or Debian's
// package when it may be installed.
func startPostgres(ctx context.Context, out io.Writer) (*postgres, error) {
	if given := os.Getenv("DATABASE_URL"); given != "" {
		fmt.Fprintln(out, "PostgreSQL: the server of DATABASE_URL, in databases of the demo's own that are dropped at the "+
			"end")
		return &postgres{url: given}, nil
	}
	binaries, err := pgserver.Find()
	if errors.Is(err, pgserver.ErrNotFound) {
		if err := installPostgres(ctx, out); err != nil {
			return nil, err
		}
		binaries, err = pgserver.Find()
	}
	if err != nil {
		return nil, &program.UsageError{Err: err}
	}
	server, err := pgserver.Start(ctx, pgserver.Config{BinDir: binaries})
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(out, "PostgreSQL: a private server from %s; its data is gone at the end\n", binaries)
	return &postgres{url: server.URL(), server: server}, nil
}

// installPostgres installs Debian's package if this process may.
func installPostgres(ctx context.Context, out io.Writer) error {
	apt, err := exec.LookPath("apt-get")
	if err != nil {
		return &program.UsageError{Err: pgserver.ErrNotFound}
	}
	if os.Geteuid() != 0 {
		return program.Usagef("no PostgreSQL server is installed; run: sudo %s, or set DATABASE_URL", installCommand)
	}
	fmt.Fprintf(out, "No PostgreSQL server is installed. Installing one:\n\n$ apt-get update\n$ %s\n\n", installCommand)
	for _, args := range [][]string{{"update"}, strings.Fields(installCommand)[1:]} {
		cmd := exec.CommandContext(ctx, apt, args...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if output, err := cmd.CombinedOutput(); err != nil {
			return program.Usagef("apt-get %s: %w\n%s\nmend that and run: %s, or set DATABASE_URL",
				args[0], err, lastLines(output, 10), installCommand)
		}
	}
	return nil
}

// createDatabase makes a database and returns its URL.
func (p *postgres) createDatabase(ctx context.Context, name string) (string, error) {
	if p.server == nil {
		name += "_" + strings.ToLower(rand.Text()[:8])
	}
	err := p.exec(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize())
	var refused *pgconn.PgError
	switch {
	case errors.As(err, &refused) && refused.Code == "42501":
		return "", program.Usagef("make the database %s: %w; the user of DATABASE_URL needs the right CREATEDB", name, err)
	case err != nil && p.server == nil:
		return "", program.Usagef("make the database %s: %w; start the server of DATABASE_URL, or unset DATABASE_URL to "+
			"use a private one", name, err)
	case err != nil:
		return "", err
	}
	p.made = append(p.made, name)
	return withDatabase(p.url, name)
}

func (p *postgres) exec(ctx context.Context, sql string) error {
	conn, err := pgx.Connect(ctx, p.url)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	_, err = conn.Exec(ctx, sql)
	return err
}

// close drops the databases or stops the server.
func (p *postgres) close(ctx context.Context) error {
	if p.server != nil {
		return p.server.Stop()
	}
	var errs []error
	for _, name := range p.made {
		errs = append(errs, p.exec(ctx, "DROP DATABASE IF EXISTS "+pgx.Identifier{name}.Sanitize()+" WITH (FORCE)"))
	}
	return errors.Join(errs...)
}

// withDatabase returns a connection string, URL or keywords, for another database.
func withDatabase(connection, name string) (string, error) {
	if !strings.Contains(connection, "://") {
		return connection + " dbname=" + name, nil
	}
	u, err := url.Parse(connection)
	if err != nil {
		return "", program.Usagef("DATABASE_URL: %w", err)
	}
	u.Path = "/" + name
	return u.String(), nil
}

// lastLines returns the end of a text.
func lastLines(text []byte, n int) string {
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return cmp.Or(strings.Join(lines[max(0, len(lines)-n):], "\n"), "(empty)")
}
