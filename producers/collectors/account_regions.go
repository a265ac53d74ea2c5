package collectors

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/account"
	"github.com/aws/aws-sdk-go-v2/service/account/types"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/schemas"
)

// All regions of the partition are listed, with those that the account has not enabled.
// One request reads 50 of them, and AWS charges nothing for it.
var AccountRegions = collect.Collector[schemas.AccountRegion]{
	Category: schemas.AccountRegions,
	Reach:    collect.Global,
	Every:    24 * time.Hour,
	Calls:    []string{"account:ListRegions"},
	Hints: []collect.Hint{
		{Source: "aws.account", Types: []string{"Region Opt-In Status Change"}, Only: "us-east-1"},
	},
	Collect: collectAccountRegions,
}

func collectAccountRegions(ctx context.Context, env *collect.Env, emit func(schemas.AccountRegion) error) error {
	client := account.NewFromConfig(env.AWS)
	pages := account.NewListRegionsPaginator(client, &account.ListRegionsInput{MaxResults: aws.Int32(50)})
	list := each(ctx, pages, func(p *account.ListRegionsOutput) ([]types.Region, *string) {
		return p.Regions, p.NextToken
	})
	return emitEach(list, accountRegion, emit)
}

func accountRegion(r *types.Region) schemas.AccountRegion {
	return schemas.AccountRegion{RegionName: aws.ToString(r.RegionName), OptStatus: enum(r.RegionOptStatus)}
}
