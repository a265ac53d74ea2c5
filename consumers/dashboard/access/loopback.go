package access

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// Loopback admits anybody on this host. A page of somebody else could have its own name lead
// here, and then read what is shown; its requests have that name, and are refused.
type Loopback struct{}

// Admit returns anybody.
func (Loopback) Admit(_ http.ResponseWriter, r *http.Request) (*Viewer, error) {
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	if host == "localhost" || err == nil && ip.IsLoopback() {
		return nil, nil
	}
	return nil, &Refusal{Status: http.StatusMisdirectedRequest, Reason: "host",
		Title: "This dashboard answers to localhost and to addresses such as 127.0.0.1 only.",
		Next:  "From another host use an SSH tunnel."}
}
