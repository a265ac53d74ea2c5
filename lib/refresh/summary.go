package refresh

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// summaryFile is a file of the package that makes a summary: the view live.<name>, from
// which Install derives the table summary.<name>.
type summaryFile struct {
	name, path, text string
	sha256           string
}

func (f summaryFile) live() string  { return pgx.Identifier{"live", f.name}.Sanitize() }
func (f summaryFile) table() string { return pgx.Identifier{"summary", f.name}.Sanitize() }
func (f summaryFile) replaced() string {
	return pgx.Identifier{"summary", f.name + replacedSuffix}.Sanitize()
}

// createTable is the statement that derives the table from the view.
func (f summaryFile) createTable() string {
	return fmt.Sprintf("CREATE TABLE %s AS SELECT * FROM %s WITH NO DATA", f.table(), f.live())
}

func (f summaryFile) copyComments() string { return fmt.Sprintf(copyCommentsSQL, f.live(), f.table()) }

// viewName is what hub.installed_view calls the table: names of files need no quotes.
func (f summaryFile) viewName() string { return "summary." + f.name }

// replacedSuffix is what the table of the package before is called while the new one
// is made.
const replacedSuffix = "__replaced"

// install makes the view and its table. The table follows the view, so that the rest of
// the file can give it its key. keep says that the table
// of the package before was made by the same file: it has the rows already.
//
// It returns whether the table was kept.
func (f summaryFile) install(ctx context.Context, tx pgx.Tx, keep bool) (kept bool, err error) {
	for i, s := range split(f.text) {
		if err := runStatement(ctx, tx, f.path, f.text, s); err != nil {
			return false, err
		}
		if i > 0 {
			continue
		}
		exists, err := collect[bool](ctx, tx, "SELECT to_regclass($1) IS NOT NULL", f.live())
		if err != nil {
			return false, err
		}
		if !exists[0] {
			return false, fmt.Errorf("the first statement of %s does not make the view %s", f.path, f.live())
		}
		if err := run(ctx, tx, f.createTable()); err != nil {
			return false, fmt.Errorf("%s: %w", f.path, detailed{err})
		}
	}
	if err := f.checkKey(ctx, tx); err != nil {
		return false, err
	}
	if keep {
		if err := tx.QueryRow(ctx, sameShapeSQL, f.table(), f.replaced()).Scan(&kept); err != nil {
			return false, err
		}
	}
	if kept {
		err := run(ctx, tx, fmt.Sprintf("DROP TABLE %s; ALTER TABLE %s RENAME TO %s",
			f.table(), f.replaced(), pgx.Identifier{f.name}.Sanitize()))
		if err != nil {
			return false, fmt.Errorf("keep table %s: %w", f.table(), detailed{err})
		}
	}
	return kept, run(ctx, tx, f.copyComments())
}

// sameShapeSQL compares the columns of two tables.
const sameShapeSQL = `
	SELECT array_agg((attname, atttypid, atttypmod, attcollation) ORDER BY attnum) FILTER (WHERE attrelid = $1::text::regclass)
	     = array_agg((attname, atttypid, atttypmod, attcollation) ORDER BY attnum) FILTER (WHERE attrelid = $2::text::regclass)
	FROM pg_attribute
	WHERE attrelid IN ($1::text::regclass, $2::text::regclass) AND attnum > 0 AND NOT attisdropped`

// copyCommentsSQL gives a table the comments of a view with the same columns.
const copyCommentsSQL = `
DO $copy$
DECLARE
	c record;
BEGIN
	FOR c IN
		SELECT a.attname, d.description
		FROM pg_description d LEFT JOIN pg_attribute a ON a.attrelid = d.objoid AND a.attnum = d.objsubid AND d.objsubid > 0
		WHERE d.classoid = 'pg_class'::regclass AND d.objoid = '%[1]s'::regclass
	LOOP
		IF c.attname IS NULL THEN
			EXECUTE format('COMMENT ON TABLE %[2]s IS %%L', c.description);
		ELSE
			EXECUTE format('COMMENT ON COLUMN %[2]s.%%I IS %%L', c.attname, c.description);
		END IF;
	END LOOP;
END $copy$`

// checkKey refuses a table without the primary key that the refresh needs.
func (f summaryFile) checkKey(ctx context.Context, tx pgx.Tx) error {
	key, err := keyOf(ctx, tx, f.viewName())
	if err != nil {
		return err
	}
	if len(key) < 2 || !slices.Equal(key[:2], scopeColumns) {
		return fmt.Errorf("%s gives %s no primary key that begins with account_id and region: the scope of its rows", f.path,
			f.table())
	}
	return nil
}

var scopeColumns = []string{"account_id", "region"}

// keyOf returns the columns of the primary key of a table.
func keyOf(ctx context.Context, db querier, table string) ([]string, error) {
	return collect[string](ctx, db, `
		SELECT a.attname
		FROM pg_index x CROSS JOIN LATERAL unnest(x.indkey::int2[]) WITH ORDINALITY AS k (attnum, ord)
		JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = k.attnum
		WHERE x.indrelid = $1::text::regclass AND x.indisprimary
		ORDER BY k.ord`, table)
}

// installedSummaries returns the hash of the file of each installed summary that
// exists, by name.
func installedSummaries(ctx context.Context, tx pgx.Tx) (map[string]string, error) {
	rows, err := tx.Query(ctx, `
		SELECT split_part(view_name, '.', 2), file_sha256 FROM hub.installed_view
		WHERE file_sha256 IS NOT NULL AND to_regclass(view_name) IS NOT NULL`)
	if err != nil {
		return nil, err
	}
	hashes := map[string]string{}
	var name, hash string
	_, err = pgx.ForEachRow(rows, []any{&name, &hash}, func() error { hashes[name] = hash; return nil })
	return hashes, err
}

// setAside renames the tables of the package before, which the new ones replace.
func setAside(ctx context.Context, tx pgx.Tx, hashes map[string]string) error {
	for name := range hashes {
		f := summaryFile{name: name}
		if err := run(ctx, tx, fmt.Sprintf("ALTER TABLE %s RENAME TO %s", f.table(),
			pgx.Identifier{name + replacedSuffix}.Sanitize())); err != nil {
			return fmt.Errorf("set %s aside: %w", f.table(), detailed{err})
		}
	}
	return nil
}

// installSummaries makes the summaries of the package, and drops the tables of the
// package before, except those that it returns: their rows are kept.
func (p viewPackage) installSummaries(ctx context.Context, tx pgx.Tx, before map[string]string) (kept []string,
	err error) {
	kept = []string{}
	for _, f := range p.summaries {
		same, err := f.install(ctx, tx, before[f.name] == f.sha256)
		if err != nil {
			return nil, err
		}
		if same {
			kept = append(kept, f.viewName())
		}
	}
	for name := range before {
		f := summaryFile{name: name}
		if err := run(ctx, tx, "DROP TABLE IF EXISTS "+f.replaced()); err != nil {
			return nil, fmt.Errorf("drop the table that %s replaces: %w", f.table(), detailed{err})
		}
	}
	return kept, nil
}

// noteSummaries tells summaries from views in hub.installed_view.
func (p viewPackage) noteSummaries(ctx context.Context, tx pgx.Tx) error {
	for _, f := range p.summaries {
		if _, err := tx.Exec(ctx, "UPDATE hub.installed_view SET file_sha256 = $2 WHERE view_name = $1", f.viewName(),
			f.sha256); err != nil {
			return err
		}
	}
	return nil
}

// summary is one to refresh.
type summary struct {
	Name string // with its schema
	// Whole: all scopes, whatever is marked.
	Whole             bool
	Accounts, Regions []string // of the marked scopes
}

// selectSummariesSQL lists the summaries to refresh with the scopes that are marked.
// What was never filled, or failed before, is refreshed whole: of that no mark is left.
const selectSummariesSQL = `
WITH mark AS (
    SELECT DISTINCT ` + markedRelation + ` AS relation, account_id, region FROM unnest($1::text[], $2::text[], $3::text[]) AS m (name, account_id, region)
), summary AS (
    SELECT i.view_name, to_regclass('live.' || split_part(i.view_name, '.', 2)) AS live,
           $4 OR r.view_name IS NULL OR r.error IS NULL AND r.refreshed_at IS NULL
              OR r.error IS NOT NULL AND ($5::interval = '0' OR r.error_at < now() - greatest($5::interval, ` + retryAfter + `)) AS whole,
           r.error IS NOT NULL AS failed
    FROM hub.installed_view i LEFT JOIN hub.view_refresh r USING (view_name)
    WHERE i.file_sha256 IS NOT NULL AND to_regclass(i.view_name) IS NOT NULL
), marked AS (
    SELECT DISTINCT s.view_name, m.account_id, m.region
    FROM summary s JOIN hub.view_dependency d ON d.view = s.live JOIN mark m USING (relation)
)
SELECT s.view_name, s.whole OR coalesce(bool_or(m.account_id IS NULL) FILTER (WHERE m.view_name IS NOT NULL), false),
       coalesce(array_agg(m.account_id) FILTER (WHERE m.account_id IS NOT NULL), '{}'),
       coalesce(array_agg(m.region) FILTER (WHERE m.account_id IS NOT NULL), '{}')
FROM summary s LEFT JOIN marked m USING (view_name)
WHERE s.whole OR m.view_name IS NOT NULL AND NOT s.failed
GROUP BY s.view_name, s.whole`

// markedRelation is the relation that a mark means: a table in schema obs, or one that is
// named with its schema.
const markedRelation = `to_regclass(CASE WHEN name ~ '^[a-z_0-9]+[.][a-z_0-9]+$' THEN name ELSE format('obs.%I', name) END)`

// markedSummaries returns the summaries to refresh.
func (s *session) markedSummaries(ctx context.Context, marks []mark, which selection) ([]summary, error) {
	tables, accounts, regions := make([]string, len(marks)), make([]*string, len(marks)), make([]*string, len(marks))
	for i, m := range marks {
		tables[i], accounts[i], regions[i] = m.Table, m.Account, m.Region
	}
	summaries, err := collectBy(ctx, s.conn, pgx.RowToStructByPos[summary], selectSummariesSQL, tables, accounts, regions,
		which.all, which.failedBefore)
	if err != nil {
		return nil, fmt.Errorf("refresh: find summaries of changed tables: %w", err)
	}
	return summaries, nil
}

// refreshSummary brings one summary up to date and records it, or records why it failed.
// It returns the id of the mark that says that the summary changed, 0 if it did not.
func (s *session) refreshSummary(ctx context.Context, sum summary) (view View, id int64, err error) {
	start := time.Now()
	view.Name = sum.Name
	timeout := s.config.ViewTimeout
	if sum.Whole {
		// It happens once, and is tried again for as long as it fails.
		timeout = 0
		s.config.Logger.Info("fills summary", "summary", sum.Name)
		defer heartbeat(fillHeartbeat, func(elapsed time.Duration) {
			s.config.Logger.Info("still fills summary", "summary", sum.Name, "elapsed", elapsed)
		})()
	}
	view.Err = pgx.BeginTxFunc(ctx, s.conn, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
		if err := s.limit(ctx, tx, timeout); err != nil {
			return err
		}
		var err error
		if view.Changed, err = sum.update(ctx, tx); err != nil {
			return err
		}
		view.Duration = time.Since(start)
		if err = recordSuccess(ctx, tx, view, &view.Changed); err != nil || view.Changed == 0 {
			return err
		}
		id, err = insertMark(ctx, tx, sum.Name)
		return err
	})
	if view.Err == nil {
		s.config.Logger.Debug("refreshed summary", "summary", sum.Name, "scopes", len(sum.Accounts), "whole", sum.Whole,
			"changed", view.Changed, "duration", view.Duration)
		return view, id, nil
	}
	view.Changed = 0
	view.Duration = time.Since(start)
	view, err = s.failed(ctx, view)
	return view, 0, err
}

// fillHeartbeat is how often people hear that a summary is being filled. It reads whole
// tables, which may take minutes.
const fillHeartbeat = 10 * time.Second

// heartbeat calls beat each interval until stop is called, which waits for the last call.
func heartbeat(interval time.Duration, beat func(elapsed time.Duration)) (stop func()) {
	start := time.Now()
	ticker := time.NewTicker(interval)
	stopped, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-ticker.C:
				beat(time.Since(start).Round(time.Second))
			case <-stopped:
				return
			}
		}
	}()
	return func() {
		ticker.Stop()
		close(stopped)
		<-done
	}
}

// manyScopes is from how many marked scopes on a summary is computed whole if they are two
// thirds of all: to look up nearly all of them costs more than to read everything.
const manyScopes = 50

// update computes the rows of the scopes, deletes what is no longer so and inserts what
// is new. Equal rows are left alone. It returns how many rows it deleted and inserted.
func (sum summary) update(ctx context.Context, tx pgx.Tx) (changed int64, err error) {
	schemaName, name, _ := strings.Cut(sum.Name, ".")
	table, live := pgx.Identifier{schemaName, name}.Sanitize(), pgx.Identifier{"live", name}.Sanitize()
	if !sum.Whole && len(sum.Accounts) >= manyScopes {
		err := tx.QueryRow(ctx, "SELECT 2 * count(*) <= 3 * $1 FROM (SELECT DISTINCT account_id, region FROM "+table+") s",
			len(sum.Accounts)).Scan(&sum.Whole)
		if err != nil {
			return 0, err
		}
	}
	key, err := keyOf(ctx, tx, sum.Name)
	if err != nil {
		return 0, err
	}
	if len(key) == 0 {
		return 0, errors.New("the summary has no primary key")
	}
	sameKey := make([]string, len(key))
	for i, column := range key {
		column = pgx.Identifier{column}.Sanitize()
		sameKey[i] = "f." + column + " = s." + column
	}
	// Without OFFSET 0 the planner joins all rows of the tables to the scopes; with it,
	// each scope is looked up by the index.
	fill := `SELECT v.* FROM unnest($1::text[], $2::text[]) AS d (account_id, region)
		CROSS JOIN LATERAL (SELECT * FROM ` + live + ` v WHERE v.account_id = d.account_id AND v.region = d.region OFFSET 0) v`
	marked := "(s.account_id, s.region) IN (SELECT * FROM unnest($1::text[], $2::text[]))"
	args := []any{sum.Accounts, sum.Regions}
	if sum.Whole {
		fill, marked, args = "SELECT * FROM "+live, "true", nil
	}
	if _, err := tx.Exec(ctx, "CREATE TEMPORARY TABLE fresh (LIKE "+table+") ON COMMIT DROP"); err != nil {
		return 0, err
	}
	fresh, err := tx.Exec(ctx, "INSERT INTO pg_temp.fresh "+fill, args...)
	if err != nil {
		return 0, err
	}
	deleted, err := tx.Exec(ctx, "DELETE FROM "+table+" s WHERE "+marked+
		" AND NOT EXISTS (SELECT FROM pg_temp.fresh f WHERE "+strings.Join(sameKey, " AND ")+
		" AND ROW(f.*) IS NOT DISTINCT FROM ROW(s.*))", args...)
	if err != nil {
		return 0, err
	}
	// What has the same key now is equal. A join could leave it out, too, but PostgreSQL takes
	// any index for that, while the table grows: of rows with one account, it reads all each time.
	inserted, err := tx.Exec(ctx, "INSERT INTO "+table+" SELECT * FROM pg_temp.fresh ON CONFLICT DO NOTHING")
	if err != nil {
		return 0, err
	}
	var rows int64
	if err := tx.QueryRow(ctx, "SELECT count(*) FROM "+table+" s WHERE "+marked, args...).Scan(&rows); err != nil {
		return 0, err
	}
	if rows != fresh.RowsAffected() {
		return 0, fmt.Errorf("%s has %d rows with %d keys", live, fresh.RowsAffected(), rows)
	}
	return deleted.RowsAffected() + inserted.RowsAffected(), nil
}
