-- How far the data can be trusted: what was collected when, and whether the
-- materialized views show it.

-- The newest run that has ended tells how collecting goes. The time between runs
-- is the median of the last ten: neither an outage nor a few runs by hand move it.
CREATE VIEW scope_status AS
SELECT s.category, s.account_id, s.region, s.slice, s.slice_number,
       newest.collected_at AS last_run_at,
       ended.outcome AS last_outcome,
       ended.error AS last_error,
       coalesce(newest.rejects, 0) AS rejects,
       complete.collected_at AS complete_run_at,
       now() - complete.collected_at AS age,
       usual.gap AS run_interval,
       nullif(s.live_rows, -1) AS live_rows
FROM (
    SELECT *, row_number() OVER (PARTITION BY category, account_id, region ORDER BY slice DESC) AS slice_number
    FROM hub.scope
) s
LEFT JOIN LATERAL (
    SELECT collected_at, rejects FROM hub.run r WHERE r.scope = s.scope ORDER BY r.run DESC LIMIT 1
) newest ON true
LEFT JOIN LATERAL (
    SELECT outcome, error FROM hub.run r WHERE r.scope = s.scope AND outcome IS NOT NULL ORDER BY r.run DESC LIMIT 1
) ended ON true
LEFT JOIN hub.run complete ON complete.scope = s.scope AND complete.run = s.complete_run
LEFT JOIN LATERAL (
    SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY gap) AS gap
    FROM (SELECT collected_at - lead(collected_at) OVER (ORDER BY run DESC) AS gap
          FROM (SELECT run, collected_at FROM hub.run r WHERE r.scope = s.scope ORDER BY r.run DESC LIMIT 11) last) gaps
) usual ON true;

COMMENT ON VIEW scope_status IS 'What was collected, a row per category, account, region and slice. Filter by category, account_id and region: it looks at every run otherwise.';
COMMENT ON COLUMN scope_status.category IS 'Category.';
COMMENT ON COLUMN scope_status.account_id IS 'Account that was collected.';
COMMENT ON COLUMN scope_status.region IS 'Region that was collected; global for services without regions.';
COMMENT ON COLUMN scope_status.slice IS 'Slice, such as the day of costs; empty for categories without.';
COMMENT ON COLUMN scope_status.slice_number IS '1 for the newest slice, 2 for the one before and so on.';
COMMENT ON COLUMN scope_status.last_run_at IS 'Start of the newest run, in whatever state.';
COMMENT ON COLUMN scope_status.last_outcome IS 'Outcome of the newest run that has ended: ok, empty, partial, denied, throttled, disabled or failed. Null: none has.';
COMMENT ON COLUMN scope_status.last_error IS 'Error text of that run.';
COMMENT ON COLUMN scope_status.rejects IS 'Rows of the newest run that were refused.';
COMMENT ON COLUMN scope_status.complete_run_at IS 'Start of the newest complete run: the state of the rows is of this time. Null: none was complete.';
COMMENT ON COLUMN scope_status.age IS 'Time since then.';
COMMENT ON COLUMN scope_status.run_interval IS 'Usual time between runs. Null: there was one only.';
COMMENT ON COLUMN scope_status.live_rows IS 'Rows that are not gone. Null: not counted.';

-- A category in slices is as fresh as its freshest slice: old days are not read
-- any more. Its newest 20 slices tell how collecting goes.
--
-- Stale is what missed two runs; no category is collected so often that an hour
-- would be late. Where the interval is not known yet, it is taken for a day.
CREATE VIEW freshness AS
WITH source AS (
    SELECT category, account_id, region,
           max(last_run_at) AS last_run_at,
           (array_agg(last_outcome ORDER BY last_run_at DESC, slice DESC) FILTER (WHERE last_outcome IS NOT NULL))[1] AS last_outcome,
           (array_agg(last_error ORDER BY last_run_at DESC, slice DESC) FILTER (WHERE last_outcome IS NOT NULL))[1] AS last_error,
           count(*) FILTER (WHERE last_outcome NOT IN ('ok', 'empty')) AS failing,
           sum(rejects)::bigint AS rejects,
           max(complete_run_at) AS complete_run_at,
           greatest(2 * coalesce(percentile_cont(0.5) WITHIN GROUP (ORDER BY run_interval), interval '1 day') + interval '10 minutes',
                    interval '1 hour') AS stale_after
    FROM scope_status
    WHERE slice_number <= 20
    GROUP BY category, account_id, region
), judged AS (
    SELECT *,
           CASE
               WHEN last_outcome = 'disabled' AND now() - last_run_at <= stale_after THEN 'disabled'
               WHEN complete_run_at IS NULL THEN 'never complete'
               WHEN now() - complete_run_at > stale_after THEN 'stale'
               WHEN failing > 0 OR rejects > 0 THEN 'failing'
               ELSE 'fresh'
           END AS status
    FROM source
)
SELECT category, account_id, region, status,
       status IN ('stale', 'never complete') AS red,
       complete_run_at, now() - complete_run_at AS age, stale_after,
       last_run_at, last_outcome, last_error, rejects
FROM judged;

COMMENT ON VIEW freshness IS 'How old the data are, a row per category, account and region. Red: older than two runs, or never complete.';
COMMENT ON COLUMN freshness.category IS 'Category.';
COMMENT ON COLUMN freshness.account_id IS 'Account that is collected.';
COMMENT ON COLUMN freshness.region IS 'Region that is collected; global for services without regions.';
COMMENT ON COLUMN freshness.status IS 'fresh; failing: still fresh, but the newest run was not complete; stale; never complete; disabled: the service is not turned on there.';
COMMENT ON COLUMN freshness.red IS 'Whether the data are stale or were never complete.';
COMMENT ON COLUMN freshness.complete_run_at IS 'Start of the newest complete run: the data are of this time. Null: none was complete.';
COMMENT ON COLUMN freshness.age IS 'Time since then.';
COMMENT ON COLUMN freshness.stale_after IS 'Age at which the data become stale: a little more than twice the usual time between runs.';
COMMENT ON COLUMN freshness.last_run_at IS 'Start of the newest run, in whatever state.';
COMMENT ON COLUMN freshness.last_outcome IS 'Outcome of the newest run that has ended: ok, empty, partial, denied, throttled, disabled or failed. Null: none has.';
COMMENT ON COLUMN freshness.last_error IS 'Error text of that run.';
COMMENT ON COLUMN freshness.rejects IS 'Rows of the newest runs that were refused.';

CREATE VIEW collection_status AS
WITH collected AS (
    SELECT category,
           count(DISTINCT account_id) AS accounts,
           count(*) FILTER (WHERE status = 'fresh') AS fresh,
           count(*) FILTER (WHERE status = 'failing') AS failing,
           count(*) FILTER (WHERE status = 'stale') AS stale,
           count(*) FILTER (WHERE status = 'never complete') AS never_complete,
           count(*) FILTER (WHERE status = 'disabled') AS disabled,
           max(age) FILTER (WHERE status <> 'disabled') AS oldest_age,
           max(last_run_at) AS last_run_at
    FROM freshness
    GROUP BY category
), refused AS (
    SELECT category,
           count(*) FILTER (WHERE state = 'open') AS open_rejects,
           count(*) FILTER (WHERE state = 'parked') AS parked
    FROM hub.reject
    GROUP BY category
)
SELECT category,
       coalesce(accounts, 0) AS accounts,
       coalesce(fresh, 0) AS fresh,
       coalesce(failing, 0) AS failing,
       coalesce(stale, 0) AS stale,
       coalesce(never_complete, 0) AS never_complete,
       coalesce(disabled, 0) AS disabled,
       oldest_age, last_run_at,
       coalesce(open_rejects, 0) AS open_rejects,
       coalesce(parked, 0) AS parked
FROM collected FULL JOIN refused USING (category);

COMMENT ON VIEW collection_status IS 'How collecting goes, a row per category. Where a category is collected is counted in pairs of account and region; see freshness for which they are.';
COMMENT ON COLUMN collection_status.category IS 'Category; empty for records that do not name one.';
COMMENT ON COLUMN collection_status.accounts IS 'Accounts that are collected.';
COMMENT ON COLUMN collection_status.fresh IS 'Accounts and regions with fresh data.';
COMMENT ON COLUMN collection_status.failing IS 'Accounts and regions with fresh data, whose newest run was not complete.';
COMMENT ON COLUMN collection_status.stale IS 'Accounts and regions with stale data.';
COMMENT ON COLUMN collection_status.never_complete IS 'Accounts and regions of which no run was complete yet.';
COMMENT ON COLUMN collection_status.disabled IS 'Accounts and regions in which the service is not turned on.';
COMMENT ON COLUMN collection_status.oldest_age IS 'Age of the oldest data.';
COMMENT ON COLUMN collection_status.last_run_at IS 'Start of the newest run.';
COMMENT ON COLUMN collection_status.open_rejects IS 'Rows, parts and records that were refused.';
COMMENT ON COLUMN collection_status.parked IS 'Records that wait for the table of their category to be migrated.';

CREATE VIEW view_status AS
WITH waiting AS (
    SELECT d.view, min(m.marked_at) AS since
    FROM hub.dirty m
    JOIN hub.view_dependency d ON d.relation = to_regclass(format('obs.%I', m.table_name))
    GROUP BY d.view
)
SELECT r.view_name, r.refreshed_at, r.duration_ms, r.refreshes,
       w.since AS waiting_since,
       r.error, r.error_at,
       r.error IS NOT NULL OR r.refreshed_at IS NULL OR to_regclass(r.view_name) IS NULL
           OR coalesce(w.since < now() - interval '5 minutes', false) AS red
FROM hub.view_refresh r
LEFT JOIN waiting w ON w.view = to_regclass(r.view_name);

COMMENT ON VIEW view_status IS 'Whether the materialized views are up to date. Red: the last refresh failed, or there was none, or a change has waited for five minutes.';
COMMENT ON COLUMN view_status.view_name IS 'Materialized view, with its schema.';
COMMENT ON COLUMN view_status.refreshed_at IS 'End of the last refresh that succeeded. A view whose tables do not change is not refreshed.';
COMMENT ON COLUMN view_status.duration_ms IS 'Duration of that refresh in milliseconds. Null: the view is as it was installed.';
COMMENT ON COLUMN view_status.refreshes IS 'Number of refreshes since the view was installed.';
COMMENT ON COLUMN view_status.waiting_since IS 'When the oldest change was made that the view does not show. Null: it shows all.';
COMMENT ON COLUMN view_status.error IS 'Why the last refresh failed. Null: it did not.';
COMMENT ON COLUMN view_status.error_at IS 'When it failed.';
COMMENT ON COLUMN view_status.red IS 'Whether somebody has to look after the view.';
