-- Cases that are open, most urgent first
SELECT account_id, display_id, subject, status, severity_code, service_code, case_created_at
FROM current_support_cases
WHERE status <> 'resolved'
ORDER BY array_position(ARRAY['critical', 'urgent', 'high', 'normal', 'low'], severity_code), case_created_at;

-- Cases per service in the last year
SELECT service_code, count(*) AS cases, count(*) FILTER (WHERE severity_code IN ('critical', 'urgent')) AS urgent
FROM current_support_cases
WHERE case_created_at > now() - interval '1 year'
GROUP BY service_code
ORDER BY cases DESC;
