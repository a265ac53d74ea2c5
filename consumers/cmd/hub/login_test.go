package main

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/lib/pgtest"
	"github.com/hubspoke/observability/lib/pgtest/pgserver"
)

func TestLoginFlags(t *testing.T) {
	isolate(t, "DATABASE_URL=postgres://nobody@127.0.0.1:1/x")
	const alb = "--auth alb --alb-arn a --oidc-issuer i --oidc-client c"
	const oidc = "--auth oidc --oidc-issuer https://i --oidc-client c --external-url https://d"
	for args, says := range map[string]string{
		"--addr :8080":        "who may look? Give --auth alb or oidc, or listen on 127.0.0.1:8080",
		"--addr 0.0.0.0:1":    "who may look?",
		"--addr 192.0.2.1:80": "who may look?",
		"--addr x":            "write it as 127.0.0.1:8080",
		"--auth proxy":        "none",
		"--auth alb": "--auth alb needs --oidc-issuer\n--auth alb needs --oidc-client\n" +
			"--auth alb needs --alb-arn",
		"--auth oidc":                                "--auth oidc needs --external-url",
		"--alb-arn x":                                "--alb-arn is not for --auth none",
		"--oidc-client x":                            "--oidc-client is not for --auth none",
		"--external-url https://x":                   "--external-url is not for --auth none",
		alb + " --external-url https://x":            "--external-url is not for --auth alb",
		oidc + " --alb-arn x":                        "--alb-arn is not for --auth oidc",
		oidc + " --external-url http://d":            "--external-url http://d: it must begin with https://",
		oidc + " --external-url https://d/":          "without a path",
		oidc + " --external-url https://d/x":         "without a path",
		oidc + " --external-url https://u@d":         "without a path",
		oidc + " --external-url d":                   "without a path",
		oidc + " --oidc-issuer http://login.example": "--oidc-issuer http://login.example: it must begin with https://",
		oidc + " --session 30s":                      "--session 30s: from 1m to 168h0m0s",
		oidc + " --session 169h":                     "--session 169h0m0s: from 1m to 168h0m0s",
	} {
		r := hub(t.Context(), append([]string{"dashboard"}, strings.Fields(args)...)...).want(t, program.ExitUsage)
		for line := range strings.SplitSeq(says, "\n") {
			if !strings.Contains(r.stderr, line) {
				t.Errorf("%s: no %q in %s", args, line, r.stderr)
			}
		}
	}
	// What is right is asked of the database next.
	for _, args := range []string{alb, oidc, oidc + " --external-url http://localhost:8080", oidc + " --addr :8080"} {
		hub(t.Context(), append([]string{"dashboard"}, strings.Fields(args)...)...).want(t, program.ExitFailed,
			"database x on 127.0.0.1:1")
	}
}

func TestSessionKey(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	for _, n := range []int{1, 16, 31, 33, 64} {
		_, err := sessionKey(base64.StdEncoding.EncodeToString(make([]byte, n)), log)
		if program.ExitCode(err) != program.ExitUsage ||
			!strings.Contains(err.Error(), "want 32: make one with openssl rand -base64 32") {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	_, err := sessionKey("secret!", log)
	if program.ExitCode(err) != program.ExitUsage || strings.Contains(err.Error(), "secret!") {
		t.Errorf("%v", err)
	}
	key, err := sessionKey(base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", 32)))+"\n", log)
	if err != nil || string(key) != strings.Repeat("k", 32) {
		t.Errorf("%q, %v", key, err)
	}
	var said strings.Builder
	one, err := sessionKey("", slog.New(slog.NewTextHandler(&said, nil)))
	other, _ := sessionKey("", log)
	if err != nil || len(one) != 32 || string(one) == string(other) || !strings.Contains(said.String(), "openssl rand") {
		t.Errorf("%d bytes, %v: %s", len(one), err, &said)
	}
}

// TestDashboardWithLogin: the user of the database may read nothing by itself. Roles belong to
// a whole server, so the test has one of its own.
func TestDashboardWithLogin(t *testing.T) {
	server := pgtest.StartServer(t, pgserver.Config{})
	isolate(t, "DATABASE_URL="+server.URL())
	owner := must(pgx.Connect(t.Context(), server.URL()))
	defer owner.Close(t.Context())
	exec := func(sql string) {
		t.Helper()
		if _, err := owner.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	exec("CREATE ROLE obs_reader; CREATE ROLE dashboard LOGIN PASSWORD 'x' IN ROLE obs_reader")
	hub(t.Context(), "migrate").want(t, program.ExitDone)
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/.well-known/openid-configuration" {
			http.NotFound(w, r)
			return
		}
		url := "http://" + r.Host
		json.NewEncoder(w).Encode(map[string]any{"issuer": url, "authorization_endpoint": url + "/authorize",
			"token_endpoint": url + "/token", "jwks_uri": url + "/keys"})
	}))
	defer provider.Close()
	oidc := []string{"--auth", "oidc", "--oidc-issuer", provider.URL, "--oidc-client", "c", "--external-url",
		"https://dashboard.example.com"}
	started := append([]string{"dashboard", "--addr", "127.0.0.1:0"}, oidc...)
	hub(t.Context(), started...).want(t, program.ExitUsage, "reads all accounts by itself", "superuser") // the owner
	t.Setenv("DATABASE_URL", "postgres://dashboard:x"+server.URL()[strings.LastIndexByte(server.URL(), '@'):])
	hub(t.Context(), started...).want(t, program.ExitUsage, "REVOKE obs_reader FROM dashboard; ALTER ROLE dashboard "+
		"NOINHERIT; GRANT obs_reader, obs_restricted TO dashboard")
	exec("REVOKE obs_reader FROM dashboard; ALTER ROLE dashboard NOINHERIT; GRANT obs_reader TO dashboard")
	hub(t.Context(), started...).want(t, program.ExitUsage, `role "obs_restricted" does not exist`,
		"CREATE ROLE obs_restricted")
	exec("CREATE ROLE obs_restricted")
	hub(t.Context(), started...).want(t, program.ExitUsage, `permission denied to set role "obs_restricted"`)
	exec("GRANT obs_restricted TO dashboard")
	withoutState(t, hub(t.Context(), started...).want(t, program.ExitUsage, "run hub migrate"))
	hub(t.Context(), "migrate", "--database-url", server.URL()).want(t, program.ExitDone, "nothing to do")
	hub(t.Context(), append(started, "--oidc-issuer", provider.URL+"/x")...).want(t, program.ExitFailed,
		"ask "+provider.URL+"/x for its configuration", "does --oidc-issuer name the issuer")
	t.Setenv(keyVariable, "short")
	hub(t.Context(), started...).want(t, program.ExitUsage, keyVariable)
	t.Setenv(keyVariable, base64.StdEncoding.EncodeToString(make([]byte, 32)))

	d := startDashboard(t, oidc...)
	if d.address != "https://dashboard.example.com" {
		t.Errorf("look at %s", d.address)
	}
	d.stop()
	if got := <-d.code; got != program.ExitDone {
		t.Errorf("exit code %d: %s", got, d.stderr.String())
	}

	d = startDashboard(t, "--auth", "alb", "--oidc-issuer", "i", "--oidc-client", "c", "--alb-arn",
		"arn:aws:elasticloadbalancing:eu-central-1:444455556666:loadbalancer/app/d/50dc6c495c0c9188")
	for path, want := range map[string]int{"/": http.StatusUnauthorized, "/healthz": http.StatusOK} {
		r := must(http.NewRequestWithContext(t.Context(), http.MethodGet, d.address+path, nil))
		r.Host = "dashboard.example.com"
		answer := must(http.DefaultClient.Do(r))
		body := must(io.ReadAll(answer.Body))
		answer.Body.Close()
		if answer.StatusCode != want || regexp.MustCompile(`href="/costs"`).Match(body) {
			t.Errorf("%s without a token: %s: %s", path, answer.Status, body)
		}
	}
	d.stop()
	<-d.code
}
