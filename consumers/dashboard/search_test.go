package dashboard

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/hubspoke/observability/consumers/dashboard/pages"
)

func TestSearch(t *testing.T) {
	s := serve(t, filled, pages.All())
	var id, name, instance, arn, bucket, secret string
	if err := s.db.Pool.QueryRow(t.Context(), `SELECT account_id, account_name FROM account_overview ORDER BY 1 LIMIT 1`).
		Scan(&id, &name); err != nil {
		t.Fatal(err)
	}
	if err := s.db.Pool.QueryRow(t.Context(), `SELECT resource_id, resource_arn, (SELECT resource_arn FROM resources WHERE service = 'S3' LIMIT 1),
		(SELECT resource_arn FROM needs_attention WHERE kind = 'secret' LIMIT 1)
		FROM resources WHERE account_id = $1 AND resource_type = 'Instance' LIMIT 1`, id).Scan(&instance, &arn, &bucket, &secret); err != nil {
		t.Fatal(err)
	}
	for asked, to := range map[string]string{
		id: "/accounts/" + id, " " + name: "/accounts/" + id, strings.ToUpper(name): "/accounts/" + id,
		"costs": "/costs", "cost": "", "browse": "/rows", "savings opportunities": "/rows/savings_opportunities",
		"secrets": "/rows/current_secrets", "health_now": "/rows/health_now",
		instance: "/rows/resources?account_id=" + id + "&resource_id=" + instance,
		arn:      "/rows/resources?account_id=" + id + "&resource_id=" + instance,
		bucket:   "/rows/resources?", secret: "/rows/needs_attention?account_id=",
	} {
		w := s.request("/search?q="+url.QueryEscape(asked), "localhost")
		got := w.Header().Get("Location")
		if !strings.HasPrefix(got, to) || (to == "") != (got == "") {
			t.Errorf("%q leads to %q, want %q: %s", asked, got, to, w.Body)
		}
		if got == "" {
			continue
		}
		body, _ := s.get(got, http.StatusOK)
		if strings.Contains(body, "No rows for this choice") {
			t.Errorf("%q leads to no row: %s", asked, got)
		}
	}
	s.says("/search", http.StatusOK, "Type what you look for")
	s.says("/search?q=cost", http.StatusOK, `href="/costs"`, `href="/rows/cost_daily"`, `value="cost"`)
	s.says("/search?q=%25", http.StatusOK, "0 hits for %", "Nothing has this name.", "Searched are accounts")
	s.says("/search?q=%3Cscript%3E", http.StatusOK, "0 hits for <script>")
	s.says("/search?q=arn:aws:s3:::"+strings.Repeat("x", 3000), http.StatusBadRequest, "too long")
	s.says("/search?q=%00", http.StatusBadRequest, "without the character NUL")
	// Where something was not searched, what was found may not be all.
	if _, err := s.db.Pool.Exec(t.Context(), "ALTER VIEW resources RENAME TO mislaid"); err != nil {
		t.Fatal(err)
	}
	s.says("/search?q="+id, http.StatusOK, "Not searched: resource.", "run hub migrate", `href="/accounts/`+id+`"`)
}
