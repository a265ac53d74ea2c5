package load

import (
	"context"
	"slices"
	"time"
)

// maxTransactionTimeout is the longest time for what cannot be halved.
const maxTransactionTimeout = 10 * time.Minute

// applyHalving applies a batch in one transaction; where that takes too long, one half
// of it after the other. The first half moves no shard: should the second one fail, its
// parts arrive again, and have taken effect.
func (l *Loader) applyHalving(ctx context.Context, b *Batch) (Result, error) {
	whole, err := l.applyRetrying(ctx, b)
	if !b.divisible() || !tooSlow(err) {
		return whole, err
	}
	l.config.Logger.Warn("a batch takes too long, applying one half after the other", "timeout",
		l.config.TransactionTimeout, "error", err)
	first, second := b.halves()
	defer first.release()
	defer second.release()
	before, err := l.applyHalving(ctx, first)
	if err != nil {
		return Result{}, err
	}
	result, err := l.applyHalving(ctx, second)
	if err != nil {
		return Result{}, err
	}
	result.add(before)
	result.Attempts += whole.Attempts
	return result, nil
}

// divisible reports whether a category has more than one part, or there is more than
// one end.
func (b *Batch) divisible() bool { return b.manyParts() || len(b.Ends) > 1 }

func (b *Batch) manyParts() bool {
	return slices.ContainsFunc(b.Groups, func(g Group) bool { return len(g.Parts) > 1 })
}

// halves divides the rows of every category between two parts, about in the middle;
// where each has one part only, it divides the ends. Everything else stays with the
// second half. Both must be released.
func (b *Batch) halves() (first, second *Batch) {
	first = &Batch{Advances: b.Advances, stay: true}
	second = &Batch{Ends: b.Ends, Rejects: b.Rejects, Advances: b.Advances, stay: b.stay}
	if !b.manyParts() {
		first.Ends, second.Ends = b.Ends[:len(b.Ends)/2], b.Ends[len(b.Ends)/2:]
	}
	for _, g := range b.Groups {
		middle := g.middle()
		first.Groups = append(first.Groups, g.slice(0, middle))
		second.Groups = append(second.Groups, g.slice(middle, len(g.Parts)))
	}
	return first, second
}

// middle returns which part is the first of the second half, 0 if there is but one.
func (g *Group) middle() int {
	if len(g.Parts) < 2 {
		return 0
	}
	half := int(g.Record.NumRows() / 2)
	at := slices.IndexFunc(g.Parts, func(p Part) bool { return p.First+p.Rows > half })
	return min(max(at, 1), len(g.Parts)-1)
}

// slice returns the parts from one to another, with their rows.
func (g *Group) slice(from, to int) Group {
	parts := slices.Clone(g.Parts[from:to])
	first, rows := 0, 0
	if len(parts) > 0 {
		first = parts[0].First
	}
	for i := range parts {
		parts[i].First -= first
		rows += parts[i].Rows
	}
	s := Group{Table: g.Table, Record: g.Record.NewSlice(int64(first), int64(first+rows)), Parts: parts}
	s.Identify()
	return s
}

func (b *Batch) release() {
	for _, g := range b.Groups {
		g.Record.Release()
	}
}

// add adds what an earlier half of the batch did.
func (r *Result) add(earlier Result) {
	for name, counts := range earlier.Categories {
		counts.Add(r.Categories[name])
		r.Categories[name] = counts
	}
	for name, why := range earlier.Parked {
		if r.Parked == nil {
			r.Parked = map[string]error{}
		}
		r.Parked[name] = why
	}
	r.Rejects += earlier.Rejects
	r.Bytes += earlier.Bytes
	r.Attempts += earlier.Attempts
}
