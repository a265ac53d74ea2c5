package main

import (
	"bytes"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/internal/programtest"
	"github.com/hubspoke/observability/schemas"
)

// swallower is a proxy in front of PostgreSQL that acknowledges what it gets and
// forwards nothing: connections that have come to the commit of a batch, while
// commits is above zero, or, when silent, all there are.
type swallower struct {
	testing.TB
	listener net.Listener
	server   string
	commits  atomic.Int64
	silent   atomic.Bool

	mu    sync.Mutex
	conns []net.Conn
	wg    sync.WaitGroup
}

func newSwallower(t testing.TB, databaseURL string) (s *swallower, proxied string) {
	t.Helper()
	u := must(url.Parse(databaseURL))
	s = &swallower{TB: t, listener: must(net.Listen("tcp", "127.0.0.1:0")), server: u.Host}
	s.wg.Go(s.serve)
	t.Cleanup(func() {
		s.listener.Close()
		s.mu.Lock()
		for _, c := range s.conns {
			c.Close()
		}
		s.mu.Unlock()
		s.wg.Wait()
	})
	u.Host = s.listener.Addr().String()
	return s, u.String()
}

func (s *swallower) serve() {
	for {
		client, err := s.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", s.server)
		if err != nil {
			client.Close()
			continue
		}
		s.mu.Lock()
		s.conns = append(s.conns, client, server)
		s.mu.Unlock()
		swallowed := new(atomic.Bool)
		s.wg.Go(func() { s.forward(client, server, swallowed, s.commitsBatch()) })
		s.wg.Go(func() { s.forward(server, client, swallowed, func([]byte) bool { return false }) })
	}
}

// forward copies until an end closes, and then closes both.
func (s *swallower) forward(from, to net.Conn, swallowed *atomic.Bool, swallow func([]byte) bool) {
	defer from.Close()
	defer to.Close()
	b := make([]byte, 64<<10)
	for {
		n, err := from.Read(b)
		if err != nil {
			return
		}
		if swallow(b[:n]) {
			swallowed.Store(true)
		}
		if swallowed.Load() || s.silent.Load() {
			continue
		}
		if _, err := to.Write(b[:n]); err != nil {
			return
		}
	}
}

// commitsBatch returns what recognises the commit of a batch: it follows the lock of
// its shards.
func (s *swallower) commitsBatch() func([]byte) bool {
	batch := false
	var last []byte
	return func(b []byte) bool {
		text := append(last, b...)
		last = bytes.Clone(text[max(0, len(text)-32):])
		batch = batch || bytes.Contains(text, []byte("FOR UPDATE OF p"))
		if batch && bytes.Contains(text, []byte("commit\x00")) {
			batch, last = false, nil
			return s.commits.Add(-1) >= 0
		}
		return false
	}
}

// startBehind starts a hub behind the proxy, with a watchdog that waits for a short time.
func (w *world) startBehind(proxied string, args ...string) process {
	w.Helper()
	w.Setenv(stallVariable, "3s")
	w.Setenv("DATABASE_URL", proxied)
	defer w.Setenv("DATABASE_URL", w.db.URL)
	return w.start(append([]string{"--no-refresh"}, args...)...)
}

// end asks a process to end, and returns its log.
func (p process) end(t testing.TB, code int) string {
	t.Helper()
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.Wait()
	if got := p.ProcessState.ExitCode(); got != code {
		t.Errorf("exit code %d, want %d\n%s", got, code, p.stderr)
	}
	return p.stderr.String()
}

func TestSwallowedConnectionIsClosed(t *testing.T) {
	w := newWorld(t, 1)
	proxy, proxied := newSwallower(t, w.db.URL)
	p := w.startBehind(proxied)
	w.send(spoke, collector(schemas.Certificates, nil, certificate(1, "ISSUED")))
	w.completed(1)
	proxy.commits.Store(1)
	w.send(spoke, collector(schemas.Certificates, nil, certificate(2, "ISSUED")))
	w.completed(2)
	if log := p.end(t, program.ExitDone); !strings.Contains(log, "closed connections, trying again") ||
		strings.Contains(log, "the shards are left") {
		t.Errorf("log:\n%s", log)
	}
	hub(t.Context(), "verify").want(t, program.ExitDone)
}

func TestShardsAreLeftToOthersWhereNothingIsApplied(t *testing.T) {
	w := newWorld(t, 1)
	proxy, proxied := newSwallower(t, w.db.URL)
	p := w.startBehind(proxied, "--metrics-addr", "127.0.0.1:0")
	w.send(spoke, collector(schemas.Certificates, nil, certificate(1, "ISSUED")))
	w.completed(1)
	proxy.commits.Store(1 << 40)
	w.send(spoke, collector(schemas.Certificates, nil, certificate(2, "ISSUED")))
	ready := "http://" + addressRE.FindStringSubmatch(p.stderr.String())[1] + "/readyz"
	programtest.Eventually(t, "not to be ready", func() bool {
		status, _ := get(t, ready)
		return status == http.StatusServiceUnavailable &&
			strings.Contains(p.stderr.String(), "the shards are left to other consumers")
	})
	programtest.Eventually(t, "the lease to be given up",
		func() bool { return strings.Contains(p.stderr.String(), "given up: nothing was applied") })
	other := w.consume("--no-refresh")
	w.completed(2)
	proxy.commits.Store(0)
	programtest.Eventually(t, "to be ready again", func() bool {
		status, _ := get(t, ready)
		return status == http.StatusOK
	})
	other.stop(t)
	w.send(spoke, collector(schemas.Certificates, nil, certificate(3, "ISSUED")))
	w.completed(3)
	if log := p.end(t, program.ExitDone); !strings.Contains(log, "records are applied again") {
		t.Errorf("log:\n%s", log)
	}
	hub(t.Context(), "verify").want(t, program.ExitDone)
}

func TestSIGTERMEndsWithinTheDeadlineWhileTheDatabaseIsSilent(t *testing.T) {
	w := newWorld(t, 1)
	proxy, proxied := newSwallower(t, w.db.URL)
	p := w.startBehind(proxied, "--drain-timeout", "2s")
	w.send(spoke, collector(schemas.Certificates, nil, certificate(1, "ISSUED")))
	w.completed(1)
	const all = 1 << 40
	proxy.commits.Store(all)
	w.send(spoke, collector(schemas.Certificates, nil, certificate(2, "ISSUED")))
	programtest.Eventually(t, "a commit under way", func() bool { return proxy.commits.Load() < all })
	proxy.silent.Store(true)
	asked := time.Now()
	log := p.end(t, program.ExitFailed)
	// Without the deadline it takes the 15 seconds that a pool gives its connections.
	if took := time.Since(asked); took > 10*time.Second {
		t.Errorf("took %v\n%s", took, log)
	}
	if !strings.Contains(log, "not done after 2s") {
		t.Errorf("log:\n%s", log)
	}
	next := w.start()
	w.completed(2)
	next.end(t, program.ExitDone)
	hub(t.Context(), "verify").want(t, program.ExitDone)
}

// stallVariable shortens stallTime in the program that the tests start.
const stallVariable = "TEST_HUB_STALL"

func shortenStall() {
	if text := os.Getenv(stallVariable); text != "" {
		stallTime = must(time.ParseDuration(text))
	}
}
