package collectors

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/schemas"
)

// One paged request to Cost Explorer in the management account reads the costs of all accounts
// of the organization, for the days of service_costs. Each day is a run of its own, which
// replaces the day. The other accounts need not ask: start their spokes with
// --exclude service_costs.
//
// AWS charges for each page of the answer. An organization of many accounts has many: raise
// --max-paid-requests where a run is stopped.
//
// Accounts that do not manage their organization, or are in none, end with the outcome
// disabled, before anything is charged, and so do those without Cost Explorer, as in
// service_costs.
var LinkedAccountCosts = collect.Collector[schemas.LinkedAccountCost]{
	Category: schemas.LinkedAccountCosts,
	Reach:    collect.Global,
	Every:    24 * time.Hour,
	Calls:    []string{"organizations:DescribeOrganization", "ce:GetCostAndUsage"},
	Slices:   func(now time.Time) []string { return linkedAccountCostQuery(now).days() },
	Collect:  collectLinkedAccountCosts,

	PaidRequests:      1,
	ManagementAccount: true,
}

// linkedAccountCostQuery returns what a run at now reads.
func linkedAccountCostQuery(now time.Time) costQuery {
	query := serviceCostQuery(now)
	query.groups = []string{"LINKED_ACCOUNT", "SERVICE"}
	query.organization = true
	return query
}

func collectLinkedAccountCosts(
	ctx context.Context, env *collect.Env, emit func(schemas.LinkedAccountCost) error,
) error {
	organization, err := organizationOf(ctx, organizations.NewFromConfig(env.AWS))
	if err != nil {
		return err
	}
	if management := aws.ToString(organization.MasterAccountId); management != env.Account {
		return collect.Disabled(fmt.Errorf("only its management account, %s, may read the costs of the accounts "+
			"of the organization", management))
	}
	return collectCosts(ctx, env, linkedAccountCostQuery(env.Now), linkedAccountCost, emit)
}

func linkedAccountCost(l *costLine) schemas.LinkedAccountCost {
	return schemas.LinkedAccountCost{
		UsageDate:        l.Day,
		LinkedAccountID:  l.key(0),
		Service:          l.key(1),
		UnblendedCost:    l.mustCost("UnblendedCost"),
		NetUnblendedCost: l.cost("NetUnblendedCost"),
		AmortizedCost:    l.cost("AmortizedCost"),
		NetAmortizedCost: l.cost("NetAmortizedCost"),
		Currency:         l.unit("UnblendedCost"),
		Estimated:        l.Estimated,
	}
}
