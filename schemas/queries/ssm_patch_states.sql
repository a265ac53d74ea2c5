-- Nodes with missing or failed patches, critical ones first
SELECT account_id, region, instance_id, critical_noncompliant_count, security_noncompliant_count, missing_count, failed_count
FROM current_ssm_patch_states
WHERE missing_count > 0
   OR failed_count > 0
ORDER BY critical_noncompliant_count DESC NULLS LAST, security_noncompliant_count DESC NULLS LAST, missing_count DESC;

-- Nodes that wait for a restart
SELECT account_id, region, instance_id, patch_group, installed_pending_reboot_count, operation_ended_at
FROM current_ssm_patch_states
WHERE installed_pending_reboot_count > 0
ORDER BY operation_ended_at;

-- Nodes that were not scanned for a month
SELECT account_id, region, instance_id, operation, operation_ended_at
FROM current_ssm_patch_states
WHERE operation_ended_at < now() - interval '30 days'
ORDER BY operation_ended_at;
