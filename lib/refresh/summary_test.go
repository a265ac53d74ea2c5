package refresh_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/hubspoke/observability/lib/refresh"
)

// summaries is a package with two summaries over one table, one of them with a price
// list beside it, and materialized views over one and over both.
func summaries() fstest.MapFS {
	return fstest.MapFS{
		"summaries/stock.sql": file(`
			CREATE VIEW live.stock AS
				SELECT account_id, region, name, count(*) AS boxes, sum(amount) AS amount, max(note) AS note
				FROM obs.boxes WHERE NOT gone GROUP BY account_id, region, name;
			COMMENT ON VIEW live.stock IS 'What is in stock.';
			COMMENT ON COLUMN live.stock.note IS 'A ''note''.';
			ALTER TABLE summary.stock ADD PRIMARY KEY (account_id, region, name);`),
		"summaries/largest.sql": file(`
			CREATE VIEW live.largest AS
				SELECT b.account_id, b.region, max(b.amount * coalesce(p.price, 1)) AS worth
				FROM obs.boxes b LEFT JOIN hub.prices p USING (account_id, region) WHERE NOT b.gone GROUP BY b.account_id, b.region;
			ALTER TABLE summary.largest ADD PRIMARY KEY (account_id, region);`),
		"10_views.sql": file(`
			CREATE MATERIALIZED VIEW totals AS SELECT name, sum(boxes) AS boxes, sum(amount) AS amount FROM summary.stock GROUP BY name;
			CREATE UNIQUE INDEX ON totals (name);
			CREATE MATERIALIZED VIEW overview AS
				SELECT 1 AS one, (SELECT sum(boxes) FROM totals) AS boxes, (SELECT sum(worth) FROM summary.largest) AS worth;
			CREATE UNIQUE INDEX ON overview (one);`),
	}
}

const summaryTables = `
	CREATE TABLE obs.boxes (id int PRIMARY KEY, account_id text NOT NULL, region text NOT NULL, name text NOT NULL,
		amount numeric, note text, gone boolean NOT NULL DEFAULT false);
	CREATE INDEX ON obs.boxes (account_id, region);
	CREATE TABLE hub.prices (account_id text, region text, price numeric NOT NULL, PRIMARY KEY (account_id, region));`

// withSummaries returns a database with tables, some rows, and the package, which is
// not refreshed yet.
func withSummaries(t *testing.T) *database {
	t.Helper()
	db := newDatabase(t)
	db.exec(summaryTables)
	db.exec(`INSERT INTO obs.boxes VALUES (1, 'a', 'r', 'pear', 1, NULL), (2, 'a', 'r', 'pear', 2, 'x'), (3, 'a', 's', 'fig', 3, NULL), (4, 'b', 'r', 'fig', 4, NULL)`)
	db.install(summaries())
	return db
}

// changeScope runs a statement and marks the account and region in the same transaction.
func (db *database) changeScope(table, account, region, sql string) {
	db.Helper()
	err := pgx.BeginFunc(db.Context(), db.Pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(db.Context(), sql); err != nil {
			return err
		}
		_, err := tx.Exec(db.Context(), "INSERT INTO hub.dirty (table_name, account_id, region) VALUES ($1, $2, $3)", table,
			account, region)
		return err
	})
	if err != nil {
		db.Errorf("%s: %v", sql, err)
	}
}

// wantEqual fails where two queries do not have the same rows.
func (db *database) wantEqual(a, b string) {
	db.Helper()
	for _, sql := range []string{a + " EXCEPT ALL " + b, b + " EXCEPT ALL " + a} {
		if got := db.text("SELECT q::text FROM (" + sql + ") q"); len(got) > 0 {
			db.Errorf("%s: %q", sql, got)
		}
	}
}

// wantRight fails where a summary is not what its live view says, or a view over it
// is not what its query says.
func (db *database) wantRight() {
	db.Helper()
	db.wantEqual("SELECT * FROM live.stock", "SELECT * FROM summary.stock")
	db.wantEqual("SELECT * FROM live.largest", "SELECT * FROM summary.largest")
	db.wantEqual("SELECT * FROM totals", "SELECT name, sum(boxes), sum(amount) FROM live.stock GROUP BY name")
	db.wantEqual("SELECT * FROM overview", "SELECT 1, (SELECT sum(boxes) FROM live.stock), (SELECT sum(worth) FROM "+
		"live.largest)")
}

func (db *database) wantOnce(want ...string) {
	db.Helper()
	got := slices.Sorted(slices.Values(db.once())) // how long each took decides the order
	if !slices.Equal(got, slices.Sorted(slices.Values(want))) {
		db.Errorf("refreshed %q, want %q", got, want)
	}
}

func TestSummaryIsEmptyUntilItIsFilled(t *testing.T) {
	db := withSummaries(t)
	if got := db.text("SELECT count(*) FROM summary.stock"); got[0] != "0" {
		t.Errorf("installation filled %s rows", got)
	}
	// No content is better than a wrong one.
	if got := db.text("SELECT relname FROM pg_class WHERE relkind = 'm' AND relispopulated"); len(got) > 0 {
		t.Errorf("%q have the content of empty summaries", got)
	}
	stop := db.start(soon)
	db.waitFor("count(*) = 4 FROM hub.view_refresh WHERE refreshed_at IS NOT NULL")
	stop()
	db.wantRight()
	if got := db.text("SELECT view_name || ' ' || changed_rows FROM hub.view_refresh WHERE changed_rows IS NOT NULL " +
		"ORDER BY 1"); !slices.Equal(
		got, []string{"summary.largest 3", "summary.stock 3"}) {
		t.Errorf("recorded %q", got)
	}
	if got := db.text(
		`SELECT obj_description('summary.stock'::regclass) UNION ALL SELECT col_description('summary.stock'::regclass, 6)`); !slices.Equal(
		got, []string{"What is in stock.", "A 'note'."}) {
		t.Errorf("comments %q", got)
	}
}

func TestSummaryIsComputedForWhatIsMarked(t *testing.T) {
	db := withSummaries(t)
	db.once()
	// These are not marked, which shows what is computed.
	db.exec("UPDATE obs.boxes SET amount = 100 WHERE account_id = 'b'; UPDATE obs.boxes SET amount = 50 WHERE region = " +
		"'s'")
	db.changeScope("boxes", "a", "r", "UPDATE obs.boxes SET amount = 7 WHERE id = 1")
	before := db.text("SELECT ctid || ' ' || xmin FROM summary.stock WHERE account_id || region <> 'ar' ORDER BY 1")
	db.wantOnce("summary.largest", "summary.stock", "public.totals", "public.overview")
	if got := db.text("SELECT account_id || region || amount FROM summary.stock ORDER BY 1"); !slices.Equal(got,
		[]string{"ar9", "as3", "br4"}) {
		t.Errorf("stock %q", got)
	}
	if after := db.text("SELECT ctid || ' ' || xmin FROM summary.stock WHERE account_id || region <> 'ar' ORDER BY " +
		"1"); !slices.Equal(before, after) {
		t.Errorf("rows of others were written: %q, then %q", before, after)
	}
	db.change("boxes", "SELECT 1") // a mark without scope means everything
	db.once()
	db.wantRight()
}

// TestViewComesBeforeSummariesThatItDoesNotNeed: people see it as soon as it can be made.
func TestViewComesBeforeSummariesThatItDoesNotNeed(t *testing.T) {
	db := withSummaries(t)
	db.once()
	for _, c := range []struct{ stock, totals, largest, overview int }{
		{1, 1000, 500, 2000}, // largest itself is cheaper than totals, but not with overview
		{1000, 0, 500, 2000}, // the same of stock, as totals takes no time
	} {
		db.exec(`UPDATE hub.view_refresh SET last_ms = CASE view_name WHEN 'summary.stock' THEN $1::int
			WHEN 'public.totals' THEN $2::int WHEN 'summary.largest' THEN $3::int ELSE $4::int END`,
			c.stock, c.totals, c.largest, c.overview)
		db.changeScope("boxes", "a", "r", "UPDATE obs.boxes SET amount = amount + 1 WHERE account_id = 'a' AND region = 'r'")
		want := []string{"summary.stock", "public.totals", "summary.largest", "public.overview"}
		if got := db.once(); !slices.Equal(got, want) {
			t.Errorf("%+v: refreshed %q, want %q", c, got, want)
		}
	}
	db.wantRight()
}

// TestManyMarkedScopesAreComputedAtOnce: most scopes cost no more than all. A row that
// changed without a mark shows which way was taken.
func TestManyMarkedScopesAreComputedAtOnce(t *testing.T) {
	db := withSummaries(t)
	db.exec("INSERT INTO obs.boxes SELECT n, 'c' || n, 'r', 'fig', 1 FROM generate_series(100, 199) n")
	db.once()
	for _, test := range []struct {
		marked int
		amount string
	}{{60, "3"}, {70, "33"}} { // of 103
		db.exec("UPDATE obs.boxes SET amount = 33 WHERE id = 3")
		db.exec("INSERT INTO hub.dirty (table_name, account_id, region) SELECT 'boxes', 'c' || n, 'r' FROM "+
			"generate_series(100, 99 + $1) n", test.marked)
		db.once()
		if got := db.text("SELECT amount FROM summary.stock WHERE region = 's'"); !slices.Equal(got, []string{test.amount}) {
			t.Errorf("with %d marked scopes the one without a mark has %q, want %s", test.marked, got, test.amount)
		}
	}
	db.wantRight()
}

// TestEqualRowsAreNotWritten: nor is anything refreshed that stands above them.
func TestEqualRowsAreNotWritten(t *testing.T) {
	db := withSummaries(t)
	db.once()
	before := db.text("SELECT ctid || ' ' || xmin || ' ' || xmax FROM summary.stock ORDER BY 1")
	db.changeScope("boxes", "a", "r", "UPDATE obs.boxes SET id = id + 100")
	db.wantOnce("summary.largest", "summary.stock")
	db.change("boxes", "SELECT 1")
	db.wantOnce("summary.largest", "summary.stock")
	if after := db.text("SELECT ctid || ' ' || xmin || ' ' || xmax FROM summary.stock ORDER BY 1"); !slices.Equal(before,
		after) {
		t.Errorf("written: %q, then %q", before, after)
	}
	// Null is equal to null, and different from a value.
	db.changeScope("boxes", "a", "s", "UPDATE obs.boxes SET note = 'n' WHERE id = 103")
	result, err := db.refresher(refresh.Config{}).Once(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if i := slices.IndexFunc(result.Views, func(
		v refresh.View) bool {
		return v.Name == "summary.stock"
	}); result.Views[i].Changed != 2 {
		t.Errorf("changed %+v, want one row deleted and one inserted", result.Views[i])
	}
	db.wantRight()
}

// TestMarksOfOtherSchemas are named with their schema.
func TestMarksOfOtherSchemas(t *testing.T) {
	db := withSummaries(t)
	db.once()
	db.changeScope("hub.prices", "b", "r", "INSERT INTO hub.prices VALUES ('b', 'r', 10)")
	db.wantOnce("summary.largest", "public.overview")
	db.wantRight()
}

// TestFillingHoldsNobodyUp: installation computes nothing, also beside a writer, and while
// the refresher fills a summary its table is written and other views are read.
func TestFillingHoldsNobodyUp(t *testing.T) {
	db := newDatabase(t)
	db.exec(summaryTables)
	writer := db.connect()
	if _, err := writer.Exec(t.Context(), "BEGIN; INSERT INTO obs.boxes VALUES (1, 'a', 'r', 'pear', 1)"); err != nil {
		t.Fatal(err)
	}
	files := summaries()
	files["summaries/stock.sql"] = file(strings.Replace(string(files["summaries/stock.sql"].Data), "WHERE NOT gone",
		"WHERE NOT gone AND obs.gate(1) = 1", 1))
	db.exec(gate)
	db.install(files) // while the writer is at work
	if _, err := writer.Exec(t.Context(), "COMMIT"); err != nil {
		t.Fatal(err)
	}
	open := db.closeGate()
	filled := make(chan []string)
	go func() { filled <- db.once() }()
	db.waitFor(`count(*) = 1 FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%pg_temp.fresh%' AND wait_event = 'advisory' AND pid <> pg_backend_pid()`)
	db.exec("INSERT INTO obs.boxes VALUES (2, 'a', 'r', 'pear', 2); SELECT * FROM summary.stock, summary.largest")
	open()
	<-filled
	db.change("boxes", "SELECT 1")
	db.once()
	if got := db.text("SELECT boxes || ' ' || amount FROM summary.stock"); !slices.Equal(got, []string{"2 3"}) {
		t.Errorf("stock %q", got)
	}
}

// TestCheckSummaries names what a summary lacks and what it should not have, and leaves
// out what waits to be refreshed.
func TestCheckSummaries(t *testing.T) {
	db := withSummaries(t)
	check := func() (stock refresh.SummaryCheck) {
		t.Helper()
		err := pgx.BeginTxFunc(t.Context(), db.Pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly},
			func(tx pgx.Tx) error {
				checks, err := refresh.CheckSummaries(t.Context(), tx, 1)
				if len(checks) != 2 || checks[0].Name != "summary.largest" || checks[0].Differences() > 0 {
					t.Errorf("%+v", checks)
				}
				stock = checks[1]
				return err
			})
		if err != nil {
			t.Fatal(err)
		}
		return stock
	}
	if c := check(); !c.Waiting {
		t.Errorf("it was never filled: %+v", c)
	}
	db.once()
	if c := check(); c.Rows != 3 || c.Waiting || c.Differences() > 0 || len(c.Examples) > 0 {
		t.Errorf("it is right: %+v", c)
	}
	db.exec("DELETE FROM summary.stock WHERE account_id = 'b'; UPDATE summary.stock SET boxes = 7 WHERE region = 's'")
	if c := check(); c.Missing != 2 || c.Extra != 1 || !slices.Equal(c.Examples, []string{"lacks: (a,s,fig,1,3,)"}) {
		t.Errorf("%+v", c)
	}
	db.changeScope("boxes", "b", "r", "SELECT 1")
	if c := check(); c.Missing != 1 || c.Extra != 1 || c.WaitingScopes != 1 || c.Waiting {
		t.Errorf("a scope waits: %+v", c)
	}
	db.change("boxes", "SELECT 1")
	if c := check(); !c.Waiting || c.Differences() > 0 {
		t.Errorf("all waits: %+v", c)
	}
}

func TestFailingSummary(t *testing.T) {
	db := withSummaries(t)
	db.once()
	db.exec("ALTER TABLE summary.stock ADD CONSTRAINT few CHECK (boxes < 3)")
	db.changeScope("boxes", "a", "r", "INSERT INTO obs.boxes VALUES (5, 'a', 'r', 'pear', 5)")
	result, err := db.refresher(refresh.Config{}).Once(t.Context())
	if failed := result.Failed(); err == nil || len(failed) != 1 || failed[0].Name != "summary.stock" {
		t.Errorf("failed %+v, %v", failed, err)
	}
	if got := db.text("SELECT max(boxes) FROM summary.stock"); got[0] != "2" {
		t.Errorf("the old rows are gone: %q", got)
	}
	// A mark that comes meanwhile is in the next attempt, which computes everything.
	db.changeScope("boxes", "b", "r", "DELETE FROM obs.boxes WHERE account_id = 'b'")
	db.exec("ALTER TABLE summary.stock DROP CONSTRAINT few")
	db.once()
	db.wantRight()
}

// TestRowsWithTheSameKey: a live view that says two things of one key is wrong, and its summary
// stays as it was.
func TestRowsWithTheSameKey(t *testing.T) {
	db := withSummaries(t)
	files := summaries()
	files["summaries/stock.sql"] = file(`
		CREATE VIEW live.stock AS SELECT account_id, region, name, 1 AS boxes, amount, note FROM obs.boxes WHERE NOT gone;
		ALTER TABLE summary.stock ADD PRIMARY KEY (account_id, region, name);`)
	db.install(files)
	result, err := db.refresher(refresh.Config{}).Once(t.Context())
	if len(result.Failed()) != 1 || !strings.Contains(fmt.Sprint(err), `summary.stock: "live"."stock" has 4 rows with 3 keys`) {
		t.Error(err)
	}
	if rows := db.text("SELECT count(*) FROM summary.stock"); rows[0] != "0" {
		t.Errorf("%s rows", rows)
	}
}

// TestViewsWaitForASummaryThatCannotBeFilled: they would be empty.
func TestViewsWaitForASummaryThatCannotBeFilled(t *testing.T) {
	db := withSummaries(t)
	db.exec("ALTER TABLE summary.stock ADD CONSTRAINT few CHECK (boxes < 2)")
	if _, err := db.refresher(refresh.Config{}).All(t.Context()); err == nil {
		t.Error("no error")
	}
	if got := db.text("SELECT relname FROM pg_class WHERE relkind = 'm' AND relispopulated"); len(got) > 0 {
		t.Errorf("%q have the content of an empty summary", got)
	}
	db.exec("ALTER TABLE summary.stock DROP CONSTRAINT few")
	db.once()
	db.wantRight()
}

// TestRunRestsWhileViewsWait for a summary that cannot be filled.
func TestRunRestsWhileViewsWait(t *testing.T) {
	db := withSummaries(t)
	db.exec("ALTER TABLE summary.stock ADD CONSTRAINT few CHECK (boxes < 2)")
	stop := db.startPatient()
	db.waitFor("(SELECT error IS NOT NULL FROM hub.view_refresh WHERE view_name = 'summary.stock')")
	for i := range 10 {
		db.changeScope("hub.prices", "b", "r", "SELECT 1")
		db.waitFor("refreshes = $1 FROM hub.view_refresh WHERE view_name = 'summary.largest'", i+2)
	}
	if refreshes := stop(); refreshes > 11 {
		t.Errorf("%d refreshes of the first package and 10 changes", refreshes)
	}
}

func TestInstallKeepsASummaryThatDoesNotChange(t *testing.T) {
	db := withSummaries(t)
	db.once()
	stock, refreshed := db.text("SELECT 'summary.stock'::regclass::oid"),
		db.text("SELECT refreshed_at FROM hub.view_refresh WHERE view_name = 'summary.stock'")
	db.changeScope("boxes", "a", "r",
		"INSERT INTO obs.boxes VALUES (5, 'a', 'r', 'pear', 5)") // waits while the package is replaced
	next := with(summaries(), fstest.MapFS{"summaries/largest.sql": file(`
		CREATE VIEW live.largest AS SELECT account_id, region, min(amount) AS worth FROM obs.boxes WHERE NOT gone GROUP BY account_id, region;
		ALTER TABLE summary.largest ADD PRIMARY KEY (account_id, region);`)})
	db.install(next)
	if got := db.text("SELECT 'summary.stock'::regclass::oid"); !slices.Equal(got, stock) {
		t.Error("another table stands for stock")
	}
	if got := db.text("SELECT refreshed_at FROM hub.view_refresh WHERE view_name = 'summary.stock'"); !slices.Equal(got,
		refreshed) {
		t.Errorf("stock was refreshed at %q, and then %q", refreshed, got)
	}
	if got := db.text("SELECT relname || relispopulated FROM pg_class WHERE relkind = 'm' ORDER BY 1"); !slices.Equal(got,
		[]string{"overviewfalse", "totalstrue"}) {
		t.Errorf("populated: %q", got)
	}
	db.once()
	db.wantRight()
	// A column that has another type now is another summary, although its file is the same.
	db.exec("DELETE FROM hub.installed_view WHERE view_name = 'live.stock'; DROP VIEW live.stock; ALTER TABLE " +
		"obs.boxes ALTER name TYPE varchar(9)")
	db.install(with(next, fstest.MapFS{"20.sql": file("SELECT 1")}))
	if got := db.text("SELECT count(*) FROM summary.stock"); got[0] != "0" {
		t.Errorf("%s rows were kept", got)
	}
	db.once()
	db.wantRight()
	// What left the package is dropped.
	delete(next, "summaries/largest.sql")
	delete(next, "10_views.sql")
	db.install(next)
	if got := db.text("SELECT c.oid::regclass::text FROM pg_class c WHERE relkind IN ('r', 'v') AND relnamespace IN " +
		"('live'::regnamespace, 'summary'::regnamespace) ORDER BY 1"); !slices.Equal(got,
		[]string{"live.stock", "summary.stock"}) {
		t.Errorf("there are %q", got)
	}
}

func TestInstallRefusesWhatIsNoSummary(t *testing.T) {
	db := newDatabase(t)
	db.exec(summaryTables)
	for want, files := range map[string]fstest.MapFS{
		"does not make the view": {"summaries/a.sql": file("CREATE VIEW live.b AS SELECT 1 AS account_id")},
		"no primary key":         {"summaries/a.sql": file("CREATE VIEW live.a AS SELECT account_id, region FROM obs.boxes")},
		"begins with account_id": {"summaries/a.sql": file("CREATE VIEW live.a AS SELECT id, account_id, region FROM " +
			"obs.boxes; ALTER TABLE summary.a ADD PRIMARY KEY (id)")},
		"not that of a table": {"summaries/A b.sql": file("SELECT 1")},
		"summaries/a.sql:2:3": {"summaries/a.sql": file("CREATE VIEW live.a AS SELECT 1 AS account_id;\n  SELEC 2")},
	} {
		files["1.sql"] = file("SELECT 1")
		if _, err := db.tryInstall(files); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// TestScriptMakesSummaries: a person who runs the script has what Install makes.
func TestScriptMakesSummaries(t *testing.T) {
	script, err := refresh.Script(summaries())
	if err != nil {
		t.Fatal(err)
	}
	db := newDatabase(t)
	db.exec(summaryTables)
	db.exec("INSERT INTO obs.boxes VALUES (1, 'a', 'r', 'pear', 1, NULL)")
	db.exec(script)
	if db.install(summaries()) {
		t.Error("the package did not pass for installed")
	}
	db.once()
	db.wantRight()
	if got := db.text("SELECT obj_description('summary.stock'::regclass)"); got[0] != "What is in stock." {
		t.Errorf("comment %q", got)
	}
}

// crash ends a process before one of its statements: that one and all after it fail.
type crash struct{ left int }

func (c *crash) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	if c.left--; c.left >= 0 {
		return ctx
	}
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	return ctx
}

func (c *crash) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// refreshUntilCrash refreshes in a process that ends before its statement n.
func (db *database) refreshUntilCrash(n int) {
	db.Helper()
	config := db.Pool.Config()
	config.ConnConfig.Tracer = &crash{left: n}
	pool, err := pgxpool.NewWithConfig(db.Context(), config)
	if err != nil {
		db.Fatal(err)
	}
	defer pool.Close()
	r, err := refresh.New(pool, refresh.Config{})
	if err != nil {
		db.Fatal(err)
	}
	_, _ = r.Once(db.Context()) // it may have come to its end
}

// TestSummariesAreRight draws random changes, packages that are replaced and crashes.
// When no mark waits, every summary is what its live view says.
func TestSummariesAreRight(t *testing.T) {
	const steps = 80
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	db := withSummaries(t)
	pick := func(values ...string) string { return values[random.IntN(len(values))] }
	packages := 0
	for step := range steps {
		for range random.IntN(4) {
			account, region, id := pick("a", "b", "c"), pick("r", "s"), random.IntN(30)
			scope := fmt.Sprintf("account_id = '%s' AND region = '%s'", account, region)
			db.changeScope("boxes", account, region, []string{
				fmt.Sprintf(`INSERT INTO obs.boxes VALUES (%d, '%s', '%s', '%s', %s, %s) ON CONFLICT DO NOTHING`,
					id, account, region, pick("fig", "pear", "kiwi"), pick("1", "1.0", "NULL", "7"), pick("NULL", "'n'")),
				fmt.Sprintf("UPDATE obs.boxes SET amount = %s WHERE %s AND id %% 2 = %d", pick("1", "2", "NULL"), scope, id%2),
				fmt.Sprintf("UPDATE obs.boxes SET gone = NOT gone WHERE %s AND id %% 3 = %d", scope, id%3),
				"DELETE FROM obs.boxes WHERE " + scope, // the scope is gone, and may come again
				"SELECT 1",
			}[random.IntN(5)])
		}
		switch random.IntN(12) {
		case 0:
			db.changeScope("hub.prices", "a", "r", "INSERT INTO hub.prices VALUES ('a', 'r', "+pick("1", "2", "3")+
				") ON CONFLICT (account_id, region) DO UPDATE SET price = excluded.price")
		case 1:
			db.change("boxes", "UPDATE obs.boxes SET name = "+pick("'fig'", "'pear'")+" WHERE id % 5 = 0")
		case 2:
			packages++
			next := summaries()
			name := pick("summaries/stock.sql", "10_views.sql")
			next[name] = file(fmt.Sprintf("%s\n-- %d", next[name].Data, packages))
			db.install(next)
		}
		if random.IntN(3) > 0 {
			db.refreshUntilCrash(random.IntN(45))
			continue
		}
		db.once()
		if got := db.text("SELECT count(*) FROM hub.dirty"); got[0] != "0" {
			t.Fatalf("step %d: %s marks are left", step, got)
		}
		if db.wantRight(); t.Failed() {
			t.Fatalf("step %d", step)
		}
	}
}
