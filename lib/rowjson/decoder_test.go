package rowjson_test

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/hubspoke/observability/internal/fixture"
	"github.com/hubspoke/observability/lib/rowjson"
	"github.com/hubspoke/observability/lib/schema"
)

// with returns a minimal row in which the column has another value.
func with(column, value string) string {
	var members []string
	for member := range strings.SplitSeq(minimal, `,"`) {
		member = `"` + strings.TrimPrefix(member, `"`)
		if !strings.HasPrefix(member, `"`+column+`":`) {
			members = append(members, member)
		}
	}
	return "{" + strings.Join(append(members, `"`+column+`":`+value), ",") + "}"
}

// Each value is decoded and encoded again.
func TestValues(t *testing.T) {
	tests := []struct{ column, value, want string }{
		{"id", `"\u0061\n😀\ud83d\ude00"`, `"a\n😀😀"`},
		{"id", `" "`, `" "`},
		{"text", `""`, `""`},
		{"text", "\"\uffff\ufffd\u202e\x7f\"", "\"\uffff\ufffd\u202e\x7f\""},
		{"text", `"\\."`, `"\\."`},
		{"text", `"\\N\t';DROP TABLE x;--{{x}}=cmd()"`, `"\\N\t';DROP TABLE x;--{{x}}=cmd()"`},
		{"text", `"e\u0301"`, "\"e\u0301\""}, // no normalisation
		{"text", `null`, ``},

		{"count", `0`, `0`}, {"count", `-0`, `0`}, {"count", `9007199254740993`, `9007199254740993`}, // 2^53+1
		{"count", `9223372036854775807`, `9223372036854775807`}, {"count", `-9223372036854775808`, `-9223372036854775808`},
		{"count_n", ` 1 `, `1`}, {"count_n", `null`, ``},

		{"ratio", `0`, `0`}, {"ratio", `-0`, `0`}, {"ratio", `-0.0e5`, `0`}, {"ratio", `12`, `12`}, {"ratio", `1E2`, `100`},
		{"ratio", `1e-324`, `0`}, {"ratio", `1e21`, `1e+21`}, {"ratio", `0.1`, `0.1`}, {"ratio", `1e-7`, `1e-07`},
		{"ratio", `1.7976931348623157e308`, `1.7976931348623157e+308`}, {"ratio_n", `null`, ``},

		{"price", `"0"`, `"0"`}, {"price", `"-0"`, `"0"`}, {"price", `"1.10"`, `"1.1"`},
		{"price", `"-12.3456789012"`, `"-12.3456789012"`},
		{"price", `"0.0000000001"`, `"0.0000000001"`}, {"price", `"007"`, `"7"`}, {"price", `"1E2"`, `"100"`},
		{"price", `"1.5e-3"`, `"0.0015"`},
		{"price", `"999999999999999999"`, `"999999999999999999"`},
		{"price", `"1844674407.3709551616"`, `"1844674407.3709551616"`},
		{"price", `"1844674407.3709551615"`, `"1844674407.3709551615"`},
		{"price", `"-1844674407.3709551616"`, `"-1844674407.3709551616"`},
		{"price", `"-9999999999999999999999999999.9999999999"`, `"-9999999999999999999999999999.9999999999"`},
		{"price", `"12\u002e5"`, `"12.5"`}, {"price_n", `null`, ``},

		{"active", `true`, `true`}, {"active", `false`, `false`}, {"active_n", `null`, ``}, {"active_n", `true`, `true`},

		{"seen_at", `"2026-08-01T06:30:00Z"`, `"2026-08-01T06:30:00Z"`},
		{"seen_at", `"2026-08-01T06:30:00.1Z"`, `"2026-08-01T06:30:00.1Z"`},
		{"seen_at", `"2026-08-01T06:30:00.100000Z"`, `"2026-08-01T06:30:00.1Z"`},
		{"seen_at", `"2026-08-01T06:30:00.000001Z"`, `"2026-08-01T06:30:00.000001Z"`},
		{"seen_at", `"2024-02-29T23:59:59.999999Z"`, `"2024-02-29T23:59:59.999999Z"`},
		{"seen_at", `"1969-12-31T23:59:59.999999Z"`, `"1969-12-31T23:59:59.999999Z"`},
		{"seen_at", `"0001-01-01T00:00:00Z"`, `"0001-01-01T00:00:00Z"`},
		{"seen_at", `"9999-12-31T23:59:59.999999Z"`, `"9999-12-31T23:59:59.999999Z"`},
		{"seen_at_n", `null`, ``},

		{"day", `"1970-01-01"`, `"1970-01-01"`}, {"day", `"2000-02-29"`, `"2000-02-29"`},
		{"day", `"0001-01-01"`, `"0001-01-01"`},
		{"day", `"9999-12-31"`, `"9999-12-31"`}, {"day_n", `null`, ``},

		{"details", `null`, ``}, {"details", `"null"`, `"null"`}, {"details", `true`, `true`},
		{"details", `[null]`, `[null]`},
		{"details", `{ "b" : [ 1.0 , "\/" ] , "a" : {} }`, `{"a":{},"b":[1.0,"/"]}`},
		{"details", "1\n", `1`}, {"details", `123456789012345678901234567890`, `123456789012345678901234567890`},
	}
	for _, test := range tests {
		t.Run(test.column+test.value, func(t *testing.T) {
			row := encode(t, items.Table, decode(t, items.Table, with(test.column, test.value)))[0]
			member := `"` + test.column + `":` + test.want
			if test.want == "" {
				if strings.Contains(row, `"`+test.column+`"`) {
					t.Errorf("null became %s", row)
				}
			} else if !strings.Contains(row, member+",") && !strings.Contains(row, member+"}") {
				t.Errorf("got %s, want %s", row, member)
			}
		})
	}
}

type refusal struct {
	name, row string
	column    string
	reason    schema.Reason
	at        string // the error's offset is that of the last occurrence of this in row
}

// value is a refusal of a value of a column, at the value.
func value(column, value string, reason schema.Reason) refusal {
	return refusal{column + "=" + value, with(column, value), column, reason, `:` + value}
}

func refusals() []refusal {
	const (
		typ, rng, syntax, text = schema.ReasonType, schema.ReasonRange, schema.ReasonSyntax, schema.ReasonText
	)
	list := []refusal{
		value("id", `null`, schema.ReasonMissing), value("count", `null`, schema.ReasonMissing),
		value("day", `null`, schema.ReasonMissing),
		{"id absent", `{"text":"x"} `, "id", schema.ReasonMissing, "}"},
		{"day absent", strings.Replace("{"+minimal+"}", `"day"`, `"Day"`, 1), "day", schema.ReasonMissing, "}"},
		{"id empty", with("id", `""`), "id", schema.ReasonEmptyKey, "}"},

		value("count", `1.0`, typ), value("count", `1e2`, typ), value("count", `1E2`, typ), value("count", `-0.5`, typ),
		value("count", `9223372036854775808`, rng), value("count", `-9223372036854775809`, rng),
		value("count", strings.Repeat("9", 40), rng), value("count", strings.Repeat("9", 100_000), rng),
		value("ratio", `1e309`, rng), value("ratio", `1e400`, rng), value("ratio", `1e131072`, rng),
		value("ratio", strings.Repeat("1", 41), rng),
		value("ratio", `"NaN"`, typ), value("ratio", `"1"`, typ),

		value("price", `1`, typ), value("price", `1.10`, typ), value("price", `""`, typ), value("price", `"x"`, typ),
		value("price", `"1,5"`, typ),
		value("price", `" 1"`, typ), value("price", `"+1"`, typ), value("price", `"1."`, typ), value("price", `".5"`, typ),
		value("price", `"-"`, typ),
		value("price", `"1.2.3"`, typ), value("price", `"0x1"`, typ), value("price", `"NaN"`, typ),
		value("price", `"Infinity"`, typ),
		value("price", `"0.00000000001"`, rng), value("price", `"10000000000000000000000000000"`, rng),
		value("price", `"1e28"`, rng),
		value("price", `"`+strings.Repeat("9", 1000)+`"`, rng),

		value("seen_at", `""`, typ), value("seen_at", `"yesterday"`, typ), value("seen_at", `"2026-08-01"`, typ),
		value("seen_at", `"2026-08-01T06:30Z"`, typ),
		value("seen_at", `"2026-08-01 06:30:00Z"`, typ), value("seen_at", `"2026-08-01t06:30:00Z"`, typ),
		value("seen_at", `"2026-08-01T06:30:00z"`, typ),
		value("seen_at", `"2026-08-01T06:30:00"`, typ), value("seen_at", `"2026-08-01T06:30:00+00:00"`, typ),
		value("seen_at", `"2026-08-01T06:30:00+0000Z"`, typ),
		value("seen_at", `"2026-08-01T06:30:00.Z"`, typ), value("seen_at", `"2026-08-01T06:30:00,5Z"`, typ),
		value("seen_at", `"2026-08-01T06:30:00.5xZ"`, typ),
		value("seen_at", `"2026-08-01T06:30:00.0000000xZ"`, typ), value("seen_at", `"2026-08-01T-6:30:00Z"`, typ),
		value("seen_at", `"2026-08-01T06:30: 0Z"`, typ),
		value("seen_at", `"+2026-08-1T06:30:00Z"`, typ), value("seen_at", `"300000-01-01T00:00:00Z"`, typ),
		value("seen_at", `"-5000-01-01T00:00:00Z"`, typ),
		value("seen_at", `"２026-08-01T06:30:00Z"`, typ),
		value("seen_at", `1785565800`, typ), value("seen_at", `1785565800000`, typ),
		value("seen_at", `"0000-12-31T23:59:59Z"`, rng), value("seen_at", `"2026-00-01T00:00:00Z"`, rng),
		value("seen_at", `"2026-13-01T00:00:00Z"`, rng),
		value("seen_at", `"2026-04-31T00:00:00Z"`, rng), value("seen_at", `"2026-02-29T00:00:00Z"`, rng),
		value("seen_at", `"1900-02-29T00:00:00Z"`, rng),
		value("seen_at", `"2026-08-00T00:00:00Z"`, rng), value("seen_at", `"2026-08-01T24:00:00Z"`, rng),
		value("seen_at", `"2026-08-01T23:60:00Z"`, rng),
		value("seen_at", `"2016-12-31T23:59:60Z"`, rng), value("seen_at", `"2026-08-01T06:30:00.1234567Z"`, rng),
		value("seen_at", `"2026-08-01T06:30:00.0000000Z"`, rng),

		value("day", `""`, typ), value("day", `"2026-8-1"`, typ), value("day", `"20260801"`, typ),
		value("day", `"2026/08-01"`, typ), value("day", `"2026-08/01"`, typ),
		value("day", `"2026-08-01Z"`, typ), value("day", `"2026-08-01T00:00:00Z"`, typ), value("day", `" 026-08-01"`, typ),
		value("day", `20667`, typ),
		value("day", `"0000-01-01"`, rng), value("day", `"2026-02-30"`, rng), value("day", `"2026-00-10"`, rng),
		value("day", `"10000-01-01"`, typ),

		value("active", `"true"`, typ), value("active", `1`, typ), value("active", `True`, syntax),
		value("active", `tru`, syntax), value("active", `truex`, ""),

		{"raw NUL", with("text", "\"a\x00\""), "text", text, "\x00"},
		{"escaped NUL", with("text", `"a\u0000"`), "text", text, `\u0000`},
		{"NUL in the key column", with("id", `"\u0000"`), "id", text, `\u0000`},
		{"NUL in JSON", with("details", `{"a":["\u0000"]}`), "details", text, `\u0000`},
		{"NUL in a key in JSON", with("details", `{"\u0000":1}`), "details", text, `\u0000`},
		{"NUL in an unknown value", with("unknown", `"\u0000"`), "", text, `\u0000`},
		{"invalid UTF-8", with("text", "\"\xe9t\xe9\""), "text", text, "\xe9t"},
		{"surrogate in UTF-8", with("text", "\"\xed\xa0\x80\""), "text", text, "\xed"},
		{"overlong UTF-8", with("text", "\"\xc0\x80\""), "text", text, "\xc0"},
		{"lone surrogate", with("text", `"\ud800"`), "text", text, `\ud800`},
		{"lone surrogate in JSON", with("details", `"\udfff"`), "details", text, `\udfff`},

		{"JSON too deep", with("details", strings.Repeat("[", 65)+strings.Repeat("]", 65)), "details", schema.ReasonTooDeep,
			"[]"},
		{"JSON of 100,000 arrays", with("details", strings.Repeat("[", 100_000)), "details", schema.ReasonTooDeep, ""},
		{"unknown value too deep", with("unknown", strings.Repeat("[", 65)+strings.Repeat("]", 65)), "", schema.ReasonTooDeep,
			"[]"},
		{"4,097 keys in JSON", with("details", keys(4097)), "details", schema.ReasonTooLarge, `"k4096"`},
		{"4,097 keys", "{" + minimal + "," + keys(4090)[1:], "", schema.ReasonTooLarge, `"k4089"`},
		{"20,000 keys", keys(20_000), "", schema.ReasonTooLarge, ""},

		{"a text that is too long", with("text", `"`+strings.Repeat("x", schema.DefaultMaxText+1)+`"`), "text",
			schema.ReasonTooLarge, "}"},
		{"a long row", with("unknown", `"`+strings.Repeat("x", schema.MaxRow)+`"`), "", schema.ReasonTooLarge, ""},
		{"a long row of spaces", "{" + strings.Repeat(" ", schema.MaxRow) + minimal + "}", "", schema.ReasonTooLarge, ""},

		{"column twice", "{" + minimal + `,"count":1}`, "count", schema.ReasonDuplicateKey, `"count"`},
		{"column twice, with an escape", "{" + minimal + `,"c\u006funt":2}`, "count", schema.ReasonDuplicateKey,
			`"c\u006funt"`},
		{"column twice, null first", `{"text":null,"text":"x",` + minimal + "}", "text", schema.ReasonDuplicateKey, `"text"`},
		{"column twice, both null", `{"text":null,"text":null,` + minimal + "}", "text", schema.ReasonDuplicateKey, `"text"`},
		{"unknown key twice", "{" + minimal + `,"Count":1,"x":2,"Count":3}`, "", schema.ReasonDuplicateKey, `"Count"`},
		{"key twice in JSON", with("details", `[{"a":1,"b":2,"a":3}]`), "details", schema.ReasonDuplicateKey, `"a"`},
		{"key twice in an unknown value", with("unknown", `{"a":1,"a":3}`), "", schema.ReasonDuplicateKey, `"a"`},

		{"nothing", ``, "", syntax, ""}, {"null", `null`, "", syntax, "null"}, {"array", `[]`, "", syntax, "["},
		{"text", `"x"`, "", syntax, `"x`}, {"number", `1`, "", syntax, "1"}, {"array of rows", `[{}]`, "", syntax, "["},
		{"trailing brace", "{" + minimal + "}}", "", syntax, "}"}, {"two rows", "{" + minimal + "}{}", "", syntax, "{}"},
		{"two rows in two lines", "{" + minimal + "}\n{}", "", syntax, "{}"},
		{"trailing NUL", "{" + minimal + "}\x00", "", syntax, "\x00"},
		{"byte order mark", "\ufeff{" + minimal + "}", "", syntax, "\ufeff"},
		{"single quotes", `{'id':'a'}`, "", syntax, "'id"},
		{"comment", "{/**/" + minimal + "}", "", syntax, "/**/"}, {"trailing comma", "{" + minimal + ",}", "", syntax, "}"},
		{"NaN", with("ratio", "NaN"), "ratio", syntax, "NaN"},
		{"Infinity", with("ratio", "-Infinity"), "ratio", syntax, "-I"},
		{"leading zero", with("count", "01"), "count", syntax, "01"}, {"plus", with("count", "+1"), "count", syntax, "+1"},
		{"Arrow", "ARROW1\x00\x00", "", syntax, "ARROW1"}, {"Parquet", "PAR1\x15\x04", "", syntax, "PAR1"},
		{"UTF-16", "{\x00}\x00", "", syntax, "\x00}"}, {"zstd", "\x28\xb5\x2f\xfd\x00", "", syntax, "\x28\xb5"},
	}
	// Every kind of column against every other JSON type.
	takes := map[string]string{"text": "string", "count_n": "number", "ratio_n": "number", "price_n": "",
		"active_n": "bool", "seen_at_n": "", "day_n": ""}
	values := map[string]string{"string": `"x"`, "number": `7`, "bool": `true`, "array": `[1,{}]`, "object": `{"a":[]}`}
	for _, column := range slices.Sorted(maps.Keys(takes)) {
		for _, name := range slices.Sorted(maps.Keys(values)) {
			if takes[column] != name {
				list = append(list, value(column, values[name], typ))
			}
		}
	}
	return list
}

// keys is an object of n keys that are no columns.
func keys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"k%d":1`, i)
	}
	return "{" + b.String()[1:] + "}"
}

func TestRefusals(t *testing.T) {
	seen := map[schema.Reason]bool{}
	for _, test := range refusals() {
		if test.reason == "" { // a literal that goes on: the row, not the value, is wrong
			test.reason, test.column, test.at = schema.ReasonSyntax, "", "x}"
		}
		seen[test.reason] = true
		d := newDecoder(t, items.Table)
		good := "{" + minimal + "}"
		if err := d.Append([]byte(good), ""); err != nil {
			t.Fatal(err)
		}
		size := d.Bytes()

		start := time.Now()
		err := d.Append([]byte(test.row), "")
		if took := time.Since(start); took > 20*time.Second { // wide; what is caught here is quadratic
			t.Errorf("%.80s: took %v", test.name, took)
		}
		var got *schema.RowError
		if !errors.As(err, &got) {
			t.Errorf("%.80s: got %v, want a RowError", test.name, err)
			continue
		}
		if got.Reason != test.reason || got.Column != test.column {
			t.Errorf("%.80s: got %v, want %s of column %q", test.name, got, test.reason, test.column)
		}
		at := strings.LastIndex(test.row, test.at)
		if strings.HasPrefix(test.at, ":") {
			at++
		}
		if test.at != "" && got.Offset != at || got.Offset < 0 || got.Offset > len(test.row) {
			t.Errorf("%.80s: got %v, want it at byte %d", test.name, got, at)
		}
		if got.Detail == "" || len(got.Error()) > 300 {
			t.Errorf("%.80s: an error of %d bytes: %v", test.name, len(got.Error()), got)
		}
		for _, c := range []byte(got.Error()) {
			if c < ' ' || c > '~' {
				t.Errorf("%.80s: an error with byte %#x", test.name, c)
				break
			}
		}

		// The failed row has left no trace, before and behind other rows.
		if d.Len() != 1 || d.Bytes() != size {
			t.Errorf("%.80s: %d rows of %d bytes are left", test.name, d.Len(), d.Bytes())
		}
		if err := d.Append([]byte(good), ""); err != nil {
			t.Fatal(err)
		}
		rec := d.Record()
		requireEqual(t, rec, decode(t, items.Table, good, good))
		rec.Release()
		if unknown := d.UnknownKeys(); unknown != nil {
			t.Errorf("%.80s: a failed row counted %v unknown keys", test.name, unknown)
		}
	}
	for _, reason := range []schema.Reason{
		schema.ReasonSyntax, schema.ReasonDuplicateKey, schema.ReasonType, schema.ReasonRange, schema.ReasonText,
		schema.ReasonMissing, schema.ReasonEmptyKey, schema.ReasonTooDeep, schema.ReasonTooLarge,
	} {
		if !seen[reason] {
			t.Errorf("no refusal for %s", reason)
		}
	}
}

func TestErrorText(t *testing.T) {
	for _, test := range []struct{ row, want string }{
		{with("count", `"x"`), `column count at byte 111: wrong_type: want an integer, found "\"x\""`},
		{with("seen_at", `"2026-08-01T06:30:00+02:00"`),
			`column seen_at at byte 90: wrong_type: want an RFC 3339 time in UTC, as 2006-01-02T15:04:05.999999Z, found "2026-08-01T06:30:00+02:00"`},
		{with("price", `"`+strings.Repeat("1", 99)+`"`),
			`column price at byte 106: out_of_range: want at most 28 digits before and 10 behind the point, found "1111111111111111111111111111111111111111"...`},
		{with("seen_at", `"2026/08/01T06:30:00Z"`),
			`column seen_at at byte 90: wrong_type: want an RFC 3339 time in UTC, as 2006-01-02T15:04:05.999999Z, found "2026/08/01T06:30:00Z"`},
		{with("day", `"2026-02-30"`), `column day at byte 100: out_of_range: want a day of the calendar, found "2026-02-30"`},
		{`{"id":"a"`, `row at byte 9: syntax: want a comma or a closing brace, found the end`},
	} {
		err := newDecoder(t, items.Table).Append([]byte(test.row), "")
		if err == nil || err.Error() != test.want {
			t.Errorf("%s\ngot  %v\nwant %s", test.row, err, test.want)
		}
	}
}

func TestAnyOrderAndWhiteSpace(t *testing.T) {
	want := decode(t, items.Table, "{"+minimal+"}")
	members := strings.Split(minimal, `,"`)
	for i := range members {
		members[i] = `"` + strings.TrimPrefix(members[i], `"`)
	}
	for range members {
		members = append(members[1:], members[0])
		requireEqual(t, decode(t, items.Table, "{"+strings.Join(members, ",")+"}"), want)
		requireEqual(t, decode(t, items.Table, "\t{ "+strings.Join(members, " ,\r\n ")+" }\n"), want)
	}
	slices.Reverse(members)
	requireEqual(t, decode(t, items.Table, "{"+strings.Join(members, ",")+"}"), want)
	requireEqual(t, decode(t, items.Table, "{"+strings.ReplaceAll(minimal, `":`, `" : `)+"}"), want)
	requireEqual(t, decode(t, items.Table, "{"+strings.ReplaceAll(minimal, `"c`, `"\u0063`)+"}"), want)
}

func TestUnknownKeys(t *testing.T) {
	d := newDecoder(t, items.Table)
	row := `{"new":{"x":[1]},` + minimal + `,"Text":"x","newer":null,"` + strings.Repeat("k", 64) + `":1}`
	for range 3 {
		if err := d.Append([]byte(row), ""); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Append([]byte("{"+minimal+`,"newer":1}`), ""); err != nil {
		t.Fatal(err)
	}
	want := map[string]int64{"new": 3, "Text": 3, "newer": 4, strings.Repeat("k", 64): 3}
	if got := d.UnknownKeys(); !maps.Equal(got, want) {
		t.Errorf("unknown keys %v, want %v", got, want)
	}
	if again := d.UnknownKeys(); again != nil {
		t.Errorf("%v are counted again", again)
	}
	rec := d.Record()
	defer rec.Release()
	good := "{" + minimal + "}"
	requireEqual(t, rec, decode(t, items.Table, good, good, good, good))
}

// What is kept of them is bounded, whatever a sender names.
func TestManyUnknownKeys(t *testing.T) {
	d := newDecoder(t, items.Table)
	defer d.Release()
	for n := range 1_000 {
		if err := d.Append(fmt.Appendf(nil, `{%s,"k%04d":1,"%s%d":1}`, minimal, n, "k"+strings.Repeat("ä", 33), n),
			""); err != nil {
			t.Fatal(err)
		}
	}
	got, sum := d.UnknownKeys(), int64(0)
	for key, n := range got {
		sum += n
		if len(key) > 64 || !utf8.ValidString(key) {
			t.Errorf("the key %q", key)
		}
	}
	if sum != 2_000 || len(got) > 21 || got["k"+strings.Repeat("ä", 31)] != 1_000 || got["k0000"] != 1 {
		t.Errorf("%d values of %d keys: %v", sum, len(got), got)
	}
}

type costLine struct {
	Service string      `col:"service,key"`
	Day     schema.Date `col:"day,key,slice"`
}

type monthLine struct {
	Service string `col:"service,key"`
	Month   string `col:"month,key,slice"`
}

func TestSlice(t *testing.T) {
	days := schema.Of[costLine](schema.Spec{Name: "days", Mode: schema.Snapshot})
	months := schema.Of[monthLine](schema.Spec{Name: "months", Mode: schema.Snapshot})
	for _, test := range []struct {
		table      *schema.Table
		row, slice string
		ok         bool
	}{
		{days.Table, `{"service":"s3","day":"2026-08-01"}`, "2026-08-01", true},
		{days.Table, `{"service":"s3","day":"2026-08-01"}`, "2026-08-02", false},
		{days.Table, `{"service":"s3","day":"2026-08-01"}`, "", false},
		{months.Table, `{"service":"s3","month":"2026-08"}`, "2026-08", true},
		{months.Table, `{"service":"s3","month":"2026-08 "}`, "2026-08", false},
		{months.Table, `{"service":"s3","month":"2026-08"}`, "", false},
		{items.Table, "{" + minimal + "}", "", true},
		{items.Table, "{" + minimal + "}", "2026-08-01", true}, // no slice column: not looked at
	} {
		d := newDecoder(t, test.table)
		err := d.Append([]byte(test.row), test.slice)
		var got *schema.RowError
		switch {
		case test.ok && err != nil:
			t.Errorf("%s in slice %q: %v", test.row, test.slice, err)
		case !test.ok && !errors.As(err, &got):
			t.Errorf("%s in slice %q: got %v, want a RowError", test.row, test.slice, err)
		case !test.ok && (got.Reason != schema.ReasonSlice || got.Column == "" || got.Offset != len(test.row)-1 ||
			d.Len() != 0):
			t.Errorf("%s in slice %q: got %v", test.row, test.slice, got)
		}
		d.Release()
	}
}

func TestEmptyRecord(t *testing.T) {
	rec := decode(t, items.Table)
	if rec.NumRows() != 0 || !rec.Schema().Equal(items.ArrowSchema()) {
		t.Errorf("got %v", rec)
	}
	if rows := encode(t, items.Table, rec); len(rows) != 0 {
		t.Errorf("got %v", rows)
	}
}

// The decoder uses its memory again; a record must not change with it.
func TestRecordsAreIndependent(t *testing.T) {
	d := newDecoder(t, fixture.Category.Table)
	lines := fixture.Lines(fixture.Findings(200, 9))
	first := decode(t, fixture.Category.Table, texts(lines[:100])...)
	var row []byte // used again, as by a reader of lines
	for i, line := range lines {
		if i == 100 {
			rec := d.Record()
			defer rec.Release()
			defer requireEqual(t, rec, first)
		}
		row = append(row[:0], line...)
		if err := d.Append(row, ""); err != nil {
			t.Fatal(err)
		}
	}
	second := d.Record()
	defer second.Release()
	requireEqual(t, second, decode(t, fixture.Category.Table, texts(lines[100:])...))
}

func texts(lines [][]byte) []string {
	texts := make([]string, len(lines))
	for i, line := range lines {
		texts[i] = string(line)
	}
	return texts
}

func TestBytesIsTheSizeOfTheRecord(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer mem.AssertSize(t, 0)
	d := rowjson.NewDecoder(fixture.Category.Table, mem)
	for _, line := range fixture.Lines(fixture.Findings(1000, 2)) {
		if err := d.Append(line, ""); err != nil {
			t.Fatal(err)
		}
	}
	estimate := float64(d.Bytes())
	rec := d.Record()
	defer rec.Release()
	if size := float64(mem.CurrentAlloc()); math.Abs(size-estimate) > size/50 {
		t.Errorf("Bytes was %.0f, the record has %.0f", estimate, size)
	}
}

func TestDecodeAllocates(t *testing.T) {
	lines := fixture.Lines(fixture.Findings(2000, 1))
	d := newDecoder(t, fixture.Category.Table)
	perRow := testing.AllocsPerRun(5, func() {
		for _, line := range lines {
			if err := d.Append(line, ""); err != nil {
				t.Fatal(err)
			}
		}
		d.Record().Release()
	}) / float64(len(lines))
	if perRow > 0.1 {
		t.Errorf("%.3f allocations per row", perRow)
	}
}

// A JSON column that takes objects or arrays takes nothing else.
func TestShapes(t *testing.T) {
	type shaped struct {
		ID   string      `col:"id,key"`
		Tags schema.JSON `col:"tags,object"`
		List schema.JSON `col:"list,array"`
		Rest schema.JSON `col:"rest"`
	}
	table := schema.Of[shaped](schema.Spec{Name: "shaped", Mode: schema.Snapshot}).Table
	d := newDecoder(t, table)
	for row, column := range map[string]string{
		`{"id":"a","tags":{"b":[]},"list":[{}],"rest":1}`: "",
		`{"id":"a","tags":null,"list":null}`:              "",
		`{"id":"a","tags": [ ] }`:                         "tags",
		`{"id":"a","tags":"{}"}`:                          "tags",
		`{"id":"a","list":{}}`:                            "list",
		`{"id":"a","list":false}`:                         "list",
	} {
		err := d.Append([]byte(row), "")
		var got *schema.RowError
		if column == "" && err != nil || column != "" &&
			(!errors.As(err, &got) || got.Reason != schema.ReasonType || got.Column != column) {
			t.Errorf("%s: %v", row, err)
		}
	}
}
