// Package programtest is what the tests of all programs need: an environment
// without settings, tools that may be missing, output that can be read while it
// is written, and waiting.
package programtest

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// Buffer is a writer that can be read while it is written to. The zero value is
// empty; its methods are safe for concurrent use.
type Buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write appends p.
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

// String returns all that was written.
func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// Isolate gives the test an environment without settings of AWS and without the
// variables that have one of the prefixes, then sets the given ones, as NAME=value. The
// environment is restored after the test.
func Isolate(t testing.TB, prefixes []string, settings ...string) {
	t.Helper()
	prefixes = append([]string{"AWS_"}, prefixes...)
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		for _, prefix := range prefixes {
			if strings.HasPrefix(name, prefix) {
				t.Setenv(name, "") // restores it after the test
				if err := os.Unsetenv(name); err != nil {
					t.Fatal(err)
				}
				break
			}
		}
	}
	none := filepath.Join(t.TempDir(), "none")
	settings = append([]string{"AWS_CONFIG_FILE=" + none, "AWS_SHARED_CREDENTIALS_FILE=" + none,
		"AWS_EC2_METADATA_DISABLED=true"}, settings...)
	for _, setting := range settings {
		name, value, _ := strings.Cut(setting, "=")
		t.Setenv(name, value)
	}
}

// Missing ends a test that lacks a tool: it is skipped, except in CI, where it fails. CI is
// where the variable of that name is set. args say what is missing and how to get it, as
// those of [testing.TB.Skip].
func Missing(t testing.TB, args ...any) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatal(args...)
	}
	t.Skip(args...)
}

// waitTime is how long a real process may take for anything.
const waitTime = 5 * time.Minute

// Eventually waits until is returns true: for what happens in another process,
// which has no event to wait for.
func Eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(waitTime); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited %v for %s", waitTime, what)
		}
	}
}
