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

// One paged request to Cost Explorer reads every day that AWS may still restate:
// the days of the month so far, of the month before until the seventh, and at least
// the last 14 days; yesterday is the last one. Each day is a run of its own, which
// replaces the day. An account for which Cost Explorer has no data ends with the
// outcome disabled.
//
// AWS charges USD 0.01 for each request, that is for each page of the answer: with
// one page a day, USD 0.30 a month for each account.
var serviceCosts = collect.Collector[schemas.ServiceCost]{
	Category: schemas.ServiceCosts,
	Reach:    collect.Global,
	Every:    24 * time.Hour,
	Actions:  []string{"ce:GetCostAndUsage"},
	// Cost Explorer publishes no request quota; a run is a handful of requests,
	// and each one costs money:
	// https://docs.aws.amazon.com/cost-management/latest/userguide/ce-api-best-practices.html
	Rate:    collect.Rate{PerSecond: 1, Burst: 1},
	Slices:  costDays,
	Collect: collectServiceCosts,
}

// costPeriod returns the days that a run at now reads: from, inclusive, to to,
// exclusive. They end with yesterday, the last day that can be complete, and begin
// with the oldest day that AWS may still restate: the first of the month, or of
// the month before until it is invoiced (a week), and at least 14 days.
func costPeriod(now time.Time) (from, to schema.Date) {
	now = now.UTC()
	open := now.AddDate(0, 0, -7)
	first := schema.DateOf(time.Date(open.Year(), open.Month(), 1, 0, 0, 0, 0, time.UTC))
	to = schema.DateOf(now)
	return min(first, to-14), to
}

func costDays(now time.Time) []string {
	from, to := costPeriod(now)
	var days []string
	for day := from; day < to; day++ {
		days = append(days, day.String())
	}
	return days
}

func collectServiceCosts(ctx context.Context, env *collect.Env, emit func(schemas.ServiceCost) error) error {
	// Cost Explorer has one endpoint per partition; the SDK finds it from any region.
	client := costexplorer.NewFromConfig(env.AWS)
	from, to := costPeriod(env.Now)
	input := &costexplorer.GetCostAndUsageInput{
		TimePeriod:  &types.DateInterval{Start: aws.String(from.String()), End: aws.String(to.String())},
		Granularity: types.GranularityDaily,
		Metrics: []string{
			"UnblendedCost", "NetUnblendedCost", "AmortizedCost", "NetAmortizedCost", "BlendedCost",
			"UsageQuantity", "NormalizedUsageAmount",
		},
		GroupBy: []types.GroupDefinition{
			{Type: types.GroupDefinitionTypeDimension, Key: aws.String("SERVICE")},
			{Type: types.GroupDefinitionTypeDimension, Key: aws.String("REGION")},
		},
		// In a management account the answer would else include every member,
		// which reports its costs itself.
		Filter: &types.Expression{Dimensions: &types.DimensionValues{
			Key:    types.DimensionLinkedAccount,
			Values: []string{env.Account},
		}},
	}
	answered := map[string]bool{} // the days that the answer names
	for {
		page, err := client.GetCostAndUsage(ctx, input)
		if err != nil {
			var unavailable *types.DataUnavailableException
			if errors.As(err, &unavailable) {
				return collect.Disabled(err) // Cost Explorer has no data yet, or is not enabled
			}
			return err
		}
		for i := range page.ResultsByTime {
			day := &page.ResultsByTime[i]
			if err := emitCosts(day, emit); err != nil {
				return err
			}
			answered[aws.ToString(day.TimePeriod.Start)] = true
		}
		if aws.ToString(page.NextPageToken) == "" {
			return missingDays(env, answered)
		}
		input.NextPageToken = page.NextPageToken
	}
}

// missingDays returns an error for each day that was asked for and not answered:
// a day without costs is in the answer, too, and has no groups.
func missingDays(env *collect.Env, answered map[string]bool) error {
	faults := collect.SliceErrors{}
	for _, day := range costDays(env.Now) {
		if !answered[day] {
			faults[day] = fmt.Errorf("GetCostAndUsage answered without the day %s", day)
		}
	}
	if len(faults) > 0 {
		return faults
	}
	return nil
}

func emitCosts(result *types.ResultByTime, emit func(schemas.ServiceCost) error) error {
	if result.TimePeriod == nil {
		return errors.New("GetCostAndUsage answered without a time period")
	}
	day, err := schema.ParseDate(aws.ToString(result.TimePeriod.Start))
	if err != nil {
		return fmt.Errorf("GetCostAndUsage: %w", err)
	}
	for _, group := range result.Groups {
		if len(group.Keys) != 2 {
			return fmt.Errorf("GetCostAndUsage answered with %d group keys for SERVICE and REGION", len(group.Keys))
		}
		row := schemas.ServiceCost{UsageDate: day, Service: group.Keys[0], UsageRegion: group.Keys[1], Estimated: result.Estimated}
		if row.UsageRegion == "" {
			row.UsageRegion = "NoRegion" // as Cost Explorer itself names it elsewhere
		}
		if err := readMetrics(group.Metrics, &row); err != nil {
			return fmt.Errorf("GetCostAndUsage: %s %s in %s: %w", day, row.Service, row.UsageRegion, err)
		}
		if err := emit(row); err != nil {
			return err
		}
	}
	return nil
}

// readMetrics fills the amounts of row. An amount that does not fit its column
// exactly is an error: money is never rounded.
func readMetrics(metrics map[string]types.MetricValue, row *schemas.ServiceCost) error {
	var faults []error
	amount := func(name string) *schema.Decimal {
		metric, ok := metrics[name]
		if !ok || metric.Amount == nil {
			return nil
		}
		value, err := schema.ParseDecimal(*metric.Amount)
		if err != nil {
			faults = append(faults, fmt.Errorf("%s %q: %w", name, *metric.Amount, err))
			return nil
		}
		return &value
	}
	unit := func(name string) *string {
		if u := text(metrics[name].Unit); u != nil && *u != "N/A" {
			return u
		}
		return nil
	}
	if unblended := amount("UnblendedCost"); unblended != nil {
		row.UnblendedCost = *unblended
	} else if len(faults) == 0 {
		faults = append(faults, errors.New("UnblendedCost is missing"))
	}
	row.NetUnblendedCost = amount("NetUnblendedCost")
	row.AmortizedCost = amount("AmortizedCost")
	row.NetAmortizedCost = amount("NetAmortizedCost")
	row.BlendedCost = amount("BlendedCost")
	row.Currency = unit("UnblendedCost")
	row.UsageQuantity = amount("UsageQuantity")
	row.UsageUnit = unit("UsageQuantity")
	row.NormalizedUsage = amount("NormalizedUsageAmount")
	return errors.Join(faults...)
}
