package awsconfig_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"

	"github.com/hubspoke/observability/lib/awsconfig"
	"github.com/hubspoke/observability/lib/awsfake"
)

const (
	account = "111122223333"
	hub     = "444455556666"
	role    = "arn:aws:iam::444455556666:role/hub-writer"
)

// isolate gives the test an environment without AWS settings, then sets the given ones.
func isolate(t *testing.T, settings ...string) {
	t.Helper()
	for _, entry := range os.Environ() {
		if name, _, _ := strings.Cut(entry, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "") // restores it after the test
			os.Unsetenv(name)
		}
	}
	none := filepath.Join(t.TempDir(), "none")
	settings = append([]string{"AWS_CONFIG_FILE=" + none, "AWS_SHARED_CREDENTIALS_FILE=" + none,
		"AWS_EC2_METADATA_DISABLED=true"}, settings...)
	for _, setting := range settings {
		name, value, _ := strings.Cut(setting, "=")
		t.Setenv(name, value)
	}
}

func fake(t *testing.T) *awsfake.Server {
	t.Helper()
	server, err := awsfake.New(awsfake.Config{Roles: []awsfake.Role{{ARN: role, ExternalID: "secret"}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	return server
}

func TestLoadSaysWhatIsMissing(t *testing.T) {
	t.Run("region", func(t *testing.T) {
		isolate(t, "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b")
		if _, err := awsconfig.Load(t.Context(), awsconfig.Config{}); !errors.Is(err, awsconfig.ErrNoRegion) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("credentials", func(t *testing.T) {
		isolate(t)
		if _, err := awsconfig.Load(t.Context(), awsconfig.Config{Region: "eu-central-1"}); !errors.Is(err,
			awsconfig.ErrNoCredentials) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("profile", func(t *testing.T) {
		isolate(t)
		_, err := awsconfig.Load(t.Context(), awsconfig.Config{Profile: "nobody"})
		if err == nil || !strings.Contains(err.Error(), `"nobody"`) || !strings.Contains(err.Error(), "list-profiles") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("role", func(t *testing.T) {
		isolate(t)
		for _, r := range []awsconfig.Role{{ARN: "hub-writer"}, {ARN: "arn:aws:iam::444455556666:user/x"},
			{ExternalID: "x"}} {
			if _, err := awsconfig.Load(t.Context(), awsconfig.Config{Role: r}); err == nil {
				t.Errorf("%+v: no error", r)
			}
		}
	})
}

func TestRoleOfAnotherAccount(t *testing.T) {
	server := fake(t)
	isolate(t, server.Environment(account)...)

	cfg, err := awsconfig.Load(t.Context(), awsconfig.Config{})
	if err != nil {
		t.Fatal(err)
	}
	identity, err := awsconfig.Account(t.Context(), cfg)
	if err != nil || identity.Account != account || identity.Partition != "aws" || identity.ARN == "" {
		t.Errorf("got %+v, %v", identity, err)
	}

	cfg, err = awsconfig.Load(t.Context(), awsconfig.Config{Role: awsconfig.Role{ARN: role, ExternalID: "secret"}})
	if err != nil {
		t.Fatal(err)
	}
	identity, err = awsconfig.Account(t.Context(), cfg)
	if err != nil || identity.Account != hub || !strings.Contains(identity.ARN, "hub-writer/hubspoke") {
		t.Errorf("got %+v, %v", identity, err)
	}

	_, err = awsconfig.Load(t.Context(), awsconfig.Config{Role: awsconfig.Role{ARN: role, ExternalID: "wrong"}})
	if err == nil || !strings.Contains(err.Error(), role) {
		t.Errorf("wrong external id: got %v", err)
	}
}

func TestAttempts(t *testing.T) {
	server := fake(t)
	for _, test := range []struct {
		env  string
		opt  int
		want int
	}{{"", 0, 6}, {"AWS_MAX_ATTEMPTS=4", 0, 4}, {"AWS_MAX_ATTEMPTS=4", 2, 2}} {
		settings := server.Environment(account)
		if test.env != "" {
			settings = append(settings, test.env)
		}
		isolate(t, settings...)
		cfg, err := awsconfig.Load(t.Context(), awsconfig.Config{MaxAttempts: test.opt})
		if err != nil || cfg.RetryMaxAttempts != test.want {
			t.Errorf("%q, %d: got %d, %v; want %d", test.env, test.opt, cfg.RetryMaxAttempts, err, test.want)
		}
	}
}

func TestAccountNamesTheRegion(t *testing.T) {
	server := fake(t)
	isolate(t, server.Environment(account)...)
	server.Inject(awsfake.Fault{Operation: "sts:GetCallerIdentity", Effect: awsfake.Deny})
	cfg, err := awsconfig.Load(t.Context(), awsconfig.Config{Region: "ap-east-1"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := awsconfig.Account(t.Context(), cfg); err == nil ||
		!strings.Contains(err.Error(), `"ap-east-1": AWS does not accept the credentials`) {
		t.Errorf("got %v", err)
	}
}

func TestAccountBlamesTheNetworkForWhatItDid(t *testing.T) {
	isolate(t, "AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=y", "AWS_ENDPOINT_URL=http://127.0.0.1:1")
	cfg, err := awsconfig.Load(t.Context(), awsconfig.Config{Region: "eu-central-1", MaxAttempts: 1})
	if err != nil {
		t.Fatal(err)
	}
	_, err = awsconfig.Account(t.Context(), cfg)
	if err == nil || !strings.Contains(err.Error(), "does not answer") || strings.Contains(err.Error(), "credentials") {
		t.Errorf("got %v", err)
	}
}

// serve starts a server that answers with f, and returns its address.
func serve(t *testing.T, f http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return server.URL
}

// Credentials that are there and cannot be had are told apart from none at all.
func TestCredentialsThatCannotBeRetrieved(t *testing.T) {
	refuse := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }
	for name, test := range map[string]struct {
		setting string
		none    bool
	}{
		"of a container":                 {"AWS_CONTAINER_CREDENTIALS_FULL_URI=" + serve(t, refuse), false},
		"of a machine that refuses them": {"AWS_EC2_METADATA_SERVICE_ENDPOINT=" + serve(t, refuse), false},
		"of a machine without a role":    {"AWS_EC2_METADATA_SERVICE_ENDPOINT=" + serve(t, http.NotFound), true},
	} {
		t.Run(name, func(t *testing.T) {
			isolate(t, "AWS_EC2_METADATA_DISABLED=false", test.setting)
			_, err := awsconfig.Load(t.Context(), awsconfig.Config{Region: "eu-central-1", MaxAttempts: 1})
			if err == nil || errors.Is(err, awsconfig.ErrNoCredentials) != test.none ||
				strings.Contains(err.Error(), "could not be retrieved") == test.none {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestLoadEndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	address := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		cancel()
		w.WriteHeader(http.StatusForbidden)
	})
	isolate(t, "AWS_CONTAINER_CREDENTIALS_FULL_URI="+address)
	if _, err := awsconfig.Load(ctx, awsconfig.Config{Region: "eu-central-1"}); err == nil ||
		err != context.Canceled { //nolint:errorlint // nothing else is said
		t.Errorf("got %v", err)
	}
}

// A server that never answers is given up after the time-out.
func TestTimeout(t *testing.T) {
	address := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // the server sees that the client has gone only then
		<-r.Context().Done()
	})
	isolate(t, "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b", "AWS_ENDPOINT_URL="+address)
	cfg, err := awsconfig.Load(t.Context(), awsconfig.Config{Region: "eu-central-1", Timeout: 10 * time.Millisecond,
		MaxAttempts: 1})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	if _, err := awsconfig.Account(ctx, cfg); err == nil || ctx.Err() != nil {
		t.Errorf("got %v, context %v", err, ctx.Err())
	}
}

// What the SDK logs has the format of the program.
func TestLog(t *testing.T) {
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPut: // a machine with version 1 of the metadata service only
			w.WriteHeader(http.StatusMethodNotAllowed)
		case strings.HasSuffix(r.URL.Path, "/"):
			fmt.Fprint(w, "machine")
		default:
			fmt.Fprintf(w, `{"Code":"Success","AccessKeyId":"a","SecretAccessKey":"b","Token":"c","Expiration":%q}`,
				time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
		}
	})
	isolate(t, "AWS_EC2_METADATA_DISABLED=false", "AWS_EC2_METADATA_SERVICE_ENDPOINT="+address)
	var lines bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&lines, nil))
	if _, err := awsconfig.Load(t.Context(), awsconfig.Config{Region: "eu-central-1", Logger: log}); err != nil {
		t.Fatal(err)
	}
	var line struct{ Level, Msg, From string }
	if err := json.Unmarshal(lines.Bytes(), &line); err != nil || line.Level != "WARN" ||
		!strings.Contains(line.Msg, "IMDSv1") || line.From != "AWS SDK" {
		t.Errorf("logged %q: %v", &lines, err)
	}
}

// TestProxyThatDoesNotConnect says which host, and with what status, by type.
func TestProxyThatDoesNotConnect(t *testing.T) {
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodConnect {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(proxy.Close)
	address, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	isolate(t, "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b")
	cfg, err := awsconfig.Load(t.Context(), awsconfig.Config{Region: "eu-central-1", MaxAttempts: 1})
	if err != nil {
		t.Fatal(err)
	}
	cfg.HTTPClient = cfg.HTTPClient.(*awshttp.BuildableClient).WithTransportOptions(func(t *http.Transport) {
		t.Proxy = http.ProxyURL(address)
	})
	_, err = awsconfig.Account(t.Context(), cfg)
	var refused *awsconfig.ProxyError
	if !errors.As(err, &refused) || refused.Status != http.StatusServiceUnavailable ||
		refused.Host != "sts.eu-central-1.amazonaws.com:443" {
		t.Errorf("error %v", err)
	}
}
