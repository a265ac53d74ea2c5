package dashboard

import (
	"errors"
	"net/http"
	"time"
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
		err := s.limits.ask(viewer(r))
		if err == nil {
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
		if f.reason != "" {
			s.hooks.Refused(f.reason)
		}
		if f.retry > 0 {
			w.Header().Set("Retry-After", retryAfter(f.retry))
		}
		v := struct {
			frame
			Failure *failure
		}{s.frame(), f}
		v.Title = http.StatusText(f.status)
		if err := s.write(w, r, f.status, "failure.html", &v.frame, &v, 0); err != nil {
			s.log.Error("the page of an error", "error", err)
		}
	}
}
