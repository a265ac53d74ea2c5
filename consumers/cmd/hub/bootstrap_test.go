package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/lib/goldentest"
	"github.com/hubspoke/observability/lib/pgtest/pgserver"
	"github.com/hubspoke/observability/lib/rdsauth/rdsauthtest"
)

const (
	masterSecret = "arn:aws:secretsmanager:eu-central-1:444455556666:secret:master-AbCdEf"
	readerSecret = "arn:aws:secretsmanager:eu-central-1:444455556666:secret:reader-AbCdEf"
)

// cluster is an RDS cluster that nobody has used yet.
type cluster struct {
	*testing.T
	endpoint *rdsauthtest.Endpoint
	server   *pgserver.Server
	secrets  map[string]string // by ARN
	conn     *pgx.Conn         // of the superuser, to database core
}

// newCluster makes a cluster with the database core of the master user, and names it in the
// environment.
func newCluster(t *testing.T) *cluster {
	t.Helper()
	w := newWorld(t, 1)
	c := &cluster{T: t, secrets: map[string]string{
		masterSecret: `{"username":"master","password":"m'x"}`,
		readerSecret: `{"username":"obs_quicksight","password":"r'x","engine":"postgres"}`,
	}}
	// From PostgreSQL 16 on CREATEROLE is not enough to grant rds_iam. RDS lets its master user.
	c.endpoint, c.server = newEndpoint(t, w, `CREATE ROLE master LOGIN CREATEROLE CREATEDB; CREATE ROLE weak LOGIN;
		DO $$ BEGIN
			IF current_setting('server_version_num')::int >= 160000 THEN GRANT rds_iam TO master WITH ADMIN OPTION; END IF;
		END $$`, map[string]string{"master": "m'x", "weak": "w"})
	admin := must(pgx.Connect(t.Context(), c.server.URL()))
	defer admin.Close(t.Context())
	if _, err := admin.Exec(t.Context(), "CREATE DATABASE core OWNER master"); err != nil {
		t.Fatal(err)
	}
	c.conn = must(pgx.Connect(t.Context(), c.url("postgres", "")))
	t.Cleanup(func() { c.conn.Close(context.Background()) })
	for name, value := range map[string]string{
		"HUB_DATABASE_URL":                 c.endpoint.URL("obs_migrator", "core"),
		"HUB_DATABASE_IAM":                 "true",
		"HUB_MASTER_SECRET_ARN":            masterSecret,
		"HUB_READER_SECRET_ARN":            readerSecret,
		"AWS_ENDPOINT_URL_SECRETS_MANAGER": c.serveSecrets(),
		"AWS_MAX_ATTEMPTS":                 "1",
	} {
		t.Setenv(name, value)
	}
	return c
}

// url is that of a role at the server itself, with a password.
func (c *cluster) url(role, password string) string {
	u := must(url.Parse(c.server.URL()))
	u.Path = "/core"
	if password != "" {
		u.User = url.UserPassword(role, password)
	}
	return u.String()
}

// serveSecrets serves GetSecretValue of AWS Secrets Manager.
func (c *cluster) serveSecrets() (url string) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct{ SecretId string }
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil ||
			r.Header.Get("X-Amz-Target") != "secretsmanager.GetSecretValue" {
			http.Error(w, fmt.Sprintf("%v: %v", r.Header.Get("X-Amz-Target"), err), http.StatusNotImplemented)
			return
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		value, ok := c.secrets[in.SecretId]
		if !ok {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"__type":"AccessDeniedException","message":"not authorized to perform: secretsmanager:GetSecretValue"}`)
			return
		}
		json.NewEncoder(w).Encode(map[string]string{"ARN": in.SecretId, "SecretString": value})
	}))
	c.Cleanup(server.Close)
	return server.URL
}

func (c *cluster) exec(statements string) {
	c.Helper()
	if _, err := c.conn.Exec(c.Context(), statements); err != nil {
		c.Fatal(err)
	}
}

// rights are all roles with their rights that PostgreSQL does not bring itself, and who may
// do what with the database and schema public.
func (c *cluster) rights() string {
	c.Helper()
	rows := must(c.conn.Query(c.Context(), `
		SELECT format('role %s: super %s, inherit %s, createrole %s, createdb %s, login %s, replication %s, bypassrls %s, connections %s, valid until %s, settings %s',
			rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolbypassrls, rolconnlimit, coalesce(rolvaliduntil, 'infinity'), coalesce(setconfig, '{}'))
			|| CASE WHEN rolpassword IS NULL THEN '' ELSE ', password ' || left(rolpassword, 18) END
		FROM pg_authid a LEFT JOIN pg_db_role_setting s ON s.setrole = a.oid WHERE rolname !~ '^(pg_|postgres$)'
		UNION ALL SELECT format('member %s of %s, admin %s', member::regrole, roleid::regrole, admin_option) FROM pg_auth_members
		WHERE roleid::regrole::text !~ '^pg_' AND member <> 'master'::regrole
		UNION ALL SELECT format('database %s: %s', datname, a) FROM pg_database, unnest(datacl) a WHERE datname = 'core'
		UNION ALL SELECT format('schema public: %s', a) FROM pg_namespace, unnest(nspacl) a WHERE nspname = 'public'
		ORDER BY 1`))
	lines := must(pgx.CollectRows(rows, pgx.RowTo[string]))
	return strings.Join(lines, "\n") + "\n"
}

func TestBootstrap(t *testing.T) {
	c := newCluster(t)
	hub(t.Context(), "migrate", "--bootstrap").want(t, program.ExitDone, "role obs_writer", "role obs_quicksight",
		"00001_bookkeeping.sql")
	made := c.rights()
	goldentest.Equal(t, "bootstrap.txt", made)

	t.Run("again", func(t *testing.T) {
		hub(t.Context(), "migrate", "--bootstrap").want(t, program.ExitDone, "nothing to do")
		if got := c.rights(); got != made {
			t.Errorf("a second run changes\n%sto\n%s", made, got)
		}
	})
	t.Run("without the password", func(t *testing.T) { // as PostgreSQL 16 makes it by itself
		c.exec("GRANT obs_migrator TO master")
		logins := c.endpoint.Logins()
		hub(t.Context(), "migrate", "--bootstrap").want(t, program.ExitDone, "nothing to do")
		if n := c.endpoint.Logins() - logins; n < 2 {
			t.Errorf("%d logins with a token", n)
		}
		c.exec("REVOKE obs_migrator FROM master")
	})
	t.Run("owner", func(t *testing.T) {
		rows := must(c.conn.Query(t.Context(), `SELECT DISTINCT relowner::regrole::text FROM pg_class
			WHERE relnamespace::regnamespace::text IN ('hub', 'obs', 'org', 'history', 'summary', 'live', 'public')`))
		if owners := must(pgx.CollectRows(rows, pgx.RowTo[string])); len(owners) != 1 || owners[0] != "obs_migrator" {
			t.Errorf("tables belong to %v", owners)
		}
	})
	t.Run("consumer", func(t *testing.T) {
		t.Setenv("HUB_DATABASE_URL", c.endpoint.URL("obs_consumer", "core"))
		hub(t.Context(), "refresh", "--all").want(t, program.ExitDone)
		hub(t.Context(), "check").want(t, program.ExitDone)
		hub(t.Context(), "forget", "--account", spoke, "--yes").want(t, program.ExitDone) // there is nothing of it
	})
	t.Run("reader", func(t *testing.T) {
		conn := must(pgx.Connect(t.Context(), c.url("obs_quicksight", "r'x")))
		defer conn.Close(t.Context())
		var timeout string
		var sources int
		err := conn.QueryRow(t.Context(), "SELECT current_setting('statement_timeout'), count(*) FROM freshness").
			Scan(&timeout, &sources)
		if err != nil || timeout != "1min" {
			t.Errorf("statement_timeout %q, error %v", timeout, err)
		}
		for _, test := range []struct{ statement, code string }{
			{"CREATE TABLE public.mine ()", "25006"}, // read_only_sql_transaction
			{"SET default_transaction_read_only = off", ""},
			{"CREATE TABLE public.mine ()", "42501"},
			{"DELETE FROM org.products", "42501"},
			{"SELECT * FROM hub.run", "42501"},
		} {
			_, err := conn.Exec(t.Context(), test.statement)
			code := ""
			if server, ok := errors.AsType[*pgconn.PgError](err); ok {
				code = server.Code
			}
			if code != test.code {
				t.Errorf("%s: %v, want %q", test.statement, err, test.code)
			}
		}
	})
	t.Run("dashboard", func(t *testing.T) {
		t.Setenv("HUB_DATABASE_URL", c.endpoint.URL("obs_dashboard", "core"))
		hub(t.Context(), "dashboard", "--addr", "127.0.0.1:0", "--auth", "alb", "--alb-arn", "x", "--oidc-issuer", "y",
			"--oidc-client", "z").want(t, program.ExitUsage, `"x" is not the ARN of an Application Load Balancer`)
	})
	t.Run("changed by hand", func(t *testing.T) {
		c.exec(`ALTER ROLE obs_quicksight NOLOGIN CONNECTION LIMIT 7 PASSWORD 'other' VALID UNTIL '2020-01-01';
			ALTER ROLE obs_quicksight RESET statement_timeout; ALTER ROLE obs_quicksight SET default_transaction_read_only = off;
			ALTER ROLE obs_consumer CREATEROLE CREATEDB NOINHERIT; ALTER ROLE obs_dashboard INHERIT;
			SET ROLE master; REVOKE obs_writer FROM obs_consumer; REVOKE rds_iam FROM obs_migrator; RESET ROLE;
			REVOKE CREATE ON SCHEMA public FROM obs_migrator; ALTER ROLE obs_writer LOGIN`)
		r := hub(t.Context(), "migrate", "--bootstrap", "-o", "json").want(t, program.ExitDone)
		var steps []string
		for _, s := range parse[[]stepJSON](t, r) {
			steps = append(steps, s.Step)
		}
		if got := fmt.Sprint(steps); got != "[role obs_writer role obs_migrator role obs_consumer role obs_dashboard "+
			"role obs_quicksight]" {
			t.Errorf("steps %s", got)
		}
		if got := c.rights(); got != made {
			t.Errorf("it was\n%sand is\n%s", made, got)
		}
		must(pgx.Connect(t.Context(), c.url("obs_quicksight", "r'x"))).Close(t.Context())
	})
	t.Run("more rights", func(t *testing.T) {
		c.exec(`GRANT obs_writer TO obs_quicksight`)
		hub(t.Context(), "migrate", "--bootstrap").want(t, program.ExitDone, "a role has more rights than it needs",
			`next="REVOKE \"obs_writer\" FROM obs_quicksight"`)
		c.exec(`REVOKE obs_writer FROM obs_quicksight; ALTER ROLE obs_quicksight SUPERUSER BYPASSRLS`)
		hub(t.Context(), "migrate", "--bootstrap").want(t, program.ExitUsage, "role obs_quicksight: somebody has given it "+
			"SUPERUSER, BYPASSRLS, which only a superuser can take: ALTER ROLE obs_quicksight NOSUPERUSER NOBYPASSRLS")
	})
}

// Without the reader's secret its role is not made, nor is membership in a role that is not
// there.
func TestBootstrapWithoutReader(t *testing.T) {
	c := newCluster(t)
	c.exec("DROP ROLE rds_iam")
	t.Setenv("HUB_READER_SECRET_ARN", "")
	// The roles are there, and who is to migrate has no way in.
	tx := must(c.conn.Begin(t.Context()))
	c.exec("SET LOCAL ROLE master")
	steps := must(makeRoles(t.Context(), tx, nil, slog.New(slog.DiscardHandler)))
	if len(steps) != 6 {
		t.Errorf("steps %+v", steps)
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"obs_quicksight", "rds_iam"} {
		if rights := c.rights(); strings.Contains(rights, line) {
			t.Errorf("%s is in\n%s", line, rights)
		}
	}
}

// What is wrong is named before anything is made.
func TestBootstrapIsRefused(t *testing.T) {
	c := newCluster(t)
	c.exec("REVOKE rds_iam FROM master") // a member of it would log in with a token
	before := c.rights()
	for _, test := range []struct {
		variable, value, want string
	}{
		{"HUB_MASTER_SECRET_ARN", "", "--bootstrap needs --master-secret-arn"},
		{"HUB_MASTER_SECRET_ARN", "master", `--master-secret-arn "master" is not the ARN of a secret`},
		{"HUB_MASTER_SECRET_ARN", masterSecret + "x", "secretsmanager:GetSecretValue is allowed on it and kms:Decrypt"},
		{"HUB_READER_SECRET_ARN", masterSecret, `--reader-secret-arn: the secret is of user "master"; its username must be obs_quicksight`},
		{"HUB_READER_SECRET_ARN", readerSecret + "bad", `has not the form {"username": "…", "password": "…"}`},
		{"HUB_READER_SECRET_ARN", readerSecret + "ü", "the password has characters other than printable ASCII"},
		{"HUB_DATABASE_URL", c.endpoint.URL("obs_consumer", "core"), "the user of the database URL is obs_consumer, and " +
			"with --bootstrap obs_migrator migrates"},
		{"HUB_MASTER_SECRET_ARN", masterSecret + "weak", "--bootstrap: as the master user weak: role obs_writer: " +
			"permission denied to create role; it needs CREATEROLE"},
		{"HUB_MASTER_SECRET_ARN", masterSecret + "old", "--bootstrap: as the master user master: database core"},
	} {
		c.secrets[readerSecret+"bad"] = `"word"`
		c.secrets[readerSecret+"ü"] = `{"username":"obs_quicksight","password":"ü"}`
		c.secrets[masterSecret+"weak"] = `{"username":"weak","password":"w"}`
		c.secrets[masterSecret+"old"] = `{"username":"master","password":"old"}`
		t.Run(test.want, func(t *testing.T) {
			t.Setenv(test.variable, test.value)
			hub(t.Context(), "migrate", "--bootstrap").want(t, program.ExitUsage, test.want)
		})
	}
	hub(t.Context(), "migrate", "--bootstrap", "--dry-run").want(t, program.ExitUsage,
		"--dry-run and --bootstrap can't be used")
	if after := c.rights(); after != before {
		t.Errorf("it was\n%sand is\n%s", before, after)
	}
}
