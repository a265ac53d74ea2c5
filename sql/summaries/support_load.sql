-- Support cases by the month in which they were opened. The texts are cut as in
-- live.findings; severities that AWS does not document are unknown.
CREATE VIEW live.support_load AS
SELECT account_id, region, date_trunc('month', case_created_at AT TIME ZONE 'UTC')::date AS month,
       CASE WHEN severity_code IN ('low', 'normal', 'high', 'urgent', 'critical') THEN severity_code ELSE 'unknown' END AS severity,
       left(coalesce(service_code, 'unknown'), 128) AS service,
       count(*) AS cases,
       count(*) FILTER (WHERE status <> 'resolved') AS open_cases,
       count(*) FILTER (WHERE status = 'pending-customer-action') AS waiting_for_us,
       min(case_created_at) FILTER (WHERE status <> 'resolved') AS oldest_open_at
FROM obs.support_cases
WHERE deleted_at IS NULL AND case_created_at IS NOT NULL
GROUP BY 1, 2, 3, 4, 5;

ALTER TABLE summary.support_load ADD PRIMARY KEY (account_id, region, month, severity, service);

COMMENT ON VIEW live.support_load IS 'Support cases by month, severity and service.';
COMMENT ON COLUMN live.support_load.account_id IS 'Account that opened the cases.';
COMMENT ON COLUMN live.support_load.region IS 'Region in which Support is collected: global.';
COMMENT ON COLUMN live.support_load.month IS 'First day of the month in which the cases were opened, in UTC.';
COMMENT ON COLUMN live.support_load.severity IS 'low, normal, high, urgent or critical; unknown: none of these.';
COMMENT ON COLUMN live.support_load.service IS 'Service that the cases are about, such as amazon-dynamodb; unknown: AWS does not say.';
COMMENT ON COLUMN live.support_load.cases IS 'Number of cases.';
COMMENT ON COLUMN live.support_load.open_cases IS 'Those that are not resolved.';
COMMENT ON COLUMN live.support_load.waiting_for_us IS 'Those that wait for an answer of the account.';
COMMENT ON COLUMN live.support_load.oldest_open_at IS 'When the oldest case that is not resolved was opened. Null: all are.';
