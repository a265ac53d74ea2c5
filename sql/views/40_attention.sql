-- Resources that somebody has to look after.
--
-- The facts know dates alone, in files of views/attention: time passes for a row that
-- nothing changes, too. Here they are compared with the present. What could not be found
-- out is an issue of its own, never an all-clear.
--
-- Of each issue an account has 10,000 rows at most, those that are due first, and one
-- more that says how many there are besides. Only what may have more is sorted for that.
CREATE MATERIALIZED VIEW crowded_issues AS
SELECT account_id, issue
FROM attention_facts
GROUP BY account_id, issue
HAVING count(*) > 10000 OR bool_or(more IS NOT NULL)
WITH NO DATA;

CREATE UNIQUE INDEX crowded_issues_key ON crowded_issues (account_id, issue);

COMMENT ON MATERIALIZED VIEW crowded_issues IS 'Issues that more than 10,000 resources of an account have: needs_attention says of the rest how many they are.';
COMMENT ON COLUMN crowded_issues.account_id IS 'Account of the resources.';
COMMENT ON COLUMN crowded_issues.issue IS 'What may be wrong, as a code.';

-- Dates are compared with the present; days are computed for those who read them, as that takes
-- several times as long.
CREATE VIEW needs_attention AS
WITH shown AS NOT MATERIALIZED (
    SELECT * FROM attention_facts WHERE shown_at IS NULL OR shown_at < now()
), placed AS (
    SELECT *,
           row_number() OVER (PARTITION BY account_id, issue ORDER BY more IS NOT NULL, due_at, row_key) AS place,
           least(count(*) FILTER (WHERE more IS NULL) OVER (PARTITION BY account_id, issue), 10000) AS named,
           sum(coalesce(more, 1)) OVER (PARTITION BY account_id, issue) AS resources
    FROM shown
    WHERE (account_id, issue) IN (SELECT account_id, issue FROM crowded_issues)
), named AS (
    SELECT account_id, region, kind, issue, due_at, resource_name, resource_arn, in_use,
           severity, high_at, critical_at, reason, overdue_reason
    FROM shown
    WHERE (account_id, issue) NOT IN (SELECT account_id, issue FROM crowded_issues)
    UNION ALL
    SELECT account_id, region, kind, issue, due_at,
           CASE WHEN place <= named THEN resource_name ELSE (resources - named) || ' more' END,
           CASE WHEN place <= named THEN resource_arn ELSE '' END,
           CASE WHEN place <= named THEN in_use END,
           severity, high_at, critical_at, reason, overdue_reason
    FROM placed
    WHERE place <= named + 1
), judged AS (
    SELECT account_id, region, kind, issue, due_at, resource_name, resource_arn, in_use,
           CASE WHEN critical_at < now() THEN 'CRITICAL'
                WHEN high_at < now() THEN 'HIGH'
                ELSE severity END AS severity,
           CASE WHEN due_at < now() THEN coalesce(overdue_reason, reason) ELSE reason END AS reason
    FROM named
)
SELECT account_id, region, kind, resource_name, resource_arn, severity,
       CASE severity WHEN 'CRITICAL' THEN 1 WHEN 'HIGH' THEN 2 WHEN 'MEDIUM' THEN 3 WHEN 'LOW' THEN 4 END AS severity_order,
       issue, reason, due_at, floor(date_part('epoch', due_at - now()) / 86400)::integer AS days_left, in_use
FROM judged;

COMMENT ON VIEW needs_attention IS 'What somebody has to look after now, a row per resource and issue: what expires, ends or is about to be deleted, what is not rotated or protected, what failed or stopped, who waits for an answer, and what could not be found out.';
COMMENT ON COLUMN needs_attention.account_id IS 'Account of the resource.';
COMMENT ON COLUMN needs_attention.region IS 'Region of the resource.';
COMMENT ON COLUMN needs_attention.kind IS 'Kind of the resource, such as certificate, access_key or trail.';
COMMENT ON COLUMN needs_attention.resource_name IS 'Name of the resource, as people know it.';
COMMENT ON COLUMN needs_attention.resource_arn IS 'ARN of the resource. Empty: the row stands for further ones of the account and issue, and resource_name says how many.';
COMMENT ON COLUMN needs_attention.severity IS 'CRITICAL, HIGH, MEDIUM or LOW, often the worse the nearer due_at is. A certificate that is not in use is LOW; if that is not known, it counts as in use.';
COMMENT ON COLUMN needs_attention.severity_order IS '1 for CRITICAL to 4 for LOW, to sort by.';
COMMENT ON COLUMN needs_attention.issue IS 'What is wrong, as a code.';
COMMENT ON COLUMN needs_attention.reason IS 'What is wrong, for people.';
COMMENT ON COLUMN needs_attention.due_at IS 'When it happens or happened, or had to. Null: no date belongs to the issue, or it is not known.';
COMMENT ON COLUMN needs_attention.days_left IS 'Whole days from now to due_at, negative after it.';
COMMENT ON COLUMN needs_attention.in_use IS 'Whether the certificate, user or access key is in use. Null: not known, or it makes no difference.';
