package schemas

import (
	"time"

	"github.com/hubspoke/observability/lib/schema"
)

// MarketplaceAgreement is one agreement by which an account bought products of the AWS
// Marketplace. Columns come from SearchAgreements (AgreementViewSummary).
type MarketplaceAgreement struct {
	// Identifier of the agreement (AgreementId).
	AgreementID string `col:"agreement_id,key"`
	// Type of the agreement: PurchaseAgreement (AgreementType).
	AgreementType *string `col:"agreement_type"`
	// State: ACTIVE, ARCHIVED, CANCELLED, EXPIRED, RENEWED, REPLACED, ROLLED_BACK, SUPERSEDED or TERMINATED (Status).
	Status *string `col:"status"`
	// Account of the seller (Proposer.AccountId).
	ProposerAccountID *string `col:"proposer_account_id"`
	// Account of the buyer (Acceptor.AccountId).
	AcceptorAccountID *string `col:"acceptor_account_id"`
	// Identifier of the offer that was accepted (ProposalSummary.OfferId).
	OfferID *string `col:"offer_id"`
	// Identifier of the first product: neither its code nor its title (Resource.Id).
	ProductID *string `col:"product_id"`
	// Type of the first product, such as SaaSProduct or AmiProduct (Resource.Type).
	ProductType *string `col:"product_type"`
	// JSON array of all products: Id and Type (ProposalSummary.Resources). Null: none.
	Resources schema.JSON `col:"resources,array"`
	// JSON array of what the agreement entitles to: LicenseArn of AWS License Manager (Entitlements). Null: nothing.
	Entitlements schema.JSON `col:"entitlements,array"`
	// The first agreement of those that renewed or replaced each other (InitialAgreementId).
	InitialAgreementID *string `col:"initial_agreement_id"`
	// When it was accepted (AcceptanceTime).
	AcceptedAt *time.Time `col:"accepted_at"`
	// When it begins (StartTime).
	StartedAt *time.Time `col:"started_at"`
	// When it ends (EndTime). Null: what is paid as it is used has no end.
	EndsAt *time.Time `col:"ends_at"`
	// When it was changed last (LastUpdateTime).
	AgreementUpdatedAt *time.Time `col:"agreement_updated_at"`
	// What happens at its end: RENEW, REPLACE or EXPIRE (EndTimeBehaviorType). Null: it has none.
	EndBehavior *string `col:"end_behavior"`
}

// MarketplaceAgreements is the category "marketplace_agreements": every run lists all
// agreements of an account.
var MarketplaceAgreements = schema.Of[MarketplaceAgreement](schema.Spec{Name: "marketplace_agreements",
	Mode: schema.Snapshot})
