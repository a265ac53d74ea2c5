package main

import (
	"testing"

	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/lib/pgtest"
)

// accountsSQL makes two accounts with a row, a run and a reject each.
const accountsSQL = `
INSERT INTO hub.scope (scope, category, account_id, region, slice, live_rows)
SELECT gen_random_uuid(), 'secrets', account, 'eu-central-1', '', 1 FROM (VALUES ('111122223333'), ('222233334444')) a(account);
INSERT INTO hub.run (scope, run, collected_at) SELECT scope, gen_random_uuid(), now() FROM hub.scope;
INSERT INTO hub.run_part (scope, run, part, body_sha256, rows) SELECT scope, run, 0, '', 1 FROM hub.run;
INSERT INTO hub.reject (reason, detail, account_id, size, sha256) SELECT 'x', '', account_id, 0, '' FROM hub.scope`

func accountsLeft(t *testing.T, db *pgtest.DB) int64 {
	return query[int64](t, db, "SELECT count(*) FROM hub.scope JOIN hub.run USING (scope) JOIN hub.reject USING "+
		"(account_id)")[0]
}

func TestForget(t *testing.T) {
	db := pgtest.New(t, template)
	isolate(t, "DATABASE_URL="+db.URL)
	change(t, db, accountsSQL)
	hub(t.Context(), "forget").want(t, program.ExitUsage, "--account")
	hub(t.Context(), "forget", "--account", "12").want(t, program.ExitUsage, `account "12" is not 12 digits`)
	hub(t.Context(), "forget", "--account", "333344445555").want(t, program.ExitDone,
		"There is nothing of account 333344445555")

	hub(t.Context(), "forget", "--account", "111122223333", "--dry-run").want(t, program.ExitDone,
		"│ hub.run_part     │                  1 │",
		"Stop the account's spoke first", "data/account=111122223333/")
	dry := parse[forgetJSON](t, hub(t.Context(), "forget", "--account", "111122223333", "--dry-run", "-o", "json").want(t,
		program.ExitDone))
	if !dry.DryRun || dry.Rows != 5 || dry.Tables["hub.reject"] != 1 || dry.LastApplied == nil ||
		dry.Archive != "data/account=111122223333/" {
		t.Errorf("%+v", dry)
	}
	hub(t.Context(), "forget", "--account", "111122223333").want(t, program.ExitUsage, "give --yes")
	if n := accountsLeft(t, db); n != 2 {
		t.Fatalf("%d accounts are left", n)
	}
	done := parse[forgetJSON](t, hub(t.Context(), "forget", "--account", "111122223333", "--yes", "-o", "json").want(t,
		program.ExitDone))
	if done.DryRun || done.Rows != 5 {
		t.Errorf("%+v", done)
	}
	if n := accountsLeft(t, db); n != 1 {
		t.Errorf("%d accounts are left", n)
	}
	hub(t.Context(), "verify").want(t, program.ExitPartly) // the made-up row of the other account
	hub(t.Context(), "forget", "--account", "222233334444", "--yes").want(t, program.ExitDone, "hub refresh",
		"below data/account=222233334444/")
	hub(t.Context(), "verify").want(t, program.ExitDone)
}
