package dashboard

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// hit is something that was found.
type hit struct {
	What, Name, Detail, Href string
	// exact: it has the name that was asked for.
	exact bool
}

// searchView is what was found for its template.
type searchView struct {
	frame
	Hits []hit
	// Missed says what could not be searched.
	Missed []missed
}

type missed struct{ What, Why string }

const (
	// searchTimeout is how long each search of the database may take.
	searchTimeout = time.Second
	// maxSearch is how long the text may be, in characters: an ARN has 2,048 at most.
	maxSearch = 2048
)

// searches are where the database is searched: $1 is the text, $2 the account that an ARN
// names, else null. An index finds the rows of an account; accounts and what needs attention
// are few. Without an account all resources are compared, which ends after searchTimeout.
var searches = []struct{ what, sql, link string }{
	{"account", `
		SELECT account_name AS name, account_id AS detail, account_id = $1 AS exact, account_id FROM account_overview
		WHERE $2::text IS NULL AND strpos(lower(concat_ws(' ', account_id, account_name)), lower($1)) > 0
		ORDER BY exact DESC, account_name, account_id LIMIT 20`,
		"/accounts/{account_id}"},
	{"resource", `
		SELECT coalesce(resource_name, resource_id) AS name, concat_ws(', ', service || ' ' || resource_type, account_id, region) AS detail,
		       true AS exact, account_id, resource_id
		FROM resources WHERE $1 IN (resource_arn, resource_id, resource_name) AND ($2::text IS NULL OR account_id = $2)
		ORDER BY account_id, region, resource_id LIMIT 20`,
		"/rows/resources?account_id={account_id}&resource_id={resource_id}"},
	{"needs attention", `
		SELECT DISTINCT resource_name AS name, concat_ws(', ', kind, account_id, region) AS detail, true AS exact, account_id, resource_name
		FROM needs_attention WHERE $1 IN (resource_arn, resource_name) AND ($2::text IS NULL OR account_id = $2)
		ORDER BY detail, name LIMIT 20`,
		"/rows/needs_attention?account_id={account_id}&resource_name={resource_name}"},
}

// search answers with what has the name that somebody typed, or goes there if it is one.
func (s *server) search(w http.ResponseWriter, r *http.Request) error {
	sought := strings.TrimSpace(r.URL.Query().Get("q"))
	if !storable(sought) {
		return notStorable("the text")
	}
	if len([]rune(sought)) > maxSearch {
		return badRequest("This text is too long to be the name of something.", "Search for less than 2,048 characters.")
	}
	sets := make([]rowSet, len(searches))
	f, _, err := s.begin(r, "search", scope{}, func(a *asking) {
		if sought == "" {
			return
		}
		for i, search := range searches {
			if err := limit(r.Context(), a, searchTimeout, "SET LOCAL statement_timeout = %d"); err != nil {
				sets[i].err, a.failed = err, true
				continue
			}
			sets[i] = a.ask(search.what, query{search.sql, []any{sought, accountOf(sought)}})
		}
	})
	if err != nil {
		return err
	}
	v := searchView{frame: f}
	v.Title, v.Question, v.Asked = "Search", "What has this name?", sought
	v.Hits = append(pagesNamed(v.Menu, sought), viewsNamed(v.views, sought)...)
	for i, search := range searches {
		v.add(links{s.pages, v.views}, search.what, search.link, &sets[i])
	}
	if to := v.only(); to != "" {
		http.Redirect(w, r, to, http.StatusFound)
		s.log.Info("search", append(asked(r), "to", to)...)
		return nil
	}
	return s.write(w, r, http.StatusOK, "search.html", &v.frame, &v, len(v.Hits))
}

// accountOf is the account that an ARN names, nil if it is none or names none.
func accountOf(arn string) *string {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 || parts[0] != "arn" || parts[4] == "" {
		return nil
	}
	return &parts[4]
}

// pagesNamed are the pages of the menu with the text in their title.
func pagesNamed(menu []menuGroup, asked string) (hits []hit) {
	if asked == "" {
		return nil
	}
	for _, group := range menu {
		for _, item := range group.Items {
			if strings.Contains(strings.ToLower(item.Title), strings.ToLower(asked)) {
				hits = append(hits, hit{"page", item.Title, "", item.Href, strings.EqualFold(item.Title, asked)})
			}
		}
	}
	return hits
}

// viewsNamed are the views with the text in their name; that of a category may be left without
// what it begins with.
func viewsNamed(views []relation, asked string) (hits []hit) {
	name := strings.ReplaceAll(strings.ToLower(asked), " ", "_")
	if name == "" {
		return nil
	}
	for _, view := range views {
		if strings.Contains(view.name, name) {
			exact := view.name == name || strings.TrimPrefix(view.name, "current_") == name
			hits = append(hits, hit{"view", view.name, view.comment, "/rows/" + view.name, exact})
		}
	}
	return hits
}

// add takes the hits of a search of the database.
func (v *searchView) add(l links, what, link string, set *rowSet) {
	if set.err != nil {
		m := missed{what, sentence(set.err, searchTimeout)}
		if tookTooLong(set.err) {
			m.Why = "It took longer than a second. An ARN is found faster where it names its account."
		}
		v.Missed = append(v.Missed, m)
	}
	for i := range set.rows {
		href := l.link(choice{}, link, func(column string) string { return text(set.value(i, column)) })
		v.Hits = append(v.Hits, hit{what, text(set.value(i, "name")), text(set.value(i, "detail")), href,
			set.value(i, "exact") == true})
	}
}

// only is where the one hit leads, or the one that has exactly the name; "" if there are
// several or none. It sorts the hits: those with the name come first.
func (v *searchView) only() string {
	slices.SortStableFunc(v.Hits, func(a, b hit) int {
		switch {
		case a.exact == b.exact:
			return 0
		case a.exact:
			return -1
		}
		return 1
	})
	one := len(v.Hits) == 1 || len(v.Hits) > 1 && v.Hits[0].exact && !v.Hits[1].exact
	if !one || len(v.Missed) > 0 {
		return ""
	}
	return v.Hits[0].Href
}
