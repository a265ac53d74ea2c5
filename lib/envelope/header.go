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
	// MaxError is the length of an End's error text in bytes.
	MaxError = errtext.Max
	// MaxEvery is the longest interval of an End.
	MaxEvery = 366 * 24 * time.Hour
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

// Kind says what a record carries.
type Kind string

const (
	// Part carries rows of a run.
	Part Kind = "part"
	// End closes a run. It has no body.
	End Kind = "end"
)

// Codec says how the body of a Part is compressed.
type Codec string

const (
	// Zstd is RFC 8878.
	Zstd Codec = "zstd"
	// None means that the body is stored as it is.
	None Codec = "none"
)

// Header says where the rows of a record come from, and what its body must be.
type Header struct {
	// Scope that the run describes.
	schema.Scope
	// Run that the record belongs to. Its time is the wire's collected_at.
	Run schema.RunID
	// Kind of the record.
	Kind Kind
	// Rows in the body of a Part, at least 1; for an End, the rows in all parts
	// of the run.
	Rows int64

	// Number of the part in its run, from 0. Part only.
	Part int
	// Codec of the body. Part only.
	Codec Codec
	// Size of the decoded body in bytes. Part only.
	Size int
	// SHA256 of the body as it travels: compressed, if Codec says so. Part only.
	SHA256 [32]byte

	// Outcome of the run. End only.
	Outcome schema.Outcome
	// Parts of the run. End only.
	Parts int
	// Error text for people, at most MaxError bytes and without control characters;
	// "" if there is none. End only.
	Error string
	// Every is the time from the start of one run of the scope to the start of the
	// next, in whole seconds and at most MaxEvery; 0 if the sender does not know it.
	// End only.
	Every time.Duration
	// Extent of the run; "" if the sender does not say it. End only.
	Extent schema.Extent
}

// prefix begins every record of this version.
const prefix = `{"obs":1,`

// timeLayout of collected_at: a RunID has milliseconds, no more and no less.
const timeLayout = "2006-01-02T15:04:05.000Z"

// append appends the header line to b.
func (h Header) append(b []byte) []byte {
	text := func(key, value string) {
		b = append(b, ',', '"')
		b = append(b, key...)
		b = append(b, '"', ':')
		b = appendString(b, value)
	}
	number := func(key string, value int64) {
		b = append(b, ',', '"')
		b = append(b, key...)
		b = append(b, '"', ':')
		b = strconv.AppendInt(b, value, 10)
	}
	b = append(b, prefix[:len(prefix)-1]...)
	text("kind", string(h.Kind))
	text("category", h.Category)
	text("account_id", h.Account)
	text("region", h.Region)
	if h.Slice != "" {
		text("slice", h.Slice)
	}
	text("run", h.Run.String())
	text("collected_at", h.Run.Time().Format(timeLayout))
	switch h.Kind {
	case Part:
		number("part", int64(h.Part))
		text("codec", string(h.Codec))
		number("rows", h.Rows)
		number("size", int64(h.Size))
		text("sha256", hex.EncodeToString(h.SHA256[:]))
	case End:
		text("outcome", string(h.Outcome))
		number("parts", int64(h.Parts))
		number("rows", h.Rows)
		if h.Every > 0 {
			number("every", int64(h.Every/time.Second))
		}
		if h.Extent != "" {
			text("extent", string(h.Extent))
		}
		if h.Error != "" {
			text("error", h.Error)
		}
	}
	return append(b, '}', '\n')
}

// EndRecord returns the record that closes a run. Only the End fields of h, Scope
// and Run matter. Control characters and invalid UTF-8 in h.Error are replaced,
// and it is cut to MaxError bytes; h.Every is rounded up to whole seconds. What
// [Parse] would refuse is an error.
func EndRecord(h Header) ([]byte, error) {
	h.Kind = End
	h.Error = errtext.Clean(h.Error)
	if part := h.Every % time.Second; part > 0 {
		h.Every += time.Second - part
	}
	err := h.validateRun()
	if err == nil {
		err = h.validateEnd()
	}
	if err != nil {
		return nil, fmt.Errorf("envelope: %w", err)
	}
	return h.append(nil), nil
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

// validateRun checks the scope and the run.
func (h Header) validateRun() error {
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
func (h Header) validate(collectedAt string) error {
	if err := h.validateRun(); err != nil {
		return err
	}
	if want := h.Run.Time().Format(timeLayout); collectedAt != want {
		return fmt.Errorf("collected_at %.40q is not the time of the run, %q", collectedAt, want)
	}
	if h.Kind == Part {
		return h.validatePart()
	}
	return h.validateEnd()
}

func (h Header) validatePart() error {
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

func (h Header) validateEnd() error {
	switch {
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
	case len(h.Error) > MaxError:
		return fmt.Errorf("error has %d bytes, more than %d", len(h.Error), MaxError)
	case h.Every < 0 || h.Every > MaxEvery:
		return fmt.Errorf("every is %v, not between 0 and %v", h.Every, MaxEvery)
	case h.Extent != "" && !slices.Contains(schema.Extents, h.Extent):
		return fmt.Errorf("extent %.40q is not one of %v", h.Extent, schema.Extents)
	}
	return nil
}
