// Package schema declares what is observed: a Go struct is compiled once, at
// start, into an immutable [Table] from which every other form follows: JSON
// decoding, Arrow and Parquet schemas, the database check, COPY order and the
// reference pages.
//
//	// Certificate is one ACM certificate as seen in one account and region.
//	type Certificate struct {
//		// ARN of the certificate.
//		ARN string `col:"certificate_arn,key"`
//		// NotAfter is when the certificate stops being valid.
//		NotAfter *time.Time `col:"not_after"`
//	}
//
//	// Certificates is the category "certificates".
//	var Certificates = schema.Of[Certificate](schema.Spec{Name: "certificates", Mode: schema.Snapshot})
//
// The Go type of a field gives the kind of its column:
//
//	Go               Kind           JSON              Arrow               Parquet            PostgreSQL
//	string           KindText       string            utf8                STRING             text
//	int64            KindInt64      number            int64               INT64              bigint
//	float64          KindFloat64    number            float64             DOUBLE             double precision
//	schema.Decimal   KindDecimal    string            decimal128(38,10)   DECIMAL(38,10)     numeric(38,10)
//	bool             KindBool       true, false       bool                BOOLEAN            boolean
//	time.Time        KindTimestamp  RFC 3339 in UTC   timestamp[us, UTC]  TIMESTAMP(us,UTC)  timestamptz
//	schema.Date      KindDate       YYYY-MM-DD        date32              DATE               date
//	schema.JSON      KindJSON       any value         utf8 with metadata  JSON               jsonb
//
// A pointer to one of these means that the column is nullable; schema.JSON is
// always nullable (an empty value is null). The set is closed: any other type is
// an error when the program starts, never text. So is a name that PostgreSQL takes
// only in quotes, or not at all.
//
// Options of the tag follow the name, with commas between them: key and slice, as
// [Column] says; object or array for a JSON column that holds nothing else; and
// personal=CLASS for data about people (see [Personal]).
//
// The package also holds the words that every other package shares: [Scope],
// [RunID], [Outcome], and the rules and errors of a row ([RowError]).
package schema
