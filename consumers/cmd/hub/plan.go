package main

import (
	"fmt"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/hubspoke/observability/consumers/plan"
	"github.com/hubspoke/observability/internal/program"
)

// planCommand says what a hub and its spokes cost.
type planCommand struct {
	plan.Input
	program.OutputFlag
}

// Validate is called by the parser.
func (c planCommand) Validate() error { return c.Input.Validate() }

// Help is shown by `hub plan -h`.
func (planCommand) Help() string {
	return `Says what a hub and its spokes cost in a year, in USD, without asking AWS or a database: a
column for each way to run the consumer, what changes most, and what was assumed. Prices are
AWS's on demand in us-east-1; -o json has each with its source.

Every flag replaces an assumption. Figures of your own come from one account,

  spoke plan --measure --region eu-central-1      ends with the flags for this command

from the database,

  SELECT * FROM collection_cost                   requests and paid requests by account and month

and from CloudWatch: the metric ServerlessDatabaseCapacity is the ACU on average. More is in
docs/cost.md.

Examples:

  hub plan --accounts 100 --regions 2
  hub plan --accounts 500 --regions 3 --no-reader --shards 1 --no-quicksight
  hub plan --accounts 100 --paid-requests 0.3     Cost Explorer in the management account alone
  hub plan -o json | jq .hub_total`
}

// planJSON is a plan as `-o json` prints it: an interface, add only.
type planJSON struct {
	plan.Plan
	PricesOf     string       `json:"prices_of"`
	PricesRegion string       `json:"prices_region"`
	Prices       []plan.Price `json:"prices"`
}

// Run prints the plan.
func (c planCommand) Run(p program.Program) error {
	made := plan.New(c.Input)
	if c.JSON() {
		return program.WriteJSON(p.Stdout, planJSON{made, plan.PricesOf, plan.PricesRegion, plan.Prices()})
	}
	printPlan(p, made)
	return nil
}

func printPlan(p program.Program, made plan.Plan) {
	say(p, "A hub of %d accounts with %d regions each, by what runs its consumer:", made.Input.Accounts,
		made.Input.Regions)
	hub := program.NewTable(p.Stdout, "USD a year", "A Lambda", "B EC2", "C Fargate", "")
	add := func(name string, usd plan.Amounts, note string) table.Row {
		return table.Row{name, dollars(usd.Lambda), dollars(usd.EC2), dollars(usd.Fargate), note}
	}
	for _, l := range made.Hub {
		hub.AppendRow(add(l.Name, l.USD, l.Note))
	}
	hub.AppendFooter(add("hub", made.Total, ""))
	hub.Render()

	spokes := program.NewTable(p.Stdout, "all spokes, USD a year", "", "")
	for _, l := range made.Spokes {
		spokes.AppendRow(table.Row{l.Name, dollars(l.USD), l.Note})
	}
	spokes.Render()

	levers := program.NewTable(p.Stdout, "what changes most, USD a year", "")
	for _, l := range made.Levers {
		levers.AppendRow(table.Row{l.Name, fmt.Sprintf("%+.0f", l.USD)})
	}
	levers.Render()

	say(p, "The cheapest useful hub is %s: USD %s a year.", plan.CheapestIs(), dollars(made.Cheapest))
	say(p, "Assumed, besides what flags say (hub plan -h):")
	for _, text := range made.Assumed {
		say(p, "- %s", text)
	}
	say(p, "Prices of %s, on demand in %s: hub plan -o json has each with its source.", plan.PricesOf, plan.PricesRegion)
}

func dollars(usd float64) string { return fmt.Sprintf("%.0f", usd) }
