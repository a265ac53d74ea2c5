package schemas

import (
	"time"

	"github.com/hubspoke/observability/lib/schema"
)

// IAMUser is one IAM user, or the root user of the account. Columns come from
// GetAccountAuthorizationDetails (UserDetail) and from the credential report of the
// account, which AWS makes anew every four hours at most: report_generated_at says when.
// The report alone knows passwords, MFA and the root user; a user that was created after
// it has null in its columns, and the root user has null in the others.
type IAMUser struct {
	// ARN of the user (Arn).
	UserARN string `col:"user_arn,key,personal=identity"`
	// Name of the user, <root_account> for the root user (UserName).
	UserName *string `col:"user_name,personal=identity"`
	// Identifier of the user, which another user of the same name does not get (UserId). Null for the root user.
	UserID *string `col:"user_id,personal=identity"`
	// Path of the user, such as /division_abc/ (Path). Null for the root user.
	Path *string `col:"path"`
	// Whether this is the root user of the account (report, user is <root_account>).
	IsRoot bool `col:"is_root"`
	// When the user was created (CreateDate; of the root user the report's user_creation_time).
	UserCreatedAt *time.Time `col:"user_created_at"`
	// Whether the user has a password for the console (report, password_enabled). Null: as the report says of the root
	// user, or not in the report yet.
	PasswordEnabled *bool `col:"password_enabled"`
	// When the password was used last (report, password_last_used). Null: never since AWS remembers (20 October 2014), or
	// no password.
	PasswordLastUsedAt *time.Time `col:"password_last_used_at"`
	// When the password was changed last (report, password_last_changed). Null: no password, or the root user.
	PasswordLastChangedAt *time.Time `col:"password_last_changed_at"`
	// When the password policy asks for another password (report, password_next_rotation). Null: it does not, or the root
	// user.
	PasswordNextRotationAt *time.Time `col:"password_next_rotation_at"`
	// Whether the user has an MFA device, virtual or not (report, mfa_active).
	MFAActive *bool `col:"mfa_active"`
	// Whether the first access key is active (report, access_key_1_active).
	AccessKey1Active *bool `col:"access_key_1_active"`
	// When the first access key was created or changed (report, access_key_1_last_rotated). Null: there is none.
	AccessKey1LastRotatedAt *time.Time `col:"access_key_1_last_rotated_at"`
	// When the first access key was used last (report, access_key_1_last_used_date). Null: never since AWS remembers (22
	// April 2015), or there is none.
	AccessKey1LastUsedAt *time.Time `col:"access_key_1_last_used_at"`
	// Whether the second access key is active (report, access_key_2_active).
	AccessKey2Active *bool `col:"access_key_2_active"`
	// When the second access key was created or changed (report, access_key_2_last_rotated). Null: there is none.
	AccessKey2LastRotatedAt *time.Time `col:"access_key_2_last_rotated_at"`
	// When the second access key was used last (report, access_key_2_last_used_date). Null: never, or there is none.
	AccessKey2LastUsedAt *time.Time `col:"access_key_2_last_used_at"`
	// JSON array of the names of the user's groups (GroupList). An empty array: none. Null for the root user.
	GroupNames schema.JSON `col:"group_names,array"`
	// JSON array of the managed policies that the user has itself: PolicyName and PolicyArn (AttachedManagedPolicies). An
	// empty array: none. Null for the root user.
	AttachedPolicies schema.JSON `col:"attached_policies,array"`
	// JSON array of the names of the policies that are written into the user (UserPolicyList, PolicyName). An empty
	// array: none. Null for the root user.
	InlinePolicyNames schema.JSON `col:"inline_policy_names,array"`
	// ARN of the policy that bounds what the user may be allowed (PermissionsBoundary.PermissionsBoundaryArn). Null: none.
	PermissionsBoundaryARN *string `col:"permissions_boundary_arn"`
	// When AWS made the credential report (GetCredentialReport, GeneratedTime).
	ReportGeneratedAt *time.Time `col:"report_generated_at"`
	// JSON object of the tags of the user (Tags). Null: none. A value that may be a secret is [redacted] by the spoke.
	Tags schema.JSON `col:"tags,object"`
}

// IAMUsers is the category "iam_users": every run lists all users of an account.
var IAMUsers = schema.Of[IAMUser](schema.Spec{Name: "iam_users", Mode: schema.Snapshot})
