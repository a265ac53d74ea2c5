-- Support cases; live.support_load has the rules.
CREATE VIEW support_load AS
SELECT account_id, month, severity, service, sum(cases)::bigint AS cases, sum(open_cases)::bigint AS open_cases,
       sum(waiting_for_us)::bigint AS waiting_for_us, min(oldest_open_at) AS oldest_open_at
FROM summary.support_load
GROUP BY account_id, month, severity, service;

COMMENT ON VIEW support_load IS 'Support cases, a row per account, month in which they were opened, severity and service. Cases that AWS has forgotten after two years still count.';
COMMENT ON COLUMN support_load.account_id IS 'Account that opened the cases.';
COMMENT ON COLUMN support_load.month IS 'First day of the month in which the cases were opened, in UTC.';
COMMENT ON COLUMN support_load.severity IS 'low, normal, high, urgent or critical; unknown: none of these.';
COMMENT ON COLUMN support_load.service IS 'Service that the cases are about, such as amazon-dynamodb; unknown: AWS does not say.';
COMMENT ON COLUMN support_load.cases IS 'Number of cases.';
COMMENT ON COLUMN support_load.open_cases IS 'Those that are not resolved.';
COMMENT ON COLUMN support_load.waiting_for_us IS 'Those that wait for an answer of the account.';
COMMENT ON COLUMN support_load.oldest_open_at IS 'When the oldest case that is not resolved was opened. Null: all are.';
