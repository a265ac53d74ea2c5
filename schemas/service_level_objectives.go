package schemas

import (
	"time"

	"github.com/hubspoke/observability/lib/schema"
)

// ServiceLevelObjective is one service level objective of CloudWatch Application Signals with
// what is left of its budget. Columns come from ListServiceLevelObjectives and
// BatchGetServiceLevelObjectiveBudgetReport. Where the report has no answer for an objective,
// its columns are null.
type ServiceLevelObjective struct {
	// ARN of the objective (Arn).
	SLOARN string `col:"slo_arn,key"`
	// Name of the objective (Name).
	Name *string `col:"name"`
	// Name of the service that it is about (KeyAttributes, Name). Null: it is about a metric.
	ServiceName *string `col:"service_name"`
	// JSON object of what identifies the service (KeyAttributes). Null: it is about a metric.
	KeyAttributes schema.JSON `col:"key_attributes,object"`
	// Operation of the service that it is about (OperationName). Null: all, or it is about a metric.
	OperationName *string `col:"operation_name"`
	// How it is measured: PeriodBased or RequestBased (EvaluationType).
	EvaluationType *string `col:"evaluation_type"`
	// What it measures, such as ServiceOperation or CloudWatchMetric (MetricSourceType).
	MetricSourceType *string `col:"metric_source_type"`
	// When the objective was created (CreatedTime).
	SLOCreatedAt *time.Time `col:"slo_created_at"`
	// Status: OK, WARNING, BREACHED or INSUFFICIENT_DATA (budget report, BudgetStatus).
	BudgetStatus *string `col:"budget_status"`
	// What was reached in the interval, in percent (budget report, Attainment). Null: too little data.
	Attainment *float64 `col:"attainment"`
	// What is to be reached, in percent (budget report, Goal.AttainmentGoal).
	AttainmentGoal *float64 `col:"attainment_goal"`
	// Percentage of the budget that is left when the status becomes WARNING (budget report, Goal.WarningThreshold).
	WarningThreshold *float64 `col:"warning_threshold"`
	// JSON object of the interval: RollingInterval or CalendarInterval (budget report, Goal.Interval).
	GoalInterval schema.JSON `col:"goal_interval,object"`
	// Seconds that are left of the budget, negative where it is overdrawn (budget report, BudgetSecondsRemaining). Null:
	// the objective counts requests.
	BudgetSecondsRemaining *int64 `col:"budget_seconds_remaining"`
	// Seconds of the whole budget (budget report, TotalBudgetSeconds). Null: the objective counts requests.
	TotalBudgetSeconds *int64 `col:"total_budget_seconds"`
	// Requests that are left of the budget, negative where it is overdrawn (budget report, BudgetRequestsRemaining). Null:
	// the objective counts periods.
	BudgetRequestsRemaining *int64 `col:"budget_requests_remaining"`
	// Requests of the whole budget (budget report, TotalBudgetRequests). Null: the objective counts periods.
	TotalBudgetRequests *int64 `col:"total_budget_requests"`
}

// ServiceLevelObjectives is the category "service_level_objectives": every run lists all
// objectives of one account and region.
var ServiceLevelObjectives = schema.Of[ServiceLevelObjective](schema.Spec{Name: "service_level_objectives",
	Mode: schema.Snapshot})
