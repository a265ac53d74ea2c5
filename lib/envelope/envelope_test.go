package envelope_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/klauspost/compress/zstd"

	"github.com/hubspoke/observability/lib/envelope"
	"github.com/hubspoke/observability/lib/goldentest"
	"github.com/hubspoke/observability/lib/internal/errtext"
	"github.com/hubspoke/observability/lib/schema"
)

var (
	scope = schema.Scope{Category: "certificates", Account: "123456789012", Region: "eu-central-1"}
	run   = parseRun("01981c5e-7c00-7000-8000-000000000001")
)

func parseRun(s string) schema.RunID {
	id, err := schema.ParseRunID(s)
	if err != nil {
		panic(err)
	}
	return id
}

func newPacker(t testing.TB, c envelope.Config) *envelope.Packer {
	t.Helper()
	p, err := envelope.NewPacker(c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func startRun(t testing.TB, p *envelope.Packer, scope schema.Scope) *envelope.Run {
	t.Helper()
	r, err := p.Run(scope, run)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func endOf(t testing.TB, r *envelope.Run, outcome schema.Outcome, text string) []byte {
	t.Helper()
	record, err := r.End(outcome, text)
	if err != nil {
		t.Fatal(err)
	}
	return record
}

func endRecord(t testing.TB, h envelope.EndHeader) []byte {
	t.Helper()
	record, err := envelope.EndRecord(h)
	if err != nil {
		t.Fatal(err)
	}
	return record
}

// pack packs rows of the default scope and run.
func pack(t testing.TB, c envelope.Config, rows ...string) []envelope.Packed {
	t.Helper()
	r := startRun(t, newPacker(t, c), scope)
	for _, row := range rows {
		if err := r.Add([]byte(row)); err != nil {
			t.Fatal(err)
		}
	}
	return r.Flush()
}

// decoder is used by open: making one takes longer than decoding.
var decoder = envelope.NewDecoder()

// open parses a record and decodes its body. Not for concurrent use.
func open(t testing.TB, record []byte) (envelope.PartHeader, []byte) {
	t.Helper()
	r, err := envelope.Parse(record)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := decoder.Body(nil, r.Part, r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return *r.Part, rows
}

func wantReason(t testing.TB, err error, want schema.Reason, detail string) {
	t.Helper()
	var refused *envelope.Error
	if !errors.As(err, &refused) {
		t.Fatalf("got %v, want an *Error with reason %s", err, want)
	}
	if refused.Reason != want || !strings.Contains(refused.Detail, detail) {
		t.Fatalf("got %v, want reason %s and a detail with %q", err, want, detail)
	}
}

func TestGolden(t *testing.T) {
	var rows []string
	for i := range 20 {
		rows = append(rows, fmt.Sprintf(
			`{"certificate_arn":"arn:aws:acm:eu-central-1:123456789012:certificate/%d","status":"ISSUED"}`, 20-i))
	}
	record := pack(t, envelope.Config{}, rows...)[0].Record
	// The compressed bytes belong to the library; what readers rely on is the
	// header line and what zstd makes of the rest.
	line, body, _ := bytes.Cut(record, []byte{'\n'})
	if !bytes.HasPrefix(body, []byte{0x28, 0xb5, 0x2f, 0xfd}) {
		t.Errorf("the body does not begin with zstd's magic number: %x", body[:4])
	}
	_, decoded := open(t, record)
	goldentest.Equal(t, "part.txt", append(append(line, '\n'), decoded...))

	sliced := scope
	sliced.Slice = "2025-07-18"
	uncompressed := startRun(t, newPacker(t, envelope.Config{}), sliced)
	if err := uncompressed.Add([]byte(`{"n":1}`)); err != nil {
		t.Fatal(err)
	}
	goldentest.Equal(t, "part-uncompressed.txt", uncompressed.Flush()[0].Record)
	goldentest.Equal(t, "end.txt", endOf(t, uncompressed, schema.Partial, `say "no"`+"\n"+`\o/`))
}

func TestPackSplits(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	noise := func(n int) string {
		b := make([]byte, n/2)
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		return `{"x":"` + hex.EncodeToString(b) + `"}`
	}
	many := func(n, size int) (rows []string) {
		for range n {
			rows = append(rows, noise(size))
		}
		return rows
	}
	tests := []struct {
		name   string
		config envelope.Config
		rows   []string
		parts  int
	}{
		{"nothing", envelope.Config{}, nil, 0},
		{"one", envelope.Config{}, many(1, 10), 1},
		{"exactly MaxRows", envelope.Config{MaxRows: 10}, many(10, 10), 1},
		{"one more than MaxRows", envelope.Config{MaxRows: 10}, many(11, 10), 2},
		{"MaxSize", envelope.Config{MaxSize: 8 << 10}, many(10, 4000), 5},
		{"MaxRecord", envelope.Config{MaxRecord: 8 << 10}, many(40, 3000), 24},
		{"a giant first", envelope.Config{MaxRecord: 8 << 10}, append([]string{noise(7000)}, many(40, 300)...), 3},
		{"a giant last", envelope.Config{MaxRecord: 8 << 10}, append(many(40, 300), noise(7000)), 3},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			packed := pack(t, test.config, test.rows...)
			if len(packed) != test.parts {
				t.Errorf("%d parts, want %d", len(packed), test.parts)
			}
			limit := test.config.MaxRecord
			if limit == 0 {
				limit = 1 << 20
			}
			for _, p := range packed {
				if size := len(p.Record) + len(envelope.PartitionKey(scope)); size > limit {
					t.Errorf("part %d has %d bytes with its key, limit %d", p.Header.Part, size, limit)
				}
			}
			wantRows(t, packed, test.rows)
		})
	}
}

// A copy of the rows in the archive is divided into the same parts: each part
// must hold rows that were added one after the other.
// What the rows of a part may be when they are decoded depends on how long it
// travels: rows that are alike go into more parts.
func TestPackObeysSizeLimit(t *testing.T) {
	alike := slices.Repeat([]string{`{"x":"` + strings.Repeat("x", 10_000) + `"}`}, 100)
	packed := pack(t, envelope.Config{}, alike...)
	if len(packed) < 2 {
		t.Errorf("1 MB of the same byte is %d parts", len(packed))
	}
	wantRows(t, packed, alike) // Parse takes them
	single := []string{`{"x":"` + strings.Repeat("x", 200_000) + `"}`}
	packed = pack(t, envelope.Config{}, single...)
	wantRows(t, packed, single)
	if len(packed) != 1 || packed[0].Header.Codec != envelope.None {
		t.Errorf("a row that compresses too well: %+v", packed[0].Header)
	}
}

func TestParseRefusesWhatExpandsTooMuch(t *testing.T) {
	body := bytes.Repeat([]byte("z"), 1000)
	record := func(size int) []byte {
		line := strings.Replace(partLine, `"size":8`, fmt.Sprintf(`"size":%d`, size), 1)
		return append([]byte(line), body...)
	}
	const most = 64*1000 + 64<<10
	if envelope.SizeLimit(len(body)) != most || envelope.SizeLimit(1<<20) != envelope.MaxSize {
		t.Errorf("limits %d and %d", envelope.SizeLimit(len(body)), envelope.SizeLimit(1<<20))
	}
	if _, err := envelope.Parse(record(most)); err != nil {
		t.Errorf("at the limit: %v", err)
	}
	_, err := envelope.Parse(record(most + 1))
	wantReason(t, err, envelope.ReasonTooLarge, "a body of 1000")
}

func TestPartsKeepTheOrderOfRows(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	var rows []string
	for i := range 200 {
		noise := make([]byte, random.IntN(1500))
		for j := range noise {
			noise[j] = byte(random.Uint32())
		}
		rows = append(rows, fmt.Sprintf(`{"x":"%x","n":%d}`, noise, i))
	}
	packed := pack(t, envelope.Config{MaxRecord: 8 << 10, MaxRows: 30}, rows...)
	first := int64(0)
	for _, p := range packed {
		wanted := rows[first : first+p.Header.Rows]
		first += p.Header.Rows
		_, body := open(t, p.Record)
		for _, line := range envelope.Lines(body) {
			if !slices.Contains(wanted, string(line)) {
				t.Fatalf("part %d holds %.40s, which was not added with it", p.Header.Part, line)
			}
		}
	}
}

// What Parse would refuse is not written.
func TestNothingIsWrittenThatParseRefuses(t *testing.T) {
	p := newPacker(t, envelope.Config{})
	noRegion := scope
	noRegion.Region = "EU\nx"
	for name, start := range map[string]struct {
		scope schema.Scope
		run   schema.RunID
	}{
		"region":              {noRegion, run},
		"no run":              {scope, schema.RunID{}},
		"before 1970":         {scope, schema.NewRunID(time.UnixMilli(-1))},
		"after the year 9999": {scope, schema.NewRunID(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC))},
	} {
		if _, err := p.Run(start.scope, start.run); err == nil {
			t.Errorf("%s: the packer takes it", name)
		}
		if record, err := envelope.EndRecord(envelope.EndHeader{
			Header: envelope.Header{Scope: start.scope, Run: start.run}, Outcome: schema.OK}); err == nil {
			t.Errorf("%s: it is written as %q", name, record)
		}
	}

	r := startRun(t, p, scope)
	if err := r.Add([]byte(`{"n":1}`)); err != nil {
		t.Fatal(err)
	}
	r.Flush()
	for _, outcome := range []schema.Outcome{schema.Empty, "fine", ""} {
		if record, err := r.End(outcome, ""); err == nil {
			t.Errorf("a run with a row ends as %q: %q", outcome, record)
		}
	}
	if _, err := r.End(schema.OK, ""); err != nil {
		t.Errorf("it cannot end any more: %v", err)
	}
}

// wantRows opens the parts and compares their rows with want, in any order.
func wantRows(t testing.TB, packed []envelope.Packed, want []string) {
	t.Helper()
	counts := map[string]int{}
	for _, row := range want {
		counts[row]++
	}
	for i, p := range packed {
		h, body := open(t, p.Record)
		if h != p.Header {
			t.Errorf("the record says %+v, Packed says %+v", h, p.Header)
		}
		if h.Part != i || h.Scope != scope || h.Run != run {
			t.Errorf("part %d: unexpected header %+v", i, h)
		}
		for _, line := range envelope.Lines(body) {
			counts[string(line)]--
		}
	}
	for row, n := range counts {
		if n != 0 {
			t.Errorf("row %.40s: %d missing", row, n)
		}
	}
}

func TestPackNumbersPartsAcrossFlushes(t *testing.T) {
	r := startRun(t, newPacker(t, envelope.Config{MaxRows: 2}), scope)
	var parts []int
	for i := range 7 {
		if err := r.Add(fmt.Appendf(nil, `{"n":%d}`, i)); err != nil {
			t.Fatal(err)
		}
		if i == 2 || i == 6 {
			for _, p := range r.Flush() {
				parts = append(parts, p.Header.Part)
			}
		}
	}
	if want := []int{0, 1, 2, 3}; !reflect.DeepEqual(parts, want) {
		t.Errorf("parts %v, want %v", parts, want)
	}
	if again := r.Flush(); len(again) != 0 {
		t.Errorf("a second Flush returned %d parts", len(again))
	}
	record, err := envelope.Parse(endOf(t, r, schema.OK, ""))
	if err != nil {
		t.Fatal(err)
	}
	want := envelope.EndHeader{Header: envelope.Header{Scope: scope, Run: run}, Outcome: schema.OK, Parts: 4, Rows: 7}
	if record.Part != nil || *record.End != want || len(record.Body) != 0 {
		t.Errorf("end %+v, want %+v", record, want)
	}
}

// Runs of one packer, side by side, do not get each other's rows.
func TestPackerIsForConcurrentUse(t *testing.T) {
	const goroutines, runs = 8, 50
	p := newPacker(t, envelope.Config{MaxRows: 7})
	rowsOf := func(g, k int) []string {
		var rows []string
		for i := range 30 {
			rows = append(rows, fmt.Sprintf(`{"g":%d,"k":%d,"i":%d}`, g, k, i))
		}
		return rows
	}
	var packed [goroutines][runs][]envelope.Packed
	var group sync.WaitGroup
	for g := range goroutines {
		group.Go(func() {
			for k := range runs {
				r, err := p.Run(scope, run)
				if err != nil {
					t.Error(err)
					return
				}
				for _, row := range rowsOf(g, k) {
					if err := r.Add([]byte(row)); err != nil {
						t.Error(err)
					}
				}
				packed[g][k] = r.Flush()
			}
		})
	}
	group.Wait()
	for g := range goroutines {
		for k := range runs {
			wantRows(t, packed[g][k], rowsOf(g, k))
		}
	}
}

func TestPackSortsRows(t *testing.T) {
	one := pack(t, envelope.Config{}, `{"a":1}`, `{"a":2}`, `{"a":3}`)
	other := pack(t, envelope.Config{}, `{"a":3}`, `{"a":1}`, `{"a":2}`)
	if !bytes.Equal(one[0].Record, other[0].Record) {
		t.Error("the same rows in another order make another part")
	}
}

func TestAddRefuses(t *testing.T) {
	if n := newPacker(t, envelope.Config{}).MaxLine(); n != schema.MaxRow {
		t.Errorf("MaxLine %d, want that of a row", n)
	}
	p := newPacker(t, envelope.Config{MaxRecord: 8 << 10})
	r := startRun(t, p, scope)
	fits := bytes.Repeat([]byte("x"), p.MaxLine())
	var tooLarge *envelope.RowTooLargeError
	if err := r.Add(append(fits, 'x')); !errors.As(err, &tooLarge) || tooLarge.Size != len(fits)+1 ||
		tooLarge.Limit != len(fits) {
		t.Errorf("one byte too many: %v", err)
	}
	for _, bad := range []string{"", "{}\n", "{\n}"} {
		if err := r.Add([]byte(bad)); err == nil {
			t.Errorf("%q is taken for a row", bad)
		}
	}
	if err := r.Add(fits); err != nil {
		t.Errorf("a row of MaxLine bytes: %v", err)
	}
	if n := len(r.Flush()); n != 1 {
		t.Errorf("%d parts, want the one row that fits", n)
	}
}

// A row of MaxLine random bytes must fit whatever the header says.
func TestMaxLineFitsWithTheLongestHeader(t *testing.T) {
	p := newPacker(t, envelope.Config{MaxRecord: 8 << 10})
	long := schema.Scope{
		Category: strings.Repeat("c", 48), Account: "123456789012",
		Region: "rrrr-rrrrr-rrrrrrrrr-99", Slice: strings.Repeat("s", 64),
	}
	r := startRun(t, p, long)
	random := rand.New(rand.NewPCG(3, 4))
	line := make([]byte, p.MaxLine())
	for i := range line {
		line[i] = 0x80 | byte(random.Uint32())
	}
	if err := r.Add(line); err != nil {
		t.Fatal(err)
	}
	record := r.Flush()[0].Record
	if size := len(record) + len(envelope.PartitionKey(long)); size > 8<<10 {
		t.Errorf("the record has %d bytes with its key", size)
	}
	if h, _ := open(t, record); h.Codec != envelope.None {
		t.Errorf("codec %q for random bytes, want none", h.Codec)
	}
}

func TestConfigReportsAllFaults(t *testing.T) {
	_, err := envelope.NewPacker(envelope.Config{MaxRecord: 1, MaxRows: -1, MaxSize: envelope.MaxSize + 1})
	if err == nil {
		t.Fatal("a wrong config is taken")
	}
	for _, field := range []string{"MaxRecord", "MaxRows", "MaxSize"} {
		if !strings.Contains(err.Error(), field) {
			t.Errorf("%v does not name %s", err, field)
		}
	}
}

func TestEndRecordCutsError(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"none", "", ""},
		{"quotes", `a "b" \c`, `a "b" \c`},
		{"control characters", "a\x00b\nc\x7f", "a b c "},
		{"invalid UTF-8", "a\xffb", "a\ufffdb"},
		{"all quotes", strings.Repeat(`"`, 5000), strings.Repeat(`"`, envelope.MaxError)},
		{"cut at a rune", "x" + strings.Repeat("é", 1000), "x" + strings.Repeat("é", 511)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			record := endRecord(t, envelope.EndHeader{
				Header: envelope.Header{Scope: scope, Run: run}, Outcome: schema.Failed, Error: test.text})
			r, err := envelope.Parse(record)
			if err != nil {
				t.Fatal(err)
			}
			if got := r.End.Error; got != test.want || !utf8.ValidString(got) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestEndTellsTheInterval(t *testing.T) {
	for every, want := range map[time.Duration]time.Duration{
		0:                            0,
		time.Nanosecond:              time.Second,
		15 * time.Minute:             15 * time.Minute,
		time.Minute + 1:              time.Minute + time.Second,
		envelope.MaxEvery:            envelope.MaxEvery,
		-time.Second:                 -1, // refused
		envelope.MaxEvery + 1:        -1,
		time.Duration(math.MaxInt64): -1,
	} {
		r := startRun(t, newPacker(t, envelope.Config{}), scope)
		r.Every = every
		record, err := r.End(schema.Empty, "")
		if want < 0 {
			if err == nil {
				t.Errorf("%v: it is written as %s", every, record)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if r, err := envelope.Parse(record); err != nil || r.End.Every != want {
			t.Errorf("%v: %+v, error %v; want %v", every, r.End, err, want)
		}
	}
}

func TestEndTellsWhatTheRunCost(t *testing.T) {
	for _, test := range []struct {
		requests, wantRequests int64
		paid, usdMicros        int64
		took, wantTook         time.Duration
		refused                bool
	}{
		{},
		{requests: 7, wantRequests: 7, took: time.Nanosecond, wantTook: time.Millisecond},
		{requests: envelope.MaxRequests, wantRequests: envelope.MaxRequests, took: envelope.MaxTook,
			wantTook: envelope.MaxTook, paid: envelope.MaxRequests, usdMicros: envelope.MaxUSDMicros},
		{requests: envelope.MaxRequests + 1, refused: true},
		{paid: envelope.MaxRequests + 1, refused: true},
		{paid: -1, refused: true},
		{usdMicros: envelope.MaxUSDMicros + 1, refused: true},
		{usdMicros: -1, refused: true},
		{requests: -1, refused: true},
		{took: envelope.MaxTook + 1, refused: true},
		{took: -1, refused: true},
	} {
		r := startRun(t, newPacker(t, envelope.Config{}), scope)
		r.Requests, r.PaidRequests, r.USDMicros, r.Took = test.requests, test.paid, test.usdMicros, test.took
		record, err := r.End(schema.Empty, "")
		if refused := err != nil; refused != test.refused {
			t.Errorf("%+v: it is written as %s, error %v", test, record, err)
		}
		if err != nil {
			continue
		}
		if r, err := envelope.Parse(record); err != nil || r.End.Requests != test.wantRequests ||
			r.End.PaidRequests != test.paid || r.End.USDMicros != test.usdMicros || r.End.Took != test.wantTook {
			t.Errorf("%+v: %+v, error %v", test, r.End, err)
		}
	}
}

func TestEndTellsTheExtent(t *testing.T) {
	for _, extent := range []schema.Extent{"", schema.Full, schema.Incremental} {
		r := startRun(t, newPacker(t, envelope.Config{}), scope)
		r.Extent = extent
		record, err := r.End(schema.Empty, "")
		if err != nil {
			t.Fatal(err)
		}
		if r, err := envelope.Parse(record); err != nil || r.End.Extent != extent {
			t.Errorf("%q: %+v, error %v", extent, r.End, err)
		}
	}
	r := startRun(t, newPacker(t, envelope.Config{}), scope)
	r.Extent = "most"
	if record, err := r.End(schema.Empty, ""); err == nil {
		t.Errorf("it is written as %s", record)
	}
}

// partLine is the header of a part with the body `{"n":1}` and a line feed.
const (
	partBody = `{"n":1}` + "\n"
	partLine = `{"obs":1,"kind":"part","category":"certificates","account_id":"123456789012","region":"eu-central-1",` +
		`"run":"01981c5e-7c00-7000-8000-000000000001","collected_at":"2025-07-18T07:10:10.944Z",` +
		`"part":0,"codec":"none","rows":1,"size":8,"sha256":"cedf74272c9fc8db5448283a93277e7e7eb7534b71df3bd8ab35fd9b1b73404c"}` + "\n"
	endLine = `{"obs":1,"kind":"end","category":"certificates","account_id":"123456789012","region":"eu-central-1",` +
		`"run":"01981c5e-7c00-7000-8000-000000000001","collected_at":"2025-07-18T07:10:10.944Z",` +
		`"outcome":"ok","parts":2,"rows":3,"every":900,"extent":"incremental",` + costKeys + `"error":"none"}` + "\n"
	costKeys = `"requests":12,"paid_requests":2,"usd_micros":20000,"took_ms":1500,`
)

// unchangedLine is the end of a run that is as sameAs was.
const unchangedLine = `{"obs":1,"kind":"end","category":"certificates","account_id":"123456789012",` +
	`"region":"eu-central-1","run":"01981c5e-7c00-7000-8000-000000000001","collected_at":"2025-07-18T07:10:10.944Z",` +
	`"outcome":"unchanged","parts":0,"rows":0,"same_as":"01981c5e-0000-7000-8000-000000000001"}` + "\n"

var sameAs, _ = schema.ParseRunID("01981c5e-0000-7000-8000-000000000001")

// TestUnchangedRun: what was added and not sent leaves no trace in the end.
func TestUnchangedRun(t *testing.T) {
	r := startRun(t, newPacker(t, envelope.Config{MaxRows: 2}), scope)
	for i := range 5 {
		if err := r.Add(fmt.Appendf(nil, `{"n":%d}`, i)); err != nil {
			t.Fatal(err)
		}
	}
	r.Discard()
	if parts := r.Flush(); len(parts) > 0 || r.Parts() != 0 || r.Rows() != 0 {
		t.Errorf("%d parts are left, %d and %d rows are counted", len(parts), r.Parts(), r.Rows())
	}
	if record, err := r.End(schema.Unchanged, ""); err == nil {
		t.Errorf("without a base it is written as %s", record)
	}
	r.SameAs = sameAs
	record, err := r.End(schema.Unchanged, "")
	if err != nil {
		t.Fatal(err)
	}
	if r, err := envelope.Parse(record); err != nil || r.End.SameAs != sameAs || r.End.Outcome != schema.Unchanged {
		t.Errorf("%+v, error %v", r.End, err)
	}
	if record, err := r.End(schema.Empty, ""); err == nil {
		t.Errorf("with a base and another outcome it is written as %s", record)
	}
	// The run goes on as if nothing had been added.
	r.SameAs = schema.RunID{}
	if err := r.Add([]byte(`{"n":1}`)); err != nil {
		t.Fatal(err)
	}
	if parts := r.Flush(); len(parts) != 1 || parts[0].Header.Part != 0 || parts[0].Header.Rows != 1 {
		t.Errorf("the parts are %+v", parts)
	}
}

// firstRelease reads an end as the format did before there were unchanged runs: the rules
// of docs/wire-format.md at that time, written down anew. Keys that it does not know are
// ignored.
func firstRelease(record []byte) error {
	var h struct {
		Obs, Parts, Rows *int64
		Kind, Outcome    string
	}
	if err := json.Unmarshal(record, &h); err != nil {
		return err
	}
	known := []string{"ok", "empty", "partial", "denied", "throttled", "disabled", "failed"}
	switch {
	case h.Kind != "end" || h.Obs == nil || *h.Obs != 1 || h.Parts == nil || h.Rows == nil:
		return errors.New("not an end")
	case !slices.Contains(known, h.Outcome):
		return fmt.Errorf("outcome %q is not one of %v", h.Outcome, known)
	}
	return nil
}

// TestAnOlderHubRefusesUnchangedRuns: one that does not know the outcome must not take it
// for an empty run, which would mark every row of the scope as gone. All other ends that
// this version writes are good to it.
func TestAnOlderHubRefusesUnchangedRuns(t *testing.T) {
	for _, outcome := range schema.Outcomes {
		r := startRun(t, newPacker(t, envelope.Config{}), scope)
		r.Every, r.Extent, r.Requests, r.Took = time.Hour, schema.Full, 3, time.Second
		r.PaidRequests, r.USDMicros = 2, 20_000
		if outcome == schema.Unchanged {
			r.SameAs = sameAs
		}
		record, err := r.End(outcome, "")
		if err != nil {
			t.Fatal(err)
		}
		if err := firstRelease(record); (err != nil) != (outcome == schema.Unchanged) {
			t.Errorf("%s: %v", outcome, err)
		}
	}
}

func TestParseAccepts(t *testing.T) {
	header := envelope.Header{Scope: scope, Run: run}
	part := envelope.PartHeader{
		Header: header,
		Codec:  envelope.None, Rows: 1, Size: 8, SHA256: sha256.Sum256([]byte(partBody)),
	}
	sliced := part
	sliced.Slice = "2025-07-18"
	end := envelope.EndHeader{
		Header: header, Outcome: schema.OK, Parts: 2, Rows: 3, Error: "none",
		Every:    15 * time.Minute,
		Extent:   schema.Incremental,
		Requests: 12, PaidRequests: 2, USDMicros: 20000, Took: 1500 * time.Millisecond,
	}
	noInterval, noExtent, noCost := end, end, end
	unchanged := envelope.EndHeader{Header: header, Outcome: schema.Unchanged, SameAs: sameAs}
	noInterval.Every, noExtent.Extent = 0, ""
	noCost.Requests, noCost.PaidRequests, noCost.USDMicros, noCost.Took = 0, 0, 0, 0
	tests := []struct {
		name, record string
		want         any
	}{
		{"part", partLine + partBody, part},
		{"slice", strings.Replace(partLine, `"run"`, `"slice":"2025-07-18","run"`, 1) + partBody, sliced},
		{"unknown keys", strings.Replace(partLine, `"run"`, `"key":{"a":[1,null]},"seq":1.5e3,"sig":"x","RUN":true,"run"`,
			1) + partBody, part},
		{"white space and escapes", strings.Replace(partLine, `"part",`, ` "\u0070art" , `, 1) + partBody, part},
		{"end", endLine, end},
		{"end without an interval", strings.Replace(endLine, `"every":900,`, "", 1), noInterval},
		{"end without an extent", strings.Replace(endLine, `"extent":"incremental",`, "", 1), noExtent},
		{"end without requests", strings.Replace(endLine, costKeys, "", 1), noCost},
		{"unchanged", unchangedLine, unchanged},
		{"no requests", strings.Replace(endLine, costKeys, `"requests":0,"usd_micros":0,`, 1), noCost},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r, err := envelope.Parse([]byte(test.record))
			if err != nil {
				t.Fatal(err)
			}
			_, body, _ := strings.Cut(test.record, "\n")
			want := envelope.Record{}
			switch h := test.want.(type) {
			case envelope.PartHeader:
				want = envelope.Record{Header: h.Header, Part: &h, Body: []byte(body)}
			case envelope.EndHeader:
				want = envelope.Record{Header: h.Header, End: &h}
			}
			if !reflect.DeepEqual(r, want) {
				t.Errorf("got  %+v\nwant %+v", r, want)
			}
		})
	}
}

func TestMaxHeader(t *testing.T) {
	pad := func(length int) []byte {
		room := length - len(partLine) - len(`"x":"",`)
		return []byte(strings.Replace(partLine, `"run"`, `"x":"`+strings.Repeat("x", room)+`","run"`, 1) + partBody)
	}
	longest := pad(envelope.MaxHeader)
	if bytes.IndexByte(longest, '\n') != envelope.MaxHeader-1 {
		t.Fatal("the header has another length")
	}
	if _, err := envelope.Parse(longest); err != nil {
		t.Errorf("a header of MaxHeader bytes: %v", err)
	}
	_, err := envelope.Parse(pad(envelope.MaxHeader + 1))
	wantReason(t, err, envelope.ReasonHeader, "4096")
}

// Headers are read before anything is known of their sender.
func TestParseMemory(t *testing.T) {
	var unknown strings.Builder
	for i := 0; len(partLine)+unknown.Len() < envelope.MaxHeader-10; i++ {
		fmt.Fprintf(&unknown, `"%x":1,`, i)
	}
	for name, test := range map[string]struct {
		keys  string
		limit uint64
	}{
		"usual":        {"", 4 << 10},
		"unknown keys": {unknown.String(), 128 << 10},
		"escapes":      {`"x":"` + strings.Repeat(`\n`, 1800) + `",`, 128 << 10},
	} {
		record := []byte(strings.Replace(partLine, `"run"`, test.keys+`"run"`, 1))
		// The least of a few counts: the runtime allocates meanwhile, too.
		least := uint64(math.MaxUint64)
		for range 5 {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := envelope.Parse(record)
			runtime.ReadMemStats(&after)
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			least = min(least, after.TotalAlloc-before.TotalAlloc)
		}
		if least > test.limit {
			t.Errorf("%s: %d bytes allocated for a header of %d bytes, limit %d", name, least, len(record), test.limit)
		}
	}
}

// The error text of another sender is as clean as our own.
func TestParseCleansError(t *testing.T) {
	record := strings.Replace(endLine, `"none"`, `"a\u001b[2Jb\nc"`, 1)
	r, err := envelope.Parse([]byte(record))
	if err != nil {
		t.Fatal(err)
	}
	if want := errtext.Clean("a\x1b[2Jb\nc"); r.End.Error != want || strings.ContainsAny(want, "\x1b\n") {
		t.Errorf("error %q, want %q", r.End.Error, want)
	}
}

func TestParseRefuses(t *testing.T) {
	replace := func(old, new string) string {
		if !strings.Contains(partLine, old) {
			t.Fatalf("%s is not in the header", old)
		}
		return strings.Replace(partLine, old, new, 1) + partBody
	}
	replaceEnd := func(old, new string) string {
		if !strings.Contains(endLine, old) {
			t.Fatalf("%s is not in the header", old)
		}
		return strings.Replace(endLine, old, new, 1)
	}
	tests := []struct {
		name, record string
		reason       schema.Reason
		detail       string
	}{
		{"KPL", "\xf3\x89\x9a\xc2\x0a\x01a", envelope.ReasonKPL, "Kinesis Producer Library"},
		{"nothing", "", envelope.ReasonNotEnvelope, `expected a header line that begins {"obs":1,`},
		{"other bytes", "hello", envelope.ReasonNotEnvelope, "expected"},
		{"other JSON", `{"account_id":"1"}` + "\n", envelope.ReasonNotEnvelope, "expected"},
		{"cut in the prefix", `{"obs":1`, envelope.ReasonNotEnvelope, "expected"},
		{"gzip", "\x1f\x8b\x08\x00", envelope.ReasonNotEnvelope, "expected"},
		{"white space first", " " + partLine + partBody, envelope.ReasonNotEnvelope, "expected"},
		{"version 2", replace(`"obs":1,`, `"obs":2,`), envelope.ReasonVersion, "version 1"},
		{"version 10", replace(`"obs":1,`, `"obs":10,`), envelope.ReasonVersion, "version 1"},
		{"version text", replace(`"obs":1,`, `"obs":"1",`), envelope.ReasonVersion, "version 1"},
		{"no line feed", strings.TrimSuffix(partLine, "\n"), envelope.ReasonHeader, "line feed"},
		{"long header", replace(`"run"`, `"x":"`+strings.Repeat("x", 4096)+`","run"`), envelope.ReasonHeader, "4096"},
		{"syntax", replace(`"rows":1`, `"rows":01`), envelope.ReasonHeader, ""},
		{"bytes behind the object", replace("}\n", "}{}\n"), envelope.ReasonHeader, ""},
		{"cut in the object", replace(`"}`, `"`), envelope.ReasonHeader, ""},
		{"invalid UTF-8", replace(`"run"`, "\"x\":\"\xff\",\"run\""), envelope.ReasonHeader, ""},
		{"key twice", replace(`"rows":1`, `"rows":1,"rows":2`), envelope.ReasonHeader, "rows"},
		{"version twice", replace(`"rows":1`, `"rows":1,"obs":2`), envelope.ReasonHeader, "obs"},
		{"unknown key twice", replace(`"rows":1`, `"rows":1,"x":1,"x":1`), envelope.ReasonHeader, "x"},
		{"nested key twice", replace(`"rows":1`, `"rows":1,"x":{"a":1,"a":1}`), envelope.ReasonHeader, ""},
		{"dict", replace(`"rows":1`, `"rows":1,"dict":"x"`), envelope.ReasonCodec, "dict"},
		{"codec", replace(`"none"`, `"gzip"`), envelope.ReasonCodec, "gzip"},
		{"kind missing", replace(`"kind":"part",`, ``), envelope.ReasonHeader, "kind"},
		{"kind", replace(`"kind":"part"`, `"kind":"Part"`), envelope.ReasonHeader, "Part"},
		{"missing", replace(`"rows":1,`, ``), envelope.ReasonHeader, "rows"},
		{"case", replace(`"rows":1`, `"Rows":1`), envelope.ReasonHeader, "rows"},
		{"null", replace(`"rows":1`, `"rows":null`), envelope.ReasonHeader, "rows"},
		{"number as text", replace(`"rows":1`, `"rows":"1"`), envelope.ReasonHeader, "rows"},
		{"text as number", replace(`"account_id":"123456789012"`, `"account_id":123456789012`), envelope.ReasonHeader,
			"account_id"},
		{"key of an end in a part", replace(`"rows":1`, `"rows":1,"outcome":"ok"`), envelope.ReasonHeader, "outcome"},
		{"key of a part in an end", replaceEnd(`"rows":3`, `"rows":3,"size":1`), envelope.ReasonHeader, "size"},
		{"category", replace(`"certificates"`, `"../x"`), envelope.ReasonHeader, "category"},
		{"account", replace(`123456789012`, `12345678901`), envelope.ReasonHeader, "account"},
		{"region", replace(`eu-central-1`, `EU`), envelope.ReasonHeader, "region"},
		{"slice", replace(`"run"`, `"slice":"a/b","run"`), envelope.ReasonHeader, "slice"},
		{"empty slice", replace(`"run"`, `"slice":"","run"`), envelope.ReasonHeader, "slice"},
		{"UUIDv4", replace(`-7000-`, `-4000-`), envelope.ReasonHeader, "UUIDv7"},
		{"upper case run", replace(`01981c5e`, `01981C5E`), envelope.ReasonHeader, "run"},
		{"collected_at", replace(`10.944Z`, `10.945Z`), envelope.ReasonHeader, "collected_at"},
		{"year 10889", replace(`01981c5e-7c00`, `ffffffff-ffff`), envelope.ReasonHeader, "9999"},
		{"part negative", replace(`"part":0`, `"part":-1`), envelope.ReasonHeader, "part"},
		{"part fraction", replace(`"part":0`, `"part":0.5`), envelope.ReasonHeader, "part"},
		{"part exponent", replace(`"part":0`, `"part":0e0`), envelope.ReasonHeader, "part"},
		{"part too large", replace(`"part":0`, `"part":1000000`), envelope.ReasonHeader, "part"},
		{"part overflows", replace(`"part":0`, `"part":18446744073709551616`), envelope.ReasonHeader, "part"},
		{"no rows", replace(`"rows":1`, `"rows":0`), envelope.ReasonHeader, "rows"},
		{"rows too many", replace(`"rows":1`, `"rows":1000001`), envelope.ReasonHeader, "rows"},
		{"more rows than bytes", replace(`"rows":1`, `"rows":9`), envelope.ReasonHeader, "rows"},
		{"size", replace(`"size":8`, `"size":8388609`), envelope.ReasonTooLarge, "8388608"},
		{"hash too short", replace(`"cedf74`, `"df74`), envelope.ReasonHeader, "sha256"},
		{"hash not hexadecimal", replace(`"cedf74`, `"xedf74`), envelope.ReasonHeader, "sha256"},
		{"hash upper case", replace(`"cedf74`, `"CEdf74`), envelope.ReasonHeader, "sha256"},
		{"end with a body", endLine + "x", envelope.ReasonHeader, "no body"},
		{"outcome", replaceEnd(`"ok"`, `"fine"`), envelope.ReasonHeader, "outcome"},
		{"parts too many", replaceEnd(`"parts":2,"rows":3`, `"parts":1000001,"rows":2000000`), envelope.ReasonHeader,
			"parts"},
		{"run rows too many", replaceEnd(`"rows":3`, `"rows":1000000000001`), envelope.ReasonHeader, "rows"},
		{"fewer rows than parts", replaceEnd(`"rows":3`, `"rows":1`), envelope.ReasonHeader, "rows"},
		{"rows without parts", replaceEnd(`"parts":2`, `"parts":0`), envelope.ReasonHeader, "parts"},
		{"empty with parts", replaceEnd(`"ok"`, `"empty"`), envelope.ReasonHeader, "empty"},
		{"error too long", replaceEnd(`"none"`, `"`+strings.Repeat("x", 1025)+`"`), envelope.ReasonHeader, "error"},
		{"every 0", replaceEnd(`900`, `0`), envelope.ReasonHeader, "every"},
		{"every too long", replaceEnd(`900`, `31622401`), envelope.ReasonHeader, "every"},
		{"every as text", replaceEnd(`900`, `"900"`), envelope.ReasonHeader, "every"},
		{"unknown extent", replaceEnd(`incremental`, `most`), envelope.ReasonHeader, "extent"},
		{"extent of a part", strings.Replace(partLine, `"part",`, `"part","extent":"full",`, 1), envelope.ReasonHeader,
			"extent"},
		{"every of a part", strings.Replace(partLine, `"part",`, `"part","every":900,`, 1), envelope.ReasonHeader, "every"},
		{"unchanged without a base", strings.Replace(unchangedLine, `same_as`, `SAME_AS`, 1), envelope.ReasonHeader,
			"same_as"},
		{"unchanged with parts", strings.Replace(unchangedLine, `"parts":0,"rows":0`, `"parts":1,"rows":1`, 1),
			envelope.ReasonHeader, "unchanged"},
		{"unchanged since itself", strings.Replace(unchangedLine, `01981c5e-0000`, `01981c5e-7c00`, 1), envelope.ReasonHeader,
			"earlier"},
		{"unchanged since a later run", strings.Replace(unchangedLine, `01981c5e-0000`, `01981c5e-8000`, 1),
			envelope.ReasonHeader, "earlier"},
		{"base is no run", strings.Replace(unchangedLine, `01981c5e-0000-7`, `01981c5e-0000-4`, 1), envelope.ReasonHeader,
			"UUIDv7"},
		{"ok with a base", replaceEnd(`"error":"none"`, `"same_as":"01981c5e-0000-7000-8000-000000000001"`),
			envelope.ReasonHeader, "same_as"},
		{"base of a part", strings.Replace(partLine, `"part",`, `"part","same_as":"01981c5e-0000-7000-8000-000000000001",`,
			1),
			envelope.ReasonHeader, "same_as"},
		{"requests too many", replaceEnd(`"requests":12`, `"requests":1000000000001`), envelope.ReasonHeader, "requests"},
		{"requests negative", replaceEnd(`"requests":12`, `"requests":-1`), envelope.ReasonHeader, "requests"},
		{"requests of a part", strings.Replace(partLine, `"part",`, `"part","requests":1,`, 1), envelope.ReasonHeader,
			"requests"},
		{"took 0", replaceEnd(`1500`, `0`), envelope.ReasonHeader, "took_ms"},
		{"took too long", replaceEnd(`1500`, `31622400001`), envelope.ReasonHeader, "took_ms"},
		{"took of a part", strings.Replace(partLine, `"part",`, `"part","took_ms":1,`, 1), envelope.ReasonHeader, "took_ms"},
		{"error empty", replaceEnd(`"none"`, `""`), envelope.ReasonHeader, "error"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := envelope.Parse([]byte(test.record))
			wantReason(t, err, test.reason, test.detail)
			if len(err.Error()) > 400 {
				t.Errorf("the error has %d bytes: %.100s…", len(err.Error()), err)
			}
		})
	}
}

// compress returns b as one zstd frame.
func compress(t testing.TB, b []byte, options ...zstd.EOption) []byte {
	t.Helper()
	z, err := zstd.NewWriter(nil, options...)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	return z.EncodeAll(b, nil)
}

// stream returns n zero bytes as one zstd frame that does not say its size.
func stream(t testing.TB, n int) []byte {
	t.Helper()
	var out bytes.Buffer
	z, err := zstd.NewWriter(&out, zstd.WithWindowSize(1<<20))
	if err != nil {
		t.Fatal(err)
	}
	zeros := make([]byte, 1<<20)
	for ; n > 0; n -= len(zeros) {
		if _, err := z.Write(zeros[:min(n, len(zeros))]); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestBodyRefuses(t *testing.T) {
	rows := []byte("{\"n\":1}\n{\"n\":2}\n")
	truth := envelope.PartHeader{Codec: envelope.Zstd, Rows: 2, Size: len(rows)}
	good := compress(t, rows)
	as := func(change func(h *envelope.PartHeader)) envelope.PartHeader {
		h := truth
		change(&h)
		return h
	}
	largest := as(func(h *envelope.PartHeader) { h.Size = envelope.MaxSize })
	tests := []struct {
		name   string
		header envelope.PartHeader
		body   []byte
		reason schema.Reason
	}{
		{"size above the limit", as(func(h *envelope.PartHeader) { h.Size = envelope.MaxSize + 1 }), good,
			envelope.ReasonTooLarge},
		{"size negative", as(func(h *envelope.PartHeader) { h.Size = -1 }), good, envelope.ReasonTooLarge},
		{"codec", as(func(h *envelope.PartHeader) { h.Codec = "lz4" }), good, envelope.ReasonCodec},
		{"no body", truth, nil, envelope.ReasonCorrupt},
		{"not zstd", truth, []byte("hello"), envelope.ReasonCorrupt},
		{"cut", truth, good[:len(good)-1], envelope.ReasonCorrupt},
		{"bytes behind", truth, append(bytes.Clone(good), "x"...), envelope.ReasonCorrupt},
		{"a frame behind", truth, append(bytes.Clone(good), good...), envelope.ReasonCorrupt},
		{"larger than declared", as(func(h *envelope.PartHeader) { h.Size-- }), good, envelope.ReasonCorrupt},
		{"smaller than declared", as(func(h *envelope.PartHeader) { h.Size++ }), good, envelope.ReasonCorrupt},
		{"bomb that says its size", largest, compress(t, make([]byte, 64<<20)), envelope.ReasonCorrupt},
		{"bomb that does not", largest, stream(t, 64<<20), envelope.ReasonCorrupt},
		{"bomb of many frames", largest, bytes.Repeat(compress(t, make([]byte, 4<<20)), 100), envelope.ReasonCorrupt},
		{"frame of 2^60 bytes", largest, []byte{0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0, 0, 0, 0, 0, 0, 0, 0x10, 1, 0, 0},
			envelope.ReasonCorrupt},
		{"window of 3 TiB", largest, []byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xff, 1, 0, 0}, envelope.ReasonCorrupt},
		{"dictionary", truth, []byte{0x28, 0xb5, 0x2f, 0xfd, 0x21, 0x07, 0x00, 1, 0, 0}, envelope.ReasonCorrupt},
		{"uncompressed, other size", as(func(h *envelope.PartHeader) { h.Codec = envelope.None }), rows[:8],
			envelope.ReasonCorrupt},
		{"hash", as(func(h *envelope.PartHeader) { h.SHA256 = sha256.Sum256(rows) }), good, envelope.ReasonHash},
		{"hash of another body, which is a bomb", as(func(h *envelope.PartHeader) {
			h.Size, h.SHA256 = envelope.MaxSize,
				sha256.Sum256(good)
		}), stream(t, 64<<20), envelope.ReasonHash},
		{"rows", as(func(h *envelope.PartHeader) { h.Rows = 1 }), good, envelope.ReasonRows},
		{"last line not ended", as(func(h *envelope.PartHeader) { h.Size-- }), compress(t, rows[:len(rows)-1]),
			envelope.ReasonRows},
		{"nothing", as(func(h *envelope.PartHeader) { h.Rows, h.Size = 0, 0 }), compress(t, nil, zstd.WithZeroFrames(true)),
			envelope.ReasonRows},
	}
	d := envelope.NewDecoder()
	defer d.Close()
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dst := []byte("before")
			h := test.header
			if test.reason != envelope.ReasonHash {
				h.SHA256 = sha256.Sum256(test.body)
			}
			got, err := d.Body(dst, &h, test.body)
			wantReason(t, err, test.reason, "")
			if string(got) != "before" {
				t.Errorf("dst became %d bytes", len(got))
			}
			// The decoder works as before.
			h = truth
			h.SHA256 = sha256.Sum256(good)
			got, err = d.Body(dst, &h, good)
			if err != nil || string(got) != "before"+string(rows) {
				t.Errorf("a good body afterwards: %q, %v", got, err)
			}
		})
	}
}

// A bomb must cost no more memory than the size that the header may declare, and
// none if it does not have the hash that the header promises.
func TestBombMemory(t *testing.T) {
	bomb := stream(t, 256<<20)
	hash := sha256.Sum256(bomb)
	for _, test := range []struct {
		name   string
		size   int
		hash   [32]byte
		reason schema.Reason
		limit  uint64
	}{
		{"right hash", 1 << 20, hash, envelope.ReasonCorrupt, 5 << 20},
		{"wrong hash", envelope.MaxSize, [32]byte{}, envelope.ReasonHash, 64 << 10},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := &envelope.PartHeader{Codec: envelope.Zstd, Rows: 1, Size: test.size, SHA256: test.hash}
			d := envelope.NewDecoder()
			defer d.Close()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := d.Body(nil, h, bomb)
			runtime.ReadMemStats(&after)
			wantReason(t, err, test.reason, "")
			if got := after.TotalAlloc - before.TotalAlloc; got > test.limit {
				t.Errorf("%d bytes allocated to refuse a bomb of %d bytes, limit %d", got, len(bomb), test.limit)
			}
		})
	}
}

// A window may be as large as a body, and no larger.
func TestWindowLimit(t *testing.T) {
	rows := []byte("{\"n\":1}\n")
	// A frame with one raw block. The window is 2^(10+exponent), and eighths of it more
	// (RFC 8878, 3.1.1.1.2).
	frame := func(exponent, eighths byte) []byte {
		block := uint32(len(rows))<<3 | 1
		head := []byte{0x28, 0xb5, 0x2f, 0xfd, 0, exponent<<3 | eighths, byte(block), byte(block >> 8), byte(block >> 16)}
		return append(head, rows...)
	}
	d := envelope.NewDecoder()
	defer d.Close()
	body := func(frame []byte) error {
		_, err := d.Body(nil, &envelope.PartHeader{Codec: envelope.Zstd, Rows: 1, Size: len(rows),
			SHA256: sha256.Sum256(frame)}, frame)
		return err
	}
	if err := body(frame(13, 0)); err != nil {
		t.Errorf("a window of 8 MiB: %v", err)
	}
	wantReason(t, body(frame(13, 1)), envelope.ReasonCorrupt, "window")
}

// Two incompressible rows near the limit of a record are in one part or in two,
// and no record is above the limit.
func TestPackKeepsMaxRecordExactly(t *testing.T) {
	const limit = 8 << 10
	p := newPacker(t, envelope.Config{MaxRecord: limit})
	random := rand.New(rand.NewPCG(7, 8))
	row := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = 0x80 | byte(random.Uint32())
		}
		return b
	}
	sizes := map[int]bool{}
	for n := limit/2 - 300; n < limit/2; n++ {
		r := startRun(t, p, scope)
		for range 2 {
			if err := r.Add(row(n)); err != nil {
				t.Fatal(err)
			}
		}
		packed := r.Flush()
		for _, part := range packed {
			if size := len(part.Record) + len(envelope.PartitionKey(scope)); size > limit {
				t.Errorf("a record has %d bytes with its key, limit %d", size, limit)
			} else {
				sizes[size] = true
			}
		}
		if len(packed) > 2 {
			t.Errorf("%d parts of two rows", len(packed))
		}
	}
	if !sizes[limit] && !sizes[limit-1] {
		t.Errorf("no record reached the limit")
	}
}

func TestLines(t *testing.T) {
	var got []string
	for i, line := range envelope.Lines([]byte("a\n\nb")) {
		got = append(got, fmt.Sprint(i, string(line)))
	}
	if want := []string{"0a", "1", "2b"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestPartitionKey(t *testing.T) {
	key := envelope.PartitionKey(scope)
	if len(key) != 32 || key != envelope.PartitionKey(scope) {
		t.Errorf("key %q", key)
	}
	other := scope
	other.Region = "eu-central-2"
	if key == envelope.PartitionKey(other) {
		t.Error("two scopes have one key")
	}
	pinned := schema.Scope{Category: "secrets", Account: "111122223333", Region: "eu-central-1"}
	if key := envelope.PartitionKey(pinned); key != "98e0e11d0e60aff0199da74be334d93a" {
		t.Errorf("%v has the key %s", pinned, key)
	}
}

// Random rows, scopes and limits come back as they went in.
func TestPackAndOpenAreInverse(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for range 200 {
		config := envelope.Config{
			MaxRecord: 8<<10 + random.IntN(8<<10),
			MaxRows:   1 + random.IntN(50),
			MaxSize:   8<<10 + random.IntN(64<<10),
		}
		var rows []string
		for range random.IntN(100) {
			row := make([]byte, 1+random.IntN(500))
			for i := range row {
				row[i] = "abcdefghijklmnop"[random.IntN(1+random.IntN(16))]
			}
			rows = append(rows, string(row))
		}
		packed := pack(t, config, rows...)
		wantRows(t, packed, rows)
		if t.Failed() {
			t.Fatalf("config %+v", config)
		}
	}
}
