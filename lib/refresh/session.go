package refresh

import (
	"context"
	"errors"
	"fmt"
	"slices"
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

// due reports whether there is work that has waited long enough. It is cheap
// where there is none.
func (s *session) due(ctx context.Context) (due bool, err error) {
	err = s.conn.QueryRow(ctx, `
		SELECT EXISTS (SELECT FROM hub.view_refresh
		               WHERE (error IS NULL AND refreshed_at IS NULL OR error IS NOT NULL AND error_at < now() - greatest($3::interval, `+retryAfter+`))
		                 AND to_regclass(view_name) IS NOT NULL)
		    OR EXISTS (SELECT FROM hub.dirty WHERE marked_at < now() - $1::interval)
		   AND NOT EXISTS (SELECT FROM hub.view_refresh WHERE greatest(refreshed_at, error_at) > now() - $2::interval)`,
		s.config.Debounce, s.config.Interval, s.config.RetryInterval).Scan(&due)
	if err != nil {
		return false, fmt.Errorf("refresh: look for changes: %w", err)
	}
	if due {
		return true, nil
	}
	return s.journalDue(ctx, selection{failedBefore: s.config.RetryInterval})
}

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

// selectSQL lists views to refresh. A view over a summary that was never filled waits for
// it: it would show nothing. The cheapest comes first, by its last duration and
// those of the views it depends on: so these come before it, or cost the same and have
// fewer dependencies.
const selectSQL = `
WITH dependency AS MATERIALIZED (
    SELECT view, relation FROM hub.view_dependency
), changed AS (
    SELECT DISTINCT ` + markedRelation + ` AS relation FROM unnest($1::text[]) AS name
), view AS (
    SELECT c.oid, i.view_name, r.refreshed_at, r.error, r.error_at, coalesce(r.last_ms, 0) AS last_ms
    FROM hub.installed_view i
    JOIN pg_class c ON c.oid = to_regclass(i.view_name)
    LEFT JOIN hub.view_refresh r USING (view_name)
    WHERE c.relkind = 'm'
), selected AS (
    SELECT oid FROM view v
    WHERE $2
       OR error IS NULL AND refreshed_at IS NULL
       OR error IS NULL AND EXISTS (SELECT FROM dependency d JOIN changed USING (relation) WHERE d.view = v.oid)
       OR error IS NOT NULL AND ($3::interval = '0' OR error_at < now() - greatest($3::interval, ` + retryAfter + `))
), unfilled AS (
    SELECT to_regclass(i.view_name) AS relation
    FROM hub.installed_view i JOIN hub.view_refresh r USING (view_name)
    WHERE i.file_sha256 IS NOT NULL AND r.refreshed_at IS NULL
)
SELECT view_name FROM view v
WHERE (oid IN (SELECT oid FROM selected)
       OR oid IN (SELECT d.view FROM dependency d JOIN selected s ON s.oid = d.relation))
  AND NOT EXISTS (SELECT FROM dependency d JOIN unfilled USING (relation) WHERE d.view = v.oid)
ORDER BY last_ms + (SELECT coalesce(sum(needed.last_ms), 0) FROM dependency d JOIN view needed ON needed.oid = d.relation WHERE d.view = v.oid),
         (SELECT count(*) FROM dependency d WHERE d.view = v.oid), view_name`

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
	rows, err := s.conn.Query(ctx, "SELECT id, table_name, marked_at, account_id, region FROM hub.dirty ORDER BY id")
	if err != nil {
		return result, fmt.Errorf("refresh: read marks: %w", err)
	}
	marks, err := pgx.CollectRows(rows, pgx.RowToStructByPos[mark])
	if err != nil {
		return result, fmt.Errorf("refresh: read marks: %w", err)
	}
	summaries, changed, err := s.refreshSummaries(ctx, marks, which)
	if err != nil {
		return result, err
	}
	result.Views = summaries
	var ids []int64
	var tables []string
	for _, m := range slices.Concat(marks, changed) {
		ids, tables = append(ids, m.ID), append(tables, m.Table)
	}
	views, err := s.refreshViews(ctx, tables, which)
	result.Views = append(result.Views, views...)
	if err != nil {
		return result, err
	}
	views, journalMarks, err := s.refreshJournal(ctx, which)
	result.Views, ids = append(result.Views, views...), append(ids, journalMarks...)
	if err != nil {
		return result, err
	}
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

// refreshViews refreshes the selected materialized views, and those over the tables.
func (s *session) refreshViews(ctx context.Context, tables []string, which selection) (views []View, err error) {
	names, err := collect[string](ctx, s.conn, selectSQL, tables, which.all, which.failedBefore)
	if err != nil {
		return nil, fmt.Errorf("refresh: find views of changed tables: %w", err)
	}
	for _, name := range names {
		view, err := s.refreshView(ctx, name)
		if err != nil {
			return views, err
		}
		s.config.OnView(view)
		views = append(views, view)
	}
	return views, nil
}

// since returns the time since t by the database's clock, which set t.
func (s *session) since(ctx context.Context, t time.Time) (d time.Duration, err error) {
	if err := s.conn.QueryRow(ctx, "SELECT clock_timestamp() - $1", t).Scan(&d); err != nil {
		return 0, fmt.Errorf("refresh: time since the change: %w", err)
	}
	return d, nil
}

// refreshView refreshes one view and records it, or records why it failed.
func (s *session) refreshView(ctx context.Context, name string) (View, error) {
	start := time.Now()
	view := View{Name: name}
	view.Err = pgx.BeginTxFunc(ctx, s.conn, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
		if err := s.limit(ctx, tx, s.config.ViewTimeout); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "SELECT hub.refresh_view($1::text::regclass)", name); err != nil {
			return err
		}
		view.Duration = time.Since(start)
		return recordSuccess(ctx, tx, view, nil)
	})
	if view.Err == nil {
		s.config.Logger.Debug("refreshed view", "view", name, "duration", view.Duration)
		return view, nil
	}
	view.Duration = time.Since(start)
	return s.failed(ctx, view)
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
