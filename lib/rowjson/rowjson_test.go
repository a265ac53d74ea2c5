package rowjson_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/hubspoke/observability/internal/fixture"
	"github.com/hubspoke/observability/lib/rowjson"
)

func TestDecodeAgreesWithEncodingJSON(t *testing.T) {
	findings := fixture.Findings(1500, 1)
	lines := fixture.Lines(findings)
	d := newDecoder(t, fixture.Category.Table)
	for _, line := range lines {
		if err := d.Append(line, ""); err != nil {
			t.Fatalf("%s\n%v", line, err)
		}
	}
	if d.Len() != len(lines) {
		t.Fatalf("Len is %d, want %d", d.Len(), len(lines))
	}
	got := d.Record()
	defer got.Release()
	if d.Len() != 0 || d.Bytes() != 0 {
		t.Errorf("%d rows and %d bytes are left behind Record", d.Len(), d.Bytes())
	}

	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer mem.AssertSize(t, 0)
	b := array.NewRecordBuilder(mem, fixture.Category.ArrowSchema())
	defer b.Release()
	for _, line := range lines {
		if err := appendFinding(b, line); err != nil {
			t.Fatal(err)
		}
	}
	want := b.NewRecord()
	defer want.Release()
	requireEqual(t, got, want)

	// And back: the fixture writes the canonical form.
	e, err := rowjson.NewEncoder(fixture.Category.Table, got)
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range lines {
		if row := e.AppendRow(nil, i); !bytes.Equal(row, line) {
			t.Fatalf("row %d\ngot  %s\nwant %s", i, row, line)
		}
	}
}

// appendFinding is how a program without this package would do it: encoding/json
// into the struct, and from there into arrow's builders.
func appendFinding(b *array.RecordBuilder, line []byte) error {
	var f fixture.Finding
	if err := json.Unmarshal(line, &f); err != nil {
		return err
	}
	text := func(i int, v string) { b.Field(i).(*array.StringBuilder).Append(v) }
	textN := func(i int, v *string) {
		if v == nil {
			b.Field(i).AppendNull()
			return
		}
		text(i, *v)
	}
	at := func(i int, v *time.Time) {
		if v == nil {
			b.Field(i).AppendNull()
			return
		}
		b.Field(i).(*array.TimestampBuilder).AppendTime(*v)
	}
	text(0, f.FindingARN)
	text(1, f.ProductARN)
	textN(2, f.ProductName)
	text(3, f.GeneratorID)
	text(4, f.FindingAccountID)
	text(5, f.FindingRegion)
	text(6, f.Title)
	textN(7, f.Description)
	textN(8, f.SeverityLabel)
	if f.SeverityNormalized == nil {
		b.Field(9).AppendNull()
	} else {
		b.Field(9).(*array.Int64Builder).Append(*f.SeverityNormalized)
	}
	textN(10, f.ComplianceStatus)
	textN(11, f.ControlID)
	textN(12, f.WorkflowStatus)
	text(13, f.RecordState)
	text(14, f.ResourceType)
	text(15, f.ResourceID)
	if f.ResourceDetails == nil {
		b.Field(16).AppendNull()
	} else {
		text(16, string(f.ResourceDetails))
	}
	textN(17, f.RemediationURL)
	at(18, f.FirstObservedAt)
	at(19, &f.FindingUpdatedAt)
	return nil
}

func TestRoundTripOfEveryKind(t *testing.T) {
	full := `{"id":"a","text":"é\n\"","count":-9223372036854775808,"count_n":9223372036854775807,"ratio":5e-324,"ratio_n":1.7976931348623157e+308,` +
		`"price":"-0.0000000001","price_n":"9999999999999999999999999999.9999999999","active":true,"active_n":false,` +
		`"seen_at":"0001-01-01T00:00:00Z","seen_at_n":"9999-12-31T23:59:59.999999Z","day":"0001-01-01","day_n":"9999-12-31",` +
		`"details":{"a":[1,2.50,null]},"details_to":"x"}`
	few := `{"id":"b","count":0,"ratio":0,"price":"12","active":false,"seen_at":"1969-12-31T23:59:59.5Z","day":"1970-01-01"}`
	rec := decode(t, items.Table, full, few)
	rows := encode(t, items.Table, rec)
	if rows[0] != full || rows[1] != few {
		t.Errorf("got\n%s\n%s\nwant\n%s\n%s", rows[0], rows[1], full, few)
	}
	requireEqual(t, decode(t, items.Table, rows...), rec)
}
