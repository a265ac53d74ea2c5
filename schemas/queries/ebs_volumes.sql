-- Volumes that no instance uses, largest first
SELECT account_id, region, volume_id, name, volume_type, size_gb, volume_created_at
FROM current_ebs_volumes
WHERE state = 'available'
ORDER BY size_gb DESC;

-- Volumes that are not encrypted
SELECT account_id, region, volume_id, name, instance_id
FROM current_ebs_volumes
WHERE NOT encrypted
ORDER BY account_id, region, volume_id;

-- Size of the volumes by type; gp2 costs more than gp3
SELECT volume_type, count(*) AS volumes, sum(size_gb) AS size_gb
FROM current_ebs_volumes
GROUP BY volume_type
ORDER BY size_gb DESC;
