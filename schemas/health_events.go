package schemas

import (
	"time"

	"github.com/hubspoke/observability/lib/schema"
)

// HealthEvent is one event of AWS Health as seen in one account: of the account itself, or a
// public one, which every account sees. Who counts events counts distinct event_arn. Columns
// come from DescribeEvents (Event) and DescribeEventDetails. AWS keeps events for 90 days.
type HealthEvent struct {
	// ARN of the event, the same in every account for a public one (arn).
	EventARN string `col:"event_arn,key"`
	// Service that the event is about, such as EC2 (service).
	Service *string `col:"service"`
	// Type of the event, such as AWS_EC2_OPERATIONAL_ISSUE (eventTypeCode).
	EventTypeCode *string `col:"event_type_code"`
	// Category: issue, accountNotification, scheduledChange or investigation (eventTypeCategory).
	EventTypeCategory *string `col:"event_type_category"`
	// Whom it is about: PUBLIC, ACCOUNT_SPECIFIC or NONE (eventScopeCode).
	EventScope *string `col:"event_scope"`
	// Region of the event, global if it has none (region).
	EventRegion *string `col:"event_region"`
	// Availability zone of the event (availabilityZone). Null: the whole region.
	AvailabilityZone *string `col:"availability_zone"`
	// Status: open, upcoming or closed (statusCode).
	Status *string `col:"status"`
	// When it began, or will begin (startTime).
	StartedAt *time.Time `col:"started_at"`
	// When it ended, or will end (endTime). Null: nobody knows yet.
	EndedAt *time.Time `col:"ended_at"`
	// When AWS last updated the event (lastUpdatedTime).
	EventUpdatedAt *time.Time `col:"event_updated_at"`
	// Newest description in English (DescribeEventDetails, latestDescription). Null: AWS has none.
	Description *string `col:"description"`
	// Whether somebody has to do something: ACTION_REQUIRED, ACTION_MAY_BE_REQUIRED or INFORMATIONAL (actionability).
	// Null: AWS does not say.
	Actionability *string `col:"actionability"`
	// JSON array of whom it concerns: OPERATIONS, SECURITY or BILLING (personas). Null: AWS does not say.
	Personas schema.JSON `col:"personas,array"`
	// JSON object of what else is known, such as the deprecated version (DescribeEventDetails, eventMetadata). Null:
	// nothing. A value that may be a secret is [redacted] by the spoke.
	Metadata schema.JSON `col:"metadata,object"`
}

// HealthEvents is the category "health_events": all events once a day, and what was updated
// between. Events that AWS no longer keeps stay.
var HealthEvents = schema.Of[HealthEvent](schema.Spec{Name: "health_events", Mode: schema.Event, Incremental: true})
