package main

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// Time between two kills. A consumer that is started takes some hundred
	// milliseconds until it applies something: some are killed before, some while
	// they do.
	minLife, maxLife = 200 * time.Millisecond, 2 * time.Second
	reshardInterval  = time.Second
	// Open shards are kept between these.
	fewestShards, mostShards = 2, 8
)

// chaos is what was done to the pipeline while it worked.
type chaos struct{ kills, splits, merges int }

func (c chaos) String() string {
	return fmt.Sprintf("the consumer was killed %d times; %d shards were split and %d pairs merged", c.kills, c.splits,
		c.merges)
}

// wreak kills the consumer and changes the shards until ctx is done. Of two lives in a
// row one applies something, however slow the machine is.
func (c *chaos) wreak(ctx context.Context, client *kinesis.Client, consuming *consumer, db *pgxpool.Pool) error {
	applied, idle := "", false     // what was applied until the last kill; whether that life applied nothing
	kill := time.NewTimer(maxLife) // the first one may begin
	defer kill.Stop()
	reshard := time.NewTicker(reshardInterval)
	defer reshard.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-kill.C:
			now, err := lastApplied(ctx, db)
			switch {
			case ctx.Err() != nil:
				return nil
			case err != nil:
				return err
			}
			if idle && now == applied {
				kill.Reset(minLife)
				continue
			}
			applied, idle = now, now == applied
			if err := consuming.killAndRestart(); err != nil {
				return fmt.Errorf("kill the consumer: %w", err)
			}
			c.kills++
			kill.Reset(minLife + rand.N(maxLife-minLife))
		case <-reshard.C:
			if err := c.reshard(ctx, client); err != nil && ctx.Err() == nil {
				return fmt.Errorf("change the shards: %w", err)
			}
		}
	}
}

// lastApplied says when something was last applied.
func lastApplied(ctx context.Context, db *pgxpool.Pool) (at string, err error) {
	if err := db.QueryRow(ctx, "SELECT coalesce(max(updated_at)::text, '') FROM hub.run").Scan(&at); err != nil {
		return "", fmt.Errorf("ask what was applied last: %w", err)
	}
	return at, nil
}

// reshard splits or merges some open shards.
func (c *chaos) reshard(ctx context.Context, client *kinesis.Client) error {
	all, err := listShards(ctx, client)
	if err != nil {
		return err
	}
	open := slices.DeleteFunc(all, func(s types.Shard) bool { return s.SequenceNumberRange.EndingSequenceNumber != nil })
	slices.SortFunc(open, func(a, b types.Shard) int {
		return hashKey(a.HashKeyRange.StartingHashKey).Cmp(hashKey(b.HashKeyRange.StartingHashKey))
	})
	i := rand.IntN(len(open))
	if len(open) <= fewestShards || len(open) < mostShards && rand.IntN(2) == 0 {
		first, last := hashKey(open[i].HashKeyRange.StartingHashKey), hashKey(open[i].HashKeyRange.EndingHashKey)
		middle := first.Add(first, last)
		middle.Rsh(middle, 1).Add(middle, big.NewInt(1))
		_, err = client.SplitShard(ctx, &kinesis.SplitShardInput{
			StreamARN: &streamARN, ShardToSplit: open[i].ShardId, NewStartingHashKey: aws.String(middle.String()),
		})
		if err == nil {
			c.splits++
		}
	} else {
		i = min(i, len(open)-2) // neighbours cover neighbouring hash keys
		_, err = client.MergeShards(ctx, &kinesis.MergeShardsInput{
			StreamARN: &streamARN, ShardToMerge: open[i].ShardId, AdjacentShardToMerge: open[i+1].ShardId,
		})
		if err == nil {
			c.merges++
		}
	}
	var busy *types.ResourceInUseException
	var tooFast *types.LimitExceededException
	if errors.As(err, &busy) || errors.As(err, &tooFast) {
		return nil // the last change is still going on
	}
	return err
}

func hashKey(text *string) *big.Int {
	key, _ := new(big.Int).SetString(aws.ToString(text), 10)
	return key
}
