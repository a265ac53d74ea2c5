package dashboard

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/hubspoke/observability/consumers/dashboard/page"
	"github.com/hubspoke/observability/schemas"
)

// Answers is what panels say at one moment.
type Answers struct {
	// At is the moment.
	At time.Time
	// Fresh says how fresh the data are.
	Fresh Text
	// Unknown are values that were chosen, and that are none of their filter's options.
	Unknown []UnknownValue
	Panels  []Answer
}

// UnknownValue is a value that a filter does not offer now. Options are what it offers.
type UnknownValue struct {
	Filter, Value string
	Options       []string
}

// Answer is what one panel says, or a query of a category.
type Answer struct {
	// Name in addresses and on command lines: the title in lower case, with hyphens.
	Name        string
	Title, Note string
	// First is the limit of the query where it has reached it, so that there may be more rows.
	// 0: these are all.
	First int
	// Err says why there are no rows, and what to do. Nil: there are, or could have been.
	Err error

	as   page.Form
	set  rowSet
	show shower
}

// NameOf returns how a panel with that title is named in addresses and on command lines.
func NameOf(title string) string { return slug(title) }

// Heading writes the name of a column for people.
func Heading(column string) string { return heading(column) }

// IsMoney reports whether a column with that name has amounts.
func IsMoney(column string) bool { return isMoney(column) }

// FixedFilter returns the filter that a page cannot be shown without, "" if there is none.
func FixedFilter(p page.Page) string {
	if m := pathFilter.FindStringSubmatch(p.Path); m != nil {
		return m[1]
	}
	return ""
}

// ReadPage reads panels of a page in one transaction that cannot write, as the user of the
// pool. chosen are values of filters by their names; a name that the page does not have is an
// error. A query may take a minute. A panel without an answer has its own error.
func ReadPage(ctx context.Context, pool *pgxpool.Pool, p page.Page, panels []page.Panel,
	chosen url.Values) (*Answers, error) {
	fixed, rest := FixedFilter(p), url.Values{}
	for name, values := range chosen {
		if name != fixed {
			rest[name] = values
		}
	}
	c, err := choose(p, rest, chosen.Get(fixed))
	if err != nil {
		return nil, err
	}
	var answers []Answer
	for _, panel := range panels {
		answers = append(answers, Answer{Name: slug(panel.Title), Title: panel.Title, as: panel.As,
			Note: joined(noteOf(c, panel), c.unheeded(panel)), set: rowSet{query: c.query(string(panel.SQL))}})
	}
	return readAnswers(ctx, pool, scope{p.Sources, c.accounts()}, c, answers)
}

// ReadQueries reads the rows of a category's queries, like [ReadPage]. rows is how many each
// has at most.
func ReadQueries(ctx context.Context, pool *pgxpool.Pool, category string, queries []schemas.Query,
	rows int) (*Answers, error) {
	var answers []Answer
	for _, q := range queries {
		sql := strings.TrimSuffix(q.SQL, ";")
		if limitOf(sql) < 0 {
			sql += fmt.Sprintf("\nLIMIT %d", rows)
		}
		answers = append(answers, Answer{Name: slug(q.Title), Title: q.Title, as: page.Table{},
			set: rowSet{query: query{sql: sql}}})
	}
	return readAnswers(ctx, pool, scope{categories: []string{category}}, choice{}, answers)
}

// readAnswers reads the rows of answers that have their query, and compares what was chosen
// with what there is.
func readAnswers(ctx context.Context, pool *pgxpool.Pool, of scope, c choice, answers []Answer) (*Answers, error) {
	all := &Answers{At: time.Now().UTC(), Panels: answers}
	show := shower{now: all.At}
	err := read(ctx, pool, badgeTimeout, func(tx pgx.Tx) error {
		fresh := of.badge(ask(ctx, tx, of.query(isRestricted(tx))), all.At, nil)
		all.Fresh = Text{fresh.Text, toneOf(fresh.Tone)}
		if err := limit(ctx, tx, exportTimeout, "SET LOCAL statement_timeout = %d"); err != nil {
			return err
		}
		all.Unknown = c.unknown(ctx, tx)
		show.accounts = namesOfAccounts(ask(ctx, tx, query{sql: accountsSQL}))
		for i := range answers {
			answers[i].read(ctx, tx, show)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// unknown returns the values that were chosen and that no option is. A list of options that is
// empty, as before the first refresh, or was cut says nothing.
func (c choice) unknown(ctx context.Context, tx pgx.Tx) (unknown []UnknownValue) {
	for _, f := range c.page.Filters {
		chosen := c.values[f.Name]
		if f.Name == c.fixed {
			chosen = []string{c.to}
		}
		if len(chosen) == 0 {
			continue
		}
		rows := ask(ctx, tx, query{sql: string(f.Options)})
		if rows.err != nil || len(rows.rows) == 0 || limitOf(rows.sql) == len(rows.rows) {
			continue
		}
		var options []string
		for _, row := range rows.rows {
			options = append(options, text(row[0]))
		}
		for _, value := range chosen {
			if !slices.Contains(options, value) {
				unknown = append(unknown, UnknownValue{f.Name, value, options})
			}
		}
	}
	return unknown
}

// read reads the rows of an answer that has its query.
func (a *Answer) read(ctx context.Context, tx pgx.Tx, show shower) {
	a.set, a.show = ask(ctx, tx, a.set.query), show
	a.Err = explained(a.set.err)
	if n := limitOf(a.set.sql); n == len(a.set.rows) {
		a.First = n
	}
}

// explained says what to do about an error of the database, where that is known.
func explained(err error) error {
	if server, ok := errors.AsType[*pgconn.PgError](err); ok {
		if next := advice(server.Code, exportTimeout); next != "" {
			return fmt.Errorf("%s. %s", server.Message, next)
		}
	}
	return err
}

// Columns returns the names of the columns.
func (a Answer) Columns() []string {
	names := []string{}
	for _, c := range a.set.columns {
		names = append(names, c.Name)
	}
	return names
}

// Records returns the rows as JSON has them, by the names of columns; never nil.
func (a Answer) Records() []map[string]any {
	records := []map[string]any{}
	for _, row := range a.set.rows {
		record := map[string]any{}
		for k, column := range a.set.columns {
			record[column.Name] = jsonValue(row[k])
		}
		records = append(records, record)
	}
	return records
}

// WriteCSV writes the rows as CSV, below a line with the names of columns. Text that a
// spreadsheet would take for a formula begins with an apostrophe.
func (a Answer) WriteCSV(w io.Writer) error {
	file := csvFile{csv.NewWriter(w)}
	if err := file.w.Write(a.Columns()); err != nil {
		return err
	}
	for _, row := range a.set.rows {
		if err := file.row(row); err != nil {
			return err
		}
	}
	return file.end("")
}
