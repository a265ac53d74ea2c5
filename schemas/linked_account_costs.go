package schemas

import "github.com/hubspoke/observability/lib/schema"

// LinkedAccountCost is what one account of the organization used of one AWS service on one
// day, in all regions together, as the management account sees it. Columns come from Cost
// Explorer, GetCostAndUsage by DAY, grouped by LINKED_ACCOUNT and SERVICE. They are the
// costs of service_costs of these accounts once more, so the two are never added up: views
// use an account's own rows of a day, and these where it has none.
//
// Only the management account that an account itself names (accounts) is believed about it.
// Days are read and restated as in service_costs.
type LinkedAccountCost struct {
	// Day of the usage in UTC (TimePeriod.Start).
	UsageDate schema.Date `col:"usage_date,key,slice"`
	// Account that used the service (group key LINKED_ACCOUNT).
	LinkedAccountID string `col:"linked_account_id,key"`
	// Service, by its name in Cost Explorer, such as Amazon Simple Storage Service (group key SERVICE).
	Service string `col:"service,key"`
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
	// Whether AWS may still restate the day (Estimated).
	Estimated bool `col:"estimated"`
}

// LinkedAccountCosts is the category "linked_account_costs": a snapshot per day.
var LinkedAccountCosts = schema.Of[LinkedAccountCost](schema.Spec{
	Name: "linked_account_costs", Mode: schema.Snapshot,
	Indexes: []schema.Index{{Name: "day", Columns: []string{"usage_date", "linked_account_id"}}},
})
