package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/hubspoke/observability/consumers/verify"
	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/internal/programtest"
	"github.com/hubspoke/observability/lib/archive"
	"github.com/hubspoke/observability/lib/awsfake"
	"github.com/hubspoke/observability/lib/goldentest"
	"github.com/hubspoke/observability/lib/pgtest"
	"github.com/hubspoke/observability/schemas"
)

// The names are an interface: filters of CloudWatch read them.
func TestStateFields(t *testing.T) {
	goldentest.Equal(t, "state.txt", strings.Join(verify.StateFields(), "\n")+"\n")
}

// states are the lines with the state in a log, field by field.
func states(t *testing.T, log string) (lines []map[string]any) {
	t.Helper()
	for line := range strings.Lines(log) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Errorf("%v in %s", err, line)
		}
		if fields["msg"] == "state" {
			lines = append(lines, fields)
		}
	}
	return lines
}

// state is what is logged of a database.
func state(t *testing.T, db *pgtest.DB) map[string]any {
	t.Helper()
	log := new(programtest.Buffer)
	logState(t.Context(), db.Pool, slog.New(slog.NewJSONHandler(log, nil)))
	lines := states(t, log.String())
	if len(lines) != 1 {
		t.Fatalf("%d lines with the state in %s", len(lines), log)
	}
	for _, name := range verify.StateFields() {
		if _, ok := lines[0][name]; !ok {
			t.Errorf("%s is missing in %v", name, lines[0])
		}
	}
	return lines[0]
}

func TestState(t *testing.T) {
	db := pgtest.New(t, template)
	exec := func(sql string) {
		t.Helper()
		change(t, db, sql)
	}
	want := func(what string, fields map[string]any) {
		t.Helper()
		s := state(t, db)
		for name, value := range fields {
			if s[name] != value {
				t.Errorf("%s: %s is %v, want %v", what, name, s[name], value)
			}
		}
	}
	between := func(what, name string, least, most float64) {
		t.Helper()
		if value, ok := state(t, db)[name].(float64); !ok || value < least || value > most {
			t.Errorf("%s: %s is %v, want %v to %v", what, name, value, least, most)
		}
	}
	nothing := map[string]any{"red_scopes": 0., "open_rejects": 0., "parked": 0., "gaps": 0., "behind_seconds": nil,
		"last_commit_seconds": nil, "oldest_refresh_seconds": 0., "accounts_never_seen": 0.}
	want("a new database", nothing)

	exec(`INSERT INTO hub.scope (scope, category, account_id, region, slice) VALUES
		(gen_random_uuid(), 'certificates', '111122223333', 'eu-central-1', ''), (gen_random_uuid(), 'secrets', '111122223333', 'eu-central-1', ''); SELECT hub.store_all_sources()`)
	want("never complete", map[string]any{"red_scopes": 2.})

	exec(`INSERT INTO hub.reject (state, reason, detail, origin, size, sha256)
		SELECT s, 'malformed', '', n::text, 1, sha256('x') FROM (VALUES ('open', 1), ('open', 2), ('open', 3), ('parked', 4)) r (s, n)`)
	want("rejects", map[string]any{"open_rejects": 3., "parked": 1.})

	// A stream that was made again has no gaps yet.
	exec(`INSERT INTO hub.stream (stream, stream_created_at, retention) VALUES ('a', '2026-01-01', '1 day'), ('a', '2026-02-01', '1 day'), ('b', '2026-01-01', '1 day');
		INSERT INTO hub.gap (stream, stream_created_at, shard, after_sequence, until_sequence, reason) VALUES
		('a', '2026-01-01', '0', '', '', ''), ('a', '2026-02-01', '0', '', '', ''), ('b', '2026-01-01', '0', '', '', ''), ('unknown', '2026-01-01', '0', '', '', '')`)
	want("gaps", map[string]any{"gaps": 3.})

	exec(`INSERT INTO hub.shard_progress (stream, stream_created_at, shard, sequence_number, ended, arrived_at, updated_at) VALUES
		('a', '2026-02-01', 'quick', 1, false, now() - interval '601 s', now() - interval '600 s'),
		('a', '2026-02-01', 'slow', 1, false, now() - interval '800 s', now() - interval '700 s'),
		('a', '2026-02-01', 'ended', 1, true, now() - interval '2 h', now() - interval '700 s'),
		('a', '2026-02-01', 'old', 1, false, now() - interval '3 h', now() - interval '2 h'),
		('a', '2026-02-01', 'new', -1, false, NULL, now())`)
	want("the slowest shard", map[string]any{"behind_seconds": 100.})
	between("the last commit", "last_commit_seconds", 600, 6000)

	exec(`INSERT INTO obs.organization_accounts (account_id, region, row_key, row_hash, member_account_id, is_management_account, state, collected_at, run_id)
		SELECT '000000000001', 'global', gen_random_uuid(), gen_random_uuid(), lpad(n::text, 12, '0'), n = 1, 'ACTIVE', now(), gen_random_uuid() FROM generate_series(1, 4) n;
		INSERT INTO hub.scope (scope, category, account_id, region, slice) VALUES (gen_random_uuid(), 'organization_accounts', '000000000001', 'global', '');
		SELECT hub.store_all_sources()`)
	want("accounts of the organization", map[string]any{"accounts_never_seen": 3.})

	exec(`INSERT INTO hub.dirty (table_name, marked_at) VALUES ('certificates', now() - interval '1 h'), ('secrets', now())`)
	between("a change that no view shows", "oldest_refresh_seconds", 3600, 36000)
	const first = "(SELECT min(view_name) FROM hub.view_refresh)"
	exec(`DELETE FROM hub.dirty;
		UPDATE hub.view_refresh SET error = 'x', error_at = now(), refreshed_at = now() - interval '20 h' WHERE view_name = ` + first)
	between("a view that fails", "oldest_refresh_seconds", 20*3600, 30*3600)
	exec("UPDATE hub.view_refresh SET error = NULL, refreshed_at = NULL WHERE view_name = " + first +
		"; UPDATE hub.installed_view SET installed_at = now() - interval '40 h'")
	between("a view that was never refreshed", "oldest_refresh_seconds", 40*3600, 50*3600)
	exec("UPDATE hub.view_refresh SET refreshed_at = now() WHERE view_name = " + first)
	want("refreshed", map[string]any{"oldest_refresh_seconds": 0.})
}

func TestConsumeLogsTheState(t *testing.T) {
	w := newWorld(t, 1)
	c := w.consume("--log-format", "json")
	w.send(spoke, collector(schemas.Certificates, nil, certificate(1, "ISSUED")))
	w.completed(1)
	programtest.Eventually(t, "the state is logged", func() bool { return strings.Contains(c.stderr.String(), `"msg":"state"`) })
	log := c.stop(t)
	if lines := states(t, log); len(lines) != 1 || lines[0]["red_scopes"] == nil || lines[0]["level"] != "INFO" {
		t.Errorf("%v in\n%s", lines, log)
	}
}

// Views that are not there make no line with wrong numbers.
func TestStateWithoutViews(t *testing.T) {
	db := pgtest.New(t, template)
	isolate(t, "DATABASE_URL="+db.URL)
	change(t, db, "DROP VIEW public.freshness CASCADE")
	if r := hub(t.Context(), "refresh").want(t, program.ExitPartly, "cannot read the state"); strings.Contains(r.stderr,
		"msg=state") {
		t.Error(r.stderr)
	}
}

func TestLambdaRefreshes(t *testing.T) {
	w := newWorld(t, 1)
	c := w.consume("--no-refresh")
	w.send(spoke, collector(schemas.Certificates, nil, certificate(1, "ISSUED")))
	w.completed(1)
	c.stop(t)
	f := startFunction(t, "refresh")
	invoke := func() string {
		return f.Invoke([]byte(`{"version":"0","detail-type":"Scheduled Event","source":"aws.events","detail":{}}`))
	}
	if answer := invoke(); !strings.HasPrefix(answer, `response [{"view":"`) || strings.Contains(answer, `"error"`) ||
		w.count("SELECT count(*) FROM hub.dirty") != 0 {
		t.Errorf("answer %s\n%s", answer, f.Log())
	}
	if answer := invoke(); answer != "response []" {
		t.Errorf("answer %s, and nothing has changed", answer)
	}
	if lines := states(t, f.Log()); len(lines) != 2 {
		t.Errorf("%d lines with the state of two invocations\n%s", len(lines), f.Log())
	}

	// A view that fails is named, and no error of the function.
	for _, index := range query[string](t, w.db,
		"SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = 'public.cost_monthly'::regclass AND indisunique") {
		change(t, w.db, "DROP INDEX "+index)
	}
	f = startFunction(t, "refresh", "HUB_ALL=true")
	if answer := invoke(); !strings.HasPrefix(answer, "response [") || strings.Count(answer, `"error":"`) != 1 {
		t.Errorf("answer %s", answer)
	}
	// Without its tables nothing is refreshed.
	change(t, w.db, `ALTER TABLE hub.dirty RENAME TO gone`)
	if answer := invoke(); !strings.HasPrefix(answer, "error ") || !strings.Contains(answer, "hub.dirty") {
		t.Errorf("answer %s", answer)
	}
}

func TestLambdaReplays(t *testing.T) {
	w := filled(t)
	empty := pgtest.New(t, template)
	f := startFunction(t, "replay", "HUB_BUCKET="+bucket, "DATABASE_URL="+empty.URL)
	days := fmt.Sprintf(`"from":%q,"to":%q`, time.Now().AddDate(0, 0, -1).UTC().Format(time.DateOnly),
		time.Now().AddDate(0, 0, 1).UTC().Format(time.DateOnly))
	replay := func(event string) (r replayJSON) {
		t.Helper()
		answer := f.Invoke([]byte(event))
		body, ok := strings.CutPrefix(answer, "response ")
		if !ok || json.Unmarshal([]byte(body), &r) != nil {
			t.Fatalf("%s: answer %s\n%s", event, answer, f.Log())
		}
		return r
	}
	if r := replay(`{` + days + `,"dry_run":true}`); !r.DryRun || r.Rows != 493 || r.Applied != 0 {
		t.Errorf("%+v", r)
	}
	if r := replay(`{` + days + `,"category":["service_costs"]}`); !r.Complete || r.Error != "" || r.Applied != 2 {
		t.Errorf("%+v", r)
	}
	if r := replay(`{` + days + `,"account":["222233334444"]}`); !r.Complete || r.Applied != 1 {
		t.Errorf("%+v", r)
	}
	if r := replay(`{` + days + `}`); !r.Complete || r.Applied != 490 || r.SkippedRows != 3 {
		t.Errorf("%+v", r)
	}
	// Partial success is named.
	if r := replay(`{"from":"2020-01-01","to":"2020-01-01"}`); r.Complete || !strings.HasPrefix(r.Error, "nothing was found") {
		t.Errorf("%+v", r)
	}
	for run := range w.archive.Runs(t.Context(), archive.Filter{Categories: []string{"certificates"}}) {
		w.putObject(strings.TrimPrefix(w.archive.ManifestURL(run), "s3://"+bucket+"/"), []byte("{"))
		break
	}
	if r := replay(`{` + days + `}`); r.Complete || r.BadCount != 1 || !strings.HasPrefix(r.Error, "not everything") {
		t.Errorf("%+v", r)
	}
	for event, want := range map[string]string{
		`{}`:                             "the event names no days",
		`{"from":"2026-08-01"}`:          "the event names no days",
		`{"form":"2026-08-01"}`:          "unknown field",
		`{"from":"1 May","to":"2 May"}`:  "--from",
		`{` + days + `,"account":["x"]}`: "--account",
	} {
		if answer := f.Invoke([]byte(event)); !strings.HasPrefix(answer, "error ") || !strings.Contains(answer, want) {
			t.Errorf("%s: answer %s, want %s", event, answer, want)
		}
	}
	// What takes too long is told in time.
	stuck := w.aws.Inject(awsfake.Fault{Operation: "s3:GetObject", Effect: awsfake.BlackHole})
	defer stuck.Remove()
	f.Timeout = 5 * time.Second
	if answer := f.Invoke([]byte(`{` + days + `}`)); !strings.HasPrefix(answer, "error ") ||
		!strings.Contains(answer, "the time of the function is up") {
		t.Errorf("answer %s", answer)
	}
}
