package collectors

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/computeoptimizer"
	"github.com/aws/aws-sdk-go-v2/service/computeoptimizer/types"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/schemas"
)

// Recommendations for the resources of the account itself are listed, also for those that
// are as they should be: with one request for each of seven types, and one more for each
// further 1,000 resources. AWS charges nothing for them. Each type is a run of its own, so
// that one that is denied hides no other.
//
// An account that is not enrolled in the Compute Optimizer ends with the outcome disabled.
var ComputeRecommendations = collect.Collector[schemas.ComputeRecommendation]{
	Category: schemas.ComputeRecommendations,
	Reach:    collect.PerRegion,
	Every:    24 * time.Hour,
	Calls: []string{
		"compute-optimizer:GetEnrollmentStatus",
		"compute-optimizer:GetEC2InstanceRecommendations",
		"compute-optimizer:GetEBSVolumeRecommendations",
		"compute-optimizer:GetLambdaFunctionRecommendations",
		"compute-optimizer:GetAutoScalingGroupRecommendations",
		"compute-optimizer:GetECSServiceRecommendations",
		"compute-optimizer:GetRDSDatabaseRecommendations",
		"compute-optimizer:GetIdleRecommendations",
	},
	// https://docs.aws.amazon.com/compute-optimizer/latest/ug/security-iam.html
	Requires: []string{
		"ec2:DescribeInstances", "ec2:DescribeVolumes",
		"lambda:ListFunctions", "lambda:ListProvisionedConcurrencyConfigs",
		"autoscaling:DescribeAutoScalingGroups", "autoscaling:DescribeAutoScalingInstances",
		"ecs:ListServices", "ecs:ListClusters",
		"rds:DescribeDBInstances", "rds:DescribeDBClusters",
	},
	Slices:  func(time.Time) []string { return []string{"asg", "ebs", "ec2", "ecs", "idle", "lambda", "rds"} },
	Collect: collectComputeRecommendations,
}

// AWS names no quota of requests for the Compute Optimizer.
var computeOptimizerService = collect.Service{
	ID:    "Compute Optimizer",
	Name:  "compute-optimizer",
	Rate:  collect.Rate{PerSecond: 2, Burst: 2},
	Quota: "https://docs.aws.amazon.com/general/latest/gr/compute-optimizer.html",
}

// computeRecommendationPage is how many recommendations one request reads.
const computeRecommendationPage = 1000

func collectComputeRecommendations(
	ctx context.Context, env *collect.Env, emit func(schemas.ComputeRecommendation) error,
) error {
	status, err := computeoptimizer.NewFromConfig(env.AWS).GetEnrollmentStatus(ctx,
		&computeoptimizer.GetEnrollmentStatusInput{})
	if err != nil {
		return err
	}
	if status.Status != types.StatusActive {
		return collect.Disabled(errors.New("the account is not enrolled in the Compute Optimizer"))
	}
	return bySlice(ctx, env, emit, map[string]sliceOf[schemas.ComputeRecommendation]{
		"asg":    computeRecommendationsOfGroups,
		"ebs":    computeRecommendationsOfVolumes,
		"ec2":    computeRecommendationsOfInstances,
		"ecs":    computeRecommendationsOfServices,
		"idle":   computeRecommendationsOfIdle,
		"lambda": computeRecommendationsOfFunctions,
		"rds":    computeRecommendationsOfDatabases,
	})
}

func computeRecommendationsOfInstances(
	ctx context.Context, env *collect.Env, emit func(schemas.ComputeRecommendation) error,
) error {
	var faults computeErrors
	list := eachByToken(ctx, &computeoptimizer.GetEC2InstanceRecommendationsInput{MaxResults: aws.Int32(
		computeRecommendationPage)},
		computeoptimizer.NewFromConfig(env.AWS).GetEC2InstanceRecommendations,
		func(in *computeoptimizer.GetEC2InstanceRecommendationsInput) **string { return &in.NextToken },
		func(p *computeoptimizer.GetEC2InstanceRecommendationsOutput) ([]types.InstanceRecommendation, *string) {
			faults.add(p.Errors)
			return p.InstanceRecommendations, p.NextToken
		})
	return faults.after(emitEach(list, computeRecommendationOfInstance, emit))
}

func computeRecommendationOfInstance(r *types.InstanceRecommendation) schemas.ComputeRecommendation {
	row := schemas.ComputeRecommendation{
		RecommendationType:     "ec2",
		ResourceARN:            aws.ToString(r.InstanceArn),
		ResourceName:           text(r.InstanceName),
		Finding:                enum(r.Finding),
		FindingReasons:         jsonOf(r.FindingReasonCodes),
		IsIdle:                 isState(r.Idle, types.InstanceIdleTrue),
		CurrentInstanceType:    text(r.CurrentInstanceType),
		OptionCount:            int64(len(r.RecommendationOptions)),
		Options:                jsonOf(r.RecommendationOptions),
		CurrentPerformanceRisk: enum(r.CurrentPerformanceRisk),
		LookbackDays:           &r.LookBackPeriodInDays,
		LastRefreshedAt:        r.LastRefreshTimestamp,
		Tags:                   jsonOf(tagMap(r.Tags)),
	}
	setUtilization(&row, r.UtilizationMetrics, usualMetric)
	best := bestOption(r.RecommendationOptions, func(o *types.InstanceRecommendationOption) int32 { return o.Rank })
	if best == nil {
		return row
	}
	row.RecommendedInstanceType, row.MigrationEffort = text(best.InstanceType), enum(best.MigrationEffort)
	row.PerformanceRisk = &best.PerformanceRisk
	savingsOf(best.SavingsOpportunity, best.SavingsOpportunityAfterDiscounts,
		func(a *types.InstanceSavingsOpportunityAfterDiscounts) *types.EstimatedMonthlySavings {
			return (*types.EstimatedMonthlySavings)(a.EstimatedMonthlySavings)
		}).addTo(&row)
	return row
}

func computeRecommendationsOfVolumes(
	ctx context.Context, env *collect.Env, emit func(schemas.ComputeRecommendation) error,
) error {
	var faults computeErrors
	list := eachByToken(ctx, &computeoptimizer.GetEBSVolumeRecommendationsInput{MaxResults: aws.Int32(
		computeRecommendationPage)},
		computeoptimizer.NewFromConfig(env.AWS).GetEBSVolumeRecommendations,
		func(in *computeoptimizer.GetEBSVolumeRecommendationsInput) **string { return &in.NextToken },
		func(p *computeoptimizer.GetEBSVolumeRecommendationsOutput) ([]types.VolumeRecommendation, *string) {
			faults.add(p.Errors)
			return p.VolumeRecommendations, p.NextToken
		})
	return faults.after(emitEach(list, computeRecommendationOfVolume, emit))
}

func computeRecommendationOfVolume(r *types.VolumeRecommendation) schemas.ComputeRecommendation {
	row := schemas.ComputeRecommendation{
		RecommendationType:     "ebs",
		ResourceARN:            aws.ToString(r.VolumeArn),
		ResourceName:           arnPart(r.VolumeArn, arnName),
		Finding:                enum(r.Finding),
		OptionCount:            int64(len(r.VolumeRecommendationOptions)),
		Options:                jsonOf(r.VolumeRecommendationOptions),
		CurrentPerformanceRisk: enum(r.CurrentPerformanceRisk),
		Utilization:            jsonOf(r.UtilizationMetrics),
		LookbackDays:           &r.LookBackPeriodInDays,
		LastRefreshedAt:        r.LastRefreshTimestamp,
		Tags:                   jsonOf(tagMap(r.Tags)),
	}
	if now := r.CurrentConfiguration; now != nil {
		row.CurrentConfiguration = jsonOf(now)
		row.CurrentVolumeType, row.CurrentVolumeSizeGB = text(now.VolumeType), integer(&now.VolumeSize)
	}
	best := bestOption(r.VolumeRecommendationOptions,
		func(o *types.VolumeRecommendationOption) int32 { return o.Rank })
	if best == nil {
		return row
	}
	row.PerformanceRisk = &best.PerformanceRisk
	if then := best.Configuration; then != nil {
		row.RecommendedConfiguration = jsonOf(then)
		row.RecommendedVolumeType, row.RecommendedVolumeSizeGB = text(then.VolumeType), integer(&then.VolumeSize)
	}
	savingsOf(best.SavingsOpportunity, best.SavingsOpportunityAfterDiscounts,
		func(a *types.EBSSavingsOpportunityAfterDiscounts) *types.EstimatedMonthlySavings {
			return (*types.EstimatedMonthlySavings)(a.EstimatedMonthlySavings)
		}).addTo(&row)
	return row
}

func computeRecommendationsOfFunctions(
	ctx context.Context, env *collect.Env, emit func(schemas.ComputeRecommendation) error,
) error {
	pages := computeoptimizer.NewGetLambdaFunctionRecommendationsPaginator(computeoptimizer.NewFromConfig(env.AWS),
		&computeoptimizer.GetLambdaFunctionRecommendationsInput{MaxResults: aws.Int32(computeRecommendationPage)})
	list := each(ctx, pages,
		func(p *computeoptimizer.GetLambdaFunctionRecommendationsOutput) ([]types.LambdaFunctionRecommendation, *string) {
			return p.LambdaFunctionRecommendations, p.NextToken
		})
	return emitEach(list, computeRecommendationOfFunction, emit)
}

func computeRecommendationOfFunction(r *types.LambdaFunctionRecommendation) schemas.ComputeRecommendation {
	row := schemas.ComputeRecommendation{
		RecommendationType:     "lambda",
		ResourceARN:            aws.ToString(r.FunctionArn),
		ResourceName:           arnPart(r.FunctionArn, arnName),
		Finding:                enum(r.Finding),
		FindingReasons:         jsonOf(r.FindingReasonCodes),
		CurrentMemoryMB:        integer(&r.CurrentMemorySize),
		OptionCount:            int64(len(r.MemorySizeRecommendationOptions)),
		Options:                jsonOf(r.MemorySizeRecommendationOptions),
		CurrentPerformanceRisk: enum(r.CurrentPerformanceRisk),
		Utilization:            jsonOf(r.UtilizationMetrics), // memory in MB, which is no percentage
		LookbackDays:           &r.LookbackPeriodInDays,
		LastRefreshedAt:        r.LastRefreshTimestamp,
		Tags:                   jsonOf(tagMap(r.Tags)),
	}
	best := bestOption(r.MemorySizeRecommendationOptions,
		func(o *types.LambdaFunctionMemoryRecommendationOption) int32 { return o.Rank })
	if best == nil {
		return row
	}
	row.RecommendedMemoryMB = integer(&best.MemorySize)
	savingsOf(best.SavingsOpportunity, best.SavingsOpportunityAfterDiscounts,
		func(a *types.LambdaSavingsOpportunityAfterDiscounts) *types.EstimatedMonthlySavings {
			return (*types.EstimatedMonthlySavings)(a.EstimatedMonthlySavings)
		}).addTo(&row)
	return row
}

func computeRecommendationsOfGroups(
	ctx context.Context, env *collect.Env, emit func(schemas.ComputeRecommendation) error,
) error {
	var faults computeErrors
	list := eachByToken(ctx, &computeoptimizer.GetAutoScalingGroupRecommendationsInput{MaxResults: aws.Int32(
		computeRecommendationPage)},
		computeoptimizer.NewFromConfig(env.AWS).GetAutoScalingGroupRecommendations,
		func(in *computeoptimizer.GetAutoScalingGroupRecommendationsInput) **string { return &in.NextToken },
		func(p *computeoptimizer.GetAutoScalingGroupRecommendationsOutput) ([]types.AutoScalingGroupRecommendation, *string) {
			faults.add(p.Errors)
			return p.AutoScalingGroupRecommendations, p.NextToken
		})
	return faults.after(emitEach(list, computeRecommendationOfGroup, emit))
}

func computeRecommendationOfGroup(r *types.AutoScalingGroupRecommendation) schemas.ComputeRecommendation {
	row := schemas.ComputeRecommendation{
		RecommendationType:     "asg",
		ResourceARN:            aws.ToString(r.AutoScalingGroupArn),
		ResourceName:           text(r.AutoScalingGroupName),
		Finding:                enum(r.Finding),
		OptionCount:            int64(len(r.RecommendationOptions)),
		Options:                jsonOf(r.RecommendationOptions),
		CurrentPerformanceRisk: enum(r.CurrentPerformanceRisk),
		LookbackDays:           &r.LookBackPeriodInDays,
		LastRefreshedAt:        r.LastRefreshTimestamp,
	}
	setUtilization(&row, r.UtilizationMetrics, usualMetric)
	if now := r.CurrentConfiguration; now != nil {
		row.CurrentConfiguration, row.CurrentInstanceType = jsonOf(now), text(now.InstanceType)
	}
	best := bestOption(r.RecommendationOptions,
		func(o *types.AutoScalingGroupRecommendationOption) int32 { return o.Rank })
	if best == nil {
		return row
	}
	row.PerformanceRisk, row.MigrationEffort = &best.PerformanceRisk, enum(best.MigrationEffort)
	if then := best.Configuration; then != nil {
		row.RecommendedConfiguration, row.RecommendedInstanceType = jsonOf(then), text(then.InstanceType)
	}
	savingsOf(best.SavingsOpportunity, best.SavingsOpportunityAfterDiscounts,
		func(a *types.AutoScalingGroupSavingsOpportunityAfterDiscounts) *types.EstimatedMonthlySavings {
			return (*types.EstimatedMonthlySavings)(a.EstimatedMonthlySavings)
		}).addTo(&row)
	return row
}

func computeRecommendationsOfServices(
	ctx context.Context, env *collect.Env, emit func(schemas.ComputeRecommendation) error,
) error {
	var faults computeErrors
	list := eachByToken(ctx, &computeoptimizer.GetECSServiceRecommendationsInput{MaxResults: aws.Int32(
		computeRecommendationPage)},
		computeoptimizer.NewFromConfig(env.AWS).GetECSServiceRecommendations,
		func(in *computeoptimizer.GetECSServiceRecommendationsInput) **string { return &in.NextToken },
		func(p *computeoptimizer.GetECSServiceRecommendationsOutput) ([]types.ECSServiceRecommendation, *string) {
			faults.add(p.Errors)
			return p.EcsServiceRecommendations, p.NextToken
		})
	return faults.after(emitEach(list, computeRecommendationOfService, emit))
}

func computeRecommendationOfService(r *types.ECSServiceRecommendation) schemas.ComputeRecommendation {
	row := schemas.ComputeRecommendation{
		RecommendationType:     "ecs",
		ResourceARN:            aws.ToString(r.ServiceArn),
		ResourceName:           arnPart(r.ServiceArn, arnName),
		Finding:                enum(r.Finding),
		FindingReasons:         jsonOf(r.FindingReasonCodes),
		OptionCount:            int64(len(r.ServiceRecommendationOptions)),
		Options:                jsonOf(r.ServiceRecommendationOptions),
		CurrentPerformanceRisk: enum(r.CurrentPerformanceRisk),
		LookbackDays:           &r.LookbackPeriodInDays,
		LastRefreshedAt:        r.LastRefreshTimestamp,
		Tags:                   jsonOf(tagMap(r.Tags)),
	}
	setUtilization(&row, r.UtilizationMetrics, func(m types.ECSServiceUtilizationMetric) computeMetric {
		return computeMetric{string(m.Name), string(m.Statistic), m.Value}
	})
	if now := r.CurrentServiceConfiguration; now != nil {
		row.CurrentConfiguration, row.CurrentMemoryMB = jsonOf(now), integer(now.Memory)
	}
	best := bestOption(r.ServiceRecommendationOptions, func(*types.ECSServiceRecommendationOption) int32 { return 0 })
	if best == nil {
		return row
	}
	row.RecommendedMemoryMB = integer(best.Memory)
	savingsOf(best.SavingsOpportunity, best.SavingsOpportunityAfterDiscounts,
		func(a *types.ECSSavingsOpportunityAfterDiscounts) *types.EstimatedMonthlySavings {
			return (*types.EstimatedMonthlySavings)(a.EstimatedMonthlySavings)
		}).addTo(&row)
	return row
}

func computeRecommendationsOfDatabases(
	ctx context.Context, env *collect.Env, emit func(schemas.ComputeRecommendation) error,
) error {
	var faults computeErrors
	list := eachByToken(ctx, &computeoptimizer.GetRDSDatabaseRecommendationsInput{MaxResults: aws.Int32(
		computeRecommendationPage)},
		computeoptimizer.NewFromConfig(env.AWS).GetRDSDatabaseRecommendations,
		func(in *computeoptimizer.GetRDSDatabaseRecommendationsInput) **string { return &in.NextToken },
		func(p *computeoptimizer.GetRDSDatabaseRecommendationsOutput) ([]types.RDSDBRecommendation, *string) {
			faults.add(p.Errors)
			return p.RdsDBRecommendations, p.NextToken
		})
	return faults.after(emitEach(list, computeRecommendationOfDatabase, emit))
}

func computeRecommendationOfDatabase(r *types.RDSDBRecommendation) schemas.ComputeRecommendation {
	row := schemas.ComputeRecommendation{
		RecommendationType: "rds",
		ResourceARN:        aws.ToString(r.ResourceArn),
		ResourceName:       arnPart(r.ResourceArn, arnName),
		Finding:            enum(r.InstanceFinding),
		FindingReasons:     jsonOf(r.InstanceFindingReasonCodes),
		IsIdle:             isState(r.Idle, types.IdleTrue),
		CurrentConfiguration: jsonOf(struct {
			CurrentStorageConfiguration                *types.DBStorageConfiguration
			DbClusterIdentifier, Engine, EngineVersion *string
			StorageFinding                             types.RDSStorageFinding
			StorageFindingReasonCodes                  []types.RDSStorageFindingReasonCode
		}{r.CurrentStorageConfiguration, r.DbClusterIdentifier, r.Engine, r.EngineVersion, r.StorageFinding,
			r.StorageFindingReasonCodes}),
		CurrentInstanceType:    text(r.CurrentDBInstanceClass),
		OptionCount:            int64(len(r.InstanceRecommendationOptions) + len(r.StorageRecommendationOptions)),
		CurrentPerformanceRisk: enum(r.CurrentInstancePerformanceRisk),
		LookbackDays:           &r.LookbackPeriodInDays,
		LastRefreshedAt:        r.LastRefreshTimestamp,
		Tags:                   jsonOf(tagMap(r.Tags)),
	}
	var options []any
	for _, o := range r.InstanceRecommendationOptions {
		options = append(options, o)
	}
	for _, o := range r.StorageRecommendationOptions {
		options = append(options, o)
	}
	row.Options = jsonOf(options)
	setUtilization(&row, r.UtilizationMetrics, func(m types.RDSDBUtilizationMetric) computeMetric {
		return computeMetric{string(m.Name), string(m.Statistic), m.Value}
	})
	if now := r.CurrentStorageConfiguration; now != nil {
		row.CurrentVolumeType, row.CurrentVolumeSizeGB = text(now.StorageType), integer(&now.AllocatedStorage)
	}
	setComputeRecommendationOfInstance(&row, r.InstanceRecommendationOptions)
	setComputeRecommendationOfStorage(&row, r.StorageRecommendationOptions)
	return row
}

// setComputeRecommendationOfInstance sets what the best option for the instance of a database says.
func setComputeRecommendationOfInstance(
	row *schemas.ComputeRecommendation, options []types.RDSDBInstanceRecommendationOption,
) {
	best := bestOption(options, func(o *types.RDSDBInstanceRecommendationOption) int32 { return o.Rank })
	if best == nil {
		return
	}
	row.RecommendedInstanceType, row.PerformanceRisk = text(best.DbInstanceClass), &best.PerformanceRisk
	savingsOf(best.SavingsOpportunity, best.SavingsOpportunityAfterDiscounts,
		func(a *types.RDSInstanceSavingsOpportunityAfterDiscounts) *types.EstimatedMonthlySavings {
			return (*types.EstimatedMonthlySavings)(a.EstimatedMonthlySavings)
		}).addTo(row)
}

// setComputeRecommendationOfStorage sets what the best option for the storage of a database says.
func setComputeRecommendationOfStorage(
	row *schemas.ComputeRecommendation, options []types.RDSDBStorageRecommendationOption,
) {
	best := bestOption(options, func(o *types.RDSDBStorageRecommendationOption) int32 { return o.Rank })
	if best == nil {
		return
	}
	if then := best.StorageConfiguration; then != nil {
		row.RecommendedConfiguration = jsonOf(then)
		row.RecommendedVolumeType, row.RecommendedVolumeSizeGB = text(then.StorageType), integer(&then.AllocatedStorage)
	}
	savingsOf(best.SavingsOpportunity, best.SavingsOpportunityAfterDiscounts,
		func(a *types.RDSStorageSavingsOpportunityAfterDiscounts) *types.EstimatedMonthlySavings {
			return (*types.EstimatedMonthlySavings)(a.EstimatedMonthlySavings)
		}).addTo(row)
}

func computeRecommendationsOfIdle(
	ctx context.Context, env *collect.Env, emit func(schemas.ComputeRecommendation) error,
) error {
	var faults computeErrors
	list := eachByToken(ctx, &computeoptimizer.GetIdleRecommendationsInput{MaxResults: aws.Int32(
		computeRecommendationPage)},
		computeoptimizer.NewFromConfig(env.AWS).GetIdleRecommendations,
		func(in *computeoptimizer.GetIdleRecommendationsInput) **string { return &in.NextToken },
		func(p *computeoptimizer.GetIdleRecommendationsOutput) ([]types.IdleRecommendation, *string) {
			for _, e := range p.Errors {
				faults.add([]types.GetRecommendationError{{Code: e.Code, Identifier: e.Identifier, Message: e.Message}})
			}
			return p.IdleRecommendations, p.NextToken
		})
	return faults.after(emitEach(list, computeRecommendationOfIdle, emit))
}

func computeRecommendationOfIdle(r *types.IdleRecommendation) schemas.ComputeRecommendation {
	row := schemas.ComputeRecommendation{
		RecommendationType: "idle",
		ResourceARN:        aws.ToString(r.ResourceArn),
		ResourceName:       text(r.ResourceId),
		Finding:            enum(r.Finding),
		IsIdle:             aws.Bool(true),
		CurrentConfiguration: jsonOf(struct {
			ResourceType       types.IdleRecommendationResourceType
			FindingDescription *string
		}{r.ResourceType, r.FindingDescription}),
		LookbackDays:    &r.LookBackPeriodInDays,
		LastRefreshedAt: r.LastRefreshTimestamp,
		Tags:            jsonOf(tagMap(r.Tags)),
	}
	setUtilization(&row, r.UtilizationMetrics, func(m types.IdleUtilizationMetric) computeMetric {
		return computeMetric{string(m.Name), string(m.Statistic), m.Value}
	})
	var before *types.SavingsOpportunity
	if s := r.SavingsOpportunity; s != nil {
		before = &types.SavingsOpportunity{
			SavingsOpportunityPercentage: s.SavingsOpportunityPercentage,
			EstimatedMonthlySavings:      (*types.EstimatedMonthlySavings)(s.EstimatedMonthlySavings),
		}
	}
	savingsOf(before, r.SavingsOpportunityAfterDiscounts,
		func(a *types.IdleSavingsOpportunityAfterDiscounts) *types.EstimatedMonthlySavings {
			return (*types.EstimatedMonthlySavings)(a.EstimatedMonthlySavings)
		}).addTo(&row)
	return row
}
