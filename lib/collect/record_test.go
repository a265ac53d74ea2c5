package collect

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/hubspoke/observability/lib/rowjson"
	"github.com/hubspoke/observability/lib/rows"
	"github.com/hubspoke/observability/lib/schema"
)

// keyed has a key column of every kind that a key may have.
type keyed struct {
	Text    string         `col:"text,key"`
	Text2   string         `col:"text2,key"`
	Int     int64          `col:"int,key"`
	Bool    bool           `col:"bool,key"`
	Time    time.Time      `col:"time,key"`
	Date    schema.Date    `col:"date,key"`
	Decimal schema.Decimal `col:"decimal,key"`
	Other   *string        `col:"other"`
}

var keyeds = schema.Of[keyed](schema.Spec{Name: "keyed", Mode: schema.Snapshot})

func record(t *testing.T, mem memory.Allocator, values ...keyed) arrow.Record {
	t.Helper()
	a := rows.NewAppender(keyeds, mem)
	defer a.Release()
	for _, v := range values {
		if err := a.Append(&v); err != nil {
			t.Fatal(err)
		}
	}
	return a.Record()
}

func TestKeySetTellsKeysApart(t *testing.T) {
	base := keyed{Text: "a", Text2: "bc", Time: time.Unix(0, 0)}
	other := "not part of the key"
	same := base
	same.Other = &other
	values := []keyed{base, base, base, base, base, base, base, base, same}
	values[1].Text, values[1].Text2 = "ab", "c" // the same bytes, divided in another place
	values[2].Int = 1
	values[3].Bool = true
	values[4].Time = time.Unix(1, 0)
	values[5].Date = 1
	values[6].Decimal = schema.DecimalFromUnits(decimal128.New(0, 1))
	values[7].Decimal = schema.DecimalFromUnits(decimal128.New(1, 0))
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	rec := record(t, mem, values...)
	defer rec.Release()
	var keys keySet
	for i := range values {
		want := newKey
		if i == len(values)-1 {
			want = sameRow
		}
		if got := keys.add(rec, keyeds.Keys(), i, []byte("the row")); got != want {
			t.Errorf("row %d: %v, want %v", i, got, want)
		}
	}
	if got := keys.add(rec, keyeds.Keys(), 0, []byte("another row")); got != otherRow {
		t.Errorf("another row: %v", got)
	}
}

func TestWithout(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	var values []keyed
	for i := range 5 {
		values = append(values, keyed{Text: fmt.Sprint(i), Text2: "x", Time: time.Unix(0, 0)})
	}
	rec := record(t, mem, values...)
	defer rec.Release()
	for _, test := range []struct{ skip, want []int }{
		{nil, []int{0, 1, 2, 3, 4}},
		{[]int{0}, []int{1, 2, 3, 4}},
		{[]int{4}, []int{0, 1, 2, 3}},
		{[]int{1, 2}, []int{0, 3, 4}},
		{[]int{0, 2, 4}, []int{1, 3}},
		{[]int{0, 1, 2, 3, 4}, nil},
	} {
		kept, err := without(rec, test.skip)
		if err != nil {
			t.Fatal(err)
		}
		encoder, err := rowjson.NewEncoder(keyeds.Table, kept)
		if err != nil {
			t.Fatal(err)
		}
		var got, want []string
		for i := range int(kept.NumRows()) {
			got = append(got, string(encoder.AppendRow(nil, i)))
		}
		all, err := rowjson.NewEncoder(keyeds.Table, rec)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range test.want {
			want = append(want, string(all.AppendRow(nil, i)))
		}
		if !slices.Equal(got, want) {
			t.Errorf("without %v: %q", test.skip, got)
		}
		kept.Release()
	}
}

func TestKeyTextNamesARow(t *testing.T) {
	row := keyed{Text: "a", Text2: "b", Int: 3, Time: time.Unix(0, 0).UTC()}
	rec := record(t, nil, row)
	defer rec.Release()
	if got := keyText(keyeds.Table, rec, 0); got[:6] != "a/b/3/" {
		t.Errorf("key %q", got)
	}
	if got := (&collection{table: keyeds.Table}).keyOf(row); got[:6] != "a/b/3/" {
		t.Errorf("key %q", got)
	}
}
