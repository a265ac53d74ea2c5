package pgserver

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	// superuser is the role that URL names.
	superuser = "postgres"
	// stopPatience is how long an orderly end may take.
	stopPatience = time.Minute
	// orphanPatience is how long Restart waits for the backends of a killed
	// server: they hold its shared memory until they see that it is gone.
	orphanPatience = 15 * time.Second
	// portAttempts is how many free ports are tried: another process may take
	// one between the choice and its use.
	portAttempts = 5
)

// Server is a running PostgreSQL server. Its methods may be called
// concurrently. The caller of Start calls Stop.
type Server struct {
	cfg       Config
	dir       string
	temporary bool
	account   *account
	password  string

	mu      sync.Mutex
	port    int
	proc    *process // nil when stopped
	killed  bool     // proc ended by Kill and has not been started again
	stopped bool
}

// Start starts a server and returns when it accepts connections. ctx ends the
// wait, not the server.
//
// The errors wrap ErrNotFound if there are no binaries, and
// errors.ErrUnsupported where the operating system is not a Unix; those of a
// server that did not start end with what it logged.
func Start(ctx context.Context, cfg Config) (*Server, error) {
	s, err := start(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("pgserver: %w", err)
	}
	return s, nil
}

func start(ctx context.Context, cfg Config) (*Server, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	acct, err := serverAccount()
	if err != nil {
		return nil, err
	}
	if cfg.BinDir == "" {
		if cfg.BinDir, err = Find(); err != nil {
			return nil, err
		}
	}
	s := &Server{cfg: cfg, account: acct}
	if err := s.makeDir(); err != nil {
		return nil, err
	}
	if err := s.init(ctx); err != nil {
		return nil, errors.Join(err, s.removeTemporary())
	}
	if err := s.launchOnPort(ctx); err != nil {
		return nil, errors.Join(err, s.removeTemporary())
	}
	return s, nil
}

func (s *Server) makeDir() (err error) {
	if s.cfg.Dir == "" {
		s.temporary = true
		s.dir, err = os.MkdirTemp("", "pgserver-")
	} else if s.dir, err = filepath.Abs(s.cfg.Dir); err == nil {
		// The directories above must stay enterable for the account.
		if err = os.MkdirAll(filepath.Dir(s.dir), 0o755); err == nil {
			err = os.MkdirAll(s.dir, 0o700)
		}
	}
	if err != nil {
		return err
	}
	return s.account.own(s.dir)
}

// removeDir is the directory that ends with the server, if it does.
func (s *Server) removeDir() string {
	if s.temporary {
		return s.dir
	}
	return ""
}

func (s *Server) removeTemporary() error {
	return os.RemoveAll(s.removeDir()) // of "": nothing
}

func (s *Server) dataDir() string { return filepath.Join(s.dir, "data") }

func (s *Server) logPath() string { return filepath.Join(s.dir, "postgres.log") }

// init makes the data directory unless Dir has one from an earlier start.
func (s *Server) init(ctx context.Context) error {
	passwordPath := filepath.Join(s.dir, "password")
	if _, err := os.Stat(s.dataDir()); err == nil {
		b, err := os.ReadFile(passwordPath)
		s.password = strings.TrimSpace(string(b))
		return err
	} else if !errors.Is(err, os.ErrNotExist) {
		return err
	}

	s.password = rand.Text()
	if err := os.WriteFile(passwordPath, []byte(s.password+"\n"), 0o600); err != nil {
		return err
	}
	if err := s.account.own(passwordPath); err != nil {
		return err
	}
	// The rename makes it all or nothing: an initdb that was killed leaves no
	// directory that looks finished.
	unfinished := s.dataDir() + ".unfinished"
	if err := os.RemoveAll(unfinished); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, filepath.Join(s.cfg.BinDir, "initdb"),
		"-D", unfinished, "-U", superuser, "--pwfile="+passwordPath, "--auth=scram-sha-256",
		"--encoding=UTF8", "--locale=C", "--no-instructions", "--no-sync")
	cmd.Dir = "/"
	cmd.Env = environment()
	cmd.SysProcAttr = s.account.attributes()
	if out, err := runReaped(cmd, s.removeDir()); err != nil {
		return fmt.Errorf("initdb%s: %w\n%s", s.asAccount(), err, out)
	}
	return os.Rename(unfinished, s.dataDir())
}

// asAccount explains errors that come from the change of user.
func (s *Server) asAccount() string {
	if s.account == nil {
		return ""
	}
	return fmt.Sprintf(" as the user %s, who must be able to enter every directory above %s", s.account.name, s.dir)
}

// launchOnPort launches on the configured port or on a free one.
func (s *Server) launchOnPort(ctx context.Context) (err error) {
	s.port = s.cfg.Port
	if s.port != 0 {
		return s.launch(ctx)
	}
	for range portAttempts {
		if s.port, err = freePort(); err != nil {
			return err
		}
		if err = s.launch(ctx); !errors.Is(err, errExited) || portIsFree(s.port) {
			return err
		}
	}
	return err
}

func freePort() (int, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("looking for a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

func portIsFree(port int) bool {
	l, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return false
	}
	l.Close()
	return true
}

// launch starts postgres and waits until it accepts connections.
func (s *Server) launch(ctx context.Context) error {
	log, err := os.OpenFile(s.logPath(), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	logStart, err := log.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	proc, err := startProcess(s.cfg.BinDir, s.cfg.arguments(s.dataDir(), s.port), s.account, log, s.removeDir())
	if err != nil {
		return err
	}
	if err := proc.waitReady(ctx, s.dataDir()); err != nil {
		endErr := proc.end(syscall.SIGQUIT, stopPatience)
		return errors.Join(fmt.Errorf("%w; its log:\n%s", err, logSince(s.logPath(), logStart)), endErr)
	}
	s.proc, s.killed = proc, false
	return nil
}

// URL returns the address of the database postgres on the server, for its
// superuser and with the password in it. It stays the same when the server is
// restarted.
func (s *Server) URL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(superuser, s.password),
		Host:     net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)),
		Path:     "/postgres",
		RawQuery: "sslmode=disable",
	}
	return u.String()
}

// Stop ends the server for good: in order if Config.Dir keeps its data, at
// once if the data is temporary, which is then removed. Further calls do
// nothing.
func (s *Server) Stop() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return nil
	}
	s.stopped = true
	sig := syscall.SIGINT // "fast shutdown"
	if s.temporary {
		sig = syscall.SIGQUIT // "immediate shutdown"
	}
	if err := errors.Join(s.end(sig), s.removeTemporary()); err != nil {
		return fmt.Errorf("pgserver: %w", err)
	}
	return nil
}

// StopImmediate ends the server without a checkpoint (PostgreSQL's "immediate
// shutdown"): open transactions are lost, connections are cut, and the next
// start recovers from the log. Restart or Stop comes next.
func (s *Server) StopImmediate() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.end(syscall.SIGQUIT)
}

// Kill ends the server's main process with SIGKILL. Its backends end when they
// notice; until then one may still commit. Restart or Stop comes next.
func (s *Server) Kill() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc == nil {
		return nil
	}
	s.killed = true
	return s.end(syscall.SIGKILL)
}

// end ends the process, if there is one.
func (s *Server) end(sig os.Signal) error {
	if s.proc == nil {
		return nil
	}
	err := s.proc.end(sig, stopPatience)
	s.proc = nil
	return err
}

// Restart starts the server again, on the same port and with the same data,
// and returns when it accepts connections. A running server is stopped in
// order first. ctx ends the wait, not the server. After Stop it is an error.
func (s *Server) Restart(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.restart(ctx); err != nil {
		return fmt.Errorf("pgserver: restarting: %w", err)
	}
	return nil
}

func (s *Server) restart(ctx context.Context) error {
	if s.stopped {
		return errors.New("the server was stopped for good")
	}
	if err := s.end(syscall.SIGINT); err != nil {
		return err
	}
	deadline := time.Now().Add(orphanPatience)
	for {
		err := s.launch(ctx)
		if !errors.Is(err, errExited) || !s.killed || time.Now().After(deadline) {
			return err
		}
	}
}
