package load

import (
	"time"

	"github.com/jackc/pgx/v5/pgtype"
)

// Of all ends of a scope the one is kept that names the newest run, and of those the
// newest: so it does not matter in which order they arrive, nor that two spokes name runs
// of their own. What it is worth is decided by who reads it; see the view scope_status.
const storeUnchangedSQL = `
WITH newer AS (
    SELECT DISTINCT k.*, s.account_id, s.category
    FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::timestamptz[], $5::bigint[], $6::bigint[], $7::bigint[])
      AS k(scope, run, base, at, requests, paid_requests, usd_micros)
    JOIN hub.scope s USING (scope)
    WHERE s.unchanged_run IS NULL OR (k.base, k.run) > (s.unchanged_base, s.unchanged_run)
), newest AS (
    SELECT DISTINCT ON (scope) scope, run, base, at FROM newer ORDER BY scope, base DESC, run DESC
), counted AS (
    SELECT n.scope, n.run, n.base, n.at, count(DISTINCT c.run) AS runs, sum(c.requests)::bigint AS requests
    FROM newest n JOIN newer c USING (scope, base) GROUP BY 1, 2, 3, 4
), costs AS (
    INSERT INTO hub.run_cost (account_id, category, month, requests, paid_requests, usd_micros)
    SELECT account_id, category, date_trunc('month', at AT TIME ZONE 'UTC'), sum(requests), sum(paid_requests), sum(usd_micros)
    FROM newer WHERE requests > 0 GROUP BY 1, 2, 3
)
UPDATE hub.scope s
SET unchanged_run = k.run, unchanged_base = k.base, unchanged_at = k.at,
    unchanged_runs = CASE WHEN s.unchanged_base = k.base THEN s.unchanged_runs ELSE 0 END + k.runs,
    unchanged_requests = CASE WHEN s.unchanged_base = k.base THEN s.unchanged_requests ELSE 0 END + k.requests
FROM counted k
WHERE s.scope = k.scope`

// storeUnchanged notes runs that found their scopes as an earlier run did. They touch no
// row, supersede nothing and complete nothing, and hub.run has none of them.
func (t *attempt) storeUnchanged(ends []*End) {
	if len(ends) == 0 {
		return
	}
	var scopes, runs, bases []id
	var times []time.Time
	var requests, paid, usdMicros []int64
	for _, e := range ends {
		scopes, runs, bases = append(scopes, t.scopes[e.Scope].id), append(runs, id(e.Run)), append(bases, id(e.SameAs))
		times, requests = append(times, e.Run.Time()), append(requests, e.Requests)
		paid, usdMicros = append(paid, e.PaidRequests), append(usdMicros, e.USDMicros)
	}
	bigints := func(values []int64) param { return t.tx.array(pgtype.Int8ArrayOID, values) }
	t.tx.add("store unchanged runs", storeUnchangedSQL, nil, uuidList(scopes), uuidList(runs), uuidList(bases),
		t.tx.array(pgtype.TimestamptzArrayOID, times), bigints(requests), bigints(paid), bigints(usdMicros))
}
