package awsconfig_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

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
	settings = append([]string{"AWS_CONFIG_FILE=" + none, "AWS_SHARED_CREDENTIALS_FILE=" + none, "AWS_EC2_METADATA_DISABLED=true"}, settings...)
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
		if _, err := awsconfig.Load(t.Context(), awsconfig.Options{}); !errors.Is(err, awsconfig.ErrNoRegion) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("credentials", func(t *testing.T) {
		isolate(t)
		if _, err := awsconfig.Load(t.Context(), awsconfig.Options{Region: "eu-central-1"}); !errors.Is(err, awsconfig.ErrNoCredentials) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("profile", func(t *testing.T) {
		isolate(t)
		_, err := awsconfig.Load(t.Context(), awsconfig.Options{Profile: "nobody"})
		if err == nil || !strings.Contains(err.Error(), `"nobody"`) || !strings.Contains(err.Error(), "list-profiles") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("role", func(t *testing.T) {
		isolate(t)
		for _, r := range []awsconfig.Role{{ARN: "hub-writer"}, {ARN: "arn:aws:iam::444455556666:user/x"}, {ExternalID: "x"}} {
			if _, err := awsconfig.Load(t.Context(), awsconfig.Options{Role: r}); err == nil {
				t.Errorf("%+v: no error", r)
			}
		}
	})
}

func TestRoleOfAnotherAccount(t *testing.T) {
	server := fake(t)
	isolate(t, server.Environment(account)...)

	cfg, err := awsconfig.Load(t.Context(), awsconfig.Options{})
	if err != nil {
		t.Fatal(err)
	}
	identity, err := awsconfig.Account(t.Context(), cfg)
	if err != nil || identity.Account != account || identity.Partition != "aws" || identity.ARN == "" {
		t.Errorf("got %+v, %v", identity, err)
	}

	cfg, err = awsconfig.Load(t.Context(), awsconfig.Options{Role: awsconfig.Role{ARN: role, ExternalID: "secret"}})
	if err != nil {
		t.Fatal(err)
	}
	identity, err = awsconfig.Account(t.Context(), cfg)
	if err != nil || identity.Account != hub || !strings.Contains(identity.ARN, "hub-writer/hubspoke") {
		t.Errorf("got %+v, %v", identity, err)
	}

	_, err = awsconfig.Load(t.Context(), awsconfig.Options{Role: awsconfig.Role{ARN: role, ExternalID: "wrong"}})
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
		cfg, err := awsconfig.Load(t.Context(), awsconfig.Options{MaxAttempts: test.opt})
		if err != nil || cfg.RetryMaxAttempts != test.want {
			t.Errorf("%q, %d: got %d, %v; want %d", test.env, test.opt, cfg.RetryMaxAttempts, err, test.want)
		}
	}
}

func TestAccountNamesTheRegion(t *testing.T) {
	server := fake(t)
	isolate(t, server.Environment(account)...)
	server.Inject(awsfake.Fault{Operation: "sts:GetCallerIdentity", Effect: awsfake.Deny})
	cfg, err := awsconfig.Load(t.Context(), awsconfig.Options{Region: "ap-east-1"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := awsconfig.Account(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), `"ap-east-1": AWS does not accept the credentials`) {
		t.Errorf("got %v", err)
	}
}

func TestAccountBlamesTheNetworkForWhatItDid(t *testing.T) {
	isolate(t, "AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=y", "AWS_ENDPOINT_URL=http://127.0.0.1:1")
	cfg, err := awsconfig.Load(t.Context(), awsconfig.Options{Region: "eu-central-1", MaxAttempts: 1})
	if err != nil {
		t.Fatal(err)
	}
	_, err = awsconfig.Account(t.Context(), cfg)
	if err == nil || !strings.Contains(err.Error(), "does not answer") || strings.Contains(err.Error(), "credentials") {
		t.Errorf("got %v", err)
	}
}
