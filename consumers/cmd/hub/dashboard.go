package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/hubspoke/observability/consumers/dashboard"
	"github.com/hubspoke/observability/consumers/dashboard/pages"
	"github.com/hubspoke/observability/internal/program"
)

// dashboardCommand shows the views to people.
type dashboardCommand struct {
	databaseFlags
	Addr        string `default:"127.0.0.1:8080" placeholder:"HOST:PORT" help:"Address to listen on; without a login of this host alone. Port 0 takes a free one (default: ${default})."`
	MetricsAddr string `placeholder:"HOST:PORT" help:"Address that serves /healthz, /readyz and /metrics. Defaults to none."`
	loginFlags
}

// Help is shown by `hub dashboard -h`.
func (dashboardCommand) Help() string {
	return `Serves pages that only read: costs, findings, what needs attention, compliance, savings,
inventory, operations, how fresh the data are, and any view row by row, as CSV and JSON, too.
Each page is one transaction of the database, so that its numbers are of one moment.

Without --auth it answers this host alone, and everybody who can reach it sees what its user of
the database may read; one with the role obs_reader can read all views and change nothing. From
another host open an SSH tunnel, and then http://localhost:8080 there:

  ssh -N -L 8080:127.0.0.1:8080 hub.example.com

With --auth people log in, and see the accounts that hub access grants them. The user of the
database must be a member of obs_reader and obs_restricted that inherits nothing:

  CREATE ROLE dashboard LOGIN NOINHERIT IN ROLE obs_reader, obs_restricted

Behind an Application Load Balancer that logs people in, where nobody but it reaches this host:

  hub dashboard --addr :8080 --auth alb --alb-arn arn:aws:elasticloadbalancing:… \
    --oidc-issuer https://login.example.com --oidc-client observability

By itself, behind anything that ends TLS; HUB_OIDC_SECRET has the secret of the client, and
HUB_SESSION_KEY the key of the sessions, 32 bytes in base64 (openssl rand -base64 32). Without
that sessions end with this process:

  hub dashboard --addr :8080 --auth oidc --external-url https://dashboard.example.com \
    --oidc-issuer https://login.example.com --oidc-client observability

SIGTERM and SIGINT end it. /healthz answers while it runs.`
}

const (
	// A browser sends its headers at once, and takes a page in seconds. A file of a million
	// rows may take minutes.
	requestTimeout  = 5 * time.Second
	responseTimeout = 5 * time.Minute
	idleTimeout     = 2 * time.Minute
	maxHeader       = 16 << 10
	// closeTimeout is how long pages under way may take at the end.
	closeTimeout = 3 * time.Second
)

// Run serves until ctx is done.
func (c dashboardCommand) Run(ctx context.Context, p program.Program, log *slog.Logger) error {
	if err := c.validate(c.Addr); err != nil {
		return err
	}
	pool, err := c.open(ctx, dashboard.Connections)
	if err != nil {
		return err
	}
	defer pool.Close()
	gate, err := c.gate(ctx, pool, log)
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", c.Addr)
	if err != nil {
		return program.Usagef("--addr %s: %w; choose another port", c.Addr, err)
	}
	m := newDashboardMetrics(p.VersionText())
	if c.MetricsAddr != "" {
		endpoints, err := program.Listen(c.MetricsAddr, m.handler(), pool.Ping, log)
		if err != nil {
			return err
		}
		defer endpoints.Serve(ctx)()
	}
	server := serverOf(dashboard.New(pool, dashboard.Config{Pages: pages.All(), Log: log, Version: p.VersionText(),
		Gate: gate, Hooks: m.hooks()}), log)
	stop := context.AfterFunc(ctx, func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
		defer cancel()
		if server.Shutdown(closing) != nil {
			server.Close()
		}
	})
	defer stop()
	fmt.Fprintf(p.Stdout, "Look: %s\n", cmp.Or(c.ExternalURL, "http://"+listener.Addr().String()))
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// serverOf returns a server within the limits of the dashboard.
func serverOf(pages http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{Handler: pages,
		ReadHeaderTimeout: requestTimeout, ReadTimeout: requestTimeout, WriteTimeout: responseTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelError),
	}
}

// requireLoopback refuses addresses that other hosts reach.
func requireLoopback(addr string) error {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return program.Usagef("--addr %s: %w; write it as 127.0.0.1:8080", addr, err)
	}
	ip, err := netip.ParseAddr(host)
	if host == "localhost" || err == nil && ip.IsLoopback() {
		return nil
	}
	return program.Usagef("--addr %s: other hosts could reach it: who may look? Give --auth alb or oidc, or listen on "+
		"127.0.0.1:%s and open it from elsewhere by an SSH tunnel: ssh -N -L %[2]s:127.0.0.1:%[2]s HOST", addr, port)
}

// requireViews makes sure that there are views, and that the user may read them: all of them,
// or by one role at a time.
func requireViews(ctx context.Context, pool *pgxpool.Pool, byRole bool) error {
	var exist, readable bool
	err := pool.QueryRow(ctx, "SELECT v IS NOT NULL, coalesce(has_table_privilege(v, 'SELECT'), false) "+
		"FROM to_regclass('public.view_status') AS v").Scan(&exist, &readable)
	c := pool.Config().ConnConfig
	switch {
	case err != nil:
		return fmt.Errorf("look for the views: %w", err)
	case !exist:
		return program.Usagef("database %s on %s has no views yet; run: hub migrate", c.Database, c.Host)
	case byRole && readable:
		return program.Usagef("user %s reads all accounts by itself, and with a login it has to read for those alone who "+
			"may: REVOKE obs_reader FROM %[1]s; ALTER ROLE %[1]s NOINHERIT; GRANT obs_reader, obs_restricted TO %[1]s; "+
			"where it owns the tables or is a superuser, take another user", c.User)
	case byRole:
		err := dashboard.CheckRoles(ctx, pool)
		if server, ok := errors.AsType[*pgconn.PgError](err); ok {
			return program.Usagef("user %s cannot take the roles of those who log in: %s; CREATE ROLE obs_restricted if "+
				"there is none, run hub migrate, which gives it its rights, then GRANT obs_reader, obs_restricted TO %[1]s", c.User,
				server.Message)
		}
		return err
	case !readable:
		return program.Usagef("user %s may not read the views: GRANT obs_reader TO %[1]s; `hub migrate` gives that role its "+
			"rights. A user that inherits nothing is for --auth", c.User)
	}
	return nil
}
