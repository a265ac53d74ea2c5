package load_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/schema"
)

// sourcesDiffer compares hub.source with what the runs say, and returns an error if it says
// something else.
func (db *database) sourcesDiffer(after string) error {
	return pgx.BeginTxFunc(db.Context(), db.Pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead}, func(tx pgx.Tx) error {
		for _, t := range categories {
			n, differ, err := load.CheckSources(db.Context(), tx, t.Name(), 3)
			if err != nil {
				return err
			}
			if n > 0 {
				return fmt.Errorf("after %s %d sources are not what their runs say: %+v", after, n, differ)
			}
		}
		return nil
	})
}

// drawnSources draws what spokes send of a few sources: one with a scope, two kinds, and
// days, more than count. Runs come in any order.
type drawnSources struct {
	*rand.Rand
	t     *testing.T
	ended []load.End
}

func (d *drawnSources) scope() (*schema.Table, string) {
	switch d.IntN(4) {
	case 0:
		return things.Table, ""
	case 1:
		return things.Table, []string{"kind", "other kind"}[d.IntN(2)]
	}
	return daily.Table, fmt.Sprintf("2026-07-%02d", 1+d.IntN(24))
}

func (d *drawnSources) account() string { return []string{account, otherAccount}[d.IntN(2)] }

func (d *drawnSources) run() int { return d.IntN(40) }

// end adds an end, as a rule of a run that lacks parts, and now and then that of a run that
// found the same.
func (d *drawnSources) end(b *builder) {
	table, slice := d.scope()
	outcome := []schema.Outcome{schema.OK, schema.Empty, schema.Empty, schema.Partial, schema.Denied, schema.Disabled,
		schema.Unchanged}[d.IntN(7)]
	parts := 0
	if outcome == schema.OK {
		parts = 1 + d.IntN(2)
	}
	b.end(table, slice, d.run(), outcome, parts, d.IntN(3)*parts)
	if d.IntN(3) == 0 {
		b.every(time.Duration(1+d.IntN(100)) * time.Minute)
	}
	e := &b.batch.Ends[len(b.batch.Ends)-1]
	e.Scope.Account, e.SameAs = d.account(), runAt(d.run())
	if !outcome.Complete() {
		e.Error = "why"
	}
	if outcome == schema.Empty && d.IntN(3) == 0 {
		same := *e
		same.Run, same.SameAs, same.Outcome = runAt(40), e.Run, schema.Unchanged
		b.batch.Ends = append(b.batch.Ends, same)
	}
	d.ended = append(d.ended, b.batch.Ends[len(b.batch.Ends)-1])
}

func (d *drawnSources) part(b *builder) {
	table, slice, row := things.Table, "", thing("a", fmt.Sprint(d.IntN(3)))
	if d.IntN(2) == 0 {
		table, slice = daily.Table, fmt.Sprintf("2026-07-%02d", 1+d.IntN(24))
		row = fmt.Sprintf(`{"day":%q,"name":"a","amount":"%d"}`, slice, d.IntN(3))
	}
	b.part(table, slice, d.run(), d.IntN(2), row)
	parts := b.parts[table.Name()]
	part := &parts[len(parts)-1]
	part.Scope.Account = d.account()
	if d.IntN(4) == 0 {
		part.Rejects = []load.RowReject{{Row: 1, Reason: schema.ReasonType, Excerpt: load.ExcerptOf([]byte("{}"), 2)}}
	}
}

// refusal adds a part that could not be decoded: of a run that ended lately, or of a scope
// that may not be known.
func (d *drawnSources) refusal(b *builder) {
	table, slice := d.scope()
	scope, part := scopeOf(table, slice), d.IntN(2)
	scope.Account = d.account()
	run := runAt(d.run())
	if n := len(d.ended); n > 5 {
		e := d.ended[n-1-d.IntN(5)]
		scope, run = e.Scope, e.Run
	}
	b.batch.Rejects = append(b.batch.Rejects, load.Reject{
		Reason: "hash", Scope: scope, Run: run, Part: &part,
		Origin: load.Origin{Name: fmt.Sprint("record ", d.Uint64())},
	})
}

func (d *drawnSources) batch() *builder {
	b := build(d.t)
	for range 1 + d.IntN(5) {
		[]func(*builder){d.end, d.end, d.part, d.refusal}[d.IntN(4)](b)
	}
	return b
}

// TestSourcesAreWhatTheirRunsSay draws transactions and compares after each.
func TestSourcesAreWhatTheirRunsSay(t *testing.T) {
	db := newDatabase(t, load.Config{})
	d := &drawnSources{Rand: rand.New(rand.NewPCG(12, 37)), t: t}
	seen := map[string]int{}
	check := func(after string) {
		if err := db.sourcesDiffer(after); err != nil {
			t.Fatal(err)
		}
		for _, s := range db.query(`
			SELECT concat_ws(' ', reason, CASE WHEN overdue_at IS NOT NULL THEN 'overdue' END,
			                 CASE WHEN disabled_until IS NOT NULL THEN 'disabled' END, CASE WHEN seen_at > complete_run_at THEN 'unchanged' END)
			FROM hub.source`) {
			for _, what := range []string{"did not arrive", "was refused (hash)", "was refused (parked)", "refused rows",
				"denied", "partial", "arrived, the end says", "under way", "overdue", "disabled", "unchanged"} {
				if strings.Contains(s, what) {
					seen[what]++
				}
			}
		}
	}
	for range 250 {
		switch d.IntN(20) {
		case 0:
			if _, err := db.loader.Prune(t.Context(), time.Since(start.Add(time.Duration(d.run())*time.Minute))); err != nil {
				t.Fatal(err)
			}
			check("pruning")
		case 1:
			if _, err := db.loader.PruneRejects(t.Context(), 0); err != nil {
				t.Fatal(err)
			}
			check("pruning rejects")
		case 2:
			_, err := load.ForgetAccount(t.Context(), db.pool, d.account(), func(int64) { check("forgetting a piece") })
			if err != nil {
				t.Fatal(err)
			}
		case 3:
			run := d.run()
			part := build(t).part(things.Table, "", run, 5, thing("a", "5"))
			end := build(t).end(things.Table, "", run, schema.OK, 1, 1)
			db.exec("ALTER TABLE obs.things ALTER COLUMN value TYPE bigint USING 1")
			db.apply(build(t).part(things.Table, "", run, 5, thing("a", "5")).end(things.Table, "", run, schema.OK, 1, 1))
			check("parking")
			db.exec("ALTER TABLE obs.things ALTER COLUMN value TYPE text")
			parked, err := db.loader.Parked(t.Context(), "things", 0, 2)
			if err != nil || len(parked) != 2 {
				t.Fatalf("parked %+v, %v", parked, err)
			}
			end.batch.Ends[0].Origin.Parked, part.parts["things"][0].Origin.Parked = parked[1].ID, parked[0].ID
			db.apply(end)
			check("applying an end that was parked")
			if d.IntN(2) == 0 { // as by a version that cannot read it
				part = build(t)
				part.batch.Rejects = []load.Reject{{Reason: "unknown_format", Origin: load.Origin{Parked: parked[0].ID}}}
			}
			db.apply(part)
			check("applying a part that was parked")
		default:
			db.apply(d.batch())
			check("a batch")
		}
	}
	t.Logf("sources: %v", seen)
	if len(seen) < 11 {
		t.Errorf("only %v was drawn", seen)
	}
}

// TestSourcesWithManyLoaders has loaders and others change the same sources at once, by
// scopes that they do not share and so do not lock together.
func TestSourcesWithManyLoaders(t *testing.T) {
	db := newDatabase(t, load.Config{})
	config := quick
	config.OnRetry = func(err error, _ time.Duration) {
		if !strings.Contains(err.Error(), "a scope was deleted meanwhile") { // pruned
			t.Errorf("retried: %v", err)
		}
	}
	// Locking and writing sources takes its time, so that loaders meet there.
	db.exec(`CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			PERFORM pg_sleep(0.001); RETURN NEW; END $$;
		CREATE TRIGGER lock BEFORE INSERT ON hub.source FOR EACH ROW EXECUTE FUNCTION linger();
		CREATE TRIGGER write AFTER UPDATE ON hub.source FOR EACH ROW EXECUTE FUNCTION linger()`)
	const loaders, rounds, accounts = 4, 40, 6
	var feeds []func() error
	for l := range loaders {
		loader := db.connect(config, noChange)
		d := &drawnSources{Rand: rand.New(rand.NewPCG(13, uint64(l))), t: t}
		feeds = append(feeds, func() error {
			for range rounds {
				b := build(t)
				for a, day := range d.Perm(20)[:accounts] {
					b.end(daily.Table, fmt.Sprintf("2026-07-%02d", day+1), d.run(), schema.OK, 1, 1)
					e := &b.batch.Ends[len(b.batch.Ends)-1]
					e.Scope.Account = fmt.Sprintf("%012d", a)
					d.ended = append(d.ended, *e)
				}
				d.refusal(b)
				if _, err := loader.Apply(t.Context(), b.done()); err != nil {
					return err
				}
			}
			return nil
		})
	}
	feeds = append(feeds, func() error {
		for n := range rounds / 3 {
			if _, err := db.loader.Prune(t.Context(), time.Since(start.Add(time.Duration(n)*time.Minute))); err != nil {
				return err
			}
			if _, err := db.loader.PruneRejects(t.Context(), 0); err != nil {
				return err
			}
		}
		return nil
	}, func() error {
		for range rounds {
			if err := db.sourcesDiffer("some transactions"); err != nil {
				return err
			}
		}
		return nil
	})
	eachFeeds(t, feeds...)
	if err := db.sourcesDiffer("all transactions"); err != nil {
		t.Fatal(err)
	}
	db.want("SELECT concat_ws(' ', count(*), min(category), max(category), max(slice)) FROM hub.source", "6 daily daily ")
}
