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
		INSERT INTO hub.run (scope, run, collected_at, outcome, rejects, error)
		SELECT scope, lpad(to_hex(1000000 - $5), 32, '0')::uuid, $8::timestamptz - $5 * interval '1 minute', nullif($6, ''), $7,
		       CASE WHEN $6 IN ('ok', 'empty', '') THEN '' ELSE 'why ' || $6 END
		FROM scope`, category, account, region, slice, minutesAgo, outcome, rejects, base)
	if outcome == "ok" && rejects == 0 {
		db.exec(`
			UPDATE hub.scope s SET complete_run = (SELECT r.run FROM hub.run r
				WHERE r.scope = s.scope AND r.outcome = 'ok' AND r.rejects = 0 ORDER BY r.run DESC LIMIT 1)
			WHERE (category, account_id, region, slice) = ($1, $2, $3, $4)`, category, account, region, slice)
	}
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
	db.want("SELECT account_id, status, age > '2 days', stale_after::text FROM freshness WHERE red", "000000000077 stale true 2 days 00:10:00")
	db.want("SELECT category, accounts, fresh, failing, stale, never_complete, disabled, oldest_age > '2 days' FROM collection_status",
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
	db.want("SELECT account_id, status, red, last_outcome, last_error, rejects, stale_after::text FROM freshness ORDER BY 1",
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
	db.want("SELECT slice, age < '2 hours', age > '2 days' FROM scope_status WHERE slice_number IN (1, 40) ORDER BY slice_number",
		"2026-12-28 true false", "2026-11-17 false true")
	// A recent day that fails shows.
	db.run("service_costs", accountA, "global", "2026-12-20", 1, "failed", 0)
	db.want("SELECT status, last_outcome FROM freshness", "failing failed")
}

func TestCollectionStatusCountsRejects(t *testing.T) {
	db := newDatabase(t)
	db.run("secrets", accountA, "eu-central-1", "", 1, "ok", 0)
	db.exec(`INSERT INTO hub.reject (state, reason, detail, category, size, sha256) VALUES
		('open', 'syntax', '', 'secrets', 1, ''), ('open', 'syntax', '', 'secrets', 1, ''), ('parked', 'parked', '', 'secrets', 1, ''),
		('open', 'unknown_format', '', '', 1, '')`)
	db.want("SELECT category, accounts, fresh, open_rejects, parked FROM collection_status ORDER BY 1", " 0 0 1 0", "secrets 1 1 2 1")
}

func TestViewStatus(t *testing.T) {
	db := newDatabase(t)
	const status = "SELECT view_name, refreshes, waiting_since IS NOT NULL, error, red FROM view_status ORDER BY 1"
	db.want(status,
		"public.attention_facts 0 false <nil> false", "public.cost_monthly 0 false <nil> false", "public.findings_summary 0 false <nil> false")
	db.exec("INSERT INTO hub.dirty (table_name, marked_at) VALUES ('service_costs', now() - interval '1 hour'), ('secrets', now())")
	db.exec("UPDATE hub.view_refresh SET error = 'why', error_at = now() WHERE view_name = 'public.findings_summary'")
	db.want(status,
		"public.attention_facts 0 true <nil> false", "public.cost_monthly 0 true <nil> true", "public.findings_summary 0 false why true")
	db.refresh()
	db.want(status,
		"public.attention_facts 1 false <nil> false", "public.cost_monthly 1 false <nil> false", "public.findings_summary 1 false <nil> false")
}
