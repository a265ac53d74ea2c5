package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hubspoke/observability/consumers/verify"
	"github.com/hubspoke/observability/internal/program"
)

const (
	noSpoke = "no spoke"
	// shownCoverage is how many categories or accounts people see of one state.
	shownCoverage = 10
)

// coverageStates are the states of a category in an account, in the order of printing.
// Those with a next step are shown by category.
var coverageStates = []struct{ status, next string }{
	{"fresh", ""},
	{"off", ""},
	{"failing", ""},
	{"stale", ""},
	{"never complete", ""},
	{"denied", "compare the policy of the spoke with `spoke policy`, or leave the category out with --exclude"},
	{"never seen", "left out by the spoke, or not collected yet"},
}

// printCoverage says what is collected and what is not: how often each state is there, and
// which categories and accounts somebody may want to look after.
func printCoverage(p program.Program, coverage []verify.Coverage) {
	of := map[string][]verify.Coverage{}
	sum := map[string]int64{}
	for _, c := range coverage {
		of[c.Status] = append(of[c.Status], c)
		sum[c.Status] += c.Accounts
	}
	var counts []string
	for _, state := range coverageStates {
		if n := sum[state.status]; n > 0 {
			counts = append(counts, fmt.Sprintf("%d %s", n, state.status))
		}
	}
	if len(counts) > 0 {
		say(p, "categories of accounts: %s", strings.Join(counts, ", "))
	}
	for _, state := range coverageStates {
		var places []string
		for _, c := range of[state.status] {
			places = append(places, fmt.Sprintf("%s (%d)", program.Cut(c.Category, 48), c.Accounts))
		}
		if state.next != "" && len(places) > 0 {
			say(p, "%s, by accounts: %s; %s", state.status, shorten(places, len(places)), state.next)
		}
	}
	for _, c := range of[noSpoke] {
		say(p, "%d accounts of the organization have no spoke: %s; a StackSet leaves out the management account", c.Accounts,
			shorten(c.AccountIDs, int(c.Accounts)))
	}
}

// shorten returns the first of so many names.
func shorten(names []string, all int) string {
	shown := slices.Clone(names[:min(len(names), shownCoverage)])
	if more := all - len(shown); more > 0 {
		shown = append(shown, fmt.Sprintf("and %d more: see the view coverage", more))
	}
	return strings.Join(shown, ", ")
}
