package archive

import (
	"fmt"

	"github.com/hubspoke/observability/lib/schema"
)

// Why an object of the archive is refused.
const (
	ReasonKey      schema.Reason = "key"                 // the name of the object is not one that the archive gives
	ReasonManifest schema.Reason = "manifest"            // the manifest is malformed or contradicts itself or its place
	ReasonMissing  schema.Reason = "missing_object"      // the manifest names a file that is not there
	ReasonHash     schema.Reason = "hash"                // the file has another size or SHA-256 than the manifest says
	ReasonRows     schema.Reason = "rows"                // the file has another number of rows than the manifest says
	ReasonCorrupt  schema.Reason = "corrupt"             // the file is not the Parquet that this package writes
	ReasonColumn   schema.Reason = "wrong_column"        // a column has another type than the table
	ReasonTooLarge               = schema.ReasonTooLarge // the object is or would decode to more than the limits allow
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

func corrupt(format string, args ...any) error { return refuse(ReasonCorrupt, format, args...) }
