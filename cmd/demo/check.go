package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/producers/simulate"
	"github.com/hubspoke/observability/schemas"
)

// maxNamed is how many faults of a check are named; the others are counted.
const maxNamed = 5

// check is something that was checked.
type check struct {
	what     string
	compared int
	unit     string
	faults   int
	named    []string // the first faults
}

func (c *check) fault(format string, args ...any) {
	if c.faults++; c.faults <= maxNamed {
		c.named = append(c.named, fmt.Sprintf(format, args...))
	}
}

// errWrong says that a check found faults; they have been printed.
var errWrong = errors.New("the result is not right: see the differences above")

// printChecks prints what was checked, and returns errWrong if anything has faults.
func printChecks(w io.Writer, checks []check) error {
	t := program.NewTable(w, "checked", "compared", "differences")
	var wrong error
	for _, c := range checks {
		t.AppendRow(table.Row{c.what, fmt.Sprintf("%d %s", c.compared, c.unit), c.faults})
		if c.faults > 0 {
			wrong = errWrong
		}
	}
	t.Render()
	for _, c := range checks {
		for _, name := range c.named {
			fmt.Fprintf(w, "%s: %s\n", c.what, name)
		}
		if hidden := c.faults - len(c.named); hidden > 0 {
			fmt.Fprintf(w, "%s: and %d more\n", c.what, hidden)
		}
	}
	return wrong
}

// checkWorld compares the live rows of every category with the world, key by key
// and by the hash of their content, and those with their columns.
func checkWorld(ctx context.Context, db *pgxpool.Pool, world *simulate.World) ([]check, error) {
	var checks []check
	for _, t := range schemas.All() {
		c, err := checkCategory(ctx, db, world, t)
		if err != nil {
			return nil, fmt.Errorf("compare %s with the world: %w", t, err)
		}
		checks = append(checks, c)
	}
	c, err := checkContent(ctx, db)
	return append(checks, c), err
}

// checkContent compares the hashes of all live rows with their columns.
func checkContent(ctx context.Context, db *pgxpool.Pool) (check, error) {
	c := check{what: "columns of live rows", unit: "rows"}
	err := pgx.BeginTxFunc(ctx, db, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		for _, t := range schemas.All() {
			found, err := load.CheckContent(ctx, tx, t, 0)
			if err != nil {
				return err
			}
			c.compared += int(found.Rows)
			for range found.Keys + found.Hashes + found.Unreadable + found.Waiting {
				c.fault("%s has a row that is not what its hash says", t.Name())
			}
		}
		return nil
	})
	return c, err
}

type (
	rowKey  [16]byte
	rowHash [16]byte
	// row is what identifies the content of a row, and its name for people.
	row struct {
		hash rowHash
		name string
	}
)

func checkCategory(ctx context.Context, db *pgxpool.Pool, world *simulate.World, t *schema.Table) (check, error) {
	c := check{what: "live rows of " + t.Name(), unit: "rows"}
	expected, err := worldRows(world, t)
	if err != nil {
		return c, err
	}
	keys := make([]string, len(t.Keys()))
	for i, k := range t.Keys() {
		keys[i] = pgx.Identifier{t.Columns()[k].Name}.Sanitize()
	}
	rows, err := db.Query(ctx, fmt.Sprintf(
		`SELECT row_key, row_hash, concat_ws('/', account_id, region, %s) FROM obs.%s WHERE deleted_at IS NULL`,
		strings.Join(keys, ", "), pgx.Identifier{t.Name()}.Sanitize()))
	if err != nil {
		return c, err
	}
	var key rowKey
	var found row
	_, err = pgx.ForEachRow(rows, []any{(*[16]byte)(&key), (*[16]byte)(&found.hash), &found.name}, func() error {
		want, ok := expected[key]
		switch {
		case !ok:
			c.fault("%s is in the database and not in the world", found.name)
		case want.hash != found.hash:
			c.fault("%s has another content than in the world", found.name)
		}
		delete(expected, key)
		c.compared++
		return nil
	})
	for _, missing := range expected {
		c.fault("%s is in the world and not in the database", missing.name)
		c.compared++
	}
	return c, err
}

// worldRows returns the rows of a category as the loader would identify them.
func worldRows(world *simulate.World, t *schema.Table) (map[rowKey]row, error) {
	out := map[rowKey]row{}
	for _, scope := range world.Scopes() {
		if scope.Category != t.Name() {
			continue
		}
		_, rec, err := world.Record(scope)
		if err != nil {
			return nil, err
		}
		keys, hashes := load.Identify(t, rec, scope)
		for i := range int(rec.NumRows()) {
			name := scope.Account + "/" + scope.Region
			for _, k := range t.Keys() {
				name += "/" + rec.Column(k).ValueStr(i)
			}
			out[rowKey(keys[16*i:16*i+16])] = row{rowHash(hashes[16*i : 16*i+16]), name}
		}
		rec.Release()
	}
	return out, nil
}

// sent is what the spoke says that it sent.
type sent struct {
	World    simulate.Config        `json:"world"`
	Steps    int                    `json:"steps"`
	Runs     int                    `json:"runs"`
	Rows     int64                  `json:"rows"`
	Outcomes map[schema.Outcome]int `json:"outcomes"`
	Hinted   []struct {
		Run   schema.RunID `json:"run"`
		Event time.Time    `json:"event"`
	} `json:"hinted_runs"`
}

// checkRuns compares, for every run, the rows and parts that arrived with those
// that its end names, and all runs with what the spoke says that it sent. More is
// doubled, fewer is lost.
func checkRuns(ctx context.Context, db *pgxpool.Pool, spoke sent) (check, error) {
	c := check{what: "rows and parts of every run", unit: "runs"}
	rows, err := db.Query(ctx, `
		SELECT concat_ws('/', s.category, s.account_id, s.region, nullif(s.slice, '')) || ' run ' || r.run,
		       coalesce(r.outcome, ''), r.rows, coalesce(r.end_rows, 0), r.parts, coalesce(r.end_parts, 0)
		FROM hub.run r JOIN hub.scope s USING (scope)`)
	if err != nil {
		return c, err
	}
	var name, outcome string
	var arrived, named, parts, namedParts, total int64
	_, err = pgx.ForEachRow(rows, []any{&name, &outcome, &arrived, &named, &parts, &namedParts}, func() error {
		c.compared++
		total += arrived
		switch {
		case outcome == "":
			c.fault("%s: its end is lost", name)
		case arrived > named || parts > namedParts:
			c.fault("%s: doubled: %d rows in %d parts arrived, its end names %d in %d", name, arrived, parts, named, namedParts)
		case arrived < named || parts < namedParts:
			c.fault("%s: lost: %d rows in %d parts arrived, its end names %d in %d", name, arrived, parts, named, namedParts)
		}
		return nil
	})
	if err != nil {
		return c, err
	}
	// The hub keeps no book of runs that brought nothing new.
	if sent := spoke.Runs - spoke.Outcomes[schema.Unchanged]; c.compared != sent || total != spoke.Rows {
		c.fault("%d runs with %d rows arrived, the spoke sent %d with %d", c.compared, total, sent, spoke.Rows)
	}
	return c, nil
}

// checkRejects looks for rows, parts and records that were refused, and for
// stretches of the stream that were not read.
func checkRejects(ctx context.Context, db *pgxpool.Pool) (check, error) {
	c := check{what: "rejects and gaps", unit: "found"}
	rows, err := db.Query(ctx, `
		SELECT concat_ws(' ', 'reject', id, category, account_id, region, reason) || ': ' || detail FROM hub.reject
		UNION ALL
		SELECT concat_ws(' ', 'gap', shard, 'after', after_sequence) || ': ' || reason FROM hub.gap`)
	if err != nil {
		return c, err
	}
	var text string
	_, err = pgx.ForEachRow(rows, []any{&text}, func() error {
		c.compared++
		c.fault("%s", program.Cut(text, 300))
		return nil
	})
	return c, err
}

// checkEvents prints how long it took from an event to the rows of the run that answers it.
// That there is such a run is all that is checked: how long it takes is up to the machine.
func (p *pipeline) checkEvents(ctx context.Context, spoke sent) (check, error) {
	c := check{what: "events that brought rows", unit: "runs"}
	var runs []string
	var events []time.Time
	for _, hinted := range spoke.Hinted {
		runs, events = append(runs, hinted.Run.String()), append(events, hinted.Event)
	}
	var median, most *float64
	err := p.db.QueryRow(ctx, `
		SELECT count(*), percentile_cont(0.5) WITHIN GROUP (ORDER BY took), percentile_cont(0.99) WITHIN GROUP (ORDER BY took)
		FROM (SELECT extract(epoch FROM completed_at - event)::float8 AS took
		      FROM unnest($1::uuid[], $2::timestamptz[]) AS hinted (run, event) JOIN hub.run USING (run)
		      WHERE completed_at IS NOT NULL AND new_rows + changed_rows + gone_rows > 0) t`, runs, events).
		Scan(&c.compared, &median, &most)
	if err != nil {
		return c, err
	}
	if c.compared == 0 {
		c.fault("no run that answers an event has brought rows")
		return c, nil
	}
	fmt.Fprintf(p.out, "\nFrom the event that tells of a change to its rows in the database: %.1f s (median), %.1f s "+
		"(99 of 100), of %d runs.\n", *median, *most, c.compared)
	return c, nil
}
