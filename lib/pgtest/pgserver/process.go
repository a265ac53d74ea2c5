package pgserver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// pollInterval is how often the start of the server is looked at.
const pollInterval = 5 * time.Millisecond

// errExited says that postgres ended before it was ready.
var errExited = errors.New("postgres ended while it started")

// process is one running postgres.
type process struct {
	cmd    *exec.Cmd
	reaper *reaper
	done   chan struct{} // closed when postgres and its reaper have ended
}

// startProcess starts postgres, without waiting until it answers. If this
// process ends first, postgres is stopped, and removeDir, unless empty, is
// removed.
func startProcess(binDir string, args []string, a *account, log *os.File, removeDir string) (*process, error) {
	cmd := exec.Command(filepath.Join(binDir, "postgres"), args...)
	cmd.Dir = "/"
	cmd.Env = environment()
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = a.attributes()
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting postgres: %w", err)
	}
	reaper, err := startReaper(cmd.Process.Pid, removeDir)
	if err != nil {
		return nil, errors.Join(err, cmd.Process.Kill(), ignoreExit(cmd.Wait()))
	}
	p := &process{cmd: cmd, reaper: reaper, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		_ = cmd.Wait() // how postgres ended is in its log
		reaper.dismiss()
	}()
	return p, nil
}

// reaperScript waits for its standard input. A line dismisses it. The end of
// the input means that the process which started it is gone, however it ended:
// then the program with the process id $1 is stopped and the directory $2
// removed. Unlike the parent-death signal of Linux this works on every Unix
// and cleans the disk too.
const reaperScript = `
read -r _ && exit 0
kill -QUIT "$1"
[ -n "$2" ] || exit 0
i=0
while kill -0 "$1" && [ $i -lt 100 ]; do sleep 0.1; i=$((i+1)); done
rm -rf -- "$2"
`

// reaper is a shell that runs the script.
type reaper struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
}

func startReaper(pid int, removeDir string) (*reaper, error) {
	cmd := exec.Command("/bin/sh", "-c", reaperScript, "sh", strconv.Itoa(pid), removeDir)
	cmd.Dir = "/"
	cmd.SysProcAttr = (*account)(nil).attributes()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("starting the reaper: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the reaper: %w", err)
	}
	return &reaper{cmd: cmd, stdin: stdin}, nil
}

// dismiss ends the reaper, which then leaves everything as it is.
func (r *reaper) dismiss() {
	_, _ = io.WriteString(r.stdin, "\n")
	_ = r.cmd.Wait()
}

// waitReady returns when postgres accepts connections.
func (p *process) waitReady(ctx context.Context, dataDir string) error {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		select {
		case <-p.done:
			return errExited
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
			if p.ready(dataDir) {
				return nil
			}
		}
	}
}

// ready reads what pg_ctl reads to the same end: the first line of
// postmaster.pid is the process, the eighth its state.
func (p *process) ready(dataDir string) bool {
	b, err := os.ReadFile(filepath.Join(dataDir, "postmaster.pid"))
	if err != nil {
		return false
	}
	lines := strings.Split(string(b), "\n")
	return len(lines) >= 8 && lines[0] == strconv.Itoa(p.cmd.Process.Pid) && strings.TrimSpace(lines[7]) == "ready"
}

// end sends the signal and waits until postgres has ended, by force after
// the timeout.
func (p *process) end(sig os.Signal, timeout time.Duration) error {
	if err := p.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("sending %v to postgres: %w", sig, err)
	}
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-p.done:
		return nil
	case <-timer.C:
	}
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("killing postgres: %w", err)
	}
	<-p.done
	return fmt.Errorf("postgres did not end within %v of %v and was killed", timeout, sig)
}

// environment is the caller's without the variables by which PostgreSQL takes
// defaults, and with messages in one language.
func environment() []string {
	var env []string
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "PG") && !strings.HasPrefix(kv, "LC_") && !strings.HasPrefix(kv, "LANG") {
			env = append(env, kv)
		}
	}
	return append(env, "LC_ALL=C")
}

// logSince returns the last lines that the log got after offset, for an error.
func logSince(path string, offset int64) string {
	const most = 2048
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	b, err := io.ReadAll(io.NewSectionReader(f, offset, 1<<20))
	if err != nil {
		return ""
	}
	return string(bytes.TrimSpace(b[max(0, len(b)-most):]))
}

// runReaped runs a program that ends by itself. If this process ends first,
// the program is stopped and removeDir, unless empty, removed.
func runReaped(cmd *exec.Cmd, removeDir string) (output []byte, err error) {
	var buf bytes.Buffer
	cmd.Stdout, cmd.Stderr = &buf, &buf
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	reaper, err := startReaper(cmd.Process.Pid, removeDir)
	if err != nil {
		return nil, errors.Join(err, cmd.Process.Kill(), ignoreExit(cmd.Wait()))
	}
	err = cmd.Wait()
	reaper.dismiss()
	return buf.Bytes(), err
}

// ignoreExit drops the error of a process that ended as it was told to.
func ignoreExit(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return nil
	}
	return err
}
