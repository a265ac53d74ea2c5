-- Applications that do not meet their policy
SELECT account_id, region, name, compliance_status, resiliency_score, current_rto_seconds, policy_az_rto_seconds
FROM current_resilience_apps
WHERE compliance_status = 'PolicyBreached'
ORDER BY resiliency_score;

-- Applications that nobody assessed in the last 30 days
SELECT account_id, region, name, assessment_schedule, assessment_ended_at
FROM current_resilience_apps
WHERE assessment_ended_at IS NULL
   OR assessment_ended_at < now() - interval '30 days'
ORDER BY assessment_ended_at NULLS FIRST;
