package collecttest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// checkSecrets puts a text that is known again into every member of the answers that
// may hold a secret, and looks for it in the rows: the collector must have left it out
// or redacted it, unless kept.json says why it is no secret. Such members are
//
//   - texts of members with a name for secrets: password, token, environment and so on;
//   - values of tags and other pairs: their keys are made "password";
//   - descriptions and other texts that people write: a URL with a password is put there.
func (s *suite[T]) checkSecrets(t testing.TB) {
	t.Helper()
	p := &planter{kept: s.kept, known: map[string]bool{}}
	for _, r := range s.recordings {
		p.note(r.Request)
	}
	got, _ := s.collect(t.Context(), &replay{edit: func(_ int, asked served) []byte { return p.plant(asked.body) }}, nil)
	reported := map[string]bool{}
	for _, line := range got.lines {
		for column, value := range object(t, line) {
			for _, found := range planted.FindAllString(fmt.Sprint(value), -1) {
				member := p.members[found]
				if where := member + column; !reported[where] {
					reported[where] = true
					t.Errorf("the answer's %s may hold a secret, and is in column %s: leave it out, redact it, or say in "+
						"testdata/%s/kept.json why it is none", member, column, s.collector.Category.Name())
				}
			}
		}
	}
	if len(got.lines) != len(s.want.lines) {
		t.Errorf("with other texts in %s there are %d rows instead of %d; "+
			"say in testdata/%s/kept.json why these are no secrets",
			strings.Join(slices.Compact(slices.Sorted(maps.Values(p.members))), ", "), len(got.lines), len(s.want.lines),
			s.collector.Category.Name())
	}
}

// checkKept finds names in kept.json that no recording has.
func checkKept(t testing.TB, kept map[string]string, list []scenario) {
	t.Helper()
	for name := range kept {
		used := false
		for _, s := range list {
			for _, r := range s.recordings {
				used = used || bytes.Contains(r.Answer, []byte(`"`+name+`"`)) || bytes.Contains(r.Answer, []byte("<"+name+">"))
			}
		}
		if !used {
			t.Errorf("testdata/%s/kept.json names %s, which no recording has", list[0].dir, name)
		}
	}
}

// MayBeSecret reports whether a member of an answer with this name may hold a secret: its
// text, or, as of an environment, everything in it.
func MayBeSecret(name string) bool { return sounds.MatchString(name) || opens.MatchString(name) }

var (
	// sounds matches names of members with one text that may be a secret.
	sounds = regexp.MustCompile(`(?i)passw(or)?d|pwd|secret|token|credential|(private|api|access).?key|user.?data|` +
		`input.?parameters|authorization|connection.?string`)
	// opens matches names of members that may hold anything.
	opens = regexp.MustCompile(`(?i)^(environment|variables|parameters)$`)
	// speaks matches names of members with what people wrote, which may quote a secret.
	speaks = regexp.MustCompile(`(?i)^(latest)?description$|^(subject|annotation)$`)
	// harmless matches texts that are no secret whatever their member is called.
	harmless = regexp.MustCompile(`^(arn:.*|true|false|[0-9.]*)$`)
	// planted matches what stands in place of secrets.
	planted = regexp.MustCompile(`collecttest-planted-[0-9]+-`)

	keyName   = regexp.MustCompile(`^(?i:tag)?[kK]ey$`)
	valueName = regexp.MustCompile(`^(?i:tag)?[vV]alue$`)
	tagsName  = regexp.MustCompile(`(?i)tags?$`)

	xmlPair = regexp.MustCompile(`<((?:[tT]ag)?[kK]ey)>[^<]*(</[^>]*>\s*<((?:[tT]ag)?[vV]alue)>)[^<]*</`)
	xmlText = regexp.MustCompile(`<(\w+)>([^<]+)</`)
)

// secretKey is a key of a tag that says that its value is a secret.
const secretKey = "password"

// planter plants texts in answers.
type planter struct {
	kept    map[string]string
	known   map[string]bool   // texts that the collector sent itself, such as tokens of pages
	members map[string]string // by what was planted, the member
}

// note remembers the texts of a request.
func (p *planter) note(request any) {
	switch v := request.(type) {
	case map[string]any:
		for _, value := range v {
			p.note(value)
		}
	case []any:
		for _, value := range v {
			p.note(value)
		}
	case string:
		p.known[v] = true
	}
}

// plant returns the answer with what was planted.
func (p *planter) plant(body []byte) []byte {
	if bytes.HasPrefix(bytes.TrimSpace(body), []byte("<")) {
		return p.plantXML(body)
	}
	value, err := parseJSON(body)
	if err != nil {
		return body
	}
	out, err := json.Marshal(p.value(value, "", false))
	if err != nil {
		return body
	}
	return out
}

// value returns a JSON value with what was planted; inside is set in a member that
// may hold anything.
func (p *planter) value(v any, name string, inside bool) any {
	switch v := v.(type) {
	case map[string]any:
		return p.object(v, name, inside)
	case []any:
		for i := range v {
			v[i] = p.value(v[i], name, inside)
		}
	case string:
		switch {
		case inside || sounds.MatchString(name):
			return p.text(v, name)
		case speaks.MatchString(name):
			return p.quote(v, name)
		}
	}
	return v
}

func (p *planter) object(v map[string]any, name string, inside bool) any {
	key, value, pair := "", "", len(v) == 2
	for member := range v {
		switch {
		case keyName.MatchString(member):
			key = member
		case valueName.MatchString(member):
			value = member
		}
	}
	if text, ok := v[value].(string); pair && key != "" && ok {
		return map[string]any{key: secretKey, value: p.text(text, name)}
	}
	out := make(map[string]any, len(v))
	for member, value := range v {
		if text, ok := value.(string); ok && tagsName.MatchString(name) {
			member = secretKey
			out[member] = p.text(text, name)
			continue
		}
		out[member] = p.value(value, member, inside || opens.MatchString(member))
	}
	return out
}

func (p *planter) plantXML(body []byte) []byte {
	body = xmlPair.ReplaceAllFunc(body, func(pair []byte) []byte {
		m := xmlPair.FindSubmatch(pair)
		if _, keep := p.kept[string(m[3])]; keep {
			return pair
		}
		return fmt.Appendf(nil, "<%s>%s%s%s</", m[1], secretKey, m[2], p.text("some", string(m[3])))
	})
	return xmlText.ReplaceAllFunc(body, func(element []byte) []byte {
		m := xmlText.FindSubmatch(element)
		name, text := string(m[1]), string(m[2])
		switch {
		case sounds.MatchString(name):
			text = p.text(text, name)
		case speaks.MatchString(name):
			text = p.quote(text, name)
		}
		return fmt.Appendf(nil, "<%s>%s</", name, text)
	})
}

// quote returns what is planted in place of a text that people wrote: there only its form
// tells that a secret is in it.
func (p *planter) quote(text, member string) string {
	planted := p.text(text, member)
	if planted == text {
		return text
	}
	return "see https://user:" + planted + "@example.com"
}

// text returns what is planted in place of a text of a member.
func (p *planter) text(text, member string) string {
	if _, keep := p.kept[member]; keep || text == "" || p.known[text] || harmless.MatchString(text) {
		return text
	}
	if _, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return text
	}
	for planted, known := range p.members {
		if known == member {
			return planted
		}
	}
	if p.members == nil {
		p.members = map[string]string{}
	}
	planted := fmt.Sprintf("collecttest-planted-%d-", len(p.members))
	p.members[planted] = member
	return planted
}
