package collectors

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationsignals"
	"github.com/aws/aws-sdk-go-v2/service/applicationsignals/types"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/schemas"
)

// Objectives are listed, without those of linked accounts, and their budgets are read 50 at a
// time: two requests for 50 objectives, for which AWS charges nothing.
var ServiceLevelObjectives = collect.Collector[schemas.ServiceLevelObjective]{
	Category: schemas.ServiceLevelObjectives,
	Reach:    collect.PerRegion,
	Every:    time.Hour,
	Calls: []string{
		"application-signals:ListServiceLevelObjectives",
		"application-signals:BatchGetServiceLevelObjectiveBudgetReport",
	},
	Collect: collectServiceLevelObjectives,
}

func collectServiceLevelObjectives(
	ctx context.Context, env *collect.Env, emit func(schemas.ServiceLevelObjective) error,
) error {
	client := applicationsignals.NewFromConfig(env.AWS)
	pages := applicationsignals.NewListServiceLevelObjectivesPaginator(client,
		&applicationsignals.ListServiceLevelObjectivesInput{MaxResults: aws.Int32(50)})
	objectives, err := gather(each(ctx, pages, func(p *applicationsignals.ListServiceLevelObjectivesOutput) (
		[]types.ServiceLevelObjectiveSummary, *string,
	) {
		return p.SloSummaries, p.NextToken
	}))
	if err != nil {
		return err
	}
	return inBatches(objectives, 50, func(batch []types.ServiceLevelObjectiveSummary) error {
		reports, err := readServiceLevelObjectiveReports(ctx, env, client, batch)
		if err != nil {
			return err
		}
		for _, objective := range batch {
			if err := emit(serviceLevelObjective(&objective, reports[aws.ToString(objective.Arn)])); err != nil {
				return err
			}
		}
		return nil
	})
}

// readServiceLevelObjectiveReports returns what is left of budgets, by ARN. An objective for
// which there is no answer has none.
func readServiceLevelObjectiveReports(
	ctx context.Context, env *collect.Env, client *applicationsignals.Client,
	objectives []types.ServiceLevelObjectiveSummary,
) (map[string]*types.ServiceLevelObjectiveBudgetReport, error) {
	in := &applicationsignals.BatchGetServiceLevelObjectiveBudgetReportInput{Timestamp: &env.Now}
	for _, objective := range objectives {
		in.SloIds = append(in.SloIds, aws.ToString(objective.Arn))
	}
	type answer = applicationsignals.BatchGetServiceLevelObjectiveBudgetReportOutput
	reports := map[string]*types.ServiceLevelObjectiveBudgetReport{}
	for report, err := range each(ctx, single(func(ctx context.Context) (*answer, error) {
		return client.BatchGetServiceLevelObjectiveBudgetReport(ctx, in)
	}), func(p *answer) ([]types.ServiceLevelObjectiveBudgetReport, *string) { return p.Reports, nil }) {
		if err != nil {
			return nil, err
		}
		reports[aws.ToString(report.Arn)] = report
	}
	return reports, nil
}

// serviceLevelObjective returns the row of an objective; report may be nil.
func serviceLevelObjective(
	o *types.ServiceLevelObjectiveSummary, report *types.ServiceLevelObjectiveBudgetReport,
) schemas.ServiceLevelObjective {
	row := schemas.ServiceLevelObjective{
		SLOARN:           aws.ToString(o.Arn),
		Name:             text(o.Name),
		ServiceName:      enum(o.KeyAttributes["Name"]),
		KeyAttributes:    jsonOf(o.KeyAttributes),
		OperationName:    text(o.OperationName),
		EvaluationType:   enum(o.EvaluationType),
		MetricSourceType: enum(o.MetricSourceType),
		SLOCreatedAt:     o.CreatedTime,
	}
	if report == nil {
		return row
	}
	row.BudgetStatus, row.Attainment = enum(report.BudgetStatus), report.Attainment
	row.BudgetSecondsRemaining = integer(report.BudgetSecondsRemaining)
	row.TotalBudgetSeconds = integer(report.TotalBudgetSeconds)
	row.BudgetRequestsRemaining = integer(report.BudgetRequestsRemaining)
	row.TotalBudgetRequests = integer(report.TotalBudgetRequests)
	if goal := report.Goal; goal != nil {
		row.AttainmentGoal, row.WarningThreshold = goal.AttainmentGoal, goal.WarningThreshold
		row.GoalInterval = jsonOf(goal.Interval)
	}
	return row
}
