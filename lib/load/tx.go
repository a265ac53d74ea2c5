package load

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// tx is the transaction of one apply. Statements are queued and sent together
// (PostgreSQL manual, "Pipelining" in the chapter Frontend/Backend Protocol): the
// committer shares its processors with the goroutines that decode, so that each
// answer it waits for costs it its turn.
type tx struct {
	conn *pgx.Conn
	// timeout is how long the transaction may take since it has begun, and as long may
	// its last statement.
	timeout time.Duration
	begun   time.Time

	batch *pgconn.Batch
	queue []statement
	err   error // of the first parameter that could not be encoded
}

// statement is one that was queued.
type statement struct {
	step  string
	row   func(values [][]byte) error
	count func(rows int64) error // that the statement wrote; nil ignores it
}

// add queues a statement. Its parameters and its rows are in PostgreSQL's binary
// formats. row is called with each row, and must not keep the values; nil ignores
// the rows. The step names the statement in errors.
func (t *tx) add(step, sql string, row func(values [][]byte) error, params ...param) {
	values, oids := encoded(params)
	t.next(step, row).ExecParams(sql, values, oids, inBinary, inBinary)
}

// addPrepared queues a statement that the connection has prepared under a name: the server
// does not plan it again.
func (t *tx) addPrepared(step, name string, row func(values [][]byte) error, params ...param) {
	values, _ := encoded(params)
	t.next(step, row).ExecPrepared(name, values, inBinary, inBinary)
}

// next returns the batch that the next statement is for.
func (t *tx) next(step string, row func(values [][]byte) error) *pgconn.Batch {
	if t.batch == nil {
		t.batch = &pgconn.Batch{}
	}
	t.queue = append(t.queue, statement{step: step, row: row})
	return t.batch
}

// inBinary is the format of all parameters and columns.
var inBinary = []int16{pgtype.BinaryFormatCode}

func encoded(params []param) (values [][]byte, oids []uint32) {
	values, oids = make([][]byte, len(params)), make([]uint32, len(params))
	for i, p := range params {
		values[i], oids[i] = p.value, p.oid
	}
	return values, oids
}

// addCounted queues a statement that returns no rows. count is called with how many it
// wrote.
func (t *tx) addCounted(step, sql string, count func(rows int64) error, params ...param) {
	t.add(step, sql, nil, params...)
	t.queue[len(t.queue)-1].count = count
}

// send sends what is queued and waits for all answers. After an error the later
// statements were not executed.
func (t *tx) send(ctx context.Context) error {
	batch, queue, err := t.batch, t.queue, t.err
	t.batch, t.queue, t.err = nil, nil, nil
	if err != nil {
		return err
	}
	if len(queue) == 0 {
		return nil
	}
	if err := t.inTime(); err != nil {
		return fmt.Errorf("%s: %w", queue[0].step, err)
	}
	answers := t.conn.PgConn().ExecBatch(ctx, batch)
	var failed error // of a function
	done := 0
	for ; answers.NextResult(); done++ {
		s, rows := queue[done], answers.ResultReader()
		for rows.NextRow() {
			if s.row != nil && failed == nil {
				if err := s.row(rows.Values()); err != nil {
					failed = fmt.Errorf("%s: %w", s.step, err)
				}
			}
		}
		var tag pgconn.CommandTag
		if tag, err = rows.Close(); err != nil {
			break
		}
		if s.count != nil && failed == nil {
			if err := s.count(tag.RowsAffected()); err != nil {
				failed = fmt.Errorf("%s: %w", s.step, err)
			}
		}
	}
	if err := answers.Close(); err != nil {
		return fmt.Errorf("%s: %w", queue[min(done, len(queue)-1)].step, err)
	}
	return failed
}

// drop forgets what is queued.
func (t *tx) drop() { t.batch, t.queue, t.err = nil, nil, nil }

// inTime returns errSlow if the transaction takes too long already.
func (t *tx) inTime() error {
	if time.Since(t.begun) > t.timeout {
		return errSlow
	}
	return nil
}

// do sends what is queued and one statement more.
func (t *tx) do(ctx context.Context, step, sql string, row func(values [][]byte) error, params ...param) error {
	t.add(step, sql, row, params...)
	return t.send(ctx)
}

// commit ends the transaction. It is sent alone: whether it was answered decides
// whether its outcome is known.
func (t *tx) commit(ctx context.Context) error {
	tag, err := t.conn.Exec(ctx, "commit")
	if err == nil && tag.String() != "COMMIT" {
		err = fmt.Errorf("commit was answered with %s", tag)
	}
	return err
}

// rollback leaves the connection fit for the next transaction; where it cannot,
// the pool closes it.
func (t *tx) rollback(ctx context.Context) { _, _ = t.conn.Exec(ctx, "rollback") }

// array encodes values as an array of the type given; a nil pointer among them is
// null.
func (t *tx) array(oid uint32, values any) param {
	encoded, err := t.conn.TypeMap().Encode(oid, pgtype.BinaryFormatCode, values, nil)
	if err != nil && t.err == nil {
		t.err = fmt.Errorf("encode %T: %w", values, err)
	}
	return param{oid, encoded}
}
