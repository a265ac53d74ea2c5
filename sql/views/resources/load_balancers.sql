SELECT account_id, region, region AS resource_region, 'ELB' AS service, 'LoadBalancer' AS resource_type,
       name AS resource_id, name AS resource_name, load_balancer_arn AS resource_arn,
       (SELECT string_agg(zone ->> 'ZoneName', ',' ORDER BY n)
        FROM jsonb_array_elements(CASE jsonb_typeof(availability_zones) WHEN 'array' THEN availability_zones END)
             WITH ORDINALITY z (zone, n)) AS availability_zone,
       state, NULL AS instance_type, vpc_id, NULL AS engine, NULL AS instance_class, NULL AS multi_az,
       NULL AS size_gb, NULL AS volume_type, load_balancer_created_at AS created, type AS subtype, scheme,
       NULL AS instance_count, NULL AS min_size, NULL AS max_size, NULL AS available_ip_count, row_key, collected_at
FROM obs.load_balancers
WHERE deleted_at IS NULL
