package program_test

import (
	"bytes"
	"context"
	"crypto/x509"
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

	"github.com/hubspoke/observability/internal/program"
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
		if code != test.code || !strings.Contains(stdout, test.stdout) || !strings.Contains(stderr, test.stderr) ||
			test.stderr == "" && stderr != "" {
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
	for text, want := range map[string]string{"short": "short", "a\nb\x1b[31m": "a b […", "äöüßäöü": "äöüßä…",
		"\n\tab\n": "ab"} {
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
	if err := program.WriteJSON(&out, map[string]string{"a": "<&>"}); err != nil || !json.Valid(out.Bytes()) ||
		!strings.Contains(out.String(), `"a": "<&>"`) {
		t.Errorf("got %s, %v", &out, err)
	}
}

func TestProgressWithoutATerminalIsALineNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := program.NewProgress(&out, slog.New(slog.NewTextHandler(&out, nil)), "replaying")
		stop := p.Start(t.Context(), func() program.State {
			return program.State{Done: 3, Total: 7,
				Detail: []any{"rows", 12}}
		})
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
	e, err := program.Listen("127.0.0.1:0", metrics, func(context.Context) error { return notReady },
		slog.New(slog.NewTextHandler(&log, nil)))
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
	for path, want := range map[string]string{"/healthz": "200 ok\n", "/readyz": "200 ok\n",
		"/metrics": "200 some_metric 1\n", "/": "404 404 page not found\n"} {
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
	for _, line := range []string{`level=WARN msg="not ready" error="no database at 10.0.0.1 for user hub"`,
		`level=INFO msg="ready again"`} {
		if n := strings.Count(log.String(), line); n != 1 {
			t.Errorf("%s is there %d times:\n%s", line, n, &log)
		}
	}
	stop()
	for path, want := range map[string]string{"/healthz": "200 ok\n", "/readyz": "503 stopping\n",
		"/metrics": "200 some_metric 1\n"} {
		if got := get(path); got != want {
			t.Errorf("%s of a service that stops: %q, want %q", path, got, want)
		}
	}
	end()
	if _, err := client.Get(url + "/healthz"); err == nil {
		t.Error("still serving")
	}
	if _, err := program.Listen("256.0.0.1:1", metrics, nil,
		slog.New(slog.DiscardHandler)); program.ExitCode(err) != program.ExitUsage ||
		!strings.Contains(err.Error(), "--metrics-addr 256.0.0.1:1") {
		t.Errorf("got %v", err)
	}
}

// settings are flags of each kind that is checked.
type settings struct {
	Show showCommand `cmd:"" help:"Show them."`
	program.LogFlags
}

type showCommand struct {
	Count  int                `default:"4" max:"100" help:"Some."`
	Size   int64              `help:"Of something."`
	Rate   float64            `help:"Per second."`
	Keep   time.Duration      `default:"192h" help:"For how long."`
	Pause  time.Duration      `help:"Between two."`
	Bucket program.BucketName `help:"Where."`
}

func (c showCommand) Run(p program.Program) error {
	_, err := fmt.Fprintln(p.Stdout, c.Count, c.Size, c.Rate, c.Keep, c.Pause, c.Bucket)
	return err
}

func TestNumbersDurationsAndBuckets(t *testing.T) {
	for args, want := range map[string]string{
		"":                                 "4 0 0 192h0m0s 0s ",
		"--count 0 --keep 0":               "4 0 0 192h0m0s 0s ",
		"--count=100 --size 7 --rate 0.5":  "100 7 0.5 192h0m0s 0s ",
		"--keep 8d --pause 1d12h":          "4 0 0 192h0m0s 36h0m0s ",
		"--keep 1.5h --pause 20ms":         "4 0 0 1h30m0s 20ms ",
		"--bucket hub-archive":             "4 0 0 192h0m0s 0s hub-archive",
		"--bucket s3://hub-archive":        "4 0 0 192h0m0s 0s hub-archive",
		"--bucket s3://hub-archive/":       "4 0 0 192h0m0s 0s hub-archive",
		"--count=101":                      "!--count must be at most 100",
		"--count=-1":                       "!--count must not be negative",
		"--size=-1":                        "!--size must not be negative",
		"--size=9000000000":                "!--size must be at most 1000000",
		"--rate=-0.1":                      "!--rate must not be negative",
		"--rate=NaN":                       "!--rate must be at most 1000000",
		"--keep=-1h":                       "!--keep must not be negative",
		"--keep=-8d":                       "!--keep must not be negative",
		"--keep=4000d":                     "!--keep must be at most 3650 days",
		"--keep=8days":                     `!"8days" is not a duration, such as 90s, 36h or 8d`,
		"--bucket s3://hub-archive/prefix": "!is not the name of a bucket",
		"--bucket arn:aws:s3:::x":          "!is not the name of a bucket",
	} {
		var out, log bytes.Buffer
		code := program.Program{Name: "prog", Stdout: &out, Stderr: &log}.Run(t.Context(), new(settings),
			append([]string{"show"}, strings.Fields(args)...))
		if refused, is := strings.CutPrefix(want, "!"); is {
			if code != program.ExitUsage || !strings.Contains(log.String(), refused) {
				t.Errorf("%s: exit code %d, %s%s, want %s", args, code, &out, &log, refused)
			}
		} else if code != program.ExitDone || out.String() != want+"\n" {
			t.Errorf("%s: exit code %d, %s%s, want %s", args, code, &out, &log, want)
		}
	}
}

func TestVariablesThatAreNoSettingsAreNamedOnce(t *testing.T) {
	t.Setenv("PROG_COUNT", "7")
	t.Setenv("PROG_PUASE", "7s")
	t.Setenv("PROG_LOGFORMAT", "json")
	t.Setenv("PROGRAM", "other")
	var out, log bytes.Buffer
	code := program.Program{Name: "prog", Stdout: &out, Stderr: &log}.Run(t.Context(), new(settings), []string{"show"})
	if code != program.ExitDone || !strings.HasPrefix(out.String(), "7 ") {
		t.Errorf("exit code %d, %s", code, &out)
	}
	for _, want := range []string{"level=WARN", "variable=PROG_PUASE nearest=PROG_PAUSE",
		"variable=PROG_LOGFORMAT nearest=PROG_LOG_FORMAT"} {
		if strings.Count(log.String(), want) == 0 {
			t.Errorf("want %s in\n%s", want, &log)
		}
	}
	if lines := strings.Count(log.String(), "\n"); lines != 2 {
		t.Errorf("%d lines:\n%s", lines, &log)
	}
}

// hangCommand ends long after it should.
type hangCommand struct {
	Ends time.Duration `help:"After the context."`
	Own  time.Duration `help:"What it asks for." default:"10s"`
}

func (c hangCommand) DrainTime() time.Duration { return c.Own }

func (c hangCommand) Run(ctx context.Context) error {
	<-ctx.Done()
	time.Sleep(c.Ends)
	return nil
}

type hanging struct {
	Hang hangCommand `cmd:"" help:"Hang."`
}

func TestCommandThatDoesNotEndIsLeft(t *testing.T) {
	for args, want := range map[string]struct {
		code  int
		after time.Duration
	}{
		"--ends 9s":           {program.ExitDone, 9 * time.Second},
		"--ends 11s":          {program.ExitFailed, 10 * time.Second},
		"--ends 11s --own 1s": {program.ExitFailed, time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			began := time.Now()
			var log bytes.Buffer
			p := program.Program{Name: "prog", Stdout: io.Discard, Stderr: &log}
			code := p.Run(ctx, new(hanging), append([]string{"hang"}, strings.Fields(args)...))
			if took := time.Since(began); code != want.code || took != want.after {
				t.Errorf("%s: exit code %d after %v, want %d after %v: %s", args, code, took, want.code, want.after, &log)
			}
			time.Sleep(time.Minute) // the command ends, too
		})
	}
}

func TestErrorsAreExplained(t *testing.T) {
	var log bytes.Buffer
	explain := func(command string, err error) error { return program.Usagef("%w; do this to %s", err, command) }
	p := program.Program{Name: "prog", Stdout: io.Discard, Stderr: &log, Explain: explain}
	if code := p.Run(t.Context(), new(arguments), strings.Fields("say --name x --fail plainly"),
		greeting("")); code != program.ExitUsage || log.String() != "prog: it broke; do this to say\n" {
		t.Errorf("exit code %d: %s", code, &log)
	}
}

// The runtime of Lambda starts a program without arguments.
func TestHandlerOfAFunctionIsItsCommand(t *testing.T) {
	t.Setenv("_HANDLER", "say")
	t.Setenv("PROG_NAME", "Ann")
	if code, _, _ := run(); code != program.ExitUsage {
		t.Errorf("exit code %d outside of Lambda", code)
	}
	t.Setenv("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:1")
	if code, stdout, stderr := run(); code != program.ExitDone || !strings.HasPrefix(stdout, "hello Ann") {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
	if code, stdout, stderr := run("--version"); code != program.ExitDone || stdout != "v1\n" {
		t.Errorf("arguments do not win: %d\n%s%s", code, stdout, stderr)
	}
	t.Setenv("_HANDLER", "bootstrap")
	if code, _, stderr := run(); code != program.ExitUsage || !strings.Contains(stderr, `is "bootstrap"`) {
		t.Errorf("exit code %d\n%s", code, stderr)
	}
}

// Images from scratch have no files with the certificates of authorities.
func TestAuthoritiesAreInside(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no fallback roots are set")
		}
	}()
	x509.SetFallbackRoots(x509.NewCertPool()) // panics the second time
}
