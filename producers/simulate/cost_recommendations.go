package simulate

import (
	"github.com/hubspoke/observability/producers/collectors"
	"github.com/hubspoke/observability/schemas"
)

// Instances are too large or of an old kind, volumes belong to nothing.
var costRecommendations = kind[schemas.CostRecommendation]{
	of:   collectors.CostRecommendations,
	size: 25,
	make: newCostRecommendation,
}

func newCostRecommendation(g *gen) schemas.CostRecommendation {
	what := pick(g, []struct{ kind, arn, action, from, to, effort string }{
		{"Ec2Instance", "instance/i-0", "Rightsize", "m5.2xlarge", "m5.xlarge", "Medium"},
		{"Ec2Instance", "instance/i-0", "MigrateToGraviton", "m5.xlarge", "m7g.xlarge", "VeryHigh"},
		{"EbsVolume", "volume/vol-0", "Upgrade", "gp2 500 GiB", "gp3 500 GiB", "VeryLow"},
		{"EbsVolume", "volume/vol-0", "Delete", "gp3 100 GiB", "", "Low"},
	}...)
	region, id := pick(g, g.regions...), g.hex(16)
	cost := 20 + g.ExpFloat64()*100
	savings := cost * (0.1 + 0.5*g.Float64())
	r := schemas.CostRecommendation{
		RecommendationID:           g.uuid(),
		ResourceARN:                new("arn:aws:ec2:" + region + ":" + g.account.ID + ":" + what.arn + id),
		ResourceID:                 new(what.arn[len(what.arn)-3:] + id),
		ResourceRegion:             &region,
		CurrentResourceType:        &what.kind,
		CurrentResourceSummary:     &what.from,
		RecommendedResourceType:    &what.kind,
		ActionType:                 &what.action,
		ImplementationEffort:       &what.effort,
		RestartNeeded:              new(what.kind == "Ec2Instance"),
		RollbackPossible:           new(what.action != "Delete"),
		EstimatedMonthlyCost:       new(decimal(cost)),
		EstimatedMonthlySavings:    new(decimal(savings)),
		EstimatedSavingsPercentage: new(100 * savings / cost),
		Currency:                   new("USD"),
		LookbackDays:               new(int64(14)),
		Source:                     new("ComputeOptimizer"),
		LastRefreshedAt:            new(g.now.Truncate(day)),
		Tags:                       g.tags(),
	}
	if what.to != "" {
		r.RecommendedResourceSummary = &what.to
	}
	return r
}
