package main

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// drainPatience is how long the consumer may make no progress at all before it is
// taken for stuck.
const drainPatience = 5 * time.Minute

// drained waits until every record of the stream has been applied.
func drained(ctx context.Context, client *kinesis.Client, db *pgxpool.Pool, failed <-chan error) error {
	var before map[string]position
	moved := time.Now()
	for {
		now, err := positions(ctx, db)
		if err != nil {
			return err
		}
		if before == nil || !samePositions(before, now) {
			before, moved = now, time.Now()
		}
		behind, err := shardBehind(ctx, client, now)
		if err != nil || behind == "" {
			return err
		}
		if time.Since(moved) > drainPatience {
			return fmt.Errorf("the consumer has applied nothing for %v, and shard %s still has records after sequence number %q",
				drainPatience, behind, now[behind].sequence)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case err := <-failed:
			return err
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// position is how far a shard has been applied.
type position struct {
	sequence string // "" before the first record
	ended    bool
}

func positions(ctx context.Context, db *pgxpool.Pool) (map[string]position, error) {
	rows, err := db.Query(ctx,
		`SELECT shard, CASE WHEN sequence_number >= 0 THEN sequence_number::text ELSE '' END, ended FROM hub.shard_progress`)
	if err != nil {
		return nil, err
	}
	out := map[string]position{}
	var shard string
	var p position
	_, err = pgx.ForEachRow(rows, []any{&shard, &p.sequence, &p.ended}, func() error {
		out[shard] = p
		return nil
	})
	return out, err
}

func samePositions(a, b map[string]position) bool {
	if len(a) != len(b) {
		return false
	}
	for shard, p := range a {
		if b[shard] != p {
			return false
		}
	}
	return true
}

// shardBehind returns a shard that has records after its position, "" if none has.
func shardBehind(ctx context.Context, client *kinesis.Client, at map[string]position) (string, error) {
	all, err := listShards(ctx, client)
	if err != nil {
		return "", err
	}
	for _, shard := range all {
		id := aws.ToString(shard.ShardId)
		if at[id].ended {
			continue
		}
		more, err := hasMore(ctx, client, id, at[id].sequence)
		if err != nil {
			return "", err
		}
		if more {
			return id, nil
		}
	}
	return "", nil
}

func hasMore(ctx context.Context, client *kinesis.Client, shard, after string) (bool, error) {
	in := &kinesis.GetShardIteratorInput{StreamARN: &streamARN, ShardId: &shard,
		ShardIteratorType: types.ShardIteratorTypeTrimHorizon}
	if after != "" {
		in.ShardIteratorType, in.StartingSequenceNumber = types.ShardIteratorTypeAfterSequenceNumber, &after
	}
	iterator, err := client.GetShardIterator(ctx, in)
	if err != nil {
		return false, err
	}
	page, err := client.GetRecords(ctx, &kinesis.GetRecordsInput{StreamARN: &streamARN,
		ShardIterator: iterator.ShardIterator, Limit: aws.Int32(1)})
	if err != nil {
		return false, err
	}
	return len(page.Records) > 0 || aws.ToInt64(page.MillisBehindLatest) > 0, nil
}

// listShards returns the shards of the stream, closed ones included.
func listShards(ctx context.Context, client *kinesis.Client) ([]types.Shard, error) {
	var all []types.Shard
	in := &kinesis.ListShardsInput{StreamARN: &streamARN}
	for {
		page, err := client.ListShards(ctx, in)
		if err != nil {
			return nil, err
		}
		all = append(all, page.Shards...)
		if page.NextToken == nil {
			return all, nil
		}
		in = &kinesis.ListShardsInput{NextToken: page.NextToken}
	}
}
