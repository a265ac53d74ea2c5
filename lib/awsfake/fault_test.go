package awsfake_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/hubspoke/observability/lib/awsfake"
)

func wantCount(t *testing.T, i *awsfake.Injection, want int) {
	t.Helper()
	if got := i.Count(); got != want {
		t.Fatalf("the fault happened %d times, want %d", got, want)
	}
}

// refusals are one call to each service.
func refusals(t *testing.T, s *awsfake.Server) map[string]error {
	t.Helper()
	errs := map[string]error{}
	_, errs["kinesis data"] = kinesisAs(s, hub).PutRecord(t.Context(),
		&kinesis.PutRecordInput{StreamARN: &events, PartitionKey: aws.String("k"), Data: []byte("x")})
	_, errs["kinesis control"] = kinesisAs(s, hub).ListShards(t.Context(), &kinesis.ListShardsInput{StreamARN: &events})
	_, errs["dynamodb"] = dynamodbAs(s, hub).ListTables(t.Context(), nil)
	_, errs["sqs"] = sqsAs(s, hub).CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("q")})
	_, errs["sts"] = sts.NewFromConfig(once(s, hub)).GetCallerIdentity(t.Context(), nil)
	_, errs["s3"] = s3.NewFromConfig(once(s, hub)).PutObject(t.Context(),
		&s3.PutObjectInput{Bucket: archive, Key: aws.String("k"), Body: strings.NewReader(strings.Repeat("x", 1<<20))})
	return errs
}

func TestRefusalsAreTheServicesOwn(t *testing.T) {
	for effect, want := range map[awsfake.Effect]struct {
		status map[string]int
		code   map[string]string
	}{
		awsfake.Throttle: {
			map[string]int{"kinesis data": 400, "kinesis control": 400, "dynamodb": 400, "sqs": 400, "sts": 400, "s3": 503},
			map[string]string{"kinesis data": "ProvisionedThroughputExceededException",
				"kinesis control": "LimitExceededException", "dynamodb": "ProvisionedThroughputExceededException",
				"sqs": "RequestThrottled", "sts": "Throttling", "s3": "SlowDown"},
		},
		awsfake.ServerError: {
			map[string]int{"kinesis data": 500, "kinesis control": 500, "dynamodb": 500, "sqs": 500, "sts": 500, "s3": 500},
			map[string]string{"kinesis data": "InternalFailure", "kinesis control": "InternalFailure",
				"dynamodb": "InternalServerError", "sqs": "InternalFailure", "sts": "InternalFailure", "s3": "InternalError"},
		},
		awsfake.Deny: {
			map[string]int{"kinesis data": 400, "kinesis control": 400, "dynamodb": 400, "sqs": 403, "sts": 403, "s3": 403},
			map[string]string{"kinesis data": "AccessDeniedException", "kinesis control": "AccessDeniedException",
				"dynamodb": "AccessDeniedException", "sqs": "AccessDenied", "sts": "AccessDenied", "s3": "AccessDenied"},
		},
	} {
		t.Run(effect.String(), func(t *testing.T) {
			s := start(t, awsfake.Config{})
			createEvents(t, s, 1)
			createBucket(t, s)
			i := s.Inject(awsfake.Fault{Effect: effect})
			for service, err := range refusals(t, s) {
				var answer *awshttp.ResponseError
				if !errors.As(err, &answer) || answer.HTTPStatusCode() != want.status[service] {
					t.Errorf("%s: got %v, want status %d", service, err, want.status[service])
					continue
				}
				wantCode(t, err, want.code[service], "")
			}
			wantCount(t, i, 6)
			i.Remove()
			for service, err := range refusals(t, s) {
				if err != nil {
					t.Errorf("%s, after the fault was removed: %v", service, err)
				}
			}
			if n := len(must(s.Records(events))(t)); n != 1 {
				t.Errorf("%d records are stored, want the one that was not refused", n)
			}
		})
	}
}

func TestTheSDKRetriesThrottling(t *testing.T) {
	s := start(t, awsfake.Config{})
	createEvents(t, s, 1)
	i := s.Inject(awsfake.Fault{Operation: "kinesis:PutRecord", Effect: awsfake.Throttle, Times: 2})
	put(t, kinesis.NewFromConfig(s.AWSConfig(hub, region)), "k", "x")
	wantCount(t, i, 2)
	if n := s.Calls("kinesis:PutRecord"); n != 3 {
		t.Fatalf("%d calls, want 3", n)
	}
}

func TestReset(t *testing.T) {
	s := start(t, awsfake.Config{})
	k := createEvents(t, s, 1)
	i := s.Inject(awsfake.Fault{Operation: "kinesis:PutRecord", Effect: awsfake.Reset, Times: 1})
	_, err := k.PutRecord(t.Context(), &kinesis.PutRecordInput{StreamARN: &events, PartitionKey: aws.String("k"),
		Data: []byte("x")})
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Fatalf("got %v", err)
	}
	wantCount(t, i, 1)
	if n := len(must(s.Records(events))(t)); n != 0 {
		t.Fatalf("%d records were stored", n)
	}
	put(t, k, "k", "x")
}

func TestLostAnswerIsApplied(t *testing.T) {
	s := start(t, awsfake.Config{})
	k := createEvents(t, s, 1)
	d := createLeases(t, s)
	c := createBucket(t, s)
	i := s.Inject(awsfake.Fault{Effect: awsfake.LostAnswer, Times: 3})
	_, errs := k.PutRecord(t.Context(), &kinesis.PutRecordInput{StreamARN: &events, PartitionKey: aws.String("k"),
		Data: []byte("x")})
	_, err := d.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: leases, Item: values{"ShardID": text("s0")}})
	if errs == nil || err == nil {
		t.Fatalf("got %v and %v", errs, err)
	}
	if _, err = c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: archive, Key: aws.String("k"),
		Body: strings.NewReader("x")}); err == nil {
		t.Fatal("the object's answer came")
	}
	wantCount(t, i, 3)
	if n := len(must(s.Records(events))(t)); n != 1 {
		t.Errorf("%d records were stored", n)
	}
	if len(getLease(t, d, "s0")) != 1 {
		t.Error("the item was not stored")
	}
	must(c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: archive, Key: aws.String("k")}))(t)
}

// stillHanging checks that a call has no answer although many later ones have theirs.
func stillHanging(t *testing.T, s *awsfake.Server, failed <-chan error) {
	t.Helper()
	for range 20 {
		must(kinesisAs(s, hub).ListStreams(t.Context(), nil))(t)
	}
	select {
	case err := <-failed:
		t.Fatalf("a black hole answered: %v", err)
	default:
	}
}

func TestBlackHoleHangsUntilTheClientGivesUp(t *testing.T) {
	s := start(t, awsfake.Config{})
	k := createEvents(t, s, 1)
	i := s.Inject(awsfake.Fault{Operation: "kinesis:PutRecord", Effect: awsfake.BlackHole, Times: 1})
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error, 1)
	go func() {
		_, err := k.PutRecord(ctx, &kinesis.PutRecordInput{StreamARN: &events, PartitionKey: aws.String("k"),
			Data: []byte("x")})
		failed <- err
	}()
	if err := i.Wait(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	stillHanging(t, s, failed)
	cancel()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	if n := len(must(s.Records(events))(t)); n != 0 {
		t.Fatalf("%d records were stored", n)
	}
	put(t, k, "k", "x")
}

func TestBlackHoleHangsUntilClose(t *testing.T) {
	s := start(t, awsfake.Config{})
	c := createBucket(t, s)
	i := s.Inject(awsfake.Fault{Operation: "s3:PutObject", Effect: awsfake.BlackHole})
	failed := make(chan error, 1)
	go func() {
		_, err := c.PutObject(context.Background(),
			&s3.PutObjectInput{Bucket: archive, Key: aws.String("k"), Body: strings.NewReader(strings.Repeat("x", 1<<20))})
		failed <- err
	}()
	if err := i.Wait(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	stillHanging(t, s, failed)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-failed; err == nil {
		t.Fatal("a black hole answered")
	}
	ctx, cancel := context.WithDeadline(t.Context(), time.Now())
	defer cancel()
	if err := i.Wait(ctx, 2); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v", err)
	}
}

func putMany(t *testing.T, k *kinesis.Client, n int) *kinesis.PutRecordsOutput {
	t.Helper()
	in := &kinesis.PutRecordsInput{StreamARN: &events}
	for i := range n {
		in.Records = append(in.Records, types.PutRecordsRequestEntry{PartitionKey: aws.String(strconv.Itoa(i)),
			Data: []byte("x")})
	}
	return must(k.PutRecords(t.Context(), in))(t)
}

func TestPartialFailure(t *testing.T) {
	failures := func(seed int64) string {
		s := start(t, awsfake.Config{Seed: seed})
		k := createEvents(t, s, 2)
		i := s.Inject(awsfake.Fault{Effect: awsfake.PartialFailure, Records: 4, After: 1, Times: 1})
		which := ""
		for _, want := range []int32{0, 4, 0} {
			out := putMany(t, k, 20)
			if *out.FailedRecordCount != want {
				t.Fatalf("%d records failed, want %d", *out.FailedRecordCount, want)
			}
			for n, r := range out.Records {
				if (r.ErrorCode == nil) != (r.SequenceNumber != nil) {
					t.Fatalf("got %+v", r)
				}
				if r.ErrorCode != nil {
					which += strconv.Itoa(n) + *r.ErrorCode + " "
				}
			}
		}
		wantCount(t, i, 1)
		if n := len(must(s.Records(events))(t)); n != 56 {
			t.Fatalf("%d records are stored, want 56", n)
		}
		if !strings.Contains(which, "InternalFailure") || !strings.Contains(which, "ProvisionedThroughputExceededException") {
			t.Fatalf("got %s", which)
		}
		return which
	}
	if a, b := failures(1), failures(1); a != b {
		t.Errorf("the same seed gave %s and %s", a, b)
	}
	if a, b := failures(1), failures(2); a == b {
		t.Errorf("two seeds gave %s", a)
	}

	s := start(t, awsfake.Config{})
	k := createEvents(t, s, 1)
	s.Inject(awsfake.Fault{Effect: awsfake.PartialFailure, Records: 50})
	if out := putMany(t, k, 3); *out.FailedRecordCount != 3 {
		t.Errorf("%d records failed, want all 3", *out.FailedRecordCount)
	}
}

func TestExpiredIterator(t *testing.T) {
	s := start(t, awsfake.Config{})
	k := createEvents(t, s, 1)
	it := horizon(t, k, "shardId-000000000000")
	i := s.Inject(awsfake.Fault{Effect: awsfake.ExpiredIterator, Times: 1})
	// A call that fails for another reason does not use the fault up.
	_, err := k.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: aws.String("AAAA")})
	wantCode(t, err, "InvalidArgumentException", "")
	wantCount(t, i, 0)
	_, err = k.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: it})
	wantCode(t, err, "ExpiredIteratorException", "Iterator expired")
	wantCount(t, i, 1)
	read(t, k, it)
}

func TestEmptyPage(t *testing.T) {
	s := start(t, awsfake.Config{})
	k := createEvents(t, s, 1)
	i := s.Inject(awsfake.Fault{Effect: awsfake.EmptyPage, Times: 2})
	it := horizon(t, k, "shardId-000000000000")
	must(k.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: it}))(t)
	wantCount(t, i, 0) // there was nothing to hold back
	put(t, k, "k", "x")
	for range 2 {
		out := must(k.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: it}))(t)
		if len(out.Records) != 0 || *out.MillisBehindLatest == 0 || out.NextShardIterator == nil {
			t.Fatalf("got %+v", out)
		}
		it = out.NextShardIterator
	}
	wantCount(t, i, 2)
	data, _ := read(t, k, it)
	equal(t, "data", data, []string{"x"})
}

func TestWhichCallsAFaultMeets(t *testing.T) {
	s := start(t, awsfake.Config{Seed: 7})
	outcome := func() string {
		d := dynamodbAs(s, hub)
		got := ""
		for range 6 {
			if _, err := d.ListTables(t.Context(), nil); err != nil {
				got += "x"
			} else {
				got += "."
			}
		}
		return got
	}
	odd := false
	for want, f := range map[string]awsfake.Fault{
		"xxxxxx": {Operation: "dynamodb:List*"},
		"......": {Operation: "dynamodb:Get*"},
		".xx...": {After: 1, Times: 2},
		"x.x.x.": {When: func(c awsfake.Call) bool {
			odd = !odd
			return odd && c.Account == hub && c.Region == region && c.Operation == "dynamodb:ListTables" &&
				string(c.Body) == "{}"
		}},
	} {
		f.Effect = awsfake.ServerError
		i := s.Inject(f)
		if got := outcome(); got != want {
			t.Errorf("%+v: got %s, want %s", f, got, want)
		}
		wantCount(t, i, strings.Count(want, "x"))
		i.Remove()
	}

	i := s.Inject(awsfake.Fault{Effect: awsfake.ServerError, Probability: 0.5})
	first := outcome() + outcome() + outcome() + outcome()
	i.Remove()
	if n := strings.Count(first, "x"); n < 4 || n > 20 || n != i.Count() {
		t.Errorf("%d of 24 calls failed, counted %d", n, i.Count())
	}

	// The first that applies wins.
	a := s.Inject(awsfake.Fault{Effect: awsfake.ServerError, Times: 2})
	b := s.Inject(awsfake.Fault{Effect: awsfake.Throttle, Times: 1})
	if got := outcome(); got != "xxx..." {
		t.Errorf("got %s", got)
	}
	wantCount(t, a, 2)
	wantCount(t, b, 1)
}

func TestFaultsWithoutSensePanic(t *testing.T) {
	s := start(t, awsfake.Config{})
	for name, f := range map[string]awsfake.Fault{
		"no effect":       {Operation: "kinesis:*"},
		"unknown effect":  {Effect: 99},
		"pattern":         {Effect: awsfake.Throttle, Operation: "["},
		"other operation": {Effect: awsfake.PartialFailure, Operation: "kinesis:GetRecords"},
		"probability":     {Effect: awsfake.Throttle, Probability: 1.5},
		"negative":        {Effect: awsfake.Throttle, Times: -1},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("it was accepted")
				}
			}()
			s.Inject(f)
		})
	}
}
