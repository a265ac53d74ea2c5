package dashboard

import (
	"net/http"
	"slices"
	"strings"

	"github.com/hubspoke/observability/consumers/dashboard/page"
)

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
	c, err := choose(p, r.URL.Query(), r.PathValue(FixedFilter(p)))
	if err != nil {
		return err
	}
	sets, options := make([]rowSet, len(p.Panels)), make([]rowSet, len(p.Filters))
	f, show, err := s.begin(r, p.Name, scope{p.Sources, c.accounts()}, func(a *asking) {
		c.restricted = isRestricted(a.Tx)
		for i, panel := range p.Panels {
			sets[i] = a.ask(slug(panel.Title), c.query(string(panel.SQL)))
		}
		for i, filter := range p.Filters {
			if filter.Name != c.fixed {
				options[i] = a.ask("filters", query{sql: string(filter.Options)})
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
		rows += len(sets[i].rows)
		v.Panels = append(v.Panels, show.view(links{s.pages, v.views}, c, panel, sets[i]))
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
	if name := FixedFilter(p); name != "" {
		fixed = values.Get(name)
		values.Del(name)
	}
	c, err := choose(p, values, fixed)
	if err != nil {
		return err
	}
	for _, panel := range p.Panels {
		for _, format := range []string{"csv", "json"} {
			if r.PathValue("file") == slug(panel.Title)+"."+format {
				name := fileName(p.Name+"-"+slug(panel.Title), c.values)
				return s.export(w, r, name, format, func(restricted bool) query {
					c.restricted = restricted
					return c.query(string(panel.SQL))
				})
			}
		}
	}
	return notFound("This page has no such panel.", "Each panel of a page has a link to its rows as CSV.", "/")
}
