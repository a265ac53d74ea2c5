package main

import (
	"reflect"
	"strings"
	"testing"

	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/lib/pgtest"
)

func TestAccess(t *testing.T) {
	db := pgtest.New(t, template)
	_, err := db.Pool.Exec(t.Context(),
		"INSERT INTO hub.source (category, account_id, region, slice) VALUES ('costs', $1, '', '')", spoke)
	if err != nil {
		t.Fatal(err)
	}
	isolate(t, "DATABASE_URL="+db.URL)
	hub(t.Context(), "access", "list").want(t, program.ExitDone, "nobody sees an account yet; hub access grant lets them")
	if rules := parse[[]accessJSON](t, hub(t.Context(), "access", "list", "-o", "json")); rules == nil || len(rules) > 0 {
		t.Errorf("no rules are %v", rules)
	}
	const alice = "user:alice@example.com"
	hub(t.Context(), "access", "grant", alice, "*").want(t, program.ExitDone, alice+" sees all accounts")
	hub(t.Context(), "access", "grant", "group:/pay ments", spoke, "444455556666").want(t, program.ExitDone,
		"group:/pay ments sees "+spoke+"\n", "sees 444455556666; nothing was collected there yet: is it the right one?")
	hub(t.Context(), "access", "grant", alice, "*").want(t, program.ExitDone, alice+" already sees all accounts")
	hub(t.Context(), "access", "list").want(t, program.ExitDone, alice, "all accounts", "group:/pay ments", "444455556666")
	want := []accessJSON{
		{Principal: "group:/pay ments", Account: spoke}, {Principal: "group:/pay ments", Account: "444455556666"},
		{Principal: alice, Account: "*"},
	}
	if got := parse[[]accessJSON](t, hub(t.Context(), "access", "list", "-o", "json")); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
	r := hub(t.Context(), "access", "revoke", "group:/pay ments", spoke, "*", "-o", "json").want(t, program.ExitDone)
	if got := parse[[]accessJSON](t, r); len(got) != 2 || !*got[0].Changed || *got[1].Changed {
		t.Errorf("%+v", got)
	}
	hub(t.Context(), "access", "revoke", alice, spoke).want(t, program.ExitDone,
		alice+" had no rule for "+spoke+"; hub access list shows the rules")
	hub(t.Context(), "access", "revoke", alice, "*").want(t, program.ExitDone, alice+" sees all accounts no more")

	for _, test := range []struct{ args, says string }{
		{"grant alice *", `"alice" is no principal: write user:alice@example.com or group:payments`},
		{"grant role:x *", "is no principal"},
		{"grant user: *", "is no principal"},
		{"grant user:a\x1b *", "is no principal"},
		{"grant user:" + strings.Repeat("x", 256) + " *", "is no principal"},
		{"grant user:a all", `"all" is no account: give its 12 digits, or '*' for all`},
		{"grant user:a 4444555566664", "is no account"},
		{"revoke user:a %", "is no account"},
		{"grant user:a", "account"},
	} {
		hub(t.Context(), append([]string{"access"}, strings.Fields(test.args)...)...).want(t, program.ExitUsage, test.says)
	}
}
