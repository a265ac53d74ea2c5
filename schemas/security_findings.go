package schemas

import (
	"time"

	"github.com/hubspoke/observability/lib/schema"
)

// SecurityFinding is one finding in AWS Security Hub CSPM, of any product,
// severity and state, archived ones included. Columns come from GetFindings (the
// AWS Security Finding Format, ASFF).
//
// An administrator account also sees the findings of its member accounts, and an
// aggregation region those of its linked regions. The system columns account_id
// and region say where the finding was read; finding_account_id and
// finding_region say where it belongs. The same finding may therefore be read in
// several places: count distinct (product_arn, finding_id).
//
// Security Hub deletes findings that were not updated for 90 days, archived ones
// after 30. Once a day a run reads all findings, and those that it does not name are
// gone; the runs between read what was updated.
type SecurityFinding struct {
	// Identifier that the product gave the finding, at most 512 characters (Id). Unique together with product_arn.
	FindingID string `col:"finding_id,key"`
	// ARN of the product that made the finding (ProductArn).
	ProductARN string `col:"product_arn,key"`
	// Name of the product, such as Security Hub, GuardDuty or Inspector (ProductName).
	ProductName *string `col:"product_name"`
	// Company that makes the product (CompanyName).
	CompanyName *string `col:"company_name"`
	// Rule, check or detector of the product that made the finding (GeneratorId).
	GeneratorID string `col:"generator_id"`
	// Account that the finding is about; a member account where account_id is its administrator (AwsAccountId).
	FindingAccountID string `col:"finding_account_id"`
	// Region that the finding is about; another one than region where findings are aggregated (Region).
	FindingRegion *string `col:"finding_region"`
	// Title of the finding (Title).
	Title string `col:"title"`
	// Description of the finding (Description).
	Description *string `col:"description,personal=text"`
	// JSON array of finding types, namespace/category/classifier (Types).
	FindingTypes schema.JSON `col:"finding_types,array"`
	// Severity: INFORMATIONAL, LOW, MEDIUM, HIGH or CRITICAL (Severity.Label).
	SeverityLabel *string `col:"severity_label"`
	// Severity from 0 to 100 (Severity.Normalized).
	SeverityNormalized *int64 `col:"severity_normalized"`
	// Severity in the product's own words (Severity.Original).
	SeverityOriginal *string `col:"severity_original"`
	// Status of the investigation: NEW, NOTIFIED, RESOLVED or SUPPRESSED (Workflow.Status).
	WorkflowStatus *string `col:"workflow_status"`
	// State of the record: ACTIVE or ARCHIVED (RecordState).
	RecordState *string `col:"record_state"`
	// Result of a control's check: PASSED, WARNING, FAILED or NOT_AVAILABLE (Compliance.Status). Null: the finding comes
	// from no control.
	ComplianceStatus *string `col:"compliance_status"`
	// Control that was checked, across standards, such as S3.5 (Compliance.SecurityControlId). Null: the finding comes
	// from no control.
	SecurityControlID *string `col:"security_control_id"`
	// JSON array of the enabled standards that the control belongs to, such as
	// standards/aws-foundational-security-best-practices/v/1.0.0 (Compliance.AssociatedStandards, StandardsId).
	AssociatedStandards schema.JSON `col:"associated_standards,array"`
	// Type of the first resource, such as AwsS3Bucket (Resources[0].Type). Null: the finding names no resource.
	ResourceType *string `col:"resource_type"`
	// Identifier of the first resource, mostly its ARN (Resources[0].Id). Null: the finding names no resource.
	ResourceID *string `col:"resource_id"`
	// Number of resources that the finding names, at most 32 (Resources).
	ResourceCount int64 `col:"resource_count"`
	// JSON array of all resources: Id, Type, Partition, Region, ResourceRole, ApplicationArn, ApplicationName and Tags
	// (Resources). Their Details are left out: they repeat the configuration of the resource and can hold environment
	// variables. A tag value that may be a secret is [redacted] by the spoke.
	Resources schema.JSON `col:"resources,array"`
	// JSON array of vulnerabilities: identifier, packages, scores and fixes (Vulnerabilities). Null: the finding names
	// none.
	Vulnerabilities schema.JSON `col:"vulnerabilities,array"`
	// JSON object of what the product adds to the format (ProductFields). A value that may be a secret is [redacted] by
	// the spoke.
	ProductFields schema.JSON `col:"product_fields,object,personal=network"`
	// What to do about the finding (Remediation.Recommendation.Text).
	RemediationText *string `col:"remediation_text"`
	// Page that explains what to do (Remediation.Recommendation.Url).
	RemediationURL *string `col:"remediation_url"`
	// When the product first observed the issue (FirstObservedAt).
	FirstObservedAt *time.Time `col:"first_observed_at"`
	// When the product last observed a change of the resource (LastObservedAt).
	LastObservedAt *time.Time `col:"last_observed_at"`
	// When the product created the finding (CreatedAt).
	FindingCreatedAt *time.Time `col:"finding_created_at"`
	// When the product last updated the finding; a change of workflow_status does not move it (UpdatedAt).
	FindingUpdatedAt *time.Time `col:"finding_updated_at"`
	// Whether the finding is a sample, made to look at (Sample). Null: AWS does not say, and it is none. Views and
	// queries of open findings leave samples out.
	Sample *bool `col:"sample"`
	// JSON array of reasons for compliance_status: ReasonCode and Description (Compliance.StatusReasons). Null: none are
	// given.
	ComplianceReasons schema.JSON `col:"compliance_reasons,array"`
	// Name of the account that the finding is about (AwsAccountName). Null: AWS does not say.
	FindingAccountName *string `col:"finding_account_name"`
}

// openFinding is the condition of a finding that is open. The view findings has it word by
// word, and what the indexes are made of.
const openFinding = "deleted_at IS NULL AND sample IS NOT TRUE AND record_state IS DISTINCT FROM 'ARCHIVED'\n" +
	"      AND workflow_status IS DISTINCT FROM 'RESOLVED' AND workflow_status IS DISTINCT FROM 'SUPPRESSED'\n" +
	"      AND compliance_status IS DISTINCT FROM 'PASSED'"

const newest = "finding_updated_at" + schema.NewestFirst

// SecurityFindings is the category "security_findings": a full snapshot once a day, and
// what was updated between.
var SecurityFindings = schema.Of[SecurityFinding](schema.Spec{
	Name: "security_findings", Mode: schema.Snapshot, Incremental: true,
	Indexes: []schema.Index{
		{
			// What somebody has to work on, newest first.
			Name: "open", Columns: []string{"account_id", "finding_updated_at"},
			Where: "deleted_at IS NULL AND record_state = 'ACTIVE' AND workflow_status IN ('NEW', 'NOTIFIED')\n" +
				"      AND severity_label IN ('CRITICAL', 'HIGH')",
		},
		// What is open, newest first: all of it, that of an account, and that of a control.
		{Name: "newest", Columns: []string{newest}, Where: openFinding},
		{Name: "of_account", Columns: []string{"left(finding_account_id, 32)", newest}, Where: openFinding},
		{Name: "of_control", Columns: []string{"left(security_control_id, 128)", newest}, Where: openFinding},
	},
})
