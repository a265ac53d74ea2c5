-- Terminated instances are still listed for an hour.
SELECT account_id, region, region AS resource_region, 'EC2' AS service, 'Instance' AS resource_type,
       instance_id AS resource_id, name AS resource_name,
       'arn:' || CASE WHEN region LIKE 'cn-%' THEN 'aws-cn' WHEN region LIKE 'us-gov-%' THEN 'aws-us-gov' ELSE 'aws' END
           || ':ec2:' || region || ':' || account_id || ':instance/' || instance_id AS resource_arn,
       availability_zone, state, instance_type, vpc_id, NULL AS engine, NULL AS instance_class, NULL AS multi_az,
       NULL AS size_gb, NULL AS volume_type, launched_at AS created, platform_details AS subtype, NULL AS scheme,
       NULL AS instance_count, NULL AS min_size, NULL AS max_size, NULL AS available_ip_count, row_key, collected_at
FROM obs.ec2_instances
WHERE deleted_at IS NULL
