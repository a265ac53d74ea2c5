package dashboard

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/time/rate"

	"github.com/hubspoke/observability/consumers/dashboard/access"
	"github.com/hubspoke/observability/consumers/dashboard/page"
	"github.com/hubspoke/observability/consumers/dashboard/pages"
	"github.com/hubspoke/observability/internal/hubtest"
)

// guarded is a dashboard with a login in front of a filled database. Roles belong to a whole
// server: it has one of its own.
type guarded struct {
	*testing.T
	owner, pool *pgxpool.Pool
	handler     http.Handler
	log         *strings.Builder
	accounts    []string
}

// named is a gate that believes a header: only for tests.
type named struct{}

func (named) Admit(_ http.ResponseWriter, r *http.Request) (*access.Viewer, error) {
	principals := r.Header.Values("Principal")
	if len(principals) == 0 {
		return nil, &access.Refusal{Status: http.StatusUnauthorized, Reason: "no header", Title: "You are not logged in."}
	}
	return &access.Viewer{Name: principals[0], Principals: principals, LogOut: "/logout"}, nil
}

func newGuarded(t *testing.T) *guarded {
	t.Helper()
	g := &guarded{T: t, log: new(strings.Builder)}
	g.owner, g.pool = hubtest.Guarded(t, filled)
	s := newServer(g.pool, Config{Pages: pages.All(), Log: slog.New(slog.NewTextHandler(g.log, nil)), Gate: named{}})
	s.limits.rate = rate.Inf
	g.handler = s.handler()
	g.accounts = values[string](g, g.owner, "SELECT DISTINCT account_id FROM freshness ORDER BY 1")
	g.exec("INSERT INTO hub.access VALUES ('user:all', '*'), ('user:none', '999999999999')")
	for i, account := range g.accounts {
		g.exec(fmt.Sprintf("INSERT INTO hub.access VALUES ('group:%d', '%s')", i, account))
	}
	// Each category that tells of other accounts does so.
	for _, column := range owners {
		for _, table := range values[string](g, g.owner, `SELECT attrelid::regclass::text FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
			WHERE relnamespace = 'obs'::regnamespace AND relkind = 'r' AND attname = $1`, column) {
			g.exec(fmt.Sprintf("UPDATE %s SET %s = '%s' WHERE account_id = '%s'", table, column, g.accounts[1], g.accounts[0]))
		}
	}
	return g
}

func (g *guarded) exec(sql string) {
	g.Helper()
	if _, err := g.owner.Exec(g.Context(), sql); err != nil {
		g.Fatal(err)
	}
}

// values returns the values of a query with one column.
func values[T any](g *guarded, db interface {
	Query(context.Context, string, ...any) (pgx.Rows, error)
}, sql string, args ...any) []T {
	g.Helper()
	rows, err := db.Query(g.Context(), sql, args...)
	if err != nil {
		g.Fatalf("%s: %v", sql, err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[T])
	if err != nil {
		g.Fatalf("%s: %v", sql, err)
	}
	return all
}

// as runs do with the rights of principals.
func (g *guarded) as(do func(pgx.Tx), principals ...string) {
	g.Helper()
	ctx := access.With(g.Context(), &access.Viewer{Principals: principals})
	err := read(ctx, g.pool, time.Minute, func(tx pgx.Tx) error {
		do(tx)
		return nil
	})
	if err != nil {
		g.Fatal(err)
	}
}

// get asks for an address as principals.
func (g *guarded) get(path string, status int, principals ...string) string {
	g.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Header["Principal"] = principals
	w := httptest.NewRecorder()
	g.handler.ServeHTTP(w, r)
	body := html.UnescapeString(w.Body.String())
	if w.Code != status {
		log := g.log.String()
		g.Errorf("%s as %v: status %d, want %d; the log ends with %s", path, principals, w.Code, status,
			log[max(0, len(log)-700):])
	}
	return body
}

// says wants texts in an answer.
func (g *guarded) says(path string, status int, who string, texts ...string) {
	g.Helper()
	body := g.get(path, status, who)
	for _, text := range texts {
		if !strings.Contains(body, text) {
			g.Errorf("%s as %s does not say %q: %s", path, who, text, cut(body, 700))
		}
	}
}

func TestRowSecurity(t *testing.T) {
	g := newGuarded(t)
	t.Run("views", g.with((*guarded).testViews))
	t.Run("roles", g.with((*guarded).testRoles))
	t.Run("pages", g.with((*guarded).testPages))
	t.Run("grants", g.with((*guarded).testGrants))
	t.Run("injection", g.with((*guarded).testInjection))
	t.Run("log", g.with((*guarded).testLog))
	t.Run("evil values", g.with((*guarded).testEvilValues)) // it replaces the views
	t.Run("no views", g.with((*guarded).testNoViews))
}

func (g *guarded) with(test func(*guarded)) func(*testing.T) {
	return func(t *testing.T) {
		inner := *g
		inner.T = t
		test(&inner)
	}
}

// owners are the columns that say which account a row is about, where that is not
// account_id; others name an account that has to do with it.
var owners = []string{"finding_account_id", "home_account_id", "member_account_id", "reported_account_id",
	"linked_account_id", "entity_account_id", "resource_account_id"}

var mentioned = []string{"account_id", "owner_account_id", "proposer_account_id", "acceptor_account_id",
	"administrator_account_id", "management_account_id"}

// testViews: each view with account_id is in seen, and shows what is granted, whole; each
// without is not there.
func (g *guarded) testViews() {
	for _, column := range values[string](g, g.owner, `SELECT DISTINCT attname::text FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
		WHERE relnamespace = 'public'::regnamespace AND relkind IN ('v', 'm') AND attname LIKE '%account_id'`) {
		if !slices.Contains(owners, column) && !slices.Contains(mentioned, column) {
			g.Errorf("column %s: say in sql/views/99_seen.sql whether rows belong to that account", column)
		}
	}
	with := values[string](g, g.owner, viewsSQL, true)
	seen := values[string](g, g.owner, `SELECT relname::text FROM pg_class WHERE relnamespace = 'seen'::regnamespace AND relkind = 'v'
		AND relname NOT IN ('principal', 'visible_account', 'viewer') ORDER BY relname COLLATE "C"`)
	if !slices.Equal(with, seen) || len(with) < 100 {
		g.Errorf("views with account_id %q\nand in seen %q", with, seen)
	}
	without := values[string](g, g.owner, viewsSQL, false)
	if len(without) == 0 || slices.ContainsFunc(without, func(v string) bool { return slices.Contains(seen, v) }) {
		g.Errorf("views without account_id: %q", without)
	}
	barriers := values[string](g, g.owner, `SELECT relname::text FROM pg_class WHERE relnamespace = 'seen'::regnamespace AND relkind = 'v'
		AND reloptions @> '{security_barrier=true}' ORDER BY relname COLLATE "C"`)
	if !slices.Equal(barriers, seen) {
		g.Errorf("views without a barrier: %d of %d", len(seen)-len(barriers), len(seen))
	}

	filled := 0
	for _, view := range with {
		owner := "account_id"
		columns := values[string](g, g.owner,
			"SELECT attname::text FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0", view)
		for _, column := range owners {
			if slices.Contains(columns, column) {
				owner = "coalesce(" + column + ", account_id)"
			}
		}
		all := g.counts(g.owner, "SELECT "+owner+", count(*) FROM public."+view+" GROUP BY 1")
		maps.DeleteFunc(all, func(account string, _ int) bool { return !slices.Contains(g.accounts, account) })
		if len(all) > 1 {
			filled++
		}
		sum, groups := map[string]int{}, []string{"group:none"}
		for i, account := range g.accounts {
			groups = append(groups, fmt.Sprintf("group:%d", i))
			g.as(func(tx pgx.Tx) {
				for of, n := range g.counts(tx, "SELECT "+owner+", count(*) FROM "+view+" GROUP BY 1") {
					if of != account {
						g.Errorf("%s: who may see %s sees %d rows of %s", view, account, n, of)
					}
					sum[of] += n
				}
			}, groups[i+1])
		}
		if !maps.Equal(sum, all) {
			g.Errorf("%s: rows by account, added up over viewers: %v, want %v", view, sum, all)
		}
		var some, everything int
		g.as(func(tx pgx.Tx) { some = values[int](g, tx, "SELECT count(*) FROM "+view)[0] }, groups...)
		g.as(func(tx pgx.Tx) { everything = values[int](g, tx, "SELECT count(*) FROM "+view)[0] }, "user:all")
		total := 0
		for _, n := range all {
			total += n
		}
		if some != total || everything < total {
			g.Errorf("%s: %d rows for all groups, %d for who sees all, want %d", view, some, everything, total)
		}
	}
	if filled < 60 {
		g.Errorf("only %d views have rows of several accounts", filled)
	}
}

const viewsSQL = `SELECT c.relname::text FROM pg_class c JOIN hub.installed_view i ON to_regclass(i.view_name) = c.oid
	WHERE relnamespace = 'public'::regnamespace AND $1 = EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.oid AND attname = 'account_id')
	ORDER BY c.relname COLLATE "C"`

func (g *guarded) counts(db interface {
	Query(context.Context, string, ...any) (pgx.Rows, error)
}, sql string) map[string]int {
	g.Helper()
	rows, err := db.Query(g.Context(), sql)
	if err != nil {
		g.Fatalf("%s: %v", sql, err)
	}
	counts := map[string]int{}
	var account string
	var n int
	if _, err := pgx.ForEachRow(rows, []any{&account, &n}, func() error {
		counts[account] = n
		return nil
	}); err != nil {
		g.Fatalf("%s: %v", sql, err)
	}
	return counts
}

// testRoles: a transaction that forgets its role sees nothing, and the role of viewers reads
// nothing but what is seen.
func (g *guarded) testRoles() {
	denied := func(db interface {
		Exec(context.Context, string, ...any) (pgconn.CommandTag, error)
	}, sql string) {
		g.Helper()
		_, err := db.Exec(g.Context(), sql)
		if server, ok := errors.AsType[*pgconn.PgError](err); !ok || server.Code != "42501" {
			g.Errorf("%s: %v, want 42501", sql, err)
		}
	}
	relations := values[string](g, g.owner, `SELECT c.oid::regclass::text FROM pg_class c WHERE relkind IN ('r', 'v', 'm', 'p', 'S')
		AND relnamespace::regnamespace::text IN ('public', 'obs', 'hub', 'live', 'summary', 'legacy', 'org', 'history')`)
	for _, role := range []string{"dashboard", "obs_restricted"} {
		readable := values[string](g, g.owner, `SELECT c.oid::regclass::text FROM pg_class c WHERE relkind IN ('r', 'v', 'm', 'p', 'S')
			AND relnamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
			AND (relnamespace <> to_regnamespace('seen') OR $1 = 'dashboard')
			AND (has_table_privilege($1, c.oid, 'SELECT') OR has_any_column_privilege($1, c.oid, 'SELECT, INSERT, UPDATE'))`, role)
		if len(readable) > 0 || len(relations) < 300 {
			g.Errorf("%s may read %q", role, readable)
		}
	}
	for _, schema := range []string{"public", "obs", "hub", "live", "summary", "legacy", "org", "history", "seen"} {
		if may := values[bool](g, g.owner, "SELECT has_schema_privilege('obs_restricted', $1, 'CREATE')", schema)[0]; may {
			g.Errorf("obs_restricted may make things in %s", schema)
		}
	}
	for _, sql := range []string{"SELECT FROM public.cost_daily", "SELECT FROM seen.cost_daily", "SELECT FROM hub.access",
		"SET ROLE obs_writer", "INSERT INTO hub.access VALUES ('user:me', '*')"} {
		denied(g.pool, sql)
	}
	conn, err := g.pool.Acquire(g.Context())
	if err != nil {
		g.Fatal(err)
	}
	defer conn.Release()
	if _, err := conn.Exec(g.Context(), "SET ROLE obs_restricted; SET search_path = seen"); err != nil {
		g.Fatal(err)
	}
	for _, sql := range []string{"SELECT FROM public.cost_daily", "SELECT FROM public.account_overview",
		"SELECT FROM obs.service_costs",
		"SELECT FROM hub.access", "SELECT FROM summary.findings", "SELECT FROM live.findings", "SELECT FROM org.products",
		"CREATE TABLE seen.mine ()", "CREATE TABLE public.mine ()", "SELECT hub.refresh_view('public.cost_monthly')"} {
		denied(conn, sql)
	}
	for _, setting := range []string{"", "{}", `{"user:nobody"}`, `{"*"}`, `{"user:all' OR true --"}`} {
		if _, err := conn.Exec(g.Context(), "SELECT set_config('hub.principals', $1, false)", setting); err != nil {
			g.Fatal(err)
		}
		if rows := values[int](g, conn, "SELECT count(*)::int FROM cost_daily"); rows[0] != 0 {
			g.Errorf("principals %s see %d rows", setting, rows[0])
		}
	}
	// What a condition says of rows that are not seen stays untold.
	_, err = conn.Exec(g.Context(), `SELECT set_config('hub.principals', '{group:0}', false);
		SELECT 1 / (account_id = '`+g.accounts[0]+`')::int FROM cost_daily`)
	if err != nil {
		g.Errorf("a condition was asked about the row of another account: %v", err)
	}
	if _, err := conn.Exec(g.Context(), "RESET ROLE; RESET search_path; RESET hub.principals"); err != nil {
		g.Fatal(err)
	}
}

// testPages: who sees some accounts gets every page, with a reason where there is no answer.
func (g *guarded) testPages() {
	var withheldPanels []string
	for _, p := range pages.All() {
		path := strings.ReplaceAll(p.Path, "{account}", g.accounts[0])
		body := g.get(path, http.StatusOK, "group:0")
		if strings.Contains(body, "has no answer") || strings.Contains(body, g.accounts[1]) {
			g.Errorf("%s for one account has no answer, or one about another account: %s", path, g.log)
		}
		body = g.get(path, http.StatusOK, "user:all")
		if strings.Contains(body, withheld) || strings.Contains(body, "has no answer") {
			g.Errorf("%s withholds something from who sees all: %s", path, g.log)
		}
		for _, panel := range p.Panels {
			values := url.Values{"account": {g.accounts[1]}}
			if !slices.ContainsFunc(p.Filters, func(f page.Filter) bool { return f.Name == "account" }) {
				values = nil
			}
			r := httptest.NewRequest(http.MethodGet, address("/data/"+p.Name+"/"+slug(panel.Title)+".csv", values), nil)
			r.Header.Set("Principal", "group:0")
			w := httptest.NewRecorder()
			g.handler.ServeHTTP(w, r)
			isWithheld := w.Code == http.StatusForbidden && strings.Contains(w.Body.String(), withheld)
			if isWithheld {
				withheldPanels = append(withheldPanels, p.Name+"/"+slug(panel.Title))
			}
			if w.Code != http.StatusOK && !isWithheld ||
				values == nil && strings.Contains(w.Body.String(), g.accounts[1]) {
				g.Errorf("%s: %d: %s", r.URL, w.Code, cut(w.Body.String(), 2000))
			}
		}
	}
	want := []string{"freshness/shards", "freshness/views", "rejects/by-category", "rejects/gaps-in-the-stream"}
	if !slices.Equal(withheldPanels, want) {
		g.Errorf("withheld are %q, want %q", withheldPanels, want)
	}
	g.says("/accounts", http.StatusOK, "group:1", g.accounts[1])
	if body := g.get("/accounts/"+g.accounts[1], http.StatusOK, "group:0"); strings.Contains(body, `class="tile`) {
		g.Errorf("the page of an account that is not granted has numbers: %s", cut(body, 700))
	}
	for _, sql := range []string{
		"SELECT account_id FROM account_overview WHERE account_id = $1",
		"SELECT account_name FROM account_overview WHERE account_id = $1",
		"SELECT resource_arn FROM resources WHERE account_id = $1 AND resource_arn IS NOT NULL LIMIT 1",
		"SELECT resource_name FROM resources r WHERE account_id = $1 AND NOT EXISTS (SELECT FROM resources o " +
			"WHERE o.account_id <> $1 AND o.resource_name = r.resource_name) AND resource_name IS NOT NULL LIMIT 1",
		"SELECT resource_arn FROM needs_attention WHERE account_id = $1 AND resource_arn IS NOT NULL LIMIT 1",
	} {
		for _, sought := range values[string](g, g.owner, sql, g.accounts[1]) {
			path := "/search?q=" + url.QueryEscape(sought)
			g.says(path, http.StatusOK, "group:0", "0 hits for "+sought, "Nothing has this name.")
			g.get(path, http.StatusFound, "group:1")
		}
	}
	g.says("/freshness", http.StatusOK, "group:0", withheld, "group:0", `action="/logout"`)
	g.says("/data/freshness/views.json", http.StatusForbidden, "group:0", withheld)

	for _, path := range []string{"/costs", "/search?q=nothing", "/rows"} {
		before := g.pool.Stat().AcquireCount()
		g.get(path, http.StatusOK, "group:0")
		if n := g.pool.Stat().AcquireCount() - before; n != 1 {
			g.Errorf("%s takes %d transactions, want one", path, n)
		}
	}

	// What the server knows of views for one viewer is not for another.
	for range 2 {
		g.says("/rows", http.StatusOK, "user:all", "view_status", "cost_daily")
		body := g.get("/rows", http.StatusOK, "group:0")
		if strings.Contains(body, "view_status") || !strings.Contains(body, "cost_daily") {
			g.Error("a viewer of one account gets the list of all views")
		}
		for _, format := range []string{"", ".csv", ".json"} {
			g.get("/rows/view_status"+format, http.StatusNotFound, "group:0")
			g.get("/rows/viewer"+format, http.StatusNotFound, "group:0")
			g.get("/rows/view_status"+format, http.StatusOK, "user:all")
			if body := g.get("/rows/cost_daily"+format, http.StatusOK, "group:0"); strings.Contains(body, g.accounts[1]) {
				g.Errorf("/rows/cost_daily%s has rows of another account", format)
			}
		}
	}
	g.says("/rows/cost_daily?account_id="+g.accounts[1], http.StatusOK, "group:0", "No rows for this choice.")
}

// testGrants: what is granted or revoked holds from the next page on, and who sees nothing
// reads whom to ask.
func (g *guarded) testGrants() {
	nobody := []string{"You may not see any account yet.", "hub access grant", "user:new <b>"}
	g.says("/", http.StatusForbidden, "user:new <b>", nobody...)
	g.says("/rows", http.StatusForbidden, "user:new <b>", nobody...)
	g.says("/rows/cost_daily.csv", http.StatusForbidden, "user:new <b>", nobody...)
	g.says("/data/costs/services.csv", http.StatusForbidden, "user:new <b>", nobody...)
	body := g.get("/", http.StatusForbidden, "user:new", "group:other")
	if !strings.Contains(body, "<code>group:other</code>") {
		g.Errorf("the page does not say what to grant access to: %s", body)
	}
	g.exec("INSERT INTO hub.access VALUES ('user:new <b>', '" + g.accounts[0] + "')")
	g.says("/accounts", http.StatusOK, "user:new <b>", g.accounts[0])
	g.exec("DELETE FROM hub.access WHERE principal LIKE 'user:new%'")
	g.says("/accounts", http.StatusForbidden, "user:new <b>", nobody...)
	g.get("/", http.StatusUnauthorized)

	g.testTags()
	g.exec("REVOKE SELECT ON savings_opportunities FROM obs_reader")
	g.says("/savings", http.StatusOK, "user:all", "make it a member of obs_reader")
	g.as(func(tx pgx.Tx) {
		views, err := relationsOf(g.Context(), tx)
		if _, listed := find(views, "savings_opportunities"); listed || err != nil || len(views) == 0 {
			g.Errorf("%d views, with one that the role may not read: %t, %v", len(views), listed, err)
		}
	}, "user:all")
	g.exec("GRANT SELECT ON savings_opportunities TO obs_reader")
	// A reader may know which views wait for which tables, and not read these.
	g.exec("INSERT INTO hub.dirty (table_name, marked_at) VALUES ('secrets', now()), ('hub.scope', now())")
	g.as(func(tx pgx.Tx) {
		waiting := values[string](g, tx, "SELECT view_name FROM view_status WHERE waiting_since IS NOT NULL ORDER BY 1")
		if !slices.Contains(waiting, "summary.attention_secrets") || !slices.Contains(waiting, "public.account_overview") {
			g.Errorf("%q wait for what has changed", waiting)
		}
	}, "user:all")
	g.exec("DELETE FROM hub.dirty")
	for who, want := range map[string]string{"user:all": "public, pg_temp", "group:0": "seen, pg_temp"} {
		g.as(func(tx pgx.Tx) {
			if got := values[string](g, tx, "SELECT current_setting('search_path')")[0]; got != want {
				g.Errorf("%s finds views in %s, want %s", who, got, want)
			}
		}, who)
	}
	named, err := Named(g.Context(), g.pool, []string{"group:1", "user:x", "group:0", `a"b\`, "user:all"})
	if err != nil || !slices.Equal(named, []string{"group:0", "group:1", "user:all"}) {
		g.Errorf("%q, %v", named, err)
	}
	if err := CheckRoles(g.Context(), g.pool); err != nil {
		g.Error(err)
	}
	if err := CheckRoles(g.Context(), g.owner); err != nil { // a superuser may take any
		g.Error(err)
	}
}

// testTags: a browser keeps a page for the one who saw it, and as long as they may see it.
func (g *guarded) testTags() {
	ask := func(who, tag string, status int) string {
		g.Helper()
		r := httptest.NewRequest(http.MethodGet, "/accounts", nil)
		r.Header.Set("Principal", who)
		r.Header.Set("If-None-Match", tag)
		w := httptest.NewRecorder()
		g.handler.ServeHTTP(w, r)
		if w.Code != status {
			g.Errorf("%s with the tag %s: %d, want %d", who, tag, w.Code, status)
		}
		return w.Header().Get("ETag")
	}
	g.exec("INSERT INTO hub.access VALUES ('user:new', '" + g.accounts[0] + "'), ('user:other', '" + g.accounts[0] + "')")
	tag := ask("user:new", "", http.StatusOK)
	if tag == "" {
		g.Error("a page for a viewer of one account has no tag")
	}
	ask("user:new", tag, http.StatusNotModified)
	ask("user:other", tag, http.StatusOK)
	ask("user:all", tag, http.StatusOK)
	g.exec("INSERT INTO hub.access VALUES ('user:new', '999999999999')") // nothing of it is collected
	tag = ask("user:new", tag, http.StatusOK)
	g.exec("UPDATE hub.access SET account_id = '" + g.accounts[1] + "' WHERE account_id = '" + g.accounts[0] +
		"' AND principal = 'user:new'")
	ask("user:new", tag, http.StatusOK)
	g.exec("DELETE FROM hub.access WHERE principal = 'user:new'")
	ask("user:new", tag, http.StatusForbidden)
	g.exec("DELETE FROM hub.access WHERE principal = 'user:other'")
}

// testInjection: no value of a parameter becomes SQL, and no principal another one.
func (g *guarded) testInjection() {
	for _, evil := range []string{"'; RESET ROLE; --", "' OR true --", `"; SELECT set_config('hub.principals', '{user:all}', true); --`,
		"x') UNION SELECT account_id FROM public.account_overview --", "$1", "{user:all}", `\`, "user:all,group:1", "{where}",
		"'||(SELECT current_user)||'", "%", "_", "*"} {
		for _, path := range []string{
			"/costs?account=", "/costs?service=", "/findings?severity=", "/freshness?status=", "/rows/cost_daily?service=",
			"/rows/cost_daily?service=~", "/rows/cost_daily?service=%3E", "/rows/resources?account_id=%3C",
			"/data/costs/services.csv?account=", "/rows/cost_daily.json?service=",
		} {
			body := g.get(path+url.QueryEscape(evil), http.StatusOK, "group:0")
			if strings.Contains(body, g.accounts[1]) || strings.Contains(body, "has no answer") {
				g.Errorf("%s%s: %s", path, evil, cut(body, 700))
			}
		}
		for _, path := range []string{"/costs?%s=1", "/rows/cost_daily?%s=1", "/rows/cost_daily?sort=%s",
			"/rows/cost_daily?page=%s"} {
			body := g.get(strings.Replace(path, "%s", url.QueryEscape(evil), 1), http.StatusBadRequest, "group:0")
			if strings.Contains(body, g.accounts[1]) {
				g.Errorf("%s%s: %s", path, evil, cut(body, 700))
			}
		}
		g.get("/rows/"+url.PathEscape(evil), http.StatusNotFound, "group:0")
		g.get("/accounts/"+url.PathEscape(evil), http.StatusOK, "group:0")
		g.get("/", http.StatusForbidden, "user:"+evil)
		g.get("/", http.StatusForbidden, evil)
	}
	var role, path string
	err := g.pool.QueryRow(g.Context(), "SELECT current_user, current_setting('search_path')").Scan(&role, &path)
	if err != nil || role != "dashboard" || strings.Contains(path, "seen") {
		g.Errorf("a connection is left with the role %s and the path %s, %v", role, path, err)
	}
}

// testLog: each page, export and refusal is a line that says who, what, how much and how
// long, and nothing else of a login.
func (g *guarded) testLog() {
	line := func(path string, status int, principals ...string) string {
		g.log.Reset()
		g.get(path, status, principals...)
		return g.log.String()
	}
	for _, test := range []struct {
		path   string
		status int
		who    []string
		want   []string
	}{
		{"/costs?account=1", 200, []string{"group:0"}, []string{"msg=page", "path=/costs", `query="account=1"`, "viewer=group:0",
			"remote=192.0.2.1:1234", "rows=", "duration=", "status=200"}},
		{"/rows/cost_daily.csv", 200, []string{"group:0"}, []string{"msg=export", "viewer=group:0", "remote=", "rows=",
			"duration="}},
		{"/search?q=costs", 302, []string{"group:0"}, []string{"msg=search", `query="q=costs"`, "to=/costs", "viewer=group:0",
			"remote="}},
		{"/" + strings.Repeat("x", maxAddress), 414, []string{"group:0"}, []string{"msg=refused", "reason=address",
			"remote="}},
		{"/", 403, []string{"user:x"}, []string{"status=403", "viewer=user:x", "remote=", `reason="no account"`}},
		{"/callback?code=secret&state=s", 401, nil, []string{"msg=refused", `reason="no header"`, "path=/callback", "remote="}},
	} {
		got := line(test.path, test.status, test.who...)
		for _, want := range test.want {
			if !strings.Contains(got, want) {
				g.Errorf("%s: no %s in %s", test.path, want, got)
			}
		}
		if strings.Contains(got, "secret") {
			g.Errorf("%s: %s", test.path, got)
		}
	}
}

// testEvilValues: whatever stands in whichever column of a view does nothing to the one who
// looks at it, on any page and in any file.
func (g *guarded) testEvilValues() {
	const evil = `=1+1"'><img src=x onerror=alert(1)>{{.}}&amp;` + "\u202e"
	literals := map[string]string{
		"text": "$$" + evil + "$$", "text[]": "ARRAY[$$" + evil + "$$, '@x']",
		"jsonb":   "jsonb_build_object($$" + evil + "$$, $$" + evil + "$$)",
		"boolean": "true", "bigint": "-5", "integer": "-5", "numeric": "-5.5", "date": "current_date",
		"timestamp with time zone": "now()", "interval": "interval '3 hours'",
	}
	views := values[string](g, g.owner, viewsSQL, true)
	for _, view := range views {
		var columns []string
		for _, c := range values[[]string](g, g.owner, `SELECT ARRAY[attname::text, format_type(atttypid, atttypmod)] FROM pg_attribute
			WHERE attrelid = ('seen.' || $1)::regclass AND attnum > 0 ORDER BY attnum`, view) {
			value := literals[c[1]]
			switch {
			case strings.HasSuffix(c[0], "_url"):
				value = "'javascript:alert(1)'"
			case value == "":
				value = "NULL"
			}
			columns = append(columns, value+"::"+c[1]+" AS "+c[0])
		}
		g.exec("DROP VIEW seen." + view + "; CREATE VIEW seen." + view + " AS SELECT " + strings.Join(columns, ", ") +
			" FROM generate_series(1, 2); GRANT SELECT ON seen." + view + " TO obs_restricted")
	}
	paths := []string{"/search?q=" + url.QueryEscape(evil), "/costs?account=" + url.QueryEscape(evil)}
	for _, p := range pages.All() {
		paths = append(paths, strings.ReplaceAll(p.Path, "{account}", url.PathEscape(evil)))
		for _, panel := range p.Panels {
			paths = append(paths, "/data/"+p.Name+"/"+slug(panel.Title)+".csv?account="+url.QueryEscape(evil))
		}
	}
	for _, view := range views {
		paths = append(paths, "/rows/"+view, "/rows/"+view+".csv", "/rows/"+view+".json")
	}
	shown := 0
	for _, path := range paths {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Header.Set("Principal", "group:0")
		w := httptest.NewRecorder()
		g.handler.ServeHTTP(w, r)
		body := w.Body.String()
		if w.Code >= 500 {
			g.Errorf("%s: %d: %s", path, w.Code, cut(body, 500))
		}
		shown += strings.Count(body, "onerror")
		switch kind, _, _ := strings.Cut(w.Header().Get("Content-Type"), ";"); {
		case w.Code != http.StatusOK:
		case kind == "text/html":
			if strings.Contains(body, "<img") || strings.Contains(body, `href="javascript:`) || strings.Contains(body, `"'>`) {
				g.Errorf("%s: a value is HTML of the page: %s", path, cut(body, 3000))
			}
		case kind == "text/csv":
			records, err := csv.NewReader(strings.NewReader(body)).ReadAll()
			if err != nil || slices.ContainsFunc(slices.Concat(records...), isFormula) {
				g.Errorf("%s: a value is a formula: %v: %s", path, err, cut(body, 1000))
			}
		case !json.Valid([]byte(body)):
			g.Errorf("%s: %s", path, cut(body, 1000))
		}
	}
	if shown < 1000 {
		g.Errorf("the value is shown %d times: it should be everywhere", shown)
	}
}

// testNoViews: a database without the views of viewers, as of an earlier version, is none that
// is away.
func (g *guarded) testNoViews() {
	g.exec("DROP SCHEMA seen CASCADE")
	g.says("/costs", http.StatusServiceUnavailable, "group:0", "run hub migrate", "SQLSTATE 42P01")
	g.exec("REVOKE obs_restricted FROM dashboard")
	g.says("/costs", http.StatusServiceUnavailable, "group:0", "with a login of obs_restricted", "SQLSTATE 42501")
	g.exec("DROP OWNED BY obs_restricted; DROP ROLE obs_restricted")
	g.says("/costs", http.StatusServiceUnavailable, "group:0", "with a login of obs_restricted", "SQLSTATE 22023")
}

// isFormula reports whether a spreadsheet would compute a cell; numbers are none.
func isFormula(cell string) bool {
	_, err := strconv.ParseFloat(cell, 64)
	return cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) && err != nil
}

// TestSpoofing: without a login no header says who somebody is.
func TestSpoofing(t *testing.T) {
	s := serve(t, empty, pages.All())
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Host = "localhost"
	for _, header := range []string{"X-Amzn-Oidc-Data", "X-Amzn-Oidc-Identity", "X-Forwarded-User", "X-Forwarded-For",
		"Principal", "Authorization"} {
		r.Header.Set(header, "admin")
	}
	r.Header.Set("X-Forwarded-Host", "localhost")
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	if w.Code != http.StatusOK || strings.Contains(w.Body.String(), "admin") || strings.Contains(s.log.String(), "admin") {
		t.Errorf("%d: %s", w.Code, s.log)
	}
	r.Host = "evil.example"
	w = httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	if w.Code != http.StatusMisdirectedRequest {
		t.Errorf("%d", w.Code)
	}
}
