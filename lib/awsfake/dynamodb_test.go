package awsfake_test

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/hubspoke/observability/lib/awsfake"
)

func text(s string) types.AttributeValue   { return &types.AttributeValueMemberS{Value: s} }
func number(s string) types.AttributeValue { return &types.AttributeValueMemberN{Value: s} }

type values = map[string]types.AttributeValue

var leases = aws.String("leases")

// createLeases creates the table "leases" with the key ShardID in the hub account.
func createLeases(t *testing.T, s *awsfake.Server) *dynamodb.Client {
	t.Helper()
	d := dynamodbAs(s, hub)
	must(d.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName:   leases,
		BillingMode: types.BillingModePayPerRequest,
		KeySchema:   []types.KeySchemaElement{{AttributeName: aws.String("ShardID"), KeyType: types.KeyTypeHash}},
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("ShardID"),
			AttributeType: types.ScalarAttributeTypeS}},
	}))(t)
	return d
}

func getLease(t *testing.T, d *dynamodb.Client, shard string) values {
	t.Helper()
	return must(d.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: leases, Key: values{"ShardID": text(shard)},
		ConsistentRead: aws.Bool(true)}))(t).Item
}

func textOf(v types.AttributeValue) string {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return v.Value
	case *types.AttributeValueMemberN:
		return v.Value
	}
	return fmt.Sprintf("%T", v)
}

func TestTables(t *testing.T) {
	s := start(t, awsfake.Config{})
	d := createLeases(t, s)
	out := must(d.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: leases}))(t).Table
	if out.TableStatus != types.TableStatusActive ||
		*out.TableArn != "arn:aws:dynamodb:eu-central-1:111111111111:table/leases" {
		t.Fatalf("got %+v", out)
	}
	equal(t, "tables", must(d.ListTables(t.Context(), nil))(t).TableNames, []string{"leases"})
	equal(t, "tables of another account", must(dynamodbAs(s, spoke).ListTables(t.Context(), nil))(t).TableNames, nil)
	must(d.DeleteTable(t.Context(), &dynamodb.DeleteTableInput{TableName: leases}))(t)
	_, err := d.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: leases})
	var missing *types.ResourceNotFoundException
	if !errors.As(err, &missing) {
		t.Fatalf("got %v", err)
	}
}

func TestATableSaysHowItIsPaidFor(t *testing.T) {
	s := start(t, awsfake.Config{})
	d := dynamodbAs(s, hub)
	for name, test := range map[string]struct {
		mode        types.BillingMode
		read, write int64
		want        string
	}{
		"nothing":     {"", 0, 0, "must both be specified"},
		"half":        {types.BillingModeProvisioned, 1, 0, "must both be specified"},
		"both":        {types.BillingModePayPerRequest, 1, 1, "Neither ReadCapacityUnits nor WriteCapacityUnits"},
		"throughput":  {"", 1, 1, ""},
		"provisioned": {types.BillingModeProvisioned, 1, 1, ""},
		"on-demand":   {types.BillingModePayPerRequest, 0, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			in := &dynamodb.CreateTableInput{
				TableName:   aws.String("table-" + name),
				BillingMode: test.mode,
				KeySchema:   []types.KeySchemaElement{{AttributeName: aws.String("ShardID"), KeyType: types.KeyTypeHash}},
				AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("ShardID"),
					AttributeType: types.ScalarAttributeTypeS}},
			}
			if test.read > 0 {
				in.ProvisionedThroughput = &types.ProvisionedThroughput{ReadCapacityUnits: &test.read,
					WriteCapacityUnits: &test.write}
			}
			_, err := d.CreateTable(t.Context(), in)
			if test.want != "" {
				wantCode(t, err, "ValidationException", test.want)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAnswersCarryTheirChecksum(t *testing.T) {
	s := start(t, awsfake.Config{})
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	req := must(http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL(), strings.NewReader("{}")))(t)
	req.Header.Set("X-Amz-Target", "DynamoDB_20120810.ListTables")
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIA"+hub+"/20260101/eu-central-1/dynamodb/aws4_request")
	resp := must(transport.RoundTrip(req))(t)
	defer resp.Body.Close()
	body := must(io.ReadAll(resp.Body))(t)
	if got, want := resp.Header.Get("X-Amz-Crc32"),
		fmt.Sprint(crc32.ChecksumIEEE(body)); resp.StatusCode != http.StatusOK || got != want {
		t.Fatalf("status %s, checksum %s of %s, want %s", resp.Status, got, body, want)
	}
}

// The expressions are those that vmware-go-kcl-v2 sends.
func TestLeaseIsTakenByOneOnly(t *testing.T) {
	s := start(t, awsfake.Config{})
	d := createLeases(t, s)
	take := func(owner, condition string, v values) error {
		_, err := d.PutItem(t.Context(), &dynamodb.PutItemInput{
			TableName: leases, Item: values{"ShardID": text("s0"), "AssignedTo": text(owner),
				"LeaseTimeout": text("t-" + owner)},
			ConditionExpression: &condition, ExpressionAttributeValues: v,
		})
		return err
	}
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		wg.Go(func() { errs[i] = take(fmt.Sprint("worker-", i), "attribute_not_exists(AssignedTo)", nil) })
	}
	wg.Wait()
	won := -1
	for i, err := range errs {
		var failed *types.ConditionalCheckFailedException
		switch {
		case err == nil && won < 0:
			won = i
		case err == nil:
			t.Fatalf("both %d and %d got the lease", won, i)
		case !errors.As(err, &failed):
			t.Fatal(err)
		}
	}
	owner := fmt.Sprint("worker-", won)
	if got := textOf(getLease(t, d, "s0")["AssignedTo"]); got != owner {
		t.Fatalf("the lease is %s's, want %s's", got, owner)
	}

	renew := "ShardID = :id AND AssignedTo = :assigned_to AND LeaseTimeout = :lease_timeout"
	held := values{":id": text("s0"), ":assigned_to": text(owner), ":lease_timeout": text("t-" + owner)}
	if err := take("successor", renew, held); err != nil {
		t.Fatal(err)
	}
	wantCode(t, take("zombie", renew, held), "ConditionalCheckFailedException", "The conditional request failed")
	// Without a space after the parenthesis.
	claim := "ShardID = :id AND attribute_not_exists(ClaimRequest)AND AssignedTo = :assigned_to AND Checkpoint <> " +
		":checkpoint"
	if err := take("claimer", claim, values{":id": text("s0"), ":assigned_to": text("successor"),
		":checkpoint": text("x")}); err != nil {
		t.Fatal(err)
	}

	remove := &dynamodb.UpdateItemInput{
		TableName: leases, Key: values{"ShardID": text("s0")}, UpdateExpression: aws.String("remove AssignedTo"),
		ConditionExpression:       aws.String("AssignedTo = :assigned_to"),
		ExpressionAttributeValues: values{":assigned_to": text("zombie")},
	}
	_, err := d.UpdateItem(t.Context(), remove)
	wantCode(t, err, "ConditionalCheckFailedException", "")
	remove.ExpressionAttributeValues = values{":assigned_to": text("claimer")}
	must(d.UpdateItem(t.Context(), remove))(t)
	if lease := getLease(t, d, "s0"); lease["AssignedTo"] != nil || lease["LeaseTimeout"] == nil {
		t.Fatalf("got %v", lease)
	}
}

func TestConditions(t *testing.T) {
	s := start(t, awsfake.Config{})
	d := createLeases(t, s)
	must(d.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: leases, Item: values{
		"ShardID": text("s0"), "n": number("10.0"), "holder": text("worker-7"),
		"tags":    &types.AttributeValueMemberSS{Value: []string{"b", "a"}},
		"members": &types.AttributeValueMemberL{Value: []types.AttributeValue{number("1"), text("x")}},
		"flag":    &types.AttributeValueMemberBOOL{Value: true},
		"octets":  &types.AttributeValueMemberB{Value: []byte{0, 1, 2}},
		"nothing": &types.AttributeValueMemberNULL{Value: true},
		"nested":  &types.AttributeValueMemberM{Value: values{"k": number("1.50")}},
	}}))(t)
	v := values{
		":ten": number("1e1"), ":nine": number("9"), ":eleven": number("11"), ":w": text("worker"), ":a": text("a"),
		":z":    text("z"),
		":tags": &types.AttributeValueMemberSS{Value: []string{"a", "b"}},
		":raw":  &types.AttributeValueMemberB{Value: []byte{0, 1}},
		":list": &types.AttributeValueMemberL{Value: []types.AttributeValue{number("1"), text("x")}},
		":true": &types.AttributeValueMemberBOOL{Value: true},
		":null": &types.AttributeValueMemberNULL{Value: true},
		":map":  &types.AttributeValueMemberM{Value: values{"k": number("1.5")}},
	}
	for condition, want := range map[string]bool{
		"n = :ten":                    true,
		"n < :ten":                    false,
		"n <= :ten":                   true,
		"n > :nine and n >= :ten":     true,
		"n > :a":                      false, // another type
		"n BETWEEN :nine AND :eleven": true,
		"n BETWEEN :ten AND :nine":    false,
		"NOT n BETWEEN :ten AND :nine AND n = :ten":             true,
		"n IN (:nine, :ten)":                                    true,
		"n IN (:nine)":                                          false,
		"begins_with(holder, :w)":                               true,
		"begins_with(n, :w)":                                    false,
		"contains(holder, :w) AND contains(tags, :a)":           true,
		"contains(tags, :z) OR contains(members, :z)":           false,
		"contains(members, :nine) OR begins_with(octets, :raw)": true,
		"tags = :tags and members = :list":                      true,
		"flag = :true AND nothing = :null AND nested = :map":    true,
		"absent = :ten":                                         false,
		"absent <> :ten":                                        true,
		"absent < :ten":                                         false,
		"NOT (absent = :ten OR n = :ten)":                       false,
		"n = :nine OR n = :ten AND n = :nine":                   false,
		"(n = :nine OR n = :ten) AND n = :ten":                  true,
		"attribute_exists(n) AND attribute_not_exists(absent)":  true,
		":ten = n": true,
	} {
		used := values{}
		for _, name := range regexp.MustCompile(`:\w+`).FindAllString(condition, -1) {
			used[name] = v[name]
		}
		in := &dynamodb.UpdateItemInput{TableName: leases, Key: values{"ShardID": text("s0")},
			ConditionExpression: &condition}
		if len(used) > 0 {
			in.ExpressionAttributeValues = used
		}
		_, err := d.UpdateItem(t.Context(), in)
		var failed *types.ConditionalCheckFailedException
		if err != nil && !errors.As(err, &failed) {
			t.Errorf("%s: %v", condition, err)
		} else if (err == nil) != want {
			t.Errorf("%s is %t, want %t", condition, err == nil, want)
		}
	}
}

func TestExpressionErrors(t *testing.T) {
	s := start(t, awsfake.Config{})
	d := createLeases(t, s)
	for condition, want := range map[string]string{
		"n = ":                      `token: <EOF>`,
		"n = :x AND":                `token: <EOF>`,
		"(n = :x":                   `token: <EOF>`,
		"n = :x)":                   `token: ")"`,
		"n ! :x":                    `token: "!"`,
		"n :x":                      `token: ":x"`,
		"n = :x n = :x":             `token: "n"`,
		"= :x":                      `token: "="`,
		"n = :undefined":            "not defined; attribute value: :undefined",
		"#undefined = :x":           "not defined; attribute name: #undefined",
		"a.b = :x":                  "does not implement document paths",
		"size(n) = :x":              "does not implement the function size",
		"attribute_exists(n":        `token: <EOF>`,
		"begins_with(n)":            `token: ")"`,
		"n BETWEEN :x OR :x":        `token: "OR"`,
		"n IN :x":                   `token: ":x"`,
		"owner = :x":                "reserved keyword: owner",
		strings.Repeat("(", 5000):   "Expression size",
		"attribute_exists(ShardID)": "unused in expressions: keys: {:x}",
	} {
		_, err := d.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: leases, Item: values{"ShardID": text("s0")},
			ConditionExpression: &condition, ExpressionAttributeValues: values{":x": text("x")}})
		t.Run(condition[:min(len(condition), 30)], func(t *testing.T) { wantCode(t, err, "ValidationException", want) })
	}
	for update, want := range map[string]string{
		"SET a = absent b = :x":           `token: "b"`,
		"SET a":                           `token: <EOF>`,
		"SET a = absent, b = :x":          "does not exist in the item",
		"SET a = :x + :x":                 "incorrect data type",
		"ADD a :x":                        "does not implement the clause ADD",
		"SET ShardID = :x":                "Cannot update attribute ShardID. This attribute is part of the key",
		"SET a = list_append(a, :x)":      "does not implement the function",
		"CHANGE a":                        `token: "CHANGE"`,
		"SET owner = :x":                  "reserved keyword: owner",
		"REMOVE a, Status":                "reserved keyword: Status",
		"SET a = if_not_exists(name, :x)": "reserved keyword: name",
		"SET a = :x SET b = :x":           `The "SET" section can only be used once`,
		"SET a = :x, a = :x":              "paths overlap with each other",
		"SET a = :x REMOVE a":             "paths overlap with each other",
		"SET b = :x REMOVE ShardID":       "Cannot update attribute ShardID. This attribute is part of the key",
		"REMOVE b":                        "unused in expressions: keys: {:x}",
		"SET a = if_not_exists(a :x)":     `token: ":x"`,
	} {
		_, err := d.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{TableName: leases, Key: values{"ShardID": text("s0")},
			UpdateExpression: &update, ExpressionAttributeValues: values{":x": text("x")}})
		t.Run(update, func(t *testing.T) { wantCode(t, err, "ValidationException", want) })
	}
	if n := must(d.Scan(t.Context(), &dynamodb.ScanInput{TableName: leases}))(t).Count; n != 0 {
		t.Fatalf("%d items were stored by refused requests", n)
	}
}

func TestUpdateItem(t *testing.T) {
	s := start(t, awsfake.Config{})
	d := createLeases(t, s)
	in := &dynamodb.UpdateItemInput{
		TableName: leases, Key: values{"ShardID": text("s0")}, ReturnValues: types.ReturnValueAllNew,
		UpdateExpression: aws.String("SET #c = if_not_exists(#c, :zero) + :one, Previous = if_not_exists(#c, " +
			":zero), AssignedTo = :w REMOVE Gone"),
		ExpressionAttributeNames:  map[string]string{"#c": "Counter"},
		ExpressionAttributeValues: values{":zero": number("0"), ":one": number("1.50"), ":w": text("w")},
	}
	must(d.UpdateItem(t.Context(), in))(t)
	got := must(d.UpdateItem(t.Context(), in))(t).Attributes
	for name, want := range map[string]string{"ShardID": "s0", "Counter": "3", "Previous": "1.5", "AssignedTo": "w"} {
		if textOf(got[name]) != want {
			t.Errorf("%s is %s, want %s", name, textOf(got[name]), want)
		}
	}
	_, err := d.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
		TableName: leases, Key: values{"ShardID": text("s0")}, UpdateExpression: aws.String("SET a = absent"),
		ConditionExpression:                 aws.String("attribute_not_exists(ShardID)"),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	var failed *types.ConditionalCheckFailedException
	if !errors.As(err, &failed) || textOf(failed.Item["Counter"]) != "3" {
		t.Fatalf("got %v", err)
	}
	out := must(d.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: leases, Key: values{"ShardID": text("s0")},
		ReturnValues: types.ReturnValueAllOld}))(t)
	if textOf(out.Attributes["Counter"]) != "3" || len(getLease(t, d, "s0")) != 0 {
		t.Fatalf("got %v", out.Attributes)
	}
}

func TestScan(t *testing.T) {
	s := start(t, awsfake.Config{})
	d := createLeases(t, s)
	for i := range 10 {
		must(d.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: leases,
			Item: values{"ShardID": text(fmt.Sprint("s", i)), "AssignedTo": text(fmt.Sprint("w", i%2)),
				"Checkpoint": text("c")}}))(t)
	}
	in := &dynamodb.ScanInput{
		TableName: leases, Limit: aws.Int32(3), FilterExpression: aws.String("AssignedTo = :w"),
		ProjectionExpression:      aws.String("ShardID, AssignedTo"),
		ExpressionAttributeValues: values{":w": text("w1")},
	}
	pages := dynamodb.NewScanPaginator(d, in)
	var got []string
	n := 0
	for pages.HasMorePages() {
		out := must(pages.NextPage(t.Context()))(t)
		n++
		for _, item := range out.Items {
			if len(item) != 2 {
				t.Fatalf("got %v", item)
			}
			got = append(got, textOf(item["ShardID"]))
		}
	}
	equal(t, "items", got, []string{"s1", "s3", "s5", "s7", "s9"})
	if n != 4 {
		t.Fatalf("%d pages, want 4", n)
	}
	// A page that is full does not know that it is the last.
	if all := must(d.Scan(t.Context(), &dynamodb.ScanInput{TableName: leases,
		Limit: aws.Int32(10)}))(t); textOf(all.LastEvaluatedKey["ShardID"]) != "s9" {
		t.Fatalf("got the key %v", all.LastEvaluatedKey)
	}
	out := must(d.Scan(t.Context(), &dynamodb.ScanInput{TableName: leases, Select: types.SelectCount}))(t)
	if out.Count != 10 || out.ScannedCount != 10 || len(out.Items) != 0 {
		t.Fatalf("got %+v", out)
	}
	_, err := d.Scan(t.Context(), &dynamodb.ScanInput{TableName: leases, FilterExpression: aws.String("x =")})
	wantCode(t, err, "ValidationException", "Invalid FilterExpression")
}

func TestScanStopsAtOneMebibyte(t *testing.T) {
	s := start(t, awsfake.Config{})
	d := createLeases(t, s)
	for i := range 6 {
		must(d.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: leases,
			Item: values{"ShardID": text(fmt.Sprint("s", i)), "x": text(strings.Repeat("x", 300<<10))}}))(t)
	}
	out := must(d.Scan(t.Context(), &dynamodb.ScanInput{TableName: leases}))(t)
	if len(out.Items) != 4 || textOf(out.LastEvaluatedKey["ShardID"]) != "s3" {
		t.Fatalf("got %d items and the key %v", len(out.Items), out.LastEvaluatedKey)
	}
	_, err := d.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: leases,
		Item: values{"ShardID": text("s"), "x": text(strings.Repeat("x", 400<<10))}})
	wantCode(t, err, "ValidationException", "Item size")
}

func TestItemsKeepTheirValues(t *testing.T) {
	s := start(t, awsfake.Config{})
	d := createLeases(t, s)
	in := values{
		"ShardID": text("ü\x00\""), "n": number("-0012.3400e-2"), "big": number("1e125"),
		"raw":     &types.AttributeValueMemberB{Value: []byte{0xff, 0}},
		"rawset":  &types.AttributeValueMemberBS{Value: [][]byte{{1}, {2}}},
		"numbers": &types.AttributeValueMemberNS{Value: []string{"2.0", "1"}},
		"empty":   &types.AttributeValueMemberL{Value: []types.AttributeValue{}},
		"deep": &types.AttributeValueMemberM{Value: values{"l": &types.AttributeValueMemberL{Value: []types.AttributeValue{
			&types.AttributeValueMemberBOOL{Value: false}}}}},
	}
	must(d.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: leases, Item: in}))(t)
	got := getLease(t, d, "ü\x00\"")
	if len(got) != len(in) {
		t.Fatalf("got %d attributes of %d", len(got), len(in))
	}
	if n := textOf(got["n"]); n != "-0.1234" {
		t.Errorf("n is %s", n)
	}
	if n := textOf(got["big"]); n != "1"+strings.Repeat("0", 125) {
		t.Errorf("big is %s", n)
	}
	equal(t, "raw", got["raw"].(*types.AttributeValueMemberB).Value, []byte{0xff, 0})
	equal(t, "numbers", got["numbers"].(*types.AttributeValueMemberNS).Value, []string{"1", "2"})
	list := got["deep"].(*types.AttributeValueMemberM).Value["l"].(*types.AttributeValueMemberL).Value
	if list[0].(*types.AttributeValueMemberBOOL).Value {
		t.Error("false became true")
	}
	for name, bad := range map[string]struct {
		v    types.AttributeValue
		want string
	}{
		"no number":     {number("ten"), "cannot be converted"},
		"too large":     {number("1e126"), "overflow"},
		"too small":     {number("1e-131"), "underflow"},
		"too exact":     {number(strings.Repeat("1", 39)), "38 significant digits"},
		"empty set":     {&types.AttributeValueMemberSS{Value: []string{}}, "empty set"},
		"duplicates":    {&types.AttributeValueMemberNS{Value: []string{"1", "1.0"}}, "duplicates"},
		"huge exponent": {number("1e999999999"), "cannot be converted"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := d.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: leases,
				Item: values{"ShardID": text("s"), "x": bad.v}})
			wantCode(t, err, "ValidationException", bad.want)
		})
	}
}

func TestKeysMustFitTheSchema(t *testing.T) {
	s := start(t, awsfake.Config{})
	d := dynamodbAs(s, hub)
	must(d.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName:   leases,
		BillingMode: types.BillingModePayPerRequest,
		KeySchema: []types.KeySchemaElement{{AttributeName: aws.String("a"), KeyType: types.KeyTypeHash},
			{AttributeName: aws.String("b"), KeyType: types.KeyTypeRange}},
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String("a"), AttributeType: types.ScalarAttributeTypeS},
			{AttributeName: aws.String("b"), AttributeType: types.ScalarAttributeTypeN}},
	}))(t)
	for _, b := range []string{"1", "1.0", "2"} {
		must(d.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: leases,
			Item: values{"a": text("x"), "b": number(b)}}))(t)
	}
	if n := must(d.Scan(t.Context(), &dynamodb.ScanInput{TableName: leases}))(t).Count; n != 2 {
		t.Fatalf("%d items, want 2: 1 and 1.0 are the same key", n)
	}
	for name, key := range map[string]values{"too few": {"a": text("x")},
		"too many": {"a": text("x"), "b": number("1"), "c": text("x")}, "type": {"a": text("x"), "b": text("1")},
		"empty": {"a": text(""), "b": number("1")}} {
		t.Run(name, func(t *testing.T) {
			_, err := d.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: leases, Key: key})
			wantCode(t, err, "ValidationException", "")
		})
	}
	_, err := d.CreateTable(t.Context(), &dynamodb.CreateTableInput{TableName: leases,
		BillingMode: types.BillingModePayPerRequest,
		KeySchema:   []types.KeySchemaElement{{AttributeName: aws.String("a"), KeyType: types.KeyTypeHash}},
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("a"),
			AttributeType: types.ScalarAttributeTypeS}}})
	wantCode(t, err, "ResourceInUseException", "Table already exists")
}
