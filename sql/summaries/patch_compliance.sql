-- Managed nodes with the patches that they lack, those that were never scanned among them.
CREATE VIEW live.patch_compliance AS
SELECT i.account_id, i.region, i.row_key, left(i.instance_id, 64) AS instance_id,
       left(coalesce(i.name, e.name, i.computer_name), 256) AS name,
       left(i.platform_name, 128) AS platform_name, left(i.platform_version, 128) AS platform_version,
       left(i.ping_status, 32) AS ping_status, left(p.patch_group, 256) AS patch_group,
       p.missing_count, p.failed_count, p.critical_noncompliant_count, p.security_noncompliant_count, p.installed_pending_reboot_count,
       left(p.operation, 32) AS operation, p.operation_ended_at,
       CASE WHEN p.row_key IS NULL THEN 'NEVER_SCANNED'
            WHEN p.missing_count > 0 OR p.failed_count > 0 THEN 'NON_COMPLIANT'
            WHEN p.installed_pending_reboot_count > 0 THEN 'REBOOT_PENDING'
            WHEN p.missing_count IS NULL OR p.failed_count IS NULL THEN 'UNKNOWN'
            ELSE 'COMPLIANT' END AS status
FROM obs.ssm_instances i
LEFT JOIN obs.ssm_patch_states p
       ON (p.account_id, p.region, p.instance_id) = (i.account_id, i.region, i.instance_id) AND p.deleted_at IS NULL
LEFT JOIN obs.ec2_instances e
       ON (e.account_id, e.region, e.instance_id) = (i.account_id, i.region, i.instance_id) AND e.deleted_at IS NULL
WHERE i.deleted_at IS NULL;

ALTER TABLE summary.patch_compliance ADD PRIMARY KEY (account_id, region, row_key);

COMMENT ON VIEW live.patch_compliance IS 'Managed nodes with the patches that they lack.';
COMMENT ON COLUMN live.patch_compliance.account_id IS 'Account of the node.';
COMMENT ON COLUMN live.patch_compliance.region IS 'Region of the node.';
COMMENT ON COLUMN live.patch_compliance.row_key IS 'Key of the row in ssm_instances.';
COMMENT ON COLUMN live.patch_compliance.instance_id IS 'Identifier of the node: i-… of an EC2 instance, mi-… of a node elsewhere.';
COMMENT ON COLUMN live.patch_compliance.name IS 'Name of the node: that of its activation, the tag Name of the EC2 instance, or its host name. Null: none is known.';
COMMENT ON COLUMN live.patch_compliance.platform_name IS 'Name of the operating system. Null: not known.';
COMMENT ON COLUMN live.patch_compliance.platform_version IS 'Version of the operating system. Null: not known.';
COMMENT ON COLUMN live.patch_compliance.ping_status IS 'Whether the agent reports: Online, ConnectionLost or Inactive. Null: not known.';
COMMENT ON COLUMN live.patch_compliance.patch_group IS 'Patch group of the node. Null: it is in none, or was never scanned.';
COMMENT ON COLUMN live.patch_compliance.missing_count IS 'Patches of the baseline that are missing. Null: never scanned.';
COMMENT ON COLUMN live.patch_compliance.failed_count IS 'Patches that could not be installed. Null: never scanned.';
COMMENT ON COLUMN live.patch_compliance.critical_noncompliant_count IS 'Critical patches that are not as the baseline says. Null: not reported.';
COMMENT ON COLUMN live.patch_compliance.security_noncompliant_count IS 'Security patches that are not as the baseline says. Null: not reported.';
COMMENT ON COLUMN live.patch_compliance.installed_pending_reboot_count IS 'Patches that wait for a restart. Null: not reported.';
COMMENT ON COLUMN live.patch_compliance.operation IS 'What was done last: Scan or Install. Null: never scanned.';
COMMENT ON COLUMN live.patch_compliance.operation_ended_at IS 'When that ended: the numbers are of this time. Null: never scanned.';
COMMENT ON COLUMN live.patch_compliance.status IS 'NEVER_SCANNED, NON_COMPLIANT (a patch is missing or failed), REBOOT_PENDING, COMPLIANT, or UNKNOWN: the scan does not say.';
