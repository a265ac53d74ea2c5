package access

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// OIDCConfig says who logs people in. All but Secret, GroupsClaim, Named, Log and Now are
// needed.
type OIDCConfig struct {
	// Issuer is the address of the provider, as in its tokens.
	Issuer string
	// Client and Secret are those that the provider knows of this dashboard. A public client
	// has no secret.
	Client, Secret string
	// ExternalURL is the address that browsers know this dashboard by, without a path, such
	// as https://dashboard.example.com.
	ExternalURL string
	// GroupsClaim is the claim with the groups of somebody. "" is "groups".
	GroupsClaim string
	// Session is how long somebody stays logged in.
	Session time.Duration
	// Key encrypts sessions: KeySize bytes.
	Key []byte
	// Named returns those of the principals that may matter. It is asked where a session
	// would be too long for a cookie. Nil: all of them do.
	Named func(ctx context.Context, principals []string) ([]string, error)
	// Log takes a line per login. Nil discards them.
	Log *slog.Logger
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
}

// OIDC logs people in with a provider of OpenID Connect, by an authorization code with PKCE,
// state and nonce. A session is a cookie, and nothing is kept here.
type OIDC struct {
	cfg      OIDCConfig
	sealer   sealer
	login    oauth2.Config
	verifier *oidc.IDTokenVerifier
	limits   *limits
	origins  *http.CrossOriginProtection
}

// Cookies. The prefix binds them to this host and to TLS.
const (
	sessionCookie = "__Host-hub"
	loginCookie   = "__Host-hub-login"
)

const (
	// providerTimeout is how long a request to the provider may take.
	providerTimeout = 10 * time.Second
	// loginTime is how long somebody may take to log in.
	loginTime = 10 * time.Minute
	// maxReturn is how long the address may be that somebody returns to after the login.
	maxReturn = 2000
)

var providerClient = &http.Client{Timeout: providerTimeout}

// NewOIDC asks the provider for its configuration and returns the gate.
func NewOIDC(ctx context.Context, cfg OIDCConfig) (*OIDC, error) {
	if cfg.GroupsClaim == "" {
		cfg.GroupsClaim = "groups"
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	sealer, err := newSealer(cfg.Key, fmt.Sprintf("%q %q", cfg.Issuer, cfg.Client))
	if err != nil {
		return nil, err
	}
	origins := http.NewCrossOriginProtection()
	if err := origins.AddTrustedOrigin(cfg.ExternalURL); err != nil {
		return nil, fmt.Errorf("external address %q: %w; write it as https://dashboard.example.com", cfg.ExternalURL, err)
	}
	provider, err := oidc.NewProvider(oidc.ClientContext(ctx, providerClient), cfg.Issuer)
	if err != nil {
		return nil, fmt.Errorf("ask %s for its configuration: %w", cfg.Issuer, err)
	}
	scopes := []string{oidc.ScopeOpenID, "email", "profile"}
	var knows struct {
		Scopes []string `json:"scopes_supported"`
	}
	if err := provider.Claims(&knows); err == nil && slices.Contains(knows.Scopes, "groups") {
		scopes = append(scopes, "groups")
	}
	return &OIDC{
		cfg: cfg, sealer: sealer, origins: origins, limits: newLimits(),
		login: oauth2.Config{ClientID: cfg.Client, ClientSecret: cfg.Secret, Endpoint: provider.Endpoint(),
			RedirectURL: cfg.ExternalURL + "/callback", Scopes: scopes},
		verifier: provider.Verifier(&oidc.Config{ClientID: cfg.Client, Now: cfg.Now}),
	}, nil
}

// session is what a browser keeps of a login.
type session struct {
	Name       string
	Principals []string
	Until      time.Time
}

// attempt is what a browser keeps of a login under way.
type attempt struct {
	State, Nonce, Verifier, To string
	Until                      time.Time
}

// Admit returns who has logged in, or leads to the login. It also answers /login, /callback
// and /logout.
func (o *OIDC) Admit(w http.ResponseWriter, r *http.Request) (*Viewer, error) {
	if isPublic(r) {
		return new(Viewer), nil
	}
	method, steps := http.MethodGet, map[string]func(http.ResponseWriter, *http.Request) error{
		"/login": o.begin, "/callback": o.complete, "/logout": o.end,
	}
	if step := steps[r.URL.Path]; step != nil {
		if r.URL.Path == "/logout" {
			method = http.MethodPost
		}
		if r.Method != method {
			return nil, &Refusal{Status: http.StatusMethodNotAllowed, Reason: "wrong method",
				Title: "This address is not to be opened like that.", Next: "The menu has all pages.", Href: "/"}
		}
		if err := o.limits.ask(r, o.cfg.Now()); err != nil {
			return nil, err
		}
		return nil, step(w, r)
	}
	var s session
	if o.sealer.open(r, sessionCookie, &s) && o.cfg.Now().Before(s.Until) {
		return &Viewer{Name: s.Name, Principals: s.Principals, LogOut: "/logout"}, nil
	}
	login := "/login?" + url.Values{"to": {r.URL.RequestURI()}}.Encode()
	// A script cannot log in, and a browser lets no form of a page lead to another host.
	if r.Method != http.MethodGet || r.Header.Get("Sec-Fetch-Site") == "same-origin" {
		return nil, &Refusal{Status: http.StatusUnauthorized, Reason: "no session", Title: "You are not logged in any more.",
			Next: "Log in to go on where you were.", Href: login}
	}
	http.Redirect(w, r, login, http.StatusSeeOther)
	return nil, ErrAnswered
}

// begin leads to the provider.
func (o *OIDC) begin(w http.ResponseWriter, r *http.Request) error {
	a := attempt{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(),
		To: local(r.URL.Query().Get("to")), Until: o.cfg.Now().Add(loginTime)}
	value, err := o.sealer.seal(loginCookie, a)
	if err != nil {
		return err
	}
	setCookie(w, loginCookie, value, loginTime)
	http.Redirect(w, r, o.login.AuthCodeURL(a.State, oidc.Nonce(a.Nonce), oauth2.S256ChallengeOption(a.Verifier)),
		http.StatusSeeOther)
	return ErrAnswered
}

// local returns an address of this host, "/" for any other one, and for what is none. A browser
// takes //host for another host, a backslash for a slash, and leaves out white space.
func local(address string) string {
	isOdd := func(r rune) bool { return r <= ' ' || r == '\\' || r >= 0x7f }
	_, err := url.ParseRequestURI(address)
	if err != nil || len(address) > maxReturn || !strings.HasPrefix(address, "/") || strings.HasPrefix(address, "//") ||
		strings.ContainsFunc(address, isOdd) {
		return "/"
	}
	return address
}

// complete takes what the provider says, and begins a session.
func (o *OIDC) complete(w http.ResponseWriter, r *http.Request) error {
	refuse := func(reason, title string, err error) error {
		return &Refusal{Status: http.StatusForbidden, Reason: reason, Title: title, Next: "Log in once more.", Href: "/login",
			Err: err}
	}
	query := r.URL.Query()
	a, err := o.attempt(r, query.Get("state"))
	if err != nil {
		return refuse("another login", "This login was begun in another window, or too long ago.", err)
	}
	setCookie(w, loginCookie, "", 0)
	if said := query.Get("error"); said != "" {
		return refuse("refused by the provider", "The provider has not logged you in.",
			fmt.Errorf("%.100q: %.300q", said, query.Get("error_description")))
	}
	ctx := oidc.ClientContext(r.Context(), providerClient)
	v, err := o.redeem(ctx, query.Get("code"), a)
	switch {
	case errors.Is(err, errNotVerified) || refused(err):
		return refuse("invalid login", "Your login is not valid here.", err)
	case err != nil:
		return &Refusal{Status: http.StatusServiceUnavailable, Reason: "provider away", Err: err, Href: "/login",
			Title: "The provider of logins did not answer.",
			Next:  "Try again in a minute; the log of hub dashboard says more."}
	}
	value, err := o.sealSession(r.Context(), v)
	if err != nil {
		return err
	}
	setCookie(w, sessionCookie, value, o.cfg.Session)
	o.cfg.Log.Info("login", "viewer", v.Name, "remote", r.RemoteAddr, "principals", len(v.Principals))
	http.Redirect(w, r, a.To, http.StatusSeeOther)
	return ErrAnswered
}

// refused reports whether the provider has answered that it takes no such code. One that is
// overloaded or broken answers, too.
func refused(err error) bool {
	answer, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok {
		return false
	}
	status := answer.Response.StatusCode
	return status < 500 && status != http.StatusTooManyRequests
}

// attempt returns the login that this browser has begun with the state.
func (o *OIDC) attempt(r *http.Request, state string) (a attempt, err error) {
	switch {
	case !o.sealer.open(r, loginCookie, &a):
		err = fmt.Errorf("the browser has no cookie of a login; was the dashboard opened at %s?", o.cfg.ExternalURL)
	case !o.cfg.Now().Before(a.Until):
		err = fmt.Errorf("the login took longer than %v", loginTime)
	case subtle.ConstantTimeCompare([]byte(state), []byte(a.State)) != 1:
		err = errors.New("the login has another state")
	}
	return a, err
}

// errNotVerified says that the provider has answered, and that its answer is not good.
var errNotVerified = errors.New("the login could not be verified")

// redeem turns the code into who has logged in.
func (o *OIDC) redeem(ctx context.Context, code string, a attempt) (*Viewer, error) {
	token, err := o.login.Exchange(ctx, code, oauth2.VerifierOption(a.Verifier))
	if err != nil {
		return nil, err
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := o.verifier.Verify(ctx, raw)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNotVerified, err)
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(a.Nonce)) != 1 {
		return nil, fmt.Errorf("%w: it has another nonce", errNotVerified)
	}
	claims := map[string]any{}
	if err := id.Claims(&claims); err != nil {
		return nil, fmt.Errorf("%w: %w", errNotVerified, err)
	}
	v, err := viewer(claims, o.cfg.GroupsClaim)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNotVerified, err)
	}
	return v, nil
}

// sealSession returns the cookie of a session. One that would be too long has the principals
// that matter alone.
func (o *OIDC) sealSession(ctx context.Context, v *Viewer) (string, error) {
	s := session{Name: v.Name, Principals: v.Principals, Until: o.cfg.Now().Add(o.cfg.Session)}
	value, err := o.sealer.seal(sessionCookie, s)
	if err == nil && len(value) > maxCookie && o.cfg.Named != nil {
		if s.Principals, err = o.cfg.Named(ctx, v.Principals); err != nil {
			return "", err
		}
		value, err = o.sealer.seal(sessionCookie, s)
	}
	if err == nil && len(value) > maxCookie {
		return "", &Refusal{Status: http.StatusForbidden, Reason: "too many groups",
			Title: "You are in more groups that see accounts than a session can hold.",
			Next:  "Ask the people who run this hub for one group with all your accounts."}
	}
	return value, err
}

// end ends the session of this browser.
func (o *OIDC) end(w http.ResponseWriter, r *http.Request) error {
	if err := o.origins.Check(r); err != nil {
		return &Refusal{Status: http.StatusForbidden, Reason: "cross-origin request", Err: err,
			Title: "Another page asked to log you out.", Next: "You are still logged in. Log out here if you want to.",
			Href: "/"}
	}
	setCookie(w, sessionCookie, "", 0)
	setCookie(w, loginCookie, "", 0)
	return &Refusal{Status: http.StatusOK, Reason: "logged out", Title: "You are logged out of this dashboard.",
		Next: "Your provider may still know you: log out there, too, if others use this browser.", Href: "/login"}
}
