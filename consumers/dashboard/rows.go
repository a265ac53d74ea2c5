package dashboard

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hubspoke/observability/consumers/dashboard/access"
)

// relation is a view that can be looked at row by row, as the database describes it.
type relation struct {
	name, comment string
	columns       []relationColumn
	// key are columns that tell rows apart, and are never null. Nil: none are known.
	key []relationColumn
}

type relationColumn struct{ name, kind, comment string }

// column returns the column with the name.
func (r relation) column(name string) (c relationColumn, ok bool) {
	i := slices.IndexFunc(r.columns, func(c relationColumn) bool { return c.name == name })
	if i < 0 {
		return c, false
	}
	return r.columns[i], true
}

// find returns the view with the name; views are in the order of their names.
func find(views []relation, name string) (r relation, ok bool) {
	compare := func(r relation, name string) int { return strings.Compare(r.name, name) }
	i, ok := slices.BinarySearchFunc(views, name, compare)
	if !ok {
		return r, false
	}
	return views[i], true
}

// relationsSQL lists the views that the transaction may read, but for those of extensions,
// which tell of the server. A view of schema seen has the key of the one in public.
const relationsSQL = `
SELECT c.relname, coalesce(obj_description(c.oid, 'pg_class'), ''), a.attname, format_type(a.atttypid, a.atttypmod),
       coalesce(col_description(c.oid, a.attnum), ''), coalesce(array_position(u.columns, a.attnum), -1)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_class p ON p.relnamespace = 'public'::regnamespace AND p.relname = c.relname
LEFT JOIN LATERAL (
    SELECT indkey::smallint[] AS columns FROM pg_index i
    WHERE i.indrelid = p.oid AND i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL ORDER BY i.indexrelid LIMIT 1
) u ON true
WHERE c.relnamespace = CASE current_schema() WHEN 'seen' THEN 'seen' ELSE 'public' END::regnamespace
  AND c.relkind IN ('v', 'm') AND has_table_privilege(c.oid, 'SELECT')
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY c.relname COLLATE "C", a.attnum`

// relationsOf returns the views in the order of their names.
func relationsOf(ctx context.Context, tx pgx.Tx) (all []relation, err error) {
	rows, err := tx.Query(ctx, relationsSQL, pgx.QueryExecModeExec)
	if err != nil {
		return nil, err
	}
	var name, comment string
	var c relationColumn
	var inKey int
	keys := map[string]map[int]relationColumn{}
	_, err = pgx.ForEachRow(rows, []any{&name, &comment, &c.name, &c.kind, &c.comment, &inKey}, func() error {
		if len(all) == 0 || all[len(all)-1].name != name {
			all = append(all, relation{name: name, comment: comment})
			keys[name] = map[int]relationColumn{}
		}
		last := &all[len(all)-1]
		last.columns = append(last.columns, c)
		if inKey >= 0 {
			keys[name][inKey] = c
		}
		return nil
	})
	for i := range all {
		all[i].key = all[i].keyOf(keys[all[i].name])
	}
	return all, err
}

// keyOf are the columns of a unique index by their places in it. Views with the rows of a
// table have its key, and say when a row was collected; others may repeat the key.
func (r relation) keyOf(unique map[int]relationColumn) (key []relationColumn) {
	for _, place := range slices.Sorted(maps.Keys(unique)) {
		key = append(key, unique[place])
	}
	if _, isRow := r.column("collected_at"); len(key) > 0 || !isRow {
		return key
	}
	for _, name := range []string{"account_id", "region", "row_key"} {
		c, ok := r.column(name)
		if !ok {
			return nil
		}
		key = append(key, c)
	}
	return key
}

// pageRows is how many rows a page of a view has.
const pageRows = 100

// literal writes a value so that a condition takes it as it is.
func literal(v string) string {
	if v != "" && strings.Contains("=~<>", v[:1]) {
		return "=" + v
	}
	return v
}

// browsing is what somebody chose of a view: conditions are column=value, or =value,
// ~part, <value, >value; values that must be equal are alternatives.
type browsing struct {
	rel    relation
	values url.Values
	sort   string
	down   bool
	// at is the row that the page follows, or that follows the page if back is true. Nil: the
	// page is the first one.
	at   *place
	back bool
}

// browse reads an address. Names of columns must be those of the database.
func browse(rel relation, values url.Values) (b browsing, err error) {
	b = browsing{rel: rel, values: url.Values{}, back: values.Get("before") != ""}
	for name, wanted := range values {
		_, known := rel.column(name)
		for _, v := range wanted {
			switch {
			case !storable(v):
				return b, notStorable("the value of " + cut(name, 60))
			case v == "":
			case known:
				b.values.Add(name, v)
			case name == "sort":
				b.sort, b.down = strings.TrimPrefix(v, "-"), strings.HasPrefix(v, "-")
				if _, ok := rel.column(b.sort); !ok {
					return b, noColumn(rel, b.sort)
				}
			case name == "after" || name == "before": // see below
			default:
				return b, noColumn(rel, name)
			}
		}
	}
	if at := cmp.Or(values.Get("before"), values.Get("after")); at != "" {
		order, _ := b.order()
		p, err := placeOf(at, len(order))
		if err != nil {
			return b, err
		}
		b.at = &p
	}
	return b, nil
}

func noColumn(rel relation, name string) error {
	var known []string
	for _, c := range rel.columns {
		known = append(known, c.name)
	}
	return badRequest(fmt.Sprintf("The view %s has no column %q.", rel.name, cut(name, 60)),
		"It has: "+strings.Join(known, ", ")+".")
}

// query completes the SELECT: names come from the catalog of the database, values are
// parameters. limit is how many rows there are at most.
func (b browsing) query(limit int) query {
	var q query
	var where []string
	for _, c := range b.rel.columns {
		id := pgx.Identifier{c.name}.Sanitize()
		var equal []string
		for _, v := range b.values[c.name] {
			switch op := v[:1]; op {
			case "~":
				q.args = append(q.args, "%"+likeEscaper.Replace(v[1:])+"%")
				where = append(where, fmt.Sprintf("%s::text ILIKE $%d", id, len(q.args)))
			case "<", ">":
				q.args = append(q.args, v[1:])
				where = append(where, fmt.Sprintf("%s %s $%d::text::%s", id, op, len(q.args), c.kind))
			default:
				equal = append(equal, strings.TrimPrefix(v, "="))
			}
		}
		condition, ok := bare(id, equal)
		switch {
		case len(equal) == 0:
		case c.kind == "boolean" && ok:
			where = append(where, condition)
		default:
			q.args = append(q.args, equal)
			where = append(where, fmt.Sprintf("%s = ANY ($%d::text[]::%s[])", id, len(q.args), c.kind))
		}
	}
	if b.at != nil {
		where = append(where, b.beyond(&q))
	}
	q.sql = "SELECT * FROM " + pgx.Identifier{b.rel.name}.Sanitize()
	if len(where) > 0 {
		q.sql += "\nWHERE " + strings.Join(where, "\n  AND ")
	}
	order, ties := b.order()
	var by []string
	for _, t := range append(order, ties...) {
		by = append(by, t.by(b.back))
	}
	if len(by) > 0 {
		q.sql += "\nORDER BY " + strings.Join(by, ", ")
	}
	q.sql += fmt.Sprintf("\nLIMIT %d", limit)
	if b.at != nil && b.at.Same > 0 {
		q.sql += fmt.Sprintf(" OFFSET %d", b.at.Same)
	}
	return q
}

var likeEscaper = strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`)

// address is the address of the view with one parameter changed; "" clears it. It is that of
// the first page, unless the parameter turns pages.
func (b browsing) address(name, value string) string {
	v := url.Values{}
	for k, old := range b.values {
		v[k] = old
	}
	if b.sort != "" {
		v.Set("sort", map[bool]string{true: "-", false: ""}[b.down]+b.sort)
	}
	if value == "" {
		v.Del(name)
	} else {
		v.Set(name, value)
	}
	return address("/rows/"+b.rel.name, v)
}

// rowsView is the page of a view for its template.
type rowsView struct {
	frame
	Comment    string
	View       string
	Views      []string
	Columns    []rowsColumn
	Rows       [][]cell
	Error, SQL string
	Prev, Next string
	First      int
	Last       int
	CSV, JSON  string
	Clear      string
}

type rowsColumn struct{ Name, Heading, Title, Value, Class, Sort, Arrow string }

// rows answers with the rows of a view, as a page or as a file.
func (s *server) rows(w http.ResponseWriter, r *http.Request) error {
	views, err := s.relations(r.Context())
	if err != nil {
		return err
	}
	name, format := r.PathValue("view"), ""
	for _, f := range []string{"csv", "json"} {
		if cutName, ok := strings.CutSuffix(name, "."+f); ok {
			name, format = cutName, f
		}
	}
	rel, ok := find(views, name)
	if !ok {
		return notFound(fmt.Sprintf("There is no view %q.", cut(name, 60)), "Browse has the list of views.", "/rows")
	}
	b, err := browse(rel, r.URL.Query())
	if err != nil {
		return err
	}
	if format != "" {
		b.at = nil
		err := s.export(w, r, fileName(rel.name, b.values), format,
			func(bool) query { return b.query(s.limits.fileRows + 1) })
		return cmp.Or(misfit(err), err)
	}
	return s.rowsPage(w, r, b)
}

// misfit says that an error of the database is about a value that was chosen; nil if it is not.
func misfit(err error) error {
	server, ok := errors.AsType[*pgconn.PgError](err)
	if !ok || !strings.HasPrefix(server.Code, "22") { // data_exception
		return nil
	}
	return badRequest("A value does not fit its column: "+cut(server.Message, 300)+".",
		"The heading of each column says its type.")
}

// scopeOf is what a view is made of: one category, or all of them.
func scopeOf(rel relation) scope {
	if category, ok := strings.CutPrefix(rel.name, "current_"); ok {
		return scope{categories: []string{category}}
	}
	return scope{}
}

func (s *server) rowsPage(w http.ResponseWriter, r *http.Request, b browsing) error {
	var set rowSet
	f, show, err := s.begin(r, browsePage, scopeOf(b.rel), func(a *asking) { set = a.ask("rows", b.query(pageRows+1)) })
	if err != nil {
		return err
	}
	if err := misfit(set.err); err != nil {
		return err
	}
	f.Title, f.Question, f.Here = heading(strings.TrimPrefix(b.rel.name, "current_")), b.rel.comment, "/rows"
	v := rowsView{frame: f, View: b.rel.name, CSV: address("/rows/"+b.rel.name+".csv", b.values),
		JSON: address("/rows/"+b.rel.name+".json", b.values), SQL: b.query(pageRows).sql}
	if len(b.values) > 0 || b.sort != "" {
		v.Clear = "/rows/" + b.rel.name
	}
	for _, view := range v.views {
		v.Views = append(v.Views, view.name)
	}
	v.turn(b, &set)
	var head []headView
	if set.err != nil {
		v.Error = sentence(set.err, pageTimeout)
	} else {
		head, v.Rows = show.table(&set, "", func(int) string { return "" })
	}
	v.Columns = b.heads(head)
	return s.write(w, r, http.StatusOK, "rows.html", &v.frame, &v, len(v.Rows))
}

// turn leaves the rows of the page, in their order, and says where the pages beside it are.
func (v *rowsView) turn(b browsing, set *rowSet) {
	more := len(set.rows) > pageRows
	set.rows = set.rows[:min(len(set.rows), pageRows)]
	if b.back {
		slices.Reverse(set.rows)
	}
	n := len(set.rows)
	switch {
	case b.at == nil:
		v.First = min(n, 1)
	case b.back && more:
		v.First = max(b.at.Number-n, 1)
	case b.back: // the first page, however many rows there were
		v.First = min(n, 1)
	default:
		v.First = b.at.Number + 1
	}
	v.Last = v.First + max(n, 1) - 1
	if b.at != nil && (!b.back || more) {
		v.Prev = b.address("before", "")
		if n > 0 {
			v.Prev = b.address("before", b.place(set, 0, v.First).String())
		}
	}
	if n > 0 && (more || b.back) {
		v.Next = b.address("after", b.place(set, n-1, v.Last).String())
	}
}

// heads are the headings of the columns, each with the address that sorts by it.
func (b browsing) heads(shown []headView) (heads []rowsColumn) {
	for k, c := range b.rel.columns {
		h := rowsColumn{Name: c.name, Heading: heading(c.name), Title: strings.TrimSpace(c.comment + " (" + c.kind + ")"),
			Value: strings.Join(b.values[c.name], " "), Sort: b.address("sort", c.name)}
		if k < len(shown) {
			h.Class = shown[k].Class
		}
		if b.sort == c.name {
			h.Arrow, h.Sort = "↑", b.address("sort", "-"+c.name)
			if b.down {
				h.Arrow, h.Sort = "↓", b.address("sort", "")
			}
		}
		heads = append(heads, h)
	}
	return heads
}

// listView is the list of all views for its template.
type listView struct {
	frame
	Groups []listGroup
}

type listGroup struct {
	Name  string
	Views []listed
}

type listed struct{ Name, Comment string }

// list answers with the list of views.
func (s *server) list(w http.ResponseWriter, r *http.Request) error {
	f, _, err := s.begin(r, browsePage, scope{}, func(*asking) {})
	if err != nil {
		return err
	}
	f.Title, f.Question, f.Here = "Browse", "What exactly is there?", "/rows"
	v := listView{frame: f, Groups: []listGroup{{Name: "Answers"}, {Name: "Categories, row by row"}}}
	for _, view := range v.views {
		g := &v.Groups[0]
		if strings.HasPrefix(view.name, "current_") {
			g = &v.Groups[1]
		}
		g.Views = append(g.Views, listed{view.name, view.comment})
	}
	return s.write(w, r, http.StatusOK, "list.html", &v.frame, &v, len(v.views))
}

// relationsKept is how long the server believes what views there are.
const relationsKept = time.Minute

// catalog are the views that there were at a time.
type catalog struct {
	views []relation
	at    time.Time
}

// kept is a catalog that the server knows; the zero value knows nothing.
type kept struct{ atomic.Pointer[catalog] }

// recent returns the views, nil if they are not known or it is too long ago.
func (k *kept) recent() []relation {
	if known := k.Load(); known != nil && time.Since(known.at) < relationsKept {
		return known.views
	}
	return nil
}

// relations returns the views that who asks may read, in the order of their names.
func (s *server) relations(ctx context.Context) (views []relation, err error) {
	if access.ViewerOf(ctx) == nil {
		if views = s.views.recent(); views != nil { // no transaction needed
			return views, nil
		}
	}
	err = read(ctx, s.pool, pageTimeout, func(tx pgx.Tx) error {
		views, err = s.viewsOf(ctx, tx)
		return err
	})
	return views, err
}

// viewsOf returns the views that the transaction may read, as they were a while ago at most.
func (s *server) viewsOf(ctx context.Context, tx pgx.Tx) (views []relation, err error) {
	known := &s.views
	if isRestricted(tx) {
		known = &s.seen
	}
	if views = known.recent(); views != nil {
		return views, nil
	}
	if views, err = relationsOf(ctx, tx); err == nil {
		known.Store(&catalog{views, time.Now()})
	}
	return views, err
}
