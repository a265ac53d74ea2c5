-- What can be reached from outside, or is not protected from it. A row per resource.
--
-- What a bucket has denied is not known, which is a reason of its own, never an all-clear.
-- So it is where a web ACL has denied what it protects. Only application load balancers can
-- have a web ACL.
CREATE VIEW live.exposure AS
SELECT account_id, region, 's3_bucket' AS kind, row_key, left(coalesce(bucket_region, region), 32) AS resource_region,
       left(bucket_name, 512) AS resource,
       CASE WHEN policy_is_public THEN 'bucket policy is public'
            WHEN denied_actions ?| ARRAY['s3:GetBucketPublicAccessBlock', 's3:GetBucketPolicyStatus']
                THEN 'not known: the bucket denies whether it is public'
            ELSE 'public access is not blocked' END AS reason,
       CASE WHEN policy_is_public THEN 'HIGH' ELSE 'MEDIUM' END AS severity
FROM obs.s3_buckets
WHERE deleted_at IS NULL
  AND (policy_is_public
       OR NOT (block_public_acls IS TRUE AND block_public_policy IS TRUE AND ignore_public_acls IS TRUE AND restrict_public_buckets IS TRUE))
UNION ALL
SELECT account_id, region, 'rds_instance', row_key, region, left(db_instance_arn, 512), 'publicly accessible', 'HIGH'
FROM obs.rds_instances
WHERE deleted_at IS NULL AND publicly_accessible
UNION ALL
SELECT account_id, region, 'ec2_instance', row_key, region, left(instance_id, 512),
       'public address and metadata service without tokens', 'MEDIUM'
FROM obs.ec2_instances
WHERE deleted_at IS NULL AND state = 'running' AND public_ip_address IS NOT NULL
  AND metadata_http_tokens = 'optional' AND metadata_http_endpoint = 'enabled'
UNION ALL
SELECT l.account_id, l.region, 'load_balancer', l.row_key, l.region, left(l.load_balancer_arn, 512),
       CASE WHEN EXISTS (SELECT FROM obs.waf_web_acls w
                         WHERE w.account_id = l.account_id AND w.region = l.region AND w.deleted_at IS NULL AND w.associated_resources IS NULL)
            THEN 'not known: a web ACL denies what it protects' ELSE 'internet-facing without a web ACL' END, 'LOW'
FROM obs.load_balancers l
WHERE l.deleted_at IS NULL AND l.type = 'application' AND l.scheme = 'internet-facing'
  AND NOT EXISTS (SELECT FROM obs.waf_web_acls w CROSS JOIN LATERAL hub.elements(w.associated_resources) AS r
                  WHERE w.account_id = l.account_id AND w.region = l.region AND w.deleted_at IS NULL AND r #>> '{}' = l.load_balancer_arn);

ALTER TABLE summary.exposure ADD PRIMARY KEY (account_id, region, kind, row_key);

COMMENT ON VIEW live.exposure IS 'What can be reached from outside, or is not protected from it.';
COMMENT ON COLUMN live.exposure.account_id IS 'Account of the resource.';
COMMENT ON COLUMN live.exposure.region IS 'Region in which the resource was collected.';
COMMENT ON COLUMN live.exposure.kind IS 'Kind of the resource.';
COMMENT ON COLUMN live.exposure.row_key IS 'Key of the row in the table of the category.';
COMMENT ON COLUMN live.exposure.resource_region IS 'Region of the resource.';
COMMENT ON COLUMN live.exposure.resource IS 'Name or identifier of the resource.';
COMMENT ON COLUMN live.exposure.reason IS 'What is wrong, for people.';
COMMENT ON COLUMN live.exposure.severity IS 'HIGH, MEDIUM or LOW.';
