package rowjson_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/hubspoke/observability/lib/internal/jsonscan"
	"github.com/hubspoke/observability/lib/rowjson"
	"github.com/hubspoke/observability/lib/schema"
)

// What an Encoder writes, a Decoder reads back equal, whatever the record holds.
// The records are built with arrow's own builders.
func TestRandomRecordsRoundTrip(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
		b := array.NewRecordBuilder(mem, items.ArrowSchema())
		for range r.IntN(100) {
			for i, c := range items.Columns() {
				appendRandom(r, b.Field(i), c)
			}
		}
		want := b.NewRecord()
		b.Release()

		got := decode(t, items.Table, encode(t, items.Table, want)...)
		requireEqual(t, got, want)

		// So does a record that is part of a larger one.
		if n := want.NumRows(); n > 2 {
			part := want.NewSlice(1, n-1)
			requireEqual(t, decode(t, items.Table, encode(t, items.Table, part)...), part)
			part.Release()
		}
		want.Release()
		mem.AssertSize(t, 0)
	}
}

func appendRandom(r *rand.Rand, b array.Builder, c schema.Column) {
	if c.Nullable && r.IntN(3) == 0 {
		b.AppendNull()
		return
	}
	const firstSecond, lastSecond = -62135596800, 253402300799
	switch b := b.(type) {
	case *array.StringBuilder:
		if c.Kind == schema.KindJSON {
			b.Append(randomJSON(r))
			return
		}
		text := randomText(r)
		if c.Key && text == "" {
			text = "k"
		}
		b.Append(text)
	case *array.Int64Builder:
		b.Append(int64(r.Uint64()) >> r.IntN(64))
	case *array.Float64Builder:
		f := math.Float64frombits(r.Uint64())
		if math.IsNaN(f) || math.IsInf(f, 0) || r.IntN(2) == 0 {
			f = math.Round(r.NormFloat64()*1e6) / 1e3
		}
		if f == 0 {
			f = 0 // not -0
		}
		b.Append(f)
	case *array.Decimal128Builder:
		n := new(big.Int).SetBytes(binary(r, r.IntN(16)))
		n.Mod(n, new(big.Int).Exp(big.NewInt(10), big.NewInt(38), nil))
		if r.IntN(2) == 0 {
			n.Neg(n)
		}
		b.Append(decimal128.FromBigInt(n))
	case *array.BooleanBuilder:
		b.Append(r.IntN(2) == 0)
	case *array.TimestampBuilder:
		seconds := firstSecond + r.Int64N(lastSecond-firstSecond+1)
		micros := []int64{0, 120_000, 123_456, 999_999, 1}[r.IntN(5)]
		b.Append(arrow.Timestamp(seconds*1e6 + micros))
	case *array.Date32Builder:
		b.Append(arrow.Date32(-719162 + r.Int64N(2932896+719162+1)))
	default:
		panic(fmt.Sprintf("%T", b))
	}
}

func binary(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

func randomText(r *rand.Rand) string {
	alphabets := []string{"abcdefghijklmnopqrstuvwxyz0123456789:/-", "a\"\\/\b\t\n\x01\x1f\x7f<>&\u2028",
		"aé漢😀\uffff\ufffd\u202e"}
	letters := []rune(alphabets[r.IntN(len(alphabets))])
	text := make([]rune, r.IntN(40))
	for i := range text {
		text[i] = letters[r.IntN(len(letters))]
	}
	return string(text)
}

// randomJSON returns JSON in canonical form.
func randomJSON(r *rand.Rand) string {
	var value func(depth int) any
	value = func(depth int) any {
		switch n := r.IntN(8); {
		case n == 0 && depth > 0:
			return nil
		case n < 3:
			return randomText(r)
		case n < 4:
			return json.Number(fmt.Sprintf("%d.%02de%d", r.IntN(100), r.IntN(100), r.IntN(20)-10))
		case n < 5:
			return r.IntN(2) == 0
		case n < 6 && depth < 4:
			list := make([]any, r.IntN(4))
			for i := range list {
				list[i] = value(depth + 1)
			}
			return list
		case depth < 4:
			members := map[string]any{}
			for range r.IntN(20) {
				members[randomText(r)] = value(depth + 1)
			}
			return members
		}
		return r.IntN(1000)
	}
	text, err := json.Marshal(value(0))
	if err != nil {
		panic(err)
	}
	if text, err = jsonscan.AppendCanonical(nil, text); err != nil {
		panic(err)
	}
	return string(text)
}

// Days and their text agree with package time.
func TestDays(t *testing.T) {
	const first, last = -719162, 2932896
	const cycle = 146097 // days of 400 years, after which the calendar repeats
	var days []arrow.Date32
	for day := arrow.Date32(first); day <= last; day++ {
		if day < first+cycle+366 || day > last-366 || day%97 == 0 {
			days = append(days, day)
		}
	}
	type dayRow struct {
		Day schema.Date `col:"day,key"`
	}
	table := schema.Of[dayRow](schema.Spec{Name: "days", Mode: schema.Event})
	b := array.NewRecordBuilder(memory.DefaultAllocator, table.ArrowSchema())
	defer b.Release()
	b.Field(0).(*array.Date32Builder).AppendValues(days, nil)
	want := b.NewRecord()
	defer want.Release()

	e, err := rowjson.NewEncoder(table.Table, want)
	if err != nil {
		t.Fatal(err)
	}
	d := newDecoder(t, table.Table)
	var row []byte
	for i, day := range days {
		row = e.AppendRow(row[:0], i)
		if text := `{"day":"` + schema.Date(day).String() + `"}`; string(row) != text {
			t.Fatalf("day %d: got %s, want %s", day, row, text)
		}
		if err := d.Append(row, ""); err != nil {
			t.Fatal(err)
		}
	}
	got := d.Record()
	defer got.Release()
	requireEqual(t, got, want)
}
