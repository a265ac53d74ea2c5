SELECT account_id, region, region AS resource_region, 'EBS' AS service, 'Volume' AS resource_type,
       volume_id AS resource_id, name AS resource_name, volume_arn AS resource_arn, availability_zone, state,
       NULL AS instance_type, NULL AS vpc_id, NULL AS engine, NULL AS instance_class, NULL AS multi_az, size_gb,
       volume_type, volume_created_at AS created, NULL AS subtype, NULL AS scheme, NULL AS instance_count,
       NULL AS min_size, NULL AS max_size, NULL AS available_ip_count, row_key, collected_at
FROM obs.ebs_volumes
WHERE deleted_at IS NULL
