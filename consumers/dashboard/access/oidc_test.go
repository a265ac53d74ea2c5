package access

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/hubspoke/observability/consumers/dashboard/access/oidctest"
)

// desk is a dashboard that logs people in, and a browser that keeps its cookies.
type desk struct {
	*testing.T
	*httptest.Server
	provider *oidctest.Provider
	gate     *OIDC
	now      time.Time
	browser  *http.Client
}

func newDesk(t *testing.T, change func(*OIDCConfig)) *desk {
	t.Helper()
	d := &desk{T: t, provider: oidctest.New(t, func() time.Time { return noon }), now: noon}
	d.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v, err := d.gate.Admit(w, r)
		refusal, refused := errors.AsType[*Refusal](err)
		switch {
		case errors.Is(err, ErrAnswered):
		case refused:
			http.Error(w, refusal.Reason+" → "+refusal.Href, refusal.Status)
		case err != nil:
			http.Error(w, err.Error(), http.StatusInternalServerError)
		default:
			fmt.Fprintf(w, "%s %s: %s", r.URL.RequestURI(), v.Name, strings.Join(v.Principals, " "))
		}
	}))
	t.Cleanup(d.Close)
	cfg := OIDCConfig{Issuer: d.provider.URL, Client: oidctest.Client, Secret: oidctest.Secret, ExternalURL: d.URL,
		Session: 8 * time.Hour, Key: bytes.Repeat([]byte("k"), KeySize), Now: func() time.Time { return d.now }}
	if change != nil {
		change(&cfg)
	}
	gate, err := NewOIDC(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	gate.limits.lift()
	d.gate, d.browser = gate, d.newBrowser()
	return d
}

func (d *desk) newBrowser() *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		d.Fatal(err)
	}
	return &http.Client{Transport: d.Client().Transport, Jar: jar}
}

// do sends a request and wants a status and a text.
func (d *desk) do(r *http.Request, status int, want string) *http.Response {
	d.Helper()
	answer, err := d.browser.Do(r)
	if err != nil {
		d.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != status || !strings.Contains(string(body), want) {
		d.Errorf("%s %s: %s, %v: %s, want %d: %s", r.Method, r.URL, answer.Status, err, body, status, want)
	}
	return answer
}

func (d *desk) request(method, path string, header ...string) *http.Request {
	d.Helper()
	r, err := http.NewRequestWithContext(d.Context(), method, d.URL+path, nil)
	if err != nil {
		d.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	return r
}

func (d *desk) get(path string, status int, want string) *http.Response {
	d.Helper()
	return d.do(d.request(http.MethodGet, path), status, want)
}

// begin begins a login and returns where it leads.
func (d *desk) begin() *url.URL {
	d.Helper()
	d.browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	defer func() { d.browser.CheckRedirect = nil }()
	to, err := d.get("/login", http.StatusSeeOther, "").Location()
	if err != nil {
		d.Fatal(err)
	}
	return to
}

func TestLogIn(t *testing.T) {
	d := newDesk(t, nil)
	const alice = "alice@example.com: user:8f0c user:alice@example.com group:payments group:auditors"
	d.get("/costs?account=1&service=a%26b", http.StatusOK, "/costs?account=1&service=a%26b "+alice)
	d.get("/", http.StatusOK, "/ "+alice)
	d.get("/login", http.StatusOK, "/ "+alice)

	for _, c := range d.browser.Jar.Cookies(must(url.Parse(d.URL))) {
		if strings.Contains(c.Value, "alice") || c.Name != sessionCookie {
			t.Errorf("the browser keeps %v", c)
		}
	}
	d.now = noon.Add(8*time.Hour - time.Second)
	d.get("/", http.StatusOK, alice)
	d.now = noon.Add(8 * time.Hour)
	r := d.request(http.MethodGet, "/costs?a=b", "Sec-Fetch-Site", "same-origin")
	d.do(r, http.StatusUnauthorized, "no session → /login?to=%2Fcosts%3Fa%3Db")
	d.do(d.request(http.MethodHead, "/"), http.StatusUnauthorized, "")
	d.do(d.request(http.MethodPost, "/costs"), http.StatusUnauthorized, "no session")
	d.get("/healthz", http.StatusOK, "/healthz : ")
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestCookies(t *testing.T) {
	d := newDesk(t, nil)
	var session string
	d.browser.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		for _, set := range r.Response.Header.Values("Set-Cookie") {
			if !strings.Contains(set, "Max-Age=0") {
				for _, want := range []string{"__Host-hub", "; Path=/", "; HttpOnly", "; Secure", "; SameSite=Lax", "; Max-Age="} {
					if !strings.Contains(set, want) || strings.Contains(set, "Domain") {
						t.Errorf("%s: want %s", set, want)
					}
				}
			}
			if value, ok := strings.CutPrefix(set, sessionCookie+"="); ok {
				session, _, _ = strings.Cut(value, ";")
			}
		}
		return nil
	}
	d.get("/", http.StatusOK, "alice")
	if session == "" {
		t.Fatal("no session")
	}
	admitted := func(cookies ...string) bool {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		for _, value := range cookies {
			r.AddCookie(&http.Cookie{Name: sessionCookie, Value: value})
		}
		v, err := d.gate.Admit(httptest.NewRecorder(), r)
		return v != nil && err == nil
	}
	if !admitted(session) {
		t.Error("a session is not taken")
	}
	otherKey := must(newSealer(bytes.Repeat([]byte("l"), KeySize), d.gate.sealer.login))
	bad := []string{"", "x", session + "A", session[1:], session[:len(session)-1], session[:20], strings.ToLower(session),
		base64.RawURLEncoding.EncodeToString([]byte(`{"Name":"admin","Principals":["user:admin"],"Until":"2030-01-01T00:00:00Z"}`)),
		must(otherKey.seal(sessionCookie, sessionOf(d.now))),
		must(d.gate.sealer.seal(loginCookie, sessionOf(d.now))), // of another cookie
		must(d.gate.sealer.seal(sessionCookie, "text")), must(d.gate.sealer.seal(sessionCookie, values{})),
		must(d.gate.sealer.seal(sessionCookie, sessionOf(d.now.Add(-9*time.Hour))))}
	for i := range session { // each character counts, but for bits that base64 has too many
		if i < len(session)-1 {
			bad = append(bad, session[:i]+string('A'+(session[i]+1)%26)+session[i+1:])
		}
	}
	for _, value := range bad {
		if value != session && admitted(value) {
			t.Errorf("%s is a session", value)
		}
	}
	for _, change := range []func(*OIDCConfig){ // of another dashboard that was given the same key
		func(cfg *OIDCConfig) { cfg.Client = "other" },
		func(cfg *OIDCConfig) { cfg.Issuer = oidctest.New(t, time.Now).URL },
	} {
		cfg := d.gate.cfg
		change(&cfg)
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.AddCookie(&http.Cookie{Name: sessionCookie, Value: session})
		if v, err := must(NewOIDC(t.Context(), cfg)).Admit(httptest.NewRecorder(), r); v != nil || err == nil {
			t.Errorf("a session of client %s of %s is one of client %s of %s", d.gate.cfg.Client, d.gate.cfg.Issuer, cfg.Client,
				cfg.Issuer)
		}
	}
	if admitted(session, session) {
		t.Error("two cookies are a session")
	}
	seal := func() string { return must(d.gate.sealer.seal(sessionCookie, sessionOf(d.now))) }
	if first := seal(); first == seal() {
		t.Error("a nonce is used twice")
	}
}

func sessionOf(at time.Time) session {
	return session{Name: "admin", Principals: []string{"user:admin"}, Until: at.Add(8 * time.Hour)}
}

func TestKeyOfSessions(t *testing.T) {
	for _, n := range []int{0, 16, 24, 31, 33, 64} {
		if _, err := newSealer(make([]byte, n), ""); err == nil {
			t.Errorf("a key of %d bytes is taken", n)
		}
	}
}

// TestCallback: what was not begun in this browser, or comes with another state, nonce or
// verifier, is no login.
func TestCallback(t *testing.T) {
	d := newDesk(t, nil)
	callback := func(state string) string {
		return "/callback?" + url.Values{"code": {oidctest.Code}, "state": {state}}.Encode()
	}
	d.get("/callback", http.StatusForbidden, "another login")
	d.get(callback(""), http.StatusForbidden, "another login")

	state := d.begin().Query().Get("state")
	mine := d.browser
	d.browser = d.newBrowser()
	d.get(callback(state), http.StatusForbidden, "another login") // as an attacker has a victim log in as the attacker
	d.browser = mine
	d.get(callback(state+"x"), http.StatusForbidden, "another login")
	d.get(callback(""), http.StatusForbidden, "another login")
	d.now = d.now.Add(loginTime)
	d.get(callback(state), http.StatusForbidden, "another login")
	d.now = noon

	// A login that was begun later in the same browser is the one that counts.
	d.begin()
	d.get(callback(state), http.StatusForbidden, "another login")

	to := d.begin().Query()
	d.provider.Challenge, d.provider.Nonce = "another verifier's", to.Get("nonce")
	d.get(callback(to.Get("state")), http.StatusForbidden, "invalid login")
	d.get(callback(to.Get("state")), http.StatusForbidden, "another login") // a state is good once

	to = d.begin().Query()
	d.provider.Challenge, d.provider.Nonce = to.Get("code_challenge"), "another"
	d.get(callback(to.Get("state")), http.StatusForbidden, "invalid login")

	to = d.begin().Query()
	d.provider.Challenge, d.provider.Nonce = to.Get("code_challenge"), to.Get("nonce")
	d.get("/callback?"+url.Values{"code": {"other"}, "state": {to.Get("state")}}.Encode(), http.StatusForbidden,
		"invalid login")

	to = d.begin().Query()
	d.get("/callback?"+url.Values{"error": {"access_denied<script>"}, "state": {to.Get("state")}}.Encode(),
		http.StatusForbidden, "refused by the provider")
	d.do(d.request(http.MethodPost, "/callback"), http.StatusMethodNotAllowed, "")
	d.do(d.request(http.MethodPost, "/login"), http.StatusMethodNotAllowed, "")
	d.do(d.request(http.MethodGet, "/costs", "Sec-Fetch-Site", "same-origin"), http.StatusUnauthorized, "")
}

// TestWhyNotOurs: the log says what is wrong with a login that was not begun like this.
func TestWhyNotOurs(t *testing.T) {
	d := newDesk(t, nil)
	cookie := func(state string, until time.Time) *http.Cookie {
		value := must(d.gate.sealer.seal(loginCookie, attempt{State: state, Until: until}))
		return &http.Cookie{Name: loginCookie, Value: value}
	}
	for want, cookies := range map[string][]*http.Cookie{
		"opened at " + d.URL: nil,
		"longer than 10m0s":  {cookie("s", noon)},
		"another state":      {cookie("other", noon.Add(time.Minute))},
	} {
		r := httptest.NewRequest(http.MethodGet, "/callback?state=s&code=c", nil)
		for _, c := range cookies {
			r.AddCookie(c)
		}
		if _, err := d.gate.Admit(httptest.NewRecorder(), r); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestTokensOfTheProvider(t *testing.T) {
	d := newDesk(t, nil)
	for _, claims := range []values{
		{"iss": "https://evil.example"}, {"iss": nil}, {"aud": "other"}, {"aud": nil}, {"aud": []string{"other"}},
		{"exp": noon.Add(-time.Second).Unix()}, {"exp": nil}, {"nbf": noon.Add(time.Hour).Unix()},
		{"nonce": nil}, {"nonce": ""}, {"sub": nil}, {"sub": ""},
	} {
		d.provider.Claims = claims
		d.get("/", http.StatusForbidden, "invalid login → /login")
	}
	d.provider.Claims = values{}
	for _, method := range []jwt.SigningMethod{jwt.SigningMethodNone, jwt.SigningMethodHS256, jwt.SigningMethodRS512} {
		d.provider.Method = method
		d.get("/", http.StatusForbidden, "invalid login")
	}
	d.provider.Method = jwt.SigningMethodRS256
	signer := d.provider.Key
	d.provider.Key = must(rsa.GenerateKey(rand.Reader, 2048))
	d.get("/", http.StatusForbidden, "invalid login")
	d.provider.Key = signer

	answer := func(h http.HandlerFunc) { d.provider.Answer.Store(&h) }
	answer(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"access_token":"a","token_type":"Bearer"}`)
	})
	d.get("/", http.StatusForbidden, "invalid login")
	answer(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	d.get("/", http.StatusServiceUnavailable, "provider away")
	answer(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	d.get("/", http.StatusServiceUnavailable, "provider away")
	answer(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) })
	d.get("/", http.StatusServiceUnavailable, "provider away")
	d.provider.Answer.Store(nil)
	d.get("/", http.StatusOK, "alice")
}

// TestReturn: after the login nobody is led to another host.
func TestReturn(t *testing.T) {
	for address, want := range map[string]string{
		"/": "/", "/costs?account=1&b=%0a%5c": "/costs?account=1&b=%0a%5c", "/accounts/1#x": "/accounts/1#x",
		"/a//b": "/a//b",
		"":      "/", "costs": "/", "//evil.example": "/", "///evil.example": "/", `/\evil.example`: "/", `\\evil.example`: "/",
		"/\t/evil.example": "/", "\t//evil.example": "/", " //evil.example": "/", "/\n/evil.example": "/",
		"https://evil.example": "/",
		"javascript:alert(1)":  "/", "http:/evil.example": "/", "/ü": "/", "/" + strings.Repeat("x", maxReturn): "/",
	} {
		if got := local(address); got != want {
			t.Errorf("%q leads to %q, want %q", address, got, want)
		}
	}
	d := newDesk(t, nil)
	for _, to := range []string{"//evil.example/", `/\evil.example/`, "https://evil.example/"} {
		d.browser = d.newBrowser()
		d.get("/login?"+url.Values{"to": {to}}.Encode(), http.StatusOK, "/ alice")
	}
	d.browser = d.newBrowser()
	d.get("//evil.example/", http.StatusOK, "/ alice")
}

func TestLogOut(t *testing.T) {
	d := newDesk(t, nil)
	d.get("/", http.StatusOK, "alice")
	for _, header := range [][]string{
		{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example"},
		{"Origin", "null"},
	} {
		d.do(d.request(http.MethodPost, "/logout", header...), http.StatusForbidden, "cross-origin request")
	}
	d.do(d.request(http.MethodGet, "/logout"), http.StatusMethodNotAllowed, "wrong method")
	d.get("/", http.StatusOK, "alice")
	d.do(d.request(http.MethodPost, "/logout", "Sec-Fetch-Site", "same-origin", "Origin", d.URL), http.StatusOK,
		"logged out → /login")
	d.do(d.request(http.MethodGet, "/", "Sec-Fetch-Site", "same-origin"), http.StatusUnauthorized, "no session")
}

// TestManyGroups: a session fits into a cookie, with the groups that matter.
func TestManyGroups(t *testing.T) {
	var asked int
	d := newDesk(t, func(cfg *OIDCConfig) {
		cfg.Named = func(_ context.Context, principals []string) ([]string, error) {
			asked = len(principals)
			return slices.DeleteFunc(principals, func(p string) bool { return strings.HasPrefix(p, "group:no") }), nil
		}
	})
	groups := func(name string, n int) (all []string) {
		for i := range n {
			all = append(all, fmt.Sprintf("%s-%036d", name, i))
		}
		return all
	}
	d.provider.Claims = values{"groups": append(groups("no", 500), groups("yes", 3)...)}
	d.get("/", http.StatusOK, "group:yes-"+fmt.Sprintf("%036d", 2))
	if asked != 505 {
		t.Errorf("asked about %d principals", asked)
	}
	d.browser, asked = d.newBrowser(), 0
	d.provider.Claims = values{"groups": groups("no", 20)}
	d.get("/", http.StatusOK, "group:no-")
	if asked != 0 {
		t.Error("what fits was asked about")
	}
	d.browser = d.newBrowser()
	d.provider.Claims = values{"groups": groups("yes", 500)}
	d.get("/", http.StatusForbidden, "too many groups")
}

func TestProviderIsNeeded(t *testing.T) {
	p := oidctest.New(t, time.Now)
	cfg := OIDCConfig{Issuer: p.URL + "/other", Client: oidctest.Client, ExternalURL: "https://dashboard.example.com",
		Key: make([]byte, KeySize)}
	want := "ask " + p.URL + "/other for its configuration"
	if _, err := NewOIDC(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), want) {
		t.Error(err)
	}
	cfg.ExternalURL = "https://dashboard.example.com/path"
	if _, err := NewOIDC(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "external address") {
		t.Error(err)
	}
}

func FuzzReturn(f *testing.F) {
	for _, seed := range []string{"/", "//x", `/\x`, "/\t/x", "/%2f/x", "/..//x", "/.//x", "/x?y#z", "http://x"} {
		f.Add(seed)
	}
	base := must(url.Parse("https://dashboard.example.com/login"))
	f.Fuzz(func(t *testing.T, address string) {
		w := httptest.NewRecorder()
		http.Redirect(w, httptest.NewRequest(http.MethodGet, "/callback", nil), local(address), http.StatusSeeOther)
		to, err := base.Parse(w.Header().Get("Location"))
		if err != nil || to.Host != base.Host || to.Scheme != base.Scheme ||
			strings.HasPrefix(w.Header().Get("Location"), "//") {
			t.Errorf("%q leads to %v, %v", address, to, err)
		}
	})
}
