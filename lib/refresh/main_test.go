package refresh_test

import (
	"context"
	"testing"
	"testing/fstest"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/pgtest"
	"github.com/hubspoke/observability/lib/refresh"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// Two tables; fruit and cheese are what views are made of.
const tables = `
	CREATE SCHEMA obs;
	CREATE TABLE obs.fruit (name text, amount int NOT NULL);
	CREATE TABLE obs.cheese (name text, amount int NOT NULL);
	INSERT INTO obs.fruit VALUES ('apple', 1), ('pear', 2);
	INSERT INTO obs.cheese VALUES ('brie', 3);`

var template = pgtest.Template{Name: "refresh", Migrate: func(ctx context.Context, pool *pgxpool.Pool) error {
	if _, err := load.NewMigrator(pool).Up(ctx); err != nil {
		return err
	}
	_, err := pool.Exec(ctx, tables)
	return err
}}

// views is a package with every kind of dependency: basket and board are
// materialized over a table, basket through a plain view; total is materialized
// over both, and meal is plain.
func views() fstest.MapFS {
	return fstest.MapFS{
		"20_views.sql": file(`
			CREATE MATERIALIZED VIEW basket AS SELECT name, sum(amount) AS amount FROM ripe GROUP BY name;
			CREATE UNIQUE INDEX ON basket (name);
			CREATE MATERIALIZED VIEW board AS SELECT name, amount FROM obs.cheese;
			CREATE UNIQUE INDEX ON board (name);
			CREATE MATERIALIZED VIEW a_total AS
				SELECT 1 AS one, (SELECT sum(amount) FROM basket) + (SELECT sum(amount) FROM board) AS amount;
			CREATE UNIQUE INDEX ON a_total (one);
			CREATE VIEW meal AS SELECT * FROM a_total;`),
		"10_plain.sql": file(`CREATE VIEW ripe AS SELECT * FROM obs.fruit WHERE name <> 'green';`),
	}
}

func file(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }

// database is a database of one test.
type database struct {
	*testing.T
	*pgtest.DB
}

// newDatabase returns a database without a package.
func newDatabase(t *testing.T) *database {
	t.Helper()
	return &database{t, pgtest.New(t, template)}
}

// installed returns a database with a package.
func installed(t *testing.T, files fstest.MapFS) *database {
	t.Helper()
	db := newDatabase(t)
	if !db.install(files) {
		t.Fatal("the package was not installed")
	}
	return db
}

func (db *database) install(files fstest.MapFS) (changed bool) {
	db.Helper()
	changed, err := db.tryInstall(files)
	if err != nil {
		db.Fatal(err)
	}
	return changed
}

func (db *database) tryInstall(files fstest.MapFS) (changed bool, err error) {
	conn, err := pgx.Connect(db.Context(), db.URL)
	if err != nil {
		return false, err
	}
	defer conn.Close(context.Background())
	return refresh.Install(db.Context(), conn, files)
}

// connect returns a connection that the test's end closes.
func (db *database) connect() *pgx.Conn {
	db.Helper()
	conn, err := pgx.Connect(db.Context(), db.URL)
	if err != nil {
		db.Fatal(err)
	}
	db.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func (db *database) exec(sql string, args ...any) {
	db.Helper()
	if _, err := db.Pool.Exec(db.Context(), sql, args...); err != nil {
		db.Fatalf("%s: %v", sql, err)
	}
}

// change runs a statement on a table and marks the table in the same transaction.
func (db *database) change(table, sql string) {
	db.Helper()
	err := pgx.BeginFunc(db.Context(), db.Pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(db.Context(), sql); err != nil {
			return err
		}
		_, err := tx.Exec(db.Context(), "INSERT INTO hub.dirty (table_name) VALUES ($1)", table)
		return err
	})
	if err != nil {
		db.Errorf("%s: %v", sql, err)
	}
}

// text returns the first column of a query as texts.
func (db *database) text(sql string, args ...any) []string {
	db.Helper()
	rows, err := db.Pool.Query(db.Context(), "SELECT coalesce(x::text, 'null') FROM ("+sql+") AS q (x)", args...)
	if err != nil {
		db.Fatalf("%s: %v", sql, err)
	}
	got, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		db.Fatalf("%s: %v", sql, err)
	}
	return got
}

// waitFor waits until a query that returns a boolean returns true.
func (db *database) waitFor(condition string, args ...any) {
	db.Helper()
	deadline := time.Now().Add(5 * time.Minute)
	for {
		var yes bool
		if err := db.Pool.QueryRow(db.Context(), "SELECT "+condition, args...).Scan(&yes); err != nil {
			db.Fatalf("%s: %v", condition, err)
		}
		if yes {
			return
		}
		if time.Now().After(deadline) {
			db.Fatalf("not within 5 minutes: %s", condition)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// loaderPool is a pool with the settings of lib/load.
func (db *database) loaderPool() *pgxpool.Pool {
	db.Helper()
	cfg, err := load.PoolConfig(db.URL)
	if err != nil {
		db.Fatal(err)
	}
	pool, err := pgxpool.NewWithConfig(db.Context(), cfg)
	if err != nil {
		db.Fatal(err)
	}
	db.Cleanup(pool.Close)
	return pool
}
