package collect

import (
	"errors"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/hubspoke/observability/lib/schema"
)

// ErrDisabled is matched by errors.Is for the errors that [Disabled] returns.
var ErrDisabled = errors.New("the service is not enabled")

// Disabled marks err as the answer of a service that the account or region has
// not enabled, where the error code alone does not say so. nil stays nil.
func Disabled(err error) error {
	if err == nil {
		return nil
	}
	return &disabledError{err}
}

type disabledError struct{ error }

func (e *disabledError) Is(target error) bool { return target == ErrDisabled }
func (e *disabledError) Unwrap() error        { return e.error }

// outcomes of AWS error codes. Codes of throttling are the SDK's own list.
var outcomes = map[string]schema.Outcome{
	"AccessDenied":                      schema.Denied,
	"AccessDeniedException":             schema.Denied,
	"AuthFailure":                       schema.Denied, // EC2; also for a region that the account has not enabled
	"AuthorizationError":                schema.Denied, // SNS
	"ForbiddenException":                schema.Denied,
	"InvalidClientTokenId":              schema.Denied, // also for a region that the account has not enabled
	"UnauthorizedException":             schema.Denied,
	"UnauthorizedOperation":             schema.Denied, // EC2
	"UnrecognizedClientException":       schema.Denied, // also for a region that the account has not enabled
	"AWSOrganizationsNotInUseException": schema.Disabled,
	"NotSignedUp":                       schema.Disabled, // S3
	"OptInRequired":                     schema.Disabled,
	"OptInRequiredException":            schema.Disabled, // Compute Optimizer
	"SubscriptionRequiredException":     schema.Disabled, // Support, Health
}

// Classify returns the outcome of a run that ended with err before it had a row.
// It goes by type and error code, never by message: [ErrDisabled], the codes of
// denied, throttled and disabled requests, else Failed. Context errors are
// Failed; nil is OK.
func Classify(err error) schema.Outcome {
	if err == nil {
		return schema.OK
	}
	if errors.Is(err, ErrDisabled) {
		return schema.Disabled
	}
	var api smithy.APIError
	if errors.As(err, &api) {
		if outcome, known := outcomes[api.ErrorCode()]; known {
			return outcome
		}
		if _, throttled := retry.DefaultThrottleErrorCodes[api.ErrorCode()]; throttled {
			return schema.Throttled
		}
	}
	// Some services answer with a bare status and a code of their own.
	var response *smithyhttp.ResponseError
	if errors.As(err, &response) && response.HTTPStatusCode() == http.StatusTooManyRequests {
		return schema.Throttled
	}
	return schema.Failed
}
