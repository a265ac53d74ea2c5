package schemas

import (
	"time"

	"github.com/hubspoke/observability/lib/schema"
)

// SavingsPlan is one Savings Plan that the account owns, in any state. Columns come from
// DescribeSavingsPlans (SavingsPlan).
type SavingsPlan struct {
	// ARN of the plan (SavingsPlanArn).
	SavingsPlanARN string `col:"savings_plan_arn,key"`
	// Identifier of the plan (SavingsPlanId).
	SavingsPlanID *string `col:"savings_plan_id"`
	// Identifier of the offering that was bought (OfferingId).
	OfferingID *string `col:"offering_id"`
	// Description of the plan (Description).
	Description *string `col:"description"`
	// Type of the plan: Compute, EC2Instance, SageMaker or Database (SavingsPlanType).
	SavingsPlanType *string `col:"savings_plan_type"`
	// How it is paid: All Upfront, Partial Upfront or No Upfront (PaymentOption).
	PaymentOption *string `col:"payment_option"`
	// JSON array of the products that it applies to, such as EC2, Fargate and Lambda (ProductTypes).
	ProductTypes schema.JSON `col:"product_types,array"`
	// State: active, queued, retired, payment-pending, payment-failed and so on (State).
	State *string `col:"state"`
	// Region that it applies to (Region). Null: every region.
	PlanRegion *string `col:"plan_region"`
	// Family of EC2 instances that it applies to, such as m5 (Ec2InstanceFamily). Null: every family.
	EC2InstanceFamily *string `col:"ec2_instance_family"`
	// Currency of the amounts: USD or CNY (Currency).
	Currency *string `col:"currency"`
	// What the account committed itself to in an hour (Commitment).
	CommitmentPerHour *schema.Decimal `col:"commitment_per_hour"`
	// What was paid upfront (UpfrontPaymentAmount).
	UpfrontPayment *schema.Decimal `col:"upfront_payment"`
	// What is paid in an hour besides (RecurringPaymentAmount).
	RecurringPayment *schema.Decimal `col:"recurring_payment"`
	// Length of the term in seconds (TermDurationInSeconds).
	TermSeconds *int64 `col:"term_seconds"`
	// Start of the term (Start).
	StartedAt *time.Time `col:"started_at"`
	// End of the term (End).
	EndsAt *time.Time `col:"ends_at"`
	// Until when it can be given back (ReturnableUntil). Null: AWS reports none.
	ReturnableUntil *time.Time `col:"returnable_until"`
	// JSON object of the tags of the plan (Tags). Null: none. A value that may be a secret is [redacted] by the spoke.
	Tags schema.JSON `col:"tags,object"`
}

// SavingsPlans is the category "savings_plans": every run lists all plans of an account.
var SavingsPlans = schema.Of[SavingsPlan](schema.Spec{Name: "savings_plans", Mode: schema.Snapshot})
