package dashboard

import (
	"errors"
	"net/http"
	"time"

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
			f = &failure{status: http.StatusServiceUnavailable, Title: "The database did not answer.",
				Next: "It may be away or busy. Try again in a moment; the log of hub dashboard says more.",
				Href: r.URL.RequestURI(), reason: "database", retry: 5 * time.Second}
		}
		s.fail(w, r, s.frame(r), f)
	}
}

// refuse answers who may not pass. The address may have a secret of the login: it is not for
// the log.
func (s *server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	refusal, ok := errors.AsType[*access.Refusal](err)
	if !ok {
		refusal = &access.Refusal{Status: http.StatusServiceUnavailable, Reason: "login", Err: err,
			Title: "The login did not work.", Next: "Try again in a moment; the log of hub dashboard says more."}
	}
	f := &failure{status: refusal.Status, Title: refusal.Title, Next: refusal.Next, Href: refusal.Href}
	if refusal.Status != http.StatusOK {
		f.reason = refusal.Reason
		s.log.Warn("refused", "reason", refusal.Reason, "path", r.URL.Path, "host", r.Host, "remote", r.RemoteAddr,
			"error", refusal.Err)
	}
	if refusal.Status == http.StatusServiceUnavailable {
		f.retry = 5 * time.Second
	}
	r = r.Clone(r.Context())
	r.URL.RawQuery = ""
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
	v.Title = http.StatusText(f.status)
	if err := s.write(w, r, f.status, "failure.html", &v.frame, &v, 0); err != nil {
		s.log.Error("the page of an error", "error", err)
	}
}
