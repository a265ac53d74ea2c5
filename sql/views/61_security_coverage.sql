-- Which security service works where, for the regions that an account has enabled.
--
-- What no run has found out is null, never an all-clear and never an alarm: a service that
-- was not asked, or denied the answer, as Macie does where it is off.
CREATE VIEW security_coverage AS
WITH enabled AS (
    SELECT DISTINCT account_id, left(region_name, 32) AS region
    FROM obs.account_regions
    WHERE deleted_at IS NULL AND opt_status IN ('ENABLED', 'ENABLED_BY_DEFAULT')
), scope AS (
    SELECT s.category, s.account_id, s.region, s.slice AS service, ended.outcome,
           s.complete_run IS NOT NULL AND ended.outcome IS DISTINCT FROM 'denied' AS is_known
    FROM hub.scope s
    LEFT JOIN LATERAL (
        SELECT outcome FROM hub.run r WHERE r.scope = s.scope AND outcome IS NOT NULL ORDER BY r.run DESC LIMIT 1
    ) ended ON true
    WHERE s.category IN ('security_services', 'cloudtrail_trails')
), service AS (
    SELECT account_id, region, service, count(*) AS places, bool_or(enabled) AS enabled
    FROM obs.security_services
    WHERE deleted_at IS NULL
    GROUP BY account_id, region, service
), service_region AS (
    SELECT account_id, region, s.service,
           CASE WHEN s.outcome = 'disabled' THEN false
                WHEN s.is_known THEN CASE WHEN v.places IS NULL THEN false ELSE v.enabled END END AS enabled
    FROM scope s LEFT JOIN service v USING (account_id, region, service)
    WHERE s.category = 'security_services'
), services AS (
    SELECT account_id, region,
           bool_or(enabled) FILTER (WHERE service = 'guardduty') AS guardduty,
           bool_or(enabled) FILTER (WHERE service = 'securityhub') AS security_hub,
           bool_or(enabled) FILTER (WHERE service = 'inspector') AS inspector,
           bool_or(enabled) FILTER (WHERE service = 'config') AS config,
           bool_or(enabled) FILTER (WHERE service = 'accessanalyzer') AS access_analyzer,
           bool_or(enabled) FILTER (WHERE service = 'macie') AS macie,
           bool_or(enabled IS NOT NULL) AS is_collected
    FROM service_region
    GROUP BY account_id, region
), trail AS (
    -- A trail of the organization is a row of each account that it logs.
    SELECT account_id, coalesce(is_multi_region, false) AS everywhere, home_region AS region,
           bool_or(is_logging) AS is_logging, bool_or(is_logging IS NULL) AS is_unknown
    FROM obs.cloudtrail_trails
    WHERE deleted_at IS NULL
    GROUP BY 1, 2, 3
), trails AS (
    SELECT e.account_id, e.region, bool_or(t.is_logging) AS is_logging, bool_or(t.is_unknown) AS is_unknown
    FROM enabled e JOIN trail t USING (account_id)
    WHERE t.everywhere OR t.region = e.region
    GROUP BY 1, 2
)
SELECT e.account_id, e.region, s.guardduty, s.security_hub, s.inspector, s.config, s.access_analyzer, s.macie,
       coalesce(s.is_collected, false) AS is_collected,
       CASE WHEN t.is_logging THEN true
            WHEN c.is_known AND NOT coalesce(t.is_unknown, false) THEN false END AS cloudtrail
FROM enabled e
LEFT JOIN services s USING (account_id, region)
LEFT JOIN trails t USING (account_id, region)
LEFT JOIN scope c ON c.category = 'cloudtrail_trails' AND (c.account_id, c.region) = (e.account_id, e.region);

COMMENT ON VIEW security_coverage IS 'Whether the security services work, a row for each region that an account has enabled. Null: no run has found out, because the service was not asked or denied the answer (Macie does so where it is off).';
COMMENT ON COLUMN security_coverage.account_id IS 'Account.';
COMMENT ON COLUMN security_coverage.region IS 'Region that the account has enabled.';
COMMENT ON COLUMN security_coverage.guardduty IS 'Whether GuardDuty has a detector that works.';
COMMENT ON COLUMN security_coverage.security_hub IS 'Whether Security Hub is on.';
COMMENT ON COLUMN security_coverage.inspector IS 'Whether Inspector is on.';
COMMENT ON COLUMN security_coverage.config IS 'Whether Config has a recorder that records.';
COMMENT ON COLUMN security_coverage.access_analyzer IS 'Whether IAM Access Analyzer has an analyzer that works.';
COMMENT ON COLUMN security_coverage.macie IS 'Whether Macie is on.';
COMMENT ON COLUMN security_coverage.is_collected IS 'Whether it is known of at least one of these services. False: the region is not collected, and nobody knows.';
COMMENT ON COLUMN security_coverage.cloudtrail IS 'Whether a trail logs the region: one of the region, one of all regions, or one of the organization.';
