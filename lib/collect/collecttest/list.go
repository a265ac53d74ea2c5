package collecttest

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// checkList answers request i without the lists that its answer has: an answer that
// lost them says nothing, and must not be taken for an account that has nothing.
func (s *suite[T]) checkList(t testing.TB, i int) {
	t.Helper()
	answer := s.want.replay.served[i]
	for _, keepRest := range []bool{true, false} {
		body, lists := withoutLists(answer.body, keepRest)
		if !lists {
			return
		}
		_, err := s.collect(t.Context(), &replay{edit: func(number int, _ served) []byte {
			if number == i {
				return body
			}
			return nil
		}}, nil)
		if err == nil {
			t.Errorf("%s (request %d) answered without a list, %q: Collect returns no error", answer.operation, i, body)
		}
	}
}

// checkToken answers every request for the second page of a list with the first page,
// so the token comes back unchanged.
func (s *suite[T]) checkToken(t testing.TB, i int) {
	t.Helper()
	second := s.want.replay.served[i]
	first, paged := s.pageBefore(i)
	if !paged {
		return
	}
	r := &replay{most: s.want.replay.requests + 20, edit: func(_ int, asked served) []byte {
		if asked.operation == second.operation && reflect.DeepEqual(asked.request, second.request) {
			return first.body
		}
		return nil
	}}
	switch _, err := s.collect(t.Context(), r, nil); {
	case r.requests > r.most:
		t.Errorf("%s (request %d) answers with the same token again: Collect asks again and again", second.operation, i)
	case err == nil:
		t.Errorf("%s (request %d) answers with the same token again: Collect returns no error", second.operation, i)
	}
}

// pageBefore returns the answer that has the token of request i: a text of it is in
// the answer of an earlier request of the same operation.
func (s *suite[T]) pageBefore(i int) (served, bool) {
	asked := s.want.replay.served[i]
	parameters, _ := asked.request.(map[string]any)
	for j := range i {
		before, ok := s.want.replay.served[j]
		if !ok || before.operation != asked.operation || reflect.DeepEqual(before.request, asked.request) {
			continue
		}
		texts := textsOf(before.body)
		for _, value := range parameters {
			if text, ok := value.(string); ok && text != "" && slices.Contains(texts, text) {
				return before, true
			}
		}
	}
	return served{}, false
}

// member is a value directly in the object, or in the root element, of an answer.
type member struct {
	name string
	raw  []byte // with its key or element
	text string // if it is one
	list bool
}

// withoutLists returns an answer without its lists, and if keepRest is not set
// without everything else too; and whether it has any.
func withoutLists(body []byte, keepRest bool) (bare []byte, lists bool) {
	head, members, tail := split(body)
	var kept [][]byte
	for _, m := range members {
		if m.list {
			lists = true
		} else if keepRest {
			kept = append(kept, m.raw)
		}
	}
	separator := []byte(",")
	if bytes.HasPrefix(head, []byte("<")) {
		separator = nil
	}
	return slices.Concat(head, bytes.Join(kept, separator), tail), lists
}

// textsOf returns the texts directly in an answer. One of them may be a token.
func textsOf(body []byte) []string {
	var texts []string
	_, members, _ := split(body)
	for _, m := range members {
		if m.text != "" {
			texts = append(texts, m.text)
		}
	}
	return texts
}

// split takes an answer in JSON or XML apart. In XML an element is taken for a list if it
// is there several times, holds others of one name alone, or is what the query protocol has
// around everything.
func split(body []byte) (head []byte, members []member, tail []byte) {
	if bytes.HasPrefix(bytes.TrimSpace(body), []byte("<")) {
		return splitXML(body)
	}
	var object map[string]json.RawMessage
	if json.Unmarshal(body, &object) != nil {
		return nil, nil, nil
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		key, _ := json.Marshal(name)
		m := member{name: name, raw: slices.Concat(key, []byte(":"), object[name]), list: object[name][0] == '['}
		_ = json.Unmarshal(object[name], &m.text) // "" if it is no text
		members = append(members, m)
	}
	return []byte("{"), members, []byte("}")
}

func splitXML(body []byte) (head []byte, members []member, tail []byte) {
	d := xml.NewDecoder(bytes.NewReader(body))
	depth, begin := 0, 0
	var text strings.Builder
	var current member
	names := map[string]int{} // of members
	var inside string         // the name of all elements in the current one
	for {
		before := int(d.InputOffset())
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			for i := range members {
				members[i].list = members[i].list || names[members[i].name] > 1
			}
			return head, members, tail
		}
		if err != nil {
			return nil, nil, nil
		}
		switch token := token.(type) {
		case xml.StartElement:
			switch depth++; depth {
			case 1:
				head = body[before:d.InputOffset()]
			case 2:
				begin, current, inside = before, member{name: token.Name.Local}, ""
				names[current.name]++
				text.Reset()
			case 3:
				name := token.Name.Local
				current.list = inside == "" || current.list && inside == name || strings.HasSuffix(current.name, "Result")
				inside = name
			}
		case xml.CharData:
			text.Write(token)
		case xml.EndElement:
			switch depth--; depth {
			case 0:
				tail = body[before:d.InputOffset()]
			case 1:
				current.raw, current.text = body[begin:d.InputOffset()], strings.TrimSpace(text.String())
				members = append(members, current)
			}
		}
	}
}
