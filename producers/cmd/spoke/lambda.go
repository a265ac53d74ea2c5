package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
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
	Events string `placeholder:"URL" help:"SQS queue of events. What did not fit into an invocation goes back there. Defaults to none: then the invocation fails, and is repeated."`
}

// Help is shown by `spoke lambda -h`.
func (lambdaCommand) Help() string {
	return `For the provided.al2023 runtime, with this program as bootstrap, the handler lambda, and every
flag as an environment variable (SPOKE_STREAM and so on). It is invoked by

- a schedule of EventBridge Scheduler, with one of these as input:

    {"spoke":1,"every":"1h","scheduled":"<aws.scheduler.scheduled-time>"}   categories of this interval
    {"spoke":1,"category":["kms_keys"]}                                     these
    {"spoke":1,"full":true}                                                 all that are read incrementally

- the queue of events (see 'spoke rules'), by an event source mapping with ReportBatchItemFailures.

Nothing is kept between invocations: what can be read incrementally is asked for two intervals,
and read as a whole by a daily schedule with "full". See docs/operations.md.`
}

// Run serves invocations until the runtime ends the process.
func (c lambdaCommand) Run(ctx context.Context, p program.Program, find findSources, log *slog.Logger) error {
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") == "" {
		return program.Usagef("this is not the Lambda runtime (AWS_LAMBDA_RUNTIME_API is not set); elsewhere use: spoke run")
	}
	f, err := c.function(ctx, p, find, log)
	if err != nil {
		return err
	}
	lambda.StartWithOptions(f.invoke, lambda.WithContext(ctx))
	return nil
}

// function is the Lambda function. It is invoked again after it has answered.
type function struct {
	lambdaCommand
	find   findSources
	config collect.Config // of all runners; lacks what an invocation is about
	home   source
	queue  *queue    // nil without one
	stdout io.Writer // of metrics
	log    *slog.Logger

	// covered are changes that complete runs have shown, while the process lives.
	covered map[schema.Scope]time.Time
}

const (
	// lambdaConcurrent is how many collections run at the same time by default.
	lambdaConcurrent = 8
	// lambdaPatience is how long a stream that refuses is tried: the next schedule sends again.
	lambdaPatience = time.Minute
	// lambdaTries is how often a scope may not fit into an invocation.
	lambdaTries = 3
)

func (c lambdaCommand) function(ctx context.Context, p program.Program, find findSources, log *slog.Logger) (*function,
	error) {
	switch {
	case c.pulls():
		return nil, program.Usagef("spoke lambda collects its own account: leave out --account and --organization, or use " +
			"'spoke run' for several")
	case c.Stream == "" && c.Bucket == "":
		return nil, program.Usagef("nowhere to send rows to: set SPOKE_STREAM or SPOKE_BUCKET")
	}
	if err := cmp.Or(c.validateFor(c.sourceFlags), c.validatePersonal()); err != nil {
		return nil, err
	}
	c.warnOfUnknownLabels(log)
	f := &function{lambdaCommand: c, find: find, stdout: p.Stdout, log: log, covered: map[schema.Scope]time.Time{}}
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
	f.home = sources[0]
	policy, err := c.personalPolicy(ctx, sources, own, log)
	if err != nil {
		return nil, err
	}
	opener, err := c.opener(log, kinesis.Hooks{})
	if err != nil {
		return nil, err
	}
	opener.patience = lambdaPatience
	to, err := opener.open(ctx, f.home.home, own)
	if err != nil {
		return nil, err
	}
	f.home.to = &to
	f.config = collect.Config{
		Services:        collectors.Services(),
		Workers:         collect.NewWorkers(cmp.Or(c.Concurrent, lambdaConcurrent)),
		MaxPaidRequests: c.MaxPaidRequests,
		Personal:        policy,
		Labels:          c.Label,
		Version:         p.VersionText(),
		Logger:          log,
	}
	return f, nil
}

// task is the input of a schedule, and what goes back into the queue.
type task struct {
	Spoke     int       `json:"spoke"`              // version of this format: 1
	Every     string    `json:"every,omitempty"`    // categories of this interval, or
	Category  []string  `json:"category,omitempty"` // these
	Region    []string  `json:"region,omitempty"`   // defaults to those of the function
	Full      bool      `json:"full,omitempty"`     // incremental categories read everything
	Scheduled time.Time `json:"scheduled,omitzero"` // when it was due; defaults to now
	Tries     int       `json:"tries,omitempty"`    // how often it did not fit before
}

// parseTask returns false if the message is no task at all.
func parseTask(message []byte) (task, bool, error) {
	var version struct {
		Spoke *int `json:"spoke"`
	}
	if json.Unmarshal(message, &version) != nil || version.Spoke == nil {
		return task{}, false, nil
	}
	if *version.Spoke != 1 {
		return task{}, true, program.Usagef("the input has version %d in \"spoke\", and this program knows 1: deploy the "+
			"function and its schedules from the same release", *version.Spoke)
	}
	var t task
	decoder := json.NewDecoder(strings.NewReader(string(message)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&t); err != nil {
		return t, true, program.Usagef("the input is not understood: %w", err)
	}
	if t.Every != "" && len(t.Category) > 0 {
		return t, true, program.Usagef("the input has both \"every\" and \"category\"")
	}
	if t.Every == "" && len(t.Category) == 0 && !t.Full {
		return t, true, program.Usagef("the input has none of \"every\", \"category\" and \"full\"")
	}
	return t, true, nil
}

// invoke answers an invocation.
func (f *function) invoke(ctx context.Context, input json.RawMessage) (any, error) {
	var batch struct {
		Records *[]lambdaevents.SQSMessage `json:"Records"`
	}
	if json.Unmarshal(input, &batch) == nil && batch.Records != nil {
		return f.hear(ctx, *batch.Records)
	}
	t, known, err := parseTask(input)
	if err == nil && !known {
		err = program.Usagef("the input is neither a schedule's ({\"spoke\":1,…}) nor a batch of SQS ({\"Records\":[…]})")
	}
	if err != nil {
		return nil, err
	}
	m := new(invocation)
	defer f.measure(m)
	return nil, f.work(ctx, t, m)
}

// invocation is what one invocation did.
type invocation struct {
	runs, unsent int
	hints        []float64 // seconds from an event to the end of the complete run that answers it
}

// work collects what a task is about. The error is for what another invocation may do better.
func (f *function) work(ctx context.Context, t task, m *invocation) error {
	due := t.Scheduled
	if due.IsZero() || due.After(time.Now()) {
		due = time.Now()
	}
	runner, source, err := f.runner(ctx, t, due)
	if err != nil {
		return err
	}
	results, left, err := f.collect(ctx, runner, runner.Scopes(), m)
	if err := f.putBack(ctx, source, left, t); err != nil {
		return err
	}
	if len(retryable(results, left)) == 0 {
		return nil // a permission that is missing is so the next time, too
	}
	return err
}

// retryable returns the scopes for which another invocation may do better, but for those
// that are left.
func retryable(results []collect.Result, left []schema.Scope) (scopes []schema.Scope) {
	for _, r := range results {
		if scope := whole(r.Scope); r.Retryable() && !slices.Contains(left, scope) {
			scopes = append(scopes, scope)
		}
	}
	return scopes
}

// whole returns the scope of all slices.
func whole(scope schema.Scope) schema.Scope {
	scope.Slice = ""
	return scope
}

// runner returns a runner of what a task is about.
func (f *function) runner(ctx context.Context, t task, due time.Time) (*collect.Runner, source, error) {
	flags := f.sourceFlags
	if len(t.Region) > 0 {
		flags.Region = t.Region
		flags.HomeRegion = f.home.home
	}
	sources, err := f.find(ctx, flags, f.log)
	if err != nil {
		return nil, source{}, err
	}
	s := sources[0]
	s.to = f.home.to
	if s.collectors, err = t.choose(s.collectors); err != nil {
		return nil, s, err
	}
	config := f.config
	if !t.Full {
		config.Due = due
	}
	if deadline, ok := ctx.Deadline(); ok {
		config.Grace = margin(deadline) / 2
	}
	runner, err := collect.New(s.config(config, s.regions...))
	return runner, s, err
}

// choose returns the collectors of a task.
func (t task) choose(all []collect.Any) (chosen []collect.Any, err error) {
	every, err := time.ParseDuration(cmp.Or(t.Every, "0s"))
	if err != nil {
		return nil, program.Usagef("\"every\" is %q, and no interval such as 1h", t.Every)
	}
	if len(t.Category) > 0 {
		return sourceFlags{Category: t.Category}.choose(all)
	}
	intervals := map[string]bool{}
	for _, c := range all {
		d := c.Declaration()
		intervals[short(d.Every)] = true
		if t.Every != "" && d.Every == every || t.Every == "" && d.Incremental != nil {
			chosen = append(chosen, c)
		}
	}
	if len(chosen) == 0 {
		return nil, program.Usagef("no category that this function collects has the interval %q: there are %v", t.Every,
			slices.Sorted(maps.Keys(intervals)))
	}
	return chosen, nil
}

// margin is how long before its end an invocation stops to collect.
func margin(deadline time.Time) time.Duration { return min(time.Until(deadline)/10, 30*time.Second) }

// collect collects scopes until shortly before the invocation ends. left are those that were
// not collected, or were cut.
func (f *function) collect(ctx context.Context, runner *collect.Runner, scopes []schema.Scope, m *invocation) (
	results []collect.Result, left []schema.Scope, err error) {
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-margin(deadline)))
		defer cancel()
	}
	results, err = runner.OnceOf(ctx, scopes)
	if partial, ok := errors.AsType[*collect.PartialError](err); ok {
		left = partial.NotStarted
	}
	for _, r := range results {
		m.runs++
		if r.PublishErr != nil || r.ArchiveErr != nil {
			m.unsent++
		}
		scope := whole(r.Scope)
		switch {
		case ctx.Err() != nil && errors.Is(r.CollectErr, ctx.Err()) && !slices.Contains(left, scope):
			left = append(left, scope)
		case r.Fault() == nil:
			f.covered[scope] = r.Run.Time().Add(-settled)
		}
	}
	return results, left, err
}

// settled is how old a change must be for a run to show it for sure.
const settled = 2 * time.Second

// putBack sends what did not fit into the invocation to the queue, each scope for itself. One
// that did not fit several times, even alone, is left to the next schedule.
func (f *function) putBack(ctx context.Context, s source, left []schema.Scope, of task) error {
	var messages []string
	for _, scope := range left {
		if of.Tries+1 >= lambdaTries {
			f.log.Error("a scope does not fit into an invocation: run this category as a task "+
				"(docs/operations.md#large-accounts)", "category", scope.Category, "region", scope.Region, "tries", of.Tries+1)
			continue
		}
		region := scope.Region
		if region == schema.GlobalRegion {
			region = s.home
		}
		message, err := json.Marshal(task{Spoke: 1, Category: []string{scope.Category}, Region: []string{region},
			Full: of.Full, Scheduled: of.Scheduled, Tries: of.Tries + 1})
		if err != nil {
			return err
		}
		messages = append(messages, string(message))
	}
	if len(messages) == 0 {
		return nil
	}
	if f.queue == nil {
		return fmt.Errorf("%d scopes did not fit into the invocation, and no queue is given that they could go back to: "+
			"set SPOKE_EVENTS", len(messages))
	}
	f.log.Info("scopes that did not fit into the invocation go back to the queue", "scopes", len(messages))
	for batch := range slices.Chunk(messages, batchSize) {
		if err := f.queue.send(ctx, batch); err != nil {
			return err
		}
	}
	return nil
}

// hear collects the scopes that the messages of a batch are about, each once, and names the
// messages that are to come again because a run may do better then.
func (f *function) hear(ctx context.Context, messages []lambdaevents.SQSMessage) (lambdaevents.SQSEventResponse,
	error) {
	m := new(invocation)
	defer f.measure(m)
	again := lambdaevents.SQSEventResponse{BatchItemFailures: []lambdaevents.SQSBatchItemFailure{}}
	fail := func(id string) {
		again.BatchItemFailures = append(again.BatchItemFailures, lambdaevents.SQSBatchItemFailure{ItemIdentifier: id})
	}
	runner, source, err := f.runner(ctx, task{Category: f.names()}, time.Now())
	if err != nil {
		return again, err
	}
	var scopes []schema.Scope
	of := map[string][]schema.Scope{} // messages
	oldest := map[schema.Scope]time.Time{}
	for _, message := range messages {
		if t, known, err := parseTask([]byte(message.Body)); known {
			if err == nil {
				err = f.work(ctx, t, m)
			}
			if err != nil {
				f.log.Error("what was put back could not be done", "message", message.MessageId, "error", err)
				fail(message.MessageId)
			}
			continue
		}
		event, err := collect.ParseEvent([]byte(message.Body))
		if err != nil {
			f.log.Warn("a message in the queue is no event; it is deleted", "message", message.MessageId, "bytes",
				len(message.Body), "error", err)
			continue
		}
		for _, scope := range runner.ScopesOf(event) {
			if !event.Time.After(f.covered[scope]) {
				continue
			}
			of[message.MessageId] = append(of[message.MessageId], scope)
			if at, known := oldest[scope]; !known {
				scopes, oldest[scope] = append(scopes, scope), event.Time
			} else if event.Time.Before(at) {
				oldest[scope] = event.Time
			}
		}
	}
	results, left, _ := f.collect(ctx, runner, scopes, m) // the results say what the error does
	if err := f.putBack(ctx, source, left, task{}); err != nil {
		return again, err
	}
	for _, r := range results {
		if at := oldest[whole(r.Scope)]; r.Fault() == nil && !at.IsZero() {
			m.hints = append(m.hints, time.Since(at).Seconds())
		}
	}
	better := retryable(results, left)
	for _, message := range messages {
		if slices.ContainsFunc(of[message.MessageId], func(s schema.Scope) bool { return slices.Contains(better, s) }) {
			fail(message.MessageId)
		}
	}
	return again, nil
}

// names returns the categories of the function.
func (f *function) names() (names []string) {
	for _, c := range f.home.collectors {
		names = append(names, c.Table().Name())
	}
	return names
}

// measure writes the metrics of an invocation as a line of CloudWatch's embedded metric format:
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
func (f *function) measure(m *invocation) {
	type metric struct {
		Name, Unit string
	}
	line := map[string]any{
		"spoke_runs": m.runs, "spoke_unsent_runs": m.unsent,
	}
	metrics := []metric{{"spoke_runs", "Count"}, {"spoke_unsent_runs", "Count"}}
	if len(m.hints) > 0 {
		line["spoke_hint_seconds"] = m.hints[:min(len(m.hints), 100)] // no more are allowed
		metrics = append(metrics, metric{"spoke_hint_seconds", "Seconds"})
	}
	line["_aws"] = map[string]any{"Timestamp": time.Now().UnixMilli(), "CloudWatchMetrics": []any{
		map[string]any{"Namespace": "Observability", "Dimensions": [][]string{{}}, "Metrics": metrics},
	}}
	if err := json.NewEncoder(f.stdout).Encode(line); err != nil {
		f.log.Error("the metrics of the invocation are lost", "error", err)
	}
}
