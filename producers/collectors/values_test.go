package collectors

import (
	"encoding/json"
	"math"
	"testing"
	"time"
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
