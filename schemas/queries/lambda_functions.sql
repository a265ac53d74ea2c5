-- Functions by runtime
SELECT coalesce(runtime, package_type) AS runtime, count(*) AS functions, max(last_modified_at) AS last_modified_at
FROM current_lambda_functions
GROUP BY 1
ORDER BY functions DESC;

-- Functions that nobody has changed for a year
SELECT account_id, region, name, runtime, last_modified_at
FROM current_lambda_functions
WHERE last_modified_at < now() - interval '1 year'
ORDER BY last_modified_at;

-- Functions of a VPC
SELECT account_id, region, name, vpc_id, subnet_ids
FROM current_lambda_functions
WHERE vpc_id IS NOT NULL
ORDER BY account_id, region, vpc_id, name;
