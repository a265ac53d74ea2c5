package main

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/schema"
)

// forgetCommand removes an account.
type forgetCommand struct {
	databaseFlags
	program.OutputFlag
	Account string `required:"" placeholder:"ID" help:"Account to forget."`
	DryRun  bool   `help:"Show what would be removed, and remove nothing."`
	Yes     bool   `help:"Remove without asking."`
}

// Help is shown by 'hub forget -h'.
func (forgetCommand) Help() string {
	return `Removes an account from the database: its rows in all categories, gone ones included, their
bookkeeping and its rejects. It deletes in pieces, so that hub consume goes on meanwhile, and
can be repeated after it was interrupted. The database user must own the tables, as for
hub migrate.

Before it:
  1. Stop the account's spoke, or take its permission to write into the stream away.
  2. Let hub consume apply what the stream still has of it: until hub status shows no lag.
     What arrives later would be applied as that of a new account.
After it:
  3. Delete what the archive has below data/account=ID/, or leave that to its lifecycle.
     A replay of those days would bring the account back; replay has --account for others.

  hub forget --account 111122223333 --dry-run`
}

// forgetJSON is what was removed as '-o json' prints it: an interface, add only.
type forgetJSON struct {
	Account string `json:"account_id"`
	DryRun  bool   `json:"dry_run"`
	// Tables by name with how many rows were, or would be, removed.
	Tables map[string]int64 `json:"tables"`
	Rows   int64            `json:"rows"`
	// LastApplied is when something of the account was applied last.
	LastApplied *time.Time `json:"last_applied"`
	// Archive is the prefix of the objects that remain in the archive.
	Archive string `json:"archive_prefix"`
}

// Run forgets.
func (c forgetCommand) Run(ctx context.Context, p program.Program, log *slog.Logger) error {
	if err := (schema.Scope{Category: "x", Account: c.Account, Region: schema.GlobalRegion}).Validate(); err != nil {
		return program.Usagef("--account: %w", err)
	}
	pool, err := c.openReady(ctx, 1)
	if err != nil {
		return err
	}
	defer pool.Close()
	found, err := load.CountAccount(ctx, pool, c.Account)
	if err != nil {
		return err
	}
	if c.DryRun || found.Rows() == 0 {
		return c.print(p, found, found)
	}
	if !c.Yes {
		last := "nothing of it was ever applied"
		if found.Applied != nil {
			last = "the last of it was applied " + ago(found.Applied)
		}
		question := fmt.Sprintf("Remove all %d rows of account %s for ever? Its spoke must have stopped; %s. Type the "+
			"account to confirm:", found.Rows(), c.Account, last)
		if err := p.Confirm(question, c.Account); err != nil {
			return err
		}
	}
	var deleted atomic.Int64
	stop := program.NewProgress(p.Stderr, log, "forgetting").Start(ctx, func() program.State {
		n := deleted.Load()
		return program.State{Done: int(n), Total: int(found.Rows()), Text: fmt.Sprintf("%d rows", n)}
	})
	done, err := load.ForgetAccount(ctx, pool, c.Account, deleted.Store)
	stop()
	if err != nil {
		if done.Rows() > 0 {
			return program.Partlyf("%w; %d of %d rows are removed: forget again to go on", err, done.Rows(), found.Rows())
		}
		return err
	}
	if err := c.print(p, done, found); err != nil {
		return err
	}
	left, err := load.CountAccount(ctx, pool, c.Account)
	if err != nil {
		return err
	}
	if n := left.Rows(); n > 0 {
		return program.Partlyf("%d rows of account %s arrived meanwhile: stop its spoke, let hub consume apply what the "+
			"stream has of it, and forget it again", n, c.Account)
	}
	return nil
}

func (c forgetCommand) print(p program.Program, f, before load.Forgotten) error {
	prefix := "data/account=" + c.Account + "/"
	if c.JSON() {
		out := forgetJSON{Account: c.Account, DryRun: c.DryRun, Tables: map[string]int64{}, Rows: f.Rows(),
			LastApplied: before.Applied, Archive: prefix}
		for _, t := range f.Tables {
			out.Tables[t.Table] = t.Rows
		}
		return program.WriteJSON(p.Stdout, out)
	}
	if f.Rows() == 0 {
		say(p, "There is nothing of account %s in the database.", c.Account)
		return nil
	}
	verb := "removed"
	if c.DryRun {
		verb = "to be removed"
	}
	t := program.NewTable(p.Stdout, "table", "rows "+verb)
	for _, rows := range f.Tables {
		if rows.Rows > 0 {
			t.AppendRow(table.Row{rows.Table, rows.Rows})
		}
	}
	t.Render()
	if c.DryRun {
		say(p, "The last of it was applied %s. Stop the account's spoke first; then: hub forget --account %s",
			ago(before.Applied), c.Account)
	} else {
		say(p, "Views show it until they are refreshed: hub consume does that, or hub refresh.")
	}
	say(p, "What the archive has of it, below %s in its bucket, stays: delete it there. A replay of it would bring the "+
		"account back.", prefix)
	return nil
}
