package main

import (
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/hubspoke/observability/consumers/dashboard"
	"github.com/hubspoke/observability/consumers/dashboard/pages"
	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/lib/pgtest"
)

func TestShowListsPages(t *testing.T) {
	isolate(t) // it needs no database
	r := hub(t.Context(), "show")
	for _, p := range pages.All() {
		r.want(t, program.ExitDone, "│ "+p.Name+" ", p.Question)
		for _, panel := range p.Panels {
			r.want(t, program.ExitDone, " "+dashboard.NameOf(panel.Title)+" ")
		}
	}
	r.want(t, program.ExitDone, "Categories, with their queries: account_contacts, ", "secrets")
	listed := parse[struct {
		Pages      []listedPage
		Categories []string
	}](t, hub(t.Context(), "show", "-o", "json"))
	if len(listed.Pages) != len(pages.All()) || !slices.Contains(listed.Categories, "secrets") {
		t.Errorf("%+v", listed)
	}
}

func TestShowSaysWhatIsMeant(t *testing.T) {
	isolate(t, "DATABASE_URL=postgres://127.0.0.1:1/x")
	for _, test := range []struct{ args, says string }{
		{"show cost", `no page and no category is called "cost": do you mean costs? ` + "`hub show` lists them"},
		{"show secret", "do you mean secrets?"},
		{"show current_nothing", "do you mean "},
		{"show costs servces", `costs has no panel "servces": do you mean services? It has so-far, by-day-and-service`},
		{"show findings o", `findings has no panel "o": do you mean open?`},
		{"show savings commitments-that-end-soon", "do you mean commitments-that-end?"},
		{"show costs --filter acount=1", `page costs has no filter "acount": do you mean account? It has account, service, currency`},
		{"show costs --filter account", "write it as name=value"},
		{"show costs --filter account=", "write it as name=value"},
		{"show account", "page account is about one account: give it by --filter account="},
		{"show account --filter account=1 --filter account=2", "is about one account"},
		{"show secrets --filter account=1", "take no --filter"},
		{"show costs -o csv", "CSV is of one panel: which of costs has so-far, by-day-and-service, "},
		{"show secrets -o csv", "CSV is of one panel"},
		{"show -o csv", "which page?"},
		{"show --filter account=1", "which page?"},
		{"show costs -o xml", `"xml"`},
		{"show costs so-far more", "unexpected argument more"},
	} {
		hub(t.Context(), strings.Fields(test.args)...).want(t, program.ExitUsage, test.says)
	}
	hub(t.Context(), "show", "-h").want(t, program.ExitDone, "hub show costs services")
	for _, shell := range []string{"bash", "zsh", "fish"} {
		hub(t.Context(), "completion", shell).want(t, program.ExitDone, " inventory ", " secrets ")
	}
	t.Run("no views", func(t *testing.T) {
		isolate(t, "DATABASE_URL="+pgtest.Empty(t).URL)
		hub(t.Context(), "show", "overview").want(t, program.ExitUsage, "has no views yet; run: hub migrate")
	})
}

// showSQL is what a few pages show: a source that is stale, one of two accounts, and text
// that a terminal would obey.
const showSQL = `
INSERT INTO hub.scope (scope, category, account_id, region, slice, live_rows)
SELECT gen_random_uuid(), 'secrets', account, 'eu-central-1', '', 1 FROM (VALUES ('111122223333'), ('222233334444')) a(account);
INSERT INTO hub.run (scope, run, collected_at, outcome, error, end_rows, end_parts, parts)
SELECT scope, gen_random_uuid(), now() - interval '9 days', 'denied', E'not \x1b[2Jallowed', 0, 0, 0 FROM hub.scope;
INSERT INTO obs.secrets (row_key, row_hash, run_id, collected_at, account_id, region, secret_arn, name)
SELECT gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), now(), '111122223333', 'eu-central-1', 'arn:' || n,
       E'=name\x1b[31m' || n FROM generate_series(1, 60) n;
SELECT hub.store_all_sources()`

func TestShow(t *testing.T) {
	db := pgtest.New(t, template)
	isolate(t, "DATABASE_URL="+db.URL)
	change(t, db, showSQL)
	hub(t.Context(), "show", "freshness").want(t, program.ExitDone, "Freshness: Which data are old, and why?",
		"2 of 2 sources stale. Read at ", "Stale or failing\n", "│ 111122223333 │")
	r := hub(t.Context(), "show", "freshness", "stale", "--filter", "account=222233334444").want(t, program.ExitDone,
		"1 of 1 sources stale", "│ 222233334444 │")
	if strings.Contains(r.stdout, "111122223333") || strings.Contains(r.stdout, "By category") {
		t.Errorf("a filter or a panel does not count:\n%s", r.stdout)
	}
	hub(t.Context(), "show", "freshness", "--filter", "category=secret", "--filter", "category=secrets",
		"--filter", "account=1").want(t, program.ExitDone, `hub: there is no category "secret": do you mean secrets?`,
		"Everything is fresh.")
	got := parse[struct {
		shown
		Panels []answerJSON
	}](t, hub(t.Context(), "show", "freshness", "sources", "-o", "json"))
	if len(got.Panels) != 1 || fmt.Sprint(got.Panels[0].Columns) != "[label value tone]" || got.Page != "freshness" ||
		fmt.Sprint(got.Panels[0].Rows[0]["value"]) != "2" {
		t.Errorf("%+v", got)
	}
	hub(t.Context(), "show", "costs").want(t, program.ExitDone, "No costs are known.", "No data for this choice.")

	t.Run("category", func(t *testing.T) {
		hub(t.Context(), "show", "secrets", "--limit", "7").want(t, program.ExitDone,
			"Secrets that are not rotated, oldest change first", "│ =name [31m1 │", "the first 7 rows")
		r := hub(t.Context(), "show", "secrets", "secrets-that-are-not", "-o", "csv")
		rows, err := csv.NewReader(strings.NewReader(r.stdout)).ReadAll()
		if err != nil || len(rows) != 51 || rows[0][0] != "account_id" || !strings.HasPrefix(rows[1][2], "'=name\x1b") {
			t.Errorf("%v: %d rows: %q", err, len(rows), rows[:min(2, len(rows))])
		}
		t.Setenv("COLUMNS", "40")
		for line := range strings.Lines(hub(t.Context(), "show", "secrets").stdout) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 40 {
				t.Errorf("a line of %d characters: %s", n, line)
			}
		}
		hub(t.Context(), "show", "accounts").want(t, program.ExitDone, "How is each account?")
		if r := hub(t.Context(), "show", "current_accounts"); strings.Contains(r.stdout, "How is each account?") {
			t.Errorf("the page hides the category:\n%s", r.stdout)
		}
	})

	t.Run("a panel that fails", func(t *testing.T) {
		change(t, db, "ALTER MATERIALIZED VIEW account_cost_daily RENAME TO gone")
		r := hub(t.Context(), "show", "overview").want(t, program.ExitPartly, "│ Need attention now",
			`This panel has no answer: relation "account_cost_daily" does not exist.`, "run hub migrate",
			"hub: 2 of 4 panels have no answer: cost-by-day: ")
		if strings.Count(r.stdout, "no answer") != 2 {
			t.Errorf("got\n%s", r.stdout)
		}
		one := hub(t.Context(), "show", "overview", "-o", "json")
		one.want(t, program.ExitPartly)
		if got := parse[struct{ Panels []answerJSON }](t, one); got.Panels[1].Error == "" || got.Panels[0].Error != "" {
			t.Errorf("%+v", got)
		}
		hub(t.Context(), "show", "overview", "cost-by-day", "-o", "csv").want(t, program.ExitFailed,
			"no answer: cost-by-day: ")
	})
}
