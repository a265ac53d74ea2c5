package dashboard

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/time/rate"

	"github.com/hubspoke/observability/consumers/dashboard/page"
	"github.com/hubspoke/observability/consumers/dashboard/pages"
	"github.com/hubspoke/observability/lib/goldentest"
	"github.com/hubspoke/observability/lib/pgtest"
)

// site is a dashboard in front of a database.
type site struct {
	testing.TB
	handler http.Handler
	db      *pgtest.DB
	log     *strings.Builder
}

var noon = time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)

func serve(t testing.TB, template pgtest.Template, all []page.Page) *site {
	t.Helper()
	s := &site{TB: t, db: pgtest.New(t, template), log: new(strings.Builder)}
	s.serve(Config{Pages: all, Log: slog.New(slog.NewTextHandler(s.log, nil)), Now: func() time.Time { return noon }})
	return s
}

// serve serves pages from now on, as many as anybody asks for.
func (s *site) serve(cfg Config) {
	unlimited := newServer(s.db.Pool, cfg)
	unlimited.limits.rate = rate.Inf
	s.handler = unlimited.handler()
}

// request asks for an address of a host.
func (s *site) request(path, host string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Host = host
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	return w
}

// get asks for an address and wants a status.
func (s *site) get(path string, status int) (string, http.Header) {
	s.Helper()
	w := s.request(path, "localhost:8080")
	if w.Code != status {
		s.Errorf("%s: status %d, want %d: %s", path, w.Code, status, cut(w.Body.String(), 3000))
	}
	return w.Body.String(), w.Header()
}

// says wants texts in an answer.
func (s *site) says(path string, status int, texts ...string) {
	s.Helper()
	body, _ := s.get(path, status)
	for _, text := range texts {
		if !strings.Contains(html.UnescapeString(body), text) {
			s.Errorf("%s does not say %q: %s", path, text, cut(body, 5000))
		}
	}
}

var hrefRE = regexp.MustCompile(`href="([^"]*)"`)

// TestEveryLinkLeads follows every link from the first page on, once for each page with each
// set of parameters.
func TestEveryLinkLeads(t *testing.T) {
	for _, template := range []pgtest.Template{empty, filled} {
		t.Run(template.Name, func(t *testing.T) {
			s := serve(t, template, pages.All())
			seen, queue := map[string]bool{}, []string{"/"}
			for len(queue) > 0 {
				path := queue[0]
				queue = queue[1:]
				u, err := url.Parse(path)
				if err != nil {
					t.Fatal(err)
				}
				kind := kindOf(u)
				if seen[kind] {
					continue
				}
				seen[kind] = true
				body, header := s.get(path, http.StatusOK)
				if strings.Contains(body, "has no answer.</b>") {
					t.Errorf("%s: a panel has no answer: %s", path, s.log)
				}
				if !strings.HasPrefix(header.Get("Content-Type"), "text/html") {
					continue
				}
				if header.Get("Server-Timing") == "" {
					t.Errorf("%s does not say what took its time", path)
				}
				for _, m := range hrefRE.FindAllStringSubmatch(body, -1) {
					if href := html.UnescapeString(m[1]); strings.HasPrefix(href, "/") {
						queue = append(queue, href)
					}
				}
			}
			for _, p := range pages.All() {
				if !strings.Contains(p.Path, "{") && !seen[p.Path] {
					t.Errorf("no link leads to %s", p.Path)
				}
			}
			t.Logf("%d addresses", len(seen))
		})
	}
}

// kindOf tells addresses apart that differ in more than values. Files are asked for once a
// panel, and a few views in Browse stand for all.
func kindOf(u *url.URL) string {
	path, _, isFile := strings.Cut(u.Path, ".")
	query := strings.Join(slices.Sorted(maps.Keys(u.Query())), " ")
	if strings.HasPrefix(path, "/accounts/") {
		path = "/accounts/{account}"
	}
	if view, ok := strings.CutPrefix(path, "/rows/current_"); ok {
		path = "/rows/current_" + view[:1]
	}
	switch {
	case isFile:
		return path + "."
	case strings.HasPrefix(path, "/rows/") && query != "":
		return path + "?"
	case query != "":
		return path + "?" + query
	}
	return path
}

func TestHeaders(t *testing.T) {
	s := serve(t, empty, pages.All())
	_, header := s.get("/", http.StatusOK)
	for name, want := range map[string]string{
		"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin",
		"Cache-Control": "private, no-cache", "Cross-Origin-Opener-Policy": "same-origin",
	} {
		if header.Get(name) != want {
			t.Errorf("%s: %q, want %q", name, header.Get(name), want)
		}
	}
	body, _ := s.get("/costs", http.StatusOK)
	for _, inline := range []string{" style=", "<style", " onclick", "javascript:"} {
		if strings.Contains(body, inline) {
			t.Errorf("%q is in the page, which its policy forbids", inline)
		}
	}
	for name, address := range assets {
		_, header := s.get(address, http.StatusOK)
		if !strings.Contains(header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s is not kept: %v", name, header)
		}
		_, header = s.get("/static/"+name+"?v=old", http.StatusOK)
		if strings.Contains(header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s of another version is kept for ever", name)
		}
	}
	if strings.Count(s.log.String(), "msg=page path=/ ") != 1 {
		t.Errorf("no line for the page: %s", s.log)
	}
}

// TestFirstLoad: what a page needs besides itself is small.
func TestFirstLoad(t *testing.T) {
	s := serve(t, empty, pages.All())
	total := 0
	for name, address := range assets {
		r := httptest.NewRequest(http.MethodGet, address, nil)
		r.Host = "localhost"
		r.Header.Set("Accept-Encoding", "gzip")
		w := httptest.NewRecorder()
		s.handler.ServeHTTP(w, r)
		if w.Code != http.StatusOK || w.Body.Len() > 2000 && w.Header().Get("Content-Encoding") != "gzip" {
			t.Errorf("%s: %d %v", name, w.Code, w.Header())
		}
		total += w.Body.Len()
	}
	if most := 15 << 10; total > most {
		t.Errorf("%d bytes, want at most %d", total, most)
	}
	t.Logf("%d bytes besides the page", total)
}

func TestOnlyThisHost(t *testing.T) {
	s := serve(t, empty, pages.All())
	for host, status := range map[string]int{
		"localhost": 200, "localhost:1": 200, "127.0.0.1:8080": 200, "[::1]:8080": 200, "[::1]": 200, "127.0.0.2:1": 200,
		"evil.example:8080": 421, "": 421, "localhost.evil.example": 421, "10.0.0.1:8080": 421, "127.0.0.1.nip.io": 421,
	} {
		if w := s.request("/healthz", host); w.Code != status {
			t.Errorf("host %q: %d, want %d", host, w.Code, status)
		}
	}
	for _, method := range []string{"POST", "PUT", "DELETE"} {
		r := httptest.NewRequest(method, "/costs", nil)
		r.Host = "localhost"
		w := httptest.NewRecorder()
		s.handler.ServeHTTP(w, r)
		if w.Code != http.StatusMethodNotAllowed {
			t.Errorf("%s: %d", method, w.Code)
		}
	}
}

func TestBadAddressesSayWhatNext(t *testing.T) {
	s := serve(t, empty, pages.All())
	for _, test := range []struct {
		path   string
		status int
		says   []string
	}{
		{"/nothing", 404, []string{"There is no page /nothing.", "The menu has all pages."}},
		{"/costs?acount=1", 400, []string{`This page has no filter "acount".`, "It has: account, service, currency."}},
		{"/costs?account=%00", 400, []string{"without the character NUL"}},
		{"/costs?account=%ff", 400, []string{"without the character NUL"}},
		{"/accounts/1?account=2", 400, []string{"It has: currency."}},
		{"/costs?account=" + strings.Repeat("x", 9000), 414, []string{"too long"}},
		{"/rows/nothing", 404, []string{`There is no view "nothing".`, "Browse has the list of views."}},
		{"/rows/pg_authid", 404, nil},
		{"/rows/hub.run", 404, nil},
		{"/rows/freshness?colour=red", 400, []string{`The view freshness has no column "colour".`, "category"}},
		{"/rows/freshness?sort=colour", 400, []string{"has no column"}},
		{"/rows/freshness?after=x", 400, []string{"This address of a page is broken.", "Begin at the first page"}},
		{"/rows/freshness?before=" + place{Number: 1, Values: make([]*string, 99)}.String(), 400, []string{"is broken"}},
		{"/rows/freshness?after=" + place{Number: 1, Values: []*string{new("\x00")}}.String(), 400, []string{"is broken"}},
		{"/rows/freshness?after=" + place{}.String(), 400, []string{"is broken"}},
		{"/rows/freshness?after=" + place{Number: 1, Same: -1}.String(), 400, []string{"is broken"}},
		{"/rows/freshness?sort=red&after=" + place{Number: 1, Values: []*string{new("perhaps")}}.String(), 400,
			[]string{"A value does not fit its column"}},
		{"/rows/freshness?rejects=many", 400, []string{"A value does not fit its column", `"many"`}},
		{"/rows/freshness?red=perhaps", 400, []string{"A value does not fit its column"}},
		{"/rows/freshness.csv?rejects=many", 400, []string{"A value does not fit its column", `"many"`}},
		{"/data/costs/nothing.csv", 404, []string{"no such panel"}},
		{"/data/nothing/x.csv", 404, nil},
		{"/static/nothing", 404, nil},
		{"/static/..%2ftemplates%2fpage.html", 400, nil},
	} {
		s.says(test.path, test.status, test.says...)
	}
}

// TestDatabaseIsAway: the answer says so, with the menu, and leaks nothing.
func TestDatabaseIsAway(t *testing.T) {
	pool, err := pgxpool.New(t.Context(), "postgres://dashboard:geheim@127.0.0.1:1/x")
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	s := &site{TB: t, handler: New(pool, Config{Pages: pages.All()})}
	for _, path := range []string{"/", "/rows", "/rows/freshness", "/data/costs/services.csv"} {
		body, header := s.get(path, http.StatusServiceUnavailable)
		if header.Get("Retry-After") == "" || !strings.Contains(body, "The database did not answer.") ||
			strings.Contains(body, "geheim") || strings.Contains(body, "127.0.0.1:1") {
			t.Errorf("%s: %v %s", path, header, body)
		}
	}
	s.get("/healthz", http.StatusOK)
}

// TestAPanelThatFailsLeavesTheOthers, whatever is wrong with it.
func TestAPanelThatFailsLeavesTheOthers(t *testing.T) {
	s := serve(t, empty, []page.Page{{Name: "x", Path: "/", Title: "X", Panels: []page.Panel{
		{Title: "Before", As: page.Table{}, SQL: `SELECT 'first' AS word`},
		{Title: "Divides", As: page.Table{}, SQL: `SELECT 1 / 0 AS x`},
		{Title: "Writes", As: page.Table{}, SQL: `CREATE TABLE x ()`},
		{Title: "Is of another version", As: page.Tiles{}, SQL: `SELECT * FROM view_of_tomorrow`},
		{Title: "Takes long", As: page.Tiles{}, SQL: `SELECT pg_sleep(60)`},
		{Title: "Was never refreshed", As: page.Table{}, SQL: `SELECT * FROM never`},
		{Title: "After", As: page.Table{}, SQL: `SELECT 'last' AS word`},
	}}})
	if _, err := s.db.Pool.Exec(t.Context(), "CREATE MATERIALIZED VIEW never AS SELECT 1 AS n WITH NO DATA"); err != nil {
		t.Fatal(err)
	}
	s.says("/", http.StatusOK, "first", "last", "SQLSTATE 22012", "SQLSTATE 25006", "run hub migrate",
		"It took longer than 3s", "run hub refresh")
	if n := strings.Count(s.log.String(), "a query has no answer"); n != 5 {
		t.Errorf("%d lines of the log, want 5: %s", n, s.log)
	}
	s.says("/data/x/divides.csv", http.StatusServiceUnavailable, "The database did not answer.")
	s.says("/data/x/is-of-another-version.csv", http.StatusServiceUnavailable, "run hub migrate")
}

// TestAllConnectionsAreInUse: the answer and the log tell that from a database that is away.
func TestAllConnectionsAreInUse(t *testing.T) {
	s := serve(t, empty, pages.All())
	for range s.db.Pool.Config().MaxConns {
		conn, err := s.db.Pool.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Release()
	}
	s.says("/costs", http.StatusServiceUnavailable, "All connections to the database are in use.", `href="/costs"`)
	took := regexp.MustCompile(`msg=page path=/costs .* status=503 .* duration=(\S+) reason=busy\n`).FindStringSubmatch(s.log.String())
	if took == nil {
		t.Fatalf("the log: %s", s.log)
	}
	if d, err := time.ParseDuration(took[1]); err != nil || d < patience {
		t.Errorf("a request that waited for a connection took %s, as the log says", took[1])
	}
}

// TestNothingFailsSilently: what a page has around its panels may have no answer, too. The log
// says so, and the page is not kept.
func TestNothingFailsSilently(t *testing.T) {
	one := page.Page{Name: "x", Path: "/", Title: "X", Filters: []page.Filter{{Name: "f", Column: "f", Label: "F",
		Options: `SELECT 1 / 0`}}, Panels: []page.Panel{{Title: "One", As: page.Table{}, SQL: `SELECT 1 AS n`}}}
	s := serve(t, empty, []page.Page{one})
	fails := func(name string) {
		t.Helper()
		s.log.Reset()
		if _, header := s.get("/", http.StatusOK); header.Get("ETag") != "" {
			t.Errorf("a page with no answer for %s has an ETag", name)
		}
		if want := "path=/ query=" + name + " error="; !strings.Contains(s.log.String(), want) {
			t.Errorf("no %s in the log: %s", want, s.log)
		}
	}
	fails("filters")
	one.Filters = nil
	s.serve(Config{Pages: []page.Page{one}, Log: slog.New(slog.NewTextHandler(s.log, nil))})
	if _, err := s.db.Pool.Exec(t.Context(), `ALTER MATERIALIZED VIEW account_overview RENAME TO mislaid`); err != nil {
		t.Fatal(err)
	}
	fails("names")
	if _, err := s.db.Pool.Exec(t.Context(), `ALTER MATERIALIZED VIEW mislaid RENAME TO account_overview;
		ALTER VIEW freshness RENAME TO mislaid`); err != nil {
		t.Fatal(err)
	}
	fails("badge")
}

// TestFilesThatAreNotWhole: the last row of a file that was cut says so, and why.
func TestFilesThatAreNotWhole(t *testing.T) {
	s := serve(t, empty, nil)
	server := newServer(s.db.Pool, Config{Pages: []page.Page{{Name: "x", Path: "/", Panels: []page.Panel{
		{Title: "Fails", As: page.Table{}, SQL: `SELECT 1 / (3 - n) AS x FROM generate_series(1, 5) n`},
		{Title: "Has no end", As: page.Table{}, SQL: `SELECT n FROM generate_series(1, 8) n`},
		{Title: "Is whole", As: page.Table{}, SQL: `SELECT n FROM generate_series(1, 7) n`},
	}}}})
	server.limits.fileRows = 7
	s.handler = server.handler()
	const fails = "The log of hub dashboard says more. (SQLSTATE 22012)"
	for path, want := range map[string]string{
		"/data/x/fails.csv":      "x\r\n0\r\n1\r\ncut: " + fails + "\r\n",
		"/data/x/fails.json":     "[\n{\"x\":0},\n{\"x\":1},\n{\"cut\":\"cut: " + fails + "\"}\n]\n",
		"/data/x/has-no-end.csv": "\n6\r\n7\r\ncut after 7 rows\r\n",
		"/data/x/is-whole.csv":   "\n6\r\n7\r\n",
		"/rows/view_status.csv":  "\r\ncut after 7 rows\r\n",
	} {
		body, _ := s.get(path, http.StatusOK)
		if !strings.HasSuffix(body, want) {
			t.Errorf("%s ends with %q, want %q", path, body[max(0, len(body)-200):], want)
		}
	}
}

// TestEvilValues: what AWS or people wrote is shown as it is, and does nothing.
func TestEvilValues(t *testing.T) {
	s := serve(t, empty, pages.All())
	evil := map[string]string{"html": `<script>alert(1)</script>`, "attribute": `" onmouseover="alert(1)`,
		"formula": `=HYPERLINK("http://evil.example")`, "number": "-1", "wide": "＝1+1", "template": "{{.}}", "operator": "~x"}
	for label, value := range evil {
		if _, err := s.db.Pool.Exec(t.Context(), `INSERT INTO org.account_labels VALUES ('111122223333', $1, $2)`, label, value); err != nil {
			t.Fatal(err)
		}
	}
	body, _ := s.get("/rows/account_labels", http.StatusOK)
	for label, value := range evil {
		if !strings.Contains(html.UnescapeString(body), value) {
			t.Errorf("%s is not shown: %s", label, value)
		}
		one, _ := s.get("/rows/account_labels?value="+url.QueryEscape(literal(value)), http.StatusOK)
		if !strings.Contains(one, "Rows 1 to 1") {
			t.Errorf("%s is not found by its value", label)
		}
		s.get("/costs?service="+url.QueryEscape(value), http.StatusOK)
	}
	if strings.Contains(body, "<script>alert") || strings.Contains(body, `" onmouseover="alert`) {
		t.Errorf("HTML of a value is HTML of the page: %s", body)
	}
	file, header := s.get("/rows/account_labels.csv?sort=label", http.StatusOK)
	records, err := csv.NewReader(strings.NewReader(file)).ReadAll()
	if err != nil || len(records) != len(evil)+1 {
		t.Fatalf("%v: %s", err, file)
	}
	for _, record := range records[1:] {
		want := evil[record[1]]
		if want[0] == '=' || want[0] == '-' || want[0] == 0xef {
			want = "'" + want
		}
		if record[2] != want {
			t.Errorf("%s in CSV: %q, want %q", record[1], record[2], want)
		}
	}
	if !strings.Contains(header.Get("Content-Disposition"), `filename="account-labels-20260801T120000Z.csv"`) {
		t.Errorf("the name of the file: %v", header)
	}
	for value, want := range map[string]string{
		`"; filename="x.exe`: "account-labels-value-filename-x-exe", "\r\nSet-Cookie: a": "account-labels-value-set-cookie-a",
		strings.Repeat("x", 200): ("account-labels-value-" + strings.Repeat("x", 200))[:150],
	} {
		_, header := s.get("/rows/account_labels.csv?value="+url.QueryEscape(value), http.StatusOK)
		want = fmt.Sprintf(`attachment; filename="%s-20260801T120000Z.csv"`, want)
		if got := header.Get("Content-Disposition"); got != want {
			t.Errorf("the name of a file of %q: %s, want %s", value, got, want)
		}
	}
	file, _ = s.get("/rows/account_labels.json?label=html", http.StatusOK)
	var rows []map[string]string
	if err := json.Unmarshal([]byte(file), &rows); err != nil || len(rows) != 1 || rows[0]["value"] != evil["html"] {
		t.Errorf("%v: %s", err, file)
	}
	for _, address := range []string{
		"javascript:alert(1)", "http://docs.example.com/", "https:x", "//evil.example", "data:text/html,x",
	} {
		if c := (shower{}).word("remediation_url", address); c.Href != "" {
			t.Errorf("a link to %s", c.Href)
		}
	}
	if c := (shower{}).word("remediation_url", "https://docs.example.com/"); c.Href == "" {
		t.Error("no link to a page")
	}
}

func TestBrowse(t *testing.T) {
	s := serve(t, filled, pages.All())
	s.says("/rows", http.StatusOK, "needs_attention", "current_certificates")
	count := func(where string) (n int) {
		if err := s.db.Pool.QueryRow(t.Context(), "SELECT count(*) FROM "+where).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	for _, test := range []struct{ view, query, where string }{
		{"current_certificates", "status=ISSUED", "status = 'ISSUED'"},
		{"current_certificates", "status=ISSUED&status=EXPIRED", "status IN ('ISSUED', 'EXPIRED')"},
		{"current_certificates", "domain_name=~PAYMENTS", "domain_name ILIKE '%payments%'"},
		{"current_certificates", "domain_name=~%25", "domain_name LIKE '%\\%%'"},
		{"current_certificates", "domain_name=~_", "domain_name LIKE '%\\_%'"},
		{"needs_attention", "days_left=%3C10&days_left=%3E-5", "days_left < 10 AND days_left > -5"},
		{"findings_summary", "is_open=true&severity=HIGH", "is_open AND severity = 'HIGH'"},
		{"cost_daily", "usage_date=%3E2026-01-01&sort=-unblended_cost", "usage_date > '2026-01-01'"},
	} {
		want := count(test.view + " WHERE " + test.where)
		file, _ := s.get("/rows/"+test.view+".csv?"+test.query, http.StatusOK)
		records, err := csv.NewReader(strings.NewReader(file)).ReadAll()
		if err != nil || len(records)-1 != want {
			t.Errorf("%+v: %d rows, want %d: %v", test, len(records)-1, want, err)
		}
		s.says("/rows/"+test.view+"?"+test.query, http.StatusOK, fmt.Sprintf(" to %d", min(want, pageRows)))
	}
	s.says("/rows/freshness?sort=age", http.StatusOK, `ORDER BY "seen_at" DESC NULLS LAST`) // the youngest first
	s.says("/rows/freshness?sort=-age", http.StatusOK, `ORDER BY "seen_at", `)
	s.says("/rows/resources?sort=-created", http.StatusOK,
		`ORDER BY "created" DESC NULLS LAST, "account_id", "region", "row_key"`)
	seen, last := 0, ""
	for path := "/rows/cost_daily"; path != ""; {
		body, _ := s.get(path, http.StatusOK)
		_, table, _ := strings.Cut(body, "<tbody>")
		seen += strings.Count(table, "<tr>")
		path, last = "", path
		if m := regexp.MustCompile(`href="([^"]*)" rel="next"`).FindStringSubmatch(body); m != nil {
			path = html.UnescapeString(m[1])
		}
	}
	n := count("cost_daily")
	if seen != n {
		t.Errorf("%d rows on all pages, want %d", seen, n)
	}
	s.says(last, http.StatusOK, fmt.Sprintf("Rows %d to %d", (n-1)/pageRows*pageRows+1, n), `rel="prev"`)
	file, _ := s.get(strings.Replace(last, "?", ".csv?", 1), http.StatusOK) // of no page
	if records, err := csv.NewReader(strings.NewReader(file)).ReadAll(); err != nil || len(records)-1 != n {
		t.Errorf("%d rows in a file, want %d: %v", len(records)-1, n, err)
	}
}

// TestKnownViews are believed for a while: hub migrate may make others.
func TestKnownViews(t *testing.T) {
	var views kept
	for age, known := range map[time.Duration]bool{0: true, relationsKept: false} {
		views.Store(&catalog{[]relation{{name: "x"}}, time.Now().Add(-age)})
		if got := views.recent() != nil; got != known {
			t.Errorf("views of %v ago are known: %t, want %t", age, got, known)
		}
	}
}

var (
	tookRE = regexp.MustCompile(`in \d+ ms`)
	tagRE  = regexp.MustCompile(`data-tag="W/&#34;[^"]+&#34;"`)
)

// allForms is a page with every form.
var allForms = page.Page{
	Name: "all", Path: "/", Title: "All forms", Key: "a", Question: "What is shown how?",
	Filters: []page.Filter{{Name: "kind", Column: "label", Label: "Kind", Options: `VALUES ('a'), ('b')`}},
	Panels: []page.Panel{
		{Title: "Tiles", As: page.Tiles{Unit: page.Money}, Link: "?kind={kind}", SQL: `SELECT * FROM (VALUES ('up', 12345.678, 10000, 'high', 'a'),
				('none', 0, NULL, 'high', NULL), ('not known', NULL, NULL, 'high', NULL)) AS t (label, value, before, tone, kind)`},
		{Title: "Columns", Width: 8, As: page.Columns{Order: []string{"LOW", "HIGH"}}, SQL: `SELECT * FROM (VALUES (date '2026-07-30', 'HIGH', 3, false),
				('2026-07-31', 'LOW', -2, true), ('2026-08-01', NULL, NULL, true)) AS t (day, severity, findings, soft)`},
		{Title: "Shares", Width: 4, As: page.Shares{}, Link: "?kind={label}", SQL: `SELECT 'b & c' AS label, 3 AS value UNION ALL SELECT 'd', NULL`},
		{Title: "Parts", Width: 4, As: page.Shares{}, SQL: `
				SELECT * FROM (VALUES ('a', 3), ('b & c', 1)) AS t (label, value) WHERE true {where}`},
		{Title: "Lines", Width: 6, As: page.Lines{}, SQL: `SELECT * FROM (VALUES (date '2026-07-30', 'a', 3), ('2026-07-31', 'a', 2),
				('2026-07-31', 'b', 5)) AS t (day, what, things)`},
		{Title: "Marks", Width: 6, As: page.Columns{Unit: page.Money}, SQL: `SELECT * FROM (VALUES (date '2026-07-01', 'EC2', 3, NULL),
				('2026-07-01', 'forecast', 2, NULL), ('2026-08-01', 'forecast', 5, '1 anomaly')) AS t (month, service, cost, mark)`},
		{Title: "Matrix", Width: 6, As: page.Matrix{}, Link: "/rows/freshness?category={category}", SQL: `SELECT * FROM (VALUES ('111122223333', 'a', 'fresh'),
				('111122223333', '<b>', 'stale'), ('<x>', 'a', 'else')) AS t (account_id, category, status)`},
		{Title: "Numbers", Width: 6, As: page.Matrix{}, SQL: `SELECT * FROM (VALUES ('x', 'a', 0), ('x', 'b', 1), ('y', 'a', 99), ('y', 'b', NULL)) AS t (side, top, things)`},
		{Title: "No matrix", As: page.Matrix{Empty: "Nothing is wrong."}, SQL: `SELECT 1 AS a, 2 AS b, 3 AS c WHERE false`},
		{Title: "Nothing", As: page.Columns{}, SQL: `SELECT current_date AS day, 1 AS number WHERE false`},
		{Title: "Table", As: page.Table{Bar: "findings"}, Link: "/rows/freshness?category={kind}", SQL: `SELECT * FROM (VALUES
				('a', '111122223333', 'CRITICAL', 7::bigint, 7::numeric, timestamptz '2026-08-01 11:00Z', date '2026-07-01', true, ARRAY[1, 2, 4]::numeric[], '{"a": [1]}'::jsonb, interval '3 hours', '<b>'),
				('~b', NULL, 'LOW', NULL, NULL, '2026-08-03 12:00Z', NULL, false, NULL, NULL, NULL, NULL)
				) AS t (kind, account_id, severity, findings, cost, seen_at, day, red, trend, tags, age, text) LIMIT 2`},
		{Title: "Good news", As: page.Table{Empty: "Nothing is wrong."}, SQL: `SELECT 1 AS x WHERE false`},
	},
}

// TestGoldenPage compares a page that has every form with a file that a person has read.
func TestGoldenPage(t *testing.T) {
	s := serve(t, empty, []page.Page{allForms})
	body, _ := s.get("/?kind=a", http.StatusOK)
	body = tookRE.ReplaceAllString(body, "in 1 ms")
	body = tagRE.ReplaceAllString(body, `data-tag="tag"`)
	for _, address := range assets {
		name, _, _ := strings.Cut(address, "?")
		body = strings.ReplaceAll(body, html.EscapeString(address), name)
	}
	goldentest.Equal(t, "page.html", body)
}

// FuzzChoice: no address makes SQL of anything but constants and numbered parameters, and
// none is answered by an error of the server.
func FuzzChoice(f *testing.F) {
	at := place{Number: 3, Values: []*string{new("x"), nil, new("1")}, Same: 2}.String()
	for _, seed := range []string{"account=1", "account=1&account=2&currency=EUR", "x=1", "severity=%00",
		"status=~%25&sort=-age", "age=%3C1&after=" + at, "category='; DROP TABLE x --", "%", "red=true&red=false"} {
		f.Add(seed)
	}
	pool, err := pgxpool.New(f.Context(), "postgres://nobody@127.0.0.1:1/x")
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(pool.Close)
	server := newServer(pool, Config{Pages: pages.All()})
	server.limits.rate = rate.Inf
	handler := server.handler()
	view := relation{name: "freshness", columns: []relationColumn{{"category", "text", ""}, {"red", "boolean", ""},
		{"age", "interval", ""}, {"rejects", "bigint", ""}, {"status", "text", ""}, {`a "quoted" one`, "text", ""}}}
	conditionRE := regexp.MustCompile(` AND ([a-z_(), ']+(?i:USD'\))?::text = ANY\(\$\d+\)|(NOT )?red\b|array_position\(\$\d+::text\[\], status\) IS NOT NULL)`)
	browseRE := regexp.MustCompile(`^SELECT \* FROM "freshness"(\s|` +
		`"(category|red|age|rejects|status|a ""quoted"" one)"|\$\d+|::[a-z]+|\[\]|WHERE|AND|OR|NOT|IS|NULL|ANY|ILIKE|[(),<>=]|true|false|` +
		`ORDER BY|DESC|NULLS (FIRST|LAST)|LIMIT 100|OFFSET \d+)*$`)
	f.Fuzz(func(t *testing.T, rawQuery string) {
		values, err := url.ParseQuery(rawQuery)
		if err != nil {
			return
		}
		for _, p := range pages.All() {
			c, err := choose(p, values, values.Get("account"))
			if err != nil {
				continue
			}
			for _, panel := range p.Panels {
				q := c.query(string(panel.SQL))
				bare := whereMark.ReplaceAllString(string(panel.SQL), "")
				constants := []string{bare}
				for _, rollup := range p.Rollups {
					for _, v := range rollup {
						constants = append(constants, rollupMark.ReplaceAllString(bare, string(v.View)))
					}
				}
				if !slices.Contains(constants, conditionRE.ReplaceAllString(q.sql, "")) {
					t.Errorf("%q made SQL:\n%s", rawQuery, q.sql)
				}
			}
		}
		if b, err := browse(view, values); err == nil {
			if q := b.query(pageRows); !browseRE.MatchString(q.sql) {
				t.Errorf("%q made SQL:\n%s", rawQuery, q.sql)
			}
		}
		for _, path := range []string{"/costs", "/rows/freshness"} {
			r := httptest.NewRequest(http.MethodGet, path, nil)
			r.URL.RawQuery, r.Host = rawQuery, "localhost"
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			if body, _ := io.ReadAll(w.Body); w.Code >= 500 && w.Code != http.StatusServiceUnavailable {
				t.Errorf("%q: %d: %s", rawQuery, w.Code, body)
			}
		}
	})
}
