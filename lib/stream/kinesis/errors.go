package kinesis

import (
	"errors"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"
)

// errAnswer says that an answer makes no sense.
var errAnswer = errors.New("a wrong answer")

// throttleCodes come beside those that the SDK knows for all services, such as
// ProvisionedThroughputExceededException and LimitExceededException.
var throttleCodes = map[string]struct{}{"KMSThrottlingException": {}}

// transientCodes are errors of the server that pass. InternalFailure is also
// the code of single records.
var transientCodes = map[string]struct{}{
	"InternalFailure":          {},
	"InternalFailureException": {},
	"ServiceUnavailable":       {},
	"ResourceInUseException":   {}, // the stream is being created or changed
}

var (
	throttles = retry.IsErrorRetryables{
		retry.RetryableErrorCode{Codes: retry.DefaultThrottleErrorCodes},
		retry.RetryableErrorCode{Codes: throttleCodes},
	}
	transients = append(retry.IsErrorRetryables{
		retry.RetryableErrorCode{Codes: throttleCodes},
		retry.RetryableErrorCode{Codes: transientCodes},
	}, retry.DefaultRetryables...)
)

// isThrottle reports whether the caller must send less.
func isThrottle(err error) bool { return throttles.IsErrorRetryable(err) == aws.TrueTernary }

// isTransient reports whether sending the same again can help: throttling,
// faults of the server and of the connection, and a clock that the SDK has
// corrected by now.
func isTransient(err error) bool {
	return errors.Is(err, errTimeout) || errors.Is(err, errAnswer) ||
		errors.Is(err, io.ErrUnexpectedEOF) || // the answer was cut off
		transients.IsErrorRetryable(err) == aws.TrueTernary
}

// code is the error code of an AWS error, or "".
func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// nextSteps tell people what to do about an error that does not pass, by code.
var nextSteps = map[string]string{
	"AccessDeniedException": "allow kinesis:PutRecords on it in the policy of the role and, from another " +
		"account, in the resource policy of the stream too",
	"ResourceNotFoundException": "check its name, account and region with `aws kinesis describe-stream-summary`",
	"KMSAccessDeniedException": "allow kms:GenerateDataKey on the key of the stream, in the policy of the role and " +
		"in the policy of the key",
	"KMSDisabledException":     "enable the KMS key of the stream: `aws kms enable-key`",
	"KMSInvalidStateException": "check the KMS key of the stream with `aws kms describe-key`: it must be Enabled",
	"KMSNotFoundException": "the KMS key of the stream is gone: give the stream another with `aws kinesis " +
		"start-stream-encryption`",
	"KMSOptInRequired": "the account of the KMS key has no access to KMS",
	"ValidationException": "check the limits of the publisher against those of the stream with `aws kinesis " +
		"describe-stream-summary`",
	"InvalidArgumentException": "check the limits of the publisher against those of the stream with `aws kinesis " +
		"describe-stream-summary`",
	"UnrecognizedClientException": "check the credentials with `aws sts get-caller-identity`",
	"InvalidSignatureException": "check the credentials with `aws sts get-caller-identity`, and the clock of this " +
		"machine",
}

// explain names the stream and, where it is known, the next step.
func (p *Publisher) explain(err error) error {
	if step := nextSteps[code(err)]; step != "" {
		return fmt.Errorf("kinesis stream %s: %w; %s", p.cfg.Stream, err, step)
	}
	return fmt.Errorf("kinesis stream %s: %w", p.cfg.Stream, err)
}
