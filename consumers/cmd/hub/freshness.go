package main

import (
	"fmt"

	"github.com/hubspoke/observability/consumers/verify"
	"github.com/hubspoke/observability/internal/program"
)

// shownSources is how many sources people see that are not fresh.
const shownSources = 20

func printSources(p program.Program, sources []verify.Source) {
	for _, s := range sources[:min(len(sources), shownSources)] {
		where := s.Category + " " + s.Account + " " + s.Region
		if s.Slice != "" {
			where += " " + s.Slice
		}
		line := fmt.Sprintf("%s: %s, complete %s", program.Cut(where, 120), s.Status, ago(s.Complete))
		if s.Reason != "" {
			line += "; " + program.Cut(s.Reason, 200)
		}
		say(p, "%s", line)
	}
	if more := len(sources) - shownSources; more > 0 {
		say(p, "%d more are not fresh: SELECT * FROM freshness WHERE status NOT IN ('fresh', 'disabled')", more)
	}
}
