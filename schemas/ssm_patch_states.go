package schemas

import (
	"time"

	"github.com/hubspoke/observability/lib/schema"
)

// SSMPatchState is the patch summary of one managed node of AWS Systems Manager as seen in
// one account and region: how many patches the last scan or installation found in each
// state. A node that was never scanned has no row. Columns come from
// DescribeInstancePatchStates (InstancePatchState).
type SSMPatchState struct {
	// Identifier of the node (InstanceId), as in ssm_instances.
	InstanceID string `col:"instance_id,key"`
	// Patch group of the node (PatchGroup). Null: it is in none.
	PatchGroup *string `col:"patch_group"`
	// Patch baseline that the node was compared with (BaselineId).
	BaselineID *string `col:"baseline_id"`
	// What was done: Scan or Install (Operation).
	Operation *string `col:"operation"`
	// Whether an installation may restart the node: RebootIfNeeded or NoReboot (RebootOption). Null: AWS does not report
	// it.
	RebootOption *string `col:"reboot_option"`
	// Patches of the baseline that are installed (InstalledCount).
	InstalledCount *int64 `col:"installed_count"`
	// Patches that are installed and not in the baseline (InstalledOtherCount).
	InstalledOtherCount *int64 `col:"installed_other_count"`
	// Patches that wait for a restart of the node (InstalledPendingRebootCount). Null: AWS does not report it.
	InstalledPendingRebootCount *int64 `col:"installed_pending_reboot_count"`
	// Patches that are installed and that the baseline rejects (InstalledRejectedCount). Null: AWS does not report it.
	InstalledRejectedCount *int64 `col:"installed_rejected_count"`
	// Patches of the baseline that are missing (MissingCount).
	MissingCount *int64 `col:"missing_count"`
	// Patches of the baseline that could not be installed (FailedCount).
	FailedCount *int64 `col:"failed_count"`
	// Patches of the baseline that the node does not need (NotApplicableCount). AWS may cut it off.
	NotApplicableCount *int64 `col:"not_applicable_count"`
	// Patches that are not compliant, of those that the baseline calls critical (CriticalNonCompliantCount). Null: AWS
	// does not report it.
	CriticalNoncompliantCount *int64 `col:"critical_noncompliant_count"`
	// Patches that are not compliant, of those of a security advisory (SecurityNonCompliantCount). Null: AWS does not
	// report it.
	SecurityNoncompliantCount *int64 `col:"security_noncompliant_count"`
	// Other patches that are not compliant (OtherNonCompliantCount). Null: AWS does not report it.
	OtherNoncompliantCount *int64 `col:"other_noncompliant_count"`
	// Security updates that are available and that the baseline has not approved yet (AvailableSecurityUpdateCount).
	// Null: AWS does not report it, as for Linux.
	AvailableSecurityUpdateCount *int64 `col:"available_security_update_count"`
	// When the scan or installation started (OperationStartTime).
	OperationStartedAt *time.Time `col:"operation_started_at"`
	// When the scan or installation ended (OperationEndTime). It may be years ago: the numbers are as old.
	OperationEndedAt *time.Time `col:"operation_ended_at"`
	// Last installation without a restart (LastNoRebootInstallOperationTime). Null: there was none.
	LastNoRebootInstallAt *time.Time `col:"last_no_reboot_install_at"`
}

// SSMPatchStates is the category "ssm_patch_states": every run lists the summaries of all
// managed nodes of one account and region.
var SSMPatchStates = schema.Of[SSMPatchState](schema.Spec{Name: "ssm_patch_states", Mode: schema.Snapshot})
