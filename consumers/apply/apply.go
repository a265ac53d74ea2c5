// Package apply gathers what was read from files, of any scopes and categories,
// and applies it to the database in few transactions: small files together, large
// ones within a bound on memory. Package replay reads the archive into it; an
// importer of other files can do the same.
package apply

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/schema"
)

// Config of a Batch. Loader is required. Numbers must not be negative; zero is the
// default.
type Config struct {
	// Loader applies what was gathered.
	Loader *load.Loader
	// Rows is when a batch is applied; an end and a reject count as a row.
	// Defaults to 10,000.
	Rows int64
	// Bytes of records is when a batch is applied. What is added last comes on top,
	// and while a batch is joined it is in memory twice.
	// Defaults to 16 MiB.
	Bytes int64
	// OnApply is called after each transaction that was committed. Nil does nothing.
	OnApply func(load.Result)
}

func (c Config) validate() error {
	var faults []error
	if c.Loader == nil {
		faults = append(faults, errors.New("apply: Config.Loader is not set"))
	}
	if c.Rows < 0 {
		faults = append(faults, errors.New("apply: Config.Rows is negative"))
	}
	if c.Bytes < 0 {
		faults = append(faults, errors.New("apply: Config.Bytes is negative"))
	}
	return errors.Join(faults...)
}

// Batch gathers parts, ends and rejects until there are enough to apply. Whatever
// is added is applied in the order in which it was added, as far as the loader
// needs an order: an end never before its parts.
//
// After an error it is not known which of what was gathered is applied; adding it
// again, to another Batch, is always right. A Batch is not safe for concurrent use;
// several may work side by side with one Loader. Release it at the end.
type Batch struct {
	config Config

	groups  map[string]*group
	ends    []load.End
	rejects []load.Reject
	rows    int64
	bytes   int64
}

// group is the rows of one category.
type group struct {
	table   *schema.Table
	records []arrow.Record
	parts   []load.Part
	rows    int
}

// New returns an empty Batch, or all faults of the config.
func New(c Config) (*Batch, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	c.Rows = cmp.Or(c.Rows, 10_000)
	c.Bytes = cmp.Or(c.Bytes, 16<<20)
	if c.OnApply == nil {
		c.OnApply = func(load.Result) {}
	}
	return &Batch{config: c, groups: map[string]*group{}}, nil
}

// AddParts adds parts, and the records that hold exactly their rows, one part after
// the other. t must be the Loader's table of their category. The records are the
// batch's from then on, also after an error. AddParts sets First of the parts.
func (b *Batch) AddParts(ctx context.Context, t *schema.Table, records []arrow.Record, parts []load.Part) error {
	rows := int64(0)
	for _, r := range records {
		rows += r.NumRows()
	}
	for _, p := range parts {
		rows -= int64(p.Rows)
	}
	if rows != 0 {
		release(records)
		return fmt.Errorf("apply: the records of %s have %d rows more than their parts", t.Name(), rows)
	}
	g := b.groups[t.Name()]
	if g == nil {
		g = &group{table: t}
		b.groups[t.Name()] = g
	}
	g.records = append(g.records, records...)
	for _, p := range parts {
		p.First = g.rows
		g.parts = append(g.parts, p)
		g.rows += p.Rows
		b.rows += int64(p.Rows)
	}
	b.bytes += size(records)
	return b.flushIfFull(ctx)
}

// AddEnd adds the end of a run.
func (b *Batch) AddEnd(ctx context.Context, e load.End) error {
	b.ends = append(b.ends, e)
	return b.flushIfFull(ctx)
}

// AddReject adds what cannot be applied.
func (b *Batch) AddReject(ctx context.Context, r load.Reject) error {
	b.rejects = append(b.rejects, r)
	return b.flushIfFull(ctx)
}

func (b *Batch) flushIfFull(ctx context.Context) error {
	if b.rows+int64(len(b.ends)+len(b.rejects)) < b.config.Rows && b.bytes < b.config.Bytes {
		return nil
	}
	return b.Flush(ctx)
}

// Flush applies what was gathered. If the table of a category does not fit, the error
// is one that [load.Classify] calls Park; the other categories are applied.
func (b *Batch) Flush(ctx context.Context) error {
	defer b.Release()
	if len(b.groups)+len(b.ends)+len(b.rejects) == 0 {
		return nil
	}
	batch := &load.Batch{Ends: b.ends, Rejects: b.rejects}
	defer func() {
		for _, g := range batch.Groups {
			g.Record.Release()
		}
	}()
	for _, name := range slices.Sorted(maps.Keys(b.groups)) {
		g := b.groups[name]
		record, err := g.join()
		if err != nil {
			return err
		}
		batch.Groups = append(batch.Groups, load.Group{Table: g.table, Record: record, Parts: g.parts})
	}
	result, err := b.config.Loader.Apply(ctx, batch)
	if err != nil {
		return err
	}
	b.config.OnApply(result)
	for _, category := range slices.Sorted(maps.Keys(result.Parked)) {
		return fmt.Errorf("the table of category %s does not fit: %w", category, result.Parked[category])
	}
	return nil
}

// Release drops what was gathered and not applied. The batch stays usable.
func (b *Batch) Release() {
	for _, g := range b.groups {
		release(g.records)
	}
	clear(b.groups)
	b.ends, b.rejects, b.rows, b.bytes = nil, nil, 0, 0
}

// join returns one record with the rows of all, which the caller must release, and
// releases those.
func (g *group) join() (arrow.Record, error) {
	if len(g.records) == 1 {
		record := g.records[0]
		g.records = nil
		return record, nil
	}
	columns := make([]arrow.Array, len(g.table.Columns()))
	defer func() {
		for _, c := range columns {
			if c != nil {
				c.Release()
			}
		}
	}()
	for i := range columns {
		pieces := make([]arrow.Array, len(g.records))
		for j, r := range g.records {
			pieces[j] = r.Column(i)
		}
		var err error
		if columns[i], err = array.Concatenate(pieces, memory.DefaultAllocator); err != nil {
			return nil, fmt.Errorf("apply: join records of %s: %w", g.table.Name(), err)
		}
	}
	release(g.records)
	g.records = nil
	return array.NewRecord(g.table.ArrowSchema(), columns, int64(g.rows)), nil
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

func release(records []arrow.Record) {
	for _, r := range records {
		r.Release()
	}
}
