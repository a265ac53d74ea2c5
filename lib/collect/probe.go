package collect

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"

	"github.com/hubspoke/observability/lib/schema"
)

// What a probe may do.
const (
	probeRequests = 8
	probeTime     = 10 * time.Second
)

// errProbed ends a probe that has seen enough.
var errProbed = errors.New("collect: the probe has seen enough")

// Verdict says whether a category can be collected.
type Verdict string

// The verdicts.
const (
	ProbeOK          Verdict = "ok"
	ProbeOff         Verdict = "off" // not enabled, not in the plan, or not offered
	ProbeDenied      Verdict = "denied"
	ProbeUnreachable Verdict = "unreachable"
	ProbeFailed      Verdict = "failed"
	ProbeSkipped     Verdict = "skipped" // AWS charges for its requests
)

// Probe is what a collector was answered.
type Probe struct {
	// Scope that would be collected, without a slice.
	Scope schema.Scope
	// Verdict on it.
	Verdict Verdict
	// Reason of the verdict, for people; "" where it is ok or skipped.
	Reason Reason
	// Policy is the ARN of the policy that denies, where AWS names it.
	Policy string
	// Err is the answer that the verdict goes by; nil where it is ok or skipped.
	Err error
	// Calls are the requests in the order of their answers.
	Calls []ProbedCall
	// Untried are the declared calls that were not made: there was nothing to ask about, or
	// the probe had seen enough.
	Untried []string
}

// ProbedCall is one request of a probe.
type ProbedCall struct {
	// Call is the operation, as service:Operation.
	Call string
	// Code is the error code of the answer, "" if there is none.
	Code string
	// Err is the error, nil if there is none.
	Err error
}

// Probe asks for each scope, in the order of Scopes, whether it can be collected: it calls
// the collector until it has a row, under a budget of 8 requests and 10 seconds, without
// retries, and sends nothing. Collectors with PaidRequests are skipped unless paid is set.
func (r *Runner) Probe(ctx context.Context, paid bool) []Probe {
	probes := make([]Probe, len(r.targets))
	var wg sync.WaitGroup
	for i, t := range r.targets {
		probes[i] = Probe{Scope: t.scope, Verdict: ProbeSkipped, Untried: slices.Clone(t.declared.Calls)}
		if t.declared.PaidRequests > 0 && !paid {
			continue
		}
		release, err := r.cfg.Workers.acquire(ctx, false)
		if err != nil {
			probes[i].judge(err)
			continue
		}
		wg.Go(func() {
			defer release()
			r.probe(ctx, t, &probes[i])
		})
	}
	wg.Wait()
	return probes
}

// probe probes one target.
func (r *Runner) probe(ctx context.Context, t *target, p *Probe) {
	asking, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	notes := &probeNotes{limits: r.limits}
	cfg := limited(r.cfg.AWS(t.region), r.limits, func(price float64) error { return nil })
	cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	cfg.RetryMaxAttempts = 0
	cfg.APIOptions = append(cfg.APIOptions, notes.install)
	log := r.cfg.Logger.With("category", t.scope.Category, "region", t.region)
	env := &Env{
		AWS: cfg, Account: r.cfg.Account, Partition: r.cfg.Partition, Region: t.region,
		Global: t.scope.Region == schema.GlobalRegion, Labels: maps.Clone(r.cfg.Labels), Version: r.cfg.Version,
		Now: time.Now().UTC().Truncate(time.Millisecond), Logger: log,
	}
	err := protect(log, func() error { return t.collector.collect(asking, env, &collection{probed: notes.enough}) })
	p.Calls = notes.calls()
	p.Untried = slices.DeleteFunc(p.Untried, func(call string) bool {
		return slices.ContainsFunc(p.Calls, func(c ProbedCall) bool { return c.Call == call })
	})
	p.judge(r.notThere(ctx, t, p.relevant(err)))
}

// relevant returns the error that counts: what the collector ended with, or, if that is only
// that the probe was over, a denial that it lives with.
func (p *Probe) relevant(err error) error {
	over := err == nil || errors.Is(err, errProbed)
	if !over && len(p.Calls) > 0 && !slices.ContainsFunc(p.Calls, func(c ProbedCall) bool { return c.Err != nil }) {
		// It had answers, and then no time, or nobody to ask: the limit of its service.
		_, api := errors.AsType[smithy.APIError](err)
		over = !api && (errors.Is(err, context.DeadlineExceeded) || errors.Is(err, errRate))
	}
	if !over {
		return err
	}
	for _, call := range p.Calls {
		if Classify(call.Err) == schema.Denied {
			return call.Err
		}
	}
	return nil
}

// probeNotes counts and notes the requests of a probe. It is safe for concurrent use.
type probeNotes struct {
	limits *Limits

	mu    sync.Mutex
	sent  int
	over  bool
	noted []ProbedCall
}

// enough ends the probe, and returns what emit returns.
func (n *probeNotes) enough() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.over = true
	return errProbed
}

func (n *probeNotes) calls() []ProbedCall {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.noted)
}

func (n *probeNotes) start() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.over || n.sent == probeRequests {
		return errProbed
	}
	n.sent++
	return nil
}

func (n *probeNotes) note(call string, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	c := ProbedCall{Call: call, Err: err}
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		c.Code = api.ErrorCode()
	}
	n.noted = append(n.noted, c)
}

// install adds the notes to a client's requests.
func (n *probeNotes) install(stack *middleware.Stack) error {
	return stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("CollectProbe", func(
		ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler,
	) (middleware.FinalizeOutput, middleware.Metadata, error) {
		if err := n.start(); err != nil {
			return middleware.FinalizeOutput{}, middleware.Metadata{}, err
		}
		out, metadata, err := next.HandleFinalize(ctx, in)
		if !errors.Is(err, errRate) {
			service := awsmiddleware.GetServiceID(ctx)
			if s, known := n.limits.services[service]; known {
				service = s.Name
			}
			n.note(service+":"+awsmiddleware.GetOperationName(ctx), err)
		}
		return out, metadata, err
	}), "Retry", middleware.After)
}
