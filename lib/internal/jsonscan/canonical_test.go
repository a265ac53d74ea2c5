package jsonscan_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"strings"
	"testing"

	"github.com/hubspoke/observability/internal/fixture"
	"github.com/hubspoke/observability/lib/internal/jsonscan"
	"github.com/hubspoke/observability/lib/internal/jsontest"
	"github.com/hubspoke/observability/lib/schema"
)

func TestAppendCanonical(t *testing.T) {
	tests := []struct{ src, want string }{
		{`null`, `null`},
		{" \t\r\n true \n", `true`},
		{`{ }`, `{}`},
		{`[ ]`, `[]`},
		{`[[ ], { }]`, `[[],{}]`},
		{`[1 , 2,3 ]`, `[1,2,3]`},
		{`{"b":1,"a":2}`, `{"a":2,"b":1}`},
		{`{"b":{"d":[1, 2],"c":"x"},"a":{"":0,"A":1}}`, `{"a":{"":0,"A":1},"b":{"c":"x","d":[1,2]}}`},
		{`{"a" : 1 ,"aa": 2,"B":3}`, `{"B":3,"a":1,"aa":2}`},
		// Bytes, not UTF-16: U+FFFF sorts before U+10000.
		{`{"\ud800\udc00":1,"\uffff":2}`, `{"` + "\uffff" + `":2,"` + "\U00010000" + `":1}`},
		{`"\u0041\/\u00e9\u2028\u007f<>&"`, `"A/é` + "\u2028\x7f" + `<>&"`},
		{`"\"\\\u0022\u005c"`, `"\"\\\"\\"`},
		{`"\u0008\u0009\u000a\u000c\u000d\u0001\u001F"`, `"\b\t\n\f\r\u0001\u001f"`},
		{`"\b\t\n\f\r\u0001\u001f"`, `"\b\t\n\f\r\u0001\u001f"`},
		{`"\u001F"`, `"\u001f"`},
		{`"\u000a"`, `"\n"`},
		{`"\u0020"`, `" "`},
		{`"\ud83d\ude00"`, `"😀"`},
		// Numbers without an exponent stay as they are written, minus zero apart.
		{`[1.0,0.10,-0.5,100000000000000000000]`, `[1.0,0.10,-0.5,100000000000000000000]`},
		{`[-0,-0.00,-0.0e1]`, `[0,0.00,0]`},
		{`[1e0,1E+0,1.50e1,1.5e-3,0.05e1,0.0e-1,1e39,-1e38]`,
			`[1,1,15.0,0.0015,0.5,0.00,1` + strings.Repeat("0", 39) + `,-1` + strings.Repeat("0", 38) + `]`},
		{`[1e40,0.010e44,1.50E-300,-12e300,0e-324,1e-324]`, `[1e40,1e42,1.5e-300,-1.2e301,0,1e-324]`},
	}
	for _, test := range tests {
		got, err := jsonscan.AppendCanonical([]byte("before"), []byte(test.src))
		if err != nil {
			t.Errorf("%s: %v", test.src, err)
			continue
		}
		if string(got) != "before"+test.want {
			t.Errorf("%s: got %s, want %s behind what was there", test.src, got, test.want)
		}
		again, err := jsonscan.AppendCanonical(nil, []byte(test.want))
		if err != nil || string(again) != test.want {
			t.Errorf("canonical form of %s is %s, %v", test.want, again, err)
		}
	}
}

// TestCanonicalOfManyMembers sorts objects above and below the bound for sorting,
// nested in each other.
func TestCanonicalOfManyMembers(t *testing.T) {
	for _, n := range []int{1, 2, 15, 16, 17, 18, 500, schema.MaxKeys} {
		var src, want []string
		for i := range n {
			src = append(src, fmt.Sprintf(`"%06d": {"b":%d, "a":[]}`, n-i, i))
			want = append(want, fmt.Sprintf(`"%06d":{"a":[],"b":%d}`, i+1, n-1-i))
		}
		got, err := jsonscan.AppendCanonical(nil, []byte("{"+strings.Join(src, ",")+"}"))
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != "{"+strings.Join(want, ",")+"}" {
			t.Errorf("%d members: got %.200s", n, got)
		}
	}
}

func TestCanonicalKeepsTheRestOfTheText(t *testing.T) {
	var s jsonscan.Scanner
	s.Reset([]byte(`{"x":{"b":1, "a":"\u0041"},"y":[ 1 ],"x":0}`))
	if err := s.Open(); err != nil {
		t.Fatal(err)
	}
	var values []string
	for {
		more, err := s.More()
		if err != nil {
			if !strings.Contains(err.Error(), "twice") {
				t.Fatal(err)
			}
			break
		}
		if !more {
			t.Fatal("the remembered keys got lost")
		}
		offset := s.Offset()
		key, err := s.Key()
		if err != nil {
			t.Fatal(err)
		}
		s.Remember(key, offset)
		text, canonical, err := s.Value()
		if err != nil {
			t.Fatal(err)
		}
		if !canonical {
			text = s.Canonical(text)
		}
		values = append(values, string(key)+string(text))
	}
	if got := strings.Join(values, " "); got != `x{"a":"A","b":1} y[1] x0` {
		t.Errorf("got %s", got)
	}
}

func TestCanonicalDoesNotAllocate(t *testing.T) {
	details := fixture.Findings(1, 1)[0].ResourceDetails
	unsorted := []byte(`{"b": [1, {"d":"\u0041", "c":null}], "a":"x\/y"}`)
	var s jsonscan.Scanner
	dst := make([]byte, 0, 1024)
	for _, src := range [][]byte{details, unsorted} {
		if n := testing.AllocsPerRun(100, func() {
			if _, err := s.AppendCanonical(dst, src); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%v allocations for %s", n, src)
		}
	}
}

// exact returns a value with its numbers as fractions.
func exact(value any) any {
	switch v := value.(type) {
	case json.Number:
		r, _ := new(big.Rat).SetString(string(v))
		return r.RatString()
	case []any:
		for i := range v {
			v[i] = exact(v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = exact(v[key])
		}
	}
	return value
}

func FuzzCanonical(f *testing.F) {
	for _, seed := range poison {
		if len(seed.text) < 1000 { // the fuzzer is slow with large ones
			f.Add([]byte(seed.text))
		}
	}
	for _, finding := range fixture.Findings(3, 1) {
		f.Add([]byte(finding.ResourceDetails))
	}
	f.Add([]byte(`{"b":[1.0,{"d":"\ud83d\ude00\n","c":null}], "a":"é\u001F", "":-0.5e-3}`))
	f.Fuzz(func(t *testing.T, src []byte) {
		before := bytes.Clone(src)
		got, err := jsonscan.AppendCanonical(nil, src)
		if !bytes.Equal(src, before) {
			t.Fatal("the source was changed")
		}
		value, wantErr := jsontest.Decode(src, schema.MaxDepth)
		if err != nil {
			var row *schema.RowError
			if !errors.As(err, &row) || row.Column != "" || row.Offset < 0 || row.Offset > len(src) || row.Detail == "" ||
				len(row.Detail) > 400 {
				t.Fatalf("not a proper error: %#v", err)
			}
			if wantErr == nil {
				t.Fatalf("%q is refused: %v", src, err)
			}
			return
		}
		again, err := jsonscan.AppendCanonical(nil, got)
		if err != nil || !bytes.Equal(again, got) {
			t.Fatalf("not idempotent: %q became %q, %v", got, again, err)
		}
		if errors.Is(wantErr, jsontest.ErrUndecided) {
			return
		}
		if wantErr != nil {
			t.Fatalf("%q is accepted, but %v", src, wantErr)
		}
		same, err := jsontest.Decode(got, schema.MaxDepth)
		if err != nil {
			t.Fatal(err)
		}
		// encoding/json sorts the keys of maps, too; it escapes two characters more.
		var want bytes.Buffer
		encoder := json.NewEncoder(&want)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(same); err != nil {
			t.Fatal(err)
		}
		escaped := strings.ContainsAny(string(got), "\u2028\u2029")
		if !escaped && string(got) != strings.TrimSuffix(want.String(), "\n") {
			t.Fatalf("%q became %q, want %q", src, got, want.String())
		}
		if !reflect.DeepEqual(exact(same), exact(value)) {
			t.Fatalf("%q became %q, which means %v, not %v", src, got, same, value)
		}
	})
}

func BenchmarkAppendCanonical(b *testing.B) {
	details := fixture.Findings(1, 1)[0].ResourceDetails
	var indented bytes.Buffer
	if err := json.Indent(&indented, details, "", "  "); err != nil {
		b.Fatal(err)
	}
	for name, src := range map[string][]byte{"canonical": details, "indented": indented.Bytes()} {
		b.Run(name, func(b *testing.B) {
			var s jsonscan.Scanner
			var dst []byte
			b.SetBytes(int64(len(src)))
			b.ReportAllocs()
			for b.Loop() {
				var err error
				if dst, err = s.AppendCanonical(dst[:0], src); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
