package program

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

const (
	// shutdownTime is how long requests may take at the end.
	shutdownTime = time.Second
	// readyTime is how long the answer to /readyz may take.
	readyTime = 2 * time.Second
)

// Endpoints serves /healthz, /readyz and /metrics of a service.
type Endpoints struct {
	listener net.Listener
	metrics  http.Handler
	ready    func(context.Context) error
}

// Listen takes the address, as host:port. ready says why the service is not
// ready, nil if it is; a nil ready is always so. Serve must be called.
func Listen(addr string, metrics http.Handler, ready func(context.Context) error, log *slog.Logger) (*Endpoints, error) {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, Usagef("--metrics-addr %s: %w", addr, err)
	}
	log.Info("serving /healthz, /readyz and /metrics", "address", listener.Addr().String())
	if ready == nil {
		ready = func(context.Context) error { return nil }
	}
	return &Endpoints{listener, metrics, ready}, nil
}

// Serve serves until ctx is done.
func (e *Endpoints) Serve(ctx context.Context) error {
	var stopping atomic.Bool
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", e.metrics)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), readyTime)
		defer cancel()
		err := e.ready(ctx)
		if stopping.Load() {
			err = errors.New("stopping")
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		w.Write([]byte("ok\n"))
	})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		stopping.Store(true)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
		defer cancel()
		if server.Shutdown(ctx) != nil {
			server.Close()
		}
	})
	if err := server.Serve(e.listener); !errors.Is(err, http.ErrServerClosed) {
		stop()
		return err
	}
	<-stopped
	return nil
}
