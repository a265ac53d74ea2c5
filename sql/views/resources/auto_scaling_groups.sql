SELECT account_id, region, region AS resource_region, 'AutoScaling' AS service, 'AutoScalingGroup' AS resource_type,
       name AS resource_id, name AS resource_name, group_arn AS resource_arn,
       (SELECT string_agg(zone #>> '{}', ',' ORDER BY n)
        FROM jsonb_array_elements(CASE jsonb_typeof(availability_zones) WHEN 'array' THEN availability_zones END)
             WITH ORDINALITY z (zone, n)) AS availability_zone,
       status AS state, NULL AS instance_type, NULL AS vpc_id, NULL AS engine, NULL AS instance_class,
       NULL AS multi_az, NULL AS size_gb, NULL AS volume_type, group_created_at AS created, NULL AS subtype,
       NULL AS scheme, instance_count, min_size, max_size, NULL AS available_ip_count, row_key, collected_at
FROM obs.auto_scaling_groups
WHERE deleted_at IS NULL
