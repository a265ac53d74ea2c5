package ingest_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hubspoke/observability/lib/envelope"
	"github.com/hubspoke/observability/lib/ingest"
	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/pgtest"
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/lib/stream"
)

// envelopes packs rows as a spoke without any checks would: a body that is not
// compressed, and an end.
func envelopes(scope schema.Scope, start time.Time, rows ...string) [][]byte {
	body := strings.Join(rows, "\n") + "\n"
	run := schema.NewRunID(start)
	header := func(kind, rest string) []byte {
		return fmt.Appendf(nil, `{"obs":1,"kind":%q,"category":%q,"account_id":%q,"region":%q,"run":%q,"collected_at":%q,%s}`+
			"\n",
			kind, scope.Category, scope.Account, scope.Region, run, run.Time().Format("2006-01-02T15:04:05.000Z"), rest)
	}
	part := header("part", fmt.Sprintf(`"part":0,"codec":"none","rows":%d,"size":%d,"sha256":"%x"`, len(rows), len(body),
		sha256.Sum256([]byte(body))))
	return [][]byte{append(part, body...), header("end", fmt.Sprintf(`"outcome":"ok","parts":1,"rows":%d`, len(rows)))}
}

// poisonRows are rows of gauges that cannot be applied, by a name; each with the
// reason that its reject must have.
var poisonRows = []struct {
	name, row string
	reason    schema.Reason
}{
	{"empty", ``, schema.ReasonSyntax},
	{"null", `null`, schema.ReasonSyntax},
	{"array", `[]`, schema.ReasonSyntax},
	{"truncated", `{"id":"p","ratio":1`, schema.ReasonSyntax},
	{"two documents", `{"id":"p","ratio":1,"count":1}{}`, schema.ReasonSyntax},
	{"byte order mark", "\xef\xbb\xbf" + `{"id":"p","ratio":1,"count":1}`, schema.ReasonSyntax},
	{"NaN", `{"id":"p","ratio":NaN,"count":1}`, schema.ReasonSyntax},
	{"single quotes", `{'id':'p','ratio':1,'count':1}`, schema.ReasonSyntax},
	{"duplicate key", `{"id":"p","id":"q","ratio":1,"count":1}`, schema.ReasonDuplicateKey},
	{"other case", `{"ID":"p","ratio":1,"count":1}`, schema.ReasonMissing},
	{"no key", `{"ratio":1,"count":1}`, schema.ReasonMissing},
	{"null key", `{"id":null,"ratio":1,"count":1}`, schema.ReasonMissing},
	{"wrong type", `{"id":"p","ratio":"1","count":1}`, schema.ReasonType},
	{"object", `{"id":"p","ratio":{},"count":1}`, schema.ReasonType},
	{"NUL", `{"id":"p\u0000","ratio":1,"count":1}`, schema.ReasonText},
	{"raw NUL", "{\"id\":\"p\x00\",\"ratio\":1,\"count\":1}", schema.ReasonText},
	{"invalid UTF-8", "{\"id\":\"p\xff\",\"ratio\":1,\"count\":1}", schema.ReasonText},
	{"encoded surrogate", "{\"id\":\"p\xed\xa0\x80\",\"ratio\":1,\"count\":1}", schema.ReasonText},
	{"lone surrogate", `{"id":"p\ud800","ratio":1,"count":1}`, schema.ReasonText},
	{"too large for float8", `{"id":"p","ratio":1e400,"count":1}`, schema.ReasonRange},
	{"too large for int8", `{"id":"p","ratio":1,"count":9223372036854775808}`, schema.ReasonRange},
	{"200,000 digits", `{"id":"p","ratio":1` + strings.Repeat("0", 200_000) + `,"count":1}`, schema.ReasonRange},
	{"deep", `{"id":"p","ratio":1,"count":1,"x":` + strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000) + `}`,
		schema.ReasonTooDeep},
	{"many keys", `{"id":"p","ratio":1,"count":1` + manyKeys(20_000) + `}`, schema.ReasonTooLarge},
	{"refused by the table", `{"id":"p","ratio":-1,"count":1}`, load.ReasonRefused},
	{"too large for an index", `{"id":"p` + noise(20_000) + `","ratio":1,"count":1}`, load.ReasonRefused},
	{"key of the run again", `{"id":"0","ratio":7,"count":7}`, load.ReasonRepeatedRow},
}

func manyKeys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"k%d":1`, i)
	}
	return b.String()
}

// noise returns n hexadecimal digits that do not compress.
func noise(n int) string {
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, "%x", sha256.Sum256([]byte{byte(i), byte(i >> 8)}))
	}
	return b.String()[:n]
}

// TestRejectsNameTheRowAsSent: a rejected row has the number that it was sent with,
// whether decoder or database finds the fault, and also after more refused rows than
// are kept.
func TestRejectsNameTheRowAsSent(t *testing.T) {
	h := newHub(t, ingest.Config{})
	h.exec("ALTER TABLE obs.gauges ADD CHECK (ratio >= 0)")
	gauge := func(id string, ratio int) string { return fmt.Sprintf(`{"id":%q,"ratio":%d,"count":1}`, id, ratio) }
	scope := scopeOf(1)
	scope.Category = "gauges"
	rows := []string{"null", gauge("a", 1), "null", gauge("b", -1), gauge("a", 2)}
	want := []string{"0 syntax", "2 syntax", "3 refused", "4 repeated_row"}
	for len(rows) < 150 { // more than are kept
		rows = append(rows, "null")
	}
	rows = append(rows, gauge("c", -1), gauge("a", 3))
	want = append(want, "150 refused", "151 repeated_row")
	h.deliver(envelopes(scope, time.Now(), rows...)...)
	slices.Sort(want)
	h.want(`SELECT row_number || ' ' || reason FROM hub.reject WHERE reason <> 'syntax' AND reason <> 'more_rows' OR row_number < 5`, want...)
	h.want("SELECT id FROM obs.gauges", "a")
}

// TestPoisonRows puts every kind of row that cannot be applied before, between and
// behind 500 good ones.
func TestPoisonRows(t *testing.T) {
	const good = 500
	h := newHub(t, ingest.Config{})
	h.exec("ALTER TABLE obs.gauges ADD CHECK (ratio >= 0); CREATE INDEX ON obs.gauges (id)")
	var data [][]byte
	var want []string
	for i, p := range poisonRows {
		for j, at := range []int{0, good / 2, good} {
			scope := scopeOf(10*i + j)
			scope.Category = "gauges"
			var rows []string
			for n := range good {
				rows = append(rows, fmt.Sprintf(`{"id":"%d","ratio":%d,"count":%d}`, n, n, n))
			}
			data = append(data, envelopes(scope, time.Now(), slices.Insert(rows, at, p.row)...)...)
			row, bytes := at, p.row
			switch p.reason {
			case load.ReasonRepeatedRow: // the second one is the repeated one
				if at == 0 {
					row, bytes = 1, rows[0]
				}
			}
			if p.reason == load.ReasonRefused || p.reason == load.ReasonRepeatedRow {
				bytes = "" // written anew from the columns; the same row, if not the same bytes
			}
			want = append(want, fmt.Sprintf("%s %d %s %x", scope.Account, row, p.reason, sha256.Sum256([]byte(bytes))))
		}
	}
	h.deliver(data...)
	slices.Sort(want)
	h.want("SELECT account_id || ' ' || row_number || ' ' || reason || ' ' || encode(CASE WHEN reason IN ('refused', "+
		"'repeated_row') THEN sha256('') ELSE sha256 END, 'hex') FROM hub.reject", want...)
	h.want("SELECT account_id FROM obs.gauges GROUP BY 1 HAVING count(*) <> 500")
	h.want("SELECT count(DISTINCT account_id)::text FROM obs.gauges", strconv.Itoa(3*len(poisonRows)))
	h.want("SELECT count(*)::text FROM hub.run WHERE rejects = 1 AND rows = end_rows AND completed_at IS NULL",
		strconv.Itoa(3*len(poisonRows)))
}

// TestPoisonRecords puts every kind of record that cannot be read between good ones.
func TestPoisonRecords(t *testing.T) {
	h := newHub(t, ingest.Config{})
	now := time.Now()
	good := func(account int) [][]byte { return records(t, scopeOf(account), now, 10, thing("a", "1")) }
	change := func(record []byte, old, new string) []byte {
		if !bytes.Contains(record, []byte(old)) {
			t.Fatalf("%q is not in %q", old, record)
		}
		return bytes.Replace(record, []byte(old), []byte(new), 1)
	}
	plain := envelopes(scopeOf(99), now, thing("a", "1"))
	unheard := scopeOf(99)
	unheard.Category = "unheard_of"
	sliced := change(plain[0], `"region":"eu-central-1"`, `"region":"eu-central-1","slice":"2026-01-01"`)
	for name, c := range map[string]struct {
		record []byte
		reason schema.Reason
	}{
		"nothing":            {nil, "not_envelope"},
		"a byte":             {[]byte{0}, "not_envelope"},
		"KPL":                {[]byte("\xf3\x89\x9a\xc2garbage"), "kpl"},
		"a megabyte":         {[]byte(noise(1 << 20)), "not_envelope"},
		"JSON null":          {[]byte("null"), "not_envelope"},
		"Parquet":            {[]byte("PAR1"), "not_envelope"},
		"version 2":          {change(plain[0], `{"obs":1,`, `{"obs":2,`), "version"},
		"no line feed":       {[]byte(`{"obs":1,` + strings.Repeat(" ", 5000)), "header"},
		"no run":             {change(plain[0], `"run"`, `"ran"`), "header"},
		"short account":      {change(plain[0], `"account_id":"0`, `"account_id":"`), "header"},
		"NUL in header":      {change(plain[1], `"outcome":"ok"`, `"outcome":"partial","error":"\u0000"`), "header"},
		"other hash":         {change(plain[0], `"value":"1"`, `"value":"2"`), "hash"},
		"other size":         {change(plain[0], `"size":2`, `"size":3`), "corrupt"},
		"not zstd":           {change(plain[0], `"codec":"none"`, `"codec":"zstd"`), "corrupt"},
		"unknown codec":      {change(plain[0], `"codec":"none"`, `"codec":"lz4"`), "codec"},
		"8 MiB and more":     {change(plain[0], `"size":`, `"size":99999`), "too_large"},
		"more rows":          {change(plain[0], `"rows":1`, `"rows":2`), "rows"},
		"unknown category":   {envelopes(unheard, now, "{}")[0], "unknown_category"},
		"a slice of nothing": {sliced, "wrong_slice"},
		"in an hour":         {envelopes(scopeOf(99), now.Add(time.Hour), thing("a", "1"))[0], "clock_ahead"},
	} {
		for position, data := range map[string][][]byte{
			"first": slices.Concat([][]byte{c.record}, good(1), good(2)),
			"among": slices.Concat(good(1), [][]byte{c.record}, good(2)),
			"last":  slices.Concat(good(1), good(2), [][]byte{c.record}),
			"twice": slices.Concat(good(1), [][]byte{c.record, c.record}, good(2)),
		} {
			t.Run(name+" "+position, func(t *testing.T) {
				h := &hub{T: t, pool: h.pool, pipeline: h.pipeline}
				h.exec("TRUNCATE hub.shard_progress, hub.scope, hub.run, hub.run_part, hub.reject, obs.things")
				h.deliver(data...)
				h.want("SELECT account_id || id || value FROM obs.things", "000000000001a1", "000000000002a1")
				h.want("SELECT (completed_at IS NOT NULL AND rows = 1)::text FROM hub.run", "true", "true")
				reject := fmt.Sprintf("%s %x", c.reason, sha256.Sum256(c.record))
				want := []string{reject}
				if position == "twice" {
					want = append(want, reject)
				}
				h.want("SELECT reason || ' ' || encode(sha256, 'hex') FROM hub.reject", want...)
			})
		}
	}
}

// TestNothingButPoison: rejects cannot fill the database, and the shard goes on.
func TestNothingButPoison(t *testing.T) {
	const limit = 100
	db := pgtest.New(t, template)
	config := quick
	config.RejectLimit = limit
	h := newHubOn(t, db.Pool, newLoader(newPool(t, db.URL, nil), config), ingest.Config{})
	h.exec("ALTER TABLE obs.gauges ADD CHECK (ratio >= 0)")
	var malformed, refused []string
	for i := range 2000 {
		malformed = append(malformed, fmt.Sprintf(`{"id":"%d","ratio":"x","count":1}`, i))
		refused = append(refused, fmt.Sprintf(`{"id":"%d","ratio":-1,"count":1}`, i))
	}
	scope := scopeOf(1)
	scope.Category = "gauges"
	other := scope
	other.Account = "000000000002"
	start := time.Now()
	h.deliver(slices.Concat(envelopes(scope, start, malformed...), envelopes(other, start, refused...))...)
	t.Logf("4,000 rejected rows in %v, %d transactions", time.Since(start), len(h.results))
	h.want("SELECT account_id || ' ' || reason || format(': %s, %s with bytes, %s with size', count(*), count(bytes), "+
		"count(*) FILTER (WHERE size > 0)) FROM hub.reject GROUP BY account_id, reason",
		"000000000001 more_rows: 1, 1 with bytes, 0 with size", "000000000001 wrong_type: 100, 100 with bytes, 100 with size",
		"000000000002 refused: 100, 100 with bytes, 100 with size")
	h.want("SELECT account_id || ' ' || reason || ' ' || counted FROM hub.reject_count WHERE counted > 0",
		"000000000002 refused 1900")
	h.want("SELECT row_number || ': ' || detail FROM hub.reject WHERE reason = 'more_rows'",
		"100: 1900 more rows of the part were rejected, this is the first of them")
	h.want("SELECT account_id || format(': %s rows, %s rejects', rows, rejects) FROM hub.run JOIN hub.scope USING (scope)",
		"000000000001: 2000 rows, 2000 rejects", "000000000002: 2000 rows, 2000 rejects")
	h.want("SELECT rows::text FROM hub.run_part", "2000", "2000")
	h.deliver(envelopes(scope, start.Add(time.Second), `{"id":"1","ratio":"y","count":1}`)...)
	h.want("SELECT reason || ' ' || open || ' ' || counted FROM hub.reject_count WHERE account_id = '000000000001'",
		"more_rows 1 0", "wrong_type 100 1")
	h.want("SELECT id FROM obs.gauges")
}

// TestRowsOfOneByte: a record of a few hundred bytes can hold as many rows as a part
// may have. Rows that are rejected fill a batch and cost of the budget as others do.
func TestRowsOfOneByte(t *testing.T) {
	rows := slices.Repeat([]string{"1"}, envelope.MaxRows)
	record := records(t, scopeOf(1), time.Now(), envelope.MaxRows, rows...)[0]
	if cost := ingest.Cost(stream.Record{Data: record}); len(record) > 1000 || cost < 100*envelope.MaxRows {
		t.Errorf("a record of %d bytes with %d rows costs %d bytes", len(record), envelope.MaxRows, cost)
	}
	h := newHub(t, ingest.Config{BatchRows: envelope.MaxRows, BatchAge: time.Hour})
	if err := h.pipeline.Open("0", stream.Position{}).Deliver(t.Context(),
		streamRecords(0, [][]byte{record})); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the batch is applied", func() bool { return len(h.results) == 1 })
	if r := <-h.results; r.Rejects != 101 || r.Categories["things"].Rejected != envelope.MaxRows {
		t.Errorf("%d rejects of %d rejected rows", r.Rejects, r.Categories["things"].Rejected)
	}
}
