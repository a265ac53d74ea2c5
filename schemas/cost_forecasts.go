package schemas

import "github.com/hubspoke/observability/lib/schema"

// CostForecast is what AWS expected on one day that an account will cost in one month.
// Columns come from Cost Explorer, GetCostForecast by MONTH and limited to the account
// itself. Every day has its own forecast, so that it can be compared with what came true.
// Amounts are estimates, and are rounded to 10 decimals.
type CostForecast struct {
	// Day on which the forecast was made, in UTC.
	ForecastDate schema.Date `col:"forecast_date,key"`
	// What is forecast: UNBLENDED_COST, the cost as it is charged.
	Metric string `col:"metric,key"`
	// First day of the period: forecast_date for the rest of this month, then the first of a month (TimePeriod.Start).
	PeriodStart schema.Date `col:"period_start,key"`
	// First day behind the period (TimePeriod.End).
	PeriodEnd schema.Date `col:"period_end"`
	// Length of the periods: MONTHLY.
	Granularity string `col:"granularity"`
	// Cost that is expected for the period (MeanValue).
	MeanCost schema.Decimal `col:"mean_cost"`
	// Lower bound of the cost, at prediction_interval_percent (PredictionIntervalLowerBound). Null: AWS reports none.
	LowerBound *schema.Decimal `col:"lower_bound"`
	// Upper bound of the cost, at prediction_interval_percent (PredictionIntervalUpperBound). Null: AWS reports none.
	UpperBound *schema.Decimal `col:"upper_bound"`
	// How probable it is in percent that the cost lies within the bounds, as it was asked for: 80.
	PredictionIntervalPercent *int64 `col:"prediction_interval_percent"`
	// Currency of the costs, such as USD (Unit of Total).
	Currency *string `col:"currency"`
}

// CostForecasts is the category "cost_forecasts": every run adds the forecast of a day.
var CostForecasts = schema.Of[CostForecast](schema.Spec{Name: "cost_forecasts", Mode: schema.Event})
