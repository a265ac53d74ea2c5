package collectors

import (
	"encoding/json"
	"log/slog"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/acm"
	"github.com/aws/aws-sdk-go-v2/service/costexplorer"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/smithy-go/document"
	"github.com/aws/smithy-go/middleware"
)

func TestJSONOf(t *testing.T) {
	type inner struct {
		Name   *string
		Score  *float64
		hidden int
	}
	type outer struct {
		Text  string
		List  []inner
		Tags  map[string]string
		When  *time.Time
		Count *int32
		Flag  bool
		Any   any
	}
	name, score, bad, count := `a "b" <c>`, 0.00042, math.NaN(), int32(-3)
	when := time.Date(2026, 10, 20, 8, 30, 0, 5e8, time.FixedZone("", 2*60*60))
	tests := []struct {
		value any
		want  string // "" for null
	}{
		{[]string(nil), ""},
		{[]string{}, ""},
		{[]string{"a", "b"}, `["a","b"]`},
		{map[string]string{}, ""},
		{(*outer)(nil), ""},
		{"", ""},
		{"x", `"x"`},
		{inner{hidden: 1}, `{}`},
		{[]*inner{nil, {Name: &name, Score: &score}}, `[null,{"Name":"a \"b\" <c>","Score":0.00042}]`},
		{&outer{Text: "t", List: []inner{{Score: &bad}}, Tags: map[string]string{"k": ""}, When: &when, Count: &count},
			`{"Text":"t","List":[{"Score":null}],"Tags":{"k":""},"When":"2026-10-20T06:30:00.5Z","Count":-3,"Flag":false}`},
		{[]float64{1, math.Inf(1)}, `[1,null]`},
	}
	for _, test := range tests {
		got := jsonOf(test.value)
		if len(got) == 0 && test.want == "" {
			continue
		}
		var a, b any
		if err := json.Unmarshal(got, &a); err != nil {
			t.Errorf("%s: %v", got, err)
			continue
		}
		_ = json.Unmarshal([]byte(test.want), &b)
		x, _ := json.Marshal(a)
		y, _ := json.Marshal(b)
		if string(x) != string(y) {
			t.Errorf("got %s, want %s", got, test.want)
		}
	}
}

// aDocument is a document as answers have it.
type aDocument map[string]any

func (d aDocument) UnmarshalSmithyDocument(v any) error {
	*v.(*any) = map[string]any(d)
	return nil
}

func TestJSONOfBytesUnionsAndDocuments(t *testing.T) {
	type union = dynamotypes.AttributeValue
	text := &dynamotypes.AttributeValueMemberS{Value: "x"}
	check := func(got []byte, want string) {
		t.Helper()
		if string(got) != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	check(jsonOf([]byte{0, 0}), `"AAA="`)
	check(jsonOf([]byte(nil)), "")
	check(jsonOf(struct{ Data []byte }{[]byte("a")}), `{"Data":"YQ=="}`)
	check(jsonOf(struct{ Small, Large any }{uint8(7), uint64(math.MaxUint64)}), `{"Small":7,"Large":18446744073709551615}`)
	check(jsonOf(struct{ Score float32 }{0.1}), `{"Score":0.1}`)

	check(jsonOf[union](text), `{"S":"x"}`)
	check(jsonOf[union](nil), "")
	check(jsonOf([]union{text, &dynamotypes.AttributeValueMemberL{Value: []union{text}}}), `[{"S":"x"},{"L":[{"S":"x"}]}]`)
	check(jsonOf(map[string]union{"b": &dynamotypes.AttributeValueMemberB{Value: []byte{0, 0}}, "a": text}),
		`{"a":{"S":"x"},"b":{"B":"AAA="}}`)
	check(jsonOf[union](&dynamotypes.UnknownUnionMember{Tag: "New"}), `{"New":null}`)

	content := aDocument{"n": document.Number("1.50"), "l": []any{nil, true, "x"}, "a": map[string]any{}}
	check(jsonOf(struct{ Document document.Unmarshaler }{content}), `{"Document":{"a":{},"l":[null,true,"x"],"n":1.50}}`)
	at := time.Date(2026, 10, 20, 6, 30, 0, 0, time.UTC)
	check(jsonOf[document.Value](document.List{
		document.Null{}, document.Boolean(true), document.Number("-2e3"), document.Number("NaN"), document.String("s"),
		document.Blob{0, 0}, document.Timestamp(at), document.Opaque{Value: 1},
		document.Structure{Members: map[string]document.Value{"k": document.Map{"l": document.String("")}}},
	}), `[null,true,-2e3,null,"s","AAA=","2026-10-20T06:30:00Z",1,{"k":{"l":""}}]`)
}

// TestJSONOfEveryAnswer: of whatever a service answers nothing is written as null
// because jsonOf does not know its kind.
func TestJSONOfEveryAnswer(t *testing.T) {
	seen := map[reflect.Type]bool{}
	for _, client := range []reflect.Type{
		reflect.TypeFor[*acm.Client](), reflect.TypeFor[*costexplorer.Client](), reflect.TypeFor[*dynamodb.Client](),
		reflect.TypeFor[*ec2.Client](), reflect.TypeFor[*kms.Client](), reflect.TypeFor[*secretsmanager.Client](),
		reflect.TypeFor[*securityhub.Client](),
	} {
		answers := 0
		for i := range client.NumMethod() {
			method := client.Method(i)
			if method.Type.NumOut() != 2 || !strings.HasSuffix(method.Type.Out(0).String(), "Output") {
				continue
			}
			answers++
			answer := filled(t, method.Type.Out(0), seen).Elem()
			for n := range answer.NumField() {
				field := answer.Type().Field(n)
				if field.Type == reflect.TypeFor[middleware.Metadata]() || !field.IsExported() || !present(answer.Field(n)) {
					continue
				}
				var value any
				if err := json.Unmarshal(appendJSON(nil, answer.Field(n)), &value); err != nil {
					t.Errorf("%s.%s: %v", method.Name, field.Name, err)
				}
				for _, path := range nulls(value) {
					t.Errorf("%s.%s%s is written as null", method.Name, field.Name, path)
				}
			}
		}
		if answers == 0 {
			t.Errorf("%s has no operation", client)
		}
	}
}

// filled returns a value in which everything is there once; a type that was seen
// before is empty.
func filled(t *testing.T, kind reflect.Type, seen map[reflect.Type]bool) reflect.Value {
	value := reflect.New(kind).Elem()
	switch kind.Kind() {
	case reflect.Pointer:
		value.Set(reflect.New(kind.Elem()))
		value.Elem().Set(filled(t, kind.Elem(), seen))
	case reflect.Slice:
		if kind.Elem().Kind() == reflect.Interface {
			filled(t, kind.Elem(), seen)
			break
		}
		value.Set(reflect.Append(value, filled(t, kind.Elem(), seen)))
	case reflect.Map:
		if kind.Key().Kind() != reflect.String {
			t.Errorf("%s has keys that are no text", kind)
			break
		}
		value.Set(reflect.MakeMap(kind))
		if kind.Elem().Kind() == reflect.Interface {
			filled(t, kind.Elem(), seen)
			break
		}
		value.SetMapIndex(reflect.Zero(kind.Key()), filled(t, kind.Elem(), seen))
	case reflect.Struct:
		if seen[kind] || kind == timeType {
			break
		}
		seen[kind] = true
		for i := range kind.NumField() {
			if kind.Field(i).IsExported() {
				value.Field(i).Set(filled(t, kind.Field(i).Type, seen))
			}
		}
	case reflect.Interface:
		_, union := kind.MethodByName("is" + kind.Name())
		if !union && !kind.Implements(reflect.TypeFor[document.Unmarshaler]()) {
			t.Errorf("%s is neither a union nor a document", kind)
		}
	}
	return value
}

// nulls returns the paths of the nulls in a JSON value.
func nulls(value any) (paths []string) {
	switch value := value.(type) {
	case nil:
		return []string{""}
	case map[string]any:
		for name, inner := range value {
			for _, path := range nulls(inner) {
				paths = append(paths, "."+name+path)
			}
		}
	case []any:
		for _, inner := range value {
			for _, path := range nulls(inner) {
				paths = append(paths, "[]"+path)
			}
		}
	}
	return paths
}

func TestParseTime(t *testing.T) {
	var log strings.Builder
	env := (&answer{}).env("eu-west-1")
	env.Logger = slog.New(slog.NewTextHandler(&log, nil))
	for _, test := range []struct {
		value   string
		layouts []string
		want    string // "" is nil
		logged  bool
	}{
		{"2026-10-20T06:30:00.5Z", nil, "2026-10-20T06:30:00.5Z", false},
		{"20/10/2026", []string{time.RFC3339, "02/01/2006"}, "2026-10-20T00:00:00Z", false},
		{"2026-10-20T08:30:00.000+0200", []string{"2006-01-02T15:04:05Z0700"}, "2026-10-20T06:30:00Z", false}, // Lambda
		{"", nil, "", false},
		{"noon", nil, "", true},
		{"2026-10-20 06:30", nil, "", true},
	} {
		log.Reset()
		got := ""
		if at := parseTime(env, "thing-1", "CreatedAt", &test.value, test.layouts...); at != nil {
			got = at.UTC().Format(time.RFC3339Nano)
		}
		if got != test.want || (log.Len() > 0) != test.logged {
			t.Errorf("%q is %q, want %q; log %q", test.value, got, test.want, log.String())
		}
		if test.logged && !strings.Contains(log.String(), "of=thing-1 field=CreatedAt") {
			t.Errorf("log %q", log.String())
		}
	}
	if parseTime(env, "", "", nil) != nil {
		t.Error("nil is a time")
	}
}

func TestFloatDecimal(t *testing.T) {
	for f, want := range map[float64]string{
		0.1: "0.1", 0.1 + 0.2: "0.3", 12.5: "12.5", -3: "-3", 1e-10: "0.0000000001", 1e-12: "0",
		1e20:    "100000000000000000000",
		1.0 / 3: "0.3333333333", 1e30: "", math.NaN(): "", math.Inf(1): "",
	} {
		got := ""
		if d := floatDecimal(&f); d != nil {
			got = d.String()
		}
		if got != want {
			t.Errorf("%v is %q, want %q", f, got, want)
		}
	}
	if floatDecimal[float64](nil) != nil || textDecimal(nil) != nil {
		t.Error("nil is a number")
	}
	if d := floatDecimal(new(float32(0.1))); d == nil || d.String() != "0.1" {
		t.Errorf("0.1 of 32 bits is %v", d)
	}
	for text, want := range map[string]string{
		"1.23400000": "1.234", "412.28571428571433": "412.2857142857", "1e30": "", "many": "", "": "",
		"1234567890123456.0123456789": "1234567890123456.0123456789",
	} {
		got := ""
		if d := textDecimal(&text); d != nil {
			got = d.String()
		}
		if got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}

func TestARNPart(t *testing.T) {
	for _, test := range []struct{ text, account, region, name string }{
		{"arn:aws:rds:eu-west-1:111122223333:db:orders", "111122223333", "eu-west-1", "orders"},
		{"arn:aws:ecs:eu-west-1:111122223333:service/web/50dc", "111122223333", "eu-west-1", "web/50dc"},
		{"arn:aws:s3:::orders", "", "", "orders"},
		{"orders", "", "", ""},
		{"", "", "", ""},
	} {
		for want, part := range map[*string]func(arn.ARN) string{
			&test.account: arnAccount, &test.region: arnRegion, &test.name: arnName,
		} {
			if got := arnPart(&test.text, part); aws.ToString(got) != *want || (got == nil) != (*want == "") {
				t.Errorf("%s has %q, want %q", test.text, aws.ToString(got), *want)
			}
		}
	}
	if arnPart(nil, arnName) != nil {
		t.Error("nil is an ARN")
	}
}

func TestMemberOf(t *testing.T) {
	type action struct{ Allow, Block *struct{} }
	for want, choice := range map[string]*action{"BLOCK": {Block: &struct{}{}}, "ALLOW": {Allow: &struct{}{}}, "": {}} {
		if got := aws.ToString(upper(memberOf(choice))); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if memberOf[action](nil) != nil {
		t.Error("nil has a member")
	}
}

func TestIsState(t *testing.T) {
	if on := isState("ON", "ON"); on == nil || !*on {
		t.Error("ON is not ON")
	}
	if on := isState("OFF", "ON"); on == nil || *on {
		t.Error("OFF is ON")
	}
	if isState("", "ON") != nil {
		t.Error("nothing is a state")
	}
}

func TestHealthTime(t *testing.T) {
	var times struct{ A, B, C *healthTime }
	if err := json.Unmarshal([]byte(`{"A":1792400000.123,"B":null}`), &times); err != nil {
		t.Fatal(err)
	}
	if want := time.Date(2026, 10, 19, 8, 53, 20, 123e6, time.UTC); !times.A.at().Equal(want) || times.B.at() != nil ||
		times.C.at() != nil {
		t.Errorf("%v, %v, %v", times.A.at(), times.B.at(), times.C.at())
	}
	if err := json.Unmarshal([]byte(`"noon"`), &times.A); err == nil {
		t.Error("noon is a time")
	}
}
