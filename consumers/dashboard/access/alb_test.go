package access

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	arn    = "arn:aws:elasticloadbalancing:eu-central-1:444455556666:loadbalancer/app/dashboard/50dc6c495c0c9188"
	issuer = "https://login.example.com"
	client = "observability"
	keyOne = "12345678-90ab-cdef-1234-567890abcdef"
)

var noon = time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)

// balancer is a load balancer that logs people in, with the server of its keys.
type balancer struct {
	*testing.T
	key    *ecdsa.PrivateKey
	gate   *ALB
	now    time.Time
	asked  atomic.Int64
	answer func(w http.ResponseWriter, id string) // nil: the key, for keyOne
}

func newBalancer(t *testing.T) *balancer {
	t.Helper()
	b := &balancer{T: t, key: newKey(t), now: noon}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.asked.Add(1)
		id := strings.TrimPrefix(r.URL.Path, "/")
		switch {
		case b.answer != nil:
			b.answer(w, id)
		case id != keyOne:
			http.NotFound(w, r)
		default:
			b.writeKey(w)
		}
	}))
	t.Cleanup(server.Close)
	gate, err := NewALB(ALBConfig{ARN: arn, Issuer: issuer, Client: client, Now: func() time.Time { return b.now }})
	if err != nil {
		t.Fatal(err)
	}
	gate.keys.url = server.URL + "/"
	b.gate = gate
	return b
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (b *balancer) writeKey(w http.ResponseWriter) {
	der, err := x509.MarshalPKIXPublicKey(&b.key.PublicKey)
	if err != nil {
		b.Error(err)
	}
	pem.Encode(w, &pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// values are members of a JSON object.
type values = map[string]any

// token signs a token with what differs from a good one; nil leaves a member out.
func (b *balancer) token(encoding *base64.Encoding, header, claims values) string {
	b.Helper()
	all := func(own, other values) string {
		for name, v := range other {
			own[name] = v
			if v == nil {
				delete(own, name)
			}
		}
		text, err := json.Marshal(own)
		if err != nil {
			b.Fatal(err)
		}
		return encoding.EncodeToString(text)
	}
	text := all(values{"alg": "ES256", "typ": "JWT", "kid": keyOne, "signer": arn, "iss": issuer, "client": client,
		"exp": noon.Add(2 * time.Minute).Unix()}, header) + "." +
		all(values{"sub": "8f0c", "email": "alice@example.com", "email_verified": "true", "groups": []string{"payments"},
			"iss": issuer, "exp": noon.Add(2 * time.Minute).Unix()}, claims)
	return text + "." + encoding.EncodeToString(b.sign(text))
}

func (b *balancer) sign(text string) []byte {
	b.Helper()
	sum := sha256.Sum256([]byte(text))
	r, s, err := ecdsa.Sign(rand.Reader, b.key, sum[:])
	if err != nil {
		b.Fatal(err)
	}
	return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
}

func (b *balancer) admit(tokens ...string) (*Viewer, error) {
	r := httptest.NewRequest(http.MethodGet, "/costs", nil)
	for _, token := range tokens {
		r.Header.Add("X-Amzn-Oidc-Data", token)
	}
	return b.gate.Admit(httptest.NewRecorder(), r)
}

// refused wants nobody, and a status.
func (b *balancer) refused(what string, status int, tokens ...string) {
	b.Helper()
	v, err := b.admit(tokens...)
	refusal, ok := errors.AsType[*Refusal](err)
	if v != nil || !ok || refusal.Status != status {
		b.Errorf("%s: %+v, %v, want status %d", what, v, err, status)
	}
}

func TestALBAdmits(t *testing.T) {
	b := newBalancer(t)
	for name, encoding := range map[string]*base64.Encoding{"padded": base64.URLEncoding,
		"as the standard says": base64.RawURLEncoding} {
		for _, subject := range []string{"a", "ab", "abc"} { // every length of padding
			v, err := b.admit(b.token(encoding, nil, values{"sub": subject}))
			want := []string{"user:" + subject, "user:alice@example.com", "group:payments"}
			if err != nil || v.Name != "alice@example.com" || !slices.Equal(v.Principals, want) {
				t.Errorf("%s: %+v, %v", name, v, err)
			}
		}
	}
	if n := b.asked.Load(); n != 1 {
		t.Errorf("asked %d times for one key", n)
	}
	for _, exp := range []any{noon.Add(time.Minute).Unix(), fmt.Sprint(noon.Add(time.Minute).Unix()),
		noon.Add(-9 * time.Second).Unix()} {
		if _, err := b.admit(b.token(base64.URLEncoding, values{"exp": exp}, values{"exp": nil, "iss": nil})); err != nil {
			t.Errorf("exp %v: %v", exp, err)
		}
	}
}

// TestALBRefuses: what differs in one thing from a good token is no login.
func TestALBRefuses(t *testing.T) {
	b := newBalancer(t)
	good := b.token(base64.URLEncoding, nil, nil)
	if _, err := b.admit(good); err != nil {
		t.Fatal(err)
	}
	b.refused("no header", http.StatusUnauthorized)
	b.refused("an empty header", http.StatusUnauthorized, "")
	b.refused("two headers", http.StatusUnauthorized, good, good)
	for _, text := range []string{"x", "..", "a.b.c", good + ".", good[:len(good)-8], " " + good,
		strings.Repeat("a.", 5000)} {
		b.refused(fmt.Sprintf("%.20s", text), http.StatusUnauthorized, text)
	}
	past := noon.Add(-11 * time.Second).Unix()
	for _, header := range []values{
		{"signer": nil}, {"signer": ""}, {"signer": strings.Replace(arn, "4444", "1111", 1)}, {"signer": []string{arn}},
		{"iss": nil}, {"iss": issuer + "/"}, {"iss": "https://evil.example"},
		{"client": nil}, {"client": "other"}, {"client": ""},
		{"exp": nil}, {"exp": past}, {"exp": fmt.Sprint(past)}, {"exp": "never"}, {"exp": "NaN"}, {"exp": values{}},
		{"exp": true},
		{"kid": nil}, {"kid": ""}, {"kid": "../x"}, {"kid": keyOne + "/../x"}, {"kid": keyOne + "\n"}, {"kid": 1},
		{"kid": "00000000-0000-0000-0000-000000000000"},
		{"alg": nil}, {"alg": "none"}, {"alg": "None"}, {"alg": "HS256"}, {"alg": "ES384"}, {"alg": "RS256"},
	} {
		b.refused(fmt.Sprint(header), http.StatusUnauthorized, b.token(base64.URLEncoding, header, nil))
	}
	for _, claims := range []values{
		{"exp": past}, {"exp": "soon"}, {"nbf": noon.Add(time.Minute).Unix()}, {"iss": "https://evil.example"}, {"iss": 1},
		{"sub": nil}, {"sub": ""}, {"sub": 5}, {"sub": "a\x00b"}, {"sub": strings.Repeat("x", 256)},
	} {
		b.refused(fmt.Sprint(claims), http.StatusUnauthorized, b.token(base64.URLEncoding, nil, claims))
	}

	parts := strings.Split(good, ".")
	unsigned := b.token(base64.URLEncoding, values{"alg": "none"}, nil)
	b.refused("no signature", http.StatusUnauthorized, unsigned[:strings.LastIndex(unsigned, ".")+1])
	other := strings.Split(b.token(base64.URLEncoding, nil, values{"sub": "admin"}), ".")
	b.refused("claims of another token", http.StatusUnauthorized, parts[0]+"."+other[1]+"."+parts[2])
	der, err := x509.MarshalPKIXPublicKey(&b.key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	symmetric := strings.Split(b.token(base64.URLEncoding, values{"alg": "HS256"}, nil), ".")
	mac := hmac.New(sha256.New, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	mac.Write([]byte(symmetric[0] + "." + symmetric[1]))
	b.refused("the public key as a secret", http.StatusUnauthorized,
		symmetric[0]+"."+symmetric[1]+"."+base64.URLEncoding.EncodeToString(mac.Sum(nil)))
	b.key = newKey(t)
	b.refused("another signer's key", http.StatusUnauthorized, b.token(base64.URLEncoding, nil, nil))
	if n := b.asked.Load(); n != 2 { // of the key, and of the one that is not there
		t.Errorf("asked %d times for keys", n)
	}
}

// TestGroups: what no rule could name is not taken for somebody.
func TestGroups(t *testing.T) {
	for _, test := range []struct {
		claims values
		want   []string
	}{
		{values{"sub": "1"}, []string{"user:1"}},
		{values{"sub": "1", "email": "a@b"}, []string{"user:1"}},
		{values{"sub": "1", "email": "a@b", "email_verified": false}, []string{"user:1"}},
		{values{"sub": "1", "email": "a@b", "email_verified": "false"}, []string{"user:1"}},
		{values{"sub": "1", "email": "a@b", "email_verified": true}, []string{"user:1", "user:a@b"}},
		{values{"sub": "1", "groups": "/pay ments"}, []string{"user:1", "group:/pay ments"}},
		{values{"sub": "1", "groups": []any{"a", 5, "", "b\nc", nil, []any{"d"}, strings.Repeat("x", 256), "ü"}},
			[]string{"user:1", "group:a", "group:ü"}},
		{values{"sub": "1", "groups": values{"a": true}}, []string{"user:1"}},
		{values{"sub": "1", "cognito:groups": []any{"a"}}, []string{"user:1"}},
	} {
		v, err := viewer(test.claims, "groups")
		if err != nil || !slices.Equal(v.Principals, test.want) {
			t.Errorf("%v: %+v, %v, want %q", test.claims, v, err, test.want)
		}
	}
}

func TestKeysAreKept(t *testing.T) {
	b := newBalancer(t)
	good := b.token(base64.URLEncoding, nil, nil)
	b.answer = func(w http.ResponseWriter, _ string) { w.WriteHeader(http.StatusBadGateway) }
	for _, at := range []time.Duration{0, time.Second, 59 * time.Second} {
		b.now = noon.Add(at)
		b.refused("the server of keys is away", http.StatusServiceUnavailable, good)
	}
	if n := b.asked.Load(); n != 1 {
		t.Errorf("asked %d times within a minute of a failure", n)
	}
	b.answer = nil
	b.now = noon.Add(61 * time.Second)
	if _, err := b.admit(good); err != nil {
		t.Errorf("a minute later: %v", err)
	}
	b.answer = func(w http.ResponseWriter, _ string) { w.WriteHeader(http.StatusBadGateway) }
	// Ids that nobody knows do not push out the key, and are not kept without end.
	for i := range 100 {
		id := fmt.Sprintf("00000000-0000-0000-0000-%012d", i)
		b.refused("an unknown key", http.StatusServiceUnavailable, b.token(base64.URLEncoding, values{"kid": id}, nil))
	}
	asked := b.asked.Load()
	if _, err := b.admit(good); err != nil || b.asked.Load() != asked || len(b.gate.keys.known) > keysKept {
		t.Errorf("%v, %d keys, asked %d times more", err, len(b.gate.keys.known), b.asked.Load()-asked)
	}
	b.now = b.now.Add(time.Hour + time.Second)
	fresh := b.token(base64.URLEncoding, values{"exp": b.now.Add(time.Minute).Unix()}, values{"exp": nil})
	b.refused("the key is too old to be believed", http.StatusServiceUnavailable, fresh)

	for name, answer := range map[string]func(http.ResponseWriter, string){
		"no PEM": func(w http.ResponseWriter, _ string) { fmt.Fprint(w, "<html>") },
		"no key": func(w http.ResponseWriter, _ string) {
			pem.Encode(w, &pem.Block{Type: "PUBLIC KEY", Bytes: []byte("x")})
		},
		"a long text": func(w http.ResponseWriter, _ string) { fmt.Fprint(w, strings.Repeat("x", 1<<20)) },
		"elsewhere":   nil,
	} {
		b := newBalancer(t)
		b.answer = answer
		if answer == nil {
			b.answer = func(w http.ResponseWriter, id string) {
				if id == "there" {
					b.writeKey(w)
				}
				w.Header().Set("Location", "/there")
				w.WriteHeader(http.StatusFound)
			}
		}
		b.refused(name, http.StatusServiceUnavailable, b.token(base64.URLEncoding, nil, nil))
	}
}

// TestSlowKeys: those who ask for one key wait for one answer, only so many are asked for at
// a time, and a key that is known stays.
func TestSlowKeys(t *testing.T) {
	b := newBalancer(t)
	good := b.token(base64.URLEncoding, nil, nil)
	if _, err := b.admit(good); err != nil {
		t.Fatal(err)
	}
	const slow = keysKept - 1
	began, release := make(chan struct{}, keysKept*2), make(chan struct{})
	free := sync.OnceFunc(func() { close(release) })
	t.Cleanup(free) // before the server waits for its answers
	b.answer = func(w http.ResponseWriter, _ string) {
		began <- struct{}{}
		<-release
		b.writeKey(w)
	}
	results := make(chan error, keysKept*2)
	for i := range slow * 2 {
		id := fmt.Sprintf("00000000-0000-0000-0000-%012d", i/2)
		token := b.token(base64.URLEncoding, values{"kid": id}, nil)
		go func() {
			_, err := b.admit(token)
			results <- err
		}()
	}
	for range slow {
		select {
		case <-began:
		case err := <-results:
			t.Fatal(err)
		}
	}
	b.refused("one more", http.StatusServiceUnavailable,
		b.token(base64.URLEncoding, values{"kid": "ffffffff-ffff-ffff-ffff-ffffffffffff"}, nil))
	if _, err := b.admit(good); err != nil {
		t.Error(err)
	}
	free()
	for range slow * 2 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	if n := b.asked.Load(); n != keysKept {
		t.Errorf("asked %d times", n)
	}
}

func TestALBConfiguration(t *testing.T) {
	for _, cfg := range []ALBConfig{
		{}, {ARN: arn}, {ARN: arn, Issuer: issuer}, {ARN: arn, Client: client},
		{ARN: strings.Replace(arn, "/app/", "/net/", 1), Issuer: issuer, Client: client},
		{ARN: strings.Replace(arn, "eu-central-1", "evil.example/", 1), Issuer: issuer, Client: client},
		{ARN: "x" + arn, Issuer: issuer, Client: client}, {ARN: arn + "\n", Issuer: issuer, Client: client},
	} {
		if _, err := NewALB(cfg); err == nil {
			t.Errorf("%+v is taken", cfg)
		}
	}
	for region, want := range map[string]string{
		arn: "https://public-keys.auth.elb.eu-central-1.amazonaws.com/",
		strings.NewReplacer("arn:aws:", "arn:aws-us-gov:", "eu-central-1", "us-gov-west-1").Replace(arn):// in buckets
		"https://s3-us-gov-west-1.amazonaws.com/aws-elb-public-keys-prod-us-gov-west-1/",
	} {
		gate, err := NewALB(ALBConfig{ARN: region, Issuer: issuer, Client: client})
		if err != nil || gate.keys.url != want {
			t.Errorf("%s: %v", region, err)
		}
	}
}

// TestPublic: health checks of a load balancer have no token; what they get tells nothing.
func TestPublic(t *testing.T) {
	b := newBalancer(t)
	for path, public := range map[string]bool{"/healthz": true, "/static/app.css": true, "/": false, "/healthz/x": false,
		"/readyz": false, "/static": false} {
		v, err := b.gate.Admit(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, path, nil))
		if (err == nil) != public || public && len(v.Principals) > 0 {
			t.Errorf("%s: %+v, %v", path, v, err)
		}
	}
	// A path is not cleaned before the gate sees it.
	r := httptest.NewRequest(http.MethodGet, "/static/../costs", nil)
	if v, err := b.gate.Admit(httptest.NewRecorder(), r); err == nil && len(v.Principals) > 0 {
		t.Errorf("%+v", v)
	}
}

func FuzzALB(f *testing.F) {
	gate, err := NewALB(ALBConfig{ARN: arn, Issuer: issuer, Client: client, Now: func() time.Time { return noon }})
	if err != nil {
		f.Fatal(err)
	}
	gate.keys.url = "http://127.0.0.1:1/"
	f.Add("eyJhbGciOiJFUzI1NiJ9.e30.AA")
	f.Add("eyJhbGciOiJub25lIn0=.e30=.")
	f.Fuzz(func(t *testing.T, token string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header["X-Amzn-Oidc-Data"] = []string{token}
		if v, err := gate.Admit(httptest.NewRecorder(), r); err == nil {
			t.Errorf("%q is %+v", token, v)
		}
	})
}
