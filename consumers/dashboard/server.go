package dashboard

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/klauspost/compress/gzhttp"

	"github.com/hubspoke/observability/consumers/dashboard/page"
)

//go:embed static
var static embed.FS

//go:embed templates
var templateFiles embed.FS

var templates = template.Must(template.New("").Funcs(template.FuncMap{"asset": asset}).
	ParseFS(templateFiles, "templates/*.html"))

// Connections is how many connections the pool of a dashboard should have.
const Connections = 8

// Config says what is served. The zero value serves no page.
type Config struct {
	// Pages in the order of the menu.
	Pages []page.Page
	// Log takes a line per page. Nil discards them.
	Log *slog.Logger
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
}

// server serves the pages.
type server struct {
	pool      *pgxpool.Pool
	pages     []page.Page
	log       *slog.Logger
	now       func() time.Time
	exporting chan struct{}
	views     atomic.Pointer[catalog] // nil: not read yet
}

// catalog are the views that there were at a time.
type catalog struct {
	views []relation
	at    time.Time
}

// New returns the handler of all pages. It only reads, and answers nobody but this host:
// the Host of a request must be localhost, 127.0.0.1 or [::1]. The caller closes the pool.
func New(pool *pgxpool.Pool, cfg Config) http.Handler {
	s := &server{pool: pool, pages: cfg.Pages, log: cfg.Log, now: cfg.Now, exporting: make(chan struct{}, 1)}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.now == nil {
		s.now = time.Now
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /static/{name}", serveStatic)
	for _, p := range s.pages {
		path := p.Path
		if path == "/" {
			path = "/{$}"
		}
		mux.HandleFunc("GET "+path, s.answer(func(w http.ResponseWriter, r *http.Request) error { return s.page(w, r, p) }))
	}
	mux.HandleFunc("GET /data/{page}/{file}", s.answer(s.data))
	mux.HandleFunc("GET /rows", s.answer(s.list))
	mux.HandleFunc("GET /rows/{view}", s.answer(s.rows))
	mux.HandleFunc("GET /", s.answer(func(_ http.ResponseWriter, r *http.Request) error {
		return notFound("There is no page "+cut(r.URL.Path, 100)+".", "The menu has all pages.", "/")
	}))
	return secure(s.guard(gzhttp.GzipHandler(mux)))
}

// policy is what a browser may do with a page: nothing but what this host serves.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"

func secure(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range map[string]string{
			"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin",
			"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
			"Cache-Control": "private, no-cache",
		} {
			w.Header().Set(name, value)
		}
		h.ServeHTTP(w, r)
	})
}

// maxAddress is how long an address may be, in bytes.
const maxAddress = 8 << 10

// guard refuses what is not for this host. A page of somebody else could have its own name
// lead here, and then read what is shown; its requests have that name.
func (s *server) guard(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		if !slices.Contains([]string{"localhost", "127.0.0.1", "::1", "[::1]"}, host) {
			s.log.Warn("refused", "host", r.Host, "remote", r.RemoteAddr)
			http.Error(w, "This dashboard answers to localhost, 127.0.0.1 and [::1] only. From another host use an SSH tunnel.",
				http.StatusMisdirectedRequest)
			return
		}
		if len(r.RequestURI) > maxAddress {
			http.Error(w, "This address is too long: choose fewer or shorter values.", http.StatusRequestURITooLong)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// failure is an answer that is not what was asked for: what, and what next.
type failure struct {
	status      int
	Title, Next string
	Href        string
}

func (f *failure) Error() string { return f.Title }

func badRequest(what, next string) error {
	return &failure{status: http.StatusBadRequest, Title: what, Next: next}
}

func notFound(what, next, href string) error {
	return &failure{status: http.StatusNotFound, Title: what, Next: next, Href: href}
}

// answer turns an error of a handler into a page that says it.
func (s *server) answer(h func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		err := h(w, r)
		if err == nil || r.Context().Err() != nil { // nobody waits
			return
		}
		f, ok := errors.AsType[*failure](err)
		if !ok {
			s.log.Error("the database did not answer", "path", r.URL.Path, "error", err)
			f = &failure{status: http.StatusServiceUnavailable, Title: "The database did not answer.",
				Next: "It may be away or busy. Try again in a moment; the log of hub dashboard says more.",
				Href: r.URL.RequestURI()}
		}
		if f.status == http.StatusServiceUnavailable {
			w.Header().Set("Retry-After", "5")
		}
		v := struct {
			frame
			Failure *failure
		}{s.frame(), f}
		v.Title = http.StatusText(f.status)
		if err := s.write(w, r, f.status, "failure.html", &v.frame, &v, 0); err != nil {
			s.log.Error("the page of an error", "error", err)
		}
	}
}

// frame is what all pages have around their content.
type frame struct {
	Title, Question, Here string
	Menu                  []menuGroup
	Fresh                 badge
	Now                   time.Time
	Took                  string
	Keys                  []menuItem

	begun   time.Time
	queried time.Duration
}

type menuGroup struct {
	Name  string
	Items []menuItem
}

type menuItem struct{ Title, Href, Key string }

// badge says how fresh the data of a page are; the zero value says nothing.
type badge struct{ Text, Tone, Href string }

func (s *server) frame() frame {
	f := frame{Now: s.now(), begun: time.Now(), Menu: []menuGroup{{}}}
	for _, p := range s.pages {
		if strings.Contains(p.Path, "{") {
			continue
		}
		f.add(p.Group, menuItem{p.Title, p.Path, p.Key})
	}
	f.add("Data", menuItem{"Browse", "/rows", "b"})
	return f
}

func (f *frame) add(group string, item menuItem) {
	i := slices.IndexFunc(f.Menu, func(g menuGroup) bool { return g.Name == group })
	if i < 0 {
		f.Menu = append(f.Menu, menuGroup{Name: group})
		i = len(f.Menu) - 1
	}
	f.Menu[i].Items = append(f.Menu[i].Items, item)
	if item.Key != "" {
		f.Keys = append(f.Keys, item)
	}
}

// scope are the sources that a page is made of. Nil is all of them.
type scope struct{ categories, accounts []string }

// begin runs do in the one transaction of a page, and asks there what all pages show: names
// of accounts, and how fresh the sources are.
func (s *server) begin(r *http.Request, of scope, do func(pgx.Tx)) (frame, shower, error) {
	ctx, f := r.Context(), s.frame()
	show := shower{now: f.Now, accounts: map[string]string{}}
	err := read(ctx, s.pool, pageTimeout, func(tx pgx.Tx) error {
		do(tx)
		named := ask(ctx, tx, query{sql: accountsSQL})
		for i := range named.rows {
			show.accounts[text(named.rows[i][0])] = text(named.rows[i][1])
		}
		if err := limit(ctx, tx, badgeTimeout, "SET LOCAL statement_timeout = %d"); err != nil {
			return err
		}
		f.Fresh = of.badge(ask(ctx, tx, of.query()), f.Now)
		return nil
	})
	f.queried = time.Since(f.begun)
	return f, show, err
}

const accountsSQL = `SELECT account_id, account_name FROM account_overview WHERE account_name <> account_id`

func (of scope) query() query {
	q := query{sql: `SELECT count(*) AS sources, count(*) FILTER (WHERE red) AS stale, max(seen_at) AS newest_at FROM freshness WHERE true`}
	if of.categories != nil {
		q.args = append(q.args, of.categories)
		q.sql += fmt.Sprintf(` AND category = ANY($%d)`, len(q.args))
	}
	if of.accounts != nil {
		q.args = append(q.args, of.accounts)
		q.sql += fmt.Sprintf(` AND account_id = ANY($%d)`, len(q.args))
	}
	return q
}

func (of scope) badge(set rowSet, now time.Time) badge {
	to := url.Values{"account": of.accounts}
	if of.accounts == nil {
		to.Del("account")
	}
	href := address("/freshness", to)
	if set.err != nil || len(set.rows) == 0 {
		return badge{"Freshness: not known in time", "none", href}
	}
	all, red := number(set.rows[0][0]), number(set.rows[0][1])
	newest, seen := set.rows[0][2].(time.Time)
	switch {
	case all == 0:
		return badge{"No data yet", "none", href}
	case red > 0:
		to.Set("red", "true")
		return badge{fmt.Sprintf("%s of %s sources stale", grouped(red), grouped(all)), "stale", address("/freshness", to)}
	case !seen:
		return badge{"Not collected here", "none", href}
	}
	return badge{"Fresh: newest " + age(max(now.Sub(newest), 0)) + " old", "fresh", href}
}

// pageView is a page for its template.
type pageView struct {
	frame
	Filters []filterView
	Chips   []chip
	Panels  []panelView
}

type filterView struct {
	page.Filter
	Options []option
	Chosen  string
	Typed   bool // too many values for a list
}

type option struct{ Value, Name string }

type chip struct{ Label, Value, Clear string }

// typed is how many values a list has at most; more are typed, with suggestions.
const typed = 30

// page answers with a page.
func (s *server) page(w http.ResponseWriter, r *http.Request, p page.Page) error {
	fixed := ""
	if m := pathFilter.FindStringSubmatch(p.Path); m != nil {
		fixed = r.PathValue(m[1])
	}
	c, err := choose(p, r.URL.Query(), fixed)
	if err != nil {
		return err
	}
	views, err := s.relations(r.Context())
	if err != nil {
		return err
	}
	sets, options := make([]rowSet, len(p.Panels)), make([]rowSet, len(p.Filters))
	f, show, err := s.begin(r, scope{p.Sources, c.accounts()}, func(tx pgx.Tx) {
		for i, panel := range p.Panels {
			sets[i] = ask(r.Context(), tx, c.query(string(panel.SQL)))
		}
		for i, filter := range p.Filters {
			if filter.Name != c.fixed {
				options[i] = ask(r.Context(), tx, query{sql: string(filter.Options)})
			}
		}
	})
	if err != nil {
		return err
	}
	f.Title, f.Question, f.Here = p.Title, p.Question, p.Path
	if c.fixed != "" {
		f.Title, f.Here = c.to, "/"+strings.Split(p.Path, "/")[1]
		if name := show.accounts[c.to]; name != "" {
			f.Title = name + " · " + c.to
		}
	}
	v := pageView{frame: f}
	rows := 0
	for i, panel := range p.Panels {
		if sets[i].err != nil {
			s.log.Warn("a panel has no answer", "page", p.Name, "panel", panel.Title, "error", sets[i].err)
		}
		rows += len(sets[i].rows)
		v.Panels = append(v.Panels, show.view(links{s.pages, views}, c, panel, sets[i]))
	}
	for i, filter := range p.Filters {
		if filter.Name != c.fixed {
			v.addFilter(show, c, filter, options[i])
		}
	}
	return s.write(w, r, http.StatusOK, "page.html", &v.frame, &v, rows)
}

func (v *pageView) addFilter(show shower, c choice, f page.Filter, options rowSet) {
	chosen := c.of(f)
	fv := filterView{Filter: f, Chosen: strings.Join(chosen, " "), Typed: len(options.rows) > typed || len(chosen) > 1}
	known := false
	for _, row := range options.rows {
		o := option{Value: text(row[0]), Name: text(row[0])}
		if name := show.accounts[o.Value]; name != "" {
			o.Name = name + " · " + o.Value
		}
		known = known || o.Value == fv.Chosen
		fv.Options = append(fv.Options, o)
	}
	if fv.Chosen != "" && !known && !fv.Typed { // so that the list says what is chosen
		fv.Options = append(fv.Options, option{fv.Chosen, fv.Chosen})
	}
	v.Filters = append(v.Filters, fv)
	if len(c.values[f.Name]) > 0 {
		name := fv.Chosen
		if known := show.accounts[fv.Chosen]; known != "" {
			name = known
		}
		v.Chips = append(v.Chips, chip{f.Label, cut(name, 60), c.with(f.Name, "")})
	}
}

// data answers with the rows of a panel as a file.
func (s *server) data(w http.ResponseWriter, r *http.Request) error {
	i := slices.IndexFunc(s.pages, func(p page.Page) bool { return p.Name == r.PathValue("page") })
	if i < 0 {
		return notFound("There is no page with that name.", "Each panel of a page has a link to its rows as CSV.", "/")
	}
	p, values, fixed := s.pages[i], r.URL.Query(), ""
	if m := pathFilter.FindStringSubmatch(p.Path); m != nil {
		fixed = values.Get(m[1])
		values.Del(m[1])
	}
	c, err := choose(p, values, fixed)
	if err != nil {
		return err
	}
	for _, panel := range p.Panels {
		for _, format := range []string{"csv", "json"} {
			if r.PathValue("file") == slug(panel.Title)+"."+format {
				name := fileName(p.Name+"-"+slug(panel.Title), c.values)
				return s.export(w, r, name, format, c.query(string(panel.SQL)))
			}
		}
	}
	return notFound("This page has no such panel.", "Each panel of a page has a link to its rows as CSV.", "/")
}

// write writes a page, and its line in the log. v is the value of the template, with f in it.
func (s *server) write(w http.ResponseWriter, r *http.Request, status int, name string, f *frame, v any,
	rows int) error {
	took := time.Since(f.begun)
	f.Took = fmt.Sprintf("%d ms", took.Milliseconds())
	var b bytes.Buffer
	if err := templates.ExecuteTemplate(&b, name, v); err != nil {
		s.log.Error("a template failed", "template", name, "error", err)
		return &failure{status: http.StatusInternalServerError, Title: "This page could not be written.",
			Next: "The log of hub dashboard says why."}
	}
	took = time.Since(f.begun)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Server-Timing",
		fmt.Sprintf("db;dur=%.1f, total;dur=%.1f", milliseconds(f.queried), milliseconds(took)))
	w.WriteHeader(status)
	_, err := w.Write(b.Bytes())
	s.log.Info("page", "path", r.URL.Path, "query", r.URL.RawQuery, "status", status, "rows", rows, "duration", took)
	if err != nil {
		s.log.Debug("nobody took the page", "path", r.URL.Path, "error", err)
	}
	return nil
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// assets are the addresses of static files by name, with a part that changes with them.
var assets = func() map[string]string {
	all := map[string]string{}
	entries, err := fs.ReadDir(static, "static")
	if err != nil {
		panic(err)
	}
	for _, e := range entries {
		content, err := static.ReadFile("static/" + e.Name())
		if err != nil {
			panic(err)
		}
		sum := sha256.Sum256(content)
		all[e.Name()] = "/static/" + e.Name() + "?v=" + hex.EncodeToString(sum[:6])
	}
	return all
}()

func asset(name string) (string, error) {
	if assets[name] == "" {
		return "", fmt.Errorf("no static file %s", name)
	}
	return assets[name], nil
}

// serveStatic serves a static file, for ever if its address names its content.
func serveStatic(w http.ResponseWriter, r *http.Request) {
	if r.URL.RequestURI() == assets[r.PathValue("name")] {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	http.ServeFileFS(w, r, static, "static/"+r.PathValue("name"))
}
