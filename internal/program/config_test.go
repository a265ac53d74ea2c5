package program_test

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/internal/programtest"
)

type serveCommand struct {
	Region   []string          `help:"Regions."`
	Label    map[string]string `mapsep:"," help:"Labels."`
	Token    string            `secret:"" help:"A secret."`
	Database string            `env:"PROG_DATABASE,DATABASE" help:"A database."`
	Wait     time.Duration     `default:"25s" help:"How long."`
	Count    int               `help:"How many."`
	Dry      bool              `help:"Do nothing."`
}

func (serveCommand) Run() error { panic("config starts nothing") }

type configured struct {
	Serve  serveCommand          `cmd:"" help:"Serve."`
	Config program.ConfigCommand `cmd:"" help:"Show settings."`
	program.LogFlags
}

func config(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, log bytes.Buffer
	p := program.Program{Name: "prog", Service: "serve", Stdout: &out, Stderr: &log}
	code = p.Run(context.Background(), new(configured), append([]string{"config"}, args...))
	return code, out.String(), log.String()
}

func TestConfig(t *testing.T) {
	programtest.Isolate(t, []string{"PROG_", "DATABASE"}, "PROG_REGION=eu-central-1,us-east-1", "PROG_TOKEN=hunter2",
		"PROG_COUNT=7", "DATABASE=postgres://me:hunter2@host/name",
		// Of Kubernetes, for services named prog and prog-metrics.
		"PROG_SERVICE_HOST=10.0.0.1", "PROG_SERVICE_PORT=443", "PROG_SERVICE_PORT_HTTPS=443", "PROG_PORT=tcp://10.0.0.1:443",
		"PROG_PORT_443_TCP=tcp://10.0.0.1:443", "PROG_PORT_443_TCP_ADDR=10.0.0.1", "PROG_METRICS_SERVICE_HOST=10.0.0.2")
	code, stdout, stderr := config(t, "-o", "json", "serve", "--count", "3", "--label", "a=b", "--label", "c=d")
	if code != program.ExitDone || stderr != "" {
		t.Errorf("exit code %d\n%s", code, stderr)
	}
	var got struct {
		Command  string
		Settings []struct{ Flag, Variable, Value, Origin string }
	}
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || got.Command != "serve" {
		t.Errorf("%v in %s", err, stdout)
	}
	values := map[string]string{}
	for _, s := range got.Settings {
		values[s.Flag] = strings.Join([]string{s.Value, s.Origin, s.Variable}, " ")
	}
	for flag, want := range map[string]string{
		"--region":     "eu-central-1,us-east-1 environment PROG_REGION",
		"--label":      "a=b,c=d flag PROG_LABEL",
		"--token":      "set environment PROG_TOKEN",
		"--database":   "postgres://me:xxxxx@host/name environment DATABASE",
		"--wait":       "25s default PROG_WAIT",
		"--count":      "3 flag PROG_COUNT",
		"--dry":        "false default PROG_DRY",
		"--log-format": "text default PROG_LOG_FORMAT",
	} {
		if values[flag] != want {
			t.Errorf("%s: %q, want %q", flag, values[flag], want)
		}
	}
	if len(values) != 9 { // --log-level
		t.Errorf("settings %v", values)
	}

	t.Setenv("PROG_REGOIN", "x")
	t.Setenv("PROG_PORTS", "x")
	code, stdout, stderr = config(t)
	if code != program.ExitPartly || !strings.Contains(stdout, "PROG_REGOIN is not a setting; PROG_REGION is") ||
		!strings.Contains(stderr, "2 variables are no settings") || strings.Contains(stdout, "hunter2") {
		t.Errorf("exit code %d\n%s\n%s", code, stdout, stderr)
	}
	for text, want := range map[string]string{"serve --no-such": "unknown flag --no-such",
		"serve --count=-1": "--count must not be negative", "sreve": "sreve"} {
		if code, _, stderr = config(t, strings.Fields(text)...); code != program.ExitUsage ||
			!strings.Contains(stderr, want) {
			t.Errorf("%s: exit code %d\n%s", text, code, stderr)
		}
	}
	if code, stdout, _ = config(t, "serve", "-h"); code != program.ExitDone || !strings.Contains(stdout, "--token") {
		t.Errorf("exit code %d\n%s", code, stdout)
	}
}

// TestConfigHidesPasswords wherever they stand.
func TestConfigHidesPasswords(t *testing.T) {
	for _, value := range []string{
		"postgres://me:hunter2@host/name", "postgres://me:hun/hunter2@host", "postgres://me:%zzhunter2@host",
		"postgres://host/name?user=me&password=hunter2&x=y", "host=h password=hunter2 user=u",
		"host=h password='a hunter2' user=u", "host=h PASSWORD = hunter2",
	} {
		programtest.Isolate(t, []string{"PROG_"}, "PROG_DATABASE="+value)
		if _, stdout, _ := config(t); strings.Contains(stdout, "hunter2") || !strings.Contains(stdout, "xxxxx") {
			t.Errorf("%s:\n%s", value, stdout)
		}
	}
}
