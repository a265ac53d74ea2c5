package replay

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/hubspoke/observability/lib/archive"
	"github.com/hubspoke/observability/lib/ingest"
	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/schema"
)

// runs replays runs of one account, region and category, in their order.
func (r *replay) runs(ctx context.Context, runs []archive.Run) error {
	t := r.Loader.Table(runs[0].Category)
	if t == nil {
		r.summary.unknown(runs)
		for range runs {
			r.Hooks.Done()
		}
		return nil
	}
	b := &batch{replay: r, table: t}
	defer b.release()
	for _, run := range runs {
		if err := r.run(ctx, b, run); err != nil {
			return fmt.Errorf("replay: %v: %w", run, err)
		}
		r.Hooks.Done()
	}
	return b.apply(ctx)
}

// run adds what is missing of a run to the batch, which is applied as often as it
// is full.
func (r *replay) run(ctx context.Context, b *batch, run archive.Run) error {
	if run.Unfinished {
		r.summary.unfinished(run)
		return nil
	}
	manifestURL := r.Bucket.ManifestURL(run)
	m, err := r.Bucket.ReadManifest(ctx, run)
	if err != nil {
		return b.refuse(ctx, err, load.Reject{
			Scope: schema.Scope{Category: run.Category, Account: run.Account, Region: run.Region}, Run: run.ID,
			Origin: load.Origin{Name: manifestURL, Arrived: run.Modified},
		})
	}
	// The end is refused for whatever refuses the run.
	end := load.Origin{Advance: -1, Name: manifestURL, Arrived: m.Modified}
	if _, refusal := ingest.Admit(r.Loader, m.Scope(), m.Run, m.Modified, r.ClockAhead); refusal != nil {
		return b.refuse(ctx, refusal, load.Reject{Scope: m.Scope(), Run: m.Run, Origin: end})
	}
	applied, err := r.Loader.Applied(ctx, m.Scope(), m.Run)
	if err != nil {
		return err
	}
	missing := slices.DeleteFunc(slices.Clone(m.Files), func(f archive.File) bool { return holds(applied, f) })
	// Where the stream refused parts, its end says so and the archive's is better.
	ended := applied.Complete || applied.Ended && !m.Outcome.Complete()
	r.summary.planned(m, missing, ended)
	for _, f := range missing {
		r.conflict(applied, m, f)
	}
	if r.DryRun {
		return nil
	}
	for _, f := range missing {
		if err := r.file(ctx, b, m, f); err != nil {
			return err
		}
	}
	if ended {
		return nil
	}
	return b.addEnd(ctx, load.End{
		Scope: m.Scope(), Run: m.Run, Outcome: m.Outcome, Parts: m.Parts, Rows: m.Rows, Error: m.Error,
		Every: time.Duration(m.Every) * time.Second, Origin: end,
	})
}

// holds reports whether every part of the file was applied, with these bytes.
func holds(applied load.AppliedRun, f archive.File) bool {
	for _, p := range f.Parts {
		if sum, ok := applied.Parts[p.Number]; !ok || sum != p.SHA256 {
			return false
		}
	}
	return true
}

// conflict names a file of which a part was applied with other bytes: the loader
// rejects that part, and applies the others.
func (r *replay) conflict(applied load.AppliedRun, m *archive.Manifest, f archive.File) {
	for _, p := range f.Parts {
		if sum, ok := applied.Parts[p.Number]; ok && sum != p.SHA256 {
			r.summary.bad(BadObject{
				URL: r.Bucket.FileURL(m, f), Reason: load.ReasonPartConflict,
				Detail: fmt.Sprintf("part %d was applied with body SHA-256 %v, not %v", p.Number, archive.Sum(sum), p.SHA256),
			})
			return
		}
	}
}

func (r *replay) file(ctx context.Context, b *batch, m *archive.Manifest, f archive.File) error {
	origin := load.Origin{Advance: -1, Name: r.Bucket.FileURL(m, f), Arrived: m.Modified}
	records, stored, err := r.Bucket.ReadFile(ctx, b.table, m, f)
	if err != nil {
		return b.refuse(ctx, err, load.Reject{Scope: m.Scope(), Run: m.Run, Origin: origin})
	}
	origin.Arrived = stored
	if _, refusal := ingest.Admit(r.Loader, m.Scope(), m.Run, stored, r.ClockAhead); refusal != nil {
		releaseAll(records)
		return b.refuse(ctx, refusal, load.Reject{Scope: m.Scope(), Run: m.Run, Origin: origin})
	}
	return b.addFile(ctx, m, f, records, origin)
}

// batch gathers files and ends of one category until they are applied together.
type batch struct {
	*replay
	table *schema.Table

	records []arrow.Record
	parts   []load.Part
	ends    []load.End
	rejects []load.Reject
	rows    int64
	bytes   int64 // of the records
}

func (b *batch) addFile(ctx context.Context, m *archive.Manifest, f archive.File, records []arrow.Record, origin load.Origin) error {
	b.records = append(b.records, records...)
	for _, p := range f.Parts {
		b.parts = append(b.parts, load.Part{
			Scope: m.Scope(), Run: m.Run, Number: p.Number, SHA256: p.SHA256, First: int(b.rows), Rows: p.Rows, Origin: origin,
		})
		b.rows += int64(p.Rows)
	}
	b.bytes += size(records)
	return b.applyIfFull(ctx)
}

func (b *batch) addEnd(ctx context.Context, e load.End) error {
	b.ends = append(b.ends, e)
	return b.applyIfFull(ctx)
}

// refuse adds a reject for what cannot be applied. Errors that say nothing about
// the object, such as those of the network, end the replay.
func (b *batch) refuse(ctx context.Context, err error, reject load.Reject) error {
	var object *archive.Error
	var row *schema.RowError
	var refusal *ingest.Refusal
	switch {
	case errors.As(err, &object):
		reject.Reason = object.Reason
	case errors.As(err, &row):
		reject.Reason = row.Reason
	case errors.As(err, &refusal):
		reject.Reason = refusal.Reason
	default:
		return err
	}
	reject.Detail, reject.Part, reject.Origin.Advance = err.Error(), -1, -1
	b.summary.bad(BadObject{URL: reject.Origin.Name, Reason: reject.Reason, Detail: reject.Detail})
	b.Logger.Warn("refused", "object", reject.Origin.Name, "reason", reject.Reason, "detail", reject.Detail)
	if b.DryRun || reject.Reason == archive.ReasonUnreadable { // another day it may be readable
		return nil
	}
	b.rejects = append(b.rejects, reject)
	return b.applyIfFull(ctx)
}

func (b *batch) applyIfFull(ctx context.Context) error {
	if b.rows+int64(len(b.ends)+len(b.rejects)) < b.BatchRows && b.bytes < b.BatchBytes {
		return nil
	}
	return b.apply(ctx)
}

// apply applies what was gathered, in one transaction.
func (b *batch) apply(ctx context.Context) error {
	defer b.release()
	batch := &load.Batch{Ends: b.ends, Rejects: b.rejects}
	if len(b.parts) > 0 {
		record, err := concatenate(b.table, b.records)
		if err != nil {
			return err
		}
		defer record.Release()
		batch.Groups = []load.Group{{Table: b.table, Record: record, Parts: b.parts}}
	} else if len(b.ends)+len(b.rejects) == 0 {
		return nil
	}
	result, err := b.Loader.Apply(ctx, batch)
	if err != nil {
		return err
	}
	for _, category := range slices.Sorted(maps.Keys(result.Parked)) {
		return fmt.Errorf("the table of category %s does not fit: %w", category, result.Parked[category])
	}
	b.summary.applied(result)
	b.Hooks.Applied(result)
	return nil
}

func (b *batch) release() {
	releaseAll(b.records)
	b.records, b.parts, b.ends, b.rejects, b.rows, b.bytes = nil, nil, nil, nil, 0, 0
}

// size is how many bytes the records have in memory.
func size(records []arrow.Record) (bytes int64) {
	for _, r := range records {
		for _, column := range r.Columns() {
			for _, buffer := range column.Data().Buffers() {
				if buffer != nil {
					bytes += int64(buffer.Len())
				}
			}
		}
	}
	return bytes
}

func releaseAll(records []arrow.Record) {
	for _, r := range records {
		r.Release()
	}
}

// concatenate returns one record with the rows of all. The caller must release it.
func concatenate(t *schema.Table, records []arrow.Record) (arrow.Record, error) {
	if len(records) == 1 {
		records[0].Retain()
		return records[0], nil
	}
	columns := make([]arrow.Array, len(t.Columns()))
	defer func() {
		for _, c := range columns {
			if c != nil {
				c.Release()
			}
		}
	}()
	rows := int64(0)
	for _, r := range records {
		rows += r.NumRows()
	}
	for i := range columns {
		pieces := make([]arrow.Array, len(records))
		for j, r := range records {
			pieces[j] = r.Column(i)
		}
		var err error
		if columns[i], err = array.Concatenate(pieces, memory.DefaultAllocator); err != nil {
			return nil, fmt.Errorf("join records of %s: %w", t.Name(), err)
		}
	}
	return array.NewRecord(t.ArrowSchema(), columns, rows), nil
}
