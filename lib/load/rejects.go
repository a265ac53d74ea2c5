package load

import (
	"context"
	"crypto/sha256"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hubspoke/observability/lib/rowjson"
	"github.com/hubspoke/observability/lib/schema"
)

// storedReject is one row of hub.reject.
type storedReject struct {
	reason, detail string
	scope          schema.Scope
	run            *id
	part, row      *int32
	origin         Origin
	bytes          []byte
}

func recordReject(r Reject) storedReject {
	s := storedReject{reason: string(r.Reason), detail: r.Detail, scope: r.Scope, origin: r.Origin, bytes: r.Origin.Data}
	if r.Run != (schema.RunID{}) {
		run := id(r.Run)
		s.run = &run
	}
	if r.Part >= 0 {
		part := int32(r.Part)
		s.part = &part
	}
	return s
}

func rowReject(p *Part, r RowReject) storedReject {
	run, part, row := id(p.Run), int32(p.Number), int32(r.Row)
	return storedReject{
		reason: string(r.Reason), detail: r.Detail, scope: p.Scope,
		run: &run, part: &part, row: &row, origin: p.Origin, bytes: r.Bytes,
	}
}

// rowText returns a row of a record as JSON.
func rowText(t *schema.Table, rec arrow.Record, row int) []byte {
	e, err := rowjson.NewEncoder(t, rec)
	if err != nil {
		return nil
	}
	return e.AppendRow(nil, row)
}

// A record that is read again is rejected again; it is stored once (index reject_record).
const insertRejectSQL = `
INSERT INTO hub.reject (state, reason, detail, category, account_id, region, slice, run, part, row_number,
                        origin, arrived_at, size, sha256, bytes)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
ON CONFLICT DO NOTHING`

// storeRejects inserts the rejects and the parked records of the batch, and
// removes parked records that were applied.
func (a *apply) storeRejects(ctx context.Context) error {
	if len(a.rejects)+len(a.parked)+len(a.done) == 0 {
		return nil
	}
	if err := a.send(ctx); err != nil {
		return err
	}
	if err := a.checkParkedLimit(ctx); err != nil {
		return err
	}
	room := map[string]int{}
	var batch pgx.Batch
	for _, r := range a.rejects {
		left, known := room[r.scope.Account]
		if !known {
			var err error
			if left, err = a.roomForBytes(ctx, r.scope.Account); err != nil {
				return err
			}
		}
		room[r.scope.Account] = left - 1
		batch.Queue(insertRejectSQL, r.values("open", left > 0)...).Exec(func(tag pgconn.CommandTag) error {
			a.result.Rejects += int(tag.RowsAffected())
			return nil
		})
	}
	for _, r := range a.parked {
		batch.Queue(insertRejectSQL, r.values("parked", true)...)
	}
	if len(a.done) > 0 {
		batch.Queue(`DELETE FROM hub.reject WHERE id = ANY($1) AND state = 'parked'`, a.done)
	}
	return a.conn.SendBatch(ctx, &batch).Close()
}

func (r storedReject) values(state string, keepBytes bool) []any {
	sum := sha256.Sum256(r.bytes)
	var arrived *time.Time
	if !r.origin.Arrived.IsZero() {
		arrived = &r.origin.Arrived
	}
	bytes := r.bytes
	switch {
	case !keepBytes:
		bytes = nil
	case bytes == nil:
		bytes = []byte{} // null says that they were not kept
	}
	s := r.scope
	return []any{
		state, r.reason, storable(r.detail), storable(s.Category), storable(s.Account), storable(s.Region), storable(s.Slice),
		r.run, r.part, r.row, storable(r.origin.Name), arrived, int64(len(r.bytes)), sum[:], bytes,
	}
}

const maxDetail = 2000

// storable makes text from outside fit into a text column.
func storable(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
	if len(s) <= maxDetail {
		return s
	}
	cut := maxDetail
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}

// checkParkedLimit refuses to park more than the Loader may keep.
func (a *apply) checkParkedLimit(ctx context.Context) error {
	if len(a.parked) == 0 {
		return nil
	}
	limit := a.loader.config.ParkedLimit
	var parked int
	err := a.conn.QueryRow(ctx, `SELECT count(*) FROM (SELECT FROM hub.reject WHERE state = 'parked' LIMIT $1) x`, limit+1).Scan(&parked)
	if err == nil && parked+len(a.parked) > limit {
		err = ErrParkedFull
	}
	return err
}

// roomForBytes returns for how many more rejects of the account bytes are kept.
func (a *apply) roomForBytes(ctx context.Context, account string) (int, error) {
	limit := a.loader.config.RejectBytesLimit
	var kept int
	err := a.conn.QueryRow(ctx, `SELECT count(*) FROM (SELECT FROM hub.reject WHERE account_id = $1 AND state = 'open' LIMIT $2) x`,
		storable(account), limit).Scan(&kept)
	return limit - kept, err
}

// ParkedRecord is a record that waits for its category's table to fit.
type ParkedRecord struct {
	ID       int64
	Category string
	Origin   string
	Arrived  time.Time
	Data     []byte
}

// Parked returns up to limit parked records of a category whose id is greater
// than after, oldest first. Apply them with Origin.Parked set to their id.
func (l *Loader) Parked(ctx context.Context, category string, after int64, limit int) ([]ParkedRecord, error) {
	rows, err := l.pool.Query(ctx, `
		SELECT id, category, origin, coalesce(arrived_at, at), bytes FROM hub.reject
		WHERE state = 'parked' AND category = $1 AND id > $2 ORDER BY id LIMIT $3`, category, after, limit)
	if err != nil {
		return nil, fmt.Errorf("load: read parked records of %s: %w", category, err)
	}
	records, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (p ParkedRecord, err error) {
		err = row.Scan(&p.ID, &p.Category, &p.Origin, &p.Arrived, &p.Data)
		return p, err
	})
	if err != nil {
		return nil, fmt.Errorf("load: read parked records of %s: %w", category, err)
	}
	return records, nil
}
