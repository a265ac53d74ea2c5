package envelope

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/hubspoke/observability/lib/internal/errtext"
	"github.com/hubspoke/observability/lib/schema"
)

// Limits of one record, which both ends enforce.
const (
	// MaxHeader is the length of the header line in bytes, line feed included.
	MaxHeader = 4096
	// MaxSize is the length of a decoded body in bytes.
	MaxSize = 8 << 20
	// MaxLine is the length of a line of a body in bytes, its line feed not counted.
	MaxLine = schema.MaxRow
	// MaxRows is how many rows a part has at most: each takes memory in the hub
	// however short it is.
	MaxRows = 20_000
	// MaxParts is how many parts a run has at most.
	MaxParts = 1_000_000
	// MaxError is the length of an end's error text in bytes.
	MaxError = errtext.Max
	// MaxEvery is the longest interval of an end.
	MaxEvery = 366 * 24 * time.Hour
	// MaxTook is the longest duration of an end.
	MaxTook = 366 * 24 * time.Hour
	// MaxRequests is the largest number of requests of an end.
	MaxRequests int64 = 1_000_000_000_000
	// MaxUSDMicros is the largest price of the requests of an end, in millionths of USD.
	MaxUSDMicros int64 = 100_000_000_000_000
)

// A body may be expansion times as long as it travels, and expansionRoom bytes more:
// what a sender's byte costs the reader is bounded. Rows of real things are 10 to 20
// times as long.
const (
	expansion     = 64
	expansionRoom = 64 << 10
)

// SizeLimit returns how many bytes a decoded body may have that travels in n bytes.
func SizeLimit(n int) int { return min(expansion*n+expansionRoom, MaxSize) }

// maxRunRows is how many rows a run has at most. It is more than an int of 32 bits holds.
const maxRunRows int64 = MaxParts * MaxRows

// kind says what a record carries.
type kind string

const (
	kindPart kind = "part"
	kindEnd  kind = "end"
)

// Codec says how the body of a part is compressed.
type Codec string

const (
	// Zstd is RFC 8878.
	Zstd Codec = "zstd"
	// None means that the body is stored as it is.
	None Codec = "none"
)

// Header says where a record comes from: what the headers of parts and ends share.
type Header struct {
	// Scope that the run describes.
	schema.Scope
	// Run that the record belongs to. Its time is the wire's collected_at.
	Run schema.RunID
}

// PartHeader is the header of a part, which carries rows of a run.
type PartHeader struct {
	Header
	// Part is the number of the part in its run, from 0.
	Part int
	// Codec of the body.
	Codec Codec
	// Rows in the body, at least 1.
	Rows int64
	// Size of the decoded body in bytes.
	Size int
	// SHA256 of the body as it travels: compressed, if Codec says so.
	SHA256 [32]byte
}

// EndHeader is the header of an end, which closes a run and has no body.
type EndHeader struct {
	Header
	// Outcome of the run.
	Outcome schema.Outcome
	// Parts of the run.
	Parts int
	// Rows in all parts of the run.
	Rows int64
	// Every is the time from the start of one run of the scope to the start of the
	// next, in whole seconds and at most MaxEvery; 0 if the sender does not know it.
	Every time.Duration
	// Extent of the run; "" if the sender does not say it.
	Extent schema.Extent
	// Requests is how many requests were sent to AWS for the run, repeated ones included;
	// 0 if there were none, or the sender does not say it. Where several runs were
	// collected together, one of them tells the requests of all.
	Requests int64
	// PaidRequests is how many of them AWS charges for, and USDMicros what it charges, in
	// millionths of USD; 0 as Requests.
	PaidRequests, USDMicros int64
	// Took is how long collecting took, in whole milliseconds and at most MaxTook; 0 if
	// the sender does not say it.
	Took time.Duration
	// SameAs is the run that one with the outcome unchanged equals; zero with any other.
	SameAs schema.RunID
	// Error text for people, at most MaxError bytes and without control characters;
	// "" if there is none.
	Error string
}

// prefix begins every record of this version.
const prefix = `{"obs":1,`

// timeLayout of collected_at: a RunID has milliseconds, no more and no less.
const timeLayout = "2006-01-02T15:04:05.000Z"

// line writes a header line.
type line []byte

func (l *line) text(key, value string) {
	l.key(key)
	*l = appendString(*l, value)
}

func (l *line) number(key string, value int64) {
	l.key(key)
	*l = strconv.AppendInt(*l, value, 10)
}

func (l *line) key(key string) { *l = append(append(append(*l, ',', '"'), key...), '"', ':') }

// begin writes what parts and ends share.
func (l *line) begin(k kind, h Header) {
	*l = append(*l, prefix[:len(prefix)-1]...)
	l.text("kind", string(k))
	l.text("category", h.Category)
	l.text("account_id", h.Account)
	l.text("region", h.Region)
	if h.Slice != "" {
		l.text("slice", h.Slice)
	}
	l.text("run", h.Run.String())
	l.text("collected_at", h.Run.Time().Format(timeLayout))
}

// append appends the header line to b.
func (h PartHeader) append(b []byte) []byte {
	l := line(b)
	l.begin(kindPart, h.Header)
	l.number("part", int64(h.Part))
	l.text("codec", string(h.Codec))
	l.number("rows", h.Rows)
	l.number("size", int64(h.Size))
	l.text("sha256", hex.EncodeToString(h.SHA256[:]))
	return append(l, '}', '\n')
}

// append appends the header line to b.
func (h EndHeader) append(b []byte) []byte {
	l := line(b)
	l.begin(kindEnd, h.Header)
	l.text("outcome", string(h.Outcome))
	l.number("parts", int64(h.Parts))
	l.number("rows", h.Rows)
	if h.Every > 0 {
		l.number("every", int64(h.Every/time.Second))
	}
	if h.Extent != "" {
		l.text("extent", string(h.Extent))
	}
	if h.Requests > 0 {
		l.number("requests", h.Requests)
	}
	if h.PaidRequests > 0 {
		l.number("paid_requests", h.PaidRequests)
	}
	if h.USDMicros > 0 {
		l.number("usd_micros", h.USDMicros)
	}
	if h.Took > 0 {
		l.number("took_ms", int64(h.Took/time.Millisecond))
	}
	if h.SameAs != (schema.RunID{}) {
		l.text("same_as", h.SameAs.String())
	}
	if h.Error != "" {
		l.text("error", h.Error)
	}
	return append(l, '}', '\n')
}

// endRecord returns the record that closes a run. Control characters and invalid UTF-8
// in h.Error are replaced, and it is cut to MaxError bytes; h.Every is rounded up to
// whole seconds and h.Took to milliseconds. What [Parse] would refuse is an error.
func endRecord(h EndHeader) ([]byte, error) {
	h.Error = errtext.Clean(h.Error)
	h.Every, h.Took = roundUp(h.Every, time.Second), roundUp(h.Took, time.Millisecond)
	err := h.Header.validate()
	if err == nil {
		err = h.validate()
	}
	if err != nil {
		return nil, fmt.Errorf("envelope: %w", err)
	}
	return h.append(nil), nil
}

// roundUp returns d rounded up to a multiple of unit. What is not positive stays.
func roundUp(d, unit time.Duration) time.Duration {
	if part := d % unit; part > 0 {
		d += unit - part
	}
	return d
}

// PartitionKey returns the key of all records of a scope: 32 hexadecimal digits,
// spread evenly over the shards.
func PartitionKey(s schema.Scope) string {
	id := s.ID()
	return hex.EncodeToString(id[:])
}

// partitionKeySize is the length of what PartitionKey returns: Kinesis counts the
// key towards the size of a record.
const partitionKeySize = 32

// appendString appends s as a JSON string. s holds no control characters and is
// valid UTF-8: names that were validated, or cleaned text.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	for i := range len(s) {
		if s[i] == '"' || s[i] == '\\' {
			b = append(b, '\\')
		}
		b = append(b, s[i])
	}
	return append(b, '"')
}

// validate checks the scope and the run.
func (h Header) validate() error {
	if err := h.Scope.Validate(); err != nil {
		return err
	}
	if _, err := schema.ParseRunID(h.Run.String()); err != nil {
		return err
	}
	if h.Run.Time().Year() > 9999 {
		return fmt.Errorf("run %s starts after the year 9999", h.Run)
	}
	return nil
}

// validate checks what no single key can: the values against each other.
func (h PartHeader) validate() error {
	switch {
	case h.Part >= MaxParts:
		return fmt.Errorf("part %d is not below %d", h.Part, MaxParts)
	case h.Rows < 1 || h.Rows > MaxRows:
		return fmt.Errorf("rows %d is not between 1 and %d", h.Rows, MaxRows)
	case h.Rows > int64(h.Size):
		return fmt.Errorf("rows %d cannot be in %d bytes", h.Rows, h.Size)
	}
	return nil
}

// validate checks what no single key can: the values against each other.
func (h EndHeader) validate() error {
	switch named := h.SameAs != (schema.RunID{}); {
	case !slices.Contains(schema.Outcomes, h.Outcome):
		return fmt.Errorf("outcome %.40q is not one of %v", h.Outcome, schema.Outcomes)
	case h.Parts > MaxParts:
		return fmt.Errorf("parts %d is more than %d", h.Parts, MaxParts)
	case h.Rows > maxRunRows:
		return fmt.Errorf("rows %d is more than %d", h.Rows, maxRunRows)
	case h.Rows < int64(h.Parts) || h.Parts == 0 && h.Rows > 0:
		return fmt.Errorf("%d rows cannot be in %d parts", h.Rows, h.Parts)
	case h.Outcome == schema.Empty && h.Parts > 0:
		return fmt.Errorf("outcome empty has %d parts", h.Parts)
	case named != (h.Outcome == schema.Unchanged):
		return fmt.Errorf("same_as must be there with the outcome unchanged, and not with %s", h.Outcome)
	case h.Outcome == schema.Unchanged && h.Parts > 0:
		return fmt.Errorf("outcome unchanged has %d parts", h.Parts)
	case h.Outcome == schema.Unchanged && h.SameAs.Compare(h.Run) >= 0:
		return fmt.Errorf("same_as %v is not earlier than run %v", h.SameAs, h.Run)
	case len(h.Error) > MaxError:
		return fmt.Errorf("error has %d bytes, more than %d", len(h.Error), MaxError)
	case h.Every < 0 || h.Every > MaxEvery:
		return fmt.Errorf("every is %v, not between 0 and %v", h.Every, MaxEvery)
	case h.Extent != "" && !slices.Contains(schema.Extents, h.Extent):
		return fmt.Errorf("extent %.40q is not one of %v", h.Extent, schema.Extents)
	case h.Requests < 0 || h.Requests > MaxRequests:
		return fmt.Errorf("requests is %d, not between 0 and %d", h.Requests, MaxRequests)
	case h.PaidRequests < 0 || h.PaidRequests > MaxRequests:
		return fmt.Errorf("paid_requests is %d, not between 0 and %d", h.PaidRequests, MaxRequests)
	case h.USDMicros < 0 || h.USDMicros > MaxUSDMicros:
		return fmt.Errorf("usd_micros is %d, not between 0 and %d", h.USDMicros, MaxUSDMicros)
	case h.Took < 0 || h.Took > MaxTook:
		return fmt.Errorf("took is %v, not between 0 and %v", h.Took, MaxTook)
	}
	return nil
}
