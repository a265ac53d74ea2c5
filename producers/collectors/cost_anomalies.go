package collectors

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/costexplorer"
	"github.com/aws/aws-sdk-go-v2/service/costexplorer/types"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/schemas"
)

// Anomalies that ended within the last 90 days, which is as long as AWS keeps them, are
// listed once a day. AWS charges for each page of 100, and most accounts have one.
//
// An account without a monitor has none. Often only the management account has monitors,
// and then the anomalies of all members. Accounts without Cost Explorer end as in
// service_costs.
var CostAnomalies = collect.Collector[schemas.CostAnomaly]{
	Category: schemas.CostAnomalies,
	Reach:    collect.Global,
	Every:    24 * time.Hour,
	Calls:    []string{"ce:GetAnomalies"},
	Hints: []collect.Hint{
		{Source: "aws.ce", Types: []string{"Anomaly Detected"}, Only: "us-east-1"},
	},
	Collect: collectCostAnomalies,

	PaidRequests: 1,
}

func collectCostAnomalies(ctx context.Context, env *collect.Env, emit func(schemas.CostAnomaly) error) error {
	client, err := costClient(env)
	if err != nil {
		return err
	}
	today := schema.DateOf(env.Now.UTC())
	pages := costexplorer.NewGetAnomaliesPaginator(client, &costexplorer.GetAnomaliesInput{
		DateInterval: &types.AnomalyDateInterval{
			StartDate: aws.String((today - 90).String()), EndDate: aws.String(today.String()),
		},
		MaxResults: aws.Int32(100),
	})
	list := each(ctx, pages, func(p *costexplorer.GetAnomaliesOutput) ([]types.Anomaly, *string) {
		return p.Anomalies, p.NextPageToken
	})
	return noCosts(emitEach(list, func(a *types.Anomaly) schemas.CostAnomaly { return costAnomaly(env, a) }, emit))
}

func costAnomaly(env *collect.Env, a *types.Anomaly) schemas.CostAnomaly {
	row := schemas.CostAnomaly{
		AnomalyID:      aws.ToString(a.AnomalyId),
		MonitorARN:     text(a.MonitorArn),
		AnomalyStart:   costAnomalyDate(env, a, "AnomalyStartDate", a.AnomalyStartDate),
		AnomalyEnd:     costAnomalyDate(env, a, "AnomalyEndDate", a.AnomalyEndDate),
		DimensionValue: text(a.DimensionValue),
		RootCauses:     jsonOf(a.RootCauses),
		Feedback:       enum(a.Feedback),
	}
	if len(a.RootCauses) > 0 {
		cause := a.RootCauses[0]
		row.LinkedAccountID = text(cause.LinkedAccount)
		row.Service = text(cause.Service)
		row.UsageRegion = text(cause.Region)
		row.UsageType = text(cause.UsageType)
	}
	if a.Impact != nil {
		row.MaxImpact = floatDecimal(&a.Impact.MaxImpact)
		row.TotalImpact = floatDecimal(&a.Impact.TotalImpact)
		row.TotalImpactPercentage = a.Impact.TotalImpactPercentage
		row.TotalActualSpend = floatDecimal(a.Impact.TotalActualSpend)
		row.TotalExpectedSpend = floatDecimal(a.Impact.TotalExpectedSpend)
	}
	if a.AnomalyScore != nil {
		row.ScoreCurrent, row.ScoreMax = &a.AnomalyScore.CurrentScore, &a.AnomalyScore.MaxScore
	}
	return row
}

// costAnomalyDate returns a day, which AWS sends with or without a time.
func costAnomalyDate(env *collect.Env, a *types.Anomaly, field string, value *string) *schema.Date {
	at := parseTime(env, "anomaly "+aws.ToString(a.AnomalyId), field, value, time.DateOnly, time.RFC3339)
	if at == nil {
		return nil
	}
	return new(schema.DateOf(at.UTC()))
}
