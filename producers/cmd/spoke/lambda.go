package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	lambdaevents "github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/lib/stream/kinesis"
	"github.com/hubspoke/observability/producers/collectors"
)

// lambdaCommand collects when a schedule or a queue of events invokes it.
type lambdaCommand struct {
	sourceFlags
	destinationFlags
	personalFlags
	Events string `placeholder:"URL" help:"SQS queue of events, to which goes back what did not fit into an invocation. Defaults to none: then an invocation in which something did not fit fails."`
}

// Help is shown by `spoke lambda -h`.
func (lambdaCommand) Help() string {
	return `For the provided.al2023 runtime, with this program as bootstrap, the handler lambda, and every
flag as an environment variable (SPOKE_STREAM and so on). Up to 8 categories and regions are
collected at the same time, unless --concurrent says otherwise. The function is invoked by

- schedules of EventBridge Scheduler, with an input like one of these:

    {"spoke":1,"every":"1h","scheduled":"<aws.scheduler.scheduled-time>"}
    {"spoke":1,"category":["kms_keys"],"region":["eu-central-1"]}
    {"spoke":1,"full":true}

- the queue of events (see 'spoke rules'), by an event source mapping with ReportBatchItemFailures.

Nothing is kept between invocations: categories that are read incrementally are asked for two
intervals, and read as a whole by a daily schedule with "full".`
}

const (
	// lambdaConcurrent is how many collections run at the same time by default.
	lambdaConcurrent = 8
	// lambdaPatience is how long a stream that refuses is tried: the next schedule sends again.
	lambdaPatience = time.Minute
	// lambdaGrace is how long runs that are cut may still send, where there is as much time.
	lambdaGrace = 5 * time.Second
	// lambdaTries is how often a scope may not fit into an invocation.
	lambdaTries = 3
	// settled is how old a change must be for a run to show it for sure.
	settled = 2 * time.Second
)

// Run serves invocations until the runtime ends the process.
func (c lambdaCommand) Run(ctx context.Context, p program.Program, find findSources, log *slog.Logger) error {
	if !program.InLambda() {
		return program.Usagef("this is not the Lambda runtime (AWS_LAMBDA_RUNTIME_API is not set); elsewhere use: spoke run")
	}
	f, err := c.function(ctx, p, find, log)
	if err != nil {
		return err
	}
	lambda.StartWithOptions(f.invoke, lambda.WithContext(ctx))
	return nil
}

// function is the Lambda function. Lambda invokes it again only after it has answered.
type function struct {
	source source
	config collect.Config // of all runners; lacks what an invocation is about
	queue  *queue         // nil without one
	stdout io.Writer      // of metrics; nil: none are written
	log    *slog.Logger

	// What follows is known while the process lives, and nothing is wrong if it is not.

	covered map[schema.Scope]time.Time     // changes until then are in a run that read and sent everything
	took    map[schema.Scope]time.Duration // by the last collection
}

func (c lambdaCommand) function(ctx context.Context, p program.Program, find findSources, log *slog.Logger) (*function,
	error) {
	switch {
	case c.pulls():
		return nil, program.Usagef("spoke lambda collects its own account: leave out --account and --organization, or " +
			"collect them by 'spoke run'")
	case c.Stream == "" && c.Bucket == "":
		return nil, program.Usagef("nowhere to send rows to: set SPOKE_STREAM or SPOKE_BUCKET")
	}
	if err := cmp.Or(c.validateFor(c.sourceFlags), c.validatePersonal()); err != nil {
		return nil, err
	}
	c.warnOfUnknownLabels(log)
	f := &function{log: log, covered: map[schema.Scope]time.Time{}, took: map[schema.Scope]time.Duration{}}
	if _, ok := log.Handler().(*slog.JSONHandler); ok {
		f.stdout = p.Stdout
	}
	own := ownConfiguration(c.Profile, log)
	if c.Events != "" {
		queue, err := openQueue(ctx, "--events", c.Events, own)
		if err != nil {
			return nil, err
		}
		f.queue = &queue
	}
	sources, err := find(ctx, c.sourceFlags, log)
	if err != nil {
		return nil, err
	}
	f.source = sources[0]
	for _, err := range f.source.faults {
		log.Warn("a region does not answer, and is tried with every run", "account", f.source.account, "error", err)
	}
	policy, err := c.personalPolicy(ctx, sources, own, log)
	if err != nil {
		return nil, err
	}
	opener, err := c.opener(log, kinesis.Hooks{})
	if err != nil {
		return nil, err
	}
	opener.patience = lambdaPatience
	to, err := opener.open(ctx, f.source.home, own)
	if err != nil {
		return nil, err
	}
	f.source.to = &to
	limits, err := collect.NewLimits(collectors.Services())
	if err != nil {
		return nil, err
	}
	f.config = collect.Config{
		Limits:          limits,
		Workers:         collect.NewWorkers(cmp.Or(c.Concurrent, lambdaConcurrent)),
		MaxPaidRequests: c.MaxPaidRequests,
		Personal:        policy,
		Labels:          c.Label,
		Version:         p.VersionText(),
		Stateless:       true,
		Logger:          log,
	}
	return f, nil
}

// task is the input of a schedule, and what goes back to the queue.
type task struct {
	Spoke     int       `json:"spoke"`              // version of this format: 1
	Every     string    `json:"every,omitempty"`    // categories of this interval, or
	Category  []string  `json:"category,omitempty"` // these
	Region    []string  `json:"region,omitempty"`   // defaults to those of the function
	Full      bool      `json:"full,omitempty"`     // incremental categories read everything; alone: all of these
	Scheduled time.Time `json:"scheduled,omitzero"` // defaults to now
	// Tries is how often it did not fit into an invocation. Region is that of a scope then.
	Tries int `json:"tries,omitempty"`
}

// errNoTask says that a message is no task, but may be something else.
var errNoTask = errors.New(`there is no "spoke" in it`)

// parseTask reads a task.
func parseTask(message []byte) (task, error) {
	var version struct {
		Spoke json.RawMessage `json:"spoke"`
	}
	if json.Unmarshal(message, &version) != nil || version.Spoke == nil {
		return task{}, errNoTask
	}
	if string(version.Spoke) != "1" {
		return task{}, program.Usagef(`the input has version %.20s in "spoke", and this program knows 1: deploy the `+
			"function and its schedules from the same release", version.Spoke)
	}
	var t task
	decoder := json.NewDecoder(bytes.NewReader(message))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&t); err != nil {
		return t, program.Usagef("the input cannot be read: %w", err)
	}
	switch {
	case t.Every != "" && len(t.Category) > 0:
		return t, program.Usagef(`the input has both "every" and "category": leave out one of them`)
	case t.Every == "" && len(t.Category) == 0 && !t.Full:
		return t, program.Usagef(`the input says nothing to collect: give "every", "category" or "full"`)
	case t.Tries < 0:
		return t, program.Usagef(`the input has negative "tries"`)
	}
	for _, region := range t.Region {
		if region == schema.GlobalRegion && t.Tries > 0 {
			continue
		}
		if err := checkRegion(`"region" of the input:`, region); err != nil {
			return t, err
		}
	}
	return t, nil
}

// choose returns the categories of a task.
func (t task) choose(all []collect.Any) (map[string]bool, error) {
	chosen := map[string]bool{}
	if len(t.Category) > 0 {
		named, err := sourceFlags{Category: t.Category}.choose(all)
		for _, c := range named {
			chosen[c.Table().Name()] = true
		}
		return chosen, err
	}
	var every time.Duration
	if t.Every != "" {
		var err error
		if every, err = program.ParseDuration(t.Every); err != nil {
			return nil, program.Usagef(`"every" of the input: %w`, err)
		}
	}
	intervals := map[time.Duration]bool{}
	for _, c := range all {
		d := c.Declaration()
		intervals[d.Every] = true
		if t.Every != "" && d.Every == every || t.Every == "" && d.Incremental != nil {
			chosen[d.Category] = true
		}
	}
	// Schedules are the same in all accounts. Some leave out all categories of an interval.
	leftOut := slices.ContainsFunc(collectors.All(), func(c collect.Any) bool { return c.Declaration().Every == every })
	if len(chosen) == 0 && t.Every != "" && !leftOut {
		var known []string
		for _, d := range slices.Sorted(maps.Keys(intervals)) {
			known = append(known, short(d))
		}
		return nil, program.Usagef(`"every" of the input: no category that this function collects has the interval %s: `+
			"choose from %s, or delete the schedule", t.Every, strings.Join(known, ", "))
	}
	return chosen, nil
}

// invocation is what one invocation is about, and what became of it.
type invocation struct {
	regions []string           // that any task names, and those of the function
	due     map[bool]time.Time // when the oldest task was due, of those that read everything and the others
	runners map[bool]*collect.Runner

	scopes  map[bool]map[schema.Scope]bool
	tries   map[schema.Scope]int
	hinted  map[schema.Scope]time.Time // the oldest event that each is collected for
	results []collect.Result
	left    map[schema.Scope]bool // neither collected as a whole, nor back in the queue
	again   map[schema.Scope]bool // may do better soon
}

func (f *function) newInvocation() *invocation {
	return &invocation{
		regions: slices.Clone(f.source.regions),
		due:     map[bool]time.Time{}, runners: map[bool]*collect.Runner{},
		scopes: map[bool]map[schema.Scope]bool{true: {}, false: {}},
		tries:  map[schema.Scope]int{}, hinted: map[schema.Scope]time.Time{},
		left: map[schema.Scope]bool{}, again: map[schema.Scope]bool{},
	}
}

// expect notes that a task will be added.
func (in *invocation) expect(t task) {
	for _, region := range t.Region {
		if region != schema.GlobalRegion && !slices.Contains(in.regions, region) {
			in.regions = append(in.regions, region)
		}
	}
	due := t.Scheduled
	if now := time.Now(); due.IsZero() || due.After(now) {
		due = now
	}
	if known, ok := in.due[t.Full]; !ok || due.Before(known) {
		in.due[t.Full] = due
	}
}

// open makes the runners of what is expected.
func (f *function) open(ctx context.Context, in *invocation) error {
	for full, due := range in.due {
		config := f.config
		if !full {
			config.Scheduled = due
		}
		if deadline, ok := ctx.Deadline(); ok {
			config.Grace = min(lambdaGrace, program.LambdaMargin(deadline)/2)
		}
		var err error
		if in.runners[full], err = collect.New(f.source.config(config, in.regions...)); err != nil {
			return err
		}
	}
	return nil
}

// add adds a task and returns its scopes.
func (f *function) add(in *invocation, t task) ([]schema.Scope, error) {
	chosen, err := t.choose(f.source.collectors)
	if err != nil {
		return nil, err
	}
	regions := t.Region
	if len(regions) == 0 {
		regions = f.source.regions
	}
	var scopes []schema.Scope
	for _, scope := range in.runners[t.Full].Scopes() {
		asked := slices.Contains(regions, scope.Region) ||
			t.Tries == 0 && scope.Region == schema.GlobalRegion && slices.Contains(regions, f.source.home)
		if chosen[scope.Category] && asked {
			scopes = append(scopes, scope)
			in.scopes[t.Full][scope] = true
			in.tries[scope] = max(in.tries[scope], t.Tries)
		}
	}
	return scopes, nil
}

// addEvent adds what an event is a hint for, and returns these scopes.
func (f *function) addEvent(in *invocation, e collect.Event) []schema.Scope {
	var scopes []schema.Scope
	for _, scope := range in.runners[false].ScopesOf(e) {
		if !e.Time.After(f.covered[scope]) {
			continue
		}
		scopes = append(scopes, scope)
		in.scopes[false][scope] = true
		if at, ok := in.hinted[scope]; !ok || e.Time.Before(at) {
			in.hinted[scope] = e.Time
		}
	}
	return scopes
}

// invoke answers an invocation.
func (f *function) invoke(ctx context.Context, input json.RawMessage) (any, error) {
	var batch struct {
		Records *[]lambdaevents.SQSMessage `json:"Records"`
	}
	if json.Unmarshal(input, &batch) == nil && batch.Records != nil {
		return f.hear(ctx, *batch.Records)
	}
	t, err := parseTask(input)
	if errors.Is(err, errNoTask) {
		err = program.Usagef(`the input is neither that of a schedule, such as {"spoke":1,"every":"1h"}, nor a batch of ` +
			`SQS, with "Records"`)
	}
	if err != nil {
		return nil, err
	}
	in := f.newInvocation()
	in.expect(t)
	if err := f.open(ctx, in); err != nil {
		return nil, err
	}
	scopes, err := f.add(in, t)
	if err != nil {
		return nil, err
	}
	if len(scopes) == 0 {
		f.log.Info("nothing to collect", "every", t.Every, "regions", t.Region, "home", f.source.home)
	}
	if err := f.collect(ctx, in); err != nil {
		return nil, err
	}
	var all collect.PartialError
	for _, r := range in.results {
		if r.Fault() == nil {
			all.Done = append(all.Done, r)
		} else {
			all.Failed = append(all.Failed, r)
		}
	}
	if len(in.again) > 0 && !didAnything(&all) {
		return nil, &all // Lambda repeats it; otherwise the next schedule does the rest
	}
	return nil, nil
}

// hear answers a batch of messages. One fails if a scope of its may do better soon; SQS
// delivers it again.
func (f *function) hear(ctx context.Context, messages []lambdaevents.SQSMessage) (any, error) {
	in := f.newInvocation()
	tasks, heard := map[int]task{}, map[int]collect.Event{}
	var newest time.Time
	for i, m := range messages {
		t, err := parseTask([]byte(m.Body))
		if err == nil {
			in.expect(t)
			tasks[i] = t
			continue
		}
		var e collect.Event
		if errors.Is(err, errNoTask) {
			e, err = collect.ParseEvent([]byte(m.Body))
		}
		if err != nil {
			f.refuse(m, err)
			continue
		}
		in.expect(task{Scheduled: e.Time}) // it may be late
		heard[i] = e
		if e.Time.After(newest) {
			newest = e.Time
		}
	}
	if err := f.open(ctx, in); err != nil {
		return nil, err
	}
	scopes := make([][]schema.Scope, len(messages))
	for i, t := range tasks {
		var err error
		if scopes[i], err = f.add(in, t); err != nil {
			f.refuse(messages[i], err)
		}
	}
	for i, e := range heard {
		scopes[i] = f.addEvent(in, e)
	}
	if len(in.hinted) > 0 {
		sleep(ctx, min(settled-time.Since(newest), settled)) // services are eventually consistent
	}
	if err := f.collect(ctx, in); err != nil {
		f.log.Error("what did not fit is delivered again with its messages", "error", err)
	}
	answer := lambdaevents.SQSEventResponse{BatchItemFailures: []lambdaevents.SQSBatchItemFailure{}}
	for i, m := range messages {
		if slices.ContainsFunc(scopes[i], func(s schema.Scope) bool { return in.again[s] || in.left[s] }) {
			answer.BatchItemFailures = append(answer.BatchItemFailures,
				lambdaevents.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
		}
	}
	return answer, nil
}

// refuse says that a message is of no use. It would be no better the next time, and its text
// may be anything, which does not belong into a log.
func (f *function) refuse(m lambdaevents.SQSMessage, err error) {
	f.log.Warn("a message in the queue is neither an event nor a task; it is deleted", "message", m.MessageId,
		"bytes", len(m.Body), "error", err)
}

// collect collects the scopes of an invocation until shortly before its end, and sends those
// back to the queue that did not fit. The error says why that is impossible.
func (f *function) collect(ctx context.Context, in *invocation) error {
	defer func() { f.measure(in) }()
	collecting := ctx
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		collecting, cancel = context.WithDeadline(ctx, deadline.Add(-program.LambdaMargin(deadline)))
		defer cancel()
	}
	for scope := range in.scopes[true] {
		delete(in.scopes[false], scope) // who reads everything reads that, too
	}
	results, left := map[bool][]collect.Result{}, map[bool]map[schema.Scope]bool{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for full, runner := range in.runners {
		scopes := f.inOrder(in.scopes[full])
		wg.Go(func() {
			got, err := runner.OnceOf(collecting, scopes)
			cut := map[schema.Scope]bool{}
			if partial, ok := errors.AsType[*collect.PartialError](err); ok {
				for _, scope := range partial.NotStarted {
					cut[scope] = true
				}
			}
			for _, r := range got {
				if collecting.Err() != nil && errors.Is(r.CollectErr, collecting.Err()) {
					cut[unsliced(r.Scope)] = true
				}
			}
			mu.Lock()
			defer mu.Unlock()
			results[full], left[full] = got, cut
		})
	}
	wg.Wait()
	var faults []error
	for full, results := range results {
		f.learn(in, results, left[full])
		in.results = append(in.results, results...)
		faults = append(faults, f.putBack(ctx, in, full, left[full]))
	}
	return errors.Join(faults...)
}

func unsliced(s schema.Scope) schema.Scope {
	s.Slice = ""
	return s
}

// inOrder returns scopes in the order in which they are collected: what took long the last
// time comes last, so that it does not keep all others waiting, and what is not known in
// the middle.
func (f *function) inOrder(scopes map[schema.Scope]bool) []schema.Scope {
	sorted := slices.SortedFunc(maps.Keys(scopes), func(a, b schema.Scope) int {
		return strings.Compare(a.String(), b.String())
	})
	var middle time.Duration
	if known := slices.Sorted(maps.Values(f.took)); len(known) > 0 {
		middle = known[len(known)/2]
	}
	took := func(s schema.Scope) time.Duration {
		if d, ok := f.took[s]; ok {
			return d
		}
		return middle
	}
	slices.SortStableFunc(sorted, func(a, b schema.Scope) int { return cmp.Compare(took(a), took(b)) })
	return sorted
}

// learn takes the results of collections into account. Those that were cut go back to the
// queue, and are not repeated for another reason.
func (f *function) learn(in *invocation, results []collect.Result, cut map[schema.Scope]bool) {
	started, whole := map[schema.Scope]time.Time{}, map[schema.Scope]bool{}
	for _, r := range results {
		scope := unsliced(r.Scope)
		f.took[scope] = r.Duration
		if at, ok := started[scope]; !ok || r.Run.Time().Before(at) {
			started[scope] = r.Run.Time()
		}
		// One that asks for what changed since a time covers nothing before, and must join on.
		sent := r.CollectErr == nil && r.PublishErr == nil && r.ArchiveErr == nil && !r.Since.After(f.covered[scope])
		if known, ok := whole[scope]; ok {
			sent = sent && known
		}
		whole[scope] = sent
		if r.Retryable() && !cut[scope] {
			in.again[scope] = true
		}
	}
	for scope, at := range started {
		if whole[scope] {
			f.covered[scope] = at.Add(-settled)
		}
	}
}

// putBack sends what did not fit into the invocation to the queue, each scope for itself. One
// that did not fit several times is left to the next schedule.
func (f *function) putBack(ctx context.Context, in *invocation, full bool, left map[schema.Scope]bool) error {
	var scopes []schema.Scope
	for _, scope := range f.inOrder(left) {
		if tries := in.tries[scope] + 1; tries >= lambdaTries {
			f.log.Error("a category does not fit into an invocation: run this category as a task "+
				"(docs/operations.md#large-accounts); the next schedule tries it again", "category", scope.Category, "region",
				scope.Region, "tries", tries)
			continue
		}
		scopes = append(scopes, scope)
	}
	for _, scope := range scopes {
		in.left[scope] = true
	}
	if len(scopes) > 0 && f.queue == nil {
		return fmt.Errorf("%d collections did not fit into the invocation, and no queue is given that they could go back "+
			"to: set SPOKE_EVENTS, or give the function more time", len(scopes))
	}
	for batch := range slices.Chunk(scopes, batchSize) {
		messages := make([]string, len(batch))
		for i, scope := range batch {
			message, err := json.Marshal(task{Spoke: 1, Category: []string{scope.Category}, Region: []string{scope.Region},
				Full: full, Scheduled: in.due[full].UTC(), Tries: in.tries[scope] + 1})
			if err != nil {
				return err
			}
			messages[i] = string(message)
		}
		if err := f.queue.send(ctx, messages); err != nil {
			return err
		}
		for _, scope := range batch {
			delete(in.left, scope)
		}
	}
	if len(scopes) > 0 {
		f.log.Info("what did not fit into the invocation went back to the queue", "collections", len(scopes))
	}
	return nil
}

// measure writes the metrics of an invocation, in the embedded metric format of CloudWatch.
func (f *function) measure(in *invocation) {
	if f.stdout == nil {
		return
	}
	unsent, seconds := 0, []float64{}
	whole := map[schema.Scope]bool{}
	ended := map[schema.Scope]time.Time{}
	for _, r := range in.results {
		scope := unsliced(r.Scope)
		if r.PublishErr != nil || r.ArchiveErr != nil {
			unsent++
		}
		if known, ok := whole[scope]; !ok || known {
			whole[scope] = r.Outcome.Complete()
		}
		ended[scope] = r.Run.Time().Add(r.Duration)
	}
	for scope, at := range in.hinted {
		if whole[scope] {
			seconds = append(seconds, ended[scope].Sub(at).Seconds())
		}
	}
	type metric struct{ Name, Unit string }
	metrics := []metric{{"spoke_runs", "Count"}, {"spoke_unsent_runs", "Count"}}
	line := map[string]any{"account": f.source.account, "spoke_runs": len(in.results), "spoke_unsent_runs": unsent}
	if len(seconds) > 0 {
		metrics = append(metrics, metric{"spoke_hint_seconds", "Seconds"})
		line["spoke_hint_seconds"] = seconds[:min(len(seconds), maxValues)]
	}
	line["_aws"] = map[string]any{
		"Timestamp": time.Now().UnixMilli(),
		"CloudWatchMetrics": []map[string]any{{"Namespace": "Observability", "Dimensions": [][]string{{"account"}},
			"Metrics": metrics}},
	}
	if err := json.NewEncoder(f.stdout).Encode(line); err != nil {
		f.log.Warn("the metrics of this invocation are not written", "error", err)
	}
}

// maxValues is how many values of a metric CloudWatch takes in one line.
const maxValues = 100
