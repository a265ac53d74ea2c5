package dashboard

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/hubspoke/observability/consumers/dashboard/access"
)

const (
	// perSecond is how many pages and files a viewer may ask for, for long, and burst how many
	// at once.
	perSecond = 10
	burst     = 40
	// atOnce is how many pages and files of a viewer are made at a time, so that nobody takes
	// all connections.
	atOnce = Connections / 4
	// queueing is how long a page waits for others of its viewer: it holds no connection.
	queueing = 10 * time.Second
	// exports is how many files are taken at once, one by each viewer: pages keep the other
	// half of the connections.
	exports = Connections / 2
	// exportRows is how many rows a file has at most.
	exportRows = 1_000_000
	// knownViewers is how many viewers are remembered at least.
	knownViewers = 1000
)

// limits of each viewer, by name.
type limits struct {
	rate rate.Limit
	// fileRows is how many rows a file has at most.
	fileRows int

	mu      sync.Mutex
	viewers map[string]*viewerLimits
	exports int
}

type viewerLimits struct {
	requests  *rate.Limiter
	made      chan struct{} // has one for each page and file that is being made
	exporting bool
}

func newLimits() *limits {
	return &limits{rate: perSecond, fileRows: exportRows, viewers: map[string]*viewerLimits{}}
}

// of returns the limits of a viewer; the caller holds the lock. Who has not asked for some
// seconds may ask as one who is not known, and is forgotten where there are many.
func (l *limits) of(viewer string) *viewerLimits {
	known := l.viewers[viewer]
	if known != nil {
		return known
	}
	if len(l.viewers) >= knownViewers {
		for name, v := range l.viewers {
			if len(v.made) == 0 && v.requests.Tokens() >= burst {
				delete(l.viewers, name)
			}
		}
	}
	known = &viewerLimits{requests: rate.NewLimiter(l.rate, burst), made: make(chan struct{}, atOnce)}
	l.viewers[viewer] = known
	return known
}

// begin counts a request, and has it wait until less than atOnce of the viewer are being made;
// end must be called. An error says that it is one too many. Without a login all are one
// viewer, and do not wait.
func (l *limits) begin(ctx context.Context, viewer string) (end func(), err error) {
	if err := l.ask(viewer); err != nil {
		return nil, err
	}
	if viewer == "" {
		return func() {}, nil
	}
	l.mu.Lock()
	made := l.of(viewer).made
	l.mu.Unlock()
	waiting, cancel := context.WithTimeout(ctx, queueing)
	defer cancel()
	select {
	case made <- struct{}{}:
		return func() { <-made }, nil
	case <-waiting.Done():
		return nil, &failure{status: http.StatusTooManyRequests, Title: "Other pages of yours take long.", reason: "rate",
			retry: pageTimeout, Next: fmt.Sprintf("Try again when they are there: %d are made at a time.", atOnce)}
	}
}

// ask counts a request; an error says that it is one too many.
func (l *limits) ask(viewer string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	turn := l.of(viewer).requests.Reserve()
	wait := turn.Delay()
	if wait == 0 {
		return nil
	}
	turn.Cancel()
	return &failure{status: http.StatusTooManyRequests, Title: "These are too many requests at once.", reason: "rate",
		retry: wait, Next: fmt.Sprintf("Wait a moment: %d a second are answered.", perSecond)}
}

// export begins a file; end must be called.
func (l *limits) export(viewer string) (end func(), err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	v := l.of(viewer)
	switch {
	case v.exporting:
		return nil, &failure{status: http.StatusTooManyRequests, Title: "You take a file already.", reason: "export",
			retry: exportTimeout, Next: "Take the next one when it is there, or end it."}
	case l.exports == exports:
		return nil, &failure{status: http.StatusServiceUnavailable, Title: "Others take files just now.", reason: "export",
			retry: exportTimeout, Next: "Try again in a minute."}
	}
	v.exporting = true
	l.exports++
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		v.exporting = false
		l.exports--
	}, nil
}

// viewer names who asks. Without a login all are one.
func viewer(r *http.Request) string {
	if who := access.ViewerOf(r.Context()); who != nil {
		return who.Name
	}
	return ""
}

// retryAfter writes a wait for the header, in whole seconds.
func retryAfter(wait time.Duration) string { return fmt.Sprint(max(1, int(math.Ceil(wait.Seconds())))) }
