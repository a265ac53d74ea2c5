package collecttest

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/smithy-go/encoding/cbor"

	"github.com/hubspoke/observability/lib/goldentest"
)

// exceptions is the file snapshots.json of a category: what is different with snapshots.
type exceptions struct {
	// Values by operation and path stand in place of what a snapshot has: its texts and
	// enumerations are arbitrary, and a collector may ask for more only of what is enabled.
	Values map[string]map[string]any `json:"values"`
	// Unused are operations with a snapshot that recordings answer all the same, or that are not called, with the
	// reason.
	Unused map[string]string `json:"unused"`
	// Null are columns that are null all the same, with the reason.
	Null map[string]string `json:"null"`
}

// leftOut is the file with the members that change no row.
const leftOut = "left_out.txt"

// snapshotFunc returns the snapshot of an operation, nil if there is none.
type snapshotFunc func(serviceID, operation string) ([]byte, error)

// mostSnapshots is how many requests a run with snapshots may send. Their lists have two
// things.
const mostSnapshots = 200

// checkSnapshots runs the collector with snapshots of the operations in calls, and with
// recordings of those that have none. Every column must be filled. Then it leaves out one
// member after the other, and compares those that change no row with a file.
func (s *suite[T]) checkSnapshots(t testing.TB, calls map[string]string, snapshot snapshotFunc) {
	t.Helper()
	but, err := s.readExceptions()
	if err != nil {
		t.Fatal(err)
	}
	answers, err := s.snapshots(calls, but, snapshot)
	if err != nil {
		t.Fatal(err)
	}
	if len(answers) == 0 {
		if _, err := os.Stat(filepath.Join("testdata", s.dir, leftOut)); err == nil || len(but.Null) > 0 {
			t.Errorf("no snapshot is used: remove testdata/%s/%s, and null in %s", s.dir, leftOut, exceptionsFile)
		}
		return
	}
	r := &replay{snapshots: bodies(answers), most: mostSnapshots}
	got, err := s.collect(t.Context(), r, nil)
	if len(r.unknown) > 0 {
		t.Errorf("with snapshots, there are requests without a recording: let values in testdata/%s/%s have what "+
			"recordings ask for:\n%s", s.dir, exceptionsFile, strings.Join(r.unknown, "\n"))
	}
	if err != nil {
		t.Errorf("with snapshots: %v", err)
		return
	}
	for call := range answers {
		if _, asked := r.calls[call]; !asked {
			t.Errorf("with snapshots, %s is not called: let values in testdata/%s/%s have what the collector "+
				"asks of other answers", call, s.dir, exceptionsFile)
		}
	}
	s.checkFilled(t, got.lines, but.Null)
	if t.Failed() {
		return
	}
	report := bytes.NewBufferString("Members of AWS's answers that change no row. go test -update writes this file.\n")
	for _, call := range slices.Sorted(maps.Keys(answers)) {
		if paths := s.unread(t, answers, call, nil, got.lines); len(paths) > 0 {
			fmt.Fprintf(report, "%s\n\t%s\n", call, strings.Join(paths, "\n\t"))
		}
	}
	goldentest.Equal(t, s.dir+"/"+leftOut, report.Bytes())
}

// checkFilled checks that the rows fill every column but those in null.
func (s *suite[T]) checkFilled(t testing.TB, lines [][]byte, null map[string]string) {
	t.Helper()
	filled := filledColumns(t, lines)
	columns := map[string]bool{}
	for _, c := range s.collector.Table().Columns() {
		columns[c.Name] = true
		if !filled[c.Name] && null[c.Name] == "" {
			t.Errorf("column %s is null though the answers have every member: the collector does not fill it, or null in "+
				"testdata/%s/%s says why", c.Name, s.dir, exceptionsFile)
		}
	}
	for name, reason := range null {
		if filled[name] || !columns[name] {
			t.Errorf("testdata/%s/%s says that column %s is null (%s), and it is filled or there is none", s.dir,
				exceptionsFile, name, reason)
		}
	}
}

// unread returns the paths below path, in the answer to call, of the members without which the
// rows are the same.
func (s *suite[T]) unread(
	t testing.TB, answers map[string]*answer, call string, path []string, want [][]byte,
) (unread []string) {
	t.Helper()
	for _, name := range answers[call].names(path) {
		member := append(slices.Clone(path), name)
		r := &replay{snapshots: bodies(answers), most: mostSnapshots}
		r.snapshots[call] = answers[call].without(member)
		got, err := s.collect(t.Context(), r, nil)
		if err == nil && slices.EqualFunc(got.lines, want, bytes.Equal) {
			unread = append(unread, strings.Join(member, "."))
			continue
		}
		unread = append(unread, s.unread(t, answers, call, member, want)...)
	}
	return unread
}

// exceptionsFile is the name of the file of exceptions.
const exceptionsFile = "snapshots.json"

// readExceptions reads them. No file is none.
func (s *suite[T]) readExceptions() (e exceptions, err error) {
	file := filepath.Join("testdata", s.dir, exceptionsFile)
	content, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return e, nil
	}
	if err != nil {
		return e, err
	}
	d := json.NewDecoder(bytes.NewReader(content))
	d.DisallowUnknownFields()
	d.UseNumber()
	if err := d.Decode(&e); err != nil {
		return e, fmt.Errorf("%s: %w", file, err)
	}
	for _, reasons := range []map[string]string{e.Unused, e.Null} {
		for name, reason := range reasons {
			if reason == "" {
				return e, fmt.Errorf("%s: %s has no reason", file, name)
			}
		}
	}
	return e, nil
}

// snapshots returns the answers to the calls for which there is a snapshot.
func (s *suite[T]) snapshots(
	calls map[string]string, but exceptions, snapshot snapshotFunc,
) (map[string]*answer, error) {
	answers := map[string]*answer{}
	used := map[string]bool{}
	for call, serviceID := range calls {
		_, operation, _ := strings.Cut(call, ":")
		body, err := snapshot(serviceID, operation)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", call, err)
		}
		if body == nil {
			continue
		}
		used[operation] = true
		if but.Unused[operation] != "" {
			continue
		}
		a, err := parseAnswer(body)
		if err != nil {
			return nil, fmt.Errorf("the snapshot of the answer to %s: %w", call, err)
		}
		for path, value := range but.Values[operation] {
			if !a.set(path, value) {
				return nil, fmt.Errorf("testdata/%s/%s: %s has no %s", s.dir, exceptionsFile, operation, path)
			}
		}
		answers[call] = a
	}
	for _, operation := range slices.AppendSeq(slices.Collect(maps.Keys(but.Values)), maps.Keys(but.Unused)) {
		if !used[operation] {
			return nil, fmt.Errorf("testdata/%s/%s names %s, and the SDK has no snapshot of it", s.dir, exceptionsFile,
				operation)
		}
	}
	return answers, nil
}

// answer is a snapshot that can be changed, as objects, lists and values. An element of XML is
// an object of the elements in it, and a list where its name is there several times.
type answer struct {
	root     any
	envelope []string // path of the element that has the members in XML; nil if it is not XML
}

// pageTokens are the names of members with the token of the next page, in lower case. An answer
// without it is the last page.
var pageTokens = []string{
	"nexttoken", "nextmarker", "marker", "nextpagetoken", "continuationtoken", "nextcontinuationtoken",
	"lastevaluatedtablename", "lastevaluatedbackuparn",
}

// parseAnswer reads the body of an answer. One in CBOR becomes JSON, as recordings are, and
// the token of the next page is left out.
func parseAnswer(body []byte) (a *answer, err error) {
	a = &answer{}
	switch first := bytes.TrimSpace(body); {
	case bytes.HasPrefix(first, []byte("<")):
		err = a.parseXML(body)
	case bytes.HasPrefix(first, []byte("{")):
		a.root, err = parseJSON(body)
	default:
		var value cbor.Value
		value, err = cbor.Decode(body)
		a.root = plain(value)
	}
	if err != nil {
		return nil, err
	}
	for _, object := range a.at(nil) {
		maps.DeleteFunc(object, func(name string, _ any) bool { return slices.Contains(pageTokens, strings.ToLower(name)) })
	}
	return a, nil
}

// parseXML reads an answer in XML. In the query protocol, an element in the root has the members.
func (a *answer) parseXML(body []byte) (err error) {
	if a.root, err = parseElement(xml.NewDecoder(bytes.NewReader(body))); err != nil {
		return err
	}
	for _, suffix := range []string{"", "Result"} {
		for _, name := range a.names(nil) {
			if strings.HasSuffix(name, suffix) {
				a.envelope = append(a.envelope, name)
				break
			}
		}
	}
	return nil
}

// parseElement reads to the end of an element, or of the document: an object of the elements
// in it, or a text.
func parseElement(d *xml.Decoder) (any, error) {
	elements := map[string]any{}
	var text strings.Builder
	for {
		token, err := d.Token()
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		switch token := token.(type) {
		case xml.StartElement:
			value, err := parseElement(d)
			if err != nil {
				return nil, err
			}
			switch before := elements[token.Name.Local].(type) {
			case nil:
				elements[token.Name.Local] = value
			case []any:
				elements[token.Name.Local] = append(before, value)
			default:
				elements[token.Name.Local] = []any{before, value}
			}
		case xml.CharData:
			text.Write(token)
		case xml.EndElement, nil:
			if len(elements) > 0 {
				return elements, nil
			}
			return text.String(), nil
		}
	}
}

// at returns the objects at a path: of all elements of the lists on the way.
func (a *answer) at(path []string) []map[string]any {
	return objectsAt(a.root, slices.Concat(a.envelope, path))
}

func objectsAt(value any, path []string) (objects []map[string]any) {
	switch v := value.(type) {
	case []any:
		for _, element := range v {
			objects = append(objects, objectsAt(element, path)...)
		}
	case map[string]any:
		if len(path) == 0 {
			return []map[string]any{v}
		}
		return objectsAt(v[path[0]], path[1:])
	}
	return objects
}

// names returns the names of the members of the objects at a path.
func (a *answer) names(path []string) []string {
	names := map[string]bool{}
	for _, object := range a.at(path) {
		for name := range object {
			names[name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// set replaces the member at a path, and reports whether there is one.
func (a *answer) set(path string, value any) bool {
	names := strings.Split(path, ".")
	parents, name := a.at(names[:len(names)-1]), names[len(names)-1]
	for _, object := range parents {
		if _, ok := object[name]; !ok {
			return false
		}
		object[name] = value
	}
	return len(parents) > 0
}

// without returns the body of the answer without the member at a path.
func (a *answer) without(path []string) []byte {
	name := path[len(path)-1]
	for _, object := range a.at(path[:len(path)-1]) {
		if value, ok := object[name]; ok {
			delete(object, name)
			defer func() { object[name] = value }()
		}
	}
	return a.body()
}

// body returns the body of the answer, in XML or JSON.
func (a *answer) body() []byte {
	var b bytes.Buffer
	if a.envelope != nil {
		writeElements(&b, a.root)
		return b.Bytes()
	}
	if err := json.NewEncoder(&b).Encode(a.root); err != nil {
		panic(fmt.Sprintf("collecttest: a value that was read is not JSON: %v", err))
	}
	return b.Bytes()
}

func writeElements(b *bytes.Buffer, value any) {
	object, ok := value.(map[string]any)
	if !ok {
		_ = xml.EscapeText(b, []byte(fmt.Sprint(value))) // a buffer takes everything
		return
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		list, ok := object[name].([]any)
		if !ok {
			list = []any{object[name]}
		}
		for _, element := range list {
			fmt.Fprintf(b, "<%s>", name)
			writeElements(b, element)
			fmt.Fprintf(b, "</%s>", name)
		}
	}
}

// bodies returns the bodies of answers, by call.
func bodies(answers map[string]*answer) map[string][]byte {
	all := make(map[string][]byte, len(answers))
	for call, a := range answers {
		all[call] = a.body()
	}
	return all
}
