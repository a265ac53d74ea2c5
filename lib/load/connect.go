package load

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/jackc/pgservicefile"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// sessionSettings make the plans of the loader's statements independent of
// statistics: they join a batch to a table by its primary key, and a hash or
// merge join, or compiling the query, costs many times more. The time-outs end a
// wait that nothing else will end; while it waits for a table, the loader holds
// locks of its own. Dates have the form that slices have.
const sessionSettings = `
	SET jit = off;
	SET enable_hashjoin = off;
	SET enable_mergejoin = off;
	SET datestyle = 'ISO';
	SET lock_timeout = '5s';
	SET statement_timeout = '10min';
	SET idle_in_transaction_session_timeout = '1min'`

// maxSilence is how long a server may not answer at all. A host that dies, as in a
// failover, says no word of it.
const maxSilence = 30 * time.Second

// pingTimeout is how long a connection that was not used for a while may take to show
// that it works. After that the pool takes another one.
const pingTimeout = 5 * time.Second

// keepAlive asks a server that has nothing to say, because a statement takes its
// time, whether it is still there.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: maxSilence / 3, Interval: maxSilence / 6, Count: 4}

// PoolConfig parses a database URL or keyword string into the configuration of a pool
// with connections that suit a [Loader].
//
// Outside this host TLS is verified in full (sslmode=verify-full) unless the URL
// or PGSSLMODE says otherwise; sslrootcert names the authority, for Amazon RDS
// the bundle that AWS publishes.
func PoolConfig(databaseURL string) (*pgxpool.Config, error) {
	cfg, err := parseConfig(databaseURL)
	if err != nil {
		return nil, fmt.Errorf("database URL: %w", err)
	}
	if !sslModeGiven(databaseURL) && !allLocal(&cfg.ConnConfig.Config) {
		if cfg, err = parseConfig(withVerifyFull(databaseURL)); err != nil {
			return nil, fmt.Errorf("database URL with sslmode=verify-full: %w", err)
		}
	}
	c := cfg.ConnConfig
	// After a change of a column's type on a live connection, cached descriptions
	// would send bytes of the old type.
	c.DefaultQueryExecMode = pgx.QueryExecModeDescribeExec
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = 10 * time.Second
	}
	c.DialFunc = (&net.Dialer{KeepAliveConfig: keepAlive, Control: limitSilence}).DialContext
	if c.RuntimeParams["application_name"] == "" {
		c.RuntimeParams["application_name"] = "observability-hub"
	}
	if cfg.PingTimeout == 0 {
		cfg.PingTimeout = pingTimeout
	}
	cfg.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		ctx, cancel := context.WithTimeout(ctx, c.ConnectTimeout)
		defer cancel()
		_, err := conn.Exec(ctx, sessionSettings, pgx.QueryExecModeSimpleProtocol)
		return err
	}
	return cfg, nil
}

// parseConfig parses a database URL or keyword string. Its errors do not quote it: in
// a malformed one nobody can tell where the password is.
func parseConfig(connection string) (*pgxpool.Config, error) {
	cfg, err := pgxpool.ParseConfig(connection)
	var malformed *pgconn.ParseConfigError
	switch {
	case errors.As(err, &malformed) && serviceFault(connection) != nil:
		return nil, serviceFault(connection)
	case errors.As(err, &malformed):
		why := malformed.Error()
		why = why[strings.LastIndex(why, "`: ")+len("`: "):]
		if !isURL(connection) {
			why, _, _ = strings.Cut(why, " (") // it quotes a word, which may be of the password
		}
		return nil, fmt.Errorf("%s; want postgres://user@host/database or host=… user=… dbname=…", why)
	case err != nil:
		return nil, err
	case strings.Contains(cfg.ConnConfig.Host, "@"):
		return nil, errors.New("there is an @ in the host: write an @ in the password as %40, or give the password in " +
			"PGPASSWORD")
	}
	return cfg, nil
}

// serviceFault says what is wrong with the connection service that PGSERVICE or the
// connection string names, nil if nothing is.
func serviceFault(connection string) error {
	service, file := os.Getenv("PGSERVICE"), os.Getenv("PGSERVICEFILE")
	if isURL(connection) {
		if u, err := url.Parse(connection); err == nil && u.Query().Has("service") {
			service = u.Query().Get("service")
		}
	} else if named := serviceKeyword.FindStringSubmatch(connection); named != nil {
		service = named[1]
	}
	if service == "" {
		return nil
	}
	if file == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return fmt.Errorf("service %q: %w; name the service file in PGSERVICEFILE", service, err)
		}
		file = filepath.Join(home, ".pg_service.conf")
	}
	services, err := pgservicefile.ReadServicefile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("service %q: the service file %s does not exist; make it, or name it in PGSERVICEFILE", service,
			file)
	case err != nil:
		return fmt.Errorf("service %q: read service file: %w", service, err)
	}
	if _, err := services.GetService(service); err != nil {
		return fmt.Errorf("the service file %s has no service %q; mend PGSERVICE, or name another file in PGSERVICEFILE",
			file, service)
	}
	return nil
}

var serviceKeyword = regexp.MustCompile(`(?:^|\s)service\s*=\s*(\w+)`)

var sslModeKeyword = regexp.MustCompile(`(^|\s)sslmode\s*=`)

// sslModeGiven reports whether the URL, keyword string or environment sets sslmode.
func sslModeGiven(connection string) bool {
	if os.Getenv("PGSSLMODE") != "" {
		return true
	}
	if isURL(connection) {
		u, err := url.Parse(connection)
		return err == nil && u.Query().Has("sslmode")
	}
	return sslModeKeyword.MatchString(connection)
}

// allLocal reports whether every host that may be connected to is this one.
func allLocal(cfg *pgconn.Config) bool {
	local := isLocal(cfg.Host)
	for _, other := range cfg.Fallbacks {
		local = local && isLocal(other.Host)
	}
	return local
}

// isLocal reports whether host is a socket directory or a loopback address.
func isLocal(host string) bool {
	if strings.HasPrefix(host, "/") || host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// isURL tells a URL from a keyword string as libpq and pgx do.
func isURL(connection string) bool {
	return strings.HasPrefix(connection, "postgres://") || strings.HasPrefix(connection, "postgresql://")
}

func withVerifyFull(connection string) string {
	switch {
	case !isURL(connection):
		return connection + " sslmode=verify-full"
	case strings.Contains(connection, "?"):
		return connection + "&sslmode=verify-full"
	}
	return connection + "?sslmode=verify-full"
}
