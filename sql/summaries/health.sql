-- Health events that are open or upcoming, as an account has them, with its resources.
CREATE VIEW live.health AS
SELECT e.account_id, e.region, e.row_key, left(e.event_arn, 1600) AS event_arn, coalesce(e.event_scope = 'PUBLIC', false) AS is_public,
       left(e.service, 128) AS service, left(e.event_type_code, 256) AS event_type_code, left(e.event_type_category, 64) AS category,
       left(e.event_region, 32) AS event_region, left(e.availability_zone, 32) AS availability_zone, e.status,
       left(e.actionability, 64) AS actionability, e.started_at, e.ended_at, e.event_updated_at AS updated_at,
       coalesce(n.entities, 0) AS entities, coalesce(n.pending_entities, 0) AS pending_entities
FROM obs.health_events e
LEFT JOIN (
    SELECT account_id, region, event_arn, count(*) AS entities,
           count(*) FILTER (WHERE status IN ('IMPAIRED', 'PENDING')) AS pending_entities
    FROM obs.health_event_entities
    WHERE deleted_at IS NULL
    GROUP BY account_id, region, event_arn
) n USING (account_id, region, event_arn)
WHERE e.deleted_at IS NULL AND e.status IN ('open', 'upcoming');

ALTER TABLE summary.health ADD PRIMARY KEY (account_id, region, row_key);

COMMENT ON VIEW live.health IS 'Health events that are open or upcoming, a row for each account that has them.';
COMMENT ON COLUMN live.health.account_id IS 'Account that has the event.';
COMMENT ON COLUMN live.health.region IS 'Region in which Health is collected: global.';
COMMENT ON COLUMN live.health.row_key IS 'Key of the row in health_events.';
COMMENT ON COLUMN live.health.event_arn IS 'ARN of the event.';
COMMENT ON COLUMN live.health.is_public IS 'Whether every account has the event.';
COMMENT ON COLUMN live.health.service IS 'Service that the event is about.';
COMMENT ON COLUMN live.health.event_type_code IS 'Type of the event.';
COMMENT ON COLUMN live.health.category IS 'issue, accountNotification, scheduledChange or investigation.';
COMMENT ON COLUMN live.health.event_region IS 'Region of the event, global if it has none.';
COMMENT ON COLUMN live.health.availability_zone IS 'Availability zone of the event. Null: the whole region.';
COMMENT ON COLUMN live.health.status IS 'open or upcoming.';
COMMENT ON COLUMN live.health.actionability IS 'ACTION_REQUIRED, ACTION_MAY_BE_REQUIRED or INFORMATIONAL. Null: AWS does not say.';
COMMENT ON COLUMN live.health.started_at IS 'When it began, or will begin.';
COMMENT ON COLUMN live.health.ended_at IS 'When it will end. Null: nobody knows yet.';
COMMENT ON COLUMN live.health.updated_at IS 'When AWS last updated the event.';
COMMENT ON COLUMN live.health.entities IS 'Resources of the account that it is about.';
COMMENT ON COLUMN live.health.pending_entities IS 'Those that are impaired, or wait for a change.';
