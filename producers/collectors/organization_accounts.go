package collectors

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/schemas"
)

// All accounts of the organization are listed, those without a spoke, too. The names of
// the organizational units need a request for each of them, and the tags one for each
// account: an organization of 500 accounts needs about 600, and two minutes at the rate
// of 5 a second. AWS charges nothing for them.
//
// Only the management account and delegated administrators of a service may ask. Other
// members get the same answer as a role without the permission; they end with the outcome
// disabled, and the management account with denied. An account without an organization is
// disabled.
var OrganizationAccounts = collect.Collector[schemas.OrganizationAccount]{
	Category: schemas.OrganizationAccounts,
	Reach:    collect.Global,
	Every:    6 * time.Hour,
	Calls: []string{
		"organizations:DescribeOrganization",
		"organizations:ListAccounts",
		"organizations:ListRoots",
		"organizations:ListOrganizationalUnitsForParent",
		"organizations:ListTagsForResource",
	},
	Hints: []collect.Hint{
		// CreateAccountResult and CloseAccountResult tell of the end of what takes minutes.
		{Source: "aws.organizations", Calls: []string{
			"CreateAccount*", "CreateGovCloudAccount", "InviteAccountToOrganization", "AcceptHandshake",
			"RemoveAccountFromOrganization", "LeaveOrganization", "CloseAccount*", "MoveAccount",
			"CreateOrganizationalUnit", "UpdateOrganizationalUnit", "DeleteOrganizationalUnit", "TagResource",
			"UntagResource",
		}, Only: "us-east-1"},
	},
	Collect: collectOrganizationAccounts,
}

func collectOrganizationAccounts(
	ctx context.Context, env *collect.Env, emit func(schemas.OrganizationAccount) error,
) error {
	client := organizations.NewFromConfig(env.AWS)
	organization, err := organizationOf(ctx, client)
	if err != nil {
		return err
	}
	read := &organizationAccountReader{client: client, organization: organization}
	err = read.all(ctx, emit)
	if management := aws.ToString(organization.MasterAccountId); hasCode(err, deniedCodes...) &&
		management != env.Account {
		return collect.Disabled(fmt.Errorf("only its management account, %s, and delegated administrators may list "+
			"the accounts of the organization: %w", management, err))
	}
	return err
}

// organizationAccountReader gathers what is known about the accounts of an organization.
type organizationAccountReader struct {
	client       *organizations.Client
	organization *types.Organization
	paths        map[string]string // of organizational units, by id
}

func (r *organizationAccountReader) all(ctx context.Context, emit func(schemas.OrganizationAccount) error) error {
	if err := r.readPaths(ctx); err != nil {
		return err
	}
	pages := organizations.NewListAccountsPaginator(r.client, &organizations.ListAccountsInput{})
	list := each(ctx, pages, func(p *organizations.ListAccountsOutput) ([]types.Account, *string) {
		return p.Accounts, p.NextToken
	})
	return emitDetailed(list, func(a *types.Account) (schemas.OrganizationAccount, error) {
		row := r.row(a)
		var d details
		_, err := d.read("organizations:ListTagsForResource", func() error { return r.readTags(ctx, &row) })
		return row, err
	}, emit, "TargetNotFoundException")
}

// readPaths reads the path of each organizational unit: the names of the units from the
// root to it.
func (r *organizationAccountReader) readPaths(ctx context.Context) error {
	r.paths = map[string]string{}
	pages := organizations.NewListRootsPaginator(r.client, &organizations.ListRootsInput{})
	list := each(ctx, pages, func(p *organizations.ListRootsOutput) ([]types.Root, *string) {
		return p.Roots, p.NextToken
	})
	for root, err := range list {
		if err != nil {
			return err
		}
		if err := r.readPathsBelow(ctx, root.Id, ""); err != nil {
			return err
		}
	}
	return nil
}

func (r *organizationAccountReader) readPathsBelow(ctx context.Context, parent *string, path string) error {
	pages := organizations.NewListOrganizationalUnitsForParentPaginator(r.client,
		&organizations.ListOrganizationalUnitsForParentInput{ParentId: parent})
	list := each(ctx, pages,
		func(p *organizations.ListOrganizationalUnitsForParentOutput) ([]types.OrganizationalUnit, *string) {
			return p.OrganizationalUnits, p.NextToken
		})
	for unit, err := range list {
		if err != nil {
			return err
		}
		own := path + aws.ToString(unit.Name)
		r.paths[aws.ToString(unit.Id)] = own
		if err := r.readPathsBelow(ctx, unit.Id, own+"/"); err != nil {
			return err
		}
	}
	return nil
}

func (r *organizationAccountReader) row(a *types.Account) schemas.OrganizationAccount {
	row := schemas.OrganizationAccount{
		MemberAccountID:     aws.ToString(a.Id),
		AccountARN:          text(a.Arn),
		AccountName:         text(a.Name),
		Email:               text(a.Email),
		State:               enum(a.State),
		JoinedMethod:        enum(a.JoinedMethod),
		JoinedAt:            a.JoinedTimestamp,
		OrganizationID:      text(r.organization.Id),
		IsManagementAccount: aws.ToString(a.Id) == aws.ToString(r.organization.MasterAccountId),
	}
	if len(a.Paths) > 0 {
		// o-a1b2c3d4e5/r-ab12/ou-ab12-11111111/ou-ab12-22222222/111122223333
		for part := range strings.SplitSeq(a.Paths[0], "/") {
			if strings.HasPrefix(part, "ou-") {
				row.OUID, row.OUPath = &part, enum(r.paths[part])
			}
		}
	}
	return row
}

func (r *organizationAccountReader) readTags(ctx context.Context, row *schemas.OrganizationAccount) error {
	pages := organizations.NewListTagsForResourcePaginator(r.client,
		&organizations.ListTagsForResourceInput{ResourceId: &row.MemberAccountID})
	list := each(ctx, pages, func(p *organizations.ListTagsForResourceOutput) ([]types.Tag, *string) {
		return p.Tags, p.NextToken
	})
	tags, err := gather(list)
	if err != nil {
		return err
	}
	row.Tags = jsonObject(tagMap(tags))
	return nil
}
