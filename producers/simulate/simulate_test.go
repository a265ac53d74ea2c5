package simulate_test

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"go.uber.org/goleak"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/rowjson"
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/producers/collectors"
	"github.com/hubspoke/observability/producers/simulate"
	"github.com/hubspoke/observability/schemas"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var start = time.Date(2026, 3, 14, 15, 9, 26, 0, time.UTC)

func world(t *testing.T, cfg simulate.Config, steps int) *simulate.World {
	t.Helper()
	if cfg.Start.IsZero() {
		cfg.Start = start
	}
	w, err := simulate.At(cfg, steps)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// contents returns the rows of each scope as JSON, sorted.
func contents(t *testing.T, w *simulate.World) map[schema.Scope][]string {
	t.Helper()
	out := map[schema.Scope][]string{}
	for _, scope := range w.Scopes() {
		table, rec, err := w.Record(scope)
		if err != nil {
			t.Fatal(err)
		}
		encoder, err := rowjson.NewEncoder(table, rec)
		if err != nil {
			t.Fatal(err)
		}
		rows := []string{}
		for row := range int(rec.NumRows()) {
			rows = append(rows, string(encoder.AppendRow(nil, row)))
		}
		rec.Release()
		slices.Sort(rows)
		out[scope] = rows
	}
	return out
}

func equal(a, b map[schema.Scope][]string) bool { return maps.EqualFunc(a, b, slices.Equal) }

func TestTheWorldIsAFunctionOfConfigAndStep(t *testing.T) {
	cfg := simulate.Config{Accounts: 2, Seed: 7, Scale: 0.4}
	first := world(t, cfg, 0)
	for range 60 {
		first.Step()
	}
	if again := world(t, first.Config(), first.Steps()); !equal(contents(t, first), contents(t, again)) {
		t.Error("the same configuration and step make two worlds")
	}
	text, err := json.Marshal(first.Config())
	if err != nil {
		t.Fatal(err)
	}
	var read simulate.Config
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	if !equal(contents(t, first), contents(t, world(t, read, 60))) {
		t.Error("a configuration that was kept as JSON makes another world")
	}
	cfg.Seed = 8
	if equal(contents(t, first), contents(t, world(t, cfg, 60))) {
		t.Error("another seed makes the same world")
	}
	// What happens in an account does not depend on how many others there are.
	one, all := contents(t, world(t, simulate.Config{Accounts: 1, Seed: 7, Scale: 0.4}, 60)), contents(t, first)
	for scope, rows := range one {
		if slices.Contains([]string{schemas.OrganizationAccounts.Name(), schemas.LinkedAccountCosts.Name()}, scope.Category) {
			continue // it has all accounts
		}
		if !slices.Equal(rows, all[scope]) {
			t.Errorf("%v differs in a larger organisation", scope)
		}
	}
}

func TestEveryCategoryChanges(t *testing.T) {
	w := world(t, simulate.Config{Accounts: 2}, 0)
	before := contents(t, w)
	for range 200 {
		w.Step()
	}
	after := contents(t, w)
	for _, table := range schemas.All() {
		var appeared, changed, disappeared int
		for scope, rows := range before {
			if scope.Category != table.Name() {
				continue
			}
			old, now := byKey(t, table, rows), byKey(t, table, after[scope])
			for key, row := range old {
				switch text, exists := now[key]; {
				case !exists:
					disappeared++
				case text != row:
					changed++
				}
			}
			for key := range now {
				if _, existed := old[key]; !existed {
					appeared++
				}
			}
		}
		if simulate.Fixed(table.Name()) {
			if appeared > 0 || changed == 0 || disappeared > 0 {
				t.Errorf("%s: %d rows appeared, %d changed and %d disappeared", table, appeared, changed, disappeared)
			}
			continue
		}
		// What has nothing but its key cannot change.
		if appeared == 0 || changed == 0 && len(table.Keys()) < len(table.Columns()) {
			t.Errorf("%s: %d rows appeared and %d changed", table, appeared, changed)
		}
		if gone := disappeared > 0; gone != (table.Mode() == schema.Snapshot) {
			t.Errorf("%s, %v: %d rows disappeared", table, table.Mode(), disappeared)
		}
	}
}

// byKey indexes rows by the values of their key columns. No two may be the same.
func byKey(t *testing.T, table *schema.Table, rows []string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, row := range rows {
		var values map[string]json.RawMessage
		if err := json.Unmarshal([]byte(row), &values); err != nil {
			t.Fatal(err)
		}
		var key strings.Builder
		for _, k := range table.Keys() {
			key.Write(values[table.Columns()[k].Name])
		}
		if _, twice := out[key.String()]; twice {
			t.Errorf("%s: two rows have the key %s", table, key.String())
		}
		out[key.String()] = row
	}
	return out
}

func TestEveryColumnIsFilled(t *testing.T) {
	filled := map[string]bool{}
	for scope, rows := range contents(t, world(t, simulate.Config{Accounts: 8}, 60)) {
		for _, row := range rows {
			var values map[string]any
			if err := json.Unmarshal([]byte(row), &values); err != nil {
				t.Fatal(err)
			}
			for name, value := range values {
				if value != nil {
					filled[scope.Category+"."+name] = true
				}
			}
		}
	}
	for _, table := range schemas.All() {
		for _, column := range table.Columns() {
			if !filled[table.Name()+"."+column.Name] {
				t.Errorf("%s.%s is null in every row", table, column.Name)
			}
		}
	}
}

// TestVulnerabilitiesHaveAFix: the example query of the category asks for them by package.
func TestVulnerabilitiesHaveAFix(t *testing.T) {
	fixes := 0
	for scope, rows := range contents(t, world(t, simulate.Config{Accounts: 2, Seed: 1}, 0)) {
		if scope.Category != schemas.SecurityFindings.Name() {
			continue
		}
		for _, row := range rows {
			var finding struct {
				Vulnerabilities []struct {
					FixAvailable       string
					VulnerablePackages []struct{ Name, FixedInVersion string }
				} `json:"vulnerabilities"`
			}
			if err := json.Unmarshal([]byte(row), &finding); err != nil {
				t.Fatal(err)
			}
			for _, v := range finding.Vulnerabilities {
				for _, p := range v.VulnerablePackages {
					if v.FixAvailable == "YES" && p.Name != "" && p.FixedInVersion != "" {
						fixes++
					}
				}
			}
		}
	}
	if fixes == 0 {
		t.Error("no vulnerability has a fix")
	}
}

func TestSize(t *testing.T) {
	total := 0
	for _, rows := range contents(t, world(t, simulate.Config{}, 0)) {
		total += len(rows)
	}
	if total < 20_000 || total > 90_000 {
		t.Errorf("the world has %d rows, want some tens of thousands", total)
	}
}

func TestCollectorsDeclareWhatThoseOfAWSDo(t *testing.T) {
	w := world(t, simulate.Config{Accounts: 1}, 0)
	all := w.Collectors(w.Accounts()[0].ID)
	if err := collect.Validate(all...); err != nil {
		t.Error(err)
	}
	for i, real := range collectors.All() {
		want, got := real.Declaration(), all[i].Declaration()
		wantText, _ := json.Marshal(want)
		gotText, _ := json.Marshal(got)
		if string(wantText) != string(gotText) {
			t.Errorf("declaration of %s:\n%s\nwant\n%s", want.Category, gotText, wantText)
		}
	}
	if len(all) != len(collectors.All()) {
		t.Errorf("%d collectors, want %d", len(all), len(collectors.All()))
	}
}

// emitted runs all collectors once and returns the rows of each scope, sorted,
// and the results.
func emitted(t *testing.T, w *simulate.World) (map[schema.Scope][]string, []collect.Result) {
	t.Helper()
	rows := map[schema.Scope][]string{}
	for _, scope := range w.Scopes() {
		rows[scope] = []string{}
	}
	var mu sync.Mutex
	var all []collect.Result
	for _, account := range w.Accounts() {
		runner, err := collect.New(collect.Config{
			Account: account.ID, Regions: w.Regions(), Collectors: w.Collectors(account.ID),
			AWS: func(region string) aws.Config { return aws.Config{Region: region} },
			Row: func(scope schema.Scope, row []byte) {
				mu.Lock()
				defer mu.Unlock()
				scope.Slice = ""
				rows[scope] = append(rows[scope], string(row))
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		results, err := runner.Once(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, results...)
	}
	for _, list := range rows {
		slices.Sort(list)
	}
	return rows, all
}

func TestCollectorsEmitTheWorld(t *testing.T) {
	w := world(t, simulate.Config{Accounts: 6}, 10)
	rows, results := emitted(t, w)
	if want := contents(t, w); !equal(rows, want) {
		for scope := range want {
			if !slices.Equal(rows[scope], want[scope]) {
				t.Errorf("%v: %d rows emitted, the world has %d", scope, len(rows[scope]), len(want[scope]))
			}
		}
	}
	outcomes := map[schema.Outcome]int{}
	for _, r := range results {
		outcomes[r.Outcome]++
		if r.Duplicates > 0 || r.RefusedRows > 0 {
			t.Errorf("%v: %d duplicates, refused %v", r.Scope, r.Duplicates, r.Refused)
		}
	}
	if outcomes[schema.OK] == 0 || outcomes[schema.Disabled] == 0 {
		t.Errorf("outcomes %v, want some ok and some disabled", outcomes)
	}
}

// A run that goes on from the last one brings what has an update since then, and
// not what only got another workflow status.
func TestIncrementalRuns(t *testing.T) {
	w := world(t, simulate.Config{Accounts: 1, StepTime: time.Minute}, 0)
	account := w.Accounts()[0].ID
	scope := schema.Scope{Category: schemas.SecurityFindings.Name(), Account: account, Region: w.Regions()[0]}
	before := contents(t, w)[scope]
	for range 120 {
		w.Step()
	}
	since := start.Add(time.Minute)
	var want []string
	changed := 0
	for _, row := range contents(t, w)[scope] {
		var values struct {
			Updated time.Time `json:"finding_updated_at"`
		}
		if err := json.Unmarshal([]byte(row), &values); err != nil {
			t.Fatal(err)
		}
		if !values.Updated.Before(since) {
			want = append(want, row)
		}
		if _, same := slices.BinarySearch(before, row); !same {
			changed++
		}
	}
	got := collectFindings(t, w, account, since)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("an incremental run has %d rows, want the %d that were updated", len(got), len(want))
	}
	if len(want) == 0 || changed <= len(want) {
		t.Errorf("%d findings changed, %d of them with another time of update: want more of the first and some of the second",
			changed, len(want))
	}
}

// collectFindings runs the collector of findings twice, the second time since the
// time given, and returns the rows of the second run.
func collectFindings(t *testing.T, w *simulate.World, account string, since time.Time) (rows []string) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(since.Add(15 * time.Minute))) // the overlap of incremental runs
		ctx, cancel := context.WithCancel(t.Context())
		runs := 0
		runner, err := collect.New(collect.Config{
			Account: account, Regions: w.Regions()[:1], Collectors: only(w.Collectors(account), schemas.SecurityFindings.Name()),
			Jitter: 1,
			AWS:    func(region string) aws.Config { return aws.Config{Region: region} },
			Row: func(_ schema.Scope, row []byte) {
				if runs == 1 {
					rows = append(rows, string(row))
				}
			},
			Hooks: collect.Hooks{Finished: func(collect.Result) {
				if runs++; runs == 2 {
					cancel()
				}
			}},
		})
		if err != nil {
			t.Fatal(err)
		}
		runner.Run(ctx)
	})
	return rows
}

// only returns the collector of a category.
func only(all []collect.Any, category string) []collect.Any {
	return slices.DeleteFunc(all, func(c collect.Any) bool { return c.Table().Name() != category })
}

func TestRateLimitsAllAccountsTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := world(t, simulate.Config{Accounts: 2, Regions: []string{"eu-central-1"}}, 0)
		w.SetRate(500)
		begin := time.Now()
		rows, _ := emitted(t, w)
		n := 0
		for _, list := range rows {
			n += len(list)
		}
		took := time.Since(begin).Seconds()
		if rate := float64(n) / took; rate < 450 || rate > 550 {
			t.Errorf("%d rows took %.1f s: %.0f rows/s, want 500", n, took, rate)
		}
	})
}

func TestARunSeesOneMoment(t *testing.T) {
	w := world(t, simulate.Config{Accounts: 1}, 0)
	account := w.Accounts()[0].ID
	scope := schema.Scope{Category: schemas.Certificates.Name(), Account: account, Region: w.Regions()[0]}
	want := contents(t, w)[scope]
	var got []string
	runner, err := collect.New(collect.Config{
		Account: account, Regions: w.Regions()[:1], Collectors: only(w.Collectors(account), scope.Category), ChunkRows: 1,
		AWS: func(region string) aws.Config { return aws.Config{Region: region} },
		Row: func(_ schema.Scope, row []byte) {
			got = append(got, string(row))
			for range 20 {
				w.Step()
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := runner.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Error("what changed during the run is in it")
	}
	if slices.Equal(contents(t, w)[scope], want) {
		t.Error("nothing changed during the run")
	}
}

func TestConfigIsChecked(t *testing.T) {
	_, err := simulate.New(simulate.Config{Accounts: -1, Regions: []string{"global", "No Region"}, Scale: -1,
		StepTime: -1})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"-1 accounts", "global is named twice or no region", `"No Region"`, "scale -1",
		"time of a step"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in the error:\n%v", want, err)
		}
	}
	if _, err := simulate.At(simulate.Config{}, 1); err == nil {
		t.Error("At without a Start gives no error")
	}
	w := world(t, simulate.Config{Accounts: 1}, 0)
	if _, _, err := w.Record(schema.Scope{Category: "certificates"}); err == nil {
		t.Error("a scope that is not in the world gives no error")
	}
}
