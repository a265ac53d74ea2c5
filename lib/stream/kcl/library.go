package kcl

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go/middleware"
	"github.com/vmware/vmware-go-kcl-v2/clientlibrary/config"
	"github.com/vmware/vmware-go-kcl-v2/clientlibrary/interfaces"
	"github.com/vmware/vmware-go-kcl-v2/logger"

	"github.com/hubspoke/observability/lib/stream"
)

// What the library is given: a configuration, a Kinesis client, record processors
// and a logger.

func libraryConfig(cfg Config, worker string) *config.KinesisClientLibConfiguration {
	c := config.NewKinesisClientLibConfig(cfg.LeaseTable, cfg.streamName(), "none", worker).
		WithInitialPositionInStream(config.TRIM_HORIZON).
		WithIdleTimeBetweenReadsInMillis(int(cfg.IdleBetweenReads.Milliseconds())).
		WithShardSyncIntervalMillis(firstInterval).
		WithMaxRecords(cfg.MaxRecords).
		WithMaxLeasesForWorker(math.MaxInt).
		WithCallProcessRecordsEvenForEmptyRecordList(true). // so that an idle session's failure is noticed
		WithMaxRetryCount(math.MaxInt).
		WithLeaseStealing(false).
		WithLogger(libraryLogger{cfg.Logger})
	c.LeaseRefreshWaitTime = never
	return c
}

// never, in milliseconds, is when the library renews a lease by itself. Its
// renewal cannot be told from its attempt at a new lease, and gives up at the
// first error.
const never = int(min(math.MaxInt, math.MaxInt64/int64(time.Millisecond)))

// client returns a Kinesis client for the library. Its calls come to this package
// instead of the network. The library names no deadlines, takes expired iterators and
// refused connections for the end of a shard, and would interpret the records.
func (r *run) client() *kinesis.Client {
	return kinesis.New(kinesis.Options{Region: "none"}, kinesis.WithAPIOptions(func(stack *middleware.Stack) error {
		return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("kcl", r.answer), middleware.Before)
	}))
}

func (r *run) answer(_ context.Context, in middleware.InitializeInput,
	_ middleware.InitializeHandler) (out middleware.InitializeOutput, md middleware.Metadata, err error) {
	switch in := in.Parameters.(type) {
	case *kinesis.ListShardsInput:
		err = r.protect(func() (err error) { out.Result, err = r.listShards(); return err })
	case *kinesis.GetShardIteratorInput:
		// The iterator that the library sees is the name of the shard; the true one
		// is the cursor's.
		out.Result = &kinesis.GetShardIteratorOutput{ShardIterator: in.ShardId}
		err = r.attempt(*in.ShardId, func(l *lease) error { return l.seek() })
	case *kinesis.GetRecordsInput:
		err = r.attempt(*in.ShardIterator, func(l *lease) error {
			read, err := l.read(in.Limit)
			if err == nil {
				out.Result = disguise(read, in.ShardIterator)
			}
			return err
		})
	default:
		err = fmt.Errorf("kcl: the library is not expected to call with %T", in)
	}
	return out, md, err
}

func (r *run) attempt(shard string, do func(*lease) error) error {
	l := r.lease(shard)
	if l == nil {
		return reported{errStopped}
	}
	return l.attempt(func() error { return do(l) })
}

// disguise makes what was read fit for the library.
func disguise(read *kinesis.GetRecordsOutput, iterator *string) *kinesis.GetRecordsOutput {
	for i := range read.Records {
		hide(&read.Records[i])
	}
	disguised := *read
	if read.NextShardIterator != nil {
		disguised.NextShardIterator = iterator
	}
	return &disguised
}

// The library takes records that begin with magic for aggregates of the Kinesis
// Producer Library and unpacks them; a malformed one makes it drop the whole read
// or panic. So it does not get to see the magic.
const (
	magic  = "\xf3\x89\x9a\xc2"
	hidden = "hidden:" // in front of the encryption type of such a record
)

// hide changes a record that begins with magic, in place.
func hide(record *types.Record) {
	if len(record.Data) >= len(magic) && string(record.Data[:len(magic)]) == magic {
		record.Data[0] ^= 0xff
		record.EncryptionType = hidden + record.EncryptionType
	}
}

// unhide gives a record back its data.
func unhide(record *types.Record) []byte {
	if len(record.EncryptionType) >= len(hidden) && record.EncryptionType[:len(hidden)] == hidden {
		record.Data[0] ^= 0xff
		record.EncryptionType = record.EncryptionType[len(hidden):]
	}
	return record.Data
}

// CreateProcessor returns a processor for a shard that Initialize will name.
func (r *run) CreateProcessor() interfaces.IRecordProcessor { return &processor{run: r} }

// processor brings the library's calls for a shard to its lease. They cannot
// return errors; an error fails the lease, and then the next read ends it.
type processor struct {
	run   *run
	lease *lease
}

// Initialize opens the session.
func (p *processor) Initialize(in *interfaces.InitializationInput) {
	if p.lease = p.run.lease(in.ShardId); p.lease != nil {
		p.lease.open()
	}
}

// ProcessRecords delivers records.
func (p *processor) ProcessRecords(in *interfaces.ProcessRecordsInput) {
	if p.lease == nil {
		return
	}
	records := make([]stream.Record, len(in.Records))
	for i := range in.Records {
		record := &in.Records[i]
		records[i] = stream.Record{
			Sequence:     aws.ToString(record.SequenceNumber),
			PartitionKey: aws.ToString(record.PartitionKey),
			Data:         unhide(record),
			Arrived:      aws.ToTime(record.ApproximateArrivalTimestamp),
		}
	}
	p.lease.deliver(records)
}

// Shutdown ends the session at the end of the shard. In all other cases the drain
// is left to [lease.finish], which comes next.
func (p *processor) Shutdown(in *interfaces.ShutdownInput) {
	if p.lease != nil && in.ShutdownReason == interfaces.TERMINATE {
		p.lease.end()
	}
}

// libraryLogger translates the library's log. What the library finds worth
// telling is detail to the reader of this program's log, and what it takes for an
// error may be the answer that this package meant to give.
type libraryLogger struct{ to *slog.Logger }

func (l libraryLogger) log(level slog.Level, format string, args []any) {
	for _, arg := range args {
		if err, ok := arg.(error); ok && isReported(err) {
			level = slog.LevelDebug
		}
	}
	if l.to.Enabled(context.Background(), level) {
		l.to.Log(context.Background(), level, fmt.Sprintf(format, args...), "from", "vmware-go-kcl")
	}
}

func (l libraryLogger) Debugf(format string, args ...any) { l.log(slog.LevelDebug, format, args) }
func (l libraryLogger) Infof(format string, args ...any)  { l.log(slog.LevelDebug, format, args) }
func (l libraryLogger) Warnf(format string, args ...any)  { l.log(slog.LevelWarn, format, args) }
func (l libraryLogger) Errorf(format string, args ...any) { l.log(slog.LevelWarn, format, args) }

// Fatalf does not end the process.
func (l libraryLogger) Fatalf(format string, args ...any) { l.log(slog.LevelError, format, args) }

// Panicf does not panic.
func (l libraryLogger) Panicf(format string, args ...any) { l.log(slog.LevelError, format, args) }

func (l libraryLogger) WithFields(fields logger.Fields) logger.Logger {
	to := l.to
	for key, value := range fields {
		to = to.With(key, value)
	}
	return libraryLogger{to}
}
