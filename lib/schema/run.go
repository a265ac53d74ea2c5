package schema

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/google/uuid"
)

// GlobalRegion is the region of scopes of services without regions.
const GlobalRegion = "global"

// Scope is what one run describes. It is comparable.
type Scope struct {
	// Category is the name of the category.
	Category string
	// Account is the AWS account, 12 digits.
	Account string
	// Region is the AWS region, or GlobalRegion.
	Region string
	// Slice is the value of the category's slice column, "" for categories without one.
	Slice string
}

var (
	accountRE = regexp.MustCompile(`^[0-9]{12}$`)
	// regionRE is the form of the names of AWS's regions in all partitions: us-east-1,
	// us-gov-west-1, eusc-de-east-1. There are few such names, so that nobody can search
	// among them for one that suits an attack.
	regionRE = regexp.MustCompile(`^[a-z]{2,4}(-[a-z]{2,5})?-[a-z]{4,9}-[0-9]{1,2}$`)
	sliceRE  = regexp.MustCompile(`^[A-Za-z0-9_.:-]{1,64}$`)
)

// Validate reports every part of the scope that is malformed. It does not know
// which categories exist; [Table.ValidateSlice] says which slices a category has.
func (s Scope) Validate() error {
	var faults []error
	check := func(ok bool, what, value, want string) {
		if !ok {
			faults = append(faults, fmt.Errorf("%s %.80q is not %s", what, value, want))
		}
	}
	check(nameRE.MatchString(s.Category), "category", s.Category, "lower case letters, digits and underscores")
	check(accountRE.MatchString(s.Account), "account", s.Account, "12 digits")
	check(s.Region == GlobalRegion || regionRE.MatchString(s.Region), "region", s.Region,
		`a region's name, such as us-east-1, or "global"`)
	check(s.Slice == "" || sliceRE.MatchString(s.Slice), "slice", s.Slice,
		"at most 64 letters, digits, dots, colons, dashes and underscores")
	return errors.Join(faults...)
}

// ID returns a cryptographic hash of the scope: stable for ever, and the same in
// every program. It orders locks and names the scope in the database.
func (s Scope) ID() [16]byte {
	return Digest(s.Category, s.Account, s.Region, s.Slice)
}

// Digest returns the first 16 bytes of the SHA-256 of parts, each prefixed with
// its length, so that no two lists of parts give the same bytes.
func Digest(parts ...string) (d [16]byte) {
	h := sha256.New()
	for _, p := range parts {
		var n [4]byte
		binary.BigEndian.PutUint32(n[:], uint32(len(p)))
		h.Write(n[:])
		h.Write([]byte(p))
	}
	copy(d[:], h.Sum(nil))
	return d
}

// String returns category/account/region, with /slice where there is one.
func (s Scope) String() string {
	text := s.Category + "/" + s.Account + "/" + s.Region
	if s.Slice != "" {
		text += "/" + s.Slice
	}
	return text
}

// RunID identifies one collection of one scope. It is a UUIDv7 (RFC 9562). Its time is
// the start of the run, and ids sort as the runs started.
type RunID uuid.UUID

// NewRunID returns an id for a run that starts at t, which is cut to milliseconds.
func NewRunID(t time.Time) RunID {
	var id RunID
	if _, err := rand.Read(id[6:]); err != nil {
		panic(err) // crypto/rand never fails on supported systems
	}
	ms := uint64(t.UnixMilli())
	id[0], id[1] = byte(ms>>40), byte(ms>>32)
	binary.BigEndian.PutUint32(id[2:], uint32(ms))
	id[6] = 0x70 | id[6]&0x0f
	id[8] = 0x80 | id[8]&0x3f
	return id
}

// ParseRunID parses the 36 character form of a UUIDv7.
func ParseRunID(s string) (RunID, error) {
	u, err := uuid.Parse(s)
	if err != nil || len(s) != 36 || u.Version() != 7 || u.Variant() != uuid.RFC4122 {
		return RunID{}, fmt.Errorf("run %.80q is not a UUIDv7", s)
	}
	return RunID(u), nil
}

// Time returns the start of the run, in UTC and milliseconds.
func (r RunID) Time() time.Time {
	ms := int64(r[0])<<40 | int64(r[1])<<32 | int64(binary.BigEndian.Uint32(r[2:6]))
	return time.UnixMilli(ms).UTC()
}

// String returns the 36 character form.
func (r RunID) String() string { return uuid.UUID(r).String() }

// MarshalText returns String.
func (r RunID) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText is ParseRunID.
func (r *RunID) UnmarshalText(b []byte) (err error) {
	*r, err = ParseRunID(string(b))
	return err
}

// Compare returns -1, 0 or 1 as r is older than, equal to or newer than o.
func (r RunID) Compare(o RunID) int {
	for i := range r {
		switch {
		case r[i] < o[i]:
			return -1
		case r[i] > o[i]:
			return 1
		}
	}
	return 0
}

// Outcome says how a run ended.
type Outcome string

// The outcomes of a run.
const (
	// OK: everything that was asked for was read. A detail that is unknown (the rotation
	// status of a key, if it is denied) is null in its row, and the run is still OK.
	OK Outcome = "ok"
	// Empty: everything was read and there is nothing.
	Empty Outcome = "empty"
	// Partial: some rows were read or sent, others not.
	Partial Outcome = "partial"
	// Denied: the account does not allow the collector to read.
	Denied Outcome = "denied"
	// Throttled: AWS limited the collector until it gave up.
	Throttled Outcome = "throttled"
	// Disabled: the service is not enabled in the account or region.
	Disabled Outcome = "disabled"
	// Failed: anything else.
	Failed Outcome = "failed"
	// Unchanged: everything was read, and is as an earlier run said, which the end names.
	// Nothing of it is sent but the end. It says how fresh the scope is, and nothing of rows.
	Unchanged Outcome = "unchanged"
)

// Outcomes lists every outcome.
var Outcomes = []Outcome{OK, Empty, Partial, Denied, Throttled, Disabled, Failed, Unchanged}

// Complete reports whether the run read all that it asked for, and says so of its rows.
// An [Unchanged] run has no rows to say it of.
func (o Outcome) Complete() bool { return o == OK || o == Empty }

// Extent says how much of its scope a run has asked for. "" is what a sender says who
// does not know the question; see [Table.Extent].
type Extent string

// The extents of a run.
const (
	// Full: everything. What a complete full run of a snapshot category does not name is
	// gone.
	Full Extent = "full"
	// Incremental: only what changed since an earlier run. Nothing is gone because such a
	// run does not name it.
	Incremental Extent = "incremental"
)

// Extents lists every extent.
var Extents = []Extent{Full, Incremental}
