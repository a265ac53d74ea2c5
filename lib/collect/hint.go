package collect

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hubspoke/observability/lib/schema"
)

// Hint declares events after which a category may have changed. An event is a hint,
// never a row: nothing of it is sent, the scope is collected again. A category is
// collected at its interval whether or not events come.
type Hint struct {
	// Source of the events, such as "aws.guardduty".
	Source string
	// Types are values of detail-type. Empty when Calls is set.
	Types []string
	// Calls are operations that CloudTrail reports, such as "ScheduleKeyDeletion". A * at
	// the end stands for the rest of the name. Empty when Types is set.
	Calls []string
	// Only is the region where AWS emits the event, whatever region it is about. In
	// partitions other than aws, us-east-1 stands for the region that has its part.
	// Defaults to the region of the change.
	Only string
	// Match narrows the rule that brings the events, as "detail" of an event pattern. What
	// it leaves out is read at the next interval, so it costs time and never data.
	// Defaults to none.
	Match string
}

// Detail types of what CloudTrail reports: calls, and what services do by themselves.
const (
	typeCall    = "AWS API Call via CloudTrail"
	typeService = "AWS Service Event via CloudTrail"
)

// maxPattern is the most characters that EventBridge takes as the pattern of a rule.
const maxPattern = 4096

var (
	sourceRE = regexp.MustCompile(`^[a-z0-9-]+(\.[a-z0-9-]+)*$`)
	hintedRE = regexp.MustCompile(`^[A-Z][A-Za-z0-9_]*\*?$`)
)

// validate reports every fault of the hint.
func (h Hint) validate() error {
	var faults []error
	fault := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf("hint %q: "+format, append([]any{h.Source}, args...)...))
		}
	}
	fault(sourceRE.MatchString(h.Source), "the source is malformed")
	fault((len(h.Types) > 0) != (len(h.Calls) > 0), "it has both or neither of Types and Calls")
	for _, name := range h.Types {
		fault(name != "", "a type is empty")
		fault(name != typeCall && name != typeService, "what CloudTrail reports is declared by Calls")
	}
	for _, name := range h.Calls {
		fault(hintedRE.MatchString(name), "call %q is malformed", name)
	}
	if h.Only != "" {
		scope := schema.Scope{Category: "x", Account: "000000000000", Region: h.Only}
		fault(scope.Validate() == nil && h.Only != schema.GlobalRegion, "%q is no region", h.Only)
	}
	fault(h.Match == "" || isObject(h.Match), "Match is no JSON object")
	fault(h.Match == "" || len(h.Calls) == 0, "Match is for Types")
	if len(faults) == 0 {
		pattern, err := Pattern(h)
		fault(err == nil && len(pattern) <= maxPattern, "its pattern has %d characters, more than %d", len(pattern),
			maxPattern)
	}
	return errors.Join(faults...)
}

func isObject(text string) bool {
	var object map[string]json.RawMessage
	return json.Unmarshal([]byte(text), &object) == nil && object != nil
}

// takes reports whether e is an event of the hint, wherever it is from.
func (h Hint) takes(e Event) bool {
	if h.Source != e.Source {
		return false
	}
	if e.Call == "" {
		return slices.Contains(h.Types, e.Type)
	}
	for _, name := range h.Calls {
		if prefix, open := strings.CutSuffix(name, "*"); name == e.Call || open && strings.HasPrefix(e.Call, prefix) {
			return true
		}
	}
	return false
}

func cloneHints(hints []Hint) []Hint {
	hints = slices.Clone(hints)
	for i := range hints {
		hints[i].Types, hints[i].Calls = slices.Clone(hints[i].Types), slices.Clone(hints[i].Calls)
	}
	return hints
}

// pattern is what EventBridge compares an event with.
type pattern struct {
	Source []string        `json:"source,omitempty"`
	Type   []string        `json:"detail-type,omitempty"`
	Detail json.RawMessage `json:"detail,omitempty"`
	Or     []pattern       `json:"$or,omitempty"`
}

// Pattern returns the EventBridge pattern that takes the events of the hints, which are
// of one source. Calls that failed changed nothing and are left out.
func Pattern(hints ...Hint) ([]byte, error) {
	whole := pattern{}
	for _, h := range hints {
		one, err := h.pattern()
		if err != nil {
			return nil, fmt.Errorf("collect: pattern of %s: %w", h.Source, err)
		}
		if whole.Source == nil {
			whole.Source = []string{h.Source}
		}
		if whole.Source[0] != h.Source {
			return nil, fmt.Errorf("collect: a pattern of two sources, %s and %s", whole.Source[0], h.Source)
		}
		whole.Or = append(whole.Or, one)
	}
	if len(whole.Or) == 1 {
		whole.Type, whole.Detail, whole.Or = whole.Or[0].Type, whole.Or[0].Detail, nil
	}
	return json.Marshal(whole)
}

// pattern returns the pattern of the hint without its source.
func (h Hint) pattern() (pattern, error) {
	if len(h.Calls) == 0 {
		return pattern{Type: h.Types, Detail: json.RawMessage(h.Match)}, nil
	}
	names := make([]any, len(h.Calls))
	for i, name := range h.Calls {
		names[i] = name
		if prefix, open := strings.CutSuffix(name, "*"); open {
			names[i] = map[string]string{"prefix": prefix}
		}
	}
	detail, err := json.Marshal(map[string]any{
		"eventName": names,
		"errorCode": []any{map[string]bool{"exists": false}},
	})
	return pattern{Type: []string{typeCall, typeService}, Detail: detail}, err
}

// Event is what a spoke looks at of an event of EventBridge.
type Event struct {
	// Source, such as "aws.ec2".
	Source string
	// Type is the detail-type.
	Type string
	// Call is the operation, or the name of a service's own event, that CloudTrail
	// reports. Empty for other types.
	Call string
	// Account that emitted the event.
	Account string
	// Region that emitted the event.
	Region string
	// Time of the event. Zero means the moment at which it is heard of.
	Time time.Time
}

// ParseEvent reads an event as EventBridge delivers it to a queue. An error says what
// is wrong, without the event's text.
func ParseEvent(message []byte) (Event, error) {
	var fields map[string]json.RawMessage
	if json.Unmarshal(message, &fields) != nil || fields == nil {
		return Event{}, errors.New("the event is no JSON object")
	}
	e := Event{}
	var at string
	for _, f := range []struct {
		name string
		to   *string
	}{{"source", &e.Source}, {"detail-type", &e.Type}, {"account", &e.Account}, {"region", &e.Region}, {"time", &at}} {
		if !text(fields[f.name], f.to) {
			return Event{}, fmt.Errorf("the event has no text in %q", f.name)
		}
	}
	var err error
	if e.Time, err = time.Parse(time.RFC3339, at); err != nil {
		return Event{}, errors.New(`the event has no time in "time"`)
	}
	if e.Type != typeCall && e.Type != typeService {
		return e, nil
	}
	var detail map[string]json.RawMessage
	if json.Unmarshal(fields["detail"], &detail) != nil || !text(detail["eventName"], &e.Call) {
		return Event{}, errors.New(`the event of CloudTrail has no text in "eventName"`)
	}
	return e, nil
}

// text reads a JSON string that is not empty.
func text(value json.RawMessage, to *string) bool {
	return len(value) > 0 && json.Unmarshal(value, to) == nil && *to != ""
}

// Heard is what became of an event. Where several runners hear one event, the smallest
// value says what became of it.
type Heard uint8

const (
	// Taken events make at least one scope due.
	Taken Heard = iota + 1
	// Covered events tell of changes that a complete run has read already.
	Covered
	// OtherRegion events are of a region that the runner does not collect.
	OtherRegion
	// Unknown events are no hint for any collector of the runner, or it takes none.
	Unknown
	// OtherAccount events are of an account that the runner does not collect.
	OtherAccount
)

var heardNames = [...]string{Taken: "taken", Covered: "covered", OtherRegion: "other_region", Unknown: "unknown",
	OtherAccount: "other_account"}

// String returns "taken", "covered", "other_region", "unknown" or "other_account".
func (h Heard) String() string {
	if h < Taken || h > OtherAccount {
		return fmt.Sprintf("Heard(%d)", uint8(h))
	}
	return heardNames[h]
}

// listener is a target that wants to hear of the events of a hint.
type listener struct {
	hint   Hint
	target *target
}

// hears reports whether an event of the hint can be about the target. home is the region
// in which what has no region is changed.
func (l listener) hears(e Event, home string) bool {
	reach := l.target.declared.Reach
	switch global := l.target.scope.Region == schema.GlobalRegion; {
	case l.hint.Only == alwaysEnabled["aws"]:
		return e.Region == home
	case l.hint.Only != "":
		return e.Region == l.hint.Only
	case global && reach == PerRegionAndGlobal:
		return e.Region == home
	case global:
		return true
	}
	return e.Region == l.target.region
}

// Hear hands an event to the scopes that it is a hint for: while Run works, they are
// collected soon. It never blocks, and may be called at any time by several goroutines.
func (r *Runner) Hear(e Event) Heard {
	if e.Account != r.cfg.Account {
		return OtherAccount
	}
	now := time.Now()
	heard := Unknown
	for l := range r.listening(e, &heard) {
		heard = min(heard, l.target.hints.hear(e.Time, now))
	}
	return heard
}

// ScopesOf returns the scopes that an event is a hint for, in the order of Scopes.
func (r *Runner) ScopesOf(e Event) []schema.Scope {
	if e.Account != r.cfg.Account {
		return nil
	}
	var scopes []schema.Scope
	heard := Unknown
	for l := range r.listening(e, &heard) {
		if !slices.Contains(scopes, l.target.scope) {
			scopes = append(scopes, l.target.scope)
		}
	}
	return scopes
}

// listening returns the listeners that e is for. It sets heard to OtherRegion if there
// are only such of other regions.
func (r *Runner) listening(e Event, heard *Heard) func(yield func(listener) bool) {
	home := alwaysEnabled[r.cfg.Partition]
	return func(yield func(listener) bool) {
		for _, l := range r.listeners[e.Source] {
			if !l.hint.takes(e) {
				continue
			}
			*heard = min(*heard, OtherRegion)
			if l.hears(e, home) && !yield(l) {
				return
			}
		}
	}
}

const (
	// settle is how old a change must be for a run to show it for sure: services are
	// eventually consistent. It also gathers a burst of hints.
	settle = 2 * time.Second
	// idle is how many times as long as its last run a target is left alone by hints, so
	// that they take at most a tenth of its time.
	idle = 9
	// paidGap is how long hints leave a target alone after a run with requests that AWS
	// charges for.
	paidGap = time.Hour
)

// hints is what a target heard of. The runner that collects the target is one goroutine,
// those who call hear are others.
type hints struct {
	gap  time.Duration
	wake func() // called when the next run is due sooner

	mu      sync.Mutex
	first   time.Time // when the first hint was heard that no run has begun for; zero: none
	oldest  time.Time // changes that these hints tell of
	newest  time.Time
	answers time.Time // oldest change that the run under way, or the next try, answers; zero: none
	started time.Time // the last run
	ended   time.Time
	covered time.Time // changes until here are in a run that read and sent everything
	blocked time.Time // no run because of hints before
}

func newHints(gap time.Duration, wake func()) *hints { return &hints{gap: gap, wake: wake} }

// hear takes a hint. changed is when the change took place.
func (h *hints) hear(changed, now time.Time) Heard {
	if changed.IsZero() || changed.After(now) {
		changed = now // nobody hears of a change before it happens
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if !changed.After(h.covered) {
		return Covered
	}
	if h.first.IsZero() {
		h.first, h.oldest, h.newest = now, changed, changed
		h.wake()
		return Taken
	}
	h.oldest, h.newest = earlier(h.oldest, changed), later(h.newest, changed)
	return Taken
}

// due returns when the next run starts, given when it is due without hints.
func (h *hints) due(regular time.Time) time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.first.IsZero() {
		return regular
	}
	hinted := later(h.first.Add(settle), h.blocked)
	if !h.ended.IsZero() {
		hinted = later(hinted, h.ended.Add(max(h.gap, idle*h.ended.Sub(h.started))))
	}
	return earlier(hinted, regular)
}

// begin notes that a run starts. Hints of changes that it may not show yet stay, and
// make another run.
func (h *hints) begin(now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.started = now
	if h.first.IsZero() {
		return
	}
	shown := now.Add(-settle)
	if !h.oldest.After(shown) && (h.answers.IsZero() || h.oldest.Before(h.answers)) {
		h.answers = h.oldest
	}
	if h.newest.After(shown) {
		h.first, h.oldest = now, later(h.oldest, shown)
	} else {
		h.first = time.Time{}
	}
}

// end notes that the run has ended, and returns the time of the oldest change that it
// answers. complete says that it read and sent everything.
func (h *hints) end(now time.Time, complete bool) time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ended = now
	answers := h.answers
	if !complete {
		return answers // so does the run that repeats this one
	}
	h.answers = time.Time{}
	h.covered = later(h.covered, h.started.Add(-settle))
	if !h.first.IsZero() && !h.newest.After(h.covered) { // heard while the run was under way
		h.first = time.Time{}
		if answers.IsZero() || h.oldest.Before(answers) {
			answers = h.oldest
		}
	}
	return answers
}

// block lets hints wait until the time given.
func (h *hints) block(until time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.blocked = until
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
