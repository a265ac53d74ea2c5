package load

import (
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

// write writes rows with the function given. Where the attempt bisects, a row that
// PostgreSQL refuses is rejected and leaves partOf.
func (w *work) write(ctx context.Context, rows []int32, write func(context.Context, []int32) error) error {
	conn := w.attempt.tx.conn
	if len(rows) == 0 {
		return nil
	}
	if !w.attempt.manner.bisect {
		return write(ctx, rows)
	}
	if _, err := conn.Exec(ctx, "SAVEPOINT rows"); err != nil {
		return err
	}
	err := write(ctx, rows)
	if err == nil {
		_, err = conn.Exec(ctx, "RELEASE rows")
		return err
	}
	if Classify(err) != PutAside || (changedByOthers(err) && !w.attempt.manner.viaStage) {
		return err
	}
	if _, err := conn.Exec(ctx, "ROLLBACK TO rows; RELEASE rows"); err != nil {
		return err
	}
	if len(rows) > 1 {
		half := len(rows) / 2
		if err := w.write(ctx, rows[:half], write); err != nil {
			return err
		}
		return w.write(ctx, rows[half:], write)
	}
	row := rows[0]
	p := w.partOf[row]
	w.rejectRow(p, w.refusal(row, p, ReasonRefused, err.Error()))
	w.forgetKey(row, p)
	w.partOf[row] = nil
	return nil
}

// forgetKey forgets that a part named a row, which is rejected: an older run's word on
// the key stands.
func (w *work) forgetKey(row int32, p *partWork) {
	p.run.keys--
	p.run.keysXor ^= fingerprint(w.group.key(row))
	w.attempt.tx.add("forget a refused row",
		`UPDATE hub.run_part SET row_keys = array_remove(row_keys, $4) WHERE scope = $1 AND run = $2 AND part = $3`, nil,
		uuid(p.scope.id), uuid(p.Run), int4(p.Number), uuid([idSize]byte(w.group.key(row))))
}

// copyRows copies rows straight into the table.
func (w *work) copyRows(ctx context.Context, rows []int32) error {
	return w.copyInto(ctx, tableName(w.table), allColumns(w.table), rows)
}

// updateRows changes rows that are in the table. The statement is sent with those of
// other categories.
func (w *work) updateRows(ctx context.Context, rows []int32) error {
	stage, columns := stageName(w.table), append(changingColumns(w.table), "account_id", "region")
	if err := w.stageRows(ctx, stage, w.staged, columns, rows); err != nil {
		return err
	}
	tx := w.attempt.tx
	tx.addCounted("change rows", updateSQL(w.table, stage), func(changed int64) error {
		if changed != int64(len(rows)) {
			return errVanished
		}
		return nil
	})
	return w.emptyStage(ctx, stage)
}

// stageName is the name of the table for rows that change.
func stageName(t *schema.Table) string { return "changed_" + t.Name() }

// upsertRows inserts or changes rows, whatever is in the table.
func (w *work) upsertRows(ctx context.Context, rows []int32) error {
	stage, columns := "stage_"+w.table.Name(), allColumns(w.table)
	if err := w.stageRows(ctx, stage, false, columns, rows); err != nil {
		return err
	}
	w.attempt.tx.add("merge rows", upsertSQL(w.table, stage, columns), nil)
	return w.emptyStage(ctx, stage)
}

// stageRows copies columns of rows into a temporary table, which has none of the
// constraints of the category's table. It makes the stage unless it is there.
func (w *work) stageRows(ctx context.Context, stage string, there bool, columns []string, rows []int32) error {
	if !there {
		const create = "CREATE TEMPORARY TABLE IF NOT EXISTS %s ON COMMIT DELETE ROWS AS SELECT %s FROM %s WITH NO DATA"
		sql := fmt.Sprintf(create, stage, strings.Join(columns, ", "), tableName(w.table))
		if _, err := w.attempt.tx.conn.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return w.copyInto(ctx, "pg_temp."+stage, columns, rows)
}

// emptyStage makes room where more rows may follow in this transaction.
func (w *work) emptyStage(ctx context.Context, stage string) error {
	if !w.attempt.manner.bisect {
		return nil
	}
	return w.attempt.tx.do(ctx, "empty the stage", "TRUNCATE pg_temp."+stage, nil)
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

// changingColumns are the key and those columns that change with a row: the key is a hash
// of most others, and when it was first seen stays.
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
// before it writes them, as ON CONFLICT does. That the account and region are the same is
// written so that no index is used for it: in a table without statistics PostgreSQL takes
// such an index for as good as the primary key.
func updateSQL(t *schema.Table, stage string) string {
	return fmt.Sprintf(`
UPDATE %s t SET %s FROM pg_temp.%s s
WHERE t.row_key = s.row_key AND (t.account_id = s.account_id AND t.region = s.region) IS TRUE AND t.run_id < s.run_id`,
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
func (w *work) copyInto(ctx context.Context, table string, columns []string, rows []int32) error {
	if err := w.attempt.tx.inTime(); err != nil {
		return err
	}
	rec := selectColumns(w.extendedRecord(), columns)
	defer rec.Release()
	r, err := pgcopy.NewReader(pgcopy.Source{Record: rec, Rows: rows})
	if err != nil {
		return err
	}
	rd := &copyReader{reader: r}
	sql := fmt.Sprintf("COPY %s (%s) FROM STDIN BINARY", table, strings.Join(columns, ", "))
	_, err = w.attempt.tx.conn.PgConn().CopyFrom(ctx, rd, sql)
	w.attempt.outcome.bytes += rd.end()
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
func (w *work) touch(ctx context.Context, rows []int32) error {
	if len(rows) == 0 {
		return nil
	}
	runs := make([]schema.RunID, len(rows))
	times := appendArrayHeader(nil, pgtype.TimestamptzOID, len(rows))
	for i, row := range rows {
		runs[i] = w.partOf[row].Run
		times = append(times, 0, 0, 0, 8)
		times = append(times, timestamptz(runs[i])...)
	}
	return w.attempt.tx.do(ctx, "move unchanged rows to the newer run", fmt.Sprintf(touchSQL, tableName(w.table)), nil,
		uuidsOf(rows, w.group.keys), uuidList(runs), param{pgtype.TimestamptzArrayOID, times})
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
	byName[firstSeenAt] = byName["collected_at"]
	byName[firstSeenAt].Retain()
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
