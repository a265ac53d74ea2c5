// Package stream holds what sources and destinations of a sharded stream share:
// a [Publisher] puts records into a stream, and a source (the KCL, Lambda, memory)
// drives a [Sink] with the records of its shards.
//
// Delivery is at least once. A source never keeps a position of its own: it asks
// the Sink how far a shard is, and the Sink moves that together with the effects
// of the records.
//
// The life of a shard, as a source drives it:
//
//	Sink.Progress ──▶ Sink.Open ──▶ Session.Deliver* ──┬─▶ Session.Drain    the source stops or gives the shard up
//	                                                  ├─▶ Session.End      the shard has no more records
//	                                                  └─▶ Session.Abandon  the shard belongs to somebody else now
//
// Drain, End and Abandon end a session, also when they fail; nothing but Abandon
// is called on it afterwards.
package stream

import (
	"context"
	"fmt"
	"math/big"
	"time"
)

// Position is how far a shard has been applied.
type Position struct {
	// Sequence is the sequence number of the last applied record, "" before the
	// first one. It is a decimal number of up to 128 digits and is compared as a
	// number, within one shard only.
	Sequence string
	// Ended says that the shard is closed and every record of it was applied.
	Ended bool
}

// CompareSequences returns -1, 0 or 1 as sequence number a is before, equal to or behind b.
// The empty sequence number is before all others. Text that is no number is
// compared as the empty one.
func CompareSequences(a, b string) int {
	var x, y big.Int
	if _, ok := x.SetString(a, 10); !ok {
		x.SetInt64(-1)
	}
	if _, ok := y.SetString(b, 10); !ok {
		y.SetInt64(-1)
	}
	return x.Cmp(&y)
}

// Record is one record as it was read from a shard.
type Record struct {
	// Sequence is the record's sequence number in its shard.
	Sequence string
	// PartitionKey as the publisher gave it.
	PartitionKey string
	// Data of the record. The Sink owns it after Deliver.
	Data []byte
	// Arrived is when the stream stored the record, by the stream's clock.
	Arrived time.Time
}

// Gap is a stretch of a shard that the stream trimmed before it was read.
type Gap struct {
	// After is the last applied sequence number.
	After string
	// Until is the first sequence number that could still be read; "" if not known.
	Until string
	// Reason for people: what showed the gap.
	Reason string
}

// Sink takes the records of a stream, shard by shard. Its methods may be called
// from several goroutines at once.
type Sink interface {
	// Progress returns how far the shard has been applied; the zero Position for
	// a shard that was never seen.
	Progress(ctx context.Context, shard string) (Position, error)
	// Open starts a session for the shard. from is what Progress returned. A second
	// session for the same shard supersedes the first: records of the first that are not
	// yet applied may then be dropped.
	Open(shard string, from Position) Session
	// Gap records that records of the shard are lost to the stream. They may
	// still be in the archive.
	Gap(ctx context.Context, shard string, gap Gap) error
}

// Session takes the records of one shard in order. Deliver, Drain and End are
// called by one goroutine at a time; Abandon may be called at any time, and makes
// the call that it crosses fail.
type Session interface {
	// Deliver takes records in order and blocks while buffers are full. It
	// returns before they are applied. An error means that this and every later
	// record of the session, and perhaps some before, will not be applied: the
	// source must end the session with Abandon and may open a new one from
	// Progress. While a shard has no records, the source delivers an empty list about once
	// a second, so that it learns of such an error there too.
	Deliver(ctx context.Context, records []Record) error
	// Drain waits until everything delivered is applied and returns the position.
	// With an error, the position is that of the last record which this session
	// is known to have applied, or zero.
	Drain(ctx context.Context) (Position, error)
	// End is Drain for a shard that is closed: it records that too.
	End(ctx context.Context) error
	// Abandon drops what is not yet applied. It does not block, and does nothing
	// to a session that has ended.
	Abandon()
}

// Message is one record to be put into a stream.
type Message struct {
	// PartitionKey decides the shard; 1 to 256 characters.
	PartitionKey string
	// Data of the record.
	Data []byte
}

// Publisher puts messages into a stream.
type Publisher interface {
	// Publish returns nil when every message is stored, or a *PublishError that
	// says which are not. A message may be stored twice if the answer was lost. Publish
	// retries what can be retried until ctx is done.
	Publish(ctx context.Context, messages []Message) error
}

// PublishError says which messages of one Publish are not known to be stored.
type PublishError struct {
	// Failed are indexes into the messages, ascending.
	Failed []int
	// Err is why; the last error if there were several.
	Err error
}

// Error says how many messages are missing and why.
func (e *PublishError) Error() string {
	return fmt.Sprintf("%d messages not stored: %v", len(e.Failed), e.Err)
}

// Unwrap returns Err.
func (e *PublishError) Unwrap() error { return e.Err }
