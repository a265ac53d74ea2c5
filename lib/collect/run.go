package collect

import (
	"context"
	"errors"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/hubspoke/observability/lib/archive"
	"github.com/hubspoke/observability/lib/envelope"
	"github.com/hubspoke/observability/lib/rowjson"
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/lib/stream"
)

// errNowhere stops a collection when its rows reach neither archive nor stream: it is
// useless to ask AWS for more.
var errNowhere = errors.New("collect: stopped, because rows can be sent nowhere")

// reasonRepeated is what the hub calls such a row, too.
const reasonRepeated schema.Reason = "repeated_row"

// run is one run on its way: rows are packed, archived and published chunk by
// chunk, and the end closes it.
type run struct {
	runner *Runner
	table  *schema.Table
	result Result
	// incremental is set when a later run reads again what changed in this one.
	incremental bool

	pending pending // rows in no chunk yet
	bytes   int     // of pending, as last seen
	keys    keySet
	base    *sentRun // that the run may equal; nil: none
	begun   bool     // some rows are sent
	fingerprint
	packed    *envelope.Run
	archive   *archive.Writer // nil without an archive
	line      []byte          // reused
	published int             // parts that the stream has
}

func (r *Runner) newRun(scope schema.Scope, id schema.RunID, since time.Time, every time.Duration,
	t *schema.Table) (*run, error) {
	packed, err := r.cfg.Packer.Run(scope, id)
	if err != nil {
		return nil, err
	}
	packed.Every, packed.Extent = every, extentOf(since)
	out := &run{
		runner: r,
		table:  t,
		result: Result{Scope: scope, Run: id, Since: since},
		packed: packed,
	}
	if r.cfg.Archive != nil {
		out.archive = r.cfg.Archive.Create(scope, id, t)
		out.archive.Every, out.archive.Extent = every, extentOf(since)
	}
	return out, nil
}

// tell tells what the run cost, in its end and manifest.
func (r *run) tell(took time.Duration) {
	took = min(took, envelope.MaxTook)
	all, paid, usd := r.result.Requests, r.result.PaidRequests, r.result.USDMicros
	r.packed.Requests, r.packed.PaidRequests, r.packed.USDMicros, r.packed.Took = all, paid, usd, took
	if r.archive != nil {
		r.archive.Requests, r.archive.PaidRequests, r.archive.USDMicros, r.archive.Took = all, paid, usd, took
	}
}

// extentOf returns what a run asks for, given its Env.Since.
func extentOf(since time.Time) schema.Extent {
	if since.IsZero() {
		return schema.Full
	}
	return schema.Incremental
}

func (r *run) refuse(refused Refused) {
	r.result.RefusedRows++
	if len(r.result.Refused) < maxNamed {
		r.result.Refused = append(r.result.Refused, refused)
	}
}

// sendLast sends the rows that are left of a run that ends with err, or leaves them out if
// the run equals its base.
func (r *run) sendLast(ctx context.Context, rec arrow.Record, err error) error {
	kept, failed := r.pack(rec)
	if failed != nil {
		return failed
	}
	defer kept.Release()
	if err == nil && r.equalsBase() {
		r.leaveOut()
		return nil
	}
	return r.sendPacked(ctx, kept)
}

// send sends one chunk: to the archive first, so that the stream never knows of
// a part that the archive does not have, unless S3 refused it. It returns
// errNowhere when nothing took the rows.
func (r *run) send(ctx context.Context, rec arrow.Record) error {
	kept, err := r.pack(rec)
	if err != nil {
		return err
	}
	defer kept.Release()
	return r.sendPacked(ctx, kept)
}

func (r *run) sendPacked(ctx context.Context, kept arrow.Record) error {
	r.begun = true
	parts := r.packed.Flush()
	r.result.Rows += int(kept.NumRows())
	r.result.Parts += len(parts)

	stored := r.writeFile(ctx, kept, parts)
	stored = r.publish(ctx, parts) || stored
	r.result.Stored = r.result.Stored || stored
	anywhere := r.archive != nil || r.runner.cfg.Publisher != nil
	if sent := r.runner.cfg.Hooks.Sent; sent != nil && (stored || !anywhere) {
		sent(r.result.Scope, int(kept.NumRows()))
	}
	if anywhere && !stored && len(parts) > 0 {
		return errNowhere
	}
	return nil
}

// pack hands the rows of a chunk to the packer, and returns the chunk without
// the rows that repeat a key or fit in no part. The caller releases it.
func (r *run) pack(rec arrow.Record) (arrow.Record, error) {
	encoder, err := rowjson.NewEncoder(r.table, rec)
	if err != nil {
		return nil, err
	}
	var skip []int
	for row := range int(rec.NumRows()) {
		r.line = encoder.AppendRow(r.line[:0], row)
		if seen := r.keys.add(rec, r.table.Keys(), row, r.line); seen != newKey {
			r.repeated(seen, rec, row)
			skip = append(skip, row)
			continue
		}
		if err := r.packed.Add(r.line); err != nil {
			var large *envelope.RowTooLargeError
			if !errors.As(err, &large) {
				return nil, err
			}
			r.refuse(Refused{Key: keyText(r.table, rec, row), Err: &schema.RowError{
				Reason: schema.ReasonTooLarge, Offset: -1, Detail: large.Error(),
			}})
			skip = append(skip, row)
			continue
		}
		r.fingerprint.add(r.line)
		if print := r.runner.cfg.Row; print != nil {
			print(r.result.Scope, r.line)
		}
	}
	return without(rec, skip)
}

// repeated takes note of a row with a key that the run named before. If it is another
// row, one of the two would be lost, and the run must not count as complete. Not so
// where the collector is incremental: what changed while the pages were read is seen
// twice there, and again by the next run.
func (r *run) repeated(seen seenKey, rec arrow.Record, row int) {
	if seen == sameRow || r.incremental {
		r.result.Duplicates++
		return
	}
	r.refuse(Refused{Key: keyText(r.table, rec, row), Err: &schema.RowError{
		Reason: reasonRepeated, Offset: -1, Detail: "another row of the run has this key and other values",
	}})
}

// writeFile archives a chunk and reports whether it is there. After an error the
// run goes on: its manifest names the files that there are.
func (r *run) writeFile(ctx context.Context, rec arrow.Record, packed []envelope.Packed) bool {
	if r.archive == nil || len(packed) == 0 {
		return false
	}
	parts := make([]archive.Part, len(packed))
	for i, p := range packed {
		parts[i] = archive.Part{Number: p.Header.Part, Rows: int(p.Header.Rows), SHA256: p.Header.SHA256}
	}
	err := r.archive.WriteFile(ctx, rec, parts)
	r.archiveFailed(err)
	return err == nil
}

func (r *run) archiveFailed(err error) {
	if r.result.ArchiveErr == nil {
		r.result.ArchiveErr = err
	}
}

// publish publishes parts and reports whether any is stored. After an error no
// more are: the run cannot become complete by them, and a stream that refuses
// must not be asked again and again.
func (r *run) publish(ctx context.Context, packed []envelope.Packed) bool {
	if r.runner.cfg.Publisher == nil || r.result.PublishErr != nil || len(packed) == 0 {
		return false
	}
	key := envelope.PartitionKey(r.result.Scope)
	messages := make([]stream.Message, len(packed))
	missing := map[int]bool{}
	for i, p := range packed {
		messages[i] = stream.Message{PartitionKey: key, Data: p.Record}
	}
	err := r.runner.cfg.Publisher.Publish(ctx, messages)
	if err != nil {
		r.result.PublishErr = err
		for i := range messages {
			missing[i] = true // unless the error knows better
		}
		var partly *stream.PublishError
		if errors.As(err, &partly) {
			clear(missing)
			for _, i := range partly.Failed {
				missing[i] = true
			}
		}
	}
	for i, m := range messages {
		if !missing[i] {
			r.published++
			r.result.Bytes += int64(len(m.Data))
		}
	}
	return len(missing) < len(messages)
}

// end closes the run: the manifest, then the record in the stream. err is what
// Collect ended with. A run that is unchanged has no manifest. In an outage the stream is asked for a short time only.
func (r *run) end(ctx context.Context, err error, outage bool) Result {
	r.result.CollectErr = err
	outcome := r.outcome()
	if r.archive != nil && !r.unchanged() {
		r.archiveFailed(r.archive.Close(ctx, outcome, r.result.collectText(), r.result.Parts, int64(r.result.Rows)))
	}
	if r.runner.cfg.Publisher != nil {
		if outage {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, r.runner.cfg.Grace)
			defer cancel()
		}
		outcome = r.publishEnd(ctx, outcome)
	}
	r.result.Outcome = outcome
	return r.result
}

// publishEnd returns the outcome as the stream knows it. The archive may have
// more: there the run can be complete although parts of it were not published.
func (r *run) publishEnd(ctx context.Context, outcome schema.Outcome) schema.Outcome {
	unpublished := func() schema.Outcome {
		switch {
		case r.published > 0:
			return schema.Partial
		case r.result.Rows > 0 || outcome.Complete() || outcome == schema.Unchanged:
			return schema.Failed
		}
		return outcome // there was nothing to publish, because it was denied or so
	}
	if r.result.PublishErr != nil {
		outcome = unpublished() // the stream that refused the parts may take this
	}
	record, err := r.packed.End(outcome, r.result.endText())
	if err == nil {
		err = r.runner.cfg.Publisher.Publish(ctx, []stream.Message{{
			PartitionKey: envelope.PartitionKey(r.result.Scope),
			Data:         record,
		}})
	}
	if err != nil && r.result.PublishErr == nil {
		r.result.PublishErr = err
		outcome = unpublished()
	}
	return outcome
}

// outcome says how the collection itself went.
func (r *run) outcome() schema.Outcome {
	whole := r.result.CollectErr == nil && r.result.RefusedRows == 0
	switch {
	case r.unchanged():
		return schema.Unchanged
	case whole && r.result.Rows == 0:
		return schema.Empty
	case whole:
		return schema.OK
	case r.result.Rows > 0:
		return schema.Partial
	case r.result.CollectErr != nil:
		return Classify(r.result.CollectErr)
	}
	return schema.Failed
}
