package program_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alecthomas/kong"
	"go.uber.org/goleak"

	"github.com/hubspoke/observability/lib/program"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type greeting string

// sayCommand says something and fails as it is told.
type sayCommand struct {
	program.OutputFlag
	Name string `required:"" help:"Whom."`
	Fail string `enum:",plainly,usage,partly" default:"" help:"How."`
}

func (c sayCommand) Run(ctx context.Context, p program.Program, log *slog.Logger, g greeting) error {
	log.Debug("about to say", "name", c.Name)
	fmt.Fprintln(p.Stdout, g, c.Name, c.JSON(), ctx.Err())
	switch c.Fail {
	case "plainly":
		return errors.New("it broke")
	case "usage":
		return fmt.Errorf("say: %w", program.Usagef("give a name: %w", io.EOF))
	case "partly":
		return fmt.Errorf("say: %w", program.Partlyf("half: %w", io.EOF))
	}
	return nil
}

type arguments struct {
	Say sayCommand `cmd:"" help:"Say it."`
	program.LogFlags
	Version kong.VersionFlag `env:"-" help:"Print the version and exit."`
}

func run(args ...string) (code int, stdout, stderr string) {
	var out, log bytes.Buffer
	p := program.Program{Name: "prog", Description: "Says things.", Version: "v1", Stdout: &out, Stderr: &log}
	code = p.Run(context.Background(), new(arguments), args, greeting("hello"))
	return code, out.String(), log.String()
}

func TestRun(t *testing.T) {
	t.Setenv("PROG_NAME", "env")
	for _, test := range []struct {
		args           string
		code           int
		stdout, stderr string
	}{
		{"say", program.ExitDone, "hello env false <nil>\n", ""},
		{"say --name flag -o json", program.ExitDone, "hello flag true <nil>\n", ""},
		{"say --log-level debug", program.ExitDone, "hello", `level=DEBUG msg="about to say" name=env`},
		{"say --log-level debug --log-format json", program.ExitDone, "hello", `"msg":"about to say","name":"env"`},
		{"say --fail plainly", program.ExitFailed, "hello", "prog: it broke\n"},
		{"say --fail usage", program.ExitUsage, "hello", "prog: say: give a name: EOF\n"},
		{"say --fail partly", program.ExitPartly, "hello", "prog: say: half: EOF\n"},
		{"say -o xml", program.ExitUsage, "", "`prog -h` shows commands and flags."},
		{"sing", program.ExitUsage, "", "unexpected argument sing"},
		{"-h", program.ExitDone, "Says things.", ""},
		{"say -h", program.ExitDone, "($PROG_NAME)", ""},
		{"--version", program.ExitDone, "v1\n", ""},
		{"version", program.ExitDone, "v1\n", ""},
		{"help", program.ExitDone, "Says things.", ""},
		{"help say", program.ExitDone, "($PROG_NAME)", ""},
		{"sya", program.ExitUsage, "", `did you mean "say"?`},
	} {
		code, stdout, stderr := run(strings.Fields(test.args)...)
		if code != test.code || !strings.Contains(stdout, test.stdout) || !strings.Contains(stderr, test.stderr) || test.stderr == "" && stderr != "" {
			t.Errorf("%s: exit code %d, want %d\nstdout:\n%s\nstderr:\n%s", test.args, code, test.code, stdout, stderr)
		}
	}
}

// full is a writer without space.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestResultsThatCannotBeWrittenAreAFailure(t *testing.T) {
	for _, test := range []struct{ args, stderr string }{
		{"say --name x", "prog: standard output: no space left\n"},
		{"say --name x --fail plainly", "prog: it broke\n"},
		{"say --name x --fail partly", "prog: say: half: EOF\nprog: standard output: no space left\n"},
		{"-h", "prog: standard output: no space left\n"},
	} {
		var log bytes.Buffer
		p := program.Program{Name: "prog", Stdout: full{}, Stderr: &log}
		code := p.Run(t.Context(), new(arguments), strings.Fields(test.args), greeting("hello"))
		if code != program.ExitFailed || !strings.HasSuffix(log.String(), test.stderr) {
			t.Errorf("%s: exit code %d, %q, want %q", test.args, code, &log, test.stderr)
		}
	}
}

func TestErrorsUnwrap(t *testing.T) {
	if !errors.Is(program.Usagef("x: %w", io.EOF), io.EOF) || !errors.Is(program.Partlyf("x: %w", io.EOF), io.EOF) {
		t.Error("the cause is lost")
	}
}

func TestVersionOfTheBuild(t *testing.T) {
	if v := (program.Program{}).VersionText(); v == "" {
		t.Error("no version")
	}
}

func TestContextEndsWithASignal(t *testing.T) {
	ctx := program.Context()
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-ctx.Done()
}

func TestSeconds(t *testing.T) {
	if got := fmt.Sprint(program.Seconds(0.1, 10)); got != "[0.1 0.25 0.5 1 2.5 5 10]" {
		t.Error(got)
	}
}

func TestCut(t *testing.T) {
	for text, want := range map[string]string{"short": "short", "a\nb\x1b[31m": "a b […", "äöüßäöü": "äöüßä…", "\n\tab\n": "ab"} {
		if got := program.Cut(text, 6); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestTableAndJSON(t *testing.T) {
	var out bytes.Buffer
	table := program.NewTable(&out, "name", "rows")
	table.AppendRow([]any{"a", 1})
	table.Render()
	if !strings.Contains(out.String(), "│ NAME │ ROWS │") {
		t.Errorf("got\n%s", &out)
	}
	out.Reset()
	if err := program.WriteJSON(&out, map[string]string{"a": "<&>"}); err != nil || !json.Valid(out.Bytes()) || !strings.Contains(out.String(), `"a": "<&>"`) {
		t.Errorf("got %s, %v", &out, err)
	}
}

func TestProgressWithoutATerminalIsALineNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := program.NewProgress(&out, slog.New(slog.NewTextHandler(&out, nil)), "replaying")
		stop := p.Start(t.Context(), func() program.State { return program.State{Done: 3, Total: 7, Detail: []any{"rows", 12}} })
		time.Sleep(25 * time.Second)
		stop()
		if n := strings.Count(out.String(), "msg=replaying done=3 of=7 rows=12"); n != 2 {
			t.Errorf("%d lines:\n%s", n, &out)
		}
		time.Sleep(time.Minute)
		if n := strings.Count(out.String(), "\n"); n != 2 {
			t.Errorf("%d lines after it was stopped", n)
		}
	})
}

func TestEndpoints(t *testing.T) {
	var log bytes.Buffer
	var notReady error
	metrics := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "some_metric 1\n") })
	e, err := program.Listen("127.0.0.1:0", metrics, func(context.Context) error { return notReady }, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	_, address, _ := strings.Cut(log.String(), "address=")
	url := "http://" + strings.TrimSpace(address)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	end := e.Serve(ctx)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	get := func(path string) string {
		t.Helper()
		answer, err := client.Get(url + path)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		body, _ := io.ReadAll(answer.Body)
		return fmt.Sprint(answer.StatusCode, " ", string(body))
	}
	for path, want := range map[string]string{"/healthz": "200 ok\n", "/readyz": "200 ok\n", "/metrics": "200 some_metric 1\n", "/": "404 404 page not found\n"} {
		if got := get(path); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	notReady = errors.New("no database at 10.0.0.1 for user hub")
	for range 2 {
		if got := get("/readyz"); got != "503 not ready: the log says why\n" {
			t.Errorf("/readyz: %q", got)
		}
	}
	notReady = nil
	if got := get("/readyz"); got != "200 ok\n" {
		t.Errorf("/readyz: %q", got)
	}
	for _, line := range []string{`level=WARN msg="not ready" error="no database at 10.0.0.1 for user hub"`, `level=INFO msg="ready again"`} {
		if n := strings.Count(log.String(), line); n != 1 {
			t.Errorf("%s is there %d times:\n%s", line, n, &log)
		}
	}
	stop()
	for path, want := range map[string]string{"/healthz": "200 ok\n", "/readyz": "503 stopping\n", "/metrics": "200 some_metric 1\n"} {
		if got := get(path); got != want {
			t.Errorf("%s of a service that stops: %q, want %q", path, got, want)
		}
	}
	end()
	if _, err := client.Get(url + "/healthz"); err == nil {
		t.Error("still serving")
	}
	if _, err := program.Listen("256.0.0.1:1", metrics, nil, slog.New(slog.DiscardHandler)); program.ExitCode(err) != program.ExitUsage || !strings.Contains(err.Error(), "--metrics-addr 256.0.0.1:1") {
		t.Errorf("got %v", err)
	}
}
