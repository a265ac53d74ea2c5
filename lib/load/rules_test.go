package load_test

import (
	"fmt"
	"slices"
	"testing"
)

// This file searches every order of arrival of small histories for one that
// changes the result, under the rules of the package documentation written down
// as plainly as possible. TestMetamorphic compares the real thing with it.

const (
	modelKeys = 2
	modelRuns = 3
	// laterRun comes after all others where there are unchanged runs.
	laterRun = modelRuns + 2
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
	sameAs   int             // base of an end that says unchanged; 0 for any other
}

func (e event) String() string {
	if e.sameAs > 0 {
		return fmt.Sprintf("run %d is unchanged since run %d", e.run, e.sameAs)
	}
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
	seen    [laterRun + 1][modelKeys]bool
	parts   [laterRun + 1]int // bit set
	counted [laterRun + 1]int
	ends    [laterRun + 1]*event
	full    int // newest complete run that read everything
	// For the time at which the rows were seen:
	complete  int                // newest complete run
	known     [laterRun + 1]bool // had a part or an end, unchanged ones left out
	unchanged struct{ base, run int }
	careless  bool // what came between an unchanged run and its base does not matter
}

// seenAt is the run at which the rows were seen.
func (m *model) seenAt() int {
	u := m.unchanged
	if u.base == 0 || u.base != m.complete || m.complete != m.full {
		return m.complete
	}
	for run := u.base + 1; run < u.run; run++ {
		if m.known[run] && !m.careless {
			return m.complete
		}
	}
	return u.run
}

// noteUnchanged keeps the unchanged run with the newest base, and of those the newest.
func (m *model) noteUnchanged(e *event) {
	u := &m.unchanged
	if e.sameAs > u.base || e.sameAs == u.base && e.run > u.run {
		u.base, u.run = e.sameAs, e.run
	}
}

// past reports whether what comes of a run is superseded as a whole.
func (m *model) past(run int) bool { return run < m.full || run <= m.pruned }

// limitKeys is what an older run meets first.
func (m *model) limitKeys(run int) {
	kept := 0
	for newer := run + 1; newer <= laterRun; newer++ {
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
	if e.sameAs > 0 {
		m.noteUnchanged(e)
		return
	}
	m.known[e.run] = true
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
	for newer := run + 1; newer <= laterRun; newer++ {
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
	m.complete = max(m.complete, run)
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

// word is what a run says of every key.
func word(run []event) (w [modelKeys]byte) {
	for _, e := range run {
		for key, content := range e.named {
			w[key] = max(w[key], content)
		}
	}
	return w
}

// completeFull reports whether a spoke may name the run as the base of another.
func completeFull(run []event) bool {
	return len(run) > 0 && run[len(run)-1].complete && run[len(run)-1].full
}

// searchUnchanged searches every order of histories in which the runs 3 and 4 are
// unchanged. The runs 1 and 2 are those of one or two spokes, in every way in which they
// can go, and the run 5 comes after all. It counts the histories that depend on the order,
// by their rows, their newest complete run or the time at which the rows were seen, and
// those in which that time is wrong in some prefix of some order: the rows are shown as of
// an unchanged run, and are not what its base said.
func searchUnchanged(careless bool) (histories, dependent, wrong int, example string) {
	type result struct {
		live           [modelKeys]byte
		complete, seen int
	}
	none := [][]event{{}}
	later := [][]event{{}, {{run: laterRun, named: [modelKeys]byte{'Y', 0}}},
		{{end: true, run: laterRun, complete: true, full: true}}}
	ends := func(bases ...int) (events []event) {
		for i, base := range bases {
			events = append(events, event{end: true, run: 3 + i, sameAs: base})
		}
		return events
	}
	for _, first := range runsOf(1, 1) {
		for _, second := range append(none, runsOf(2, 1)...) {
			for _, unchanged := range [][]event{ends(1), ends(2), ends(1, 2), ends(2, 1), ends(1, 1), ends(2, 2)} {
				words := map[int][modelKeys]byte{}
				lies := false
				for _, u := range unchanged {
					base := [][]event{1: first, 2: second}[u.sameAs]
					words[u.run] = word(base)
					lies = lies || !completeFull(base)
				}
				if lies {
					continue
				}
				for _, last := range later {
					history := slices.Concat(first, second, unchanged, last)
					if len(history) > 6 {
						continue
					}
					histories++
					found, untrue := map[result]bool{}, false
					eachOrder(history, func(order []event) {
						m, afterAll := model{rules: allRules, careless: careless}, false
						for i := range order {
							m.apply(&order[i])
							afterAll = afterAll || order[i].run == laterRun
							if want, is := words[m.seenAt()]; is && !afterAll && m.live() != want {
								untrue = true
								example = fmt.Sprintf("%v: %q is shown as of run %d, which saw %q", order[:i+1], m.live(), m.seenAt(), want)
							}
						}
						found[result{m.live(), m.complete, m.seenAt()}] = true
					})
					if untrue {
						wrong++
					}
					if len(found) > 1 {
						dependent++
						example = fmt.Sprintf("%v: %v", history, found)
					}
				}
			}
		}
	}
	return histories, dependent, wrong, example
}

// TestUnchangedRunsAreFreshnessOnly: rows and the newest complete run are what they are
// without unchanged runs, in every order, and the time at which the rows were seen is
// true at any time.
func TestUnchangedRunsAreFreshnessOnly(t *testing.T) {
	histories, dependent, wrong, example := searchUnchanged(false)
	t.Logf("%d histories, every order of each", histories)
	if histories < 1000 || dependent > 0 || wrong > 0 {
		t.Errorf("of %d histories %d depend on the order, and %d are wrong: %s", histories, dependent, wrong, example)
	}
	if _, _, wrong, _ := searchUnchanged(true); wrong == 0 {
		t.Error("what came between an unchanged run and its base does not matter: the histories do not show why it must")
	}
}
