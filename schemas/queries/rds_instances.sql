-- Databases that have a public address
SELECT account_id, region, db_instance_id, engine, endpoint_address, security_groups
FROM current_rds_instances
WHERE publicly_accessible
ORDER BY account_id, region, db_instance_id;

-- Databases without automatic backups, encryption or protection from deletion
SELECT account_id, region, db_instance_id, engine, backup_retention_days, storage_encrypted, deletion_protection
FROM current_rds_instances
WHERE backup_retention_days = 0
   OR NOT storage_encrypted
   OR NOT deletion_protection
ORDER BY account_id, region, db_instance_id;

-- Databases by engine and version
SELECT engine, engine_version, count(*) AS instances
FROM current_rds_instances
GROUP BY engine, engine_version
ORDER BY engine, engine_version;

-- Server certificates that expire within 180 days
SELECT account_id, region, db_instance_id, ca_certificate, certificate_valid_till
FROM current_rds_instances
WHERE certificate_valid_till < now() + interval '180 days'
ORDER BY certificate_valid_till;
