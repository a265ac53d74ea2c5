-- How far the data of each source can be trusted is stored, so that nobody need look at
-- every run to know it.

-- +goose Up
-- Slices that are days belong to one source: old days are not read any more. Other slices
-- are kinds, each collected again and again, and a source of its own.
CREATE FUNCTION hub.source_slice(slice text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
SELECT CASE WHEN slice ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' THEN '' ELSE slice END
$$;
COMMENT ON FUNCTION hub.source_slice IS 'Slice of the source that a slice belongs to: empty for a day, else the same.';
DROP INDEX hub.scope_category_account;
CREATE INDEX scope_source ON hub.scope (category, account_id, region, hub.source_slice(slice), slice);

CREATE INDEX reject_part ON hub.reject (run) WHERE part IS NOT NULL AND row_number IS NULL;

-- The newest run that has ended tells how collecting goes. The time between runs is
-- what the spoke says of it, else the median of the last ten: neither an outage nor a
-- few runs by hand move that.
CREATE VIEW hub.scope_state AS
SELECT s.scope, s.category, s.account_id, s.region, s.slice,
       greatest(newest.collected_at, s.unchanged_at) AS last_run_at,
       ended.outcome AS last_outcome,
       left(ended.error, 500) AS last_error,
       coalesce(newest.rejects, 0) + CASE WHEN ended.run < newest.run THEN ended.rejects ELSE 0 END AS rejects,
       complete.collected_at AS complete_run_at,
       -- A run that found the scope as the newest complete one did, and nothing else came
       -- between the two, or is forgotten.
       CASE WHEN s.unchanged_base = s.complete_run AND s.complete_run = s.full_run
                 AND (s.pruned_run IS NULL OR s.pruned_run < s.unchanged_base)
                 AND NOT EXISTS (SELECT FROM hub.run r WHERE r.scope = s.scope AND r.run > s.unchanged_base AND r.run < s.unchanged_run)
            THEN s.unchanged_at ELSE complete.collected_at END AS seen_at,
       coalesce(newest.every, usual.run_interval) AS run_interval,
       nullif(s.live_rows, -1) AS live_rows,
       concat_ws('; ',
           CASE WHEN ended.outcome NOT IN ('ok', 'empty') THEN concat_ws(': ', ended.outcome, nullif(ended.error, '')) END,
           CASE WHEN ended.missing > 0 THEN format('%s of %s parts did not arrive', ended.missing, ended.end_parts) END,
           refused.parts,
           CASE WHEN ended.rejects > 0 THEN format('refused rows: %s', ended.rejects) END,
           CASE WHEN ended.lost AND ended.missing = 0 AND ended.rejects = 0
                THEN format('rows: %s arrived, the end says %s', ended.rows, ended.end_rows) END,
           CASE WHEN newest.outcome IS NULL AND newest.rejects > 0 THEN format('refused rows of the run under way: %s', newest.rejects) END
       ) AS reason,
       CASE WHEN newest.outcome IS NULL
            THEN newest.collected_at + make_interval(secs => extract(epoch FROM
                     greatest(coalesce(newest.every, usual.run_interval, '1 day'), '1 hour'))::float8) END AS overdue_at,
       CASE WHEN newest.outcome IS NULL AND newest.run IS NOT NULL THEN 'the end of the newest run did not arrive' END AS overdue_reason
FROM hub.scope s
LEFT JOIN LATERAL (
    SELECT run, collected_at, outcome, rejects, justify_hours(make_interval(secs => every)) AS every
    FROM hub.run r WHERE r.scope = s.scope ORDER BY r.run DESC LIMIT 1
) newest ON true
LEFT JOIN LATERAL (
    SELECT run, outcome, error, rejects, rows, end_parts, end_rows,
           outcome IN ('ok', 'empty') AND completed_at IS NULL AS lost,
           CASE WHEN outcome IN ('ok', 'empty') AND completed_at IS NULL THEN greatest(end_parts - parts, 0) ELSE 0 END AS missing
    FROM hub.run r WHERE r.scope = s.scope AND outcome IS NOT NULL ORDER BY r.run DESC LIMIT 1
) ended ON true
LEFT JOIN LATERAL (
    SELECT string_agg(format('part %s was refused (%s)', part, p.reason), '; ' ORDER BY part, p.reason) AS parts
    FROM (SELECT DISTINCT part, j.reason
          FROM hub.reject j
          WHERE ended.lost AND j.account_id = s.account_id AND j.category = s.category AND j.region = s.region AND j.slice = s.slice
            AND j.run = ended.run AND j.part IS NOT NULL AND j.row_number IS NULL
          ORDER BY part, reason LIMIT 3) p
) refused ON true
LEFT JOIN hub.run complete ON complete.scope = s.scope AND complete.run = s.complete_run
LEFT JOIN LATERAL (
    SELECT coalesce(justify_hours(make_interval(secs => (array_agg(every ORDER BY run DESC) FILTER (WHERE every IS NOT NULL))[1])),
                    percentile_cont(0.5) WITHIN GROUP (ORDER BY gap)) AS run_interval
    FROM (SELECT run, every, collected_at - lead(collected_at) OVER (ORDER BY run DESC) AS gap
          FROM (SELECT run, every, collected_at FROM hub.run r WHERE r.scope = s.scope ORDER BY r.run DESC LIMIT 11) last) gaps
    WHERE newest.every IS NULL
) usual ON true;
COMMENT ON VIEW hub.scope_state IS 'What the runs of each scope say of it, at whatever time one asks: the view scope_status without its columns that depend on the time.';
COMMENT ON COLUMN hub.scope_state.overdue_at IS 'From when on overdue_reason is a reason, too. Null: the newest run has ended.';

CREATE TABLE hub.source (
    category        text        NOT NULL,
    account_id      text        NOT NULL,
    region          text        NOT NULL,
    slice           text        NOT NULL,
    last_run_at     timestamptz,
    last_outcome    text,
    last_error      text,
    rejects         bigint      NOT NULL DEFAULT 0,
    complete_run_at timestamptz,
    seen_at         timestamptz,
    stale_after     interval    NOT NULL DEFAULT '0',
    disabled_until  timestamptz,
    red_at          timestamptz NOT NULL DEFAULT '-infinity',
    reason          text        NOT NULL DEFAULT '',
    overdue_at      timestamptz,
    overdue_reason  text,
    PRIMARY KEY (category, account_id, region, slice)
) WITH (
    autovacuum_vacuum_scale_factor = 0.05,
    autovacuum_analyze_scale_factor = 0.02
);
COMMENT ON TABLE hub.source IS 'What hub.source_state computes of each source, stored by the transaction that changes it. The view freshness compares it with the time.';
COMMENT ON COLUMN hub.source.slice IS 'See hub.source_slice.';
COMMENT ON COLUMN hub.source.disabled_until IS 'Until when the source counts as disabled. Null: its newest run says otherwise.';
COMMENT ON COLUMN hub.source.red_at IS 'From when on the source is red: stale, or never complete.';
COMMENT ON COLUMN hub.source.reason IS 'Why the newest run was not complete; empty if it was.';
COMMENT ON COLUMN hub.source.overdue_at IS 'From when on overdue_reason is a reason, too. Null: no end is awaited.';
CREATE INDEX source_account ON hub.source (account_id);
CREATE INDEX source_red ON hub.source (red_at);
CREATE INDEX source_seen ON hub.source (seen_at);

-- Days are as fresh as the freshest of them, and the newest 20 tell how collecting goes.
--
-- Stale is what missed two runs; no category is collected so often that an hour
-- would be late. Where the interval is not known yet, it is taken for a day.
CREATE FUNCTION hub.source_state(category text, account_id text, region text, slice text) RETURNS SETOF hub.source LANGUAGE sql STABLE AS $$
SELECT $1, $2, $3, $4, last_run_at, last_outcome, last_error, rejects, complete_run_at, seen_at, stale_after, disabled_until,
       greatest(CASE WHEN complete_run_at IS NULL THEN '-infinity' ELSE seen_at + patience END, disabled_until),
       reason, overdue_at, overdue_reason
FROM (
    SELECT *, CASE WHEN last_outcome = 'disabled' THEN last_run_at + patience END AS disabled_until
    FROM (
        SELECT *, make_interval(secs => extract(epoch FROM stale_after)::float8) AS patience
        FROM (
            SELECT max(last_run_at) AS last_run_at,
                   (array_agg(last_outcome ORDER BY last_run_at DESC, s.slice DESC) FILTER (WHERE last_outcome IS NOT NULL))[1] AS last_outcome,
                   (array_agg(last_error ORDER BY last_run_at DESC, s.slice DESC) FILTER (WHERE last_outcome IS NOT NULL))[1] AS last_error,
                   sum(rejects)::bigint AS rejects,
                   max(complete_run_at) AS complete_run_at,
                   max(seen_at) AS seen_at,
                   greatest(2 * coalesce(percentile_cont(0.5) WITHIN GROUP (ORDER BY run_interval), interval '1 day') + interval '10 minutes',
                            interval '1 hour') AS stale_after,
                   coalesce((array_agg(concat_ws(': ', day, reason) ORDER BY last_run_at DESC, s.slice DESC)
                             FILTER (WHERE reason <> ''))[1], '') AS reason,
                   min(overdue_at) AS overdue_at,
                   (array_agg(concat_ws(': ', day, overdue_reason) ORDER BY overdue_at, s.slice DESC)
                    FILTER (WHERE overdue_at IS NOT NULL))[1] AS overdue_reason
            FROM (
                SELECT n.scope FROM hub.scope n
                WHERE n.category = $1 AND n.account_id = $2 AND n.region = $3 AND hub.source_slice(n.slice) = $4
                ORDER BY n.slice DESC LIMIT 20
            ) newest
            JOIN hub.scope_state s USING (scope)
            CROSS JOIN LATERAL (SELECT nullif(s.slice, $4) AS day) d
            HAVING count(*) > 0
        ) runs
    ) patient
) source
$$;
COMMENT ON FUNCTION hub.source_state IS 'What the runs of a source say of it: its row in hub.source. No row: it has no scope.';

-- A source is locked before its runs are read, so that of two transactions the later one
-- sees what the earlier one did; and in the order of the key, so that they wait for each
-- other in no circle. The settings keep its plans independent of statistics, and make
-- them once.
-- +goose StatementBegin
CREATE FUNCTION hub.store_sources(categories text[], accounts text[], regions text[], slices text[]) RETURNS void LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $$
BEGIN
    SELECT array_agg(k.category), array_agg(k.account), array_agg(k.region), array_agg(k.slice)
    INTO categories, accounts, regions, slices
    FROM (SELECT DISTINCT u.category, u.account, u.region, hub.source_slice(u.slice) AS slice
          FROM unnest(categories, accounts, regions, slices) AS u (category, account, region, slice)) k;

    INSERT INTO hub.source AS s (category, account_id, region, slice)
    SELECT * FROM unnest(categories, accounts, regions, slices) ORDER BY 1, 2, 3, 4
    ON CONFLICT (category, account_id, region, slice) DO UPDATE SET slice = s.slice WHERE false;

    UPDATE hub.source s
    SET (last_run_at, last_outcome, last_error, rejects, complete_run_at, seen_at, stale_after, disabled_until, red_at,
         reason, overdue_at, overdue_reason)
      = ROW (n.last_run_at, n.last_outcome, n.last_error, n.rejects, n.complete_run_at, n.seen_at, n.stale_after, n.disabled_until, n.red_at,
             n.reason, n.overdue_at, n.overdue_reason)
    FROM unnest(categories, accounts, regions, slices) AS k (category, account, region, slice)
    CROSS JOIN LATERAL hub.source_state(k.category, k.account, k.region, k.slice) n
    WHERE s.category = k.category AND s.account_id = k.account AND s.region = k.region AND s.slice = k.slice
      AND s.* IS DISTINCT FROM n.*;

    DELETE FROM hub.source s
    USING unnest(categories, accounts, regions, slices) AS k (category, account, region, slice)
    WHERE s.category = k.category AND s.account_id = k.account AND s.region = k.region AND s.slice = k.slice
      AND NOT EXISTS (SELECT FROM hub.scope c WHERE c.category = k.category AND c.account_id = k.account AND c.region = k.region
                        AND hub.source_slice(c.slice) = k.slice);
END
$$;
-- +goose StatementEnd
COMMENT ON FUNCTION hub.store_sources IS 'Brings hub.source up to date for the sources that scopes belong to: as its last, each transaction calls it that changes what hub.scope, hub.run or hub.reject has of them.';

CREATE FUNCTION hub.store_all_sources() RETURNS void LANGUAGE sql AS $$
SELECT hub.store_sources(array_agg(category), array_agg(account_id), array_agg(region), array_agg(slice))
FROM (SELECT category, account_id, region, slice FROM hub.scope
      UNION SELECT category, account_id, region, slice FROM hub.source) s
$$;
COMMENT ON FUNCTION hub.store_all_sources IS 'Brings all of hub.source up to date. Loaders wait for it, if not those of a version without hub.source.';

-- +goose Down
DROP FUNCTION hub.store_all_sources;
DROP FUNCTION hub.store_sources;
DROP FUNCTION hub.source_state;
DROP TABLE hub.source;
DROP VIEW hub.scope_state CASCADE;
DROP INDEX hub.reject_part;
DROP INDEX hub.scope_source;
CREATE INDEX scope_category_account ON hub.scope (category, account_id);
DROP FUNCTION hub.source_slice;
