package schemas

import "github.com/hubspoke/observability/lib/schema"

// ServiceCost is what one account used of one AWS service in one region on one
// day. Columns come from Cost Explorer, GetCostAndUsage by DAY, grouped by
// SERVICE and REGION and limited to the account itself, so that the costs of
// member accounts are not counted again in their organization's management
// account. All record types are included: usage, tax, refunds, credits.
//
// A day is complete about 24 hours after its end and AWS restates it until the
// month is invoiced. Each run therefore replaces every day from the first of the
// previous month to yesterday, 28 to 61 days, lines that disappeared included; what
// AWS changes later is not seen. Amounts are exact to 10 decimals: a day with a
// cost that is not is incomplete, and that line is not replaced.
type ServiceCost struct {
	// Day of the usage in UTC (TimePeriod.Start).
	UsageDate schema.Date `col:"usage_date,key,slice"`
	// Service, by its name in Cost Explorer, such as Amazon Simple Storage Service (group key SERVICE).
	Service string `col:"service,key"`
	// Region of the usage; global and NoRegion as Cost Explorer writes them, (empty) where it writes none (group key
	// REGION).
	UsageRegion string `col:"usage_region,key"`
	// Cost as it is charged on the day of the usage (UnblendedCost).
	UnblendedCost schema.Decimal `col:"unblended_cost"`
	// Unblended cost after discounts that AWS agreed on (NetUnblendedCost). Null: AWS does not report it.
	NetUnblendedCost *schema.Decimal `col:"net_unblended_cost"`
	// Cost with upfront and recurring fees of reservations and Savings Plans spread over their term (AmortizedCost).
	AmortizedCost *schema.Decimal `col:"amortized_cost"`
	// Amortized cost after discounts that AWS agreed on (NetAmortizedCost). Null: AWS does not report it.
	NetAmortizedCost *schema.Decimal `col:"net_amortized_cost"`
	// Cost at the average rate of the organization (BlendedCost).
	BlendedCost *schema.Decimal `col:"blended_cost"`
	// Currency of the costs, such as USD (Unit of UnblendedCost).
	Currency *string `col:"currency"`
	// Sum of the usage (UsageQuantity). It means something only for services with one unit: AWS adds hours and gigabytes
	// up. Null: AWS reports none, or one that has no exact decimal here.
	UsageQuantity *schema.Decimal `col:"usage_quantity"`
	// Unit of usage_quantity (Unit of UsageQuantity). Null: N/A, the units are mixed.
	UsageUnit *string `col:"usage_unit"`
	// Instance hours in units of a small instance (NormalizedUsageAmount). 0 for services without instance sizes. Null:
	// as of usage_quantity.
	NormalizedUsage *schema.Decimal `col:"normalized_usage"`
	// Whether AWS may still restate the day (Estimated).
	Estimated bool `col:"estimated"`
}

// ServiceCosts is the category "service_costs": a snapshot per day.
var ServiceCosts = schema.Of[ServiceCost](schema.Spec{
	Name: "service_costs", Mode: schema.Snapshot,
	Indexes: []schema.Index{{Name: "day", Columns: []string{"usage_date", "account_id"}}},
})
