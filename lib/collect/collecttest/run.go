package collecttest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"

	"github.com/hubspoke/observability/lib/awsanswer"
	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/goldentest"
	"github.com/hubspoke/observability/lib/schema"
)

// The environment of every run, but for what the env.json of a scenario says.
const (
	// Account that is collected.
	Account = "111122223333"
	// Region of the API that is asked.
	Region = "eu-west-1"
)

// Now is when every run starts.
var Now = time.Date(2026, time.October, 20, 6, 30, 0, 0, time.UTC)

// attempts is how often the SDK tries a request.
const attempts = 3

// Option changes how Run tests.
type Option func(*options)

type options struct {
	action   func(call string) string
	snapshot snapshotFunc
}

// Actions says by which IAM action a call (service:Operation) is allowed, where its
// name is another one: s3:ListBuckets is allowed by s3:ListAllMyBuckets. Defaults to
// the name of the call.
func Actions(action func(call string) string) Option {
	return func(o *options) { o.action = action }
}

// Snapshots runs the collector also with answers that have every member: see the package
// documentation. snapshot returns the body of the answer of an operation, in the protocol of
// its service, or nil if there is none. Defaults to none.
func Snapshots(snapshot func(serviceID, operation string) ([]byte, error)) Option {
	return func(o *options) { o.snapshot = snapshot }
}

// Run tests a collector against the recordings in testdata/<category>/, in parallel
// with other tests. The package documentation has the format of recordings and the rules.
func Run[T any](t *testing.T, c collect.Collector[T], o ...Option) {
	t.Helper()
	t.Parallel()
	runAll(t, c, func(name string, test func(testing.TB)) {
		t.Run(name, func(t *testing.T) { test(t) })
	}, o...)
}

// runAll tests a collector; sub runs the test of one scenario.
func runAll[T any](t testing.TB, c collect.Collector[T], sub func(name string, test func(testing.TB)), o ...Option) {
	t.Helper()
	if err := collect.Validate(c); err != nil {
		t.Fatal(err)
	}
	all := options{action: func(call string) string { return call }}
	for _, set := range o {
		set(&all)
	}
	list, err := scenarios(c.Category.Name(), c.Reach)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := kept(c.Category.Name())
	if err != nil {
		t.Fatal(err)
	}
	checkScenarios(t, c.Declaration(), list)
	suites := make([]*suite[T], len(list))
	for i := range list {
		suites[i] = &suite[T]{scenario: list[i], collector: c, kept: kept, action: all.action}
		if list[i].name == "" {
			suites[i].run(t)
		} else {
			sub(list[i].name, suites[i].run)
		}
	}
	if t.Failed() {
		return
	}
	checkCalls(t, c.Calls, suites)
	checkColumns(t, c.Table(), suites)
	checkKept(t, kept, list)
	if all.snapshot != nil {
		suites[0].checkSnapshots(t, callsOf(suites), all.snapshot)
	}
}

// checkScenarios checks that each way to collect has a scenario.
func checkScenarios(t testing.TB, d collect.Declaration, list []scenario) {
	t.Helper()
	var since, global bool
	for _, s := range list {
		since = since || !s.env.Since.IsZero()
		global = global || s.env.Global
	}
	if incremental := d.Incremental != nil; incremental != since {
		t.Errorf("testdata/%s: a scenario with since in env.json: %v; the collector is incremental: %v",
			d.Category, since, incremental)
	}
	if d.Reach == collect.PerRegionAndGlobal && !global {
		t.Errorf(`testdata/%s: no scenario has "global": true in env.json, `+
			`and the collector is for regions and for what has none`, d.Category)
	}
}

// run tests one scenario.
func (s *suite[T]) run(t testing.TB) {
	t.Helper()
	got, err := s.collect(t.Context(), &replay{}, nil)
	if len(got.replay.unknown) > 0 {
		t.Fatalf("requests without a recording in testdata/%s:\n%s", s.dir, strings.Join(got.replay.unknown, "\n"))
	}
	for _, r := range s.recordings {
		if !got.replay.used[r.place] {
			t.Errorf("no request uses the recording %s", r.place)
		}
	}
	if s.name != "" {
		goldentest.Equal(t, s.dir+"/want.outcome", outcome(len(got.rows), err))
	} else if err != nil {
		t.Errorf("Collect: %v", err)
	}
	if s.name == "" || len(got.rows) > 0 {
		goldentest.Equal(t, s.dir+"/want.ndjson", bytes.Join(append(got.lines, nil), []byte("\n")))
	}
	if t.Failed() {
		return // what follows compares with a run that is right
	}
	s.want = got
	s.checkKeysAndSlices(t)
	s.checkSecrets(t)
	if err != nil {
		return // nothing worse can happen to it
	}
	answered := func(i int) bool { _, ok := got.replay.served[i]; return ok }
	for _, i := range s.ends(answered) {
		s.checkDenied(t, i)
		s.checkList(t, i)
	}
	for _, i := range s.ends(func(i int) bool { _, paged := s.pageBefore(i); return answered(i) && paged }) {
		s.checkToken(t, i)
	}
	for _, i := range s.ends(func(int) bool { return true }) {
		s.checkThrottled(t, i)
		s.checkCanceled(t, i)
	}
	s.checkEmitError(t)
}

// ends returns the numbers of the first and the last request of each operation, of
// those that pick accepts: what happens between them happens to them, too.
func (s *suite[T]) ends(pick func(number int) bool) []int {
	first, last := map[string]int{}, map[string]int{}
	for number, operation := range s.want.replay.operations {
		if !pick(number) {
			continue
		}
		if _, known := first[operation]; !known {
			first[operation] = number
		}
		last[operation] = number
	}
	numbers := slices.AppendSeq(slices.Collect(maps.Values(first)), maps.Values(last))
	slices.Sort(numbers)
	return slices.Compact(numbers)
}

// suite is the tests of one collector in one scenario.
type suite[T any] struct {
	scenario
	collector collect.Collector[T]
	kept      map[string]string
	action    func(call string) string
	want      result[T] // of a run in which nothing went wrong that is not recorded
}

// result is what one run of the collector did.
type result[T any] struct {
	replay *replay
	rows   []T
	lines  [][]byte // rows as JSON
}

// collect runs the collector once. The result is valid also where it fails.
func (s *suite[T]) collect(ctx context.Context, r *replay, emitError func(row int) error) (result[T], error) {
	r.recordings = s.recordings
	r.used, r.calls, r.served = map[string]bool{}, map[string]string{}, map[int]served{}
	res := result[T]{replay: r}
	env := s.collectEnv(r)
	encode, release := encoder(s.collector.Category)
	defer release()
	var mu sync.Mutex
	err := s.collector.Collect(ctx, env, func(row T) error {
		mu.Lock()
		defer mu.Unlock()
		if emitError != nil {
			if err := emitError(len(res.rows)); err != nil {
				return err
			}
		}
		line, err := encode(&row)
		if err != nil {
			return fmt.Errorf("row %d: %w", len(res.rows), err)
		}
		res.rows, res.lines = append(res.rows, row), append(res.lines, line)
		return nil
	})
	return res, err
}

// config is an AWS configuration. r answers its requests, without pauses between the
// attempts.
func config(region string, r *replay) aws.Config {
	return awsanswer.Install(aws.Config{
		Region: region,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "example", Source: "collecttest"}, nil
		}),
		HTTPClient: r,
		Retryer: func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) {
				o.MaxAttempts = attempts
				o.RateLimiter = ratelimit.None
				o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
			})
		},
	})
}

// checkCalls compares the calls of all scenarios together with those declared.
func checkCalls[T any](t testing.TB, calls []string, suites []*suite[T]) {
	t.Helper()
	declared, called := slices.Sorted(slices.Values(calls)), slices.Sorted(maps.Keys(callsOf(suites)))
	if !slices.Equal(declared, called) {
		t.Errorf("Calls declares\n\t%s\nthe operations called are\n\t%s",
			strings.Join(declared, " "), strings.Join(called, " "))
	}
}

// callsOf returns the calls of all scenarios together, with the IDs of their services.
func callsOf[T any](suites []*suite[T]) map[string]string {
	all := map[string]string{}
	for _, s := range suites {
		maps.Copy(all, s.want.replay.calls)
	}
	return all
}

// checkColumns checks that the rows of all scenarios together fill every column.
func checkColumns[T any](t testing.TB, table *schema.Table, suites []*suite[T]) {
	t.Helper()
	var lines [][]byte
	for _, s := range suites {
		lines = append(lines, s.want.lines...)
	}
	filled := filledColumns(t, lines)
	for _, c := range table.Columns() {
		if !filled[c.Name] {
			t.Errorf("column %s is filled in no row; let a recording have a value for it", c.Name)
		}
	}
}

// filledColumns returns the columns that are not null in at least one row, and those that need
// not be filled.
func filledColumns(t testing.TB, lines [][]byte) map[string]bool {
	t.Helper()
	filled := map[string]bool{deniedColumn: true}
	for _, line := range lines {
		for column := range object(t, line) {
			filled[column] = true
		}
	}
	return filled
}

func (s *suite[T]) checkKeysAndSlices(t testing.TB) {
	t.Helper()
	table := s.collector.Table()
	var days []string
	if s.collector.Slices != nil {
		days = s.collector.Slices(s.collectEnv(nil).Now)
		for _, day := range days {
			scope := schema.Scope{Category: table.Name(), Account: Account, Region: Region, Slice: day}
			if err := errors.Join(scope.Validate(), table.ValidateSlice(day)); err != nil {
				t.Errorf("Slices: %v", err)
			}
		}
	}
	seen := map[string]bool{}
	for i, line := range s.want.lines {
		row := object(t, line)
		key := key(table, row)
		if seen[key] {
			t.Errorf("row %d: the key %s is there twice", i, key)
		}
		seen[key] = true
		if column := table.SliceColumn(); column >= 0 {
			if slice := fmt.Sprint(row[table.Columns()[column].Name]); !slices.Contains(days, slice) {
				t.Errorf("row %d lies in slice %s, which Slices does not name", i, slice)
			}
		}
	}
}

// checkDenied denies request i, and only that.
func (s *suite[T]) checkDenied(t testing.TB, i int) {
	t.Helper()
	got, err := s.collect(t.Context(), &replay{fault: denied, at: i, times: 1}, nil)
	if len(got.replay.refused) == 0 {
		t.Errorf("request %d was not made again in a second run", i)
		return
	}
	action := s.action(got.replay.refused[0])
	if err != nil {
		if outcome := collect.Classify(err); outcome != schema.Denied {
			t.Errorf("%s (request %d) denied: the error is classified as %s, not denied: %v", action, i, outcome, err)
		}
	} else if len(got.lines) != len(s.want.lines) {
		t.Errorf("%s (request %d) denied: %d rows instead of %d, and no error", action, i, len(got.lines), len(s.want.lines))
	}
	s.compareNulls(t, fmt.Sprintf("%s (request %d) denied", action, i), got.lines, action)
}

// compareNulls checks that each row equals the row of the same key in the run
// that went well, but for columns that are null.
func (s *suite[T]) compareNulls(t testing.TB, when string, lines [][]byte, action string) {
	t.Helper()
	table := s.collector.Table()
	want := map[string]map[string]any{}
	for _, line := range s.want.lines {
		row := object(t, line)
		want[key(table, row)] = row
	}
	for _, line := range lines {
		row := object(t, line)
		right, known := want[key(table, row)]
		if !known {
			t.Errorf("%s: a row appears that is not there otherwise: %s", when, line)
			continue
		}
		for column, value := range row {
			switch {
			case fmt.Sprint(value) == fmt.Sprint(right[column]):
			case column == deniedColumn && slices.Contains(value.([]any), any(action)):
			default:
				t.Errorf("%s: column %s is %v; with an answer it is %v, without it must be null",
					when, column, value, right[column])
			}
		}
	}
}

// checkThrottled throttles request i once, which a retry mends, and then in every
// attempt, but no other request.
func (s *suite[T]) checkThrottled(t testing.TB, i int) {
	t.Helper()
	got, err := s.collect(t.Context(), &replay{fault: throttled, at: i, times: 1}, nil)
	if err != nil {
		t.Errorf("request %d throttled once: %v", i, err)
	} else if !slices.EqualFunc(got.lines, s.want.lines, bytes.Equal) {
		t.Errorf("request %d throttled once: the rows differ from those of a run that was not throttled", i)
	}

	got, err = s.collect(t.Context(), &replay{fault: throttled, at: i, times: attempts}, nil)
	if outcome := collect.Classify(err); outcome != schema.Throttled {
		t.Errorf("request %d throttled in every attempt: outcome %s, not throttled: %v", i, outcome, err)
	}
	s.compareNulls(t, fmt.Sprintf("request %d throttled", i), got.lines, "")
}

// checkCanceled ends the context with request i.
func (s *suite[T]) checkCanceled(t testing.TB, i int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	got, err := s.collect(ctx, &replay{cancel: cancel, cancelAt: i}, nil)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("context canceled in request %d: the error is %v", i, err)
	}
	if more := got.replay.requests - i - 1; more > 0 {
		t.Errorf("context canceled in request %d: %d more requests", i, more)
	}
}

var errEmit = errors.New("collecttest: emit refuses the row")

func (s *suite[T]) checkEmitError(t testing.TB) {
	t.Helper()
	last := len(s.want.rows) - 1
	if last < 0 {
		return
	}
	calls := 0
	_, err := s.collect(t.Context(), &replay{}, func(row int) error {
		if calls++; row == last/2 {
			return errEmit
		}
		return nil
	})
	if !errors.Is(err, errEmit) {
		t.Errorf("emit failed with %v, Collect returned %v", errEmit, err)
	}
	if calls > last/2+1 {
		t.Errorf("emit was called again after it failed")
	}
}

// deniedColumn names the actions that were denied for a row.
const deniedColumn = "denied_actions"

// key returns the key columns of a row as text.
func key(table *schema.Table, row map[string]any) string {
	var parts []string
	for _, k := range table.Keys() {
		parts = append(parts, fmt.Sprintf("%q", fmt.Sprint(row[table.Columns()[k].Name])))
	}
	return strings.Join(parts, " ")
}

// object parses a row.
func object(t testing.TB, line []byte) map[string]any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	row := map[string]any{}
	if err := d.Decode(&row); err != nil {
		t.Fatalf("%v: %s", err, line)
	}
	return row
}
