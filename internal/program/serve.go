package program

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

const (
	// shutdownTime is how long requests may take at the end.
	shutdownTime = time.Second
	// readyTime is how long the answer to /readyz may take.
	readyTime = 2 * time.Second
)

// seconds are the usual bounds of histograms of durations: those of Prometheus, and
// on to an hour.
var seconds = []float64{
	0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600,
}

// Seconds returns the usual bounds of a histogram of durations, from least to most,
// which are among them.
func Seconds(least, most float64) []float64 {
	return slices.Clone(seconds[slices.Index(seconds, least) : slices.Index(seconds, most)+1])
}

// Endpoints serves /healthz, /readyz and /metrics of a service.
type Endpoints struct {
	listener net.Listener
	metrics  http.Handler
	ready    func(context.Context) error
	log      *slog.Logger

	mu     sync.Mutex
	reason string // why it was not ready when it was last asked; "" if it was
}

// Listen takes the address, as host:port. ready says why the service is not
// ready, nil if it is; a nil ready is always so. The reason goes to the log, once
// until it is another one: it may name what a stranger need not know. Serve must be
// called.
func Listen(addr string, metrics http.Handler, ready func(context.Context) error, log *slog.Logger) (*Endpoints,
	error) {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, Usagef("--metrics-addr %s: %w", addr, err)
	}
	log.Info("serving /healthz, /readyz and /metrics", "address", listener.Addr().String())
	if ready == nil {
		ready = func(context.Context) error { return nil }
	}
	return &Endpoints{listener: listener, metrics: metrics, ready: ready, log: log}, nil
}

// Serve begins to serve. Once ctx is done /readyz says that the service stops, and
// all else goes on, until the function that it returns is called: what a service
// still has to do after a signal can be watched.
func (e *Endpoints) Serve(ctx context.Context) (stop func()) {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", e.metrics)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if ctx.Err() != nil {
			http.Error(w, "stopping", http.StatusServiceUnavailable)
			return
		}
		ready, cancel := context.WithTimeout(r.Context(), readyTime)
		defer cancel()
		err := e.ready(ready)
		if r.Context().Err() == nil { // else nobody waits, and that was why
			e.note(err)
		}
		if err != nil {
			http.Error(w, "not ready: the log says why", http.StatusServiceUnavailable)
			return
		}
		w.Write([]byte("ok\n"))
	})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	served := make(chan struct{})
	go func() {
		defer close(served)
		if err := server.Serve(e.listener); !errors.Is(err, http.ErrServerClosed) {
			e.log.Error("/healthz, /readyz and /metrics are gone", "error", err)
		}
	}()
	return func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
		defer cancel()
		if server.Shutdown(ctx) != nil {
			server.Close()
		}
		<-served
	}
}

// note logs why the service is not ready, when that changes.
func (e *Endpoints) note(err error) {
	reason := ""
	if err != nil {
		reason = err.Error()
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	switch reason {
	case e.reason:
	case "":
		e.log.Info("ready again")
	default:
		e.log.Warn("not ready", "error", reason)
	}
	e.reason = reason
}
