package kcl

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"github.com/hubspoke/observability/lib/awsfake"
)

// What DynamoDB refuses, awsfake must refuse: the lease table is tested against it.
// The answers of both are compared, word by word.
func TestAWSFakeAnswersAsDynaliteDoes(t *testing.T) {
	t.Parallel()
	server := must(awsfake.New(awsfake.Config{}))
	t.Cleanup(func() { server.Close() })
	fake, judge := dynamodb.NewFromConfig(server.AWSConfig(account, region)),
		dynamodb.NewFromConfig(emulator(t, "dynalite", `{createTableMs: 0}`))
	calls := map[string]func(context.Context, *dynamodb.Client) string{
		"scan of one item with a limit of one": func(ctx context.Context, d *dynamodb.Client) string {
			out := must(d.Scan(ctx, &dynamodb.ScanInput{TableName: aws.String(app), Limit: aws.Int32(1)}))
			return fmt.Sprint(out.Count, text(out.LastEvaluatedKey[attrShard]))
		},
		"deletion with a reserved word in its condition": func(ctx context.Context, d *dynamodb.Client) string {
			_, err := d.DeleteItem(ctx, &dynamodb.DeleteItemInput{
				TableName: aws.String(app), Key: map[string]types.AttributeValue{attrShard: str(shard0)},
				ConditionExpression: aws.String("attribute_exists(Owner)"),
			})
			return refusal(err)
		},
	}
	for _, update := range []string{
		"SET owner = :x", "REMOVE a, Status", "SET a = if_not_exists(name, :x)", // reserved words
		"SET a = :x SET b = :x", "SET a = :x, a = :x", "SET a = :x REMOVE a", // twice
		"SET b = :x REMOVE ShardID", "SET ShardID = :x", // the key
	} {
		calls[update] = func(ctx context.Context, d *dynamodb.Client) string {
			_, err := d.UpdateItem(ctx, &dynamodb.UpdateItemInput{
				TableName: aws.String(app), Key: map[string]types.AttributeValue{attrShard: str(shard0)}, UpdateExpression: &update,
				ExpressionAttributeValues: map[string]types.AttributeValue{":x": str("x")},
			})
			return refusal(err)
		}
	}
	for name, in := range map[string]dynamodb.CreateTableInput{
		"table without a price": {},
		"table with two prices": {
			BillingMode: types.BillingModePayPerRequest,
			ProvisionedThroughput: &types.ProvisionedThroughput{ReadCapacityUnits: aws.Int64(1),
				WriteCapacityUnits: aws.Int64(1)},
		},
	} {
		calls[name] = func(ctx context.Context, d *dynamodb.Client) string {
			in.TableName = aws.String("another")
			in.KeySchema = []types.KeySchemaElement{{AttributeName: aws.String("a"), KeyType: types.KeyTypeHash}}
			in.AttributeDefinitions = []types.AttributeDefinition{{AttributeName: aws.String("a"),
				AttributeType: types.ScalarAttributeTypeS}}
			_, err := d.CreateTable(ctx, &in)
			return refusal(err)
		}
	}
	for _, d := range []*dynamodb.Client{fake, judge} {
		if err := CreateLeaseTable(t.Context(), d, app); err != nil {
			t.Fatal(err)
		}
		leases := &table{d, app, subjectLease, subjectLease}
		if err := leases.take(t.Context(), shard0, "x", claim{}); err != nil {
			t.Fatal(err)
		}
	}
	for name, call := range calls {
		equal(t, name, call(t.Context(), fake), call(t.Context(), judge))
	}
}

// refusal is the answer to what is refused.
func refusal(err error) string {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return fmt.Sprintf("not refused: %v", err)
	}
	return api.ErrorCode() + ": " + api.ErrorMessage()
}
