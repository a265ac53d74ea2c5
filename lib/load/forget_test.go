package load_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/schema"
)

const otherAccount = "222233334444"

// applyOf applies a batch as that of the other account.
func (db *database) applyOf(account string, b *builder) {
	db.Helper()
	for _, parts := range b.parts {
		for i := range parts {
			parts[i].Scope.Account = account
		}
	}
	for i := range b.batch.Ends {
		b.batch.Ends[i].Scope.Account = account
	}
	db.apply(b)
}

// contents are all tables with accounts but for what tells the time of the refresher.
func (db *database) contents(account string) []string {
	return db.query(`
		SELECT 'thing ' || id || value FROM obs.things WHERE account_id = $1
		UNION ALL SELECT 'sighting ' || id FROM obs.sightings WHERE account_id = $1
		UNION ALL SELECT 'scope ' || category || live_rows || live_xor FROM hub.scope WHERE account_id = $1
		UNION ALL SELECT 'run ' || run FROM hub.run JOIN hub.scope USING (scope) WHERE account_id = $1
		UNION ALL SELECT 'part ' || part FROM hub.run_part JOIN hub.scope USING (scope) WHERE account_id = $1
		UNION ALL SELECT 'reject ' || reason FROM hub.reject WHERE account_id = $1
		UNION ALL SELECT 'count ' || reason FROM hub.reject_count WHERE account_id = $1
		UNION ALL SELECT 'label ' || label FROM org.account_labels WHERE account_id = $1
		UNION ALL SELECT 'measure ' || measure FROM history.daily_measures WHERE account_id = $1`, account)
}

func TestForgetAccount(t *testing.T) {
	db := newDatabase(t, load.Config{})
	var many []string
	for n := range 12_345 { // several pieces
		many = append(many, thing(fmt.Sprint(n), "1"))
	}
	for _, account := range []string{account, otherAccount} {
		db.applyOf(account, build(t).part(things.Table, "", 1, 0, many...).end(things.Table, "", 1, schema.OK, 1, len(many)).
			part(sightings.Table, "", 1, 0, thing("s", "1")))
		db.applyOf(account, build(t).part(things.Table, "", 2, 0, many[5:]...).end(things.Table, "", 2, schema.OK, 1,
			len(many)-5)) // some are gone
	}
	db.exec(`INSERT INTO hub.reject (reason, detail, account_id, size, sha256) VALUES ('x', '', '` + account +
		`', 0, ''), ('x', '', '` + otherAccount + `', 0, '')`)
	for _, account := range []string{account, otherAccount} {
		db.exec(`INSERT INTO org.account_labels VALUES ('` + account + `', 'product', 'payments')`)
		db.exec(`INSERT INTO history.daily_measures VALUES ('2026-08-01', 'resources', '` + account + `', 'global', '', 1)`)
	}
	db.exec(`CREATE TABLE obs.of_a_newer_hub (account_id text); INSERT INTO obs.of_a_newer_hub VALUES ('` + account +
		`'), ('` + otherAccount + `')`)
	db.exec(`DELETE FROM hub.dirty`)
	before := db.contents(otherAccount)
	total := int64(len(db.contents(account)) + 1)

	found, err := load.CountAccount(t.Context(), db.pool, account)
	if err != nil || found.Rows() != total || found.Applied == nil ||
		found.Tables[len(found.Tables)-1].Table != "hub.scope" {
		t.Errorf("%d rows, want %d: %+v, %v", found.Rows(), total, found, err)
	}
	// A loader of another account is at work all the time.
	busy, err := db.Pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Rollback(t.Context())
	for _, sql := range []string{
		`SELECT FROM hub.scope WHERE account_id = '` + otherAccount + `' FOR UPDATE`,
		`UPDATE obs.things SET value = value WHERE account_id = '` + otherAccount + `'`,
	} {
		if _, err := busy.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	var steps []int64
	done, err := load.ForgetAccount(t.Context(), db.pool, account, func(rows int64) { steps = append(steps, rows) })
	if err != nil || done.Rows() != total {
		t.Errorf("%+v, %v", done, err)
	}
	if !slices.IsSorted(steps) || !slices.Contains(steps, 5_002) || !slices.Contains(steps, 10_002) {
		t.Errorf("deleted %v", steps)
	}
	if err := busy.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left := db.contents(account); len(left) > 0 {
		t.Errorf("%q are left", left[:min(len(left), 9)])
	}
	if after := db.contents(otherAccount); !slices.Equal(before, after) {
		t.Error("another account changed")
	}
	db.want("SELECT account_id FROM obs.of_a_newer_hub", otherAccount)
	db.want("SELECT DISTINCT concat_ws(' ', table_name, account_id, region) FROM hub.dirty ORDER BY 1",
		"history.daily_measures", "hub.scope "+account+" eu-central-1", "of_a_newer_hub", "org.account_labels",
		"sightings "+account+" eu-central-1",
		"things "+account+" eu-central-1")
	if again, err := load.ForgetAccount(t.Context(), db.pool, account, nil); err != nil || again.Rows() != 0 {
		t.Errorf("%+v, %v", again, err)
	}
	if none, err := load.CountAccount(t.Context(), db.pool, account); err != nil || none.Rows() != 0 ||
		none.Applied != nil {
		t.Errorf("%+v, %v", none, err)
	}
	// It may come back, as new.
	db.applyOf(account, build(t).part(things.Table, "", 1, 0, thing("a", "1")).end(things.Table, "", 1, schema.OK, 1, 1))
	db.want("SELECT id FROM obs.things WHERE account_id = '"+account+"' AND deleted_at IS NULL", "a")
	db.want("SELECT live_rows::text FROM hub.scope WHERE account_id = '"+account+"'", "1")
}

// What was interrupted leaves a database in which loaders go on.
func TestForgettingThatWasInterruptedCanBeUndoneByTheNextRun(t *testing.T) {
	db := newDatabase(t, load.Config{})
	var many []string
	for n := range 6_000 {
		many = append(many, thing(fmt.Sprint(n), "1"))
	}
	db.apply(build(t).part(things.Table, "", 1, 0, many...).end(things.Table, "", 1, schema.OK, 1, len(many)))
	db.exec(`CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''stop''; END';
		CREATE TRIGGER stop BEFORE DELETE ON hub.run FOR EACH ROW EXECUTE FUNCTION stop()`)
	done, err := load.ForgetAccount(t.Context(), db.pool, account, nil)
	if err == nil || done.Rows() != 6_000 {
		t.Fatalf("%+v, %v", done, err)
	}
	db.want("SELECT live_rows::text FROM hub.scope", "-1") // hub verify finds no difference meanwhile
	db.exec("DROP TRIGGER stop ON hub.run")
	db.apply(build(t).part(things.Table, "", 2, 0, many[:10]...).end(things.Table, "", 2, schema.OK, 1, 10))
	db.want("SELECT count(*)::text FROM obs.things WHERE deleted_at IS NULL", "10")
	db.want("SELECT live_rows::text FROM hub.scope", "10")
	if done, err = load.ForgetAccount(t.Context(), db.pool, account, nil); err != nil {
		t.Errorf("%+v, %v", done, err)
	}
	db.want("SELECT count(*)::text FROM hub.scope", "0")
}
