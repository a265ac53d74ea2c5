package collecttest

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsxml "github.com/aws/aws-sdk-go-v2/aws/protocol/xml"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/schema"
)

// TestRefusalsOfEachProtocol asks real clients; those of the other protocols are not
// in the library.
func TestRefusalsOfEachProtocol(t *testing.T) {
	for name, ask := range map[string]func(context.Context, aws.Config) error{
		"awsjson": func(ctx context.Context, cfg aws.Config) error {
			_, err := kinesis.NewFromConfig(cfg).ListStreams(ctx, nil)
			return err
		},
		"query": func(ctx context.Context, cfg aws.Config) error {
			_, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, nil)
			return err
		},
		"S3": func(ctx context.Context, cfg aws.Config) error {
			_, err := s3.NewFromConfig(cfg).ListBuckets(ctx, nil)
			return err
		},
		"S3, a bucket": func(ctx context.Context, cfg aws.Config) error {
			_, err := s3.NewFromConfig(cfg).GetBucketTagging(ctx, &s3.GetBucketTaggingInput{Bucket: aws.String("orders")})
			return err
		},
	} {
		for f, want := range map[fault]schema.Outcome{denied: schema.Denied, throttled: schema.Throttled} {
			r := &replay{fault: f, times: attempts, calls: map[string]string{}}
			err := ask(t.Context(), config(Region, r))
			if got := collect.Classify(err); got != want {
				t.Errorf("%s: outcome %s, want %s: %v", name, got, want, err)
			}
			if asked := map[fault]int{denied: 1, throttled: attempts}[f]; r.requests != asked {
				t.Errorf("%s, %s: %d requests, want %d", name, want, r.requests, asked)
			}
		}
	}
}

func TestProtocolOf(t *testing.T) {
	const form = "application/x-www-form-urlencoded"
	for _, test := range []struct{ service, contentType, target, want string }{
		{"ec2", form, "", "UnauthorizedOperation"},
		{"iam", form, "", "<ErrorResponse>"},
		{"cloudfront", "", "", "<ErrorResponse>"},
		{"route53", "", "", "<ErrorResponse>"},
		{"s3", "", "", "<Error><Code>AccessDenied"},
		{"kms", "application/x-amz-json-1.1", "TrentService.ListKeys", `"__type":"AccessDeniedException"`},
		{"securityhub", "application/json", "", `"Message"`},
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://a.example", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization",
			"AWS4-HMAC-SHA256 Credential=AKID/20261020/eu-west-1/"+test.service+"/aws4_request, x")
		request.Header.Set("Content-Type", test.contentType)
		request.Header.Set("X-Amz-Target", test.target)
		answer := refuse(request, denied)
		body, err := io.ReadAll(answer.Body)
		if err != nil || !strings.Contains(string(body), test.want) {
			t.Errorf("%s: %s, error %v; want %s", test.service, body, err, test.want)
		}
		if header := answer.Header.Get("X-Amzn-Errortype"); (header != "") != (test.service == "securityhub") {
			t.Errorf("%s: the header has the code %q", test.service, header)
		}
		if test.service == "cloudfront" {
			parts, err := awsxml.GetErrorResponseComponents(bytes.NewReader(body), false)
			if err != nil || parts.Code != "AccessDenied" {
				t.Errorf("the SDK reads %+v, error %v", parts, err)
			}
		}
	}
}
