package main

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"go/format"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template"
)

//go:embed templates
var templates embed.FS

// draft is what the templates need.
type draft struct {
	names
	Operation  *operation
	NewService bool // no category calls the service yet
}

// files returns the files of the draft by their path from the root of the module. Without
// a snapshot of the SDK there is no recording, and the error is awssnapshot.ErrNone.
func (d draft) files() (map[string][]byte, error) {
	files := map[string][]byte{}
	for name, path := range map[string]string{
		"schema.go.tmpl":    "schemas/" + d.Category + ".go",
		"queries.sql.tmpl":  "schemas/queries/" + d.Category + ".sql",
		"collector.go.tmpl": "producers/collectors/" + d.Category + ".go",
		"simulate.go.tmpl":  "producers/simulate/" + d.Category + ".go",
	} {
		content, err := d.render(name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		files[path] = content
	}
	// The level is checked against AWS's reference where that is installed.
	files["producers/collectors/testdata/"+d.Category+"/iam_actions.json"] = fmt.Appendf(nil, "{\n  %q: \"List\"\n}\n",
		d.Operation.Signing+":"+d.Operation.Name)
	recording, err := d.Operation.recording()
	if err == nil {
		files["producers/collectors/testdata/"+d.Category+"/pages.txtar"] = recording
	}
	return files, err
}

func (d draft) render(name string) ([]byte, error) {
	t, err := template.New(name).Funcs(template.FuncMap{
		"comment":   comment,
		"goName":    func(column string) string { return camel(strings.Split(column, "_")) },
		"ident":     func(s string) string { return strings.ReplaceAll(s, "-", "") },
		"simulated": simulated,
	}).ParseFS(templates, "templates/"+name)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, d); err != nil {
		return nil, err
	}
	if strings.HasSuffix(name, ".go.tmpl") {
		return format.Source(b.Bytes())
	}
	return b.Bytes(), nil
}

// write writes files under root. It overwrites none.
func write(root string, files map[string][]byte) error {
	for path := range files {
		if _, err := os.Stat(filepath.Join(root, path)); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s exists already", path)
		}
	}
	for path, content := range files {
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// callsService reports whether a collector under root declares the service already.
func callsService(root, signing string) (bool, error) {
	files, err := filepath.Glob(filepath.Join(root, "producers", "collectors", "*.go"))
	if err != nil {
		return false, err
	}
	declared := regexp.MustCompile(`\n\tName:\s+` + regexp.QuoteMeta(strconv.Quote(signing)) + `,`)
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			return false, err
		}
		if declared.Match(source) {
			return true, nil
		}
	}
	return false, nil
}

// Func is the function that makes a row of an item.
func (d draft) Func() string {
	name := d.Lower()
	if s := lower(d.Row); s != name {
		return s
	}
	return name + "Row"
}

// Lower is the category as a name that is not exported.
func (d draft) Lower() string { return lower(d.Plural) }

// lower writes EC2Instances as ec2Instances.
func lower(name string) string {
	words := strings.Split(snake(name), "_")
	return words[0] + name[len(words[0]):]
}

// ItemType is the type of an item.
func (d draft) ItemType() string {
	if d.Operation.Item == "" {
		return "string"
	}
	return "types." + d.Operation.Item
}

// From names the type of an item, for the comment of the row.
func (d draft) From() string {
	if d.Operation.Item == "" {
		return ""
	}
	return " (" + d.Operation.Item + ")"
}

// Doc is what the SDK says of an item.
func (d draft) Doc() string {
	first, _, _ := strings.Cut(strings.TrimSpace(d.Operation.Doc), "\n\n")
	return strings.TrimRight(strings.Join(strings.Fields(first), " "), ".:") + "."
}

// LeftOut names what the draft leaves out.
func (d draft) LeftOut() string {
	if len(d.Operation.LeftOut) == 0 {
		return ""
	}
	return " Left out: " + strings.Join(d.Operation.LeftOut, ", ") + "."
}

// Has reports whether the columns need a package: time, or json for lib/schema.
func (d draft) Has(what string) bool {
	return slices.ContainsFunc(d.Operation.Columns, func(c column) bool {
		if what == "time" {
			return c.Kind == kindTime
		}
		return c.Kind == kindJSON || c.Kind == kindList
	})
}

// KeyColumn is the name of the key.
func (d draft) KeyColumn() string { return d.Operation.Columns[0].Name }

// TagsColumn is the name of the column of tags; "" if there is none.
func (d draft) TagsColumn() string {
	for _, c := range d.Operation.Columns {
		if c.Kind == kindTags {
			return c.Name
		}
	}
	return ""
}

// GoType is the type of the column's field.
func (c column) GoType() string {
	return map[kind]string{
		kindKey: "string", kindText: "*string", kindEnum: "*string", kindBool: "*bool", kindInt: "*int64",
		kindReal: "*float64", kindTime: "*time.Time", kindTags: "schema.JSON", kindList: "schema.JSON",
		kindJSON: "schema.JSON",
	}[c.Kind]
}

// Option is what the tag of the column's field has behind the name.
func (c column) Option() string {
	if c.Kind == kindText && speaks.MatchString(c.Field) {
		return ",personal=text"
	}
	return map[kind]string{kindKey: ",key", kindTags: ",object", kindList: ",array", kindJSON: ",object"}[c.Kind]
}

// simulated is a made-up value of a column.
func simulated(service string, c column) string {
	switch c.Kind {
	case kindKey:
		if strings.HasSuffix(c.Name, "arn") {
			return fmt.Sprintf(`g.arn(%q, "thing/"+g.uuid())`, service)
		}
		return `g.app() + "-" + g.hex(12)`
	case kindText:
		return `new(g.app() + "-" + g.hex(4))`
	case kindEnum:
		values := make([]string, len(c.Values))
		for i, v := range c.Values {
			values[i] = strconv.Quote(v)
		}
		return "new(pick(g, " + strings.Join(values, ", ") + "))"
	case kindBool:
		return "new(g.chance(0.5))"
	case kindInt:
		return "new(g.Int64N(100))"
	case kindReal:
		return "new(g.Float64())"
	case kindTime:
		return "new(g.within(year))"
	case kindTags:
		return "g.tags()"
	case kindList:
		return "schema.JSON(`[\"one\"]`)"
	}
	return "schema.JSON(`{\"Name\":\"one\"}`)"
}

// commentWidth is how wide a line of a comment is at most.
const commentWidth = 100

// comment writes text as a comment of several lines.
func comment(indent, text string) string {
	var lines []string
	line := indent + "//"
	for word := range strings.FieldsSeq(text) {
		if len(line)+1+len(word) > commentWidth && line != indent+"//" {
			lines = append(lines, line)
			line = indent + "//"
		}
		line += " " + word
	}
	return strings.Join(append(lines, line), "\n")
}
