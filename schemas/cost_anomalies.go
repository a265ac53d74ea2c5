package schemas

import "github.com/hubspoke/observability/lib/schema"

// CostAnomaly is one anomaly of costs that a monitor of the account detected. Columns come
// from Cost Explorer, GetAnomalies (Anomaly). AWS keeps them for 90 days; older ones stay
// as they were seen last. A management account often has the only monitors, and then the
// anomalies of all members: linked_account_id says where the costs arose. Amounts are
// those of a model in USD, and are rounded to 10 decimals.
type CostAnomaly struct {
	// Identifier of the anomaly (AnomalyId).
	AnomalyID string `col:"anomaly_id,key"`
	// ARN of the monitor that detected it (MonitorArn).
	MonitorARN *string `col:"monitor_arn"`
	// First day of the anomaly (AnomalyStartDate).
	AnomalyStart *schema.Date `col:"anomaly_start"`
	// Last day of the anomaly (AnomalyEndDate). Null: AWS reports none.
	AnomalyEnd *schema.Date `col:"anomaly_end"`
	// What the monitor watches, such as the name of a service (DimensionValue). Null: not of a dimension.
	DimensionValue *string `col:"dimension_value"`
	// Account of the first root cause (RootCauses, LinkedAccount). Null: there is none.
	LinkedAccountID *string `col:"linked_account_id"`
	// Service of the first root cause (RootCauses, Service). Null: there is none.
	Service *string `col:"service"`
	// Region of the first root cause (RootCauses, Region). Null: there is none.
	UsageRegion *string `col:"usage_region"`
	// Usage type of the first root cause (RootCauses, UsageType). Null: there is none.
	UsageType *string `col:"usage_type"`
	// JSON array of the root causes, the largest first: Service, Region, LinkedAccount, LinkedAccountName, UsageType and
	// Impact (RootCauses). Null: none is known.
	RootCauses schema.JSON `col:"root_causes,array"`
	// Largest cost of one day above what was expected (Impact.MaxImpact).
	MaxImpact *schema.Decimal `col:"max_impact"`
	// Cost of all days above what was expected (Impact.TotalImpact).
	TotalImpact *schema.Decimal `col:"total_impact"`
	// total_impact in percent of total_expected_spend (Impact.TotalImpactPercentage). Null: nothing was expected.
	TotalImpactPercentage *float64 `col:"total_impact_percentage"`
	// What the days cost (Impact.TotalActualSpend).
	TotalActualSpend *schema.Decimal `col:"total_actual_spend"`
	// What was expected that they cost (Impact.TotalExpectedSpend).
	TotalExpectedSpend *schema.Decimal `col:"total_expected_spend"`
	// How unusual the costs are now, 0 to 1 (AnomalyScore.CurrentScore).
	ScoreCurrent *float64 `col:"score_current"`
	// How unusual they were at most, 0 to 1 (AnomalyScore.MaxScore).
	ScoreMax *float64 `col:"score_max"`
	// What somebody said of it: YES, NO or PLANNED_ACTIVITY (Feedback). Null: nothing.
	Feedback *string `col:"feedback"`
}

// CostAnomalies is the category "cost_anomalies": every run lists what AWS still keeps.
var CostAnomalies = schema.Of[CostAnomaly](schema.Spec{Name: "cost_anomalies", Mode: schema.Event})
