package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/hubspoke/observability/lib/awssnapshot"
)

// The SDK ships a request and an answer of many operations, in the service's own protocol
// and with every member filled, from which a first recording is made: a page with one
// thing, and a page with another one that has its key alone.

// recording returns the story of two pages.
func (o *operation) recording() ([]byte, error) {
	request, err := awssnapshot.Read(o.dir, awssnapshot.Request, o.Name)
	if err != nil {
		return nil, err
	}
	answer, err := awssnapshot.Read(o.dir, awssnapshot.Response, o.Name)
	if err != nil {
		return nil, err
	}
	pages := 1
	if o.Token != "" {
		pages = 2
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "Made of the SDK's own snapshot of %s: a page with every member, and one with the key alone.\n",
		o.Name)
	for page := 1; page <= pages; page++ {
		asked, err := o.request(request, page)
		if err != nil {
			return nil, err
		}
		body, err := o.answer(answer.Body, page, pages)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "-- %s --\n%s\n\n200\n%s\n", o.Name, asked, bytes.TrimSpace(body))
	}
	return b.Bytes(), nil
}

// request returns the parameters of the request for a page, as collecttest writes them.
func (o *operation) request(s awssnapshot.Snapshot, page int) ([]byte, error) {
	method, target, _ := strings.Cut(s.First, " ")
	address, err := url.Parse(target)
	if err != nil {
		return nil, err
	}
	value := map[string]any{}
	// set takes over the parameters that the collector sends.
	set := func(name string, size any) {
		switch {
		case sameWord(name, o.Size):
			value[name] = size
		case sameWord(name, o.From) && page > 1:
			value[name] = pageToken
		}
	}
	switch {
	case strings.Contains(s.Headers, "x-www-form-urlencoded"):
		form, err := url.ParseQuery(strings.TrimSpace(s.Body))
		if err != nil {
			return nil, err
		}
		for name := range form {
			set(name, fmt.Sprint(o.SizeMost))
		}
	case strings.HasPrefix(s.Body, "{"):
		var object map[string]any
		if err := json.Unmarshal([]byte(s.Body), &object); err != nil {
			return nil, err
		}
		for name := range object {
			set(name, o.SizeMost)
		}
	case method == "GET":
		value["path"] = address.Path
		for name := range address.Query() {
			set(name, fmt.Sprint(o.SizeMost))
		}
	default:
		return nil, fmt.Errorf("the snapshot of the request is in no form that is known: %s", s.First)
	}
	return json.Marshal(value)
}

// pageToken is the token of the second page.
const pageToken = "page2"

// answer returns the answer with a page of one thing.
func (o *operation) answer(body string, page, pages int) ([]byte, error) {
	if strings.HasPrefix(strings.TrimSpace(body), "<") {
		return o.answerXML(body, page, pages)
	}
	d := json.NewDecoder(strings.NewReader(body))
	d.UseNumber()
	var all map[string]any
	if err := d.Decode(&all); err != nil {
		return nil, err
	}
	out := map[string]any{}
	for name, value := range all {
		switch list, isList := value.([]any); {
		case isList && sameWord(name, o.List) && len(list) > 0:
			out[name] = []any{o.item(list[0], page)}
		case sameWord(name, o.Token) && page < pages:
			out[name] = pageToken
		}
	}
	return json.MarshalIndent(out, "", "  ")
}

// item returns the thing of a page: whole on the first page, and on another its key alone.
func (o *operation) item(value any, page int) any {
	object, ok := value.(map[string]any)
	if !ok {
		return o.key(page)
	}
	out := map[string]any{}
	for name, member := range object {
		switch {
		case sameWord(name, o.Columns[0].Field):
			out[name] = o.key(page)
		case page == 1:
			out[name] = example(member)
		}
	}
	return out
}

// key returns the key of the thing of a page.
func (o *operation) key(page int) string {
	switch name := o.Columns[0].Name; {
	case strings.HasSuffix(name, "arn"):
		return fmt.Sprintf("arn:aws:%s:eu-west-1:111122223333:thing/%d", o.Signing, page)
	case strings.HasSuffix(name, "url"):
		return fmt.Sprintf("https://%s.eu-west-1.amazonaws.com/111122223333/thing-%d", o.Signing, page)
	default:
		return fmt.Sprintf("thing-%d", page)
	}
}

// example makes values of the placeholders of a snapshot, and one of two equal things in a
// list.
func example(value any) any {
	switch v := value.(type) {
	case string:
		return strings.Trim(v, "_")
	case []any:
		if len(v) > 1 {
			v = v[:1]
		}
		for i := range v {
			v[i] = example(v[i])
		}
		return v
	case map[string]any:
		for _, name := range slices.Collect(maps.Keys(v)) {
			v[name] = example(v[name])
		}
	}
	return value
}

// sameWord compares a name on the wire with that of the SDK: max_result with MaxResults.
func sameWord(wire, name string) bool {
	plain := func(s string) string {
		return strings.TrimSuffix(strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(s)), "s")
	}
	return name != "" && plain(wire) == plain(name)
}

// element is an element of an answer in XML.
type element struct {
	name     string
	text     string
	children []*element
}

func (o *operation) answerXML(body string, page, pages int) ([]byte, error) {
	root, err := parseXML(body)
	if err != nil {
		return nil, err
	}
	var list *element
	root.prune(func(e *element) bool {
		switch {
		case list == nil && sameWord(e.name, o.List):
			list = e
			return true
		case sameWord(e.name, o.Token):
			e.text = pageToken
			return page < pages
		}
		// What holds the list and the token has the name of the operation.
		return strings.HasPrefix(e.name, o.Name)
	})
	if list == nil || len(list.children) == 0 {
		return nil, fmt.Errorf("the snapshot of the answer has no %s", o.List)
	}
	item := list.children[0]
	list.children = list.children[:1]
	if len(item.children) == 0 {
		item.text = o.key(page)
	}
	item.children = slices.DeleteFunc(item.children, func(e *element) bool {
		if sameWord(e.name, o.Columns[0].Field) {
			e.text = o.key(page)
			return false
		}
		e.example()
		return page > 1
	})
	var b bytes.Buffer
	root.write(&b, "")
	return b.Bytes(), nil
}

func parseXML(body string) (*element, error) {
	top := &element{}
	open := []*element{top}
	d := xml.NewDecoder(strings.NewReader(body))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		last := open[len(open)-1]
		switch t := token.(type) {
		case xml.StartElement:
			e := &element{name: t.Name.Local}
			last.children = append(last.children, e)
			open = append(open, e)
		case xml.CharData:
			last.text += string(t)
		case xml.EndElement:
			open = open[:len(open)-1]
		}
	}
	if len(top.children) != 1 {
		return nil, errors.New("the snapshot of the answer is no XML document")
	}
	return top.children[0], nil
}

// prune keeps the elements below e for which keep returns true, and goes into those that
// have the name of the operation.
func (e *element) prune(keep func(*element) bool) {
	e.children = slices.DeleteFunc(e.children, func(child *element) bool { return !keep(child) })
	for _, child := range e.children {
		if strings.HasSuffix(child.name, "Result") {
			child.prune(keep)
		}
	}
}

func (e *element) example() {
	e.text = strings.Trim(e.text, "_")
	if len(e.children) > 1 && e.children[0].name == e.children[1].name {
		e.children = e.children[:1]
	}
	for _, child := range e.children {
		child.example()
	}
}

func (e *element) write(b *bytes.Buffer, indent string) {
	fmt.Fprintf(b, "%s<%s>", indent, e.name)
	if len(e.children) == 0 {
		_ = xml.EscapeText(b, []byte(e.text)) // a buffer takes everything
	} else {
		b.WriteByte('\n')
		for _, child := range e.children {
			child.write(b, indent+"  ")
		}
		b.WriteString(indent)
	}
	fmt.Fprintf(b, "</%s>\n", e.name)
}
