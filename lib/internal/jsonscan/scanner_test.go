package jsonscan_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hubspoke/observability/lib/internal/jsonscan"
	"github.com/hubspoke/observability/lib/schema"
)

// poison is what must be refused, with the reason and the offset at which it is seen.
var poison = []struct {
	name   string
	text   string
	reason schema.Reason
	offset int
}{
	{"nothing", "", schema.ReasonSyntax, 0},
	{"white space", " \n", schema.ReasonSyntax, 2},
	{"one byte", "\x01", schema.ReasonSyntax, 0},
	{"KPL magic", "\xf3\x89\x9a\xc2", schema.ReasonSyntax, 0},
	{"zstd magic", "\x28\xb5\x2f\xfd", schema.ReasonSyntax, 0},
	{"Parquet magic", "PAR1", schema.ReasonSyntax, 0},
	{"Arrow magic", "ARROW1\x00\x00", schema.ReasonSyntax, 0},
	{"byte order mark", "\xef\xbb\xbf{}", schema.ReasonSyntax, 0},
	{"UTF-16", "\xff\xfe{\x00}\x00", schema.ReasonSyntax, 0},
	{"NUL between values", "[1\x00]", schema.ReasonSyntax, 2},
	{"form feed as white space", "\f1", schema.ReasonSyntax, 0},
	{"no-break space as white space", "\u00a01", schema.ReasonSyntax, 0},

	{"truncated object", `{"a":1`, schema.ReasonSyntax, 6},
	{"truncated key", `{"a`, schema.ReasonSyntax, 1},
	{"truncated array", `[1,`, schema.ReasonSyntax, 3},
	{"truncated literal", `tru`, schema.ReasonSyntax, 0},
	{"truncated string", `"abcdefghij`, schema.ReasonSyntax, 0},
	{"truncated escape", `"a\`, schema.ReasonSyntax, 2},
	{"truncated \\u", `"a\u00`, schema.ReasonSyntax, 2},
	{"trailing bytes", `{} x`, schema.ReasonSyntax, 3},
	{"two values", `{}{}`, schema.ReasonSyntax, 2},
	{"comment", `[1/*x*/]`, schema.ReasonSyntax, 2},
	{"line comment", "1 // x", schema.ReasonSyntax, 2},
	{"single quotes", `{'a':1}`, schema.ReasonSyntax, 1},
	{"no quotes", `{a:1}`, schema.ReasonSyntax, 1},
	{"trailing comma in an object", `{"a":1,}`, schema.ReasonSyntax, 7},
	{"trailing comma in an array", `[1,]`, schema.ReasonSyntax, 3},
	{"leading comma", `[,1]`, schema.ReasonSyntax, 1},
	{"no comma", `[1 2]`, schema.ReasonSyntax, 3},
	{"no colon", `{"a" 1}`, schema.ReasonSyntax, 5},
	{"comma for a colon", `{"a",1}`, schema.ReasonSyntax, 4},
	{"brackets crossed", `[{]}`, schema.ReasonSyntax, 2},
	{"literal in capitals", `True`, schema.ReasonSyntax, 0},
	{"NaN", `NaN`, schema.ReasonSyntax, 0},
	{"Infinity", `[Infinity]`, schema.ReasonSyntax, 1},
	{"-Infinity", `-Infinity`, schema.ReasonSyntax, 0},

	{"raw control character", "\"a\tb\"", schema.ReasonSyntax, 2},
	{"raw control character behind 8 bytes", "\"abcdefgh\x1f\"", schema.ReasonSyntax, 9},
	{"unknown escape", `"a\x41"`, schema.ReasonSyntax, 2},
	{"\\u with other letters", `"\u00g0"`, schema.ReasonSyntax, 1},

	{"raw NUL", "\"a\x00\"", schema.ReasonText, 2},
	{"escaped NUL", `"a\u0000"`, schema.ReasonText, 2},
	{"escaped NUL in a key", `{"a\u0000":1}`, schema.ReasonText, 3},
	{"invalid UTF-8", "\"abc\xff\"", schema.ReasonText, 4},
	{"invalid UTF-8 with more behind", "[\"a\xff\",1,2,3,4,5]", schema.ReasonText, 3},
	{"invalid UTF-8 behind an escape", "\"\\n\xe9\"", schema.ReasonText, 3},
	{"invalid UTF-8 in a key", "{\"\x80\":1}", schema.ReasonText, 2},
	{"truncated UTF-8", "\"é\xc3\"", schema.ReasonText, 3},
	{"overlong UTF-8", "\"\xc0\xaf\"", schema.ReasonText, 1},
	{"surrogate in UTF-8", "\"\xed\xa0\x80\"", schema.ReasonText, 1},
	{"pair of surrogates in UTF-8", "\"\xed\xa0\xbd\xed\xb8\x80\"", schema.ReasonText, 1},
	{"above U+10FFFF", "\"\xf4\x90\x80\x80\"", schema.ReasonText, 1},
	{"lone high surrogate", `"\ud800"`, schema.ReasonText, 1},
	{"high surrogate and text", `"\ud800abcdef"`, schema.ReasonText, 1},
	{"high surrogate and another escape", `"\ud800\n"`, schema.ReasonText, 1},
	{"two high surrogates", `"\ud800\ud800"`, schema.ReasonText, 1},
	{"lone low surrogate", `"x\udc00"`, schema.ReasonText, 2},
	{"two low surrogates", `"\udc00\udc00"`, schema.ReasonText, 1},
	{"high surrogate and U+E000", `"\ud800\ue000"`, schema.ReasonText, 1},
	{"surrogates in the wrong order", `"\ude00\ud83d"`, schema.ReasonText, 1},

	{"leading zero", `01`, schema.ReasonSyntax, 0},
	{"leading zero behind a minus", `-01`, schema.ReasonSyntax, 0},
	{"plus", `+1`, schema.ReasonSyntax, 0},
	{"minus alone", `-`, schema.ReasonSyntax, 0},
	{"point alone", `1.`, schema.ReasonSyntax, 0},
	{"no digit before the point", `.5`, schema.ReasonSyntax, 0},
	{"no digit in the exponent", `1e`, schema.ReasonSyntax, 0},
	{"sign alone in the exponent", `1e+`, schema.ReasonSyntax, 0},
	{"hexadecimal", `0x1`, schema.ReasonSyntax, 1},
	{"1e309", `1e309`, schema.ReasonRange, 0},
	{"1e400", `[1e400]`, schema.ReasonRange, 1},
	{"mantissa that makes it infinite", `1234567e303`, schema.ReasonRange, 0},
	{"1e131072", `1e131072`, schema.ReasonRange, 0},
	{"0.1e-324", `0.1e-324`, schema.ReasonRange, 0},
	{"36 digits and an exponent of 3", `123456789012345678901234567890123456e100`, schema.ReasonRange, 0},
	{"1e-325", `1e-325`, schema.ReasonRange, 0},
	{"1e-99999", `1e-99999`, schema.ReasonRange, 0},
	{"exponent beyond int64", `1e99999999999999999999`, schema.ReasonRange, 0},
	{"41 digits", `[` + strings.Repeat("1", 41) + `]`, schema.ReasonRange, 1},
	{"a million digits", strings.Repeat("9", 1_000_000), schema.ReasonRange, 0},

	{"key twice", `{"a":1,"b":2,"a":3}`, schema.ReasonDuplicateKey, 13},
	{"key twice, once with an escape", `{"a":1,"\u0061":2}`, schema.ReasonDuplicateKey, 7},
	{"key twice, deep", `[{"x":{"a":1,"a":1}}]`, schema.ReasonDuplicateKey, 13},
	{"empty key twice", `{"":1,"":1}`, schema.ReasonDuplicateKey, 6},
	{"key twice among 17", seventeen(0), schema.ReasonDuplicateKey, len(seventeen(0)) - len(`"k00":1}`)},

	{"65 arrays", strings.Repeat("[", 65) + strings.Repeat("]", 65), schema.ReasonTooDeep, 64},
	{"65 objects", strings.Repeat(`{"a":`, 65) + "1" + strings.Repeat("}", 65), schema.ReasonTooDeep, 64 * 5},
	{"a million arrays", strings.Repeat("[", 1_000_000), schema.ReasonTooDeep, 64},
	{"4,097 keys", manyKeys(schema.MaxKeys + 1), schema.ReasonTooLarge, len(manyKeys(schema.MaxKeys)) - 1 + 1},
	{"100,000 keys", manyKeys(100_000), schema.ReasonTooLarge, len(manyKeys(schema.MaxKeys)) - 1 + 1},
}

// seventeen is an object of 17 keys and then key n again.
func seventeen(n int) string {
	var b strings.Builder
	b.WriteByte('{')
	for i := range 17 {
		fmt.Fprintf(&b, `"k%02d":1,`, i)
	}
	fmt.Fprintf(&b, `"k%02d":1}`, n)
	return b.String()
}

func manyKeys(n int) string {
	var b strings.Builder
	b.WriteByte('{')
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `"%d":1`, i)
	}
	b.WriteByte('}')
	return b.String()
}

func TestPoison(t *testing.T) {
	for _, test := range poison {
		start := time.Now()
		_, err := jsonscan.AppendCanonical(nil, []byte(test.text))
		// Time bounds in tests must be wide; what is caught here is quadratic.
		if took := time.Since(start); took > 20*time.Second {
			t.Errorf("%s took %v", test.name, took)
		}
		var got *schema.RowError
		if !errors.As(err, &got) {
			t.Errorf("%s: got %v, want a RowError", test.name, err)
			continue
		}
		if got.Reason != test.reason || got.Offset != test.offset || got.Column != "" {
			t.Errorf("%s: got %v, want %s at %d", test.name, got, test.reason, test.offset)
		}
		if len(got.Error()) > 250 {
			t.Errorf("%s: the error has %d bytes: %v", test.name, len(got.Error()), got)
		}
	}
}

func TestErrorsAreSafeToPrint(t *testing.T) {
	for _, text := range []string{
		"{\"a\":\"x\" \x1b[31m}", // ANSI
		"\u202e\u2066",           // bidi
		"{\"\\u001b]0;\":1,\"\\u001b]0;\":1}",
	} {
		_, err := jsonscan.AppendCanonical(nil, []byte(text))
		if err == nil {
			t.Fatalf("%q was accepted", text)
		}
		for _, c := range []byte(err.Error()) {
			if c < ' ' || c > '~' {
				t.Errorf("%q: the error has byte %#x: %q", text, c, err)
				break
			}
		}
	}
}

// At its limits everything is still fine.
func TestLimits(t *testing.T) {
	for name, text := range map[string]string{
		"64 arrays":           strings.Repeat("[", 64) + strings.Repeat("]", 64),
		"4,096 keys":          manyKeys(schema.MaxKeys),
		"40 digits":           strings.Repeat("9", 40),
		"largest double":      "1.7976931348623157e308",
		"smallest double":     "5e-324",
		"noncharacters":       "\"\uffff\ufdd0\"",
		"U+FFFD itself":       "\"\ufffd\\ufffd\"",
		"DEL":                 "\"\x7f\"",
		"keys in other cases": `{"a":1,"A":1}`,
		"keys that normalise": "{\"é\":1,\"e\u0301\":1}",
		"__proto__":           `{"__proto__":{"x":1}}`,
		"64 KiB key":          `{"` + strings.Repeat("k", 1<<16) + `":1}`,
		"a million objects":   "[" + strings.Repeat("{},", 999_999) + "{}]",
	} {
		if _, err := jsonscan.AppendCanonical(nil, []byte(text)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Strings end, and are refused, at every distance from the 8 bytes that are looked
// at together.
func TestStringsOfEveryLength(t *testing.T) {
	for n := range 40 {
		plain := strings.Repeat("x", n)
		for _, test := range []struct{ in, want string }{
			{plain, plain}, {plain + `\n`, plain + "\n"}, {plain + "é", plain + "é"},
			{plain + `\u00e9` + plain, plain + "é" + plain}, {"é" + plain + `\"é`, "é" + plain + `"é`},
		} {
			for rest := range 10 {
				var s jsonscan.Scanner
				s.Reset([]byte(`"` + test.in + `"` + strings.Repeat("\xff", rest)))
				got, err := s.String()
				if err != nil || string(got) != test.want || s.Offset() != len(test.in)+2 {
					t.Fatalf("%q: got %q, %v at %d", test.in, got, err, s.Offset())
				}
			}
		}
		for _, bad := range []string{"\x00", "\x1f", "\xff", `\`} {
			var s jsonscan.Scanner
			s.Reset([]byte(`"` + plain + bad + plain))
			if got, err := s.String(); err == nil {
				t.Fatalf("%q behind %d bytes: got %q", bad, n, got)
			}
		}
	}
}

func TestEveryByteInAString(t *testing.T) {
	for c := range 256 {
		for at := range 9 {
			text := []byte(`"aaaaaaaaa"`)
			text[1+at] = byte(c)
			var s jsonscan.Scanner
			s.Reset(text)
			got, err := s.String()
			switch {
			case c == '"':
				if err != nil || len(got) != at {
					t.Errorf("quote at %d: %q, %v", at, got, err)
				}
			case c < ' ' || c >= 0x80 || c == '\\':
				if err == nil {
					t.Errorf("byte %#x at %d is accepted", c, at)
				}
			case err != nil || string(got) != string(text[1:10]):
				t.Errorf("byte %#x at %d: %q, %v", c, at, got, err)
			}
		}
	}
}

func TestWalkObject(t *testing.T) {
	var s jsonscan.Scanner
	s.Reset([]byte(" { \"a\" : \"x\\n\" , \"n\":-1.5,\"t\":true,\"f\":false,\"z\":null,\"v\":[1, 2] } \n"))
	if err := s.Open(); err != nil {
		t.Fatal(err)
	}
	var got []string
	for {
		more, err := s.More()
		if err != nil {
			t.Fatal(err)
		}
		if !more {
			break
		}
		var key []byte
		if s.Accept(`"t":`) {
			key = []byte("t")
		} else if key, err = s.Key(); err != nil {
			t.Fatal(err)
		}
		var v any
		switch string(key) {
		case "a":
			v, err = s.String()
		case "n":
			v, err = s.Number()
		case "t", "f":
			v, err = s.Bool()
		case "z":
			v = s.Null()
		case "v":
			v, _, err = s.Value()
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%s=%s", key, v))
	}
	if err := s.End(); err != nil {
		t.Fatal(err)
	}
	want := "a=x\n n=-1.5 t=%!s(bool=true) f=%!s(bool=false) z=%!s(bool=true) v=[1, 2]"
	if strings.Join(got, " ") != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestWalkRefuses(t *testing.T) {
	walk := func(text string) error {
		var s jsonscan.Scanner
		s.Reset([]byte(text))
		if err := s.Open(); err != nil {
			return err
		}
		for {
			more, err := s.More()
			if err != nil {
				return err
			}
			if !more {
				return s.End()
			}
			offset := s.Offset()
			key, err := s.Key()
			if err != nil {
				return err
			}
			s.Remember(key, offset)
			if _, _, err := s.Value(); err != nil {
				return err
			}
		}
	}
	for _, text := range []string{`{}`, ` {"a":1} `, `{"a":1,"b":2}`, manyKeys(schema.MaxKeys)} {
		if err := walk(text); err != nil {
			t.Errorf("%.60s: %v", text, err)
		}
	}
	for text, reason := range map[string]schema.Reason{
		``: schema.ReasonSyntax, `null`: schema.ReasonSyntax, `[]`: schema.ReasonSyntax, `"x"`: schema.ReasonSyntax,
		`1`: schema.ReasonSyntax,
		`{`: schema.ReasonSyntax, `{,}`: schema.ReasonSyntax, `{,"a":1}`: schema.ReasonSyntax,
		`{"a":1,}`:      schema.ReasonSyntax,
		`{"a":1 "b":2}`: schema.ReasonSyntax, `{"a":1]`: schema.ReasonSyntax, `{"a":1}}`: schema.ReasonSyntax,
		`{"a":}`:        schema.ReasonSyntax,
		`{"a":1,"a":2}`: schema.ReasonDuplicateKey, seventeen(3): schema.ReasonDuplicateKey,
		manyKeys(schema.MaxKeys + 1): schema.ReasonTooLarge,
	} {
		err := walk(text)
		var got *schema.RowError
		if !errors.As(err, &got) || got.Reason != reason {
			t.Errorf("%.60s: got %v, want %s", text, err, reason)
		}
	}
}

func TestScannerDropsLargeMemory(t *testing.T) {
	var s jsonscan.Scanner
	large := []byte(`"` + strings.Repeat(`\n`, 4<<20) + `"`)
	s.Reset(large)
	if _, err := s.String(); err != nil {
		t.Fatal(err)
	}
	s.Reset([]byte(`"\n"`))
	if _, err := s.String(); err != nil {
		t.Fatal(err)
	}
	if n := s.Memory(); n > 1<<16 {
		t.Errorf("the scanner keeps %d bytes", n)
	}
	// Keys of all open objects are held: of eight, each the last value of the one around it.
	nested := "1"
	for range 8 {
		nested = strings.TrimSuffix(manyKeys(schema.MaxKeys-1), "}") + `,"x":` + nested + "}"
	}
	s.Reset([]byte(nested))
	if _, _, err := s.Value(); err != nil {
		t.Fatal(err)
	}
	if n := s.Keys(); n < 8*schema.MaxKeys {
		t.Fatalf("the scanner held %d keys", n)
	}
	s.Reset([]byte(`{"b":1,"a":2}`))
	if _, _, err := s.Value(); err != nil {
		t.Fatal(err)
	}
	if n := s.Keys(); n > 1<<14 {
		t.Errorf("the scanner keeps memory for %d keys", n)
	}
}
