package browser_test

import (
	"io"
	"net/http"
	"testing"
)

// TestTabsAreApart: no test sees or deletes what another has in the browser. Cookies are those
// of a host, and all tests have the same one.
func TestTabsAreApart(t *testing.T) {
	t.Parallel()
	blank := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "<!doctype html><title>Blank</title>")
	})
	b := open(t, blank)
	b.visit("/")
	b.is(`(document.cookie = 'login=alice') && document.cookie === 'login=alice'`)
	for _, name := range []string{"at the same time", "next"} {
		t.Run(name, func(t *testing.T) {
			other := open(t, blank)
			other.visit("/")
			other.is(`document.cookie === ''`)
			other.is(`(document.cookie = 'login=bob') && document.cookie === 'login=bob'`)
		})
	}
	b.is(`document.cookie === 'login=alice'`)
	b.silent("cookies")
}
