package load_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/pgtest"
	"github.com/hubspoke/observability/lib/schema"
)

// oldSuffix is what the last bytes of a key were made of in earlier versions.
var oldSuffix = map[string]string{
	"things":    "int4send(octet_length(id)) || convert_to(id, 'UTF8')",
	"sightings": "int4send(octet_length(id)) || convert_to(id, 'UTF8')",
	"daily":     `'\x00000008' || int8send((day - '1970-01-01')::bigint) || int4send(octet_length(name)) || convert_to(name, 'UTF8')`,
}

// age makes the database one that an earlier version has filled.
func (db *database) age() {
	db.Helper()
	const xor = "bit_xor(('x' || right(replace(%::text, '-', ''), 16))::bit(64)::bigint)"
	statements := []string{"CREATE TABLE aged (new uuid, old uuid)"}
	for _, t := range categories {
		slice := "''"
		if t == daily.Table {
			slice = "day::text"
		}
		table := "obs." + t.Name()
		statements = append(statements,
			"INSERT INTO aged SELECT row_key, encode(substr(uuid_send(row_key), 1, 6) || substr(sha256("+oldSuffix[t.Name()]+
				"), 1, 10), 'hex')::uuid FROM "+table,
			"UPDATE "+table+" SET row_key = old, row_hash = gen_random_uuid() FROM aged WHERE row_key = new",
			`UPDATE hub.scope s SET live_xor = l.x FROM (SELECT account_id, region, `+slice+` AS slice, `+
				strings.ReplaceAll(xor, "%", "row_key")+` AS x
				FROM `+table+` WHERE deleted_at IS NULL GROUP BY 1, 2, 3) l
				WHERE s.category = '`+t.Name()+`' AND (s.account_id, s.region, s.slice) = (l.account_id, l.region, l.slice)`,
			"INSERT INTO hub.old_identity VALUES ('"+t.Name()+"')")
	}
	statements = append(statements,
		`UPDATE hub.run_part SET row_keys = (SELECT array_agg(coalesce(old, key) ORDER BY n)
			FROM unnest(row_keys) WITH ORDINALITY AS k(key, n) LEFT JOIN aged ON new = key) WHERE row_keys IS NOT NULL`,
		`UPDATE hub.run r SET keys_xor = k.x FROM (SELECT scope, run, `+strings.ReplaceAll(xor, "%", "key")+` AS x
			FROM hub.run_part, unnest(row_keys) AS key GROUP BY 1, 2) k WHERE (r.scope, r.run) = (k.scope, k.run)`,
		"DROP TABLE aged")
	db.exec(strings.Join(statements, ";\n"))
}

// identities is everything in the database that depends on keys or hashes.
func (db *database) identities() []string {
	db.Helper()
	all := db.query("SELECT concat_ws(' ', 'run', scope, run, keys, keys_xor) FROM hub.run WHERE completed_at IS NULL")
	all = append(all, db.query("SELECT concat_ws(' ', 'part', scope, run, part, row_keys::text) FROM hub.run_part")...)
	all = append(all, db.query("SELECT concat_ws(' ', 'scope', scope, live_rows, live_xor) FROM hub.scope")...)
	for _, t := range categories {
		all = append(all, db.query("SELECT concat_ws(' ', '"+t.Name()+"', row_key, row_hash, run_id, deleted_at) FROM obs."+
			t.Name())...)
	}
	return all
}

// history fills the database: complete runs, rows that are gone, and a run that has
// not ended. An older part of it may still come.
func (db *database) history() {
	db.Helper()
	day := func(name, amount string) string {
		return `{"day":"2026-08-01","name":"` + name + `","amount":"` + amount + `"}`
	}
	const slice = "2026-08-01"
	db.apply(build(db).part(things.Table, "", 1, 0, thing("a", "1"), thing("b", "1"), thing("c", "1")).end(things.Table,
		"", 1, schema.OK, 1, 3))
	db.apply(build(db).part(things.Table, "", 2, 0, thing("a", "1"), thing("b", "2")).end(things.Table, "", 2, schema.OK,
		1, 2))
	db.apply(build(db).part(things.Table, "", 4, 0, thing("b", "4"), thing("d", "4")).part(things.Table, "", 4, 1,
		thing("a", "1")))
	db.apply(build(db).part(sightings.Table, "", 1, 0, thing("s", "1"), thing("t", "1")).end(sightings.Table, "", 1,
		schema.OK, 1, 2))
	db.apply(build(db).part(daily.Table, slice, 1, 0, day("x", "1.5"), day("y", "2")).end(daily.Table, slice, 1, schema.OK,
		1, 2))
	db.apply(build(db).part(daily.Table, slice, 2, 0, day("x", "1.5")).end(daily.Table, slice, 2, schema.OK, 1, 1))
	elsewhere := build(db).part(things.Table, "", 1, 0, thing("a", "1"), thing("e", "1")).end(things.Table, "", 1,
		schema.OK, 1, 2)
	elsewhere.parts["things"][0].Scope.Account, elsewhere.batch.Ends[0].Scope.Account = "999999999999", "999999999999"
	db.apply(elsewhere)
}

func (db *database) rekey(ctx context.Context, cfg load.RekeyConfig) ([]load.RekeyResult, error) {
	return load.Rekey(ctx, db.pool, cfg, categories...)
}

func TestRekeyGivesADatabaseTheKeysOfThisVersion(t *testing.T) {
	db := newDatabase(t, load.Config{})
	db.history()
	want := db.identities()
	db.age()
	if got := db.identities(); slices.Equal(got, want) {
		t.Fatal("the test changes nothing")
	}
	// Until then nothing is written.
	faults, err := load.Check(t.Context(), db.pool, categories...)
	if err != nil || len(faults) != 3 || !faults[0].OldKeys {
		t.Fatalf("faults %v, %v", faults, err)
	}
	fresh := must(load.New(db.pool, load.Config{Tables: categories}))
	batch := build(t).part(things.Table, "", 3, 0, thing("a", "3")).done()
	result, err := fresh.Apply(t.Context(), batch)
	if err != nil || result.Parked["things"] == nil {
		t.Errorf("%+v, %v", result, err)
	}
	batch.Groups[0].Record.Release()

	results, err := db.rekey(t.Context(), load.RekeyConfig{})
	if err != nil || len(results) != 3 || results[0].Rows != 6 || results[0].Updated != 6 {
		t.Fatalf("%+v, %v", results, err)
	}
	if got := db.identities(); !slices.Equal(got, want) {
		t.Errorf("after Rekey:\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	db.want("SELECT DISTINCT table_name FROM hub.dirty WHERE account_id IS NULL ORDER BY 1", "daily", "sightings",
		"things")
	if faults, err := load.Check(t.Context(), db.pool, categories...); err != nil || len(faults) > 0 {
		t.Errorf("faults %v, %v", faults, err)
	}
	// An older part touches nothing that the open run has named, and that run ends well.
	db.apply(build(t).part(things.Table, "", 3, 0, thing("a", "3"), thing("b", "3"), thing("z", "3")))
	db.apply(build(t).end(things.Table, "", 4, schema.OK, 2, 3))
	db.want("SELECT id || value FROM obs.things WHERE deleted_at IS NULL AND account_id = '"+account+"'", "a1", "b4", "d4")
	if results, err := db.rekey(t.Context(), load.RekeyConfig{}); err != nil || len(results) > 0 {
		t.Errorf("once more: %+v, %v", results, err)
	}
}

func TestRekeyGoesOnWhereItWasInterrupted(t *testing.T) {
	db := newDatabase(t, load.Config{})
	db.history()
	want := db.identities()
	db.age()
	ctx, cancel := context.WithCancel(t.Context())
	_, err := db.rekey(ctx, load.RekeyConfig{OnProgress: func(table *schema.Table, rows int64) {
		if table == things.Table && rows > 4 { // those of the first account
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	faults, err := load.Check(t.Context(), db.pool, categories...)
	if err != nil || len(faults) != 3 {
		t.Fatalf("faults %v, %v", faults, err)
	}
	results, err := db.rekey(t.Context(), load.RekeyConfig{})
	if err != nil || results[0].Rows != 6 || results[0].Updated != 2 {
		t.Errorf("%+v, %v", results, err)
	}
	if got := db.identities(); !slices.Equal(got, want) {
		t.Errorf("after Rekey:\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// A loader of an earlier version that wrote on leaves each row twice.
func TestRekeyMergesRowsThatAreThereTwice(t *testing.T) {
	db := newDatabase(t, load.Config{})
	db.apply(build(t).part(things.Table, "", 1, 0, thing("a", "1"), thing("b", "1")).end(things.Table, "", 1, schema.OK, 1,
		2))
	db.exec("CREATE TABLE twin AS SELECT * FROM obs.things")
	db.age()
	db.exec("UPDATE twin SET run_id = gen_random_uuid(), value = 'older' WHERE id = 'a'; UPDATE twin SET value = " +
		"'newer' WHERE id = 'b'")
	older, newer := runAt(0).String(), runAt(2).String()
	db.exec("UPDATE twin SET run_id = CASE id WHEN 'a' THEN '" + older + "'::uuid ELSE '" + newer +
		"' END; INSERT INTO obs.things SELECT * FROM twin")
	results, err := db.rekey(t.Context(), load.RekeyConfig{})
	if err != nil || results[0].Merged != 2 {
		t.Fatalf("%+v, %v", results, err)
	}
	db.wantLive(things.Table, "a=1", "b=newer")
	db.want("SELECT live_rows::text FROM hub.scope WHERE category = 'things'", "2")
	db.apply(build(t).part(things.Table, "", 3, 0, thing("a", "3")).end(things.Table, "", 3, schema.OK, 1, 1))
	db.wantLive(things.Table, "a=3")
}

// A database that was made before there was a migration for keys.
func TestMigrationNotesTablesThatWereThereBefore(t *testing.T) {
	db := pgtest.Empty(t)
	before := fstest.MapFS{}
	for _, name := range must(filepath.Glob("migrations/0000[1-5]_*.sql")) {
		before[filepath.Base(name)] = &fstest.MapFile{Data: must(os.ReadFile(name))}
	}
	if _, err := load.MigratorOf(db.Pool, before).Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	statements := "CREATE SCHEMA obs; CREATE TABLE obs.notes (id int)"
	for _, t := range categories {
		statements += ";" + load.DDL(t)
	}
	must(db.Pool.Exec(t.Context(), statements))
	if _, err := load.NewMigrator(db.Pool).Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	old := newLoader(t, db, load.Config{})
	old.want("SELECT category FROM hub.old_identity", "daily", "sightings", "things")
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// A row that was planted under the key of another account's row must not be
// overwritten, and must not overwrite that row.
func TestRowOfAnotherScopeIsRejected(t *testing.T) {
	for _, planted := range []string{"account_id = '999999999999'", "region = 'eu-west-1'"} {
		for _, table := range []*schema.Table{things.Table, sightings.Table} {
			for name, value := range map[string]string{"same content": "1", "other content": "2"} {
				t.Run(table.Name()+" "+planted[:6]+" "+name, func(t *testing.T) {
					db := newDatabase(t, load.Config{})
					db.apply(build(t).part(table, "", 1, 0, thing("a", "1"), thing("b", "1")).end(table, "", 1, schema.OK, 1, 2))
					db.exec("UPDATE obs." + table.Name() + " SET " + planted + " WHERE id = 'a'")
					before := db.query("SELECT t::text FROM obs." + table.Name() + " t WHERE id = 'a'")
					result := db.apply(build(t).part(table, "", 2, 0, thing("a", value), thing("b", "2")).end(table, "", 2, schema.OK,
						1, 2))
					if got := result.Categories[table.Name()]; got.Rejected != 1 || got.Changed != 1 || got.Completed != 0 {
						t.Errorf("%+v", got)
					}
					db.want("SELECT t::text FROM obs."+table.Name()+" t WHERE id = 'a'", before...)
					db.want("SELECT reason || row_number FROM hub.reject", "foreign_row0")
					db.want("SELECT rejects::text FROM hub.run WHERE run = '"+runAt(2).String()+"'", "1")
				})
			}
		}
	}
}

// A first run copies without asking; the row that is in its way is found all the same.
func TestRowOfAnotherScopeInTheWayOfAFirstRun(t *testing.T) {
	db := newDatabase(t, load.Config{})
	db.apply(build(t).part(things.Table, "", 1, 0, thing("a", "1")))
	db.exec("UPDATE obs.things SET account_id = '999999999999'; DELETE FROM hub.run_part; DELETE FROM hub.run; DELETE " +
		"FROM hub.scope")
	result := db.apply(build(t).part(things.Table, "", 2, 0, thing("a", "2"), thing("b", "2")))
	if got := result.Categories["things"]; got.Rejected != 1 || got.New != 1 {
		t.Errorf("%+v", got)
	}
	db.want("SELECT account_id || id || value FROM obs.things", "123456789012b2", "999999999999a1")
	db.want("SELECT reason FROM hub.reject", "foreign_row")
}
