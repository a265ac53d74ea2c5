package collectors

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/account"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/organizations"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/schemas"
)

// The account describes itself with three requests, for which AWS charges nothing. Each of
// them may be denied, or answer that there is no organization: the row is there all the
// same, because the labels that the spoke was started with need no permission.
var Accounts = collect.Collector[schemas.Account]{
	Category: schemas.Accounts,
	Reach:    collect.Global,
	Every:    24 * time.Hour,
	Calls:    []string{"account:GetAccountInformation", "iam:ListAccountAliases", "organizations:DescribeOrganization"},
	Hints: []collect.Hint{
		{Source: "aws.account", Calls: []string{"PutAccountName"}, Only: "us-east-1"},
		{Source: "aws.iam", Calls: []string{"CreateAccountAlias", "DeleteAccountAlias"}, Only: "us-east-1"},
	},
	Collect: collectAccounts,
}

// The quota of the lists is 10 requests a second.
var accountService = collect.Service{
	ID:         "Account",
	Name:       "account",
	Rate:       collect.Rate{PerSecond: 5, Burst: 5},
	PerAccount: true,
	Quota:      "https://docs.aws.amazon.com/accounts/latest/reference/quotas.html",
}

// AWS publishes no quota of requests for IAM.
var iamService = collect.Service{
	ID:         "IAM",
	Name:       "iam",
	Rate:       collect.Rate{PerSecond: 5, Burst: 5},
	PerAccount: true,
	Quota:      "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html",
}

// The lowest quotas of the operations that are called here are 5 to 10 requests a second.
var organizationsService = collect.Service{
	ID:         "Organizations",
	Name:       "organizations",
	Rate:       collect.Rate{PerSecond: 5, Burst: 5},
	PerAccount: true,
	Quota:      "https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html",
}

func collectAccounts(ctx context.Context, env *collect.Env, emit func(schemas.Account) error) error {
	row := schemas.Account{
		ReportedAccountID: env.Account,
		Partition:         env.Partition,
		Labels:            jsonOf(redactMap(env.Labels)),
		SpokeVersion:      enum(env.Version),
	}
	var d details
	for _, detail := range []struct {
		call string
		read func() error
	}{
		{"account:GetAccountInformation", func() error { return readAccountInformation(ctx, env, &row) }},
		{"iam:ListAccountAliases", func() error { return readAccountAlias(ctx, env, &row) }},
		{"organizations:DescribeOrganization", func() error { return readAccountOrganization(ctx, env, &row) }},
	} {
		if _, err := d.read(detail.call, detail.read, "AWSOrganizationsNotInUseException"); err != nil {
			return err
		}
	}
	row.DeniedActions = d.column()
	return emit(row)
}

func readAccountInformation(ctx context.Context, env *collect.Env, row *schemas.Account) error {
	answer, err := account.NewFromConfig(env.AWS).GetAccountInformation(ctx, &account.GetAccountInformationInput{})
	if err != nil {
		return err
	}
	row.AccountName = text(answer.AccountName)
	row.AccountState = enum(answer.AccountState)
	row.AccountCreatedAt = answer.AccountCreatedDate
	return nil
}

func readAccountAlias(ctx context.Context, env *collect.Env, row *schemas.Account) error {
	pages := iam.NewListAccountAliasesPaginator(iam.NewFromConfig(env.AWS), &iam.ListAccountAliasesInput{})
	list := each(ctx, pages, func(p *iam.ListAccountAliasesOutput) ([]string, *string) {
		return p.AccountAliases, p.Marker
	})
	for alias, err := range list {
		if err != nil {
			return err
		}
		row.AccountAlias = alias // AWS has one at most
	}
	return nil
}

func readAccountOrganization(ctx context.Context, env *collect.Env, row *schemas.Account) error {
	organization, err := organizationOf(ctx, organizations.NewFromConfig(env.AWS))
	if err != nil {
		return err
	}
	row.OrganizationID = text(organization.Id)
	row.OrganizationFeatureSet = enum(organization.FeatureSet)
	row.ManagementAccountID = text(organization.MasterAccountId)
	return nil
}
