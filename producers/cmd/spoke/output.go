package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/schema"
)

// resultJSON is one run as `-o json` prints it: an interface, add only.
type resultJSON struct {
	Category   string         `json:"category"`
	Account    string         `json:"account_id"`
	Region     string         `json:"region"`
	Slice      string         `json:"slice,omitempty"`
	Run        schema.RunID   `json:"run"`
	Outcome    schema.Outcome `json:"outcome"`
	Rows       int            `json:"rows"`
	Parts      int            `json:"parts"`
	Bytes      int64          `json:"bytes"`
	Duplicates int            `json:"duplicates"`
	Refused    int            `json:"refused_rows"`
	Seconds    float64        `json:"seconds"`
	Error      string         `json:"error,omitempty"`
}

func printResults(w io.Writer, asJSON bool, results []collect.Result) error {
	if asJSON {
		return program.WriteJSON(w, resultsJSON(results))
	}
	printResultTable(w, results)
	return nil
}

func resultsJSON(results []collect.Result) []resultJSON {
	out := []resultJSON{}
	for _, r := range results {
		out = append(out, resultJSON{
			Category: r.Scope.Category, Account: r.Scope.Account, Region: r.Scope.Region, Slice: r.Scope.Slice,
			Run: r.Run, Outcome: r.Outcome, Rows: r.Rows, Parts: r.Parts, Bytes: r.Bytes,
			Duplicates: r.Duplicates, Refused: r.RefusedRows, Seconds: r.Duration.Seconds(), Error: faultText(r),
		})
	}
	return out
}

// printResultTable prints the results for people: the account and the slice only
// where they tell runs apart, and errors below the table, each once.
func printResultTable(w io.Writer, results []collect.Result) {
	accounts, sliced := map[string]bool{}, false
	for _, r := range results {
		accounts[r.Scope.Account] = true
		sliced = sliced || r.Scope.Slice != ""
	}
	header := []any{"category"}
	if len(accounts) > 1 {
		header = append(header, "account")
	}
	header = append(header, "region")
	if sliced {
		header = append(header, "slice")
	}
	t := program.NewTable(w, append(header, "outcome", "rows", "duration")...)
	var faults []string
	for rest := results; len(rest) > 0; {
		r, n := rest[0], alike(rest)
		row := table.Row{r.Scope.Category}
		if len(accounts) > 1 {
			row = append(row, r.Scope.Account)
		}
		row = append(row, r.Scope.Region)
		slice := r.Scope.Slice
		if n > 1 {
			slice += " … " + rest[n-1].Scope.Slice
		}
		if sliced {
			row = append(row, slice)
		}
		t.AppendRow(append(row, r.Outcome, r.Rows, r.Duration.Round(time.Millisecond)))
		if text := faultText(r); text != "" {
			what := strings.Join([]string{r.Scope.Category, r.Scope.Account, r.Scope.Region}, " ")
			if slice != "" {
				what += " " + slice
			}
			faults = append(faults, what+": "+program.OneLine(text))
		}
		rest = rest[n:]
	}
	t.Render()
	for _, fault := range faults {
		fmt.Fprintln(w, program.Wrap(w, fault, "  "))
	}
	for _, step := range nextSteps(results) {
		fmt.Fprintln(w, program.Wrap(w, step, "  "))
	}
}

// nextSteps returns what to do about the outcomes of runs, each once.
func nextSteps(results []collect.Result) []string {
	var steps []string
	for _, next := range []struct {
		outcome schema.Outcome
		step    string
	}{
		{schema.Disabled, "disabled: enable the service, get the plan that has it, or leave the category out with --exclude"},
		{schema.Denied, "denied: allow the actions that 'spoke categories' lists, or leave the category out with --exclude"},
		{schema.Throttled, "throttled: others use up what AWS allows the account; try again later"},
	} {
		if slices.ContainsFunc(results, func(r collect.Result) bool { return r.Outcome == next.outcome }) {
			steps = append(steps, next.step)
		}
	}
	return steps
}

// alike returns how many of the first results differ only in their slice, and
// have no rows: a person wants to read that once.
func alike(results []collect.Result) int {
	first := results[0]
	n := 1
	for _, r := range results[1:] {
		scope := r.Scope
		scope.Slice = first.Scope.Slice
		if scope != first.Scope || r.Rows+first.Rows > 0 || r.Outcome != first.Outcome || faultText(r) != faultText(first) {
			break
		}
		n++
	}
	return n
}

func faultText(r collect.Result) string {
	if fault := r.Fault(); fault != nil {
		return fault.Error()
	}
	if r.CollectErr != nil {
		return r.CollectErr.Error() // a service that is not enabled
	}
	return ""
}

// What a table of rows shows; -o json has everything.
const (
	maxTableRows    = 100
	maxTableColumns = 6
	maxCell         = 48
	minTableColumns = 2 // besides the region, also where they must be wrapped
)

// rowPrinter prints collected rows: each as a line of JSON, or as one table per
// category of what people can read. Its methods are safe for concurrent use.
type rowPrinter struct {
	mu     sync.Mutex
	to     io.Writer // what w writes to
	w      *bufio.Writer
	json   bool
	err    error
	tables []*rowTable
}

type rowTable struct {
	table   *schema.Table
	columns []string
	rows    []table.Row
	total   int
	// accounts that rows are of.
	accounts map[string]bool
}

func newRowPrinter(w io.Writer, asJSON bool, sources []source) *rowPrinter {
	p := &rowPrinter{to: w, w: bufio.NewWriter(w), json: asJSON}
	for _, c := range sources[0].collectors {
		p.tables = append(p.tables, &rowTable{table: c.Table(), columns: readable(c.Table()), accounts: map[string]bool{}})
	}
	return p
}

// readable returns the columns that a table shows: the key, then the first others.
func readable(t *schema.Table) []string {
	var names []string
	for _, key := range []bool{true, false} {
		for _, c := range t.Columns() {
			if c.Key == key && c.Kind != schema.KindJSON && len(names) < maxTableColumns {
				names = append(names, c.Name)
			}
		}
	}
	return names
}

// print takes one row.
func (p *rowPrinter) print(scope schema.Scope, row []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil {
		return
	}
	if p.json {
		_, p.err = fmt.Fprintf(p.w, `{"category":%q,"account_id":%q,"region":%q,"row":%s}`+"\n", scope.Category,
			scope.Account, scope.Region, row)
		return
	}
	for _, t := range p.tables {
		if t.table.Name() == scope.Category {
			p.err = t.add(scope, row)
		}
	}
}

func (t *rowTable) add(scope schema.Scope, row []byte) error {
	if t.total++; t.total > maxTableRows {
		return nil
	}
	var values map[string]any
	decoder := json.NewDecoder(bytes.NewReader(row))
	decoder.UseNumber()
	if err := decoder.Decode(&values); err != nil {
		return err
	}
	t.accounts[scope.Account] = true
	cells := table.Row{scope.Account, scope.Region}
	for _, name := range t.columns {
		if v, ok := values[name]; ok {
			cells = append(cells, program.Cut(fmt.Sprint(v), maxCell))
		} else {
			cells = append(cells, "")
		}
	}
	t.rows = append(t.rows, cells)
	return nil
}

// close prints the tables.
func (p *rowPrinter) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, t := range p.tables {
		if p.err == nil && t.total > 0 {
			t.print(p.w, p.to)
		}
	}
	return errors.Join(p.err, p.w.Flush())
}

// print prints the table, with the account where rows of several are in it.
func (t *rowTable) print(w io.Writer, to io.Writer) {
	first := 0
	if len(t.accounts) < 2 {
		first = 1
	}
	header := []any{"account", "region"}[first:]
	for _, name := range t.columns {
		header = append(header, name)
	}
	out := program.NewTable(to, header...)
	out.SetOutputMirror(w)
	out.SetTitle(t.table.Name())
	for _, row := range t.rows {
		out.AppendRow(row[first:])
	}
	cut := out.HideToFit(len(header) - len(t.columns) + minTableColumns)
	out.Render()
	var hidden []string
	if n := t.total - len(t.rows); n > 0 {
		hidden = append(hidden, fmt.Sprintf("%d more rows", n))
	}
	if n := len(t.table.Columns()) - len(t.columns) + cut; n > 0 {
		hidden = append(hidden, fmt.Sprintf("%d more columns", n))
	}
	if len(hidden) > 0 {
		fmt.Fprintf(w, "… %s: use -o json\n", strings.Join(hidden, " and "))
	}
}
