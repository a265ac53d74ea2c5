package dashboard

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/hubspoke/observability/consumers/dashboard/access"
)

// Roles of a transaction with a viewer. The user of the database is a member of both and
// inherits nothing, so that a transaction without one of them sees nothing.
const (
	restrictedRole = "SET LOCAL ROLE obs_restricted; SET LOCAL search_path = seen, pg_temp"
	readerRole     = "SET LOCAL ROLE obs_reader; SET LOCAL search_path = public, pg_temp"
	principalsSQL  = "SELECT set_config('hub.principals', $1::text[]::text, true)"
)

// viewing is a transaction with the rights of a viewer.
type viewing struct {
	pgx.Tx
	restricted bool
	rights     string
}

// isRestricted reports whether the transaction sees some accounts alone, and no totals over
// all of them.
func isRestricted(tx pgx.Tx) bool {
	v, ok := tx.(viewing)
	return ok && v.restricted
}

// rightsOf names who sees what in the transaction, so that others have other answers, and
// somebody has another one when that changes. Without a viewer it is "".
func rightsOf(tx pgx.Tx) string {
	v, _ := tx.(viewing)
	return v.rights
}

// asViewer gives the transaction the rights of who asks. Without a viewer it has those of the
// user of the database.
func asViewer(ctx context.Context, tx pgx.Tx) (pgx.Tx, error) {
	who := access.ViewerOf(ctx)
	if who == nil {
		return tx, nil
	}
	if err := asRestricted(ctx, tx, who.Principals); err != nil {
		return nil, err
	}
	var accounts int
	var seesAll bool
	var rules string
	err := tx.QueryRow(ctx, "SELECT accounts, sees_all, rules FROM viewer", pgx.QueryExecModeExec).
		Scan(&accounts, &seesAll, &rules)
	v := viewing{tx, !seesAll, fmt.Sprintf("%q %q %s", who.Name, who.Principals, rules)}
	switch {
	case err != nil:
		return nil, err
	case seesAll:
		_, err = tx.Exec(ctx, readerRole, pgx.QueryExecModeSimpleProtocol)
		return v, err
	case accounts == 0:
		return nil, seesNothing(who)
	}
	return v, nil
}

// asRestricted gives the transaction the rights that the principals have at least.
func asRestricted(ctx context.Context, tx pgx.Tx, principals []string) error {
	if _, err := tx.Exec(ctx, restrictedRole, pgx.QueryExecModeSimpleProtocol); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, principalsSQL, pgx.QueryExecModeExec, append([]string{}, principals...))
	return err
}

// seesNothing says who somebody is to whom no account is granted, and whom to ask.
func seesNothing(who *access.Viewer) error {
	f := &failure{status: http.StatusForbidden, Title: "You may not see any account yet.", reason: "no account",
		Next: "Ask the people who run this hub for access. They need one of these names, which your login says, for: " +
			"hub access grant NAME ACCOUNT"}
	for _, p := range who.Principals {
		f.Names = append(f.Names, cut(p, 300))
	}
	return f
}

// CheckRoles makes sure that the user of the pool may take the roles of viewers, and that
// these may read the views.
func CheckRoles(ctx context.Context, pool *pgxpool.Pool) error {
	return pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		if err := asRestricted(ctx, tx, nil); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "TABLE viewer; "+readerRole+"; SELECT FROM view_status LIMIT 0",
			pgx.QueryExecModeSimpleProtocol)
		return err
	})
}

// Named returns those of the principals that hub.access names. The user of the pool must be
// a member of obs_restricted.
func Named(ctx context.Context, pool *pgxpool.Pool, principals []string) (named []string, err error) {
	err = pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		if err := asRestricted(ctx, tx, principals); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, "SELECT principal FROM principal ORDER BY 1")
		if err != nil {
			return err
		}
		named, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read which principals are named: %w", err)
	}
	return named, nil
}

// withheld is said in place of what has no account.
const withheld = "Totals over all accounts are for those who see all accounts."

// isWithheld reports whether an error is that of a view that a restricted viewer has not.
func isWithheld(restricted bool, err error) bool {
	server, ok := errors.AsType[*pgconn.PgError](err)
	return restricted && ok && server.Code == "42P01" // undefined_table
}
