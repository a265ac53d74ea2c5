-- Buckets are collected once for the account, and each has a region of its own.
SELECT account_id, region, coalesce(bucket_region, region) AS resource_region, 'S3' AS service,
       'Bucket' AS resource_type, bucket_name AS resource_id, bucket_name AS resource_name,
       bucket_arn AS resource_arn, NULL AS availability_zone, NULL AS state, NULL AS instance_type, NULL AS vpc_id,
       NULL AS engine, NULL AS instance_class, NULL AS multi_az, NULL AS size_gb, NULL AS volume_type,
       bucket_created_at AS created, NULL AS subtype, NULL AS scheme, NULL AS instance_count, NULL AS min_size,
       NULL AS max_size, NULL AS available_ip_count, row_key, collected_at
FROM obs.s3_buckets
WHERE deleted_at IS NULL
