package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/hubspoke/observability/consumers/dashboard"
	"github.com/hubspoke/observability/consumers/dashboard/page"
	"github.com/hubspoke/observability/consumers/dashboard/pages"
	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/schemas"
)

// showCommand shows in a terminal what the dashboard shows in a browser.
type showCommand struct {
	databaseFlags
	program.WideFlag
	Output string   `short:"o" enum:"table,json,csv" default:"table" help:"Format on standard output: ${enum}."`
	Filter []string `sep:"none" placeholder:"NAME=VALUE" help:"Show only what has this value; repeat it, also for more values of one filter."`
	Limit  int      `default:"50" help:"How many rows of each query of a category are shown."`
	Page   string   `arg:"" optional:"" help:"Page of the dashboard, or category. Without: the list of them."`
	Panel  string   `arg:"" optional:"" help:"One panel of the page, or one query of the category; the beginning of its name is enough."`
}

// Help is shown by `hub show -h`.
func (showCommand) Help() string {
	return `Shows the pages of 'hub dashboard' as tables, from one moment of the database. It reads as
the user of the database; the role obs_reader is enough.

  hub show                                 the pages, their panels and filters
  hub show overview                        is something wrong?
  hub show costs services                  one panel
  hub show findings --filter severity=CRITICAL --filter severity=HIGH
  hub show account --filter account=111122223333
  hub show secrets                         the queries of a category
  hub show current_accounts                those of a category with the name of a page
  hub show costs services -o csv           exact values, for spreadsheets; -o json for programs

Columns that do not fit the terminal are left out, unless --wide is given. Colours are for
terminals alone; NO_COLOR turns them off. When a panel has no answer, the others are shown
and the exit code is 3.`
}

// Completions are what the first argument can be.
func (showCommand) Completions() []string { return append(pageNames(), categoryNames()...) }

func pageNames() (names []string) {
	for _, p := range pages.All() {
		names = append(names, p.Name)
	}
	return names
}

func categoryNames() (names []string) {
	for _, t := range schemas.All() {
		names = append(names, t.Name())
	}
	return names
}

// Run shows a page, a category or the list.
func (c showCommand) Run(ctx context.Context, p program.Program) error {
	if c.Page == "" {
		return c.list(p)
	}
	shown, err := c.find()
	if err != nil {
		return err
	}
	pool, err := c.open(ctx, 1)
	if err != nil {
		return err
	}
	defer pool.Close()
	if err := requireViews(ctx, pool, false); err != nil {
		return err
	}
	answers, err := shown.read(ctx, pool)
	if err != nil {
		return fmt.Errorf("show %s: %w", c.Page, err)
	}
	for _, u := range answers.Unknown { // what is mistyped looks as if all was well
		fmt.Fprintf(p.Stderr, "hub: there is no %s %q: do you mean %s?\n", u.Filter, u.Value,
			program.OneLine(program.Nearest(u.Value, u.Options)))
	}
	if err := c.write(p, shown, answers); err != nil {
		return err
	}
	return unanswered(answers.Panels)
}

// shown is a page, or a category with its queries.
type shown struct {
	Page     string `json:"page"`
	Title    string `json:"title"`
	Question string `json:"question,omitempty"`
	read     func(context.Context, *pgxpool.Pool) (*dashboard.Answers, error)
}

// find returns what the arguments name.
func (c showCommand) find() (s shown, err error) {
	all := pages.All()
	i := slices.IndexFunc(all, func(p page.Page) bool { return p.Name == c.Page })
	if i < 0 {
		return c.findCategory()
	}
	chosen, err := c.chosen(all[i])
	if err != nil {
		return s, err
	}
	panels, err := choose(c, all[i].Panels, func(p page.Panel) string { return p.Title })
	if err != nil {
		return s, err
	}
	return shown{all[i].Name, all[i].Title, all[i].Question,
		func(ctx context.Context, pool *pgxpool.Pool) (*dashboard.Answers, error) {
			return dashboard.ReadPage(ctx, pool, all[i], panels, chosen)
		}}, nil
}

func (c showCommand) findCategory() (s shown, err error) {
	category := strings.TrimPrefix(c.Page, "current_")
	if !slices.Contains(categoryNames(), category) {
		return s, program.Usagef("no page and no category is called %q: do you mean %s? `hub show` lists them", c.Page,
			program.Nearest(c.Page, c.Completions()))
	}
	if len(c.Filter) > 0 {
		return s, program.Usagef("the queries of a category take no --filter; hub dashboard can filter each view")
	}
	queries, err := schemas.Queries(category)
	if err != nil {
		return s, err
	}
	queries, err = choose(c, queries, func(q schemas.Query) string { return q.Title })
	if err != nil {
		return s, err
	}
	return shown{category, category, "", func(ctx context.Context, pool *pgxpool.Pool) (*dashboard.Answers, error) {
		return dashboard.ReadQueries(ctx, pool, category, queries, c.Limit)
	}}, nil
}

// choose returns the panel that the arguments name, all of them if they name none.
func choose[T any](c showCommand, all []T, title func(T) string) ([]T, error) {
	var names []string
	for _, one := range all {
		names = append(names, dashboard.NameOf(title(one)))
	}
	if c.Panel == "" {
		if c.Output == "csv" && len(all) > 1 {
			return nil, program.Usagef("CSV is of one panel: which of %s has %s", c.Page, strings.Join(names, ", "))
		}
		return all, nil
	}
	wanted := dashboard.NameOf(c.Panel)
	if i := slices.Index(names, wanted); i >= 0 {
		return all[i : i+1], nil
	}
	var found []T
	for i, name := range names {
		if strings.HasPrefix(name, wanted) {
			found = append(found, all[i])
		}
	}
	if len(found) == 1 {
		return found, nil
	}
	return nil, program.Usagef("%s has no panel %q: do you mean %s? It has %s", c.Page, c.Panel,
		program.Nearest(wanted, names), strings.Join(names, ", "))
}

// chosen returns what is chosen of the filters of a page.
func (c showCommand) chosen(p page.Page) (url.Values, error) {
	var names []string
	for _, f := range p.Filters {
		names = append(names, f.Name)
	}
	chosen := url.Values{}
	for _, filter := range c.Filter {
		name, value, ok := strings.Cut(filter, "=")
		switch {
		case !ok || value == "":
			return nil, program.Usagef("--filter %s: write it as name=value", filter)
		case len(names) == 0:
			return nil, program.Usagef("--filter %s: page %s has no filters", filter, p.Name)
		case !slices.Contains(names, name):
			return nil, program.Usagef("page %s has no filter %q: do you mean %s? It has %s", p.Name, name,
				program.Nearest(name, names), strings.Join(names, ", "))
		}
		chosen.Add(name, value)
	}
	if fixed := dashboard.FixedFilter(p); fixed != "" && len(chosen[fixed]) != 1 {
		return nil, program.Usagef("page %s is about one %s: give it by --filter %[2]s=…", p.Name, fixed)
	}
	return chosen, nil
}

// unanswered is the error of the panels that have no answer.
func unanswered(panels []dashboard.Answer) error {
	var failed []error
	for _, a := range panels {
		if a.Err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", a.Name, a.Err))
		}
	}
	switch err := errors.Join(failed...); {
	case len(failed) == 0:
		return nil
	case len(failed) == len(panels):
		return fmt.Errorf("no answer: %w", err)
	default:
		return program.Partlyf("%d of %d panels have no answer: %w", len(failed), len(panels), err)
	}
}

func (c showCommand) write(p program.Program, s shown, answers *dashboard.Answers) error {
	switch c.Output {
	case "json":
		return writeAnswersJSON(p, s, answers)
	case "csv":
		if answers.Panels[0].Err != nil {
			return nil // said at the end
		}
		return answers.Panels[0].WriteCSV(p.Stdout)
	}
	return c.print(p, s, answers)
}

// answerJSON is a panel as `-o json` prints it: an interface, add only.
type answerJSON struct {
	Panel   string           `json:"panel"`
	Title   string           `json:"title"`
	Note    string           `json:"note,omitempty"`
	Columns []string         `json:"columns"`
	Rows    []map[string]any `json:"rows"`
	Error   string           `json:"error,omitempty"`
}

func writeAnswersJSON(p program.Program, s shown, answers *dashboard.Answers) error {
	all := []answerJSON{}
	for _, a := range answers.Panels {
		one := answerJSON{Panel: a.Name, Title: a.Title, Note: a.Note, Columns: a.Columns(), Rows: a.Records()}
		if a.Err != nil {
			one.Error = a.Err.Error()
		}
		all = append(all, one)
	}
	return program.WriteJSON(p.Stdout, struct {
		shown
		At     time.Time    `json:"read_at"`
		Panels []answerJSON `json:"panels"`
	}{s, answers.At, all})
}

// palette has the colours of tones.
var palette = map[string]text.Colors{
	"critical": {text.FgRed, text.Bold}, "high": {text.FgRed}, "medium": {text.FgYellow}, "low": {text.FgCyan},
	"info": {text.FgBlue}, "good": {text.FgGreen}, "title": {text.Bold},
}

// painter colours what is for a terminal, and nothing else.
func painter(p program.Program) func(dashboard.Text) string {
	plain := program.Terminal(p.Stdout) == nil || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb"
	return func(t dashboard.Text) string {
		line := program.OneLine(t.Text)
		if colors := palette[t.Tone]; !plain && colors != nil && line != "" {
			return text.Escape(line, colors.EscapeSeq())
		}
		return line
	}
}

// print shows answers as tables.
func (c showCommand) print(p program.Program, s shown, answers *dashboard.Answers) error {
	paint := painter(p)
	say(p, "%s", strings.TrimSuffix(s.Title+": "+s.Question, ": "))
	say(p, "%s. Read at %s UTC.", paint(answers.Fresh), answers.At.Format(time.DateTime))
	for _, a := range answers.Panels {
		fmt.Fprintln(p.Stdout)
		say(p, "%s", paint(dashboard.Text{Text: a.Title, Tone: "title"}))
		if a.Note != "" {
			say(p, "%s", a.Note)
		}
		if a.Err != nil {
			say(p, "This panel has no answer: %s", program.OneLine(a.Err.Error()))
			continue
		}
		if err := c.printPanel(p, a, paint); err != nil {
			return err
		}
	}
	return nil
}

func (c showCommand) printPanel(p program.Program, a dashboard.Answer, paint func(dashboard.Text) string) error {
	answer, err := a.Table(program.Width(p.Stdout))
	if err != nil {
		return err
	}
	if len(answer.Rows) == 0 {
		say(p, "%s", answer.Empty)
		return nil
	}
	var header []any
	for _, column := range answer.Columns {
		header = append(header, program.OneLine(column.Name))
	}
	t := program.NewTable(p.Stdout, header...)
	for i, column := range answer.Columns {
		if column.Whole {
			t.Whole(i)
		}
		if column.Right {
			t.Right(i)
		}
	}
	for _, cells := range answer.Rows {
		var row table.Row
		for _, cell := range cells {
			row = append(row, paint(cell))
		}
		t.AppendRow(row)
	}
	var hidden []string
	if !c.Wide {
		for _, column := range answer.Columns[len(answer.Columns)-t.HideToWrap(1):] {
			hidden = append(hidden, program.OneLine(column.Name))
		}
	}
	t.Render()
	if len(hidden) > 0 {
		say(p, "without room: %s; --wide shows all", strings.Join(hidden, ", "))
	}
	if a.First > 0 {
		say(p, "the first %d rows", a.First)
	}
	return nil
}

// listedPage is a page as `hub show -o json` prints it: an interface, add only.
type listedPage struct {
	Page     string        `json:"page"`
	Title    string        `json:"title"`
	Question string        `json:"question"`
	Panels   []listedPanel `json:"panels"`
	Filters  []string      `json:"filters"`
}

type listedPanel struct {
	Panel string `json:"panel"`
	Title string `json:"title"`
}

// list shows what can be shown.
func (c showCommand) list(p program.Program) error {
	if c.Output == "csv" || len(c.Filter) > 0 {
		return program.Usagef("which page? `hub show` lists them")
	}
	all := []listedPage{}
	for _, one := range pages.All() {
		l := listedPage{Page: one.Name, Title: one.Title, Question: one.Question, Filters: []string{}}
		for _, panel := range one.Panels {
			l.Panels = append(l.Panels, listedPanel{dashboard.NameOf(panel.Title), panel.Title})
		}
		for _, f := range one.Filters {
			l.Filters = append(l.Filters, f.Name)
		}
		all = append(all, l)
	}
	if c.Output == "json" {
		return program.WriteJSON(p.Stdout, struct {
			Pages      []listedPage `json:"pages"`
			Categories []string     `json:"categories"`
		}{all, categoryNames()})
	}
	t := program.NewTable(p.Stdout, "page", "what it answers", "panels", "filters")
	t.Style().Options.SeparateRows = true
	t.Whole(0)
	for _, l := range all {
		var panels []string
		for _, panel := range l.Panels {
			panels = append(panels, panel.Panel)
		}
		t.AppendRow(table.Row{l.Page, l.Question, strings.Join(panels, "\n"), strings.Join(l.Filters, "\n")})
	}
	t.Render()
	say(p, "Categories, with their queries: %s", strings.Join(categoryNames(), ", "))
	return nil
}
