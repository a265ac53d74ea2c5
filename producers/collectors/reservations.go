package collectors

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/elasticache"
	elasticachetypes "github.com/aws/aws-sdk-go-v2/service/elasticache/types"
	"github.com/aws/aws-sdk-go-v2/service/opensearch"
	opensearchtypes "github.com/aws/aws-sdk-go-v2/service/opensearch/types"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	rdstypes "github.com/aws/aws-sdk-go-v2/service/rds/types"
	"github.com/aws/aws-sdk-go-v2/service/redshift"
	redshifttypes "github.com/aws/aws-sdk-go-v2/service/redshift/types"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/schemas"
)

// Reservations of five services are listed in every state, with a request for each
// service and 100 reservations; EC2 has all of them in one answer. AWS charges nothing
// for them. Each service is a run of its own, so that one that is denied hides no other.
var Reservations = collect.Collector[schemas.Reservation]{
	Category: schemas.Reservations,
	Reach:    collect.PerRegion,
	Every:    24 * time.Hour,
	Calls: []string{
		"ec2:DescribeReservedInstances",
		"rds:DescribeReservedDBInstances",
		"elasticache:DescribeReservedCacheNodes",
		"es:DescribeReservedInstances",
		"redshift:DescribeReservedNodes",
	},
	Slices:  func(time.Time) []string { return []string{"ec2", "elasticache", "opensearch", "rds", "redshift"} },
	Collect: collectReservations,
}

// AWS names no quota of requests for ElastiCache.
var elasticacheService = collect.Service{
	ID:    "ElastiCache",
	Name:  "elasticache",
	Rate:  collect.Rate{PerSecond: 2, Burst: 2},
	Quota: "https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/quota-limits.html",
}

// AWS names no quota of requests for OpenSearch.
var esService = collect.Service{
	ID:    "OpenSearch",
	Name:  "es",
	Rate:  collect.Rate{PerSecond: 2, Burst: 2},
	Quota: "https://docs.aws.amazon.com/opensearch-service/latest/developerguide/limits.html",
}

// AWS names no quota of requests for Redshift.
var redshiftService = collect.Service{
	ID:    "Redshift",
	Name:  "redshift",
	Rate:  collect.Rate{PerSecond: 2, Burst: 2},
	Quota: "https://docs.aws.amazon.com/redshift/latest/mgmt/amazon-redshift-limits.html",
}

func collectReservations(ctx context.Context, env *collect.Env, emit func(schemas.Reservation) error) error {
	return bySlice(ctx, env, emit, map[string]sliceOf[schemas.Reservation]{
		"ec2":         reservationsOfEC2,
		"elasticache": reservationsOfElastiCache,
		"opensearch":  reservationsOfOpenSearch,
		"rds":         reservationsOfRDS,
		"redshift":    reservationsOfRedshift,
	})
}

// reservationCharges returns charges as EC2 names their members, for one column has those
// of all services.
func reservationCharges[Charge any](
	charges []Charge, members func(Charge) (amount *float64, every *string),
) schema.JSON {
	list := make([]ec2types.RecurringCharge, len(charges))
	for i, charge := range charges {
		amount, every := members(charge)
		list[i] = ec2types.RecurringCharge{
			Amount: amount, Frequency: ec2types.RecurringChargeFrequency(aws.ToString(every)),
		}
	}
	return jsonArray(list)
}

// setReservationTerm sets the term of a reservation of a service that does not report when
// it ends.
func setReservationTerm(row *schemas.Reservation, start *time.Time, seconds *int32) {
	row.StartedAt, row.DurationSeconds = start, integer(seconds)
	if start != nil && seconds != nil {
		row.EndsAt = new(start.Add(time.Duration(*seconds) * time.Second))
	}
}

func reservationsOfEC2(ctx context.Context, env *collect.Env, emit func(schemas.Reservation) error) error {
	client := ec2.NewFromConfig(env.AWS)
	page := single(func(ctx context.Context) (*ec2.DescribeReservedInstancesOutput, error) {
		return client.DescribeReservedInstances(ctx, &ec2.DescribeReservedInstancesInput{})
	})
	list := each(ctx, page, func(p *ec2.DescribeReservedInstancesOutput) ([]ec2types.ReservedInstances, *string) {
		return p.ReservedInstances, nil
	})
	return emitEach(list, func(r *ec2types.ReservedInstances) schemas.Reservation {
		return schemas.Reservation{
			Service:            "ec2",
			ReservationID:      aws.ToString(r.ReservedInstancesId),
			State:              enum(r.State),
			InstanceType:       enum(r.InstanceType),
			InstanceCount:      integer(r.InstanceCount),
			ProductDescription: enum(r.ProductDescription),
			OfferingClass:      enum(r.OfferingClass),
			OfferingType:       enum(r.OfferingType),
			Scope:              enum(r.Scope),
			AvailabilityZone:   text(r.AvailabilityZone),
			Tenancy:            enum(r.InstanceTenancy),
			Currency:           enum(r.CurrencyCode),
			FixedPrice:         floatDecimal(r.FixedPrice),
			UsagePrice:         floatDecimal(r.UsagePrice),
			RecurringCharges:   jsonArray(r.RecurringCharges),
			DurationSeconds:    r.Duration,
			StartedAt:          r.Start,
			EndsAt:             r.End,
			Tags:               jsonOf(tagMap(r.Tags)),
		}
	}, emit)
}

func reservationsOfElastiCache(ctx context.Context, env *collect.Env, emit func(schemas.Reservation) error) error {
	pages := elasticache.NewDescribeReservedCacheNodesPaginator(elasticache.NewFromConfig(env.AWS),
		&elasticache.DescribeReservedCacheNodesInput{MaxRecords: aws.Int32(100)})
	list := each(ctx, pages,
		func(p *elasticache.DescribeReservedCacheNodesOutput) ([]elasticachetypes.ReservedCacheNode, *string) {
			return p.ReservedCacheNodes, p.Marker
		})
	return emitEach(list, func(r *elasticachetypes.ReservedCacheNode) schemas.Reservation {
		row := schemas.Reservation{
			Service:            "elasticache",
			ReservationID:      aws.ToString(r.ReservedCacheNodeId),
			ReservationARN:     text(r.ReservationARN),
			OfferingID:         text(r.ReservedCacheNodesOfferingId),
			State:              text(r.State),
			InstanceType:       text(r.CacheNodeType),
			InstanceCount:      integer(r.CacheNodeCount),
			ProductDescription: text(r.ProductDescription),
			OfferingType:       text(r.OfferingType),
			FixedPrice:         floatDecimal(r.FixedPrice),
			UsagePrice:         floatDecimal(r.UsagePrice),
			RecurringCharges: reservationCharges(r.RecurringCharges,
				func(c elasticachetypes.RecurringCharge) (amount *float64, every *string) {
					return c.RecurringChargeAmount, c.RecurringChargeFrequency
				}),
		}
		setReservationTerm(&row, r.StartTime, r.Duration)
		return row
	}, emit)
}

func reservationsOfOpenSearch(ctx context.Context, env *collect.Env, emit func(schemas.Reservation) error) error {
	list := eachByToken(ctx, &opensearch.DescribeReservedInstancesInput{MaxResults: 100},
		opensearch.NewFromConfig(env.AWS).DescribeReservedInstances,
		func(in *opensearch.DescribeReservedInstancesInput) **string { return &in.NextToken },
		func(p *opensearch.DescribeReservedInstancesOutput) ([]opensearchtypes.ReservedInstance, *string) {
			return p.ReservedInstances, p.NextToken
		})
	return emitEach(list, func(r *opensearchtypes.ReservedInstance) schemas.Reservation {
		row := schemas.Reservation{
			Service:       "opensearch",
			ReservationID: aws.ToString(r.ReservedInstanceId),
			OfferingID:    text(r.ReservedInstanceOfferingId),
			State:         text(r.State),
			InstanceType:  enum(r.InstanceType),
			InstanceCount: integer(&r.InstanceCount),
			OfferingType:  enum(r.PaymentOption),
			Currency:      text(r.CurrencyCode),
			FixedPrice:    floatDecimal(r.FixedPrice),
			UsagePrice:    floatDecimal(r.UsagePrice),
			RecurringCharges: reservationCharges(r.RecurringCharges,
				func(c opensearchtypes.RecurringCharge) (amount *float64, every *string) {
					return c.RecurringChargeAmount, c.RecurringChargeFrequency
				}),
		}
		setReservationTerm(&row, r.StartTime, &r.Duration)
		return row
	}, emit)
}

func reservationsOfRDS(ctx context.Context, env *collect.Env, emit func(schemas.Reservation) error) error {
	list := eachByToken(ctx, &rds.DescribeReservedDBInstancesInput{MaxRecords: aws.Int32(100)},
		rds.NewFromConfig(env.AWS).DescribeReservedDBInstances,
		func(in *rds.DescribeReservedDBInstancesInput) **string { return &in.Marker },
		func(p *rds.DescribeReservedDBInstancesOutput) ([]rdstypes.ReservedDBInstance, *string) {
			return p.ReservedDBInstances, p.Marker
		})
	return emitEach(list, func(r *rdstypes.ReservedDBInstance) schemas.Reservation {
		row := schemas.Reservation{
			Service:            "rds",
			ReservationID:      aws.ToString(r.ReservedDBInstanceId),
			ReservationARN:     text(r.ReservedDBInstanceArn),
			LeaseID:            text(r.LeaseId),
			OfferingID:         text(r.ReservedDBInstancesOfferingId),
			State:              text(r.State),
			InstanceType:       text(r.DBInstanceClass),
			InstanceCount:      integer(r.DBInstanceCount),
			ProductDescription: text(r.ProductDescription),
			OfferingType:       text(r.OfferingType),
			MultiAZ:            r.MultiAZ,
			Currency:           text(r.CurrencyCode),
			FixedPrice:         floatDecimal(r.FixedPrice),
			UsagePrice:         floatDecimal(r.UsagePrice),
			RecurringCharges: reservationCharges(r.RecurringCharges,
				func(c rdstypes.RecurringCharge) (amount *float64, every *string) {
					return c.RecurringChargeAmount, c.RecurringChargeFrequency
				}),
		}
		setReservationTerm(&row, r.StartTime, r.Duration)
		return row
	}, emit)
}

func reservationsOfRedshift(ctx context.Context, env *collect.Env, emit func(schemas.Reservation) error) error {
	list := eachByToken(ctx, &redshift.DescribeReservedNodesInput{MaxRecords: aws.Int32(100)},
		redshift.NewFromConfig(env.AWS).DescribeReservedNodes,
		func(in *redshift.DescribeReservedNodesInput) **string { return &in.Marker },
		func(p *redshift.DescribeReservedNodesOutput) ([]redshifttypes.ReservedNode, *string) {
			return p.ReservedNodes, p.Marker
		})
	return emitEach(list, func(r *redshifttypes.ReservedNode) schemas.Reservation {
		row := schemas.Reservation{
			Service:       "redshift",
			ReservationID: aws.ToString(r.ReservedNodeId),
			OfferingID:    text(r.ReservedNodeOfferingId),
			State:         text(r.State),
			InstanceType:  text(r.NodeType),
			InstanceCount: integer(r.NodeCount),
			OfferingType:  text(r.OfferingType),
			Currency:      text(r.CurrencyCode),
			FixedPrice:    floatDecimal(r.FixedPrice),
			UsagePrice:    floatDecimal(r.UsagePrice),
			RecurringCharges: reservationCharges(r.RecurringCharges,
				func(c redshifttypes.RecurringCharge) (amount *float64, every *string) {
					return c.RecurringChargeAmount, c.RecurringChargeFrequency
				}),
		}
		setReservationTerm(&row, r.StartTime, r.Duration)
		return row
	}, emit)
}
