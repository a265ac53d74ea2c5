package envelope

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/hubspoke/observability/lib/internal/errtext"
	"github.com/hubspoke/observability/lib/internal/jsonscan"
	"github.com/hubspoke/observability/lib/schema"
)

// kplMagic begins a record that the Kinesis Producer Library aggregated.
var kplMagic = []byte{0xf3, 0x89, 0x9a, 0xc2}

// Record is a record with its header read. Either Part or End is set.
type Record struct {
	// Header is what the headers of both kinds share.
	Header
	// Part is the header of a part. Nil: the record is an end.
	Part *PartHeader
	// End is the header of an end. Nil: the record is a part.
	End *EndHeader
	// Body of a part as it travelled, which lies in the bytes that were parsed and was
	// not looked at: see [Decoder.Body].
	Body []byte
}

// Parse reads the header of a record. The error is an [*Error].
//
// Parse allocates about 3 KiB, and no more than 128 KiB, whatever record is.
func Parse(record []byte) (Record, error) {
	if err := checkPrefix(record); err != nil {
		return Record{}, err
	}
	end := bytes.IndexByte(record[:min(len(record), MaxHeader)], '\n')
	if end < 0 {
		return Record{}, refuse(ReasonHeader, "no line feed within %d bytes", MaxHeader)
	}
	r, err := parseHeader(record[:end])
	if err != nil {
		return Record{}, err
	}
	body := record[end+1:]
	if r.End != nil {
		if len(body) > 0 {
			return Record{}, refuse(ReasonHeader, "%d bytes behind an end, which has no body", len(body))
		}
		return r, nil
	}
	if limit := SizeLimit(len(body)); r.Part.Size > limit {
		return Record{}, refuse(ReasonTooLarge, "size %d is more than the %d bytes that a body of %d may have",
			r.Part.Size, limit, len(body))
	}
	r.Body = body
	return r, nil
}

func checkPrefix(record []byte) error {
	switch {
	case bytes.HasPrefix(record, []byte(prefix)):
		return nil
	case bytes.HasPrefix(record, kplMagic):
		return refuse(ReasonKPL, "the record was aggregated by the Kinesis Producer Library; send one envelope per record")
	case bytes.HasPrefix(record, []byte(prefix[:len(`{"obs":`)])) && len(record) >= len(prefix):
		return refuse(ReasonVersion, "the record begins %q; this program reads version 1, which begins %s",
			record[:len(prefix)], prefix)
	}
	return refuse(ReasonNotEnvelope, "the record begins %q; expected a header line that begins %s",
		record[:min(len(record), 16)], prefix)
}

// need says whether a kind of record has a key.
type need uint8

const (
	never need = iota
	maybe
	always
)

// field is a key of the header that this version knows.
type field struct {
	key       string
	part, end need
	read      func(h *parsed, s *jsonscan.Scanner) error
}

// parsed is a header while it is read, of whichever kind.
type parsed struct {
	Header
	kind        kind
	collectedAt string
	rows        int64
	part        PartHeader
	end         EndHeader
}

// fields are all keys of the header in the order of writing. Others are ignored,
// so that a newer sender may add some.
var fields = []field{
	{"obs", always, always, func(h *parsed, s *jsonscan.Scanner) error { return skip(s) }}, // checkPrefix looked at it
	{"kind", always, always, func(h *parsed, s *jsonscan.Scanner) error { return text(s, &h.kind) }},
	{"category", always, always, func(h *parsed, s *jsonscan.Scanner) error { return text(s, &h.Category) }},
	{"account_id", always, always, func(h *parsed, s *jsonscan.Scanner) error { return text(s, &h.Account) }},
	{"region", always, always, func(h *parsed, s *jsonscan.Scanner) error { return text(s, &h.Region) }},
	{"slice", maybe, maybe, func(h *parsed, s *jsonscan.Scanner) error { return text(s, &h.Slice) }},
	{"run", always, always, func(h *parsed, s *jsonscan.Scanner) error { return runID(s, &h.Run) }},
	{"collected_at", always, always, func(h *parsed, s *jsonscan.Scanner) error { return text(s, &h.collectedAt) }},
	{"part", always, never, func(h *parsed, s *jsonscan.Scanner) error { return number(s, &h.part.Part) }},
	{"codec", always, never, func(h *parsed, s *jsonscan.Scanner) error { return text(s, &h.part.Codec) }},
	{"rows", always, always, func(h *parsed, s *jsonscan.Scanner) error { return number(s, &h.rows) }},
	{"size", always, never, func(h *parsed, s *jsonscan.Scanner) error { return number(s, &h.part.Size) }},
	{"sha256", always, never, func(h *parsed, s *jsonscan.Scanner) error { return hash(s, &h.part.SHA256) }},
	{"outcome", never, always, func(h *parsed, s *jsonscan.Scanner) error { return text(s, &h.end.Outcome) }},
	{"parts", never, always, func(h *parsed, s *jsonscan.Scanner) error { return number(s, &h.end.Parts) }},
	{"every", never, maybe, func(h *parsed, s *jsonscan.Scanner) error {
		return duration(s, &h.end.Every, time.Second,
			MaxEvery)
	}},
	{"extent", never, maybe, func(h *parsed, s *jsonscan.Scanner) error { return text(s, &h.end.Extent) }},
	{"requests", never, maybe, func(h *parsed, s *jsonscan.Scanner) error { return number(s, &h.end.Requests) }},
	{"paid_requests", never, maybe, func(h *parsed, s *jsonscan.Scanner) error { return number(s, &h.end.PaidRequests) }},
	{"usd_micros", never, maybe, func(h *parsed, s *jsonscan.Scanner) error { return number(s, &h.end.USDMicros) }},
	{"took_ms", never, maybe, func(h *parsed, s *jsonscan.Scanner) error {
		return duration(s, &h.end.Took,
			time.Millisecond, MaxTook)
	}},
	{"same_as", never, maybe, func(h *parsed, s *jsonscan.Scanner) error { return runID(s, &h.end.SameAs) }},
	{"error", never, maybe, func(h *parsed, s *jsonscan.Scanner) error { return text(s, &h.end.Error) }},
}

func parseHeader(line []byte) (Record, error) {
	var h parsed
	seen, err := h.read(line)
	if err == nil {
		err = h.checkKeys(seen)
	}
	if err == nil {
		err = h.checkRun()
	}
	if err != nil {
		return Record{}, headerError(err)
	}
	r := Record{Header: h.Header}
	switch h.kind {
	case kindPart:
		h.part.Header, h.part.Rows = h.Header, h.rows
		r.Part, err = &h.part, h.part.check()
	default:
		h.end.Header, h.end.Rows = h.Header, h.rows
		r.End, err = &h.end, h.end.validate()
		h.end.Error = errtext.Clean(h.end.Error) // another sender's text goes to logs and terminals too
	}
	if err != nil {
		return Record{}, headerError(err)
	}
	return r, nil
}

// headerError returns err as an *Error.
func headerError(err error) error {
	var refused *Error
	if errors.As(err, &refused) {
		return err
	}
	return refuse(ReasonHeader, "%v", err)
}

// read reads the keys that it knows and returns which were there: bit i stands
// for fields[i].
func (h *parsed) read(line []byte) (seen uint32, err error) {
	var s jsonscan.Scanner
	s.Reset(line)
	if err := s.Open(); err != nil {
		return 0, err
	}
	for {
		more, err := s.More()
		if err != nil {
			return 0, err
		}
		if !more {
			return seen, s.End()
		}
		offset := s.Offset()
		key, err := s.Key()
		if err != nil {
			return 0, err
		}
		s.Remember(key, offset)
		i := slices.IndexFunc(fields, func(f field) bool { return f.key == string(key) })
		switch {
		case i >= 0:
			seen |= 1 << i
			err = fields[i].read(h, &s)
		case string(key) == "dict":
			return 0, refuse(ReasonCodec, "the body needs a dictionary (key dict), and this program has none")
		default:
			err = skip(&s)
		}
		if err != nil {
			return 0, fmt.Errorf("key %s: %w", jsonscan.Excerpt(key), err)
		}
	}
}

// checkKeys compares the keys that were seen with those that the kind needs.
func (h *parsed) checkKeys(seen uint32) error {
	if h.kind != kindPart && h.kind != kindEnd {
		return fmt.Errorf("key kind is %.40q, not part or end", h.kind)
	}
	for i, f := range fields {
		need := f.part
		if h.kind == kindEnd {
			need = f.end
		}
		switch has := seen&(1<<i) != 0; {
		case has && need == never:
			return fmt.Errorf("key %s does not belong to kind %s", f.key, h.kind)
		case !has && need == always:
			return fmt.Errorf("key %s is missing", f.key)
		}
	}
	return nil
}

// checkRun checks the scope, the run and its time.
func (h *parsed) checkRun() error {
	if err := h.Header.validate(); err != nil {
		return err
	}
	if want := h.Run.Time().Format(timeLayout); h.collectedAt != want {
		return fmt.Errorf("collected_at %.40q is not the time of the run, %q", h.collectedAt, want)
	}
	return nil
}

// check checks the values, and whether the body, as declared, can be decoded.
func (h PartHeader) check() error {
	if err := h.validate(); err != nil {
		return err
	}
	switch {
	case h.Codec != Zstd && h.Codec != None:
		return refuse(ReasonCodec, "codec %.40q is not zstd or none", h.Codec)
	case h.Size > MaxSize:
		return refuse(ReasonTooLarge, "size %d is more than %d bytes", h.Size, MaxSize)
	}
	return nil
}

func skip(s *jsonscan.Scanner) error {
	_, _, err := s.Value()
	return err
}

func text[T ~string](s *jsonscan.Scanner, to *T) error {
	b, err := s.String()
	if err == nil && len(b) == 0 {
		err = errors.New("is empty; leave the key out where there is nothing to say")
	}
	*to = T(b)
	return err
}

func number[T int | int64](s *jsonscan.Scanner, to *T) error {
	b, err := s.Number()
	if err != nil {
		return err
	}
	n, err := strconv.ParseUint(string(b), 10, 48)
	if err != nil {
		return fmt.Errorf("is %s, not a whole number from 0 to 2^48", b)
	}
	if *to = T(n); uint64(*to) != n {
		return fmt.Errorf("is %s, which is too large for this machine", b)
	}
	return nil
}

// duration reads a number of units, from 1 to most.
func duration(s *jsonscan.Scanner, to *time.Duration, unit, most time.Duration) error {
	var n int64
	if err := number(s, &n); err != nil {
		return err
	}
	if most := int64(most / unit); n < 1 || n > most {
		return fmt.Errorf("is %d, not between 1 and %d", n, most)
	}
	*to = time.Duration(n) * unit
	return nil
}

func runID(s *jsonscan.Scanner, to *schema.RunID) error {
	b, err := s.String()
	if err != nil {
		return err
	}
	if *to, err = schema.ParseRunID(string(b)); err != nil {
		return err
	}
	if to.String() != string(b) {
		return fmt.Errorf("run %q is not in lower case", b)
	}
	return nil
}

func hash(s *jsonscan.Scanner, to *[32]byte) error {
	b, err := s.String()
	if err != nil {
		return err
	}
	if len(b) == 2*len(to) {
		if _, err := hex.Decode(to[:], b); err == nil && hex.EncodeToString(to[:]) == string(b) {
			return nil
		}
	}
	return fmt.Errorf("is %s, not %d hexadecimal digits in lower case", jsonscan.Excerpt(b), 2*len(to))
}
