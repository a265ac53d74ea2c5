package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// children are the programs that the demo starts. They are in one process group,
// so that an interrupt at the terminal reaches the demo alone, which stops them in
// order; and that group ends with this process, however it ends.
type children struct {
	bin, logs string
	guard     *exec.Cmd
	stdin     io.WriteCloser
}

// guardScript waits for the end of its input, that is of this process, and kills
// its process group.
const guardScript = `read -r _; kill -KILL 0`

// newChildren returns no children yet. Logs of earlier ones are removed.
func newChildren(bin, logs string) (*children, error) {
	if err := errors.Join(os.RemoveAll(logs), os.MkdirAll(logs, 0o755)); err != nil {
		return nil, err
	}
	bin, err := filepath.Abs(bin) // a bare name would be looked for in PATH
	if err != nil {
		return nil, err
	}
	guard := exec.Command("/bin/sh", "-c", guardScript)
	guard.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdin, err := guard.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := guard.Start(); err != nil {
		return nil, err
	}
	return &children{bin: bin, logs: logs, guard: guard, stdin: stdin}, nil
}

// close kills whatever still runs.
func (c *children) close() {
	c.stdin.Close()
	_ = c.guard.Wait() // killed by itself
}

// child is a running program.
type child struct {
	name   string // of the log
	log    string
	stdout bytes.Buffer // to be read when done is closed
	cmd    *exec.Cmd
	done   chan struct{}
	err    error // once done is closed
}

// start starts a program. Its log is appended to a file of that name.
func (c *children) start(name string, env []string, program string, args ...string) (*child, error) {
	log, err := os.OpenFile(filepath.Join(c.logs, name+".log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	out := &child{name: name, log: log.Name(), done: make(chan struct{})}
	out.cmd = exec.Command(filepath.Join(c.bin, program), args...)
	out.cmd.Env = env
	out.cmd.Stdout, out.cmd.Stderr = &out.stdout, log
	out.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pgid: c.guard.Process.Pid}
	if err := out.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		out.err = out.cmd.Wait()
		close(out.done)
	}()
	return out, nil
}

// run runs a program to its end and returns what it printed.
func (c *children) run(ctx context.Context, name string, env []string, program string, args ...string) (string, error) {
	running, err := c.start(name, env, program, args...)
	if err != nil {
		return "", err
	}
	select {
	case <-running.done:
	case <-ctx.Done():
		running.stop(stopTime)
		return "", context.Cause(ctx)
	}
	return running.stdout.String(), running.failure()
}

// stopTime is how long a program may take to end in order.
const stopTime = 30 * time.Second

// stop asks a program to end, and ends it if it does not.
func (c *child) stop(timeout time.Duration) {
	_ = c.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-c.done:
	case <-time.After(timeout):
		c.kill()
	}
}

// kill ends a program at once.
func (c *child) kill() {
	_ = c.cmd.Process.Kill()
	<-c.done
}

// failure says why a program that has ended did not succeed, with the end of its log.
func (c *child) failure() error {
	if c.err == nil {
		return nil
	}
	text, _ := os.ReadFile(c.log)
	return &programError{
		err: fmt.Errorf("%s: %w; the end of its log %s:\n%s", strings.Join(c.cmd.Args[:2], " "), c.err, c.log,
			lastLines(text, 15)),
		code: c.cmd.ProcessState.ExitCode(),
	}
}

// programError is a program that ended with another exit code than 0.
type programError struct {
	err  error
	code int
}

func (e *programError) Error() string { return e.err.Error() }
func (e *programError) Unwrap() error { return e.err }

// consumer is `hub consume`, which is started again when it was killed on purpose.
type consumer struct {
	start func() (*child, error)

	mu       sync.Mutex
	now      *child
	stopping bool
	failed   chan error // the consumer ended by itself
}

func startConsumer(start func() (*child, error)) (*consumer, error) {
	c := &consumer{start: start, failed: make(chan error, 1)}
	return c, c.next()
}

// next starts the program. The caller holds mu, or is the only one.
func (c *consumer) next() error {
	now, err := c.start()
	if err != nil {
		return err
	}
	c.now = now
	go c.watch(now)
	return nil
}

func (c *consumer) watch(running *child) {
	<-running.done
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.now == running && !c.stopping {
		c.failed <- errors.Join(errors.New("the consumer ended by itself"), running.failure())
	}
}

// killAndRestart ends the program with SIGKILL and starts it again.
func (c *consumer) killAndRestart() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	killed := c.now
	c.now = nil
	killed.kill()
	return c.next()
}

// stop ends the program in order, and returns an error if it did not.
func (c *consumer) stop() error {
	c.mu.Lock()
	c.stopping = true
	running := c.now
	c.mu.Unlock()
	running.stop(stopTime)
	return running.failure()
}
