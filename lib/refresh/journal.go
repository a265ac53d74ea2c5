package refresh

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Journal is a table in which what views show is written down, so that it is known later
// what they showed on a day. The zero value keeps none.
type Journal struct {
	// Table is the table's name with its schema. What happened is recorded under it in
	// hub.view_refresh, like a refresh.
	Table string
	// Statement writes down what views show now and returns how many rows it wrote. It runs
	// after a refresh, in a transaction of its own, once every view was filled: whatever it
	// finds then is so.
	Statement string
	// Interval is the least time between two, but that on a new day, in UTC, it is due.
	// Run keeps it without a change of the views, too. Defaults to 10 min.
	Interval time.Duration
}

func (j Journal) validate() error {
	var faults []error
	if (j.Table == "") != (j.Statement == "") {
		faults = append(faults, errors.New("refresh: Config.Journal has a table and no statement, or the reverse"))
	}
	if j.Interval < 0 {
		faults = append(faults, errors.New("refresh: Config.Journal.Interval is negative"))
	}
	return errors.Join(faults...)
}

// journalDue tells whether the journal $1 is due after the interval $2, or after $3 where
// it failed. It waits for views that were never filled: it would write down that nothing
// is there.
const journalDue = `
	NOT EXISTS (
		SELECT FROM hub.view_refresh
		WHERE view_name = $1 AND CASE WHEN error IS NULL
			THEN refreshed_at > now() - $2::interval
				AND (refreshed_at AT TIME ZONE 'UTC')::date = (now() AT TIME ZONE 'UTC')::date
			ELSE $3::interval <> '0' AND error_at > now() - greatest($3::interval, ` + retryAfter + `) END
	) AND NOT EXISTS (
		SELECT FROM hub.view_refresh JOIN hub.installed_view USING (view_name)
		WHERE refreshed_at IS NULL AND to_regclass(view_name) IS NOT NULL)`

// journalDue reports whether the journal is due.
func (s *session) journalDue(ctx context.Context, which selection) (due bool, err error) {
	journal := s.config.Journal
	if journal.Table == "" {
		return false, nil
	}
	if which.all {
		journal.Interval = 0
	}
	err = s.conn.QueryRow(ctx, "SELECT "+journalDue, journal.Table, journal.Interval, which.failedBefore).Scan(&due)
	if err != nil {
		return false, fmt.Errorf("refresh: look whether the journal is due: %w", err)
	}
	return due, nil
}

// refreshJournal writes the journal if it is due, refreshes the views over it, and adds both
// to the result. It returns the marks that its table has by then, and those that refreshAll made.
func (s *session) refreshJournal(ctx context.Context, which selection, result *Result) (marks []int64, err error) {
	if due, err := s.journalDue(ctx, which); err != nil || !due {
		return nil, err
	}
	view, err := s.keepJournal(ctx)
	result.Views = append(result.Views, view)
	if err != nil || view.Err != nil {
		return nil, err
	}
	marks, err = collect[int64](ctx, s.conn, "SELECT id FROM hub.dirty WHERE table_name = $1", view.Name)
	if err != nil || len(marks) == 0 {
		return nil, err
	}
	// What has failed meanwhile waits as usual.
	above, err := s.schedule(ctx, []mark{{Table: view.Name}}, selection{failedBefore: s.config.RetryInterval})
	if err != nil {
		return nil, err
	}
	changed, err := s.refreshAll(ctx, above, result)
	return append(marks, changed...), err
}

// keepJournal writes the journal and records it like a view, or records why it failed.
func (s *session) keepJournal(ctx context.Context) (View, error) {
	start := time.Now()
	view := View{Name: s.config.Journal.Table}
	view.Err = pgx.BeginTxFunc(ctx, s.conn, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
		if err := s.limit(ctx, tx, s.config.ViewTimeout); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, s.config.Journal.Statement).Scan(&view.Changed); err != nil {
			return err
		}
		view.Duration = time.Since(start)
		return recordSuccess(ctx, tx, view, &view.Changed)
	})
	if view.Err == nil {
		s.config.Logger.Debug("wrote journal", "table", view.Name, "rows", view.Changed, "duration", view.Duration)
		return view, nil
	}
	view.Changed, view.Duration = 0, time.Since(start)
	return s.failed(ctx, view)
}
