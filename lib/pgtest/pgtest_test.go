package pgtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/hubspoke/observability/lib/pgtest/pgserver"
)

// counted is a template that counts how often it is migrated.
func counted(t *testing.T) (Template, *atomic.Int64) {
	n := new(atomic.Int64)
	return Template{
		Name: t.Name(),
		Hash: rand.Text(), // not the template of an earlier run
		Migrate: func(ctx context.Context, pool *pgxpool.Pool) error {
			n.Add(1)
			_, err := pool.Exec(ctx, "CREATE TABLE item (id int PRIMARY KEY); INSERT INTO item VALUES (1)")
			return err
		},
	}, n
}

func execAt(ctx context.Context, url, sql string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, sql)
	return errors.Join(err, conn.Close(ctx))
}

func queryInt(t *testing.T, db *DB, sql string, args ...any) int {
	t.Helper()
	var n int
	if err := db.Pool.QueryRow(t.Context(), sql, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func databases(t *testing.T, db *DB, name string) int {
	t.Helper()
	return queryInt(t, db, "SELECT count(*) FROM pg_database WHERE datname = $1", name)
}

func currentDatabase(t *testing.T, db *DB) string {
	t.Helper()
	var name string
	if err := db.Pool.QueryRow(t.Context(), "SELECT current_database()").Scan(&name); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestNewClonesOneTemplate(t *testing.T) {
	template, migrations := counted(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			db := New(t, template)
			if _, err := db.Pool.Exec(t.Context(), "INSERT INTO item VALUES (2)"); err != nil {
				t.Error("a clone sees the rows of another:", err)
			}
		})
	}
	wg.Wait()
	if n := migrations.Load(); n != 1 {
		t.Errorf("migrated %d times, want once", n)
	}
	if n := queryInt(t, New(t, template), "SELECT count(*) FROM item"); n != 1 {
		t.Errorf("a new clone has %d rows, want the 1 of the template", n)
	}
}

func TestURLAndPoolAreTheSameDatabase(t *testing.T) {
	db := Empty(t)
	if err := execAt(t.Context(), db.URL, "CREATE TABLE here ()"); err != nil {
		t.Fatal(err)
	}
	if n := queryInt(t, db, "SELECT count(*) FROM pg_class WHERE relname = 'here'"); n != 1 {
		t.Error("the pool does not see the table made through the URL")
	}
}

func TestDroppedAfterTheTest(t *testing.T) {
	other := Empty(t)
	var name string
	t.Run("inner", func(inner *testing.T) {
		db := Empty(inner)
		name = currentDatabase(inner, db)
		if databases(inner, other, name) != 1 {
			inner.Errorf("%s does not exist during its test", name)
		}
		// A connection outside the pool does not keep the database alive.
		conn, err := pgx.Connect(t.Context(), db.URL)
		if err != nil {
			inner.Fatal(err)
		}
		t.Cleanup(func() { conn.Close(context.Background()) })
	})
	if databases(t, other, name) != 0 {
		t.Errorf("%s exists after its test", name)
	}
}

// TestProcessesShareTemplate lets values of server stand for processes.
func TestProcessesShareTemplate(t *testing.T) {
	template, migrations := counted(t)
	db := Empty(t)
	processes := []*server{sameServer(t), sameServer(t), sameServer(t)}
	var wg sync.WaitGroup
	for i, process := range processes {
		wg.Go(func() {
			name := databaseName(fmt.Sprintf("shared_%d", i))
			if err := process.clone(t.Context(), template, name); err != nil {
				t.Error(err)
				return
			}
			if databases(t, db, name) != 1 {
				t.Errorf("%s was not made", name)
			}
			if err := process.drop(t.Context(), name); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := migrations.Load(); n != 1 {
		t.Errorf("3 processes migrated %d times, want once", n)
	}
}

func TestOtherHashIsOtherTemplate(t *testing.T) {
	template, migrations := counted(t)
	first, second := template.Hash, rand.Text()
	for _, hash := range []string{first, second, first} {
		template.Hash = hash
		New(t, template)
	}
	if n := migrations.Load(); n != 2 {
		t.Errorf("migrated %d times for 2 hashes", n)
	}
}

func TestDroppedTemplateIsMadeAgain(t *testing.T) {
	template, migrations := counted(t)
	New(t, template)
	dropTemplate(t, template)
	db := New(t, template)
	if n := queryInt(t, db, "SELECT count(*) FROM item"); n != 1 {
		t.Errorf("the clone has %d rows, want 1", n)
	}
	if n := migrations.Load(); n != 2 {
		t.Errorf("migrated %d times, want 2", n)
	}
}

func TestFailedMigrationLeavesNothing(t *testing.T) {
	s, db := sameServer(t), Empty(t)
	fault := errors.New("no such extension")
	var draft string
	template := Template{Name: t.Name(), Hash: rand.Text(), Migrate: func(ctx context.Context, pool *pgxpool.Pool) error {
		draft = pool.Config().ConnConfig.Database
		_, err := pool.Exec(ctx, "CREATE TABLE half ()")
		return errors.Join(err, fault)
	}}
	name := databaseName("never")
	if err := s.clone(t.Context(), template, name); !errors.Is(err, fault) {
		t.Errorf("error %v, want the migration's", err)
	}
	if databases(t, db, name) != 0 || databases(t, db, draft) != 0 {
		t.Errorf("%s or %s exists after the migration failed", name, draft)
	}
	var migrated bool
	template.Migrate = func(context.Context, *pgxpool.Pool) error { migrated = true; return nil }
	New(t, template)
	if !migrated {
		t.Error("the half-made template was taken for finished")
	}
}

func TestTemplateValidateNamesAllFaults(t *testing.T) {
	err := sameServer(t).clone(t.Context(), Template{}, "unused")
	if err == nil || !strings.Contains(err.Error(), "Name") || !strings.Contains(err.Error(), "Migrate") {
		t.Errorf("error %v names not both faults", err)
	}
}

func TestDropLeftovers(t *testing.T) {
	s, db := sameServer(t), Empty(t)
	now := time.Now()
	name := func(age time.Duration) string {
		return fmt.Sprintf("%s%d_leftover%d", prefix, now.Add(-age).Unix(), now.UnixNano())
	}
	old, young, inUse, foreign := name(25*time.Hour), name(time.Hour), name(26*time.Hour),
		fmt.Sprintf("%sforeign%d", prefix, now.UnixNano())
	for _, n := range []string{old, young, inUse, foreign} {
		if err := s.createEmpty(t.Context(), n); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := s.drop(context.Background(), n); err != nil {
				t.Error(err)
			}
		})
	}
	conn, err := pgx.Connect(t.Context(), s.databaseURL(inUse))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if err := s.dropLeftovers(t.Context(), now.Add(-leftoverAge)); err != nil {
		t.Fatal(err)
	}
	for n, want := range map[string]int{old: 0, young: 1, inUse: 1, foreign: 1} {
		if got := databases(t, db, n); got != want {
			t.Errorf("%s: %d databases, want %d", n, got, want)
		}
	}
}

func TestClosePoolDoesNotWaitForever(t *testing.T) {
	db := Empty(t)
	conn, err := db.Pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	err = closePool(db.Pool, time.Millisecond)
	if err == nil || !strings.Contains(err.Error(), "1 connections") {
		t.Errorf("error %v does not tell that a connection was kept", err)
	}
}

func TestOpenServerUsesDatabaseURL(t *testing.T) {
	s := sameServer(t)
	opened, err := openServer(t.Context(), s.url.String())
	if err != nil {
		t.Fatal(err)
	}
	if opened.own != nil || opened.url.String() != s.url.String() {
		t.Errorf("opened %v, own %v; want %v", opened.url, opened.own, s.url)
	}
	_, err = openServer(t.Context(), "host=localhost user=secret")
	if err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("error %v; want one that does not repeat the value", err)
	}
}

// A test that sets DATABASE_URL for the program that it tests changes nothing here.
func TestEnvironmentOfATestIsNotUsed(t *testing.T) {
	t.Setenv(urlVariable, "postgres://127.0.0.1:1/none")
	var l lazyServer
	if _, err := l.get(); err != nil {
		t.Error(err)
	}
	if err := l.stop(); err != nil {
		t.Error(err)
	}
}

func TestNotInstalledTellsBothWays(t *testing.T) {
	err := notInstalled(pgserver.ErrNotFound)
	for _, want := range []string{"apt-get install postgresql", urlVariable} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not name %s", err, want)
		}
	}
}

func TestStartServerSurvivesKill(t *testing.T) {
	s := StartServer(t, pgserver.Config{Durable: true})
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := s.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := execAt(t.Context(), s.URL(), "SELECT 1"); err != nil {
		t.Error(err)
	}
}

// dropTemplate drops the template's database, as another process may.
func dropTemplate(t *testing.T, template Template) {
	t.Helper()
	suffix, err := template.suffix()
	if err != nil {
		t.Fatal(err)
	}
	s := sameServer(t)
	err = s.admin(t.Context(), func(conn *pgx.Conn) error {
		name, err := findTemplate(t.Context(), conn, suffix)
		if err != nil {
			return err
		}
		return s.drop(t.Context(), name)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// sameServer is the shared server as another process would see it.
func sameServer(t *testing.T) *server {
	t.Helper()
	s, err := shared.get()
	if err != nil {
		t.Fatal(err)
	}
	return &server{url: s.url, templates: map[string]string{}}
}

func BenchmarkEmpty(b *testing.B) {
	for b.Loop() {
		benchmarkDB(b, (*server).createEmpty)
	}
}

func BenchmarkClone(b *testing.B) {
	template := Template{Name: b.Name(), Migrate: func(ctx context.Context, pool *pgxpool.Pool) error {
		_, err := pool.Exec(ctx, "CREATE TABLE item (id int PRIMARY KEY)")
		return err
	}}
	for b.Loop() {
		benchmarkDB(b, func(s *server, ctx context.Context, name string) error { return s.clone(ctx, template, name) })
	}
}

func benchmarkDB(b *testing.B, create func(*server, context.Context, string) error) {
	s, err := shared.get()
	if err != nil {
		b.Fatal(err)
	}
	name := databaseName(fmt.Sprint("bench", time.Now().UnixNano()))
	if err := errors.Join(create(s, b.Context(), name), s.drop(b.Context(), name)); err != nil {
		b.Fatal(err)
	}
}
