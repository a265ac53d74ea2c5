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

// Parse reads the header of a record and returns the rest of it, the body, which
// is a part of record and was not looked at. The error is an [*Error].
//
// Parse allocates about 3 KiB, and no more than 128 KiB, whatever record is.
func Parse(record []byte) (h Header, body []byte, err error) {
	if err := checkPrefix(record); err != nil {
		return Header{}, nil, err
	}
	end := bytes.IndexByte(record[:min(len(record), MaxHeader)], '\n')
	if end < 0 {
		return Header{}, nil, refuse(ReasonHeader, "no line feed within %d bytes", MaxHeader)
	}
	if h, err = parseHeader(record[:end]); err != nil {
		return Header{}, nil, err
	}
	body = record[end+1:]
	switch limit := SizeLimit(len(body)); {
	case h.Kind == End && len(body) > 0:
		return Header{}, nil, refuse(ReasonHeader, "%d bytes behind an end, which has no body", len(body))
	case h.Kind == Part && h.Size > limit:
		return Header{}, nil, refuse(ReasonTooLarge, "size %d is more than the %d bytes that a body of %d may have", h.Size,
			limit, len(body))
	}
	return h, body, nil
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

// parsed is a header while it is read.
type parsed struct {
	Header
	collectedAt string
}

// fields are all keys of the header in the order of writing. Others are ignored,
// so that a newer sender may add some.
var fields = []field{
	{"obs", always, always, func(h *parsed, s *jsonscan.Scanner) error { return skip(s) }}, // checkPrefix looked at it
	{"kind", always, always, func(h *parsed, s *jsonscan.Scanner) error { return text(s, &h.Kind) }},
	{"category", always, always, func(h *parsed, s *jsonscan.Scanner) error { return text(s, &h.Category) }},
	{"account_id", always, always, func(h *parsed, s *jsonscan.Scanner) error { return text(s, &h.Account) }},
	{"region", always, always, func(h *parsed, s *jsonscan.Scanner) error { return text(s, &h.Region) }},
	{"slice", maybe, maybe, func(h *parsed, s *jsonscan.Scanner) error { return text(s, &h.Slice) }},
	{"run", always, always, func(h *parsed, s *jsonscan.Scanner) error { return runID(s, &h.Run) }},
	{"collected_at", always, always, func(h *parsed, s *jsonscan.Scanner) error { return text(s, &h.collectedAt) }},
	{"part", always, never, func(h *parsed, s *jsonscan.Scanner) error { return number(s, &h.Part) }},
	{"codec", always, never, func(h *parsed, s *jsonscan.Scanner) error { return text(s, &h.Codec) }},
	{"rows", always, always, func(h *parsed, s *jsonscan.Scanner) error { return number(s, &h.Rows) }},
	{"size", always, never, func(h *parsed, s *jsonscan.Scanner) error { return number(s, &h.Size) }},
	{"sha256", always, never, func(h *parsed, s *jsonscan.Scanner) error { return hash(s, &h.SHA256) }},
	{"outcome", never, always, func(h *parsed, s *jsonscan.Scanner) error { return text(s, &h.Outcome) }},
	{"parts", never, always, func(h *parsed, s *jsonscan.Scanner) error { return number(s, &h.Parts) }},
	{"every", never, maybe, func(h *parsed, s *jsonscan.Scanner) error { return seconds(s, &h.Every) }},
	{"extent", never, maybe, func(h *parsed, s *jsonscan.Scanner) error { return text(s, &h.Extent) }},
	{"error", never, maybe, func(h *parsed, s *jsonscan.Scanner) error { return text(s, &h.Error) }},
}

func parseHeader(line []byte) (Header, error) {
	var h parsed
	seen, err := h.read(line)
	if err == nil {
		err = h.checkKeys(seen)
	}
	if err == nil {
		err = h.validate(h.collectedAt)
	}
	var refused *Error
	switch {
	case errors.As(err, &refused):
		return Header{}, err
	case err != nil:
		return Header{}, refuse(ReasonHeader, "%v", err)
	}
	if err := h.checkBody(); err != nil {
		return Header{}, err
	}
	h.Error = errtext.Clean(h.Error) // another sender's text goes to logs and terminals too
	return h.Header, nil
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
	if h.Kind != Part && h.Kind != End {
		return fmt.Errorf("key kind is %.40q, not part or end", h.Kind)
	}
	for i, f := range fields {
		need := f.part
		if h.Kind == End {
			need = f.end
		}
		switch has := seen&(1<<i) != 0; {
		case has && need == never:
			return fmt.Errorf("key %s does not belong to kind %s", f.key, h.Kind)
		case !has && need == always:
			return fmt.Errorf("key %s is missing", f.key)
		}
	}
	return nil
}

// checkBody checks whether the body, as declared, can be decoded.
func (h *parsed) checkBody() error {
	switch {
	case h.Kind == End:
		return nil
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

func seconds(s *jsonscan.Scanner, to *time.Duration) error {
	var n int64
	if err := number(s, &n); err != nil {
		return err
	}
	if most := int64(MaxEvery / time.Second); n < 1 || n > most {
		return fmt.Errorf("is %d, not between 1 and %d seconds", n, most)
	}
	*to = time.Duration(n) * time.Second
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
