package simulate

import (
	"time"

	"github.com/hubspoke/observability/producers/collectors"
	"github.com/hubspoke/observability/schemas"
)

// Some resources are too large, a few are too small, and some are idle.
var computeRecommendations = kind[schemas.ComputeRecommendation]{
	of:     collectors.ComputeRecommendations,
	size:   30,
	make:   newComputeRecommendation,
	slices: func(start time.Time) []string { return collectors.ComputeRecommendations.Slices(start) },
}

func newComputeRecommendation(g *gen) schemas.ComputeRecommendation {
	r := schemas.ComputeRecommendation{
		RecommendationType: pick(g, collectors.ComputeRecommendations.Slices(g.start)...),
		LookbackDays:       new(14.0),
		LastRefreshedAt:    new(g.now.Truncate(day)),
		Tags:               g.tags(),
	}
	switch r.RecommendationType {
	case "ec2", "asg", "rds":
		setComputeRecommendationOfInstance(g, &r)
	case "ebs":
		setComputeRecommendationOfVolume(g, &r)
	case "ecs", "lambda":
		setComputeRecommendationOfMemory(g, &r)
	case "idle":
		r.ResourceName = new("vol-0" + g.hex(16))
		r.ResourceARN = g.arn("ec2", "volume/"+*r.ResourceName)
		r.Finding, r.IsIdle = new("Unattached"), new(true)
		r.CurrentConfiguration = jsonOf(map[string]any{
			"FindingDescription": "No attachment for 32 days", "ResourceType": "EBSVolume",
		})
	}
	if r.RecommendationType == "idle" || *r.Finding == "Overprovisioned" || *r.Finding == "NotOptimized" {
		percent, monthly := 10+50*g.Float64(), 5+g.ExpFloat64()*60
		r.SavingsPercentage, r.Currency = &percent, new("USD")
		r.EstimatedMonthlySavings = new(decimal(monthly))
		r.EstimatedMonthlySavingsAfterDiscounts = new(decimal(monthly * 0.7))
	}
	return r
}

func setComputeRecommendationOfInstance(g *gen, r *schemas.ComputeRecommendation) {
	from, to := "m5.2xlarge", "m7g.xlarge"
	switch r.RecommendationType {
	case "ec2":
		r.ResourceName = new("i-0" + g.hex(16))
		r.ResourceARN = g.arn("ec2", "instance/"+*r.ResourceName)
		r.IsIdle = new(g.chance(0.1))
	case "asg":
		r.ResourceName = new(g.hex(8) + "-workers")
		r.ResourceARN = g.arn("autoscaling", "autoScalingGroup:"+g.uuid()+":autoScalingGroupName/"+*r.ResourceName)
		r.Tags = nil
	case "rds":
		r.ResourceName = new("orders-" + g.hex(6))
		r.ResourceARN = g.arn("rds", "db:"+*r.ResourceName)
		r.IsIdle = new(g.chance(0.1))
		r.CurrentConfiguration = jsonOf(map[string]any{"Engine": "postgres", "StorageFinding": "Optimized"})
		from, to = "db.m5.2xlarge", "db.m7g.xlarge"
	}
	cpu := 5 + 60*g.Float64()
	r.CurrentInstanceType, r.CurrentPerformanceRisk = &from, new("VeryLow")
	r.Finding = new("Optimized")
	if g.chance(0.4) {
		r.Finding, r.FindingReasons = new("Overprovisioned"), jsonOf([]string{"CPUOverprovisioned"})
	} else if g.chance(0.2) {
		cpu = 95 + 5*g.Float64()
		r.Finding, r.FindingReasons = new("Underprovisioned"), jsonOf([]string{"CPUUnderprovisioned"})
		r.CurrentPerformanceRisk, to = new("High"), "m7g.4xlarge"
	}
	r.CPUMaximumPercent, r.MemoryMaximumPercent = &cpu, new(20+50*g.Float64())
	r.Utilization = jsonOf([]map[string]any{{"Name": "Cpu", "Statistic": "Maximum", "Value": cpu}})
	r.OptionCount, r.RecommendedInstanceType = 1, &to
	r.Options = jsonOf([]map[string]any{{"InstanceType": to, "Rank": 1}})
	r.PerformanceRisk, r.MigrationEffort = new(1.0), new("Low")
}

func setComputeRecommendationOfVolume(g *gen, r *schemas.ComputeRecommendation) {
	size := int64(50 * (1 + g.IntN(20)))
	r.ResourceName = new("vol-0" + g.hex(16))
	r.ResourceARN = g.arn("ec2", "volume/"+*r.ResourceName)
	r.Finding = pick(g, new("Optimized"), new("NotOptimized"))
	r.CurrentVolumeType, r.CurrentVolumeSizeGB = new("gp2"), &size
	r.RecommendedVolumeType, r.RecommendedVolumeSizeGB = new("gp3"), &size
	r.CurrentConfiguration = jsonOf(map[string]any{"VolumeSize": size, "VolumeType": "gp2"})
	r.RecommendedConfiguration = jsonOf(map[string]any{"VolumeSize": size, "VolumeType": "gp3"})
	r.OptionCount, r.Options = 1, jsonOf([]map[string]any{{"Rank": 1}})
	r.CurrentPerformanceRisk, r.PerformanceRisk = new("VeryLow"), new(1.0)
}

func setComputeRecommendationOfMemory(g *gen, r *schemas.ComputeRecommendation) {
	service, resource := "lambda", "function:"
	if r.RecommendationType == "ecs" {
		service, resource = "ecs", "service/shop/"
	}
	r.ResourceName = new(pick(g, "orders-", "mail-", "import-") + g.hex(6))
	r.ResourceARN = g.arn(service, resource+*r.ResourceName)
	r.Finding = new("Optimized")
	if g.chance(0.4) {
		r.Finding, r.FindingReasons = new("NotOptimized"), jsonOf([]string{"MemoryOverprovisioned"})
	}
	r.CurrentMemoryMB, r.RecommendedMemoryMB = new(int64(1024)), new(int64(512))
	r.OptionCount, r.Options = 1, jsonOf([]map[string]any{{"MemorySize": 512, "Rank": 1}})
}
