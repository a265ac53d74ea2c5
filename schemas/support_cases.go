package schemas

import (
	"time"

	"github.com/hubspoke/observability/lib/schema"
)

// SupportCase is one case that the account opened with AWS Support, open or resolved. Columns
// come from DescribeCases (CaseDetails). What was written in a case is never read.
type SupportCase struct {
	// Identifier of the case in the API (caseId).
	CaseID string `col:"case_id,key"`
	// Number of the case, as people see it (displayId).
	DisplayID *string `col:"display_id"`
	// Subject of the case, as a person wrote it (subject).
	Subject *string `col:"subject,personal=text"`
	// Status: opened, pending-customer-action, reopened, resolved, unassigned or work-in-progress (status).
	Status string `col:"status"`
	// Severity: low, normal, high, urgent or critical (severityCode).
	SeverityCode *string `col:"severity_code"`
	// Service that the case is about, such as amazon-dynamodb (serviceCode).
	ServiceCode *string `col:"service_code"`
	// Category of the problem (categoryCode).
	CategoryCode *string `col:"category_code"`
	// Language of the case, such as en or ja (language).
	CaseLanguage *string `col:"case_language"`
	// Who opened the case: an email address, or a role (submittedBy). Null: AWS did, or does not say.
	SubmittedBy *string `col:"submitted_by,personal=identity"`
	// JSON array of the email addresses that get copies (ccEmailAddresses). Null: none.
	CCEmailAddresses schema.JSON `col:"cc_email_addresses,array,personal=contact"`
	// When the case was opened (timeCreated).
	CaseCreatedAt *time.Time `col:"case_created_at"`
}

// SupportCases is the category "support_cases": every run lists all cases that AWS keeps, and
// those that it no longer keeps stay.
var SupportCases = schema.Of[SupportCase](schema.Spec{Name: "support_cases", Mode: schema.Event})
