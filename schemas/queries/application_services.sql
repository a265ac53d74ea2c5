-- Services by where they run
SELECT environment, count(*) AS services
FROM current_application_services
WHERE service_type = 'Service'
GROUP BY environment
ORDER BY services DESC;

-- Where a service of one name runs
SELECT service_name, array_agg(DISTINCT account_id) AS accounts, array_agg(DISTINCT environment) AS environments
FROM current_application_services
WHERE service_name IS NOT NULL
GROUP BY service_name
ORDER BY service_name;
