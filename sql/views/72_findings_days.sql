-- How security findings come and go. They count where findings_places says.
CREATE VIEW findings_daily AS
SELECT d.home_account_id AS account_id, d.home_region AS region, d.product_name, d.severity, d.day, d.opened, d.closed
FROM summary.findings_days d
WHERE NOT EXISTS (SELECT FROM findings_places p
                  WHERE NOT p.counts AND p.account_id = d.account_id AND p.region = d.region
                    AND p.home_account_id = d.home_account_id AND p.home_region = d.home_region);

COMMENT ON VIEW findings_daily IS 'What findings_trend adds up: how many security findings were opened and closed on a day, a row or several per account, region, product and severity.';
COMMENT ON COLUMN findings_daily.account_id IS 'Account that the findings are about.';
COMMENT ON COLUMN findings_daily.region IS 'Region that the findings are about, or other.';
COMMENT ON COLUMN findings_daily.product_name IS 'Product that made the findings. UNKNOWN: it does not say.';
COMMENT ON COLUMN findings_daily.severity IS 'INFORMATIONAL, LOW, MEDIUM, HIGH or CRITICAL; UNKNOWN: none of these.';
COMMENT ON COLUMN findings_daily.day IS 'Day, in UTC.';
COMMENT ON COLUMN findings_daily.opened IS 'Findings that were first observed, else created, on the day.';
COMMENT ON COLUMN findings_daily.closed IS 'Findings that are resolved, archived, passed or suppressed now, and were last observed, else updated, on the day, or opened on it where that is not known.';

CREATE VIEW findings_trend AS
SELECT account_id, product_name, severity, day, sum(opened) AS opened, sum(closed) AS closed,
       sum(sum(opened) - sum(closed)) OVER (PARTITION BY account_id, product_name, severity ORDER BY day)::bigint AS open_after
FROM findings_daily
GROUP BY account_id, product_name, severity, day;

COMMENT ON VIEW findings_trend IS 'How many security findings were opened and closed on a day, and were open at its end, by account, product and severity. Days on which nothing happened have no row. It is made of the findings that there are now: what Security Hub has deleted is missing from the past, too.';
COMMENT ON COLUMN findings_trend.account_id IS 'Account that the findings are about.';
COMMENT ON COLUMN findings_trend.product_name IS 'Product that made the findings. UNKNOWN: it does not say.';
COMMENT ON COLUMN findings_trend.severity IS 'INFORMATIONAL, LOW, MEDIUM, HIGH or CRITICAL; UNKNOWN: none of these.';
COMMENT ON COLUMN findings_trend.day IS 'Day, in UTC.';
COMMENT ON COLUMN findings_trend.opened IS 'Findings that were first observed, else created, on the day.';
COMMENT ON COLUMN findings_trend.closed IS 'Findings that are resolved, archived, passed or suppressed now, and were last observed, else updated, on the day, or opened on it where that is not known.';
COMMENT ON COLUMN findings_trend.open_after IS 'Findings that were open at the end of the day.';

-- What all accounts have together, less what does not count: that are few rows, and to look
-- all others up would take several times as long.
CREATE MATERIALIZED VIEW findings_flow AS
SELECT product_name, severity, day, sum(opened)::bigint AS opened, sum(closed)::bigint AS closed
FROM (
    SELECT product_name, severity, day, sum(opened) AS opened, sum(closed) AS closed
    FROM summary.findings_days
    GROUP BY product_name, severity, day
    UNION ALL
    SELECT d.product_name, d.severity, d.day, -d.opened, -d.closed
    FROM findings_places p JOIN summary.findings_days d USING (account_id, region, home_account_id, home_region)
    WHERE NOT p.counts
) change
GROUP BY product_name, severity, day
HAVING sum(opened) > 0 OR sum(closed) > 0
WITH NO DATA;

CREATE UNIQUE INDEX findings_flow_key ON findings_flow (product_name, severity, day);

COMMENT ON MATERIALIZED VIEW findings_flow IS 'Number of security findings that were opened and closed, by product, severity and day: findings_daily, added up over accounts.';
COMMENT ON COLUMN findings_flow.product_name IS 'Product that made the findings. UNKNOWN: it does not say.';
COMMENT ON COLUMN findings_flow.severity IS 'INFORMATIONAL, LOW, MEDIUM, HIGH or CRITICAL; UNKNOWN: none of these.';
COMMENT ON COLUMN findings_flow.day IS 'Day, in UTC.';
COMMENT ON COLUMN findings_flow.opened IS 'Findings that were first observed, else created, on the day.';
COMMENT ON COLUMN findings_flow.closed IS 'Findings that were resolved, archived, passed or suppressed, by the day on which they were last observed, else updated.';

CREATE VIEW findings_resolution AS
WITH counted AS (
    SELECT d.home_account_id AS account_id, d.product_name, d.severity, d.is_closed, d.days_at_most,
           sum(d.findings) AS findings, min(d.oldest_opened_at) AS oldest_opened_at, sum(d.days) AS days
    FROM summary.findings_ages d
    WHERE NOT EXISTS (SELECT FROM findings_places p
                      WHERE NOT p.counts AND p.account_id = d.account_id AND p.region = d.region
                        AND p.home_account_id = d.home_account_id AND p.home_region = d.home_region)
    GROUP BY 1, 2, 3, 4, 5
), ordered AS (
    SELECT *,
           sum(findings) OVER (PARTITION BY account_id, product_name, severity, days_at_most < 0 ORDER BY days_at_most) AS so_far,
           sum(findings) OVER (PARTITION BY account_id, product_name, severity, days_at_most < 0) AS all_of_them
    FROM counted
)
SELECT account_id, product_name, severity,
       coalesce(sum(findings) FILTER (WHERE NOT is_closed), 0)::bigint AS open_findings,
       min(oldest_opened_at) FILTER (WHERE NOT is_closed) AS oldest_open_at,
       coalesce(sum(findings) FILTER (WHERE is_closed), 0)::bigint AS closed_findings,
       round(sum(days) / nullif(sum(findings) FILTER (WHERE days_at_most >= 0), 0), 2) AS mean_days_to_resolve,
       min(days_at_most) FILTER (WHERE days_at_most >= 0 AND so_far >= 0.9 * all_of_them)::numeric AS p90_days_to_resolve
FROM ordered
GROUP BY account_id, product_name, severity;

COMMENT ON VIEW findings_resolution IS 'How old open security findings are, and how long closed ones were open, by account, product and severity. Suppressed findings do not count.';
COMMENT ON COLUMN findings_resolution.account_id IS 'Account that the findings are about.';
COMMENT ON COLUMN findings_resolution.product_name IS 'Product that made the findings. UNKNOWN: it does not say.';
COMMENT ON COLUMN findings_resolution.severity IS 'INFORMATIONAL, LOW, MEDIUM, HIGH or CRITICAL; UNKNOWN: none of these.';
COMMENT ON COLUMN findings_resolution.open_findings IS 'Findings that are open.';
COMMENT ON COLUMN findings_resolution.oldest_open_at IS 'When the oldest of these was first observed, else created. Null: there is none, or it is not known.';
COMMENT ON COLUMN findings_resolution.closed_findings IS 'Findings that are resolved, archived or passed.';
COMMENT ON COLUMN findings_resolution.mean_days_to_resolve IS 'Mean number of days from their first observation to the last, counted from day to day. Null: there is none.';
COMMENT ON COLUMN findings_resolution.p90_days_to_resolve IS 'Nine of ten of them were open for so many days at most, rounded up to days, beyond a month to weeks, beyond a year to months of 30 days. Null: there is none.';
