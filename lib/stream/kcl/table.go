package kcl

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// The attributes of a lease, as the library names them.
const (
	attrShard   = "ShardID"      // key
	attrOwner   = "AssignedTo"   // the worker; absent when the lease is free
	attrTimeout = "LeaseTimeout" // RFC 3339; changes with every renewal
	// attrDuration is how long the owner's leases last, as "20s"; absent in rows of
	// workers that did not write it.
	attrDuration = "LeaseDuration"
)

// errTaken says that a lease belongs to another worker.
var errTaken = errors.New("the lease belongs to another worker")

// table is the lease table. Every write is conditional on the owner, so that a
// worker that was asleep can neither prolong nor free what it lost.
type table struct {
	client *dynamodb.Client
	name   string
	lease  time.Duration
	// call is how long one call may take.
	call time.Duration
}

// claim is what one lease says.
type claim struct {
	owner    string // "" when free
	timeout  string
	duration time.Duration // of the owner's leases; 0 if not known
}

// claims returns all leases, by shard.
func (t *table) claims(ctx context.Context) (map[string]claim, error) {
	ctx, cancel := context.WithTimeout(ctx, t.call)
	defer cancel()
	claims := map[string]claim{}
	pages := dynamodb.NewScanPaginator(t.client, &dynamodb.ScanInput{
		TableName: &t.name, ConsistentRead: aws.Bool(true),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("read lease table %s: %w", t.name, err)
		}
		for _, item := range page.Items {
			if text(item[attrShard]) == binding {
				continue
			}
			duration, _ := time.ParseDuration(text(item[attrDuration])) // 0 where it is absent
			claims[text(item[attrShard])] = claim{owner: text(item[attrOwner]), timeout: text(item[attrTimeout]),
				duration: duration}
		}
	}
	return claims, nil
}

// take makes owner the owner of a lease that still is as it was seen. It returns
// errTaken when the lease has changed.
func (t *table) take(ctx context.Context, key, owner string, seen claim) error {
	condition, values := "attribute_not_exists("+attrOwner+")", map[string]types.AttributeValue{
		":owner": str(owner), ":timeout": t.timeout(), ":duration": str(t.lease.String()),
	}
	if seen.owner != "" {
		condition = attrOwner + " = :seenOwner AND " + attrTimeout + " = :seenTimeout"
		values[":seenOwner"], values[":seenTimeout"] = str(seen.owner), str(seen.timeout)
	}
	return t.update(ctx, key, "SET "+attrOwner+" = :owner, "+attrTimeout+" = :timeout, "+attrDuration+" = :duration",
		condition, values)
}

// renew prolongs a lease of owner. It returns errTaken when it is not owner's. It
// makes one attempt: who renews knows how long there is to try.
func (t *table) renew(ctx context.Context, key, owner string) error {
	return t.update(ctx, key, "SET "+attrTimeout+" = :timeout", attrOwner+" = :owner",
		map[string]types.AttributeValue{":owner": str(owner), ":timeout": t.timeout()},
		func(o *dynamodb.Options) { o.Retryer = aws.NopRetryer{} })
}

// free gives a lease of owner up.
func (t *table) free(ctx context.Context, key, owner string) error {
	return t.update(ctx, key, "REMOVE "+attrOwner, attrOwner+" = :owner",
		map[string]types.AttributeValue{":owner": str(owner)})
}

func (t *table) update(ctx context.Context, key, expression, condition string, values map[string]types.AttributeValue,
	options ...func(*dynamodb.Options)) error {
	ctx, cancel := context.WithTimeout(ctx, t.call)
	defer cancel()
	_, err := t.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &t.name, Key: map[string]types.AttributeValue{attrShard: str(key)},
		UpdateExpression: &expression, ConditionExpression: &condition, ExpressionAttributeValues: values,
	}, options...)
	return t.explain(key, err)
}

// remove deletes a lease that belongs to owner or to nobody, once its shard is gone.
func (t *table) remove(ctx context.Context, key, owner string) error {
	ctx, cancel := context.WithTimeout(ctx, t.call)
	defer cancel()
	_, err := t.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName: &t.name, Key: map[string]types.AttributeValue{attrShard: str(key)},
		ConditionExpression:       aws.String("attribute_not_exists(" + attrOwner + ") OR " + attrOwner + " = :owner"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":owner": str(owner)},
	})
	return t.explain(key, err)
}

func (t *table) explain(key string, err error) error {
	var failed *types.ConditionalCheckFailedException
	switch {
	case err == nil:
		return nil
	case errors.As(err, &failed):
		return errTaken
	default:
		return fmt.Errorf("lease of %s in table %s: %w", key, t.name, err)
	}
}

func (t *table) timeout() types.AttributeValue {
	return str(time.Now().Add(t.lease).UTC().Format(time.RFC3339Nano))
}

func str(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func text(v types.AttributeValue) string {
	if s, ok := v.(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}

// CreateLeaseTable creates the lease table of an application, billed on demand,
// and waits until it can be used. A table that exists is left as it is. It is for
// local stacks and tests; who deploys makes the table with the stream.
func CreateLeaseTable(ctx context.Context, client *dynamodb.Client, application string) error {
	_, err := client.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName:   &application,
		BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String(attrShard),
			AttributeType: types.ScalarAttributeTypeS}},
		KeySchema: []types.KeySchemaElement{{AttributeName: aws.String(attrShard), KeyType: types.KeyTypeHash}},
	})
	var exists *types.ResourceInUseException
	if err != nil && !errors.As(err, &exists) {
		return fmt.Errorf("create lease table %s: %w", application, err)
	}
	waiter := dynamodb.NewTableExistsWaiter(client, func(o *dynamodb.TableExistsWaiterOptions) {
		o.MinDelay, o.MaxDelay = 100*time.Millisecond, 2*time.Second
	})
	if err := waiter.Wait(ctx, &dynamodb.DescribeTableInput{TableName: &application}, time.Minute); err != nil {
		return fmt.Errorf("wait for lease table %s: %w", application, err)
	}
	return nil
}

// createCommand is how people make the lease table.
func createCommand(name string) string {
	return "aws dynamodb create-table --table-name " + name +
		" --attribute-definitions AttributeName=" + attrShard + ",AttributeType=S" +
		" --key-schema AttributeName=" + attrShard + ",KeyType=HASH --billing-mode PAY_PER_REQUEST"
}
