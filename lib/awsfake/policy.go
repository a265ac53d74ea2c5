package awsfake

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// policy is a resource-based policy.
type policy struct {
	statements []statement
}

type statement struct {
	allow                         bool
	principals, actions, resource []string
}

// oneOrMore is a JSON string or list of strings.
type oneOrMore []string

func (o *oneOrMore) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) == nil {
		*o = oneOrMore{s}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(o))
}

// principals is "*" or an object that names AWS principals.
type principals []string

func (p *principals) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) == nil {
		if s != "*" {
			return fmt.Errorf("principal %q", s)
		}
		*p = principals{"*"}
		return nil
	}
	var o map[string]oneOrMore
	if err := json.Unmarshal(b, &o); err != nil {
		return err
	}
	*p = principals(o["AWS"])
	return nil
}

// parsePolicy reads a policy document. What cannot be evaluated is an error, since ignoring it would allow too much
// or too little.
func parsePolicy(doc string) (*policy, error) {
	type document struct {
		Version, ID string
		Statement   []struct {
			Sid, Effect      string
			Principal        principals
			Action, Resource oneOrMore
		}
	}
	var d document
	decoder := json.NewDecoder(strings.NewReader(doc))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&d); err != nil {
		return nil, err
	}
	if len(d.Statement) == 0 {
		return nil, fmt.Errorf("no statement")
	}
	p := &policy{}
	for i, s := range d.Statement {
		if s.Effect != "Allow" && s.Effect != "Deny" || len(s.Principal) == 0 || len(s.Action) == 0 || len(s.Resource) == 0 {
			return nil, fmt.Errorf("statement %d needs Effect, Principal, Action and Resource", i+1)
		}
		p.statements = append(p.statements, statement{s.Effect == "Allow", s.Principal, s.Action, s.Resource})
	}
	return p, nil
}

// allows reports whether the caller may do an action on a resource. A policy that is nil allows nothing.
func (p *policy) allows(c *call, action, resource string) bool {
	if p == nil {
		return false
	}
	allowed := false
	for _, s := range p.statements {
		if !s.applies(c, action, resource) {
			continue
		}
		if !s.allow {
			return false
		}
		allowed = true
	}
	return allowed
}

func (s *statement) applies(c *call, action, resource string) bool {
	return anyOf(s.principals, func(p string) bool {
		return p == "*" || p == c.Account || p == "arn:aws:iam::"+c.Account+":root" || p == c.user ||
			c.role != "" && p == c.role
	}) && anyOf(s.actions, func(a string) bool {
		return wildcard(strings.ToLower(a), strings.ToLower(action))
	}) && anyOf(s.resource, func(r string) bool {
		return wildcard(r, resource)
	})
}

func anyOf(list []string, is func(string) bool) bool {
	for _, s := range list {
		if is(s) {
			return true
		}
	}
	return false
}

// wildcard matches with IAM's * and ?.
func wildcard(pattern, s string) bool {
	quoted := regexp.QuoteMeta(pattern)
	quoted = strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(quoted)
	return regexp.MustCompile("^" + quoted + "$").MatchString(s)
}
