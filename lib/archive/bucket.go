package archive

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/hubspoke/observability/lib/internal/errtext"
	"github.com/hubspoke/observability/lib/internal/parquet"
	"github.com/hubspoke/observability/lib/schema"
)

// Limits of a file. A file that is written has no more, and of one that somebody
// else wrote, no more is read.
const (
	// MaxFile is the length of a file in bytes.
	MaxFile = parquet.MaxFile
	// MaxRows is how many rows a file has.
	MaxRows = parquet.MaxRows
	// MaxDecoded is how many bytes the pages of a file, and the Arrow records that
	// are made of them, have when they are not compressed.
	MaxDecoded = parquet.MaxDecoded
)

// DefaultPrefix of all keys.
const DefaultPrefix = "data/"

// S3 is what the archive needs of Amazon S3; *s3.Client has it. A writer calls
// PutObject only, a reader the other two.
type S3 interface {
	PutObject(context.Context, *s3.PutObjectInput, ...func(*s3.Options)) (*s3.PutObjectOutput, error)
	GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error)
	ListObjectsV2(context.Context, *s3.ListObjectsV2Input, ...func(*s3.Options)) (*s3.ListObjectsV2Output, error)
}

// Config of a [Bucket].
type Config struct {
	// Client for the bucket's region. It retries as its own settings say. Required.
	Client S3
	// Name of the bucket. Required.
	Name string
	// Prefix of all keys, "" or ending with "/". Defaults to DefaultPrefix.
	Prefix string
	// KMSKeyID is the key that objects are encrypted with on the server (SSE-KMS).
	// Defaults to the bucket's own setting.
	KMSKeyID string
	// Allocator of the records that are read. Defaults to memory.DefaultAllocator.
	Allocator memory.Allocator
}

func (c Config) validate() error {
	var faults []error
	if c.Client == nil {
		faults = append(faults, errors.New("archive: Client is nil"))
	}
	if c.Name == "" {
		faults = append(faults, errors.New("archive: Name is empty"))
	}
	if !strings.HasSuffix(c.Prefix, "/") || strings.HasPrefix(c.Prefix, "/") {
		faults = append(faults, fmt.Errorf("archive: Prefix %q must end and not begin with a slash", c.Prefix))
	}
	return errors.Join(faults...)
}

// Bucket is an archive in a bucket. It is safe for concurrent use.
type Bucket struct{ config Config }

// New returns the archive in a bucket, or all faults of the config. It does not
// call AWS.
func New(c Config) (*Bucket, error) {
	if c.Prefix == "" {
		c.Prefix = DefaultPrefix
	}
	if err := c.validate(); err != nil {
		return nil, err
	}
	return &Bucket{c}, nil
}

// Create starts writing a run of t's category. Nothing is stored before the first
// WriteFile.
func (b *Bucket) Create(scope schema.Scope, run schema.RunID, t *schema.Table) *Writer {
	return &Writer{bucket: b, table: t, manifest: Manifest{
		Version:  manifestVersion,
		Category: scope.Category, Account: scope.Account, Region: scope.Region, Slice: scope.Slice,
		Run:   run,
		Files: []File{},
	}}
}

// Writer writes one run. It is not safe for concurrent use.
type Writer struct {
	// Every is the interval that the manifest tells, rounded up to whole seconds: the
	// time from the start of one run of the scope to the start of the next. Set it
	// before Close. Defaults to 0: not known.
	Every time.Duration
	// Extent that the manifest tells. Set it before Close. Defaults to "": not said.
	Extent schema.Extent
	// Personal says what became of personal data before it came here, for people who read
	// the files: contact:drop,identity:hash. Set it before WriteFile. Defaults to "": not said.
	Personal string
	// Requests, their price and Took that the manifest tells, Took rounded up to whole milliseconds.
	// Set them before Close. Default to 0: not said.
	Requests, PaidRequests, USDMicros int64
	Took                              time.Duration

	bucket   *Bucket
	table    *schema.Table
	manifest Manifest
	next     int // number of the next file
	buffer   bytes.Buffer
}

// WriteFile stores the rows of rec as a file, or as several where one would be
// larger than the limits allow. parts are the parts that these rows are in, in the
// order of the rows; none of them is cut.
//
// After an error it is not known whether the file is there; the run may go on, and
// its manifest does not name the file.
func (w *Writer) WriteFile(ctx context.Context, rec arrow.Record, parts []Part) error {
	if rows := rowsOf(parts); rows != rec.NumRows() || rows == 0 {
		return fmt.Errorf("archive: a record of %d rows with parts of %d", rec.NumRows(), rows)
	}
	for first := int64(0); len(parts) > 0; {
		n := fitting(rec, first, parts)
		rows := rowsOf(parts[:n])
		piece := rec.NewSlice(first, first+rows)
		err := w.writeFile(ctx, piece, parts[:n])
		piece.Release()
		if err != nil {
			return err
		}
		first, parts = first+rows, parts[n:]
	}
	return nil
}

func rowsOf(parts []Part) (rows int64) {
	for _, p := range parts {
		rows += int64(p.Rows)
	}
	return rows
}

// fitting returns how many of the parts go into one file, at least one. Their rows
// begin at the row first.
func fitting(rec arrow.Record, first int64, parts []Part) int {
	rows, bytes := int64(0), int64(0)
	for i, p := range parts {
		piece := rec.NewSlice(first+rows, first+rows+int64(p.Rows))
		rows, bytes = rows+int64(p.Rows), bytes+parquet.DecodedBytes(piece)
		piece.Release()
		// In pages every value takes a little more than in a record.
		if i > 0 && (rows > MaxRows || bytes > MaxDecoded/2) {
			return i
		}
	}
	return len(parts)
}

func (w *Writer) writeFile(ctx context.Context, rec arrow.Record, parts []Part) error {
	w.buffer.Reset()
	if err := parquet.Encode(&w.buffer, w.table, rec, w.Personal); err != nil {
		return ofFile("", err)
	}
	data := w.buffer.Bytes()
	f := File{
		Name: fileName(w.manifest.Run, w.next),
		Rows: rec.NumRows(), Size: int64(len(data)), SHA256: sha256.Sum256(data), Parts: parts,
	}
	w.next++ // whatever happens: a name is never used for other bytes
	if err := w.bucket.put(ctx, w.manifest.place().dir()+f.Name, "application/vnd.apache.parquet", data); err != nil {
		return err
	}
	w.manifest.Files = append(w.manifest.Files, f)
	return nil
}

// Close stores the manifest, which finishes the run. parts and rows are those of
// the run in the stream, whether or not they are in files. errText may be
// anything; it is cleaned and cut to 1 KiB.
func (w *Writer) Close(ctx context.Context, outcome schema.Outcome, errText string, parts int, rows int64) error {
	m := w.manifest
	m.Outcome, m.Error, m.Parts, m.Rows = outcome, errtext.Clean(errText), parts, rows
	m.Extent = w.Extent
	m.Every = int64((w.Every + time.Second - 1) / time.Second)
	m.Requests, m.PaidRequests, m.USDMicros = w.Requests, w.PaidRequests, w.USDMicros
	m.TookMillis = int64((w.Took + time.Millisecond - 1) / time.Millisecond)
	if err := m.validate(); err != nil {
		return fmt.Errorf("archive: manifest of run %s: %w", m.Run, err)
	}
	data, err := json.MarshalIndent(m, "", "\t")
	if err != nil {
		return fmt.Errorf("archive: manifest of run %s: %w", m.Run, err)
	}
	if data = append(data, '\n'); len(data) > maxManifest {
		return refuse(ReasonTooLarge, "the manifest of run %s has %d bytes, more than %d", m.Run, len(data), maxManifest)
	}
	return w.bucket.put(ctx, m.place().manifestKey(), "application/json", data)
}

// put stores an object. key is without the archive's prefix.
func (b *Bucket) put(ctx context.Context, key, contentType string, data []byte) error {
	in := &s3.PutObjectInput{
		Bucket:      &b.config.Name,
		Key:         aws.String(b.config.Prefix + key),
		Body:        bytes.NewReader(data), // can be sent again, and hashed first
		ContentType: &contentType,
	}
	if b.config.KMSKeyID != "" {
		in.ServerSideEncryption = types.ServerSideEncryptionAwsKms
		in.SSEKMSKeyId = &b.config.KMSKeyID
	}
	if _, err := b.config.Client.PutObject(ctx, in); err != nil {
		return fmt.Errorf("archive: storing %s: %w", b.url(key), err)
	}
	return nil
}

func (b *Bucket) url(key string) string {
	return "s3://" + b.config.Name + "/" + b.config.Prefix + key
}

// ReadManifest reads the manifest of a run and checks that it is in its place. An
// [*Error] says what is wrong with the object.
func (b *Bucket) ReadManifest(ctx context.Context, run Run) (*Manifest, error) {
	key := run.manifestKey()
	data, modified, err := b.get(ctx, key, maxManifest)
	if err != nil {
		return nil, err
	}
	m, err := ParseManifest(data)
	if err != nil {
		return nil, b.inObject(key, err)
	}
	if m.place().manifestKey() != key {
		return nil, b.inObject(key, refuse(ReasonManifest, "the manifest is of %v run %s", m.Scope(), m.Run))
	}
	m.Modified = modified
	return m, nil
}

// StoredFile is a file as it is stored: its bytes are those that the manifest
// names, and nothing has read them yet. It is safe for concurrent use.
type StoredFile struct {
	// Modified is when the file was stored, by the clock of S3.
	Modified time.Time

	bucket *Bucket
	table  *schema.Table
	slice  string
	file   File
	key    string
	data   []byte
}

// Open reads the bytes of file i of a manifest, and no rows, so that a caller can fetch
// many files side by side. t is the table of the run's category. An [*Error] says what
// is wrong with the object.
func (b *Bucket) Open(ctx context.Context, t *schema.Table, m *Manifest, i int) (*StoredFile, error) {
	f := m.Files[i]
	if t.Name() != m.Category {
		return nil, fmt.Errorf("archive: a file of category %s with the table of %s", m.Category, t.Name())
	}
	if err := m.validate(); err != nil {
		return nil, refuse(ReasonManifest, "%v", err)
	}
	if _, ok := fileNumber(m.Run, f.Name); !ok {
		return nil, refuse(ReasonManifest, "file %.80q is not one of run %s", f.Name, m.Run)
	}
	key := m.place().dir() + f.Name
	if f.Size > MaxFile || f.Rows > MaxRows {
		return nil, refuse(ReasonTooLarge, "%s: the manifest says %d rows in %d bytes; at most %d in %d are read",
			b.url(key), f.Rows, f.Size, MaxRows, MaxFile)
	}
	data, modified, err := b.get(ctx, key, f.Size)
	if err != nil {
		return nil, err
	}
	if int64(len(data)) != f.Size {
		return nil, b.inObject(key, refuse(ReasonHash, "the file does not have the %d bytes that the manifest says", f.Size))
	}
	if sum := Sum(sha256.Sum256(data)); sum != f.SHA256 {
		return nil, b.inObject(key, refuse(ReasonHash, "the file's SHA-256 is %s, the manifest says %s", sum, f.SHA256))
	}
	return &StoredFile{Modified: modified, bucket: b, table: t, slice: m.Slice, file: f, key: key, data: data}, nil
}

// Records decodes the rows of the file: all of them, which the caller must release,
// or none. rows.Read makes Go rows of them. An [*Error] or [*schema.RowError] says
// what is wrong with them.
func (s *StoredFile) Records(ctx context.Context) ([]arrow.Record, error) {
	records, err := parquet.Decode(ctx, s.table, s.data, s.slice, s.bucket.config.Allocator)
	if err != nil {
		return nil, ofFile(s.bucket.url(s.key)+": ", err)
	}
	rows := int64(0)
	for _, r := range records {
		rows += r.NumRows()
	}
	if rows != s.file.Rows {
		for _, r := range records {
			r.Release()
		}
		return nil, s.bucket.inObject(s.key, refuse(ReasonRows, "the file has %d rows, the manifest says %d", rows,
			s.file.Rows))
	}
	return records, nil
}

func (b *Bucket) inObject(key string, err error) error {
	if e, ok := errors.AsType[*Error](err); ok {
		return refuse(e.Reason, "%s: %s", b.url(key), e.Detail)
	}
	return fmt.Errorf("archive: %s: %w", b.url(key), err)
}

// getAttempts is how often an object is asked for when its body breaks off, which
// the SDK does not retry.
const getAttempts = 5

// get returns an object, no more than one byte above the limit, and when it was stored.
func (b *Bucket) get(ctx context.Context, key string, limit int64) (data []byte, modified time.Time, err error) {
	for range getAttempts {
		var out *s3.GetObjectOutput
		out, err = b.config.Client.GetObject(ctx, &s3.GetObjectInput{
			Bucket: &b.config.Name,
			Key:    aws.String(b.config.Prefix + key),
		})
		if err != nil {
			break
		}
		data, err = io.ReadAll(io.LimitReader(out.Body, limit+1))
		_ = out.Body.Close()
		if err == nil {
			return data, aws.ToTime(out.LastModified), nil
		}
		if ctx.Err() != nil {
			break
		}
	}
	var missing *types.NoSuchKey
	if errors.As(err, &missing) {
		return nil, time.Time{}, refuse(ReasonMissing, "%s does not exist", b.url(key))
	}
	if ofObject(err) {
		return nil, time.Time{}, refuse(ReasonUnreadable, "%s: %v", b.url(key), err)
	}
	return nil, time.Time{}, fmt.Errorf("archive: reading %s: %w", b.url(key), err)
}
