package ingest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/hubspoke/observability/lib/envelope"
	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/rowjson"
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/lib/stream"
)

const (
	// recordOverhead is what a record costs of the budget besides its bytes.
	recordOverhead = 1 << 10
	// rowOverhead is what a row costs besides its JSON: columns that it does not
	// name, key and hash, or its reject.
	rowOverhead = 128
	// maxRowRejects is how many rejected rows of one part are kept.
	maxRowRejects = 100
)

// cost returns how many bytes of the budget a record takes: its own, kept until
// it is applied, and those of its decoded rows.
func cost(r stream.Record) int64 {
	n := int64(len(r.Data)) + recordOverhead
	if e, err := envelope.Parse(r.Data); err == nil && e.Part != nil {
		n += int64(e.Part.Size) + e.Part.Rows*rowOverhead
	}
	return min(n, minBudget)
}

// batch is a load.Batch that is being filled.
type batch struct {
	load.Batch
	pipeline *Pipeline
	started  time.Time
	rows     int   // that arrived, rejected ones too
	bytes    int64 // of the budget

	groups   map[string]*group
	spare    map[string]*rowjson.Decoder // of the batch before, with their memory
	sessions []*session                  // by advance
	hashed   sync.Once
	// unknown counts keys of rows that had no column, by category.
	unknown map[string]int64
}

// group collects the rows of one category.
type group struct {
	table   *schema.Table
	decoder *rowjson.Decoder
	parts   []load.Part
}

func newBatch(p *Pipeline, spare map[string]*rowjson.Decoder) *batch {
	return &batch{pipeline: p, started: time.Now(), groups: map[string]*group{}, spare: spare}
}

func (b *batch) full() bool {
	return b.rows >= b.pipeline.config.BatchRows || b.bytes >= b.pipeline.config.BatchBytes
}

// advanceOf returns the session's advance, adding it at first.
func (b *batch) advanceOf(s *session) *load.Advance {
	if i := slices.Index(b.sessions, s); i >= 0 {
		return b.Advances[i]
	}
	s.mu.Lock()
	from := s.queued
	s.mu.Unlock()
	a := &load.Advance{Shard: s.shard, From: from, To: from, Unordered: b.pipeline.config.Unordered}
	b.sessions, b.Advances = append(b.sessions, s), append(b.Advances, a)
	return a
}

// advance moves the session's shard to a later position.
func (b *batch) advance(s *session, to stream.Position, arrived time.Time) {
	a := b.advanceOf(s)
	a.To = to
	if !arrived.IsZero() {
		a.Arrived = arrived
	}
	s.queue(to)
}

// input is a record after its header and body were read.
type input struct {
	record envelope.Record
	table  *schema.Table
	body   []byte // of a part, decoded
	reject *load.Reject
}

// reader reads records up to their rows. It is for one goroutine.
type reader struct {
	pipeline *Pipeline
	decoder  *envelope.Decoder
	body     []byte // reused between records
}

func newReader(p *Pipeline) *reader { return &reader{pipeline: p, decoder: envelope.NewDecoder()} }

// read checks a record up to its rows. It touches no batch, so that it runs
// outside of the lane's lock. What it returns is good until the next read. A panic
// is this record's reject, not the end of the hub.
func (d *reader) read(r stream.Record) (in input) {
	refuse := func(reason schema.Reason, detail string) input {
		in.reject = &load.Reject{Reason: reason, Detail: detail, Scope: in.record.Scope, Run: in.record.Run}
		if in.record.Part != nil {
			in.reject.Part = &in.record.Part.Part
		}
		return in
	}
	defer func() {
		if fault := recover(); fault != nil {
			d.decoder = envelope.NewDecoder() // whatever state the old one is in
			in = refuse(ReasonInternal, fmt.Sprint(fault))
		}
	}()
	record, err := envelope.Parse(r.Data)
	if err != nil {
		return refuse(reasonOf(err), err.Error())
	}
	in.record = record
	var refusal *load.Refusal
	if in.table, refusal = d.pipeline.loader.Admit(record.Scope, record.Run, r.Arrived); refusal != nil {
		return refuse(refusal.Reason, refusal.Detail)
	}
	if record.Part != nil {
		if in.body, err = d.decoder.Body(d.body[:0], record.Part, record.Body); err != nil {
			return refuse(reasonOf(err), err.Error())
		}
		d.body = in.body
	}
	return in
}

func reasonOf(err error) schema.Reason {
	var refused *envelope.Error
	if errors.As(err, &refused) {
		return refused.Reason
	}
	return ReasonInternal
}

// add adds a record that was read. The lane's lock is held. The shard moves last:
// not past a record that a panic has kept out.
func (b *batch) add(s *session, r stream.Record, in input) {
	b.addInput(in, load.Origin{Advance: b.advanceOf(s), Name: shardName(s.shard, r), Arrived: r.Arrived, Data: r.Data})
	b.advance(s, stream.Position{Sequence: r.Sequence}, r.Arrived)
}

func (b *batch) addInput(in input, origin load.Origin) {
	switch end := in.record.End; {
	case in.reject != nil:
		in.reject.Origin = origin
		b.Rejects = append(b.Rejects, *in.reject)
	case end != nil:
		b.Ends = append(b.Ends, load.End{
			Scope: end.Scope, Run: end.Run, Outcome: end.Outcome, Parts: end.Parts, Rows: end.Rows, Error: end.Error,
			Every: end.Every, Extent: end.Extent, Requests: end.Requests, PaidRequests: end.PaidRequests,
			USDMicros: end.USDMicros, Took: end.Took, SameAs: end.SameAs, Origin: origin,
		})
	default:
		b.addPart(in, origin)
	}
}

// addPart decodes the rows of a part. One that does not fit becomes a reject and
// leaves no trace among the others.
func (b *batch) addPart(in input, origin load.Origin) {
	h := in.record.Part
	g := b.groups[h.Category]
	if g == nil {
		g = &group{table: in.table, decoder: b.decoder(in.table)}
		b.groups[h.Category] = g
	}
	part := load.Part{
		Scope: h.Scope, Run: h.Run, Number: h.Part, SHA256: h.SHA256, First: g.decoder.Len(), Origin: origin,
	}
	for i, line := range envelope.Lines(in.body) {
		refused := g.appendRow(line, h.Slice)
		if refused != nil {
			rejectRow(&part, i, line, refused)
		}
		numberRow(&part, i, refused == nil)
	}
	if len(part.Rejects) > maxRowRejects {
		part.Rejects[maxRowRejects].Detail = fmt.Sprintf("%d more rows of the part were rejected, this is the first of them",
			part.MoreRejects+1)
	}
	part.Rows = g.decoder.Len() - part.First
	g.parts = append(g.parts, part)
	b.rows += int(h.Rows) // at most envelope.MaxRows
}

// numberRow notes which row of the part an accepted one is, once a row was refused:
// until then they are counted alike.
func numberRow(part *load.Part, row int, accepted bool) {
	switch {
	case accepted && part.Numbers != nil:
		part.Numbers = append(part.Numbers, int32(row))
	case !accepted && part.Numbers == nil:
		part.Numbers = make([]int32, row)
		for i := range part.Numbers {
			part.Numbers[i] = int32(i)
		}
	}
}

// rejectRow keeps a row that does not fit. After the last row that is kept, one more
// stands for all others; only their number is kept.
func rejectRow(part *load.Part, row int, line []byte, refused *load.RowReject) {
	switch n := len(part.Rejects); {
	case n < maxRowRejects:
		refused.Row, refused.Excerpt = row, load.ExcerptOf(line, load.MaxRowBytes)
		part.Rejects = append(part.Rejects, *refused)
	case n == maxRowRejects:
		part.Rejects = append(part.Rejects, load.RowReject{Row: row, Reason: ReasonMoreRows})
	default:
		part.MoreRejects++
	}
}

// appendRow decodes one row. A panic of the decoder is this row's reject, not the
// end of the hub: whatever looks at the row comes before the first column is
// touched, and appending the values that it found cannot fail.
func (g *group) appendRow(line []byte, slice string) (refused *load.RowReject) {
	defer func() {
		if fault := recover(); fault != nil {
			refused = &load.RowReject{Reason: ReasonInternal, Detail: fmt.Sprint(fault)}
		}
	}()
	err := g.decoder.Append(line, slice)
	if err == nil {
		return nil
	}
	var row *schema.RowError
	if errors.As(err, &row) {
		return &load.RowReject{Reason: row.Reason, Detail: row.Error()}
	}
	return &load.RowReject{Reason: ReasonInternal, Detail: err.Error()}
}

// decoder returns a decoder for a category that is new in this batch.
func (b *batch) decoder(t *schema.Table) *rowjson.Decoder {
	d := b.spare[t.Name()]
	if d == nil {
		return rowjson.NewDecoder(t, nil)
	}
	delete(b.spare, t.Name())
	return d
}

// seal makes the rows into records. It returns the decoders for the next batch,
// which mostly has the same categories; those that this one did not use go.
func (b *batch) seal() (decoders map[string]*rowjson.Decoder) {
	releaseAll(b.spare)
	decoders, b.unknown = map[string]*rowjson.Decoder{}, map[string]int64{}
	for name, g := range b.groups {
		unknown := g.decoder.UnknownKeys()
		for _, n := range unknown {
			b.unknown[name] += n
		}
		b.Groups = append(b.Groups, load.Group{Table: g.table, Record: g.decoder.Record(), Parts: g.parts,
			UnknownKeys: unknown})
		decoders[name] = g.decoder
	}
	b.groups, b.spare = nil, nil
	return decoders
}

// identify computes keys and hashes once, in whichever goroutine comes first.
func (b *batch) identify() {
	b.hashed.Do(func() {
		for i := range b.Groups {
			b.Groups[i].Identify()
		}
	})
}

// withoutFailed marks the advances of sessions that have failed meanwhile, so that
// they are left out, and returns the sessions by advance.
func (b *batch) withoutFailed() []*session {
	for i, s := range b.sessions {
		b.Advances[i].Withdrawn = s.failure() != nil
	}
	return b.sessions
}

// callHooks tells the hooks what was applied. No lock is held: they are not ours.
func (b *batch) callHooks(result load.Result) {
	if b.pipeline.config.OnApply != nil {
		b.pipeline.config.OnApply(result)
	}
	if b.pipeline.config.OnUnknownKeys == nil {
		return
	}
	for category, n := range b.unknown {
		if result.Parked[category] == nil { // parked rows are counted when they are redriven
			b.pipeline.config.OnUnknownKeys(category, n)
		}
	}
}

// release gives the budget and the records back. It waits for a session that is
// identifying the rows, and keeps those from it that come later.
func (b *batch) release() {
	b.hashed.Do(func() {})
	for _, g := range b.Groups {
		g.Record.Release()
	}
	b.Groups = nil
	b.pipeline.budget.Release(b.bytes)
	b.bytes = 0
}

func releaseAll(decoders map[string]*rowjson.Decoder) {
	for _, d := range decoders {
		d.Release()
	}
}
