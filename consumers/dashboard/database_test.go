package dashboard

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/hubspoke/observability/consumers/dashboard/page"
	"github.com/hubspoke/observability/consumers/dashboard/pages"
	"github.com/hubspoke/observability/internal/hubtest"
	"github.com/hubspoke/observability/lib/pgtest"
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/schemas"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

var empty, filled = hubtest.Empty, hubtest.Filled

// readRelations returns the views in the order of their names.
func readRelations(ctx context.Context, pool *pgxpool.Pool) (all []relation, err error) {
	err = read(ctx, pool, pageTimeout, func(tx pgx.Tx) error {
		all, err = relationsOf(ctx, tx)
		return err
	})
	return all, err
}

// needed are the columns that each form needs.
var needed = map[string][]string{"tiles": {"label", "value"}, "shares": {"label", "value"}}

// TestEveryPanel runs every panel with no filter, with each, and with all of them.
func TestEveryPanel(t *testing.T) {
	for _, template := range []pgtest.Template{empty, filled} {
		db := pgtest.New(t, template)
		for _, p := range pages.All() {
			t.Run(template.Name+"/"+p.Name, func(t *testing.T) {
				err := read(t.Context(), db.Pool, time.Minute, func(tx pgx.Tx) error {
					for _, c := range choices(t, tx, p) {
						for _, panel := range p.Panels {
							checkPanel(t, panel, ask(t.Context(), tx, c.query(string(panel.SQL))), template.Name == empty.Name)
						}
					}
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// choices are none, each filter by itself, and all of them, with values that there are.
func choices(t *testing.T, tx pgx.Tx, p page.Page) []choice {
	t.Helper()
	fixed := text(ask(t.Context(), tx, query{sql: `SELECT coalesce(min(account_id), 'none') FROM account_overview`}).rows[0][0])
	all := choice{page: p, values: map[string][]string{}}
	list := []choice{}
	none, err := choose(p, nil, fixed)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range p.Filters {
		options := ask(t.Context(), tx, query{sql: string(f.Options)})
		if options.err != nil {
			t.Errorf("filter %s: %v", f.Name, options.err)
			continue
		}
		if f.Name == none.fixed {
			continue
		}
		value := "none"
		if len(options.rows) > 0 {
			value = text(options.rows[0][0])
		}
		one := none
		one.values = map[string][]string{f.Name: {value}}
		all.values[f.Name] = []string{value, "another"}
		list = append(list, one)
	}
	all.fixed, all.to, all.path = none.fixed, none.to, none.path
	return append(list, none, all)
}

func checkPanel(t *testing.T, panel page.Panel, set rowSet, isEmpty bool) {
	t.Helper()
	if set.err != nil {
		t.Errorf("%s: %v\n%s\n%v", panel.Title, set.err, set.sql, set.args)
		return
	}
	for _, column := range needed[page.FormOf(panel)] {
		if set.at(column) < 0 {
			t.Errorf("%s has no column %s", panel.Title, column)
		}
	}
	least := map[string]int{"columns": 2, "lines": 2, "matrix": 3}
	if n := len(set.columns); n < least[page.FormOf(panel)] {
		t.Errorf("%s has %d columns, which are too few for its form", panel.Title, n)
	}
	if as, ok := panel.As.(page.Table); ok && as.Bar != "" && set.at(as.Bar) < 0 {
		t.Errorf("%s has no column %s to draw a bar for", panel.Title, as.Bar)
	}
	for _, m := range columnMark.FindAllStringSubmatch(panel.Link, -1) {
		if set.at(m[1]) < 0 {
			t.Errorf("%s has no column %s for its link", panel.Title, m[1])
		}
	}
	if _, isTable := panel.As.(page.Table); isTable && isEmpty && panel.Title != "Views" && len(set.rows) > 0 {
		t.Errorf("%s has %d rows in an empty database", panel.Title, len(set.rows))
	}
}

// TestPanelsAskReadersViews: what pages are made of is what a reader may read, and marks name
// filters that there are.
func TestPanelsAskReadersViews(t *testing.T) {
	db := pgtest.New(t, empty)
	asked := []string{accountsSQL, scope{}.query(false).sql}
	for _, search := range searches {
		asked = append(asked, strings.NewReplacer("$1", "''", "$2", "''").Replace(search.sql))
	}
	for _, p := range pages.All() {
		var filters []string
		queries := slices.Clone(asked)
		for _, f := range p.Filters {
			filters = append(filters, f.Name)
			queries = append(queries, string(f.Options))
		}
		for _, panel := range p.Panels {
			none := choice{page: page.Page{Rollups: p.Rollups}}
			queries = append(queries, none.query(string(panel.SQL)).sql)
			for _, mark := range whereMark.FindAllStringSubmatch(string(panel.SQL), -1) {
				for _, name := range names(mark[1]) {
					if !slices.Contains(filters, name) {
						t.Errorf("%s, %s: %s names no filter of the page", p.Name, panel.Title, mark[0])
					}
				}
			}
		}
		for _, q := range queries {
			foreign, err := foreignRelations(t.Context(), db.Pool, q)
			if err != nil || len(foreign) > 0 {
				t.Errorf("%s reads %v, which are no views for readers: %v\n%s", p.Name, foreign, err, q)
			}
		}
	}
}

// foreignRelations returns what a query reads besides the views of the package.
func foreignRelations(ctx context.Context, pool *pgxpool.Pool, sql string) (names []string, err error) {
	tx, err := pool.Begin(ctx)
	if err != nil {
		return nil, err
	}
	defer tx.Rollback(ctx)
	columns := regexp.MustCompile(`^\s*VALUES`).ReplaceAllString(sql, "SELECT * FROM (VALUES") // a view needs names
	if columns != sql {
		columns += ") v"
	}
	if _, err := tx.Exec(ctx, "CREATE TEMP VIEW asked AS "+columns); err != nil {
		return nil, err
	}
	rows, err := tx.Query(ctx, `SELECT DISTINCT d.refobjid::regclass::text FROM pg_rewrite r JOIN pg_depend d ON d.objid = r.oid
		WHERE r.ev_class = 'asked'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> 'asked'::regclass
		  AND NOT EXISTS (SELECT FROM hub.installed_view v WHERE to_regclass(v.view_name) = d.refobjid
		                  AND v.view_name LIKE 'public.%')`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// TestDeclarations: names and titles tell pages and panels apart.
func TestDeclarations(t *testing.T) {
	seen := map[string]bool{}
	once := func(kind, name string) {
		if name != "" && seen[kind+name] {
			t.Errorf("%s %s is there twice", kind, name)
		}
		seen[kind+name] = true
	}
	for _, p := range pages.All() {
		once("page ", p.Name)
		once("path ", p.Path)
		once("key ", p.Key)
		if !strings.HasSuffix(p.Question, "?") && !strings.HasSuffix(p.Question, ".") {
			t.Errorf("%s asks nothing: %s", p.Name, p.Question)
		}
		for _, category := range p.Sources {
			if !slices.ContainsFunc(schemas.All(), func(t *schema.Table) bool { return t.Name() == category }) {
				t.Errorf("%s: no category %s", p.Name, category)
			}
		}
		for _, panel := range p.Panels {
			once("panel of "+p.Name+": ", slug(panel.Title))
		}
	}
}
