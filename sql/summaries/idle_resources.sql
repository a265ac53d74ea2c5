-- What costs money and does nothing. A row per resource.
CREATE VIEW live.idle_resources AS
SELECT account_id, region, 'unattached_volume' AS kind, row_key, left(volume_id, 512) AS resource, left(name, 256) AS name,
       left(concat_ws(' ', size_gb || ' GiB', volume_type), 256) AS detail, volume_created_at AS since
FROM obs.ebs_volumes
WHERE deleted_at IS NULL AND state = 'available'
UNION ALL
SELECT account_id, region, 'stopped_instance', row_key, left(instance_id, 512), left(name, 256), left(instance_type, 256), launched_at
FROM obs.ec2_instances
WHERE deleted_at IS NULL AND state = 'stopped'
UNION ALL
SELECT account_id, region, 'empty_auto_scaling_group', row_key, left(group_arn, 512), left(name, 256), 'at most ' || max_size || ' instances',
       group_created_at
FROM obs.auto_scaling_groups
WHERE deleted_at IS NULL AND instance_count = 0 AND max_size > 0
UNION ALL
SELECT account_id, region, 'idle_recommendation', row_key, left(resource_arn, 512), left(resource_name, 256), left(finding, 256), first_seen_at
FROM obs.compute_recommendations
WHERE deleted_at IS NULL AND recommendation_type = 'idle';

ALTER TABLE summary.idle_resources ADD PRIMARY KEY (account_id, region, kind, row_key);

COMMENT ON VIEW live.idle_resources IS 'What costs money and does nothing.';
COMMENT ON COLUMN live.idle_resources.account_id IS 'Account of the resource.';
COMMENT ON COLUMN live.idle_resources.region IS 'Region of the resource.';
COMMENT ON COLUMN live.idle_resources.kind IS 'Why it is idle.';
COMMENT ON COLUMN live.idle_resources.row_key IS 'Key of the row in the table of the category.';
COMMENT ON COLUMN live.idle_resources.resource IS 'Identifier or ARN of the resource.';
COMMENT ON COLUMN live.idle_resources.name IS 'Name of the resource. Null: none.';
COMMENT ON COLUMN live.idle_resources.detail IS 'What is idle.';
COMMENT ON COLUMN live.idle_resources.since IS 'Since when it is there.';
