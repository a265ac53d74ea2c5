package program

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
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
	log      *slog.Logger
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
	return &Endpoints{listener, metrics, ready, log}, nil
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
		if err := e.ready(ready); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
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
