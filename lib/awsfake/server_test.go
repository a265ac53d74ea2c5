package awsfake_test

import (
	"errors"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"go.uber.org/goleak"

	"github.com/hubspoke/observability/lib/awsfake"
)

const (
	hub    = "111111111111"
	spoke  = "222222222222"
	region = "eu-central-1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clock is a time that a test moves.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

func start(t *testing.T, cfg awsfake.Config) *awsfake.Server {
	t.Helper()
	s, err := awsfake.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// once is a configuration without retries, so that a test sees the first answer.
func once(s *awsfake.Server, account string) aws.Config {
	cfg := s.AWSConfig(account, region)
	cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	return cfg
}

func kinesisAs(s *awsfake.Server, account string) *kinesis.Client {
	return kinesis.NewFromConfig(once(s, account))
}

func dynamodbAs(s *awsfake.Server, account string) *dynamodb.Client {
	return dynamodb.NewFromConfig(once(s, account))
}

// must returns what a call returned, or ends the test.
func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// wantCode checks that err is an AWS error with this code and a message that contains
// text.
func wantCode(t *testing.T, err error, code, text string) {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) {
		t.Fatalf("got %v, want the error %s", err, code)
	}
	if api.ErrorCode() != code || !strings.Contains(api.ErrorMessage(), text) {
		t.Fatalf("got %s: %s, want %s: …%s…", api.ErrorCode(), api.ErrorMessage(), code, text)
	}
}

func TestNewReportsAllFaults(t *testing.T) {
	_, err := awsfake.New(awsfake.Config{Addr: "192.0.2.1:80", Roles: []awsfake.Role{{ARN: "nonsense"}}})
	if err == nil || !strings.Contains(err.Error(), "192.0.2.1:80") || !strings.Contains(err.Error(), "nonsense") {
		t.Fatalf("got %v, want both faults", err)
	}
	if _, err := awsfake.New(awsfake.Config{Addr: "nonsense"}); err == nil {
		t.Fatal("an address that is none was accepted")
	}
}

func TestCloseTwice(t *testing.T) {
	s := must(awsfake.New(awsfake.Config{}))(t)
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := http.Get(s.URL()); err == nil {
		t.Fatal("a closed server answers")
	}
}

func TestEnvironmentLeadsTheDefaultConfigHere(t *testing.T) {
	s := start(t, awsfake.Config{Region: "eu-west-1"})
	for _, setting := range s.Environment(spoke) {
		name, value, _ := strings.Cut(setting, "=")
		t.Setenv(name, value)
	}
	t.Setenv("AWS_CA_BUNDLE", "")
	t.Setenv("AWS_CONFIG_FILE", os.DevNull)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", os.DevNull)
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	cfg := must(config.LoadDefaultConfig(t.Context(), config.WithHTTPClient(client)))(t)
	out := must(awssts.NewFromConfig(cfg).GetCallerIdentity(t.Context(), nil))(t)
	if *out.Account != spoke || cfg.Region != "eu-west-1" {
		t.Fatalf("got account %s in %s", *out.Account, cfg.Region)
	}
}

func TestCallersWithoutValidCredentials(t *testing.T) {
	s := start(t, awsfake.Config{})
	cfg := once(s, hub)
	cfg.Credentials = credentials.NewStaticCredentialsProvider("someone", "x", "")
	_, err := kinesis.NewFromConfig(cfg).ListStreams(t.Context(), nil)
	wantCode(t, err, "UnrecognizedClientException", "security token")
	_, err = awssts.NewFromConfig(cfg).GetCallerIdentity(t.Context(), nil)
	wantCode(t, err, "InvalidClientTokenId", "security token")

	cfg.Credentials = aws.AnonymousCredentials{}
	_, err = kinesis.NewFromConfig(cfg).ListStreams(t.Context(), nil)
	wantCode(t, err, "MissingAuthenticationTokenException", "")
}

func TestWhatIsMissingIsNamed(t *testing.T) {
	s := start(t, awsfake.Config{})
	_, err := kinesisAs(s, hub).ListStreamConsumers(t.Context(),
		&kinesis.ListStreamConsumersInput{StreamARN: aws.String("arn:aws:kinesis:eu-central-1:111111111111:stream/x")})
	wantCode(t, err, "UnknownOperationException", "kinesis:ListStreamConsumers")
	_, err = dynamodbAs(s, hub).ListBackups(t.Context(), nil)
	wantCode(t, err, "UnknownOperationException", "dynamodb:ListBackups")
	_, err = awssts.NewFromConfig(once(s, hub)).GetSessionToken(t.Context(), nil)
	wantCode(t, err, "InvalidAction", "sts:GetSessionToken")
	_, err = dynamodbAs(s, hub).Scan(t.Context(),
		&dynamodb.ScanInput{TableName: aws.String("leases"), TotalSegments: aws.Int32(2), Segment: aws.Int32(0)})
	wantCode(t, err, "ValidationException", "Segment")

	req := must(http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL(), strings.NewReader("{}")))(t)
	req.Header.Set("X-Amz-Target", "secretsmanager.GetSecretValue")
	resp := must(http.DefaultClient.Do(req))(t)
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusBadRequest {
		t.Fatalf("got %s", resp.Status)
	}
}

func TestCallsAreCounted(t *testing.T) {
	s := start(t, awsfake.Config{})
	k := kinesisAs(s, hub)
	for range 3 {
		must(k.ListStreams(t.Context(), nil))(t)
	}
	must(s3.NewFromConfig(once(s, hub)).ListBuckets(t.Context(), nil))(t)
	for operation, want := range map[string]int{"kinesis:ListStreams": 3, "kinesis:*": 3, "s3:ListBuckets": 1, "": 4,
		"sts:*": 0} {
		if got := s.Calls(operation); got != want {
			t.Errorf("Calls(%q) = %d, want %d", operation, got, want)
		}
	}
}
