package rows_test

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/hubspoke/observability/internal/fixture"
	"github.com/hubspoke/observability/lib/rowjson"
	"github.com/hubspoke/observability/lib/rows"
	"github.com/hubspoke/observability/lib/schema"
)

// item has every kind, once required and, where a pointer may be, once nullable;
// fields that are no columns are between them.
type item struct {
	ID      string          `col:"id,key"`
	Skipped [3]byte         `col:"-"`
	Day     schema.Date     `col:"day,key,slice"`
	Text    *string         `col:"text"`
	Count   int64           `col:"count"`
	CountN  *int64          `col:"count_n"`
	Ratio   float64         `col:"ratio"`
	RatioN  *float64        `col:"ratio_n"`
	Active  bool            `col:"active"`
	ActiveN *bool           `col:"active_n"`
	Price   schema.Decimal  `col:"price"`
	PriceN  *schema.Decimal `col:"price_n"`
	SeenAt  time.Time       `col:"seen_at"`
	SeenAtN *time.Time      `col:"seen_at_n"`
	DayN    *schema.Date    `col:"day_n"`
	Details schema.JSON     `col:"details"`
}

var items = schema.Of[item](schema.Spec{Name: "items", Mode: schema.Snapshot})

func newAppender[T any](t testing.TB, c schema.Category[T]) *rows.Appender[T] {
	t.Helper()
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	t.Cleanup(func() { mem.AssertSize(t, 0) })
	return rows.NewAppender(c, mem)
}

func valid() item {
	return item{ID: "a", SeenAt: time.Date(2026, 8, 1, 6, 30, 0, 0, time.UTC)}
}

// appended returns the rows that were appended as JSON.
func appended(t testing.TB, a *rows.Appender[item]) string {
	t.Helper()
	rec := a.Record()
	defer rec.Release()
	e, err := rowjson.NewEncoder(items.Table, rec)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for i := range int(rec.NumRows()) {
		lines = append(lines, string(e.AppendRow(nil, i)))
	}
	return strings.Join(lines, "\n")
}

func TestAppendEveryKind(t *testing.T) {
	decimal := func(s string) schema.Decimal {
		d, err := schema.ParseDecimal(s)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	full := item{
		ID: "ä", Skipped: [3]byte{1, 2, 3}, Day: 1, Text: new("\x01\n"),
		Count: math.MinInt64, CountN: new(int64(math.MaxInt64)),
		Ratio: math.Copysign(0, -1), RatioN: new(math.MaxFloat64),
		Active: true, ActiveN: new(false),
		Price: decimal("-12.5"), PriceN: new(decimal("0.0000000001")),
		SeenAt:  time.Date(2026, 8, 1, 6, 30, 0, 999_999_999, time.FixedZone("", 3600)),
		SeenAtN: new(time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)),
		DayN:    new(schema.Date(-719162)),
		Details: schema.JSON(` {"b": [1.50, "\u0041\/"], "a": null} `),
	}
	few := item{ID: "b", Details: schema.JSON(" null")}

	a := newAppender(t, items)
	for _, row := range []item{full, few} {
		if err := a.Append(&row); err != nil {
			t.Fatal(err)
		}
	}
	want := `{"id":"ä","day":"1970-01-02","text":"\u0001\n","count":-9223372036854775808,"count_n":9223372036854775807,` +
		`"ratio":0,"ratio_n":1.7976931348623157e+308,"active":true,"active_n":false,"price":"-12.5","price_n":"0.0000000001",` +
		`"seen_at":"2026-08-01T05:30:00.999999Z","seen_at_n":"0001-01-01T00:00:00Z","day_n":"0001-01-01","details":{"a":null,"b":[1.50,"A/"]}}` + "\n" +
		`{"id":"b","day":"1970-01-01","count":0,"ratio":0,"active":false,"price":"0","seen_at":"0001-01-01T00:00:00Z"}`
	if got := appended(t, a); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestAppendCleansText: a NUL that somebody wrote into a tag is no reason to lose the
// row, and with it every complete run.
func TestAppendCleansText(t *testing.T) {
	for text, want := range map[string]string{
		"\xff": "\ufffd", "\xed\xa0\x80": "\ufffd", "a\x00b\x00": "a\ufffdb\ufffd", "é\xc3": "é\ufffd", "é\x01": "é\x01",
	} {
		a := newAppender(t, items)
		row := valid()
		row.Text = &text
		if err := a.Append(&row); err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		rec := a.Record()
		if got := rec.Column(rec.Schema().FieldIndices("text")[0]).(*array.String).Value(0); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
		rec.Release()
	}
	for text, want := range map[string]string{
		`["\u0000"]`:             `["\ufffd"]`,
		"[\"a\x00\"]":            "[\"a\ufffd\"]",
		`{"a\u0000b":1}`:         `{"a\ufffdb":1}`,
		"{\"\xff\":\"\xfe\"}":    "{\"\ufffd\":\"\ufffd\"}",
		`["\ud800"]`:             `["\ufffd"]`,
		`["\udc00\ud83d\ude00"]`: `["\ufffd😀"]`,
		`["\ud83d\u0041"]`:       `["\ufffdA"]`,
		`["\\u0000"," \u0000"]`:  `["\\u0000"," \ufffd"]`, // an escaped backslash and the letter u
	} {
		want = strings.ReplaceAll(want, `\ufffd`, "\ufffd")
		a := newAppender(t, items)
		row := valid()
		row.Details = schema.JSON(text)
		if err := a.Append(&row); err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		rec := a.Record()
		if got := rec.Column(rec.Schema().FieldIndices("details")[0]).(*array.String).Value(0); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
		rec.Release()
	}
}

func TestAppendRefuses(t *testing.T) {
	tests := []struct {
		name   string
		change func(*item)
		column string
		reason schema.Reason
	}{
		{"invalid UTF-8 in the key", func(r *item) { r.ID = "\xff" }, "id", schema.ReasonText},
		{"NUL in the key", func(r *item) { r.ID = "\x00" }, "id", schema.ReasonText},
		{"an empty key", func(r *item) { r.ID = "" }, "id", schema.ReasonEmptyKey},
		{"NaN", func(r *item) { r.Ratio = math.NaN() }, "ratio", schema.ReasonRange},
		{"infinity", func(r *item) { r.RatioN = new(math.Inf(-1)) }, "ratio_n", schema.ReasonRange},
		{"year 0", func(r *item) { r.SeenAt = time.Date(0, 12, 31, 23, 59, 59, 0, time.UTC) }, "seen_at", schema.ReasonRange},
		{"year 10000", func(r *item) { r.SeenAt = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }, "seen_at",
			schema.ReasonRange},
		{"year 300000", func(r *item) { r.SeenAt = time.Date(300000, 1, 1, 0, 0, 0, 0, time.UTC) }, "seen_at",
			schema.ReasonRange},
		{"a day in year 0", func(r *item) { r.Day = -719163 }, "day", schema.ReasonRange},
		{"a day in year 10000", func(r *item) { r.DayN = new(schema.Date(2932897)) }, "day_n", schema.ReasonRange},
		{"39 digits", func(r *item) {
			n := decimal128.FromBigInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(38), nil))
			r.Price = schema.DecimalFromUnits(n)
		}, "price", schema.ReasonRange},
		{"the least decimal128", func(r *item) { r.Price = schema.DecimalFromUnits(decimal128.New(math.MinInt64, 0)) },
			"price", schema.ReasonRange},
		{"no JSON", func(r *item) { r.Details = schema.JSON("{") }, "details", schema.ReasonSyntax},
		{"two JSON values", func(r *item) { r.Details = schema.JSON("1 2") }, "details", schema.ReasonSyntax},
		{"white space for JSON", func(r *item) { r.Details = schema.JSON(" ") }, "details", schema.ReasonSyntax},
		{"a JSON key twice", func(r *item) { r.Details = schema.JSON(`{"a":1,"a":1}`) }, "details",
			schema.ReasonDuplicateKey},
		{"a text that is too long", func(r *item) { r.Text = new(strings.Repeat("x", schema.DefaultMaxText+1)) }, "text",
			schema.ReasonTooLarge},
		{"a row that is too large", func(r *item) { r.Details = schema.JSON(`"` + strings.Repeat("x", schema.MaxRow) + `"`) },
			"", schema.ReasonTooLarge},
		{"JSON too deep", func(r *item) { r.Details = schema.JSON(strings.Repeat("[", 65) + strings.Repeat("]", 65)) },
			"details", schema.ReasonTooDeep},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := newAppender(t, items)
			first, last := valid(), valid()
			last.ID = "z"
			bad := valid()
			test.change(&bad)
			if err := a.Append(&first); err != nil {
				t.Fatal(err)
			}
			bytes := a.Bytes()
			err := a.Append(&bad)
			var got *schema.RowError
			if !errors.As(err, &got) {
				t.Fatalf("got %v, want a RowError", err)
			}
			if got.Reason != test.reason || got.Column != test.column || got.Offset != -1 || got.Detail == "" {
				t.Errorf("got %+v, want reason %s of column %s", got, test.reason, test.column)
			}
			if a.Len() != 1 || a.Bytes() != bytes {
				t.Errorf("the row left a trace: %d rows, %d bytes", a.Len(), a.Bytes())
			}
			if err := a.Append(&last); err != nil {
				t.Fatal(err)
			}
			rest := `,"day":"1970-01-01","count":0,"ratio":0,"active":false,"price":"0","seen_at":"2026-08-01T06:30:00Z"}`
			if got, want := appended(t, a), `{"id":"a"`+rest+"\n"+`{"id":"z"`+rest; got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// A time that no column can hold is null where there can be null, and counted.
func TestTimesThatNoColumnHolds(t *testing.T) {
	a := newAppender(t, items)
	for _, year := range []int{0, 9999, 10000, 300000, -5} {
		row := valid()
		row.ID, row.SeenAtN = fmt.Sprint(year), new(time.Date(year, 6, 1, 0, 0, 0, 0, time.UTC))
		if err := a.Append(&row); err != nil {
			t.Errorf("year %d: %v", year, err)
		}
	}
	if n := a.NulledTimes(); n != 4 {
		t.Errorf("%d times are null, not 4", n)
	}
	if got := appended(t, a); strings.Count(got, "seen_at_n") != 1 ||
		!strings.Contains(got, `"seen_at_n":"9999-06-01T00:00:00Z"`) {
		t.Errorf("rows\n%s", got)
	}
}

// What the appender takes, the decoder of the hub takes, with equal values.
func TestRowsAndJSONGiveTheSameRecord(t *testing.T) {
	findings := fixture.Findings(500, 5)
	a := newAppender(t, fixture.Category)
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer mem.AssertSize(t, 0)
	d := rowjson.NewDecoder(fixture.Category.Table, mem)
	for i, line := range fixture.Lines(findings) {
		if err := a.Append(&findings[i]); err != nil {
			t.Fatal(err)
		}
		if err := d.Append(line, ""); err != nil {
			t.Fatal(err)
		}
	}
	if a.Bytes() != d.Bytes() || a.Len() != d.Len() {
		t.Errorf("rows: %d rows, %d bytes; JSON: %d rows, %d bytes", a.Len(), a.Bytes(), d.Len(), d.Bytes())
	}
	got, want := a.Record(), d.Record()
	defer got.Release()
	defer want.Release()
	if !array.RecordEqual(got, want) {
		t.Errorf("records differ:\nrows %v\nJSON %v", got, want)
	}
}

func TestRecordKeepsNothingOfTheRow(t *testing.T) {
	a := newAppender(t, items)
	row := valid()
	row.Details = schema.JSON(`[1]`)
	if err := a.Append(&row); err != nil {
		t.Fatal(err)
	}
	row.ID, row.Details[1] = "other", '2'
	if got := appended(t, a); !strings.Contains(got, `"id":"a"`) || !strings.Contains(got, `[1]`) {
		t.Errorf("a later change of the row is in the record: %s", got)
	}
}

func TestSlice(t *testing.T) {
	row := valid()
	row.Day = 20300
	if got := newAppender(t, items).Slice(&row); got != "2025-07-31" {
		t.Errorf("slice of a date is %q", got)
	}

	type line struct {
		ID    string `col:"id,key"`
		Month string `col:"month,key,slice"`
	}
	lines := schema.Of[line](schema.Spec{Name: "lines", Mode: schema.Snapshot})
	if got := newAppender(t, lines).Slice(&line{Month: "2026-08"}); got != "2026-08" {
		t.Errorf("slice of a text is %q", got)
	}

	finding := fixture.Findings(1, 1)[0]
	if got := newAppender(t, fixture.Category).Slice(&finding); got != "" {
		t.Errorf("slice without a slice column is %q", got)
	}
}

func TestNewAppenderPanicsForAnotherType(t *testing.T) {
	defer func() {
		if text, _ := recover().(string); !strings.Contains(text, "schema.Of") {
			t.Errorf("a table of another type: got %q", text)
		}
	}()
	rows.NewAppender(schema.Category[item]{Table: fixture.Category.Table}, nil)
}

func TestReleaseDropsRows(t *testing.T) {
	a := newAppender(t, items)
	row := valid()
	for range 2 {
		if err := a.Append(&row); err != nil {
			t.Fatal(err)
		}
		a.Release()
		if a.Len() != 0 || a.Bytes() != 0 {
			t.Fatalf("%d rows and %d bytes behind Release", a.Len(), a.Bytes())
		}
	}
	if got := appended(t, a); got != "" {
		t.Errorf("got %s", got)
	}
}

func TestJSONBufferIsUsedAgain(t *testing.T) {
	a := newAppender(t, items)
	row := valid()
	row.Details = schema.JSON(`"` + strings.Repeat("x", 1000) + `"`)
	for range 100 {
		if err := a.Append(&row); err != nil {
			t.Fatal(err)
		}
	}
	if n := a.JSONMemory(); n > 10_000 {
		t.Errorf("the JSON of one row takes 1,000 bytes, that of 100 rows %d", n)
	}
	a.Release()
}

func TestAppendDoesNotAllocate(t *testing.T) {
	findings := fixture.Findings(1000, 1)
	a := newAppender(t, fixture.Category)
	appendAll := func() {
		for i := range findings {
			if err := a.Append(&findings[i]); err != nil {
				t.Fatal(err)
			}
		}
		a.Record().Release()
	}
	if perRow := testing.AllocsPerRun(5, appendAll) / float64(len(findings)); perRow > 0.2 {
		t.Errorf("%.2f allocations per row", perRow)
	}
}
