package collect

import (
	"errors"

	"github.com/aws/smithy-go"

	"github.com/hubspoke/observability/lib/awsanswer"
	"github.com/hubspoke/observability/lib/schema"
)

// Errors are logged and sent with the ends of runs. Where personal data is kept from being
// sent, it must not leave by what they quote either.

// concealed is an error of AWS without its text.
type concealed struct {
	err  error
	text string
}

func (e *concealed) Error() string { return e.text }
func (e *concealed) Unwrap() error { return e.err }

// concealAnswer returns the error of a collector without what AWS wrote in it: a request that
// is denied about a user is answered with the name of the user. Service, operation and code
// stay.
func (c *collection) concealAnswer(err error) error {
	if c.personal == nil || err == nil {
		return err
	}
	var reason string
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		reason = api.ErrorCode()
	} else if _, ok := errors.AsType[*smithy.DeserializationError](err); ok {
		reason = "the answer cannot be read"
	} else {
		return err
	}
	if operation, ok := errors.AsType[*smithy.OperationError](err); ok {
		reason = operation.Service() + " " + operation.Operation() + ": " + reason
	}
	return &concealed{err, reason + " (without the text of AWS, which may name people)"}
}

// errUnreadable says what concealElement leaves of an error.
var errUnreadable = errors.New("not said, because it may quote personal data")

// concealElement returns u without what it quotes of the answer.
func concealElement(u awsanswer.Unreadable) awsanswer.Unreadable {
	u.Name, u.Err = "", errUnreadable
	return u
}

// concealValue returns the fault of a row without the value of a column that is not sent as
// it is.
func (c *collection) concealValue(fault *schema.RowError) *schema.RowError {
	if c.personal == nil || fault.Column == "" || !c.personal.Hides(fault.Column) {
		return fault
	}
	without := *fault
	without.Detail = "the value is personal data, and not shown"
	return &without
}
