package refresh

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// session is a connection of a Refresher. Its locks end with it.
type session struct {
	config Config
	conn   *pgx.Conn
}

// closeTimeout is how long a connection may take to end properly.
const closeTimeout = 2 * time.Second

// close ends the connection. Nil has none.
func (s *session) close() {
	if s == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	_ = s.conn.Close(ctx) // it is closed either way
}

// due returns how long it is until there is work that has waited long enough, at most
// Config.Debounce; 0 is now. It is cheap where there is none.
func (s *session) due(ctx context.Context) (wait time.Duration, err error) {
	err = s.conn.QueryRow(ctx, `
		SELECT CASE WHEN EXISTS (
			SELECT FROM hub.view_refresh
			WHERE to_regclass(view_name) IS NOT NULL AND CASE WHEN error IS NOT NULL
				THEN error_at < now() - greatest($3::interval, `+retryAfter+`)
				ELSE refreshed_at IS NULL AND to_regclass(view_name) NOT IN (`+waitingViews+`) END
		) THEN interval '0' ELSE coalesce((
			SELECT greatest(interval '0', min(marked_at) + $1::interval - now(),
				(SELECT max(greatest(refreshed_at, error_at)) FROM hub.view_refresh) + $2::interval - now())
			FROM hub.dirty HAVING count(*) > 0
		), $1) END`,
		s.config.Debounce, s.config.Interval, s.config.RetryInterval).Scan(&wait)
	if err != nil {
		return 0, fmt.Errorf("refresh: look for changes: %w", err)
	}
	if wait == 0 {
		return 0, nil
	}
	due, err := s.journalDue(ctx, selection{failedBefore: s.config.RetryInterval})
	if err != nil || due {
		return 0, err
	}
	return min(wait, s.config.Debounce), nil
}

// waitingViews are the views over summaries that could not be filled: they wait until these are.
const waitingViews = `
	SELECT d.view
	FROM hub.view_refresh r JOIN hub.installed_view i USING (view_name)
	JOIN hub.view_dependency d ON d.relation = to_regclass(view_name)
	WHERE i.file_sha256 IS NOT NULL AND r.refreshed_at IS NULL AND r.error IS NOT NULL`

// retryAfter is ten times the duration of the last attempt: a view that fails only
// after long must not keep the refresher busy.
const retryAfter = "10 * coalesce(last_ms, 0) * interval '1 millisecond'"

// tryLock takes the right to refresh, unless somebody else has it.
func (s *session) tryLock(ctx context.Context) (locked bool, err error) {
	err = s.conn.QueryRow(ctx, "SELECT pg_try_advisory_lock("+refreshLock+")").Scan(&locked)
	if err == nil && locked {
		_, err = s.conn.Exec(ctx, "SELECT pg_advisory_lock_shared("+packageLock+")")
	}
	if err != nil {
		return false, fmt.Errorf("refresh: lock: %w", err)
	}
	return locked, nil
}

// lock waits for the right to refresh.
func (s *session) lock(ctx context.Context) error {
	_, err := s.conn.Exec(ctx, "SELECT pg_advisory_lock("+refreshLock+"), pg_advisory_lock_shared("+packageLock+")")
	if err != nil {
		return fmt.Errorf("refresh: lock: %w", err)
	}
	return nil
}

func (s *session) unlock(ctx context.Context) error {
	if s.conn.IsClosed() {
		return nil
	}
	if _, err := s.conn.Exec(ctx, "SELECT pg_advisory_unlock_all()"); err != nil {
		return fmt.Errorf("refresh: unlock: %w", err)
	}
	return nil
}

// selection says which views are refreshed besides those that depend on changed
// tables or were never refreshed.
type selection struct {
	// all views.
	all bool
	// failedBefore is how long ago the error of a failed view must be.
	failedBefore time.Duration
}

// mark is a row of hub.dirty.
type mark struct {
	ID    int64
	Table string
	At    time.Time
	// Account and Region of the rows that changed; nil: any rows.
	Account, Region *string
}

// refresh refreshes the selected views and deletes the marks of changed tables
// that it found. The session must be locked. Errors of views are in the result;
// the error says that the session is of no use any more.
func (s *session) refresh(ctx context.Context, which selection) (Result, error) {
	start := time.Now()
	var result Result
	// What is marked now is committed, so every query from here on sees it.
	marks, err := collectBy(ctx, s.conn, pgx.RowToStructByPos[mark],
		"SELECT id, table_name, marked_at, account_id, region FROM hub.dirty ORDER BY id")
	if err != nil {
		return result, fmt.Errorf("refresh: read marks: %w", err)
	}
	due, err := s.schedule(ctx, marks, which)
	if err != nil {
		return result, err
	}
	ids, err := s.refreshAll(ctx, due, &result)
	if err != nil {
		return result, err
	}
	for _, m := range marks {
		ids = append(ids, m.ID)
	}
	journalMarks, err := s.refreshJournal(ctx, which, &result)
	if err != nil {
		return result, err
	}
	ids = append(ids, journalMarks...)
	// A view that failed needs no mark: its error is recorded, which is one.
	if _, err := s.conn.Exec(ctx, "DELETE FROM hub.dirty WHERE id = ANY($1)", ids); err != nil {
		return result, fmt.Errorf("refresh: delete marks: %w", err)
	}
	result.Marks, result.Duration = len(marks), time.Since(start)
	if len(marks) > 0 {
		if result.Lag, err = s.since(ctx, marks[0].At); err != nil {
			return result, err
		}
	}
	s.config.OnRefresh(result)
	return result, nil
}

// refreshAll refreshes what is due, and adds it to the result. It returns marks that it made, which
// say which summaries changed and which views no longer fail: they are committed with the change,
// so that the views over it follow even if this process ends before.
func (s *session) refreshAll(ctx context.Context, all schedule, result *Result) (marks []int64, err error) {
	for i := all.next(); i != nil; i = all.next() {
		var view View
		var id int64
		if i.summary != nil {
			view, id, err = s.refreshSummary(ctx, *i.summary)
		} else {
			view, id, err = s.refreshView(ctx, i)
		}
		if err != nil {
			return marks, err
		}
		if id != 0 {
			marks = append(marks, id)
		}
		s.config.OnView(view)
		result.Views = append(result.Views, view)
		all.done(i, view)
	}
	return marks, nil
}

// since returns the time since t by the database's clock, which set t.
func (s *session) since(ctx context.Context, t time.Time) (d time.Duration, err error) {
	if err := s.conn.QueryRow(ctx, "SELECT clock_timestamp() - $1", t).Scan(&d); err != nil {
		return 0, fmt.Errorf("refresh: time since the change: %w", err)
	}
	return d, nil
}

// refreshView refreshes one materialized view and records it, or records why it failed. The mark
// of a view that failed before is gone: if it succeeds, it gets another, and its id is returned.
func (s *session) refreshView(ctx context.Context, i *item) (view View, id int64, err error) {
	start := time.Now()
	view.Name = i.Name
	view.Err = pgx.BeginTxFunc(ctx, s.conn, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
		if err := s.limit(ctx, tx, s.config.ViewTimeout); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "SELECT hub.refresh_view($1::text::regclass)", i.Name); err != nil {
			return err
		}
		view.Duration = time.Since(start)
		if err := recordSuccess(ctx, tx, view, nil); err != nil || !i.Failed {
			return err
		}
		var err error
		id, err = insertMark(ctx, tx, i.Name)
		return err
	})
	if view.Err == nil {
		s.config.Logger.Debug("refreshed view", "view", i.Name, "duration", view.Duration)
		return view, id, nil
	}
	view.Duration = time.Since(start)
	view, err = s.failed(ctx, view)
	return view, 0, err
}

// insertMark says that a summary or materialized view changed. It returns the id of the mark.
func insertMark(ctx context.Context, tx pgx.Tx, name string) (id int64, err error) {
	err = tx.QueryRow(ctx, "INSERT INTO hub.dirty (table_name) VALUES ($1) RETURNING id", name).Scan(&id)
	return id, err
}

// limit bounds what the statements of a transaction may take; a timeout of 0 is none.
func (s *session) limit(ctx context.Context, tx pgx.Tx, timeout time.Duration) error {
	_, err := tx.Exec(ctx, fmt.Sprintf("SET LOCAL lock_timeout = %d; SET LOCAL statement_timeout = %d",
		s.config.LockTimeout.Milliseconds(), timeout.Milliseconds()), pgx.QueryExecModeSimpleProtocol)
	return err
}

// recordSuccess notes in the transaction of a refresh that it succeeded, and how many rows
// it changed; nil: a materialized view does not tell.
func recordSuccess(ctx context.Context, tx pgx.Tx, view View, changed *int64) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO hub.view_refresh AS r (view_name, refreshed_at, duration_ms, last_ms, refreshes, changed_rows)
		VALUES ($1, clock_timestamp(), $2, $2, 1, $3)
		ON CONFLICT (view_name) DO UPDATE SET refreshed_at = excluded.refreshed_at, duration_ms = excluded.duration_ms, last_ms = excluded.last_ms,
			refreshes = r.refreshes + 1, changed_rows = coalesce(r.changed_rows, 0) + excluded.changed_rows, error = NULL, error_at = NULL`,
		view.Name, view.Duration.Milliseconds(), changed)
	return err
}

// failed records why a view could not be refreshed.
func (s *session) failed(ctx context.Context, view View) (View, error) {
	if isTimeout(view.Err) {
		view.Err = &TimeoutError{Limit: s.config.ViewTimeout, Err: view.Err}
	}
	if err := s.recordFailure(ctx, view); err != nil {
		return view, err
	}
	s.config.Logger.Error("cannot refresh view", "view", view.Name, "error", describe(view.Err))
	return view, nil
}

// isTimeout reports whether a statement took longer than statement_timeout
// (query_canceled).
func isTimeout(err error) bool {
	var server *pgconn.PgError
	return errors.As(err, &server) && server.Code == "57014"
}

// recordFailure notes the error of a view. It fails if the session has ended:
// then the view is not to blame.
func (s *session) recordFailure(ctx context.Context, view View) error {
	_, err := s.conn.Exec(ctx, `
		INSERT INTO hub.view_refresh (view_name, error, error_at, last_ms) VALUES ($1, $2, clock_timestamp(), $3)
		ON CONFLICT (view_name) DO UPDATE SET error = excluded.error, error_at = excluded.error_at, last_ms = excluded.last_ms`,
		view.Name, describe(view.Err), view.Duration.Milliseconds())
	if err != nil {
		return fmt.Errorf("refresh: view %s: %w; record it: %w", view.Name, view.Err, err)
	}
	return nil
}
