package rdsauth_test

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	_ "embed"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/pgtest"
	"github.com/hubspoke/observability/lib/pgtest/pgserver"
	"github.com/hubspoke/observability/lib/rdsauth"
	"github.com/hubspoke/observability/lib/rdsauth/rdsauthtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

//go:embed authorities.pem
var bundle []byte

// TestAuthorities pins the file, so that an authority more is a decision.
func TestAuthorities(t *testing.T) {
	const pinned = "64271cc6c93c2246cd3ee458a8b8b8b499e7193cc4a2e25b4c68898e3dfa2c09"
	if sum := sha256.Sum256(bundle); hex.EncodeToString(sum[:]) != pinned {
		t.Errorf("authorities.pem has the hash %x, want %s", sum, pinned)
	}
	regions := map[string]int{}
	for rest := bundle; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		root, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		name := nameRE.FindStringSubmatch(root.Subject.CommonName)
		if name == nil || !root.IsCA || root.NotAfter.Year() < 2060 {
			t.Errorf("%s, good until %v, is an authority", root.Subject, root.NotAfter)
			continue
		}
		regions[name[1]]++
		if _, err := root.Verify(x509.VerifyOptions{Roots: rdsauth.Authorities()}); err != nil {
			t.Errorf("%s: %v", root.Subject, err)
		}
	}
	if len(regions) != 27 || regions["eu-central-1"] != 3 {
		t.Errorf("authorities by region: %v, want three for each of 27", regions)
	}
}

var nameRE = regexp.MustCompile(`^Amazon RDS ([a-z0-9-]+) Root CA (?:RSA2048|RSA4096|ECC384) G1$`)

const region = "eu-central-1"

var keys = aws.Credentials{AccessKeyID: "AKIAEXAMPLE", SecretAccessKey: "secret", SessionToken: "session"}

// account is an AWS configuration with the credentials.
func account(region string, keys aws.Credentials) aws.Config {
	return aws.Config{Region: region, Credentials: credentials.StaticCredentialsProvider{Value: keys}}
}

// endpoint is one of a database with the roles hub, which logs in by IAM, and person.
func endpoint(t *testing.T) *rdsauthtest.Endpoint {
	t.Helper()
	server := pgtest.StartServer(t, pgserver.Config{})
	conn, err := pgx.Connect(t.Context(), server.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), "CREATE ROLE rds_iam; CREATE ROLE hub LOGIN IN ROLE rds_iam; "+
		"CREATE ROLE person LOGIN"); err != nil {
		t.Fatal(err)
	}
	return rdsauthtest.New(t, rdsauthtest.Config{Backend: server.URL(), Region: region, Credentials: keys,
		Passwords: map[string]string{"hub": "word", "person": "word"}})
}

func config(t *testing.T, url string) *pgxpool.Config {
	t.Helper()
	cfg, err := load.PoolConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func connect(t *testing.T, cfg *pgxpool.Config) (user string, err error) {
	t.Helper()
	pool, err := pgxpool.NewWithConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	err = pool.QueryRow(t.Context(), "SELECT current_user").Scan(&user)
	return user, err
}

// Every connection has a token of its own.
func TestLogin(t *testing.T) {
	e := endpoint(t)
	cfg := config(t, e.URL("hub", "postgres"))
	if err := rdsauth.Login(cfg, account(region, keys)); err != nil {
		t.Fatal(err)
	}
	pool, err := pgxpool.NewWithConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	for range 3 {
		conn, err := pool.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var user string
		if err := conn.QueryRow(t.Context(), "SELECT current_user").Scan(&user); err != nil || user != "hub" {
			t.Errorf("user %q, error %v", user, err)
		}
		defer conn.Release()
	}
	if n := e.Logins(); n != 3 {
		t.Errorf("%d logins by token, want 3", n)
	}
}

func TestLoginIsRefused(t *testing.T) {
	e := endpoint(t)
	other := keys
	other.SecretAccessKey = "another"
	for name, from := range map[string]aws.Config{
		"credentials of somebody else": account(region, other),
		"another region":               account("us-east-1", keys),
	} {
		cfg := config(t, e.URL("hub", "postgres"))
		if err := rdsauth.Login(cfg, from); err != nil {
			t.Fatal(err)
		}
		_, err := connect(t, cfg)
		if server, ok := errors.AsType[*pgconn.PgError](err); !ok || server.Code != "28000" {
			t.Errorf("%s: error %v", name, err)
		}
	}
	// A role of IAM has no password, and who cannot log in by IAM has no use for a token.
	cfg := config(t, strings.Replace(e.URL("hub", "postgres"), "hub@", "hub:word@", 1))
	if user, err := connect(t, cfg); err == nil {
		t.Errorf("%s logs in with a password", user)
	}
	cfg = config(t, strings.Replace(e.URL("person", "postgres"), "person@", "person:word@", 1))
	if user, err := connect(t, cfg); err != nil || user != "person" {
		t.Errorf("with a password: %q, %v", user, err)
	}
}

// What was there before is called, and its error and that of credentials are errors of
// the connection.
func TestLoginNamesWhatFails(t *testing.T) {
	cfg := config(t, "postgres://hub@core.cluster-x.eu-central-1.rds.amazonaws.com/core")
	called := false
	cfg.BeforeConnect = func(_ context.Context, c *pgx.ConnConfig) error {
		called = true
		return nil
	}
	broken := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{}, errors.New("no keys today")
	})
	if err := rdsauth.Login(cfg, aws.Config{Credentials: broken}); err != nil {
		t.Fatal(err)
	}
	_, err := connect(t, cfg)
	const want = "token for hub at core.cluster-x.eu-central-1.rds.amazonaws.com:5432: no keys today"
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v", err)
	}
	if !called {
		t.Error("BeforeConnect of the configuration was not called")
	}
}

func TestRefuses(t *testing.T) {
	t.Setenv("PGSSLMODE", "")
	const host = "core.cluster-x.eu-central-1.rds.amazonaws.com"
	for url, want := range map[string]error{
		"postgres://hub@" + host + "/core":                       nil,
		"postgres://hub@" + host + "/core?sslmode=disable":       rdsauth.ErrUnverified,
		"postgres://hub@" + host + "/core?sslmode=prefer":        rdsauth.ErrUnverified,
		"postgres://hub@" + host + "/core?sslmode=require":       rdsauth.ErrUnverified,
		"postgres://hub@" + host + "/core?sslmode=verify-ca":     rdsauth.ErrUnverified,
		"postgres://hub@localhost/core":                          rdsauth.ErrUnverified,
		"postgres://hub@/core?host=/run/postgresql":              rdsauth.ErrUnverified,
		"postgres://hub:word@" + host + "/core":                  rdsauth.ErrPassword,
		"postgres://hub@" + host + ",db.example.com/core":        rdsauth.ErrHosts,
		"postgres://hub@db.example.com/core":                     rdsauth.ErrNoRegion,
		"postgres://hub@db.example.com/core?sslmode=verify-full": rdsauth.ErrNoRegion,
	} {
		cfg := config(t, url)
		err := rdsauth.Login(cfg, account("", keys))
		if !errors.Is(err, want) || (cfg.BeforeConnect != nil) != (err == nil) {
			t.Errorf("%s: %v, want %v", url, err, want)
		}
	}
	if err := rdsauth.Login(config(t, "postgres://hub@db.example.com/core"), account(region, keys)); err != nil {
		t.Error(err)
	}
	if err := rdsauth.Trust(config(t, "postgres://hub@localhost/core")); !errors.Is(err, rdsauth.ErrUnverified) {
		t.Errorf("Trust without TLS: %v", err)
	}
}

// A server with a certificate that no authority of RDS signed is not talked to.
func TestTrust(t *testing.T) {
	e := endpoint(t)
	cfg := config(t, e.URL("hub", "postgres"))
	if err := rdsauth.Trust(cfg); err != nil {
		t.Fatal(err)
	}
	if err := rdsauth.Login(cfg, account(region, keys)); err != nil {
		t.Fatal(err)
	}
	_, err := connect(t, cfg)
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); !ok {
		t.Errorf("error %v", err)
	}
	if n := e.Logins(); n != 0 {
		t.Errorf("%d logins", n)
	}
	if !cfg.ConnConfig.TLSConfig.RootCAs.Equal(rdsauth.Authorities()) {
		t.Error("others are trusted, too")
	}
}

func TestRegion(t *testing.T) {
	for host, want := range map[string]string{
		"core.cluster-abc123.eu-central-1.rds.amazonaws.com":      "eu-central-1",
		"core.cluster-ro-abc123.ap-southeast-3.rds.amazonaws.com": "ap-southeast-3",
		"core.abc123.us-gov-west-1.rds.amazonaws.com":             "us-gov-west-1",
		"core.abc123.cn-north-1.rds.amazonaws.com.cn":             "cn-north-1",
		"core.abc123.eu-central-1.rds.amazonaws.com.evil.example": "",
		"db.example.com": "",
		"127.0.0.1":      "",
	} {
		if got := rdsauth.Region(host); got != want {
			t.Errorf("%s: %q, want %q", host, got, want)
		}
	}
}
