-- What the hub writes down day by day, because tables know the present alone. Views read one
-- measure of all days: the key begins with the day.
CREATE INDEX IF NOT EXISTS daily_measures_measure ON history.daily_measures (measure, account_id, day);

-- Numbers of each account as they are now. They come from summaries, so that all of them
-- cost what there are accounts and regions.
CREATE VIEW measures AS
SELECT 'config.rules' AS measure, account_id, region, compliance_type AS dimension, sum(rules) AS value
FROM summary.config_rules
GROUP BY account_id, region, compliance_type
UNION ALL
SELECT 'resources', account_id, region, service || '/' || resource_type, sum(resources)
FROM resource_counts
GROUP BY account_id, region, service, resource_type
UNION ALL
SELECT 'findings.open', account_id, region, severity, sum(open_findings)
FROM findings_by_product
WHERE open_findings > 0
GROUP BY account_id, region, severity
UNION ALL
SELECT 'vulnerabilities.open', v.home_account_id, v.region, v.severity, sum(v.findings)
FROM summary.vulnerabilities v
WHERE v.account_id = v.home_account_id
   OR NOT EXISTS (SELECT FROM summary.vulnerabilities home
                  WHERE home.account_id = v.home_account_id AND home.region = v.region AND home.home_account_id = v.home_account_id)
  AND NOT EXISTS (SELECT FROM hub.scope s WHERE s.category = 'inspector_findings' AND s.account_id = v.home_account_id
                  AND s.region = v.region AND s.full_run IS NOT NULL)
GROUP BY v.home_account_id, v.region, v.severity
UNION ALL
SELECT 'nodes', account_id, region, coalesce(ping_status, 'Unknown'), count(*)
FROM summary.patch_compliance
GROUP BY account_id, region, coalesce(ping_status, 'Unknown')
UNION ALL
SELECT 'patches', account_id, region, p.status, sum(p.patches)
FROM summary.patch_compliance,
     LATERAL (VALUES ('MISSING', missing_count), ('FAILED', failed_count), ('PENDING_REBOOT', installed_pending_reboot_count)) AS p (status, patches)
WHERE p.patches IS NOT NULL
GROUP BY account_id, region, p.status
UNION ALL
SELECT 'savings.monthly', account_id, 'global', CASE WHEN currency <> 'USD' THEN currency ELSE '' END, coalesce(sum(monthly_savings), 0)
FROM savings_opportunities
GROUP BY account_id, CASE WHEN currency <> 'USD' THEN currency ELSE '' END
UNION ALL
SELECT 'savings.opportunities', account_id, 'global', '', count(*)
FROM savings_opportunities
GROUP BY account_id
UNION ALL
SELECT 'health.open', account_id, 'global', '', count(DISTINCT event_arn)
FROM summary.health
WHERE NOT is_public
GROUP BY account_id
UNION ALL
SELECT 'cases.open', account_id, 'global', '', sum(open_cases)
FROM summary.support_load
GROUP BY account_id;

COMMENT ON VIEW measures IS 'Numbers of each account as they are now; the hub writes them into history.daily_measures day by day. What an account has none of has no row.';
COMMENT ON COLUMN measures.measure IS 'config.rules (rules of AWS Config), resources, findings.open, vulnerabilities.open (findings of Inspector about a known vulnerability), nodes (that Systems Manager manages), patches, savings.monthly (what could be saved), savings.opportunities, health.open (events about the account alone) or cases.open.';
COMMENT ON COLUMN measures.account_id IS 'Account.';
COMMENT ON COLUMN measures.region IS 'Region. global: the number is of the whole account.';
COMMENT ON COLUMN measures.dimension IS 'What the number is about: what rules say, service and type of resources, severity, whether nodes report, MISSING, FAILED or PENDING_REBOOT, a currency that is not USD. Empty: it has no parts.';
COMMENT ON COLUMN measures.value IS 'The number.';

-- Writes today's rows: new ones, those with another value, and a zero for what was there
-- yesterday. Days are those of UTC. What the coverage is takes long to find out: it is
-- written once an hour.
CREATE OR REPLACE FUNCTION history.record(at timestamptz) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    today CONSTANT date := (at AT TIME ZONE 'UTC')::date;
    covers CONSTANT boolean := NOT EXISTS (
        SELECT FROM history.daily_measures WHERE day = today AND measure = 'coverage' AND recorded_at > at - interval '1 hour');
    written bigint;
BEGIN
    WITH now AS (
        SELECT measure, account_id, region, dimension, value FROM measures
        UNION ALL
        SELECT 'config.rules_evaluated', account_id, region, compliance_type, sum(rules)
        FROM summary.config_rules
        WHERE evaluated_on = today
        GROUP BY account_id, region, compliance_type
        UNION ALL
        SELECT 'coverage', account_id, 'global', status, count(*)
        FROM coverage
        WHERE covers
        GROUP BY account_id, status
    ), fresh AS MATERIALIZED (
        SELECT measure, account_id, region, left(dimension, 128) AS dimension, sum(value) AS value FROM now GROUP BY 1, 2, 3, 4
    ), zero AS (
        SELECT measure, account_id, region, dimension, 0 AS value
        FROM history.daily_measures y
        WHERE day = today - 1 AND value <> 0 AND (measure <> 'coverage' OR covers)
          AND account_id IN (SELECT account_id FROM hub.scope)
          AND NOT EXISTS (SELECT FROM fresh f WHERE (f.measure, f.account_id, f.region, f.dimension) = (y.measure, y.account_id, y.region, y.dimension))
    ), rows AS MATERIALIZED (
        TABLE fresh UNION ALL TABLE zero
    ), gone AS (
        DELETE FROM history.daily_measures d
        WHERE day = today AND (measure <> 'coverage' OR covers)
          AND NOT EXISTS (SELECT FROM rows r WHERE (r.measure, r.account_id, r.region, r.dimension) = (d.measure, d.account_id, d.region, d.dimension))
        RETURNING 1
    ), put AS (
        INSERT INTO history.daily_measures AS d (day, measure, account_id, region, dimension, value, recorded_at)
        SELECT today, measure, account_id, region, dimension, value, at FROM rows
        ON CONFLICT (day, measure, account_id, region, dimension) DO UPDATE SET value = excluded.value, recorded_at = excluded.recorded_at
        WHERE d.value <> excluded.value OR d.measure = 'coverage'
        RETURNING 1
    )
    SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM put) INTO written;
    RETURN written;
END $$;
COMMENT ON FUNCTION history.record IS 'Writes the measures of the day of a time into history.daily_measures, and returns how many rows it wrote. Rows of other days stay.';

CREATE VIEW compliance_history AS
SELECT day, account_id, region,
       coalesce(sum(value) FILTER (WHERE dimension = 'COMPLIANT'), 0)::bigint AS compliant_rules,
       coalesce(sum(value) FILTER (WHERE dimension = 'NON_COMPLIANT'), 0)::bigint AS noncompliant_rules,
       round(100 * coalesce(sum(value) FILTER (WHERE dimension = 'COMPLIANT'), 0)
             / nullif(sum(value) FILTER (WHERE dimension IN ('COMPLIANT', 'NON_COMPLIANT')), 0), 2) AS score_percentage
FROM history.daily_measures
WHERE measure = 'config.rules'
GROUP BY day, account_id, region;

COMMENT ON VIEW compliance_history IS 'Rules of AWS Config per day: with how many the resources complied at the end of it.';
COMMENT ON COLUMN compliance_history.day IS 'Day in UTC; today''s row is that of now.';
COMMENT ON COLUMN compliance_history.account_id IS 'Account of the rules.';
COMMENT ON COLUMN compliance_history.region IS 'Region of the rules.';
COMMENT ON COLUMN compliance_history.compliant_rules IS 'Rules with which all resources complied.';
COMMENT ON COLUMN compliance_history.noncompliant_rules IS 'Rules with which a resource did not comply.';
COMMENT ON COLUMN compliance_history.score_percentage IS 'compliant_rules in percent of both. Null: no rule was either.';

-- The day before is joined by the key: who asks for a few days reads these, and who does not
-- ask for the change reads no day before.
CREATE VIEW resource_history AS
SELECT d.day, d.account_id, d.region, d.dimension AS resource_type, d.value::bigint AS resources, (d.value - before.value)::bigint AS change
FROM history.daily_measures d
LEFT JOIN history.daily_measures before ON before.day = d.day - 1 AND before.measure = d.measure AND before.account_id = d.account_id
    AND before.region = d.region AND before.dimension = d.dimension
WHERE d.measure = 'resources';

COMMENT ON VIEW resource_history IS 'Number of resources per day, by account, region and type, at the end of it.';
COMMENT ON COLUMN resource_history.day IS 'Day in UTC; today''s row is that of now.';
COMMENT ON COLUMN resource_history.account_id IS 'Account of the resources.';
COMMENT ON COLUMN resource_history.region IS 'Region of the resources. global: none, or it is not known.';
COMMENT ON COLUMN resource_history.resource_type IS 'Service and type of the resources, such as EC2/instance.';
COMMENT ON COLUMN resource_history.resources IS 'Number of resources.';
COMMENT ON COLUMN resource_history.change IS 'How many more than the day before. Null: that day has no row.';
