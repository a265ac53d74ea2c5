package simulate

import (
	"strings"

	"github.com/hubspoke/observability/producers/collectors"
	"github.com/hubspoke/observability/schemas"
)

// Keys belong to programs. Some are older than a year, and some were never used.
var iamAccessKeys = kind[schemas.IAMAccessKey]{
	of:   collectors.IAMAccessKeys,
	size: 9,
	make: newIAMAccessKey,
}

func newIAMAccessKey(g *gen) schemas.IAMAccessKey {
	age := 100 * day
	if g.chance(0.3) {
		age = 500 * day
	}
	k := schemas.IAMAccessKey{
		AccessKeyID:  "AKIA" + strings.ToUpper(g.hex(16)),
		UserName:     new(pick(g, "deploy", "backup", "metrics") + "-" + g.hex(4)),
		Status:       new(pick(g, "Active", "Active", "Active", "Inactive")),
		KeyCreatedAt: new(g.created(age)),
	}
	if g.chance(0.8) {
		k.LastUsedAt = new(k.KeyCreatedAt.Add(g.between(0, max(day, g.now.Sub(*k.KeyCreatedAt)))))
		k.LastUsedService = new(pick(g, "s3", "ec2", "monitoring", "sts"))
		k.LastUsedRegion = new(pick(g, g.regions...))
	}
	return k
}
