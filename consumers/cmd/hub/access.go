package main

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/hubspoke/observability/internal/program"
)

// accessCommand says who sees which account in dashboards.
type accessCommand struct {
	Grant  accessGrantCommand  `cmd:"" help:"Let somebody see accounts."`
	Revoke accessRevokeCommand `cmd:"" help:"Let somebody see accounts no more."`
	List   accessListCommand   `cmd:"" help:"List who sees which account."`
}

// Help is shown by 'hub access -h'.
func (accessCommand) Help() string {
	return `Who logs in to hub dashboard sees the accounts that are granted to them, and what is summed up
over these. They are known by principals: user: and the subject or verified address of e-mail
that the login says, and group: and a name for each of their groups. A change holds from the
next page on. The account '*' is all accounts, and what no account has, such as totals.

  hub access grant group:payments 111122223333 444455556666
  hub access grant user:alice@example.com '*'
  hub access revoke group:payments 111122223333

The rules bind dashboards: a user of the database with the role obs_reader sees all accounts.
grant and revoke need the user who owns the tables, list the role obs_writer.`
}

// accessJSON is a rule as '-o json' prints it: an interface, add only.
type accessJSON struct {
	Principal string `json:"principal"`
	Account   string `json:"account_id"`
	// Changed is whether grant or revoke has changed it. A list has none.
	Changed *bool `json:"changed,omitempty" db:"-"`
	// Known is whether anything was collected in the account; only grant looks.
	Known *bool `json:"known,omitempty" db:"-"`
}

var (
	principalRE = regexp.MustCompile(`^(user|group):[^\x00-\x1f\x7f]{1,255}$`)
	accountRE   = regexp.MustCompile(`^([0-9]{12}|\*)$`)
)

// accessFlags are those of grant and revoke.
type accessFlags struct {
	databaseFlags
	program.OutputFlag
	Principal string `arg:"" help:"Who: user:NAME or group:NAME."`
}

// rules returns the rules of the principal for accounts, or what is wrong with them.
func (f accessFlags) rules(accounts []string) ([]accessJSON, error) {
	if !principalRE.MatchString(f.Principal) {
		return nil, program.Usagef("%q is no principal: write user:alice@example.com or group:payments", f.Principal)
	}
	rules := []accessJSON{}
	for _, account := range accounts {
		if !accountRE.MatchString(account) {
			return nil, program.Usagef("%q is no account: give its 12 digits, or '*' for all", account)
		}
		rules = append(rules, accessJSON{Principal: f.Principal, Account: account, Changed: new(bool)})
	}
	return rules, nil
}

// change does something for each rule, in one transaction.
func (f accessFlags) change(ctx context.Context, rules []accessJSON, do func(pgx.Tx, *accessJSON) error) error {
	pool, err := f.openReady(ctx, 1)
	if err != nil {
		return err
	}
	defer pool.Close()
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		for i := range rules {
			if err := do(tx, &rules[i]); err != nil {
				return fmt.Errorf("write hub.access: %w", err)
			}
		}
		return nil
	})
}

// run runs a statement for the rule, and notes whether it changed it.
func (r *accessJSON) run(ctx context.Context, tx pgx.Tx, statement string) error {
	tag, err := tx.Exec(ctx, statement, r.Principal, r.Account)
	*r.Changed = tag.RowsAffected() > 0
	return err
}

type accessGrantCommand struct {
	accessFlags
	Account []string `arg:"" help:"Accounts, or '*' for all."`
}

// Run grants.
func (c accessGrantCommand) Run(ctx context.Context, p program.Program) error {
	rules, err := c.rules(c.Account)
	if err != nil {
		return err
	}
	err = c.change(ctx, rules, func(tx pgx.Tx, r *accessJSON) error {
		err := r.run(ctx, tx, "INSERT INTO hub.access (principal, account_id) VALUES ($1, $2) ON CONFLICT DO NOTHING")
		if err != nil {
			return err
		}
		const known = "SELECT $1 = '*' OR EXISTS (SELECT FROM hub.source WHERE account_id = $1)"
		return tx.QueryRow(ctx, known, r.Account).Scan(&r.Known)
	})
	if err != nil {
		return err
	}
	if c.JSON() {
		return program.WriteJSON(p.Stdout, rules)
	}
	for _, r := range rules {
		already := ""
		if !*r.Changed {
			already = " already"
		}
		unknown := ""
		if !*r.Known {
			unknown = "; nothing was collected there yet: is it the right one?"
		}
		fmt.Fprintf(p.Stdout, "%s%s sees %s%s\n", program.OneLine(r.Principal), already, accountsText(r.Account), unknown)
	}
	return nil
}

type accessRevokeCommand struct {
	accessFlags
	Account []string `arg:"" help:"Accounts, or '*' for the rule that grants all."`
}

// Run revokes.
func (c accessRevokeCommand) Run(ctx context.Context, p program.Program) error {
	rules, err := c.rules(c.Account)
	if err != nil {
		return err
	}
	err = c.change(ctx, rules, func(tx pgx.Tx, r *accessJSON) error {
		return r.run(ctx, tx, "DELETE FROM hub.access WHERE principal = $1 AND account_id = $2")
	})
	if err != nil {
		return err
	}
	if c.JSON() {
		return program.WriteJSON(p.Stdout, rules)
	}
	var absent []string
	for _, r := range rules {
		if *r.Changed {
			fmt.Fprintf(p.Stdout, "%s sees %s no more\n", program.OneLine(r.Principal), accountsText(r.Account))
		} else {
			absent = append(absent, r.Account)
		}
	}
	if len(absent) > 0 {
		say(p, "%s had no rule for %s; hub access list shows the rules", program.OneLine(c.Principal),
			strings.Join(absent, ", "))
	}
	return nil
}

// accountsText is what an account of a rule stands for.
func accountsText(account string) string {
	if account == "*" {
		return "all accounts"
	}
	return account
}

type accessListCommand struct {
	databaseFlags
	program.OutputFlag
}

// Run lists.
func (c accessListCommand) Run(ctx context.Context, p program.Program) error {
	pool, err := c.openReady(ctx, 1)
	if err != nil {
		return err
	}
	defer pool.Close()
	rules, err := list[accessJSON](ctx, pool, "SELECT principal, account_id FROM hub.access ORDER BY 1, 2")
	if err != nil {
		return fmt.Errorf("read hub.access: %w", err)
	}
	if c.JSON() {
		return program.WriteJSON(p.Stdout, rules)
	}
	if len(rules) == 0 {
		fmt.Fprintln(p.Stdout, "nobody sees an account yet; hub access grant lets them")
		return nil
	}
	t := program.NewTable(p.Stdout, "principal", "sees")
	for _, r := range rules {
		t.AppendRow(table.Row{program.OneLine(r.Principal), accountsText(r.Account)})
	}
	t.Render()
	return nil
}
