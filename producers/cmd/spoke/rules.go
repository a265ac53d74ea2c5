package main

import (
	"fmt"

	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/producers/collectors"
	"github.com/hubspoke/observability/producers/rules"
)

// rulesCommand prints the rules that bring events to a spoke.
type rulesCommand struct {
	Category []string `placeholder:"NAME" help:"Category to hear of; repeat it or separate with commas. Defaults to all: see 'spoke categories'."`
	Exclude  []string `placeholder:"NAME" help:"Category not to hear of, of all there are; repeat it or separate with commas. Defaults to none."`
	Stack    string   `enum:"home,edge" default:"home" help:"home: the queue and the rules that lead to it, for the home region. edge: rules that forward to the home region, for each other one."`
	Format   string   `enum:"json,cloudformation,terraform" default:"json" help:"Format on standard output: ${enum}."`
	NoMatch  bool     `help:"Take events of findings of every severity; without it of those that are high or critical."`
}

// Help is shown by `spoke rules -h`.
func (rulesCommand) Help() string {
	return `With events, changes are collected within seconds. Rules of EventBridge lead them into one queue
in the home region, and 'spoke run --events' hears of them there. AWS is not asked.

  spoke rules --format cloudformation > home.json
  spoke rules --format cloudformation --stack edge > edge.json

Deploy home.json in the home region; its output QueueUrl is for 'spoke run --events', and
QueueArn for 'spoke policy --events'. Deploy edge.json in every other region that is collected,
and in us-east-1, where AWS emits the events of IAM, Organizations, Support and other global
services; its parameter HomeBusArn is the default bus of the home region, such as
arn:aws:events:eu-central-1:111122223333:event-bus/default.`
}

// Run prints the rules.
func (c rulesCommand) Run(p program.Program) error {
	chosen, err := sourceFlags{Category: c.Category, Exclude: c.Exclude}.choose(collectors.All())
	if err != nil {
		return err
	}
	var declared []collect.Declaration
	for _, collector := range chosen {
		d := collector.Declaration()
		for i := range d.Hints {
			if c.NoMatch {
				d.Hints[i].Match = ""
			}
		}
		declared = append(declared, d)
	}
	edge := c.Stack == "edge"
	made := rules.ByCategory
	if edge {
		made = rules.BySource
	}
	list, err := made(declared)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return program.Usagef("no event is a hint for these categories: see 'spoke categories NAME'")
	}
	format := rules.JSON
	switch {
	case c.Format == "cloudformation" && edge:
		format = rules.Edge
	case c.Format == "cloudformation":
		format = rules.Home
	case c.Format == "terraform" && edge:
		format = rules.TerraformEdge
	case c.Format == "terraform":
		format = rules.TerraformHome
	}
	fmt.Fprintln(p.Stdout, format(list))
	return nil
}
