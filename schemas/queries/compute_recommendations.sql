-- What saves most, once for each resource
SELECT DISTINCT ON (account_id, resource_arn) account_id, region, recommendation_type, resource_name, finding,
       current_instance_type, recommended_instance_type, estimated_monthly_savings, currency
FROM current_compute_recommendations
WHERE estimated_monthly_savings > 0
ORDER BY account_id, resource_arn, estimated_monthly_savings DESC;

-- Resources that are too small
SELECT account_id, region, recommendation_type, resource_name, current_performance_risk, cpu_maximum_percent,
       memory_maximum_percent
FROM current_compute_recommendations
WHERE finding ILIKE 'under%'
ORDER BY cpu_maximum_percent DESC NULLS LAST;
