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

// One paged request to Cost Explorer reads the days from the first of the previous
// month to yesterday: 28 to 61 days, so that a month is read once more after its
// end, when charges for the whole of it (support, for example) and late
// corrections are in. Each day is a run of its own, which replaces the day.
//
// AWS charges USD 0.01 for each request, that is for each page of the answer, and
// not for each day: with one page, USD 0.30 a month for each account; busy
// accounts have several pages. Every start of the spoke, every spoke once, an early
// retry after a failure and a shorter --interval add requests.
//
// An account for which Cost Explorer has no data ends with the outcome disabled, and
// so do those in AWS GovCloud (US), whose costs are in the standard account that pays.
// One in which it was never enabled gets the same answer as one whose role lacks
// the permission (AccessDeniedException), and so ends with denied.
var ServiceCosts = collect.Collector[schemas.ServiceCost]{
	Category: schemas.ServiceCosts,
	Reach:    collect.Global,
	Every:    24 * time.Hour,
	Calls:    []string{"ce:GetCostAndUsage"},
	Paid:     true,
	Slices:   serviceCostDays,
	Collect:  collectServiceCosts,
}

// No quota is published; a run is a handful of requests, and each one costs money.
var ceService = collect.Service{
	ID:         "Cost Explorer",
	Name:       "ce",
	Rate:       collect.Rate{PerSecond: 1, Burst: 1},
	PerAccount: true,
	Quota:      "https://docs.aws.amazon.com/cost-management/latest/userguide/ce-api-best-practices.html",
}

// serviceCostPeriod returns the days that a run at now reads: from, inclusive, to to,
// exclusive. They end with yesterday, the last day that can be complete.
func serviceCostPeriod(now time.Time) (from, to schema.Date) {
	now = now.UTC()
	return schema.DateOf(time.Date(now.Year(), now.Month()-1, 1, 0, 0, 0, 0, time.UTC)), schema.DateOf(now)
}

func serviceCostDays(now time.Time) []string {
	from, to := serviceCostPeriod(now)
	var days []string
	for day := from; day < to; day++ {
		days = append(days, day.String())
	}
	return days
}

func collectServiceCosts(ctx context.Context, env *collect.Env, emit func(schemas.ServiceCost) error) error {
	if env.Partition == "aws-us-gov" {
		return collect.Disabled(errors.New("AWS GovCloud (US) has no Cost Explorer: what this account costs is in the standard account that pays for it"))
	}
	// Cost Explorer has one endpoint per partition; the SDK finds it from any region.
	client := costexplorer.NewFromConfig(env.AWS)
	from, to := serviceCostPeriod(env.Now)
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
	pages := &byToken[costexplorer.GetCostAndUsageOutput]{
		ask: func(ctx context.Context, token *string) (*costexplorer.GetCostAndUsageOutput, error) {
			input.NextPageToken = token
			return client.GetCostAndUsage(ctx, input)
		},
		next: func(p *costexplorer.GetCostAndUsageOutput) *string { return p.NextPageToken },
	}
	costs := serviceCostReader{emit: emit, answered: map[string]bool{}, faults: map[string][]error{}}
	list := each(ctx, pages, func(p *costexplorer.GetCostAndUsageOutput) ([]types.ResultByTime, *string) {
		return p.ResultsByTime, p.NextPageToken
	})
	for day, err := range list {
		var unavailable *types.DataUnavailableException
		if errors.As(err, &unavailable) {
			return collect.Disabled(err) // Cost Explorer has no data yet
		}
		if err != nil {
			return err
		}
		if err := costs.day(day); err != nil {
			return err
		}
	}
	return costs.end(env)
}

// serviceCostEmptyRegion stands for the empty region: a key column is never empty. Cost
// Explorer has a region "NoRegion" besides, and both may have costs on one day.
const serviceCostEmptyRegion = "(empty)"

// errServiceCostNoDay names no day, so that days that are missing alike are reported as one.
var errServiceCostNoDay = errors.New("GetCostAndUsage answered without this day")

// serviceCostReader turns the pages of one answer into rows.
type serviceCostReader struct {
	emit     func(schemas.ServiceCost) error
	answered map[string]bool    // the days that the answer names
	faults   map[string][]error // by day: costs that cannot be told exactly
	usage    []error            // usage that cannot
}

// day emits what a page has of one day. Costs that do not fit their columns make
// the day incomplete, and no other.
func (c *serviceCostReader) day(result *types.ResultByTime) error {
	if result.TimePeriod == nil {
		return errors.New("GetCostAndUsage answered without a time period")
	}
	day, err := schema.ParseDate(aws.ToString(result.TimePeriod.Start))
	if err != nil {
		return fmt.Errorf("GetCostAndUsage: %w", err)
	}
	if result.Groups == nil {
		return fmt.Errorf("GetCostAndUsage answered without the list of groups of %s", day)
	}
	c.answered[day.String()] = true
	for _, group := range result.Groups {
		if len(group.Keys) != 2 {
			return fmt.Errorf("GetCostAndUsage answered with %d group keys for SERVICE and REGION", len(group.Keys))
		}
		row := schemas.ServiceCost{UsageDate: day, Service: group.Keys[0], UsageRegion: group.Keys[1], Estimated: result.Estimated}
		if row.UsageRegion == "" {
			row.UsageRegion = serviceCostEmptyRegion
		}
		where := func(err error) error {
			return fmt.Errorf("GetCostAndUsage: %s %s in %s: %w", day, row.Service, row.UsageRegion, err)
		}
		if err := serviceCostUsage(group.Metrics, &row); err != nil {
			c.usage = append(c.usage, where(err))
		}
		if err := serviceCostAmounts(group.Metrics, &row); err != nil {
			c.faults[day.String()] = append(c.faults[day.String()], where(err))
			continue
		}
		if err := c.emit(row); err != nil {
			return err
		}
	}
	return nil
}

// end returns what is wrong with single days. A day without costs is in the
// answer, too, and has no groups: one that is not was not read.
func (c *serviceCostReader) end(env *collect.Env) error {
	if len(c.usage) > 0 {
		env.Logger.Warn("usage that does not fit its column is null", "lines", len(c.usage), "first", c.usage[0])
	}
	faults := collect.SliceErrors{}
	for _, day := range serviceCostDays(env.Now) {
		if !c.answered[day] {
			faults[day] = errServiceCostNoDay
		} else if err := errors.Join(c.faults[day]...); err != nil {
			faults[day] = err
		}
	}
	if len(faults) > 0 {
		return faults
	}
	return nil
}

// serviceCostAmounts fills the costs of row. One that does not fit its column exactly is an
// error: money is never rounded.
func serviceCostAmounts(metrics map[string]types.MetricValue, row *schemas.ServiceCost) error {
	var faults []error
	cost := func(name string) *schema.Decimal {
		value, err := serviceCostDecimal(metrics, name)
		faults = append(faults, err)
		return value
	}
	unblended := cost("UnblendedCost")
	row.NetUnblendedCost = cost("NetUnblendedCost")
	row.AmortizedCost = cost("AmortizedCost")
	row.NetAmortizedCost = cost("NetAmortizedCost")
	row.BlendedCost = cost("BlendedCost")
	row.Currency = serviceCostUnit(metrics, "UnblendedCost")
	if err := errors.Join(faults...); err != nil {
		return err
	}
	if unblended == nil {
		return errors.New("UnblendedCost is missing")
	}
	row.UnblendedCost = *unblended
	return nil
}

// serviceCostUsage fills the usage of row, and leaves null what does not fit its column:
// it is a sum over several units anyway, and no reason to lose the costs.
func serviceCostUsage(metrics map[string]types.MetricValue, row *schemas.ServiceCost) error {
	var quantity, normalized error
	row.UsageQuantity, quantity = serviceCostDecimal(metrics, "UsageQuantity")
	row.UsageUnit = serviceCostUnit(metrics, "UsageQuantity")
	row.NormalizedUsage, normalized = serviceCostDecimal(metrics, "NormalizedUsageAmount")
	return errors.Join(quantity, normalized)
}

// serviceCostDecimal returns the amount of a metric; nil without an error if there is none.
func serviceCostDecimal(metrics map[string]types.MetricValue, name string) (*schema.Decimal, error) {
	amount := metrics[name].Amount
	if amount == nil {
		return nil, nil
	}
	value, err := schema.ParseDecimal(*amount)
	if err != nil {
		return nil, fmt.Errorf("%s %q: %w", name, *amount, err)
	}
	return &value, nil
}

// serviceCostUnit returns the unit of a metric, or nil if AWS names none.
func serviceCostUnit(metrics map[string]types.MetricValue, name string) *string {
	if u := text(metrics[name].Unit); u != nil && *u != "N/A" {
		return u
	}
	return nil
}
