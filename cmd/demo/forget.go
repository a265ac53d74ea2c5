package main

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/hubspoke/observability/lib/awsconfig"
	"github.com/hubspoke/observability/lib/schema"
)

// The stand-ins keep everything in memory. A stack without an end keeps what it has
// applied for a while only, and never more than so many bytes.
const (
	forgetInterval  = 10 * time.Second
	keepRecords     = 5 * time.Minute
	keepObjects     = 15 * time.Minute
	keepShardBytes  = 64 << 20
	keepObjectBytes = 256 << 20
)

// bounds says for people what is kept.
var bounds = fmt.Sprintf("The stand-ins keep in memory what was applied of the stream for %d minutes, at most %d "+
	"MiB a shard, and the archive of the\n"+
	"last %d minutes, at most %d MiB: the oldest records and objects go.", int(keepRecords.Minutes()), keepShardBytes>>20,
	int(keepObjects.Minutes()), keepObjectBytes>>20)

// forget trims the stream and the archive until ctx is done.
func (s *stack) forget(ctx context.Context) {
	ticker := time.NewTicker(forgetInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			err := errors.Join(s.trimStream(ctx, now.Add(-keepRecords)), s.boundStream(keepShardBytes),
				s.trimArchive(ctx, now.Add(-keepObjects), keepObjectBytes))
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

// boundStream drops the oldest records of shards that hold more than so many bytes,
// also what is not applied yet: to the hub that looks like records older than the
// stream's retention.
func (s *stack) boundStream(bytesPerShard int) error {
	dropped, err := s.aws.TrimToSize(streamARN, bytesPerShard)
	if dropped > 0 {
		fmt.Fprintf(s.out, "dropped the %d oldest records: a shard keeps at most %d MiB\n", dropped, bytesPerShard>>20)
	}
	return err
}

// trimArchive deletes the files and manifests of runs that began before a time, and of
// the oldest ones until at most so many bytes are left.
func (s *stack) trimArchive(ctx context.Context, before time.Time, bytes int64) error {
	client := awsconfig.S3(s.aws.AWSConfig(hubAccount, region))
	pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: aws.String(bucket)})
	type stored struct {
		key  *string
		run  schema.RunID
		size int64
	}
	var objects []stored // of runs
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, object := range page.Contents {
			name := strings.TrimPrefix(path.Base(aws.ToString(object.Key)), "_") // of a manifest
			if run, err := schema.ParseRunID(name[:min(36, len(name))]); err == nil {
				objects = append(objects, stored{object.Key, run, aws.ToInt64(object.Size)})
			}
		}
	}
	slices.SortFunc(objects, func(a, b stored) int { return b.run.Compare(a.run) })
	var old []types.ObjectIdentifier
	for _, object := range objects { // the newest first
		if bytes -= object.size; bytes < 0 || object.run.Time().Before(before) {
			old = append(old, types.ObjectIdentifier{Key: object.key})
		}
	}
	for some := range slices.Chunk(old, maxDelete) {
		if _, err := client.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: aws.String(bucket),
			Delete: &types.Delete{Objects: some}}); err != nil {
			return err
		}
	}
	return nil
}

// maxDelete is how many objects S3 deletes in one request.
const maxDelete = 1000
