package main

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/jackc/pgx/v5"

	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/internal/programtest"
	"github.com/hubspoke/observability/lib/awsfake"
	"github.com/hubspoke/observability/lib/pgtest"
	"github.com/hubspoke/observability/lib/pgtest/pgserver"
	"github.com/hubspoke/observability/lib/rdsauth"
	"github.com/hubspoke/observability/lib/rdsauth/rdsauthtest"
	"github.com/hubspoke/observability/schemas"
)

// credentialsOf returns the credentials that the fake AWS gives an account.
func credentialsOf(t *testing.T, server *awsfake.Server, account string) aws.Credentials {
	t.Helper()
	return must(server.AWSConfig(account, region).Credentials.Retrieve(t.Context()))
}

// newEndpoint returns an endpoint of RDS in front of a server of this test, with the
// roles that the statements make.
func newEndpoint(t *testing.T, w *world, statements string, passwords map[string]string) (*rdsauthtest.Endpoint,
	*pgserver.Server) {
	t.Helper()
	server := pgtest.StartServer(t, pgserver.Config{})
	owner := must(pgx.Connect(t.Context(), server.URL()))
	defer owner.Close(t.Context())
	if _, err := owner.Exec(t.Context(), "CREATE ROLE rds_iam; "+statements); err != nil {
		t.Fatal(err)
	}
	return rdsauthtest.New(t, rdsauthtest.Config{Backend: server.URL(), Region: region,
		Credentials: credentialsOf(t, w.aws, hubAccount), Passwords: passwords}), server
}

// Every command that connects does so by IAM.
func TestIAMOfCommands(t *testing.T) {
	w := newWorld(t, 1)
	endpoint, server := newEndpoint(t, w, `CREATE ROLE obs_writer; CREATE ROLE consumer LOGIN IN ROLE obs_writer, rds_iam;
		CREATE ROLE owner LOGIN IN ROLE rds_iam; GRANT CREATE ON DATABASE postgres TO owner; GRANT CREATE ON SCHEMA public TO owner`,
		nil)
	t.Setenv("HUB_DATABASE_IAM", "true")
	t.Setenv("DATABASE_URL", endpoint.URL("owner", "postgres"))
	hub(t.Context(), "migrate").want(t, program.ExitDone)

	t.Setenv("DATABASE_URL", endpoint.URL("consumer", "postgres"))
	owner := must(pgx.Connect(t.Context(), server.URL()))
	defer owner.Close(t.Context())
	c := w.consume()
	w.send(spoke, collector(schemas.Certificates, nil, certificate(1, "ISSUED")))
	completed := func() (n int) {
		if err := owner.QueryRow(t.Context(), "SELECT count(*) FROM obs.certificates").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	programtest.Eventually(t, "the row is there", func() bool { return completed() == 1 })
	c.stop(t)
	pool, connections, err := databaseFlags{DatabaseURL: endpoint.URL("consumer", "postgres"), DatabaseIAM: true}.
		openService(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if _, _, err := (&watchdog{pool: pool, connections: connections}).closeIdle(t.Context()); err != nil {
		t.Errorf("the watchdog's own connection: %v", err)
	}
	for _, command := range []string{"check", "status", "refresh", "verify", "rejects list", "replay --bucket " + bucket,
		"verify --against " + endpoint.URL("consumer", "postgres"), "verify --against " + server.URL(),
		"forget --dry-run --account " + spoke} {
		before := endpoint.Logins()
		r := hub(t.Context(), strings.Fields(command)...)
		if r.code != program.ExitDone || endpoint.Logins() == before {
			t.Errorf("hub %s: exit code %d, %d logins by IAM\n%s", command, r.code, endpoint.Logins()-before, r.stderr)
		}
	}
}

// What a token cannot do is refused, with the next step.
func TestIAMIsRefused(t *testing.T) {
	w := newWorld(t, 1)
	endpoint, server := newEndpoint(t, w, "CREATE ROLE person LOGIN", nil)
	url := endpoint.URL("person", "postgres")
	const aurora = "postgres://hub@core.cluster-x.eu-central-1.rds.amazonaws.com/core"
	for _, test := range []struct {
		flags, url, want string
	}{
		{"--database-iam", server.URL(), "TLS is not verified in full: leave sslmode out, or give sslmode=verify-full"},
		{"--database-iam", aurora + "?sslmode=require", "leave sslmode out, or give sslmode=verify-full"},
		{"--database-ca rds", aurora + "?sslmode=require", "--database-ca rds: TLS is not verified in full"},
		{"--database-iam", strings.Replace(url, "person@", "person:word@", 1), "take it out of the URL, PGPASSWORD"},
		{"--database-iam", url, "user person needs the role rds_iam (GRANT rds_iam TO person), the IAM role the permission"},
		{"--database-iam --database-ca rds", url, "TLS is verified in full: name the authority"},
		{"--database-ca aws", url, `--database-ca must be one of "","rds"`},
	} {
		hub(t.Context(), append(strings.Fields("check --database-url "+test.url), strings.Fields(test.flags)...)...).want(t,
			program.ExitUsage, test.want)
	}
	if n := endpoint.Logins(); n != 0 {
		t.Errorf("%d logins", n)
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	hub(t.Context(), "check", "--database-iam", "--database-url", url).want(t, program.ExitUsage, "--database-iam: ",
		"AWS credentials")
}

// The authorities of RDS are those of the default, unless others are named.
func TestDefaultOfAuthorities(t *testing.T) {
	isolate(t, must(awsfake.New(awsfake.Config{Region: region})).Environment(hubAccount)...)
	const url = "postgres://hub@core.cluster-x.eu-central-1.rds.amazonaws.com/core"
	for _, test := range []struct {
		flags databaseFlags
		rds   bool
	}{
		{databaseFlags{DatabaseURL: url}, false},
		{databaseFlags{DatabaseURL: url, DatabaseIAM: true}, true},
		{databaseFlags{DatabaseURL: url, DatabaseCA: "rds"}, true},
		{databaseFlags{DatabaseURL: url + "?sslrootcert=system", DatabaseIAM: true}, false},
		{databaseFlags{DatabaseURL: url + "?sslrootcert=system", DatabaseIAM: true, DatabaseCA: "rds"}, true},
	} {
		cfg, err := test.flags.config(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		roots := cfg.ConnConfig.TLSConfig.RootCAs
		if got := roots != nil && roots.Equal(rdsauth.Authorities()); got != test.rds {
			t.Errorf("%+v: authorities of RDS: %v", test.flags, got)
		}
		if (cfg.BeforeConnect != nil) != test.flags.DatabaseIAM {
			t.Errorf("%+v: login by IAM: %v", test.flags, cfg.BeforeConnect != nil)
		}
	}
}
