package dashboard

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/klauspost/compress/gzhttp"

	"github.com/hubspoke/observability/consumers/dashboard/access"
	"github.com/hubspoke/observability/consumers/dashboard/page"
)

//go:embed templates
var templateFiles embed.FS

var templates = template.Must(template.New("").Funcs(template.FuncMap{"asset": asset}).
	ParseFS(templateFiles, "templates/*.html"))

// Connections is how many connections the pool of a dashboard should have.
const Connections = 8

// Config says what is served. The zero value serves no page.
type Config struct {
	// Pages in the order of the menu.
	Pages []page.Page
	// Log takes a line per page. Nil discards them.
	Log *slog.Logger
	// Version of the program, so that browsers ask for pages of another one anew.
	Version string
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
	// Gate finds out who asks; the user of the pool must then be a member of obs_reader and
	// obs_restricted that inherits nothing. Nil is [access.Loopback]: everybody on this host,
	// with the rights of the user of the pool.
	Gate access.Gate
	// Hooks are told what is done.
	Hooks Hooks
}

// server serves the pages.
type server struct {
	pool    *pgxpool.Pool
	pages   []page.Page
	log     *slog.Logger
	version string
	now     func() time.Time
	limits  *limits
	hooks   Hooks
	gate    access.Gate
	// views are those for who sees all accounts, seen those for others.
	views, seen kept
}

// browsePage is the name of Browse in metrics.
const browsePage = "browse"

// New returns the handler of all pages. It only reads, and answers nobody whom the gate does
// not admit. The caller closes the pool.
func New(pool *pgxpool.Pool, cfg Config) http.Handler { return newServer(pool, cfg).handler() }

func newServer(pool *pgxpool.Pool, cfg Config) *server {
	s := &server{pool: pool, pages: cfg.Pages, log: cfg.Log, version: cfg.Version, now: cfg.Now,
		limits: newLimits(), hooks: cfg.Hooks.filled(), gate: cfg.Gate}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.gate == nil {
		s.gate = access.Loopback{}
	}
	return s
}

func (s *server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /static/{name}", serveStatic)
	for _, p := range s.pages {
		path := p.Path
		if path == "/" {
			path = "/{$}"
		}
		show := func(w http.ResponseWriter, r *http.Request) error { return s.page(w, r, p) }
		mux.HandleFunc("GET "+path, s.answer(p.Name, show))
	}
	mux.HandleFunc("GET /data/{page}/{file}", s.answer("export", s.data))
	mux.HandleFunc("GET /search", s.answer("search", s.search))
	mux.HandleFunc("GET /rows", s.answer(browsePage, s.list))
	mux.HandleFunc("GET /rows/{view}", s.answer(browsePage, s.rows))
	mux.HandleFunc("GET /", s.answer("none", func(_ http.ResponseWriter, r *http.Request) error {
		return notFound("There is no page "+cut(r.URL.Path, 100)+".", "The menu has all pages.", "/")
	}))
	return secure(s.guard(gzhttp.GzipHandler(mux)))
}

// policy is what a browser may do with a page: nothing but what this host serves.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"

func secure(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range map[string]string{
			"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin",
			"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
			"Cache-Control": "private, no-cache",
		} {
			w.Header().Set(name, value)
		}
		h.ServeHTTP(w, r)
	})
}

// maxAddress is how long an address may be, in bytes.
const maxAddress = 8 << 10

// guard lets nobody pass whom the gate does not admit.
func (s *server) guard(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.RequestURI) > maxAddress {
			s.refuse(w, r, &access.Refusal{Status: http.StatusRequestURITooLong, Reason: "address",
				Title: "This address is too long.", Next: "Choose fewer or shorter values."})
			return
		}
		who, err := s.gate.Admit(w, r)
		switch {
		case errors.Is(err, access.ErrAnswered):
		case err != nil:
			s.refuse(w, r, err)
		default:
			h.ServeHTTP(w, r.WithContext(access.With(r.Context(), who)))
		}
	})
}

// write writes a page, and its line in the log. v is the value of the template, with f in it.
func (s *server) write(w http.ResponseWriter, r *http.Request, status int, name string, f *frame, v any,
	rows int) error {
	took := time.Since(f.begun)
	f.Took = fmt.Sprintf("%d ms", took.Milliseconds())
	if f.state != "" && status == http.StatusOK {
		f.Tag = tag(f.state, f.valid.until)
		w.Header().Set("ETag", f.Tag)
	}
	var b bytes.Buffer
	if err := templates.ExecuteTemplate(&b, name, v); err != nil {
		s.log.Error("a template failed", "template", name, "error", err)
		return &failure{status: http.StatusInternalServerError, Title: "This page could not be written.",
			Next: "The log of hub dashboard says why."}
	}
	took = time.Since(f.begun)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Server-Timing",
		fmt.Sprintf("db;dur=%.1f, total;dur=%.1f", milliseconds(f.queried), milliseconds(took)))
	w.WriteHeader(status)
	_, err := w.Write(b.Bytes())
	line := append(asked(r), "status", status, "rows", rows, "duration", took)
	if f.reason != "" {
		line = append(line, "reason", f.reason)
	}
	s.log.Info("page", line...)
	if err != nil {
		s.log.Debug("nobody took the page", "path", r.URL.Path, "error", err)
	}
	return nil
}

// asked says in the log who has asked for what.
func asked(r *http.Request) []any {
	line := []any{"path", r.URL.Path, "query", r.URL.RawQuery, "remote", r.RemoteAddr}
	if who := access.ViewerOf(r.Context()); who != nil {
		line = append(line, "viewer", who.Name)
		if forwarded := r.Header.Get("X-Forwarded-For"); forwarded != "" { // only its end is the load balancer's
			line = append(line, "forwarded_for", forwarded[max(0, len(forwarded)-200):])
		}
	}
	return line
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
