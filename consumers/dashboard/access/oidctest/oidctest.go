// Package oidctest has a provider of OpenID Connect, for tests.
package oidctest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// What the provider knows of its one client, and the code of each login.
const (
	Client = "observability"
	Secret = "s&"
	Code   = "the code"
)

// Provider logs everybody in at once, as one person: alice@example.com with the subject 8f0c,
// of the groups payments and auditors. Its fields may be changed between logins.
type Provider struct {
	*httptest.Server
	// Key signs tokens, by Method: RS256.
	Key    *rsa.PrivateKey
	Method jwt.SigningMethod
	// Claims are in place of those of a good token; nil leaves one out.
	Claims map[string]any
	// Challenge and Nonce are those of the last login.
	Challenge, Nonce string
	// Answer is given in place of a token; nil: a token.
	Answer atomic.Pointer[http.HandlerFunc]

	t   testing.TB
	now func() time.Time
}

// New starts a provider, which ends with the test. now is the clock of its tokens.
func New(t testing.TB, now func() time.Time) *Provider {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p := &Provider{Key: key, Method: jwt.SigningMethodRS256, t: t, now: now}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		p.answer(w, map[string]any{"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize",
			"token_endpoint": p.URL + "/token", "jwks_uri": p.URL + "/keys", "scopes_supported": []string{"openid", "groups"},
			"id_token_signing_alg_values_supported": []string{"RS256", "HS256", "none"}})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		p.answer(w, map[string]any{"keys": []map[string]any{{"kty": "RSA", "alg": "RS256", "use": "sig",
			"kid": "1", "n": base64.RawURLEncoding.EncodeToString(key.N.Bytes()), "e": "AQAB"}}})
	})
	mux.HandleFunc("GET /authorize", func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		if q.Get("client_id") != Client || q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" ||
			q.Get("scope") != "openid email profile groups" {
			t.Errorf("asked for %s", r.URL)
		}
		p.Challenge, p.Nonce = q.Get("code_challenge"), q.Get("nonce")
		http.Redirect(w, r, q.Get("redirect_uri")+"?"+url.Values{"code": {Code}, "state": {q.Get("state")}}.Encode(),
			http.StatusFound)
	})
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		if answer := p.Answer.Load(); answer != nil {
			(*answer)(w, r)
			return
		}
		sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
		id, secret, _ := r.BasicAuth()
		if base64.RawURLEncoding.EncodeToString(sum[:]) != p.Challenge || r.FormValue("code") != Code || id != Client ||
			secret != url.QueryEscape(Secret) {
			w.WriteHeader(http.StatusBadRequest)
			p.answer(w, map[string]any{"error": "invalid_grant"})
			return
		}
		w.Header().Set("Content-Type", "application/json")
		p.answer(w, map[string]any{"access_token": "a", "token_type": "Bearer", "id_token": p.token()})
	})
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

// answer writes JSON.
func (p *Provider) answer(w http.ResponseWriter, v map[string]any) {
	if err := json.NewEncoder(w).Encode(v); err != nil {
		p.t.Errorf("answer %v: %v", v, err)
	}
}

func (p *Provider) token() string {
	claims := jwt.MapClaims{"iss": p.URL, "aud": Client, "sub": "8f0c", "nonce": p.Nonce,
		"exp": p.now().Add(time.Hour).Unix(), "email": "alice@example.com", "email_verified": true,
		"groups": []string{"payments", "auditors"}}
	maps.Copy(claims, p.Claims)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	token := jwt.NewWithClaims(p.Method, claims)
	token.Header["kid"] = "1"
	var key any = p.Key
	switch p.Method {
	case jwt.SigningMethodNone:
		key = jwt.UnsafeAllowNoneSignatureType
	case jwt.SigningMethodHS256:
		key = p.Key.N.Bytes()
	}
	text, err := token.SignedString(key)
	if err != nil {
		p.t.Error(err)
	}
	return text
}
