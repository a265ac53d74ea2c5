package collectors

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/schemas"
)

// s3Regions answers for some regions; the others cannot be reached.
type s3Regions struct {
	reached []string
	asked   map[string]int // by region, of those that cannot be
}

func (s *s3Regions) Do(r *http.Request) (*http.Response, error) {
	body := `<ListAllMyBucketsResult><Buckets>
		<Bucket><Name>a</Name><BucketRegion>eu-west-1</BucketRegion></Bucket>
		<Bucket><Name>b</Name><BucketRegion>ap-east-1</BucketRegion></Bucket>
		<Bucket><Name>c</Name><BucketRegion>ap-east-1</BucketRegion></Bucket>
		</Buckets></ListAllMyBucketsResult>`
	region := strings.Split(strings.TrimPrefix(r.URL.Host[strings.Index(r.URL.Host, "s3."):], "s3."), ".")[0]
	for _, reached := range s.reached {
		if region == reached {
			status := http.StatusOK
			if r.URL.RawQuery != "" && !strings.Contains(r.URL.RawQuery, "max-buckets") {
				status, body = http.StatusForbidden, "<Error><Code>AccessDenied</Code></Error>"
			}
			return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)),
				Request: r}, nil
		}
	}
	s.asked[region]++
	return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "i/o timeout", Name: r.URL.Host, IsTimeout: true}}
}

// TestBucketInARegionThatCannotBeReached does not end the run, and is asked for once. Where
// the home region cannot be reached, nothing is known.
func TestBucketInARegionThatCannotBeReached(t *testing.T) {
	s := &s3Regions{reached: []string{"eu-west-1"}, asked: map[string]int{}}
	env := (&answer{}).env("eu-west-1")
	env.AWS.HTTPClient = s
	var rows []schemas.S3Bucket
	err := collectS3Buckets(t.Context(), env, func(row schemas.S3Bucket) error {
		rows = append(rows, row)
		return nil
	})
	if err != nil || len(rows) != 3 {
		t.Fatalf("%d rows: %v", len(rows), err)
	}
	for _, row := range rows {
		if strings.Count(string(row.DeniedActions), "s3:") != 8 {
			t.Errorf("%s: denied_actions %s", row.BucketName, row.DeniedActions)
		}
	}
	if s.asked["ap-east-1"] != 1 {
		t.Errorf("the region that does not answer was asked %d times", s.asked["ap-east-1"])
	}
	s.reached = nil
	if err := collectS3Buckets(t.Context(), env, func(schemas.S3Bucket) error { return nil }); err == nil ||
		collect.Classify(err) != "failed" {
		t.Errorf("without the home region: %v", err)
	}
}
