package schemas

import (
	"time"

	"github.com/hubspoke/observability/lib/schema"
)

// HealthEventEntity is one resource that an event of AWS Health affects. Columns come from
// DescribeAffectedEntities (AffectedEntity), of events of the account alone: public events name
// no resources.
type HealthEventEntity struct {
	// ARN of the event in health_events (eventArn).
	EventARN string `col:"event_arn,key"`
	// The resource: its identifier or ARN, AWS_ACCOUNT or UNKNOWN (entityValue).
	EntityValue string `col:"entity_value,key"`
	// ARN of the entity in Health, not that of the resource (entityArn).
	EntityARN *string `col:"entity_arn"`
	// Account of the resource (awsAccountId).
	EntityAccountID *string `col:"entity_account_id"`
	// Page of the resource (entityUrl). Null: AWS names none.
	EntityURL *string `col:"entity_url"`
	// Status: IMPAIRED, UNIMPAIRED, UNKNOWN, PENDING or RESOLVED (statusCode). Null: AWS does not say.
	Status *string `col:"status"`
	// When AWS last updated what it says about the resource (lastUpdatedTime).
	EntityUpdatedAt *time.Time `col:"entity_updated_at"`
	// JSON object of what else is known about the resource (entityMetadata). Null: nothing. A value that may be a secret
	// is [redacted] by the spoke.
	EntityMetadata schema.JSON `col:"entity_metadata,object"`
	// JSON object of the tags of the resource (tags). Null: none. A value that may be a secret is [redacted] by the spoke.
	Tags schema.JSON `col:"tags,object"`
}

// HealthEventEntities is the category "health_event_entities": all resources once a day, and
// those of events that were updated between. Those of events that AWS no longer keeps stay.
var HealthEventEntities = schema.Of[HealthEventEntity](schema.Spec{Name: "health_event_entities", Mode: schema.Event,
	Incremental: true})
