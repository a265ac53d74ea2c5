package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/rdsauth"
	"github.com/hubspoke/observability/lib/refresh"
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/schemas"
	"github.com/hubspoke/observability/sql"
)

// connectTimeout is how long a command waits for the database at its start.
const connectTimeout = 15 * time.Second

// databaseFlags say which database, and who logs in.
type databaseFlags struct {
	awsFlags
	DatabaseURL string `env:"HUB_DATABASE_URL,DATABASE_URL" placeholder:"URL" help:"PostgreSQL database, such as postgres://user@host/name. Defaults to what libpq's variables (PGHOST, PGDATABASE, ...) say."`
	DatabaseIAM bool   `help:"Log in to Amazon RDS or Aurora with tokens of IAM, in place of a password."`
	DatabaseCA  string `enum:",rds" default:"" placeholder:"rds" help:"Trust the authorities of Amazon RDS, which are part of this program, and no others: rds. Defaults to that with --database-iam, unless sslrootcert or PGSSLROOTCERT names others, and else to what these say."`
}

// url returns the URL, "" for libpq's variables.
func (f databaseFlags) url() (string, error) {
	if f.DatabaseURL != "" {
		return f.DatabaseURL, nil
	}
	for _, name := range []string{"PGHOST", "PGSERVICE", "PGDATABASE", "PGUSER"} {
		if os.Getenv(name) != "" {
			return "", nil
		}
	}
	return "", program.Usagef("which database? Give --database-url, or set DATABASE_URL, such as " +
		"postgres://user@host/observability")
}

// open connects to the database.
func (f databaseFlags) open(ctx context.Context, connections int32) (*pgxpool.Pool, error) {
	cfg, err := f.config(ctx)
	if err != nil {
		return nil, err
	}
	return connect(ctx, cfg, connections)
}

// config returns how to connect to the database.
func (f databaseFlags) config(ctx context.Context) (*pgxpool.Config, error) {
	url, err := f.url()
	if err != nil {
		return nil, err
	}
	cfg, err := load.PoolConfig(url)
	if err != nil {
		return nil, program.Usagef("%w", err)
	}
	if f.DatabaseCA == "rds" || f.DatabaseIAM && !namesAuthority(cfg) {
		if err := rdsauth.Trust(cfg); err != nil {
			return nil, program.Usagef("--database-ca rds: %w", err)
		}
	}
	if !f.DatabaseIAM {
		return cfg, nil
	}
	credentials, err := f.load(ctx, rdsauth.Region(cfg.ConnConfig.Host), nil)
	if err != nil {
		return nil, fmt.Errorf("--database-iam: %w", err)
	}
	if err := rdsauth.Login(cfg, credentials); err != nil {
		return nil, program.Usagef("--database-iam: %w", err)
	}
	return cfg, nil
}

// against returns the flags of a second database, where a password wins over IAM.
func (f databaseFlags) against(url string) databaseFlags {
	f.DatabaseURL = url
	if cfg, err := load.PoolConfig(url); err == nil && cfg.ConnConfig.Password != "" {
		f.DatabaseIAM = false
	}
	return f
}

// namesAuthority reports whether the settings of libpq name who is trusted.
func namesAuthority(cfg *pgxpool.Config) bool {
	encryption := cfg.ConnConfig.TLSConfig
	return encryption != nil && encryption.RootCAs != nil
}

// openService connects to a database for as long as the program runs, and requires its
// bookkeeping tables to be up to date. No read or write of its connections can last for
// ever.
func (f databaseFlags) openService(ctx context.Context, connections int32) (*pgxpool.Pool, *load.Connections, error) {
	cfg, err := f.config(ctx)
	if err != nil {
		return nil, nil, err
	}
	watched := load.Watch(cfg)
	pool, err := connect(ctx, cfg, connections)
	if err != nil {
		return nil, nil, err
	}
	if err := requireBookkeeping(ctx, pool); err != nil {
		pool.Close()
		return nil, nil, err
	}
	return pool, watched, nil
}

// connect opens a pool and makes sure that the database answers.
func connect(ctx context.Context, cfg *pgxpool.Config, connections int32) (*pgxpool.Pool, error) {
	cfg.MaxConns = max(connections, 1)
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, err
	}
	ping, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	if err := pool.Ping(ping); err != nil {
		pool.Close()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, connectError(cfg, err)
	}
	return pool, nil
}

// connectError says what to look at when the database cannot be reached. It is wrong
// usage where trying again does not help.
func connectError(cfg *pgxpool.Config, err error) error {
	c, code := cfg.ConnConfig, ""
	if server, ok := errors.AsType[*pgconn.PgError](err); ok {
		code = server.Code
	}
	var next string
	switch {
	case code == "3D000": // invalid_catalog_name
		next = fmt.Sprintf("make it: createdb %s", c.Database)
	case (code == "28P01" || code == "28000") && cfg.BeforeConnect != nil:
		next = fmt.Sprintf("user %s needs the role rds_iam (GRANT rds_iam TO %[1]s), the IAM role the permission "+
			"rds-db:connect on it, and this host the right time", c.User)
	case code == "28P01" || code == "28000": // invalid_password, invalid_authorization_specification
		next = fmt.Sprintf("check the password of user %s (PGPASSWORD, ~/.pgpass) and what the server allows", c.User)
	case code == insufficientPrivilege:
		next = fmt.Sprintf("let user %s connect: GRANT CONNECT ON DATABASE", c.User)
	case untrusted(err):
		next = "TLS is verified in full: name the authority with sslrootcert in the URL or PGSSLROOTCERT, for Amazon RDS " +
			"with --database-ca rds, or the bundle that AWS publishes where the region is not in that"
	case strings.Contains(err.Error(), "server refused TLS connection"): // pgx has no type for it
		next = "the server has no TLS: turn it on there (ssl = on), or on a network that you trust give sslmode=disable " +
			"in the URL or PGSSLMODE"
	default:
		return fmt.Errorf("database %s on %s:%d: %w; is it running, and may this host reach it?", c.Database, c.Host, c.Port,
			err)
	}
	return program.Usagef("database %s on %s:%d: %w; %s", c.Database, c.Host, c.Port, err, next)
}

// untrusted reports whether the server's certificate is not accepted.
func untrusted(err error) bool {
	var (
		unverified *tls.CertificateVerificationError
		authority  x509.UnknownAuthorityError
		host       x509.HostnameError
		invalid    x509.CertificateInvalidError
	)
	return errors.As(err, &unverified) || errors.As(err, &authority) || errors.As(err, &host) || errors.As(err, &invalid)
}

// openReady connects to a database and requires its bookkeeping tables to be up to
// date.
func (f databaseFlags) openReady(ctx context.Context, connections int32) (*pgxpool.Pool, error) {
	pool, err := f.open(ctx, connections)
	if err != nil {
		return nil, err
	}
	if err := requireBookkeeping(ctx, pool); err != nil {
		pool.Close()
		return nil, err
	}
	return pool, nil
}

func requireBookkeeping(ctx context.Context, pool *pgxpool.Pool) error {
	missing, err := load.NewMigrator(pool).Pending(ctx)
	if err != nil {
		return err
	}
	if len(missing) > 0 {
		c := pool.Config().ConnConfig
		return program.Usagef("database %s on %s: the hub's own tables are missing or old (%s); run: hub migrate", c.Database,
			c.Host, strings.Join(namesOf(missing), ", "))
	}
	return nil
}

// fit says how the database differs from what this program needs.
type fit struct {
	// Pending migrations.
	Pending []load.Migration
	// Faults of category tables.
	Faults []load.Fault
	// Views is whether this program's views are installed.
	Views bool
}

// namesOf returns the names of migrations.
func namesOf(migrations []load.Migration) []string {
	names := make([]string, len(migrations))
	for i, m := range migrations {
		names[i] = m.Name
	}
	return names
}

func (f fit) fits() bool { return len(f.Pending) == 0 && len(f.Faults) == 0 && f.Views }

// compare compares the database with the tables and views of this program.
func compare(ctx context.Context, pool *pgxpool.Pool) (f fit, err error) {
	if f.Pending, err = load.NewMigrator(pool).Pending(ctx); err != nil {
		return f, err
	}
	if f.Faults, err = load.Check(ctx, pool, schemas.All()...); err != nil {
		return f, err
	}
	f.Views, err = refresh.Installed(ctx, pool, sql.Views())
	return f, err
}

// categories returns the tables of the named categories, all if there are no names.
func categories(names []string) ([]*schema.Table, error) {
	known := map[string]*schema.Table{}
	for _, t := range schemas.All() {
		known[t.Name()] = t
	}
	if len(names) == 0 {
		return schemas.All(), nil
	}
	var chosen []*schema.Table
	for i, name := range names {
		if known[name] == nil {
			return nil, program.Usagef("unknown category %q: choose from %s", name,
				strings.Join(slices.Sorted(maps.Keys(known)), ", "))
		}
		if slices.Contains(names[:i], name) {
			return nil, program.Usagef("--category %s is given twice", name)
		}
		chosen = append(chosen, known[name])
	}
	return chosen, nil
}
