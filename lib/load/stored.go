package load

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/hubspoke/observability/lib/internal/jsonscan"
	"github.com/hubspoke/observability/lib/internal/rowbuild"
	"github.com/hubspoke/observability/lib/schema"
)

// storedIdentity is what a table holds of a row, and what its columns say.
type storedIdentity struct {
	// key and hash as they are stored.
	key, hash id
	// wantKey and wantHash are those of the row's account, region and columns, if err
	// is nil.
	wantKey, wantHash id
	err               error
}

// unknownHash is the hash of rows that do not have the content they were sent with,
// since a column was added to their table. No content has it, so that the next run
// writes them.
var unknownHash id

// storedBatch is how many rows are fetched at once, and storedBytes about how many
// bytes of them are in memory: earlier versions took rows of 8 MiB.
const (
	storedBatch = 5000
	storedBytes = 32 << 20
)

// readStored calls f with the identity of every row of a table that the condition
// selects, storedBatch rows at most at a time, inside a transaction. f may use the
// transaction. It must not keep the rows.
func readStored(
	ctx context.Context, tx pgx.Tx, t *schema.Table, where string, args []any, f func([]storedIdentity) error,
) error {
	columns := []string{"row_key", "row_hash", "account_id", "region"}
	for _, c := range t.Columns() {
		name := c.Name
		if c.Kind == schema.KindDecimal || c.Kind == schema.KindJSON {
			name += "::text"
		}
		columns = append(columns, name)
	}
	declare := fmt.Sprintf("DECLARE stored NO SCROLL CURSOR FOR SELECT %s FROM %s WHERE %s",
		strings.Join(columns, ", "), tableName(t), where)
	if _, err := tx.Exec(ctx, declare, args...); err != nil {
		return err
	}
	r := storedReader{table: t, builder: rowbuild.New(t, nil)}
	defer r.builder.Release()
	for {
		if err := r.fetch(ctx, tx.Conn()); err != nil {
			return err
		}
		if len(r.rows) == 0 {
			break
		}
		if err := f(r.rows); err != nil {
			return err
		}
	}
	_, err := tx.Exec(ctx, "CLOSE stored")
	return err
}

// storedReader turns stored rows into an Arrow record, as if they had just arrived.
type storedReader struct {
	table   *schema.Table
	builder *rowbuild.Builder
	scanner jsonscan.Scanner
	json    []byte // of the row that is being added

	rows       []storedIdentity
	scopes     []schema.Scope // of rows
	identified int            // of rows
}

// fetch reads the next rows of the cursor.
func (r *storedReader) fetch(ctx context.Context, conn *pgx.Conn) error {
	r.rows, r.scopes, r.identified = r.rows[:0], r.scopes[:0], 0
	answer := conn.PgConn().ExecParams(ctx, fmt.Sprintf("FETCH %d FROM stored", storedBatch), nil, nil, nil, []int16{1})
	for answer.NextRow() {
		if r.add(answer.Values()); r.builder.Bytes() > storedBytes {
			r.identify()
		}
	}
	if _, err := answer.Close(); err != nil {
		return err
	}
	r.identify()
	return nil
}

// add takes one row.
func (r *storedReader) add(values [][]byte) {
	row := storedIdentity{key: id(values[0]), hash: id(values[1])}
	// The same texts follow each other: no copy of each.
	var scope schema.Scope
	if n := len(r.scopes); n > 0 {
		scope = r.scopes[n-1]
	}
	if scope.Account != string(values[2]) || scope.Region != string(values[3]) {
		scope = schema.Scope{Category: r.table.Name(), Account: string(values[2]), Region: string(values[3])}
	}
	r.builder.Clear()
	r.json = r.json[:0]
	for i, c := range r.table.Columns() {
		if err := r.set(&r.builder.Cells[i], c, values[4+i]); err != nil {
			row.err = fmt.Errorf("column %s: %w", c.Name, err)
			break
		}
	}
	if row.err == nil {
		// The limits of sizes are for rows that arrive: they were others before.
		if err := r.builder.Check(-1); err != nil && err.Reason != schema.ReasonTooLarge {
			row.err = err
		}
	}
	if row.err == nil {
		r.builder.Append()
	}
	r.rows, r.scopes = append(r.rows, row), append(r.scopes, scope)
}

// set sets a cell to a value in PostgreSQL's binary format.
func (r *storedReader) set(cell *rowbuild.Cell, c schema.Column, v []byte) error {
	if v == nil {
		cell.SetNull()
		return nil
	}
	wrong := ""
	switch c.Kind {
	case schema.KindText:
		cell.SetText(v)
	case schema.KindInt64:
		cell.SetInt64(bigint(v))
	case schema.KindFloat64:
		wrong = cell.SetFloat64(math.Float64frombits(binary.BigEndian.Uint64(v)))
	case schema.KindDecimal:
		d, err := schema.ParseDecimal(string(v))
		if err != nil {
			return err
		}
		wrong = cell.SetDecimal(d)
	case schema.KindBool:
		cell.SetBool(v[0] != 0)
	case schema.KindTimestamp:
		micros := bigint(v)
		seconds, rest := micros/1e6, micros%1e6
		if rest < 0 {
			seconds, rest = seconds-1, rest+1e6
		}
		wrong = cell.SetTimestamp(seconds+postgresEpoch/1e6, rest)
	case schema.KindDate:
		day := int64(integer(v)) + postgresEpoch/1e6/86400
		wrong = rowbuild.YearRange
		if day == int64(int32(day)) {
			wrong = cell.SetDate(schema.Date(day))
		}
	case schema.KindJSON:
		begin := len(r.json)
		var err error
		if r.json, err = r.scanner.AppendStored(r.json, v); err != nil {
			return err
		}
		cell.SetText(r.json[begin:])
	}
	if wrong != "" {
		return fmt.Errorf("the value is out of range: %s", wrong)
	}
	return nil
}

// identify computes what the columns of the rows say that were added since the last call.
func (r *storedReader) identify() {
	rec := r.builder.Record()
	defer rec.Release()
	x := newIdentifier(r.table, rec)
	at := 0
	for i := r.identified; i < len(r.rows); i++ {
		if row := &r.rows[i]; row.err == nil {
			x.setScope(r.scopes[i])
			x.appendKey(row.wantKey[:0], at)
			x.appendHash(row.wantHash[:0], at)
			at++
		}
	}
	r.identified = len(r.rows)
}

// ContentResult is what [CheckContent] found.
type ContentResult struct {
	// Rows that are live.
	Rows int64
	// Keys are rows that have not the key of their account, region and key columns.
	Keys int64
	// Hashes are rows that have not the hash of their other columns.
	Hashes int64
	// Unreadable rows have values that no category has.
	Unreadable int64
	// Waiting rows have no hash since a column was added to their table: the next run
	// writes them. They are not differences.
	Waiting int64
	// Examples are the keys of the first rows that differ, as they are stored.
	Examples [][16]byte
}

// Differ reports whether any row is not what was sent.
func (r ContentResult) Differ() bool { return r.Keys+r.Hashes+r.Unreadable > 0 }

// CheckContent computes the key and the hash of every live row of a table from its
// columns and compares them with those stored: they differ where somebody else has
// changed the row. It names up to limit rows. It reads the whole table.
func CheckContent(ctx context.Context, tx pgx.Tx, t *schema.Table, limit int) (ContentResult, error) {
	var r ContentResult
	err := readStored(ctx, tx, t, "deleted_at IS NULL", nil, func(rows []storedIdentity) error {
		r.Rows += int64(len(rows))
		for _, row := range rows {
			switch {
			case row.err != nil:
				r.Unreadable++
			case row.key != row.wantKey:
				r.Keys++
			case row.hash == unknownHash:
				r.Waiting++
				continue
			case row.hash != row.wantHash:
				r.Hashes++
			default:
				continue
			}
			if len(r.Examples) < limit {
				r.Examples = append(r.Examples, row.key)
			}
		}
		return nil
	})
	slices.SortFunc(r.Examples, func(a, b [16]byte) int { return slices.Compare(a[:], b[:]) })
	if err != nil {
		return r, fmt.Errorf("load: check content of %s: %w", tableName(t), err)
	}
	return r, nil
}
