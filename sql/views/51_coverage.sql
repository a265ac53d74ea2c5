-- What is collected where, and what is not: each account that is collected beside each
-- category that has a table.
--
-- An account that the organization has and that no spoke collects has a line, too. Nobody
-- else can say that it is there, so what a management account says is believed this far:
-- it adds lines of accounts about which nothing is known, and changes no other.
--
-- Who asks for one account reads the sources of that account alone.
CREATE VIEW coverage AS
WITH source AS (
    SELECT category, account_id,
           CASE status WHEN 'disabled' THEN 'off'
                       WHEN 'fresh' THEN 'fresh'
                       ELSE CASE last_outcome WHEN 'denied' THEN 'denied' ELSE status END END AS status,
           complete_run_at, last_run_at, reason
    FROM freshness
), judged AS NOT MATERIALIZED (
    SELECT category, account_id,
           (ARRAY['denied', 'never complete', 'stale', 'failing', 'fresh', 'off'])[
               min(array_position(ARRAY['denied', 'never complete', 'stale', 'failing', 'fresh', 'off'], status))] AS status,
           count(*) AS sources,
           count(*) FILTER (WHERE status = 'fresh') AS fresh,
           count(*) FILTER (WHERE status = 'off') AS off,
           min(complete_run_at) AS complete_run_at,
           max(last_run_at) AS last_run_at,
           coalesce((array_agg(reason ORDER BY last_run_at DESC) FILTER (WHERE reason <> '' AND status <> 'off'))[1], '') AS reason
    FROM source
    GROUP BY category, account_id
), collected AS NOT MATERIALIZED (
    SELECT DISTINCT account_id FROM hub.source
), category AS (
    SELECT relname::text AS category FROM pg_class WHERE relnamespace = 'obs'::regnamespace AND relkind = 'r'
    UNION
    SELECT DISTINCT category FROM hub.source
), elsewhere AS (
    SELECT o.member_account_id AS account_id, min(o.account_id) AS named_by
    FROM obs.organization_accounts o
    JOIN obs.organization_accounts self
      ON self.account_id = o.account_id AND self.member_account_id = o.account_id AND self.is_management_account AND self.deleted_at IS NULL
    WHERE o.deleted_at IS NULL AND o.member_account_id ~ '^[0-9]{12}$'
      AND coalesce(o.state, 'ACTIVE') IN ('ACTIVE', 'PENDING_ACTIVATION')
      AND o.member_account_id NOT IN (SELECT account_id FROM collected)
    GROUP BY o.member_account_id
)
SELECT account_id, category, status, sources, fresh, off, complete_run_at, last_run_at, reason, NULL::text AS named_by
FROM judged
UNION ALL
SELECT account_id, category, 'never seen', 0, 0, 0, NULL, NULL, '', NULL
FROM collected CROSS JOIN category
WHERE NOT EXISTS (SELECT FROM hub.source s WHERE s.account_id = collected.account_id AND s.category = category.category)
UNION ALL
SELECT account_id, 'all', 'no spoke', 0, 0, 0, NULL, NULL, '', named_by
FROM elsewhere;

COMMENT ON VIEW coverage IS 'What is collected where: each account beside each category. An account that its organization has and that is not collected has one row, with the category all and the status no spoke.';
COMMENT ON COLUMN coverage.account_id IS 'Account.';
COMMENT ON COLUMN coverage.category IS 'Category; all where the account is not collected.';
COMMENT ON COLUMN coverage.status IS 'The worst of the regions (and slices, where slices are kinds) of the account: denied: the newest run was not allowed to read; never complete: nothing was ever read to its end; stale: the data are older than two runs; failing: they are fresh, but the newest run was not complete; fresh; off: the service is turned on in none of them. never seen: nothing came of the category yet, as where a spoke leaves it out. no spoke: the account is not collected.';
COMMENT ON COLUMN coverage.sources IS 'Number of regions (and slices, where slices are kinds) that are collected.';
COMMENT ON COLUMN coverage.fresh IS 'How many of them are fresh.';
COMMENT ON COLUMN coverage.off IS 'In how many of them the service is not turned on.';
COMMENT ON COLUMN coverage.complete_run_at IS 'Start of the newest complete run of the one with the oldest data. Null: none was complete.';
COMMENT ON COLUMN coverage.last_run_at IS 'Start of the newest run, in whatever state.';
COMMENT ON COLUMN coverage.reason IS 'Why a newest run was not complete: its outcome, what did not arrive, what was refused. Empty: all were, or none has ended.';
COMMENT ON COLUMN coverage.named_by IS 'Management account that says that the account is there. Null: it is collected.';
