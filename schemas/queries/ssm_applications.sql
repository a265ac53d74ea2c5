-- Where one application is installed, and in which versions
SELECT version, count(*) AS nodes, count(DISTINCT account_id) AS accounts
FROM current_ssm_applications
WHERE name = 'openssl'
GROUP BY version
ORDER BY version;

-- What was installed in the last week
SELECT account_id, region, instance_id, name, version, publisher, installed_at
FROM current_ssm_applications
WHERE installed_at > now() - interval '7 days'
ORDER BY installed_at DESC;
