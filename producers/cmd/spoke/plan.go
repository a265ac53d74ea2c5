package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
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

	ManagementAccount bool   `help:"Plan for the management account of an organization, which alone pays for linked_account_costs."`
	Measure           bool   `help:"Collect the account once, send nothing, and plan by what that took. AWS charges for it as for any round."`
	Profile           string `help:"With --measure: profile of the AWS configuration files."`
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

With --measure it is computed from one round of the account at hand, which sends its rows
nowhere: real pages, rows and bytes. "least" is then for days on which nothing changes. A
round makes as many paid requests as 'spoke categories' says, or more with many pages: about
USD 0.20. What it prints is what 'hub plan' asks for.

Examples:

  spoke plan --region eu-central-1,us-east-1
  spoke plan --interval 15m -o json | jq .usd_most
  spoke plan --measure --region eu-central-1 -o json > measured.json

Exit codes: 0 done, 1 nothing could be measured, 2 wrong usage, 3 only some categories could.`
}

// amount is how much of something there is in a day.
type amount struct {
	Least float64 `json:"least"`
	Most  float64 `json:"most"`
}

func (a *amount) add(b amount) { a.Least, a.Most = a.Least+b.Least, a.Most+b.Most }

// usual is for a day on which a fifth of the runs find something changed.
func (a amount) usual() float64 { return a.Least + (a.Most-a.Least)/5 }

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
	// Bytes of the records; 0 unless measured.
	Bytes amount `json:"bytes"`
	USD   amount `json:"usd"`
	// Round is what one collection of all scopes took; nil unless measured.
	Round *round `json:"round,omitempty"`
}

// planJSON is a plan as `-o json` prints it: an interface, add only.
type planJSON struct {
	Regions    int       `json:"regions"`
	Measured   bool      `json:"measured"`
	Categories []planned `json:"categories"`
	// USDLeast and USDMost are of all categories together, in a day.
	USDLeast float64 `json:"usd_least"`
	USDMost  float64 `json:"usd_most"`
}

// putPrice is what S3 charges for storing an object, in USD, in us-east-1.
const putPrice = 0.005 / 1000

// Run prints the plan.
func (c planCommand) Run(ctx context.Context, p program.Program, find findSources, log *slog.Logger) error {
	if fullEvery(c.FullEvery) < 0 {
		return program.Usagef("--full-every must not be negative")
	}
	var plan planJSON
	var err error
	if c.Measure {
		plan, err = c.measured(ctx, p, find, log)
	} else {
		plan, err = c.declared()
	}
	if plan.Categories == nil {
		return err
	}
	for _, one := range plan.Categories {
		plan.USDLeast += one.USD.Least
		plan.USDMost += one.USD.Most
	}
	if c.JSON() {
		return errors.Join(program.WriteJSON(p.Stdout, plan), err)
	}
	plan.print(p)
	return err
}

// declared plans by what the collectors declare.
func (c planCommand) declared() (planJSON, error) {
	if slices.Contains(c.Region, allRegions) {
		return planJSON{}, program.Usagef("--region all: name the regions, because AWS is not asked which there are")
	}
	chosen, err := sourceFlags{Category: c.Category, Exclude: c.Exclude}.choose(collectors.All())
	plan := planJSON{Regions: max(len(c.Region), 1)}
	for _, collector := range chosen {
		plan.Categories = append(plan.Categories, c.plan(collector, plan.Regions))
	}
	return plan, err
}

const day = 24 * time.Hour

// rhythm is how often a day something happens in one place.
type rhythm struct{ collections, full float64 }

// rhythm returns how often a category is collected, and how often all of it is sent at
// least.
func (c planCommand) rhythm(d collect.Declaration) rhythm {
	every := cmp.Or(c.Interval, d.Every)
	full := cmp.Or(fullEvery(c.FullEvery), day)
	if d.Incremental != nil {
		full = d.Incremental.FullEvery
	}
	return rhythm{float64(day) / float64(every), float64(day) / float64(max(full, every))}
}

// plan computes what a category takes in a day.
func (c planCommand) plan(collector collect.Any, regions int) planned {
	d := collector.Declaration()
	places := regions
	switch d.Reach {
	case collect.Global:
		places = 1
	case collect.PerRegionAndGlobal:
		places++
	}
	each := c.rhythm(d)
	a := planned{Category: d.Category, Every: short(cmp.Or(c.Interval, d.Every)),
		Scopes: places * collect.Runs(collector, time.Now())}
	a.Requests = float64(places) * each.collections
	a.Runs = float64(a.Scopes) * each.collections
	// A file and a manifest; nothing for a scope that is as it was. An incremental run is
	// always sent: of an empty scope a manifest.
	a.Objects = amount{float64(a.Scopes) * each.full, 2 * a.Runs}
	if d.Incremental != nil {
		a.Objects.Least = a.Runs
	}
	a.Records = amount{a.Runs, 2 * a.Runs}
	price := collectors.PriceOf(d)
	switch {
	case d.ManagementAccount && !c.ManagementAccount: // each run says that it is disabled
		a.Objects, a.Records = amount{a.Runs, a.Runs}, amount{a.Runs, a.Runs}
	case price > 0:
		a.Paid = amount{a.Requests, a.Requests * float64(c.MaxPaidRequests)}
	}
	a.addPrice(price)
	return a
}

// addPrice computes what AWS charges, given the price of a paid request.
func (a *planned) addPrice(price float64) {
	a.USD = amount{price*a.Paid.Least + putPrice*a.Objects.Least, price*a.Paid.Most + putPrice*a.Objects.Most}
}

func (a planJSON) print(p program.Program) {
	count := func(f float64) string { return fmt.Sprint(math.Round(f*10) / 10) }
	both := func(a amount) string {
		switch {
		case a.Most == 0:
			return ""
		case count(a.Least) == count(a.Most):
			return count(a.Most)
		}
		return count(a.Least) + "–" + count(a.Most)
	}
	usd := func(a amount) string { return fmt.Sprintf("%.4f–%.2f", a.Least, a.Most) }
	header := []any{"category", "every", "runs", "requests from", "paid requests", "objects", "records", "USD"}
	if a.Measured {
		header[3] = "requests"
		header = slices.Insert(header, 7, any("kB"))
	}
	t := program.NewTable(p.Stdout, header...)
	row := func(c planned) table.Row {
		cells := table.Row{c.Category, c.Every, count(c.Runs), count(c.Requests), both(c.Paid), both(c.Objects),
			both(c.Records), usd(c.USD)}
		if a.Measured {
			cells = slices.Insert(cells, 7, any(both(amount{c.Bytes.Least / 1000, c.Bytes.Most / 1000})))
		}
		return cells
	}
	sum := planned{Category: "all"}
	for _, c := range a.Categories {
		t.AppendRow(row(c))
		sum.Runs, sum.Requests = sum.Runs+c.Runs, sum.Requests+c.Requests
		sum.Paid.add(c.Paid)
		sum.Objects.add(c.Objects)
		sum.Records.add(c.Records)
		sum.Bytes.add(c.Bytes)
		sum.USD.add(c.USD)
	}
	t.AppendFooter(row(sum))
	t.Render()
	from := "from what the collectors declare"
	if a.Measured {
		from = "by one round of it"
	}
	fmt.Fprintln(p.Stdout, program.Wrap(p.Stdout,
		"A day of one account, "+from+"; multiply it for many. USD is what AWS charges for requests to Cost Explorer and "+
			"for storing objects. Where GuardDuty is on, it charges for the requests too, as events of CloudTrail, and it is "+
			"the first to become expensive when intervals are short.", ""))
	if a.Measured {
		fmt.Fprintln(p.Stdout, program.Wrap(p.Stdout, fmt.Sprintf("For the costs of a hub with many such accounts: "+
			"hub plan --accounts 100 --requests %.0f --paid-requests %.1f --objects %.0f --megabytes %.2f", sum.Requests,
			sum.Paid.Most, sum.Objects.usual(), sum.Bytes.usual()/1e6), ""))
	}
}
