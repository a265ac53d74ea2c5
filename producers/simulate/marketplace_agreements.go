package simulate

import (
	"github.com/hubspoke/observability/producers/collectors"
	"github.com/hubspoke/observability/schemas"
)

// Some agreements end soon, and what is paid as it is used has no end.
var marketplaceAgreements = kind[schemas.MarketplaceAgreement]{
	of:   collectors.MarketplaceAgreements,
	size: 6,
	make: newMarketplaceAgreement,
}

func newMarketplaceAgreement(g *gen) schemas.MarketplaceAgreement {
	id, product, start := "agmt-"+g.hex(25), "prod-"+g.hex(13), g.created(360*day)
	kind := pick(g, "AmiProduct", "SaaSProduct")
	a := schemas.MarketplaceAgreement{
		AgreementID:        id,
		AgreementType:      new("PurchaseAgreement"),
		Status:             new("ACTIVE"),
		ProposerAccountID:  new(pick(g, "099999999901", "099999999902")),
		AcceptorAccountID:  &g.account.ID,
		OfferID:            new("offer-" + g.hex(13)),
		ProductID:          &product,
		ProductType:        &kind,
		Resources:          jsonOf([]map[string]string{{"Id": product, "Type": kind}}),
		InitialAgreementID: &id,
		AcceptedAt:         &start,
		StartedAt:          &start,
		AgreementUpdatedAt: &start,
	}
	if kind == "SaaSProduct" {
		a.EndsAt, a.EndBehavior = new(start.Add(year)), new(pick(g, "RENEW", "EXPIRE"))
		a.Entitlements = jsonOf([]map[string]string{
			{"LicenseArn": "arn:aws:license-manager::" + *a.ProposerAccountID + ":license:l-" + g.hex(16)},
		})
	}
	return a
}
