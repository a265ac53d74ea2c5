package collectors

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/computeoptimizer/types"

	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/schemas"
)

// The seven lists of the Compute Optimizer have types of their own that look alike. What
// they have in common is here.

// computeErrors are the resources for which AWS has an error instead of a recommendation: the
// list is then not complete.
type computeErrors struct {
	count int
	first error
}

func (e *computeErrors) add(list []types.GetRecommendationError) {
	if e.count == 0 && len(list) > 0 {
		e.first = fmt.Errorf("%s: %s: %s", aws.ToString(list[0].Identifier), aws.ToString(list[0].Code),
			aws.ToString(list[0].Message))
	}
	e.count += len(list)
}

// after returns err, or else that resources are missing.
func (e *computeErrors) after(err error) error {
	if err != nil || e.count == 0 {
		return err
	}
	return fmt.Errorf("the Compute Optimizer has errors instead of recommendations for %d resources: %w", e.count, e.first)
}

// bestOption returns the option of rank 1, and the first one where there are no ranks; nil if
// there is none.
func bestOption[Option any](options []Option, rank func(*Option) int32) *Option {
	for i := range options {
		if rank(&options[i]) == 1 {
			return &options[i]
		}
	}
	if len(options) == 0 {
		return nil
	}
	return &options[0]
}

// computeSavings are the savings of an option before and after discounts.
type computeSavings struct {
	percentage          *float64
	monthly, discounted *types.EstimatedMonthlySavings
}

// savingsOf returns the savings of an option. after are those after discounts: each list
// has a type of its own for them, and monthly returns what is in it.
func savingsOf[After any](
	before *types.SavingsOpportunity, after *After, monthly func(*After) *types.EstimatedMonthlySavings,
) computeSavings {
	var s computeSavings
	if before != nil {
		s.percentage, s.monthly = &before.SavingsOpportunityPercentage, before.EstimatedMonthlySavings
	}
	if after != nil {
		s.discounted = monthly(after)
	}
	return s
}

// addTo adds the amounts to those of a row, and sets the percentage if it has none yet.
func (s computeSavings) addTo(row *schemas.ComputeRecommendation) {
	if row.SavingsPercentage == nil {
		row.SavingsPercentage = s.percentage
	}
	if s.monthly != nil {
		row.EstimatedMonthlySavings = plus(row.EstimatedMonthlySavings, &s.monthly.Value)
		row.Currency = enum(s.monthly.Currency)
	}
	if s.discounted != nil {
		row.EstimatedMonthlySavingsAfterDiscounts = plus(row.EstimatedMonthlySavingsAfterDiscounts, &s.discounted.Value)
	}
}

// plus returns the sum of an amount and one that AWS sends as a float. nil is nothing.
func plus(sum *schema.Decimal, amount *float64) *schema.Decimal {
	more := floatDecimal(amount)
	if sum == nil || more == nil {
		return cmp.Or(sum, more)
	}
	return new(schema.DecimalFromUnits(sum.Units().Add(more.Units())))
}

// computeMetric is what the metrics of all lists have.
type computeMetric struct {
	name, statistic string
	value           float64
}

// setUtilization sets the metrics of a row, and the highest ones in percent.
func setUtilization[Metric any](row *schemas.ComputeRecommendation, list []Metric, of func(Metric) computeMetric) {
	row.Utilization = jsonOf(list)
	for _, metric := range list {
		switch m := of(metric); {
		case !strings.EqualFold(m.statistic, "Maximum"):
		case strings.EqualFold(m.name, "CPU"):
			row.CPUMaximumPercent = &m.value
		case strings.EqualFold(m.name, "Memory"):
			row.MemoryMaximumPercent = &m.value
		}
	}
}

func usualMetric(m types.UtilizationMetric) computeMetric {
	return computeMetric{string(m.Name), string(m.Statistic), m.Value}
}
