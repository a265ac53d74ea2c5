package load_test

import (
	"context"
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/pgtest"
)

func TestTLSIsVerifiedOutsideThisHost(t *testing.T) {
	t.Setenv("PGSSLMODE", "")
	for connection, verified := range map[string]bool{
		"postgres://hub@db.example.com/obs":                              true,
		"postgresql://hub@db.example.com:5432/obs?connect_timeout=3":     true,
		"host=db.example.com user=hub dbname=obs":                        true,
		"host=db.example.com user=hub dbname=sslmode password='sslmode'": true,
		"postgres://hub:sslmode%3Ddisable@db.example.com/obs":            true,
		"postgres://hub@localhost,db.example.com/obs":                    true,
		"postgres://hub@10.0.0.1/obs":                                    true,
		"host=db.example.com user=hub password='x://y'":                  true,
		"host=db.example.com password=x://y":                             true,
		"postgres://hub@localhost/obs":                                   false,
		"postgres://hub@127.0.0.1/obs":                                   false,
		"postgres://hub@[::1]/obs":                                       false,
		"host=/run/postgresql user=hub":                                  false,
		"postgres://hub@db.example.com/obs?sslmode=disable":              false,
		"host=db.example.com user=hub sslmode = disable":                 false,
	} {
		cfg, err := load.PoolConfig(connection)
		if err != nil {
			t.Errorf("%s: %v", connection, err)
			continue
		}
		c := cfg.ConnConfig
		got := c.TLSConfig != nil && !c.TLSConfig.InsecureSkipVerify && c.TLSConfig.ServerName == c.Host
		for _, other := range c.Fallbacks {
			got = got && other.TLSConfig != nil && other.TLSConfig.ServerName == other.Host
		}
		if got != verified {
			t.Errorf("%s: verified in full: %v, want %v", connection, got, verified)
		}
	}
}

func TestMalformedURLKeepsThePassword(t *testing.T) {
	for connection, want := range map[string]string{
		"host=db.example.com password = 's3c ret' bad dbname=x": "keyword/value",
		"host=db.example.com password='s3c ret' port=zzz":       "port",
		"postgres://hub:s3c%ret@db.example.com/obs":             "percent",
		"postgres://hub:s3c@ret@db.example.com/obs":             "%40",
		"postgres://hub:s3c ret@db.example.com/obs":             "%20",
		"host=db.example.com password=s3c ret user=hub":         "keyword/value",
		"s3cret": "postgres://",
	} {
		_, err := load.PoolConfig(connection)
		if err == nil {
			t.Errorf("%s is taken", connection)
			continue
		}
		if strings.Contains(err.Error(), "s3c") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %q, and nothing of the password", connection, err, want)
		}
	}
}

// A server that speaks no TLS must not get as far as a password.
func TestNoPasswordWithoutTLS(t *testing.T) {
	t.Setenv("PGSSLMODE", "")
	server, err := pgx.ParseConfig(pgtest.Empty(t).URL)
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := load.PoolConfig("postgres://hub:secret@db.example.com/obs")
	if err != nil {
		t.Fatal(err)
	}
	c := cfg.ConnConfig
	c.LookupFunc = func(context.Context, string) ([]string, error) { return []string{"127.0.0.1"}, nil }
	c.DialFunc = func(ctx context.Context, network, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, net.JoinHostPort(server.Host, strconv.Itoa(int(server.Port))))
	}
	conn, err := pgx.ConnectConfig(t.Context(), c)
	if err == nil {
		conn.Close(t.Context())
		t.Fatal("connected without TLS")
	}
	if !strings.Contains(err.Error(), "refused TLS") || strings.Contains(err.Error(), "secret") {
		t.Error(err)
	}
}
