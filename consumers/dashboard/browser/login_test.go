package browser_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/hubspoke/observability/consumers/dashboard"
	"github.com/hubspoke/observability/consumers/dashboard/access"
	"github.com/hubspoke/observability/consumers/dashboard/access/oidctest"
	"github.com/hubspoke/observability/consumers/dashboard/pages"
	"github.com/hubspoke/observability/internal/hubtest"
)

// guarded returns a database with the roles of viewers, and its pool for the dashboard. The
// group auditors sees all accounts, and nobody else sees one.
func guarded(t *testing.T) *pgxpool.Pool {
	t.Helper()
	owner, pool := hubtest.Guarded(t, hubtest.Empty)
	if _, err := owner.Exec(t.Context(), "INSERT INTO hub.access VALUES ('group:auditors', '*')"); err != nil {
		t.Fatal(err)
	}
	return pool
}

// TestLogin: who logs in, may not, or is not let in by the provider gets a page like the
// others, and gets out again.
func TestLogin(t *testing.T) {
	t.Parallel()
	pool := guarded(t)
	now := time.Now()
	clock := func() time.Time { return now }
	provider := oidctest.New(t, clock)
	var guard http.Handler
	b := open(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { guard.ServeHTTP(w, r) }))
	gate, err := access.NewOIDC(t.Context(), access.OIDCConfig{Issuer: provider.URL, Client: oidctest.Client,
		Secret: oidctest.Secret, ExternalURL: b.site, Session: time.Hour, Key: bytes.Repeat([]byte("k"), access.KeySize),
		Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	guard = dashboard.New(pool, dashboard.Config{Pages: pages.All(), Gate: gate})

	// The provider refuses, or is away, or somebody has not begun here.
	answer := func(status int) {
		handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
		provider.Answer.Store(&handler)
	}
	answer(http.StatusBadRequest)
	b.fails("/", "Your login is not valid here.")
	answer(http.StatusOK) // without a token
	b.fails("/", "The provider of logins did not answer.")
	provider.Answer.Store(nil)
	b.fails("/callback", "This login was begun in another window, or too long ago.")

	// Nobody of these groups sees an account; then nobody without groups does.
	provider.Claims = map[string]any{"groups": []string{"payments", "a group with a name " + strings.Repeat("x", 200)}}
	b.fails("/", "You may not see any account yet.")
	b.is(`document.querySelector('.failure').textContent.includes('group:payments')`)
	b.logOut()
	provider.Claims = map[string]any{"groups": nil, "email": nil}
	b.fails("/login", "You may not see any account yet.")
	b.is(`document.querySelectorAll('.failure li').length === 1`)
	b.logOut()

	// Who may see them is in, and out.
	provider.Claims = nil
	b.visit("/costs")
	b.at("/costs")
	b.is(`document.querySelector('.viewer').textContent === 'alice@example.com'`)
	b.lookAt("/costs, logged in")
	b.logOut()
	b.lookAt("logged out")
	b.leads("/", click(".failure a"))
	b.is(`document.querySelector('.viewer').textContent === 'alice@example.com'`)
	b.silent("a login")

	// After the session they go on where they were.
	now = now.Add(2 * time.Hour)
	b.loads(click(".menu a[href='/costs']"))
	b.failed("/costs", "You are not logged in any more.")
	b.leads("/costs", click(".failure a"))

	// Too many logins.
	for range 100 {
		answer, err := http.Get(b.site + "/callback")
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
	}
	b.fails("/login", "These are too many logins at once.")
}

// logOut logs out on a narrow screen, by the keyboard.
func (b *tab) logOut() {
	b.Helper()
	b.size(narrow)
	b.is(`document.querySelector('.menu form[method=post] button').checkVisibility()`)
	for range eval[int](b, `document.querySelectorAll('a, button, input').length`) {
		if b.do(press("\t")); eval[bool](b, `document.activeElement.matches('.menu form[method=post] button')`) {
			break
		}
	}
	b.leads("/logout", press(kb.Enter))
	b.is(`document.querySelector('.failure h2').textContent === 'You are logged out of this dashboard.'`)
	b.size(wide)
	b.silent("logged out")
}
