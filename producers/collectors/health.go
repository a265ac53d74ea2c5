package collectors

import (
	"context"
	"math"
	"strconv"
	"time"

	"github.com/hubspoke/observability/lib/awsjson"
	"github.com/hubspoke/observability/lib/collect"
)

// The quota is 10 requests a second for the account.
var healthService = collect.Service{
	ID:         "Health",
	Name:       "health",
	Rate:       collect.Rate{PerSecond: 2, Burst: 3},
	PerAccount: true,
	Quota:      "https://docs.aws.amazon.com/general/latest/gr/health.html",
}

// callHealth calls an operation of Health, for which there is no module of the SDK. An
// account without a plan that has the API answers with SubscriptionRequiredException, which
// is the outcome disabled.
func callHealth[Out, In any](ctx context.Context, env *collect.Env, operation string, in In) (*Out, error) {
	service, err := jsonService(env, healthService, "AWSHealth_20160804")
	if err != nil {
		return nil, err
	}
	return awsjson.Call[Out](ctx, env.AWS, service, operation, in)
}

// healthTime is a time as Health writes it: seconds since 1970, with milliseconds.
type healthTime struct{ time.Time }

// UnmarshalJSON reads a number of seconds.
func (t *healthTime) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		return nil
	}
	seconds, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		return err
	}
	t.Time = time.UnixMilli(int64(math.Round(seconds * 1000))).UTC()
	return nil
}

// at returns the time, or nil if Health sent none.
func (t *healthTime) at() *time.Time {
	if t == nil {
		return nil
	}
	return &t.Time
}

// healthEvent is an event of Health.
type healthEvent struct {
	ARN               *string     `json:"arn"`
	Service           *string     `json:"service"`
	EventTypeCode     *string     `json:"eventTypeCode"`
	EventTypeCategory *string     `json:"eventTypeCategory"`
	EventScopeCode    *string     `json:"eventScopeCode"`
	Region            *string     `json:"region"`
	AvailabilityZone  *string     `json:"availabilityZone"`
	StatusCode        *string     `json:"statusCode"`
	StartTime         *healthTime `json:"startTime"`
	EndTime           *healthTime `json:"endTime"`
	LastUpdatedTime   *healthTime `json:"lastUpdatedTime"`
	Actionability     *string     `json:"actionability"`
	Personas          []string    `json:"personas"`
}

type healthEventsInput struct {
	Filter     *healthEventFilter `json:"filter,omitempty"`
	MaxResults int                `json:"maxResults"`
	NextToken  *string            `json:"nextToken,omitempty"`
}

type healthEventFilter struct {
	LastUpdatedTimes []healthRange `json:"lastUpdatedTimes"`
}

type healthRange struct {
	From int64 `json:"from"` // seconds since 1970
}

type healthEventsOutput struct {
	Events    []healthEvent `json:"events"`
	NextToken *string       `json:"nextToken"`
}

// healthEvents returns all events of the last 90 days, or those that were updated since
// env.Since: open, upcoming and closed ones of every region.
func healthEvents(ctx context.Context, env *collect.Env) ([]healthEvent, error) {
	in := healthEventsInput{MaxResults: 100}
	if !env.Since.IsZero() {
		in.Filter = &healthEventFilter{LastUpdatedTimes: []healthRange{{From: env.Since.Unix()}}}
	}
	pages := &byToken[healthEventsOutput]{
		ask: func(ctx context.Context, token *string) (*healthEventsOutput, error) {
			in.NextToken = token
			return callHealth[healthEventsOutput](ctx, env, "DescribeEvents", in)
		},
		next: func(p *healthEventsOutput) *string { return p.NextToken },
	}
	return gather(each(ctx, pages, func(p *healthEventsOutput) ([]healthEvent, *string) { return p.Events, p.NextToken }))
}
