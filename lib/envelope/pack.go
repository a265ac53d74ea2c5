package envelope

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/hubspoke/observability/lib/schema"
)

// Config of a [Packer]. The zero Config is valid.
type Config struct {
	// MaxRecord is the length of a record in bytes, together with its partition
	// key: what the stream allows. Defaults to 1 MiB, the limit of a Kinesis
	// stream unless it was raised.
	MaxRecord int
	// MaxRows is how many rows a part has at most. Defaults to 1000; at most the
	// constant MaxRows.
	MaxRows int
	// MaxSize is how many bytes the rows of a part have at most before
	// compression. Defaults to 4 MiB; at most the constant MaxSize.
	MaxSize int
}

// Limits of Config.MaxRecord: a header must fit, and Kinesis has no larger records.
const (
	minRecord = 8 << 10
	maxRecord = 10 << 20
)

func (c Config) withDefaults() Config {
	set := func(field *int, value int) {
		if *field == 0 {
			*field = value
		}
	}
	set(&c.MaxRecord, 1<<20)
	set(&c.MaxRows, 1000)
	set(&c.MaxSize, 4<<20)
	return c
}

func (c Config) validate() error {
	var faults []error
	check := func(name string, value, low, high int) {
		if value < low || value > high {
			faults = append(faults, fmt.Errorf("envelope: %s %d is not between %d and %d", name, value, low, high))
		}
	}
	check("MaxRecord", c.MaxRecord, minRecord, maxRecord)
	check("MaxRows", c.MaxRows, 1, MaxRows)
	check("MaxSize", c.MaxSize, minRecord, MaxSize)
	return errors.Join(faults...)
}

// Packer packs the rows of any number of runs into records. It is safe for
// concurrent use. Share one: it holds a compressor, which takes much memory, and runs
// compress one after the other.
type Packer struct {
	config  Config
	zstd    *zstd.Encoder
	buffers sync.Pool
}

// NewPacker returns a packer, or all faults of the config.
func NewPacker(c Config) (*Packer, error) {
	c = c.withDefaults()
	if err := c.validate(); err != nil {
		return nil, err
	}
	z, err := zstd.NewWriter(nil,
		zstd.WithEncoderLevel(level),
		zstd.WithEncoderConcurrency(1),
		zstd.WithLowerEncoderMem(true),
		zstd.WithWindowSize(window),
		zstd.WithEncoderCRC(false), // the header has the SHA-256
	)
	if err != nil {
		panic(err) // the options are constants
	}
	return &Packer{config: c, zstd: z, buffers: sync.Pool{New: func() any { return new(buffers) }}}, nil
}

const (
	// level of compression, about that of zstd -3. The next one saves 8 % more,
	// takes half as long again and twice the memory.
	level = zstd.SpeedDefault
	// window bounds what the compressor, and any reader of the record, keeps in memory.
	window = 1 << 20
	// headerRoom is more than the header line of any part is long.
	headerRoom = 640
)

// MaxLine returns the length of the longest row that fits in a record, in bytes:
// the row must fit even where compression does not help. It is at most MaxLine.
func (p *Packer) MaxLine() int {
	return min(p.config.MaxRecord-partitionKeySize-headerRoom-1, p.config.MaxSize-1, MaxLine)
}

// Run starts packing the rows of a run. There is nothing to close. A scope or an
// id that [Parse] would refuse is an error.
func (p *Packer) Run(scope schema.Scope, id schema.RunID) (*Run, error) {
	h := Header{Scope: scope, Run: id}
	if err := h.validate(); err != nil {
		return nil, fmt.Errorf("envelope: %w", err)
	}
	return &Run{packer: p, header: h}, nil
}

// Run packs the rows of one run into numbered parts. It is not safe for concurrent use.
type Run struct {
	// Every is the interval that End tells, rounded up to whole seconds: see [EndHeader].
	// Set it before End. Defaults to 0: not known.
	Every time.Duration
	// Extent that End tells. Set it before End. Defaults to "": not said.
	Extent schema.Extent
	// Requests, their price and Took that End tells, Took rounded up to whole milliseconds. Set them
	// before End. Default to 0: not said.
	Requests, PaidRequests, USDMicros int64
	Took                              time.Duration
	// SameAs that End tells. Set it before End, with the outcome unchanged and no other.
	// Defaults to zero: none.
	SameAs schema.RunID

	packer *Packer
	header Header
	parts  int      // so far
	rows   int64    // in all of them
	work   *buffers // nil when everything was flushed
	packed []Packed
}

// buffers are what a run needs between Add and Flush; the packer reuses them.
type buffers struct {
	rows   []byte   // rows that are in no part yet, each with a line feed
	ends   []int    // where each of them ends
	lines  [][]byte // the rows, in the order in which they were added
	order  [][]byte // some of them, sorted
	sorted []byte
	body   []byte // sorted, compressed
}

// Packed is a part that is ready to be put into a stream.
type Packed struct {
	// Header of the part.
	Header PartHeader
	// Record is header line and body: the data of a Kinesis record.
	Record []byte
}

// Add adds one row: a JSON object without a line feed. It copies what it needs of it. A
// row that fits in no record is a [*RowTooLargeError]; it is left out, and the run can
// go on.
func (r *Run) Add(row []byte) error {
	config := r.packer.config
	if limit := r.packer.MaxLine(); len(row) > limit {
		return &RowTooLargeError{Size: len(row), Limit: limit}
	}
	if len(row) == 0 || bytes.IndexByte(row, '\n') >= 0 {
		return errors.New("envelope: a row is empty or holds a line feed")
	}
	if r.work == nil {
		r.work = r.packer.buffers.Get().(*buffers)
	}
	w := r.work
	if len(w.ends) == config.MaxRows || len(w.rows)+len(row)+1 > config.MaxSize {
		r.sealRows()
	}
	w.rows = append(append(w.rows, row...), '\n')
	w.ends = append(w.ends, len(w.rows))
	return nil
}

// Flush returns the parts made of all rows added since the last Flush. Each part
// holds rows that were added one after the other, and the parts follow each other
// in that order; within a part the order of rows is not kept.
func (r *Run) Flush() []Packed {
	if r.work != nil {
		r.sealRows()
		r.packer.buffers.Put(r.work)
		r.work = nil
	}
	packed := r.packed
	r.packed = nil
	return packed
}

// Discard drops all rows added since the last Flush, as if they had not been added.
func (r *Run) Discard() {
	for _, p := range r.packed {
		r.parts--
		r.rows -= p.Header.Rows
	}
	r.packed = nil
	if r.work != nil {
		r.work.rows, r.work.ends = r.work.rows[:0], r.work.ends[:0]
		r.packer.buffers.Put(r.work)
		r.work = nil
	}
}

// Parts returns how many parts were made so far.
func (r *Run) Parts() int { return r.parts }

// Rows returns how many rows are in those parts.
func (r *Run) Rows() int64 { return r.rows }

// End returns the record that closes the run; rows that were added and not
// flushed are not part of it. Control characters and invalid UTF-8 in errText are
// replaced, and it is cut to MaxError bytes. It is an error if the outcome contradicts
// the rows, or if there are more than MaxParts parts.
func (r *Run) End(outcome schema.Outcome, errText string) ([]byte, error) {
	return endRecord(EndHeader{Header: r.header,
		Outcome: outcome, Parts: r.Parts(), Rows: r.Rows(), Error: errText, Every: r.Every, Extent: r.Extent,
		Requests: r.Requests, PaidRequests: r.PaidRequests, USDMicros: r.USDMicros, Took: r.Took, SameAs: r.SameAs,
	})
}

// sealRows makes parts of the rows that are in none.
func (r *Run) sealRows() {
	w := r.work
	w.lines = w.lines[:0]
	start := 0
	for _, end := range w.ends {
		w.lines = append(w.lines, w.rows[start:end])
		start = end
	}
	r.seal(w.lines)
	w.rows, w.ends = w.rows[:0], w.ends[:0]
}

// seal makes parts of lines: one, unless its record would be too large, or its body
// longer than SizeLimit. It sorts them inside a part: rows with keys that are alike are
// alike, and next to each other they compress better. Across parts the order in which
// they were added stays, so that the same rows in the archive can be divided into the
// same parts.
func (r *Run) seal(lines [][]byte) {
	w := r.work
	w.order = append(w.order[:0], lines...)
	slices.SortFunc(w.order, bytes.Compare)
	w.sorted = w.sorted[:0]
	for _, line := range w.order {
		w.sorted = append(w.sorted, line...)
	}
	h := PartHeader{Header: r.header, Part: r.parts, Codec: Zstd, Rows: int64(len(lines)), Size: len(w.sorted)}
	w.body = r.packer.zstd.EncodeAll(w.sorted, w.body[:0])
	body := w.body
	expands := h.Size > SizeLimit(len(body))
	if len(body) >= len(w.sorted) || expands && len(lines) == 1 {
		h.Codec, body = None, w.sorted
	}
	h.SHA256 = sha256.Sum256(body)
	record := append(h.append(make([]byte, 0, headerRoom+len(body))), body...)
	if len(lines) > 1 && expands || len(record)+partitionKeySize > r.packer.config.MaxRecord {
		// A single row never comes here: Add saw that it fits uncompressed, and that is
		// how it travels if it is compressed too well.
		half := middle(lines, len(w.sorted))
		r.seal(lines[:half])
		r.seal(lines[half:])
		return
	}
	r.packed = append(r.packed, Packed{h, record})
	r.parts++
	r.rows += int64(len(lines))
}

// middle returns where to cut lines, which have that many bytes, into halves of
// about the same size, none of them empty. There are at least two lines.
func middle(lines [][]byte, size int) int {
	before := 0
	for i, line := range lines {
		if before += len(line); before >= size/2 {
			return min(i+1, len(lines)-1)
		}
	}
	return 1
}
