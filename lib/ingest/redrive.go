package ingest

import (
	"context"
	"fmt"

	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/lib/stream"
)

// redrivePage is how many parked records are read at once, and at most applied in
// one transaction: records of 500 rows make a good batch.
const redrivePage = 20

// Redrive applies the parked records of every category with a table that fits now, and
// returns how many there were. Each is removed in the transaction that applies it.
// Their rows count against the budget; up to 20 records that wait for their turn do
// not.
func (p *Pipeline) Redrive(ctx context.Context, categories ...*schema.Table) (int, error) {
	n := 0
	for _, t := range categories {
		redriven, err := p.redrive(ctx, t)
		if n += redriven; err != nil {
			return n, fmt.Errorf("ingest: redrive parked records of %s: %w", t.Name(), err)
		}
	}
	return n, nil
}

func (p *Pipeline) redrive(ctx context.Context, t *schema.Table) (int, error) {
	n, after := 0, int64(0)
	d := newReader(p)
	defer d.decoder.Close()
	for {
		records, err := p.loader.Parked(ctx, t.Name(), after, redrivePage)
		if err != nil || len(records) == 0 {
			return n, err
		}
		for len(records) > 0 {
			page, bytes := affordable(records)
			parked, err := p.applyParked(ctx, d, page, bytes)
			if err != nil || parked {
				return n, err
			}
			n += len(page)
			after = page[len(page)-1].ID
			records = records[len(page):]
		}
	}
}

// affordable returns the first of the records, and what they cost: together no more
// than the largest record may.
func affordable(records []load.ParkedRecord) (page []load.ParkedRecord, bytes int64) {
	n := 0
	for ; n < len(records); n++ {
		cost := cost(stream.Record{Data: records[n].Data})
		if n > 0 && bytes+cost > minBudget {
			break
		}
		bytes += cost
	}
	return records[:n], bytes
}

// applyParked applies records, which cost so many bytes, in one batch. It reports
// whether they stay parked, because the table still does not fit.
func (p *Pipeline) applyParked(ctx context.Context, d *reader, records []load.ParkedRecord, bytes int64) (bool, error) {
	if err := p.acquire(ctx, bytes); err != nil {
		return false, err
	}
	b := newBatch(p, nil)
	b.bytes = bytes
	defer b.release()
	for _, r := range records {
		origin := load.Origin{Name: r.Origin, Arrived: r.Arrived, Data: r.Data, Parked: r.ID}
		b.addInput(d.read(stream.Record{Data: r.Data, Arrived: r.Arrived}), origin)
	}
	releaseAll(b.seal())
	result, err := p.loader.Apply(ctx, &b.Batch)
	if err != nil {
		return false, err
	}
	b.callHooks(result)
	return len(result.Parked) > 0, nil
}
