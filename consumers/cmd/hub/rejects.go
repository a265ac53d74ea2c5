package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/hubspoke/observability/consumers/verify"
	"github.com/hubspoke/observability/internal/program"
)

// rejectsCommand shows what could not be applied.
type rejectsCommand struct {
	List rejectsListCommand `cmd:"" help:"List what could not be applied, newest first."`
	Show rejectsShowCommand `cmd:"" help:"Print the bytes of one reject."`
}

type rejectsListCommand struct {
	databaseFlags
	program.OutputFlag
	program.WideFlag
	State    string   `enum:"open,parked,all" default:"all" help:"open: refused. parked: waits for the table of its category to fit. ${enum}."`
	Category []string `placeholder:"NAME" help:"Category; repeat it or separate with commas."`
	Account  []string `placeholder:"ID" help:"Account; repeat it or separate with commas."`
	Limit    int      `default:"50" help:"How many are shown."`
}

// rejectJSON is one reject as `-o json` prints it: an interface, add only.
type rejectJSON struct {
	ID       int64      `json:"id"`
	State    string     `json:"state"`
	At       time.Time  `json:"at"`
	Reason   string     `json:"reason"`
	Detail   string     `json:"detail"`
	Category string     `json:"category"`
	Account  string     `json:"account_id"`
	Region   string     `json:"region"`
	Slice    string     `json:"slice,omitempty"`
	Run      *string    `json:"run"`
	Part     *int       `json:"part"`
	Row      *int       `json:"row"`
	Origin   string     `json:"origin"`
	Arrived  *time.Time `json:"arrived"`
	Size     int64      `json:"size"`
	SHA256   string     `json:"sha256"`
	HasBytes bool       `json:"has_bytes"`
}

const rejectColumns = `id, state, at, reason, detail, category, account_id, region, slice, run::text, part, row_number,
	origin, arrived_at, size, encode(sha256, 'hex'), bytes IS NOT NULL`

// Run lists rejects.
func (c rejectsListCommand) Run(ctx context.Context, p program.Program) error {
	pool, err := c.openReady(ctx, 1)
	if err != nil {
		return err
	}
	defer pool.Close()
	rejects, err := list[rejectJSON](ctx, pool, `SELECT `+rejectColumns+` FROM hub.reject
		WHERE ($1 = 'all' OR state = $1) AND ($2::text[] IS NULL OR category = ANY ($2)) AND ($3::text[] IS NULL OR account_id = ANY ($3))
		ORDER BY id DESC LIMIT $4`, c.State, c.Category, c.Account, c.Limit)
	if err != nil {
		return fmt.Errorf("read rejects: %w", err)
	}
	if c.JSON() {
		return program.WriteJSON(p.Stdout, rejects)
	}
	counted, err := verify.ReadCountedRejects(ctx, pool, c.Account)
	if err != nil {
		return fmt.Errorf("read rejects: %w", err)
	}
	if len(rejects) == 0 {
		fmt.Fprintln(p.Stdout, "no rejects")
	}
	if len(rejects) > 0 {
		t := program.NewTable(p.Stdout, "id", "reject")
		t.Style().Options.SeparateRows = true
		for _, r := range rejects {
			t.AppendRow(table.Row{r.ID, r.text(c.Wide)})
		}
		t.Render()
	}
	if len(rejects) > 0 && len(rejects) == c.Limit {
		fmt.Fprintf(p.Stdout, "the newest %d; --limit shows more\n", c.Limit)
	}
	if c.State != "parked" {
		sayCounted(p, counted)
	}
	return nil
}

func sayCounted(p program.Program, counted []verify.CountedRejects) {
	for _, r := range counted {
		say(p, "%s, account %s: besides the %d that are stored, %d more were only counted, the last %s",
			program.OneLine(r.Reason),
			program.Cut(orElse(r.Account, "(various)"), 16), r.Stored, r.Counted, ago(r.Last))
	}
}

// text says for people what was refused, where and why.
func (r rejectJSON) text(wide bool) string {
	lines := []string{fmt.Sprintf("%s, %s %s", program.OneLine(r.Reason), r.State, ago(&r.At))}
	var where []string
	for _, s := range []string{r.Category, r.Account, r.Region, r.Slice} {
		if s != "" {
			where = append(where, program.Cut(s, 48))
		}
	}
	lines = append(lines, strings.Join(where, " "))
	where = nil
	if r.Run != nil {
		where = append(where, "run "+*r.Run)
	}
	if r.Part != nil {
		where = append(where, fmt.Sprintf("part %d", *r.Part))
	}
	if r.Row != nil {
		where = append(where, fmt.Sprintf("row %d", *r.Row))
	}
	lines = append(lines, strings.Join(where, ", "), program.OneLine(r.Detail))
	if wide {
		lines = append(lines, program.OneLine(r.Origin), fmt.Sprintf("%d bytes, SHA-256 %s", r.Size, r.SHA256))
	}
	return strings.Join(slices.DeleteFunc(lines, func(s string) bool { return s == "" }), "\n")
}

type rejectsShowCommand struct {
	databaseFlags
	Raw bool  `help:"Write the bytes to a terminal as they are, too."`
	ID  int64 `arg:"" help:"Id of the reject, from 'hub rejects list'."`
}

// Help is shown by `hub rejects show -h`.
func (rejectsShowCommand) Help() string {
	return `Prints the bytes as they arrived, of large ones the first, on standard output and what is known about them on
standard error. A terminal gets control characters as \\x1b and the like, unless --raw is
given. A record is one header line and a body, mostly compressed:

  hub rejects show 17 2>/dev/null | tail -n +2 | zstdcat`
}

// Run prints one reject.
func (c rejectsShowCommand) Run(ctx context.Context, p program.Program) error {
	pool, err := c.openReady(ctx, 1)
	if err != nil {
		return err
	}
	defer pool.Close()
	var bytes []byte
	err = pool.QueryRow(ctx, `SELECT bytes FROM hub.reject WHERE id = $1`, c.ID).Scan(&bytes)
	if errors.Is(err, pgx.ErrNoRows) {
		return program.Usagef("there is no reject %d; `hub rejects list` shows them", c.ID)
	}
	if err != nil {
		return fmt.Errorf("read reject %d: %w", c.ID, err)
	}
	about, err := list[rejectJSON](ctx, pool, `SELECT `+rejectColumns+` FROM hub.reject WHERE id = $1`, c.ID)
	if err != nil || len(about) == 0 {
		return fmt.Errorf("read reject %d: %w", c.ID, err)
	}
	if err := program.WriteJSON(p.Stderr, about[0]); err != nil {
		return err
	}
	switch size := about[0].Size; {
	case bytes == nil && size > 0:
		return fmt.Errorf("the %d bytes of reject %d were not kept: there were too many of its record, of its account or "+
			"in all", size, c.ID)
	case int64(len(bytes)) < size:
		fmt.Fprintf(p.Stderr, "the first %d of %d bytes; the others were not kept\n", len(bytes), size)
	}
	if program.Terminal(p.Stdout) != nil && !c.Raw {
		_, err = fmt.Fprintln(p.Stdout, program.Visible(string(bytes)))
		return err
	}
	_, err = p.Stdout.Write(bytes)
	return err
}
