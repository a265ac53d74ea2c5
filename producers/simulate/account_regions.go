package simulate

import (
	"github.com/hubspoke/observability/producers/collectors"
	"github.com/hubspoke/observability/schemas"
)

// The regions of an account are always the same, and some of them are enabled or not.
var accountRegions = kind[schemas.AccountRegion]{
	of:      collectors.AccountRegions,
	make:    func(g *gen) schemas.AccountRegion { return newAccountRegion(g, accountRegionsToEnable[0]) },
	initial: initialAccountRegions,
	fixed:   true,
	change:  changeAccountRegion,
}

var (
	accountRegionsOfAll = []string{
		"ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2",
		"ca-central-1", "eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1", "us-east-1",
		"us-east-2", "us-west-1",
		"us-west-2",
	}
	accountRegionsToEnable = []string{"af-south-1", "ap-east-1", "eu-central-2", "eu-south-1", "il-central-1",
		"me-south-1"}
)

func newAccountRegion(g *gen, name string) schemas.AccountRegion {
	return schemas.AccountRegion{RegionName: name, OptStatus: new(pick(g, "DISABLED", "DISABLED", "DISABLED", "ENABLED"))}
}

func initialAccountRegions(g *gen) []schemas.AccountRegion {
	var list []schemas.AccountRegion
	for _, name := range accountRegionsOfAll {
		list = append(list, schemas.AccountRegion{RegionName: name, OptStatus: new("ENABLED_BY_DEFAULT")})
	}
	for _, name := range accountRegionsToEnable {
		list = append(list, newAccountRegion(g, name))
	}
	return list
}

func changeAccountRegion(g *gen, r *schemas.AccountRegion) fate {
	if *r.OptStatus == "ENABLED_BY_DEFAULT" || !g.chance(0.002) {
		return same
	}
	if *r.OptStatus == "ENABLED" {
		r.OptStatus = new("DISABLED")
	} else {
		r.OptStatus = new("ENABLED")
	}
	return changed
}
