package load_test

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/pgtest"
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/lib/stream"
)

// work is what the transactions of a loader read of hub.run_part: its rows, and the
// blocks in which their keys are.
type work struct{ rows, blocks int }

// workOf applies a batch with a loader of its own and returns what that read.
func (db *database) workOf(config load.Config, b *builder) (load.Result, work) {
	db.Helper()
	read := func() (w work) {
		err := db.Pool.QueryRow(db.Context(), `
			SELECT s.seq_tup_read + s.idx_tup_fetch, i.toast_blks_read + i.toast_blks_hit
			FROM pg_stat_all_tables s JOIN pg_statio_all_tables i USING (relid) WHERE relid = 'hub.run_part'::regclass`).Scan(&w.rows, &w.blocks)
		if err != nil {
			db.Fatal(err)
		}
		return w
	}
	db.endLoaders()
	before := read()
	own := newLoader(db.T, db.DB, config)
	result := own.apply(b)
	own.pool.Close()
	db.endLoaders()
	after := read()
	return result, work{after.rows - before.rows, after.blocks - before.blocks}
}

// endLoaders ends the connections of loaders, which tells the server's statistics what
// they did.
func (db *database) endLoaders() {
	db.Helper()
	db.pool.Reset()
	for len(db.query("SELECT state FROM pg_stat_activity WHERE "+loaders)) > 0 {
	}
}

const (
	newestRun   = 10_000
	newestParts = 50
	partKeys    = 200
	oldRuns     = 5_000
)

// unfinished is the newest run of a scope, which never ends.
func unfinished(t *testing.T) *builder {
	b := build(t)
	for part := range newestParts {
		var rows []string
		for row := range partKeys {
			rows = append(rows, thing(fmt.Sprintf("%d.%d", part, row), "new"))
		}
		b.part(things.Table, "", newestRun, part, rows...)
	}
	return b
}

// oldParts are parts of one row each, of older runs.
func oldParts(t *testing.T) *builder {
	b := build(t)
	for run := range oldRuns {
		b.part(things.Table, "", run, 0, thing(fmt.Sprintf("%d.0", run), strconv.Itoa(run)))
	}
	return b
}

// TestOldRunsBesideAnUnfinishedOne: what comes of older runs does not read the keys of
// the newest one again and again.
func TestOldRunsBesideAnUnfinishedOne(t *testing.T) {
	keys := newestParts * partKeys
	t.Run("compared at once", func(t *testing.T) {
		db := newDatabase(t, load.Config{})
		db.apply(unfinished(t))
		result, read := db.workOf(load.Config{}, oldParts(t))
		// The first 50 old rows have keys that the newest run named.
		if got, want := result.Categories["things"],
			(load.Counts{Rows: oldRuns, New: oldRuns - newestParts, Superseded: newestParts, Parts: oldRuns}); got != want {
			t.Errorf("counts %+v, want %+v", got, want)
		}
		if read.rows > newestParts+oldRuns || read.blocks > 10*newestParts {
			t.Errorf("read %+v of the parts, where %d have %d keys", read, newestParts, keys)
		}
		db.want("SELECT value FROM obs.things WHERE id = '7.0'", "new")
		db.want("SELECT value FROM obs.things WHERE id = '777.0'", "777")
	})
	t.Run("superseded", func(t *testing.T) {
		db := newDatabase(t, load.Config{})
		db.apply(build(t).part(things.Table, "", 1, 0, thing("before", "1")))
		db.apply(unfinished(t))
		limit := load.Config{KeyLimit: int64(keys)}
		result, read := db.workOf(limit, oldParts(t))
		want := load.Counts{Rows: oldRuns - 1, Superseded: oldRuns - 1, Parts: oldRuns - 1, Repeated: 1}
		if got := result.Categories["things"]; got != want {
			t.Errorf("counts %+v, want %+v", got, want)
		}
		if read.blocks > newestParts {
			t.Errorf("read %+v of the parts", read)
		}
		// The keys of older runs are forgotten, those of the newest are kept.
		db.want("SELECT DISTINCT run::text FROM hub.run_part WHERE row_keys IS NOT NULL", uuidOf(newestRun))
		// Ends of older runs mark nothing gone, and cost nothing either.
		ends := build(t)
		for run := range oldRuns {
			ends.end(things.Table, "", oldRuns+run-1, schema.Empty, 0, 0)
		}
		result, read = db.workOf(limit, ends)
		if counts := result.Categories["things"]; counts.Gone != 0 || read.blocks > newestParts {
			t.Errorf("counts %+v, read %+v of the parts", counts, read)
		}
		db.want("SELECT value FROM obs.things WHERE id IN ('before', '7.0') AND deleted_at IS NULL", "1", "new")
		// A later run that is complete has the last word.
		db.apply(build(t).part(things.Table, "", newestRun+1, 0, thing("7.0", "later"), thing("9.0", "new")).
			end(things.Table, "", newestRun+1, schema.OK, 1, 2))
		db.wantLive(things.Table, "7.0=later", "9.0=new")
		db.want("SELECT run::text FROM hub.run_part WHERE row_keys IS NOT NULL")
	})
}

// TestManyRunsThatComplete: of the runs of a scope that complete together, one looks
// for what is gone, since that costs as much as the scope is large.
func TestManyRunsThatComplete(t *testing.T) {
	db := newDatabase(t, load.Config{})
	db.apply(unfinished(t).end(things.Table, "", newestRun, schema.OK, newestParts, newestParts*partKeys))
	scanned := func() (n int) {
		db.endLoaders()
		if err := db.Pool.QueryRow(t.Context(), "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_all_tables WHERE relid "+
			"= 'obs.things'::regclass").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := scanned()
	const runs = 100
	b := build(t)
	for run := range runs {
		b.part(things.Table, "", newestRun+1+run, 0, thing(fmt.Sprintf("0.%d", run%2), "x"))
		b.end(things.Table, "", newestRun+1+run, schema.OK, 1, 1)
	}
	if got := db.apply(b).Categories["things"]; got.Completed != runs || got.Gone != newestParts*partKeys-1 {
		t.Errorf("counts %+v", got)
	}
	db.wantLive(things.Table, "0.1=x")
	if n := scanned() - before; n > 5*newestParts*partKeys {
		t.Errorf("%d rows of the table were read for %d rows that came", n, runs)
	}
}

// TestScopeLimit: an account has so many scopes and not more, and what comes of further
// ones stops nothing.
func TestScopeLimit(t *testing.T) {
	db := newDatabase(t, load.Config{ScopeLimit: 3})
	days := []string{"2026-07-01", "2026-07-02", "2026-07-03", "2026-07-04", "2026-07-05"}
	send := func(run int, account string, days ...string) *builder {
		b := build(t)
		for _, day := range days {
			b.part(daily.Table, day, run, 0, fmt.Sprintf(`{"day":%q,"name":"x","amount":"%d"}`, day, run)).end(daily.Table, day,
				run, schema.OK, 1, 1)
			part := &b.parts["daily"][len(b.parts["daily"])-1]
			part.Scope.Account, part.Origin.Name = account, day
			b.batch.Ends[len(b.batch.Ends)-1].Scope.Account = account
		}
		return b
	}
	const other = "999999999999"
	db.apply(send(1, account, days[0], days[1]))
	shard := load.Shard{Stream: "s", Created: start, ID: "0"}
	b := send(2, account, days...)
	b.batch.Advances = []*load.Advance{{Shard: shard, To: stream.Position{Sequence: "7"}, Arrived: start}}
	if result := db.apply(b); result.Rejects != 4 || len(result.Parked) > 0 {
		t.Errorf("result %+v", result)
	}
	db.want("SELECT reason || ' ' || account_id FROM hub.reject",
		slices.Repeat([]string{"too_many_scopes " + account}, 4)...)
	db.want("SELECT sequence_number::text FROM hub.shard_progress", "7")
	db.want("SELECT count(*)::text FROM hub.scope WHERE account_id = '"+account+"'", "3")
	db.want("SELECT count(*)::text FROM obs.daily WHERE run_id::text = '"+uuidOf(2)+"'", "3")
	db.apply(send(3, other, days[0], days[1], days[2]))
	db.apply(send(4, account, days[0]))
	db.want("SELECT count(*)::text FROM hub.run WHERE completed_at IS NOT NULL", "9")
}

// TestPruneScopes: what an account no longer sends is forgotten, unless there are rows.
func TestPruneScopes(t *testing.T) {
	db := newDatabase(t, load.Config{})
	send := func(table *schema.Table, region string, run int, rows ...string) {
		b := build(t).part(table, "", run, 0, rows...).end(table, "", run, schema.OK, 1, len(rows))
		b.parts[table.Name()][0].Scope.Region, b.batch.Ends[0].Scope.Region = region, region
		db.apply(b)
	}
	db.apply(build(t).end(things.Table, "", 1, schema.Empty, 0, 0))
	send(things.Table, "us-east-1", 1, thing("a", "1")) // has a row
	send(things.Table, "us-west-2", 1, thing("b", "1")) // has a row that is gone
	send(things.Table, "us-west-2", 2)
	send(sightings.Table, "us-east-2", 1)
	db.apply(build(t).end(daily.Table, "2026-07-01", 1, schema.Failed, 0, 0))
	row := `{"day":"2026-07-02","name":"x","amount":"1"}` // another slice has it
	db.apply(build(t).part(daily.Table, "2026-07-02", 1, 0, row).end(daily.Table, "2026-07-02", 1, schema.OK, 1, 1))
	scopes := func(want ...string) {
		t.Helper()
		if _, err := db.loader.Prune(t.Context(), 24*time.Hour); err != nil {
			t.Fatal(err)
		}
		db.want("SELECT category || ' ' || concat_ws(' ', region, nullif(slice, '')) FROM hub.scope", want...)
	}
	db.exec("UPDATE hub.run SET collected_at = now() - interval '23 hours'")
	scopes("daily eu-central-1 2026-07-01", "daily eu-central-1 2026-07-02", "sightings us-east-2", "things eu-central-1",
		"things us-east-1", "things us-west-2")
	db.exec("UPDATE hub.run SET collected_at = now() - interval '25 hours'")
	db.exec("DELETE FROM hub.dirty")
	scopes("daily eu-central-1 2026-07-02", "things us-east-1", "things us-west-2")
	db.want("SELECT DISTINCT table_name || ' ' || region FROM hub.dirty", "hub.scope eu-central-1",
		"hub.scope us-east-2") // what views say of them changes
	db.want("SELECT count(*)::text FROM hub.run", "3")
	db.want("SELECT count(*)::text FROM hub.run_part", "3")
	// They come again like new ones.
	db.apply(build(t).part(things.Table, "", 3, 0, thing("c", "1")).end(things.Table, "", 3, schema.OK, 1, 1))
	db.want("SELECT id FROM obs.things WHERE deleted_at IS NULL", "a", "c")
}

// TestPruneScopesThatDoNotChange: a scope without rows is fresh as long as its runs find
// nothing changed.
func TestPruneScopesThatDoNotChange(t *testing.T) {
	db := newDatabase(t, load.Config{})
	unchanged := build(t).end(things.Table, "", 2, schema.Unchanged, 0, 0)
	unchanged.batch.Ends[0].SameAs = runAt(1)
	db.apply(build(t).end(things.Table, "", 1, schema.Empty, 0, 0))
	db.apply(unchanged)
	for _, test := range []struct{ age, scopes string }{{"23 hours", "1"}, {"25 hours", "0"}} {
		db.exec("UPDATE hub.scope SET unchanged_at = now() - interval '" + test.age + "'")
		if _, err := db.loader.Prune(t.Context(), 24*time.Hour); err != nil {
			t.Fatal(err)
		}
		db.want("SELECT count(*)::text FROM hub.scope", test.scopes)
	}
}

// TestPruneManyScopes: more than one transaction prunes go at once.
func TestPruneManyScopes(t *testing.T) {
	db := newDatabase(t, load.Config{})
	db.exec(`INSERT INTO hub.scope (scope, category, account_id, region, slice)
		SELECT gen_random_uuid(), 'things', '111122223333', 'region-' || n, '' FROM generate_series(1, 1001) n`)
	if _, err := db.loader.Prune(t.Context(), 24*time.Hour); err != nil {
		t.Fatal(err)
	}
	db.want("SELECT count(*)::text FROM hub.scope", "0")
}

// TestScopePrunedMeanwhile: a scope may be deleted just before it is locked.
func TestScopePrunedMeanwhile(t *testing.T) {
	retries := 0
	config := quick
	config.OnRetry = func(error, time.Duration) { retries++ }
	db := newDatabase(t, config)
	db.exec(`CREATE SEQUENCE attempts;
		CREATE FUNCTION prune_it() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			IF nextval('attempts') = 1 THEN DELETE FROM hub.scope WHERE scope = NEW.scope; END IF; RETURN NULL; END $$;
		CREATE TRIGGER prune_it AFTER INSERT ON hub.scope FOR EACH ROW EXECUTE FUNCTION prune_it()`)
	db.apply(build(t).part(things.Table, "", 1, 0, thing("a", "1")))
	db.wantLive(things.Table, "a=1")
	if retries != 1 {
		t.Errorf("%d retries", retries)
	}
	db.want("SELECT reason FROM hub.reject")
}

func uuidOf(run int) string { return runAt(run).String() }

// BenchmarkOldRuns applies 5,000 parts of one row, of older runs, beside a newest run
// that keeps keys and never ends.
func BenchmarkOldRuns(b *testing.B) {
	for _, keys := range []int{0, 100_000, 400_000, 1_000_000} {
		b.Run(fmt.Sprint(keys), func(b *testing.B) {
			db := pgtest.New(b, template)
			cfg, err := load.PoolConfig(db.URL)
			if err != nil {
				b.Fatal(err)
			}
			pool, err := pgxpool.NewWithConfig(b.Context(), cfg)
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(pool.Close)
			loader, err := load.New(pool, load.Config{Tables: categories})
			if err != nil {
				b.Fatal(err)
			}
			run := runAt(1 << 20)
			scope := scopeOf(things.Table, "")
			for _, sql := range []string{
				fmt.Sprintf("INSERT INTO hub.scope (scope, category, account_id, region, slice) VALUES ('%x', 'things', '%s', "+
					"'%s', '')", scope.ID(), account, region),
				fmt.Sprintf("INSERT INTO hub.run (scope, run, collected_at, parts, keys, rows) VALUES ('%x', '%v', now(), 50, "+
					"%d, %d)", scope.ID(), run, keys, keys),
				fmt.Sprintf(`INSERT INTO hub.run_part (scope, run, part, body_sha256, rows, row_keys)
					SELECT '%x', '%v', part, '', %d, (SELECT array_agg(gen_random_uuid()) FROM generate_series(1, %d + 0 * part)) FROM generate_series(0, 49) part`,
					scope.ID(), run, keys/50, keys/50),
			} {
				if _, err := pool.Exec(b.Context(), sql); err != nil {
					b.Fatal(err)
				}
			}
			for n := 0; b.Loop(); n++ {
				b.StopTimer()
				batch := build(b)
				for i := range oldRuns {
					batch.part(things.Table, "", n*oldRuns+i, 0, thing(fmt.Sprint(i), strconv.Itoa(n)))
				}
				apply := batch.done()
				b.StartTimer()
				if _, err := loader.Apply(b.Context(), apply); err != nil {
					b.Fatal(err)
				}
				apply.Groups[0].Record.Release()
			}
			b.ReportMetric(float64(oldRuns)*float64(b.N)/b.Elapsed().Seconds(), "parts/s")
		})
	}
}

// A new database has no statistics: the second run of a large scope, without one row, does
// not compare each row with each key, which takes longer than a transaction may.
func TestLargeScopeOfANewDatabase(t *testing.T) {
	retries := 0
	db := newDatabase(t, load.Config{OnRetry: func(error, time.Duration) { retries++ }})
	db.exec("ALTER TABLE obs.things SET (autovacuum_enabled = off)")
	for run := range 2 {
		b := build(t)
		for part := range 3 {
			var rows []string
			for row := range 15_000 - run {
				rows = append(rows, thing(fmt.Sprintf("%d.%d", part, row), "1"))
			}
			b.part(things.Table, "", run, part, rows...)
		}
		b.end(things.Table, "", run, schema.OK, 3, 3*(15_000-run))
		if got := db.apply(b).Categories["things"]; got.Completed != 1 || got.Gone != int64(3*run) {
			t.Errorf("run %d: %+v", run, got)
		}
	}
	if retries > 0 {
		t.Errorf("%d transactions took too long", retries)
	}
}
