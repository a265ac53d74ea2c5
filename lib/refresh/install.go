package refresh

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

var (
	//go:embed support.sql
	supportSQL string
	//go:embed grants.sql
	grantsSQL string
)

// Names of the advisory locks.
const (
	// packageLock is held to replace the package, and shared by those that need it to stay
	// as it is.
	packageLock = "hashtextextended('observability: package of views', 0)"
	// refreshLock is held to refresh.
	refreshLock = "hashtextextended('observability: refresh of views', 0)"
)

// installSettings prepare a transaction for DDL and for large queries, whatever
// the session is set to. The locks on views are waited for only so long, because
// readers queue up behind.
const installSettings = `
	SET LOCAL search_path = public, pg_temp;
	SET LOCAL statement_timeout = 0;
	SET LOCAL enable_hashjoin = on;
	SET LOCAL enable_mergejoin = on;
	SET LOCAL lock_timeout = '30s'`

// FileError is an error in one statement of a file of the package.
type FileError struct {
	// File is the name of the file.
	File string
	// Line and Column of the mistake as far as PostgreSQL tells, else of the
	// statement. Both count from 1, columns in characters.
	Line, Column int
	// Statement is the whole text of it.
	Statement string
	// Err is what PostgreSQL says, mostly a *pgconn.PgError.
	Err error
}

// Error returns the place, the first line of the statement and the cause.
func (e *FileError) Error() string {
	first, _, more := strings.Cut(e.Statement, "\n")
	if more {
		first += " …"
	}
	return fmt.Sprintf("%s:%d:%d: in %s: %s", e.File, e.Line, e.Column, first, describe(e.Err))
}

// Unwrap returns the cause.
func (e *FileError) Unwrap() error { return e.Err }

// detailed is an error with detail and hint in its text.
type detailed struct{ error }

func (d detailed) Error() string { return describe(d.error) }
func (d detailed) Unwrap() error { return d.error }

// describe adds detail and hint, which the text of a server's error leaves out.
func describe(err error) string {
	var slow *TimeoutError
	var server *pgconn.PgError
	if errors.As(err, &slow) || !errors.As(err, &server) {
		return err.Error()
	}
	text := fmt.Sprintf("%s (SQLSTATE %s)", server.Message, server.Code)
	for _, more := range []string{server.Detail, server.Hint} {
		if more != "" {
			text += "; " + strings.ReplaceAll(more, "\n", "; ")
		}
	}
	return text
}

// Install makes the views and materialized views of a package in the database and
// reports whether it did, or found that these very files are installed already.
// The statements of all *.sql files, in the order of the files' names, run in one
// transaction with the search_path public, after the views of the package that
// was installed before were dropped. An error leaves that package in place; it
// is a *FileError if a statement of the package caused it.
//
// A file summaries/<name>.sql makes a summary, before the other files: the view
// live.<name> over tables of schema obs, which its first
// statement makes, with a row per group of rows of one account and
// region, which are its columns account_id and region; and, by ALTER TABLE, the
// primary key of the table summary.<name>, which begins with them. The table has the
// columns and comments of the view and is filled by the Refresher: until then, the
// materialized views over it are not populated. It is kept while its file does not
// change. The present time does not belong into the view: nothing marks its passing.
//
// Every materialized view must have a unique index on plain columns of all its
// rows, or it could not be refreshed while it is read. A view of somebody else
// that depends on one of the package keeps it from being replaced; the error
// names it.
//
// The role of conn must own the database's objects; it becomes the owner of the
// views, and others refresh them through the function hub.refresh_view. Each call
// grants the roles obs_reader (reads the package, and schemas org and history),
// obs_restricted (reads schema seen alone), obs_editor (writes the tables in schema org)
// and obs_writer (writes the tables in schemas hub, obs and history, refreshes) what they
// need, if they exist.
//
// The bookkeeping tables of lib/load must exist. Installs at the same time, and
// refreshes, wait for each other.
func Install(ctx context.Context, conn *pgx.Conn, files fs.FS) (changed bool, err error) {
	p, err := readPackage(files)
	if err != nil {
		return false, fmt.Errorf("refresh: read package of views: %w", err)
	}
	err = pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
		changed, err = p.install(ctx, tx)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("refresh: install package of views: %w", err)
	}
	return changed, nil
}

// Script returns the statements with which a person makes the views of a package in a
// database that has none, as [Install] would, after the tables.
func Script(files fs.FS) (string, error) {
	p, err := readPackage(files)
	if err != nil {
		return "", fmt.Errorf("refresh: read package of views: %w", err)
	}
	var b strings.Builder
	b.WriteString("BEGIN;" + installSettings + ";\n" + supportSQL)
	for _, f := range p.summaries {
		fmt.Fprintf(&b, "\n-- %s\n", f.path)
		for i, s := range split(f.text) {
			b.WriteString(s.text + ";\n")
			if i == 0 {
				b.WriteString(f.createTable() + ";\n")
			}
		}
		b.WriteString(f.copyComments() + ";\n")
	}
	for i, name := range p.names {
		fmt.Fprintf(&b, "\n-- %s\n%s", name, p.texts[i])
	}
	fmt.Fprintf(&b, "\nINSERT INTO hub.installed_view (view_name, package_sha256)\nSELECT view_name, '%s' FROM (%s\n) "+
		"AS v (view_name)"+
		"\nWHERE view_name NOT LIKE 'hub.%%';\n", p.sha256, installedSQL)
	for _, f := range p.summaries {
		fmt.Fprintf(&b, "UPDATE hub.installed_view SET file_sha256 = '%s' WHERE view_name = '%s';\n", f.sha256, f.viewName())
	}
	b.WriteString("DELETE FROM hub.view_refresh;" + startBookkeepingSQL + ";\n\n" + grantsSQL + "COMMIT;\n")
	return b.String(), nil
}

// viewPackage is what the files of a package say.
type viewPackage struct {
	names, texts []string
	summaries    []summaryFile
	sha256       string
}

// summaryPath is how files that make summaries are named.
var summaryPath = regexp.MustCompile(`^summaries/([a-z][a-z0-9_]*)\.sql$`)

func readPackage(files fs.FS) (viewPackage, error) {
	var p viewPackage
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return p, err
	}
	summaries, err := fs.Glob(files, "summaries/*.sql")
	if err != nil {
		return p, err
	}
	if len(names)+len(summaries) == 0 {
		return p, errors.New("it has no *.sql files")
	}
	slices.Sort(names)
	slices.Sort(summaries)
	h := sha256.New()
	for _, name := range slices.Concat(summaries, names) {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return p, err
		}
		if !utf8.Valid(text) {
			return p, fmt.Errorf("%s is not UTF-8", name)
		}
		fmt.Fprintf(h, "%d %s %d ", len(name), name, len(text))
		h.Write(text)
		if strings.HasPrefix(name, "summaries/") {
			match := summaryPath.FindStringSubmatch(name)
			if match == nil {
				return p, fmt.Errorf("the name of %s is not that of a table: lower-case letters, digits and underscores", name)
			}
			own := sha256.Sum256(text)
			p.summaries = append(p.summaries, summaryFile{match[1], name, string(text), hex.EncodeToString(own[:])})
			continue
		}
		p.names, p.texts = append(p.names, name), append(p.texts, string(text))
	}
	p.sha256 = hex.EncodeToString(h.Sum(nil))
	return p, nil
}

func (p viewPackage) install(ctx context.Context, tx pgx.Tx) (changed bool, err error) {
	// A refresh that runs may take longer than the session waits for locks.
	if err := run(ctx, tx, "SET LOCAL lock_timeout = 0; SELECT pg_advisory_xact_lock("+packageLock+")"); err != nil {
		return false, err
	}
	if err := run(ctx, tx, installSettings); err != nil {
		return false, err
	}
	if err := run(ctx, tx, supportSQL); err != nil {
		return false, fmt.Errorf("support functions: %w", err)
	}
	installed, err := p.isInstalled(ctx, tx)
	if err != nil {
		return false, err
	}
	if !installed {
		if err := p.replace(ctx, tx); err != nil {
			return false, err
		}
	}
	if err := run(ctx, tx, grantsSQL); err != nil {
		return false, fmt.Errorf("grants: %w", err)
	}
	return !installed, nil
}

// run runs statements without parameters.
func run(ctx context.Context, tx pgx.Tx, statements string) error {
	_, err := tx.Exec(ctx, statements, pgx.QueryExecModeSimpleProtocol)
	return err
}

// isInstalled reports whether this package is the one installed, and whole.
func (p viewPackage) isInstalled(ctx context.Context, db querier) (bool, error) {
	yes, err := collect[bool](ctx, db, `
		SELECT count(*) > 0 AND coalesce(bool_and(package_sha256 = $1 AND to_regclass(view_name) IS NOT NULL), false)
		FROM hub.installed_view`, p.sha256)
	return err == nil && yes[0], err
}

// viewsSQL lists the views and the tables of summaries that exist.
const viewsSQL = `
	SELECT format('%I.%I', n.nspname, c.relname)
	FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
	WHERE (c.relkind IN ('v', 'm') OR c.relkind = 'r' AND n.nspname = 'summary') AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'`

// installedSQL lists those that this transaction made.
const installedSQL = viewsSQL + ` AND c.xmin = pg_current_xact_id()::xid`

func (p viewPackage) replace(ctx context.Context, tx pgx.Tx) error {
	summaries, err := installedSummaries(ctx, tx)
	if err != nil {
		return err
	}
	if err := dropInstalled(ctx, tx); err != nil {
		return err
	}
	if err := setAside(ctx, tx, summaries); err != nil {
		return err
	}
	before, err := collect[string](ctx, tx, viewsSQL)
	if err != nil {
		return err
	}
	kept, err := p.installSummaries(ctx, tx, summaries)
	if err != nil {
		return err
	}
	for i, name := range p.names {
		if err := runFile(ctx, tx, name, p.texts[i]); err != nil {
			return err
		}
	}
	// Somebody else may have made a view meanwhile: the package's are of this transaction.
	if _, err := tx.Exec(ctx, `INSERT INTO hub.installed_view (view_name, package_sha256)
		SELECT view_name, $2 FROM (`+installedSQL+`) AS v (view_name)
		WHERE view_name <> ALL ($1)`, before, p.sha256); err != nil {
		return err
	}
	if err := p.noteSummaries(ctx, tx); err != nil {
		return err
	}
	if err := checkUniqueIndexes(ctx, tx); err != nil {
		return err
	}
	return startBookkeeping(ctx, tx, kept)
}

// dropInstalled drops the views of the package, dependent ones first: what a view
// depends on has fewer dependencies than the view.
func dropInstalled(ctx context.Context, tx pgx.Tx) error {
	statements, err := collect[string](ctx, tx, `
		SELECT format('DROP %s %s', CASE c.relkind WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'VIEW' END, i.view_name)
		FROM hub.installed_view i JOIN pg_class c ON c.oid = to_regclass(i.view_name)
		WHERE c.relkind IN ('v', 'm')
		ORDER BY (SELECT count(*) FROM hub.view_dependency d WHERE d.view = c.oid) DESC, i.view_name`)
	if err != nil {
		return err
	}
	for _, statement := range statements {
		if err := run(ctx, tx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, detailed{err})
		}
	}
	return run(ctx, tx, "DELETE FROM hub.installed_view")
}

func runFile(ctx context.Context, tx pgx.Tx, name, text string) error {
	for _, s := range split(text) {
		if err := runStatement(ctx, tx, name, text, s); err != nil {
			return err
		}
	}
	return nil
}

// runStatement runs one statement of the file with the name and text given.
func runStatement(ctx context.Context, tx pgx.Tx, name, text string, s statement) error {
	err := run(ctx, tx, s.text)
	if err == nil {
		return nil
	}
	e := &FileError{File: name, Statement: s.text, Err: err}
	offset := s.start
	var server *pgconn.PgError
	if errors.As(err, &server) && server.Position > 0 {
		offset += byteOffset(s.text, int(server.Position)-1)
	}
	e.Line, e.Column = lineColumn(text, offset)
	return e
}

// byteOffset returns where the character with the given index begins.
func byteOffset(s string, character int) int {
	for i := range s {
		if character == 0 {
			return i
		}
		character--
	}
	return len(s)
}

func lineColumn(text string, offset int) (line, column int) {
	before := text[:offset]
	return 1 + strings.Count(before, "\n"), 1 + utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:])
}

// checkUniqueIndexes refuses materialized views that cannot be refreshed
// CONCURRENTLY (PostgreSQL reference, REFRESH MATERIALIZED VIEW).
func checkUniqueIndexes(ctx context.Context, tx pgx.Tx) error {
	without, err := collect[string](ctx, tx, `
		SELECT i.view_name
		FROM hub.installed_view i JOIN pg_class c ON c.oid = to_regclass(i.view_name)
		WHERE c.relkind = 'm' AND NOT EXISTS (
			SELECT FROM pg_index x
			WHERE x.indrelid = c.oid AND x.indisunique AND x.indisvalid AND x.indpred IS NULL AND x.indexprs IS NULL)
		ORDER BY i.view_name`)
	if err != nil || len(without) == 0 {
		return err
	}
	return fmt.Errorf("without a unique index on plain columns of all rows a view cannot be refreshed while it is "+
		"read: %s", strings.Join(without, ", "))
}

// startBookkeeping notes what the views show. What is known of a summary that was kept
// stays.
func startBookkeeping(ctx context.Context, tx pgx.Tx, kept []string) error {
	if _, err := tx.Exec(ctx, "DELETE FROM hub.view_refresh WHERE view_name <> ALL ($1)", kept); err != nil {
		return err
	}
	return run(ctx, tx, startBookkeepingSQL)
}

// Materialized views are as good as refreshed, unless the package left them empty, or a
// summary under them has no rows yet: then they are emptied, since no content is better
// than a wrong one.
const startBookkeepingSQL = `
	INSERT INTO hub.view_refresh (view_name, changed_rows)
	SELECT view_name, 0 FROM hub.installed_view WHERE file_sha256 IS NOT NULL
	ON CONFLICT DO NOTHING;
	DO $$
	DECLARE
		early text;
	BEGIN
		FOR early IN
			SELECT DISTINCT i.view_name
			FROM hub.installed_view i JOIN pg_class c ON c.oid = to_regclass(i.view_name)
			JOIN hub.view_dependency d ON d.view = c.oid
			JOIN hub.installed_view s ON to_regclass(s.view_name) = d.relation
			JOIN hub.view_refresh r ON r.view_name = s.view_name
			WHERE c.relkind = 'm' AND s.file_sha256 IS NOT NULL AND r.refreshed_at IS NULL
		LOOP
			EXECUTE format('REFRESH MATERIALIZED VIEW %s WITH NO DATA', early);
		END LOOP;
	END $$;
	INSERT INTO hub.view_refresh (view_name, refreshed_at)
	SELECT i.view_name, CASE WHEN c.relispopulated THEN now() END
	FROM hub.installed_view i JOIN pg_class c ON c.oid = to_regclass(i.view_name)
	WHERE c.relkind = 'm'`

// querier runs a query: a pool, a connection or a transaction of pgx.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// collect returns the rows of a query that has one column.
func collect[T any](ctx context.Context, q querier, sql string, args ...any) ([]T, error) {
	return collectBy(ctx, q, pgx.RowTo[T], sql, args...)
}

// collectBy returns what scan makes of the rows of a query.
func collectBy[T any](ctx context.Context, q querier, scan pgx.RowToFunc[T], sql string, args ...any) ([]T, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scan)
}
