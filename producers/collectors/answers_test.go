package collectors

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/schemas"
)

// answer is an HTTP client that gives every request the same answer.
type answer struct {
	status int
	body   string
	hosts  []string
	bodies []string
}

func (a *answer) Do(r *http.Request) (*http.Response, error) {
	var sent []byte
	if r.Body != nil { // a GET has none
		var err error
		if sent, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}
	a.hosts, a.bodies = append(a.hosts, r.URL.Host), append(a.bodies, string(sent))
	return &http.Response{StatusCode: a.status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(a.body)),
		Request: r}, nil
}

func (a *answer) env(region string) *collect.Env {
	return &collect.Env{
		AWS: aws.Config{
			Region:     region,
			HTTPClient: a,
			Retryer:    func() aws.Retryer { return aws.NopRetryer{} },
			Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
				return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "example"}, nil
			}),
		},
		Account: "111122223333",
		Region:  region,
		Now:     time.Date(2026, time.October, 20, 6, 30, 0, 0, time.UTC),
		Logger:  slog.New(slog.DiscardHandler),
	}
}

// costAnswer is an answer of Cost Explorer for all the days that are asked for.
// Those of the map have these groups.
func costAnswer(t *testing.T, groups map[string]string) string {
	t.Helper()
	var results []string
	for _, day := range serviceCostQuery((&answer{}).env("eu-west-1").Now).days() {
		date, err := schema.ParseDate(day)
		if err != nil {
			t.Fatal(err)
		}
		results = append(results, fmt.Sprintf(`{"TimePeriod":{"Start":%q,"End":%q},"Estimated":false,"Groups":[%s]}`, day,
			date+1, groups[day]))
	}
	return `{"ResultsByTime":[` + strings.Join(results, ",") + `]}`
}

func TestCostExplorerEndpointOfThePartition(t *testing.T) {
	for region, host := range map[string]string{
		"eu-west-1":  "ce.us-east-1.amazonaws.com",
		"us-east-1":  "ce.us-east-1.amazonaws.com",
		"cn-north-1": "ce.cn-northwest-1.amazonaws.com.cn",
	} {
		a := &answer{status: 200, body: costAnswer(t, nil)}
		if err := collectServiceCosts(t.Context(), a.env(region),
			func(schemas.ServiceCost) error { return nil }); err != nil {
			t.Errorf("%s: %v", region, err)
		}
		if len(a.hosts) != 1 || a.hosts[0] != host {
			t.Errorf("%s: asked %q, want %q", region, a.hosts, host)
		}
	}
}

func TestCostAmountsAreNeverRounded(t *testing.T) {
	const group = `{"Keys":["S","eu-west-1"],"Metrics":{"UnblendedCost":{"Amount":%s,"Unit":"USD"}}}`
	for amount, want := range map[string]string{
		`"0.0000000001"`:                 "0.0000000001",
		`"1234567890123456.0123456789"`:  "1234567890123456.0123456789",
		`"0.00000000001"`:                "", // eleven decimals
		`"many"`:                         "",
		`null`:                           "",
		`"9999999999999999999999999999"`: "9999999999999999999999999999",
	} {
		a := &answer{status: 200, body: costAnswer(t, map[string]string{"2026-10-19": fmt.Sprintf(group, amount)})}
		var rows []schemas.ServiceCost
		err := collectServiceCosts(t.Context(), a.env("eu-west-1"), func(row schemas.ServiceCost) error {
			rows = append(rows, row)
			return nil
		})
		switch {
		case want == "" && (err == nil || len(rows) > 0):
			t.Errorf("%s: %v, error %v; want no row and an error", amount, rows, err)
		case want != "" && (err != nil || len(rows) != 1 || rows[0].UnblendedCost.String() != want):
			t.Errorf("%s: %v, error %v; want one row of %s", amount, rows, err, want)
		}
	}
}

// TestOddUsageIsInTheLog once; the scenario incomplete_days has its rows.
func TestOddUsageIsInTheLog(t *testing.T) {
	const group = `{"Keys":["odd","eu-west-1"],"Metrics":{"UnblendedCost":{"Amount":"1"},"UsageQuantity":{"Amount":%q}}}`
	a := &answer{status: 200, body: costAnswer(t, map[string]string{
		"2026-10-11": fmt.Sprintf(group, "1e99"), "2026-10-12": fmt.Sprintf(group, "many"),
	})}
	env := a.env("eu-west-1")
	var log strings.Builder
	env.Logger = slog.New(slog.NewTextHandler(&log, nil))
	if err := collectServiceCosts(t.Context(), env, func(schemas.ServiceCost) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if strings.Count(log.String(), "\n") != 1 || !strings.Contains(log.String(), "lines=2") ||
		!strings.Contains(log.String(), "2026-10-11 odd") {
		t.Errorf("log:\n%s", log.String())
	}
}

func TestCostPeriod(t *testing.T) {
	for now, want := range map[string]string{
		"2026-10-20T06:30:00Z":      "2026-09-01 2026-10-19 49",
		"2026-10-31T23:59:59Z":      "2026-09-01 2026-10-30 60", // no 31st of September
		"2026-11-01T00:00:00Z":      "2026-10-01 2026-10-31 31", // the whole month before
		"2026-08-31T12:00:00Z":      "2026-07-01 2026-08-30 61",
		"2026-03-01T12:00:00Z":      "2026-02-01 2026-02-28 28",
		"2027-01-03T12:00:00Z":      "2026-12-01 2027-01-02 33",
		"2024-03-02T12:00:00Z":      "2024-02-01 2024-03-01 30", // leap year
		"2026-10-20T01:00:00+09:00": "2026-09-01 2026-10-18 48", // days are UTC days
	} {
		at, err := time.Parse(time.RFC3339, now)
		if err != nil {
			t.Fatal(err)
		}
		days := serviceCostQuery(at).days()
		if got := fmt.Sprint(days[0], " ", days[len(days)-1], " ", len(days)); got != want {
			t.Errorf("%s: %s, want %s", now, got, want)
		}
	}
}

// kmsAnswers answers the operations of KMS for an account with one customer
// managed key, but for those that the map answers: with an object or an error code.
type kmsAnswers map[string]string

func (a kmsAnswers) Do(r *http.Request) (*http.Response, error) {
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	status, body := 200, map[string]string{
		"ListAliases":          `{"Aliases":[]}`,
		"ListKeys":             `{"Keys":[{"KeyId":"k","KeyArn":"arn:k"}]}`,
		"DescribeKey":          `{"KeyMetadata":{"KeyId":"k","KeyManager":"CUSTOMER","KeySpec":"SYMMETRIC_DEFAULT","Origin":"AWS_KMS"}}`,
		"GetKeyRotationStatus": `{"KeyRotationEnabled":true}`,
		"ListResourceTags":     `{"Tags":[]}`,
	}[operation]
	switch own := a[operation]; {
	case strings.HasPrefix(own, "{"):
		body = own
	case own != "":
		status, body = 400, fmt.Sprintf(`{"__type":%q,"message":"as the test says"}`, own)
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)),
		Request: r}, nil
}

// TestKMSDetailThatIsNotAnswered: a policy may deny one detail, and some keys have
// no rotation; whatever else is wrong is so for all keys, and ends the run.
func TestKMSDetailThatIsNotAnswered(t *testing.T) {
	for _, operation := range []string{"ListAliases", "DescribeKey", "GetKeyRotationStatus", "ListResourceTags"} {
		for _, code := range []string{"AccessDeniedException", "UnrecognizedClientException", "InvalidClientTokenId",
			"UnsupportedOperationException"} {
			env := (&answer{}).env("eu-west-1")
			env.AWS.HTTPClient = kmsAnswers{operation: code}
			var rows []schemas.KMSKey
			err := collectKMSKeys(t.Context(), env, func(row schemas.KMSKey) error { rows = append(rows, row); return nil })
			switch {
			case code == "AccessDeniedException":
				if err != nil || len(rows) != 1 || string(rows[0].DeniedActions) != `["kms:`+operation+`"]` {
					t.Errorf("%s %s: error %v, rows %+v", operation, code, err, rows)
				}
			case code == "UnsupportedOperationException" && operation == "GetKeyRotationStatus":
				if err != nil || len(rows) != 1 || rows[0].RotationEnabled != nil || len(rows[0].DeniedActions) > 0 ||
					len(rows[0].Tags) == 0 {
					t.Errorf("%s %s: error %v, rows %+v", operation, code, err, rows)
				}
			case err == nil:
				t.Errorf("%s %s: no error, rows %+v", operation, code, rows)
			}
		}
	}
}

func TestFindingTimes(t *testing.T) {
	for value, want := range map[string]string{
		"2019-01-31T23:00:00Z":                "2019-01-31T23:00:00Z",
		"2019-01-31T23:00:00.123456789Z":      "2019-01-31T23:00:00.123456789Z",
		"2024-01-04T15:25:10+17:59":           "2024-01-03T21:26:10Z",
		"2024-01-04T15:25:10-1759":            "2024-01-05T09:24:10Z",
		"2024-01-04T15:25:10.123456789+17:59": "2024-01-03T21:26:10.123456789Z",
		"2024-01-04T15:25:10":                 "", // without a zone nobody knows which instant it is
		"2024-02-30T15:25:10Z":                "",
		"":                                    "",
	} {
		env := (&answer{}).env("eu-west-1")
		var finding schemas.SecurityFinding
		got := ""
		body := `{"Findings":[{"Id":"1","CreatedAt":"` + value + `"}]}`
		env.AWS.HTTPClient = &answer{status: 200, body: body}
		err := collectSecurityFindings(t.Context(), env,
			func(row schemas.SecurityFinding) error { finding = row; return nil })
		if err != nil {
			t.Fatal(err)
		}
		if at := finding.FindingCreatedAt; at != nil {
			got = at.UTC().Format(time.RFC3339Nano)
		}
		if got != want {
			t.Errorf("%q is %q, want %q", value, got, want)
		}
	}
}

func TestAllIsValid(t *testing.T) {
	if err := collect.Validate(All()...); err != nil {
		t.Error(err)
	}
	all := All()
	for i, table := range schemas.All() {
		if i >= len(all) || all[i].Table() != table {
			t.Fatalf("All does not have one collector per category, in the order of schemas.All: %s is missing", table)
		}
	}
	if len(all) != len(schemas.All()) {
		t.Errorf("%d collectors for %d categories", len(all), len(schemas.All()))
	}
}

// S3 answers a bucket's details in the region of the bucket alone.
func TestBucketsAreAskedInTheirRegion(t *testing.T) {
	a := &answer{status: http.StatusNotFound, body: `<Error><Code>NoSuchTagSet</Code></Error>`}
	env := a.env("eu-west-1")
	env.AWS.HTTPClient = s3Buckets{a,
		`<ListAllMyBucketsResult><Buckets><Bucket><Name>far</Name><BucketRegion>ap-south-1</BucketRegion></Bucket></Buckets></ListAllMyBucketsResult>`}
	err := collectS3Buckets(t.Context(), env, func(schemas.S3Bucket) error { return nil })
	if len(a.hosts) == 0 || a.hosts[0] != "far.s3.ap-south-1.amazonaws.com" {
		t.Errorf("asked %q: %v", a.hosts, err)
	}
}

// s3Buckets is an HTTP client that answers ListBuckets, and everything else as an answer does.
type s3Buckets struct {
	details *answer
	list    string
}

func (b s3Buckets) Do(r *http.Request) (*http.Response, error) {
	if r.URL.Query().Get("x-id") == "ListBuckets" {
		return (&answer{status: http.StatusOK, body: b.list}).Do(r)
	}
	return b.details.Do(r)
}
