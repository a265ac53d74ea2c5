package access

import (
	"context"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

const (
	// keyTimeout is how long a key is waited for.
	keyTimeout = 2 * time.Second
	// keysKept is how many keys are known at a time, and failures to read one.
	keysKept = 16
	// keyAge is how long a key is believed, failureAge how long nobody asks again for one that
	// could not be read.
	keyAge     = time.Hour
	failureAge = time.Minute
	// keySize is how long the answer with a key may be, in bytes.
	keySize = 4 << 10
)

// errKeysAway says that nobody can tell whether a token is valid.
var errKeysAway = errors.New("the key could not be read")

// keys are public keys of a load balancer, by their ids.
type keys struct {
	url string // of a key, without its id
	now func() time.Time

	mu    sync.Mutex
	known map[string]*key
}

// key is one that is read until done is closed. Nothing changes it later.
type key struct {
	done   chan struct{}
	public *ecdsa.PublicKey
	err    error
	until  time.Time
}

// get returns a key. Those who ask for the same one wait for one answer.
func (k *keys) get(ctx context.Context, id string) (*ecdsa.PublicKey, error) {
	k.mu.Lock()
	found := k.known[id]
	if found == nil || found.isRead() && k.now().After(found.until) {
		if !k.makeRoom(id) {
			k.mu.Unlock()
			return nil, fmt.Errorf("%w: %d others are being read", errKeysAway, keysKept)
		}
		found = &key{done: make(chan struct{})}
		k.known[id] = found
		go func() {
			defer close(found.done)
			found.public, found.err = k.read(id)
			found.until = k.now().Add(keyAge)
			if found.err != nil {
				found.until = k.now().Add(failureAge)
			}
		}()
	}
	k.mu.Unlock()
	select {
	case <-found.done:
		return found.public, found.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (k *key) isRead() bool {
	select {
	case <-k.done:
		return true
	default:
		return false
	}
}

// makeRoom reports whether there is room for the key with the id. It forgets what is to be
// asked for again soonest: unknown ids must not push out a key that is in use.
func (k *keys) makeRoom(id string) bool {
	if k.known == nil {
		k.known = map[string]*key{}
	}
	delete(k.known, id)
	if len(k.known) < keysKept {
		return true
	}
	oldest, reading := "", false
	for other, o := range k.known {
		switch {
		case !o.isRead():
			reading = true
		case oldest == "" || o.until.Before(k.known[oldest].until): // failures are first
			oldest = other
		}
	}
	if oldest == "" || reading && k.known[oldest].err == nil {
		return false
	}
	delete(k.known, oldest)
	return true
}

// keyClient follows no redirect: the key stands where it is asked for, or nowhere.
var keyClient = &http.Client{
	Timeout:       keyTimeout,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// read asks for a key.
func (k *keys) read(id string) (*ecdsa.PublicKey, error) {
	answer, err := keyClient.Get(k.url + id)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errKeysAway, err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, keySize))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %s: %w", errKeysAway, k.url+id, err)
	case answer.StatusCode == http.StatusNotFound || answer.StatusCode == http.StatusForbidden:
		return nil, fmt.Errorf("there is no key %s", k.url+id)
	case answer.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("%w: %s: %s", errKeysAway, k.url+id, answer.Status)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%w: %s is no PEM", errKeysAway, k.url+id)
	}
	public, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", errKeysAway, k.url+id, err)
	}
	known, ok := public.(*ecdsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("%w: %s is no key of ECDSA", errKeysAway, k.url+id)
	}
	return known, nil
}
