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

	"github.com/hubspoke/observability/lib/rowjson"
	"github.com/hubspoke/observability/lib/schema"
)

// What is kept of a reject at most, in bytes; of the rest size and SHA-256.
const (
	// MaxRowBytes of a row.
	MaxRowBytes = 4 << 10
	// MaxRecordBytes of a record, or of all its rows together.
	MaxRecordBytes = 64 << 10
)

// Excerpt is what is kept of bytes that were refused.
type Excerpt struct {
	// Bytes are the first of them. Nil: none are kept.
	Bytes []byte
	// Size of all of them.
	Size int
	// SHA256 of all of them. Not set if Size is 0.
	SHA256 [32]byte
}

// ExcerptOf returns a copy of at most limit bytes of b, and what b was.
func ExcerptOf(b []byte, limit int) Excerpt {
	if len(b) == 0 {
		return Excerpt{}
	}
	kept := make([]byte, min(len(b), limit))
	copy(kept, b)
	return Excerpt{Bytes: kept, Size: len(b), SHA256: sha256.Sum256(b)}
}

// storedReject is one row of hub.reject.
type storedReject struct {
	reason, detail string
	scope          schema.Scope
	run            *id
	part, row      *int32
	origin         Origin
	Excerpt
}

// rejectKey is what rejects are counted by.
type rejectKey struct{ account, reason string }

func (r *storedReject) key() rejectKey { return rejectKey{storable(r.scope.Account), r.reason} }

// rejectRecord returns the reject of a record; limit is how many of its bytes are kept.
func rejectRecord(r Reject, limit int) storedReject {
	s := storedReject{
		reason: string(r.Reason), detail: r.Detail, scope: r.Scope, origin: r.Origin,
		Excerpt: ExcerptOf(r.Origin.Data, limit),
	}
	s.origin.Data = nil
	if r.Run != (schema.RunID{}) {
		run := id(r.Run)
		s.run = &run
	}
	if r.Part != nil {
		part := int32(*r.Part)
		s.part = &part
	}
	return s
}

func recordReject(r Reject) storedReject { return rejectRecord(r, MaxRecordBytes) }

func parkedRecord(r Reject) storedReject { return rejectRecord(r, len(r.Origin.Data)) }

func rowReject(p *Part, r RowReject) storedReject {
	run, part, row := id(p.Run), int32(p.Number), int32(r.Row)
	s := storedReject{
		reason: string(r.Reason), detail: r.Detail, scope: p.Scope,
		run: &run, part: &part, row: &row, origin: p.Origin, Excerpt: r.Excerpt,
	}
	s.origin.Data = nil
	return s
}

// rowText returns what is kept of a row of a record, as JSON.
func rowText(t *schema.Table, rec arrow.Record, row int) Excerpt {
	e, err := rowjson.NewEncoder(t, rec)
	if err != nil {
		return Excerpt{}
	}
	return ExcerptOf(e.AppendRow(nil, row), MaxRowBytes)
}

// rejectList gathers rejects of an attempt. No more of one account and reason are
// kept than may be stored; the others are counted.
type rejectList struct {
	limit int
	kept  []storedReject
	of    map[rejectKey]int
	more  map[rejectKey]int64
}

// add keeps the reject that r returns, or counts it.
func (l *rejectList) add(key rejectKey, r func() storedReject) {
	if l.of == nil {
		l.of, l.more = map[rejectKey]int{}, map[rejectKey]int64{}
	}
	if l.of[key] >= l.limit {
		l.more[key]++
		return
	}
	l.of[key]++
	l.kept = append(l.kept, r())
}

// record adds the reject of a record.
func (l *rejectList) record(r Reject) {
	l.add(rejectKey{storable(r.Scope.Account), string(r.Reason)}, func() storedReject { return recordReject(r) })
}

// join adds those of another list.
func (l *rejectList) join(other *rejectList) {
	for _, r := range other.kept {
		l.add(r.key(), func() storedReject { return r })
	}
	for key, n := range other.more {
		if l.more == nil {
			l.of, l.more = map[rejectKey]int{}, map[rejectKey]int64{}
		}
		l.more[key] += n
	}
}

// A record that is read again is rejected again; it is stored once (index reject_record).
const insertRejectsSQL = `
INSERT INTO hub.reject (state, reason, detail, category, account_id, region, slice, run, part, row_number,
                        origin, arrived_at, size, sha256, bytes)
SELECT $1::text, * FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::uuid[], $9::integer[], $10::integer[],
                               $11::text[], $12::timestamptz[], $13::bigint[], $14::bytea[], $15::bytea[])
ON CONFLICT DO NOTHING`

// Those of unknown accounts are counted together: their names are the sender's.
const countRejectsSQL = `
INSERT INTO hub.reject_count AS c (account_id, reason, counted, counted_at)
SELECT account_id, reason, n, now() FROM unnest($1::text[], $2::text[], $3::bigint[]) AS k(account_id, reason, n)
ON CONFLICT (account_id, reason) DO UPDATE SET counted = c.counted + excluded.counted, counted_at = excluded.counted_at`

// storeRejects inserts the rejects and the parked records of the batch, and
// removes parked records that were applied.
func (a *apply) storeRejects(ctx context.Context) error {
	if len(a.rejects.kept)+len(a.parked)+len(a.done) == 0 {
		return nil
	}
	if err := a.tx.send(ctx); err != nil {
		return err
	}
	if err := a.checkParkedLimit(ctx); err != nil {
		return err
	}
	if len(a.rejects.kept) > 0 {
		if err := a.storeOpen(ctx); err != nil {
			return err
		}
	}
	if _, err := a.insertRejects(ctx, "parked", a.parked); err != nil {
		return err
	}
	if len(a.done) == 0 {
		return nil
	}
	rows, err := a.tx.conn.Query(ctx, `
		DELETE FROM hub.reject WHERE id = ANY($1) AND state = 'parked' RETURNING category, account_id, region, slice`, a.done)
	if err != nil {
		return err
	}
	done, err := pgx.CollectRows(rows, pgx.RowToStructByPos[schema.Scope])
	a.refused = append(a.refused, done...)
	return err
}

// storeOpen stores as many of the rejects as may be, with as many of their bytes,
// and counts the others.
func (a *apply) storeOpen(ctx context.Context) error {
	room, err := a.rejectRoom(ctx)
	if err != nil {
		return err
	}
	counted := a.rejects.more
	if counted == nil {
		counted = map[rejectKey]int64{}
	}
	stored := a.rejects.kept[:0:0]
	for _, r := range a.rejects.kept {
		if key := r.key(); !room.forReject(key) {
			counted[key]++
			continue
		}
		if !room.forBytes(&r) {
			r.Bytes = nil
		}
		stored = append(stored, r)
	}
	inserted, err := a.insertRejects(ctx, "open", stored)
	if err != nil {
		return err
	}
	a.result.Rejects += inserted
	return a.countRejects(ctx, room, counted)
}

func (a *apply) countRejects(ctx context.Context, room *rejectRoom, counted map[rejectKey]int64) error {
	sums := map[rejectKey]int64{}
	for key, n := range counted {
		a.result.Rejects += int(n)
		if !room.known[key] && room.open <= 0 {
			key.account = ""
		}
		sums[key] += n
	}
	if len(sums) == 0 {
		return nil
	}
	var accounts, reasons []string
	var numbers []int64
	for key, n := range sums {
		accounts, reasons, numbers = append(accounts, key.account), append(reasons, key.reason), append(numbers, n)
	}
	_, err := a.tx.conn.Exec(ctx, countRejectsSQL, accounts, reasons, numbers)
	return err
}

// rejectRoom is what may still be stored.
type rejectRoom struct {
	open, bytes int64 // in all
	ofKey       map[rejectKey]int64
	ofAccount   map[string]int64 // bytes
	ofRecord    map[string]int64 // bytes, by origin
	known       map[rejectKey]bool
	config      *Config
}

// rejectRoom reads what may still be stored, after it has locked out others who
// store rejects: until the transaction ends, which is soon.
func (a *apply) rejectRoom(ctx context.Context) (*rejectRoom, error) {
	config := &a.loader.config
	r := &rejectRoom{
		ofKey: map[rejectKey]int64{}, ofAccount: map[string]int64{}, ofRecord: map[string]int64{},
		known: map[rejectKey]bool{}, config: config,
	}
	var accounts []string
	for key := range a.rejects.of {
		accounts = append(accounts, key.account)
		r.ofKey[key], r.ofAccount[key.account] = int64(config.RejectLimit), config.AccountRejectBytes
	}
	err := a.tx.conn.QueryRow(ctx, `SELECT $1 - open, $2 - bytes FROM hub.reject_total FOR UPDATE`,
		config.TotalRejectLimit, config.TotalRejectBytes).Scan(&r.open, &r.bytes)
	if err != nil {
		return nil, err
	}
	rows, err := a.tx.conn.Query(ctx,
		`SELECT account_id, reason, open, bytes FROM hub.reject_count WHERE account_id = ANY($1)`, accounts)
	if err != nil {
		return nil, err
	}
	var key rejectKey
	var open, bytes int64
	_, err = pgx.ForEachRow(rows, []any{&key.account, &key.reason, &open, &bytes}, func() error {
		r.known[key] = true
		r.ofKey[key] -= open
		r.ofAccount[key.account] -= bytes
		return nil
	})
	return r, err
}

// forReject takes the room of one reject, if there is any.
func (r *rejectRoom) forReject(key rejectKey) bool {
	if r.open <= 0 || r.ofKey[key] <= 0 {
		return false
	}
	r.open--
	r.ofKey[key]--
	r.known[key] = true
	return true
}

// forBytes takes the room of the bytes of one reject, if there is enough.
func (r *rejectRoom) forBytes(s *storedReject) bool {
	n, account := int64(len(s.Bytes)), storable(s.scope.Account)
	if n > r.bytes || n > r.ofAccount[account] || s.origin.Name != "" && r.ofRecord[s.origin.Name]+n > MaxRecordBytes {
		return false
	}
	r.bytes -= n
	r.ofAccount[account] -= n
	r.ofRecord[s.origin.Name] += n
	return true
}

// rejectsAtOnce and rejectBytesAtOnce bound what is inserted by one statement,
// which is in memory three times.
const (
	rejectsAtOnce     = 5000
	rejectBytesAtOnce = 8 << 20
)

func (a *apply) insertRejects(ctx context.Context, state string, rejects []storedReject) (inserted int, err error) {
	for len(rejects) > 0 {
		n, bytes := 0, 0
		for n < len(rejects) && n < rejectsAtOnce && (n == 0 || bytes+len(rejects[n].Bytes) <= rejectBytesAtOnce) {
			bytes += len(rejects[n].Bytes)
			n++
		}
		tag, err := a.tx.conn.Exec(ctx, insertRejectsSQL, rejectColumns(state, rejects[:n])...)
		if err != nil {
			return inserted, err
		}
		inserted += int(tag.RowsAffected())
		for i := range rejects[:n] {
			if r := &rejects[i]; r.part != nil && r.row == nil {
				a.refused = append(a.refused, storableScope(r.scope))
			}
		}
		rejects = rejects[n:]
	}
	return inserted, nil
}

// rejectColumns returns the parameters of insertRejectsSQL.
func rejectColumns(state string, rejects []storedReject) []any {
	n := len(rejects)
	texts := make([][]string, 7)
	for i := range texts {
		texts[i] = make([]string, n)
	}
	runs, parts, rows := make([]*id, n), make([]*int32, n), make([]*int32, n)
	arrived, sizes := make([]*time.Time, n), make([]int64, n)
	sums, bytes := make([][]byte, n), make([][]byte, n)
	for i := range rejects {
		r := &rejects[i]
		for j, text := range []string{r.reason, r.detail, r.scope.Category, r.scope.Account, r.scope.Region, r.scope.Slice,
			r.origin.Name} {
			texts[j][i] = storable(text)
		}
		runs[i], parts[i], rows[i] = r.run, r.part, r.row
		if !r.origin.Arrived.IsZero() {
			arrived[i] = &r.origin.Arrived
		}
		sizes[i], bytes[i] = int64(r.Size), r.Bytes
		if r.Size == 0 {
			r.SHA256, bytes[i] = sha256.Sum256(nil), []byte{} // null says that they were not kept
		}
		sums[i] = r.SHA256[:]
	}
	return []any{
		state, texts[0], texts[1], texts[2], texts[3], texts[4], texts[5], runs, parts, rows,
		texts[6], arrived, sizes, sums, bytes,
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

// storableScope is a scope as hub.reject has it.
func storableScope(s schema.Scope) schema.Scope {
	return schema.Scope{Category: storable(s.Category), Account: storable(s.Account), Region: storable(s.Region),
		Slice: storable(s.Slice)}
}

// checkParkedLimit refuses to park more than the Loader may keep.
func (a *apply) checkParkedLimit(ctx context.Context) error {
	if len(a.parked) == 0 {
		return nil
	}
	limit := a.loader.config.ParkedLimit
	var parked int
	err := a.tx.conn.QueryRow(ctx, `SELECT count(*) FROM (SELECT FROM hub.reject WHERE state = 'parked' LIMIT $1) x`,
		limit+1).Scan(&parked)
	if err == nil && parked+len(a.parked) > limit {
		err = ErrParkedFull
	}
	return err
}

// ParkedRecord is a record that waits for its category's table to fit.
type ParkedRecord struct {
	ID       int64
	Category string
	Origin   string
	Arrived  time.Time
	Data     []byte
}

// Parked returns up to limit parked records of a category with an id greater than
// after, oldest first. Apply them with Origin.Parked set to their id.
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

// Without a part that was refused, another reason may stand for its run.
const pruneRejectsSQL = `
WITH old AS (
    DELETE FROM hub.reject WHERE id IN (
        SELECT id FROM hub.reject WHERE state = 'open' AND at < now() - $1::interval ORDER BY id LIMIT $2)
    RETURNING category, account_id, region, slice, part IS NOT NULL AND row_number IS NULL AS is_part
)
SELECT count(*), array_agg(category) FILTER (WHERE is_part), array_agg(account_id) FILTER (WHERE is_part),
       array_agg(region) FILTER (WHERE is_part), array_agg(slice) FILTER (WHERE is_part)
FROM old`

// PruneRejects deletes rejects, not parked records, that were stored longer than
// keep ago, and numbers of those that were only counted, if none came since then. It
// returns how many rejects it deleted.
func (l *Loader) PruneRejects(ctx context.Context, keep time.Duration) (rejects int64, err error) {
	const atOnce = 10_000
	for {
		var deleted int64
		err := pgx.BeginFunc(ctx, l.pool, func(tx pgx.Tx) error {
			var parts sources
			err := tx.QueryRow(ctx, pruneRejectsSQL, keep, atOnce).Scan(append([]any{&deleted}, parts.columns()...)...)
			if err != nil {
				return err
			}
			return parts.store(ctx, tx)
		})
		if err != nil {
			return rejects, fmt.Errorf("load: prune rejects: %w", err)
		}
		rejects += deleted
		if deleted == atOnce {
			continue
		}
		_, err = l.pool.Exec(ctx,
			`DELETE FROM hub.reject_count WHERE open <= 0 AND coalesce(counted_at < now() - $1::interval, true)`, keep)
		if err != nil {
			return rejects, fmt.Errorf("load: prune rejects: %w", err)
		}
		return rejects, nil
	}
}
