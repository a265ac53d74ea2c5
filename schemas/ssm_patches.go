package schemas

import (
	"time"

	"github.com/hubspoke/observability/lib/schema"
)

// SSMPatch is one patch on one managed node of AWS Systems Manager as seen in one account
// and region: installed, missing or failed. Patches that a node does not need have no row.
// Columns come from DescribeInstancePatches (PatchComplianceData).
type SSMPatch struct {
	// Identifier of the node (InstanceId of the request), as in ssm_instances.
	InstanceID string `col:"instance_id,key"`
	// Identifier of the patch: a KB number of Windows, the name of a package of Linux (KBId).
	KBID string `col:"kb_id,key"`
	// Title of the patch (Title); kb_id where AWS reports none.
	Title string `col:"title,key"`
	// Classification, such as SecurityUpdates (Classification). Null: the patch has none, as many of Linux.
	Classification *string `col:"classification"`
	// Severity, such as Critical, Important or Moderate (Severity). Null: the patch has none, as many of Linux.
	Severity *string `col:"severity"`
	// State: Installed, InstalledOther, InstalledPendingReboot, InstalledRejected, Missing or Failed, in the letters of
	// AWS (State).
	State string `col:"state"`
	// When the patch was installed (InstalledTime). Null: it is not, or the operating system does not say.
	InstalledAt *time.Time `col:"installed_at"`
	// CVE numbers that the patch mends, in one text with commas (CVEIds). Null: AWS reports them for patches only that
	// are missing or failed.
	CVEIDs *string `col:"cve_ids"`
}

// SSMPatches is the category "ssm_patches": every run lists the patches of all managed
// nodes of one account and region.
var SSMPatches = schema.Of[SSMPatch](schema.Spec{
	Name: "ssm_patches", Mode: schema.Snapshot,
	Indexes: []schema.Index{{
		// Patches that somebody must install, by account.
		Name: "missing", Columns: []string{"account_id", "instance_id"},
		Where: "deleted_at IS NULL AND lower(state) IN ('missing', 'failed')",
	}},
})
