package rowjson_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/hubspoke/observability/lib/rowjson"
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
	decoder := rowjson.NewDecoder(certificates.Table, nil)
	defer decoder.Release()
	for _, row := range []string{
		`{"certificate_arn":"arn:aws:acm:eu-west-1:123456789012:certificate/1","names":[ "example.org" ]}`,
		`{"certificate_arn":"arn:aws:acm:eu-west-1:123456789012:certificate/2","not_after":"tomorrow"}`,
	} {
		err := decoder.Append([]byte(row), "")
		if refused, ok := errors.AsType[*schema.RowError](err); ok {
			fmt.Printf("refused: %s: %s at byte %d\n", refused.Column, refused.Reason, refused.Offset)
		}
	}
	record := decoder.Record()
	defer record.Release()

	encoder, err := rowjson.NewEncoder(certificates.Table, record)
	if err != nil {
		panic(err)
	}
	for row := range int(record.NumRows()) {
		fmt.Printf("%s\n", encoder.AppendRow(nil, row))
	}
	// Output:
	// refused: not_after: wrong_type at byte 82
	// {"certificate_arn":"arn:aws:acm:eu-west-1:123456789012:certificate/1","names":["example.org"]}
}
