package main

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/hubspoke/observability/lib/awsconfig"
	"github.com/hubspoke/observability/lib/schema"
)

// The stand-ins keep everything in memory. A stack without an end keeps what it
// has applied for a while only.
const (
	forgetInterval = time.Minute
	keepRecords    = 5 * time.Minute
	keepObjects    = 15 * time.Minute
)

// forget trims the stream and the archive until ctx is done.
func (s *stack) forget(ctx context.Context) {
	ticker := time.NewTicker(forgetInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			err := errors.Join(s.trimStream(ctx, now.Add(-keepRecords)), s.trimArchive(ctx, now.Add(-keepObjects)))
			if err != nil && ctx.Err() == nil {
				fmt.Fprintln(s.out, "cannot free memory:", err)
			}
		}
	}
}

// trimStream drops records before a time, but none that is not applied yet.
func (s *stack) trimStream(ctx context.Context, before time.Time) error {
	var applied *time.Time // null while some shard has applied nothing
	err := s.db.QueryRow(ctx, `
		SELECT CASE WHEN count(*) = count(arrived_at) THEN min(arrived_at) END FROM hub.shard_progress WHERE NOT ended`).Scan(&applied)
	if err != nil || applied == nil {
		return err
	}
	if applied.Before(before) {
		before = *applied
	}
	_, err = s.aws.TrimBefore(streamARN, before)
	return err
}

// trimArchive deletes the files and manifests of runs that began before a time.
func (s *stack) trimArchive(ctx context.Context, before time.Time) error {
	client := awsconfig.S3(s.aws.AWSConfig(hubAccount, region))
	pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: aws.String(bucket)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		var old []types.ObjectIdentifier
		for _, object := range page.Contents {
			name := strings.TrimPrefix(path.Base(aws.ToString(object.Key)), "_") // of a manifest
			if run, err := schema.ParseRunID(name[:min(36, len(name))]); err == nil && run.Time().Before(before) {
				old = append(old, types.ObjectIdentifier{Key: object.Key})
			}
		}
		if len(old) == 0 {
			continue
		}
		if _, err := client.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: aws.String(bucket), Delete: &types.Delete{Objects: old}}); err != nil {
			return err
		}
	}
	return nil
}
