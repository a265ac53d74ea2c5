package access

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// KeySize is how long the key of cookies is, in bytes.
const KeySize = 32

// maxCookie is how long the value of a cookie may be: browsers keep 4,096 bytes of name,
// value and attributes.
const maxCookie = 3900

// sealer encrypts what a browser keeps for us, so that it can neither read nor change it.
type sealer struct {
	aead cipher.AEAD
	// login is who has logged people in: another dashboard may have the same key.
	login string
}

func newSealer(key []byte, login string) (sealer, error) {
	if len(key) != KeySize {
		return sealer{}, fmt.Errorf("the key of sessions has %d bytes, want %d", len(key), KeySize)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return sealer{}, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return sealer{aead, login}, err
}

// seal returns the value of the cookie with the name. No other cookie takes it.
func (s sealer) seal(name string, v any) (string, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(s.aead.Seal(nil, nil, text, s.bound(name))), nil
}

// open reads the cookie with the name into v and reports whether it is ours.
func (s sealer) open(r *http.Request, name string, v any) bool {
	cookies := r.CookiesNamed(name)
	if len(cookies) != 1 {
		return false
	}
	sealed, err := base64.RawURLEncoding.DecodeString(cookies[0].Value)
	if err != nil {
		return false
	}
	text, err := s.aead.Open(nil, nil, sealed, s.bound(name))
	return err == nil && json.Unmarshal(text, v) == nil
}

// bound is what a cookie with the name is good for.
func (s sealer) bound(name string) []byte { return fmt.Appendf(nil, "%q %s", name, s.login) }

// setCookie has the browser keep a value for this host alone, hidden from scripts; age 0
// has it forget the value.
func setCookie(w http.ResponseWriter, name, value string, age time.Duration) {
	c := &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: int(age.Seconds()), HttpOnly: true, Secure: true,
		SameSite: http.SameSiteLaxMode}
	if age == 0 {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}
