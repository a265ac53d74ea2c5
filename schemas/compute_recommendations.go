package schemas

import (
	"time"

	"github.com/hubspoke/observability/lib/schema"
)

// ComputeRecommendation is what the Compute Optimizer says about one resource in one account
// and region, with all options and its utilization. Columns come from
// GetEC2InstanceRecommendations (InstanceRecommendation) and its siblings for EBS volumes,
// Lambda functions, Auto Scaling groups, ECS services, databases and what is idle. Each of
// them is a slice with runs and outcomes of its own: one that is denied hides no other. A
// resource may be in two of them, as ec2 and idle. The Cost Optimization Hub,
// cost_recommendations, has the best recommendation for each resource: the two are never
// added up.
type ComputeRecommendation struct {
	// What the recommendation is about: ec2, ebs, lambda, asg, ecs, rds or idle.
	RecommendationType string `col:"recommendation_type,key,slice"`
	// ARN of the resource (InstanceArn, VolumeArn, FunctionArn, AutoScalingGroupArn, ServiceArn, ResourceArn).
	ResourceARN string `col:"resource_arn,key"`
	// Name of the resource (InstanceName, AutoScalingGroupName, ResourceId of what is idle; else the one in its ARN).
	ResourceName *string `col:"resource_name"`
	// What was found, such as Overprovisioned, Underprovisioned, Optimized, NotOptimized, Idle or Unattached (Finding,
	// InstanceFinding). Each type has words of its own.
	Finding *string `col:"finding"`
	// JSON array of the reasons, such as CPUOverprovisioned (FindingReasonCodes, InstanceFindingReasonCodes). Null: none,
	// or not told.
	FindingReasons schema.JSON `col:"finding_reasons,array"`
	// Whether the resource is idle (Idle). Null but for ec2, rds and idle.
	IsIdle *bool `col:"is_idle"`
	// JSON object of what the resource is now: CurrentConfiguration or CurrentServiceConfiguration; of rds
	// CurrentStorageConfiguration, Engine, EngineVersion, DbClusterIdentifier, StorageFinding and
	// StorageFindingReasonCodes; of idle ResourceType and FindingDescription. Null: none of it.
	CurrentConfiguration schema.JSON `col:"current_configuration,object"`
	// Type of the instance (CurrentInstanceType, CurrentDBInstanceClass). Null but for ec2, asg and rds.
	CurrentInstanceType *string `col:"current_instance_type"`
	// Memory in MiB (CurrentMemorySize, Memory). Null but for lambda and ecs.
	CurrentMemoryMB *int64 `col:"current_memory_mb"`
	// Type of the volume, such as gp2 (VolumeType, StorageType). Null but for ebs and rds.
	CurrentVolumeType *string `col:"current_volume_type"`
	// Size of the volume in GiB (VolumeSize, AllocatedStorage). Null but for ebs and rds.
	CurrentVolumeSizeGB *int64 `col:"current_volume_size_gb"`
	// JSON object of what the best option would make of it (Configuration, StorageConfiguration). Null but for ebs, asg
	// and rds, or no option.
	RecommendedConfiguration schema.JSON `col:"recommended_configuration,object"`
	// Type of the instance in the best option (InstanceType, DbInstanceClass).
	RecommendedInstanceType *string `col:"recommended_instance_type"`
	// Memory in MiB in the best option (MemorySize, Memory).
	RecommendedMemoryMB *int64 `col:"recommended_memory_mb"`
	// Type of the volume in the best option (VolumeType, StorageType).
	RecommendedVolumeType *string `col:"recommended_volume_type"`
	// Size of the volume in GiB in the best option (VolumeSize, AllocatedStorage).
	RecommendedVolumeSizeGB *int64 `col:"recommended_volume_size_gb"`
	// How many options there are. 0: nothing is to be changed, or idle, which has none.
	OptionCount int64 `col:"option_count"`
	// JSON array of all options as AWS lists them; the best one has Rank 1 (RecommendationOptions and so on; of rds
	// InstanceRecommendationOptions and, behind them, StorageRecommendationOptions). Null: none.
	Options schema.JSON `col:"options,array"`
	// What the best option saves in percent of the cost at on-demand prices (SavingsOpportunityPercentage). Of rds that
	// of the instance.
	SavingsPercentage *float64 `col:"savings_percentage"`
	// What the best option saves in a month at on-demand prices (EstimatedMonthlySavings). Of rds those of the instance
	// and of its storage together.
	EstimatedMonthlySavings *schema.Decimal `col:"estimated_monthly_savings"`
	// The same after discounts such as Savings Plans (SavingsOpportunityAfterDiscounts). Null: the account did not ask
	// the Compute Optimizer for it.
	EstimatedMonthlySavingsAfterDiscounts *schema.Decimal `col:"estimated_monthly_savings_after_discounts"`
	// Currency of the amounts: USD or CNY (Currency).
	Currency *string `col:"currency"`
	// Risk that the resource is too small now: VeryLow, Low, Medium or High (CurrentPerformanceRisk,
	// CurrentInstancePerformanceRisk).
	CurrentPerformanceRisk *string `col:"current_performance_risk"`
	// Risk that the best option is too small, from 0 to 4 (PerformanceRisk). Null but for ec2, ebs, asg and rds.
	PerformanceRisk *float64 `col:"performance_risk"`
	// How much work the best option is: VeryLow, Low, Medium or High (MigrationEffort). Null but for ec2 and asg.
	MigrationEffort *string `col:"migration_effort"`
	// Highest CPU utilization in percent (UtilizationMetrics). Null: not told.
	CPUMaximumPercent *float64 `col:"cpu_maximum_percent"`
	// Highest memory utilization in percent (UtilizationMetrics). Null: not told, as where no agent reports it.
	MemoryMaximumPercent *float64 `col:"memory_maximum_percent"`
	// JSON array of all metrics: Name, Statistic and Value (UtilizationMetrics). Null: none.
	Utilization schema.JSON `col:"utilization,array"`
	// Days of usage that the recommendation is made from (LookBackPeriodInDays).
	LookbackDays *float64 `col:"lookback_days"`
	// When it was made from newer usage last (LastRefreshTimestamp).
	LastRefreshedAt *time.Time `col:"last_refreshed_at"`
	// JSON object of the tags of the resource (Tags). Null: none, or asg. A value that may be a secret is [redacted] by
	// the spoke.
	Tags schema.JSON `col:"tags,object"`
}

// ComputeRecommendations is the category "compute_recommendations": a snapshot per type.
var ComputeRecommendations = schema.Of[ComputeRecommendation](schema.Spec{Name: "compute_recommendations",
	Mode: schema.Snapshot})
