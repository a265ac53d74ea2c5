package collectors

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/savingsplans"
	"github.com/aws/aws-sdk-go-v2/service/savingsplans/types"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/schemas"
)

// Plans are listed in every state. One request reads 1,000 of them, and AWS charges
// nothing for it.
var SavingsPlans = collect.Collector[schemas.SavingsPlan]{
	Category: schemas.SavingsPlans,
	Reach:    collect.Global,
	Every:    24 * time.Hour,
	Calls:    []string{"savingsplans:DescribeSavingsPlans"},
	Collect:  collectSavingsPlans,
}

// AWS publishes no quota of requests for Savings Plans.
var savingsplansService = collect.Service{
	ID:         "savingsplans",
	Name:       "savingsplans",
	Rate:       collect.Rate{PerSecond: 2, Burst: 2},
	PerAccount: true,
	Quota:      "https://docs.aws.amazon.com/savingsplans/latest/userguide/sp-quotas.html",
}

func collectSavingsPlans(ctx context.Context, env *collect.Env, emit func(schemas.SavingsPlan) error) error {
	client := savingsplans.NewFromConfig(env.AWS)
	list := eachByToken(ctx, &savingsplans.DescribeSavingsPlansInput{MaxResults: aws.Int32(1000)},
		client.DescribeSavingsPlans,
		func(in *savingsplans.DescribeSavingsPlansInput) **string { return &in.NextToken },
		func(p *savingsplans.DescribeSavingsPlansOutput) ([]types.SavingsPlan, *string) {
			return p.SavingsPlans, p.NextToken
		})
	return emitEach(list, func(p *types.SavingsPlan) schemas.SavingsPlan { return savingsPlan(env, p) }, emit)
}

func savingsPlan(env *collect.Env, p *types.SavingsPlan) schemas.SavingsPlan {
	at := func(field string, value *string) *time.Time {
		return parseTime(env, aws.ToString(p.SavingsPlanArn), field, value)
	}
	row := schemas.SavingsPlan{
		SavingsPlanARN:    aws.ToString(p.SavingsPlanArn),
		SavingsPlanID:     text(p.SavingsPlanId),
		OfferingID:        text(p.OfferingId),
		Description:       freeText(p.Description),
		SavingsPlanType:   enum(p.SavingsPlanType),
		PaymentOption:     enum(p.PaymentOption),
		ProductTypes:      jsonOf(p.ProductTypes),
		State:             enum(p.State),
		PlanRegion:        text(p.Region),
		EC2InstanceFamily: text(p.Ec2InstanceFamily),
		Currency:          enum(p.Currency),
		CommitmentPerHour: textDecimal(p.Commitment),
		UpfrontPayment:    textDecimal(p.UpfrontPaymentAmount),
		RecurringPayment:  textDecimal(p.RecurringPaymentAmount),
		StartedAt:         at("Start", p.Start),
		EndsAt:            at("End", p.End),
		ReturnableUntil:   at("ReturnableUntil", p.ReturnableUntil),
		Tags:              jsonOf(redactMap(p.Tags)),
	}
	if p.TermDurationInSeconds > 0 { // the SDK has 0 for what is missing
		row.TermSeconds = &p.TermDurationInSeconds
	}
	return row
}
