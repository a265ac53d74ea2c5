// Package access finds out who asks the dashboard. What they may see is for PostgreSQL to
// decide, by the principals that are found here.
package access

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"
)

// Viewer is somebody who has logged in. Without principals they see nothing.
type Viewer struct {
	// Name is for people and the log.
	Name string
	// Principals are what the table hub.access may name: "user:alice@example.com",
	// "group:payments".
	Principals []string
	// LogOut is the path that ends the login by POST; "" if it does not end here.
	LogOut string
}

// Gate finds out who asks. It may be used by several goroutines at once.
type Gate interface {
	// Admit returns who asks. Nil without an error is anybody: there is no login, and they see
	// what the user of the database may read. The error is a *Refusal, or ErrAnswered where the
	// gate itself has answered.
	Admit(w http.ResponseWriter, r *http.Request) (*Viewer, error)
}

// ErrAnswered is the error of a gate that has answered the request itself.
var ErrAnswered = errors.New("the gate has answered")

// Refusal says for people why they may not pass.
type Refusal struct {
	// Status of HTTP; 200 says that they have logged out.
	Status int
	// Reason in a few words, for logs and metrics. It has no values of the request.
	Reason string
	// Title is what happened, Next what to do, Href where; "" is nowhere.
	Title, Next, Href string
	// Retry is when to try again; 0 says nothing about it.
	Retry time.Duration
	// Err is for the log; nil if there is nothing to add.
	Err error
}

// Error returns the reason and the cause.
func (r *Refusal) Error() string {
	if r.Err == nil {
		return r.Reason
	}
	return r.Reason + ": " + r.Err.Error()
}

// Unwrap returns the cause.
func (r *Refusal) Unwrap() error { return r.Err }

type viewerKey struct{}

// With returns a context of a request by the viewer. Nil is anybody, as of [Gate].
func With(ctx context.Context, v *Viewer) context.Context {
	return context.WithValue(ctx, viewerKey{}, v)
}

// ViewerOf returns who asks in a context of a request. Nil: anybody, or there is no request.
func ViewerOf(ctx context.Context) *Viewer {
	v, _ := ctx.Value(viewerKey{}).(*Viewer)
	return v
}

// isPublic reports whether a request is for what anybody may have: whether the process
// runs, and how pages look.
func isPublic(r *http.Request) bool {
	return r.URL.Path == "/healthz" || strings.HasPrefix(r.URL.Path, "/static/")
}

// viewer returns who the claims of a login are about. An address of e-mail is believed only
// if the provider has verified it: where people may choose it they could be anybody.
func viewer(claims map[string]any, groupsClaim string) (*Viewer, error) {
	subject, _ := claims["sub"].(string)
	if !isName(subject) {
		return nil, errors.New("the login has no claim sub")
	}
	v := &Viewer{Name: subject, Principals: []string{"user:" + subject}}
	verified := claims["email_verified"] == true || claims["email_verified"] == "true" // Amazon Cognito writes text
	if email, _ := claims["email"].(string); verified && isName(email) && email != subject {
		v.Name = email
		v.Principals = append(v.Principals, "user:"+email)
	}
	groups, _ := claims[groupsClaim].([]any)
	if one, ok := claims[groupsClaim].(string); ok {
		groups = []any{one}
	}
	for _, g := range groups {
		if name, _ := g.(string); isName(name) {
			v.Principals = append(v.Principals, "group:"+name)
		}
	}
	return v, nil
}

// isName reports whether hub.access could name somebody so.
func isName(s string) bool {
	isControl := func(r rune) bool { return r < ' ' || r == 0x7f }
	return s != "" && utf8.ValidString(s) && utf8.RuneCountInString(s) <= 255 && strings.IndexFunc(s, isControl) < 0
}
