package collectors

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/costexplorer"
	"github.com/aws/aws-sdk-go-v2/service/costexplorer/types"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/schemas"
)

// One request to Cost Explorer asks once a day for the rest of this month and the two
// after it.
//
// An account that is too young for a forecast ends with the outcome disabled, and so does
// one without Cost Explorer, as in service_costs.
var CostForecasts = collect.Collector[schemas.CostForecast]{
	Category: schemas.CostForecasts,
	Reach:    collect.Global,
	Every:    24 * time.Hour,
	Calls:    []string{"ce:GetCostForecast"},
	Collect:  collectCostForecasts,

	PaidRequests: 1,
}

// costForecastPercent is how probable it is that the cost lies within the bounds. Without
// it AWS reports no bounds.
const costForecastPercent = 80

func collectCostForecasts(ctx context.Context, env *collect.Env, emit func(schemas.CostForecast) error) error {
	client, err := costClient(env)
	if err != nil {
		return err
	}
	now := env.Now.UTC()
	today, end := schema.DateOf(now), schema.DateOf(time.Date(now.Year(), now.Month()+3, 1, 0, 0, 0, 0, time.UTC))
	answer, err := client.GetCostForecast(ctx, &costexplorer.GetCostForecastInput{
		// AWS forecasts nothing that lies in the past.
		TimePeriod:              &types.DateInterval{Start: aws.String(today.String()), End: aws.String(end.String())},
		Granularity:             types.GranularityMonthly,
		Metric:                  types.MetricUnblendedCost,
		Filter:                  costsOf(env.Account),
		PredictionIntervalLevel: aws.Int32(costForecastPercent),
	})
	if err != nil {
		return noCosts(err)
	}
	if answer.ForecastResultsByTime == nil {
		return without(answer, "the list of periods")
	}
	for _, result := range answer.ForecastResultsByTime {
		row, err := costForecast(today, &result, answer.Total)
		if err != nil {
			return fmt.Errorf("GetCostForecast: %w", err)
		}
		if err := emit(row); err != nil {
			return err
		}
	}
	return nil
}

func costForecast(
	today schema.Date, f *types.ForecastResult, total *types.MetricValue,
) (row schemas.CostForecast, err error) {
	if f.TimePeriod == nil {
		return row, errors.New("a forecast without a time period")
	}
	mean := textDecimal(f.MeanValue)
	if mean == nil {
		return row, fmt.Errorf("%q is no mean value", aws.ToString(f.MeanValue))
	}
	row = schemas.CostForecast{
		ForecastDate:              today,
		Metric:                    "UNBLENDED_COST",
		Granularity:               "MONTHLY",
		MeanCost:                  *mean,
		LowerBound:                textDecimal(f.PredictionIntervalLowerBound),
		UpperBound:                textDecimal(f.PredictionIntervalUpperBound),
		PredictionIntervalPercent: aws.Int64(costForecastPercent),
	}
	if total != nil {
		row.Currency = text(total.Unit)
	}
	if row.PeriodStart, err = schema.ParseDate(aws.ToString(f.TimePeriod.Start)); err != nil {
		return row, err
	}
	row.PeriodEnd, err = schema.ParseDate(aws.ToString(f.TimePeriod.End))
	return row, err
}
