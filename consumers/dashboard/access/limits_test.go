package access

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/time/rate"
)

// lift has everything answered.
func (l *limits) lift() {
	for _, limiter := range append(l.groups[:], l.all) {
		limiter.SetLimit(rate.Inf)
	}
}

// from is a request to log in by an address, through what ends TLS.
func from(address string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/login", nil)
	r.RemoteAddr = "10.0.0.7:4711"
	if address != "" {
		r.Header["X-Forwarded-For"] = strings.Split(address, "\n")
	}
	return r
}

// answered is how many of n requests are answered.
func answered(l *limits, now time.Time, address string, n int) (yes int) {
	for range n {
		if l.ask(from(address), now) == nil {
			yes++
		}
	}
	return yes
}

func TestRateOfLogins(t *testing.T) {
	l := newLimits()
	if n := answered(l, noon, "192.0.2.1", 100); n != burst {
		t.Errorf("%d requests at once, want %d", n, burst)
	}
	others := 0
	for i := range 10 { // one or two may share the limit of the first
		others += answered(l, noon, fmt.Sprintf("198.51.100.%d", i), 1)
	}
	if others < 5 {
		t.Errorf("of 10 other addresses %d are answered", others)
	}
	for _, same := range []string{"192.0.2.1:443", "::ffff:192.0.2.1", "192.0.2.9, 192.0.2.8, 192.0.2.1",
		"192.0.2.9\n192.0.2.1", "192.0.2.9,192.0.2.1 "} {
		if answered(l, noon, same, 1) != 0 {
			t.Errorf("%q is another address than 192.0.2.1", same)
		}
	}
	if n := answered(l, noon.Add(time.Second), "192.0.2.1", 100); n != perSecond {
		t.Errorf("%d requests after a second, want %d", n, perSecond)
	}
	refusal, ok := errors.AsType[*Refusal](l.ask(from("192.0.2.1"), noon.Add(time.Second)))
	if !ok || refusal.Status != http.StatusTooManyRequests || refusal.Retry <= 0 || refusal.Retry > time.Second/perSecond {
		t.Errorf("the refusal: %+v", refusal)
	}
}

// TestNetworks: who has a network has one address, and so has who has none.
func TestNetworks(t *testing.T) {
	for _, test := range []struct{ forwarded, remote, want string }{
		{"2001:db8:0:1::1", "", "2001:db8:0:1::/64"}, {"2001:db8:0:1:ffff::2", "", "2001:db8:0:1::/64"},
		{"[2001:db8::1]:443", "", "2001:db8::/64"}, {"fe80::1%eth0", "", "fe80::/64"},
		{"", "192.0.2.1:4711", "192.0.2.1/32"}, {"", "[2001:db8::1]:4711", "2001:db8::/64"},
		{"not an address", "192.0.2.1:4711", "192.0.2.1/32"}, {"198.51.100.1,", "192.0.2.1:4711", "192.0.2.1/32"},
		{"", "@", "invalid Prefix"},
	} {
		r := from(test.forwarded)
		r.RemoteAddr = test.remote
		if got := networkOf(r).String(); got != test.want {
			t.Errorf("%q through %q is %s, want %s", test.forwarded, test.remote, got, test.want)
		}
	}
}

// TestManyLogins: logins that are begun and never ended, from anywhere, take no memory, and no
// more of them are answered than all together may have.
func TestManyLogins(t *testing.T) {
	d := newDesk(t, nil)
	d.gate.limits = newLimits()
	heap := func() int {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int(m.HeapAlloc)
	}
	before, begun := heap(), 0
	for i := range 20_000 {
		w := httptest.NewRecorder()
		if d.gate.Admit(w, from(fmt.Sprintf("11.%d.%d.1", i>>8, i&0xff))); w.Code == http.StatusSeeOther {
			begun++
		}
	}
	if grown := heap() - before; grown > 1<<20 {
		t.Errorf("20,000 logins that were begun take %d bytes", grown)
	}
	if begun != together*burst {
		t.Errorf("%d logins were begun at once, want %d", begun, together*burst)
	}
}

// TestTooManyLogins: the addresses of the login have the limit.
func TestTooManyLogins(t *testing.T) {
	d := newDesk(t, nil)
	d.gate.limits = newLimits()
	for range burst {
		d.gate.limits.ask(d.request(http.MethodGet, "/login", "X-Forwarded-For", "192.0.2.1"), noon)
	}
	for _, path := range []string{"/login", "/callback"} {
		d.do(d.request(http.MethodGet, path, "X-Forwarded-For", "192.0.2.1"), http.StatusTooManyRequests, "rate → /login")
	}
	d.do(d.request(http.MethodPost, "/logout", "X-Forwarded-For", "192.0.2.1"), http.StatusTooManyRequests, "rate")
	d.do(d.request(http.MethodGet, "/", "X-Forwarded-For", "192.0.2.2"), http.StatusOK, "alice")
	d.do(d.request(http.MethodGet, "/", "X-Forwarded-For", "192.0.2.1"), http.StatusOK, "alice") // who is known is
}
