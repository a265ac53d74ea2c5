package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/hubspoke/observability/internal/program"
)

// The detached stack is a process of this program, `demo serve`. While it runs it
// holds the lock of the file up.lock, which has its process id; once everything has
// started it writes how to use it to up.json.

const (
	// startPatience is how long the detached stack may take to start.
	startPatience = 3 * time.Minute
	pollInterval  = 50 * time.Millisecond
	// pidPatience is how long the stack may take from its lock to its process id.
	pidPatience = time.Second
)

// upState is what up.json says.
type upState struct {
	Pages   string `json:"pages"`
	Exports string `json:"exports"`
	Logs    string `json:"logs"`
}

func (f placeFlags) lockFile() string  { return filepath.Join(f.Dir, "up.lock") }
func (f placeFlags) stateFile() string { return filepath.Join(f.Dir, "up.json") }

// logs is the directory for the logs of the programs, one for the detached stack
// and one for the demo: both may run at the same time.
func (f placeFlags) logs(of string) string { return filepath.Join(f.Dir, "logs", of) }

// lock takes the lock of the detached stack. It returns nil if another process has it.
func (f placeFlags) lock() (*os.File, error) {
	if err := os.MkdirAll(f.Dir, 0o755); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(f.lockFile(), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return file, nil
	}
	file.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, nil
	}
	return nil, fmt.Errorf("lock %s: %w", f.lockFile(), err)
}

// running returns the process id of the detached stack, 0 if there is none.
func (f placeFlags) running() (int, error) {
	for deadline := time.Now().Add(pidPatience); ; time.Sleep(pollInterval) {
		lock, err := f.lock()
		if err != nil {
			return 0, err
		}
		if lock != nil {
			return 0, lock.Close()
		}
		text, err := os.ReadFile(f.lockFile())
		if err != nil {
			return 0, err
		}
		if len(text) > 0 {
			return strconv.Atoi(string(text))
		}
		if time.Now().After(deadline) { // it has the lock, and is about to say who it is
			return 0, program.Usagef("the stack is starting; try again")
		}
	}
}

// state returns what up.json says, nil before everything has started.
func (f placeFlags) state() (*upState, error) {
	text, err := os.ReadFile(f.stateFile())
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var s upState
	return &s, json.Unmarshal(text, &s)
}

// upCommand starts the detached stack.
type upCommand struct {
	organisationFlags
	placeFlags
}

// Run starts the stack, unless it runs already, and prints how to use it.
func (c upCommand) Run(ctx context.Context, p program.Program) error {
	pid, err := c.running()
	if err != nil {
		return err
	}
	var exited <-chan error
	if pid == 0 {
		fmt.Fprintln(p.Stdout, "Starting.")
		if pid, exited, err = c.detach(); err != nil {
			return err
		}
	} else {
		fmt.Fprintln(p.Stdout, "It runs already.")
	}
	state, err := c.await(ctx, exited)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.Stdout, `Look: %s

The stack runs as process %d, with a spoke that collects a made-up organisation and a hub
that consumes. Logs are in %s. In a shell with this environment

%s
the programs and psql find it:

  psql "$DATABASE_URL" -c 'SELECT * FROM freshness LIMIT 10'
  bin/hub status
  bin/hub replay --bucket %s --dry-run
  bin/hub %s   # a second consumer

%s
'make down' stops it and removes everything. Afterwards, in that shell:

  unset %s
`, state.Pages, pid, state.Logs, state.Exports, bucket, strings.Join(consumeArguments, " "), bounds, strings.Join(exported(state.Exports), " "))
	return nil
}

var exportRE = regexp.MustCompile(`(?m)^export (\w+)=`)

// exported returns the names of the variables that lines of exports set.
func exported(lines string) (names []string) {
	for _, match := range exportRE.FindAllStringSubmatch(lines, -1) {
		names = append(names, match[1])
	}
	return names
}

// detach starts this program again as the stack, in a session of its own. exited
// says when it has ended.
func (c upCommand) detach() (pid int, exited <-chan error, err error) {
	if err := errors.Join(os.RemoveAll(c.stateFile()), os.RemoveAll(c.log())); err != nil {
		return 0, nil, err
	}
	// It has a password: only its owner may read it.
	log, err := os.OpenFile(c.log(), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, nil, err
	}
	defer log.Close()
	self, err := os.Executable()
	if err != nil {
		return 0, nil, err
	}
	cmd := exec.Command(self, "serve", "--dir", c.Dir, "--bin", c.Bin, "--accounts", strconv.Itoa(c.Accounts),
		"--rate", fmt.Sprint(c.Rate), "--seed", strconv.FormatUint(c.Seed, 10))
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return 0, nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	return cmd.Process.Pid, ended, nil
}

// log is what the stack itself prints.
func (f placeFlags) log() string { return filepath.Join(f.Dir, "up.log") }

// await waits until the stack has started. exited is nil if it was started before.
func (c upCommand) await(ctx context.Context, exited <-chan error) (*upState, error) {
	timeout := time.After(startPatience)
	for {
		state, err := c.state()
		if state != nil || err != nil {
			return state, err
		}
		select {
		case <-ctx.Done():
			return nil, errors.New("interrupted; the stack goes on starting: 'make down' stops it")
		case err := <-exited:
			return nil, c.notStarted(err)
		case <-timeout:
			return nil, c.notStarted(fmt.Errorf("not after %v", startPatience))
		case <-time.After(pollInterval):
		}
	}
}

// notStarted explains why the stack did not start.
func (c upCommand) notStarted(why error) error {
	text, _ := os.ReadFile(c.log())
	err := fmt.Errorf("the stack did not start: %w; the end of its log %s:\n%s", why, c.log(), lastLines(text, 15))
	var exit *exec.ExitError
	if errors.As(why, &exit) && exit.ExitCode() == program.ExitUsage {
		return &program.UsageError{Err: err}
	}
	return err
}

// downCommand ends the detached stack.
type downCommand struct {
	placeFlags
}

// Run stops the stack and removes what it made.
func (c downCommand) Run(ctx context.Context, p program.Program) error {
	if _, err := os.Stat(c.Dir); errors.Is(err, os.ErrNotExist) {
		fmt.Fprintln(p.Stdout, "Nothing runs.")
		return nil
	}
	pid, err := c.running()
	if err != nil {
		return err
	}
	if pid == 0 {
		fmt.Fprintln(p.Stdout, "Nothing runs.")
	} else if err := c.stop(ctx, pid); err != nil {
		return err
	} else {
		fmt.Fprintln(p.Stdout, "Stopped.")
	}
	return c.remove()
}

// stop asks the stack to end, and ends it if it does not: all its programs end with it.
func (c downCommand) stop(ctx context.Context, pid int) error {
	signal := syscall.SIGTERM
	for deadline := time.Now().Add(2 * stopTime); ; {
		if err := syscall.Kill(pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("stop process %d: %w", pid, err)
		}
		for time.Now().Before(deadline) {
			if now, err := c.running(); now == 0 || err != nil {
				return err
			}
			select {
			case <-ctx.Done():
				return context.Cause(ctx)
			case <-time.After(pollInterval):
			}
		}
		if signal == syscall.SIGKILL {
			return fmt.Errorf("process %d does not end", pid)
		}
		signal, deadline = syscall.SIGKILL, time.Now().Add(stopTime)
	}
}

// remove removes the files of the demo, and the directory if it has no others.
func (c downCommand) remove() error {
	errs := []error{os.RemoveAll(c.logs("up"))}
	for _, file := range []string{c.stateFile(), c.lockFile(), c.log()} {
		errs = append(errs, os.RemoveAll(file))
	}
	for _, dir := range []string{filepath.Join(c.Dir, "logs"), c.Dir} {
		if entries, err := os.ReadDir(dir); err == nil && len(entries) == 0 {
			errs = append(errs, os.Remove(dir))
		}
	}
	return errors.Join(errs...)
}

// serveCommand is the detached stack.
type serveCommand struct {
	organisationFlags
	placeFlags
}

// Run runs the stack until ctx is done or one of its programs has ended by itself.
func (c serveCommand) Run(ctx context.Context, p program.Program) (err error) {
	lock, err := c.lock()
	if err != nil {
		return err
	}
	if lock == nil {
		return program.Usagef("it runs already")
	}
	defer lock.Close()
	if err := errors.Join(lock.Truncate(0), writeAt(lock, strconv.Itoa(os.Getpid()))); err != nil {
		return err
	}
	s, err := startStack(ctx, p.Stdout, c.Bin, c.logs("up"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	work, err := startPipeline(ctx, s, consumeArguments, c.spokeArguments(0))
	if err != nil {
		return err
	}
	if err := c.write(upState{Pages: work.pages, Exports: s.exports(assignment), Logs: s.children.logs}); err != nil {
		return err
	}
	defer os.RemoveAll(c.stateFile())
	go s.forget(ctx)
	select {
	case <-ctx.Done():
		work.spoke.kill() // asked to end, it would first collect everything once more
		return work.consumer.stop()
	case <-work.spoke.done:
		return errors.Join(errors.New("the spoke ended by itself"), work.spoke.failure())
	case err := <-work.consumer.failed:
		return err
	}
}

func writeAt(w io.WriterAt, text string) error {
	_, err := w.WriteAt([]byte(text), 0)
	return err
}

// write writes up.json at once. It has a password: only its owner may read it.
func (c serveCommand) write(s upState) error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	unfinished := c.stateFile() + ".unfinished"
	if err := os.WriteFile(unfinished, text, 0o600); err != nil {
		return err
	}
	return os.Rename(unfinished, c.stateFile())
}
