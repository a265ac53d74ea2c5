package awsanswer_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/hubspoke/observability/lib/awsanswer"
)

// reply is one answer of a server.
type reply struct {
	status      int // 0 is 200
	contentType string
	body        string
	header      map[string]string
}

// serve returns a configuration for a server that gives these answers, one after the
// other and the last one for ever, and a count of the requests.
func serve(t *testing.T, replies ...reply) (aws.Config, *int) {
	t.Helper()
	requests := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		reply := replies[min(requests, len(replies)-1)]
		requests++
		w.Header().Set("Content-Type", reply.contentType)
		for name, value := range reply.header {
			w.Header().Set(name, value)
		}
		if reply.status != 0 {
			w.WriteHeader(reply.status)
		}
		fmt.Fprint(w, reply.body)
	}))
	t.Cleanup(server.Close)
	return awsanswer.Install(awsanswer.Install(aws.Config{
		Region:       "eu-west-1",
		BaseEndpoint: aws.String(server.URL),
		HTTPClient:   server.Client(),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "example"}, nil
		}),
		Retryer: func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) {
				o.MaxAttempts = 2
				o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
			})
		},
	})), &requests
}

const (
	page = "<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>hotel</body></html>"
	sign = "<html><body>hotel<br></body></html>" // not even XML
)

func pathStyle(o *s3.Options) { o.UsePathStyle = true }

// calls are operations of each protocol that this module's library uses, with a
// success of each.
var calls = []struct {
	name string
	call func(context.Context, aws.Config) error
	good reply
	bad  []string
}{
	{"JSON 1.1, other deserializers", func(ctx context.Context, c aws.Config) error {
		_, err := kinesis.NewFromConfig(c).ListShards(ctx, &kinesis.ListShardsInput{StreamName: aws.String("s")})
		return err
	}, reply{body: `{}`}, []string{"", " \n", "null", "[]", `"x"`, "OK", page, `{"Shards":[`}},
	{"JSON without members", func(ctx context.Context, c aws.Config) error {
		_, err := kinesis.NewFromConfig(c).DeleteStream(ctx, &kinesis.DeleteStreamInput{StreamName: aws.String("s")})
		return err
	}, reply{}, []string{page, "OK"}},
	{"JSON 1.0, schemas", func(ctx context.Context, c aws.Config) error {
		_, err := dynamodb.NewFromConfig(c).ListTables(ctx, &dynamodb.ListTablesInput{})
		return err
	}, reply{body: `{"TableNames":[]}`}, []string{"", "null", "[]", "OK", page, `{"TableNames":[`}},
	{"query", func(ctx context.Context, c aws.Config) error {
		_, err := sts.NewFromConfig(c).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
		return err
	}, reply{body: identity}, []string{"", page, sign, "OK", `{"Account":"1"}`, "<ErrorResponse/>",
		strings.TrimSuffix(identity, ">")[:120]}},
	{"XML", func(ctx context.Context, c aws.Config) error {
		_, err := s3.NewFromConfig(c, pathStyle).ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String("b")})
		return err
	}, reply{body: `<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>`},
		[]string{"", page, sign, "OK", `<ListBucketResult><IsTruncated>`}},
	{"XML in headers", func(ctx context.Context, c aws.Config) error {
		_, err := s3.NewFromConfig(c, pathStyle).PutObject(ctx,
			&s3.PutObjectInput{Bucket: aws.String("b"), Key: aws.String("k")})
		return err
	}, reply{}, []string{page}},
	{"no content", func(ctx context.Context, c aws.Config) error {
		_, err := s3.NewFromConfig(c, pathStyle).DeleteObject(ctx,
			&s3.DeleteObjectInput{Bucket: aws.String("b"), Key: aws.String("k")})
		return err
	}, reply{status: http.StatusNoContent}, nil},
	{"no members", func(ctx context.Context, c aws.Config) error {
		_, err := s3.NewFromConfig(c, pathStyle).DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: aws.String("b")})
		return err
	}, reply{}, []string{page}},
	{"head", func(ctx context.Context, c aws.Config) error {
		_, err := s3.NewFromConfig(c, pathStyle).HeadBucket(ctx, &s3.HeadBucketInput{Bucket: aws.String("b")})
		return err
	}, reply{}, nil},
}

const identity = `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Arn>arn:aws:iam::111122223333:user/a</Arn>` +
	`<Account>111122223333</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`

// A success that is no answer of the operation is tried again, and then an error.
func TestOnlyAnswersAreBelieved(t *testing.T) {
	for _, c := range calls {
		t.Run(c.name, func(t *testing.T) {
			config, requests := serve(t, c.good)
			if err := c.call(t.Context(), config); err != nil || *requests != 1 {
				t.Errorf("a good answer: %v after %d requests", err, *requests)
			}
			for _, bad := range c.bad {
				config, requests := serve(t, reply{body: bad}, c.good)
				if err := c.call(t.Context(), config); err != nil || *requests != 2 {
					t.Errorf("%.40q once: %v after %d requests", bad, err, *requests)
				}
				config, _ = serve(t, reply{body: bad})
				var wrong *awsanswer.Error
				if err := c.call(t.Context(), config); !errors.As(err, &wrong) || wrong.Operation == "" || wrong.Service == "" {
					t.Errorf("%.40q for ever: %v", bad, err)
				}
			}
		})
	}
}

// The body of an object is handed on as it is, whatever it is.
func TestStreamsAreLeftAlone(t *testing.T) {
	for _, want := range []string{"", page, "null", "\x00\x1b", "<a>\x1b</a>"} {
		config, _ := serve(t, reply{body: want, contentType: "text/xml"})
		out, err := s3.NewFromConfig(config, pathStyle).GetObject(t.Context(),
			&s3.GetObjectInput{Bucket: aws.String("b"), Key: aws.String("k")})
		if err != nil {
			t.Errorf("%q: %v", want, err)
			continue
		}
		got, err := io.ReadAll(out.Body)
		out.Body.Close()
		if err != nil || string(got) != want {
			t.Errorf("got %q, %v; want %q", got, err, want)
		}
	}
}

func TestTimesAreExact(t *testing.T) {
	for text, want := range map[string]string{
		"253402300799":             "9999-12-31T23:59:59Z", // RFC 5280: no end
		"2.53402300799E11":         "9999-12-31T23:59:59Z",
		"2.53402300799e+11":        "9999-12-31T23:59:59Z",
		"253402300799.999":         "9999-12-31T23:59:59.999Z",
		"253402300799.999999":      "9999-12-31T23:59:59.999999Z",
		"-62135596800":             "0001-01-01T00:00:00Z",
		"-11676096000":             "1600-01-01T00:00:00Z",
		"9223372037":               "2262-04-11T23:47:17Z",
		"9223372036.855":           "2262-04-11T23:47:16.855Z",
		"1760000000":               "2025-10-09T08:53:20Z",
		"1760000000.123":           "2025-10-09T08:53:20.123Z",
		"1760000000.123456":        "2025-10-09T08:53:20.123456Z",
		"1.760000000123456789E9":   "2025-10-09T08:53:20.123456789Z",
		"17600000001234567890E-10": "2025-10-09T08:53:20.123456789Z",
		"0":                        "1970-01-01T00:00:00Z",
		"-1.5":                     "1969-12-31T23:59:58.5Z",
		"1000000001":               "2001-09-09T01:46:41Z", // as a mark looks
	} {
		// The other numbers are no times, and stay what they are.
		body := fmt.Sprintf(
			`{"Table":{"TableName":"a\"\\","ItemCount":9223372036854775807,"TableSizeBytes":253402300799,"CreationDateTime":%s,`+
				`"ProvisionedThroughput":{"LastIncreaseDateTime":253402300800}}}`, text)
		config, _ := serve(t, reply{body: body})
		out, err := dynamodb.NewFromConfig(config).DescribeTable(t.Context(),
			&dynamodb.DescribeTableInput{TableName: aws.String("a")})
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		table := out.Table
		if got := table.CreationDateTime.Format(time.RFC3339Nano); got != want {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
		if *table.ItemCount != 9223372036854775807 || *table.TableSizeBytes != 253402300799 || *table.TableName != `a"\` ||
			table.ProvisionedThroughput.LastIncreaseDateTime.Year() != 10000 {
			t.Errorf("%s changed something else: %+v", text, table)
		}

		config, _ = serve(t, reply{body: fmt.Sprintf(
			`{"Records":[{"SequenceNumber":"1","Data":"","PartitionKey":"p","ApproximateArrivalTimestamp":%s}],"MillisBehindLatest":99223372036854}`, text)})
		records, err := kinesis.NewFromConfig(config).GetRecords(t.Context(),
			&kinesis.GetRecordsInput{ShardIterator: aws.String("i")})
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := records.Records[0].ApproximateArrivalTimestamp.Format(time.RFC3339Nano); got != want ||
			*records.MillisBehindLatest != 99223372036854 {
			t.Errorf("%s in a list is %s, want %s", text, got, want)
		}
	}
	// What no year holds stays far away, and is no wrong year.
	config, _ := serve(t, reply{body: `{"Table":{"CreationDateTime":1e300}}`})
	out, err := dynamodb.NewFromConfig(config).DescribeTable(t.Context(),
		&dynamodb.DescribeTableInput{TableName: aws.String("a")})
	if err != nil || out.Table.CreationDateTime.Year() < 1_000_000 {
		t.Errorf("1e300 is %v, %v", out.Table.CreationDateTime, err)
	}
}

// collect returns a context and what is reported to it.
func collect(ctx context.Context) (context.Context, *[]string) {
	var reported []string
	return awsanswer.OnUnreadable(ctx, func(u awsanswer.Unreadable) {
		reported = append(reported, u.String())
		if u.Err == nil {
			reported = append(reported, "without an error")
		}
	}), &reported
}

// What can be read arrives, with the token of the next page.
func TestUnreadableElementsAreLeftOut(t *testing.T) {
	record := func(number, arrival string) string {
		return fmt.Sprintf(`{"SequenceNumber":%s,"Data":"","PartitionKey":"p","ApproximateArrivalTimestamp":%s}`, number,
			arrival)
	}
	records := []string{record(`"0"`, "1"), record("1", "1"), record(`"2"`, `"noon"`), record(`"3"`, "253402300799"),
		record(`"4"`, "[]")}
	config, requests := serve(t, reply{body: `{"NextShardIterator":"next","Records":[ ` + strings.Join(records, " , ") +
		` ]}`})
	client := kinesis.NewFromConfig(config)
	in := &kinesis.GetRecordsInput{ShardIterator: aws.String("i")}

	if _, err := client.GetRecords(t.Context(), in); err == nil {
		t.Error("nobody to report to: no error")
	}
	ctx, reported := collect(t.Context())
	out, err := client.GetRecords(ctx, in)
	if err != nil {
		t.Fatal(err)
	}
	if *out.NextShardIterator != "next" || len(out.Records) != 2 || *out.Records[0].SequenceNumber != "0" ||
		*out.Records[1].SequenceNumber != "3" ||
		out.Records[1].ApproximateArrivalTimestamp.Year() != 9999 {
		t.Errorf("got %+v", out)
	}
	want := []string{"Kinesis GetRecords: element 1 of Records (p)", "Kinesis GetRecords: element 2 of Records (p)",
		"Kinesis GetRecords: element 4 of Records (p)"}
	if fmt.Sprint(*reported) != fmt.Sprint(want) || *requests != 2 {
		t.Errorf("reported %q after %d requests, want %q", *reported, *requests, want)
	}

	for name, body := range map[string]string{
		"outside of a list": `{"MillisBehindLatest":"now","Records":[` + records[0] + `]}`,
		"too many":          `{"Records":[` + strings.Repeat(records[1]+",", 101) + records[0] + `]}`,
	} {
		config, _ = serve(t, reply{body: body})
		ctx, reported = collect(t.Context())
		if _, err := kinesis.NewFromConfig(config).GetRecords(ctx, in); err == nil || len(*reported) > 0 {
			t.Errorf("%s: %v, reported %q", name, err, *reported)
		}
	}
}

// The same for clients that have one result for all attempts.
func TestUnreadableElementsOfSchemas(t *testing.T) {
	config, _ := serve(t, reply{body: `{"TableNames":["a",7,"b"],"LastEvaluatedTableName":"b"}`})
	ctx, reported := collect(t.Context())
	out, err := dynamodb.NewFromConfig(config).ListTables(ctx, &dynamodb.ListTablesInput{})
	if err != nil || fmt.Sprint(out.TableNames) != "[a b]" || aws.ToString(out.LastEvaluatedTableName) != "b" {
		t.Errorf("got %+v, %v", out, err)
	}
	if fmt.Sprint(*reported) != "[DynamoDB ListTables: element 1 of TableNames]" {
		t.Errorf("reported %q", *reported)
	}
}

func TestForbiddenCharactersOfXML(t *testing.T) {
	const body = `<ListBucketResult><IsTruncated>false</IsTruncated><Prefix>%s</Prefix></ListBucketResult>`
	for text, want := range map[string]string{
		"a\x1bb":           "a\uFFFDb",
		"&#x1B;&#27;&#0;":  "\uFFFD\uFFFD\uFFFD",
		"\xff\xfe":         "\uFFFD\uFFFD",
		"\uFFFF&#xD800;":   "\uFFFD\uFFFD",
		"&#233;&amp;&#x9;": "é&\t",
		"ü \U0001F600":     "ü \U0001F600",
	} {
		config, _ := serve(t, reply{contentType: "application/xml", body: fmt.Sprintf(body, text)})
		out, err := s3.NewFromConfig(config, pathStyle).ListObjectsV2(t.Context(),
			&s3.ListObjectsV2Input{Bucket: aws.String("b")})
		if err != nil || *out.Prefix != want {
			t.Errorf("%q: %v, %v", text, out, err)
		}
	}
}
