// Package faultyconn cuts connections to PostgreSQL on purpose, at a place in the
// conversation that a test chooses: in the middle of a COPY, or between a COMMIT
// and its reply.
//
// It reads what the client sends, message by message (PostgreSQL manual, chapter
// "Frontend/Backend Protocol"), and relies on the client to write whole messages,
// as pgx does. The connection must not be encrypted.
package faultyconn

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"sync/atomic"
	"syscall"
)

// Message is one message that a client is about to send.
type Message struct {
	// Type of the message; 0 for the one that starts the connection.
	Type byte
	// Payload of the message. It is good until the call ends.
	Payload []byte
}

// Types of messages that tests look for.
const (
	Query    = 'Q' // simple query; the payload is its text and a zero
	CopyData = 'd'
)

// Cut says where a connection is cut.
type Cut struct {
	at    place
	bytes int
}

type place uint8

const (
	nowhere place = iota
	inside
	after
	reply
)

var (
	// Not does not cut.
	Not = Cut{}
	// After cuts as soon as the message is sent.
	After = Cut{at: after}
	// Reply cuts when the first bytes of the reply are here: the server has done
	// what the message asked for, and the client never hears of it.
	Reply = Cut{at: reply}
)

// Inside cuts after n bytes of the message, its header included.
func Inside(n int) Cut { return Cut{inside, n} }

// Dial is the form of a net.Dialer's DialContext and of pgconn.DialFunc.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// Wrap returns a Dial. Its connections ask decide before every message. decide is
// called by several connections at once.
func Wrap(dial Dial, decide func(Message) Cut) Dial {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &conn{Conn: c, decide: decide}, nil
	}
}

// conn is a connection that is cut sooner or later.
type conn struct {
	net.Conn
	decide  func(Message) Cut
	started bool
	deaf    atomic.Bool // the next bytes from the server are the last
	closed  atomic.Bool // as the server would have closed it
}

// Write sends the messages in b up to where the connection is cut.
func (c *conn) Write(b []byte) (int, error) {
	for sent := 0; sent < len(b); {
		m, size := c.next(b[sent:])
		switch cut := c.decide(m); cut.at {
		case inside:
			n, _ := c.Conn.Write(b[:sent+min(cut.bytes, size)])
			return n, c.cut("write")
		case after:
			n, err := c.Conn.Write(b[:sent+size])
			c.closed.Store(true)
			_ = c.Conn.Close()
			return n + len(b) - sent - size, err // the client finds out when it reads
		case reply:
			c.deaf.Store(true)
		}
		sent += size
	}
	return c.Conn.Write(b)
}

// next returns the first message of b and its size.
func (c *conn) next(b []byte) (Message, int) {
	header := 5
	if !c.started {
		c.started, header = true, 4
	}
	size := header - 4 + int(binary.BigEndian.Uint32(b[header-4:]))
	m := Message{Payload: b[header:size]}
	if header == 5 {
		m.Type = b[0]
	}
	return m, size
}

// Read gives what the server says, unless the client must not hear it.
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	switch {
	case err == nil && c.deaf.Load():
		return 0, c.cut("read")
	case err != nil && c.closed.Load():
		return n, io.EOF
	}
	return n, err
}

// cut ends the connection and returns the error of one that was reset.
func (c *conn) cut(operation string) error {
	_ = c.Conn.Close()
	return &net.OpError{Op: operation, Net: "tcp", Addr: c.RemoteAddr(), Err: syscall.ECONNRESET}
}
