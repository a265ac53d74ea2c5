package browser_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/hubspoke/observability/consumers/dashboard"
	"github.com/hubspoke/observability/consumers/dashboard/page"
	"github.com/hubspoke/observability/consumers/dashboard/pages"
	"github.com/hubspoke/observability/internal/hubtest"
)

// TestEmpty: pages without data say so, and look right.
func TestEmpty(t *testing.T) {
	t.Parallel()
	w := show(t, hubtest.Empty)
	for _, path := range addresses(w.account) {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			b := open(t, w.handler)
			b.visit(path)
			for _, panel := range eval[[]string](b, saysNothing) {
				t.Errorf("%s: %q says nothing", path, panel)
			}
			b.is(`document.querySelector('.fresh').textContent === 'No data yet'`)
			b.lookAt(path)
		})
	}
}

// saysNothing are the panels without a tile, a row, and a text in their place.
const saysNothing = `[...document.querySelectorAll('.panel')]
	.filter(p => !p.querySelector('.tile, td:not(.empty), dd') && !p.querySelector('.empty')?.textContent.trim())
	.map(p => p.querySelector('h2').textContent)`

// huge is a page with more than anybody has.
var huge = page.Page{
	Name: "huge", Path: "/", Title: "Huge", Question: "What if it is too much?",
	Filters: []page.Filter{
		{Name: "many", Column: "label", Label: "Many", Options: `SELECT 'name-' || n FROM generate_series(1, 2000) n`},
		{Name: "long", Column: "label", Label: "Long", Options: `SELECT repeat(n::text, 300) FROM generate_series(1, 9) n`},
	},
	Panels: []page.Panel{
		{Title: "Tiles", Link: "?long={label}", As: page.Tiles{}, SQL: `
			SELECT * FROM (VALUES (repeat('W', 100000), 1e12, 1, 'high', 'a note of ' || repeat('w', 300)), ('negative', -1234567890.5, 3, NULL, NULL),
			    ('not a number', 'NaN', 3, 'high', NULL), ('none', NULL, NULL, NULL, NULL), ('small', 0.0000123, 1e12, NULL, NULL),
			    ('<img src=x onerror=alert(1)>', 1e300, NULL, NULL, '<script>alert(1)</script>')) AS t (label, value, before, tone, note)`},
		{Title: "Tiles of money", As: page.Tiles{Unit: page.Money}, SQL: `
			SELECT n || '. service with a name that has many words' AS label, (-10) ^ n * 1.2345 AS value, n AS before FROM generate_series(1, 20) n`},
		{Title: "Years of columns", Width: 8, As: page.Columns{Unit: page.Money}, SQL: `
			SELECT day::date, repeat('service', 40) || n AS service,
			       CASE WHEN n = 3 AND extract(day FROM day) = 7 THEN 'NaN'::numeric ELSE 1e12 * n * (0.5 - n % 2) END AS cost, day > now() AS soft
			FROM generate_series(now() - interval '400 days', now() + interval '5 days', '1 day') day, generate_series(1, 9) n ORDER BY 1`},
		{Title: "Parts of a whole", Width: 4, Link: "?long={label}", As: page.Shares{}, SQL: `
			SELECT repeat('part', 40) || n AS label, CASE n WHEN 1 THEN 1e12 WHEN 2 THEN -7 WHEN 3 THEN 'NaN'::float8 ELSE n END AS value
			FROM generate_series(1, 40) n`},
		{Title: "One column", Width: 5, As: page.Columns{}, SQL: `SELECT '<b>' AS place, 1 AS number`},
		{Title: "Nothing but zero", Width: 7, As: page.Columns{}, SQL: `SELECT date '2026-01-01' + n AS day, 0 AS number FROM generate_series(1, 30) n`},
		{Title: "A title that is long enough to need more than one line of its panel", Width: 6,
			Note: "and a note that does not end either, because somebody had much to say about it",
			As:   page.Table{Bar: "resources"}, Link: "?many={name}", SQL: `
			SELECT 'arn:aws:iam::111122223333:role/' || repeat('x', 500) || n AS name, 'CRITICAL' AS severity, '111122223333' AS account_id,
			       CASE n WHEN 1 THEN 1e12 WHEN 2 THEN 'NaN' ELSE -n END AS resources
			FROM generate_series(1, 20) n`},
		{Title: "Everything", Link: "?many={name}", As: page.Table{Bar: "findings"}, SQL: `
			SELECT 'name-' || n AS name, 'CRITICAL' AS severity, repeat('status', 50) AS status, '111122223333' AS account_id, n AS findings,
			       1e12 * (1 - 2 * (n % 2)) AS cost, -1e12 AS change, timestamptz 'infinity' AS seen_at, date '-infinity' AS day,
			       interval '400 years' AS age, n % 2 = 0 AS red, ARRAY[1, 'NaN', 1e12, -5]::numeric[] AS trend, ARRAY['a', NULL]::text[] AS names,
			       jsonb_build_object('html', '<b>', 'long', repeat('y', 1000)) AS tags, 'https://example.com/' || repeat('z', 3000) AS remediation_url,
			       CASE n WHEN 1 THEN repeat('long ', 20000) ELSE '<script>alert(1)</script>' END AS reason
			FROM generate_series(1, 100) n`},
		{Title: "Thousands", Width: 6, As: page.Table{}, SQL: `SELECT n, 'row ' || n AS name FROM generate_series(1, 2000) n`},
		{Title: "Fails", Width: 6, As: page.Table{}, SQL: `SELECT 1 / 0 AS x`},
		{Title: "Of tomorrow", Width: 6, As: page.Tiles{}, SQL: `SELECT * FROM view_of_tomorrow`},
	},
}

// TestHuge: values of any size and kind leave the page as it is, and nothing that stands in
// them happens.
func TestHuge(t *testing.T) {
	t.Parallel()
	w := show(t, hubtest.Empty)
	b := open(t, dashboard.New(w.db.Pool, dashboard.Config{Pages: []page.Page{huge}}))
	for _, path := range []string{"/", "/?many=name-7&long=" + strings.Repeat("<", 500)} {
		b.visit(path)
		for _, s := range []screen{wide, narrow} {
			b.size(s)
			b.fits("huge, "+s.name, s, false)
		}
		b.is(`document.querySelectorAll('main script, main img').length === 0`)
		b.is(`document.querySelectorAll('.error').length === 2`)
		b.size(wide)
		b.hover("#years-of-columns .col:nth-of-type(200) .hit")
		b.is(`!document.querySelector('.tip').hidden`)
		b.fits("huge, with a tip", wide, false)
	}
	b.judge("huge")
	b.silent("huge")
}

// TestMatrix: all categories and 40 accounts fit a wide screen, and each cell can be hit.
func TestMatrix(t *testing.T) {
	t.Parallel()
	w := show(t, hubtest.Empty)
	b := open(t, dashboard.New(w.db.Pool, dashboard.Config{Pages: []page.Page{{
		Name: "matrix", Path: "/", Title: "Matrix", Question: "What meets what?", Panels: []page.Panel{
			{Title: "Names and accounts", As: page.Matrix{}, Link: "/rows/freshness?category={category}", SQL: `
				SELECT 'config_noncompliant_things_' || c AS category, (100000000000 + a)::text AS account_id,
				       (ARRAY['fresh', 'failing', 'stale', NULL])[1 + (a * c) % 4] AS status
				FROM generate_series(1, 53) c, generate_series(1, 40) a ORDER BY c, a`},
			{Title: "Numbers", As: page.Matrix{}, Link: "/rows/freshness?category={rule}", SQL: `
				SELECT '10000000000' || a AS account_id, 'a-rule-with-a-long-name-' || c AS rule, a ^ (c % 6) AS resources
				FROM generate_series(1, 9) a, generate_series(1, 8) c ORDER BY a, c`},
		}}}}))
	b.visit("/")
	b.fits("matrix", wide, true)
	b.accessible("matrix", everything...)
	b.is(`[...document.querySelectorAll('.matrix thead th')].every(th => th.textContent && th.scope === 'col')`)
	b.is(`[...document.querySelectorAll('.matrix tbody th')].every(th => th.textContent && th.scope === 'row')`)
	b.size(narrow)
	b.fits("matrix, narrow", narrow, false)
	b.media("print", "light")
	b.is(`[...document.querySelectorAll('.matrix .scroll')].every(e => e.scrollHeight <= e.clientHeight + 1)`)
	b.silent("matrix")
}

// TestHugeRows: any view shows what people wrote.
func TestHugeRows(t *testing.T) {
	t.Parallel()
	w := show(t, hubtest.Empty)
	for label, value := range map[string]string{"long": strings.Repeat("W", 256), "html": "<img src=x onerror=alert(1)>",
		strings.Repeat("l", 128): "-"} {
		if _, err := w.db.Pool.Exec(t.Context(), `INSERT INTO org.account_labels VALUES ('111122223333', $1, $2)`, label, value); err != nil {
			t.Fatal(err)
		}
	}
	b := open(t, w.handler)
	b.visit("/rows/account_labels")
	b.is(`document.querySelectorAll('main tbody tr').length === 3`)
	b.is(`document.querySelectorAll('main img').length === 0`)
	b.lookAt("/rows/account_labels")
}

// TestFailures: what went wrong is said on a page like the others.
func TestFailures(t *testing.T) {
	t.Parallel()
	pool, err := pgxpool.New(t.Context(), "postgres://dashboard@127.0.0.1:1/x")
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	away := dashboard.New(pool, dashboard.Config{Pages: pages.All()})
	there := show(t, hubtest.Empty).handler
	for _, test := range []struct {
		path, title string
		dashboard   http.Handler
	}{
		{"/", "The database did not answer.", away},
		{"/nothing-" + strings.Repeat("x", 300), "There is no page /nothing-xxx", there},
		{"/costs?" + strings.Repeat("y", 300) + "=1", `This page has no filter "yyy`, there},
		{"/rows/freshness?rejects=many", "A value does not fit its column", there},
		{"/rows/nothing", `There is no view "nothing".`, there},
	} {
		t.Run(test.title, func(t *testing.T) { open(t, test.dashboard).fails(test.path, test.title) })
	}
}

// fails visits an address that fails.
func (b *tab) fails(path, title string) {
	b.Helper()
	b.visit(path)
	b.failed(path, title)
}

// failed wants a page that says what went wrong, and looks at it.
func (b *tab) failed(path, title string) {
	b.Helper()
	said := b.console()
	if len(said) != 1 || !strings.Contains(said[0], "Failed to load resource") {
		b.Errorf("%s: the console says %q", path, said)
	}
	if got := eval[string](b, `document.querySelector('.failure h2').textContent`); !strings.HasPrefix(got, title) {
		b.Errorf("%s says %q, want %q", path, got, title)
	}
	b.lookAt(path)
}
