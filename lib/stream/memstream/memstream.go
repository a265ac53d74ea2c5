// Package memstream is a sharded stream in memory, both ends of it, for tests:
// a [Stream] gives a [stream.Publisher], and [Stream.Run] drives a [stream.Sink]
// as a worker of Kinesis would, shard by shard, with splits and merges, several
// workers, and faults by script and by seed.
//
// It keeps no position of its own: a session begins where the Sink's Progress
// says. It starts no goroutine but those of Run, and everything that takes time
// does so by package time, so that it fits into a bubble of testing/synctest.
package memstream

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/hubspoke/observability/lib/stream"
)

// Stream is a sharded stream in memory. All methods may be called concurrently.
// There is nothing to close.
type Stream struct {
	mu       sync.Mutex
	changed  chan struct{} // closed when anything below changed
	shards   []*shard      // by number
	workers  []*worker     // those that are running, oldest first
	sequence uint64        // of the newest record
	faults   Faults
	rand     *rand.Rand
	refuse   []error // for the next messages, by RefuseNext
	injected Injected
}

// shard is a range of hashes and the records of the keys in it; guarded by Stream.mu.
type shard struct {
	name      string
	parents   []string
	low, high uint64 // inclusive
	closed    bool
	records   []stream.Record // ascending
	trimmed   string          // sequence number of the last record that was trimmed
	lease     *lease          // nil when no worker reads the shard
}

// lease is one worker's right to read a shard.
type lease struct {
	lost    context.CancelFunc // makes the reader notice
	session stream.Session     // nil before Open
}

// New returns an empty stream with so many shards, without faults. It panics if
// shards is less than 1.
func New(shards int) *Stream {
	if shards < 1 {
		panic(fmt.Sprintf("memstream: %d shards", shards))
	}
	s := &Stream{changed: make(chan struct{})}
	s.Inject(Faults{})
	width := math.MaxUint64 / uint64(shards)
	for i := range shards {
		low := uint64(i) * width
		high := low + width - 1
		if i == shards-1 {
			high = math.MaxUint64
		}
		s.add(low, high)
	}
	return s
}

// add creates a shard; mu must be held, or the stream be new.
func (s *Stream) add(low, high uint64, parents ...string) *shard {
	sh := &shard{name: fmt.Sprintf("shardId-%012d", len(s.shards)), parents: parents, low: low, high: high}
	s.shards = append(s.shards, sh)
	return sh
}

// notify wakes everything that waits; mu must be held.
func (s *Stream) notify() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// find returns the shard of a name; mu must be held.
func (s *Stream) find(name string) (*shard, error) {
	for _, sh := range s.shards {
		if sh.name == name {
			return sh, nil
		}
	}
	return nil, fmt.Errorf("memstream: no shard %q", name)
}

// Shard describes a shard of a stream.
type Shard struct {
	// Name of the shard, such as shardId-000000000000.
	Name string
	// Parents that the shard was split or merged from.
	Parents []string
	// Closed says that the shard takes no more records.
	Closed bool
}

// Shards returns all shards, closed ones too, oldest first.
func (s *Stream) Shards() []Shard {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Shard, len(s.shards))
	for i, sh := range s.shards {
		out[i] = Shard{Name: sh.name, Parents: slices.Clone(sh.parents), Closed: sh.closed}
	}
	return out
}

// Records returns the records that a shard holds, in order. A shard that does
// not exist holds none.
func (s *Stream) Records(shard string) []stream.Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	sh, err := s.find(shard)
	if err != nil {
		return nil
	}
	return cloneRecords(sh.records)
}

// cloneRecords copies records, so that their data have a new owner.
func cloneRecords(records []stream.Record) []stream.Record {
	out := slices.Clone(records)
	for i := range out {
		out[i].Data = bytes.Clone(out[i].Data)
	}
	return out
}

// Split closes a shard and opens two that share its keys. It returns their names.
func (s *Stream) Split(name string) (left, right string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sh, err := s.find(name)
	if err != nil {
		return "", "", err
	}
	if sh.closed || sh.low == sh.high {
		return "", "", fmt.Errorf("memstream: shard %q is closed or cannot be split further", name)
	}
	sh.closed = true
	middle := sh.low + (sh.high-sh.low)/2
	a := s.add(sh.low, middle, name)
	b := s.add(middle+1, sh.high, name)
	s.notify()
	return a.name, b.name, nil
}

// Merge closes two neighbours and opens one shard for the keys of both. It
// returns its name.
func (s *Stream) Merge(a, b string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x, err := s.find(a)
	if err != nil {
		return "", err
	}
	y, err := s.find(b)
	if err != nil {
		return "", err
	}
	lower, upper := x, y
	if lower.low > upper.low {
		lower, upper = upper, lower
	}
	if x.closed || y.closed || x == y || lower.high+1 != upper.low {
		return "", fmt.Errorf("memstream: shards %q and %q are closed or no neighbours", a, b)
	}
	x.closed, y.closed = true, true
	merged := s.add(lower.low, upper.high, a, b)
	s.notify()
	return merged.name, nil
}

// Trim makes a shard lose its oldest n records, as if they were older than the
// stream's retention. A session that begins before them tells the Sink of a Gap.
func (s *Stream) Trim(shard string, n int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	sh, err := s.find(shard)
	if err != nil {
		return err
	}
	if n = min(n, len(sh.records)); n > 0 {
		sh.trimmed = sh.records[n-1].Sequence
		sh.records = slices.Clone(sh.records[n:])
		s.notify()
	}
	return nil
}

// Publisher returns a Publisher for the stream. What the faults refuse it does
// not try again: the *stream.PublishError is there to be tested.
func (s *Stream) Publisher() stream.Publisher { return publisher{s} }

type publisher struct{ stream *Stream }

// Publish stores messages in order.
func (p publisher) Publish(ctx context.Context, messages []stream.Message) error {
	if len(messages) == 0 {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return unstored(len(messages), err)
	}
	for i, m := range messages {
		if n := utf8.RuneCountInString(m.PartitionKey); n < 1 || n > 256 {
			return unstored(len(messages), fmt.Errorf("memstream: message %d: a partition key has 1 to 256 characters, not %d",
				i, n))
		}
	}
	s := p.stream
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.notify()
	var failed []int
	var cause error
	for i, m := range messages {
		if err := s.refusal(); err != nil {
			failed, cause = append(failed, i), err
			continue
		}
		s.store(m)
		if s.chance(s.faults.Duplicate) {
			s.injected.Duplicate++
			s.store(m)
		}
	}
	if s.chance(s.faults.LoseAnswer) {
		s.injected.LoseAnswer++
		return unstored(len(messages), ErrAnswerLost)
	}
	if len(failed) > 0 {
		return &stream.PublishError{Failed: failed, Err: cause}
	}
	return nil
}

// unstored is the error for n messages if none is known to be stored.
func unstored(n int, err error) error {
	failed := make([]int, n)
	for i := range failed {
		failed[i] = i
	}
	return &stream.PublishError{Failed: failed, Err: err}
}

// store appends a message to its shard; mu must be held.
func (s *Stream) store(m stream.Message) {
	sum := md5.Sum([]byte(m.PartitionKey))
	hash := binary.BigEndian.Uint64(sum[:])
	i := slices.IndexFunc(s.shards, func(sh *shard) bool { return !sh.closed && sh.low <= hash && hash <= sh.high })
	s.sequence++
	s.shards[i].records = append(s.shards[i].records, stream.Record{
		// Short numbers on purpose: who compares them as text meets 9 and 10 soon.
		Sequence:     strconv.FormatUint(s.sequence, 10),
		PartitionKey: m.PartitionKey,
		Data:         bytes.Clone(m.Data),
		Arrived:      time.Now(),
	})
}

// after returns up to n records of the shard behind a sequence number; mu must be held.
func (sh *shard) after(sequence string, n int) []stream.Record {
	i := sort.Search(len(sh.records), func(i int) bool {
		return stream.CompareSequences(sh.records[i].Sequence,
			sequence) > 0
	})
	return cloneRecords(sh.records[i:min(i+n, len(sh.records))])
}

// Errors that the faults cause, to be matched with errors.Is.
var (
	// ErrAnswerLost is the Err of a Publish that stored its messages although it says that
	// none is known to be stored.
	ErrAnswerLost = errors.New("memstream: the answer was lost")
	// ErrRefused is the Err of a Publish that stored only some messages.
	ErrRefused = errors.New("memstream: the message was refused")
	// ErrKilled, as the cause of Run's context, makes the worker die without
	// warning.
	ErrKilled = errors.New("memstream: the worker was killed")
)
