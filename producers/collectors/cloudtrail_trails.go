package collectors

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/schemas"
)

// Trails are listed with those of other regions and of the organization, and the trails
// with another home region are left to its run. Each trail is asked for its status and its
// event selectors: two requests, for which AWS charges nothing. Events are not read.
var CloudTrailTrails = collect.Collector[schemas.CloudTrailTrail]{
	Category: schemas.CloudTrailTrails,
	Reach:    collect.PerRegion,
	Every:    6 * time.Hour,
	Calls:    []string{"cloudtrail:DescribeTrails", "cloudtrail:GetTrailStatus", "cloudtrail:GetEventSelectors"},
	Hints: []collect.Hint{
		{Source: "aws.cloudtrail", Calls: []string{
			"CreateTrail", "UpdateTrail", "DeleteTrail", "StartLogging", "StopLogging", "PutEventSelectors",
			"PutInsightSelectors",
		}},
	},
	Collect: collectCloudTrailTrails,
}

// The quota is 10 requests a second for each of the operations.
var cloudtrailService = collect.Service{
	ID:    "CloudTrail",
	Name:  "cloudtrail",
	Rate:  collect.Rate{PerSecond: 2, Burst: 3},
	Quota: "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/WhatIsCloudTrail-Limits.html",
}

func collectCloudTrailTrails(ctx context.Context, env *collect.Env, emit func(schemas.CloudTrailTrail) error) error {
	client := cloudtrail.NewFromConfig(env.AWS)
	trails, err := gather(each(ctx, single(func(ctx context.Context) (*cloudtrail.DescribeTrailsOutput, error) {
		return client.DescribeTrails(ctx, &cloudtrail.DescribeTrailsInput{}) // includeShadowTrails is true by default
	}), func(p *cloudtrail.DescribeTrailsOutput) ([]types.Trail, *string) { return p.TrailList, nil }))
	if err != nil {
		return err
	}
	for _, trail := range trails {
		if aws.ToString(trail.HomeRegion) != env.Region {
			continue
		}
		row, err := cloudtrailTrail(ctx, client, &trail)
		if hasCode(err, "TrailNotFoundException") {
			continue // deleted since it was listed
		}
		if err != nil {
			return fmt.Errorf("trail %s: %w", row.TrailARN, err)
		}
		if err := emit(row); err != nil {
			return err
		}
	}
	return nil
}

func cloudtrailTrail(ctx context.Context, client *cloudtrail.Client, t *types.Trail) (schemas.CloudTrailTrail, error) {
	row := schemas.CloudTrailTrail{
		TrailARN:                aws.ToString(t.TrailARN),
		Name:                    text(t.Name),
		OwnerAccountID:          arnPart(t.TrailARN, arnAccount),
		HomeRegion:              text(t.HomeRegion),
		IsOrganizationTrail:     t.IsOrganizationTrail,
		IsMultiRegion:           t.IsMultiRegionTrail,
		IncludesGlobalEvents:    t.IncludeGlobalServiceEvents,
		LogFileValidation:       t.LogFileValidationEnabled,
		HasCustomEventSelectors: t.HasCustomEventSelectors,
		HasInsightSelectors:     t.HasInsightSelectors,
		S3Bucket:                text(t.S3BucketName),
		S3KeyPrefix:             text(t.S3KeyPrefix),
		SNSTopicARN:             text(t.SnsTopicARN),
		KMSKeyID:                text(t.KmsKeyId),
		LogGroupARN:             text(t.CloudWatchLogsLogGroupArn),
		LogRoleARN:              text(t.CloudWatchLogsRoleArn),
	}
	var d details
	_, err := d.read("cloudtrail:GetTrailStatus", func() error { return setCloudTrailTrailStatus(ctx, client, &row) })
	if err == nil {
		_, err = d.read("cloudtrail:GetEventSelectors",
			func() error { return setCloudTrailTrailSelectors(ctx, client, &row) })
	}
	row.DeniedActions = d.column()
	return row, err
}

func setCloudTrailTrailStatus(ctx context.Context, client *cloudtrail.Client, row *schemas.CloudTrailTrail) error {
	s, err := client.GetTrailStatus(ctx, &cloudtrail.GetTrailStatusInput{Name: &row.TrailARN})
	if err != nil {
		return err
	}
	if s.IsLogging == nil {
		return without(s, "a status")
	}
	row.IsLogging = s.IsLogging
	row.LoggingStartedAt, row.LoggingStoppedAt = s.StartLoggingTime, s.StopLoggingTime
	row.LatestDeliveryAt, row.LatestDeliveryError = s.LatestDeliveryTime, text(s.LatestDeliveryError)
	row.LatestDigestAt, row.LatestDigestError = s.LatestDigestDeliveryTime, text(s.LatestDigestDeliveryError)
	row.LatestLogsDeliveryAt = s.LatestCloudWatchLogsDeliveryTime
	row.LatestLogsDeliveryError = text(s.LatestCloudWatchLogsDeliveryError)
	return nil
}

func setCloudTrailTrailSelectors(ctx context.Context, client *cloudtrail.Client, row *schemas.CloudTrailTrail) error {
	s, err := client.GetEventSelectors(ctx, &cloudtrail.GetEventSelectorsInput{TrailName: &row.TrailARN})
	if err != nil {
		return err
	}
	if s.EventSelectors == nil && s.AdvancedEventSelectors == nil {
		return without(s, "selectors")
	}
	row.EventSelectors, row.AdvancedEventSelectors = jsonOf(s.EventSelectors), jsonOf(s.AdvancedEventSelectors)
	return nil
}
