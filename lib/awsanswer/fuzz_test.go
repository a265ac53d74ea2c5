package awsanswer

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"testing"
)

// Whatever comes: nothing panics, a document without all or any of its elements is
// still one, and a clean document has no forbidden character.
func FuzzDocument(f *testing.F) {
	for _, seed := range []string{
		`{"a":[1,{"Id":"x"}, [2]],"b":"\"","c":253402300799,"d":[]}`,
		`<r><s><item><id>i-1</id><set><item/></set></item><item>&#x1B;</item></s><t>x</t></r>`,
		`<R><Result><List><member/><member>y</member></List></Result></R>`, `{"a`, `"`, `1e9`, "<a>\x00&#", "-",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		for _, n := range inexact(document) {
			if n.from >= n.to || n.to > len(document) {
				t.Fatalf("number at %v of %d bytes", n.span, len(document))
			}
		}
		if json.Valid(document) && !json.Valid(withMarks(document, inexact(document))) {
			t.Error("not JSON any more with marks")
		}
		if l, ok := jsonLists(document); ok && json.Valid(document) && first(document) == '{' {
			if !json.Valid(l.only(nil)) || !json.Valid(l.only(l.all())) {
				t.Errorf("not JSON any more: %s", l.only(nil))
			}
		}
		if l, ok := xmlLists(document); ok && wellFormed(document) {
			if !wellFormed(l.only(nil)) || !wellFormed(l.only(l.all())) {
				t.Errorf("not XML any more: %s", l.only(nil))
			}
		}
		_ = nameOf(document)
		clean := cleanXML(document)
		if !bytes.Equal(cleanXML(clean), clean) {
			t.Error("cleaned twice is not cleaned once")
		}
		d := xml.NewDecoder(bytes.NewReader(append(append([]byte("<a>"), xmlText(clean)...), "</a>"...)))
		for {
			if _, err := d.Token(); err != nil {
				if err.Error() != "EOF" {
					t.Errorf("%q: %v", clean, err)
				}
				return
			}
		}
	})
}

// xmlText is document without markup.
func xmlText(document []byte) []byte {
	return bytes.Map(func(r rune) rune {
		if r == '<' || r == '&' || r == '>' {
			return -1
		}
		return r
	}, document)
}
