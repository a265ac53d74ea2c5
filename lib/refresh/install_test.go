package refresh_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/hubspoke/observability/lib/pgtest"
	"github.com/hubspoke/observability/lib/pgtest/pgserver"
	"github.com/hubspoke/observability/lib/refresh"
)

// with returns files with some replaced.
func with(files, replaced fstest.MapFS) fstest.MapFS {
	all := maps.Clone(files)
	maps.Copy(all, replaced)
	return all
}

const publicViews = `SELECT relname FROM pg_class
	WHERE relnamespace = 'public'::regnamespace AND relkind IN ('v', 'm') ORDER BY relname`

func TestInstallMakesTheViews(t *testing.T) {
	db := installed(t, views())
	if got, want := db.text(publicViews), []string{"a_total", "basket", "board", "meal", "ripe"}; !slices.Equal(got,
		want) {
		t.Errorf("views %q, want %q", got, want)
	}
	if got := db.text("SELECT amount FROM meal"); !slices.Equal(got, []string{"6"}) {
		t.Errorf("meal has the amount %q; views must have content when they appear", got)
	}
	want := []string{"public.a_total", "public.basket", "public.board"}
	if got := db.text("SELECT view_name FROM hub.view_refresh WHERE refreshed_at IS NOT NULL ORDER BY 1"); !slices.Equal(
		got, want) {
		t.Errorf("recorded as refreshed %q, want %q", got, want)
	}
}

func TestInstallAgain(t *testing.T) {
	db := installed(t, views())
	oids := "SELECT oid FROM pg_class WHERE relname IN ('meal', 'basket') ORDER BY 1"
	before := db.text(oids)
	if db.install(views()) || !slices.Equal(db.text(oids), before) {
		t.Error("the same files were installed again")
	}
	changed := with(views(), fstest.MapFS{
		"10_plain.sql": file("CREATE VIEW ripe AS SELECT * FROM obs.fruit WHERE name <> 'apple';"),
	})
	if !db.install(changed) {
		t.Error("other files were not installed")
	}
	if got := db.text("SELECT amount FROM meal"); !slices.Equal(got, []string{"5"}) {
		t.Errorf("meal has the amount %q after the change", got)
	}
}

func TestInstallDropsWhatLeftThePackage(t *testing.T) {
	db := installed(t, views())
	db.exec("CREATE VIEW mine AS SELECT 1")
	db.install(fstest.MapFS{"v.sql": file("CREATE VIEW board AS SELECT 'now a plain view'")})
	if got, want := db.text(publicViews), []string{"board", "mine"}; !slices.Equal(got, want) {
		t.Errorf("views %q, want %q", got, want)
	}
	if got := db.text("SELECT view_name FROM hub.view_refresh"); len(got) != 0 {
		t.Errorf("refreshes of %q are still kept", got)
	}
}

func TestInstallMakesGoodWhatSomebodyDropped(t *testing.T) {
	db := installed(t, views())
	db.exec("DROP VIEW meal")
	if !db.install(views()) {
		t.Error("the package passed for installed without one of its views")
	}
}

func TestInstallFailsAsAWhole(t *testing.T) {
	db := installed(t, views())
	_, err := db.tryInstall(with(views(), fstest.MapFS{"30.sql": file("SELECT 1;\nSELECT oops")}))
	if err == nil {
		t.Fatal("no error")
	}
	if got := db.text("SELECT amount FROM meal"); !slices.Equal(got, []string{"6"}) {
		t.Errorf("the old package is gone: meal %q", got)
	}
	if db.install(views()) {
		t.Error("the old package is no longer taken for installed")
	}
}

func TestInstallSaysWhereTheMistakeIs(t *testing.T) {
	tests := []struct {
		name, text, code string
		line, column     int
		in               string
	}{
		{"unknown column", "-- é\n\nCREATE VIEW a AS\n  SELECT 'é', amont\n  FROM obs.fruit;\n", "42703", 4, 15,
			"in CREATE VIEW a AS …: column"},
		{"syntax", "SELECT 1; SELECT 2;\n\tSELEC 3;", "42601", 2, 2, "in SELEC 3: syntax error"},
		{"end of file", "SELECT (1", "42601", 1, 10, "syntax error at end of input"},
		// PostgreSQL gives no position for these: the statement's is shown.
		{"exists already", "/* a */ SELECT 1;\n\n  CREATE TABLE obs.fruit ()", "42P07", 3, 3,
			`relation "fruit" already exists`},
		{"duplicates", "CREATE MATERIALIZED VIEW a AS SELECT 1 AS n FROM obs.fruit; CREATE UNIQUE INDEX ON a (n)", "23505", 1,
			61, "is duplicated"},
	}
	db := newDatabase(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := db.tryInstall(fstest.MapFS{"a.sql": file("SELECT 1"), "b.sql": file(test.text)})
			var at *refresh.FileError
			var server *pgconn.PgError
			if !errors.As(err, &at) || !errors.As(err, &server) {
				t.Fatalf("error %v", err)
			}
			if at.File != "b.sql" || at.Line != test.line || at.Column != test.column || server.Code != test.code {
				t.Errorf("%s:%d:%d %s, want b.sql:%d:%d %s", at.File, at.Line, at.Column, server.Code, test.line, test.column,
					test.code)
			}
			if !strings.Contains(err.Error(), test.in) {
				t.Errorf("error %q does not say %q", err, test.in)
			}
		})
	}
}

func TestInstallRefusesViewsThatCannotBeRefreshedConcurrently(t *testing.T) {
	db := newDatabase(t)
	for name, index := range map[string]string{
		"no index":      "",
		"not unique":    "CREATE INDEX ON bare (name)",
		"not all rows":  "CREATE UNIQUE INDEX ON bare (name) WHERE amount > 1",
		"an expression": "CREATE UNIQUE INDEX ON bare (lower(name))",
	} {
		_, err := db.tryInstall(fstest.MapFS{"v.sql": file("CREATE MATERIALIZED VIEW bare AS SELECT * FROM obs.fruit; " +
			index)})
		if err == nil || !strings.Contains(err.Error(), "unique index") || !strings.Contains(err.Error(), "public.bare") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestInstallNamesForeignViewsInTheWay(t *testing.T) {
	db := installed(t, views())
	db.exec("CREATE VIEW mine AS SELECT * FROM basket")
	_, err := db.tryInstall(fstest.MapFS{"v.sql": file("CREATE VIEW ripe AS SELECT 1")})
	if err == nil || !strings.Contains(err.Error(), "view mine depends on materialized view basket") {
		t.Errorf("error %v; want one that names the view mine", err)
	}
}

func TestInstallLeavesTheViewsOfOthers(t *testing.T) {
	db := newDatabase(t)
	gate := db.connect()
	if _, err := gate.Exec(t.Context(), "SELECT pg_advisory_lock(4711)"); err != nil {
		t.Fatal(err)
	}
	installed := make(chan error)
	go func() {
		_, err := db.tryInstall(fstest.MapFS{
			"1.sql": {Data: []byte("CREATE VIEW ours AS SELECT 1 AS x")},
			"2.sql": {Data: []byte("SELECT pg_advisory_xact_lock(4711)")},
		})
		installed <- err
	}()
	db.waitFor("EXISTS (SELECT FROM pg_locks WHERE objid = 4711 AND NOT granted)")
	db.exec("CREATE VIEW public.theirs AS SELECT 1 AS x")
	if _, err := gate.Exec(t.Context(), "SELECT pg_advisory_unlock(4711)"); err != nil {
		t.Fatal(err)
	}
	if err := <-installed; err != nil {
		t.Fatal(err)
	}
	if got := db.text("SELECT view_name FROM hub.installed_view"); !slices.Equal(got, []string{"public.ours"}) {
		t.Errorf("the package has %q, want only its own view", got)
	}
}

func TestInstallNeedsFiles(t *testing.T) {
	if _, err := newDatabase(t).tryInstall(fstest.MapFS{}); err == nil {
		t.Error("an empty package was installed")
	}
}

func TestInstallsAtOnce(t *testing.T) {
	db := newDatabase(t)
	results := make(chan error)
	for range 4 {
		go func() {
			_, err := db.tryInstall(views())
			results <- err
		}()
	}
	for range 4 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
}

// TestRoles has a server of its own: roles belong to the whole server.
func TestRoles(t *testing.T) {
	server := pgtest.StartServer(t, pgserver.Config{})
	pool, err := pgxpool.New(t.Context(), server.URL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	if err := template.Migrate(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
	connect := func() *pgx.Conn {
		conn, err := pgx.Connect(t.Context(), server.URL())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close(context.Background()) })
		return conn
	}
	owner := connect()
	exec := func(conn *pgx.Conn, sql string) error {
		_, err := conn.Exec(t.Context(), sql)
		return err
	}
	install := func(files fstest.MapFS) {
		t.Helper()
		if _, err := refresh.Install(t.Context(), owner, files); err != nil {
			t.Fatal(err)
		}
	}
	files := with(views(), fstest.MapFS{"15_elsewhere.sql": file(`
		CREATE SCHEMA IF NOT EXISTS elsewhere;
		CREATE VIEW elsewhere.pairs AS SELECT key, hub.number(value) FROM hub.pairs('{"a": 1}'), hub.elements('[1]')`)})
	install(files)
	if err := exec(owner, "CREATE ROLE obs_reader; CREATE ROLE obs_writer; CREATE ROLE obs_editor; CREATE TABLE "+
		"obs.later (); CREATE "+
		"MATERIALIZED VIEW foreign_view AS SELECT 1"); err != nil {
		t.Fatal(err)
	}
	install(files) // the same files: rights are granted all the same

	reader, writer, editor := connect(), connect(), connect()
	if err := errors.Join(exec(reader, "SET ROLE obs_reader"), exec(writer, "SET ROLE obs_writer"),
		exec(editor, "SET ROLE obs_editor")); err != nil {
		t.Fatal(err)
	}
	check := func(who string, conn *pgx.Conn, allowed []string, denied []string) {
		t.Helper()
		for _, sql := range allowed {
			if err := exec(conn, sql); err != nil {
				t.Errorf("%s may not %s: %v", who, sql, err)
			}
		}
		for _, sql := range denied {
			var server *pgconn.PgError
			if err := exec(conn, sql); !errors.As(err, &server) || server.Code != "42501" {
				t.Errorf("%s: %s: error %v, want 42501", who, sql, err)
			}
		}
	}
	checkAll := func() {
		t.Helper()
		check("reader", reader, []string{
			"SELECT * FROM meal", "SELECT * FROM basket", "SELECT * FROM ripe", "SELECT * FROM elsewhere.pairs",
			"SELECT * FROM org.products", "SELECT * FROM history.daily_measures",
		}, []string{
			"INSERT INTO org.products (name) VALUES ('mine')",
			"SELECT * FROM obs.fruit", "SELECT * FROM hub.dirty", "SELECT hub.refresh_view('basket')",
			"CREATE TABLE public.mine ()", "REFRESH MATERIALIZED VIEW basket",
		})
		check("writer", writer, []string{
			"INSERT INTO obs.fruit VALUES ('fig', 1)", "SELECT * FROM obs.later",
			"INSERT INTO hub.dirty (table_name) VALUES ('fruit')", "DELETE FROM hub.dirty",
			"SELECT hub.refresh_view('basket')", "SELECT * FROM meal", "SELECT * FROM elsewhere.pairs",
			"SELECT * FROM org.account_labels", "DELETE FROM history.daily_measures",
		}, []string{
			"DELETE FROM obs.fruit", "INSERT INTO hub.installed_view VALUES ('public.foreign_view', '')",
			"SELECT hub.refresh_view('foreign_view')", "SELECT hub.refresh_view('obs.fruit')",
			"DROP VIEW meal", "CREATE TABLE obs.mine ()", "CREATE TABLE hub.mine ()",
			"DELETE FROM org.products", "INSERT INTO hub.access VALUES ('group:mine', '*')", "DELETE FROM hub.access",
		})
		check("editor", editor, []string{
			"INSERT INTO org.products (name) VALUES ('mine')", "UPDATE org.products SET owner = 'me'",
			"DELETE FROM org.products", "INSERT INTO org.account_labels VALUES ('a', 'product', 'mine')",
			"DELETE FROM org.account_labels",
		}, []string{
			"SELECT * FROM hub.dirty", "SELECT * FROM obs.fruit", "DELETE FROM history.daily_measures",
			"CREATE TABLE org.mine ()", "INSERT INTO hub.dirty (table_name) VALUES ('fruit')",
		})
	}
	checkAll()
	var anybody bool
	if err := owner.QueryRow(t.Context(), "SELECT has_function_privilege('obs_reader', 'hub.refresh_view(regclass)', "+
		"'EXECUTE')").Scan(&anybody); err != nil || anybody {
		t.Errorf("anybody may call refresh_view (error %v)", err)
	}
	install(with(files, fstest.MapFS{"summaries/fruit.sql": file(`
		CREATE VIEW live.fruit AS SELECT 'a' AS account_id, 'r' AS region, name, sum(amount) AS amount FROM obs.fruit GROUP BY name;
		ALTER TABLE summary.fruit ADD PRIMARY KEY (account_id, region, name)`)}))
	checkAll() // the views are new ones
	check("reader", reader, []string{"SELECT * FROM summary.fruit", "SELECT * FROM live.fruit"},
		[]string{"DELETE FROM summary.fruit"})
	check("writer", writer, nil, []string{"DROP TABLE summary.fruit", "CREATE TABLE summary.mine ()"})

	// A Refresher needs no more than that.
	cfg, err := pgxpool.ParseConfig(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	cfg.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "SET ROLE obs_writer")
		return err
	}
	pool, err = pgxpool.NewWithConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if err := exec(writer, "INSERT INTO hub.dirty (table_name) VALUES ('fruit')"); err != nil {
		t.Fatal(err)
	}
	if result, err := newRefresher(t, pool).Once(t.Context()); err != nil || len(result.Views) != 3 {
		t.Errorf("as obs_writer: result %+v, error %v", result, err)
	}
}

// TestRefreshViewCannotBeTricked puts other objects before those that the
// function, which has its owner's rights, means.
func TestRefreshViewCannotBeTricked(t *testing.T) {
	db := installed(t, views())
	conn := db.connect()
	for _, sql := range []string{
		`CREATE SCHEMA evil`,
		`CREATE TABLE evil.pg_class (oid oid, relnamespace oid, relname name, relkind "char", relispopulated boolean)`,
		`CREATE FUNCTION evil.format(text, name, name) RETURNS text LANGUAGE sql AS $$ SELECT 'public.basket' $$`,
		`CREATE MATERIALIZED VIEW evil."basket; DROP TABLE obs.fruit" AS SELECT 1`,
		`CREATE TEMP TABLE pg_namespace (oid oid, nspname name)`,
		`SET search_path = evil, pg_temp, pg_catalog, public`,
	} {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	for name, wantOK := range map[string]bool{"public.basket": true, `evil."basket; DROP TABLE obs.fruit"`: false} {
		_, err := conn.Exec(t.Context(), "SELECT hub.refresh_view($1::text::regclass)", name)
		if (err == nil) != wantOK {
			t.Errorf("%s: error %v", name, err)
		}
	}
}
