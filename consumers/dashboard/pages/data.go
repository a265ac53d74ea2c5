package pages

import "github.com/hubspoke/observability/consumers/dashboard/page"

var byCategory = page.Filter{Name: "category", Column: "category", Label: "Category",
	Options: `SELECT DISTINCT category FROM freshness ORDER BY 1`}

var freshness = page.Page{
	Name: "freshness", Path: "/freshness", Title: "Freshness", Group: "Data", Key: "r",
	Question: "Which data are old, and why?",
	Filters: []page.Filter{
		byAccount, byCategory,
		{Name: "status", Column: "status", Computed: true, Label: "Status",
			Options: `VALUES ('fresh'), ('failing'), ('stale'), ('never complete'), ('disabled')`},
		{Name: "red", Column: "red", Boolean: true, Label: "Only stale", Options: `VALUES ('true')`},
	},
	Panels: []page.Panel{
		{Title: "Sources", As: page.Tiles{}, Link: "?status={tone}", SQL: `
			SELECT status AS label, count(*) AS value, status AS tone FROM freshness WHERE true {where} GROUP BY status ORDER BY 2 DESC`},
		{Title: "Stale or failing", Note: "the reason is the spoke's own", All: "/rows/freshness?sort=-age",
			As: page.Table{Empty: "Everything is fresh."}, SQL: `
			SELECT status, age, category, account_id, region, last_outcome, reason FROM freshness
			WHERE status NOT IN ('fresh', 'disabled') {where} ORDER BY red DESC, age DESC NULLS FIRST, account_id, category, region LIMIT 20`},
		{Title: "By category", Width: 7, Link: "?category={category}", As: page.Table{Bar: "stale", Empty: "Nothing is collected yet."}, SQL: `
			SELECT category, count(*) FILTER (WHERE status IN ('fresh', 'failing')) AS fresh, count(*) FILTER (WHERE status = 'failing') AS failing,
			       count(*) FILTER (WHERE red) AS stale, max(age) FILTER (WHERE status <> 'disabled') AS oldest
			FROM freshness WHERE true {where} GROUP BY category ORDER BY stale DESC, failing DESC, oldest DESC NULLS LAST, category`},
		{Title: "By account", Note: "the first 15 by what is stale", Width: 5, Link: "?account={account_id}",
			As: page.Table{Bar: "stale", Empty: "Nothing is collected yet."}, SQL: `
			SELECT account_id, count(*) FILTER (WHERE status = 'failing') AS failing, count(*) FILTER (WHERE red) AS stale,
			       max(age) FILTER (WHERE status <> 'disabled') AS oldest
			FROM freshness WHERE true {where} GROUP BY account_id ORDER BY stale DESC, failing DESC, oldest DESC NULLS LAST, account_id LIMIT 15`},
		{Title: "Accounts and categories",
			Note: "the worst of the regions, of the 40 accounts with most that is stale; ! is stale or never complete, " +
				"~ is failing",
			Link: "/rows/freshness?account_id={account_id}&category={category}",
			As:   page.Matrix{Empty: "Nothing is collected yet."}, SQL: `
			WITH account AS (
			    SELECT account_id, count(*) FILTER (WHERE red) AS stale, count(*) FILTER (WHERE status = 'failing') AS failing
			    FROM freshness WHERE true {where} GROUP BY 1 ORDER BY 2 DESC, 3 DESC, 1 LIMIT 40
			), one AS (
			    SELECT account_id, category, stale, failing,
			           min(array_position(ARRAY['never complete', 'stale', 'failing', 'fresh', 'disabled'], status)) AS worst
			    FROM freshness JOIN account USING (account_id) WHERE true {where} GROUP BY 1, 2, 3, 4
			), line AS (
			    SELECT account_id, stale, failing, jsonb_object_agg(category, worst) AS worst FROM one GROUP BY 1, 2, 3
			)
			SELECT category, account_id,
			       (ARRAY['never complete', 'stale', 'failing', 'fresh', 'disabled'])[(worst ->> category)::integer] AS status
			FROM line CROSS JOIN (SELECT DISTINCT category FROM one) c
			ORDER BY stale DESC, failing DESC, account_id, category`},
		{Title: "Accounts without a spoke", Width: 6,
			All: "/rows/coverage?status=no%20spoke",
			As:  page.Table{Empty: "Every known account has a spoke."}, SQL: `
			SELECT DISTINCT account_id, status, named_by FROM coverage WHERE named_by IS NOT NULL {where account} ORDER BY 1 LIMIT 20`},
		{Title: "Shards", Note: "those that are furthest behind", All: "/rows/stream_progress", Width: 6,
			As: page.Table{Empty: "Nothing has come by a stream."}, SQL: `
			SELECT shard, applied_to_at, updated_at FROM stream_progress
			WHERE NOT ended ORDER BY applied_to_at NULLS FIRST, shard LIMIT 15`},
		{Title: "Views", Note: "what pages are made of; those that need a look first", All: "/rows/view_status", As: page.Table{}, SQL: `
			SELECT view_name, red, refreshed_at, duration_ms, refreshes, waiting_since, error FROM view_status
			ORDER BY red DESC, waiting_since NULLS LAST, refreshed_at, view_name LIMIT 15`},
	},
}

var rejects = page.Page{
	Name: "rejects", Path: "/rejects", Title: "Rejects", Group: "Data",
	Question: "What could not be applied?",
	Filters:  []page.Filter{byAccount, byCategory},
	Panels: []page.Panel{
		{Title: "By category", Note: "hub rejects shows them one by one, and hub check says why records are parked",
			As: page.Table{Bar: "open_rejects", Empty: "Nothing was rejected."}, SQL: `
			SELECT category, open_rejects, parked, accounts, last_run_at FROM collection_status
			WHERE (open_rejects > 0 OR parked > 0) {where category} ORDER BY open_rejects DESC, parked DESC, category`},
		{Title: "By reason", Note: "the newest first",
			Link: "/rows/reject_status?reason={reason}&state={state}&category={category}",
			All:  "/rows/reject_status?sort=-newest_at", As: page.Table{Bar: "rejects", Empty: "Nothing was rejected."}, SQL: `
			SELECT reason, state, category, count(DISTINCT account_id) AS accounts, sum(rejects) AS rejects, min(first_at) AS first_at,
			       max(newest_at) AS newest_at
			FROM reject_status WHERE true {where} GROUP BY 1, 2, 3 ORDER BY newest_at DESC, 1, 2, 3 LIMIT 25`},
		{Title: "Sources with refused rows", Note: "of their newest runs", All: "/rows/freshness?rejects=%3E0",
			As: page.Table{Bar: "rejects", Empty: "No run has refused rows."}, SQL: `
			SELECT category, account_id, region, rejects, last_run_at, reason FROM freshness WHERE rejects > 0 {where}
			ORDER BY rejects DESC, category, account_id, region LIMIT 50`},
		{Title: "Gaps in the stream", Note: "hub replay applies the archive of those days", All: "/rows/stream_gaps",
			As: page.Table{Empty: "Nothing was missed."}, SQL: `
			SELECT shard, from_at, until_at, reason, stream FROM stream_gaps ORDER BY until_at DESC, shard LIMIT 25`},
	},
}
