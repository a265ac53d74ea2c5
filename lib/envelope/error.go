package envelope

import (
	"fmt"

	"github.com/hubspoke/observability/lib/schema"
)

// Why a record is refused, in the order of the checks.
const (
	ReasonKPL         schema.Reason = "kpl"                 // aggregated by the Kinesis Producer Library
	ReasonNotEnvelope schema.Reason = "not_envelope"        // bytes of some other format
	ReasonVersion     schema.Reason = "version"             // an envelope of another version
	ReasonHeader      schema.Reason = "header"              // the header line is malformed or contradicts itself
	ReasonCodec       schema.Reason = "codec"               // the codec or dictionary is not known
	ReasonTooLarge                  = schema.ReasonTooLarge // the decoded body is larger than MaxSize or SizeLimit
	ReasonHash        schema.Reason = "hash"                // the body, as it travels, has another SHA-256
	ReasonCorrupt     schema.Reason = "corrupt"             // the body does not decompress to the declared size
	ReasonRows        schema.Reason = "rows"                // the decoded body has another number of lines
)

// Error says why a record is refused.
type Error struct {
	// Reason as a code.
	Reason schema.Reason
	// Detail for people: what is wrong and what is expected.
	Detail string
}

// Error returns reason and detail.
func (e *Error) Error() string { return fmt.Sprintf("envelope: %s: %s", e.Reason, e.Detail) }

func refuse(reason schema.Reason, format string, args ...any) error {
	return &Error{reason, fmt.Sprintf(format, args...)}
}

// RowTooLargeError says that a row fits in no record.
type RowTooLargeError struct {
	// Size of the row in bytes.
	Size int
	// Limit is the largest size that fits.
	Limit int
}

// Error names both sizes.
func (e *RowTooLargeError) Error() string {
	return fmt.Sprintf("envelope: a row of %d bytes fits in no record, the limit is %d", e.Size, e.Limit)
}
