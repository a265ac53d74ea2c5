package schema_test

import (
	"encoding/json"
	"fmt"
	"math/big"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/hubspoke/observability/lib/schema"
)

// row has a column of every kind.
type row struct {
	ID      string         `col:"id,key"`
	Day     schema.Date    `col:"day,key,slice"`
	N       int64          `col:"n"`
	F       *float64       `col:"f"`
	Amount  schema.Decimal `col:"amount"`
	Enabled *bool          `col:"enabled"`
	At      time.Time      `col:"at"`
	Tags    schema.JSON    `col:"tags"`
	Note    string         `col:"-"`
}

func TestCompile(t *testing.T) {
	c := schema.Of[row](schema.Spec{Name: "rows", Mode: schema.Snapshot})
	want := []schema.Column{
		{Name: "id", Kind: schema.KindText, Key: true, Field: 0},
		{Name: "day", Kind: schema.KindDate, Key: true, Slice: true, Field: 1},
		{Name: "n", Kind: schema.KindInt64, Field: 2},
		{Name: "f", Kind: schema.KindFloat64, Nullable: true, Field: 3},
		{Name: "amount", Kind: schema.KindDecimal, Field: 4},
		{Name: "enabled", Kind: schema.KindBool, Nullable: true, Field: 5},
		{Name: "at", Kind: schema.KindTimestamp, Field: 6},
		{Name: "tags", Kind: schema.KindJSON, Nullable: true, Field: 7},
	}
	if got := c.Columns(); !reflect.DeepEqual(got, want) {
		t.Errorf("columns\n%+v, want\n%+v", got, want)
	}
	if c.Name() != "rows" || c.Mode() != schema.Snapshot || !reflect.DeepEqual(c.Keys(), []int{0, 1}) ||
		c.SliceColumn() != 1 {
		t.Errorf("name %q, mode %v, keys %v, slice %d", c.Name(), c.Mode(), c.Keys(), c.SliceColumn())
	}
	if i, ok := c.Index("amount"); !ok || i != 4 {
		t.Errorf("Index(amount) = %d, %v", i, ok)
	}
	for i, f := range c.ArrowSchema().Fields() {
		kind, ok := schema.KindOf(f)
		if !ok || kind != want[i].Kind || f.Nullable != want[i].Nullable || f.Name != want[i].Name {
			t.Errorf("Arrow field %v is kind %v, %v", f, kind, ok)
		}
	}
}

func TestKindOfForeignField(t *testing.T) {
	if kind, ok := schema.KindOf(arrow.Field{Type: arrow.PrimitiveTypes.Int8}); ok {
		t.Errorf("int8 is %v", kind)
	}
}

func TestCompileNamesEveryFault(t *testing.T) {
	type embedded struct{}
	for _, c := range []struct {
		row  any
		want []string
	}{
		{struct {
			A int32 `col:"a,key"`
			B string
			C string `col:"Bad Name"`
			D string `col:"row_key"`
			E string `col:"e,primary"`
		}{}, []string{"field A: type int32 has no kind", "field B: no col tag", `"Bad Name"`, `"row_key" is reserved`,
			`unknown option "primary"`}},
		{struct {
			A *string     `col:"a,key"`
			B float64     `col:"b,key"`
			C schema.JSON `col:"c,key"`
			D string      `col:"d,slice"`
			E int64       `col:"e,key,slice"`
			F string      `col:"f"`
			G string      `col:"f"`
		}{}, []string{"field A: a key column", "field B: a key column", "field C: a key column",
			"field D: a slice column must be part of the key",
			"field E: a slice column must be text or date", `field G: column "f" is declared twice`}},
		{struct {
			embedded
			a string
			B *schema.JSON `col:"b"`
		}{}, []string{"field embedded: embedded fields", "field a: not exported", "field B: *schema.JSON",
			"no field is tagged key"}},
		{struct {
			A string `col:"a,key,slice"`
			B string `col:"b,key,slice"`
		}{}, []string{"field B: a category has one slice column at most"}},
		{struct {
			A string `col:"c17439,key"`
			B string `col:"c24164"`
		}{}, []string{`field B: columns "c17439" and "c24164" have the same tag`}},
		{struct {
			A string      `col:"a,key,object"`
			B int64       `col:"b,personal=contact"`
			C string      `col:"c,personal=text"`
			D *string     `col:"d,personal=shoe"`
			E schema.JSON `col:"e,personal=network,array"`
		}{}, []string{"field A: only a JSON column can be an object", "field B: only a text or JSON column",
			"field C: a personal column must be nullable or a key", `field D: unknown class of personal data "shoe"`}},
		{struct {
			A string `col:"order,key"`
			B string `col:"xmin"`
		}{}, []string{`field A: column name "order" is a reserved word`,
			`field B: column name "xmin" is one that PostgreSQL gives every table`}},
		{7, []string{"int is not a struct"}},
	} {
		_, err := schema.Compile(reflect.TypeOf(c.row), schema.Spec{Name: "things", Mode: schema.Event})
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%T: error does not say %q:\n%v", c.row, want, err)
			}
		}
	}
	for name, faults := range map[string][]string{
		"No Name": {`name "No Name"`, "mode is not"},
		"user":    {`name "user" is a reserved word`, "mode is not"},
	} {
		_, err := schema.Compile(reflect.TypeFor[row](), schema.Spec{Name: name})
		for _, want := range faults {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error does not say %q: %v", want, err)
			}
		}
	}
}

func TestIndexes(t *testing.T) {
	type row struct {
		ID string `col:"id,key"`
	}
	compile := func(indexes ...schema.Index) (*schema.Table, error) {
		return schema.Compile(reflect.TypeFor[row](), schema.Spec{Name: "things", Mode: schema.Event, Indexes: indexes})
	}
	open := schema.Index{Name: "open", Columns: []string{"account_id", "left(id, 32)" + schema.NewestFirst},
		Where: "deleted_at IS NULL"}
	table, err := compile(open)
	if err != nil || !reflect.DeepEqual(table.Indexes(), []schema.Index{open}) {
		t.Errorf("%v, %v", table.Indexes(), err)
	}
	for want, indexes := range map[string][]schema.Index{
		`index "Open": the name`:               {{Name: "Open", Columns: open.Columns}},
		`index "account": every table has one`: {{Name: "account", Columns: open.Columns}},
		`index "open": declared twice`:         {open, open},
		`index "open": no columns`:             {{Name: "open"}},
		`index "open": no column "nothing"`:    {{Name: "open", Columns: []string{"left(nothing, 32)"}}},
		`no column "lower(id)"`:                {{Name: "open", Columns: []string{"lower(id)"}}},
		"longer than 63":                       {{Name: strings.Repeat("o", 60), Columns: open.Columns}},
	} {
		_, err := compile(indexes...)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %s: %v", want, err)
		}
	}
}

func TestOfPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("Of accepted a struct without a key")
		}
	}()
	schema.Of[struct {
		A string `col:"a"`
	}](schema.Spec{Name: "things", Mode: schema.Event})
}

func TestDecimal(t *testing.T) {
	for in, want := range map[string]string{
		"0": "0", "-0": "0", "1": "1", "-12.50": "-12.5", "0.0000000001": "0.0000000001", "1e3": "1000", "1.5E-2": "0.015",
		"9999999999999999999999999999.9999999999": "9999999999999999999999999999.9999999999",
		"000.10": "0.1", "1.00000000000000": "1", "123456789012e-10": "12.3456789012",
	} {
		d, err := schema.ParseDecimal(in)
		if err != nil || d.String() != want {
			t.Errorf("ParseDecimal(%q) = %v, %v, want %s", in, d, err, want)
		}
	}
	for _, in := range []string{
		"", " 1", "1 ", ".5", "5.", "+1", "1e", "1e+", "1e1000", "0x1", "NaN", "Inf", "1,5", "--1", "1.2.3", "1e1e1",
		"0.00000000001", "10000000000000000000000000000", "1e-11", strings.Repeat("0", 100),
	} {
		if d, err := schema.ParseDecimal(in); err == nil {
			t.Errorf("ParseDecimal(%q) = %v, want an error", in, d)
		}
	}
}

// FuzzParseDecimal compares ParseDecimal with math/big.
func FuzzParseDecimal(f *testing.F) {
	for _, s := range []string{"1", "-0.5", "1e-3", "12345678901234567890.0123456789", "1E5", "."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := schema.ParseDecimal(s)
		if err != nil {
			return
		}
		want, ok := new(big.Rat).SetString(s)
		got, _ := new(big.Rat).SetString(d.String())
		if !ok || want.Cmp(got) != 0 {
			t.Fatalf("%q became %v, want %v", s, d, want)
		}
		if again, err := schema.ParseDecimal(d.String()); err != nil || again != d {
			t.Fatalf("%v does not survive: %v, %v", d, again, err)
		}
	})
}

func TestDate(t *testing.T) {
	for _, s := range []string{"1970-01-01", "1969-12-31", "2024-02-29", "0001-01-01", "9999-12-31"} {
		d, err := schema.ParseDate(s)
		if err != nil || d.String() != s {
			t.Errorf("%s became %v, %v", s, d, err)
		}
	}
	for _, s := range []string{"", "2023-02-29", "2024-1-1", "2024-01-01T00:00:00Z"} {
		if d, err := schema.ParseDate(s); err == nil {
			t.Errorf("ParseDate(%q) = %v", s, d)
		}
	}
	berlin := time.FixedZone("", 2*60*60)
	if d := schema.DateOf(time.Date(2026, 8, 2, 0, 30, 0, 0, berlin)); d.String() != "2026-08-02" {
		t.Errorf("the day in its own zone is %v", d)
	}
}

func TestValuesInEncodingJSON(t *testing.T) {
	in := row{ID: "a", Day: 20000, Amount: must(schema.ParseDecimal("1.5")), At: time.Unix(0, 0).UTC(),
		Tags: schema.JSON(`{"a":1}`)}
	b, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"Day":"2024-10-04"`, `"Amount":"1.5"`, `"Tags":{"a":1}`} {
		if !strings.Contains(string(b), want) {
			t.Errorf("%s does not contain %s", b, want)
		}
	}
	var out row
	if err := json.Unmarshal(b, &out); err != nil || !reflect.DeepEqual(in, out) {
		t.Errorf("%+v became %+v, %v", in, out, err)
	}
	if b, err = json.Marshal(schema.JSON(nil)); err != nil || string(b) != "null" {
		t.Errorf("empty JSON is %s, %v", b, err)
	}
	if err := json.Unmarshal([]byte(`{"Tags":null}`), &out); err != nil || len(out.Tags) != 0 {
		t.Errorf("null became the JSON %q, %v", out.Tags, err)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestScope(t *testing.T) {
	good := schema.Scope{Category: "certificates", Account: "123456789012", Region: "eu-central-1", Slice: "2026-08-01"}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	bad := schema.Scope{Category: "Certificates; DROP", Account: "12345678901２", Region: "EU", Slice: "a b"}
	err := bad.Validate()
	for _, want := range []string{"category", "account", "region", "slice"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not name the %s", err, want)
		}
	}
	// A trailing line feed is what a careless regular expression lets through.
	if err := (schema.Scope{Category: "a\n", Account: "123456789012", Region: "global"}).Validate(); err == nil {
		t.Error("a category with a line feed passed")
	}
	// Parts are told apart: "a"+"bc" is not "ab"+"c".
	if schema.Digest("a", "bc") == schema.Digest("ab", "c") || schema.Digest("") == schema.Digest() {
		t.Error("digests of different parts are equal")
	}
	if good.ID() == (schema.Scope{Category: "certificates", Account: "123456789012", Region: "eu-central-1"}).ID() {
		t.Error("the slice does not count")
	}
	for region, ok := range map[string]bool{
		"us-east-1": true, "us-gov-west-1": true, "eusc-de-east-1": true, "cn-northwest-1": true, "us-isob-east-1": true,
		"eu-isoe-west-1": true, "ap-southeast-12": true, "mx-central-1": true, "global": true,
		"": false, "rr": false, "eu": false, "eu-central": false, "eu-central-123": false, "eu-central-1a": false,
		"EU-central-1":    false,
		"us-east-1-bos-1": false, "globals": false, "eu-central-1\n": false, "us-east-1-wl1-bos-wlz-1": false,
		"x-aaaa-1": false,
	} {
		s := good
		s.Region = region
		if err := s.Validate(); (err == nil) != ok {
			t.Errorf("region %q: %v", region, err)
		}
	}
	// Scopes in databases, and the partition keys of senders in other languages, are this.
	pinned := schema.Scope{Category: "secrets", Account: "111122223333", Region: "eu-central-1"}
	if id := fmt.Sprintf("%x", pinned.ID()); id != "98e0e11d0e60aff0199da74be334d93a" {
		t.Errorf("%v has the ID %s", pinned, id)
	}
}

func TestRunID(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	before := schema.RunID{}
	for at := time.UnixMilli(0); at.Year() < 2100; at = at.Add(time.Duration(1+r.Int64N(1e18)) * time.Nanosecond).Truncate(
		time.Millisecond) {
		id := schema.NewRunID(at)
		if !id.Time().Equal(at) {
			t.Fatalf("run at %v says %v", at, id.Time())
		}
		if before.Compare(id) >= 0 || id.Compare(before) <= 0 || id.Compare(id) != 0 {
			t.Fatalf("%v is not behind %v", id, before)
		}
		if again, err := schema.ParseRunID(id.String()); err != nil || again != id {
			t.Fatalf("%v became %v, %v", id, again, err)
		}
		before = id
	}
	for _, s := range []string{"", "01981c5e-7c00-4000-8000-000000000001", "{01981c5e-7c00-7000-8000-000000000001}",
		"01981c5e7c007000800000000000000001"} {
		if id, err := schema.ParseRunID(s); err == nil {
			t.Errorf("ParseRunID(%q) = %v", s, id)
		}
	}
}

func TestOutcome(t *testing.T) {
	complete := 0
	for _, o := range schema.Outcomes {
		if o.Complete() {
			complete++
		}
	}
	if complete != 2 || !schema.OK.Complete() || !schema.Empty.Complete() {
		t.Error("ok and empty are the outcomes of a complete run")
	}
}

func TestCheckText(t *testing.T) {
	for text, good := range map[string]bool{"": true, "héllo 😀": true, "a\x00b": false, "\xff": false,
		"\xed\xa0\x80": false} {
		if wrong := schema.CheckText([]byte(text)); (wrong == "") != good {
			t.Errorf("CheckText(%q) = %q", text, wrong)
		}
	}
}

func TestValidateSlice(t *testing.T) {
	type cost struct {
		Day  schema.Date `col:"day,key,slice"`
		Name string      `col:"name,key"`
	}
	type kind struct {
		Kind string `col:"kind,key,slice"`
	}
	type thing struct {
		ID string `col:"id,key"`
	}
	days := schema.Of[cost](schema.Spec{Name: "costs", Mode: schema.Snapshot})
	kinds := schema.Of[kind](schema.Spec{Name: "kinds", Mode: schema.Snapshot})
	things := schema.Of[thing](schema.Spec{Name: "things", Mode: schema.Snapshot})
	for _, test := range []struct {
		table *schema.Table
		slice string
		ok    bool
	}{
		{days.Table, "2026-08-01", true}, {days.Table, "0001-01-01", true}, {days.Table, "9999-12-31", true},
		{days.Table, "", false}, {days.Table, "infinity", false}, {days.Table, "20260801", false},
		{days.Table, "today", false},
		{days.Table, "0000-12-31", false}, {days.Table, "2026-02-30", false}, {days.Table, "2026-8-1", false},
		{days.Table, "epoch", false},
		{kinds.Table, "infinity", true}, {kinds.Table, "", false},
		{things.Table, "", true}, {things.Table, "2026-08-01", false},
	} {
		if err := test.table.ValidateSlice(test.slice); (err == nil) != test.ok {
			t.Errorf("%s with slice %q: %v", test.table, test.slice, err)
		}
	}
}

func TestOptionsOfColumns(t *testing.T) {
	table := schema.Of[struct {
		User  string      `col:"user_name,key,personal=identity"`
		Tags  schema.JSON `col:"tags,object"`
		Hosts schema.JSON `col:"hosts,array,personal=network"`
		Rest  schema.JSON `col:"rest"`
	}](schema.Spec{Name: "options", Mode: schema.Snapshot})
	var got []string
	for _, c := range table.Columns() {
		got = append(got, fmt.Sprintf("%s %q %q %t", c.Name, c.Shape, c.Personal, c.Key))
	}
	want := []string{`user_name "" "identity" true`, `tags "object" "" false`, `hosts "array" "network" false`,
		`rest "" "" false`}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestShapeFits(t *testing.T) {
	for value, fits := range map[string][]schema.Shape{
		`{"a":1}`: {schema.AnyShape, schema.Object},
		`[]`:      {schema.AnyShape, schema.Array},
		`"{}"`:    {schema.AnyShape},
		`1`:       {schema.AnyShape},
		``:        {schema.AnyShape},
	} {
		for _, shape := range []schema.Shape{schema.AnyShape, schema.Object, schema.Array} {
			if got := shape.Fits([]byte(value)); got != slices.Contains(fits, shape) {
				t.Errorf("%s is %q: %t", value, shape, got)
			}
		}
	}
}
