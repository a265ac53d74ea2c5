package collectors

import (
	"context"
	"iter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/costexplorer"
	"github.com/aws/aws-sdk-go-v2/service/costexplorer/types"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/schemas"
)

// Every third day, the four days until the one before yesterday are read: AWS tells of a day
// after one or two. Each day is a run of its own, which replaces the day. For each of the five
// services that have reservations, one request to Cost Explorer asks on which days there are
// some, and one more for each of these days names them. Savings Plans are asked for in the
// same way, all together.
//
// AWS charges for each request. An account without commitments sends six; four more are sent
// for each service with reservations, and for Savings Plans.
//
// An account without commitments has no rows. Those in AWS GovCloud (US) end as in
// service_costs.
var CommitmentUtilization = collect.Collector[schemas.CommitmentUse]{
	Category: schemas.CommitmentUtilization,
	Reach:    collect.Global,
	Every:    72 * time.Hour,
	Calls:    []string{"ce:GetReservationUtilization", "ce:GetSavingsPlansUtilizationDetails"},
	Slices:   func(now time.Time) []string { return commitmentSlices(commitmentUtilizationDays(now)) },
	Collect:  collectCommitmentUtilization,

	PaidRequests: 6,
}

// commitmentUtilizationDays returns the days that a run at now reads.
func commitmentUtilizationDays(now time.Time) []schema.Date { return commitmentDays(now, 4) }

func collectCommitmentUtilization(ctx context.Context, env *collect.Env, emit func(schemas.CommitmentUse) error) error {
	client, err := costClient(env)
	if err != nil {
		return err
	}
	u := commitmentUtilization{client, env, emit}
	for _, service := range commitmentServices {
		if err := u.reservations(ctx, service); err != nil {
			return err
		}
	}
	return u.savingsPlans(ctx)
}

// commitmentUtilization is one run.
type commitmentUtilization struct {
	client *costexplorer.Client
	env    *collect.Env
	emit   func(schemas.CommitmentUse) error
}

// reservations emits the rows of a service, for the days that have reservations.
func (u *commitmentUtilization) reservations(ctx context.Context, service string) error {
	totals, err := gather(u.reservationPages(ctx, &costexplorer.GetReservationUtilizationInput{
		TimePeriod:  commitmentPeriod(commitmentUtilizationDays(u.env.Now)...),
		Granularity: types.GranularityDaily,
		Filter:      commitmentsOf(u.env.Account, service),
	}))
	if hasCode(err, commitmentsNone) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, total := range totals {
		if total.Total == nil || !isAboveZero(total.Total.PurchasedHours) {
			continue
		}
		day, err := commitmentDay(total.TimePeriod)
		if err != nil {
			return err
		}
		if err := u.reservationsOn(ctx, day, service); err != nil {
			return err
		}
	}
	return nil
}

// reservationsOn emits the rows of a service for one day.
func (u *commitmentUtilization) reservationsOn(ctx context.Context, day schema.Date, service string) error {
	answers := u.reservationPages(ctx, &costexplorer.GetReservationUtilizationInput{
		TimePeriod: commitmentPeriod(day), // and no granularity, which AWS does not allow with groups
		Filter:     commitmentsOf(u.env.Account, service),
		GroupBy:    []types.GroupDefinition{{Type: types.GroupDefinitionTypeDimension, Key: aws.String("SUBSCRIPTION_ID")}},
	})
	for answer, err := range answers {
		if err != nil {
			return err
		}
		for _, group := range answer.Groups {
			if err := u.emit(commitmentUtilizationOfReservation(u.env, day, service, &group)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (u *commitmentUtilization) reservationPages(
	ctx context.Context, input *costexplorer.GetReservationUtilizationInput,
) iter.Seq2[*types.UtilizationByTime, error] {
	return eachByToken(ctx, input, u.client.GetReservationUtilization,
		func(in *costexplorer.GetReservationUtilizationInput) **string { return &in.NextPageToken },
		func(p *costexplorer.GetReservationUtilizationOutput) ([]types.UtilizationByTime, *string) {
			return p.UtilizationsByTime, p.NextPageToken
		})
}

// savingsPlans emits the rows of each day, if there are plans at all.
func (u *commitmentUtilization) savingsPlans(ctx context.Context) error {
	days := commitmentUtilizationDays(u.env.Now)
	plans, err := gather(u.savingsPlanPages(ctx, days...))
	if hasCode(err, commitmentsNone) {
		return nil
	}
	if err != nil || len(plans) == 0 {
		return err
	}
	for _, day := range days {
		err := emitEach(u.savingsPlanPages(ctx, day), func(p *types.SavingsPlansUtilizationDetail) schemas.CommitmentUse {
			return commitmentUtilizationOfPlan(u.env, day, p)
		}, u.emit, commitmentsNone)
		if err != nil {
			return err
		}
	}
	return nil
}

func (u *commitmentUtilization) savingsPlanPages(
	ctx context.Context, days ...schema.Date,
) iter.Seq2[*types.SavingsPlansUtilizationDetail, error] {
	pages := costexplorer.NewGetSavingsPlansUtilizationDetailsPaginator(u.client,
		&costexplorer.GetSavingsPlansUtilizationDetailsInput{
			TimePeriod: commitmentPeriod(days...), Filter: costsOf(u.env.Account),
		})
	return each(ctx, pages,
		func(p *costexplorer.GetSavingsPlansUtilizationDetailsOutput) ([]types.SavingsPlansUtilizationDetail, *string) {
			return p.SavingsPlansUtilizationDetails, p.NextToken
		})
}

func commitmentUtilizationOfReservation(
	env *collect.Env, day schema.Date, service string, g *types.ReservationUtilizationGroup,
) schemas.CommitmentUse {
	row := schemas.CommitmentUse{
		UsageDate:      day,
		CommitmentKind: commitmentReservation,
		CommitmentID:   aws.ToString(g.Value),
		LeaseID:        enum(g.Attributes["leaseId"]),
		Service:        &service,
		UsageRegion:    enum(g.Attributes["region"]),
		InstanceType:   enum(g.Attributes["instanceType"]),
		Attributes:     jsonOf(g.Attributes),
		Currency:       commitmentCurrency(env),
	}
	if use := g.Utilization; use != nil {
		row.UtilizationPercentage = textDecimal(use.UtilizationPercentage)
		row.PurchasedHours = textDecimal(use.PurchasedHours)
		row.UsedHours = textDecimal(use.TotalActualHours)
		row.UnusedHours = textDecimal(use.UnusedHours)
		row.OnDemandCostEquivalent = textDecimal(use.OnDemandCostOfRIHoursUsed)
		row.AmortizedUpfrontFee = textDecimal(use.AmortizedUpfrontFee)
		row.AmortizedRecurringFee = textDecimal(use.AmortizedRecurringFee)
		row.TotalAmortizedFee = textDecimal(use.TotalAmortizedFee)
		row.NetSavings = textDecimal(use.NetRISavings)
		row.PotentialSavings = textDecimal(use.TotalPotentialRISavings)
		row.UnrealizedSavings = textDecimal(use.UnrealizedSavings)
	}
	return row
}

func commitmentUtilizationOfPlan(
	env *collect.Env, day schema.Date, p *types.SavingsPlansUtilizationDetail,
) schemas.CommitmentUse {
	row := schemas.CommitmentUse{
		UsageDate:      day,
		CommitmentKind: commitmentSavingsPlan,
		CommitmentID:   aws.ToString(p.SavingsPlanArn),
		SavingsPlanARN: text(p.SavingsPlanArn),
		UsageRegion:    enum(p.Attributes["Region"]),
		InstanceType:   enum(p.Attributes["InstanceFamily"]),
		Attributes:     jsonOf(p.Attributes),
		Currency:       commitmentCurrency(env),
	}
	if use := p.Utilization; use != nil {
		row.UtilizationPercentage = textDecimal(use.UtilizationPercentage)
		row.TotalCommitment = textDecimal(use.TotalCommitment)
		row.UsedCommitment = textDecimal(use.UsedCommitment)
		row.UnusedCommitment = textDecimal(use.UnusedCommitment)
	}
	if fee := p.AmortizedCommitment; fee != nil {
		row.AmortizedUpfrontFee = textDecimal(fee.AmortizedUpfrontCommitment)
		row.AmortizedRecurringFee = textDecimal(fee.AmortizedRecurringCommitment)
		row.TotalAmortizedFee = textDecimal(fee.TotalAmortizedCommitment)
	}
	if saved := p.Savings; saved != nil {
		row.OnDemandCostEquivalent = textDecimal(saved.OnDemandCostEquivalent)
		row.NetSavings = textDecimal(saved.NetSavings)
	}
	return row
}
