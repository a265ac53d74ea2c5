-- Managed nodes and their patches; live.patch_compliance has the rules.
CREATE VIEW patch_compliance AS
SELECT account_id, region, instance_id, name, platform_name, platform_version, ping_status, patch_group,
       missing_count, failed_count, critical_noncompliant_count, security_noncompliant_count, installed_pending_reboot_count,
       operation, operation_ended_at, status
FROM summary.patch_compliance;

COMMENT ON VIEW patch_compliance IS 'Nodes that Systems Manager manages, with the patches that they lack as their last scan or installation found. A row per node, also of those that were never scanned.';
COMMENT ON COLUMN patch_compliance.account_id IS 'Account of the node.';
COMMENT ON COLUMN patch_compliance.region IS 'Region of the node.';
COMMENT ON COLUMN patch_compliance.instance_id IS 'Identifier of the node: i-… of an EC2 instance, mi-… of a node elsewhere.';
COMMENT ON COLUMN patch_compliance.name IS 'Name of the node: that of its activation, the tag Name of the EC2 instance, or its host name. Null: none is known.';
COMMENT ON COLUMN patch_compliance.platform_name IS 'Name of the operating system. Null: not known.';
COMMENT ON COLUMN patch_compliance.platform_version IS 'Version of the operating system. Null: not known.';
COMMENT ON COLUMN patch_compliance.ping_status IS 'Whether the agent reports: Online, ConnectionLost or Inactive. Null: not known.';
COMMENT ON COLUMN patch_compliance.patch_group IS 'Patch group of the node. Null: it is in none, or was never scanned.';
COMMENT ON COLUMN patch_compliance.missing_count IS 'Patches of the baseline that are missing. Null: never scanned.';
COMMENT ON COLUMN patch_compliance.failed_count IS 'Patches that could not be installed. Null: never scanned.';
COMMENT ON COLUMN patch_compliance.critical_noncompliant_count IS 'Critical patches that are not as the baseline says. Null: not reported.';
COMMENT ON COLUMN patch_compliance.security_noncompliant_count IS 'Security patches that are not as the baseline says. Null: not reported.';
COMMENT ON COLUMN patch_compliance.installed_pending_reboot_count IS 'Patches that wait for a restart. Null: not reported.';
COMMENT ON COLUMN patch_compliance.operation IS 'What was done last: Scan or Install. Null: never scanned.';
COMMENT ON COLUMN patch_compliance.operation_ended_at IS 'When that ended: the numbers are of this time. Null: never scanned.';
COMMENT ON COLUMN patch_compliance.status IS 'NEVER_SCANNED, NON_COMPLIANT (a patch is missing or failed), REBOOT_PENDING, COMPLIANT, or UNKNOWN: the scan does not say.';
