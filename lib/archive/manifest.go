package archive

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hubspoke/observability/lib/internal/errtext"
	"github.com/hubspoke/observability/lib/internal/jsonscan"
	"github.com/hubspoke/observability/lib/schema"
)

// Sum is a SHA-256, in hexadecimal digits where it is text.
type Sum [32]byte

// String returns 64 hexadecimal digits.
func (s Sum) String() string { return hex.EncodeToString(s[:]) }

// MarshalText returns String.
func (s Sum) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads 64 hexadecimal digits.
func (s *Sum) UnmarshalText(b []byte) error {
	if len(b) != 2*len(s) {
		return errors.New("a SHA-256 has 64 hexadecimal digits")
	}
	_, err := hex.Decode(s[:], b)
	return err
}

// Part is a part of the run as it travelled in the stream: the next Rows rows of
// the file.
type Part struct {
	// Number of the part in its run, from 0.
	Number int `json:"number"`
	// Rows in the part, at least 1.
	Rows int `json:"rows"`
	// SHA256 of the part's body in the stream.
	SHA256 Sum `json:"sha256"`
}

// File is one Parquet file of a run.
type File struct {
	// Name of the object behind the prefix of the run.
	Name string `json:"name"`
	// Rows in the file, which are those of its parts.
	Rows int64 `json:"rows"`
	// Size of the file in bytes.
	Size int64 `json:"size"`
	// SHA256 of the file.
	SHA256 Sum `json:"sha256"`
	// Parts are those in the file, one after the other.
	Parts []Part `json:"parts"`
}

// Manifest says how a run ended and which files it has. It is written last.
type Manifest struct {
	// Version of the format: 1.
	Version int `json:"version"`
	// Category, Account, Region and Slice are the scope; Slice is "" for categories
	// without one.
	Category string `json:"category"`
	Account  string `json:"account_id"`
	Region   string `json:"region"`
	Slice    string `json:"slice,omitempty"`
	// Run is the id of the run. Its time is the start of the run.
	Run schema.RunID `json:"run"`
	// Outcome of the run.
	Outcome schema.Outcome `json:"outcome"`
	// Error text for people, "" if there is none.
	Error string `json:"error,omitempty"`
	// Every is the time from the start of one run of the scope to the start of the
	// next, in seconds; 0 if the writer did not know it.
	Every int64 `json:"every,omitempty"`
	// Extent of the run; "" if the writer did not say it.
	Extent schema.Extent `json:"extent,omitempty"`
	// Requests is how many requests were sent to AWS for the run; 0 if there were none,
	// or the writer did not say it.
	Requests int64 `json:"requests,omitempty"`
	// PaidRequests is how many of them AWS charges for, and USDMicros what it charges, in
	// millionths of USD; 0 as Requests.
	PaidRequests int64 `json:"paid_requests,omitempty"`
	USDMicros    int64 `json:"usd_micros,omitempty"`
	// TookMillis is how many milliseconds collecting took; 0 if the writer did not say it.
	TookMillis int64 `json:"took_ms,omitempty"`
	// Rows and Parts of the run, those included that are in no file because S3
	// refused it.
	Rows  int64 `json:"rows"`
	Parts int   `json:"parts"`
	// Files of the run, in order of their parts.
	Files []File `json:"files"`

	// Modified is when the manifest was stored, by the clock of S3. ReadManifest
	// sets it.
	Modified time.Time `json:"-"`
}

// Scope returns the scope of the run.
func (m *Manifest) Scope() schema.Scope {
	return schema.Scope{Category: m.Category, Account: m.Account, Region: m.Region, Slice: m.Slice}
}

func (m *Manifest) place() Run {
	return Run{Account: m.Account, Region: m.Region, Category: m.Category, ID: m.Run}
}

const (
	manifestVersion = 1
	maxManifest     = 4 << 20 // bytes: about 25,000 parts
	// maxParts is how many parts a run has, and maxRunRows how many rows.
	maxParts   = 1_000_000
	maxRunRows = 1_000_000_000_000
	// As in the stream:
	maxEvery     = 366 * 24 * 60 * 60 // seconds
	maxTook      = 1000 * maxEvery    // milliseconds
	maxRequests  = 1_000_000_000_000
	maxUSDMicros = 100_000_000_000_000
)

// outcomes of runs that are archived. One that changed nothing is not.
var outcomes = slices.DeleteFunc(slices.Clone(schema.Outcomes),
	func(o schema.Outcome) bool { return o == schema.Unchanged })

// ParseManifest reads a manifest, which may be anything. The error is an [*Error].
// Keys that it does not know are ignored.
func ParseManifest(data []byte) (*Manifest, error) {
	if len(data) > maxManifest {
		return nil, refuse(ReasonTooLarge, "the manifest has %d bytes, more than %d", len(data), maxManifest)
	}
	// encoding/json alone would take keys twice, and invalid UTF-8.
	if _, err := jsonscan.AppendCanonical(nil, data); err != nil {
		return nil, refuse(ReasonManifest, "%v", err)
	}
	m := new(Manifest)
	if err := json.Unmarshal(data, m); err != nil {
		return nil, refuse(ReasonManifest, "%.200v", err)
	}
	if err := m.validate(); err != nil {
		return nil, refuse(ReasonManifest, "%v", err)
	}
	return m, nil
}

func (m *Manifest) validate() error {
	if m.Version != manifestVersion {
		return fmt.Errorf("version is %d; this program reads version %d", m.Version, manifestVersion)
	}
	if err := m.Scope().Validate(); err != nil {
		return err
	}
	switch {
	case m.Run == schema.RunID{}:
		return errors.New("run is missing")
	case m.Run.Time().Year() > maxYear:
		return fmt.Errorf("run %s starts after the year %d", m.Run, maxYear)
	case !slices.Contains(outcomes, m.Outcome):
		return fmt.Errorf("outcome %.40q is not one of %v", m.Outcome, outcomes)
	case len(m.Error) > errtext.Max:
		return fmt.Errorf("error has %d bytes, more than %d", len(m.Error), errtext.Max)
	case m.Every < 0 || m.Every > maxEvery:
		return fmt.Errorf("every is %d, not between 1 and %d seconds", m.Every, maxEvery)
	case m.Extent != "" && !slices.Contains(schema.Extents, m.Extent):
		return fmt.Errorf("extent %.40q is not one of %v", m.Extent, schema.Extents)
	case m.Requests < 0 || m.Requests > maxRequests:
		return fmt.Errorf("requests is %d, not between 0 and %d", m.Requests, int64(maxRequests))
	case m.PaidRequests < 0 || m.PaidRequests > maxRequests:
		return fmt.Errorf("paid_requests is %d, not between 0 and %d", m.PaidRequests, int64(maxRequests))
	case m.USDMicros < 0 || m.USDMicros > maxUSDMicros:
		return fmt.Errorf("usd_micros is %d, not between 0 and %d", m.USDMicros, int64(maxUSDMicros))
	case m.TookMillis < 0 || m.TookMillis > maxTook:
		return fmt.Errorf("took_ms is %d, not between 0 and %d", m.TookMillis, int64(maxTook))
	case m.Parts < 0 || m.Parts > maxParts || m.Rows < 0 || m.Rows > maxRunRows:
		return fmt.Errorf("%d rows in %d parts are too many", m.Rows, m.Parts)
	case m.Rows < int64(m.Parts) || m.Parts == 0 && m.Rows > 0:
		return fmt.Errorf("%d rows cannot be in %d parts", m.Rows, m.Parts)
	case m.Outcome == schema.Empty && m.Parts > 0:
		return fmt.Errorf("outcome empty has %d parts", m.Parts)
	}
	return m.validateFiles()
}

func (m *Manifest) validateFiles() error {
	rows, lastFile, lastPart := int64(0), -1, -1
	for _, f := range m.Files {
		n, ok := fileNumber(m.Run, f.Name)
		if !ok || n <= lastFile {
			return fmt.Errorf("file %.80q is not one of the run, or out of order", f.Name)
		}
		lastFile = n
		// Whether it is too large to be read concerns this file, and not the run.
		if f.Size < 0 || f.Rows < 1 || f.Rows > maxRunRows {
			return fmt.Errorf("file %d has %d rows in %d bytes, which is too little or too much", n, f.Rows, f.Size)
		}
		left := f.Rows
		for _, p := range f.Parts {
			if p.Number <= lastPart || p.Number >= m.Parts {
				return fmt.Errorf("part %d in file %d is out of order, or not one of %d parts", p.Number, n, m.Parts)
			}
			lastPart = p.Number
			if p.Rows < 1 || int64(p.Rows) > left {
				return fmt.Errorf("part %d has %d rows, more than are left in file %d", p.Number, p.Rows, n)
			}
			left -= int64(p.Rows)
		}
		if left > 0 {
			return fmt.Errorf("file %d has %d rows that are in no part", n, left)
		}
		rows += f.Rows
	}
	if rows > m.Rows {
		return fmt.Errorf("the files have %d rows, the run %d", rows, m.Rows)
	}
	return nil
}
