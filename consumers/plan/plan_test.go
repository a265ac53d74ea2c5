package plan

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"
)

func near(got, want float64) bool { return math.Abs(got-want) <= math.Abs(want)*0.001+0.5 }

func line(t *testing.T, p Plan, name string) Amounts {
	t.Helper()
	for _, l := range p.Hub {
		if l.Name == name {
			return l.USD
		}
	}
	t.Fatalf("no line %q", name)
	return Amounts{}
}

// TestLines of 100 accounts with 2 regions, computed by hand from the prices.
func TestLines(t *testing.T) {
	p := New(Input{})
	for name, want := range map[string]Amounts{
		"database":   same(2.5*0.12*8760 + 12*12*(0.10+2*0.021) + 118_700*365*10*0.20/1e6),
		"stream":     same(350.4 + 365*0.2867*0.12 + 12*0.2867*6*0.10),
		"consumer":   {Lambda: 56.7, EC2: 154.8, Fargate: 173.0},
		"endpoints":  {Lambda: 262.8, EC2: 438, Fargate: 788.4},
		"archive":    same(199.5 + 0.5279*400*0.023*12),
		"QuickSight": same(1152),
		"keys":       same(53),
		"watching":   {Lambda: 84, EC2: 79.2, Fargate: 79.2},
		"leases":     {EC2: 16.6, Fargate: 17.3},
		"other":      same(19.6),
	} {
		got := line(t, p, name)
		if !near(got.Lambda, want.Lambda) || !near(got.EC2, want.EC2) || !near(got.Fargate, want.Fargate) {
			t.Errorf("%s: %.1f, want %.1f", name, got, want)
		}
	}
	if want := (Amounts{}); total(p.Hub) != p.Total || p.Total == want {
		t.Errorf("total %+v", p.Total)
	}
	lambda, queue, costs, guard := p.Spokes[0].USD, p.Spokes[1].USD, p.Spokes[2].USD, p.Spokes[3].USD
	if !near(costs, 100*365*6.67*0.01) || !near(guard, 100*365*1994*4e-6) ||
		!near(lambda, 100*365*(830*0.0000133334+126*0.2e-6+1187*400*0.5e-9)) || !near(queue, 100*365*21_600*0.4e-6) {
		t.Errorf("spokes: %.1f, %.1f, %.1f, %.1f", lambda, queue, costs, guard)
	}
}

// TestProvisionedStream has shards by the hour, and pays for more than a day by the shard.
func TestProvisionedStream(t *testing.T) {
	units := 365 * 100 * (1187 + 546.5) * 0.014e-6
	if got := line(t, New(Input{Shards: 2}), "stream").Lambda; !near(got, 2*8760*(0.015+0.02)+units) {
		t.Errorf("7 days: %.1f", got)
	}
	if got := line(t, New(Input{Shards: 2, Retention: 24 * time.Hour}), "stream").Lambda; !near(got, 2*8760*0.015+units) {
		t.Errorf("a day: %.1f", got)
	}
}

// TestAccountsScale what follows them, and nothing else.
func TestAccountsScale(t *testing.T) {
	one, two := New(Input{}), New(Input{Accounts: 200})
	for _, name := range []string{"endpoints", "QuickSight", "keys", "watching", "leases", "other"} {
		if line(t, one, name) != line(t, two, name) {
			t.Errorf("%s changed", name)
		}
	}
	if a, b := line(t, one, "archive").EC2, line(t, two, "archive").EC2; !near(b, 2*a) {
		t.Errorf("archive %.1f, then %.1f", a, b)
	}
	for i := range one.Spokes {
		if !near(two.Spokes[i].USD, 2*one.Spokes[i].USD) {
			t.Errorf("%s: %.1f, then %.1f", one.Spokes[i].Name, one.Spokes[i].USD, two.Spokes[i].USD)
		}
	}
}

// TestLeversAreWhatTheFlagsDo, and the largest is first.
func TestLeversAreWhatTheFlagsDo(t *testing.T) {
	p := New(Input{})
	for name, in := range map[string]Input{
		"no reader":                             {NoReader: true},
		"no QuickSight: charts by another tool": {NoQuickSight: true},
		"endpoints in one zone":                 {Zones: 1},
		"roles of the database made by hand":    {ManualBootstrap: true},
		"one provisioned shard, not on demand":  {Shards: 1},
	} {
		found := false
		for _, l := range p.Levers {
			found = found || l.Name == name && near(l.USD, New(in).Total.Lambda-p.Total.Lambda) && l.USD < 0
		}
		if !found {
			t.Errorf("%s is not among %+v", name, p.Levers)
		}
	}
	for i := 1; i < len(p.Levers); i++ {
		if math.Abs(p.Levers[i].USD) > math.Abs(p.Levers[i-1].USD) {
			t.Errorf("%s is behind a smaller one", p.Levers[i].Name)
		}
	}
	cheapest := Input{NoReader: true, NoQuickSight: true, Shards: 1, ManualBootstrap: true}
	if want := New(cheapest).Total.Lambda; p.Cheapest != want || want > 0.6*p.Total.Lambda {
		t.Errorf("cheapest %.0f, want %.0f", p.Cheapest, want)
	}
	// What is pulled already is no lever any more.
	for _, l := range New(cheapest).Levers {
		if l.USD < 0 && l.Name != "half as many objects: longer intervals, fewer categories" &&
			l.Name != "endpoints in one zone" && l.Name != "Cost Explorer in the management account alone" {
			t.Errorf("%s saves %.0f of the cheapest", l.Name, l.USD)
		}
	}
}

func TestPaidRequestsMayBeNone(t *testing.T) {
	p := New(Input{PaidRequests: new(0.0)})
	if p.Spokes[2].Name != "Cost Explorer" || p.Spokes[2].USD != 0 || *p.Input.PaidRequests != 0 {
		t.Errorf("%+v", p.Spokes[2])
	}
}

func TestValidate(t *testing.T) {
	for want, in := range map[string]Input{
		"--accounts must be between":     {Accounts: -1},
		"--objects must be between":      {Objects: math.NaN()},
		"--megabytes must be between":    {Megabytes: math.Inf(1)},
		"--paid-requests must be":        {PaidRequests: new(-1.0)},
		"leave it or --no-reader out":    {NoReader: true, ReaderACU: 1},
		"--no-quicksight out":            {NoQuickSight: true, Readers: 1},
		"--retention must be between":    {Retention: time.Hour},
		"--regions must be between 0 an": {Regions: math.MaxInt},
	} {
		if err := in.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: error %v, want %q", in, err, want)
		}
	}
	// Whatever is valid can be printed.
	large := Input{Accounts: most, Regions: most, Rows: most, Runs: most, Objects: most, WriterACU: most}
	if err := large.Validate(); err != nil {
		t.Error(err)
	}
	if _, err := json.Marshal(New(large)); err != nil {
		t.Error(err)
	}
}

func TestPrices(t *testing.T) {
	for _, p := range Prices() {
		if p.Name == "" || p.Unit == "" || !(p.USD > 0) || !strings.HasPrefix(p.Source, "https://aws.amazon.com/") {
			t.Errorf("%+v", p)
		}
	}
}
