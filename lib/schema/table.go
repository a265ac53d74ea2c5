package schema

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
)

// Column is one data column of a [Table].
type Column struct {
	// Name of the column in JSON, Arrow, Parquet and PostgreSQL.
	Name string
	// Kind of the column.
	Kind Kind
	// Nullable columns may be absent from a row.
	Nullable bool
	// Key columns together are the natural key of a row within its account and region.
	Key bool
	// Slice is set on the one column with a value that belongs to the scope.
	Slice bool
	// Shape of the values of a JSON column.
	Shape Shape
	// Personal is the class of personal data in the column.
	Personal Personal
	// Field is the index of the Go struct field that the column was declared by.
	Field int
}

// Tag stands for the column's name where rows are hashed: the first bytes of the
// name's SHA-256. No two columns of a table have the same.
func (c Column) Tag() [4]byte {
	sum := sha256.Sum256([]byte(c.Name))
	return [4]byte(sum[:4])
}

// Spec is what a struct cannot say about its category.
type Spec struct {
	// Name of the category and its table: lower case letters, digits and
	// underscores, starting with a letter, at most 48 bytes. Not a reserved word of
	// PostgreSQL.
	Name string
	// Mode of the category: Snapshot or Event.
	Mode Mode
	// Incremental is set when some runs of the category read only what changed. It says
	// what the end of a run means that does not tell its extent: see [Table.Extent].
	Incremental bool
	// MaxText is how many bytes each text column may have in a row. Defaults to
	// DefaultMaxText; at most MaxRow. Raise it in the hub before the spokes: what an
	// older hub does not take, it rejects.
	MaxText int
	// Indexes of the table besides those that every table has: its key, and account and
	// region.
	Indexes []Index
}

// Index is an index of a category's table that a query needs.
type Index struct {
	// Name that tells it apart within the category: the index of queues named open is
	// called queues_open.
	Name string
	// Columns in the order of the index: the category's own or [SystemColumns]. A text that
	// may be long is cut, as left(name, 32): an index refuses rows of some kilobytes. Behind
	// that there may be [NewestFirst].
	Columns []string
	// Where is the SQL condition of a partial index; "" for an index of all rows. It is
	// written by people and never comes from data.
	Where string
}

// Table is the compiled, immutable description of one category: columns in COPY
// order, key, mode. It is safe for concurrent use.
type Table struct {
	name        string
	mode        Mode
	incremental bool
	maxText     int
	columns     []Column
	keys        []int
	slice       int
	byName      map[string]int
	indexes     []Index
	arrow       *arrow.Schema
	goType      reflect.Type
}

// Category ties a Go row type T to its Table, so that only rows of that type can
// be sent as that category.
type Category[T any] struct{ *Table }

// Of compiles T into a category. It is meant for package variables and panics,
// naming every fault, if T or s is not a valid declaration; [Compile] returns the
// error instead.
func Of[T any](s Spec) Category[T] {
	t, err := Compile(reflect.TypeFor[T](), s)
	if err != nil {
		panic(err)
	}
	return Category[T]{t}
}

// Compile compiles a struct type into a Table. The error joins all faults of the
// declaration, not only the first.
func Compile(typ reflect.Type, s Spec) (*Table, error) {
	t := &Table{
		name: s.Name, mode: s.Mode, incremental: s.Incremental, maxText: cmp.Or(s.MaxText, DefaultMaxText),
		slice: -1, byName: map[string]int{}, goType: typ,
	}
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }

	if !nameRE.MatchString(s.Name) {
		fault("name %q is not lower case letters, digits and underscores (at most 48)", s.Name)
	}
	if isReserved(s.Name) {
		fault("name %q is a reserved word of PostgreSQL; choose another, such as the plural", s.Name)
	}
	if s.Mode != Snapshot && s.Mode != Event {
		fault("mode is not Snapshot or Event")
	}
	if t.maxText < 1 || t.maxText > MaxRow {
		fault("MaxText %d is not between 1 and %d", s.MaxText, MaxRow)
	}
	if typ.Kind() != reflect.Struct {
		return nil, fmt.Errorf("schema: category %q: %v is not a struct", s.Name, typ)
	}
	for i := range typ.NumField() {
		c, ok, err := compileField(typ.Field(i))
		if err != nil {
			fault("field %s: %w", typ.Field(i).Name, err)
		}
		if !ok {
			continue
		}
		c.Field = i
		if _, twice := t.byName[c.Name]; twice {
			fault("field %s: column %q is declared twice", typ.Field(i).Name, c.Name)
		}
		if c.Slice {
			if t.slice >= 0 {
				fault("field %s: a category has one slice column at most", typ.Field(i).Name)
			}
			t.slice = len(t.columns)
		}
		if c.Key {
			t.keys = append(t.keys, len(t.columns))
		}
		for _, other := range t.columns {
			if other.Tag() == c.Tag() && other.Name != c.Name {
				fault("field %s: columns %q and %q have the same tag (Column.Tag); rename one", typ.Field(i).Name, other.Name,
					c.Name)
			}
		}
		t.byName[c.Name] = len(t.columns)
		t.columns = append(t.columns, c)
	}
	if len(t.keys) == 0 {
		fault("no field is tagged key")
	}
	for i, index := range s.Indexes {
		if err := t.validateIndex(index, s.Indexes[:i]); err != nil {
			fault("index %q: %w", index.Name, err)
		}
		index.Columns = slices.Clone(index.Columns)
		t.indexes = append(t.indexes, index)
	}
	if err := errors.Join(faults...); err != nil {
		return nil, fmt.Errorf("schema: category %q (%v):\n%w", s.Name, typ, err)
	}
	t.arrow = arrowSchema(t.columns)
	return t, nil
}

// NewestFirst is what follows the name of a column in an index, and in the queries that it
// is for: rows without a value come last, which is not the order of PostgreSQL.
const NewestFirst = " DESC NULLS LAST"

// reservedIndexes are the names of the indexes that every table has.
var reservedIndexes = []string{"account", "pkey"}

func (t *Table) validateIndex(index Index, before []Index) error {
	switch {
	case !nameRE.MatchString(index.Name) || len(t.name)+1+len(index.Name) > maxIdentifier:
		return fmt.Errorf("the name is not lower case letters, digits and underscores, or with the category longer than %d",
			maxIdentifier)
	case slices.Contains(reservedIndexes, index.Name):
		return errors.New("every table has one of this name")
	case slices.ContainsFunc(before, func(other Index) bool { return other.Name == index.Name }):
		return errors.New("declared twice")
	case len(index.Columns) == 0:
		return errors.New("no columns")
	}
	for _, c := range index.Columns {
		c = indexColumnRE.ReplaceAllString(c, "$1$2")
		if _, own := t.byName[c]; !own && !isSystemColumn(c) {
			return fmt.Errorf("no column %q", c)
		}
	}
	return nil
}

// maxIdentifier is how many bytes a name has in PostgreSQL.
const maxIdentifier = 63

var (
	nameRE = regexp.MustCompile(`^[a-z][a-z0-9_]{0,47}$`)
	// indexColumnRE finds the name of a column in what an index is made of.
	indexColumnRE = regexp.MustCompile(`^(?:left\(([a-z0-9_]+), [0-9]+\)|([a-z0-9_]+))(?:` + NewestFirst + `)?$`)
	columnRE      = regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`)
)

func compileField(f reflect.StructField) (c Column, ok bool, err error) {
	tag, tagged := f.Tag.Lookup("col")
	switch {
	case tag == "-":
		return c, false, nil
	case f.Anonymous:
		return c, false, errors.New("embedded fields are not supported; name the field")
	case !f.IsExported():
		return c, false, fmt.Errorf("not exported; export it or tag it %s", "`col:\"-\"`")
	case !tagged:
		return c, false, fmt.Errorf("no col tag; add %s or %s", "`col:\"column_name\"`", "`col:\"-\"`")
	}
	name, options, _ := strings.Cut(tag, ",")
	c.Name = name
	if !columnRE.MatchString(name) {
		return c, false, fmt.Errorf("column name %q is not lower case letters, digits and underscores (at most 63)", name)
	}
	if isSystemColumn(name) {
		return c, false, fmt.Errorf("column name %q is reserved for a system column", name)
	}
	if slices.Contains(pgColumns, name) {
		return c, false, fmt.Errorf("column name %q is one that PostgreSQL gives every table; choose another", name)
	}
	if isReserved(name) {
		return c, false, fmt.Errorf("column name %q is a reserved word of PostgreSQL; add a word to it", name)
	}
	if options != "" {
		for option := range strings.SplitSeq(options, ",") {
			if err := c.setOption(option); err != nil {
				return c, false, err
			}
		}
	}
	typ := f.Type
	if typ.Kind() == reflect.Pointer {
		typ, c.Nullable = typ.Elem(), true
	}
	kind, known := goKinds[typ]
	if !known {
		return c, false, fmt.Errorf("type %v has no kind; the package documentation of schema lists the types", f.Type)
	}
	c.Kind = kind
	if kind == KindJSON {
		if c.Nullable {
			return c, false, errors.New("*schema.JSON: use schema.JSON; its empty value is null")
		}
		c.Nullable = true
	}
	return c, true, c.validate()
}

// setOption sets what an option of the tag says.
func (c *Column) setOption(option string) error {
	personal, isPersonal := strings.CutPrefix(option, "personal=")
	switch {
	case option == "key":
		c.Key = true
	case option == "slice":
		c.Slice = true
	case option == string(Object), option == string(Array):
		c.Shape = Shape(option)
	case isPersonal && slices.Contains(PersonalClasses, Personal(personal)):
		c.Personal = Personal(personal)
	case isPersonal:
		return fmt.Errorf("unknown class of personal data %q; use one of %v", personal, PersonalClasses)
	default:
		return fmt.Errorf("unknown option %q; use key, slice, object, array or personal=CLASS", option)
	}
	return nil
}

// validate checks what the options of a column ask of its kind.
func (c Column) validate() error {
	if c.Shape != AnyShape && c.Kind != KindJSON {
		return fmt.Errorf("only a JSON column can be an %s", c.Shape)
	}
	if c.Personal != "" && c.Kind != KindText && c.Kind != KindJSON {
		return errors.New("only a text or JSON column can be marked as personal")
	}
	if c.Personal != "" && !c.Nullable && !c.Key {
		return errors.New("a personal column must be nullable or a key: senders may leave its values out")
	}
	if c.Key && (c.Nullable || c.Kind == KindFloat64 || c.Kind == KindJSON) {
		return fmt.Errorf("a key column must be neither nullable, float64 nor JSON")
	}
	if c.Slice && !c.Key {
		return errors.New("a slice column must be part of the key, or rows of two slices could not be told apart")
	}
	if c.Slice && c.Kind != KindText && c.Kind != KindDate {
		return errors.New("a slice column must be text or date")
	}
	return nil
}

var goKinds = map[reflect.Type]Kind{
	reflect.TypeFor[string]():    KindText,
	reflect.TypeFor[int64]():     KindInt64,
	reflect.TypeFor[float64]():   KindFloat64,
	reflect.TypeFor[Decimal]():   KindDecimal,
	reflect.TypeFor[bool]():      KindBool,
	reflect.TypeFor[time.Time](): KindTimestamp,
	reflect.TypeFor[Date]():      KindDate,
	reflect.TypeFor[JSON]():      KindJSON,
}

func arrowSchema(columns []Column) *arrow.Schema {
	fields := make([]arrow.Field, len(columns))
	for i, c := range columns {
		fields[i] = arrow.Field{Name: c.Name, Type: c.Kind.ArrowType(), Nullable: c.Nullable}
		if c.Kind == KindJSON {
			fields[i].Metadata = jsonMetadata
		}
	}
	return arrow.NewSchema(fields, nil)
}

// Name returns the name of the category, which is also the name of its table.
func (t *Table) Name() string { return t.name }

// Mode returns whether runs of the category are snapshots or events.
func (t *Table) Mode() Mode { return t.mode }

// Incremental reports whether some runs of the category read only what changed.
func (t *Table) Incremental() bool { return t.incremental }

// Extent returns what a run has asked for if its end says e. Senders and archives from
// before there were extents say "": then it was everything, unless the category is
// Incremental. A run that is taken for less than it was marks nothing as gone; the
// other mistake would make all that it has not asked for gone.
func (t *Table) Extent(e Extent) Extent {
	switch {
	case e != "":
		return e
	case t.incremental:
		return Incremental
	}
	return Full
}

// MaxText returns how many bytes each text column may have in a row.
func (t *Table) MaxText() int { return t.maxText }

// Columns returns the data columns in the order of the struct's fields, which is
// the order in JSON, Arrow and COPY. The caller must not change the slice.
func (t *Table) Columns() []Column { return t.columns }

// Keys returns the indexes of the key columns in ascending order. The caller must
// not change the slice.
func (t *Table) Keys() []int { return t.keys }

// SliceColumn returns the index of the slice column, or -1.
func (t *Table) SliceColumn() int { return t.slice }

// ValidateSlice reports whether slice can be the slice of a scope of the category: ""
// where it has no slice column, else a value of that column in the one way in which
// rows are written. Another way to write a day would be another scope of the same rows.
func (t *Table) ValidateSlice(slice string) error {
	switch {
	case t.slice < 0 && slice == "":
		return nil
	case t.slice < 0:
		return fmt.Errorf("slice is %.80q, and category %s has no slices", slice, t.name)
	case slice == "":
		return fmt.Errorf("slice is missing: category %s has one per %s", t.name, t.columns[t.slice].Name)
	case t.columns[t.slice].Kind != KindDate:
		return nil
	}
	// Year 0 is a year for package time and none for PostgreSQL.
	if d, err := ParseDate(slice); err != nil || d.String() != slice || d.Time().Year() < 1 {
		return fmt.Errorf("slice %.80q is not a day as 2006-01-02, from the year 0001 on", slice)
	}
	return nil
}

// Index returns the index of the column of that name.
func (t *Table) Index(name string) (int, bool) {
	i, ok := t.byName[name]
	return i, ok
}

// ArrowSchema returns the schema of the category's Arrow records: the data
// columns in order, without system columns.
func (t *Table) ArrowSchema() *arrow.Schema { return t.arrow }

// Indexes returns the indexes that were declared. The caller must not change the slice.
func (t *Table) Indexes() []Index { return t.indexes }

// GoType returns the struct type that the table was compiled from.
func (t *Table) GoType() reflect.Type { return t.goType }

// String returns the name of the category.
func (t *Table) String() string { return t.name }
