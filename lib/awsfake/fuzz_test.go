package awsfake

import (
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// FuzzCall sends anything as any JSON call: the answer is an AWS answer, never a panic or an internal error.
func FuzzCall(f *testing.F) {
	for _, seed := range [][2]string{
		{"Kinesis_20131202.PutRecords",
			`{"StreamName":"s","Records":[{"Data":"eA==","PartitionKey":"k","ExplicitHashKey":"1"}]}`},
		{"Kinesis_20131202.GetShardIterator",
			`{"StreamName":"s","ShardId":"shardId-000000000000","ShardIteratorType":"AT_SEQUENCE_NUMBER","StartingSequenceNumber":"49600000000000000000000000000000000000000000000000000001"}`},
		{"Kinesis_20131202.GetRecords", `{"ShardIterator":"AAAA","Limit":1}`},
		{"Kinesis_20131202.SplitShard", `{"StreamName":"s","ShardToSplit":"shardId-000000000000","NewStartingHashKey":"-1"}`},
		{"Kinesis_20131202.UpdateShardCount", `{"StreamName":"s","TargetShardCount":2,"ScalingType":"UNIFORM_SCALING"}`},
		{"Kinesis_20131202.ListShards",
			`{"StreamName":"s","MaxResults":1,"ShardFilter":{"Type":"AT_TIMESTAMP","Timestamp":1e300}}`},
		{"Kinesis_20131202.PutResourcePolicy",
			`{"ResourceARN":"arn:aws:kinesis:us-east-1:111111111111:stream/s","Policy":"{\"Statement\":[{\"Effect\":\"Allow\"}]}"}`},
		{"Kinesis_20131202.CreateStream", `{"StreamName":"t","ShardCount":3}`},
		{"DynamoDB_20120810.PutItem",
			`{"TableName":"table","Item":{"k":{"S":"x"},"n":{"N":"1e5"},"l":{"L":[{"M":{"a":{"NULL":true}}}]}},"ConditionExpression":"k = :v AND (n < :v)","ExpressionAttributeValues":{":v":{"S":"x"}}}`},
		{"DynamoDB_20120810.UpdateItem",
			`{"TableName":"table","Key":{"k":{"S":"x"}},"UpdateExpression":"SET a = if_not_exists(a, :v) + :v REMOVE #b","ExpressionAttributeNames":{"#b":"c"},"ExpressionAttributeValues":{":v":{"N":"1"}}}`},
		{"DynamoDB_20120810.Scan",
			`{"TableName":"table","Limit":1,"ExclusiveStartKey":{"k":{"S":"a"}},"FilterExpression":"k IN (:v)AND contains(k,:v)","ExpressionAttributeValues":{":v":{"BS":["eA=="]}}}`},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, target, body string) {
		s := newUnserved(t)
		for _, prepare := range [][2]string{
			{"Kinesis_20131202.CreateStream", `{"StreamName":"s","ShardCount":2}`},
			{"DynamoDB_20120810.CreateTable",
				`{"TableName":"table","KeySchema":[{"AttributeName":"k","KeyType":"HASH"}],"AttributeDefinitions":[{"AttributeName":"k","AttributeType":"S"}],"BillingMode":"PAY_PER_REQUEST"}`},
			{"DynamoDB_20120810.PutItem", `{"TableName":"table","Item":{"k":{"S":"x"},"n":{"N":"1"}}}`},
		} {
			if w := ask(s, prepare[0], prepare[1]); w.Code != http.StatusOK {
				t.Fatalf("%s: %s", prepare[0], w.Body)
			}
		}
		if !strings.HasPrefix(target, "Kinesis_") && !strings.HasPrefix(target, "DynamoDB_") {
			target = "Kinesis_20131202." + target
		}
		w := ask(s, target, body)
		if w.Code >= http.StatusInternalServerError {
			t.Fatalf("%d: %s", w.Code, w.Body)
		}
		if !json.Valid(w.Body.Bytes()) {
			t.Fatalf("the answer is not JSON: %s", w.Body)
		}
	})
}

// newUnserved is a server without a listener.
func newUnserved(t *testing.T) *Server {
	cfg := Config{Now: func() time.Time { return time.Unix(1e9, 0) }}.withDefaults()
	k, err := newKinesis(cfg.Now, false)
	if err != nil {
		t.Fatal(err)
	}
	return &Server{cfg: cfg, calls: newCallCounter(), faults: newFaultList(0), kinesis: k, dynamodb: newDynamoDB(cfg.Now),
		sts: newSTS(cfg.Now, nil)}
}

func ask(s *Server, target, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header["X-Amz-Target"] = []string{target}
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIA111111111111/20260101/us-east-1/any/aws4_request, "+
		"SignedHeaders=host, Signature=x")
	w := httptest.NewRecorder()
	s.serve(w, r)
	return w
}

// FuzzNumber checks that the canonical form of a number is the same number, and its own canonical form.
func FuzzNumber(f *testing.F) {
	for _, s := range []string{"0", "-0", "1.50", "+.5e3", "1e125", "1e-130", "00012", "5."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := parseNumber(s)
		if err != nil {
			return
		}
		text, outOfRange := formatNumber(n)
		if outOfRange != nil {
			return
		}
		back, ok := new(big.Rat).SetString(text)
		if !ok || back.Cmp(n) != 0 {
			t.Fatalf("%s became %s", s, text)
		}
		if again, outOfRange := formatNumber(back); outOfRange != nil || again != text {
			t.Fatalf("%s became %s and then %s (%v)", s, text, again, outOfRange)
		}
	})
}
