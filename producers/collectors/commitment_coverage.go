package collectors

import (
	"context"
	"iter"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/costexplorer"
	"github.com/aws/aws-sdk-go-v2/service/costexplorer/types"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/schemas"
)

// Once a week, the 14 days until the one before yesterday are read, with one request to Cost
// Explorer for each of the five services that have reservations and one for Savings Plans.
// Each day is a run of its own, which replaces the day.
//
// AWS charges for each request. A day on which nothing ran that could be covered has no row.
// Accounts in AWS GovCloud (US) end as in service_costs.
var CommitmentCoverage = collect.Collector[schemas.CommitmentCover]{
	Category: schemas.CommitmentCoverage,
	Reach:    collect.Global,
	Every:    7 * 24 * time.Hour,
	Calls:    []string{"ce:GetReservationCoverage", "ce:GetSavingsPlansCoverage"},
	Slices:   func(now time.Time) []string { return commitmentSlices(commitmentCoverageDays(now)) },
	Collect:  collectCommitmentCoverage,

	PaidRequests: 6,
}

// commitmentCoverageDays returns the days that a run at now reads.
func commitmentCoverageDays(now time.Time) []schema.Date { return commitmentDays(now, 14) }

func collectCommitmentCoverage(ctx context.Context, env *collect.Env, emit func(schemas.CommitmentCover) error) error {
	client, err := costClient(env)
	if err != nil {
		return err
	}
	for _, service := range commitmentServices {
		if err := collectCommitmentCoverageOf(ctx, env, client, service, emit); err != nil {
			return err
		}
	}
	pages := costexplorer.NewGetSavingsPlansCoveragePaginator(client, &costexplorer.GetSavingsPlansCoverageInput{
		TimePeriod:  commitmentPeriod(commitmentCoverageDays(env.Now)...),
		Granularity: types.GranularityDaily,
		Metrics:     []string{"SpendCoveredBySavingsPlans"},
		Filter:      costsOf(env.Account),
	})
	list := each(ctx, pages, func(p *costexplorer.GetSavingsPlansCoverageOutput) ([]types.SavingsPlansCoverage, *string) {
		return p.SavingsPlansCoverages, p.NextToken
	})
	return emitCommitmentCoverage(list, commitmentCoverageOfPlans, emit)
}

// collectCommitmentCoverageOf emits what reservations of a service cover.
func collectCommitmentCoverageOf(
	ctx context.Context, env *collect.Env, client *costexplorer.Client, service string,
	emit func(schemas.CommitmentCover) error,
) error {
	list := eachByToken(ctx, &costexplorer.GetReservationCoverageInput{
		TimePeriod:  commitmentPeriod(commitmentCoverageDays(env.Now)...),
		Granularity: types.GranularityDaily,
		Metrics:     []string{"Hour", "Cost"},
		Filter:      commitmentsOf(env.Account, service),
	}, client.GetReservationCoverage,
		func(in *costexplorer.GetReservationCoverageInput) **string { return &in.NextPageToken },
		func(p *costexplorer.GetReservationCoverageOutput) ([]types.CoverageByTime, *string) {
			return p.CoveragesByTime, p.NextPageToken
		})
	return emitCommitmentCoverage(list, func(c *types.CoverageByTime) (*types.DateInterval, *schemas.CommitmentCover) {
		return c.TimePeriod, commitmentCoverageOfReservations(service, c.Total)
	}, emit)
}

// emitCommitmentCoverage emits the row of each day. cover returns nil for a day without.
func emitCommitmentCoverage[Item any](
	items iter.Seq2[*Item, error], cover func(*Item) (*types.DateInterval, *schemas.CommitmentCover),
	emit func(schemas.CommitmentCover) error,
) error {
	for item, err := range items {
		if hasCode(err, commitmentsNone) {
			return nil
		}
		if err != nil {
			return err
		}
		period, row := cover(item)
		if row == nil {
			continue
		}
		if row.UsageDate, err = commitmentDay(period); err != nil {
			return err
		}
		if err := emit(*row); err != nil {
			return err
		}
	}
	return nil
}

func commitmentCoverageOfPlans(c *types.SavingsPlansCoverage) (*types.DateInterval, *schemas.CommitmentCover) {
	if c.Coverage == nil || !isAboveZero(c.Coverage.TotalCost) {
		return nil, nil
	}
	return c.TimePeriod, &schemas.CommitmentCover{
		CommitmentKind:     commitmentSavingsPlan,
		Service:            "ALL",
		CoveragePercentage: textDecimal(c.Coverage.CoveragePercentage),
		CoveredCost:        textDecimal(c.Coverage.SpendCoveredBySavingsPlans),
		OnDemandCost:       textDecimal(c.Coverage.OnDemandCost),
		TotalCost:          textDecimal(c.Coverage.TotalCost),
	}
}

func commitmentCoverageOfReservations(service string, c *types.Coverage) *schemas.CommitmentCover {
	if c == nil || c.CoverageHours == nil || !isAboveZero(c.CoverageHours.TotalRunningHours) {
		return nil
	}
	row := &schemas.CommitmentCover{
		CommitmentKind:     commitmentReservation,
		Service:            service,
		CoveragePercentage: textDecimal(c.CoverageHours.CoverageHoursPercentage),
		CoveredHours:       textDecimal(c.CoverageHours.ReservedHours),
		OnDemandHours:      textDecimal(c.CoverageHours.OnDemandHours),
		TotalHours:         textDecimal(c.CoverageHours.TotalRunningHours),
	}
	if c.CoverageCost != nil {
		row.OnDemandCost = textDecimal(c.CoverageCost.OnDemandCost)
	}
	return row
}
