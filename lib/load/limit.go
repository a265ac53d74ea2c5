package load

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/hubspoke/observability/lib/schema"
)

// Runs keep the keys that they named until a full run at least as new is complete, since
// an older run may come that must not touch them. To compare an older run with them costs
// as much as they are many, whatever little came of it: a sender who never completes a
// full run could stop everybody with it. So a batch compares with a limited number of keys. Where the
// keys of a scope are too many, all its runs but the newest are past: what comes of
// them is superseded as a whole and marks nothing gone, and their keys are forgotten.
// The newest run, or one after it, brings their rows again when it is full and complete.

const (
	// keysPerPart and keysPerRun are what it costs to read a part or a run, in keys.
	keysPerPart = 16
	keysPerRun  = 1
)

// oldestRuns are the oldest runs of scopes in a batch that have newer ones.
type oldestRuns map[*scopeState]schema.RunID

func (o oldestRuns) add(s *scopeState, run schema.RunID) {
	if oldest, known := o[s]; !known || run.Compare(oldest) < 0 {
		o[s] = run
	}
}

// params returns the scopes and their runs as two arrays.
func (o oldestRuns) params() (scopes, runs param) {
	var s, r []id
	for scope, run := range o {
		s, r = append(s, scope.id), append(r, id(run))
	}
	return uuidList(s), uuidList(r)
}

const countKeysSQL = `
SELECT r.scope, sum(r.keys + $3 * r.parts + $4)::bigint
FROM unnest($1::uuid[], $2::uuid[]) AS s(scope, oldest)
JOIN hub.run r ON r.scope = s.scope AND r.run > s.oldest
GROUP BY r.scope`

// limitKeys makes older runs past in those scopes of a category that have more keys of
// newer runs than the batch may compare with. The scopes with the fewest come first.
func (t *attempt) limitKeys(ctx context.Context) error {
	oldest := oldestRuns{}
	add := func(o Origin, s schema.Scope, run schema.RunID) {
		if state := t.scopes[s]; !t.leftOut(o) && state.hasNewer(run) && !state.isPast(run) {
			oldest.add(state, run)
		}
	}
	for _, w := range t.work {
		if !w.snapshot() {
			continue
		}
		if w.group != nil {
			for _, p := range w.group.Parts {
				add(p.Origin, p.Scope, p.Run)
			}
		}
		for _, e := range w.ends {
			add(e.Origin, e.Scope, e.Run)
		}
	}
	if len(oldest) == 0 {
		return nil
	}
	type kept struct {
		scope *scopeState
		keys  int64
	}
	byID := map[id]*scopeState{}
	for s := range oldest {
		byID[s.id] = s
	}
	var all []kept
	scopes, runs := oldest.params()
	err := t.tx.do(ctx, "count keys of newer runs", countKeysSQL, func(v [][]byte) error {
		all = append(all, kept{byID[id(v[0])], bigint(v[1])})
		return nil
	}, scopes, runs, bigintOf(keysPerPart), bigintOf(keysPerRun))
	if err != nil {
		return err
	}
	slices.SortFunc(all, func(a, b kept) int { return cmp.Compare(a.keys, b.keys) })
	left := map[string]int64{}
	for _, k := range all {
		category := k.scope.name.Category
		if _, begun := left[category]; !begun {
			left[category] = t.loader.config.KeyLimit
		}
		if left[category] -= k.keys; left[category] < 0 {
			k.scope.supersedeOlder()
			t.loader.config.Logger.Warn(
				"newer runs of a scope keep too many keys until a full one is complete; what comes of older ones is superseded",
				"scope", k.scope.name, "keys", k.keys)
		}
	}
	return nil
}

// supersedeOlder makes all runs but the newest past.
func (s *scopeState) supersedeOlder() {
	before := runBefore(*s.newest)
	s.pruned, s.changed = &before, true
}

// past returns the newest run that is past, in that its keys are forgotten; the zero
// run if there is none.
func (s *scopeState) past() schema.RunID {
	var past schema.RunID
	for _, run := range []*schema.RunID{s.full, s.pruned} {
		if run != nil && run.Compare(past) > 0 {
			past = *run
		}
	}
	return past
}

// runBefore returns the greatest id that is less than run's.
func runBefore(run schema.RunID) schema.RunID {
	high, low := binary.BigEndian.Uint64(run[:8]), binary.BigEndian.Uint64(run[8:])
	if low == 0 {
		high--
	}
	binary.BigEndian.PutUint64(run[:8], high)
	binary.BigEndian.PutUint64(run[8:], low-1)
	return run
}

const countScopesSQL = `
SELECT a.id, (SELECT count(*) FROM (SELECT FROM hub.scope s WHERE s.account_id = a.id LIMIT $2) counted)
FROM unnest($1::text[]) AS a(id)`

// limitScopes refuses those of the new scopes that their accounts have too many of: a
// scope is kept for long, and costs its sender an empty run.
func (a *apply) limitScopes(ctx context.Context, fresh []*scopeState) error {
	if len(fresh) == 0 {
		return nil
	}
	of := map[string][]*scopeState{}
	for _, s := range fresh {
		of[s.name.Account] = append(of[s.name.Account], s)
	}
	limit := int64(a.loader.config.ScopeLimit)
	var refused []id
	err := a.tx.do(ctx, "count scopes", countScopesSQL, func(v [][]byte) error {
		scopes := of[string(v[0])]
		for _, s := range scopes[:max(0, min(int64(len(scopes)), bigint(v[1])-limit))] {
			s.refused = true
			refused = append(refused, s.id)
		}
		return nil
	}, a.tx.array(pgtype.TextArrayOID, slices.Sorted(maps.Keys(of))), bigintOf(limit+int64(len(fresh))))
	if err == nil && len(refused) > 0 {
		a.tx.add("remove scopes", "DELETE FROM hub.scope WHERE scope = ANY($1::uuid[])", nil, uuidList(refused))
	}
	return err
}

// refuse rejects a part, or an end (part nil), of a scope that is one too many, and
// reports whether it did.
func (a *apply) refuse(o Origin, s schema.Scope, run schema.RunID, part *int) bool {
	if !a.scopes[s].refused {
		return false
	}
	a.rejects.record(Reject{
		Reason: ReasonTooManyScopes, Scope: s, Run: run, Part: part, Origin: o,
		Detail: fmt.Sprintf("account %s has %d scopes already", s.Account, a.loader.config.ScopeLimit),
	})
	if o.Parked != 0 {
		a.done = append(a.done, o.Parked)
	}
	return true
}
