package rows_test

import (
	"fmt"
	"time"

	"github.com/hubspoke/observability/lib/rowjson"
	"github.com/hubspoke/observability/lib/rows"
	"github.com/hubspoke/observability/lib/schema"
)

// Certificate is one ACM certificate.
type Certificate struct {
	// ARN of the certificate.
	ARN string `col:"certificate_arn,key"`
	// NotAfter is when the certificate stops being valid.
	NotAfter *time.Time `col:"not_after"`
	// Names that the certificate covers.
	Names schema.JSON `col:"names"`
}

var certificates = schema.Of[Certificate](schema.Spec{Name: "certificates", Mode: schema.Snapshot})

func Example() {
	appender := rows.NewAppender(certificates, nil)
	defer appender.Release()
	for _, certificate := range []Certificate{
		{ARN: "arn:aws:acm:eu-west-1:123456789012:certificate/1", Names: schema.JSON(`[ "example.org" ]`)},
		{ARN: ""},
	} {
		if err := appender.Append(&certificate); err != nil {
			fmt.Println("refused:", err)
		}
	}
	record := appender.Record()
	defer record.Release()

	encoder, err := rowjson.NewEncoder(certificates.Table, record)
	if err != nil {
		panic(err)
	}
	for row := range int(record.NumRows()) {
		fmt.Printf("%s\n", encoder.AppendRow(nil, row))
	}
	// Output:
	// refused: column certificate_arn: empty_key: a key column must not be empty
	// {"certificate_arn":"arn:aws:acm:eu-west-1:123456789012:certificate/1","names":["example.org"]}
}

// Read is the way back: for a record of the archive as for this one.
func ExampleRead() {
	appender := rows.NewAppender(certificates, nil)
	defer appender.Release()
	if err := appender.Append(&Certificate{ARN: "arn:aws:acm:eu-west-1:123456789012:certificate/1"}); err != nil {
		panic(err)
	}
	record := appender.Record()
	defer record.Release()

	all, err := rows.Read(certificates, record)
	if err != nil {
		panic(err)
	}
	for _, certificate := range all {
		fmt.Println(certificate.ARN, certificate.NotAfter == nil, len(certificate.Names))
	}
	// Output:
	// arn:aws:acm:eu-west-1:123456789012:certificate/1 true 0
}
