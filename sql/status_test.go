package sql_test

import (
	"fmt"
	"testing"
	"time"
)

// base is what minutes are counted from, the same for all runs, so that the time
// between them is exact.
var base = time.Now()

// run adds a run of a scope that started so many minutes ago, and the scope if it
// is new. An outcome of ok without rejects makes it the newest complete one.
func (db *database) run(category, account, region, slice string, minutesAgo int, outcome string, rejects int) {
	db.Helper()
	db.exec(`
		WITH scope AS (
			INSERT INTO hub.scope (scope, category, account_id, region, slice)
			VALUES (md5(concat_ws('/', $1::text, $2::text, $3::text, $4::text))::uuid, $1, $2, $3, $4)
			ON CONFLICT (scope) DO UPDATE SET slice = excluded.slice RETURNING scope
		)
		INSERT INTO hub.run (scope, run, collected_at, outcome, rejects, error, end_parts, end_rows, parts, rows, completed_at)
		SELECT scope, lpad(to_hex(1000000 - $5), 32, '0')::uuid, $8::timestamptz - $5 * interval '1 minute', nullif($6, ''), $7::bigint,
		       CASE WHEN $6 IN ('ok', 'empty', '') THEN '' ELSE 'why ' || $6 END,
		       CASE WHEN $6 <> '' THEN 8 END, CASE WHEN $6 <> '' THEN 80 END, 8, 80, CASE WHEN $6 = 'ok' AND $7::bigint = 0 THEN now() END
		FROM scope`, category, account, region, slice, minutesAgo, outcome, rejects, base)
	if outcome == "ok" && rejects == 0 {
		db.exec(`
			UPDATE hub.scope s SET (complete_run, full_run) = (SELECT r.run, r.run FROM hub.run r
				WHERE r.scope = s.scope AND r.outcome = 'ok' AND r.rejects = 0 ORDER BY r.run DESC LIMIT 1)
			WHERE (category, account_id, region, slice) = ($1, $2, $3, $4)`, category, account, region, slice)
	}
	db.exec("SELECT hub.store_sources(ARRAY[$1::text], ARRAY[$2::text], ARRAY[$3::text], ARRAY[$4::text])",
		category, account, region, slice)
}

// change changes the bookkeeping as the loader does.
func (db *database) change(statement string, args ...any) {
	db.Helper()
	db.exec(statement, args...)
	db.exec("SELECT hub.store_all_sources()")
}

const day = 24 * 60

// TestFreshness is faults.md J8: the one stale source among many is red.
func TestFreshness(t *testing.T) {
	db := newDatabase(t)
	for i := range 500 {
		account := fmt.Sprintf("%012d", i)
		for run := range 3 {
			if i == 77 && run < 2 {
				continue // its last two runs are missing
			}
			db.run("secrets", account, "eu-central-1", "", 60+run*day, "ok", 0)
		}
		if i == 77 {
			db.run("secrets", account, "eu-central-1", "", 60+3*day, "ok", 0)
		}
	}
	db.want("SELECT account_id, status, age > '2 days', stale_after::text FROM freshness WHERE red",
		"000000000077 stale true 2 days 00:10:00")
	db.want("SELECT category, accounts, fresh, failing, stale, never_complete, disabled, oldest_age > '2 days' FROM "+
		"collection_status",
		"secrets 500 499 0 1 0 0 true")
}

func TestFreshnessStatus(t *testing.T) {
	db := newDatabase(t)
	hourly := func(account, outcome string, rejects int, from int) {
		for i := from; i < 6; i++ {
			db.run("kms_keys", account, "eu-central-1", "", 30+60*i, "ok", 0)
		}
		if outcome != "none" {
			db.run("kms_keys", account, "eu-central-1", "", 10, outcome, rejects)
		}
	}
	hourly("a fresh", "none", 0, 0)
	hourly("b running", "", 0, 0)
	hourly("c denied", "denied", 0, 0)
	hourly("d rejects", "ok", 3, 0)
	hourly("e stale", "denied", 0, 3)
	hourly("f disabled", "disabled", 0, 3)
	hourly("g one run", "ok", 0, 6)
	hourly("h never", "denied", 0, 6)
	hourly("i disabled from the start", "disabled", 0, 6)
	hourly("j still fresh", "none", 0, 1)
	db.want("SELECT account_id, status, red, last_outcome, last_error, rejects, stale_after::text FROM freshness ORDER "+
		"BY 1",
		"a fresh fresh false ok  0 02:10:00",
		"b running fresh false ok  0 02:10:00",
		"c denied failing false denied why denied 0 02:10:00",
		"d rejects failing false ok  3 02:10:00",
		"e stale stale true denied why denied 0 02:10:00",
		"f disabled disabled false disabled why disabled 0 02:10:00",
		"g one run fresh false ok  0 2 days 00:10:00",
		"h never never complete true denied why denied 0 2 days 00:10:00",
		"i disabled from the start disabled false disabled why disabled 0 2 days 00:10:00",
		"j still fresh fresh false ok  0 02:10:00")
}

// set changes a run of secrets in accountA, given by its age in minutes.
func (db *database) set(minutesAgo int, change string) {
	db.Helper()
	db.change("UPDATE hub.run SET "+change+" WHERE run = lpad(to_hex(1000000 - $1::int), 32, '0')::uuid", minutesAgo)
}

// TestFreshnessNamesTheLoss has the newest run end well in the spoke and not arrive whole.
func TestFreshnessNamesTheLoss(t *testing.T) {
	const lost = "completed_at = NULL, parts = 7, rows = 70"
	refused := func(part int, row, reason string) string {
		return fmt.Sprintf(
			`INSERT INTO hub.reject (reason, detail, category, account_id, region, slice, run, part, row_number, size, sha256)
			SELECT '%s', '', category, account_id, region, slice, run, %d, %s, 1, '' FROM hub.run JOIN hub.scope USING (scope)
			ORDER BY run DESC LIMIT 1`, reason, part, row)
	}
	for name, test := range map[string]struct {
		change string
		sql    []string // afterwards
		want   string
	}{
		"missing part": {lost, nil, "failing false ok  0 1 of 8 parts did not arrive"},
		"all parts": {"completed_at = NULL, parts = 0, rows = 0", nil,
			"failing false ok  0 8 of 8 parts did not arrive"},
		"refused part": {lost, []string{refused(3, "NULL", "hash")},
			"failing false ok  0 1 of 8 parts did not arrive; part 3 was refused (hash)"},
		"rows of another": {lost, []string{refused(3, "9", "null")}, "failing false ok  0 1 of 8 parts did not arrive"},
		"refused rows":    {"completed_at = NULL, rejects = 2", nil, "failing false ok  2 refused rows: 2"},
		"lost rows":       {"completed_at = NULL, rows = 79", nil, "failing false ok  0 rows: 79 arrived, the end says 80"},
		"empty":           {"outcome = 'empty'", nil, "fresh false empty  0 "},
		"partial": {"outcome = 'partial', error = 'page 3: denied', completed_at = NULL", nil,
			"failing false partial page 3: denied 0 partial: page 3: denied"},
		"under way": {"outcome = NULL, completed_at = NULL, parts = 2", nil, "fresh false ok  0 "},
		"refused so far": {"outcome = NULL, completed_at = NULL, rejects = 4", nil,
			"failing false ok  4 refused rows of the run under way: 4"},
		"mended": {"", []string{refused(3, "NULL", "hash")}, "fresh false ok  0 "},
		"older run lost": {"", []string{
			"UPDATE hub.run SET completed_at = NULL, parts = 7 WHERE run < (SELECT max(run::text)::uuid FROM hub.run)",
		}, "fresh false ok  0 "},
		"lost, and the next is under way": {"outcome = NULL, completed_at = NULL", []string{
			"UPDATE hub.run SET completed_at = NULL, parts = 7 WHERE run < (SELECT max(run::text)::uuid FROM hub.run)",
		}, "failing false ok  0 1 of 8 parts did not arrive"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := newDatabase(t)
			for i := range 3 {
				db.run("secrets", accountA, "eu-central-1", "", 5+60*i, "ok", 0)
			}
			if test.change != "" {
				db.set(5, test.change)
			}
			for _, statement := range test.sql {
				db.change(statement)
			}
			db.want("SELECT status, red, last_outcome, last_error, rejects, reason FROM freshness", test.want)
			db.want("SELECT reason = (SELECT reason FROM freshness) FROM scope_status", "true")
		})
	}
}

// TestEndThatDoesNotArrive: a run that takes longer than its interval has lost its spoke.
func TestEndThatDoesNotArrive(t *testing.T) {
	db := newDatabase(t)
	db.run("secrets", accountA, "eu-central-1", "", 6*60+70, "ok", 0)
	db.set(6*60+70, "every = 6 * 3600")
	db.run("secrets", accountA, "eu-central-1", "", 70, "", 0)
	db.want("SELECT status, reason FROM freshness", "fresh ")
	db.change("UPDATE hub.run SET every = 3600 * 4 WHERE every IS NOT NULL")
	db.want("SELECT status, reason FROM freshness", "fresh ")
	db.change("UPDATE hub.run SET collected_at = collected_at - interval '175 minutes' WHERE outcome IS NULL")
	db.want("SELECT status, reason FROM freshness", "failing the end of the newest run did not arrive")
}

// TestIntervalOfTheSpoke: what a spoke says of its interval is believed, not the runs' times.
func TestIntervalOfTheSpoke(t *testing.T) {
	db := newDatabase(t)
	const stale = "SELECT status, stale_after::text FROM freshness"
	for i := range 12 { // a burst
		db.run("secrets", accountA, "eu-central-1", "", 5*60+i, "ok", 0)
	}
	db.want(stale, "stale 01:00:00")
	db.set(5*60+1, "every = 86400") // the last one, by hand, does not say
	db.want(stale, "fresh 2 days 00:10:00")
	db.set(5*60, "every = 6 * 3600") // the newest one that says has the word
	db.want(stale, "fresh 12:10:00")
	db.set(5*60, "every = 60")
	db.want(stale, "stale 01:00:00")
	db.want("SELECT run_interval::text FROM scope_status", "00:01:00")
}

// TestKindsAreJudgedEachForItself: a slice that is no day is collected again and again.
func TestKindsAreJudgedEachForItself(t *testing.T) {
	db := newDatabase(t)
	for kind := range 30 {
		for i := range 3 {
			if kind == 0 && i < 2 {
				continue // the last two runs are missing
			}
			db.run("secrets", accountA, "eu-central-1", fmt.Sprintf("kind-%02d", kind), 60+i*day, "ok", 0)
		}
	}
	db.change("UPDATE hub.run SET every = 86400")
	db.run("secrets", accountA, "eu-central-1", "kind-07", 10, "denied", 0)
	db.run("secrets", accountA, "eu-central-1", "kind-08", 10, "denied", 0)
	db.change("UPDATE hub.scope SET complete_run = NULL WHERE slice = 'kind-08'")
	db.want("SELECT slice, status, red, reason FROM freshness WHERE status <> 'fresh' ORDER BY slice",
		"kind-00 stale true ", "kind-07 failing false denied: why denied", "kind-08 never complete true denied: why denied")
	db.want("SELECT accounts, fresh, failing, stale, never_complete FROM collection_status", "1 27 1 1 1")
}

// TestRunsByHandDoNotMakeRed: a few runs in a row are not the usual interval.
func TestRunsByHandDoNotMakeRed(t *testing.T) {
	db := newDatabase(t)
	for i := range 8 {
		db.run("secrets", accountA, "eu-central-1", "", 5*60+i*day, "ok", 0)
	}
	for i := range 3 {
		db.run("secrets", accountA, "eu-central-1", "", 4*60+i, "ok", 0)
	}
	db.want("SELECT status, stale_after > '2 days' FROM freshness", "fresh true")
}

// TestOldSlicesAreNotStale: a day of costs is read for some days, then never again.
func TestOldSlicesAreNotStale(t *testing.T) {
	db := newDatabase(t)
	for age := range 40 {
		slice := fmt.Sprintf("2026-%02d-%02d", 12-age/28, 28-age%28)
		for reread := range min(age+1, 14) {
			db.run("service_costs", accountA, "global", slice, 60+(age-reread)*day, "ok", 0)
		}
	}
	db.want("SELECT status, age < '2 hours', stale_after::text FROM freshness", "fresh true 2 days 00:10:00")
	db.want("SELECT count(*) FROM scope_status", "40")
	db.want("SELECT slice, age < '2 hours', age > '2 days' FROM scope_status WHERE slice_number IN (1, 40) ORDER BY "+
		"slice_number",
		"2026-12-28 true false", "2026-11-17 false true")
	// A recent day that fails shows.
	db.run("service_costs", accountA, "global", "2026-12-20", 1, "failed", 0)
	db.want("SELECT slice, status, last_outcome, reason FROM freshness", " failing failed 2026-12-20: failed: why failed")
}

// unchanged notes a run that started so many minutes ago and found a scope of the account
// as an earlier one did.
func (db *database) unchanged(account string, minutesAgo, baseMinutesAgo int) {
	db.Helper()
	db.exec(`UPDATE hub.scope SET unchanged_run = lpad(to_hex(1000000 - $2::int), 32, '0')::uuid,
		unchanged_base = lpad(to_hex(1000000 - $3::int), 32, '0')::uuid, unchanged_at = $4::timestamptz - $2::int * interval '1 minute'
		WHERE account_id = $1`, account, minutesAgo, baseMinutesAgo, base)
}

// TestUnchangedRunsAreFresh: an unchanged run makes rows fresh that are exactly those of
// its base, and only those.
func TestUnchangedRunsAreFresh(t *testing.T) {
	const complete, later, unchanged, after = 20 * 60, 10 * 60, 30, 10 // minutes ago
	db := newDatabase(t)
	run := func(minutesAgo int, outcome string) func(string) {
		return func(account string) { db.run("secrets", account, "eu-central-1", "", minutesAgo, outcome, 0) }
	}
	scope := func(change string) func(string) {
		return func(account string) { db.exec("UPDATE hub.scope SET "+change+" WHERE account_id = $1", account) }
	}
	pruned := func(minutesAgo int) func(string) {
		return scope(fmt.Sprintf("pruned_run = lpad(to_hex(1000000 - %d), 32, '0')::uuid", minutesAgo))
	}
	var want []string
	for i, test := range []struct {
		name   string
		change func(account string)
		want   string // status, age of the rows, time since the last run
	}{
		{"nothing came between", func(string) {}, "fresh 00:30:00 00:30:00"},
		{"another spoke's run came between", run(later, "partial"), "stale 20:00:00 00:30:00"},
		{"a late part of a run that has not ended", run(later, ""), "stale 20:00:00 00:30:00"},
		{"another run is complete since", run(later, "ok"), "stale 10:00:00 00:30:00"},
		{"a newer run is complete", run(after, "ok"), "fresh 00:10:00 00:10:00"},
		{"a newer run failed", run(after, "failed"), "failing 00:30:00 00:10:00"},
		{"its base is not known", func(account string) { db.unchanged(account, unchanged, later) },
			"stale 20:00:00 00:30:00"},
		{"its base read only what changed", scope("full_run = NULL"), "stale 20:00:00 00:30:00"},
		{"what came between is forgotten", pruned(later), "stale 20:00:00 00:30:00"},
		{"what came before is forgotten", pruned(complete + 1), "fresh 00:30:00 00:30:00"},
	} {
		account := fmt.Sprintf("%012d", i)
		run(complete, "ok")(account)
		db.unchanged(account, unchanged, complete)
		test.change(account)
		want = append(want, test.name+": "+test.want)
		db.exec("UPDATE hub.scope SET slice = $2 WHERE account_id = $1", account, test.name)
	}
	db.change("UPDATE hub.run SET every = 3600")
	db.want(fmt.Sprintf(
		`SELECT slice || ': ' || concat_ws(' ', status, date_trunc('second', now.at - seen_at), date_trunc('second', now.at - last_run_at))
		FROM freshness, (VALUES ('%s'::timestamptz)) AS now (at) ORDER BY account_id`, base.Format(time.RFC3339Nano)), want...)
	db.want("SELECT DISTINCT seen_at IN (complete_run_at, unchanged_at) FROM scope_status JOIN hub.scope USING "+
		"(account_id)", "true")
}

func TestCollectionStatusCountsRejects(t *testing.T) {
	db := newDatabase(t)
	db.run("secrets", accountA, "eu-central-1", "", 1, "ok", 0)
	db.exec(`INSERT INTO hub.reject (state, reason, detail, category, size, sha256) VALUES
		('open', 'syntax', '', 'secrets', 1, ''), ('open', 'syntax', '', 'secrets', 1, ''), ('parked', 'parked', '', 'secrets', 1, ''),
		('open', 'unknown_format', '', '', 1, '')`)
	db.want("SELECT category, accounts, fresh, open_rejects, parked FROM collection_status ORDER BY 1", " 0 0 1 0",
		"secrets 1 1 2 1")
	db.exec(`INSERT INTO hub.reject (state, reason, detail, category, account_id, region, run, size, sha256, at) VALUES
		('open', 'row', '', 'secrets', '111122223333', 'global', gen_random_uuid(), 1, '', now() - interval '1 hour'),
		('open', 'row', '', 'secrets', '111122223333', 'global', gen_random_uuid(), 1, '', now())`)
	db.want(`SELECT category, account_id, region, reason, state, rejects, runs, (newest_at - first_at)::text FROM reject_status
		ORDER BY 1, 4, 5`, "   unknown_format open 1 0 00:00:00", "secrets   parked parked 1 0 00:00:00",
		"secrets 111122223333 global row open 2 2 01:00:00", "secrets   syntax open 2 0 00:00:00")
}

// TestStreamViews: what the stream dropped, and how far its shards are applied.
func TestStreamViews(t *testing.T) {
	db := newDatabase(t)
	db.exec(`
		INSERT INTO hub.shard_progress (stream, stream_created_at, shard, sequence_number, ended, arrived_at, updated_at) VALUES
		    ('arn', '2026-08-01 UTC', 'shard-1', 7, false, '2026-08-02 UTC', '2026-08-03 UTC'),
		    ('arn', '2026-08-01 UTC', 'shard-2', -1, true, null, '2026-08-04 UTC');
		INSERT INTO hub.gap (stream, stream_created_at, shard, after_sequence, until_sequence, reason, detected_at, after_arrived_at) VALUES
		    ('arn', '2026-08-01 UTC', 'shard-1', '7', '9', 'trimmed', '2026-08-05 UTC', '2026-08-02 UTC')`)
	day := func(column string) string { return ", (" + column + " AT TIME ZONE 'UTC')::date::text" }
	db.want("SELECT stream, shard, ended"+day("stream_created_at")+day("applied_to_at")+day("updated_at")+
		" FROM stream_progress ORDER BY shard", "arn shard-1 false 2026-08-01 2026-08-02 2026-08-03",
		"arn shard-2 true 2026-08-01 <nil> 2026-08-04")
	db.want("SELECT stream, shard, reason"+day("stream_created_at")+day("from_at")+day("until_at")+" FROM stream_gaps",
		"arn shard-1 trimmed 2026-08-01 2026-08-02 2026-08-05")
}

func TestViewStatus(t *testing.T) {
	db := newDatabase(t)
	const status = `SELECT view_name, refreshes, waiting_since IS NOT NULL, error, red FROM view_status
		WHERE view_name IN ('public.cost_monthly', 'public.findings_by_product', 'summary.costs', 'summary.attention_secrets') ORDER BY 1`
	db.want(status, // what was never filled is red
		"public.cost_monthly 0 false <nil> true", "public.findings_by_product 0 false <nil> true",
		"summary.attention_secrets 0 false <nil> true", "summary.costs 0 false <nil> true")
	db.refresh()
	db.want(status,
		"public.cost_monthly 1 false <nil> false", "public.findings_by_product 1 false <nil> false",
		"summary.attention_secrets 1 false <nil> false", "summary.costs 1 false <nil> false")
	db.exec("INSERT INTO hub.dirty (table_name, marked_at) VALUES ('service_costs', now() - interval '1 hour'), " +
		"('secrets', now())")
	db.exec("UPDATE hub.view_refresh SET error = 'why', error_at = now() WHERE view_name = 'public.findings_by_product'")
	db.want(status, // what waits for a summary waits for the view over it
		"public.cost_monthly 1 true <nil> true", "public.findings_by_product 1 false why true",
		"summary.attention_secrets 1 true <nil> false", "summary.costs 1 true <nil> true")
	db.refresh()
	db.want(status,
		"public.cost_monthly 2 false <nil> false", "public.findings_by_product 2 false <nil> false",
		"summary.attention_secrets 2 false <nil> false", "summary.costs 2 false <nil> false")
}
