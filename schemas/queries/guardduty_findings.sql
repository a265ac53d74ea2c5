-- Findings that nobody archived, most severe first, each counted once
SELECT DISTINCT ON (severity, finding_id) finding_account_id, finding_region, severity, finding_type, resource_id, count, event_last_seen_at
FROM current_guardduty_findings
WHERE NOT archived
ORDER BY severity DESC, finding_id;

-- What is seen most, by type
SELECT finding_type, max(severity) AS severity, count(DISTINCT finding_id) AS findings, count(DISTINCT finding_account_id) AS accounts
FROM current_guardduty_findings
WHERE NOT archived
GROUP BY finding_type
ORDER BY findings DESC;

-- Addresses that the activity came from
SELECT a.address, count(DISTINCT finding_id) AS findings
FROM current_guardduty_findings,
     jsonb_path_query(action, '$.**.RemoteIpDetails.IpAddressV4') AS j(value),
     LATERAL (SELECT j.value #>> '{}') AS a(address)
GROUP BY a.address
ORDER BY findings DESC
LIMIT 20;
