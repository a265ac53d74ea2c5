package dashboard

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hubspoke/observability/consumers/dashboard/access"
	"github.com/hubspoke/observability/consumers/dashboard/page"
)

func TestRateOfAViewer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimits()
		answered := func(viewer string, n int) (yes int) {
			for range n {
				if l.ask(viewer) == nil {
					yes++
				}
			}
			return yes
		}
		if n := answered("a", 100); n != burst {
			t.Errorf("%d requests at once, want %d", n, burst)
		}
		if n := answered("b", 1); n != 1 {
			t.Error("one viewer waits for another")
		}
		time.Sleep(time.Second)
		if n := answered("a", 100); n != perSecond {
			t.Errorf("%d requests after a second, want %d", n, perSecond)
		}
		f, ok := errors.AsType[*failure](l.ask("a"))
		if !ok || f.status != http.StatusTooManyRequests || retryAfter(f.retry) != "1" {
			t.Errorf("the refusal: %+v", f)
		}
		end, err := l.begin(t.Context(), "busy")
		if err != nil {
			t.Fatal(err)
		}
		for i := range 2 * knownViewers {
			answered(fmt.Sprint(i), 1)
			time.Sleep(time.Second)
		}
		if len(l.viewers) > knownViewers || l.viewers["busy"] == nil {
			t.Errorf("%d viewers are remembered, who takes something: %v", len(l.viewers), l.viewers["busy"])
		}
		end()
	})
}

// TestNobodyTakesAllConnections: the requests of a viewer wait for each other, and nobody else
// waits for them. Without a login all are one viewer, and nobody waits.
func TestNobodyTakesAllConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(nil, Config{Gate: named{}})
		var mu sync.Mutex
		made, answers, release := map[string]int{}, map[int]int{}, make(chan struct{})
		handler := s.answer("x", func(_ http.ResponseWriter, r *http.Request) error {
			mu.Lock()
			made[viewer(r)]++
			mu.Unlock()
			<-release
			return nil
		})
		ask := func(who *access.Viewer, n int) {
			for range n {
				go func() {
					r := httptest.NewRequest(http.MethodGet, "/", nil)
					w := httptest.NewRecorder()
					handler(w, r.WithContext(access.With(r.Context(), who)))
					mu.Lock()
					answers[w.Code]++
					mu.Unlock()
				}()
			}
			synctest.Wait()
		}
		greedy := &access.Viewer{Name: "greedy"}
		ask(greedy, Connections)
		ask(&access.Viewer{Name: "other"}, 1)
		ask(nil, Connections)
		if want := map[string]int{"greedy": atOnce, "other": 1, "": Connections}; !maps.Equal(made, want) {
			t.Errorf("%v are made, want %v", made, want)
		}
		time.Sleep(queueing)
		synctest.Wait()
		if n := answers[http.StatusTooManyRequests]; n != Connections-atOnce || len(answers) != 1 {
			t.Errorf("answers: %v, want %d that waited for too long", answers, Connections-atOnce)
		}
		ask(greedy, 1)
		close(release)
		synctest.Wait()
		if want := atOnce + 1 + 1 + Connections; answers[http.StatusOK] != want {
			t.Errorf("answers: %v, want %d pages", answers, want)
		}
	})
}

func TestFilesAtOnce(t *testing.T) {
	l := newLimits()
	refused := func(viewer string, status int) {
		t.Helper()
		_, err := l.export(viewer)
		if f, ok := errors.AsType[*failure](err); !ok || f.status != status || f.retry == 0 {
			t.Errorf("%s: %v", viewer, err)
		}
	}
	var ends []func()
	for i := range exports {
		end, err := l.export(fmt.Sprint(i))
		if err != nil {
			t.Fatal(err)
		}
		ends = append(ends, end)
	}
	refused("0", http.StatusTooManyRequests)
	refused("another", http.StatusServiceUnavailable)
	ends[0]()
	end, err := l.export("0")
	if err != nil {
		t.Fatal(err)
	}
	refused("another", http.StatusServiceUnavailable)
	end()
}

// TestHooks: what was done is told.
func TestHooks(t *testing.T) {
	var mu sync.Mutex
	told := map[string]int{}
	tell := func(what string, n int) {
		mu.Lock()
		defer mu.Unlock()
		told[what] += n
	}
	s := serve(t, empty, nil)
	server := newServer(s.db.Pool, Config{
		Pages: []page.Page{{Name: "x", Path: "/", Panels: []page.Panel{
			{Title: "A panel", As: page.Table{}, SQL: `SELECT generate_series(1, 3) AS n`}}}},
		Hooks: Hooks{
			Answered: func(page string, _ time.Duration) { tell("answered "+page, 1) },
			Queried:  func(page, panel string, _ time.Duration) { tell("queried "+page+" "+panel, 1) },
			Refused:  func(reason string) { tell("refused "+reason, 1) },
			Exported: func(rows int) { tell("rows", rows) },
		},
	})
	server.limits.rate = 0 // so that a slow machine answers no more than burst
	s.handler = server.handler()
	s.get("/", http.StatusOK)
	s.get("/rows/freshness", http.StatusOK)
	s.get("/search?q=nothing+is+so", http.StatusOK)
	s.get("/data/x/a-panel.csv", http.StatusOK)
	s.get("/nothing", http.StatusNotFound)
	s.get("/?"+strings.Repeat("x", maxAddress), http.StatusRequestURITooLong)
	for want, n := range map[string]int{
		"answered x": 1, "queried x a-panel": 1, "queried x badge": 1, "queried x names": 1, "answered browse": 1,
		"queried browse rows": 1, "answered search": 1, "queried search account": 1, "answered export": 1, "rows": 3,
		"answered none": 1, "refused address": 1,
	} {
		if told[want] != n {
			t.Errorf("%s: %d times, want %d", want, told[want], n)
		}
	}
	for range burst {
		s.request("/", "localhost")
	}
	w := s.request("/", "localhost")
	if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") == "" ||
		!strings.Contains(w.Body.String(), "These are too many requests at once.") || told["refused rate"] == 0 {
		t.Errorf("%d %v, %v", w.Code, w.Header(), told)
	}
	s.request("/", "evil.example")
	if told["refused host"] != 1 {
		t.Errorf("a strange host: %v", told)
	}
}
