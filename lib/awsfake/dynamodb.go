package awsfake

import (
	"cmp"
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// dynamodb stands in for the operations of Amazon DynamoDB that leases and conditional updates need.
type dynamodb struct {
	now func() time.Time

	mu     sync.Mutex
	tables map[string]*table // by ARN
}

func newDynamoDB(now func() time.Time) *dynamodb {
	return &dynamodb{now: now, tables: map[string]*table{}}
}

type keyElement struct{ AttributeName, KeyType string }

type attributeDefinition struct{ AttributeName, AttributeType string }

// table is one table. It is guarded by the mutex of dynamodb.
type table struct {
	name, arn  string
	created    time.Time
	billing    string
	schema     []keyElement // the partition key, then perhaps the sort key
	attributes []attributeDefinition
	items      map[string]item
}

// do answers a call.
func (d *dynamodb) do(c *call) (any, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch c.action {
	case "CreateTable":
		return d.createTable(c)
	case "DescribeTable":
		return d.describeTable(c)
	case "DeleteTable":
		return d.deleteTable(c)
	case "ListTables":
		return d.listTables(c)
	case "GetItem":
		return d.getItem(c)
	case "PutItem":
		return d.putItem(c)
	case "UpdateItem":
		return d.updateItem(c)
	case "DeleteItem":
		return d.deleteItem(c)
	case "Scan":
		return d.scan(c)
	}
	return nil, unknownOperation(c)
}

func tableARN(c *call, name string) string {
	return "arn:aws:dynamodb:" + c.Region + ":" + c.Account + ":table/" + name
}

// find returns a table of the caller by its name or ARN.
func (d *dynamodb) find(c *call, name string) (*table, error) {
	arn := name
	if !strings.HasPrefix(name, "arn:") {
		arn = tableARN(c, name)
	} else if !strings.HasPrefix(arn, tableARN(c, "")) {
		return nil, invalid("AccessDeniedException", "User: %s is not authorized to perform: %s on resource: %s", c.user,
			c.Operation, arn)
	}
	t := d.tables[arn]
	if t == nil {
		return nil, invalid("ResourceNotFoundException", "Requested resource not found: Table: %s not found", name)
	}
	return t, nil
}

func (t *table) describe() map[string]any {
	size := 0
	for _, i := range t.items {
		size += i.size()
	}
	return map[string]any{
		"TableName": t.name, "TableArn": t.arn, "TableStatus": "ACTIVE", "CreationDateTime": seconds(t.created),
		"KeySchema": t.schema, "AttributeDefinitions": t.attributes, "ItemCount": len(t.items), "TableSizeBytes": size,
		"BillingModeSummary": map[string]string{"BillingMode": t.billing},
	}
}

var tableName = regexp.MustCompile(`^[a-zA-Z0-9_.-]{3,255}$`)

func (d *dynamodb) createTable(c *call) (any, error) {
	in, err := decode[struct {
		TableName             string
		KeySchema             []keyElement
		AttributeDefinitions  []attributeDefinition
		BillingMode           string
		ProvisionedThroughput struct{ ReadCapacityUnits, WriteCapacityUnits int64 }
		// Settings that change nothing here.
		TableClass                           string
		OnDemandThroughput, SSESpecification map[string]any
		Tags                                 []map[string]string
		DeletionProtectionEnabled            bool
	}](c)
	if err != nil {
		return nil, err
	}
	billing, throughput := cmp.Or(in.BillingMode, "PROVISIONED"), in.ProvisionedThroughput
	switch {
	case billing == "PROVISIONED" && (throughput.ReadCapacityUnits < 1 || throughput.WriteCapacityUnits < 1):
		return nil, invalid("ValidationException", "One or more parameter values were invalid: ReadCapacityUnits and "+
			"WriteCapacityUnits must both be specified when BillingMode is PROVISIONED")
	case billing == "PAY_PER_REQUEST" && throughput.ReadCapacityUnits+throughput.WriteCapacityUnits > 0:
		return nil, invalid("ValidationException", "One or more parameter values were invalid: Neither ReadCapacityUnits "+
			"nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")
	}
	t := &table{name: in.TableName, arn: tableARN(c, in.TableName), created: d.now(), billing: billing,
		schema: in.KeySchema, attributes: in.AttributeDefinitions, items: map[string]item{}}
	if err := t.check(); err != nil {
		return nil, err
	}
	if d.tables[t.arn] != nil {
		return nil, invalid("ResourceInUseException", "Table already exists: %s", t.name)
	}
	d.tables[t.arn] = t
	return map[string]any{"TableDescription": t.describe()}, nil
}

func (t *table) check() error {
	if !tableName.MatchString(t.name) {
		return invalid("ValidationException", "Invalid table/index name. Table/index names must be between 3 and 255 "+
			"characters long, and may contain only the characters a-z, A-Z, 0-9, '_', '-', and '.'")
	}
	if n := len(t.schema); n < 1 || n > 2 || t.schema[0].KeyType != "HASH" || n == 2 && t.schema[1].KeyType != "RANGE" {
		return invalid("ValidationException", "Invalid KeySchema: The first KeySchemaElement is not a HASH key type, or "+
			"the second is not a RANGE key type")
	}
	if len(t.attributes) != len(t.schema) {
		return invalid("ValidationException", "One or more parameter values were invalid: Number of attributes in "+
			"KeySchema does not exactly match number of attributes defined in AttributeDefinitions")
	}
	for _, k := range t.schema {
		if kind := t.keyKind(k.AttributeName); kind != "S" && kind != "N" && kind != "B" {
			return invalid("ValidationException", "One or more parameter values were invalid: Some index key attributes are "+
				"not defined in AttributeDefinitions. Keys: [%s]", k.AttributeName)
		}
	}
	return nil
}

func (t *table) keyKind(name string) string {
	for _, a := range t.attributes {
		if a.AttributeName == name {
			return a.AttributeType
		}
	}
	return ""
}

// keyOf is the map key of an item or of its key alone; exact asks that nothing but the key is there.
func (t *table) keyOf(i item, exact bool) (string, error) {
	if exact && len(i) != len(t.schema) {
		return "", invalid("ValidationException", "The provided key element does not match the schema")
	}
	var key strings.Builder
	for _, k := range t.schema {
		a, ok := i[k.AttributeName]
		switch {
		case !ok && exact:
			return "", invalid("ValidationException", "The provided key element does not match the schema")
		case !ok:
			return "", invalid("ValidationException", "One or more parameter values were invalid: Missing the key %s in the "+
				"item", k.AttributeName)
		case a.kind != t.keyKind(k.AttributeName):
			return "", invalid("ValidationException", "One or more parameter values were invalid: Type mismatch for key %s "+
				"expected: %s actual: %s", k.AttributeName, t.keyKind(k.AttributeName), a.kind)
		case a.text == "":
			return "", invalid("ValidationException", "One or more parameter values are not valid. The AttributeValue for a "+
				"key attribute cannot contain an empty string value. Key: %s", k.AttributeName)
		}
		// Ends with a zero, so that keys sort by their parts; a zero within a part is escaped.
		key.WriteString(strings.ReplaceAll(a.text, "\x00", "\x00\xff"))
		key.WriteByte(0)
	}
	return key.String(), nil
}

// keyAttributes are the key of an item.
func (t *table) keyAttributes(i item) item {
	key := item{}
	for _, k := range t.schema {
		key[k.AttributeName] = i[k.AttributeName]
	}
	return key
}

func (d *dynamodb) describeTable(c *call) (any, error) {
	in, err := decode[struct{ TableName string }](c)
	if err != nil {
		return nil, err
	}
	t, err := d.find(c, in.TableName)
	if err != nil {
		return nil, err
	}
	return map[string]any{"Table": t.describe()}, nil
}

func (d *dynamodb) deleteTable(c *call) (any, error) {
	in, err := decode[struct{ TableName string }](c)
	if err != nil {
		return nil, err
	}
	t, err := d.find(c, in.TableName)
	if err != nil {
		return nil, err
	}
	delete(d.tables, t.arn)
	out := t.describe()
	out["TableStatus"] = "DELETING"
	return map[string]any{"TableDescription": out}, nil
}

func (d *dynamodb) listTables(c *call) (any, error) {
	in, err := decode[struct {
		ExclusiveStartTableName string
		Limit                   int
	}](c)
	if err != nil {
		return nil, err
	}
	names := []string{}
	for arn, t := range d.tables {
		if strings.HasPrefix(arn, tableARN(c, "")) && t.name > in.ExclusiveStartTableName {
			names = append(names, t.name)
		}
	}
	slices.Sort(names)
	limit := cmp.Or(in.Limit, 100)
	out := map[string]any{"TableNames": names}
	if len(names) > limit {
		out["TableNames"], out["LastEvaluatedTableName"] = names[:limit], names[limit-1]
	}
	return out, nil
}

// expressionInput holds what requests with expressions share.
type expressionInput struct {
	TableName                 string
	ExpressionAttributeNames  map[string]string
	ExpressionAttributeValues item
	// What changes nothing here.
	ReturnConsumedCapacity, ReturnItemCollectionMetrics string
	ConsistentRead                                      bool
}

// begin finds the table and checks the placeholders of a request.
func (d *dynamodb) begin(c *call, in *expressionInput) (*table, *expressions, error) {
	t, err := d.find(c, in.TableName)
	if err != nil {
		return nil, nil, err
	}
	if in.ExpressionAttributeValues != nil && len(in.ExpressionAttributeValues) == 0 {
		return nil, nil, invalid("ValidationException", "ExpressionAttributeValues must not be empty")
	}
	if in.ExpressionAttributeNames != nil && len(in.ExpressionAttributeNames) == 0 {
		return nil, nil, invalid("ValidationException", "ExpressionAttributeNames must not be empty")
	}
	return t, newExpressions(in.ExpressionAttributeNames, in.ExpressionAttributeValues), nil
}

func (d *dynamodb) getItem(c *call) (any, error) {
	in, err := decode[struct {
		expressionInput
		Key                  item
		ProjectionExpression string
	}](c)
	if err != nil {
		return nil, err
	}
	t, e, err := d.begin(c, &in.expressionInput)
	if err != nil {
		return nil, err
	}
	key, err := t.keyOf(in.Key, true)
	if err != nil {
		return nil, err
	}
	found, ok := t.items[key]
	out, err := e.project(in.ProjectionExpression, found)
	if err != nil {
		return nil, err
	}
	if err := e.unused(); err != nil || !ok {
		return nil, err
	}
	return map[string]item{"Item": out}, nil
}

// writeInput holds what writes share.
type writeInput struct {
	expressionInput
	ConditionExpression, ReturnValues, ReturnValuesOnConditionCheckFailure string
}

// check evaluates the condition of a write on the item as it is.
func (in *writeInput) check(e *expressions, old item) error {
	ok, err := e.condition("ConditionExpression", in.ConditionExpression, old)
	if err != nil {
		return err
	}
	if err := e.unused(); err != nil {
		return err
	}
	if ok {
		return nil
	}
	failed := invalid("ConditionalCheckFailedException", "The conditional request failed")
	if in.ReturnValuesOnConditionCheckFailure == "ALL_OLD" && old != nil {
		failed.fields = map[string]any{"Item": old}
	}
	return failed
}

// answer gives the attributes that ReturnValues asks for; allowed are the values that the operation accepts.
func (in *writeInput) answer(old, new item, allowed ...string) (any, error) {
	want := cmp.Or(in.ReturnValues, "NONE")
	if want != "NONE" && !slices.Contains(allowed, want) {
		return nil, invalid("ValidationException", "awsfake does not implement ReturnValues %s here", want)
	}
	switch {
	case want == "ALL_OLD" && old != nil:
		return map[string]item{"Attributes": old}, nil
	case want == "ALL_NEW":
		return map[string]item{"Attributes": new}, nil
	}
	return nil, nil
}

const maxItem = 400 << 10

func (t *table) store(key string, i item) error {
	if i.size() > maxItem {
		return invalid("ValidationException", "Item size has exceeded the maximum allowed size")
	}
	t.items[key] = i
	return nil
}

func (d *dynamodb) putItem(c *call) (any, error) {
	in, err := decode[struct {
		writeInput
		Item item
	}](c)
	if err != nil {
		return nil, err
	}
	t, e, err := d.begin(c, &in.expressionInput)
	if err != nil {
		return nil, err
	}
	key, err := t.keyOf(in.Item, false)
	if err != nil {
		return nil, err
	}
	old := t.items[key]
	if err := in.check(e, old); err != nil {
		return nil, err
	}
	out, err := in.answer(old, in.Item, "ALL_OLD")
	if err != nil {
		return nil, err
	}
	return out, t.store(key, in.Item)
}

func (d *dynamodb) deleteItem(c *call) (any, error) {
	in, err := decode[struct {
		writeInput
		Key item
	}](c)
	if err != nil {
		return nil, err
	}
	t, e, err := d.begin(c, &in.expressionInput)
	if err != nil {
		return nil, err
	}
	key, err := t.keyOf(in.Key, true)
	if err != nil {
		return nil, err
	}
	old := t.items[key]
	if err := in.check(e, old); err != nil {
		return nil, err
	}
	out, err := in.answer(old, nil, "ALL_OLD")
	if err != nil {
		return nil, err
	}
	delete(t.items, key)
	return out, nil
}

func (d *dynamodb) updateItem(c *call) (any, error) {
	in, err := decode[struct {
		writeInput
		Key              item
		UpdateExpression string
	}](c)
	if err != nil {
		return nil, err
	}
	t, e, err := d.begin(c, &in.expressionInput)
	if err != nil {
		return nil, err
	}
	key, err := t.keyOf(in.Key, true)
	if err != nil {
		return nil, err
	}
	old := t.items[key]
	updated := maps.Clone(in.Key)
	maps.Copy(updated, old)
	// The update is evaluated first, to know the placeholders that it uses; a failed condition discards it.
	updated, updateErr := e.update(in.UpdateExpression, updated)
	var onItem itemError
	if updateErr != nil && !errors.As(updateErr, &onItem) {
		return nil, updateErr
	}
	for _, k := range t.schema {
		if e.targets[k.AttributeName] {
			return nil, invalid("ValidationException", "One or more parameter values were invalid: Cannot update attribute "+
				"%s. This attribute is part of the key", k.AttributeName)
		}
	}
	if err := in.check(e, old); err != nil {
		return nil, err
	}
	if updateErr != nil {
		return nil, onItem.apiError
	}
	out, err := in.answer(old, updated, "ALL_OLD", "ALL_NEW")
	if err != nil {
		return nil, err
	}
	return out, t.store(key, updated)
}

// maxScan is how much one page of a Scan reads, in bytes.
const maxScan = 1 << 20

func (d *dynamodb) scan(c *call) (any, error) {
	in, err := decode[struct {
		expressionInput
		FilterExpression, ProjectionExpression, Select string
		Limit                                          *int
		ExclusiveStartKey                              item
	}](c)
	if err != nil {
		return nil, err
	}
	t, e, err := d.begin(c, &in.expressionInput)
	if err != nil {
		return nil, err
	}
	limit := len(t.items)
	if in.Limit != nil {
		if limit = *in.Limit; limit < 1 {
			return nil, invalid("ValidationException", "1 validation error detected: Value '%d' at 'limit' failed to satisfy "+
				"constraint: Member must have value greater than or equal to 1", limit)
		}
	}
	// An expression is checked even if there is nothing to apply it to.
	if _, err := e.condition("FilterExpression", in.FilterExpression, nil); err != nil {
		return nil, err
	}
	if _, err := e.project(in.ProjectionExpression, nil); err != nil {
		return nil, err
	}
	if err := e.unused(); err != nil {
		return nil, err
	}

	keys := slices.Sorted(maps.Keys(t.items))
	if in.ExclusiveStartKey != nil {
		start, err := t.keyOf(in.ExclusiveStartKey, true)
		if err != nil {
			return nil, err
		}
		at, found := slices.BinarySearch(keys, start)
		if found {
			at++
		}
		keys = keys[at:]
	}
	found := []item{}
	scanned, size := 0, 0
	for scanned < min(limit, len(keys)) && size < maxScan {
		i := t.items[keys[scanned]]
		scanned++
		size += i.size()
		pass, err := e.condition("FilterExpression", in.FilterExpression, i)
		if err != nil {
			return nil, err
		}
		if !pass {
			continue
		}
		projected, err := e.project(in.ProjectionExpression, i)
		if err != nil {
			return nil, err
		}
		found = append(found, projected)
	}
	out := map[string]any{"Count": len(found), "ScannedCount": scanned}
	if in.Select != "COUNT" {
		out["Items"] = found
	}
	// A page that ends at the limit may be followed by another, as far as DynamoDB says.
	if scanned < len(keys) || in.Limit != nil && scanned == limit {
		out["LastEvaluatedKey"] = t.keyAttributes(t.items[keys[scanned-1]])
	}
	return out, nil
}
