package awsfake

import (
	"net/http"
	"strings"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

// s3 stands in for Amazon S3.
type s3 struct{ http.Handler }

func newS3(now func() time.Time) *s3 {
	clock := s3Clock(now)
	return &s3{gofakes3.New(
		s3mem.New(s3mem.WithTimeSource(clock)),
		gofakes3.WithTimeSource(clock),
		gofakes3.WithTimeSkewLimit(0), // the clock may be a test's
	).Server()}
}

// s3Clock is the server's clock in the form that gofakes3 wants.
type s3Clock func() time.Time

func (c s3Clock) Now() time.Time                  { return c() }
func (c s3Clock) Since(t time.Time) time.Duration { return c().Sub(t) }

// s3Operation names the operation of a request to S3, as the SDK names it.
func s3Operation(r *http.Request) string {
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	query := r.URL.Query()
	switch {
	case bucket == "":
		return "ListBuckets"
	case key == "":
		return s3BucketOperation(r.Method, query)
	}
	return s3ObjectOperation(r, query)
}

func s3BucketOperation(method string, query map[string][]string) string {
	has := func(name string) bool { _, ok := query[name]; return ok }
	switch method {
	case http.MethodHead:
		return "HeadBucket"
	case http.MethodPut:
		if has("versioning") {
			return "PutBucketVersioning"
		}
		return "CreateBucket"
	case http.MethodDelete:
		return "DeleteBucket"
	case http.MethodPost:
		if has("delete") {
			return "DeleteObjects"
		}
		return "PostObject"
	}
	switch {
	case has("location"):
		return "GetBucketLocation"
	case has("versioning"):
		return "GetBucketVersioning"
	case has("versions"):
		return "ListObjectVersions"
	case has("uploads"):
		return "ListMultipartUploads"
	case has("list-type"):
		return "ListObjectsV2"
	}
	return "ListObjects"
}

func s3ObjectOperation(r *http.Request, query map[string][]string) string {
	_, part := query["uploadId"]
	switch r.Method {
	case http.MethodHead:
		return "HeadObject"
	case http.MethodPut:
		switch {
		case part:
			return "UploadPart"
		case r.Header.Get("X-Amz-Copy-Source") != "":
			return "CopyObject"
		}
		return "PutObject"
	case http.MethodDelete:
		if part {
			return "AbortMultipartUpload"
		}
		return "DeleteObject"
	case http.MethodPost:
		if part {
			return "CompleteMultipartUpload"
		}
		return "CreateMultipartUpload"
	}
	if part {
		return "ListParts"
	}
	return "GetObject"
}
