// Package deploy_test judges the CloudFormation templates by rules of the project's own: what linters of others do not
// find. policytest has those rules that need resolved templates, and the tools of others.
package deploy_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"go.yaml.in/yaml/v3"
)

// Names of the templates, in cloudformation.
const (
	hub          = "hub.yaml"
	spoke        = "spoke.yaml"
	organization = "organization.yaml"
	spokeRegion  = "spoke-region.yaml"
	athena       = "athena.yaml"
	dashboards   = "dashboards.json"
)

var files = []string{hub, spoke, organization, spokeRegion, athena, dashboards}

// templates are the templates that there are, by the name of the file.
type templates map[string]*template

// A template as it stands in its file: nothing is resolved, and the short forms of functions are long ones.
type template struct {
	file    string
	source  []byte
	root    map[string]any
	aliases []int // lines with an anchor or an alias of YAML
}

// A parsed file.
type parsed struct {
	source   []byte
	document *yaml.Node
}

var parseAll = sync.OnceValues(func() (map[string]parsed, error) {
	all := map[string]parsed{}
	for _, file := range files {
		source, err := os.ReadFile(filepath.Join("cloudformation", file))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if all[file], err = parse(source); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	return all, nil
})

func parse(source []byte) (parsed, error) {
	document := &yaml.Node{}
	err := yaml.Unmarshal(source, document)
	return parsed{source, document}, err
}

// read returns the templates anew, so that a test may change what it got.
func read(t *testing.T) templates {
	t.Helper()
	all, err := parseAll()
	if err != nil {
		t.Fatal(err)
	}
	ts := templates{}
	for file, p := range all {
		ts[file] = p.template(file)
	}
	return ts
}

func (p parsed) template(file string) *template {
	t := &template{file: file, source: p.source}
	t.root = object(t.value(p.document))
	return t
}

// value turns a node into maps, lists and scalars: !Sub text is {"Fn::Sub": "text"}.
func (t *template) value(node *yaml.Node) any {
	if node.Anchor != "" || node.Kind == yaml.AliasNode {
		t.aliases = append(t.aliases, node.Line)
	}
	var v any
	switch node.Kind {
	case yaml.DocumentNode:
		return t.value(node.Content[0])
	case yaml.AliasNode:
		return t.value(node.Alias)
	case yaml.MappingNode:
		m := map[string]any{}
		for pair := range slices.Chunk(node.Content, 2) {
			m[pair[0].Value] = t.value(pair[1])
		}
		v = m
	case yaml.SequenceNode:
		list := []any{}
		for _, child := range node.Content {
			list = append(list, t.value(child))
		}
		v = list
	default:
		v = scalar(node)
	}
	function, isShort := strings.CutPrefix(node.Tag, "!")
	if !isShort || strings.HasPrefix(function, "!") {
		return v
	}
	switch function {
	case "Ref", "Condition":
		return map[string]any{function: v}
	case "GetAtt":
		if text, ok := v.(string); ok {
			id, attribute, _ := strings.Cut(text, ".")
			v = []any{id, attribute}
		}
	}
	return map[string]any{"Fn::" + function: v}
}

func scalar(node *yaml.Node) any {
	if strings.HasPrefix(node.Tag, "!!") {
		var v any
		if err := node.Decode(&v); err == nil {
			return v
		}
	}
	return node.Value
}

// A resource of a template.
type resource struct {
	*template
	id, kind string
	body     map[string]any
}

func (r resource) String() string { return r.file + ": " + r.id }

// prop returns a property by its path, or nil.
func (r resource) prop(path ...string) any {
	return get(r.body, append([]string{"Properties"}, path...)...)
}

// set sets a property to a value, or removes it if the value is nil.
func (r resource) set(v any, path ...string) {
	put(r.body, v, append([]string{"Properties"}, path...)...)
}

// resources returns those of some types, or all, in the order of their names.
func (t *template) resources(kinds ...string) (all []resource) {
	for _, id := range slices.Sorted(maps.Keys(object(t.root["Resources"]))) {
		body := object(get(t.root, "Resources", id))
		kind, _ := body["Type"].(string)
		if len(kinds) == 0 || slices.Contains(kinds, kind) {
			all = append(all, resource{t, id, kind, body})
		}
	}
	return all
}

func (ts templates) resources(kinds ...string) (all []resource) {
	for _, file := range files {
		if t := ts[file]; t != nil {
			all = append(all, t.resources(kinds...)...)
		}
	}
	return all
}

// section returns the names of a part of a template, such as Parameters.
func (t *template) section(name string) []string {
	return slices.Sorted(maps.Keys(object(t.root[name])))
}

// A statement of a policy, anywhere in a resource.
type statement struct {
	resource
	path []string
	m    map[string]any
}

func (s statement) String() string {
	name, ok := s.m["Sid"].(string)
	if !ok {
		name = strings.Join(s.path, ".")
	}
	return fmt.Sprintf("%s, statement %s", s.resource, name)
}

func (ts templates) statements() (all []statement) {
	for _, r := range ts.resources() {
		walk(r.body["Properties"], nil, func(path []string, v any) {
			m, ok := v.(map[string]any)
			if ok && m["Effect"] != nil && (m["Action"] != nil || m["NotAction"] != nil) {
				all = append(all, statement{r, slices.Clone(path), m})
			}
		})
	}
	return all
}

func (s statement) allows() bool     { return s.m["Effect"] == "Allow" }
func (s statement) isTrust() bool    { return slices.Contains(s.path, "AssumeRolePolicyDocument") }
func (s statement) isEndpoint() bool { return s.kind == "AWS::EC2::VPCEndpoint" }
func (s statement) isKey() bool      { return s.kind == "AWS::KMS::Key" }
func (s statement) isIdentity() bool {
	return !s.isTrust() && strings.HasPrefix(s.kind, "AWS::IAM::")
}

func (s statement) actions() []string  { return leaves(s.m["Action"]) }
func (s statement) services() []string { return leaves(get(s.m, "Principal", "Service")) }

// anybody says whether the principal is everybody.
func (s statement) anybody() bool {
	return s.m["Principal"] == "*" || slices.Contains(leaves(get(s.m, "Principal", "AWS")), "*")
}

// mentions says whether the statement has one of some actions; a * at the end of one stands for any.
func (s statement) mentions(actions ...string) bool {
	return slices.ContainsFunc(s.actions(), func(has string) bool {
		return slices.ContainsFunc(actions, func(action string) bool {
			prefix, isPrefix := strings.CutSuffix(action, "*")
			return has == action || isPrefix && strings.HasPrefix(has, prefix)
		})
	})
}

// condition returns the value that a condition key is compared with, and the operators that do it. A key that ends
// with : stands for all that begin so.
func (s statement) condition(key string) (value any, operators []string) {
	for _, operator := range slices.Sorted(maps.Keys(object(s.m["Condition"]))) {
		walk(get(s.m, "Condition", operator), nil, func(path []string, v any) {
			if len(path) == 0 {
				return
			}
			name := path[len(path)-1]
			if name == key || strings.HasSuffix(key, ":") && strings.HasPrefix(name, key) {
				value, operators = v, append(operators, operator)
			}
		})
	}
	return value, operators
}

func (s statement) has(key string) bool {
	_, operators := s.condition(key)
	return len(operators) > 0
}

// without removes a condition key.
func (s statement) without(key string) {
	for _, keys := range object(s.m["Condition"]) {
		delete(object(keys), key)
	}
}

// walk visits a value and all below it. The path is that of keys and indexes.
func walk(v any, path []string, visit func(path []string, v any)) {
	visit(path, v)
	switch v := v.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			walk(v[key], append(path, key), visit)
		}
	case []any:
		for i, child := range v {
			walk(child, append(path, strconv.Itoa(i)), visit)
		}
	}
}

// leaves returns all texts in a value. Functions are looked into, so that both branches of Fn::If count.
func leaves(v any) (texts []string) {
	walk(v, nil, func(_ []string, v any) {
		if text, ok := v.(string); ok {
			texts = append(texts, text)
		}
	})
	return texts
}

func object(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

func get(v any, path ...string) any {
	for _, key := range path {
		switch container := v.(type) {
		case map[string]any:
			v = container[key]
		case []any:
			i, err := strconv.Atoi(key)
			if err != nil || i >= len(container) {
				return nil
			}
			v = container[i]
		default:
			return nil
		}
	}
	return v
}

func put(v any, to any, path ...string) {
	last := len(path) - 1
	switch container := get(v, path[:last]...).(type) {
	case map[string]any:
		if to == nil {
			delete(container, path[last])
		} else {
			container[path[last]] = to
		}
	case []any:
		i, err := strconv.Atoi(path[last])
		if err == nil && i < len(container) {
			container[i] = to
		}
	}
}

// text is a value as JSON.
func text(v any) string {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return fmt.Sprint(v)
	}
	return strings.TrimSpace(b.String())
}

func contains(v any, part string) bool { return strings.Contains(text(v), part) }

// refersTo says whether a value is the Ref or an attribute of a resource or parameter.
func refersTo(v any, id string) bool {
	return get(v, "Ref") == id || get(v, "Fn::GetAtt", "0") == id
}

// parameter returns the parameter that a value is, or nil.
func (t *template) parameter(v any) map[string]any {
	name, ok := get(v, "Ref").(string)
	if !ok {
		return nil
	}
	return object(get(t.root, "Parameters", name))
}

// number is that of a text, or 0.
func number(v any) float64 {
	number, err := strconv.ParseFloat(fmt.Sprint(v), 64)
	if err != nil {
		return 0
	}
	return number
}

// least is the smallest number that a value can be: that of a parameter is what it allows.
func (t *template) least(v any) float64 {
	if p := t.parameter(v); p != nil {
		v = p["MinValue"]
	}
	return number(v)
}

// isTrue says whether a value is true, or a parameter with the default true.
func (t *template) isTrue(v any) bool {
	if p := t.parameter(v); p != nil {
		v = p["Default"]
	}
	return fmt.Sprint(v) == "true"
}
