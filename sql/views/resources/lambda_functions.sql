SELECT account_id, region, region AS resource_region, 'Lambda' AS service, 'Function' AS resource_type,
       name AS resource_id, name AS resource_name, function_arn AS resource_arn, NULL AS availability_zone,
       NULL AS state, NULL AS instance_type, vpc_id, runtime AS engine, NULL AS instance_class, NULL AS multi_az,
       NULL AS size_gb, NULL AS volume_type, last_modified_at AS created, package_type AS subtype, NULL AS scheme,
       NULL AS instance_count, NULL AS min_size, NULL AS max_size, NULL AS available_ip_count, row_key, collected_at
FROM obs.lambda_functions
WHERE deleted_at IS NULL
