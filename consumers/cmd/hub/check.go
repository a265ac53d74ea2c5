package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/schemas"
)

// checkCommand compares the database with what this program needs.
type checkCommand struct {
	databaseFlags
	program.OutputFlag
}

// Help is shown by `hub check -h`.
func (checkCommand) Help() string {
	return `Compares name, type and nullability of every column with the categories of this program,
looks for indexes, checks and settings of the tables, and whether migrations are missing
and the views are its own. It changes nothing.
'hub consume' does the same at its start: a category is parked if its table does not fit,
the others go on. Exit code 2 if something does not fit.`
}

// checkJSON is the result as `-o json` prints it: an interface, add only.
type checkJSON struct {
	Fits       bool        `json:"fits"`
	Pending    []string    `json:"pending_migrations"`
	Views      bool        `json:"views_installed"`
	Categories int         `json:"categories"`
	Faults     []faultJSON `json:"faults"`
}

type faultJSON struct {
	Category  string `json:"category"`
	Column    string `json:"column,omitempty"`
	Index     string `json:"index,omitempty"`
	Problem   string `json:"problem"`
	Statement string `json:"statement,omitempty"`
	// Additive faults and OldKeys are mended by hub migrate.
	Additive bool `json:"additive,omitempty"`
	OldKeys  bool `json:"old_keys,omitempty"`
	// Minor faults keep no row from being written.
	Minor bool `json:"minor,omitempty"`
}

// Run checks.
func (c checkCommand) Run(ctx context.Context, p program.Program) error {
	pool, err := c.open(ctx, 1)
	if err != nil {
		return err
	}
	defer pool.Close()
	f, err := compare(ctx, pool)
	if err != nil {
		return err
	}
	if c.JSON() {
		out := checkJSON{Fits: f.fits(), Pending: namesOf(f.Pending), Views: f.Views,
			Categories: len(schemas.All()), Faults: []faultJSON{}}
		for _, fault := range f.Faults {
			out.Faults = append(out.Faults, faultJSON(fault))
		}
		if err := program.WriteJSON(p.Stdout, out); err != nil {
			return err
		}
	} else {
		f.print(p)
	}
	if !f.fits() {
		return program.Usagef("the database does not fit: %s", f.nextStep())
	}
	return nil
}

// nextStep is what mends the database.
func (f fit) nextStep() string {
	if len(f.Pending) == 0 && slices.ContainsFunc(f.Faults, leftByMigrate) {
		return "run the statements above that hub migrate leaves to you, then: hub migrate"
	}
	return "run: hub migrate"
}

// leftByMigrate reports whether hub migrate does not mend a fault.
func leftByMigrate(f load.Fault) bool { return !f.Additive && !f.OldKeys }

func (f fit) print(p program.Program) {
	misfits := load.Misfits(f.Faults)
	t := program.NewTable(p.Stdout, "what", "state")
	t.AppendRow(table.Row{"migrations", orElse(strings.Join(namesOf(f.Pending), "\n"), "all have run")})
	for _, category := range schemas.All() {
		state := "fits"
		if slices.ContainsFunc(f.Faults, func(f load.Fault) bool { return f.Minor && f.Category == category.Name() }) {
			state = "fits, but lacks something"
		}
		if m := misfits[category.Name()]; m != nil {
			state = fmt.Sprintf("does not fit (%d)", len(m.Faults))
		}
		t.AppendRow(table.Row{"obs." + category.Name(), state})
	}
	views := "those of this version"
	if !f.Views {
		views = "missing or of another version"
	}
	t.AppendRow(table.Row{"views", views})
	t.Render()
	for _, fault := range f.Faults {
		what := fault
		what.Statement = ""
		by := "hub migrate mends it"
		if leftByMigrate(fault) {
			by = "hub migrate leaves it"
		}
		fmt.Fprintf(p.Stdout, "\n-- %s (%s)\n", what, by)
		if fault.Statement != "" {
			fmt.Fprintf(p.Stdout, "%s;\n", fault.Statement)
		}
	}
}

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
