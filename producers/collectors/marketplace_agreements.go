package collectors

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/marketplaceagreement"
	"github.com/aws/aws-sdk-go-v2/service/marketplaceagreement/types"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/schemas"
)

// Agreements in which the account is the buyer are listed in every state. One request reads
// 50 of them, and AWS charges nothing for it.
var MarketplaceAgreements = collect.Collector[schemas.MarketplaceAgreement]{
	Category: schemas.MarketplaceAgreements,
	Reach:    collect.Global,
	Every:    24 * time.Hour,
	Calls:    []string{"aws-marketplace:SearchAgreements"},
	Collect:  collectMarketplaceAgreements,
}

// AWS names no quota of requests for agreements.
var awsMarketplaceService = collect.Service{
	ID:         "Marketplace Agreement",
	Name:       "aws-marketplace",
	Rate:       collect.Rate{PerSecond: 2, Burst: 2},
	PerAccount: true,
	Quota:      "https://docs.aws.amazon.com/general/latest/gr/aws-marketplace.html",
}

func collectMarketplaceAgreements(
	ctx context.Context, env *collect.Env, emit func(schemas.MarketplaceAgreement) error,
) error {
	region, err := endpointRegion(env.Partition, awsMarketplaceService.Name)
	if err != nil {
		return err
	}
	client := marketplaceagreement.NewFromConfig(inRegion(env, region))
	pages := marketplaceagreement.NewSearchAgreementsPaginator(client, &marketplaceagreement.SearchAgreementsInput{
		Catalog: aws.String("AWSMarketplace"),
		Filters: []types.Filter{
			{Name: aws.String("PartyType"), Values: []string{"Acceptor"}},
			{Name: aws.String("AgreementType"), Values: []string{"PurchaseAgreement"}},
		},
		MaxResults: aws.Int32(50),
	})
	list := each(ctx, pages,
		func(p *marketplaceagreement.SearchAgreementsOutput) ([]types.AgreementViewSummary, *string) {
			return p.AgreementViewSummaries, p.NextToken
		})
	return emitEach(list, marketplaceAgreement, emit)
}

func marketplaceAgreement(a *types.AgreementViewSummary) schemas.MarketplaceAgreement {
	row := schemas.MarketplaceAgreement{
		AgreementID:        aws.ToString(a.AgreementId),
		AgreementType:      text(a.AgreementType),
		Status:             enum(a.Status),
		Entitlements:       jsonOf(a.Entitlements),
		InitialAgreementID: text(a.InitialAgreementId),
		AcceptedAt:         a.AcceptanceTime,
		StartedAt:          a.StartTime,
		EndsAt:             a.EndTime,
		AgreementUpdatedAt: a.LastUpdateTime,
		EndBehavior:        enum(a.EndTimeBehaviorType),
	}
	if a.Proposer != nil {
		row.ProposerAccountID = text(a.Proposer.AccountId)
	}
	if a.Acceptor != nil {
		row.AcceptorAccountID = text(a.Acceptor.AccountId)
	}
	if proposal := a.ProposalSummary; proposal != nil {
		row.OfferID, row.Resources = text(proposal.OfferId), jsonOf(proposal.Resources)
		if len(proposal.Resources) > 0 {
			row.ProductID, row.ProductType = text(proposal.Resources[0].Id), text(proposal.Resources[0].Type)
		}
	}
	return row
}
