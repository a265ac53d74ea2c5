package rowjson_test

import (
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/hubspoke/observability/lib/rowjson"
	"github.com/hubspoke/observability/lib/schema"
)

// item has every kind, once required and once nullable.
type item struct {
	ID        string          `col:"id,key"`
	Text      *string         `col:"text"`
	Count     int64           `col:"count"`
	CountN    *int64          `col:"count_n"`
	Ratio     float64         `col:"ratio"`
	RatioN    *float64        `col:"ratio_n"`
	Price     schema.Decimal  `col:"price"`
	PriceN    *schema.Decimal `col:"price_n"`
	Active    bool            `col:"active"`
	ActiveN   *bool           `col:"active_n"`
	SeenAt    time.Time       `col:"seen_at"`
	SeenAtN   *time.Time      `col:"seen_at_n"`
	Day       schema.Date     `col:"day"`
	DayN      *schema.Date    `col:"day_n"`
	Details   schema.JSON     `col:"details"`
	DetailsTo schema.JSON     `col:"details_to"`
}

var items = schema.Of[item](schema.Spec{Name: "items", Mode: schema.Snapshot})

// minimal is a row of items with all that is required, for tests that add a member.
const minimal = `"id":"a","count":1,"ratio":0.5,"price":"1.10","active":true,"seen_at":"2026-08-01T06:30:00Z","day":"2026-08-01"`

// newDecoder returns a decoder. Its memory is checked at the end of the test.
func newDecoder(t testing.TB, table *schema.Table) *rowjson.Decoder {
	t.Helper()
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	t.Cleanup(func() { mem.AssertSize(t, 0) })
	return rowjson.NewDecoder(table, mem)
}

// decode returns a record of rows, which the test releases.
func decode(t testing.TB, table *schema.Table, rows ...string) arrow.Record {
	t.Helper()
	d := newDecoder(t, table)
	for _, row := range rows {
		if err := d.Append([]byte(row), ""); err != nil {
			t.Fatalf("%s\n%v", row, err)
		}
	}
	rec := d.Record()
	t.Cleanup(rec.Release)
	return rec
}

// encode returns the rows of a record as JSON.
func encode(t testing.TB, table *schema.Table, rec arrow.Record) []string {
	t.Helper()
	e, err := rowjson.NewEncoder(table, rec)
	if err != nil {
		t.Fatal(err)
	}
	var rows []string
	for i := range int(rec.NumRows()) {
		rows = append(rows, string(e.AppendRow(nil, i)))
	}
	return rows
}

func requireEqual(t testing.TB, got, want arrow.Record) {
	t.Helper()
	if !array.RecordEqual(got, want) {
		t.Fatalf("records differ:\ngot  %v\nwant %v", got, want)
	}
}
