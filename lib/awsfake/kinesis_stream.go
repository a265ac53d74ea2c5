package awsfake

import (
	"bytes"
	"cmp"
	"crypto/md5"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// hashKey is a 128-bit key of the space that shards divide, big-endian.
type hashKey [16]byte

var maxHashKey = hashKey{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

func (h hashKey) compare(o hashKey) int { return bytes.Compare(h[:], o[:]) }
func (h hashKey) big() *big.Int         { return new(big.Int).SetBytes(h[:]) }
func (h hashKey) String() string        { return h.big().String() }

// hashKeyOf converts a number in [0, 2^128).
func hashKeyOf(n *big.Int) (h hashKey) {
	n.FillBytes(h[:])
	return h
}

// parseHashKey reads the decimal form that Kinesis uses.
func parseHashKey(s string) (hashKey, bool) {
	n, ok := new(big.Int).SetString(s, 10)
	if !ok || len(s) > 39 || s[0] == '+' || n.Sign() < 0 || n.BitLen() > 128 {
		return hashKey{}, false
	}
	return hashKeyOf(n), true
}

var one = big.NewInt(1)

// middle is where a range is split in two: the first key of the upper half.
func middle(start, end hashKey) hashKey {
	sum := new(big.Int).Add(start.big(), end.big())
	return hashKeyOf(sum.Add(sum.Rsh(sum, 1), one))
}

func before(h hashKey) hashKey { return hashKeyOf(new(big.Int).Sub(h.big(), one)) }

// storedRecord is one record of a shard.
type storedRecord struct {
	sequence string
	key      string
	data     []byte
	arrived  time.Time
}

// allowance is a token bucket that holds one second's worth.
type allowance struct {
	left, perSecond float64
	at              time.Time
}

func newAllowance(perSecond float64, now time.Time) allowance {
	return allowance{perSecond, perSecond, now}
}

func (a *allowance) refill(now time.Time) {
	if d := now.Sub(a.at).Seconds(); d > 0 {
		a.left = min(a.left+d*a.perSecond, a.perSecond)
		a.at = now
	}
}

// has reports whether n may be taken; more than a second's worth needs a full bucket.
func (a *allowance) has(n float64, now time.Time) bool {
	a.refill(now)
	return a.left >= min(n, a.perSecond)
}

func (a *allowance) take(n float64) { a.left -= n }

// shard is one shard. It is guarded by its stream's mutex.
type shard struct {
	id              string
	start, end      hashKey
	parent, other   string // other is the second parent after a merge
	opened, closed  time.Time
	prefix          string // of its sequence numbers
	first, last     string // sequence numbers of its range; last is set once closed
	records         []storedRecord
	trimmed         int64 // how many records were trimmed: the position of records[0]
	dead            int   // how many of records are trimmed but not yet released
	bytesIn, bytesO allowance
	recordsIn, gets allowance
}

func (s *shard) isClosed() bool { return !s.closed.IsZero() }

// live are the records that were not trimmed.
func (s *shard) live() []storedRecord { return s.records[s.dead:] }

// end position: that of the record that comes next.
func (s *shard) next() int64 { return s.trimmed + int64(len(s.live())) }

// from are the records at and after a position, or after the trim horizon if that is later, and their position.
func (s *shard) from(position int64) ([]storedRecord, int64) {
	position = max(position, s.trimmed)
	return s.live()[min(position-s.trimmed, int64(len(s.live()))):], position
}

// trim drops the first n records.
func (s *shard) trim(n int) {
	clear(s.live()[:n])
	s.dead += n
	s.trimmed += int64(n)
	if s.dead > len(s.records)/2 {
		s.records, s.dead = append([]storedRecord(nil), s.live()...), 0
	}
}

// stream is one data stream.
type stream struct {
	account, name, arn string
	created            time.Time

	mu        sync.Mutex
	deleted   bool
	retention time.Duration
	maxRecord int // bytes
	policy    *policy
	policyDoc string
	shards    []*shard // by id
	open      []*shard // by start of their range
	opened    int      // how many shards there ever were
	sequence  int64
}

func newStream(account, region, name string, shards int, now time.Time) *stream {
	s := &stream{
		account: account, name: name, arn: streamARN(account, region, name), created: now,
		retention: 24 * time.Hour, maxRecord: 1 << 20,
	}
	step := new(big.Int).Div(new(big.Int).Lsh(one, 128), big.NewInt(int64(shards)))
	for i := range shards {
		start := hashKeyOf(new(big.Int).Mul(step, big.NewInt(int64(i))))
		end := maxHashKey
		if i < shards-1 {
			end = before(hashKeyOf(new(big.Int).Mul(step, big.NewInt(int64(i+1)))))
		}
		s.addShard(start, end, "", "", now)
	}
	return s
}

// addShard opens a shard. The caller closes the shards that had its range.
func (s *stream) addShard(start, end hashKey, parent, other string, now time.Time) {
	n := &shard{
		id: fmt.Sprintf("shardId-%012d", s.opened), start: start, end: end, parent: parent, other: other, opened: now,
		prefix:  fmt.Sprintf("496%020d%08d", s.created.UnixNano(), s.opened),
		bytesIn: newAllowance(1<<20, now), recordsIn: newAllowance(1000, now),
		bytesO: newAllowance(2<<20, now), gets: newAllowance(5, now),
	}
	s.opened++
	n.first = s.nextSequence(n)
	s.shards = append(s.shards, n)
	at, _ := slices.BinarySearchFunc(s.open, start, func(x *shard, h hashKey) int { return x.start.compare(h) })
	s.open = slices.Insert(s.open, at, n)
}

// nextSequence gives sequence numbers of 56 digits: they grow within a shard, from parents to children, and from one
// stream to the next of the same name.
func (s *stream) nextSequence(sh *shard) string {
	s.sequence++
	var b [56]byte
	n := strconv.AppendInt(b[:0:25], s.sequence, 10)
	digits := len(n)
	copy(b[56-digits:], n)
	at := copy(b[:], sh.prefix)
	for i := at; i < 56-digits; i++ {
		b[i] = '0'
	}
	return string(b[:])
}

func (s *stream) shard(id string) *shard {
	for _, sh := range s.shards {
		if sh.id == id {
			return sh
		}
	}
	return nil
}

// owner is the open shard that a key belongs to.
func (s *stream) owner(h hashKey) *shard {
	at, exact := slices.BinarySearchFunc(s.open, h, func(x *shard, h hashKey) int { return x.start.compare(h) })
	if !exact {
		at--
	}
	return s.open[at]
}

// put appends a record to the shard of its key.
func (s *stream) put(sh *shard, key string, data []byte, now time.Time) string {
	if n := len(sh.records); n > 0 && now.Before(sh.records[n-1].arrived) {
		now = sh.records[n-1].arrived // arrival times of a shard never go back, even if the clock does
	}
	seq := s.nextSequence(sh)
	sh.records = append(sh.records, storedRecord{seq, key, data, now})
	return seq
}

func (s *stream) close(sh *shard, now time.Time) {
	sh.last, sh.closed = s.nextSequence(sh), now
	s.open = slices.DeleteFunc(s.open, func(x *shard) bool { return x == sh })
}

// split closes a shard and opens two; at is the first key of the upper one.
func (s *stream) split(sh *shard, at hashKey, now time.Time) {
	s.close(sh, now)
	s.addShard(sh.start, before(at), sh.id, "", now)
	s.addShard(at, sh.end, sh.id, "", now)
}

// merge closes two adjacent shards and opens one.
func (s *stream) merge(a, b *shard, now time.Time) {
	s.close(a, now)
	s.close(b, now)
	s.addShard(minKey(a.start, b.start), maxKey(a.end, b.end), a.id, b.id, now)
}

func minKey(a, b hashKey) hashKey {
	if a.compare(b) < 0 {
		return a
	}
	return b
}

func maxKey(a, b hashKey) hashKey {
	if a.compare(b) > 0 {
		return a
	}
	return b
}

// scale splits the widest and merges the narrowest neighbours until there are n open shards.
func (s *stream) scale(n int, now time.Time) {
	width := func(sh *shard) *big.Int { return new(big.Int).Sub(sh.end.big(), sh.start.big()) }
	for len(s.open) < n {
		widest := slices.MaxFunc(s.open, func(a, b *shard) int { return width(a).Cmp(width(b)) })
		s.split(widest, middle(widest.start, widest.end), now)
	}
	for len(s.open) > n {
		narrowest := 0
		for i := range len(s.open) - 1 {
			here, there := new(big.Int).Sub(s.open[i+1].end.big(), s.open[i].start.big()),
				new(big.Int).Sub(s.open[narrowest+1].end.big(), s.open[narrowest].start.big())
			if here.Cmp(there) < 0 {
				narrowest = i
			}
		}
		s.merge(s.open[narrowest], s.open[narrowest+1], now)
	}
}

// expire trims records older than the retention and forgets shards that were closed longer ago than that.
func (s *stream) expire(now time.Time) {
	horizon := now.Add(-s.retention)
	for _, sh := range s.shards {
		if live := sh.live(); len(live) > 0 && live[0].arrived.Before(horizon) {
			sh.trim(sh.since(horizon))
		}
	}
	if slices.ContainsFunc(s.shards, func(sh *shard) bool { return sh.isClosed() && sh.closed.Before(horizon) }) {
		s.shards = slices.DeleteFunc(s.shards, func(sh *shard) bool { return sh.isClosed() && sh.closed.Before(horizon) })
	}
}

// since is the index in live of the first record that arrived at t or later.
func (s *shard) since(t time.Time) int {
	i, _ := slices.BinarySearchFunc(s.live(), t, func(r storedRecord, t time.Time) int { return r.arrived.Compare(t) })
	return i
}

// search is the index in live of the first record with this sequence number or a greater one.
func (s *shard) search(sequence string) int {
	i, _ := slices.BinarySearchFunc(s.live(), sequence,
		func(r storedRecord, q string) int { return compareSequence(r.sequence, q) })
	return i
}

// compareSequence compares sequence numbers as the numbers they are.
func compareSequence(a, b string) int {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}

// children are the shards that continue a closed one.
func (s *stream) children(id string) []*shard {
	var out []*shard
	for _, sh := range s.shards {
		if sh.parent == id || sh.other == id {
			out = append(out, sh)
		}
	}
	return out
}

func hashOf(partitionKey string) hashKey { return md5.Sum([]byte(partitionKey)) }
