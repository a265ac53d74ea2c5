package main

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/hubspoke/observability/internal/program"
)

// sourceStatus is what is collected somewhere and is not fresh, as the view freshness
// has it.
type sourceStatus struct {
	Category string `json:"category"`
	Account  string `json:"account_id"`
	Region   string `json:"region"`
	Slice    string `json:"slice"`
	// Status is failing, stale or never complete; the latter two are red.
	Status string `json:"status"`
	Red    bool   `json:"red"`
	// Complete is the start of the newest complete run; null if none was.
	Complete *time.Time `json:"newest_complete_run"`
	// Reason why the newest run is not complete; "" if it is.
	Reason string `json:"reason"`
}

// readSources returns what is not fresh, red ones first; never nil. It finds nothing
// where the views are not installed.
func readSources(ctx context.Context, pool *pgxpool.Pool) ([]sourceStatus, error) {
	var installed bool
	if err := pool.QueryRow(ctx, "SELECT to_regclass('public.freshness') IS NOT NULL").Scan(&installed); err != nil || !installed {
		return []sourceStatus{}, err
	}
	return list[sourceStatus](ctx, pool, `
		SELECT category, account_id, region, slice, status, red, complete_run_at, reason FROM public.freshness
		WHERE status NOT IN ('fresh', 'disabled') ORDER BY red DESC, category, account_id, region, slice`)
}

// shownSources is how many sources people see that are not fresh.
const shownSources = 20

func printSources(p program.Program, sources []sourceStatus) {
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
