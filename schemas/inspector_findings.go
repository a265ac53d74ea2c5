package schemas

import (
	"time"

	"github.com/hubspoke/observability/lib/schema"
)

// InspectorFinding is one Inspector finding, of any status and type. Columns come from
// ListFindings (Finding).
//
// A delegated administrator also sees the findings of its member accounts: account_id says
// where the finding was read, finding_account_id where it belongs. The same finding is then
// read twice: count distinct finding_arn, or take the rows with finding_account_id =
// account_id. Inspector deletes closed findings after some days.
type InspectorFinding struct {
	// ARN of the finding (FindingArn).
	FindingARN string `col:"finding_arn,key"`
	// Account that the finding is about; a member account where account_id is the administrator (AwsAccountId).
	FindingAccountID string `col:"finding_account_id"`
	// Type: PACKAGE_VULNERABILITY, NETWORK_REACHABILITY or CODE_VULNERABILITY (Type).
	FindingType *string `col:"finding_type"`
	// Status: ACTIVE, SUPPRESSED (by a filter) or CLOSED (Status).
	Status *string `col:"status"`
	// Severity: INFORMATIONAL, LOW, MEDIUM, HIGH, CRITICAL or UNTRIAGED (Severity).
	Severity *string `col:"severity"`
	// Title of the finding (Title).
	Title *string `col:"title"`
	// Description of the finding (Description).
	Description *string `col:"description"`
	// Score of Inspector for this resource, from 0 to 10 (InspectorScore). Null: it has none.
	InspectorScore *float64 `col:"inspector_score"`
	// Probability from 0 to 1 that the vulnerability is exploited within 30 days (Epss.Score). Null: it has none.
	EPSSScore *float64 `col:"epss_score"`
	// Whether an exploit is known: YES or NO (ExploitAvailable). Null: AWS does not say.
	ExploitAvailable *string `col:"exploit_available"`
	// When an exploit was last seen (ExploitabilityDetails.LastKnownExploitAt). Null: never.
	LastKnownExploitAt *time.Time `col:"last_known_exploit_at"`
	// Whether all, some or none of the packages have a fix: YES, PARTIAL or NO (FixAvailable). Null: the finding is about
	// no package.
	FixAvailable *string `col:"fix_available"`
	// Identifier of the vulnerability, mostly a CVE (PackageVulnerabilityDetails.VulnerabilityId). Null: the finding is
	// about no package.
	VulnerabilityID *string `col:"vulnerability_id"`
	// Who published the vulnerability, such as NVD (PackageVulnerabilityDetails.Source).
	VulnerabilitySource *string `col:"vulnerability_source"`
	// Page about the vulnerability (PackageVulnerabilityDetails.SourceUrl).
	SourceURL *string `col:"source_url"`
	// Severity in the words of the vendor (PackageVulnerabilityDetails.VendorSeverity).
	VendorSeverity *string `col:"vendor_severity"`
	// When the vendor published the vulnerability (PackageVulnerabilityDetails.VendorCreatedAt).
	VendorPublishedAt *time.Time `col:"vendor_published_at"`
	// When the vendor last changed what it says (PackageVulnerabilityDetails.VendorUpdatedAt).
	VendorUpdatedAt *time.Time `col:"vendor_updated_at"`
	// JSON array of scores: Version, BaseScore, ScoringVector and Source (PackageVulnerabilityDetails.Cvss). Null: none.
	CVSS schema.JSON `col:"cvss,array"`
	// Name of the first vulnerable package (VulnerablePackages[0].Name). Null: the finding is about no package.
	PackageName *string `col:"package_name"`
	// Version of the first vulnerable package (VulnerablePackages[0].Version).
	PackageVersion *string `col:"package_version"`
	// Package manager of the first vulnerable package, such as OS or PIP (VulnerablePackages[0].PackageManager).
	PackageManager *string `col:"package_manager"`
	// Version that mends the first vulnerable package; NotAvailable: there is none yet
	// (VulnerablePackages[0].FixedInVersion).
	FixedInVersion *string `col:"fixed_in_version"`
	// Number of vulnerable packages (VulnerablePackages). Null: the finding is about no package.
	PackageCount *int64 `col:"package_count"`
	// JSON array of all vulnerable packages: Name, Version, FixedInVersion, FilePath, PackageManager and so on
	// (PackageVulnerabilityDetails.VulnerablePackages). Null: the finding is about no package.
	Packages schema.JSON `col:"packages,array"`
	// Type of the first resource, such as AWS_EC2_INSTANCE (Resources[0].Type).
	ResourceType *string `col:"resource_type"`
	// Identifier of the first resource: an instance id, or the ARN of an image or function (Resources[0].Id).
	ResourceID *string `col:"resource_id"`
	// Region of the first resource (Resources[0].Region).
	ResourceRegion *string `col:"resource_region"`
	// JSON object of the tags of the first resource (Resources[0].Tags). Null: it has none. A value that may be a secret
	// is [redacted] by the spoke.
	ResourceTags schema.JSON `col:"resource_tags,object"`
	// Number of resources that the finding names (Resources).
	ResourceCount int64 `col:"resource_count"`
	// JSON array of all resources: Id, Type, Region, Details and Tags (Resources). A value that may be a secret is
	// [redacted] by the spoke.
	Resources schema.JSON `col:"resources,array"`
	// JSON object of the way from the internet: NetworkPath, OpenPortRange, Protocol (NetworkReachabilityDetails). Null:
	// the finding is of another type.
	NetworkReachability schema.JSON `col:"network_reachability,object"`
	// JSON object of the place in the code: FilePath, DetectorName, Cwes and so on (CodeVulnerabilityDetails). Null: the
	// finding is of another type.
	CodeVulnerability schema.JSON `col:"code_vulnerability,object"`
	// What to do about the finding (Remediation.Recommendation.Text).
	RemediationText *string `col:"remediation_text"`
	// Page that explains what to do (Remediation.Recommendation.Url).
	RemediationURL *string `col:"remediation_url"`
	// When Inspector first observed it (FirstObservedAt).
	FirstObservedAt *time.Time `col:"first_observed_at"`
	// When Inspector last observed it (LastObservedAt).
	LastObservedAt *time.Time `col:"last_observed_at"`
	// When Inspector last updated the finding (UpdatedAt).
	FindingUpdatedAt *time.Time `col:"finding_updated_at"`
}

// InspectorFindings is the category "inspector_findings": a full snapshot once a day, and
// what was updated between.
var InspectorFindings = schema.Of[InspectorFinding](schema.Spec{Name: "inspector_findings", Mode: schema.Snapshot,
	Incremental: true})
