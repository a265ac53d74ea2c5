package awsconfig_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/hubspoke/observability/lib/awsconfig"
)

// closing answers at once, and keeps the bodies of requests for later.
type closing struct{ bodies []io.ReadCloser }

func (c *closing) Do(r *http.Request) (*http.Response, error) {
	c.bodies = append(c.bodies, r.Body)
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("{}"))},
		nil
}

// TestClosedBodyEndsQuietly: net/http looks whether a body goes on after the SDK has
// closed it, and an error cuts off the answer that is being read.
func TestClosedBodyEndsQuietly(t *testing.T) {
	isolate(t, "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b")
	cfg, err := awsconfig.Load(t.Context(), awsconfig.Config{Region: "eu-central-1"})
	if err != nil {
		t.Fatal(err)
	}
	client := &closing{}
	cfg.HTTPClient = client
	_, _ = kinesis.NewFromConfig(cfg).GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: aws.String("x")})
	_, _ = awsconfig.S3(cfg).PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: aws.String("bucket"), Key: aws.String("key"), Body: bytes.NewReader([]byte("data")),
	})
	if len(client.bodies) < 2 {
		t.Fatalf("%d requests", len(client.bodies))
	}
	for i, body := range client.bodies {
		if n, err := io.Copy(io.Discard, body); n != 0 || err != nil {
			t.Errorf("request %d: %d bytes, error %v", i, n, err)
		}
	}
}
