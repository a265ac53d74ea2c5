package kcl

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
)

// Shards of all streams have the same names, so workers of two streams that share
// a lease table would each take the other's leases for shards that are read. So a
// lease table belongs to the stream that was first read with it, and says so in a
// row of its own.

// binding is the key of that row. No shard is called like that.
const binding = "stream"

// The attributes of that row.
const (
	attrStream  = "StreamARN"
	attrCreated = "StreamCreated" // RFC 3339; for people, since a stream made again is the same to a lease table
)

// OtherStreamError says that a lease table belongs to another stream.
type OtherStreamError struct {
	// Table is the name of the lease table, Stream the ARN of the stream that it
	// belongs to.
	Table, Stream string
}

// Error names the table and the stream.
func (e *OtherStreamError) Error() string {
	return fmt.Sprintf("kcl: lease table %s belongs to stream %s; another stream needs a table of its own", e.Table,
		e.Stream)
}

// bind makes the lease table the stream's, if it is nobody's. It returns an
// *OtherStreamError if it is another stream's.
func (w *Worker) bind(ctx context.Context) error {
	name, arn := w.cfg.names()
	about, err := w.cfg.Kinesis.DescribeStreamSummary(ctx,
		&kinesis.DescribeStreamSummaryInput{StreamName: name, StreamARN: arn})
	if err != nil {
		return fmt.Errorf("kcl: describe stream %s: %w", w.cfg.streamName(), err)
	}
	stream := about.StreamDescriptionSummary
	_, err = w.cfg.DynamoDB.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &w.cfg.LeaseTable, Key: map[string]types.AttributeValue{attrShard: str(binding)},
		UpdateExpression:    aws.String("SET " + attrStream + " = :stream, " + attrCreated + " = :created"),
		ConditionExpression: aws.String("attribute_not_exists(" + attrStream + ") OR " + attrStream + " = :stream"),
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":stream":  str(aws.ToString(stream.StreamARN)),
			":created": str(aws.ToTime(stream.StreamCreationTimestamp).UTC().Format(time.RFC3339Nano)),
		},
	})
	if err == nil {
		return nil
	}
	// It is another stream's, or the answer was lost.
	owner, readErr := w.boundTo(ctx)
	switch {
	case readErr == nil && owner == aws.ToString(stream.StreamARN):
		return nil
	case readErr == nil && owner != "":
		return &OtherStreamError{w.cfg.LeaseTable, owner}
	}
	return fmt.Errorf("kcl: write to lease table %s (is dynamodb:UpdateItem allowed?): %w", w.cfg.LeaseTable, err)
}

// boundTo returns the ARN of the stream that the lease table belongs to. It reads
// the table as the leases are read: that is what a worker is allowed to.
func (w *Worker) boundTo(ctx context.Context) (string, error) {
	pages := dynamodb.NewScanPaginator(w.cfg.DynamoDB,
		&dynamodb.ScanInput{TableName: &w.cfg.LeaseTable, ConsistentRead: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return "", err
		}
		for _, item := range page.Items {
			if text(item[attrShard]) == binding {
				return text(item[attrStream]), nil
			}
		}
	}
	return "", nil
}

// open is how many of the listed shards have not ended.
func (r *run) open() (open int) {
	for shard := range r.shards {
		if !r.progress.ended(shard) {
			open++
		}
	}
	return open
}
