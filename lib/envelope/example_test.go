package envelope_test

import (
	"fmt"
	"log"
	"time"

	"github.com/hubspoke/observability/lib/envelope"
	"github.com/hubspoke/observability/lib/schema"
)

// A spoke packs the rows of a run; the hub takes the records apart.
func Example() {
	packer, err := envelope.NewPacker(envelope.Config{})
	if err != nil {
		log.Fatal(err)
	}
	scope := schema.Scope{Category: "certificates", Account: "123456789012", Region: "eu-central-1"}
	run, err := packer.Run(scope, schema.NewRunID(time.Now()))
	if err != nil {
		log.Fatal(err)
	}
	for _, row := range []string{`{"certificate_arn":"a"}`, `{"certificate_arn":"b"}`} {
		if err := run.Add([]byte(row)); err != nil {
			log.Fatal(err) // a *RowTooLargeError only concerns this row
		}
	}
	var records [][]byte
	for _, part := range run.Flush() {
		records = append(records, part.Record)
	}
	end, err := run.End(schema.OK, "")
	if err != nil {
		log.Fatal(err)
	}
	records = append(records, end)

	decoder := envelope.NewDecoder()
	defer decoder.Close()
	for _, record := range records {
		r, err := envelope.Parse(record)
		if err != nil {
			log.Fatal(err) // an *Error: keep the record with its reason
		}
		if r.End != nil {
			fmt.Println(r.Scope, "ended:", r.End.Outcome, r.End.Parts, "part,", r.End.Rows, "rows")
			continue
		}
		rows, err := decoder.Body(nil, r.Part, r.Body)
		if err != nil {
			log.Fatal(err)
		}
		for i, row := range envelope.Lines(rows) {
			fmt.Printf("part %d row %d: %s\n", r.Part.Part, i, row)
		}
	}
	// Output:
	// part 0 row 0: {"certificate_arn":"a"}
	// part 0 row 1: {"certificate_arn":"b"}
	// certificates/123456789012/eu-central-1 ended: ok 1 part, 2 rows
}
