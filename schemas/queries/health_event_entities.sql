-- Resources that an open or planned event affects
SELECT e.account_id, e.service, e.event_region, e.event_type_code, e.started_at, r.entity_value, r.status
FROM current_health_event_entities AS r
JOIN current_health_events AS e USING (account_id, region, event_arn)
WHERE e.status IN ('open', 'upcoming')
  AND r.status IS DISTINCT FROM 'RESOLVED'
ORDER BY e.started_at, r.entity_value;

-- Events that affect most resources
SELECT event_arn, count(*) AS resources, count(*) FILTER (WHERE status = 'RESOLVED') AS resolved
FROM current_health_event_entities
GROUP BY event_arn
ORDER BY resources DESC
LIMIT 20;
