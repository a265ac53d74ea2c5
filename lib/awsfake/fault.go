package awsfake

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"sync"
)

// Effect is what a Fault does to a call.
type Effect int

const (
	none Effect = iota
	// Throttle refuses the call as its service does when it is called too often.
	Throttle
	// ServerError refuses the call with the service's internal error, HTTP status 500.
	ServerError
	// Deny refuses the call as not authorized.
	Deny
	// Reset cuts the connection before the call is looked at.
	Reset
	// BlackHole never answers: the call hangs until the client gives up or the server is closed.
	BlackHole
	// LostAnswer applies the call and then cuts the connection instead of answering.
	LostAnswer
	// PartialFailure refuses Fault.Records records of a PutRecords call and stores the others. Refused records are
	// ProvisionedThroughputExceededException and InternalFailure in turn. It does the same to the entries of a batch of
	// SQS, with InternalError. Applies to kinesis:PutRecords, sqs:SendMessageBatch and sqs:DeleteMessageBatch only.
	PartialFailure
	// ExpiredIterator refuses the shard iterator as too old. Applies to kinesis:GetRecords only.
	ExpiredIterator
	// EmptyPage answers with no records and an iterator at the same place, as Kinesis does now and then.
	// Applies to kinesis:GetRecords only.
	EmptyPage
)

// String is the name of the effect.
func (e Effect) String() string {
	names := [...]string{"none", "Throttle", "ServerError", "Deny", "Reset", "BlackHole", "LostAnswer", "PartialFailure",
		"ExpiredIterator", "EmptyPage"}
	if e < 0 || int(e) >= len(names) {
		return fmt.Sprintf("Effect(%d)", int(e))
	}
	return names[e]
}

// operations are the only ones that the effect can be applied to, or nil.
func (e Effect) operations() []string {
	switch e {
	case PartialFailure:
		return []string{"kinesis:PutRecords", "sqs:SendMessageBatch", "sqs:DeleteMessageBatch"}
	case ExpiredIterator, EmptyPage:
		return []string{"kinesis:GetRecords"}
	}
	return nil
}

// appliesTo reports whether the effect can be applied to an operation.
func (e Effect) appliesTo(operation string) bool {
	only := e.operations()
	return only == nil || slices.Contains(only, operation)
}

// Fault says which calls fail, and how.
type Fault struct {
	// Operation is the operation that fails, "service:Operation" with the wildcards of path.Match:
	// "kinesis:PutRecords", "dynamodb:*". Defaults to every operation.
	Operation string
	// Effect is what happens to the call. It has no default.
	Effect Effect
	// When narrows the fault to the calls that it returns true for. It must not call the server. Defaults to all.
	When func(Call) bool
	// After is how many calls pass before the first can fail. Defaults to 0.
	After int
	// Times is how often the fault happens at most. Defaults to 0, without end.
	Times int
	// Probability is the share of calls that fail, chosen by Config.Seed. Defaults to 1.
	Probability float64
	// Records is how many records or entries of a call fail, for PartialFailure. Defaults to 1.
	Records int
}

// Inject adds a fault. A call meets at most one: the first, in the order in which they were injected, that applies to
// it. Inject panics when the fault makes no sense, since it is part of a test's text.
func (s *Server) Inject(f Fault) *Injection { return s.faults.add(f) }

// Injection is a fault at work. Its methods may be called concurrently.
type Injection struct {
	list  *faultList
	fault Fault
	rand  *rand.Rand

	// guarded by list.mu
	seen    int // calls that the fault applies to
	claimed int // calls chosen to fail
	count   int // calls that did fail
	changed chan struct{}
}

// Count is how often the fault really happened.
func (i *Injection) Count() int {
	i.list.mu.Lock()
	defer i.list.mu.Unlock()
	return i.count
}

// Wait returns when the fault has happened n times, or with the error of ctx.
func (i *Injection) Wait(ctx context.Context, n int) error {
	for {
		i.list.mu.Lock()
		count, changed := i.count, i.changed
		i.list.mu.Unlock()
		if count >= n {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("awsfake: %s on %q happened %d times, waited for %d: %w", i.fault.Effect, i.fault.Operation, count,
				n, ctx.Err())
		}
	}
}

// Remove ends the fault. Calls that hang in a black hole stay there.
func (i *Injection) Remove() {
	i.list.mu.Lock()
	defer i.list.mu.Unlock()
	i.list.injections = slices.DeleteFunc(i.list.injections, func(x *Injection) bool { return x == i })
}

// confirm counts a chosen call as really failed.
func (i *Injection) confirm() {
	i.list.mu.Lock()
	defer i.list.mu.Unlock()
	i.count++
	close(i.changed)
	i.changed = make(chan struct{})
}

// release gives back a choice that had no effect, because the call failed for another reason.
func (i *Injection) release() {
	i.list.mu.Lock()
	defer i.list.mu.Unlock()
	i.claimed--
}

// faultList holds the faults in the order in which they were injected.
type faultList struct {
	mu         sync.Mutex
	seed       int64
	added      int
	injections []*Injection
}

func newFaultList(seed int64) *faultList { return &faultList{seed: seed} }

func (l *faultList) add(f Fault) *Injection {
	if f.Operation == "" {
		f.Operation = "*"
	}
	if f.Probability == 0 {
		f.Probability = 1
	}
	if f.Records == 0 {
		f.Records = 1
	}
	if _, err := path.Match(f.Operation, ""); err != nil {
		panic(fmt.Sprintf("awsfake: Fault.Operation %q: %v", f.Operation, err))
	}
	if f.Effect <= none || f.Effect > EmptyPage {
		panic(fmt.Sprintf("awsfake: Fault.Effect %s", f.Effect))
	}
	if only := f.Effect.operations(); only != nil && !anyOf(only, func(o string) bool { return matches(f.Operation, o) }) {
		panic(fmt.Sprintf("awsfake: %s applies to %s only, not to %q", f.Effect, strings.Join(only, ", "), f.Operation))
	}
	if f.Probability < 0 || f.Probability > 1 || f.After < 0 || f.Times < 0 || f.Records < 0 {
		panic(fmt.Sprintf("awsfake: Fault %+v: Probability must be in [0, 1], and counts must not be negative", f))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	i := &Injection{list: l, fault: f, rand: rand.New(rand.NewPCG(uint64(l.seed), uint64(l.added))),
		changed: make(chan struct{})}
	l.added++
	l.injections = append(l.injections, i)
	return i
}

// choose returns what is to happen to a call, and by which injection.
func (l *faultList) choose(c *Call) (Effect, *Injection) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, i := range l.injections {
		f := &i.fault
		if !f.Effect.appliesTo(c.Operation) || !matches(f.Operation, c.Operation) {
			continue
		}
		counted := *c
		counted.N = i.seen + 1
		if f.When != nil && !f.When(counted) {
			continue
		}
		i.seen++
		if i.seen <= f.After || f.Times > 0 && i.claimed >= f.Times ||
			f.Probability < 1 && i.rand.Float64() >= f.Probability {
			continue
		}
		i.claimed++
		return f.Effect, i
	}
	return none, nil
}

// matches reports whether an operation fits a pattern that is known to be well formed; "" fits all.
func matches(pattern, operation string) bool {
	if pattern == "" {
		return true
	}
	ok, err := path.Match(pattern, operation)
	return ok && err == nil
}

// pick chooses which of n records fail, in ascending order.
func (i *Injection) pick(n int) []int {
	i.list.mu.Lock()
	defer i.list.mu.Unlock()
	chosen := i.rand.Perm(n)[:min(n, i.fault.Records)]
	slices.Sort(chosen)
	return chosen
}
