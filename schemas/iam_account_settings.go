package schemas

import "github.com/hubspoke/observability/lib/schema"

// IAMAccountSetting is what IAM says of the account as a whole: one row of how many
// things it has, how its root user is protected, and its rules for passwords. Columns come
// from GetAccountSummary (SummaryMap) and GetAccountPasswordPolicy.
type IAMAccountSetting struct {
	// Number of the account. It is that of account_id.
	ReportedAccountID string `col:"reported_account_id,key"`
	// Users (SummaryMap Users).
	Users *int64 `col:"users"`
	// Groups (SummaryMap Groups).
	Groups *int64 `col:"groups"`
	// Roles (SummaryMap Roles).
	Roles *int64 `col:"roles"`
	// Managed policies that the account wrote itself (SummaryMap Policies).
	CustomerPolicies *int64 `col:"customer_policies"`
	// Instance profiles (SummaryMap InstanceProfiles).
	InstanceProfiles *int64 `col:"instance_profiles"`
	// Server certificates that IAM keeps (SummaryMap ServerCertificates).
	ServerCertificates *int64 `col:"server_certificates"`
	// Identity providers, SAML and OpenID Connect (SummaryMap Providers).
	IdentityProviders *int64 `col:"identity_providers"`
	// MFA devices (SummaryMap MFADevices).
	MFADevices *int64 `col:"mfa_devices"`
	// MFA devices that users have (SummaryMap MFADevicesInUse).
	MFADevicesInUse *int64 `col:"mfa_devices_in_use"`
	// Whether the root user has an MFA device (SummaryMap AccountMFAEnabled).
	RootMFAEnabled *bool `col:"root_mfa_enabled"`
	// Whether the root user has access keys, which it should not: 1 or 0 (SummaryMap AccountAccessKeysPresent).
	RootAccessKeys *int64 `col:"root_access_keys"`
	// Whether the root user has a password (SummaryMap AccountPasswordPresent).
	RootPasswordPresent *bool `col:"root_password_present"`
	// Whether the account has rules for passwords of its own (GetAccountPasswordPolicy). False: those of AWS apply, and
	// the columns below are null. Null: denied.
	PasswordPolicySet *bool `col:"password_policy_set"`
	// Characters that a password needs (MinimumPasswordLength).
	MinimumPasswordLength *int64 `col:"minimum_password_length"`
	// Days after which a password must be changed (MaxPasswordAge). Null: never.
	MaxPasswordAgeDays *int64 `col:"max_password_age_days"`
	// Earlier passwords that must not be used again (PasswordReusePrevention). Null: any may.
	PasswordReusePrevention *int64 `col:"password_reuse_prevention"`
	// Whether a password needs a symbol (RequireSymbols).
	RequireSymbols *bool `col:"require_symbols"`
	// Whether a password needs a digit (RequireNumbers).
	RequireNumbers *bool `col:"require_numbers"`
	// Whether a password needs an upper case letter (RequireUppercaseCharacters).
	RequireUppercase *bool `col:"require_uppercase"`
	// Whether a password needs a lower case letter (RequireLowercaseCharacters).
	RequireLowercase *bool `col:"require_lowercase"`
	// Whether users may change their own password (AllowUsersToChangePassword).
	UsersMayChangePassword *bool `col:"users_may_change_password"`
	// Whether passwords must be changed after max_password_age_days (ExpirePasswords).
	ExpirePasswords *bool `col:"expire_passwords"`
	// Whether somebody with an expired password must ask an administrator for another one (HardExpiry).
	HardExpiry *bool `col:"hard_expiry"`
	// JSON array of the IAM actions that were denied: iam:GetAccountPasswordPolicy. Null: none was.
	DeniedActions schema.JSON `col:"denied_actions,array"`
}

// IAMAccountSettings is the category "iam_account_settings": every run reads the one row
// of an account.
var IAMAccountSettings = schema.Of[IAMAccountSetting](schema.Spec{Name: "iam_account_settings", Mode: schema.Snapshot})
