package sql_test

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/hubspoke/observability/internal/hubtest"
	"github.com/hubspoke/observability/lib/goldentest"
	"github.com/hubspoke/observability/lib/pgtest"
	"github.com/hubspoke/observability/lib/refresh"
	"github.com/hubspoke/observability/schemas"
	"github.com/hubspoke/observability/sql"
)

// database is a database of one test with tables and views.
type database struct {
	*testing.T
	*pgtest.DB
}

func newDatabase(t *testing.T) *database {
	t.Helper()
	return &database{t, pgtest.New(t, hubtest.Views)}
}

// insert adds a row; values are column, value, column, value and so on.
func (db *database) insert(category string, values ...string) {
	db.Helper()
	row := map[string]string{}
	for i := 0; i < len(values); i += 2 {
		row[values[i]] = values[i+1]
	}
	if err := insert(db.T, db.DB, category, row); err != nil {
		db.Fatal(err)
	}
}

func (db *database) exec(statement string, args ...any) {
	db.Helper()
	if _, err := db.Pool.Exec(db.Context(), statement, args...); err != nil {
		db.Fatalf("%s: %v", statement, err)
	}
}

// refresh refreshes all materialized views, and fails if one fails.
func (db *database) refresh() {
	db.Helper()
	refresher, err := refresh.New(db.Pool, refresh.Config{})
	if err != nil {
		db.Fatal(err)
	}
	if _, err := refresher.All(db.Context()); err != nil {
		db.Fatal(err)
	}
}

// want compares the rows of a query, their columns joined by spaces.
func (db *database) want(query string, want ...string) {
	db.Helper()
	if got := db.rows(query); !slices.Equal(got, want) {
		db.Errorf("%s\n got %s\nwant %s", query, strings.Join(got, "\n     "), strings.Join(want, "\n     "))
	}
}

func (db *database) rows(query string) []string {
	db.Helper()
	rows, err := db.Pool.Query(db.Context(), query)
	if err != nil {
		db.Fatalf("%s: %v", query, err)
	}
	got, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (string, error) {
		values, err := row.Values()
		texts := make([]string, len(values))
		for i, v := range values {
			texts[i] = fmt.Sprint(v)
		}
		return strings.Join(texts, " "), err
	})
	if err != nil {
		db.Fatalf("%s: %v", query, err)
	}
	return got
}

func TestEveryViewAndColumnHasAComment(t *testing.T) {
	db := newDatabase(t)
	db.want(`
		SELECT c.relname || coalesce('.' || a.attname, '')
		FROM hub.installed_view i JOIN pg_class c ON c.oid = i.view_name::regclass
		LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
		WHERE col_description(c.oid, a.attnum) IS NULL OR obj_description(c.oid) IS NULL`)
}

// TestNamesLeaveRoom keeps the names of the predecessor's views free.
func TestNamesLeaveRoom(t *testing.T) {
	db := newDatabase(t)
	db.want("SELECT view_name FROM hub.installed_view WHERE view_name LIKE 'public.view\\_%'", "public.view_status")
}

func TestViewsCanBeRefreshedAndInstalledAgain(t *testing.T) {
	db := newDatabase(t)
	db.want("SELECT view_name FROM hub.view_refresh WHERE refreshed_at IS NOT NULL") // the installation computes nothing
	db.refresh()
	conn, err := pgx.Connect(t.Context(), db.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if changed, err := refresh.Install(t.Context(), conn, sql.Views()); err != nil || changed {
		t.Errorf("changed %v, error %v", changed, err)
	}
	// A changed package replaces every view.
	db.exec("UPDATE hub.installed_view SET package_sha256 = 'another'")
	if changed, err := refresh.Install(t.Context(), conn, sql.Views()); err != nil || !changed {
		t.Errorf("changed %v, error %v", changed, err)
	}
}

// TestEachViewDependsOnItsTables compares what is kept, and what it is made of, with
// testdata/dependencies.txt; with -update it writes the file.
func TestEachViewDependsOnItsTables(t *testing.T) {
	db := newDatabase(t)
	goldentest.Equal(t, "dependencies.txt", strings.Join(db.rows(`
		SELECT d.view::regclass || ':', string_agg(d.relation::regclass::text, ' ' ORDER BY d.relation::regclass::text COLLATE "C")
		FROM hub.view_dependency d JOIN pg_class v ON v.oid = d.view JOIN pg_class r ON r.oid = d.relation
		WHERE (v.relkind = 'm' OR v.relnamespace = 'live'::regnamespace) AND r.relkind = 'r'
		GROUP BY d.view ORDER BY d.view::regclass::text COLLATE "C"`), "\n")+"\n")
	// Each of them is refreshed, and nothing else.
	db.want(`
		WITH kept AS (
			SELECT 'public.' || relname AS name FROM pg_class WHERE relkind = 'm' AND relnamespace = 'public'::regnamespace
			UNION ALL
			SELECT 'summary.' || relname FROM pg_class WHERE relkind = 'v' AND relnamespace = 'live'::regnamespace
		)
		SELECT name, view_name FROM kept FULL JOIN hub.view_refresh ON view_name = name WHERE name IS NULL OR view_name IS NULL`)
}

// TestWhatIsStoredDoesNotKnowTheTime fails if time would stand still between two
// refreshes in a materialized view or a summary, or in a view that one of them reads.
func TestWhatIsStoredDoesNotKnowTheTime(t *testing.T) {
	newDatabase(t).want(`
		WITH stored AS (
			SELECT oid FROM pg_class
			WHERE relkind = 'm' AND relnamespace = 'public'::regnamespace OR relkind = 'v' AND relnamespace = 'live'::regnamespace
		), reads AS (
			SELECT oid FROM stored UNION SELECT d.relation FROM hub.view_dependency d JOIN stored s ON s.oid = d.view
		)
		SELECT oid::regclass FROM reads JOIN pg_class USING (oid)
		WHERE relkind IN ('m', 'v') AND pg_get_viewdef(oid) ~*
			'\m(now|age|random|timeofday|[a-z]+_timestamp)\(|current_(date|time)|localtime|''(now|today|tomorrow|yesterday)'`)
}

func TestFilesAreNumbered(t *testing.T) {
	numbered := regexp.MustCompile(`^[0-9]{2}_[a-z_]+\.sql$`)
	names, err := fs.Glob(sql.Views(), "*.sql")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		if !numbered.MatchString(name) {
			t.Errorf("%s is not named like 10_name.sql", name)
		}
	}
}

func TestCurrentViewsLeaveOutWhatIsGone(t *testing.T) {
	db := newDatabase(t)
	db.insert("certificates", "certificate_arn", "here")
	db.insert("certificates", "certificate_arn", "gone", "deleted_at", "2026-08-01T00:00:00Z")
	db.want("SELECT account_id, certificate_arn FROM current_certificates", "111111111111 here")
}

// TestExampleQueriesRun runs the queries of the reference pages.
func TestExampleQueriesRun(t *testing.T) {
	db := newDatabase(t)
	for _, table := range schemas.All() {
		queries, err := schemas.Queries(table.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range queries {
			db.want(q.SQL) // of no rows
		}
	}
}

var (
	sqlBlockRE = regexp.MustCompile("(?s)```sql\n(.*?)```")
	// askRE is what the guides hand to the functions of the shell that ask a database.
	askRE = regexp.MustCompile(`\b(ask|ask_as_admin) "((?:SELECT|DELETE) [^"]*)"`)
)

// TestQueriesOfTheGuidesRun runs what the documents tell people to ask.
func TestQueriesOfTheGuidesRun(t *testing.T) {
	db := newDatabase(t)
	db.refresh()
	text := func(name string) string {
		source, err := os.ReadFile("../docs/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return string(source)
	}
	for _, block := range sqlBlockRE.FindAllStringSubmatch(text("sql.md"), -1) {
		for query := range strings.SplitSeq(strings.TrimSpace(block[1]), ";\n") {
			db.rows(query)
		}
	}
	for _, name := range []string{"deployment.md", "runbook.md", "upgrade.md", "live-check.md"} {
		for _, asked := range askRE.FindAllStringSubmatch(text(name), -1) {
			db.rows(asked[2])
			if asked[1] == "ask" && strings.Contains(asked[2], "hub.") {
				t.Errorf("docs/%s: a reader may not see %s", name, asked[2])
			}
		}
	}
}

// TestExpiringCertificatesAreThereWhoeverRenewsThem: where ACM should and did not,
// nobody else will notice.
func TestExpiringCertificatesAreThereWhoeverRenewsThem(t *testing.T) {
	db := newDatabase(t)
	db.certificate("far.example.com", "not_after", in(31))
	db.certificate("failed.example.com", "not_after", in(3), "certificate_type", "AMAZON_ISSUED")
	db.certificate("imported.example.com", "not_after", in(2), "certificate_type", "IMPORTED", "renewal_eligibility",
		"INELIGIBLE")
	queries, err := schemas.Queries("certificates")
	if err != nil {
		t.Fatal(err)
	}
	rows := db.rows(queries[0].SQL)
	if len(rows) != 2 || !strings.Contains(rows[0], "imported.example.com IMPORTED INELIGIBLE") ||
		!strings.Contains(rows[1], "failed.example.com AMAZON_ISSUED ELIGIBLE") {
		t.Errorf("%s: %q", queries[0].Title, rows)
	}
}

// TestKeysThatCouldBeRotated: imported material is never rotated on schedule.
func TestKeysThatCouldBeRotated(t *testing.T) {
	db := newDatabase(t)
	db.key("off", "rotation_enabled", "false")
	db.key("imported", "rotation_enabled", "false", "origin", "EXTERNAL")
	queries, err := schemas.Queries("kms_keys")
	if err != nil {
		t.Fatal(err)
	}
	if rows := db.rows(queries[0].SQL); len(rows) != 1 || !strings.Contains(rows[0], "arn:off") {
		t.Errorf("%s: %q", queries[0].Title, rows)
	}
}
