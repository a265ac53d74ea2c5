package collect_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/hubspoke/observability/lib/collect"
)

// answers are those of DynamoDB to ListTables and DescribeTable; STS says who it is.
type answers func(r *http.Request) (*http.Response, error)

func (a answers) Do(r *http.Request) (*http.Response, error) {
	if strings.HasPrefix(r.URL.Host, "sts.us-east-1.") {
		return respond(r, http.StatusOK, `<GetCallerIdentityResponse><GetCallerIdentityResult>`+
			`<Arn>arn:aws:iam::111122223333:user/a</Arn><Account>111122223333</Account>`+
			`</GetCallerIdentityResult></GetCallerIdentityResponse>`), nil
	}
	return a(r)
}

func respond(r *http.Request, status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)),
		Request: r}
}

// refuse answers with an error code and a text.
func refuse(code, text string) answers {
	return func(r *http.Request) (*http.Response, error) {
		body, err := json.Marshal(map[string]string{"__type": code, "message": text})
		return respond(r, http.StatusBadRequest, string(body)), err
	}
}

// tables collects a row for each table: of a table that is denied with nothing but its name.
func tables() collect.Collector[thing] {
	c := collector(func(ctx context.Context, env *collect.Env, emit func(thing) error) error {
		client := dynamodb.NewFromConfig(env.AWS)
		list, err := client.ListTables(ctx, &dynamodb.ListTablesInput{})
		if err != nil {
			return err
		}
		for _, name := range list.TableNames {
			_, _ = client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: aws.String(name)})
			if err := emit(thing{ID: name}); err != nil {
				return err
			}
		}
		return nil
	})
	c.Calls = []string{"dynamodb:ListTables", "dynamodb:DescribeTable"}
	return c
}

// probe returns what the probe of a collector says, with these answers.
func probe(t *testing.T, c collect.Any, a answers, paid bool) collect.Probe {
	t.Helper()
	cfg := config(c)
	cfg.Services = []collect.Service{{ID: "DynamoDB", Name: "dynamodb", Rate: collect.Rate{PerSecond: 100, Burst: 100}}}
	cfg.AWS = func(region string) aws.Config {
		return aws.Config{Region: region, HTTPClient: a, Credentials: credentials.NewStaticCredentialsProvider("a", "b", "")}
	}
	probes := newRunner(t, cfg).Probe(t.Context(), paid)
	if len(probes) != 1 || probes[0].Scope.Category != c.Table().Name() {
		t.Fatalf("%+v", probes)
	}
	return probes[0]
}

// TestDenials: testdata/denied.tsv has texts of AWS from public issues and documents, with
// the reason and the policy that they name.
func TestDenials(t *testing.T) {
	text, err := os.ReadFile("testdata/denied.tsv")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if len(lines) != 25 {
		t.Errorf("%d texts", len(lines))
	}
	for _, line := range lines {
		fields := strings.Split(line, "\t")
		message := strings.ReplaceAll(fields[2], `\n`, "\n")
		p := probe(t, tables(), refuse("AccessDeniedException", message), false)
		if p.Verdict != collect.ProbeDenied || string(p.Reason) != fields[0] || p.Policy != fields[1] {
			t.Errorf("%s %s by %q, want %s by %q: %s", p.Verdict, p.Reason, p.Policy, fields[0], fields[1], message)
		}
	}
}

// TestProbeVerdicts: what is off is no fault, and the rest has a reason.
func TestProbeVerdicts(t *testing.T) {
	skewed := func(r *http.Request) (*http.Response, error) {
		response, err := refuse("InvalidSignatureException", "Signature expired: 2026 is now earlier than 2026")(r)
		response.Header.Set("Date", time.Now().Add(-2*time.Hour).UTC().Format(http.TimeFormat))
		return response, err
	}
	for name, test := range map[string]struct {
		answers answers
		verdict collect.Verdict
		reason  collect.Reason
		text    string
	}{
		"no rows": {func(r *http.Request) (*http.Response, error) { return respond(r, http.StatusOK, "{}"), nil },
			collect.ProbeOK, "", ""},
		"not subscribed": {refuse("OptInRequired", ""), collect.ProbeOff, collect.ReasonServiceOff, ""},
		"no plan":        {refuse("SubscriptionRequiredException", ""), collect.ProbeOff, collect.ReasonSupportPlan, ""},
		"region off":     {refuse("UnrecognizedClientException", ""), collect.ProbeOff, collect.ReasonRegionOff, ""},
		"expired":        {refuse("ExpiredTokenException", ""), collect.ProbeFailed, collect.ReasonCredentials, ""},
		"wrong key": {refuse("InvalidSignatureException", "no match"), collect.ProbeFailed, collect.ReasonCredentials,
			""},
		"skewed":    {skewed, collect.ProbeFailed, collect.ReasonClock, "the clock of this machine is 2h0m"},
		"throttled": {refuse("ThrottlingException", ""), collect.ProbeFailed, collect.ReasonThrottled, ""},
		"unknown":   {refuse("InternalServerError", "oh"), collect.ProbeFailed, collect.ReasonOther, "oh"},
		"no such host": {func(r *http.Request) (*http.Response, error) { return hosts{}.Do(r) },
			collect.ProbeOff, collect.ReasonNotOffered, "no such host"},
		"proxy": {func(r *http.Request) (*http.Response, error) {
			return hosts{r.URL.Host: "proxy denies"}.Do(r)
		}, collect.ProbeUnreachable, collect.ReasonUnreachable, ""},
		"connection": {func(*http.Request) (*http.Response, error) { return nil, errors.New("connection refused") },
			collect.ProbeUnreachable, collect.ReasonUnreachable, "connection refused"},
	} {
		p := probe(t, tables(), test.answers, false)
		if p.Verdict != test.verdict || p.Reason != test.reason {
			t.Errorf("%s: %s %q, want %s %q: %v", name, p.Verdict, p.Reason, test.verdict, test.reason, p.Err)
		}
		if p.Err != nil && !strings.Contains(p.Err.Error(), test.text) {
			t.Errorf("%s: %v", name, p.Err)
		}
	}
}

// TestProbeSeesDetailsThatAreDenied, which the collector leaves out, and stops at the first row.
func TestProbeSeesDetailsThatAreDenied(t *testing.T) {
	p := probe(t, tables(), func(r *http.Request) (*http.Response, error) {
		if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".ListTables") {
			return respond(r, http.StatusOK, `{"TableNames":["a","b","c"]}`), nil
		}
		return refuse("AccessDeniedException", "because no identity-based policy allows it")(r)
	}, false)
	if p.Verdict != collect.ProbeDenied || p.Reason != collect.ReasonIdentity || len(p.Calls) != 2 ||
		p.Calls[1].Call != "dynamodb:DescribeTable" || p.Calls[1].Code != "AccessDeniedException" || len(p.Untried) > 0 {
		t.Errorf("%+v", p)
	}
	p = probe(t, tables(), func(r *http.Request) (*http.Response, error) { return respond(r, http.StatusOK, "{}"), nil },
		false)
	if !slices.Equal(p.Untried, []string{"dynamodb:DescribeTable"}) {
		t.Errorf("untried %q", p.Untried)
	}
}

// TestProbeKeepsItsBudget of requests and time, without retries.
func TestProbeKeepsItsBudget(t *testing.T) {
	many := collector(func(ctx context.Context, env *collect.Env, _ func(thing) error) error {
		for range 100 {
			if _, err := dynamodb.NewFromConfig(env.AWS).ListTables(ctx, &dynamodb.ListTablesInput{}); err != nil {
				return err
			}
		}
		return nil
	})
	requests := 0
	p := probe(t, many, func(r *http.Request) (*http.Response, error) {
		requests++
		return respond(r, http.StatusOK, "{}"), nil
	}, false)
	if requests != 8 || p.Verdict != collect.ProbeOK {
		t.Errorf("%d requests: %+v", requests, p)
	}
	requests = 0
	p = probe(t, many, func(r *http.Request) (*http.Response, error) {
		requests++
		return refuse("ThrottlingException", "")(r)
	}, false)
	if requests != 1 || p.Verdict != collect.ProbeFailed {
		t.Errorf("%d requests: %+v", requests, p)
	}
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		p := probe(t, many, func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}, false)
		if took := time.Since(start); took != 10*time.Second || p.Verdict != collect.ProbeUnreachable {
			t.Errorf("after %v: %+v", took, p)
		}
	})
	many.PaidRequests = 1
	if p := probe(t, many, refuse("AccessDeniedException", ""), false); p.Verdict != collect.ProbeSkipped ||
		len(p.Calls) > 0 {
		t.Errorf("%+v", p)
	}
	if p := probe(t, many, refuse("AccessDeniedException", ""), true); p.Verdict != collect.ProbeDenied {
		t.Errorf("%+v", p)
	}
}
