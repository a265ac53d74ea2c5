package collectors

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/schemas"
)

// The summary and the password policy are a request each, for which AWS charges nothing.
// An account without a password policy says so in password_policy_set; where the policy is
// denied, denied_actions says that.
var IAMAccountSettings = collect.Collector[schemas.IAMAccountSetting]{
	Category: schemas.IAMAccountSettings,
	Reach:    collect.Global,
	Every:    24 * time.Hour,
	Calls:    []string{"iam:GetAccountSummary", "iam:GetAccountPasswordPolicy"},
	Hints: []collect.Hint{
		{Source: "aws.iam", Calls: []string{
			"UpdateAccountPasswordPolicy", "DeleteAccountPasswordPolicy", "CreateAccessKey", "DeleteAccessKey",
			"EnableMFADevice", "DeactivateMFADevice",
		}, Only: "us-east-1"},
	},
	Collect: collectIAMAccountSettings,
}

func collectIAMAccountSettings(ctx context.Context, env *collect.Env,
	emit func(schemas.IAMAccountSetting) error) error {
	client := iam.NewFromConfig(env.AWS)
	answer, err := client.GetAccountSummary(ctx, &iam.GetAccountSummaryInput{})
	if err == nil && answer.SummaryMap == nil {
		err = without(answer, "the summary")
	}
	if err != nil {
		return err
	}
	row := iamAccountSetting(env.Account, answer.SummaryMap)
	var d details
	known, err := d.read("iam:GetAccountPasswordPolicy", func() error {
		return readIAMAccountSettingPolicy(ctx, client, &row)
	}, "NoSuchEntity")
	if err != nil {
		return err
	}
	if known != detailDenied {
		row.PasswordPolicySet = new(known == detailKnown)
	}
	row.DeniedActions = d.column()
	return emit(row)
}

func iamAccountSetting(account string, summary map[string]int32) schemas.IAMAccountSetting {
	number := func(name string) *int64 {
		n, known := summary[name]
		if !known {
			return nil
		}
		return integer(&n)
	}
	flag := func(name string) *bool {
		n, known := summary[name]
		if !known {
			return nil
		}
		return new(n != 0)
	}
	return schemas.IAMAccountSetting{
		ReportedAccountID:   account,
		Users:               number("Users"),
		Groups:              number("Groups"),
		Roles:               number("Roles"),
		CustomerPolicies:    number("Policies"),
		InstanceProfiles:    number("InstanceProfiles"),
		ServerCertificates:  number("ServerCertificates"),
		IdentityProviders:   number("Providers"),
		MFADevices:          number("MFADevices"),
		MFADevicesInUse:     number("MFADevicesInUse"),
		RootMFAEnabled:      flag("AccountMFAEnabled"),
		RootAccessKeys:      number("AccountAccessKeysPresent"),
		RootPasswordPresent: flag("AccountPasswordPresent"),
	}
}

func readIAMAccountSettingPolicy(ctx context.Context, client *iam.Client, row *schemas.IAMAccountSetting) error {
	answer, err := client.GetAccountPasswordPolicy(ctx, &iam.GetAccountPasswordPolicyInput{})
	if err == nil && answer.PasswordPolicy == nil {
		err = without(answer, "the policy")
	}
	if err != nil {
		return err
	}
	p := answer.PasswordPolicy
	row.MinimumPasswordLength = integer(p.MinimumPasswordLength)
	row.MaxPasswordAgeDays = integer(p.MaxPasswordAge)
	row.PasswordReusePrevention = integer(p.PasswordReusePrevention)
	row.RequireSymbols = &p.RequireSymbols
	row.RequireNumbers = &p.RequireNumbers
	row.RequireUppercase = &p.RequireUppercaseCharacters
	row.RequireLowercase = &p.RequireLowercaseCharacters
	row.UsersMayChangePassword = &p.AllowUsersToChangePassword
	row.ExpirePasswords = &p.ExpirePasswords
	row.HardExpiry = p.HardExpiry
	return nil
}
