package dashboard

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/hubspoke/observability/consumers/dashboard/access"
)

// frame is what all pages have around their content.
type frame struct {
	Title, Question, Here string
	// Asked is what was searched for.
	Asked string
	Menu  []menuGroup
	Fresh badge
	Now   time.Time
	Took  string
	Keys  []menuItem
	// Viewer is who has logged in, LogOut where they log out; "" if there is no such thing.
	Viewer, LogOut string
	// Tag is the ETag of the page, "" if it has none.
	Tag string

	reason  string // of a refusal, for the log
	begun   time.Time
	queried time.Duration
	state   string
	valid   *validity
	views   []relation // that who asks may read
}

type menuGroup struct {
	Name  string
	Items []menuItem
}

type menuItem struct{ Title, Href, Key string }

// badge says how fresh the data of a page are; the zero value says nothing.
type badge struct{ Text, Tone, Href string }

func (s *server) frame(r *http.Request) frame {
	f := frame{Now: s.now(), begun: time.Now(), Menu: []menuGroup{{}}}
	if who := access.ViewerOf(r.Context()); who != nil {
		f.Viewer, f.LogOut = who.Name, who.LogOut
	}
	f.valid = &validity{f.Now.Add(keptFor)}
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

// asking is the transaction of a page.
type asking struct {
	pgx.Tx
	server  *server
	request *http.Request
	page    string // in metrics
	failed  bool   // a query has no answer, and may have one next time
}

// ask reads the rows of a query of the page, and tells the log why there are none.
func (a *asking) ask(name string, q query) rowSet {
	ctx := a.request.Context()
	set := ask(ctx, a.Tx, q)
	a.server.hooks.Queried(a.page, name, set.took)
	if set.err != nil && !set.withheld && ctx.Err() == nil {
		a.failed = true
		a.server.log.Warn("a query has no answer", "path", a.request.URL.Path, "query", name, "error", set.err)
	}
	return set
}

// begin runs do in the one transaction of a page, and asks there what all pages show: how
// fresh the sources are, names of accounts, and what views there are. It returns
// errUnchanged, and runs nothing, where the browser has the page as it would be.
func (s *server) begin(r *http.Request, page string, of scope, do func(*asking)) (frame, shower, error) {
	ctx, f := r.Context(), s.frame(r)
	show := shower{now: f.Now, valid: f.valid}
	err := read(ctx, s.pool, badgeTimeout, func(tx pgx.Tx) error {
		a := &asking{Tx: tx, server: s, request: r, page: page}
		status := a.ask("badge", of.query(isRestricted(tx)))
		f.state = s.stateOf(r, rightsOf(tx), status)
		if unchanged(r, f.state, f.Now) {
			return errUnchanged
		}
		f.Fresh = of.badge(status, f.Now, f.valid)
		if err := limit(ctx, tx, pageTimeout, "SET LOCAL statement_timeout = %d"); err != nil {
			return err
		}
		do(a)
		show.accounts = namesOfAccounts(a.ask("names", query{sql: accountsSQL}))
		if a.failed {
			f.state = ""
		}
		var err error
		f.views, err = s.viewsOf(ctx, tx)
		return err
	})
	f.queried = time.Since(f.begun)
	return f, show, err
}

const accountsSQL = `SELECT account_id, account_name FROM account_overview WHERE account_name <> account_id`

// namesOfAccounts returns the rows of accountsSQL as names by number.
func namesOfAccounts(set rowSet) map[string]string {
	names := map[string]string{}
	for _, row := range set.rows {
		names[text(row[0])] = text(row[1])
	}
	return names
}

// query asks how fresh the sources are that the viewer sees. What follows changes whenever
// the data do: a sum of times, because a run that arrives late moves no maximum.
func (of scope) query(restricted bool) query {
	refreshed := "(SELECT max(refreshed_at) FROM view_status)"
	if restricted {
		refreshed = "(SELECT refreshed_at FROM viewer)"
	}
	q := query{sql: `SELECT count(*) AS sources, count(*) FILTER (WHERE red) AS stale, max(seen_at) AS newest_at,
		count(*) FILTER (WHERE status = 'failing') AS failing, sum(rejects) AS rejects, sum(date_part('epoch', last_run_at)) AS runs,
		sum(date_part('epoch', seen_at)) AS seen, ` + refreshed + ` AS refreshed_at
		FROM freshness WHERE true`}
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

func (of scope) badge(set rowSet, now time.Time, valid *validity) badge {
	to := url.Values{"account": of.accounts}
	if of.accounts == nil {
		to.Del("account")
	}
	href := address("/freshness", to)
	if set.err != nil || len(set.rows) == 0 {
		return badge{"Freshness: not known", "none", href}
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
	old := max(now.Sub(newest), 0)
	valid.aged(now, old)
	return badge{"Fresh: newest " + age(old) + " old", "fresh", href}
}
