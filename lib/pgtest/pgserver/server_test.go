//go:build unix

package pgserver

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"
)

// childVariable makes the test binary start a server, print its process id
// and wait to be killed.
const childVariable = "PGSERVER_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		child()
	}
	goleak.VerifyTestMain(m)
}

func child() {
	s, err := Start(context.Background(), Config{})
	if err != nil {
		println(err.Error())
		os.Exit(1)
	}
	os.Stdout.WriteString(strconv.Itoa(s.proc.cmd.Process.Pid) + "\n")
	select {}
}

func startServer(t *testing.T, cfg Config) *Server {
	t.Helper()
	s, err := Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func connect(t *testing.T, s *Server) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.URL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func execSQL(t *testing.T, s *Server, sql string) {
	t.Helper()
	if _, err := connect(t, s).Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}

func query(t *testing.T, s *Server, sql string) (value string) {
	t.Helper()
	if err := connect(t, s).QueryRow(t.Context(), sql).Scan(&value); err != nil {
		t.Fatal(err)
	}
	return value
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	// Less than the timeout of the reaper, which would hide that postgres was
	// not told to end.
	const timeout = 8 * time.Second
	deadline := time.Now().Add(timeout)
	for !is() {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", timeout, what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		cfg  Config
		want map[string]string
	}{
		"zero": {Config{}, map[string]string{
			"fsync": "off", "synchronous_commit": "on", "full_page_writes": "off",
			"listen_addresses": "127.0.0.1", "server_encoding": "UTF8", "timezone": "UTC",
		}},
		"durable": {Config{Durable: true}, map[string]string{
			"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on",
		}},
		"given": {Config{Settings: map[string]string{"fsync": "on", "max_connections": "7"}}, map[string]string{
			"fsync": "on", "full_page_writes": "off", "max_connections": "7",
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := startServer(t, test.cfg)
			for setting, want := range test.want {
				if got := query(t, s, "SHOW "+setting); got != want {
					t.Errorf("%s is %s, want %s", setting, got, want)
				}
			}
		})
	}
}

func TestPasswordIsRequired(t *testing.T) {
	t.Parallel()
	s := startServer(t, Config{})
	u, err := url.Parse(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(superuser, "guess")
	conn, err := pgx.Connect(t.Context(), u.String())
	if err == nil {
		conn.Close(t.Context())
		t.Fatal("a wrong password was accepted")
	}
}

func TestKeptDirectoryIsStartedAgain(t *testing.T) {
	t.Parallel()
	cfg := Config{Dir: filepath.Join(enterableDir(t), "new", "pg")}
	s := startServer(t, cfg)
	execSQL(t, s, "CREATE TABLE kept AS SELECT 'yes' AS value")
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(); err != nil {
		t.Error("stopping twice:", err)
	}
	if err := s.Restart(t.Context()); err == nil {
		t.Error("restarted after Stop")
	}
	if _, err := pgx.Connect(t.Context(), s.URL()); err == nil {
		t.Error("the server answers after Stop")
	}
	if got := query(t, startServer(t, cfg), "SELECT value FROM kept"); got != "yes" {
		t.Errorf("read %q", got)
	}
	if crashed(t, s) {
		t.Error("Stop did not shut the server down in order")
	}
	if _, err := Start(t.Context(), cfg); err == nil {
		t.Error("two servers run in one directory")
	}
}

func TestTemporaryDirectoryEndsWithServer(t *testing.T) {
	t.Parallel()
	s := startServer(t, Config{})
	reaper := s.proc.reaper
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	if state := reaper.cmd.ProcessState; state == nil || !state.Success() {
		t.Errorf("the reaper was not dismissed: %v", state)
	}
	if _, err := os.Stat(s.dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s after Stop: %v", s.dir, err)
	}
}

func TestPort(t *testing.T) {
	t.Parallel()
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	s := startServer(t, Config{Port: port})
	if got := query(t, s, "SHOW port"); got != strconv.Itoa(port) {
		t.Errorf("port %s, want %d", got, port)
	}
	_, err = Start(t.Context(), Config{Port: port})
	if err == nil || !strings.Contains(err.Error(), "Address already in use") {
		t.Errorf("on a taken port: %v; want the server's reason", err)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		fail          func(*Server) error
		wantRecovered bool
	}{
		"Kill":          {(*Server).Kill, true},
		"StopImmediate": {(*Server).StopImmediate, true},
		"none":          {func(*Server) error { return nil }, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startServer(t, Config{})
			execSQL(t, s, "CREATE TABLE item AS SELECT 1 AS id")
			open := connect(t, s)
			if _, err := open.Exec(t.Context(), "BEGIN; DELETE FROM item"); err != nil {
				t.Fatal(err)
			}
			before := s.URL()
			if err := test.fail(s); err != nil {
				t.Fatal(err)
			}
			if err := s.Restart(t.Context()); err != nil {
				t.Fatal(err)
			}
			if s.URL() != before {
				t.Errorf("URL %s after the restart, %s before", s.URL(), before)
			}
			if _, err := open.Exec(t.Context(), "COMMIT"); err == nil {
				t.Error("a connection outlived the server")
			}
			if got := query(t, s, "SELECT count(*)::text FROM item"); got != "1" {
				t.Errorf("%s rows, want the committed 1", got)
			}
			if got := crashed(t, s); got != test.wantRecovered {
				t.Errorf("recovered from a crash: %v, want %v", got, test.wantRecovered)
			}
		})
	}
}

// crashed tells whether a start found a server that had not ended in order.
func crashed(t *testing.T, s *Server) bool {
	t.Helper()
	log, err := os.ReadFile(s.logPath())
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(string(log), "was not properly shut down")
}

// startChild starts a process that starts a server below tempDir.
func startChild(t *testing.T, tempDir string) (cmd *exec.Cmd, out *bufio.Scanner) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd = exec.Command(exe)
	cmd.Env = append(os.Environ(), childVariable+"=1", "TMPDIR="+tempDir)
	cmd.Stderr = os.Stderr
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	return cmd, bufio.NewScanner(pipe)
}

func TestEndsWithKilledProcess(t *testing.T) {
	t.Parallel()
	tempDir := enterableDir(t)
	cmd, out := startChild(t, tempDir)
	out.Scan()
	pid, err := strconv.Atoi(out.Text())
	if err != nil {
		t.Fatal(err)
	}
	if gone(pid) {
		t.Fatal("the server does not run")
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "postgres has ended", func() bool { return gone(pid) })
	eventually(t, "its directory is removed", func() bool { return isEmpty(t, tempDir) })
}

func TestProcessKilledDuringInitLeavesNothing(t *testing.T) {
	t.Parallel()
	tempDir := enterableDir(t)
	cmd, _ := startChild(t, tempDir)
	eventually(t, "initdb makes its directory", func() bool {
		found, err := filepath.Glob(filepath.Join(tempDir, "*", "data.unfinished"))
		return err == nil && len(found) == 1
	})
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the directory is removed", func() bool { return isEmpty(t, tempDir) })
}

// enterableDir is a temporary directory that the account of a server may
// enter, unlike t.TempDir where root runs the tests.
func enterableDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "pgserver-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func isEmpty(t *testing.T, dir string) bool {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return len(entries) == 0
}

// gone tells that no process has the id, or one that only waits for its parent
// to notice its end.
func gone(pid int) bool {
	if syscall.Kill(pid, 0) == syscall.ESRCH {
		return true
	}
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	return err == nil && strings.Contains(string(stat), ") Z ")
}

func TestStartTellsWhatTheServerLogged(t *testing.T) {
	t.Parallel()
	_, err := Start(t.Context(), Config{Settings: map[string]string{"max_connections": "many"}})
	if err == nil || !strings.Contains(err.Error(), `invalid value for parameter "max_connections": "many"`) {
		t.Errorf("error %v; want the server's reason", err)
	}
}

func TestStartEndsWithContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Start(ctx, Config{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
}

func TestValidateNamesAllFaults(t *testing.T) {
	err := Config{
		BinDir:   "/nowhere",
		Port:     70000,
		Settings: map[string]string{"port": "1", "": "x", "fsync": "on"},
	}.validate()
	for _, want := range []string{"/nowhere", "70000", `"port"`, `""`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not name %s", err, want)
		}
	}
	if err := (Config{}).validate(); err != nil {
		t.Error(err)
	}
}

func TestPortIsFree(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if portIsFree(l.Addr().(*net.TCPAddr).Port) {
		t.Error("a port that is listened on counts as free")
	}
}
