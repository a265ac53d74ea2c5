package access

import (
	"fmt"
	"hash/maphash"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/time/rate"
)

const (
	// perSecond is how many requests of logins an address may make, for long, and burst how
	// many at once. A login is two.
	perSecond = 10
	burst     = 40
	// together is how many times more all addresses may make.
	together = 10
	// groups is how many limits there are, so that they take the same memory however many
	// addresses ask. Addresses of one group share its limit.
	groups = 1024
)

// limits are those of who is not known yet, by their address.
type limits struct {
	seed   maphash.Seed // others cannot tell with whom they share a limit
	groups [groups]*rate.Limiter
	all    *rate.Limiter
}

func newLimits() *limits {
	l := &limits{seed: maphash.MakeSeed(), all: rate.NewLimiter(together*perSecond, together*burst)}
	for i := range l.groups {
		l.groups[i] = rate.NewLimiter(perSecond, burst)
	}
	return l
}

// ask counts a request of a login; an error says that it is one too many. Who asks for too
// much leaves what all may ask for to the others.
func (l *limits) ask(r *http.Request, now time.Time) error {
	group := maphash.Comparable(l.seed, networkOf(r)) % groups
	for _, limiter := range []*rate.Limiter{l.groups[group], l.all} {
		turn := limiter.ReserveN(now, 1)
		if wait := turn.DelayFrom(now); wait > 0 {
			turn.CancelAt(now)
			return &Refusal{Status: http.StatusTooManyRequests, Reason: "rate", Retry: wait, Href: "/login",
				Title: "These are too many logins at once.",
				Next:  fmt.Sprintf("Wait a moment, then log in: %d a second are answered.", perSecond/2)}
		}
	}
	return nil
}

// networkOf returns the network that a request comes from. What ends TLS in front of the
// dashboard is the peer of every request, and appends the address of its own peer to the
// header; what stands before that one anybody may have written. Somebody with an address of
// IPv6 has all of its /64.
func networkOf(r *http.Request) netip.Prefix {
	forwarded := strings.Join(r.Header.Values("X-Forwarded-For"), ",")
	address, err := parseAddress(strings.TrimSpace(forwarded[strings.LastIndexByte(forwarded, ',')+1:]))
	if err != nil {
		address, _ = parseAddress(r.RemoteAddr) // one that is none, as of a Unix socket, is that of all such peers
	}
	bits := 32
	if address = address.Unmap(); address.Is6() {
		bits = 64
	}
	network, _ := address.WithZone("").Prefix(bits)
	return network
}

// parseAddress reads an address with or without a port.
func parseAddress(text string) (netip.Addr, error) {
	if with, err := netip.ParseAddrPort(text); err == nil {
		return with.Addr(), nil
	}
	return netip.ParseAddr(text)
}
