package archive

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/hubspoke/observability/lib/internal/parquet"
	"github.com/hubspoke/observability/lib/schema"
)

// Why an object of the archive is refused.
const (
	ReasonKey        schema.Reason = "key"                 // the name of the object is not one that the archive gives
	ReasonManifest   schema.Reason = "manifest"            // the manifest is malformed or contradicts itself or its place
	ReasonMissing    schema.Reason = "missing_object"      // the manifest names a file that is not there
	ReasonHash       schema.Reason = "hash"                // the file has another size or SHA-256 than the manifest says
	ReasonRows       schema.Reason = "rows"                // the file has another number of rows than the manifest says
	ReasonUnreadable schema.Reason = "unreadable"          // S3 does not hand the object out, from Glacier for example
	ReasonCorrupt                  = parquet.ReasonCorrupt // the file is not the Parquet that this package writes
	ReasonColumn                   = parquet.ReasonColumn  // a column has another type than the table
	ReasonTooLarge                 = schema.ReasonTooLarge // the object is or would decode to more than the limits allow
)

// Error says why an object is refused. A row that breaks a rule of its table is a
// [*schema.RowError] instead, wrapped with the number of the row; it refuses the
// whole file too.
type Error struct {
	// Reason as a code.
	Reason schema.Reason
	// Detail for people.
	Detail string
}

// Error returns reason and detail.
func (e *Error) Error() string { return fmt.Sprintf("archive: %s: %s", e.Reason, e.Detail) }

func refuse(reason schema.Reason, format string, args ...any) error {
	return &Error{reason, fmt.Sprintf(format, args...)}
}

// ofFile makes an Error of what the file format says is wrong with a file. prefix
// names the file, if it has a name.
func ofFile(prefix string, err error) error {
	if e, ok := errors.AsType[*parquet.Error](err); ok {
		return refuse(e.Reason, "%s%s", prefix, e.Detail)
	}
	return fmt.Errorf("archive: %s%w", prefix, err)
}

// ofCaller are the codes with which S3 refuses the request whatever the object is:
// they are about the credentials, the clock or the bucket.
var ofCaller = map[string]bool{
	"AccountProblem":               true,
	"AllAccessDisabled":            true,
	"AuthorizationHeaderMalformed": true,
	"ExpiredToken":                 true,
	"InvalidAccessKeyId":           true,
	"InvalidSecurity":              true,
	"InvalidToken":                 true,
	"NoSuchBucket":                 true,
	"NotSignedUp":                  true,
	"RequestTimeTooSkewed":         true,
	"SignatureDoesNotMatch":        true,
	"TokenRefreshRequired":         true,
}

// ofObject reports whether err is the answer of S3, and not of who gives the
// credentials, that it does not hand out this object: others it may.
func ofObject(err error) bool {
	if _, ok := errors.AsType[s3.ResponseError](err); !ok {
		return false
	}
	response, ok := errors.AsType[*smithyhttp.ResponseError](err)
	if !ok || response.HTTPStatusCode() < http.StatusBadRequest ||
		response.HTTPStatusCode() >= http.StatusInternalServerError {
		return false
	}
	api, ok := errors.AsType[smithy.APIError](err)
	return ok && !ofCaller[api.ErrorCode()] && retry.IsErrorRetryables(retry.DefaultRetryables).IsErrorRetryable(
		err) != aws.TrueTernary
}
