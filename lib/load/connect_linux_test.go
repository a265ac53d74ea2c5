package load_test

import (
	"net"
	"syscall"
	"testing"

	"github.com/hubspoke/observability/lib/load"
)

// TestSilentServer looks at the options of a connection: what the kernel makes of
// them takes half a minute.
func TestSilentServer(t *testing.T) {
	db := newDatabase(t, load.Config{})
	conn, err := db.pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	tcp, ok := conn.Conn().PgConn().Conn().(*net.TCPConn)
	if !ok {
		t.Fatalf("the connection is a %T", conn.Conn().PgConn().Conn())
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ level, option, want int }{
		"unacknowledged, ms": {syscall.IPPROTO_TCP, 0x12, 30_000},
		"keep-alive":         {syscall.SOL_SOCKET, syscall.SO_KEEPALIVE, 1},
		"idle, s":            {syscall.IPPROTO_TCP, syscall.TCP_KEEPIDLE, 10},
		"interval, s":        {syscall.IPPROTO_TCP, syscall.TCP_KEEPINTVL, 5},
	} {
		err := raw.Control(func(fd uintptr) {
			if got, err := syscall.GetsockoptInt(int(fd), c.level, c.option); err != nil || got != c.want {
				t.Errorf("%s: %d, %v, want %d", name, got, err, c.want)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
