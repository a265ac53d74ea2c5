package schemas

import (
	"time"

	"github.com/hubspoke/observability/lib/schema"
)

// Reservation is one reservation of EC2, RDS, ElastiCache, OpenSearch or Redshift as seen
// in one account and region, active or not. Columns come from DescribeReservedInstances of
// EC2 (ReservedInstances) and of OpenSearch, and from DescribeReservedDBInstances,
// DescribeReservedCacheNodes and DescribeReservedNodes. Each service is a slice with runs
// and outcomes of its own: one that is denied hides no other.
type Reservation struct {
	// Service of the reservation: ec2, rds, elasticache, opensearch or redshift.
	Service string `col:"service,key,slice"`
	// Identifier of the reservation (ReservedInstancesId, ReservedDBInstanceId and so on).
	ReservationID string `col:"reservation_id,key"`
	// ARN of the reservation (ReservedDBInstanceArn, ReservationARN). Null but for RDS and ElastiCache.
	ReservationARN *string `col:"reservation_arn"`
	// Identifier of the lease, by which bills name the reservation (LeaseId). Null but for RDS.
	LeaseID *string `col:"lease_id"`
	// Identifier of the offering that was bought (ReservedDBInstancesOfferingId and so on). Null for EC2.
	OfferingID *string `col:"offering_id"`
	// State, such as active, retired, queued or payment-pending (State).
	State *string `col:"state"`
	// Type of the instances or nodes, such as m5.large or cache.r7g.large (InstanceType, DBInstanceClass, CacheNodeType,
	// NodeType).
	InstanceType *string `col:"instance_type"`
	// How many are reserved (InstanceCount, DBInstanceCount, CacheNodeCount, NodeCount).
	InstanceCount *int64 `col:"instance_count"`
	// What runs on them, such as Linux/UNIX, postgresql or redis (ProductDescription). Null for OpenSearch and Redshift.
	ProductDescription *string `col:"product_description"`
	// Whether it may be exchanged: standard or convertible (OfferingClass). Null but for EC2.
	OfferingClass *string `col:"offering_class"`
	// How it is paid, such as All Upfront or No Upfront (OfferingType; of OpenSearch PaymentOption, such as ALL_UPFRONT).
	OfferingType *string `col:"offering_type"`
	// Where it applies: Region or Availability Zone (Scope). Null but for EC2.
	Scope *string `col:"scope"`
	// Availability zone, where scope is one (AvailabilityZone).
	AvailabilityZone *string `col:"availability_zone"`
	// Tenancy of the instances: default or dedicated (InstanceTenancy). Null but for EC2.
	Tenancy *string `col:"tenancy"`
	// Whether it is for databases with a standby (MultiAZ). Null but for RDS.
	MultiAZ *bool `col:"multi_az"`
	// Currency of the prices, such as USD (CurrencyCode). Null for ElastiCache, which reports none.
	Currency *string `col:"currency"`
	// What was paid upfront for one instance (FixedPrice).
	FixedPrice *schema.Decimal `col:"fixed_price"`
	// What an hour of one instance costs (UsagePrice).
	UsagePrice *schema.Decimal `col:"usage_price"`
	// JSON array of what is charged again and again for one instance: Amount and Frequency, such as Hourly, for all
	// services alike (RecurringCharges). An empty array: nothing is.
	RecurringCharges schema.JSON `col:"recurring_charges,array"`
	// Length of the term in seconds (Duration).
	DurationSeconds *int64 `col:"duration_seconds"`
	// Start of the term (Start, StartTime).
	StartedAt *time.Time `col:"started_at"`
	// End of the term (End of EC2; for the others started_at and duration_seconds together).
	EndsAt *time.Time `col:"ends_at"`
	// JSON object of the tags (Tags). Null: none, or not EC2. A value that may be a secret is [redacted] by the spoke.
	Tags schema.JSON `col:"tags,object"`
}

// Reservations is the category "reservations": a snapshot per service.
var Reservations = schema.Of[Reservation](schema.Spec{Name: "reservations", Mode: schema.Snapshot})
