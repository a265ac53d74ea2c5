package faultyconn_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"

	"github.com/hubspoke/observability/internal/faultyconn"
)

func message(kind string, payload string) []byte {
	b := binary.BigEndian.AppendUint32([]byte(kind), uint32(4+len(payload)))
	return append(b, payload...)
}

// talk sends a start and two queries, answers whatever arrives with "ok", and
// returns what the server heard, and the client's errors of writing and reading.
func talk(t *testing.T, decide func(faultyconn.Message) faultyconn.Cut) (heard string, write, read error) {
	t.Helper()
	client, server := net.Pipe()
	dial := faultyconn.Wrap(func(context.Context, string, string) (net.Conn, error) { return client, nil }, decide)
	c, err := dial(t.Context(), "tcp", "server")
	if err != nil {
		t.Fatal(err)
	}
	all := make(chan string)
	go func() {
		b, buf := []byte(nil), make([]byte, 100)
		n, err := server.Read(buf)
		for ; err == nil; n, err = server.Read(buf) {
			b = append(b, buf[:n]...)
			_, _ = server.Write([]byte("ok"))
		}
		all <- string(b)
	}()
	buf := make([]byte, 2)
	for _, b := range [][]byte{message("", "start"), append(message("Q", "one"), message("Q", "two")...)} {
		if _, write = c.Write(b); write != nil {
			break
		}
		if _, read = io.ReadFull(c, buf); read != nil {
			break
		}
	}
	_ = c.Close()
	return <-all, write, read
}

func TestCuts(t *testing.T) {
	start, one, two := string(message("", "start")), string(message("Q", "one")), string(message("Q", "two"))
	at := func(payload string, cut faultyconn.Cut) func(faultyconn.Message) faultyconn.Cut {
		return func(m faultyconn.Message) faultyconn.Cut {
			if string(m.Payload) == payload && (m.Type == 0) == (payload == "start") {
				return cut
			}
			return faultyconn.Not
		}
	}
	for name, c := range map[string]struct {
		decide      func(faultyconn.Message) faultyconn.Cut
		heard       string
		write, read bool
	}{
		"not":        {at("", faultyconn.Not), start + one + two, false, false},
		"at start":   {at("start", faultyconn.Inside(3)), start[:3], true, false},
		"inside one": {at("one", faultyconn.Inside(6)), start + one[:6], true, false},
		"inside two": {at("two", faultyconn.Inside(100)), start + one + two, true, false},
		"after one":  {at("one", faultyconn.After), start + one, false, true},
		"after two":  {at("two", faultyconn.After), start + one + two, false, true},
		"reply":      {at("one", faultyconn.Reply), start + one + two, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			heard, write, read := talk(t, c.decide)
			if heard != c.heard || (write != nil) != c.write || (read != nil) != c.read {
				t.Errorf("the server heard %q, write %v, read %v", heard, write, read)
			}
			if c.write && !errors.Is(write, syscall.ECONNRESET) {
				t.Errorf("write fails with %v, not as a reset connection does", write)
			}
			if read != nil && !errors.Is(read, syscall.ECONNRESET) && !errors.Is(read, io.EOF) {
				t.Errorf("read fails with %v, not as a connection does that the server ended", read)
			}
		})
	}
}

func TestRandomCutsEverywhere(t *testing.T) {
	r := faultyconn.NewRandom(1, 5)
	messages := []faultyconn.Message{
		{Type: faultyconn.CopyData, Payload: make([]byte, 100)},
		{Type: faultyconn.Query, Payload: []byte("commit\x00")},
		{Type: 'P', Payload: []byte("SELECT")},
	}
	cuts, asked := 0, 0
	for len(r.Left()) > 0 && asked < 100_000 {
		if r.Decide(messages[asked%3]) != faultyconn.Not {
			cuts++
		}
		asked++
	}
	if cuts != 20 || r.Decide(messages[0]) != faultyconn.Not {
		t.Errorf("%d cuts after %d messages, want 5 at each of 4 kinds of places and then none; left: %v", cuts, asked,
			r.Left())
	}
}
