package kcl

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/hubspoke/observability/lib/stream"
)

// Config of a [Worker]. Kinesis, DynamoDB, LeaseTable and Stream are required.
type Config struct {
	// LeaseTable is the name of the DynamoDB table that holds the leases. Workers
	// with the same table share the shards of one stream; another stream needs
	// another table: Run returns an *OtherStreamError if it has not.
	LeaseTable string
	// Stream is the name of a stream in the account and region of Kinesis, or the
	// ARN of one, which may belong to another account.
	Stream string
	// Kinesis reads the stream.
	Kinesis *kinesis.Client
	// DynamoDB keeps the leases.
	DynamoDB *dynamodb.Client
	// LeaseDuration is how long a worker that is not heard of keeps its shards. A
	// call to DynamoDB gets a fifth of it, a call to Kinesis all of it.
	// Defaults to 20 seconds.
	LeaseDuration time.Duration
	// ShardSyncInterval is how often shards and leases are looked through, give or
	// take a half. Defaults to 1 second.
	ShardSyncInterval time.Duration
	// IdleBetweenReads is the pause after a read that found nothing. A shard can be
	// read five times a second by all its readers together.
	// Defaults to 1 second.
	IdleBetweenReads time.Duration
	// MaxRecords is the most records of one read. Defaults to 10,000, the most that
	// Kinesis allows.
	MaxRecords int
	// DrainTimeout is how long Run goes on after its context is done, to have
	// applied what was read and to give the leases up. Defaults to 25 seconds: ECS
	// kills a container after 30.
	DrainTimeout time.Duration
	// Start is the time of the first record that is read of a shard that the Sink
	// knows nothing of. Defaults to the zero time: the oldest record there is.
	Start time.Time
	// Ready says why records cannot be applied here, nil when they can. While it does,
	// the worker abandons its shards, so that others can have them, and takes none. It
	// is called often, and must return at once. Nil is always ready.
	Ready func() error
	// Logger defaults to none.
	Logger *slog.Logger
	// Hooks are told what happens, for metrics.
	Hooks Hooks
}

// Hooks are called as things happen. Any of them may be nil. They are called from
// several goroutines at once and must return soon. A panic is logged.
type Hooks struct {
	// ShardsListed: so many shards of the stream have not been read to their end, by
	// any worker.
	ShardsListed func(open int)
	// LeaseTaken: the shard is read here from now on.
	LeaseTaken func(shard string)
	// LeaseEnded: the shard is no longer read here. err is nil when it was given up
	// in order or has come to its end.
	LeaseEnded func(shard string, err error)
	// ShardGone: the stream no longer lists the shard, and everything of it is done.
	ShardGone func(shard string)
	// Read: one read of a shard. bytes are those of the records' data; behind is how
	// far the read is behind the newest record of the shard.
	Read func(shard string, records, bytes int, behind time.Duration)
	// ReadFailed: a read failed and will be tried again.
	ReadFailed func(shard string, err error)
	// RenewFailed: a lease could not be renewed; it is tried again while it lasts.
	RenewFailed func(shard string, err error)
}

func (c Config) withDefaults() Config {
	set(&c.LeaseDuration, 20*time.Second)
	set(&c.ShardSyncInterval, time.Second)
	set(&c.IdleBetweenReads, time.Second)
	set(&c.DrainTimeout, 25*time.Second)
	set(&c.MaxRecords, maxRecords)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Ready == nil {
		c.Ready = func() error { return nil }
	}
	if c.Hooks.ShardsListed == nil {
		c.Hooks.ShardsListed = func(int) {}
	}
	if c.Hooks.LeaseTaken == nil {
		c.Hooks.LeaseTaken = func(string) {}
	}
	if c.Hooks.LeaseEnded == nil {
		c.Hooks.LeaseEnded = func(string, error) {}
	}
	if c.Hooks.ShardGone == nil {
		c.Hooks.ShardGone = func(string) {}
	}
	if c.Hooks.Read == nil {
		c.Hooks.Read = func(string, int, int, time.Duration) {}
	}
	if c.Hooks.ReadFailed == nil {
		c.Hooks.ReadFailed = func(string, error) {}
	}
	if c.Hooks.RenewFailed == nil {
		c.Hooks.RenewFailed = func(string, error) {}
	}
	return c
}

func set[T comparable](field *T, to T) {
	var zero T
	if *field == zero {
		*field = to
	}
}

// maxRecords is the most that GetRecords allows.
const maxRecords = 10_000

// shortest is the shortest duration that can be set: the library counts in
// milliseconds, and its jitter needs some of them.
const shortest = 10 * time.Millisecond

// validate reports all faults of a Config with defaults.
func (c Config) validate(sink stream.Sink) error {
	var faults []error
	fault := func(wrong bool, format string, args ...any) {
		if wrong {
			faults = append(faults, fmt.Errorf("kcl: "+format, args...))
		}
	}
	fault(sink == nil, "a Sink is needed")
	fault(c.LeaseTable == "", "Config.LeaseTable is needed: the name of the table that holds the leases")
	fault(c.Stream == "", "Config.Stream is needed: the name or the ARN of the stream")
	fault(arn.IsARN(c.Stream) && !strings.Contains(c.Stream, ":stream/"),
		"Config.Stream %q is not the ARN of a stream (arn:aws:kinesis:region:account:stream/name)", c.Stream)
	fault(c.Kinesis == nil, "Config.Kinesis is needed")
	fault(c.DynamoDB == nil, "Config.DynamoDB is needed")
	for name, d := range map[string]time.Duration{
		"LeaseDuration": c.LeaseDuration, "ShardSyncInterval": c.ShardSyncInterval,
		"IdleBetweenReads": c.IdleBetweenReads, "DrainTimeout": c.DrainTimeout,
	} {
		fault(d < shortest, "Config.%s is %v, but %v is the least", name, d, shortest)
	}
	fault(c.MaxRecords < 1 || c.MaxRecords > maxRecords, "Config.MaxRecords is %d, but must be 1 to %d", c.MaxRecords,
		maxRecords)
	return errors.Join(faults...)
}

// streamName is the name of the stream, for people and for the library.
func (c Config) streamName() string {
	if _, name, ok := strings.Cut(c.Stream, ":stream/"); ok {
		return name
	}
	return c.Stream
}
