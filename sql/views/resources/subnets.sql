-- A shared subnet is a resource of its owner alone.
SELECT account_id, region, region AS resource_region, 'VPC' AS service, 'Subnet' AS resource_type,
       subnet_id AS resource_id, name AS resource_name, subnet_arn AS resource_arn, availability_zone, state,
       NULL AS instance_type, vpc_id, NULL AS engine, NULL AS instance_class, NULL AS multi_az, NULL AS size_gb,
       NULL AS volume_type, NULL AS created, NULL AS subtype, NULL AS scheme, NULL AS instance_count,
       NULL AS min_size, NULL AS max_size, available_ip_count, row_key, collected_at
FROM obs.subnets
WHERE deleted_at IS NULL AND owner_id = account_id
