-- What is broken at AWS now, each event once
SELECT service, event_region, event_type_code, min(started_at) AS started_at, count(*) AS accounts, max(description) AS description
FROM current_health_events
WHERE event_type_category = 'issue'
  AND status = 'open'
GROUP BY event_arn, service, event_region, event_type_code
ORDER BY started_at DESC;

-- Changes that are planned for the accounts
SELECT account_id, service, event_region, event_type_code, started_at, actionability
FROM current_health_events
WHERE event_type_category = 'scheduledChange'
  AND event_scope = 'ACCOUNT_SPECIFIC'
  AND status IN ('open', 'upcoming')
ORDER BY started_at;
