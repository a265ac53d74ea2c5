package simulate

import (
	"time"

	"github.com/hubspoke/observability/producers/collectors"
	"github.com/hubspoke/observability/schemas"
)

// Reservations are of five services; some end soon, and some are over.
var reservations = kind[schemas.Reservation]{
	of:     collectors.Reservations,
	size:   5,
	make:   newReservation,
	births: 0.003,
	slices: func(start time.Time) []string { return collectors.Reservations.Slices(start) },
}

func newReservation(g *gen) schemas.Reservation {
	what := pick(g, []struct{ service, instance, product string }{
		{"ec2", "m5.large", "Linux/UNIX"},
		{"rds", "db.r7g.large", "postgresql"},
		{"elasticache", "cache.r7g.large", "redis"},
		{"opensearch", "r7g.large.search", ""},
		{"redshift", "ra3.xlplus", ""},
	}...)
	start := g.created(390 * day)
	r := schemas.Reservation{
		Service:          what.service,
		ReservationID:    g.uuid(),
		State:            new("active"),
		InstanceType:     &what.instance,
		InstanceCount:    new(int64(1 + g.IntN(5))),
		OfferingType:     new("No Upfront"),
		FixedPrice:       new(decimal(0)),
		UsagePrice:       new(decimal(0)),
		RecurringCharges: jsonOf([]map[string]any{{"Amount": 0.05 + g.Float64()/10, "Frequency": "Hourly"}}),
		DurationSeconds:  new(int64(year.Seconds())),
		StartedAt:        &start,
		EndsAt:           new(start.Add(year)),
	}
	if r.EndsAt.Before(g.now) {
		r.State = new("retired")
	}
	if what.product != "" {
		r.ProductDescription = &what.product
	}
	if what.service != "elasticache" {
		r.Currency = new("USD")
	}
	switch what.service {
	case "ec2":
		r.OfferingClass, r.Scope, r.Tenancy, r.Tags = new("standard"), new("Availability Zone"), new("default"), g.tags()
		r.AvailabilityZone = new(g.zone())
	case "rds":
		r.LeaseID, r.MultiAZ = new(g.hex(12)), new(g.chance(0.5))
		r.ReservationARN = new(g.arn("rds", "ri:"+r.ReservationID))
	case "elasticache":
		r.ReservationARN = new(g.arn("elasticache", "reserved-instance:"+r.ReservationID))
	}
	if what.service != "ec2" {
		r.OfferingID = new(g.uuid())
	}
	return r
}
