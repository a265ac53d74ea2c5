package dashboard

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/hubspoke/observability/consumers/dashboard/page"
	"github.com/hubspoke/observability/consumers/dashboard/pages"
)

// TestUnchanged: who has a page as it is now is told so, and nobody else.
func TestUnchanged(t *testing.T) {
	s := serve(t, filled, pages.All())
	now := noon
	s.serve(Config{Pages: pages.All(), Version: "1", Now: func() time.Time { return now }})
	ask := func(path, known string) *httptest.ResponseRecorder {
		t.Helper()
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Host = "localhost"
		r.Header.Set("If-None-Match", known)
		w := httptest.NewRecorder()
		s.handler.ServeHTTP(w, r)
		return w
	}
	status := func(what, path, known string, want int) {
		t.Helper()
		if w := ask(path, known); w.Code != want || want == http.StatusNotModified && w.Body.Len() > 0 {
			t.Errorf("%s: %s: status %d, want %d: %s", what, path, w.Code, want, cut(w.Body.String(), 200))
		}
	}
	tags := map[string]string{}
	for _, path := range []string{
		"/", "/costs", "/costs?service=x", "/search?q=cost", "/rows", "/rows/freshness", "/rows/current_secrets",
		"/rows/current_certificates",
	} {
		tags[path] = ask(path, "").Header().Get("ETag")
		if !strings.HasPrefix(tags[path], `W/"`) {
			t.Errorf("%s has the ETag %q", path, tags[path])
		}
		status("as it was", path, tags[path], http.StatusNotModified)
		status("one of several", path, `"other", `+tags[path], http.StatusNotModified)
		status("another", path, `W/"other.99999999999"`, http.StatusOK)
		status("no tag", path, `W/"`, http.StatusOK)
	}
	status("another address", "/costs", tags["/costs?service=x"], http.StatusOK)
	now = noon.Add(keptFor)
	status("after its time", "/costs", tags["/costs"], http.StatusOK)
	now = noon
	change := func(what, sql string, paths ...string) {
		t.Helper()
		if _, err := s.db.Pool.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			status(what, path, tags[path], http.StatusOK)
			tags[path] = ask(path, "").Header().Get("ETag")
		}
	}
	change("a view is refreshed", `UPDATE hub.view_refresh SET refreshed_at = now() + interval '1 hour'
		WHERE view_name = 'public.cost_monthly'`, "/", "/costs", "/rows/freshness", "/rows/current_certificates")
	change("a run of another category", `UPDATE hub.source SET last_run_at = last_run_at - interval '1 s'
		WHERE category = 'secrets'`, "/", "/rows/current_secrets")
	for _, path := range []string{"/costs", "/rows/current_certificates"} {
		status("a run of another category", path, tags[path], http.StatusNotModified)
	}
	s.serve(Config{Pages: pages.All(), Version: "2", Now: func() time.Time { return now }})
	status("another program", "/costs", tags["/costs"], http.StatusOK)

	s = serve(t, empty, []page.Page{{Name: "x", Path: "/", Panels: []page.Panel{{As: page.Table{}, SQL: `SELECT 1 / 0`}}}})
	if _, header := s.get("/", http.StatusOK); header.Get("ETag") != "" {
		t.Error("a page with a panel that failed has an ETag")
	}
}

// TestValidity: a page is right until the first of its ages is written otherwise.
func TestValidity(t *testing.T) {
	for age, want := range map[time.Duration]time.Duration{
		10 * time.Second: 50 * time.Second, 90 * time.Second: 30 * time.Second, 3*time.Hour + 59*time.Minute: time.Minute,
		time.Hour: time.Hour, 47*time.Hour + 20*time.Minute: 40 * time.Minute, 48 * time.Hour: 24 * time.Hour,
		49 * time.Hour: 23 * time.Hour, -80 * time.Second: 20 * time.Second, -time.Minute: time.Second,
		-47*time.Hour - 20*time.Minute: 20 * time.Minute, -49 * time.Hour: time.Hour,
	} {
		v := &validity{noon.Add(30 * time.Hour)}
		v.aged(noon, age)
		if got := v.until.Sub(noon); got != want {
			t.Errorf("age %v is right for %v, want %v", age, got, want)
		}
		v.aged(noon, 50*time.Hour)
		if got := v.until.Sub(noon); got > want {
			t.Errorf("with another age, %v is right for %v, want %v", age, got, want)
		}
	}
}
