package schemas

import "github.com/hubspoke/observability/lib/schema"

// CommitmentCover is how much of the usage of an account was covered by reservations or Savings
// Plans on one day. Columns come from GetReservationCoverage (CoverageByTime), which is asked
// for one service after the other, and GetSavingsPlansCoverage (SavingsPlansCoverage), which is
// asked for all together.
type CommitmentCover struct {
	// Day in UTC (TimePeriod).
	UsageDate schema.Date `col:"usage_date,key,slice"`
	// What covers the usage: reservation or savings_plan.
	CommitmentKind string `col:"commitment_kind,key"`
	// Service of the usage, such as Amazon Relational Database Service (the one that was asked for); ALL for Savings
	// Plans.
	Service string `col:"service,key"`
	// How much of the usage was covered in percent: of hours (CoverageHoursPercentage), for Savings Plans of costs
	// (CoveragePercentage).
	CoveragePercentage *schema.Decimal `col:"coverage_percentage"`
	// Hours that reservations covered (ReservedHours). Null for Savings Plans.
	CoveredHours *schema.Decimal `col:"covered_hours"`
	// Hours that were paid for on demand (OnDemandHours). Null for Savings Plans.
	OnDemandHours *schema.Decimal `col:"on_demand_hours"`
	// Both together (TotalRunningHours). Null for Savings Plans.
	TotalHours *schema.Decimal `col:"total_hours"`
	// Cost that Savings Plans covered (SpendCoveredBySavingsPlans). Null for reservations.
	CoveredCost *schema.Decimal `col:"covered_cost"`
	// Cost of what was paid for on demand (OnDemandCost).
	OnDemandCost *schema.Decimal `col:"on_demand_cost"`
	// Cost of all usage that a Savings Plan could cover (TotalCost). Null for reservations.
	TotalCost *schema.Decimal `col:"total_cost"`
}

// CommitmentCoverage is the category "commitment_coverage": a snapshot per day.
var CommitmentCoverage = schema.Of[CommitmentCover](schema.Spec{Name: "commitment_coverage", Mode: schema.Snapshot})
