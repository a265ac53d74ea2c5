package load

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
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
	if err != nil {
		return fmt.Errorf("newer runs: %w", err)
	}
	if len(rows) == 0 {
		return nil
	}
	for _, row := range rows {
		r := partOf[row].run
		r.keys++
		r.keysXor ^= fingerprint(c.key(row))
	}
	answer, err := c.ask(ctx, rows)
	if err != nil {
		return fmt.Errorf("compare with the table: %w", err)
	}
	changed := c.newerThanStored(answer.changed, partOf)
	fresh := answer.fresh
	staged := changed.rows
	if c.stageAll {
		staged, fresh = append(slices.Clone(fresh), staged...), nil
		c.sortByKey(staged)
	}
	if err := c.write(ctx, fresh, partOf, c.copyRows); err != nil {
		return fmt.Errorf("copy new rows: %w", err)
	}
	if err := c.write(ctx, staged, partOf, c.stageRows); err != nil {
		return fmt.Errorf("merge changed rows: %w", err)
	}
	c.countWritten(answer.fresh, changed, partOf)
	c.counts.Unchanged += int64(len(rows) - len(answer.fresh) - len(answer.changed))
	if !c.snapshot() {
		unchanged := without(rows, answer.fresh, answer.changed)
		if err := c.touch(ctx, unchanged, partOf); err != nil {
			return fmt.Errorf("move unchanged rows to the newer run: %w", err)
		}
	}
	return nil
}

func (c *category) key(row int32) []byte {
	return c.group.keys[int(row)*idSize : int(row+1)*idSize]
}

// sortByKey sorts rows by their keys; of rows with the same key the order stays.
func (c *category) sortByKey(rows []int32) {
	type keyed struct {
		high, low uint64
		at, row   int32
	}
	order := make([]keyed, len(rows))
	for at, row := range rows {
		key := c.key(row)
		order[at] = keyed{binary.BigEndian.Uint64(key), binary.BigEndian.Uint64(key[8:]), int32(at), row}
	}
	slices.SortFunc(order, func(a, b keyed) int {
		return cmp.Or(cmp.Compare(a.high, b.high), cmp.Compare(a.low, b.low), cmp.Compare(a.at, b.at))
	})
	for i := range order {
		rows[i] = order[i].row
	}
}

// effectiveRows returns the rows that may have an effect, in the order of their
// keys and each key once, and the part of every row of the record.
func (c *category) effectiveRows(ctx context.Context) (rows []int32, partOf []*partWork, err error) {
	partOf = make([]*partWork, c.group.Record.NumRows())
	for _, p := range c.parts {
		if p.superseded {
			c.counts.Superseded += int64(p.Rows)
			p.run.old += int64(p.Rows)
			continue
		}
		hidden, err := c.namedByNewer(ctx, p)
		if err != nil {
			return nil, nil, err
		}
		for row := int32(p.First); row < int32(p.First+p.Rows); row++ {
			partOf[row] = p
			if hidden[row] {
				// The key still counts as named by this run.
				p.run.keys++
				p.run.keysXor ^= fingerprint(c.key(row))
				c.counts.Superseded++
				continue
			}
			rows = append(rows, row)
		}
	}
	c.sortByKey(rows)
	return c.dropRepeated(rows, partOf), partOf, nil
}

const namedByNewerSQL = `
SELECT k.ord::integer - 1
FROM unnest($1::uuid[]) WITH ORDINALITY AS k(key, ord)
WHERE k.key IN (SELECT unnest(p.row_keys) FROM hub.run_part p WHERE p.scope = $2 AND p.run > $3)`

// namedByNewer returns the rows of a part whose keys a newer run of the scope has
// named: that run has the newer word, also where it wrote nothing.
func (c *category) namedByNewer(ctx context.Context, p *partWork) (map[int32]bool, error) {
	if !c.snapshot() || p.Rows == 0 || p.scope.newest == nil || p.scope.newest.Compare(p.Run) <= 0 {
		return nil, nil
	}
	keys := c.group.keys[p.First*idSize : (p.First+p.Rows)*idSize]
	hidden := map[int32]bool{}
	err := c.withHashJoins(ctx, func() error {
		return c.query(ctx, namedByNewerSQL, func(v [][]byte) error {
			hidden[int32(p.First)+int32(binary.BigEndian.Uint32(v[0]))] = true
			return nil
		}, uuids(keys, nil), param{pgtype.UUIDOID, p.scope.id[:]}, param{pgtype.UUIDOID, p.Run[:]})
	})
	return hidden, err
}

// withHashJoins lets f compare two large sets of keys, which the settings of the
// connection would do by a loop inside a loop.
func (c *category) withHashJoins(ctx context.Context, f func() error) error {
	if _, err := c.tx.Exec(ctx, "SET LOCAL enable_hashjoin = on"); err != nil {
		return err
	}
	if err := f(); err != nil {
		return err
	}
	_, err := c.tx.Exec(ctx, "SET LOCAL enable_hashjoin = off")
	return err
}

// dropRepeated keeps one row of each key. Of two runs the newer one has the word;
// a run that names a key twice contradicts itself, and its later row is rejected.
func (c *category) dropRepeated(rows []int32, partOf []*partWork) []int32 {
	once := rows[:0]
	for _, row := range rows {
		n := len(once)
		if n == 0 || !bytes.Equal(c.key(once[n-1]), c.key(row)) {
			once = append(once, row)
			continue
		}
		before, p := partOf[once[n-1]], partOf[row]
		if before.run == p.run {
			c.rejectRow(p, c.refusal(row, p, ReasonRepeatedRow, "the run named this key before"))
			continue
		}
		// Parts are sorted by run, and the sort of the rows kept that order.
		before.run.keys++
		before.run.keysXor ^= fingerprint(c.key(row))
		c.counts.Superseded++
		once[n-1] = row
	}
	return once
}

// refusal describes a row that was decoded but cannot be applied.
func (c *category) refusal(row int32, p *partWork, reason schema.Reason, detail string) RowReject {
	return RowReject{
		Row: int(row) - p.First, Reason: reason, Detail: detail,
		Bytes: rowText(c.table, c.group.Record, int(row)),
	}
}

// answer is what the table says about the rows of a batch. Rows that it does not
// name are there, live, with the same content.
type answer struct {
	fresh   []int32
	changed []storedRow
}

// storedRow is a row that is stored with other content, or gone.
type storedRow struct {
	row  int32
	run  schema.RunID
	gone bool
}

const askSQL = `
SELECT (SELECT string_agg(format('%%s %%s %%s %%s', attname, atttypid, atttypmod, attnotnull), ',' ORDER BY attnum)
        FROM pg_attribute WHERE attrelid = '%[1]s'::regclass AND attnum > 0 AND NOT attisdropped),
       array_agg(k.ord::integer - 1) FILTER (WHERE t.row_key IS NULL),
       array_agg(k.ord::integer - 1) FILTER (WHERE t.row_key IS NOT NULL),
       array_agg(t.run_id) FILTER (WHERE t.row_key IS NOT NULL),
       array_agg(t.deleted_at IS NOT NULL) FILTER (WHERE t.row_key IS NOT NULL)
FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS k(key, hash, ord)
LEFT JOIN %[1]s t ON t.row_key = k.key
WHERE t.row_key IS NULL OR t.row_hash <> k.hash OR t.deleted_at IS NOT NULL`

// ask finds which rows are new and which are changed. It also makes sure, under
// the table lock that the query takes, that the table still is as it was checked.
func (c *category) ask(ctx context.Context, rows []int32) (answer, error) {
	var a answer
	var attributes string
	err := c.query(ctx, fmt.Sprintf(askSQL, tableName(c.table)), func(v [][]byte) error {
		attributes = string(v[0])
		i := 0
		if err := elements(v[1], func(v []byte) { a.fresh = append(a.fresh, rows[int32(binary.BigEndian.Uint32(v))]) }); err != nil {
			return err
		}
		if err := elements(v[2], func(v []byte) {
			a.changed = append(a.changed, storedRow{row: rows[int32(binary.BigEndian.Uint32(v))]})
		}); err != nil {
			return err
		}
		if err := elements(v[3], func(v []byte) { a.changed[i].run = schema.RunID(v); i++ }); err != nil {
			return err
		}
		i = 0
		return elements(v[4], func(v []byte) { a.changed[i].gone = v[0] != 0; i++ })
	}, uuids(c.group.keys, rows), uuids(c.group.hashes, rows))
	if err != nil {
		return a, err
	}
	return a, c.loader.checks.verify(ctx, c.tx, c.table, attributes)
}

// changedRows are rows to be written over stored ones.
type changedRows struct {
	rows []int32
	gone map[int32]bool
}

// newerThanStored keeps the changed rows whose run is newer than the stored one's.
func (c *category) newerThanStored(stored []storedRow, partOf []*partWork) changedRows {
	changed := changedRows{gone: map[int32]bool{}}
	for _, s := range stored {
		p := partOf[s.row]
		switch order := p.Run.Compare(s.run); {
		case order > 0:
			changed.rows = append(changed.rows, s.row)
			if s.gone {
				changed.gone[s.row] = true
			}
		case order == 0 && !s.gone:
			p.run.keys--
			p.run.keysXor ^= fingerprint(c.key(s.row))
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
	l.xor ^= fingerprint(c.key(row))
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
	if _, err := c.tx.Exec(ctx, "SAVEPOINT rows"); err != nil {
		return err
	}
	err := write(ctx, rows)
	if err == nil {
		_, err = c.tx.Exec(ctx, "RELEASE rows")
		return err
	}
	if Classify(err) != PutAside || (meddled(err) && !c.stageAll) {
		return err
	}
	if _, err := c.tx.Exec(ctx, "ROLLBACK TO rows; RELEASE rows"); err != nil {
		return err
	}
	if len(rows) > 1 {
		half := len(rows) / 2
		if err := c.write(ctx, rows[:half], partOf, write); err != nil {
			return err
		}
		return c.write(ctx, rows[half:], partOf, write)
	}
	p := partOf[rows[0]]
	c.rejectRow(p, c.refusal(rows[0], p, ReasonRefused, err.Error()))
	partOf[rows[0]] = nil
	return nil
}

// copyRows copies rows straight into the table.
func (c *category) copyRows(ctx context.Context, rows []int32) error {
	return c.copyInto(ctx, tableName(c.table), rows)
}

// stageRows copies rows into the stage and merges them from there. The stage has
// the columns that are copied and none of the table's constraints.
func (c *category) stageRows(ctx context.Context, rows []int32) error {
	stage, table := stageName(c.table), tableName(c.table)
	sql := fmt.Sprintf("CREATE TEMPORARY TABLE IF NOT EXISTS %s ON COMMIT DELETE ROWS AS SELECT %s FROM %s WITH NO DATA",
		stage, copiedColumns(c.table), table)
	if _, err := c.tx.Exec(ctx, sql); err != nil {
		return err
	}
	if err := c.copyInto(ctx, "pg_temp."+stage, rows); err != nil {
		return err
	}
	if c.stageAll {
		sql = mergeSQL(c.table)
	} else {
		sql = updateSQL(c.table)
	}
	tag, err := c.tx.Exec(ctx, sql)
	if err == nil && !c.stageAll && tag.RowsAffected() != int64(len(rows)) {
		return errVanished
	}
	if err == nil && c.careful { // more rows may follow in this transaction
		_, err = c.tx.Exec(ctx, "TRUNCATE pg_temp."+stage)
	}
	return err
}

func tableName(t *schema.Table) string { return "obs." + t.Name() }
func stageName(t *schema.Table) string { return "stage_" + t.Name() }

// copiedColumns are the columns of a COPY, in the order of extendedRecord.
func copiedColumns(t *schema.Table) string {
	names := []string{"row_key", "row_hash", "account_id", "region", "run_id", "collected_at"}
	for _, c := range t.Columns() {
		names = append(names, c.Name)
	}
	return strings.Join(names, ", ")
}

// updateSQL is the statement that brings the stage into the table, where every row
// of the stage has an older one. It neither looks for conflicts nor locks rows
// before it writes them, as ON CONFLICT does.
func updateSQL(t *schema.Table) string {
	var set strings.Builder
	for _, c := range t.Columns() {
		fmt.Fprintf(&set, ", %[1]s = s.%[1]s", c.Name)
	}
	return fmt.Sprintf(`
UPDATE %s t
SET row_hash = s.row_hash, run_id = s.run_id, collected_at = s.collected_at, deleted_at = NULL%s
FROM pg_temp.%s s WHERE t.row_key = s.row_key AND t.run_id < s.run_id`,
		tableName(t), set.String(), stageName(t))
}

// mergeSQL is the statement that merges the stage into the table, whatever of it is
// there.
func mergeSQL(t *schema.Table) string {
	var set strings.Builder
	for _, c := range t.Columns() {
		fmt.Fprintf(&set, ", %[1]s = excluded.%[1]s", c.Name)
	}
	return fmt.Sprintf(`
INSERT INTO %[1]s AS t (%[2]s) SELECT %[2]s FROM pg_temp.%[3]s
ON CONFLICT (row_key) DO UPDATE
SET row_hash = excluded.row_hash, run_id = excluded.run_id, collected_at = excluded.collected_at, deleted_at = NULL%[4]s
WHERE t.run_id < excluded.run_id AND (t.row_hash <> excluded.row_hash OR t.deleted_at IS NOT NULL)`,
		tableName(t), copiedColumns(t), stageName(t), set.String())
}

func (c *category) copyInto(ctx context.Context, table string, rows []int32) error {
	r, err := pgcopy.NewReader(pgcopy.Source{Record: c.extendedRecord(), Rows: rows})
	if err != nil {
		return err
	}
	rd := &copyReader{reader: r}
	sql := fmt.Sprintf("COPY %s (%s) FROM STDIN BINARY", table, copiedColumns(c.table))
	_, err = c.conn.PgConn().CopyFrom(ctx, rd, sql)
	c.bytes += rd.end()
	return err
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
		times = binary.BigEndian.AppendUint64(times, uint64(runs[i].Time().UnixMicro()-postgresEpoch))
	}
	return c.query(ctx, fmt.Sprintf(touchSQL, tableName(c.table)), nil,
		uuids(c.group.keys, rows), uuidList(runs), param{pgtype.TimestamptzArrayOID, times})
}

// postgresEpoch is 2000-01-01 in microseconds since 1970.
const postgresEpoch = 946_684_800_000_000

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

var systemFields = []arrow.Field{
	{Name: "row_key", Type: uuidType}, {Name: "row_hash", Type: uuidType},
	{Name: "account_id", Type: arrow.BinaryTypes.String}, {Name: "region", Type: arrow.BinaryTypes.String},
	{Name: "run_id", Type: uuidType}, {Name: "collected_at", Type: arrow.FixedWidthTypes.Timestamp_us},
}

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
	columns := []arrow.Array{
		uuidArray(g.keys), uuidArray(g.hashes),
		accounts.NewArray(), regions.NewArray(), runs.NewArray(), times.NewArray(),
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
