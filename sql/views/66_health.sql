-- Health events, a public one once. Of what accounts say about the same public event, what
-- most of them say counts: one account cannot change the event for the others.
CREATE VIEW health_now AS
WITH said AS (
    SELECT CASE WHEN is_public THEN 'all' ELSE account_id END AS account_id, event_arn,
           service, event_type_code, category, event_region, availability_zone, status, actionability, started_at, ended_at, updated_at,
           count(*) AS times, count(DISTINCT account_id) AS accounts,
           sum(entities) AS entities, sum(pending_entities) AS pending_entities
    FROM summary.health
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12
), totals AS (
    SELECT *,
           sum(accounts) OVER event AS all_accounts, sum(entities) OVER event AS all_entities, sum(pending_entities) OVER event AS all_pending
    FROM said
    WINDOW event AS (PARTITION BY event_arn, account_id)
)
SELECT DISTINCT ON (event_arn, account_id)
       event_arn, account_id, service, event_type_code, category, event_region AS region, availability_zone, status, actionability,
       started_at, ended_at, updated_at, all_entities::bigint AS entities, all_pending::bigint AS pending_entities,
       all_accounts::bigint AS accounts
FROM totals
ORDER BY event_arn, account_id, times DESC, updated_at DESC NULLS LAST, status, service, event_type_code, category, event_region,
         availability_zone, actionability, started_at, ended_at;

COMMENT ON VIEW health_now IS 'Events of AWS Health that are open or upcoming, with the number of resources that they are about. A public event has one row for all accounts.';
COMMENT ON COLUMN health_now.event_arn IS 'ARN of the event.';
COMMENT ON COLUMN health_now.account_id IS 'Account that the event is about. all: it is public.';
COMMENT ON COLUMN health_now.service IS 'Service that the event is about, such as EC2.';
COMMENT ON COLUMN health_now.event_type_code IS 'Type of the event, such as AWS_EC2_OPERATIONAL_ISSUE.';
COMMENT ON COLUMN health_now.category IS 'issue, accountNotification, scheduledChange or investigation.';
COMMENT ON COLUMN health_now.region IS 'Region of the event, global if it has none.';
COMMENT ON COLUMN health_now.availability_zone IS 'Availability zone of the event. Null: the whole region.';
COMMENT ON COLUMN health_now.status IS 'open or upcoming.';
COMMENT ON COLUMN health_now.actionability IS 'Whether somebody has to do something: ACTION_REQUIRED, ACTION_MAY_BE_REQUIRED or INFORMATIONAL. Null: AWS does not say.';
COMMENT ON COLUMN health_now.started_at IS 'When it began, or will begin.';
COMMENT ON COLUMN health_now.ended_at IS 'When it will end. Null: nobody knows yet.';
COMMENT ON COLUMN health_now.updated_at IS 'When AWS last updated the event.';
COMMENT ON COLUMN health_now.entities IS 'Number of resources that it is about, of all accounts that have it.';
COMMENT ON COLUMN health_now.pending_entities IS 'Those that are impaired, or wait for a change.';
COMMENT ON COLUMN health_now.accounts IS 'Number of accounts that have the event.';

CREATE VIEW health_calendar AS
SELECT (started_at AT TIME ZONE 'UTC')::date AS day, floor(extract(epoch FROM started_at - now()) / 86400)::integer AS days_left,
       account_id, region, service, event_type_code, status, actionability, started_at, ended_at, entities, pending_entities, event_arn
FROM health_now
WHERE category = 'scheduledChange' AND started_at IS NOT NULL AND coalesce(ended_at, started_at) > now() - interval '7 days';

COMMENT ON VIEW health_calendar IS 'What AWS is about to change, by day: scheduled changes that are to come, or ended less than a week ago and are not closed yet.';
COMMENT ON COLUMN health_calendar.day IS 'Day on which it begins, in UTC.';
COMMENT ON COLUMN health_calendar.days_left IS 'Whole days from now until it begins, negative after it began.';
COMMENT ON COLUMN health_calendar.account_id IS 'Account that it is about. all: it is public.';
COMMENT ON COLUMN health_calendar.region IS 'Region of the change, global if it has none.';
COMMENT ON COLUMN health_calendar.service IS 'Service that is changed.';
COMMENT ON COLUMN health_calendar.event_type_code IS 'Type of the event, such as AWS_RDS_MAINTENANCE_SCHEDULED.';
COMMENT ON COLUMN health_calendar.status IS 'open or upcoming.';
COMMENT ON COLUMN health_calendar.actionability IS 'Whether somebody has to do something: ACTION_REQUIRED, ACTION_MAY_BE_REQUIRED or INFORMATIONAL. Null: AWS does not say.';
COMMENT ON COLUMN health_calendar.started_at IS 'When it begins.';
COMMENT ON COLUMN health_calendar.ended_at IS 'When it ends. Null: nobody knows yet.';
COMMENT ON COLUMN health_calendar.entities IS 'Number of resources that it is about, of all accounts that have it.';
COMMENT ON COLUMN health_calendar.pending_entities IS 'Those that still wait for the change.';
COMMENT ON COLUMN health_calendar.event_arn IS 'ARN of the event.';
