package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/producers/collectors"
)

// planCommand says what collecting an account costs.
type planCommand struct {
	Category        []string       `placeholder:"NAME" help:"Category to collect; repeat it or separate with commas. Defaults to all: see 'spoke categories'."`
	Exclude         []string       `placeholder:"NAME" help:"Category not to collect, of all there are; repeat it or separate with commas. Defaults to none."`
	Region          []string       `placeholder:"REGION" help:"Region to collect; repeat it or separate with commas. Defaults to one region."`
	Interval        time.Duration  `placeholder:"6h" help:"Interval of all categories, instead of their own."`
	FullEvery       *time.Duration `placeholder:"24h" help:"As for 'spoke run': how often the rows of a scope are sent at least. 0: with each run. Defaults to 24h."`
	MaxPaidRequests int            `default:"200" help:"As for 'spoke run': how many requests that AWS charges for one run may send."`
	program.OutputFlag
}

// Help is shown by `spoke plan -h`.
func (planCommand) Help() string {
	return `Says, for a day of one account: how often each category is collected, how many requests AWS
charges for, and how many objects and records that makes. It is computed from what the
collectors declare: AWS is not asked, and no credentials are needed. For many accounts
multiply.

"least" is for an account with one page of everything in which nothing changes, "most" for
one in which everything always does, and that reaches --max-paid-requests with each run;
what is more than fits in one object, or several records, is not known here.

Examples:

  spoke plan --region eu-central-1,us-east-1
  spoke plan --interval 15m -o json | jq .usd_most`
}

// amount is how much of something there is in a day.
type amount struct {
	Least float64 `json:"least"`
	Most  float64 `json:"most"`
}

func (a *amount) add(b amount) { a.Least, a.Most = a.Least+b.Least, a.Most+b.Most }

// planned is what collecting a category takes in a day.
type planned struct {
	Category string `json:"category"`
	Every    string `json:"every"`
	// Scopes are accounts, regions and slices that are collected each for itself.
	Scopes int `json:"scopes"`
	// Runs of all scopes.
	Runs float64 `json:"runs_a_day"`
	// Requests to AWS at least: one for each collection.
	Requests float64 `json:"requests_at_least"`
	Paid     amount  `json:"paid_requests"`
	Objects  amount  `json:"objects"`
	Records  amount  `json:"records"`
	USD      amount  `json:"usd"`
}

// planJSON is a plan as `-o json` prints it: an interface, add only.
type planJSON struct {
	Regions    int       `json:"regions"`
	Categories []planned `json:"categories"`
	// USDLeast and USDMost are of all categories together, in a day.
	USDLeast float64 `json:"usd_least"`
	USDMost  float64 `json:"usd_most"`
}

// putPrice is what S3 charges for storing an object, in USD, in us-east-1.
const putPrice = 0.005 / 1000

// Run prints the plan.
func (c planCommand) Run(p program.Program) error {
	if fullEvery(c.FullEvery) < 0 {
		return program.Usagef("--full-every must not be negative")
	}
	if slices.Contains(c.Region, allRegions) {
		return program.Usagef("--region all: name the regions, because AWS is not asked which there are")
	}
	chosen, err := sourceFlags{Category: c.Category, Exclude: c.Exclude}.choose(collectors.All())
	if err != nil {
		return err
	}
	plan := planJSON{Regions: max(len(c.Region), 1)}
	for _, collector := range chosen {
		one := c.plan(collector, plan.Regions)
		plan.Categories = append(plan.Categories, one)
		plan.USDLeast += one.USD.Least
		plan.USDMost += one.USD.Most
	}
	if c.JSON() {
		return program.WriteJSON(p.Stdout, plan)
	}
	return plan.print(p)
}

// plan computes what a category takes in a day.
func (c planCommand) plan(collector collect.Any, regions int) planned {
	d := collector.Declaration()
	every := cmp.Or(c.Interval, d.Every)
	places := regions
	switch d.Reach {
	case collect.Global:
		places = 1
	case collect.PerRegionAndGlobal:
		places++
	}
	const day = 24 * time.Hour
	a := planned{Category: d.Category, Every: short(every), Scopes: places * collect.Runs(collector, time.Now())}
	collections := float64(places) * float64(day) / float64(every)
	a.Runs = float64(a.Scopes) * float64(day) / float64(every)
	a.Requests = collections
	price := 0.0
	for _, s := range collectors.ServicesOf(d) {
		price = max(price, s.Price)
	}
	if price > 0 {
		a.Paid = amount{collections, collections * float64(c.MaxPaidRequests)}
	}
	// A file and a manifest; nothing for a scope that is as it was. An incremental run is
	// always sent.
	a.Objects = amount{2 * a.Runs, 2 * a.Runs}
	a.Objects.Least = a.Runs // of an empty scope: a manifest
	if full := cmp.Or(fullEvery(c.FullEvery), day); full > 0 && d.Incremental == nil {
		a.Objects.Least = float64(a.Scopes) * float64(day) / float64(max(full, every))
	}
	a.Records = amount{a.Runs, 2 * a.Runs}
	a.USD = amount{price*a.Paid.Least + putPrice*a.Objects.Least, price*a.Paid.Most + putPrice*a.Objects.Most}
	return a
}

func (a planJSON) print(p program.Program) error {
	count := func(f float64) string { return fmt.Sprint(math.Round(f*10) / 10) }
	both := func(a amount) string {
		if a.Most == 0 {
			return ""
		}
		return count(a.Least) + "–" + count(a.Most)
	}
	usd := func(a amount) string { return fmt.Sprintf("%.4f–%.2f", a.Least, a.Most) }
	t := program.NewTable(p.Stdout, "category", "every", "runs", "requests from", "paid requests", "objects", "records",
		"USD")
	sum := planned{}
	for _, c := range a.Categories {
		t.AppendRow(table.Row{c.Category, c.Every, count(c.Runs), count(c.Requests), both(c.Paid), both(c.Objects),
			both(c.Records), usd(c.USD)})
		sum.Runs, sum.Requests = sum.Runs+c.Runs, sum.Requests+c.Requests
		sum.Paid.add(c.Paid)
		sum.Objects.add(c.Objects)
		sum.Records.add(c.Records)
		sum.USD.add(c.USD)
	}
	t.AppendFooter(table.Row{"all", "", count(sum.Runs), count(sum.Requests), both(sum.Paid), both(sum.Objects),
		both(sum.Records), usd(sum.USD)})
	t.Render()
	fmt.Fprintln(p.Stdout, program.Wrap(p.Stdout,
		"A day of one account, from what the collectors declare; multiply it for "+
			"many. USD is what AWS charges for requests to Cost Explorer and for storing objects. Where GuardDuty is on, it "+
			"charges for the requests too, as events of CloudTrail, and it is the first to become expensive when intervals "+
			"are short.", ""))
	return nil
}
