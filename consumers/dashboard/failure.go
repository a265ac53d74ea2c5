package dashboard

import (
	"errors"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hubspoke/observability/consumers/dashboard/access"
)

// failure is an answer that is not what was asked for: what, and what next.
type failure struct {
	status      int
	Title, Next string
	Href        string
	// reason names a refusal in metrics, "" if it is none. retry is when to try again; 0 is
	// never.
	reason string
	retry  time.Duration
	// Names are listed below.
	Names []string
}

func (f *failure) Error() string { return f.Title }

func badRequest(what, next string) error {
	return &failure{status: http.StatusBadRequest, Title: what, Next: next}
}

func notFound(what, next, href string) error {
	return &failure{status: http.StatusNotFound, Title: what, Next: next, Href: href}
}

// answer runs a handler within the limits of who asks, and turns its error into a page that
// says it. name is the page in metrics.
func (s *server) answer(name string, h func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		begun := time.Now()
		defer func() { s.hooks.Answered(name, time.Since(begun)) }()
		end, err := s.limits.begin(r.Context(), viewer(r))
		if err == nil {
			defer end()
			err = h(w, r)
		}
		if err == nil || r.Context().Err() != nil { // nobody waits
			return
		}
		if errors.Is(err, errUnchanged) {
			w.Header().Set("ETag", r.Header.Get("If-None-Match"))
			w.WriteHeader(http.StatusNotModified)
			s.log.Debug("unchanged", "path", r.URL.Path, "query", r.URL.RawQuery)
			return
		}
		f, ok := errors.AsType[*failure](err)
		if !ok {
			s.log.Error("the database did not answer", "path", r.URL.Path, "error", err)
			f = noAnswer(err)
		}
		if f.status == http.StatusServiceUnavailable {
			f.Href = r.URL.RequestURI()
		}
		around := s.frame(r)
		around.begun = begun
		s.fail(w, r, around, f)
	}
}

// retryLater is when to try again what the database did not answer.
const retryLater = 5 * time.Second

// noAnswer says that the database has none, and why where trying again would not help.
func noAnswer(err error) *failure {
	f := &failure{status: http.StatusServiceUnavailable, Title: "The database did not answer.", reason: "database",
		Next: "It may be away or busy. Try again in a moment; the log of hub dashboard says more.", retry: retryLater}
	server, ok := errors.AsType[*pgconn.PgError](err)
	if ok && !tookTooLong(err) && advice(server.Code, 0) != "" {
		f.Title, f.Next = "The database has no answer to this.", sentence(err, 0)
	}
	return f
}

// refuse answers who may not pass. The address may have a secret of the login: it is not for
// the log.
func (s *server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	refusal, ok := errors.AsType[*access.Refusal](err)
	if !ok {
		refusal = &access.Refusal{Status: http.StatusServiceUnavailable, Reason: "login", Err: err,
			Title: "The login did not work.", Next: "Try again in a moment; the log of hub dashboard says more."}
	}
	r = r.Clone(r.Context())
	r.URL.Path, r.URL.RawQuery = cut(r.URL.Path, 200), ""
	f := &failure{status: refusal.Status, Title: refusal.Title, Next: refusal.Next, Href: refusal.Href,
		retry: refusal.Retry}
	if refusal.Status != http.StatusOK {
		f.reason = refusal.Reason
		s.log.Warn("refused", "reason", refusal.Reason, "path", r.URL.Path, "host", r.Host, "remote", r.RemoteAddr,
			"error", refusal.Err)
	}
	if refusal.Status == http.StatusServiceUnavailable {
		f.retry = retryLater
	}
	around := s.frame(r)
	around.Menu, around.Keys = nil, nil
	s.fail(w, r, around, f)
}

// fail answers with a page that says what went wrong.
func (s *server) fail(w http.ResponseWriter, r *http.Request, around frame, f *failure) {
	if f.reason != "" {
		s.hooks.Refused(f.reason)
	}
	if f.retry > 0 {
		w.Header().Set("Retry-After", retryAfter(f.retry))
	}
	v := struct {
		frame
		Failure *failure
	}{around, f}
	v.Title, v.reason = http.StatusText(f.status), f.reason
	if err := s.write(w, r, f.status, "failure.html", &v.frame, &v, 0); err != nil {
		s.log.Error("the page of an error", "error", err)
	}
}
