package awsanswer

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"maps"
	"slices"
	"strings"
)

// maxUnreadable is how many elements of one answer are looked for: reading an
// answer without them takes time for each.
const maxUnreadable = 100

// span is a piece of a document.
type span struct{ from, to int }

// list is a list of a document, which lies at span without its brackets.
type list struct {
	span
	name     string
	elements []span
}

// lists are those at the top of an answer. The elements of others belong to
// something that would be told wrongly without them.
type lists struct {
	document  []byte
	separator string // between elements
	lists     []list
}

// element is the place of an element.
type element struct{ list, index int }

// all returns the places of all elements.
func (l *lists) all() []element {
	var all []element
	for i := range l.lists {
		for j := range l.lists[i].elements {
			all = append(all, element{i, j})
		}
	}
	return all
}

// only returns the document with these elements only, which must be in order.
func (l *lists) only(elements []element) []byte {
	var out []byte
	pos := 0
	for i, list := range l.lists {
		out = append(out, l.document[pos:list.from]...)
		pos = list.to
		for n := 0; len(elements) > 0 && elements[0].list == i; n++ {
			if n > 0 {
				out = append(out, l.separator...)
			}
			e := list.elements[elements[0].index]
			out = append(out, l.document[e.from:e.to]...)
			elements = elements[1:]
		}
	}
	return append(out, l.document[pos:]...)
}

// readable returns the document without the elements that cannot be read, and
// these. There are none if the document cannot be read without all elements, or if
// they are too many.
func (d *decoder) readable(document []byte) ([]byte, []Unreadable) {
	var l lists
	var ok bool
	switch first(document) {
	case '{':
		l, ok = jsonLists(document)
	case '<':
		l, ok = xmlLists(document)
	}
	if !ok {
		return nil, nil
	}
	if _, _, err := d.decode(l.only(nil)); err != nil {
		return nil, nil
	}
	var good []element
	var bad []Unreadable
	var search func(elements []element) bool
	search = func(elements []element) bool {
		_, _, err := d.decode(l.only(elements))
		switch {
		case err == nil:
			good = append(good, elements...)
			return true
		case len(elements) == 1:
			list := l.lists[elements[0].list]
			e := list.elements[elements[0].index]
			bad = append(bad, Unreadable{
				List: list.name, Index: elements[0].index, Name: nameOf(document[e.from:e.to]), Err: err,
			})
			return len(bad) <= maxUnreadable
		}
		half := len(elements) / 2
		return search(elements[:half]) && search(elements[half:])
	}
	if all := l.all(); len(all) == 0 || !search(all) {
		return nil, nil
	}
	return l.only(good), bad
}

// jsonLists returns the lists that are members of the object.
func jsonLists(document []byte) (lists, bool) {
	l := lists{document: document, separator: ","}
	d := json.NewDecoder(bytes.NewReader(document))
	if _, err := d.Token(); err != nil { // {
		return l, false
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return l, false
		}
		value, to, err := jsonValue(d)
		if err != nil {
			return l, false
		}
		if value[0] != '[' {
			continue
		}
		from := to - len(value)
		one := list{name: name.(string), span: span{from + 1, to - 1}}
		elements := json.NewDecoder(bytes.NewReader(value))
		if _, err := elements.Token(); err != nil { // [
			return l, false
		}
		for elements.More() {
			e, end, err := jsonValue(elements)
			if err != nil {
				return l, false
			}
			one.elements = append(one.elements, span{from + end - len(e), from + end})
		}
		l.lists = append(l.lists, one)
	}
	return l, true
}

// jsonValue returns the next value, and where it ends.
func jsonValue(d *json.Decoder) (json.RawMessage, int, error) {
	var value json.RawMessage
	err := d.Decode(&value)
	return value, int(d.InputOffset()), err
}

// xmlLists returns the lists below the root, or below its result: elements that
// hold only elements of the name item or member.
func xmlLists(document []byte) (lists, bool) {
	l := lists{document: document}
	d := newXML(document)
	var path []string
	var open *list // at depth of len(path) == depth
	depth, item := 0, 0
	for {
		before := int(d.InputOffset())
		token, err := d.Token()
		if err != nil {
			return l, len(path) == 0 && len(l.lists) > 0
		}
		switch t := token.(type) {
		case xml.StartElement:
			isItem := t.Name.Local == "item" || t.Name.Local == "member"
			if isItem && open == nil && len(path) >= 2 {
				l.lists = append(l.lists, list{name: path[len(path)-1], span: span{before, before}})
				open, depth = &l.lists[len(l.lists)-1], len(path)
			}
			if isItem && open != nil && len(path) == depth {
				item = before
			}
			path = append(path, t.Name.Local)
		case xml.EndElement:
			path = path[:len(path)-1]
			if open != nil && len(path) == depth {
				end := int(d.InputOffset())
				open.elements = append(open.elements, span{item, end})
				open.to = end
			}
			if open != nil && len(path) < depth {
				open = nil
			}
		}
	}
}

// nameOf returns what an element says that it is, "" if it says nothing.
func nameOf(e []byte) string {
	names := map[string]string{}
	if first(e) == '{' {
		var members map[string]json.RawMessage
		if json.Unmarshal(e, &members) != nil {
			return ""
		}
		for name, value := range members {
			var text string
			if json.Unmarshal(value, &text) == nil {
				names[name] = text
			}
		}
	} else {
		d := newXML(e)
		var path []string
		for token, err := d.Token(); err == nil; token, err = d.Token() {
			switch t := token.(type) {
			case xml.StartElement:
				path = append(path, t.Name.Local)
			case xml.EndElement:
				path = path[:len(path)-1]
			case xml.CharData:
				if len(path) == 2 { // a member of the element itself
					names[path[1]] = strings.TrimSpace(string(t))
				}
			}
		}
	}
	best, rank := "", 0
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if r := rankOf(name); r > rank && names[name] != "" {
			best, rank = names[name], r
		}
	}
	return best
}

// rankOf says how well a member names what it is a member of.
func rankOf(name string) int {
	switch name = strings.ToLower(name); {
	case name == "arn" || name == "id":
		return 5
	case strings.HasSuffix(name, "arn"):
		return 4
	case name == "name":
		return 3
	case strings.HasSuffix(name, "id"):
		return 2
	case strings.HasSuffix(name, "name"), strings.HasSuffix(name, "key"):
		return 1
	}
	return 0
}
