package main

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/hubspoke/observability/internal/hubtest"
	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/pgtest"
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/producers/simulate"
	"github.com/hubspoke/observability/schemas"
)

// loaded returns a database that holds a small world, the world, and what a spoke
// would say about it.
func loaded(t *testing.T) (*pgtest.DB, *simulate.World, sent) {
	t.Helper()
	world, err := simulate.New(simulate.Config{Accounts: 1, Scale: 0.1, Regions: []string{"eu-central-1"}})
	if err != nil {
		t.Fatal(err)
	}
	db := pgtest.New(t, hubtest.Tables)
	cfg, err := load.PoolConfig(db.URL)
	if err != nil {
		t.Fatal(err)
	}
	pool, err := pgxpool.NewWithConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	loader, err := load.New(pool, load.Config{Tables: schemas.All()})
	if err != nil {
		t.Fatal(err)
	}
	spoke := sent{World: world.Config()}
	for _, scope := range world.Scopes() {
		table, rec, err := world.Record(scope)
		if err != nil {
			t.Fatal(err)
		}
		defer rec.Release()
		run, n := schema.NewRunID(time.Now()), int(rec.NumRows())
		_, err = loader.Apply(t.Context(), &load.Batch{
			Groups: []load.Group{{Table: table, Record: rec,
				Parts: []load.Part{{Scope: scope, Run: run, Rows: n, Origin: load.Origin{}}}}},
			Ends: []load.End{{Scope: scope, Run: run, Outcome: schema.OK, Parts: 1, Rows: int64(n),
				Origin: load.Origin{}}},
		})
		if err != nil {
			t.Fatal(err)
		}
		spoke.Runs++
		spoke.Rows += int64(n)
	}
	return db, world, spoke
}

// checkAll returns the faults that all checks of a database find, and makes sure
// that the program would fail exactly if there are some.
func checkAll(t *testing.T, db *pgtest.DB, world *simulate.World, spoke sent) []string {
	t.Helper()
	checks, err := checkWorld(t.Context(), db.Pool, world)
	if err != nil {
		t.Fatal(err)
	}
	runs, err := checkRuns(t.Context(), db.Pool, spoke)
	if err != nil {
		t.Fatal(err)
	}
	rejects, err := checkRejects(t.Context(), db.Pool)
	if err != nil {
		t.Fatal(err)
	}
	checks = append(checks, runs, rejects)
	var out bytes.Buffer
	err = printChecks(&out, checks)
	var faults []string
	for _, c := range checks {
		if len(c.named) < min(c.faults, maxNamed) {
			t.Errorf("%s: %d faults, %d named", c.what, c.faults, len(c.named))
		}
		for _, fault := range c.named {
			if !strings.Contains(out.String(), fault) {
				t.Errorf("%q is not printed", fault)
			}
		}
		faults = append(faults, c.named...)
	}
	if wrong := len(faults) > 0; wrong != errors.Is(err, errWrong) ||
		wrong != (program.ExitCode(err) == program.ExitFailed) {
		t.Errorf("%d faults, and the error %v", len(faults), err)
	}
	return faults
}

func TestAGoodDatabaseHasNoFaults(t *testing.T) {
	db, world, spoke := loaded(t)
	if faults := checkAll(t, db, world, spoke); len(faults) > 0 {
		t.Errorf("faults: %q", faults)
	}
	world.Step()
	for range 300 {
		world.Step()
	}
	if faults := checkAll(t, db, world, spoke); len(faults) == 0 {
		t.Error("the world went on, and nobody noticed")
	}
}

// Each way to be wrong is found, and named.
func TestEveryWayToBeWrongIsFound(t *testing.T) {
	const one = ` WHERE row_key = (SELECT min(row_key::text)::uuid FROM obs.certificates)`
	for name, tamper := range map[string]struct{ sql, want string }{
		"content": {`UPDATE obs.certificates SET row_hash = gen_random_uuid()` + one, "has another content"},
		"columns": {`UPDATE obs.certificates SET status = 'X'` + one,
			"certificates has a row that is not what its hash says"},
		"row lost":     {`DELETE FROM obs.certificates` + one, "in the world and not in the database"},
		"row gone":     {`UPDATE obs.certificates SET deleted_at = now()` + one, "in the world and not in the database"},
		"row too many": {`INSERT INTO obs.secrets (row_key, row_hash, account_id, region, run_id, collected_at, secret_arn, name) VALUES (gen_random_uuid(), gen_random_uuid(), 'a', 'r', gen_random_uuid(), now(), 'arn', 'n')`, "a/r/arn is in the database and not in the world"},
		"row came back": {`UPDATE obs.certificates SET row_key = gen_random_uuid()` + one,
			"in the database and not in the world"},
		"rows doubled": {`UPDATE hub.run SET rows = rows + 1 WHERE run = (SELECT min(run::text)::uuid FROM hub.run)`,
			"doubled: "},
		"rows lost": {`UPDATE hub.run SET rows = rows - 1 WHERE run = (SELECT min(run::text)::uuid FROM hub.run)`,
			"lost: "},
		"part doubled": {`UPDATE hub.run SET parts = parts + 1 WHERE run = (SELECT min(run::text)::uuid FROM hub.run)`,
			"doubled: "},
		"part lost": {`UPDATE hub.run SET parts = parts - 1 WHERE run = (SELECT min(run::text)::uuid FROM hub.run)`,
			"lost: "},
		"end lost": {`UPDATE hub.run SET outcome = NULL WHERE run = (SELECT min(run::text)::uuid FROM hub.run)`,
			"its end is lost"},
		"whole run lost": {`DELETE FROM hub.run WHERE run = (SELECT min(run::text)::uuid FROM hub.run)`, "the spoke sent "},
		"reject": {`INSERT INTO hub.reject (reason, detail, size, sha256) VALUES ('syntax', 'not a row', 0, '')`,
			"syntax: not a row"},
		"gap":              {`INSERT INTO hub.gap (stream, stream_created_at, shard, after_sequence, until_sequence, reason) VALUES ('s', now(), 'shardId-1', '7', '9', 'trimmed')`, "gap shardId-1 after 7: trimmed"},
		"category emptied": {`DELETE FROM obs.service_costs`, "in the world and not in the database"},
	} {
		t.Run(name, func(t *testing.T) {
			db, world, spoke := loaded(t)
			if _, err := db.Pool.Exec(t.Context(), tamper.sql); err != nil {
				t.Fatal(err)
			}
			faults := checkAll(t, db, world, spoke)
			if !slices.ContainsFunc(faults, func(f string) bool { return strings.Contains(f, tamper.want) }) {
				t.Errorf("no fault says %q: %q", tamper.want, faults)
			}
		})
	}
}

func TestCountsAreThoseOfTheRuns(t *testing.T) {
	db, _, spoke := loaded(t)
	list, err := readCounts(t.Context(), db.Pool)
	if err != nil {
		t.Fatal(err)
	}
	sum := total(list)
	if len(list) != len(schemas.All()) || sum.In != spoke.Rows || sum.Written != spoke.Rows || sum.unchanged() != 0 ||
		sum.Runs != int64(spoke.Runs) || sum.Lag == nil {
		t.Errorf("counts %+v, want %d rows written in %d runs", sum, spoke.Rows, spoke.Runs)
	}
	if table := countsTable(list); !strings.Contains(table, fmt.Sprint(spoke.Rows)) {
		t.Errorf("%d rows are not in\n%s", spoke.Rows, table)
	}
}
