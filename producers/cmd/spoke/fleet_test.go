package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"

	"github.com/hubspoke/observability/internal/programtest"
	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/envelope"
	"github.com/hubspoke/observability/lib/schema"
)

// world is AWS as a fleet sees it: accounts, their regions, and what was collected.
type world struct {
	mu        sync.Mutex
	accounts  map[string]*worldAccount
	collected map[schema.Scope]int
	opened    map[string]int // destinations, by account
	looks     int
	listing   error // why the accounts cannot be listed
}

type worldAccount struct {
	regions       []string
	refused, list error
	inactive      string
}

func newWorld(accounts map[string]*worldAccount) *world {
	return &world{accounts: accounts, collected: map[schema.Scope]int{}, opened: map[string]int{}}
}

// change changes the world.
func (w *world) change(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
}

// took returns how often each account and region was collected since the last call.
func (w *world) took() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var text []string
	for scope, n := range w.collected {
		text = append(text, fmt.Sprintf("%s/%s/%s:%d", scope.Account, scope.Region, scope.Category, n))
	}
	clear(w.collected)
	slices.Sort(text)
	return strings.Join(text, " ")
}

// sources are the accounts as they are now, each with its regions by list.
func (w *world) sources(context.Context) ([]source, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.listing != nil {
		return nil, w.listing
	}
	collects := func(name string, reach collect.Reach) collect.Any {
		return collect.Collector[thing]{
			Category: schema.Of[thing](schema.Spec{Name: name, Mode: schema.Snapshot}),
			Reach:    reach, Every: time.Hour, Calls: []string{"x:ListThings"},
			Collect: func(_ context.Context, env *collect.Env, _ func(thing) error) error {
				w.mu.Lock()
				defer w.mu.Unlock()
				region := env.Region
				if env.Global {
					region = "global"
				}
				w.collected[schema.Scope{Account: env.Account, Region: region, Category: name}]++
				return nil
			},
		}
	}
	var sources []source
	for _, id := range slices.Sorted(maps.Keys(w.accounts)) {
		s := source{
			account: id, partition: "aws", home: "eu-central-1", pulled: true, inactive: w.accounts[id].inactive,
			aws:        func(region string) aws.Config { return aws.Config{Region: region} },
			collectors: []collect.Any{collects("here", collect.PerRegion), collects("once", collect.Global)},
		}
		s.verify = func(context.Context) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.looks++
			return w.accounts[id].refused
		}
		s.list = func(context.Context) ([]string, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			return slices.Clone(w.accounts[id].regions), w.accounts[id].list
		}
		sources = append(sources, s)
	}
	return sources, nil
}

// fleet returns a fleet that collects the world, and what it logs.
func (w *world) fleet(t *testing.T) (*fleet, *programtest.Buffer) {
	t.Helper()
	packer, err := envelope.NewPacker(envelope.Config{})
	if err != nil {
		t.Fatal(err)
	}
	log := new(programtest.Buffer)
	f := newFleet(collect.Config{Workers: collect.NewWorkers(4), Jitter: 1,
		Logger: slog.New(slog.NewTextHandler(log, nil))})
	f.metrics, f.price = newMetrics(""), func(source) float64 { return 0 }
	f.shared.Hooks = f.metrics.hooks()
	f.open = func(_ context.Context, s source) (destination, error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.opened[s.account]++
		return destination{packer: packer}, nil
	}
	return f, log
}

// during runs a fleet of the world while do is called, in virtual time.
func (w *world) during(t *testing.T, do func(f *fleet, log *programtest.Buffer)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f, log := w.fleet(t)
		sources, _ := w.sources(t.Context())
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- f.run(ctx, sources, w.sources) }()
		synctest.Wait()
		do(f, log)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func (w *world) wantTook(t *testing.T, what, want string) {
	t.Helper()
	synctest.Wait()
	if got := w.took(); got != want {
		t.Errorf("%s: collected %q, want %q", what, got, want)
	}
}

func wantAccounts(t *testing.T, f *fleet, collected, refused, inactive int) {
	t.Helper()
	answer := httptest.NewRecorder()
	f.metrics.handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for state, want := range map[string]int{"collected": collected, "refused": refused, "inactive": inactive} {
		if line := fmt.Sprintf("spoke_accounts{state=%q} %d\n", state, want); !strings.Contains(answer.Body.String(), line) {
			t.Errorf("%q is not in the metrics:\n%s", line, regexp.MustCompile("spoke_accounts{.*").FindAllString(
				answer.Body.String(), -1))
		}
	}
}

// wantAccounts compares the accounts and regions that have series of their own.
func (m *metrics) wantAccounts(t *testing.T, want ...string) {
	t.Helper()
	families, err := m.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]map[string]bool{
		"spoke_account_runs_total": {}, "spoke_account_last_complete_run_timestamp_seconds": {},
	}
	for _, family := range families {
		for _, metric := range family.Metric {
			labels := map[string]string{}
			for _, l := range metric.Label {
				labels[l.GetName()] = l.GetValue()
			}
			if seen[family.GetName()] != nil {
				seen[family.GetName()][labels["account"]+" "+labels["region"]] = true
			}
		}
	}
	for name, series := range seen {
		if got := slices.Sorted(maps.Keys(series)); !slices.Equal(got, want) {
			t.Errorf("%s is there for %q, want %q", name, got, want)
		}
	}
}

// lookTime is a time after which every account was looked at again.
const lookTime = lookEvery + lookEvery/10 + time.Minute

func TestRegionsComeAndGo(t *testing.T) {
	one := &worldAccount{regions: []string{"eu-central-1"}}
	w := newWorld(map[string]*worldAccount{"111111111111": one})
	w.during(t, func(f *fleet, log *programtest.Buffer) {
		w.wantTook(t, "at the start", "111111111111/eu-central-1/here:1 111111111111/global/once:1")

		w.change(func() { one.regions = []string{"ap-east-1", "eu-central-1"} })
		f.lookAgain("222222222222") // nobody: nothing happens
		f.lookAgain("111111111111")
		w.wantTook(t, "a region that was switched on, at once", "111111111111/ap-east-1/here:1")
		if r, known := f.runnersOf("111111111111"); len(r) != 2 || !known {
			t.Errorf("%d runners", len(r))
		}

		w.change(func() { one.regions = []string{"eu-central-1"} })
		time.Sleep(lookTime)
		w.took()
		time.Sleep(lookTime)
		if took := w.took(); strings.Contains(took, "ap-east-1") || !strings.Contains(took, "eu-central-1") {
			t.Errorf("a region that was switched off: collected %s", took)
		}

		f.metrics.wantAccounts(t, "111111111111 eu-central-1", "111111111111 global")

		w.change(func() { one.list = &smithy.GenericAPIError{Code: "UnauthorizedOperation"} })
		time.Sleep(lookTime)
		w.took()
		time.Sleep(lookTime)
		if took := w.took(); !strings.Contains(took, "eu-central-1") {
			t.Errorf("regions that cannot be listed again: collected %q", took)
		}
		wantAccounts(t, f, 1, 0, 0)
		for text, n := range map[string]int{"a region is switched on, and": 1, "a region is switched off": 1,
			"msg=collecting": 1} {
			if got := strings.Count(log.String(), text); got != n {
				t.Errorf("%q is logged %d times, want %d\n%s", text, got, n, log)
			}
		}
	})
	if w.opened["111111111111"] != 1 {
		t.Errorf("destinations were opened %d times", w.opened["111111111111"])
	}
}

func TestAccountsComeAndGo(t *testing.T) {
	w := newWorld(map[string]*worldAccount{
		"111111111111": {regions: []string{"eu-central-1"}},
		"222222222222": {regions: []string{"eu-central-1"}},
		"333333333333": {inactive: "SUSPENDED"},
	})
	w.during(t, func(f *fleet, log *programtest.Buffer) {
		if took := w.took(); !strings.Contains(took, "111111111111") || !strings.Contains(took, "222222222222") ||
			strings.Contains(took, "333333333333") {
			t.Errorf("at the start: %s", took)
		}
		wantAccounts(t, f, 2, 0, 1)
		w.change(func() {
			w.accounts["222222222222"].inactive = "SUSPENDED"
			w.accounts["444444444444"] = &worldAccount{regions: []string{"eu-central-1"}}
			delete(w.accounts, "111111111111")
		})
		time.Sleep(lookTime)
		w.took()
		time.Sleep(lookTime)
		if took := w.took(); !strings.Contains(took, "444444444444") || strings.Contains(took, "111111111111") ||
			strings.Contains(took, "222222222222") {
			t.Errorf("an hour later: %s", took)
		}
		wantAccounts(t, f, 1, 0, 2)

		f.metrics.wantAccounts(t, "444444444444 eu-central-1", "444444444444 global")

		w.change(func() { w.listing = errors.New("AWS is away") })
		time.Sleep(lookTime)
		w.took()
		time.Sleep(lookTime)
		if took := w.took(); !strings.Contains(took, "444444444444") {
			t.Errorf("accounts that cannot be listed: %s", took)
		}
		for _, id := range []string{"222222222222", "333333333333"} {
			line := "msg=\"an account is not active and not collected\" account=" + id + " state=SUSPENDED"
			if got := strings.Count(log.String(), line); got != 1 {
				t.Errorf("%s is named %d times\n%s", id, got, log)
			}
		}
		if !strings.Contains(log.String(), "AWS is away") {
			t.Errorf("the log does not say that accounts cannot be listed:\n%s", log)
		}
	})
}

// TestRoleThatRefuses stops its account and no other, is said once, and is tried again.
func TestRoleThatRefuses(t *testing.T) {
	denied := fmt.Errorf("role: %w", &smithy.GenericAPIError{Code: "AccessDenied"})
	bad := &worldAccount{regions: []string{"eu-central-1"}, refused: denied}
	w := newWorld(map[string]*worldAccount{"111111111111": bad, "222222222222": {regions: []string{"eu-central-1"}}})
	w.during(t, func(f *fleet, log *programtest.Buffer) {
		w.wantTook(t, "at the start", "222222222222/eu-central-1/here:1 222222222222/global/once:1")
		wantAccounts(t, f, 1, 1, 0)
		looks := func() int {
			w.mu.Lock()
			defer w.mu.Unlock()
			defer func() { w.looks = 0 }()
			return w.looks
		}
		looks()
		time.Sleep(31*time.Minute + time.Second) // after 1, 3, 7, 15 and 31 minutes
		synctest.Wait()
		if n := looks(); n != 5 {
			t.Errorf("looked %d times in half an hour, want 5", n)
		}
		w.change(func() { bad.refused = nil })
		w.took()
		time.Sleep(33 * time.Minute)
		synctest.Wait()
		if took := w.took(); !strings.Contains(took, "111111111111") {
			t.Errorf("after the role was mended: %s", took)
		}
		wantAccounts(t, f, 2, 0, 0)

		// A fault that passes ends nothing; a refusal does.
		w.change(func() { bad.refused = context.Canceled })
		time.Sleep(lookTime)
		w.took()
		time.Sleep(lookTime)
		if took := w.took(); !strings.Contains(took, "111111111111") {
			t.Errorf("with STS away: %s", took)
		}
		w.change(func() { bad.refused = denied })
		time.Sleep(lookTime)
		w.took()
		time.Sleep(lookTime)
		if took := w.took(); strings.Contains(took, "111111111111") || !strings.Contains(took, "222222222222") {
			t.Errorf("with a role that refuses again: %s", took)
		}
		wantAccounts(t, f, 1, 1, 0)
		// That it is behind must be seen.
		f.metrics.wantAccounts(t, "111111111111 eu-central-1", "111111111111 global", "222222222222 eu-central-1",
			"222222222222 global")
		if n := strings.Count(log.String(), "msg=\"an account is not collected\" account=111111111111"); n != 2 {
			t.Errorf("refused twice, said %d times\n%s", n, log)
		}
	})
}
