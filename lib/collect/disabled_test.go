package collect_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/hubspoke/observability/lib/awsconfig"
	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/schema"
)

// hosts answers requests by the host that they go to: with an error code, with a
// text, or, without any, as a host that does not exist.
type hosts map[string]string

func (h hosts) Do(r *http.Request) (*http.Response, error) {
	body, ok := h[r.URL.Host]
	switch {
	case body == "proxy":
		return nil, &awsconfig.ProxyError{Host: r.URL.Host, Status: http.StatusServiceUnavailable}
	case body == "proxy denies":
		return nil, &awsconfig.ProxyError{Host: r.URL.Host, Status: http.StatusForbidden}
	case !ok:
		return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: r.URL.Host, IsNotFound: true}}
	}
	status := http.StatusOK
	if !strings.HasPrefix(body, "<") {
		status, body = http.StatusForbidden, `{"__type":"`+body+`"}`
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)),
		Request: r}, nil
}

// A service or region that the account does not have is disabled, but only if STS
// says that network and credentials are right.
func TestServiceOrRegionThatIsNotThere(t *testing.T) {
	const (
		identity = `<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::111122223333:user/a</Arn><Account>111122223333</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`
		refused  = `<ErrorResponse><Error><Code>InvalidClientTokenId</Code></Error></ErrorResponse>`
		service  = "dynamodb.eu-central-1.amazonaws.com"
		here     = "sts.eu-central-1.amazonaws.com"
		there    = "sts.us-east-1.amazonaws.com"
	)
	other := strings.ReplaceAll(identity, "111122223333", "999999999999")
	for name, test := range map[string]struct {
		hosts hosts
		want  schema.Outcome
	}{
		"no such host, STS answers":             {hosts{here: identity}, schema.Disabled},
		"no such region, STS answers elsewhere": {hosts{there: identity}, schema.Disabled},
		"no such host, nor any":                 {hosts{}, schema.Failed},
		"no such host, STS refuses":             {hosts{here: refused, there: refused}, schema.Failed},
		"no such host, STS knows another":       {hosts{here: other, there: other}, schema.Failed},
		"proxy finds no host, STS answers":      {hosts{service: "proxy", here: identity}, schema.Disabled},
		"proxy reaches nothing":                 {hosts{service: "proxy", here: "proxy", there: "proxy"}, schema.Failed},
		"proxy denies the host, STS answers":    {hosts{service: "proxy denies", here: identity}, schema.Failed},
		"region is not enabled": {hosts{service: "UnrecognizedClientException", there: identity},
			schema.Disabled},
		"credentials are wrong": {hosts{service: "UnrecognizedClientException", here: identity, there: refused},
			schema.Denied},
		"nobody knows whether they are": {hosts{service: "UnrecognizedClientException", here: identity}, schema.Denied},
		"denied": {hosts{service: "AccessDeniedException", here: identity, there: identity},
			schema.Denied},
	} {
		t.Run(name, func(t *testing.T) {
			c := collector(func(ctx context.Context, env *collect.Env, _ func(thing) error) error {
				_, err := dynamodb.NewFromConfig(env.AWS).ListTables(ctx, &dynamodb.ListTablesInput{})
				return err
			})
			var log bytes.Buffer
			cfg := config(c)
			cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
			cfg.AWS = func(region string) aws.Config {
				return aws.Config{
					Region: region, HTTPClient: test.hosts, Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
					Retryer: func() aws.Retryer { return aws.NopRetryer{} },
				}
			}
			runner := newRunner(t, cfg)
			for range 2 {
				results, err := runner.Once(t.Context())
				if results[0].Outcome != test.want || (err == nil) != (test.want == schema.Disabled) {
					t.Errorf("%s, %v; want %s", results[0].Outcome, err, test.want)
				}
				if test.want == schema.Disabled && !errors.Is(results[0].CollectErr, collect.ErrDisabled) {
					t.Errorf("error %v", results[0].CollectErr)
				}
			}
			if n := strings.Count(log.String(), "not enabled here"); (n == 1) != (test.want == schema.Disabled) || n > 1 {
				t.Errorf("said %d times:\n%s", n, &log)
			}
		})
	}
}

// TestSliceOfAServiceThatIsNotThere: one service of several is not in the region, as Macie
// among the security services. Its slice is disabled, and nothing else is.
func TestSliceOfAServiceThatIsNotThere(t *testing.T) {
	const identity = `<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::111122223333:user/a</Arn><Account>111122223333</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`
	c := costCollector([]string{"2026-01-01", "2026-01-02", "2026-01-03"}, cost{Day: day("2026-01-02"), Service: "S3"})
	rows := c.Collect
	c.Collect = func(ctx context.Context, env *collect.Env, emit func(cost) error) error {
		if err := rows(ctx, env, emit); err != nil {
			return err
		}
		_, gone := dynamodb.NewFromConfig(env.AWS).ListTables(ctx, &dynamodb.ListTablesInput{})
		return collect.SliceErrors{"2026-01-01": gone, "2026-01-03": errors.New("another fault")}
	}
	cfg := config(c)
	cfg.AWS = func(region string) aws.Config {
		return aws.Config{
			Region: region, HTTPClient: hosts{"sts.eu-central-1.amazonaws.com": identity},
			Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
			Retryer:     func() aws.Retryer { return aws.NopRetryer{} },
		}
	}
	results, _ := newRunner(t, cfg).Once(t.Context())
	for i, want := range []schema.Outcome{schema.Disabled, schema.OK, schema.Failed} {
		if results[i].Outcome != want {
			t.Errorf("%s is %s, want %s: %v", results[i].Scope.Slice, results[i].Outcome, want, results[i].CollectErr)
		}
	}
}
