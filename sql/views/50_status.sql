-- How far the data can be trusted: what was collected when, and whether the
-- materialized views show it.

-- What depends on the time is added to what the loader knows.
CREATE VIEW scope_status AS
SELECT category, account_id, region, slice,
       row_number() OVER (PARTITION BY category, account_id, region ORDER BY slice DESC) AS slice_number,
       last_run_at, last_outcome, last_error, rejects, complete_run_at, seen_at,
       now() - seen_at AS age,
       run_interval, live_rows,
       concat_ws('; ', nullif(reason, ''), CASE WHEN now() > overdue_at THEN overdue_reason END) AS reason
FROM hub.scope_state;

COMMENT ON VIEW scope_status IS 'What was collected, a row per category, account, region and slice. Filter by category, account_id and region: it looks at every run otherwise.';
COMMENT ON COLUMN scope_status.category IS 'Category.';
COMMENT ON COLUMN scope_status.account_id IS 'Account that was collected.';
COMMENT ON COLUMN scope_status.region IS 'Region that was collected; global for services without regions.';
COMMENT ON COLUMN scope_status.slice IS 'Slice, such as the day of costs; empty for categories without.';
COMMENT ON COLUMN scope_status.slice_number IS '1 for the newest slice, 2 for the one before and so on.';
COMMENT ON COLUMN scope_status.last_run_at IS 'Start of the newest run, in whatever state.';
COMMENT ON COLUMN scope_status.last_outcome IS 'Outcome of the newest run that has ended: ok, empty, partial, denied, throttled, disabled or failed. Null: none has.';
COMMENT ON COLUMN scope_status.last_error IS 'Error text of that run.';
COMMENT ON COLUMN scope_status.rejects IS 'Rows of that run, and of a newer one that has not ended, that were refused.';
COMMENT ON COLUMN scope_status.complete_run_at IS 'Start of the newest complete run, which brought the rows. Null: none was complete.';
COMMENT ON COLUMN scope_status.seen_at IS 'Start of the newest run that saw these rows: the newest complete one, or a later one that found nothing changed. Null: none was complete.';
COMMENT ON COLUMN scope_status.age IS 'Time since then.';
COMMENT ON COLUMN scope_status.run_interval IS 'Time between runs: what the spoke says, else the median of the last ten. Null: it does not say, and there was one run only.';
COMMENT ON COLUMN scope_status.live_rows IS 'Rows that are not gone. Null: not counted.';
COMMENT ON COLUMN scope_status.reason IS 'Why the newest run that has ended is not complete: its outcome, parts that did not arrive or were refused, refused rows. Empty: it is complete, or none has ended.';

-- The loader stores what the runs say, and from when on that makes a source stale: this
-- looks at no run.
CREATE VIEW freshness AS
SELECT category, account_id, region, slice,
       CASE
           WHEN now() <= disabled_until THEN 'disabled'
           WHEN complete_run_at IS NULL THEN 'never complete'
           WHEN now() > red_at THEN 'stale'
           WHEN reason <> '' OR now() > overdue_at THEN 'failing'
           ELSE 'fresh'
       END AS status,
       now() > red_at AS red,
       complete_run_at, seen_at, now() - seen_at AS age, stale_after,
       last_run_at, last_outcome, last_error, rejects,
       concat_ws('; ', nullif(reason, ''), CASE WHEN now() > overdue_at THEN overdue_reason END) AS reason
FROM hub.source;

COMMENT ON VIEW freshness IS 'How old the data are, a row per category, account and region, and per slice where slices are kinds and not days. Red: older than two runs, or never complete.';
COMMENT ON COLUMN freshness.category IS 'Category.';
COMMENT ON COLUMN freshness.account_id IS 'Account that is collected.';
COMMENT ON COLUMN freshness.region IS 'Region that is collected; global for services without regions.';
COMMENT ON COLUMN freshness.slice IS 'Slice that is a kind; empty for categories without slices and for those in days, which are judged together.';
COMMENT ON COLUMN freshness.status IS 'fresh; failing: still fresh, but the newest run was not complete; stale; never complete; disabled: the service is not turned on there.';
COMMENT ON COLUMN freshness.red IS 'Whether the data are stale or were never complete.';
COMMENT ON COLUMN freshness.complete_run_at IS 'Start of the newest complete run, which brought the rows. Null: none was complete.';
COMMENT ON COLUMN freshness.seen_at IS 'Start of the newest run that saw these rows: that one, or a later one that found nothing changed. The data are of this time.';
COMMENT ON COLUMN freshness.age IS 'Time since then.';
COMMENT ON COLUMN freshness.stale_after IS 'Age at which the data become stale: a little more than twice the time between runs, which the spoke says, or else the usual one.';
COMMENT ON COLUMN freshness.last_run_at IS 'Start of the newest run, in whatever state.';
COMMENT ON COLUMN freshness.last_outcome IS 'Outcome of the newest run that has ended: ok, empty, partial, denied, throttled, disabled or failed. Null: none has.';
COMMENT ON COLUMN freshness.last_error IS 'Error text of that run.';
COMMENT ON COLUMN freshness.rejects IS 'Rows of the newest runs that were refused.';
COMMENT ON COLUMN freshness.reason IS 'Why the newest run was not complete: its outcome, parts that did not arrive or were refused, refused rows. Empty: it was, or none has ended.';

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

COMMENT ON VIEW collection_status IS 'How collecting goes, a row per category. Where a category is collected is counted in pairs of account and region (and slice, where slices are kinds); see freshness for which they are.';
COMMENT ON COLUMN collection_status.category IS 'Category; empty for records that do not name one.';
COMMENT ON COLUMN collection_status.accounts IS 'Accounts that are collected.';
COMMENT ON COLUMN collection_status.fresh IS 'Accounts and regions with fresh data.';
COMMENT ON COLUMN collection_status.failing IS 'Accounts and regions with fresh data; the newest run was not complete.';
COMMENT ON COLUMN collection_status.stale IS 'Accounts and regions with stale data.';
COMMENT ON COLUMN collection_status.never_complete IS 'Accounts and regions without a complete run yet.';
COMMENT ON COLUMN collection_status.disabled IS 'Accounts and regions in which the service is not turned on.';
COMMENT ON COLUMN collection_status.oldest_age IS 'Age of the oldest data.';
COMMENT ON COLUMN collection_status.last_run_at IS 'Start of the newest run.';
COMMENT ON COLUMN collection_status.open_rejects IS 'Rows, parts and records that were refused.';
COMMENT ON COLUMN collection_status.parked IS 'Records that wait for the table of their category to be migrated.';

CREATE VIEW reject_status AS
SELECT category, account_id, region, reason, state, count(*) AS rejects, count(DISTINCT run) AS runs, min(at) AS first_at, max(at) AS newest_at
FROM hub.reject
GROUP BY category, account_id, region, reason, state;

COMMENT ON VIEW reject_status IS 'Why rows, parts and records were refused or wait, a row per category, account, region, reason and state. hub rejects shows them one by one.';
COMMENT ON COLUMN reject_status.category IS 'Category; empty for records that do not name one.';
COMMENT ON COLUMN reject_status.account_id IS 'Account; empty for records that do not name one.';
COMMENT ON COLUMN reject_status.region IS 'Region; empty for records that do not name one.';
COMMENT ON COLUMN reject_status.reason IS 'Why, as a code.';
COMMENT ON COLUMN reject_status.state IS 'open: refused; parked: good, and applied as soon as the table of the category fits.';
COMMENT ON COLUMN reject_status.rejects IS 'Number of rows, parts and records.';
COMMENT ON COLUMN reject_status.runs IS 'Number of runs that they are of.';
COMMENT ON COLUMN reject_status.first_at IS 'When the first of them came.';
COMMENT ON COLUMN reject_status.newest_at IS 'When the newest of them came.';

CREATE VIEW stream_progress AS
SELECT stream, stream_created_at, shard, ended, arrived_at AS applied_to_at, updated_at
FROM hub.shard_progress;

COMMENT ON VIEW stream_progress IS 'How far each shard of the stream has been applied.';
COMMENT ON COLUMN stream_progress.stream IS 'ARN of the stream.';
COMMENT ON COLUMN stream_progress.stream_created_at IS 'When it was made: a stream that is deleted and made again is another one.';
COMMENT ON COLUMN stream_progress.shard IS 'Shard of the stream.';
COMMENT ON COLUMN stream_progress.ended IS 'Whether the shard is closed and all of it is applied.';
COMMENT ON COLUMN stream_progress.applied_to_at IS 'When the stream stored the last record that was applied. Null: none was.';
COMMENT ON COLUMN stream_progress.updated_at IS 'When something of the shard was applied last.';

CREATE VIEW stream_gaps AS
SELECT stream, stream_created_at, shard, after_arrived_at AS from_at, detected_at AS until_at, reason
FROM hub.gap;

COMMENT ON VIEW stream_gaps IS 'Stretches of shards that the stream dropped before they were read. hub replay applies the archive of those days.';
COMMENT ON COLUMN stream_gaps.stream IS 'ARN of the stream.';
COMMENT ON COLUMN stream_gaps.stream_created_at IS 'When it was made.';
COMMENT ON COLUMN stream_gaps.shard IS 'Shard of the stream.';
COMMENT ON COLUMN stream_gaps.from_at IS 'When the stream stored the last record before the gap. Null: none was applied.';
COMMENT ON COLUMN stream_gaps.until_at IS 'When the gap was noticed: what it misses came before.';
COMMENT ON COLUMN stream_gaps.reason IS 'What was missing.';

-- A summary depends on what its live view does, and so do the views over it.
--
-- Marked tables are looked up in the catalog: to_regclass is refused to readers, who have no
-- rights in their schemas.
--
-- The dependencies are read once, and there are some thousands at most: without the limit
-- PostgreSQL expects millions, and compiles the query for seconds.
CREATE VIEW view_status AS
WITH summary AS (
    SELECT to_regclass(view_name) AS summary, to_regclass('live.' || split_part(view_name, '.', 2)) AS live
    FROM hub.installed_view WHERE file_sha256 IS NOT NULL
), dependency AS MATERIALIZED (
    SELECT view, relation FROM hub.view_dependency LIMIT 10000
), mark AS (
    SELECT c.oid AS relation, min(d.marked_at) AS since
    FROM hub.dirty d
    JOIN pg_namespace n ON n.nspname = CASE WHEN d.table_name LIKE '%.%' THEN split_part(d.table_name, '.', 1) ELSE 'obs' END
    JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = regexp_replace(d.table_name, '^.*[.]', '')
    GROUP BY 1
), marked AS MATERIALIZED (
    SELECT d.view, min(m.since) AS since FROM dependency d JOIN mark m ON m.relation = d.relation GROUP BY d.view
), marked_summary AS MATERIALIZED (
    SELECT s.summary, m.since FROM marked m JOIN summary s ON s.live = m.view
), waiting AS (
    SELECT view, min(since) AS since
    FROM (
        TABLE marked
        UNION ALL
        TABLE marked_summary
        UNION ALL
        SELECT d.view, m.since FROM marked_summary m JOIN dependency d ON d.relation = m.summary
    ) AS m
    GROUP BY view
)
SELECT r.view_name, r.refreshed_at, r.duration_ms, r.refreshes,
       w.since AS waiting_since,
       r.error, r.error_at,
       r.error IS NOT NULL OR r.refreshed_at IS NULL OR to_regclass(r.view_name) IS NULL
           OR coalesce(w.since < now() - interval '5 minutes', false) AS red
FROM hub.view_refresh r
LEFT JOIN waiting w ON w.view = to_regclass(r.view_name);

COMMENT ON VIEW view_status IS 'Whether the materialized views and summaries are up to date. Red: the last refresh failed, or there was none, or a change has waited for five minutes.';
COMMENT ON COLUMN view_status.view_name IS 'Materialized view or summary, with its schema.';
COMMENT ON COLUMN view_status.refreshed_at IS 'End of the last refresh that succeeded. A view is not refreshed while its tables do not change.';
COMMENT ON COLUMN view_status.duration_ms IS 'Duration of that refresh in milliseconds. Null: the view is as it was installed.';
COMMENT ON COLUMN view_status.refreshes IS 'Number of refreshes since the view was installed.';
COMMENT ON COLUMN view_status.waiting_since IS 'When the oldest change was made that the view does not show. Null: it shows all.';
COMMENT ON COLUMN view_status.error IS 'Why the last refresh failed. Null: it did not.';
COMMENT ON COLUMN view_status.error_at IS 'When it failed.';
COMMENT ON COLUMN view_status.red IS 'Whether somebody has to look after the view.';
