package parquet

import (
	"fmt"

	"github.com/hubspoke/observability/lib/schema"
)

// Why a file is refused.
const (
	ReasonCorrupt  schema.Reason = "corrupt"             // the file is not the Parquet that Encode writes
	ReasonColumn   schema.Reason = "wrong_column"        // a column has another type than the table
	ReasonTooLarge               = schema.ReasonTooLarge // the file is or would decode to more than the limits allow
)

// Error says why a file is refused, or a record that would become one.
type Error struct {
	// Reason as a code.
	Reason schema.Reason
	// Detail for people.
	Detail string
}

// Error returns reason and detail.
func (e *Error) Error() string { return fmt.Sprintf("parquet: %s: %s", e.Reason, e.Detail) }

func refuse(reason schema.Reason, format string, args ...any) error {
	return &Error{reason, fmt.Sprintf(format, args...)}
}

func corrupt(format string, args ...any) error { return refuse(ReasonCorrupt, format, args...) }
