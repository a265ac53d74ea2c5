package collectors

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/schemas"
)

// Events are listed as of health_events, and then what those of the account affect is read,
// for ten events at a time: one request for 100 resources, for which AWS charges nothing.
// The first run and one run a day read all; the other runs read the events that were updated
// since the last complete run. Public events name no resources.
//
// The API belongs to the Business, Enterprise On-Ramp and Enterprise plans: an account
// without one ends with the outcome disabled.
var HealthEventEntities = collect.Collector[schemas.HealthEventEntity]{
	Category: schemas.HealthEventEntities,
	Reach:    collect.Global,
	Every:    time.Hour,
	Calls:    []string{"health:DescribeEvents", "health:DescribeAffectedEntities"},
	// The status of a resource changes while its event does not, so everything is read once
	// a day.
	Incremental: &collect.Incremental{FullEvery: 24 * time.Hour, Overlap: 15 * time.Minute},
	Hints: []collect.Hint{
		{Source: "aws.health", Types: []string{"AWS Health Event", "AWS Health Abuse Event"}},
	},
	Collect: collectHealthEventEntities,
}

type healthEventEntitiesInput struct {
	Filter     healthEventEntityFilter `json:"filter"`
	MaxResults int                     `json:"maxResults"`
	NextToken  *string                 `json:"nextToken,omitempty"`
}

type healthEventEntityFilter struct {
	EventARNs []*string `json:"eventArns"`
}

type healthEventEntitiesOutput struct {
	Entities  []healthEventEntityDetails `json:"entities"`
	NextToken *string                    `json:"nextToken"`
}

type healthEventEntityDetails struct {
	EventARN        *string           `json:"eventArn"`
	EntityValue     *string           `json:"entityValue"`
	EntityARN       *string           `json:"entityArn"`
	EntityURL       *string           `json:"entityUrl"`
	AWSAccountID    *string           `json:"awsAccountId"`
	StatusCode      *string           `json:"statusCode"`
	LastUpdatedTime *healthTime       `json:"lastUpdatedTime"`
	EntityMetadata  map[string]string `json:"entityMetadata"`
	Tags            map[string]string `json:"tags"`
}

func collectHealthEventEntities(ctx context.Context, env *collect.Env,
	emit func(schemas.HealthEventEntity) error) error {
	events, err := healthEvents(ctx, env)
	if err != nil {
		return err
	}
	var own []*string
	for _, e := range events {
		if aws.ToString(e.EventScopeCode) == "ACCOUNT_SPECIFIC" {
			own = append(own, e.ARN)
		}
	}
	return inBatches(own, 10, func(arns []*string) error {
		pages := &byToken[healthEventEntitiesOutput]{
			ask: func(ctx context.Context, token *string) (*healthEventEntitiesOutput, error) {
				in := healthEventEntitiesInput{Filter: healthEventEntityFilter{arns}, MaxResults: 100, NextToken: token}
				return callHealth[healthEventEntitiesOutput](ctx, env, "DescribeAffectedEntities", in)
			},
			next: func(p *healthEventEntitiesOutput) *string { return p.NextToken },
		}
		list := each(ctx, pages, func(p *healthEventEntitiesOutput) ([]healthEventEntityDetails, *string) {
			return p.Entities, p.NextToken
		})
		return emitEach(list, healthEventEntity, emit)
	})
}

func healthEventEntity(e *healthEventEntityDetails) schemas.HealthEventEntity {
	return schemas.HealthEventEntity{
		EventARN:        aws.ToString(e.EventARN),
		EntityValue:     aws.ToString(e.EntityValue),
		EntityARN:       text(e.EntityARN),
		EntityAccountID: text(e.AWSAccountID),
		EntityURL:       text(e.EntityURL),
		Status:          text(e.StatusCode),
		EntityUpdatedAt: e.LastUpdatedTime.at(),
		EntityMetadata:  jsonOf(redactMap(e.EntityMetadata)),
		Tags:            jsonOf(redactMap(e.Tags)),
	}
}
