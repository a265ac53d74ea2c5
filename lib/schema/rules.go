package schema

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

// Limits of one row, which spoke and hub both enforce.
const (
	// MaxRow is how many bytes a row has: as the line of JSON that it travels as, and
	// decoded, which is its texts, its JSON in canonical form, and the fixed width of
	// every other column.
	MaxRow = 256 << 10
	// DefaultMaxText is how many bytes a text column may have in a row, unless
	// [Spec.MaxText] says otherwise. JSON columns are bounded by MaxRow alone.
	DefaultMaxText = 32 << 10
	// MaxDepth is how deep a JSON value may nest.
	MaxDepth = 64
	// MaxKeys is how many keys one JSON object may have.
	MaxKeys = 4096
	// MaxNumber is how many characters a JSON number may have.
	MaxNumber = 40
)

// Reason says why a row, part or record was refused. It is a short, stable code:
// programs act on it, and the database keeps it.
type Reason string

// Why a row is refused.
const (
	ReasonSyntax       Reason = "syntax"        // not a JSON object, or bytes behind it
	ReasonDuplicateKey Reason = "duplicate_key" // a JSON key twice in one object
	ReasonType         Reason = "wrong_type"    // the value does not fit the kind of the column
	ReasonRange        Reason = "out_of_range"  // the value is too large, too long or too exact
	ReasonText         Reason = "invalid_text"  // invalid UTF-8, NUL or a lone surrogate
	ReasonMissing      Reason = "missing"       // a column that is not nullable has no value
	ReasonEmptyKey     Reason = "empty_key"     // a key column is the empty text
	ReasonSlice        Reason = "wrong_slice"   // the slice column differs from the scope
	ReasonTooDeep      Reason = "too_deep"      // nested deeper than MaxDepth
	ReasonTooLarge     Reason = "too_large"     // more than MaxRow bytes, MaxKeys keys, or bytes than the column takes
)

// RowError says why one row does not fit its category.
type RowError struct {
	// Reason as a code.
	Reason Reason
	// Column that the value was meant for; "" if none.
	Column string
	// Offset in bytes from the start of the row's JSON; -1 where there is no JSON.
	Offset int
	// Detail for people.
	Detail string
}

// Error returns the place, the reason and the detail.
func (e *RowError) Error() string {
	place := "row"
	if e.Column != "" {
		place = "column " + e.Column
	}
	if e.Offset >= 0 {
		place = fmt.Sprintf("%s at byte %d", place, e.Offset)
	}
	return fmt.Sprintf("%s: %s: %s", place, e.Reason, e.Detail)
}

// CheckText returns "" if PostgreSQL can store b as text, else what is wrong:
// invalid UTF-8 (surrogates included) or a NUL byte.
func CheckText(b []byte) string {
	switch {
	case !utf8.Valid(b):
		return "not valid UTF-8"
	case bytes.IndexByte(b, 0) >= 0:
		return "contains a NUL byte, which PostgreSQL cannot store"
	}
	return ""
}
