package schemas

import (
	"time"

	"github.com/hubspoke/observability/lib/schema"
)

// OrganizationAccount is one account of the organization, as its management account or a
// delegated administrator sees it: account_id is who says so, and member_account_id is
// whom it is about, which may have no spoke. Columns come from ListAccounts,
// DescribeOrganization, ListRoots, ListOrganizationalUnitsForParent and
// ListTagsForResource.
type OrganizationAccount struct {
	// Number of the account (Id).
	MemberAccountID string `col:"member_account_id,key"`
	// ARN of the account in the organization (Arn).
	AccountARN *string `col:"account_arn"`
	// Name of the account (Name).
	AccountName *string `col:"account_name"`
	// E-mail address of the account's root user (Email).
	Email *string `col:"email,personal=contact"`
	// State of the account: PENDING_ACTIVATION, ACTIVE, SUSPENDED, PENDING_CLOSURE or CLOSED (State).
	State *string `col:"state"`
	// How the account came into the organization: INVITED or CREATED (JoinedMethod).
	JoinedMethod *string `col:"joined_method"`
	// When the account came into the organization (JoinedTimestamp).
	JoinedAt *time.Time `col:"joined_at"`
	// Organization, such as o-a1b2c3d4e5 (DescribeOrganization, Id).
	OrganizationID *string `col:"organization_id"`
	// Organizational unit that the account is in, such as ou-ab12-11111111 (the last one in Paths). Null: it is in the
	// root itself.
	OUID *string `col:"ou_id"`
	// Names of the organizational units from the root to the account, with a slash between them, such as
	// Workloads/Production (ListOrganizationalUnitsForParent, Name). Null: the account is in the root itself.
	OUPath *string `col:"ou_path"`
	// Whether this is the management account, which pays for all others (Id is MasterAccountId of DescribeOrganization).
	IsManagementAccount bool `col:"is_management_account"`
	// JSON object of the tags of the account (ListTagsForResource, Tags). An empty object: it has none. Null: denied. A
	// value that may be a secret is [redacted] by the spoke.
	Tags schema.JSON `col:"tags,object"`
}

// OrganizationAccounts is the category "organization_accounts": every run lists all
// accounts of an organization.
var OrganizationAccounts = schema.Of[OrganizationAccount](schema.Spec{Name: "organization_accounts",
	Mode: schema.Snapshot})
