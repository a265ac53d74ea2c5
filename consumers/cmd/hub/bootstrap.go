package main

import (
	"context"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/hubspoke/observability/internal/program"
)

// bootstrapFlags say how the roles of the database are made.
type bootstrapFlags struct {
	Bootstrap       bool   `help:"Make the roles of the programs first, as the master user." xor:"what"`
	MasterSecretARN string `placeholder:"ARN" help:"With --bootstrap: secret with the username and password of the master user."`
	ReaderSecretARN string `placeholder:"ARN" help:"With --bootstrap: secret with the password of obs_quicksight, which reads the views. Defaults to none: without it the role is not made."`
}

// Roles that programs log in with.
const (
	migratorRole  = "obs_migrator"
	consumerRole  = "obs_consumer"
	dashboardRole = "obs_dashboard"
	readerRole    = "obs_quicksight"
)

// invalidAuthorization is the code of a login of a kind that the server does not take.
const invalidAuthorization = "28000"

// role is one that --bootstrap makes and puts back.
type role struct {
	name string
	// login is whether the role may log in, with at most so many connections; -1: any number.
	login       bool
	connections int
	// password as the server stores it; "" leaves the role without one.
	password string
	// memberOf are the roles with the rights that it has.
	memberOf []string
	// chooses says that it has none of these rights before it takes one of the roles.
	chooses  bool
	settings []setting
}

// setting is one that begins every session of a role.
type setting struct{ name, value string }

// roles returns those of the programs, those first that others are members of. Members of
// iam log in by IAM; it is empty where the server has none. Nobody logs in with a password
// but the reader.
func roles(iam []string, reader *login) ([]role, error) {
	all := []role{
		{name: "obs_writer", connections: -1},
		{name: "obs_reader", connections: -1},
		{name: "obs_restricted", connections: -1},
		{name: migratorRole, login: true, connections: -1, memberOf: iam},
		{name: consumerRole, login: true, connections: -1, memberOf: append([]string{"obs_writer"}, iam...)},
		{name: dashboardRole, login: true, connections: -1, chooses: true,
			memberOf: append([]string{"obs_reader", "obs_restricted"}, iam...),
			settings: []setting{{"default_transaction_read_only", "on"}}},
	}
	if reader == nil {
		return all, nil
	}
	if reader.Username != readerRole {
		return nil, program.Usagef("--reader-secret-arn: the secret is of user %q; its username must be %s", reader.Username,
			readerRole)
	}
	password, err := scramSHA256(reader.Password)
	if err != nil {
		return nil, program.Usagef("--reader-secret-arn: %w", err)
	}
	return append(all, role{
		name: readerRole, login: true, connections: 20, password: password, memberOf: []string{"obs_reader"},
		settings: []setting{{"default_transaction_read_only", "on"}, {"statement_timeout", "60s"}},
	}), nil
}

// bootstrap makes the roles as the master user, and returns those that it made or changed.
func (c migrateCommand) bootstrap(ctx context.Context, log *slog.Logger) ([]stepJSON, error) {
	if c.MasterSecretARN == "" {
		return nil, program.Usagef("--bootstrap needs --master-secret-arn: the secret that RDS keeps of the master user")
	}
	cfg, err := c.config(ctx)
	if err != nil {
		return nil, err
	}
	if user := cfg.ConnConfig.User; user != migratorRole {
		return nil, program.Usagef("the user of the database URL is %s, and with --bootstrap %s migrates: name that", user,
			migratorRole)
	}
	master, err := c.readSecret(ctx, "--master-secret-arn", c.MasterSecretARN, log)
	if err != nil {
		return nil, err
	}
	var reader *login
	if c.ReaderSecretARN != "" {
		l, err := c.readSecret(ctx, "--reader-secret-arn", c.ReaderSecretARN, log)
		if err != nil {
			return nil, err
		}
		reader = &l
	}
	pool, err := connectMaster(ctx, cfg, master)
	if err != nil {
		return nil, fmt.Errorf("--bootstrap: as the master user %s: %w", master.Username, err)
	}
	defer pool.Close()
	var steps []stepJSON
	err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		steps, err = makeRoles(ctx, tx, reader, log)
		return err
	})
	if server, ok := errors.AsType[*pgconn.PgError](err); ok && server.Code == insufficientPrivilege {
		said := strings.ReplaceAll(err.Error(), server.Error(), server.Message) // without a code, which says the same
		return nil, program.Usagef("--bootstrap: as the master user %s: %s; it needs CREATEROLE, the admin option of roles "+
			"that somebody else has made, and to own the database", master.Username, said)
	}
	if err != nil {
		return nil, fmt.Errorf("--bootstrap: as the master user %s: %w", master.Username, err)
	}
	return steps, nil
}

// connectMaster connects as the master user: with the password, or with a token of IAM where
// the server takes nothing else from a member of rds_iam. From PostgreSQL 16 on the master
// user is one after the first bootstrap: who makes a role is a member of it.
func connectMaster(ctx context.Context, cfg *pgxpool.Config, master login) (*pgxpool.Pool, error) {
	cfg.ConnConfig.User = master.Username
	byPassword := cfg.Copy()
	byPassword.BeforeConnect = nil
	byPassword.ConnConfig.Password = master.Password
	pool, err := connect(ctx, byPassword, 1)
	server, ok := errors.AsType[*pgconn.PgError](err)
	if !ok || server.Code != invalidAuthorization || cfg.BeforeConnect == nil {
		return pool, err
	}
	pool, tokenErr := connect(ctx, cfg, 1)
	if tokenErr != nil {
		return nil, program.Usagef("%w; and by IAM: %w", err, tokenErr)
	}
	return pool, nil
}

// makeRoles makes the roles, and puts back what somebody has changed of them.
func makeRoles(ctx context.Context, tx pgx.Tx, reader *login, log *slog.Logger) (steps []stepJSON, err error) {
	// Another bootstrap waits: statements on the same role would fail.
	if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock(hashtextextended('hub migrate --bootstrap', 0))"); err != nil {
		return nil, err
	}
	var iam []string
	err = tx.QueryRow(ctx, "SELECT array_agg(rolname::text) FROM pg_roles WHERE rolname = 'rds_iam'").Scan(&iam)
	if err != nil {
		return nil, err
	}
	all, err := roles(iam, reader)
	if err != nil {
		return nil, err
	}
	for _, r := range all {
		start := time.Now()
		changed, err := r.make(ctx, tx, log)
		if err != nil {
			return nil, fmt.Errorf("role %s: %w", r.name, err)
		}
		if changed {
			steps = append(steps, stepJSON{Step: "role " + r.name, Applied: true, Seconds: time.Since(start).Seconds()})
		}
	}
	if _, err := tx.Exec(ctx, grantMigratorSQL); err != nil {
		return nil, fmt.Errorf("rights of %s: %w", migratorRole, err)
	}
	return steps, nil
}

// grantMigratorSQL lets the migrator make schemas, and views in schema public.
const grantMigratorSQL = `
DO $$ BEGIN
    EXECUTE format('GRANT CREATE ON DATABASE %I TO ` + migratorRole + `', current_database());
    GRANT USAGE, CREATE ON SCHEMA public TO ` + migratorRole + `;
END $$`

// known is what the server knows of a role.
type known struct {
	// Powerful names what only a superuser can give and take.
	Powerful []string
	// Attributes are as in statements, Settings as name=value.
	Attributes, Settings, MemberOf []string
}

const knownSQL = `
SELECT array_remove(ARRAY[CASE WHEN rolsuper THEN 'SUPERUSER' END, CASE WHEN rolreplication THEN 'REPLICATION' END,
                          CASE WHEN rolbypassrls THEN 'BYPASSRLS' END], NULL),
       ARRAY[CASE WHEN rolcanlogin THEN 'LOGIN' ELSE 'NOLOGIN' END, CASE WHEN rolinherit THEN 'INHERIT' ELSE 'NOINHERIT' END,
             CASE WHEN rolcreatedb THEN 'CREATEDB' ELSE 'NOCREATEDB' END, CASE WHEN rolcreaterole THEN 'CREATEROLE' ELSE 'NOCREATEROLE' END,
             'CONNECTION LIMIT ' || rolconnlimit, format('VALID UNTIL %L', coalesce(rolvaliduntil, 'infinity'))],
       coalesce((SELECT setconfig FROM pg_db_role_setting WHERE setrole = r.oid AND setdatabase = 0), '{}'),
       ARRAY(SELECT DISTINCT g.rolname::text FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid WHERE m.member = r.oid ORDER BY 1)
FROM pg_roles r WHERE rolname = $1`

// attributes are the role's own, in the words of knownSQL.
func (r role) attributes() []string {
	login, inherit := "NOLOGIN", "INHERIT"
	if r.login {
		login = "LOGIN"
	}
	if r.chooses {
		inherit = "NOINHERIT"
	}
	return []string{login, inherit, "NOCREATEDB", "NOCREATEROLE", fmt.Sprintf("CONNECTION LIMIT %d", r.connections),
		"VALID UNTIL 'infinity'"}
}

// make makes the role if it is not there, and puts back what is different. It reports
// whether it did something besides setting the password, which nobody can read.
func (r role) make(ctx context.Context, tx pgx.Tx, log *slog.Logger) (changed bool, err error) {
	found, err := list[known](ctx, tx, knownSQL, r.name)
	if err != nil {
		return false, err
	}
	var statements []string
	is := known{Attributes: role{connections: -1}.attributes()} // of a new role
	if len(found) > 0 {
		is = found[0]
	} else {
		statements = append(statements, "CREATE ROLE "+r.name)
	}
	if len(is.Powerful) > 0 {
		return false, program.Usagef("somebody has given it %s, which only a superuser can take: ALTER ROLE %s NO%s",
			strings.Join(is.Powerful, ", "), r.name, strings.Join(is.Powerful, " NO"))
	}
	for _, attribute := range r.attributes() {
		if !slices.Contains(is.Attributes, attribute) {
			statements = append(statements, "ALTER ROLE "+r.name+" "+attribute)
		}
	}
	for _, s := range r.settings {
		if !slices.Contains(is.Settings, s.name+"="+s.value) {
			statements = append(statements, fmt.Sprintf("ALTER ROLE %s SET %s = '%s'", r.name, s.name, s.value))
		}
	}
	for _, group := range r.memberOf {
		if !slices.Contains(is.MemberOf, group) {
			statements = append(statements, fmt.Sprintf("GRANT %s TO %s", group, r.name))
		}
	}
	changed = len(statements) > 0
	if r.password != "" {
		statements = append(statements, fmt.Sprintf("ALTER ROLE %s PASSWORD '%s'", r.name, r.password))
	}
	for _, group := range is.MemberOf {
		if !slices.Contains(r.memberOf, group) {
			log.Warn("a role has more rights than it needs", "role", r.name, "member_of", group, "next",
				fmt.Sprintf("REVOKE %s FROM %s", pgx.Identifier{group}.Sanitize(), r.name))
		}
	}
	for _, statement := range statements {
		if _, err := tx.Exec(ctx, statement); err != nil {
			return changed, err
		}
	}
	return changed, nil
}

// scramSHA256 returns a password as PostgreSQL stores it, so that it stands in no statement
// and in no log of them.
func scramSHA256(password string) (string, error) {
	for _, r := range password {
		if r < ' ' || r > '~' { // a client may bring others into another form
			return "", fmt.Errorf("the password has characters other than printable ASCII: generate another one")
		}
	}
	const iterations = 4096
	salt := make([]byte, 16)
	rand.Read(salt)
	salted, err := pbkdf2.Key(sha256.New, password, salt, iterations, sha256.Size)
	if err != nil {
		return "", err
	}
	sign := func(text string) []byte {
		h := hmac.New(sha256.New, salted)
		h.Write([]byte(text))
		return h.Sum(nil)
	}
	stored := sha256.Sum256(sign("Client Key"))
	encode := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("SCRAM-SHA-256$%d:%s$%s:%s", iterations, encode(salt), encode(stored[:]),
		encode(sign("Server Key"))), nil
}
