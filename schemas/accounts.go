package schemas

import (
	"time"

	"github.com/hubspoke/observability/lib/schema"
)

// Account is the account itself, as it is seen from within: one row. Columns come from
// GetAccountInformation, ListAccountAliases and DescribeOrganization. Each may be denied
// on its own: denied_actions then names the action, and the columns that it would have
// filled are null. Labels come from the spoke that collects the account, and not from AWS.
// The e-mail address of an account is only in organization_accounts.
type Account struct {
	// Number of the account (AccountId). It is that of account_id.
	ReportedAccountID string `col:"reported_account_id,key"`
	// Name of the account (AccountName).
	AccountName *string `col:"account_name"`
	// Alias of the account in the address of its sign-in page (ListAccountAliases, AccountAliases). Null: it has none, or
	// denied.
	AccountAlias *string `col:"account_alias"`
	// State of the account: PENDING_ACTIVATION, ACTIVE, SUSPENDED or CLOSED (AccountState).
	AccountState *string `col:"account_state"`
	// When the account was created (AccountCreatedDate).
	AccountCreatedAt *time.Time `col:"account_created_at"`
	// Partition of the account: aws, aws-cn or aws-us-gov.
	Partition string `col:"partition"`
	// Organization of the account, such as o-a1b2c3d4e5 (DescribeOrganization, Id). Null: it is in none, or denied.
	OrganizationID *string `col:"organization_id"`
	// Features of the organization: ALL or CONSOLIDATED_BILLING (DescribeOrganization, FeatureSet). Null: as of
	// organization_id.
	OrganizationFeatureSet *string `col:"organization_feature_set"`
	// Management account of the organization, which pays for this one (DescribeOrganization, MasterAccountId). Null: as
	// of organization_id.
	ManagementAccountID *string `col:"management_account_id"`
	// JSON object of the labels that the spoke was started with (spoke --label), such as product, customer and
	// environment. Null: none. A value that may be a secret is [redacted] by the spoke.
	Labels schema.JSON `col:"labels,object"`
	// Version of the spoke that collected the account. Null: it does not know its own.
	SpokeVersion *string `col:"spoke_version"`
	// JSON array of the IAM actions that were denied for this account, such as account:GetAccountInformation. Null: none
	// was.
	DeniedActions schema.JSON `col:"denied_actions,array"`
}

// Accounts is the category "accounts": every run reads the one row of an account.
var Accounts = schema.Of[Account](schema.Spec{Name: "accounts", Mode: schema.Snapshot})
