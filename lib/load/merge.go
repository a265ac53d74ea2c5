package load

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/hubspoke/observability/lib/pgcopy"
	"github.com/hubspoke/observability/lib/schema"
)

// mergeRows brings the rows of the claimed parts into the category's table, in
// two phases: ask which are new or changed, then write only those.
func (c *category) mergeRows(ctx context.Context) error {
	rows, partOf, err := c.effectiveRows(ctx)
	if err != nil || len(rows) == 0 {
		return err
	}
	for _, row := range rows {
		r := partOf[row].run
		r.keys++
		r.keysXor ^= fingerprint(c.group.key(row))
	}
	first, others := c.firstRows(rows, partOf)
	answer, err := c.ask(ctx, others, partOf)
	if err != nil {
		return err
	}
	answer.fresh = append(answer.fresh, first...)
	changed := c.newerThanStored(answer.changed, partOf)
	fresh, staged, stage := answer.fresh, changed.rows, c.updateRows
	if c.stageAll {
		fresh, staged, stage = nil, slices.Concat(fresh, staged), c.upsertRows
	}
	if err := c.write(ctx, fresh, partOf, c.copyRows); err != nil {
		return fmt.Errorf("copy new rows: %w", err)
	}
	if err := c.write(ctx, staged, partOf, stage); err != nil {
		return fmt.Errorf("merge changed rows: %w", err)
	}
	c.countWritten(answer.fresh, changed, partOf)
	c.counts.Unchanged += int64(len(rows) - len(answer.fresh) - len(answer.changed))
	if !c.snapshot() {
		unchanged := without(rows, answer.fresh, answer.changed)
		return c.touch(ctx, unchanged, partOf)
	}
	return nil
}

// firstRows divides rows into those of their scopes' first runs, and the others.
// The first ones are new, since a run names a key once, and need not be asked for.
// If it does not, or somebody else wrote rows, the primary key refuses the COPY, and
// then everything is asked for.
func (c *category) firstRows(rows []int32, partOf []*partWork) (first, others []int32) {
	if c.stageAll {
		return nil, rows
	}
	for _, row := range rows {
		if p := partOf[row]; p.scope.firstRun(p.Run) {
			first = append(first, row)
		} else {
			others = append(others, row)
		}
	}
	return first, others
}

// effectiveRows returns the rows that may have an effect, about in the order of
// their keys and each key once, and the part of every row of the record.
func (c *category) effectiveRows(ctx context.Context) (rows []int32, partOf []*partWork, err error) {
	partOf = make([]*partWork, c.group.Record.NumRows())
	hidden, err := c.namedByNewer(ctx)
	if err != nil {
		return nil, nil, err
	}
	for _, p := range c.parts {
		if p.superseded {
			c.counts.Superseded += int64(p.Rows)
			continue
		}
		for row := int32(p.First); row < int32(p.First+p.Rows); row++ {
			if hidden[row] {
				// The key still counts as named by this run.
				p.run.keys++
				p.run.keysXor ^= fingerprint(c.group.key(row))
				c.counts.Superseded++
				continue
			}
			partOf[row] = p
		}
	}
	rows = make([]int32, 0, len(partOf))
	for _, row := range c.group.sorted {
		if partOf[row] != nil {
			rows = append(rows, row)
		}
	}
	return c.dropRepeated(rows, partOf), partOf, nil
}

// Each key of the newer runs is read once, with the newest run that names it. A key is
// of one scope.
const namedByNewerSQL = `
WITH named AS MATERIALIZED (
    SELECT DISTINCT ON (key) key, p.run
    FROM unnest($1::uuid[], $2::uuid[]) AS s(scope, oldest)
    JOIN hub.run_part p ON p.scope = s.scope AND p.run > s.oldest, unnest(p.row_keys) AS key
    ORDER BY key, p.run DESC
)
SELECT k.ord::integer - 1
FROM unnest($3::uuid[], $4::uuid[]) WITH ORDINALITY AS k(key, run, ord)
JOIN named n ON n.key = k.key AND n.run > k.run`

// namedByNewer returns the rows whose keys a newer run of their scope has named: that
// run has the newer word, also where it wrote nothing. It asks for all parts at once,
// so that the keys of a run are read once and not for every part.
func (c *category) namedByNewer(ctx context.Context) (map[int32]bool, error) {
	if !c.snapshot() {
		return nil, nil
	}
	oldest := oldestRuns{}
	var rows []int32
	var runs []schema.RunID
	for _, p := range c.parts {
		if p.superseded || p.Rows == 0 || !p.scope.hasNewer(p.Run) {
			continue
		}
		oldest.add(p.scope, p.Run)
		for row := int32(p.First); row < int32(p.First+p.Rows); row++ {
			rows, runs = append(rows, row), append(runs, p.Run)
		}
	}
	if len(rows) == 0 {
		return nil, nil
	}
	hidden := map[int32]bool{}
	scopes, since := oldest.params()
	err := c.doWithHashJoins(ctx, "find keys of newer runs", namedByNewerSQL, func(v [][]byte) error {
		hidden[rows[integer(v[0])]] = true
		return nil
	}, scopes, since, uuidsOf(rows, c.group.keys), uuidList(runs))
	return hidden, err
}

// doWithHashJoins is do for a statement that compares two large sets of keys, which
// the settings of the connection would do by a loop inside a loop. So would, with any
// settings, a planner that takes the table for small, as that of a new database.
func (c *category) doWithHashJoins(ctx context.Context, step, sql string, row func(values [][]byte) error, params ...param) error {
	c.add(step, "SELECT set_config('enable_hashjoin', 'on', true), set_config('enable_nestloop', 'off', true)", nil)
	c.add(step, sql, row, params...)
	return c.do(ctx, step, "SELECT set_config('enable_hashjoin', 'off', true), set_config('enable_nestloop', 'on', true)", nil)
}

// dropRepeated keeps one row of each key. Of two runs the newer one has the word;
// a run that names a key twice contradicts itself, and its later row is rejected.
func (c *category) dropRepeated(rows []int32, partOf []*partWork) []int32 {
	once := rows[:0]
	for len(rows) > 0 {
		n := 1
		for n < len(rows) && bytes.Equal(c.group.key(rows[0]), c.group.key(rows[n])) {
			n++
		}
		once = append(once, c.newestOf(rows[:n], partOf))
		rows = rows[n:]
	}
	return once
}

// newestOf returns which of the rows with one key has the word.
func (c *category) newestOf(rows []int32, partOf []*partWork) int32 {
	if len(rows) > 1 {
		slices.SortStableFunc(rows, func(a, b int32) int { return compareParts(partOf[a], partOf[b]) })
	}
	newest := rows[0]
	for _, row := range rows[1:] {
		before, p := partOf[newest], partOf[row]
		if before.run == p.run {
			c.rejectRow(p, c.refusal(row, p, ReasonRepeatedRow, "the run named this key before"))
			continue
		}
		before.run.keys++
		before.run.keysXor ^= fingerprint(c.group.key(row))
		c.counts.Superseded++
		newest = row
	}
	return newest
}

// refusal describes a row that was decoded but cannot be applied.
func (c *category) refusal(row int32, p *partWork, reason schema.Reason, detail string) RowReject {
	return RowReject{
		Row: p.number(row), Reason: reason, Detail: detail,
		Excerpt: rowText(c.table, c.group.Record, int(row)),
	}
}

// answer is what the table says about the rows of a batch. Rows that it does not
// name are there, live, with the same content.
type answer struct {
	fresh   []int32
	changed []storedRow
}

// storedRow is a row that is stored with other content, or gone, or under a key that
// a row of another account or region has.
type storedRow struct {
	row           int32
	run           schema.RunID
	gone, foreign bool
}

// The answer has a row per section. What describes the table is in the first one. The
// section is a parameter of the inner query: joined to its rows it would cost a quarter
// more.
const askSQL = `
SELECT CASE WHEN s.first = 1 THEN (
           SELECT string_agg(format('%%s %%s %%s %%s', attname, atttypid, atttypmod, attnotnull), ',' ORDER BY attnum)
           FROM pg_attribute WHERE attrelid = '%[1]s'::regclass AND attnum > 0 AND NOT attisdropped) END,
       a.*
FROM unnest($3::text[], $4::text[], $5::integer[], $6::integer[]) AS s(account, region, first, last)
CROSS JOIN LATERAL (
    SELECT array_agg(s.first + k.ord::integer - 2) FILTER (WHERE t.row_key IS NULL),
           array_agg(s.first + k.ord::integer - 2) FILTER (WHERE t.row_key IS NOT NULL),
           array_agg(t.run_id) FILTER (WHERE t.row_key IS NOT NULL),
           array_agg(t.deleted_at IS NOT NULL) FILTER (WHERE t.row_key IS NOT NULL),
           array_agg(t.account_id <> s.account OR t.region <> s.region) FILTER (WHERE t.row_key IS NOT NULL)
    FROM unnest(($1::uuid[])[s.first:s.last], ($2::uuid[])[s.first:s.last]) WITH ORDINALITY AS k(key, hash, ord)
    LEFT JOIN %[1]s t ON t.row_key = k.key
    WHERE t.row_key IS NULL OR t.row_hash <> k.hash OR t.deleted_at IS NOT NULL
       OR t.account_id <> s.account OR t.region <> s.region
) a`

// ask finds which rows are new and which are changed. It also makes sure, under
// the table lock that the query takes, that the table still is as it was checked,
// and so it is called for no rows, too.
func (c *category) ask(ctx context.Context, rows []int32, partOf []*partWork) (answer, error) {
	var a answer
	s := sectionsOf(rows, partOf)
	var attributes string
	err := c.do(ctx, "compare with the table", fmt.Sprintf(askSQL, tableName(c.table)), func(v [][]byte) error {
		if v[0] != nil {
			attributes = string(v[0])
		}
		i := len(a.changed)
		if err := elements(v[1], func(v []byte) { a.fresh = append(a.fresh, rows[integer(v)]) }); err != nil {
			return err
		}
		if err := elements(v[2], func(v []byte) {
			a.changed = append(a.changed, storedRow{row: rows[integer(v)]})
		}); err != nil {
			return err
		}
		changed := a.changed[i:]
		i = 0
		if err := elements(v[3], func(v []byte) { changed[i].run = schema.RunID(v); i++ }); err != nil {
			return err
		}
		i = 0
		if err := elements(v[4], func(v []byte) { changed[i].gone = v[0] != 0; i++ }); err != nil {
			return err
		}
		i = 0
		return elements(v[5], func(v []byte) { changed[i].foreign = v[0] != 0; i++ })
	}, uuidsOf(rows, c.group.keys), uuidsOf(rows, c.group.hashes),
		c.array(pgtype.TextArrayOID, s.accounts), c.array(pgtype.TextArrayOID, s.regions), ints(s.first), ints(s.last))
	if err != nil {
		return a, err
	}
	return a, c.loader.checks.verify(ctx, c.conn, c.table, attributes)
}

// sections are stretches of rows that belong to one account and region, numbered
// from 1. They carry to the server once what all their rows share.
type sections struct {
	accounts, regions []string
	first, last       []int32
}

func sectionsOf(rows []int32, partOf []*partWork) (s sections) {
	for i, row := range rows {
		scope, n := &partOf[row].Scope, len(s.accounts)
		if n == 0 || s.accounts[n-1] != scope.Account || s.regions[n-1] != scope.Region {
			s.accounts, s.regions = append(s.accounts, scope.Account), append(s.regions, scope.Region)
			s.first, s.last = append(s.first, int32(i+1)), append(s.last, 0)
			n++
		}
		s.last[n-1] = int32(i + 1)
	}
	if len(rows) == 0 { // an empty one, so that there is an answer
		s = sections{accounts: []string{""}, regions: []string{""}, first: []int32{1}, last: []int32{0}}
	}
	return s
}

// changedRows are rows to be written over stored ones.
type changedRows struct {
	rows []int32
	gone map[int32]bool
}

// newerThanStored keeps the changed rows whose run is newer than the stored one's. It
// rejects those that would overwrite a row of another account or region.
func (c *category) newerThanStored(stored []storedRow, partOf []*partWork) changedRows {
	changed := changedRows{gone: map[int32]bool{}}
	for _, s := range stored {
		p := partOf[s.row]
		switch order := p.Run.Compare(s.run); {
		case s.foreign:
			c.rejectRow(p, c.refusal(s.row, p, ReasonForeignRow, "a row of another account or region has this key"))
			c.unname(s.row, p)
		case order > 0:
			changed.rows = append(changed.rows, s.row)
			if s.gone {
				changed.gone[s.row] = true
			}
		case order == 0 && !s.gone:
			p.run.keys--
			p.run.keysXor ^= fingerprint(c.group.key(s.row))
			c.rejectRow(p, c.refusal(s.row, p, ReasonRepeatedRow, "the run named this key before, with other content"))
		default:
			c.counts.Superseded++
		}
	}
	return changed
}

// countWritten counts new and changed rows, and what they mean for the live rows
// of their scopes.
func (c *category) countWritten(fresh []int32, changed changedRows, partOf []*partWork) {
	for _, row := range fresh {
		p := partOf[row]
		if p == nil {
			continue // rejected meanwhile
		}
		p.run.newRows++
		c.counts.New++
		c.addLive(row, p)
	}
	for _, row := range changed.rows {
		p := partOf[row]
		if p == nil {
			continue
		}
		p.run.changedRows++
		c.counts.Changed++
		if changed.gone[row] {
			c.addLive(row, p)
		}
	}
}

func (c *category) addLive(row int32, p *partWork) {
	l := c.liveOf(p.scope)
	l.rows++
	l.xor ^= fingerprint(c.group.key(row))
	l.unknown = l.unknown || c.stageAll
}

// write writes rows with the function given. In careful mode it bisects rows that
// PostgreSQL refuses: a refused row is rejected and leaves partOf.
func (c *category) write(ctx context.Context, rows []int32, partOf []*partWork, write func(context.Context, []int32) error) error {
	if len(rows) == 0 {
		return nil
	}
	if !c.careful {
		return write(ctx, rows)
	}
	if _, err := c.conn.Exec(ctx, "SAVEPOINT rows"); err != nil {
		return err
	}
	err := write(ctx, rows)
	if err == nil {
		_, err = c.conn.Exec(ctx, "RELEASE rows")
		return err
	}
	if Classify(err) != PutAside || (meddled(err) && !c.stageAll) {
		return err
	}
	if _, err := c.conn.Exec(ctx, "ROLLBACK TO rows; RELEASE rows"); err != nil {
		return err
	}
	if len(rows) > 1 {
		half := len(rows) / 2
		if err := c.write(ctx, rows[:half], partOf, write); err != nil {
			return err
		}
		return c.write(ctx, rows[half:], partOf, write)
	}
	row := rows[0]
	p := partOf[row]
	c.rejectRow(p, c.refusal(row, p, ReasonRefused, err.Error()))
	c.unname(row, p)
	partOf[row] = nil
	return nil
}

// unname forgets that a part named a row, which is rejected: an older run's word on
// the key stands.
func (c *category) unname(row int32, p *partWork) {
	p.run.keys--
	p.run.keysXor ^= fingerprint(c.group.key(row))
	c.add("forget a refused row", `UPDATE hub.run_part SET row_keys = array_remove(row_keys, $4) WHERE scope = $1 AND run = $2 AND part = $3`,
		nil, uuid(p.scope.id), uuid(p.Run), int4(p.Number), uuid([idSize]byte(c.group.key(row))))
}

// copyRows copies rows straight into the table.
func (c *category) copyRows(ctx context.Context, rows []int32) error {
	return c.copyInto(ctx, tableName(c.table), allColumns(c.table), rows)
}

// updateRows changes rows that are in the table.
func (c *category) updateRows(ctx context.Context, rows []int32) error {
	stage, columns := "changed_"+c.table.Name(), append(changingColumns(c.table), "account_id", "region")
	n, err := c.stageRows(ctx, stage, columns, updateSQL(c.table, stage), rows)
	if err == nil && n != len(rows) {
		err = errVanished
	}
	return err
}

// upsertRows inserts or changes rows, whatever is in the table.
func (c *category) upsertRows(ctx context.Context, rows []int32) error {
	stage, columns := "stage_"+c.table.Name(), allColumns(c.table)
	_, err := c.stageRows(ctx, stage, columns, upsertSQL(c.table, stage, columns), rows)
	return err
}

// stageRows copies columns of rows into a temporary table and runs a statement that
// brings them into the category's table; it returns how many rows that wrote. The
// stage has none of the table's constraints.
func (c *category) stageRows(ctx context.Context, stage string, columns []string, sql string, rows []int32) (int, error) {
	create := fmt.Sprintf("CREATE TEMPORARY TABLE IF NOT EXISTS %s ON COMMIT DELETE ROWS AS SELECT %s FROM %s WITH NO DATA",
		stage, strings.Join(columns, ", "), tableName(c.table))
	if _, err := c.conn.Exec(ctx, create); err != nil {
		return 0, err
	}
	if err := c.copyInto(ctx, "pg_temp."+stage, columns, rows); err != nil {
		return 0, err
	}
	tag, err := c.conn.Exec(ctx, sql)
	if err == nil && c.careful { // more rows may follow in this transaction
		_, err = c.conn.Exec(ctx, "TRUNCATE pg_temp."+stage)
	}
	return int(tag.RowsAffected()), err
}

func tableName(t *schema.Table) string { return "obs." + t.Name() }

// allColumns are the columns that are copied into the table.
func allColumns(t *schema.Table) []string {
	var names []string
	for _, f := range systemFields {
		names = append(names, f.Name)
	}
	for _, c := range t.Columns() {
		names = append(names, c.Name)
	}
	return names
}

// changingColumns are the key and those columns that can differ between two rows
// with the same key: it is a hash of the others.
func changingColumns(t *schema.Table) []string {
	names := []string{"row_key", "row_hash", "run_id", "collected_at"}
	for i, c := range t.Columns() {
		if !slices.Contains(t.Keys(), i) {
			names = append(names, c.Name)
		}
	}
	return names
}

// assignments of SET, from a row called source, to all columns but the key.
func assignments(columns []string, source string) string {
	set := []string{"deleted_at = NULL"}
	for _, name := range columns {
		if name != "row_key" {
			set = append(set, name+" = "+source+"."+name)
		}
	}
	return strings.Join(set, ", ")
}

// updateSQL is the statement that brings the stage into the table, where every row
// of the stage has an older one. It neither looks for conflicts nor locks rows
// before it writes them, as ON CONFLICT does.
func updateSQL(t *schema.Table, stage string) string {
	return fmt.Sprintf(`
UPDATE %s t SET %s FROM pg_temp.%s s
WHERE t.row_key = s.row_key AND t.account_id = s.account_id AND t.region = s.region AND t.run_id < s.run_id`,
		tableName(t), assignments(changingColumns(t), "s"), stage)
}

// upsertSQL is the statement that brings the stage into the table, whatever of it is
// there.
func upsertSQL(t *schema.Table, stage string, columns []string) string {
	return fmt.Sprintf(`
INSERT INTO %[1]s AS t (%[2]s) SELECT %[2]s FROM pg_temp.%[3]s
ON CONFLICT (row_key) DO UPDATE SET %[4]s
WHERE t.account_id = excluded.account_id AND t.region = excluded.region
  AND t.run_id < excluded.run_id AND (t.row_hash <> excluded.row_hash OR t.deleted_at IS NOT NULL)`,
		tableName(t), strings.Join(columns, ", "), stage, assignments(changingColumns(t), "excluded"))
}

// copyInto copies columns of rows into a table.
func (c *category) copyInto(ctx context.Context, table string, columns []string, rows []int32) error {
	if err := c.inTime(); err != nil {
		return err
	}
	rec := selectColumns(c.extendedRecord(), columns)
	defer rec.Release()
	r, err := pgcopy.NewReader(pgcopy.Source{Record: rec, Rows: rows})
	if err != nil {
		return err
	}
	rd := &copyReader{reader: r}
	sql := fmt.Sprintf("COPY %s (%s) FROM STDIN BINARY", table, strings.Join(columns, ", "))
	_, err = c.conn.PgConn().CopyFrom(ctx, rd, sql)
	c.bytes += rd.end()
	return err
}

// selectColumns returns a record of some columns of rec.
func selectColumns(rec arrow.Record, names []string) arrow.Record {
	fields, columns := make([]arrow.Field, len(names)), make([]arrow.Array, len(names))
	for i, name := range names {
		at := rec.Schema().FieldIndices(name)[0]
		fields[i], columns[i] = rec.Schema().Field(at), rec.Column(at)
	}
	return array.NewRecord(arrow.NewSchema(fields, nil), columns, rec.NumRows())
}

// copyReader counts what a COPY reads. When the server or the connection fails,
// CopyFrom returns while its other goroutine may still read: that ends with end,
// since the record is released then.
type copyReader struct {
	mu     sync.Mutex
	reader *pgcopy.Reader
	n      int64
}

func (r *copyReader) Read(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.reader == nil {
		return 0, io.ErrClosedPipe
	}
	n, err := r.reader.Read(p)
	r.n += int64(n)
	return n, err
}

// end waits for a Read that is under way, lets no further one read the record, and
// returns how many bytes were read.
func (r *copyReader) end() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reader = nil
	return r.n
}

const touchSQL = `
UPDATE %s t SET run_id = k.run, collected_at = k.collected_at
FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) AS k(key, run, collected_at)
WHERE t.row_key = k.key AND t.run_id < k.run`

// touch moves unchanged rows of an event category to the run that named them
// again, so that an older run cannot bring older content back.
func (c *category) touch(ctx context.Context, rows []int32, partOf []*partWork) error {
	if len(rows) == 0 {
		return nil
	}
	runs := make([]schema.RunID, len(rows))
	times := appendArrayHeader(nil, pgtype.TimestamptzOID, len(rows))
	for i, row := range rows {
		runs[i] = partOf[row].Run
		times = append(times, 0, 0, 0, 8)
		times = append(times, timestamptz(runs[i])...)
	}
	return c.do(ctx, "move unchanged rows to the newer run", fmt.Sprintf(touchSQL, tableName(c.table)), nil,
		uuidsOf(rows, c.group.keys), uuidList(runs), param{pgtype.TimestamptzArrayOID, times})
}

// without returns the rows that are in neither list.
func without(rows, fresh []int32, changed []storedRow) []int32 {
	written := make(map[int32]bool, len(fresh)+len(changed))
	for _, row := range fresh {
		written[row] = true
	}
	for _, s := range changed {
		written[s.row] = true
	}
	var rest []int32
	for _, row := range rows {
		if !written[row] {
			rest = append(rest, row)
		}
	}
	return rest
}

// extendedRecord returns the group's record with the system columns before its
// own. It is made when the first row is written.
func (c *category) extendedRecord() arrow.Record {
	if c.extended == nil {
		c.extended = withSystemColumns(c.group)
	}
	return c.extended
}

// systemFields are the system columns that a row brings: no row is gone when it comes.
var systemFields = func() (fields []arrow.Field) {
	types := map[string]arrow.DataType{
		"uuid": uuidType, "text": arrow.BinaryTypes.String, "timestamp with time zone": arrow.FixedWidthTypes.Timestamp_us,
	}
	for _, c := range schema.SystemColumns {
		if c.Name != "deleted_at" {
			fields = append(fields, arrow.Field{Name: c.Name, Type: types[c.PostgresType]})
		}
	}
	return fields
}()

var uuidType = &arrow.FixedSizeBinaryType{ByteWidth: idSize}

func withSystemColumns(g *Group) arrow.Record {
	n := int(g.Record.NumRows())
	mem := memory.DefaultAllocator
	accounts, regions := array.NewStringBuilder(mem), array.NewStringBuilder(mem)
	runs := array.NewFixedSizeBinaryBuilder(mem, uuidType)
	times := array.NewTimestampBuilder(mem, arrow.FixedWidthTypes.Timestamp_us.(*arrow.TimestampType))
	for _, b := range []array.Builder{accounts, regions, runs, times} {
		b.Reserve(n)
	}
	for _, p := range g.Parts {
		at := arrow.Timestamp(p.Run.Time().UnixMicro())
		for range p.Rows {
			accounts.Append(p.Scope.Account)
			regions.Append(p.Scope.Region)
			runs.Append(p.Run[:])
			times.Append(at)
		}
	}
	byName := map[string]arrow.Array{
		"row_key": uuidArray(g.keys), "row_hash": uuidArray(g.hashes), "account_id": accounts.NewArray(),
		"region": regions.NewArray(), "run_id": runs.NewArray(), "collected_at": times.NewArray(),
	}
	var columns []arrow.Array
	for _, f := range systemFields {
		columns = append(columns, byName[f.Name])
	}
	fields := append(slices.Clone(systemFields), g.Table.ArrowSchema().Fields()...)
	own := len(columns)
	columns = append(columns, g.Record.Columns()...)
	rec := array.NewRecord(arrow.NewSchema(fields, nil), columns, int64(n))
	for _, a := range columns[:own] {
		a.Release()
	}
	return rec
}

func uuidArray(flat []byte) arrow.Array {
	buffers := []*memory.Buffer{nil, memory.NewBufferBytes(flat)}
	return array.MakeFromData(array.NewData(uuidType, len(flat)/idSize, buffers, nil, 0, 0))
}
