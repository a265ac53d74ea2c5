package schemas

import "github.com/hubspoke/observability/lib/schema"

// UsageCost is what one account used of one usage type of one AWS service on one day, in
// all regions together. Columns come from Cost Explorer, GetCostAndUsage by DAY, grouped
// by SERVICE and USAGE_TYPE and limited to the account itself. They are the costs of
// service_costs divided otherwise, so the two are never added up.
//
// A day is complete about 24 hours after its end and AWS restates it until the month is
// invoiced. Each run replaces the last 14 days; what AWS changes later is not seen.
// Amounts are exact to 10 decimals: a day with a cost that is not is incomplete, and that
// line is not replaced.
type UsageCost struct {
	// Day of the usage in UTC (TimePeriod.Start).
	UsageDate schema.Date `col:"usage_date,key,slice"`
	// Service, by its name in Cost Explorer, such as Amazon Simple Storage Service (group key SERVICE).
	Service string `col:"service,key"`
	// What was used, such as EUC1-BoxUsage:m7g.large; (empty) where Cost Explorer writes none (group key USAGE_TYPE).
	UsageType string `col:"usage_type,key"`
	// Cost as it is charged on the day of the usage (UnblendedCost).
	UnblendedCost schema.Decimal `col:"unblended_cost"`
	// Unblended cost after discounts that AWS agreed on (NetUnblendedCost). Null: AWS does not report it.
	NetUnblendedCost *schema.Decimal `col:"net_unblended_cost"`
	// Cost with upfront and recurring fees of reservations and Savings Plans spread over their term (AmortizedCost).
	AmortizedCost *schema.Decimal `col:"amortized_cost"`
	// Amortized cost after discounts that AWS agreed on (NetAmortizedCost). Null: AWS does not report it.
	NetAmortizedCost *schema.Decimal `col:"net_amortized_cost"`
	// Currency of the costs, such as USD (Unit of UnblendedCost).
	Currency *string `col:"currency"`
	// How much was used (UsageQuantity). Null: AWS reports none, or one that has no exact decimal here.
	UsageQuantity *schema.Decimal `col:"usage_quantity"`
	// Unit of usage_quantity, such as Hrs or GB-Mo (Unit of UsageQuantity). Null: N/A, the units are mixed.
	UsageUnit *string `col:"usage_unit"`
	// Whether AWS may still restate the day (Estimated).
	Estimated bool `col:"estimated"`
}

// UsageCosts is the category "usage_costs": a snapshot per day.
var UsageCosts = schema.Of[UsageCost](schema.Spec{
	Name: "usage_costs", Mode: schema.Snapshot,
	Indexes: []schema.Index{{Name: "day", Columns: []string{"usage_date", "account_id"}}},
})
