package awsjson_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go"

	"github.com/hubspoke/observability/lib/awsanswer"
	"github.com/hubspoke/observability/lib/awsjson"
	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/schema"
)

// answer is an HTTP status and a body.
type answer struct {
	status int
	body   string
}

// server gives one answer after the other, and keeps the requests.
type server struct {
	answers  []answer
	header   http.Header
	requests []*http.Request
	bodies   []string
}

func (s *server) Do(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	s.requests, s.bodies = append(s.requests, r), append(s.bodies, string(body))
	a := s.answers[min(len(s.requests), len(s.answers))-1]
	header := s.header.Clone()
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{StatusCode: a.status, Header: header, Body: io.NopCloser(strings.NewReader(a.body)), Request: r},
		nil
}

// config returns a configuration of another region than the service's.
func config(answers ...answer) aws.Config { return configOf(&server{answers: answers}) }

func configOf(s *server) aws.Config {
	return aws.Config{
		Region:      "eu-west-1",
		HTTPClient:  s,
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "example", "token"),
		Retryer: func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) {
				o.RateLimiter = ratelimit.None
				o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
			})
		},
	}
}

func describe(ctx context.Context, cfg aws.Config) (*describeCasesOutput, error) {
	return awsjson.Call[describeCasesOutput](ctx, cfg, support, "DescribeCases",
		describeCasesInput{IncludeResolvedCases: true})
}

func TestRequest(t *testing.T) {
	s := &server{answers: []answer{{200, `{"cases":[]}`}}}
	out, err := describe(t.Context(), configOf(s))
	if err != nil || out.Cases == nil || len(out.Cases) > 0 || len(s.requests) != 1 {
		t.Fatalf("%+v, error %v, %d requests", out, err, len(s.requests))
	}
	r := s.requests[0]
	if r.Method != http.MethodPost || r.URL.String() != "https://support.us-east-1.amazonaws.com/" ||
		s.bodies[0] != `{"includeResolvedCases":true}` {
		t.Errorf("%s %s %s", r.Method, r.URL, s.bodies[0])
	}
	for name, want := range map[string]string{
		"Content-Type":         "application/x-amz-json-1.1",
		"X-Amz-Target":         "AWSSupport_20130415.DescribeCases",
		"X-Amz-Security-Token": "token",
	} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if scope := r.Header.Get("Authorization"); !strings.Contains(scope, "/us-east-1/support/aws4_request") {
		t.Errorf("signed as %q", scope)
	}
	// By these the recordings of collecttest and the limits of collect know a request.
	if operation, id := awsmiddleware.GetOperationName(r.Context()),
		awsmiddleware.GetServiceID(r.Context()); operation != "DescribeCases" || id != "Support" {
		t.Errorf("operation %q of %q", operation, id)
	}
}

func TestEndpoints(t *testing.T) {
	s := &server{answers: []answer{{200, `{}`}}}
	cfg := configOf(s)
	cfg.BaseEndpoint = aws.String("http://127.0.0.1:4566")
	if _, err := describe(t.Context(), cfg); err != nil || s.requests[0].URL.String() != "http://127.0.0.1:4566/" {
		t.Errorf("%v, error %v", s.requests, err)
	}
	wrong := support
	wrong.Endpoint = "support.us-east-1.amazonaws.com" // without a scheme it has no host
	if _, err := awsjson.Call[struct{}](t.Context(), config(), wrong, "DescribeCases", struct{}{}); err == nil {
		t.Error("an endpoint without a host is accepted")
	}
}

func TestErrorCodes(t *testing.T) {
	for body, want := range map[string]string{
		`{"__type":"com.amazonaws.support#CaseIdNotFound","message":"no such case"}`: "CaseIdNotFound",
		`{"__type":"CaseIdNotFound:http://internal.amazon.com/","Message":"x"}`:      "CaseIdNotFound",
		`{"code":"CaseIdNotFound"}`:          "CaseIdNotFound",
		`{"message":"nothing"}`:              "UnknownError",
		`<html><body>proxy</body></html>`:    "UnknownError",
		``:                                   "UnknownError",
		`{"__type":7,"message":"it is new"}`: "UnknownError",
	} {
		_, err := describe(t.Context(), config(answer{400, body}))
		var api smithy.APIError
		if !errors.As(err, &api) || api.ErrorCode() != want || api.ErrorFault() != smithy.FaultClient {
			t.Errorf("%s: %v", body, err)
		}
		var operation *smithy.OperationError
		if !errors.As(err, &operation) || operation.Service() != "Support" || operation.Operation() != "DescribeCases" {
			t.Errorf("%s: the error names no operation: %v", body, err)
		}
	}
	s := &server{answers: []answer{{403, `{}`}},
		header: http.Header{"X-Amzn-Errortype": {"AccessDeniedException:http://x"}}}
	if _, err := describe(t.Context(), configOf(s)); collect.Classify(err) != schema.Denied {
		t.Errorf("the code of the header is lost: %v", err)
	}
	if _, err := describe(t.Context(), config(answer{400,
		`{"__type":"SubscriptionRequiredException"}`})); collect.Classify(err) != schema.Disabled {
		t.Errorf("no support plan: %v", err)
	}
}

func TestRetries(t *testing.T) {
	s := &server{answers: []answer{
		{400, `{"__type":"ThrottlingException"}`}, {500, ``}, {200, `{"nextToken":"a"}`},
	}}
	out, err := describe(t.Context(), configOf(s))
	if err != nil || aws.ToString(out.NextToken) != "a" || len(s.requests) != 3 {
		t.Errorf("%+v, error %v, %d requests", out, err, len(s.requests))
	}
	if !slices.Equal(s.bodies, []string{s.bodies[0], s.bodies[0], s.bodies[0]}) || s.bodies[0] == "" {
		t.Errorf("bodies %q", s.bodies)
	}
	s = &server{answers: []answer{{400, `{"__type":"ThrottlingException"}`}}}
	cfg := configOf(s)
	cfg.RetryMaxAttempts = 2
	if _, err := describe(t.Context(), cfg); collect.Classify(err) != schema.Throttled || len(s.requests) != 2 {
		t.Errorf("error %v, %d requests", err, len(s.requests))
	}
}

// TestAnswersThatAreNone: what collect does for every client it does for these, too.
func TestAnswersThatAreNone(t *testing.T) {
	for _, body := range []string{"", "null", "<html></html>", "[]", `{"cases":`, "OK"} {
		_, err := describe(t.Context(), awsanswer.Install(config(answer{200, body})))
		if err == nil {
			t.Errorf("%q: no error", body)
		}
	}
	if _, err := describe(t.Context(), config(answer{200, `{"cases":7}`})); err == nil {
		t.Error("an answer of another form is accepted")
	}
	// One element that cannot be read is left out, and the others are there once.
	var lost []string
	ctx := awsanswer.OnUnreadable(t.Context(), func(u awsanswer.Unreadable) { lost = append(lost, u.String()) })
	out, err := describe(ctx, awsanswer.Install(config(answer{200,
		`{"cases":[{"caseId":"a"},{"caseId":7},{"caseId":"c"}]}`})))
	if err != nil || len(out.Cases) != 2 || len(lost) != 1 {
		t.Errorf("%+v, lost %q, error %v", out, lost, err)
	}
}

func TestContextAndCredentials(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := describe(ctx, config(answer{200, `{}`})); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	cfg := config(answer{200, `{}`})
	cfg.Credentials = credentials.NewStaticCredentialsProvider("", "", "")
	if _, err := describe(t.Context(), cfg); err == nil {
		t.Error("a request without credentials is sent")
	}
}

// TestRunnerLimitsCalls: the runner counts each attempt, and waits before it.
func TestRunnerLimitsCalls(t *testing.T) {
	type row struct {
		ID string `col:"id,key"`
	}
	s := &server{answers: []answer{{500, ``}, {200, `{"cases":[{"caseId":"case-1"}]}`}}}
	requests := 0
	runner, err := collect.New(collect.Config{
		Account: "111122223333", Regions: []string{"eu-west-1"},
		AWS:      func(string) aws.Config { return configOf(s) },
		Hooks:    collect.Hooks{Request: func(string, string) { requests++ }},
		Services: []collect.Service{{ID: "Support", Name: "support", Rate: collect.Rate{PerSecond: 1000}}},
		Collectors: []collect.Any{collect.Collector[row]{
			Category: schema.Of[row](schema.Spec{Name: "cases", Mode: schema.Snapshot}),
			Reach:    collect.Global, Every: time.Hour, Calls: []string{"support:DescribeCases"},
			Collect: func(ctx context.Context, env *collect.Env, emit func(row) error) error {
				out, err := describe(ctx, env.AWS)
				if err != nil {
					return err
				}
				return emit(row{aws.ToString(out.Cases[0].CaseID)})
			},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	results, err := runner.Once(t.Context())
	if err != nil || results[0].Rows != 1 || requests != 2 {
		t.Errorf("%+v, error %v, %d requests counted", results, err, requests)
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add(200, `{"cases":[{"caseId":"case-1"}]}`)
	f.Add(400, `{"__type":"a#b:c"}`)
	f.Fuzz(func(t *testing.T, status int, body string) {
		if status < 200 || status > 599 {
			return
		}
		cfg := config(answer{status, body})
		cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
		out, err := describe(t.Context(), cfg)
		if (out == nil) == (err == nil) {
			t.Errorf("%+v, error %v", out, err)
		}
		if status < 300 && (err == nil) != (json.Unmarshal([]byte(body), new(describeCasesOutput)) == nil) {
			t.Errorf("%q: error %v", body, err)
		}
	})
}
