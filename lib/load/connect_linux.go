package load

import (
	"strings"
	"syscall"
	"time"
)

// tcpUserTimeout is TCP_USER_TIMEOUT of tcp(7), which package syscall leaves out.
const tcpUserTimeout = 0x12

// limitSilence is a net.Dialer's Control: it ends a TCP connection if the other end
// does not acknowledge what was sent. Without it Linux tries for a quarter of an hour,
// and no keep-alive is sent meanwhile.
func limitSilence(network, _ string, c syscall.RawConn) (err error) {
	if !strings.HasPrefix(network, "tcp") {
		return nil
	}
	set := func(fd uintptr) {
		err = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpUserTimeout, int(maxSilence/time.Millisecond))
	}
	if failed := c.Control(set); failed != nil {
		return failed
	}
	return err
}
