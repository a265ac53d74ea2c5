package collectors

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/schemas"
)

// Events are listed, those of the account and public ones, of every region and status, and
// their descriptions are read ten at a time. The first run and one run a day read all of the
// last 90 days; the other runs read those updated since the last complete run. AWS charges
// nothing for it.
//
// The API belongs to the Business, Enterprise On-Ramp and Enterprise plans: an account
// without one ends with the outcome disabled. Events of other accounts of an organization
// are read by their own spokes.
var HealthEvents = collect.Collector[schemas.HealthEvent]{
	Category:    schemas.HealthEvents,
	Reach:       collect.Global,
	Every:       15 * time.Minute,
	Calls:       []string{"health:DescribeEvents", "health:DescribeEventDetails"},
	Incremental: &collect.Incremental{FullEvery: 24 * time.Hour, Overlap: 15 * time.Minute},
	Hints: []collect.Hint{
		{Source: "aws.health", Types: []string{"AWS Health Event", "AWS Health Abuse Event"}},
	},
	Collect: collectHealthEvents,
}

type healthEventDetailsInput struct {
	EventARNs []*string `json:"eventArns"`
}

type healthEventDetailsOutput struct {
	SuccessfulSet []healthEventDetails `json:"successfulSet"`
}

type healthEventDetails struct {
	Event struct {
		ARN *string `json:"arn"`
	} `json:"event"`
	EventDescription struct {
		LatestDescription *string `json:"latestDescription"`
	} `json:"eventDescription"`
	EventMetadata map[string]string `json:"eventMetadata"`
}

func collectHealthEvents(ctx context.Context, env *collect.Env, emit func(schemas.HealthEvent) error) error {
	events, err := healthEvents(ctx, env)
	if err != nil {
		return err
	}
	return inBatches(events, 10, func(batch []healthEvent) error {
		details, err := readHealthEventDetails(ctx, env, batch)
		if err != nil {
			return err
		}
		for _, e := range batch {
			if err := emit(healthEventRow(&e, details[aws.ToString(e.ARN)])); err != nil {
				return err
			}
		}
		return nil
	})
}

// readHealthEventDetails returns the details of events, by ARN. An event that is too old, or
// without a description, has none.
func readHealthEventDetails(ctx context.Context, env *collect.Env,
	events []healthEvent) (map[string]*healthEventDetails, error) {
	in := healthEventDetailsInput{}
	for _, e := range events {
		in.EventARNs = append(in.EventARNs, e.ARN)
	}
	details := map[string]*healthEventDetails{}
	for d, err := range each(ctx, single(func(ctx context.Context) (*healthEventDetailsOutput, error) {
		return callHealth[healthEventDetailsOutput](ctx, env, "DescribeEventDetails", in)
	}), func(p *healthEventDetailsOutput) ([]healthEventDetails, *string) { return p.SuccessfulSet, nil }) {
		if err != nil {
			return nil, err
		}
		details[aws.ToString(d.Event.ARN)] = d
	}
	return details, nil
}

// healthEventRow returns the row of an event; details may be nil.
func healthEventRow(e *healthEvent, details *healthEventDetails) schemas.HealthEvent {
	row := schemas.HealthEvent{
		EventARN:          aws.ToString(e.ARN),
		Service:           text(e.Service),
		EventTypeCode:     text(e.EventTypeCode),
		EventTypeCategory: text(e.EventTypeCategory),
		EventScope:        text(e.EventScopeCode),
		EventRegion:       text(e.Region),
		AvailabilityZone:  text(e.AvailabilityZone),
		Status:            text(e.StatusCode),
		StartedAt:         e.StartTime.at(),
		EndedAt:           e.EndTime.at(),
		EventUpdatedAt:    e.LastUpdatedTime.at(),
		Actionability:     text(e.Actionability),
		Personas:          jsonOf(e.Personas),
	}
	if details != nil {
		row.Description = freeText(details.EventDescription.LatestDescription)
		row.Metadata = jsonOf(redactMap(details.EventMetadata))
	}
	return row
}
