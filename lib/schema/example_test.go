package schema_test

import (
	"fmt"
	"time"

	"github.com/hubspoke/observability/lib/schema"
)

// Queue is one SQS queue as seen in one account and region.
type Queue struct {
	// URL of the queue.
	URL string `col:"queue_url,key"`
	// RetentionSeconds is how long a message is kept; null if reading the
	// attributes was denied.
	RetentionSeconds *int64 `col:"retention_seconds"`
	// CreatedAt is when the queue was created.
	CreatedAt time.Time `col:"created_at"`
}

// Queues is the category "queues", a full snapshot every run.
var Queues = schema.Of[Queue](schema.Spec{Name: "queues", Mode: schema.Snapshot})

func Example() {
	for _, c := range Queues.Columns() {
		fmt.Println(c.Name, c.Kind.PostgresType(), "key:", c.Key, "nullable:", c.Nullable)
	}
	// Output:
	// queue_url text key: true nullable: false
	// retention_seconds bigint key: false nullable: true
	// created_at timestamp with time zone key: false nullable: false
}
