package load

import (
	"maps"
	"slices"

	"github.com/jackc/pgx/v5/pgtype"
)

// A category has up to 50 names: senders choose them. The rows are locked in one
// order, and only sources are locked before the commit that follows.
const storeUnknownSQL = `
INSERT INTO hub.unknown_key AS u (category, key, count)
SELECT category, key, sum(n) FROM (
    SELECT category, n, CASE
        WHEN EXISTS (SELECT FROM hub.unknown_key e WHERE (e.category, e.key) = (k.category, k.key)) THEN key
        WHEN (SELECT count(*) FROM hub.unknown_key e WHERE e.category = k.category) < 50 THEN key
        ELSE '' END AS key
    FROM unnest($1::text[], $2::text[], $3::bigint[]) AS k(category, key, n)
) k
GROUP BY category, key ORDER BY category, key
ON CONFLICT (category, key) DO UPDATE SET count = u.count + excluded.count, seen_at = now()`

// storeUnknown notes the keys without a column of the categories that were applied.
func (a *apply) storeUnknown() {
	var categories, keys []string
	var counts []int64
	for _, g := range a.batch.Groups {
		if _, applied := a.result.Categories[g.Table.Name()]; !applied {
			continue // parked
		}
		for _, key := range slices.Sorted(maps.Keys(g.UnknownKeys)) {
			categories, keys = append(categories, g.Table.Name()), append(keys, storable(key))
			counts = append(counts, g.UnknownKeys[key])
		}
	}
	if len(keys) > 0 {
		a.tx.add("store unknown keys", storeUnknownSQL, nil, a.tx.array(pgtype.TextArrayOID, categories),
			a.tx.array(pgtype.TextArrayOID, keys), a.tx.array(pgtype.Int8ArrayOID, counts))
	}
}
