// Package personal keeps personal data where it was read: it replaces values of columns
// that are marked with a class (schema.Personal) by pseudonyms, or leaves them out, before
// rows are packed, archived or printed.
//
// A [Policy] says what becomes of each class. [Policy.For] compiles it for a category, and
// [Columns.Apply] applies it to an Arrow record, column by column. It costs nothing where a
// category has no such column.
//
// A pseudonym is "h1_" and 22 characters of base64url: the first 128 bits of an HMAC-SHA-256
// of the class and the value. So equal values of a class have equal pseudonyms in all
// categories and accounts that share the key, and rows can still be joined. Who does not
// have the key can neither read a value nor find it by trying all of them, which would be
// quick for addresses and telephone numbers.
package personal

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"maps"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/hubspoke/observability/lib/schema"
)

// Action is what becomes of the values of a class.
type Action string

const (
	// Keep sends them as they are.
	Keep Action = "keep"
	// Hash sends pseudonyms. A JSON column has none: its values are left out.
	Hash Action = "hash"
	// Drop leaves them out: they become null. Columns of a key cannot be dropped.
	Drop Action = "drop"
)

// Actions are all actions.
var Actions = []Action{Keep, Hash, Drop}

// MinKey is how many bytes the key of a [Policy] has at least.
const MinKey = 32

// Config says what becomes of personal data.
type Config struct {
	// Actions by class. Classes that are not named are kept. Defaults to none.
	Actions map[schema.Personal]Action
	// Key of the pseudonyms, MinKey bytes at least. Required where an action is Hash. Spokes
	// with one key give a value one pseudonym.
	Key []byte
}

// Policy says what becomes of personal data. A nil Policy keeps everything. It is immutable
// and safe for concurrent use.
type Policy struct {
	actions map[schema.Personal]Action
	key     []byte
}

// ErrNoKey says that pseudonyms are asked for without a key.
var ErrNoKey = errors.New("personal: hash needs a key")

// New returns a policy, or every fault of the configuration; [ErrNoKey] may be among them.
func New(c Config) (*Policy, error) {
	p := &Policy{actions: map[schema.Personal]Action{}, key: slices.Clone(c.Key)}
	var faults []error
	hashes := false
	for _, class := range slices.Sorted(maps.Keys(c.Actions)) {
		action := c.Actions[class]
		if !slices.Contains(schema.PersonalClasses, class) {
			faults = append(faults, fmt.Errorf("personal: unknown class of personal data %q; use one of %v", class,
				schema.PersonalClasses))
		}
		if !slices.Contains(Actions, action) {
			faults = append(faults, fmt.Errorf("personal: unknown action %q for %s; use one of %v", action, class, Actions))
		}
		hashes = hashes || action == Hash
		if action != Keep {
			p.actions[class] = action
		}
	}
	switch {
	case hashes && len(c.Key) == 0:
		faults = append(faults, ErrNoKey)
	case len(c.Key) > 0 && len(c.Key) < MinKey:
		faults = append(faults, fmt.Errorf("personal: the key has %d bytes; give at least %d", len(c.Key), MinKey))
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return p, nil
}

// String names the classes that are not kept, as contact:drop,identity:hash; "" if all are.
func (p *Policy) String() string {
	if p == nil {
		return ""
	}
	var texts []string
	for _, class := range slices.Sorted(maps.Keys(p.actions)) {
		texts = append(texts, string(class)+":"+string(p.actions[class]))
	}
	return strings.Join(texts, ",")
}

// ColumnError says that a policy cannot be applied to a column.
type ColumnError struct {
	// Category and Column, and the Class by which it is marked.
	Category, Column string
	Class            schema.Personal
	// Hashable is set where the column can be hashed.
	Hashable bool
	// Reason is why.
	Reason string
}

// Error names the column and the reason.
func (e *ColumnError) Error() string {
	return fmt.Sprintf("personal: column %s of %s (class %s): %s", e.Column, e.Category, e.Class, e.Reason)
}

// For returns what the policy does to records of a category, nil if it does nothing. The
// error joins a *[ColumnError] for each column to which it cannot be applied.
func (p *Policy) For(t *schema.Table) (*Columns, error) {
	if p == nil {
		return nil, nil
	}
	c := &Columns{policy: p, table: t, actions: make([]Action, len(t.Columns()))}
	changes := false
	var faults []error
	for i, column := range t.Columns() {
		action := p.actions[column.Personal]
		if column.Personal == "" || action == "" {
			c.actions[i] = Keep
			continue
		}
		changes = true
		fault := func(reason string) {
			faults = append(faults, &ColumnError{
				Category: t.Name(), Column: column.Name, Class: column.Personal, Hashable: !column.Slice, Reason: reason,
			})
		}
		switch {
		case column.Slice:
			fault("it names slices, and can only be kept")
		case column.Key && action == Drop:
			fault("it is in the key, and can be kept or hashed")
		case column.Kind == schema.KindJSON:
			action = Drop
		}
		c.actions[i] = action
	}
	if err := errors.Join(faults...); err != nil || !changes {
		return nil, err
	}
	return c, nil
}

// Columns is a policy for one category. It is safe for concurrent use.
type Columns struct {
	policy  *Policy
	table   *schema.Table
	actions []Action // by column
}

// Policy returns the policy.
func (c *Columns) Policy() *Policy { return c.policy }

// Action returns what becomes of the values of a column, by its index. It is never Hash for
// a JSON column.
func (c *Columns) Action(column int) Action { return c.actions[column] }

// Hides reports whether the values of the column of that name are not sent as they are. A
// name that the table does not have is hidden.
func (c *Columns) Hides(column string) bool {
	i, ok := c.table.Index(column)
	return !ok || c.actions[i] != Keep
}

// Value returns what is sent in place of the text of a column: itself, its pseudonym, or ""
// where it is dropped. Apply does this to many values at less cost.
func (c *Columns) Value(column int, text string) string {
	switch c.actions[column] {
	case Hash:
		return string(newPseudonyms(c.policy.key, c.table.Columns()[column].Personal).append(nil, text))
	case Drop:
		return ""
	}
	return text
}

// Apply returns the record as it may be sent. Columns that are kept are those of rec. The
// caller releases it, and still rec.
func (c *Columns) Apply(rec arrow.Record) arrow.Record {
	columns := slices.Clone(rec.Columns())
	for i, action := range c.actions {
		if action == Keep {
			continue
		}
		columns[i] = c.replace(i, rec.Column(i).(*array.String)) // schema marks texts and JSON only
		defer columns[i].Release()
	}
	return array.NewRecord(rec.Schema(), columns, rec.NumRows())
}

func (c *Columns) replace(column int, values *array.String) arrow.Array {
	b := array.NewStringBuilder(memory.DefaultAllocator)
	defer b.Release()
	b.Reserve(values.Len())
	if c.actions[column] == Drop {
		b.AppendNulls(values.Len())
		return b.NewArray()
	}
	b.ReserveData((values.Len() - values.NullN()) * pseudonymBytes)
	pseudonyms := newPseudonyms(c.policy.key, c.table.Columns()[column].Personal)
	var text []byte
	for row := range values.Len() {
		if values.IsNull(row) {
			b.AppendNull()
			continue
		}
		text = pseudonyms.append(text[:0], values.Value(row))
		b.Append(string(text))
	}
	return b.NewArray()
}

const (
	pseudonymPrefix = "h1_"
	pseudonymBits   = 128
)

// pseudonymBytes is how long a pseudonym is.
var pseudonymBytes = len(pseudonymPrefix) + base64.RawURLEncoding.EncodedLen(pseudonymBits/8)

// pseudonyms makes those of one class.
type pseudonyms struct {
	mac   hash.Hash
	class []byte // and the byte 0 that separates it from a value
	input []byte
	sum   []byte
}

func newPseudonyms(key []byte, class schema.Personal) *pseudonyms {
	return &pseudonyms{mac: hmac.New(sha256.New, key), class: append([]byte(class), 0)}
}

func (p *pseudonyms) append(b []byte, value string) []byte {
	p.input = append(append(p.input[:0], p.class...), value...)
	p.mac.Reset()
	p.mac.Write(p.input)
	p.sum = p.mac.Sum(p.sum[:0])
	return base64.RawURLEncoding.AppendEncode(append(b, pseudonymPrefix...), p.sum[:pseudonymBits/8])
}
