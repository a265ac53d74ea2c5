package schemas

import "github.com/hubspoke/observability/lib/schema"

// CommitmentUse is how far one reservation or Savings Plan of an account was used on one day,
// and what it saved. Columns come from GetReservationUtilization (ReservationUtilizationGroup)
// and GetSavingsPlansUtilizationDetails (SavingsPlansUtilizationDetail). A commitment that was
// not used at all has a row with 0 percent; a day without a row has no commitments.
type CommitmentUse struct {
	// Day in UTC.
	UsageDate schema.Date `col:"usage_date,key,slice"`
	// What was bought: reservation or savings_plan.
	CommitmentKind string `col:"commitment_kind,key"`
	// Identifier of the commitment: of a reservation the one of its subscription, which is not the one in reservations
	// (Value), and of a Savings Plan its ARN (SavingsPlanArn).
	CommitmentID string `col:"commitment_id,key"`
	// Identifier of the lease, which reservations of RDS have, too (leaseId of Attributes). Null for Savings Plans.
	LeaseID *string `col:"lease_id"`
	// ARN of the Savings Plan (SavingsPlanArn). Null for reservations.
	SavingsPlanARN *string `col:"savings_plan_arn"`
	// Service of a reservation, such as Amazon Relational Database Service (the one that was asked for). Null for Savings
	// Plans.
	Service *string `col:"service"`
	// Region of a reservation (region of Attributes), or of a Savings Plan of EC2 instances (Region). Null: any.
	UsageRegion *string `col:"usage_region"`
	// Type of the instances (instanceType of Attributes), or the family of a Savings Plan (InstanceFamily). Null: any.
	InstanceType *string `col:"instance_type"`
	// JSON object of everything else that AWS tells of the commitment (Attributes). Null: nothing.
	Attributes schema.JSON `col:"attributes,object"`
	// How much of it was used in percent (UtilizationPercentage).
	UtilizationPercentage *schema.Decimal `col:"utilization_percentage"`
	// Hours that were paid for (PurchasedHours). Null for Savings Plans.
	PurchasedHours *schema.Decimal `col:"purchased_hours"`
	// Hours that were used (TotalActualHours). Null for Savings Plans.
	UsedHours *schema.Decimal `col:"used_hours"`
	// Hours that were not (UnusedHours). Null for Savings Plans.
	UnusedHours *schema.Decimal `col:"unused_hours"`
	// What was committed for the day (TotalCommitment). Null for reservations.
	TotalCommitment *schema.Decimal `col:"total_commitment"`
	// How much of that was used (UsedCommitment). Null for reservations.
	UsedCommitment *schema.Decimal `col:"used_commitment"`
	// How much was not (UnusedCommitment). Null for reservations.
	UnusedCommitment *schema.Decimal `col:"unused_commitment"`
	// What the same usage would have cost on demand (OnDemandCostOfRIHoursUsed, OnDemandCostEquivalent).
	OnDemandCostEquivalent *schema.Decimal `col:"on_demand_cost_equivalent"`
	// What was paid upfront, divided by the days of the term (AmortizedUpfrontFee, AmortizedUpfrontCommitment).
	AmortizedUpfrontFee *schema.Decimal `col:"amortized_upfront_fee"`
	// What is paid again and again, divided by days (AmortizedRecurringFee, AmortizedRecurringCommitment).
	AmortizedRecurringFee *schema.Decimal `col:"amortized_recurring_fee"`
	// Both together (TotalAmortizedFee, TotalAmortizedCommitment).
	TotalAmortizedFee *schema.Decimal `col:"total_amortized_fee"`
	// What was saved: on_demand_cost_equivalent without total_amortized_fee (NetRISavings, NetSavings). Negative: the
	// commitment cost more than it saved.
	NetSavings *schema.Decimal `col:"net_savings"`
	// What would be saved if all of it were used (TotalPotentialRISavings). Null for Savings Plans.
	PotentialSavings *schema.Decimal `col:"potential_savings"`
	// What was not saved because hours were not used (UnrealizedSavings). Null for Savings Plans.
	UnrealizedSavings *schema.Decimal `col:"unrealized_savings"`
	// Currency of the amounts: USD, in China CNY. AWS reports none: it is the one of the partition.
	Currency *string `col:"currency"`
}

// CommitmentUtilization is the category "commitment_utilization": a snapshot per day.
var CommitmentUtilization = schema.Of[CommitmentUse](schema.Spec{Name: "commitment_utilization",
	Mode: schema.Snapshot})
