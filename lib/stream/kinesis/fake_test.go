package kinesis_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awskinesis "github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"

	"github.com/hubspoke/observability/lib/awsconfig"
	"github.com/hubspoke/observability/lib/awsfake"
	"github.com/hubspoke/observability/lib/stream"
	"github.com/hubspoke/observability/lib/stream/kinesis"
)

const (
	hub    = "111111111111"
	spoke  = "222222222222"
	region = "eu-central-1"
)

// serve starts a stand-in for AWS with the stream "events" in the hub account.
func serve(t testing.TB, shards int32, cfg awsfake.Config) *awsfake.Server {
	t.Helper()
	server, err := awsfake.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	_, err = clientOf(server, hub).CreateStream(context.Background(),
		&awskinesis.CreateStreamInput{StreamName: aws.String("events"), ShardCount: &shards})
	if err != nil {
		t.Fatal(err)
	}
	return server
}

func clientOf(server *awsfake.Server, account string) *awskinesis.Client {
	return awskinesis.NewFromConfig(server.AWSConfig(account, region))
}

var events = awsfake.StreamARN(hub, region, "events")

// counts tells how often the stream holds each datum.
func counts(t *testing.T, server *awsfake.Server) map[string]int {
	t.Helper()
	records, err := server.Records(events)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]int{}
	for _, r := range records {
		out[string(r.Data)]++
	}
	return out
}

// expect fails unless the stream holds each message once, or more often if
// duplicates are allowed, and nothing else. It returns the number of duplicates.
func expect(t *testing.T, server *awsfake.Server, want []stream.Message, duplicates bool) int {
	t.Helper()
	got := counts(t, server)
	if len(got) != len(want) {
		t.Errorf("the stream holds %d messages, not %d", len(got), len(want))
	}
	extra := 0
	for _, m := range want {
		n := got[string(m.Data)]
		if n == 0 || n > 1 && !duplicates {
			t.Fatalf("message %.20s is stored %d times", m.Data, n)
		}
		extra += n - 1
	}
	return extra
}

func TestPartialFailures(t *testing.T) {
	for _, k := range []int{1, 250, 499, 500} {
		t.Run(fmt.Sprintf("%d of 500", k), func(t *testing.T) {
			server := serve(t, 4, awsfake.Config{Seed: int64(k)})
			fault := server.Inject(awsfake.Fault{Operation: "kinesis:PutRecords", Effect: awsfake.PartialFailure, Records: k,
				Times: 2})
			m := messages(500)
			if err := publisher(t, clientOf(server, hub)).Publish(t.Context(), m); err != nil {
				t.Fatal(err)
			}
			expect(t, server, m, false)
			if n := fault.Count(); n != 2 {
				t.Errorf("the fault happened %d times, not 2", n)
			}
			if n := server.Calls("kinesis:PutRecords"); n != 3 {
				t.Errorf("%d calls, not 3", n)
			}
		})
	}
}

func TestFaultsThatPass(t *testing.T) {
	for _, effect := range []awsfake.Effect{awsfake.Throttle, awsfake.ServerError, awsfake.Reset} {
		t.Run(effect.String(), func(t *testing.T) {
			server := serve(t, 2, awsfake.Config{})
			fault := server.Inject(awsfake.Fault{Operation: "kinesis:PutRecords", Effect: effect, Times: 3})
			told := 0
			p := publisher(t, clientOf(server, hub), func(c *kinesis.Config) {
				c.Hooks.Called = func(kinesis.Call) { told++ }
			})
			m := messages(700)
			if err := p.Publish(t.Context(), m); err != nil {
				t.Fatal(err)
			}
			expect(t, server, m, false)
			if n := fault.Count(); n != 3 {
				t.Errorf("the fault happened %d times, not 3", n)
			}
			if n := server.Calls("kinesis:PutRecords"); n != 5 || told != n {
				t.Errorf("%d calls, the hook was told of %d; want 5 of both: does the SDK retry too?", n, told)
			}
		})
	}
}

// TestLostAnswers loses a fifth of the answers: messages are stored twice, and
// none is missing.
func TestLostAnswers(t *testing.T) {
	server := serve(t, 2, awsfake.Config{Seed: 3})
	fault := server.Inject(awsfake.Fault{Operation: "kinesis:PutRecords", Effect: awsfake.LostAnswer, Probability: 0.2})
	p := publisher(t, clientOf(server, hub), func(c *kinesis.Config) { c.MaxRecords = 50 })
	m := messages(500)
	if err := p.Publish(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	duplicates := expect(t, server, m, true)
	if n := fault.Count(); n == 0 || duplicates != 50*n {
		t.Errorf("%d duplicates after %d lost answers", duplicates, n)
	}
}

// TestABlackHole hangs one call until its time-out.
func TestABlackHole(t *testing.T) {
	server := serve(t, 1, awsfake.Config{})
	fault := server.Inject(awsfake.Fault{Operation: "kinesis:PutRecords", Effect: awsfake.BlackHole, Times: 1})
	p := publisher(t, clientOf(server, hub), func(c *kinesis.Config) { c.CallTimeout = 200 * time.Millisecond })
	m := messages(10)
	if err := p.Publish(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	expect(t, server, m, false)
	if n := fault.Count(); n != 1 {
		t.Errorf("the fault happened %d times, not once", n)
	}
}

func TestDenied(t *testing.T) {
	server := serve(t, 1, awsfake.Config{})
	server.Inject(awsfake.Fault{Operation: "kinesis:PutRecords", Effect: awsfake.Deny})
	err := publisher(t, clientOf(server, hub)).Publish(t.Context(), messages(3))
	if failed := failedOf(t, err); !slices.Equal(failed, []int{0, 1, 2}) {
		t.Errorf("Failed is %v", failed)
	}
	if n := server.Calls("kinesis:PutRecords"); n != 1 {
		t.Errorf("%d calls, not 1", n)
	}
}

func TestAStreamThatDoesNotExist(t *testing.T) {
	server := serve(t, 1, awsfake.Config{})
	p := publisher(t, clientOf(server, hub), func(c *kinesis.Config) { c.Stream = "elsewhere" })
	err := p.Publish(t.Context(), messages(1))
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != "ResourceNotFoundException" {
		t.Errorf("Publish returned %v", err)
	}
	if n := server.Calls("kinesis:PutRecords"); n != 1 {
		t.Errorf("%d calls, not 1", n)
	}
}

// TestAcrossAccounts publishes from a spoke account by ARN, before and after the
// hub allows it.
func TestAcrossAccounts(t *testing.T) {
	server := serve(t, 1, awsfake.Config{})
	p := publisher(t, clientOf(server, spoke), func(c *kinesis.Config) { c.Stream = events })
	m := messages(5)
	var api smithy.APIError
	if err := p.Publish(t.Context(), m); !errors.As(err, &api) || api.ErrorCode() != "AccessDeniedException" {
		t.Fatalf("without a policy Publish returned %v", err)
	}
	policy := fmt.Sprintf(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::%s:root"},"Action":"kinesis:PutRecords","Resource":%q}]}`, spoke, events)
	_, err := clientOf(server, hub).PutResourcePolicy(t.Context(),
		&awskinesis.PutResourcePolicyInput{ResourceARN: &events, Policy: &policy})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Publish(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	expect(t, server, m, false)
}

// TestShardLimits sends more than the shards take in a second.
func TestShardLimits(t *testing.T) {
	server := serve(t, 2, awsfake.Config{ShardLimits: true})
	throttled := 0
	p := publisher(t, clientOf(server, hub), func(c *kinesis.Config) {
		c.Hooks.Called = func(call kinesis.Call) { throttled += call.Throttled }
	})
	m := messages(3000)
	if err := p.Publish(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	expect(t, server, m, false)
	if throttled == 0 {
		t.Error("nothing was throttled")
	}
}

// TestOrderOfAKey publishes one call after the other, as a run does.
func TestOrderOfAKey(t *testing.T) {
	server := serve(t, 4, awsfake.Config{})
	p := publisher(t, clientOf(server, hub))
	m := messages(1200)
	for i := 0; i < len(m); i += 100 {
		if err := p.Publish(t.Context(), m[i:i+100]); err != nil {
			t.Fatal(err)
		}
	}
	records, err := server.Records(events)
	if err != nil {
		t.Fatal(err)
	}
	last := map[string]int{}
	for _, r := range records {
		var n int
		if _, err := fmt.Sscan(string(r.Data), &n); err != nil {
			t.Fatal(err)
		}
		if before, seen := last[r.PartitionKey]; seen && n < before {
			t.Fatalf("message %d of %s came after %d", n, r.PartitionKey, before)
		}
		last[r.PartitionKey] = n
	}
}

// TestExpiredCredentials are renewed once, and then it is an error.
func TestExpiredCredentials(t *testing.T) {
	for name, c := range map[string]struct {
		good  int32 // the credentials that are valid
		calls int32
		fails bool
	}{
		"renewed":       {good: 2, calls: 2},
		"never renewed": {good: 99, calls: 2, fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			var calls, issued atomic.Int32
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				calls.Add(1)
				w.Header().Set("Content-Type", "application/x-amz-json-1.1")
				if issued.Load() < c.good {
					w.WriteHeader(http.StatusBadRequest)
					fmt.Fprint(w,
						`{"__type":"ExpiredTokenException","message":"The security token included in the request is expired"}`)
					return
				}
				fmt.Fprint(w, `{"FailedRecordCount":0,"Records":[{"SequenceNumber":"1","ShardId":"shardId-000000000000"}]}`)
			}))
			defer server.Close()
			provider := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
				key := fmt.Sprintf("AKIA%d", issued.Add(1))
				return aws.Credentials{AccessKeyID: key, SecretAccessKey: "secret", CanExpire: true,
					Expires: time.Now().Add(time.Hour)}, nil
			})
			client := awskinesis.NewFromConfig(awsconfig.Renewing(aws.Config{
				Region: region, BaseEndpoint: &server.URL, Credentials: aws.NewCredentialsCache(provider),
				HTTPClient: server.Client(),
			}))
			err := publisher(t, client).Publish(t.Context(), messages(1))
			if (err != nil) != c.fails {
				t.Errorf("Publish returned %v", err)
			}
			if n := calls.Load(); n != c.calls {
				t.Errorf("%d calls, not %d", n, c.calls)
			}
		})
	}
	t.Run("not to be renewed", func(t *testing.T) {
		var calls atomic.Int32
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			calls.Add(1)
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"__type":"ExpiredTokenException","message":"expired"}`)
		}))
		defer server.Close()
		client := awskinesis.NewFromConfig(awsconfig.Renewing(aws.Config{
			Region: region, BaseEndpoint: &server.URL, HTTPClient: server.Client(),
			Credentials: credentials.NewStaticCredentialsProvider("AKIA", "secret", ""),
		}))
		failedOf(t, publisher(t, client).Publish(t.Context(), messages(1)))
		if n := calls.Load(); n != 1 {
			t.Errorf("%d calls, not 1", n)
		}
	})
}

// BenchmarkPublish sends 500 records of 500 bytes a call, over HTTP.
func BenchmarkPublish(b *testing.B) {
	server := serve(b, 4, awsfake.Config{})
	p := publisher(b, clientOf(server, hub))
	m := make([]stream.Message, 500)
	for i := range m {
		m[i] = stream.Message{PartitionKey: fmt.Sprintf("key-%d", i), Data: make([]byte, 500)}
	}
	b.ReportAllocs()
	b.SetBytes(int64(len(m) * 500))
	for b.Loop() {
		if err := p.Publish(b.Context(), m); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*len(m))/b.Elapsed().Seconds(), "records/s")
}

// quiet is a Client that stores everything and keeps nothing.
type quiet struct{ out awskinesis.PutRecordsOutput }

func (q *quiet) PutRecords(_ context.Context, in *awskinesis.PutRecordsInput,
	_ ...func(*awskinesis.Options)) (*awskinesis.PutRecordsOutput, error) {
	if len(q.out.Records) != len(in.Records) {
		q.out.Records = make([]types.PutRecordsResultEntry, len(in.Records))
	}
	return &q.out, nil
}

// BenchmarkPublishAlone is the Publisher without the SDK and a server.
func BenchmarkPublishAlone(b *testing.B) {
	client := &quiet{}
	p := publisher(b, client)
	m := make([]stream.Message, 500)
	for i := range m {
		m[i] = stream.Message{PartitionKey: fmt.Sprintf("key-%d", i), Data: make([]byte, 500)}
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := p.Publish(b.Context(), m); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*len(m))/b.Elapsed().Seconds(), "records/s")
}
