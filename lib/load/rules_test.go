package load_test

import (
	"fmt"
	"testing"
)

// This file searches every order of arrival of small histories for one that
// changes the result, under the rules of the package documentation written down
// as plainly as possible. TestMetamorphic compares the real thing with it.

const (
	modelKeys = 2
	modelRuns = 3
)

// rules are the rules of applying a snapshot category; the search finds a
// difference when any of them is dropped.
type rules struct {
	partsOnce      bool // a part counts once however often it comes
	endOrPart      bool // whichever comes last completes a run
	supersede      bool // a run older than the newest complete one has no effect
	newerNamed     bool // an older run touches no key that a newer one named
	keepNewerNamed bool // completion spares keys that a newer run named
	resurrect      bool // a gone row that is named again is live again

	// Of a complete incremental run:
	marksNothing     bool // what it does not name is not gone
	supersedesNone   bool // older runs still have their word
	keepsIncremental bool // its keys are known until a full run is complete
}

var allRules = rules{true, true, true, true, true, true, true, true, true}

// with returns the rules after a change.
func (r rules) with(change func(r *rules)) rules {
	change(&r)
	return r
}

// event is a part (end false) or an end of a run.
type event struct {
	end      bool
	run      int
	part     int
	named    [modelKeys]byte // content by key, 0 for not named
	parts    int             // of an end
	complete bool            // outcome of an end
	full     bool            // extent of an end
}

func (e event) String() string {
	if e.end {
		return fmt.Sprintf("end of run %d (%d parts, complete %v, full %v)", e.run, e.parts, e.complete, e.full)
	}
	return fmt.Sprintf("run %d part %d %q", e.run, e.part, e.named)
}

type modelRow struct {
	run     int
	content byte
	gone    bool
}

type model struct {
	rules
	// limited makes all runs but the newest known one past when something of an older
	// run comes and the newer ones keep more than limit keys.
	limited bool
	limit   int
	newest  int
	pruned  int
	rows    [modelKeys]modelRow
	seen    [modelRuns + 1][modelKeys]bool
	parts   [modelRuns + 1]int // bit set
	counted [modelRuns + 1]int
	ends    [modelRuns + 1]*event
	full    int // newest complete run that read everything
}

// past reports whether what comes of a run is superseded as a whole.
func (m *model) past(run int) bool { return run < m.full || run <= m.pruned }

// limitKeys is what an older run meets first.
func (m *model) limitKeys(run int) {
	kept := 0
	for newer := run + 1; newer <= modelRuns; newer++ {
		for key := range modelKeys {
			if m.seen[newer][key] {
				kept++
			}
		}
	}
	if m.limited && run < m.newest && !m.past(run) && kept > m.limit {
		m.pruned = m.newest - 1
		for older := range m.pruned + 1 {
			m.seen[older] = [modelKeys]bool{}
		}
	}
	m.newest = max(m.newest, run)
}

func (m *model) apply(e *event) {
	m.limitKeys(e.run)
	if e.end {
		m.ends[e.run] = e
		m.finish(e.run)
		return
	}
	repeated := m.parts[e.run]&(1<<e.part) != 0
	m.parts[e.run] |= 1 << e.part
	m.counted[e.run]++
	if repeated && m.partsOnce {
		return
	}
	if m.supersede && m.past(e.run) {
		return
	}
	for key, content := range e.named {
		if content != 0 {
			m.name(key, content, e.run)
		}
	}
	if m.endOrPart {
		m.finish(e.run)
	}
}

func (m *model) name(key int, content byte, run int) {
	if m.newerNamed && m.namedAfter(key, run) {
		m.seen[run][key] = true
		return
	}
	m.seen[run][key] = true
	row := &m.rows[key]
	switch {
	case row.content == 0:
		*row = modelRow{run: run, content: content}
	case run <= row.run:
	case row.content == content && (!row.gone || !m.resurrect):
	default:
		*row = modelRow{run: run, content: content}
	}
}

func (m *model) namedAfter(key, run int) bool {
	for newer := run + 1; newer <= modelRuns; newer++ {
		if m.seen[newer][key] {
			return true
		}
	}
	return false
}

func (m *model) finish(run int) {
	end := m.ends[run]
	arrived := 0
	for part := range modelRuns {
		arrived += m.parts[run] >> part & 1
	}
	if !m.partsOnce {
		arrived = m.counted[run]
	}
	if end == nil || !end.complete || arrived < end.parts || run <= m.full || run <= m.pruned {
		return
	}
	if end.full || !m.marksNothing {
		m.markGone(run)
	}
	if end.full || !m.supersedesNone {
		m.full = run
	}
	if end.full || !m.keepsIncremental {
		for older := range run + 1 {
			m.seen[older] = [modelKeys]bool{}
		}
	}
}

func (m *model) markGone(run int) {
	for key := range m.rows {
		row := &m.rows[key]
		if row.content == 0 || m.seen[run][key] || row.run > run || m.keepNewerNamed && m.namedAfter(key, run) {
			continue
		}
		row.gone = true
	}
}

// live is what two states must agree on: the content of every live key.
func (m *model) live() (state [modelKeys]byte) {
	for key, row := range m.rows {
		if !row.gone {
			state[key] = row.content
		}
	}
	return state
}

// eachOrder calls f with every permutation of events; f must not keep it.
func eachOrder(events []event, f func([]event)) {
	var permute func(n int)
	permute = func(n int) {
		if n <= 1 {
			f(events)
			return
		}
		for i := range n {
			permute(n - 1)
			j := i
			if n%2 == 1 {
				j = 0
			}
			events[j], events[n-1] = events[n-1], events[j]
		}
	}
	permute(len(events))
}

// outcomes returns the different results of all orders of a history, each with
// one order that leads to it.
func outcomes(r rules, history []event) map[[modelKeys]byte]string {
	return outcomesOf(model{rules: r}, history)
}

func outcomesOf(begin model, history []event) map[[modelKeys]byte]string {
	found := map[[modelKeys]byte]string{}
	eachOrder(history, func(order []event) {
		m := begin
		for i := range order {
			m.apply(&order[i])
		}
		if _, known := found[m.live()]; !known {
			found[m.live()] = fmt.Sprint(order)
		}
	})
	return found
}

// runsOf returns every way in which one run can send up to maxParts parts that
// name keys a (as X or Y) and b (as X), and end: not at all, not complete,
// complete but incremental, or complete and full.
func runsOf(run, maxParts int) [][]event {
	var all [][]event
	for parts := range maxParts + 1 {
		a, b := 1+2*parts, 1+parts // absent, or in a part with a content
		for choice := range a * b {
			events := make([]event, parts)
			for i := range events {
				events[i] = event{run: run, part: i}
			}
			if x := choice % a; x > 0 {
				events[(x-1)/2].named[0] = "XY"[(x-1)%2]
			}
			if y := choice / a; y > 0 {
				events[y-1].named[1] = 'X'
			}
			all = append(all, events)
			for _, end := range []event{{}, {complete: true}, {complete: true, full: true}} {
				end.end, end.run, end.parts = true, run, parts
				all = append(all, append(append([]event(nil), events...), end))
			}
		}
	}
	return all
}

func eachHistory(choices [][][]event, f func([]event)) {
	var extend func(history []event, rest [][][]event)
	extend = func(history []event, rest [][][]event) {
		if len(rest) == 0 {
			f(append([]event(nil), history...))
			return
		}
		for _, run := range rest[0] {
			extend(append(history[:len(history):len(history)], run...), rest[1:])
		}
	}
	extend(nil, choices)
}

func TestEveryOrderOfSmallHistoriesGivesTheSameState(t *testing.T) {
	histories := 0
	check := func(history []event) {
		histories++
		if found := outcomes(allRules, history); len(found) > 1 {
			t.Fatalf("history %v has %d results: %q", history, len(found), found)
		}
	}
	eachHistory([][][]event{runsOf(1, 2), runsOf(2, 2)}, check)
	eachHistory([][][]event{runsOf(1, 1), runsOf(2, 1), runsOf(3, 1)}, check)
	t.Logf("%d histories, every order of each", histories)
}

// TestKeyLimitLosesNothingForGood searches every order for one in which the limit of
// keys makes a difference that lasts: the newest run always has its word, and when it
// is complete nothing else has.
func TestKeyLimitLosesNothingForGood(t *testing.T) {
	histories, differ := 0, 0
	eachHistory([][][]event{runsOf(1, 1), runsOf(2, 1), runsOf(3, 1)}, func(history []event) {
		histories++
		var last [modelKeys]byte
		complete := false
		for _, e := range history {
			if e.run == modelRuns {
				complete = complete || e.complete && e.full
				for key, content := range e.named {
					last[key] = max(last[key], content)
				}
			}
		}
		for limit := range modelKeys + 1 {
			found := outcomesOf(model{rules: allRules, limited: true, limit: limit}, history)
			if len(found) > 1 {
				differ++
			}
			for state, order := range found {
				for key, content := range last {
					if (content != 0 || complete) && state[key] != content {
						t.Fatalf("with a limit of %d keys: %q, where the newest run says %q, after %s", limit, state, last, order)
					}
				}
			}
		}
	})
	t.Logf("%d histories, every order of each; in %d an older run had no word, until a newer one is complete", histories,
		differ)
	if differ == 0 {
		t.Error("the limit never made a difference")
	}
}

func TestEveryRuleIsNeeded(t *testing.T) {
	part := func(run, number int, a, b byte) event {
		return event{run: run, part: number, named: [modelKeys]byte{a, b}}
	}
	end := func(run, parts int) event {
		return event{end: true, run: run, parts: parts, complete: true, full: true}
	}
	incremental := func(run, parts int) event { return event{end: true, run: run, parts: parts, complete: true} }
	for name, c := range map[string]struct {
		drop    func(r *rules)
		history []event
	}{
		"parts once": {func(r *rules) { r.partsOnce = false }, []event{
			part(1, 0, 'X', 'X'), end(1, 1), part(2, 0, 'X', 0), part(2, 0, 'X', 0), end(2, 2), // its part 1 never comes
		}},
		"end or part completes": {func(r *rules) { r.endOrPart = false }, []event{
			part(1, 0, 'X', 'X'), end(1, 1), part(2, 0, 'X', 0), end(2, 1),
		}},
		"supersede": {func(r *rules) { r.supersede = false }, []event{
			part(1, 0, 'X', 0), end(2, 0),
		}},
		"newer named": {func(r *rules) { r.newerNamed = false }, []event{
			part(1, 0, 'X', 0), part(2, 0, 'Y', 0), part(3, 0, 'X', 0),
		}},
		"keep what a newer run named": {func(r *rules) { r.keepNewerNamed = false }, []event{
			part(1, 0, 'X', 0), end(1, 1), part(3, 0, 'X', 0), end(2, 0),
		}},
		"resurrect": {func(r *rules) { r.resurrect = false }, []event{
			part(1, 0, 'X', 0), end(1, 1), end(2, 0), part(3, 0, 'X', 0), end(3, 1),
		}},
		"an incremental run marks nothing": {func(r *rules) { r.marksNothing = false }, []event{
			part(1, 0, 'X', 'X'), end(1, 1), part(2, 0, 'Y', 0), incremental(2, 1),
		}},
		"an incremental run supersedes none": {func(r *rules) { r.supersedesNone = false }, []event{
			part(1, 0, 'X', 0), incremental(2, 0),
		}},
		"keys of incremental runs are known": {func(r *rules) { r.keepsIncremental = false }, []event{
			part(1, 0, 'X', 0), part(2, 0, 'Y', 0), part(3, 0, 'X', 0), incremental(3, 1),
		}},
	} {
		t.Run(name, func(t *testing.T) {
			right := outcomes(allRules, c.history)
			if len(right) != 1 {
				t.Errorf("with all rules: %d results: %q", len(right), right)
			}
			for state := range outcomes(allRules.with(c.drop), c.history) {
				if _, same := right[state]; !same {
					return
				}
			}
			t.Errorf("without the rule every order gives the same: the history does not show why it is needed")
		})
	}
}
