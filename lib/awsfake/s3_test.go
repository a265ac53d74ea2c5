package awsfake_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/hubspoke/observability/lib/awsfake"
)

var archive = aws.String("archive")

func createBucket(t *testing.T, s *awsfake.Server) *s3.Client {
	t.Helper()
	c := s3.NewFromConfig(once(s, hub))
	must(c.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: archive}))(t)
	return c
}

func TestObjects(t *testing.T) {
	s := start(t, awsfake.Config{})
	c := createBucket(t, s)
	for i := range 7 {
		must(c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: archive,
			Key: aws.String(fmt.Sprintf("data/account=%s/%d", hub, i)), Body: strings.NewReader(strings.Repeat("x", i))}))(t)
	}
	var sizes []int64
	pages := 0
	for p := s3.NewListObjectsV2Paginator(c, &s3.ListObjectsV2Input{Bucket: archive,
		Prefix: aws.String("data/account=" + hub + "/"), MaxKeys: aws.Int32(3)}); p.HasMorePages(); pages++ {
		for _, o := range must(p.NextPage(t.Context()))(t).Contents {
			sizes = append(sizes, *o.Size)
		}
	}
	equal(t, "sizes", sizes, []int64{0, 1, 2, 3, 4, 5, 6})
	if pages != 3 {
		t.Errorf("%d pages", pages)
	}
	out := must(c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: archive, Key: aws.String("data/account=" + hub + "/5"),
		Range: aws.String("bytes=1-3")}))(t)
	defer out.Body.Close()
	if b := must(io.ReadAll(out.Body))(t); string(b) != "xxx" {
		t.Errorf("got %q", b)
	}
	_, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: archive, Key: aws.String("missing")})
	var missing *types.NoSuchKey
	if !errors.As(err, &missing) {
		t.Errorf("got %v", err)
	}
	_, err = c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: archive, Key: aws.String("data/account=" + hub + "/5"),
		Body: strings.NewReader(""), IfNoneMatch: aws.String("*")})
	wantCode(t, err, "PreconditionFailed", "")
	must(c.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: archive,
		Key: aws.String("data/account=" + hub + "/5")}))(t)
}

func TestPresignedURLsHaveACaller(t *testing.T) {
	s := start(t, awsfake.Config{})
	c := createBucket(t, s)
	must(c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: archive, Key: aws.String("k"),
		Body: strings.NewReader("x")}))(t)
	signed := must(s3.NewPresignClient(c).PresignGetObject(t.Context(),
		&s3.GetObjectInput{Bucket: archive, Key: aws.String("k")}))(t)
	denied := s.Inject(awsfake.Fault{Effect: awsfake.Deny,
		When: func(c awsfake.Call) bool { return c.Account != hub || c.Path != "/archive/k" }})
	resp := must(http.Get(signed.URL))(t)
	defer resp.Body.Close()
	if body := must(io.ReadAll(resp.Body))(t); resp.StatusCode != http.StatusOK || string(body) != "x" {
		t.Fatalf("got %s: %s", resp.Status, body)
	}
	wantCount(t, denied, 0)
	http.DefaultClient.CloseIdleConnections()
}

func TestUploadInPartsAndTheNamesOfOperations(t *testing.T) {
	s := start(t, awsfake.Config{})
	c := createBucket(t, s)
	part := bytes.Repeat([]byte("x"), 5<<20)
	upload := must(c.CreateMultipartUpload(t.Context(),
		&s3.CreateMultipartUploadInput{Bucket: archive, Key: aws.String("big")}))(t).UploadId
	var parts []types.CompletedPart
	for n := range int32(2) {
		out := must(c.UploadPart(t.Context(), &s3.UploadPartInput{Bucket: archive, Key: aws.String("big"), UploadId: upload,
			PartNumber: aws.Int32(n + 1), Body: bytes.NewReader(part)}))(t)
		parts = append(parts, types.CompletedPart{ETag: out.ETag, PartNumber: aws.Int32(n + 1)})
	}
	must(c.CompleteMultipartUpload(t.Context(), &s3.CompleteMultipartUploadInput{Bucket: archive, Key: aws.String("big"),
		UploadId: upload, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts}}))(t)
	out := must(c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: archive, Key: aws.String("big")}))(t)
	defer out.Body.Close()
	if b := must(io.ReadAll(out.Body))(t); !bytes.Equal(b, append(part, part...)) {
		t.Fatal("another object came back")
	}
	must(c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: archive, Key: aws.String("big")}))(t)
	must(c.CopyObject(t.Context(), &s3.CopyObjectInput{Bucket: archive, Key: aws.String("copy"),
		CopySource: aws.String("archive/big")}))(t)
	must(c.DeleteObjects(t.Context(), &s3.DeleteObjectsInput{Bucket: archive,
		Delete: &types.Delete{Objects: []types.ObjectIdentifier{{Key: aws.String("big")}, {Key: aws.String("copy")}}}}))(t)
	must(c.HeadBucket(t.Context(), &s3.HeadBucketInput{Bucket: archive}))(t)
	must(c.GetBucketLocation(t.Context(), &s3.GetBucketLocationInput{Bucket: archive}))(t)
	must(c.GetBucketVersioning(t.Context(), &s3.GetBucketVersioningInput{Bucket: archive}))(t)
	must(c.ListObjects(t.Context(), &s3.ListObjectsInput{Bucket: archive}))(t)
	must(c.DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: archive}))(t)
	for operation, want := range map[string]int{
		"CreateBucket": 1, "CreateMultipartUpload": 1, "UploadPart": 2, "CompleteMultipartUpload": 1, "GetObject": 1,
		"HeadObject": 1, "CopyObject": 1,
		"DeleteObjects": 1, "HeadBucket": 1, "GetBucketLocation": 1, "GetBucketVersioning": 1, "ListObjects": 1,
		"DeleteBucket": 1, "*": 14,
	} {
		if got := s.Calls("s3:" + operation); got != want {
			t.Errorf("%s was called %d times, want %d", operation, got, want)
		}
	}
}
