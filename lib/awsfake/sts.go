package awsfake

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Role is a role that callers of any account may assume.
type Role struct {
	// ARN of the role, arn:aws:iam::<account>:role/<name>.
	ARN string
	// ExternalID must be given to assume the role. Defaults to none being asked for.
	ExternalID string
}

var (
	roleARN           = regexp.MustCompile(`^arn:aws[\w-]*:iam::(\d{12}):role/([\w+=,.@/-]+)$`)
	sessionName       = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)
	errExpiredSession = errors.New("session expired")
	errNoSession      = errors.New("no such session")
)

// roleName is what a role's ARN consists of.
type roleName struct{ account, name string }

func parseRoleARN(arn string) (roleName, error) {
	m := roleARN.FindStringSubmatch(arn)
	if m == nil {
		return roleName{}, fmt.Errorf("%q is not the ARN of a role", arn)
	}
	return roleName{m[1], m[2][strings.LastIndexByte(m[2], '/')+1:]}, nil
}

// session is what AssumeRole handed out.
type session struct {
	token   string
	arn     string // of the assumed role
	role    string // of the role itself
	expires time.Time
}

// sts stands in for AWS Security Token Service.
type sts struct {
	now   func() time.Time
	roles map[string]Role

	mu       sync.Mutex
	sessions map[string]session // by access key
}

func newSTS(now func() time.Time, roles []Role) *sts {
	s := &sts{now: now, roles: map[string]Role{}, sessions: map[string]session{}}
	for _, r := range roles {
		s.roles[r.ARN] = r
	}
	return s
}

// session finds the session of an access key.
func (s *sts) session(key, token string) (session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, ok := s.sessions[key]
	if !ok || found.token != token {
		return session{}, errNoSession
	}
	if s.now().After(found.expires) {
		return session{}, errExpiredSession
	}
	return found, nil
}

// do answers a call with the inside of its result element.
func (s *sts) do(c *call) (string, error) {
	switch c.action {
	case "GetCallerIdentity":
		return fmt.Sprintf(`<Arn>%s</Arn><UserId>AIDA%s</UserId><Account>%s</Account>`, escape(c.user), c.Account, c.Account),
			nil
	case "AssumeRole":
		return s.assumeRole(c)
	}
	return "", invalid("InvalidAction", "awsfake does not implement %s", c.Operation)
}

func (s *sts) assumeRole(c *call) (string, error) {
	form := c.form
	arn, name := form.Get("RoleArn"), form.Get("RoleSessionName")
	role, err := parseRoleARN(arn)
	if err != nil {
		return "", invalid("ValidationError", "%s is invalid", arn)
	}
	if !sessionName.MatchString(name) {
		return "", invalid("ValidationError", "1 validation error detected: Value '%s' at 'roleSessionName' failed to "+
			"satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*", name)
	}
	duration := time.Hour
	if d := form.Get("DurationSeconds"); d != "" {
		n, err := strconv.Atoi(d)
		if err != nil || n < 900 || n > 43200 {
			return "", invalid("ValidationError", "1 validation error detected: Value '%s' at 'durationSeconds' failed to "+
				"satisfy constraint: Member must have value between 900 and 43200", d)
		}
		duration = time.Duration(n) * time.Second
	}
	// STS answers alike for a role that does not exist, does not trust the caller, or wants another external id.
	if registered, ok := s.roles[arn]; !ok || registered.ExternalID != "" &&
		registered.ExternalID != form.Get("ExternalId") {
		return "", &apiError{status: http.StatusForbidden, code: "AccessDenied",
			message: fmt.Sprintf("User: %s is not authorized to perform: sts:AssumeRole on resource: %s", c.user, arn)}
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.sessions) + 1
	key := fmt.Sprintf("ASIA%sS%07d", role.account, n)
	granted := session{
		token:   fmt.Sprintf("awsfake-session-token-%d", n),
		arn:     fmt.Sprintf("arn:aws:sts::%s:assumed-role/%s/%s", role.account, role.name, name),
		role:    arn,
		expires: s.now().Add(duration),
	}
	s.sessions[key] = granted
	return fmt.Sprintf(
		`<Credentials><AccessKeyId>%s</AccessKeyId><SecretAccessKey>%s</SecretAccessKey><SessionToken>%s</SessionToken><Expiration>%s</Expiration></Credentials><AssumedRoleUser><AssumedRoleId>AROA%s:%s</AssumedRoleId><Arn>%s</Arn></AssumedRoleUser>`,
		key, secretKey, granted.token, granted.expires.UTC().Format(time.RFC3339), role.account, escape(name),
		escape(granted.arn)), nil
}
