-- What collecting costs: the requests of runs, and what AWS charges for some of them.
--
-- hub.run has the runs of the last days. hub.run_cost has what those before took, and those
-- that found nothing changed.
CREATE VIEW collection_cost AS
SELECT account_id, category, month,
       sum(requests)::bigint AS requests,
       sum(paid_requests)::bigint AS paid_requests,
       sum(usd_micros) / 1000000 AS usd
FROM (
    SELECT s.account_id, s.category, date_trunc('month', r.collected_at AT TIME ZONE 'UTC')::date AS month,
           r.requests, coalesce(r.paid_requests, 0) AS paid_requests, coalesce(r.usd_micros, 0) AS usd_micros
    FROM hub.run r JOIN hub.scope s USING (scope)
    WHERE r.requests > 0
    UNION ALL
    SELECT account_id, category, month, requests, paid_requests, usd_micros FROM hub.run_cost
) AS cost
GROUP BY account_id, category, month;

COMMENT ON VIEW collection_cost IS 'What collecting costs by account, category and month: the requests of the spokes to AWS, as the ends of their runs say. A category without requests in a month has no row.';
COMMENT ON COLUMN collection_cost.account_id IS 'Account that is collected, and pays.';
COMMENT ON COLUMN collection_cost.category IS 'Category.';
COMMENT ON COLUMN collection_cost.month IS 'First day of the month in which the runs started, in UTC.';
COMMENT ON COLUMN collection_cost.requests IS 'Requests to AWS, repeated ones included. Where GuardDuty is on, it charges for each as an event of CloudTrail.';
COMMENT ON COLUMN collection_cost.paid_requests IS 'How many of them AWS charges for, as it does for Cost Explorer.';
COMMENT ON COLUMN collection_cost.usd IS 'What AWS charges for them, in USD, by the prices that the spokes know.';
