SELECT account_id, region, region AS resource_region, 'RDS' AS service, 'DBInstance' AS resource_type,
       db_instance_id AS resource_id, db_instance_id AS resource_name, db_instance_arn AS resource_arn,
       availability_zone, status AS state, NULL AS instance_type, vpc_id, engine, instance_class, multi_az,
       allocated_storage_gb AS size_gb, storage_type AS volume_type, instance_created_at AS created, NULL AS subtype,
       NULL AS scheme, NULL AS instance_count, NULL AS min_size, NULL AS max_size, NULL AS available_ip_count,
       row_key, collected_at
FROM obs.rds_instances
WHERE deleted_at IS NULL
