// Package policy makes the IAM policies of a spoke: what its collectors call, what it sends
// with, what it hears from, and what it must never read.
package policy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Limits of IAM: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const (
	// MaxCharacters of a managed policy, white space not counted.
	MaxCharacters = 6144
	// MaxPolicies is how many managed policies a role may have, unless its account was
	// granted more.
	MaxPolicies = 10
)

// Document is one IAM policy.
type Document struct {
	// Version of the policy language.
	Version string
	// Statement of the policy, one at least.
	Statement []Statement
}

// Statement is one statement of a policy.
type Statement struct {
	// Sid is the name of the statement.
	Sid string
	// Effect is Allow or Deny.
	Effect string
	// Action has IAM actions.
	Action []string
	// Resource has ARNs; a single one is written as a string.
	Resource Resources
	// Condition has operators, with keys and a value each. Nil: the statement always applies.
	Condition map[string]map[string]string `json:",omitempty"`
}

// Resources are the ARNs of a statement.
type Resources []string

// MarshalJSON writes a single ARN as a string, as people do.
func (r Resources) MarshalJSON() ([]byte, error) {
	if len(r) == 1 {
		return json.Marshal(r[0])
	}
	return json.Marshal([]string(r))
}

// Config says what the policies are for.
type Config struct {
	// Actions that collectors need, in any order; see collectors.Actions.
	Actions []string
	// Others are the statements besides Collect, such as those of [Send], [Hear] and
	// [NeverValues].
	Others []Statement
}

var errTooMany = fmt.Errorf("more than the %d policies that a role may have are needed: collect fewer categories",
	MaxPolicies)

// Documents returns the policies, which are attached together: one, or if that had more than
// MaxCharacters several. All actions of a service are in the first document in which they
// fit, services in order of their names, so that one more action moves as little as it can.
// It is an error if they do not fit into MaxPolicies.
func Documents(c Config) ([]Document, error) {
	var documents []Document
	add := func(change func(Document) Document) error {
		for i, d := range documents {
			if changed := change(d); Characters(changed) <= MaxCharacters {
				documents[i] = changed
				return nil
			}
		}
		changed := change(Document{Version: "2012-10-17"})
		if n := Characters(changed); n > MaxCharacters {
			return fmt.Errorf("the statement %s has %d characters, more than the %d of a policy",
				changed.Statement[0].Sid, n, MaxCharacters)
		}
		if len(documents) == MaxPolicies {
			return errTooMany
		}
		documents = append(documents, changed)
		return nil
	}
	for _, actions := range byService(c.Actions) {
		if add(func(d Document) Document { return d.collecting(actions) }) == nil {
			continue
		}
		for _, action := range actions { // a service that is larger than a policy
			if err := add(func(d Document) Document { return d.collecting([]string{action}) }); err != nil {
				return nil, err
			}
		}
	}
	for _, s := range c.Others {
		if err := add(func(d Document) Document { return d.with(s) }); err != nil {
			return nil, err
		}
	}
	return documents, nil
}

// byService returns the actions in order, each once, in a slice for each service.
func byService(actions []string) (services [][]string) {
	actions = slices.Clone(actions)
	slices.Sort(actions)
	var last string
	for _, action := range slices.Compact(actions) {
		service, _, _ := strings.Cut(action, ":")
		if len(services) == 0 || service != last {
			services, last = append(services, nil), service
		}
		services[len(services)-1] = append(services[len(services)-1], action)
	}
	return services
}

const collect = "Collect"

// collecting returns a copy of the document that allows the actions, too.
func (d Document) collecting(actions []string) Document {
	if len(d.Statement) == 0 {
		return d.with(Statement{Sid: collect, Effect: "Allow", Action: actions, Resource: Resources{"*"}})
	}
	d.Statement = slices.Clone(d.Statement)
	d.Statement[0].Action = slices.Concat(d.Statement[0].Action, actions)
	return d
}

// with returns a copy of the document with one more statement.
func (d Document) with(s Statement) Document {
	d.Statement = append(slices.Clip(d.Statement), s)
	return d
}

// Characters returns how many characters IAM counts of the document.
func Characters(d Document) int {
	return utf8.RuneCountInString(strings.Join(strings.Fields(string(marshal(d, ""))), ""))
}

// JSON returns the document as IAM takes it, indented.
func (d Document) JSON() string { return string(marshal(d, "  ")) }

func marshal(v any, indent string) []byte {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", indent)
	if err := encoder.Encode(v); err != nil {
		panic(err) // a document has only texts
	}
	return bytes.TrimSpace(b.Bytes())
}
