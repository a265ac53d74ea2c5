package load

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/lib/stream"
)

// Batch is what one transaction applies: rows and ends of any number of scopes,
// the rejects met on the way, and how far that brings each shard.
type Batch struct {
	// Groups hold the rows, one group per category at most.
	Groups []Group
	// Ends are the runs that end in this batch.
	Ends []End
	// Rejects are the parts and records that could not be decoded.
	Rejects []Reject
	// Advances are the shards that the batch moves on.
	Advances []*Advance

	// stay keeps the shards where they are: another half of the batch follows.
	stay bool
}

// Group is the rows of one category: one Arrow record, and which of its rows
// arrived in which part.
type Group struct {
	Table  *schema.Table
	Record arrow.Record
	Parts  []Part
	// UnknownKeys is how many values of the rows had a key that is no column, by key;
	// "" stands for keys that are not named.
	UnknownKeys map[string]int64

	// Made by Identify: the key and the hash of every row of Record, and the rows in
	// about the order of their keys; see sortedByKey.
	keys, hashes []byte
	sorted       []int32
}

// Identify computes the keys and hashes of the group's rows. Apply does it if
// nobody did before; a pipeline calls it while the previous batch is applied.
func (g *Group) Identify() {
	if g.keys == nil && g.Record.NumRows() > 0 {
		g.keys, g.hashes = identify(g.Table, g.Record, g.Parts)
		g.sorted = sortedByKey(g.keys)
	}
}

func (g *Group) key(row int32) []byte { return g.keys[int(row)*idSize : int(row+1)*idSize] }

// sortedByKey returns the numbers of the rows in an order in which rows that lie
// together in the table mostly follow each other, and rows with the same key do,
// in the order they have.
//
// It sorts numbers. The high half of each is the first bits of the scope's part of the
// key and of the row's. That takes a third of the time of comparing keys.
func sortedByKey(keys []byte) []int32 {
	order := make([]uint64, len(keys)/idSize)
	for row := range order {
		key := keys[row*idSize:]
		scope, own := binary.BigEndian.Uint16(key), binary.BigEndian.Uint32(key[scopePrefix:])
		order[row] = uint64(scope>>4)<<52 | uint64(own>>12)<<32 | uint64(row)
	}
	slices.Sort(order)
	rows := make([]int32, len(order))
	for i, v := range order {
		rows[i] = int32(v)
	}
	for first := 0; first < len(rows); {
		n := 1
		for first+n < len(rows) && order[first]>>32 == order[first+n]>>32 {
			n++
		}
		if n > 1 {
			slices.SortStableFunc(rows[first:first+n], func(a, b int32) int {
				return bytes.Compare(keys[int(a)*idSize:int(a+1)*idSize], keys[int(b)*idSize:int(b+1)*idSize])
			})
		}
		first += n
	}
	return rows
}

// Part is the rows of a run that travelled together.
type Part struct {
	// Scope and Run that the part belongs to.
	Scope schema.Scope
	Run   schema.RunID
	// Number of the part in its run, from 0.
	Number int
	// SHA256 of the part's body: the same part with another hash is a reject.
	SHA256 [32]byte
	// First row of the part in the group's record, and how many rows follow.
	First, Rows int
	// Numbers are, for each of those rows, its number in the part as it was sent, from
	// 0. Nil: no row before or between them was left out.
	Numbers []int32
	// Rejects are rows of the part that are not in the record.
	Rejects []RowReject
	// MoreRejects is how many further rows were rejected. Only their number is kept.
	MoreRejects int
	// Origin of the part.
	Origin Origin
}

// number returns the number, in the part as it was sent, of a row of the record.
func (p *Part) number(row int32) int {
	at := int(row) - p.First
	if p.Numbers != nil {
		return int(p.Numbers[at])
	}
	return at
}

// arrived is how many rows the part came with.
func (p *Part) arrived() int { return p.Rows + len(p.Rejects) + p.MoreRejects }

// End closes a run.
type End struct {
	Scope   schema.Scope
	Run     schema.RunID
	Outcome schema.Outcome
	// Parts and Rows that the run was sent in.
	Parts int
	Rows  int64
	// Error text of the spoke, for outcomes that are not complete.
	Error string
	// Every is the time from one run of the scope to the next, in whole seconds; 0 if
	// the spoke does not say.
	Every time.Duration
	// Extent of the run, as its end tells it; "" if it does not. See schema.Table.Extent.
	Extent schema.Extent
	// Requests to AWS that the run took, how many of them AWS charges for, and what it
	// charges, in millionths of USD; 0 if the spoke does not say.
	Requests, PaidRequests, USDMicros int64
	// Took is how long the run took, in whole milliseconds; 0 if the spoke does not say.
	Took time.Duration
	// SameAs is the run that one with the outcome unchanged equals.
	SameAs schema.RunID
	Origin Origin
}

// Origin is where a part, end or reject was read.
type Origin struct {
	// Advance of the shard that it was read from, one of Batch.Advances. When the shard
	// turns out to have moved, everything of that origin is left out. Nil: it was read
	// from no shard, but from an archive, or it was parked.
	Advance *Advance
	// Name for people: shard and sequence number, or archive key.
	Name string
	// Arrived is when the stream or the archive stored it.
	Arrived time.Time
	// Data is the record as it arrived, kept when its category is parked. The
	// archive needs none: its objects stay.
	Data []byte
	// Parked is the id of the parked reject that the record was kept as, 0 for
	// none. Applying deletes it.
	Parked int64
}

// RowReject is one row of a part that does not fit.
type RowReject struct {
	// Row is its number in the part, from 0.
	Row    int
	Reason schema.Reason
	Detail string
	// Excerpt of the row, as JSON; see [ExcerptOf]. At most MaxRowBytes are kept.
	Excerpt
}

// Reject is a record or part that could not be decoded.
type Reject struct {
	Reason schema.Reason
	Detail string
	// Scope and Run as far as they are known; zero if not.
	Scope schema.Scope
	Run   schema.RunID
	// Part is the number of the part. Nil: not known, or it is an end.
	Part   *int
	Origin Origin
}

// Reasons for rejects that the loader finds.
const (
	// ReasonClockAhead: the run starts later than it arrived.
	ReasonClockAhead schema.Reason = "clock_ahead"
	// ReasonUnknownCategory: this hub does not know the category.
	ReasonUnknownCategory schema.Reason = "unknown_category"
	// ReasonRepeatedRow: the run named the key before.
	ReasonRepeatedRow schema.Reason = "repeated_row"
	// ReasonTooManyScopes: the account has as many scopes as it may, and this would be
	// one more.
	ReasonTooManyScopes schema.Reason = "too_many_scopes"
	// ReasonForeignRow: the key is that of a row of another account or region.
	ReasonForeignRow schema.Reason = "foreign_row"
	// ReasonPartConflict: the part was applied before with other bytes.
	ReasonPartConflict schema.Reason = "part_conflict"
	// ReasonRefused: PostgreSQL refused the row.
	ReasonRefused schema.Reason = "refused"
	// ReasonParked: the category's table does not fit.
	ReasonParked schema.Reason = "parked"
)

// Shard names a shard of a stream.
type Shard struct {
	Stream string
	// Created is when the stream was created: one that is deleted and made again
	// numbers its records anew.
	Created time.Time
	ID      string
}

// Advance moves a shard from one position to a later one.
type Advance struct {
	Shard Shard
	// From must be where the shard is, or everything of it leaves the batch.
	From stream.Position
	To   stream.Position
	// Arrived is when the stream stored the record at To; zero if unknown.
	Arrived time.Time
	// Unordered records the position without comparing it: for hosts that read
	// several batches of a shard side by side.
	Unordered bool
	// Withdrawn leaves the shard out of the batch as if it had moved.
	Withdrawn bool
}

// Result says what one Apply did.
type Result struct {
	// Categories that had rows or ends, by name.
	Categories map[string]Counts
	// Moved lists the indexes of the advances that were withdrawn or have a shard that was
	// elsewhere. This call applied nothing of them, unless the answer to its commit was
	// lost and it found its own work when it tried again: ask Progress.
	Moved []int
	// Parked categories and why their tables do not fit.
	Parked map[string]error
	// Rejects stored or, where there are too many, only counted: of records, parts and
	// rows. Parked ones are not included, nor those of records that were stored before.
	Rejects int
	// Bytes copied into PostgreSQL.
	Bytes int64
	// Attempts that Apply needed; more than 1 after transient errors.
	Attempts int
	// Duration of the whole Apply.
	Duration time.Duration
}

// Counts of the rows of one category. Every row that arrived in a part that took
// effect is exactly one of New, Changed, Unchanged, Superseded and Rejected.
type Counts struct {
	Rows, New, Changed, Unchanged, Superseded, Rejected int64
	// Gone rows were live and are no longer named.
	Gone int64
	// Parts that took effect, and Repeated parts that had done so before.
	Parts, Repeated int64
	// Completed runs.
	Completed int64
	// UnchangedRuns are runs that found their scope as an earlier one did.
	UnchangedRuns int64
}

// Add adds o to c.
func (c *Counts) Add(o Counts) {
	c.Rows += o.Rows
	c.New += o.New
	c.Changed += o.Changed
	c.Unchanged += o.Unchanged
	c.Superseded += o.Superseded
	c.Rejected += o.Rejected
	c.Gone += o.Gone
	c.Parts += o.Parts
	c.Repeated += o.Repeated
	c.Completed += o.Completed
	c.UnchangedRuns += o.UnchangedRuns
}

// validate finds what is a mistake of the caller, not of the data.
func (l *Loader) validate(b *Batch) error {
	var faults []error
	seen := map[string]bool{}
	for _, g := range b.Groups {
		name := g.Table.Name()
		if seen[name] {
			faults = append(faults, fmt.Errorf("category %s has two groups", name))
		}
		seen[name] = true
		if l.tables[name] != g.Table {
			faults = append(faults, fmt.Errorf("category %s is not the Loader's", name))
		}
		next := 0
		for _, p := range g.Parts {
			if p.Scope.Category != name {
				faults = append(faults, fmt.Errorf("part of %v in the group of %s", p.Scope, name))
			}
			if p.First != next {
				faults = append(faults, fmt.Errorf("part %d of %v starts at row %d, not %d", p.Number, p.Scope, p.First, next))
			}
			if p.Numbers != nil && len(p.Numbers) != p.Rows {
				faults = append(faults, fmt.Errorf("part %d of %v has %d numbers for %d rows", p.Number, p.Scope, len(p.Numbers),
					p.Rows))
			}
			next = p.First + p.Rows
		}
		if int64(next) != g.Record.NumRows() {
			faults = append(faults, fmt.Errorf("parts of %s cover %d of %d rows", name, next, g.Record.NumRows()))
		}
	}
	for _, e := range b.Ends {
		if l.tables[e.Scope.Category] == nil {
			faults = append(faults, fmt.Errorf("the Loader has no category %.80q", e.Scope.Category))
		}
	}
	for o := range b.origins() {
		if o.Advance != nil && !slices.Contains(b.Advances, o.Advance) {
			faults = append(faults, fmt.Errorf("%.80q comes from an advance that is not the batch's", o.Name))
		}
	}
	if err := errors.Join(faults...); err != nil {
		return fmt.Errorf("load: malformed batch: %w", err)
	}
	return nil
}

// origins yields where everything in the batch was read.
func (b *Batch) origins() iter.Seq[Origin] {
	return func(yield func(Origin) bool) {
		for _, g := range b.Groups {
			for _, p := range g.Parts {
				if !yield(p.Origin) {
					return
				}
			}
		}
		for _, e := range b.Ends {
			if !yield(e.Origin) {
				return
			}
		}
		for _, r := range b.Rejects {
			if !yield(r.Origin) {
				return
			}
		}
	}
}
