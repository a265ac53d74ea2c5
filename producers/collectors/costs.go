package collectors

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/costexplorer"
	"github.com/aws/aws-sdk-go-v2/service/costexplorer/types"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/schema"
)

// costQuery says which costs of the account are read, by day.
type costQuery struct {
	from, to schema.Date // to is exclusive
	groups   []string    // dimensions, such as SERVICE
	filter   *types.Expression

	// organization is set for the costs of all accounts of the organization, which its
	// management account may read. Else they are those of the account alone.
	organization bool
}

// days returns the days of the query, which are the slices of its category.
func (q costQuery) days() []string {
	var days []string
	for day := q.from; day < q.to; day++ {
		days = append(days, day.String())
	}
	return days
}

// lastDays returns a query of so many days that end with yesterday, the last day that
// can be complete.
func lastDays(now time.Time, days int) costQuery {
	today := schema.DateOf(now.UTC())
	return costQuery{from: today - schema.Date(days), to: today}
}

// request returns the request for the first page.
func (q costQuery) request(account string) *costexplorer.GetCostAndUsageInput {
	filter := q.filter
	switch {
	case q.organization:
	case filter == nil:
		filter = costsOf(account)
	default:
		filter = &types.Expression{And: []types.Expression{*costsOf(account), *filter}}
	}
	input := &costexplorer.GetCostAndUsageInput{
		TimePeriod:  &types.DateInterval{Start: aws.String(q.from.String()), End: aws.String(q.to.String())},
		Granularity: types.GranularityDaily,
		Metrics: []string{
			"UnblendedCost", "NetUnblendedCost", "AmortizedCost", "NetAmortizedCost", "BlendedCost",
			"UsageQuantity", "NormalizedUsageAmount",
		},
		Filter: filter,
	}
	for _, group := range q.groups {
		input.GroupBy = append(input.GroupBy, types.GroupDefinition{
			Type: types.GroupDefinitionTypeDimension, Key: aws.String(group),
		})
	}
	return input
}

// costsOf limits a request to the costs of the account itself. In a management account
// the answer would else include every member, which reports its costs itself.
func costsOf(account string) *types.Expression {
	return &types.Expression{Dimensions: &types.DimensionValues{
		Key: types.DimensionLinkedAccount, Values: []string{account},
	}}
}

// costClient returns a client of Cost Explorer, which has one endpoint per partition; the
// SDK finds it from any region. AWS GovCloud (US) has none, and is disabled.
func costClient(env *collect.Env) (*costexplorer.Client, error) {
	if env.Partition == "aws-us-gov" {
		return nil, collect.Disabled(errors.New("AWS GovCloud (US) has no Cost Explorer: " +
			"what this account costs is in the standard account that pays for it"))
	}
	return costexplorer.NewFromConfig(env.AWS), nil
}

// noCosts marks the answer of an account for which Cost Explorer has no data as disabled.
func noCosts(err error) error {
	if hasCode(err, "DataUnavailableException") { // the SDK has its type for some operations only
		return collect.Disabled(err)
	}
	return err
}

// collectCosts emits the row of each line of the answer to a query. A line with a cost
// that does not fit its column exactly is left out, and makes its day incomplete, and no
// other: money is never rounded.
//
// An account for which Cost Explorer has no data is disabled, and so are those in AWS
// GovCloud (US).
func collectCosts[Row any](
	ctx context.Context, env *collect.Env, q costQuery, row func(*costLine) Row, emit func(Row) error,
) error {
	client, err := costClient(env)
	if err != nil {
		return err
	}
	list := eachByToken(ctx, q.request(env.Account), client.GetCostAndUsage,
		func(in *costexplorer.GetCostAndUsageInput) **string { return &in.NextPageToken },
		func(p *costexplorer.GetCostAndUsageOutput) ([]types.ResultByTime, *string) {
			return p.ResultsByTime, p.NextPageToken
		})
	days := costDays{query: q, answered: map[string]bool{}, faults: map[string][]error{}}
	for result, err := range list {
		if err != nil {
			return noCosts(err)
		}
		lines, err := days.lines(result)
		if err != nil {
			return err
		}
		for i := range lines {
			value := row(&lines[i])
			if !days.note(&lines[i]) {
				continue
			}
			if err := emit(value); err != nil {
				return err
			}
		}
	}
	return days.end(env)
}

// errNoCostDay names no day, so that days that are missing alike are reported as one.
var errNoCostDay = errors.New("GetCostAndUsage answered without this day")

// costDays is what is known of the days of a query.
type costDays struct {
	query    costQuery
	answered map[string]bool    // the days that the answer names
	faults   map[string][]error // by day: costs that cannot be told exactly
	usage    []error            // usage that cannot
}

// lines returns what a page has of one day.
func (c *costDays) lines(result *types.ResultByTime) ([]costLine, error) {
	if result.TimePeriod == nil {
		return nil, errors.New("GetCostAndUsage answered without a time period")
	}
	day, err := schema.ParseDate(aws.ToString(result.TimePeriod.Start))
	if err != nil {
		return nil, fmt.Errorf("GetCostAndUsage: %w", err)
	}
	if result.Groups == nil {
		return nil, fmt.Errorf("GetCostAndUsage answered without the list of groups of %s", day)
	}
	c.answered[day.String()] = true
	lines := make([]costLine, len(result.Groups))
	for i, group := range result.Groups {
		if len(group.Keys) != len(c.query.groups) {
			return nil, fmt.Errorf("GetCostAndUsage answered with %d group keys for %s",
				len(group.Keys), strings.Join(c.query.groups, ", "))
		}
		lines[i] = costLine{Day: day, Keys: group.Keys, Estimated: result.Estimated, metrics: group.Metrics}
	}
	return lines, nil
}

// note notes the faults of a line, and reports whether its costs are exact.
func (c *costDays) note(l *costLine) bool {
	where := func(err error) error {
		return fmt.Errorf("GetCostAndUsage: %s %s: %w", l.Day, strings.Join(l.Keys, " in "), err)
	}
	if err := errors.Join(l.usageFaults...); err != nil {
		c.usage = append(c.usage, where(err))
	}
	err := errors.Join(l.costFaults...)
	if err != nil {
		day := l.Day.String()
		c.faults[day] = append(c.faults[day], where(err))
	}
	return err == nil
}

// end returns what is wrong with single days. A day without costs is in the
// answer, too, and has no groups: one that is not was not read.
func (c *costDays) end(env *collect.Env) error {
	if len(c.usage) > 0 {
		env.Logger.Warn("usage that does not fit its column is null", "lines", len(c.usage), "first", c.usage[0])
	}
	faults := collect.SliceErrors{}
	for _, day := range c.query.days() {
		if !c.answered[day] {
			faults[day] = errNoCostDay
		} else if err := errors.Join(c.faults[day]...); err != nil {
			faults[day] = err
		}
	}
	if len(faults) > 0 {
		return faults
	}
	return nil
}

// costLine is what one group costs on one day.
type costLine struct {
	Day       schema.Date
	Keys      []string // values of the dimensions of the query
	Estimated bool

	metrics                 map[string]types.MetricValue
	costFaults, usageFaults []error
}

// key returns a value of a dimension for a key column, which is never empty. Cost Explorer
// has a region "NoRegion" besides, and both may have costs on one day.
func (l *costLine) key(i int) string {
	if l.Keys[i] == "" {
		return "(empty)"
	}
	return l.Keys[i]
}

// mustCost is cost for a column that is never null.
func (l *costLine) mustCost(metric string) schema.Decimal {
	value := l.cost(metric)
	if value != nil {
		return *value
	}
	if l.metrics[metric].Amount == nil {
		l.costFaults = append(l.costFaults, fmt.Errorf("%s is missing", metric))
	}
	return schema.Decimal{}
}

// cost returns an amount of money, nil if there is none.
func (l *costLine) cost(metric string) *schema.Decimal {
	value, err := l.decimal(metric)
	if err != nil {
		l.costFaults = append(l.costFaults, err)
	}
	return value
}

// usage returns an amount of usage. One that does not fit is nil: it is a sum over several
// units anyway, and no reason to lose the costs.
func (l *costLine) usage(metric string) *schema.Decimal {
	value, err := l.decimal(metric)
	if err != nil {
		l.usageFaults = append(l.usageFaults, err)
	}
	return value
}

func (l *costLine) decimal(metric string) (*schema.Decimal, error) {
	amount := l.metrics[metric].Amount
	if amount == nil {
		return nil, nil
	}
	value, err := schema.ParseDecimal(*amount)
	if err != nil {
		return nil, fmt.Errorf("%s %q: %w", metric, *amount, err)
	}
	return &value, nil
}

// unit returns the unit of a metric, or nil if AWS names none.
func (l *costLine) unit(metric string) *string {
	if unit := text(l.metrics[metric].Unit); unit != nil && *unit != "N/A" {
		return unit
	}
	return nil
}
