package simulate

import (
	"time"

	"github.com/hubspoke/observability/producers/collectors"
	"github.com/hubspoke/observability/schemas"
)

// Resources of events are mended one after the other.
var healthEventEntities = kind[schemas.HealthEventEntity]{
	of:      collectors.HealthEventEntities,
	size:    25,
	make:    newHealthEventEntity,
	births:  0.002,
	change:  changeHealthEventEntity,
	updated: func(e *schemas.HealthEventEntity) *time.Time { return e.EntityUpdatedAt },
}

func newHealthEventEntity(g *gen) schemas.HealthEventEntity {
	k, region := pick(g, healthEventKinds...), pick(g, g.regions...)
	e := schemas.HealthEventEntity{
		EventARN:        healthEventARN(g, k, region, g.IntN(26)),
		EntityValue:     "i-0" + g.hex(16),
		EntityARN:       new("arn:aws:health:" + region + ":" + g.account.ID + ":entity/" + g.hex(20)),
		EntityAccountID: &g.account.ID,
		Status:          new(pick(g, "PENDING", "IMPAIRED", "RESOLVED")),
		EntityUpdatedAt: new(g.created(90 * day)),
		Tags:            g.tags(),
	}
	if g.chance(0.2) {
		e.EntityURL = new("https://console.aws.amazon.com/ec2/home?region=" + region)
		e.EntityMetadata = jsonOf(map[string]string{"version": "old"})
	}
	return e
}

func changeHealthEventEntity(g *gen, e *schemas.HealthEventEntity) fate {
	if *e.Status == "RESOLVED" || !g.chance(0.004) {
		return same
	}
	e.Status, e.EntityUpdatedAt = new("RESOLVED"), new(g.now)
	return changed
}
