package schemas

import "github.com/hubspoke/observability/lib/schema"

// MarketplaceCost is what one account paid for one usage type of one product of the AWS
// Marketplace on one day. Columns come from Cost Explorer, GetCostAndUsage by DAY, grouped
// by SERVICE and USAGE_TYPE and limited to the account itself and to what the AWS
// Marketplace bills. These costs are in service_costs and usage_costs, too, and are never
// added to them.
//
// Each run replaces the last 35 days; what AWS changes later is not seen. Amounts are exact
// to 10 decimals: a day with a cost that is not is incomplete, and that line is not replaced.
type MarketplaceCost struct {
	// Day of the usage in UTC (TimePeriod.Start).
	UsageDate schema.Date `col:"usage_date,key,slice"`
	// Title of the product (group key SERVICE).
	ProductName string `col:"product_name,key"`
	// What was used of it; (empty) where Cost Explorer writes none (group key USAGE_TYPE).
	UsageType string `col:"usage_type,key"`
	// Cost as it is charged on the day of the usage (UnblendedCost).
	UnblendedCost schema.Decimal `col:"unblended_cost"`
	// Cost with upfront fees spread over their term (AmortizedCost).
	AmortizedCost *schema.Decimal `col:"amortized_cost"`
	// Currency of the costs, such as USD (Unit of UnblendedCost).
	Currency *string `col:"currency"`
	// How much was used (UsageQuantity). Null: AWS reports none, or one that has no exact decimal here.
	UsageQuantity *schema.Decimal `col:"usage_quantity"`
	// Unit of usage_quantity (Unit of UsageQuantity). Null: N/A, the units are mixed.
	UsageUnit *string `col:"usage_unit"`
	// Whether AWS may still restate the day (Estimated).
	Estimated bool `col:"estimated"`
}

// MarketplaceCosts is the category "marketplace_costs": a snapshot per day.
var MarketplaceCosts = schema.Of[MarketplaceCost](schema.Spec{
	Name: "marketplace_costs", Mode: schema.Snapshot,
	Indexes: []schema.Index{{Name: "day", Columns: []string{"usage_date", "account_id"}}},
})
