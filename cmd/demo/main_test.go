package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/internal/programtest"
	"github.com/hubspoke/observability/lib/pgtest"
)

// asDemo makes the test binary be the program itself: `demo up` starts it again.
const asDemo = "LOCAL_TEST_IS_DEMO"

func TestMain(m *testing.M) {
	if os.Getenv(asDemo) != "" {
		os.Exit(run(program.Context(), os.Stdout, os.Stderr, os.Args[1:]))
	}
	pgtest.Main(m,
		// Connections that the SDK's shared client keeps open.
		goleak.IgnoreTopFunction("internal/poll.runtime_pollWait"),
		goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop"),
		goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop"),
	)
}

// scripts makes a directory of programs that are shell scripts.
func scripts(t *testing.T, programs map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, script := range programs {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

func newTestChildren(t *testing.T, programs map[string]string) *children {
	t.Helper()
	c, err := newChildren(scripts(t, programs), filepath.Join(t.TempDir(), "logs"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.close)
	return c
}

func TestAFailureShowsTheEndOfTheLog(t *testing.T) {
	c := newTestChildren(t, map[string]string{"hub": "echo result; echo something is missing >&2; exit 2"})
	printed, err := c.run(t.Context(), "hub-migrate", os.Environ(), "hub", "migrate")
	if printed != "result\n" {
		t.Errorf("printed %q", printed)
	}
	var ended *programError
	if !errors.As(err, &ended) || ended.code != 2 {
		t.Fatalf("error %v", err)
	}
	for _, want := range []string{"hub migrate", "exit status 2", "hub-migrate.log", "something is missing"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
}

func TestAConsumerThatIsKilledStartsAgain(t *testing.T) {
	// The first one ends by itself when it is asked to; every start is noted.
	c := newTestChildren(t, map[string]string{"hub": "trap 'exit 0' TERM; echo started >&2; while :; do sleep 0.01; done"})
	consuming, err := startConsumer(func() (*child, error) { return c.start("hub", os.Environ(), "hub", "consume") })
	if err != nil {
		t.Fatal(err)
	}
	starts := func() int {
		text, _ := os.ReadFile(filepath.Join(c.logs, "hub.log"))
		return bytes.Count(text, []byte("started"))
	}
	programtest.Eventually(t, "the first start", func() bool { return starts() == 1 })
	if err := consuming.killAndRestart(); err != nil {
		t.Fatal(err)
	}
	programtest.Eventually(t, "the second start", func() bool { return starts() == 2 })
	if err := consuming.stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
	select {
	case err := <-consuming.failed:
		t.Errorf("a consumer that was killed or stopped on purpose counts as failed: %v", err)
	default:
	}
}

func TestAConsumerThatEndsByItselfIsNoticed(t *testing.T) {
	c := newTestChildren(t, map[string]string{"hub": "echo no such table >&2; exit 1"})
	consuming, err := startConsumer(func() (*child, error) { return c.start("hub", os.Environ(), "hub", "consume") })
	if err != nil {
		t.Fatal(err)
	}
	if err := <-consuming.failed; !strings.Contains(err.Error(), "no such table") {
		t.Errorf("error %v", err)
	}
}

func TestNoProgramOutlivesTheDemo(t *testing.T) {
	// The grandchild ignores everything that can be ignored.
	c := newTestChildren(t,
		map[string]string{"hub": `sh -c 'trap "" TERM INT HUP; echo $$ >&2; while :; do sleep 0.01; done' & wait`})
	running, err := c.start("hub", os.Environ(), "hub", "consume")
	if err != nil {
		t.Fatal(err)
	}
	var grandchild string
	programtest.Eventually(t, "the grandchild", func() bool {
		text, _ := os.ReadFile(running.log)
		grandchild = strings.TrimSpace(string(text))
		return grandchild != ""
	})
	c.stdin.Close() // as when the demo is killed
	<-running.done
	programtest.Eventually(t, "the end of the grandchild", func() bool {
		return exec.Command("kill", "-0", grandchild).Run() != nil
	})
}

func TestPasswordsThatWereGivenAreNotShown(t *testing.T) {
	for given, want := range map[string]string{
		"postgres://me:s3cret@db.example.com/x?sslmode=require": "postgres://me:xxxxx@db.example.com/x?sslmode=require",
		"postgres://db.example.com:5432/x":                      "postgres://db.example.com:5432/x",
		"host=db user=me password=s3cret dbname=x":              "host=db user=me password=xxxxx dbname=x",
		"host=db password = 'a b' dbname=x":                     "host=db password = xxxxx dbname=x",
	} {
		if got := withoutPassword(given); got != want {
			t.Errorf("%q is shown as %q, want %q", given, got, want)
		}
	}
}

func TestCommandLinesCanBePasted(t *testing.T) {
	var out bytes.Buffer
	s := &stack{out: &out, postgres: &postgres{}}
	args := []string{"run", "--simulate", "--accounts", "20", "--empty", "", "--quoted", "it's $HOME", "--long",
		strings.Repeat("x", 80)}
	s.show([]string{"DATABASE_URL=postgres://localhost/x?a=b&c=d"}, "spoke", args...)
	printed, err := exec.Command("/bin/sh", "-c",
		`spoke() { printf '%s\n' "$DATABASE_URL" "$@"; }`+strings.Replace(out.String(), "$ ", "", 1)).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s\n%s", err, printed, out.String())
	}
	if want := "postgres://localhost/x?a=b&c=d\n" + strings.Join(args, "\n") + "\n"; string(printed) != want {
		t.Errorf("a shell reads\n%s\nas\n%s", out.String(), printed)
	}
}

func TestWithDatabase(t *testing.T) {
	for given, want := range map[string]string{
		"postgres://u:p@h:1/old?sslmode=disable": "postgres://u:p@h:1/new?sslmode=disable",
		"host=h dbname=old":                      "host=h dbname=old dbname=new",
	} {
		if got, err := withDatabase(given, "new"); err != nil || got != want {
			t.Errorf("%q becomes %q, %v", given, got, err)
		}
	}
}

func TestPostgresIsInstalledOnlyByRoot(t *testing.T) {
	asked := filepath.Join(t.TempDir(), "asked")
	t.Setenv("PATH", scripts(t, map[string]string{"apt-get": `echo "$@" >> ` + asked +
		`; [ "$1" = update ] || { echo no space left; exit 100; }`})+":"+os.Getenv("PATH"))
	var out bytes.Buffer
	err := installPostgres(t.Context(), &out)
	text, _ := os.ReadFile(asked)
	if program.ExitCode(err) != program.ExitUsage || !strings.Contains(err.Error(), installCommand) {
		t.Errorf("error %v", err)
	}
	if os.Geteuid() != 0 {
		if len(text) > 0 || !strings.Contains(err.Error(), "sudo") {
			t.Errorf("an ordinary user asked apt-get for %q: %v", text, err)
		}
		return
	}
	if string(text) != "update\n"+strings.TrimPrefix(installCommand, "apt-get ")+"\n" ||
		!strings.Contains(err.Error(), "no space left") {
		t.Errorf("apt-get was asked for %q: %v", text, err)
	}
	if !strings.Contains(out.String(), "$ "+installCommand) {
		t.Errorf("it is not said before: %q", out.String())
	}
}

// call runs a command of the program in this process.
func call(ctx context.Context, args ...string) (code int, printed string) {
	var out programtest.Buffer
	code = run(ctx, &out, &out, args)
	return code, out.String()
}

// idle are programs that do nothing until they are ended.
var idle = map[string]string{
	"hub":   "case $1 in consume) trap 'exit 0' TERM; while :; do sleep 0.05; done;; esac",
	"spoke": "echo $$ >&2; while :; do sleep 0.05; done",
}

// DATABASE_URL may still be that of a stack that was stopped.
func TestDatabaseThatDoesNotAnswer(t *testing.T) {
	t.Setenv("DATABASE_URL", "postgres://127.0.0.1:1/observability")
	code, printed := call(t.Context(), "demo", "--bin", scripts(t, idle), "--dir", t.TempDir(), "--duration", "1s")
	if code != program.ExitUsage || !strings.Contains(printed, "unset DATABASE_URL") {
		t.Errorf("exit code %d\n%s", code, printed)
	}
}

func TestUpAndDown(t *testing.T) {
	t.Setenv(asDemo, "1")
	bin, dir := scripts(t, idle), filepath.Join(t.TempDir(), "state")
	flags := []string{"--bin", bin, "--dir", dir}
	up := func() string {
		t.Helper()
		code, printed := call(t.Context(), append([]string{"up"}, flags...)...)
		if code != program.ExitDone || !strings.Contains(printed, ".\nLook: http://127.0.0.1:") ||
			!strings.Contains(printed, "export DATABASE_URL=") ||
			!strings.Contains(printed, `psql "$DATABASE_URL"`) || !strings.Contains(printed, "unset AWS_") ||
			!strings.Contains(printed, " DATABASE_URL\n") {
			t.Fatalf("up: %d\n%s", code, printed)
		}
		return printed
	}
	down := func(want string) {
		t.Helper()
		if code, printed := call(t.Context(), "down", "--dir", dir); code != program.ExitDone || printed != want {
			t.Errorf("down: %d\n%s", code, printed)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Error("down leaves its directory behind")
		}
	}
	down("Nothing runs.\n")
	t.Cleanup(func() { call(context.Background(), "down", "--dir", dir) })

	first := up()
	for _, file := range []string{placeFlags{Dir: dir}.log(), placeFlags{Dir: dir}.stateFile()} {
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s, which has a password: %v, %v", file, info, err)
		}
	}
	second := up()
	if !strings.HasPrefix(second, "It runs already.") ||
		strings.TrimPrefix(second, "It runs already.") != strings.TrimPrefix(first, "Starting.") {
		t.Errorf("the second up is not told about the first:\n%s\n%s", first, second)
	}
	pid, err := placeFlags{Bin: bin, Dir: dir}.running()
	if err != nil || !alive(pid) {
		t.Fatalf("the stack is process %d: %v", pid, err)
	}
	down("Stopped.\n")
	programtest.Eventually(t, "the end of the stack", func() bool { return !alive(pid) })
	up()
	down("Stopped.\n")
}

func TestAStackThatStartsIsNotMistaken(t *testing.T) {
	place := placeFlags{Dir: t.TempDir()}
	lock, err := place.lock()
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	// It has the lock, and has not said who it is.
	if code, printed := call(t.Context(), "down", "--dir", place.Dir); code != program.ExitUsage ||
		!strings.Contains(printed, "is starting") {
		t.Errorf("down: %d\n%s", code, printed)
	}
	found := make(chan int)
	go func() {
		pid, err := place.running()
		if err != nil {
			t.Error(err)
		}
		found <- pid
	}()
	if err := writeAt(lock, "42"); err != nil {
		t.Fatal(err)
	}
	if pid := <-found; pid != 42 {
		t.Errorf("process %d", pid)
	}
}

func TestUpExplainsWhatIsMissing(t *testing.T) {
	t.Setenv(asDemo, "1")
	dir := filepath.Join(t.TempDir(), "state")
	code, printed := call(t.Context(), "up", "--bin", t.TempDir(), "--dir", dir)
	if code != program.ExitUsage || !strings.Contains(printed, "run: make build") {
		t.Errorf("up without programs: %d\n%s", code, printed)
	}
	bin := scripts(t, map[string]string{"hub": "echo the hub is broken >&2; exit 1", "spoke": ""})
	code, printed = call(t.Context(), "up", "--bin", bin, "--dir", dir)
	if code != program.ExitFailed || !strings.Contains(printed, "the hub is broken") {
		t.Errorf("up with a broken program: %d\n%s", code, printed)
	}
}

func TestAnInterruptEndsEverything(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	ctx, cancel := context.WithCancel(t.Context())
	var out programtest.Buffer
	code := make(chan int)
	go func() { code <- run(ctx, &out, &out, []string{"--bin", scripts(t, idle), "--dir", dir}) }()
	var spoke string
	programtest.Eventually(t, "the spoke", func() bool {
		text, _ := os.ReadFile(filepath.Join(placeFlags{Dir: dir}.logs("demo"), "spoke.log"))
		spoke = strings.TrimSpace(string(text))
		return spoke != ""
	})
	cancel()
	if got := <-code; got != program.ExitDone {
		t.Errorf("exit code %d\n%s", got, out.String())
	}
	if exec.Command("kill", "-0", spoke).Run() == nil {
		t.Error("the spoke still runs")
	}
}

func TestUsageErrors(t *testing.T) {
	for args, want := range map[string]string{
		"--no-such-flag":   "unknown flag",
		"--duration=-1s":   "--duration must not be negative",
		"--accounts 0":     "must be positive",
		"up --rate 0":      "must be positive",
		"--bin /no/where/": "run: make build",
	} {
		if code, printed := call(t.Context(), strings.Fields(args)...); code != program.ExitUsage ||
			!strings.Contains(printed, want) {
			t.Errorf("demo %s: %d\n%s", args, code, printed)
		}
	}
}
