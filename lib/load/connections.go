package load

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Connections are the network connections of a pool. Something between program and
// server, such as a proxy, a load balancer or a pooler, may acknowledge what is sent
// and forward nothing: neither end notices, and no keep-alive does. Connections ends
// what would then wait for ever. It is safe for concurrent use.
type Connections struct {
	silence time.Duration

	mu   sync.Mutex
	open map[*connection]struct{}
}

// maxStatement is how long the server may be silent while it works: longer than the
// statement_timeout of sessionSettings.
const maxStatement = 11 * time.Minute

// Watch returns the connections of the pool that will be made from cfg. Each read and
// write of them has a deadline of 11 minutes, which no statement of the loader exceeds.
func Watch(cfg *pgxpool.Config) *Connections {
	c := &Connections{silence: maxStatement, open: map[*connection]struct{}{}}
	dial := cfg.ConnConfig.DialFunc
	cfg.ConnConfig.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		under, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return c.add(under), nil
	}
	after := cfg.AfterConnect
	cfg.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		if over, ok := underTLS(conn.PgConn().Conn()).(*connection); ok {
			c.mu.Lock()
			over.pid = conn.PgConn().PID()
			c.mu.Unlock()
		}
		if after == nil {
			return nil
		}
		return after(ctx, conn)
	}
	return c
}

func underTLS(conn net.Conn) net.Conn {
	if encrypted, ok := conn.(*tls.Conn); ok {
		return encrypted.NetConn()
	}
	return conn
}

func (c *Connections) add(under net.Conn) net.Conn {
	conn := &connection{Conn: under, of: c}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open[conn] = struct{}{}
	return conn
}

// workingSQL asks which sessions the server works for. One that waits for its client
// has answered, or was not asked.
const workingSQL = `
SELECT pid FROM pg_stat_activity
WHERE pid = ANY ($1) AND state = 'active' AND wait_event_type IS DISTINCT FROM 'Client'`

// CloseIdle closes the connections for which the server does nothing, as it says over
// another connection: what waits for an answer of theirs would wait for ever. It
// returns for how many the server works; they stay.
func (c *Connections) CloseIdle(ctx context.Context, other *pgx.Conn) (closed, working int, err error) {
	c.mu.Lock()
	var pids []int32
	for conn := range c.open {
		pids = append(pids, int32(conn.pid))
	}
	c.mu.Unlock()
	rows, err := other.Query(ctx, workingSQL, pids)
	if err != nil {
		return 0, 0, fmt.Errorf("load: ask for the sessions that work: %w", err)
	}
	busy, err := pgx.CollectRows(rows, pgx.RowTo[int32])
	if err != nil {
		return 0, 0, fmt.Errorf("load: ask for the sessions that work: %w", err)
	}
	works := map[uint32]bool{}
	for _, pid := range busy {
		works[uint32(pid)] = true
	}
	c.mu.Lock()
	var idle []*connection
	for conn := range c.open {
		if conn.pid != 0 && !works[conn.pid] { // without a pid it is about to connect, which has a deadline
			idle = append(idle, conn)
		}
	}
	c.mu.Unlock()
	for _, conn := range idle {
		_ = conn.Close() // what uses it fails, and says why
	}
	return len(idle), len(busy), nil
}

// connection is a network connection with reads and writes that cannot last for ever.
type connection struct {
	net.Conn
	of  *Connections
	pid uint32 // of the session; 0 until it is known. Under of.mu

	mu       sync.Mutex
	deadline time.Time // that its user has set
}

// Read reads, for as long as the server may be silent.
func (c *connection) Read(b []byte) (int, error) {
	if err := c.limit(c.Conn.SetReadDeadline); err != nil {
		return 0, err
	}
	return c.Conn.Read(b)
}

// Write writes, for as long as the other end may take nothing.
func (c *connection) Write(b []byte) (int, error) {
	if err := c.limit(c.Conn.SetWriteDeadline); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}

// limit sets a deadline unless the user of the connection has set one.
func (c *connection) limit(set func(time.Time) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.deadline.IsZero() {
		return nil
	}
	return set(time.Now().Add(c.of.silence))
}

// SetDeadline sets the deadline of reads and writes, as pgx does to interrupt them.
func (c *connection) SetDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deadline = t
	return c.Conn.SetDeadline(t)
}

// Close closes the connection.
func (c *connection) Close() error {
	c.of.mu.Lock()
	delete(c.of.open, c)
	c.of.mu.Unlock()
	return c.Conn.Close()
}
