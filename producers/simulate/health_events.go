package simulate

import (
	"time"

	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/producers/collectors"
	"github.com/hubspoke/observability/schemas"
)

// Events open, or are announced, and close.
var healthEvents = kind[schemas.HealthEvent]{
	of:      collectors.HealthEvents,
	make:    newHealthEvent,
	initial: initialHealthEvents,
	births:  0.002,
	change:  changeHealthEvent,
	updated: func(e *schemas.HealthEvent) *time.Time { return e.EventUpdatedAt },
}

type healthEventKind struct{ service, code, category, scope string }

var healthEventKinds = []healthEventKind{
	{"EC2", "AWS_EC2_INSTANCE_RETIREMENT_SCHEDULED", "scheduledChange", "ACCOUNT_SPECIFIC"},
	{"EC2", "AWS_EC2_INSTANCE_STORE_DRIVE_PERFORMANCE_DEGRADED", "issue", "ACCOUNT_SPECIFIC"},
	{"RDS", "AWS_RDS_PLANNED_LIFECYCLE_EVENT", "scheduledChange", "ACCOUNT_SPECIFIC"},
	{"LAMBDA", "AWS_LAMBDA_PLANNED_LIFECYCLE_EVENT", "scheduledChange", "ACCOUNT_SPECIFIC"},
	{"ACM", "AWS_ACM_RENEWAL_STATE_CHANGE", "accountNotification", "ACCOUNT_SPECIFIC"},
	{"BILLING", "AWS_BILLING_NOTIFICATION", "accountNotification", "ACCOUNT_SPECIFIC"},
}

// healthEventARN returns the ARN of an event. That of a kind is the same in the whole
// account, so that entities find theirs.
func healthEventARN(g *gen, k healthEventKind, region string, n int) string {
	return "arn:aws:health:" + region + "::event/" + k.service + "/" + k.code + "/" + g.account.ID + "-" +
		string(rune('a'+n))
}

func newHealthEvent(g *gen) schemas.HealthEvent {
	k, region, at := pick(g, healthEventKinds...), pick(g, g.regions...), g.created(90*day)
	e := schemas.HealthEvent{
		EventARN:          healthEventARN(g, k, region, g.IntN(26)),
		Service:           &k.service,
		EventTypeCode:     &k.code,
		EventTypeCategory: &k.category,
		EventScope:        &k.scope,
		EventRegion:       &region,
		Status:            new("open"),
		StartedAt:         &at,
		EventUpdatedAt:    &at,
		Description:       new("AWS says: " + k.code + "."),
		Actionability:     new(pick(g, "ACTION_REQUIRED", "ACTION_MAY_BE_REQUIRED", "INFORMATIONAL")),
		Personas:          jsonOf([]string{pick(g, "OPERATIONS", "SECURITY", "BILLING")}),
	}
	switch k.category {
	case "scheduledChange":
		e.Status, e.StartedAt = new("upcoming"), new(at.Add(g.between(day, 60*day)))
		e.Metadata = schema.JSON(`{"deprecated_versions":"old"}`)
	case "issue":
		e.AvailabilityZone = new(region + pick(g, "a", "b", "c"))
	}
	return e
}

func initialHealthEvents(g *gen) []schemas.HealthEvent {
	list, seen := []schemas.HealthEvent{publicHealthEvent(g)}, map[string]bool{}
	for range g.several(20) {
		if e := oldHealthEvent(g); !seen[e.EventARN] {
			seen[e.EventARN] = true
			list = append(list, e)
		}
	}
	return list
}

// publicHealthEvent is the same in all accounts.
func publicHealthEvent(g *gen) schemas.HealthEvent {
	region, at := g.regions[0], g.start.Add(-2*time.Hour)
	return schemas.HealthEvent{
		EventARN:          "arn:aws:health:" + region + "::event/EC2/AWS_EC2_OPERATIONAL_ISSUE/AWS_EC2_OPERATIONAL_ISSUE_A1",
		Service:           new("EC2"),
		EventTypeCode:     new("AWS_EC2_OPERATIONAL_ISSUE"),
		EventTypeCategory: new("issue"),
		EventScope:        new("PUBLIC"),
		EventRegion:       &region,
		Status:            new("open"),
		StartedAt:         &at,
		EventUpdatedAt:    &at,
		Description:       new("Some instances of one zone have no network."),
		Actionability:     new("INFORMATIONAL"),
		Personas:          jsonOf([]string{"OPERATIONS"}),
	}
}

func oldHealthEvent(g *gen) schemas.HealthEvent {
	e := newHealthEvent(g)
	if g.chance(0.6) {
		closeHealthEvent(&e, e.EventUpdatedAt.Add(time.Hour))
	}
	return e
}

func closeHealthEvent(e *schemas.HealthEvent, at time.Time) {
	e.Status, e.EndedAt, e.EventUpdatedAt = new("closed"), &at, &at
}

func changeHealthEvent(g *gen, e *schemas.HealthEvent) fate {
	if *e.Status == "closed" || *e.EventScope == "PUBLIC" || !g.chance(0.003) {
		return same
	}
	closeHealthEvent(e, g.now)
	return changed
}
