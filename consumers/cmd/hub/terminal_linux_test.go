package main

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/hubspoke/observability/consumers/dashboard"
	"github.com/hubspoke/observability/consumers/dashboard/pages"
	"github.com/hubspoke/observability/internal/hubtest"
	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/internal/programtest"
	"github.com/hubspoke/observability/lib/pgtest"
)

// onTerminal runs the program on a terminal of 80 columns.
func onTerminal(t *testing.T, args ...string) string {
	t.Helper()
	t.Setenv("COLUMNS", "")
	tty, output := programtest.Terminal(t, 80)
	var stderr programtest.Buffer
	code := run(t.Context(), tty, &stderr, args)
	if text := output(); code == program.ExitDone || code == program.ExitPartly {
		return text
	}
	t.Fatalf("%q: exit code %d: %s", args, code, stderr.String())
	return ""
}

// What is large and long in a database: numbers of ten digits, a stream's ARN, a
// reason of a thousand characters with what a terminal would obey.
const largeSQL = `
INSERT INTO hub.scope (scope, category, account_id, region, slice, live_rows)
SELECT gen_random_uuid(), category, '111122223333', 'ap-southeast-3', slice, 1234567890
FROM (VALUES ('security_findings', ''), ('service_costs', '2026-08-01'), ('ec2_instances', '')) s(category, slice);
INSERT INTO hub.run (scope, run, collected_at, rows, new_rows, changed_rows, outcome, end_rows, end_parts, parts)
SELECT scope, gen_random_uuid(), now() - interval '400 days', 123456789, 12345678, 1234567, 'ok', 123456788, 1, 1 FROM hub.scope;
INSERT INTO hub.shard_progress (stream, stream_created_at, shard, sequence_number, arrived_at)
VALUES ('arn:aws:kinesis:eu-central-1:444455556666:stream/observability', now(), 'shardId-000000000000',
        49590338271490256608559692538361571095921575989136588898, now() - interval '3 hours 2 minutes');
UPDATE hub.view_refresh SET refreshed_at = now(), duration_ms = 123456, error = repeat('the view cannot be refreshed ', 20);
INSERT INTO hub.unknown_key (category, key, count) SELECT 'secrets', E'new\x1b\u009b' || repeat('key', 20) || n, n FROM generate_series(1, 12) n;
INSERT INTO hub.gap (stream, stream_created_at, shard, after_sequence, until_sequence, reason, after_arrived_at)
VALUES ('arn:aws:kinesis:eu-central-1:444455556666:stream/observability', now(), 'shardId-000000000000', '1', '2', 'the shard was read too late', now());
INSERT INTO hub.reject (reason, detail, category, account_id, region, run, part, row_number, origin, size, sha256, bytes)
SELECT 'wrong_type', repeat('archive/data/account=111122223333/', 20) || E': want \x1b[2J an integer', 'security_findings', '111122223333', 'ap-southeast-3',
       run, 12, 3456, 'shardId-000000000000', 3, '', E'\\x1b5b324a0a80' FROM hub.run LIMIT 1;
SELECT hub.store_all_sources()`

func TestTablesFitATerminal(t *testing.T) {
	db := pgtest.New(t, template)
	isolate(t, "DATABASE_URL="+db.URL)
	change(t, db, largeSQL)
	for _, command := range []string{"status", "verify", "rejects list", "check", "refresh --all", "migrate"} {
		text := onTerminal(t, strings.Fields(command)...)
		for line := range strings.Lines(text) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 80 && command != "check" {
				t.Errorf("hub %s: a line of %d characters:\n%s", command, n, text)
				break
			}
		}
		if strings.ContainsAny(text, "\x1b\r\u009b") {
			t.Errorf("hub %s: %q", command, text)
		}
		if testing.Verbose() {
			t.Logf("hub %s\n%s", command, text)
		}
	}
	run := query[string](t, db, "SELECT run::text FROM hub.reject")[0]
	text := onTerminal(t, "rejects", "list")
	for _, want := range []string{"run " + run + ", part 12, row 3456", "want [2J an integer", "│ wrong_type, open ",
		"s ago  "} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing:\n%s", want, text)
		}
	}
	hub(t.Context(), "rejects", "list", "--wide").want(t, program.ExitDone, "│ shardId-000000000000", "3 bytes, SHA-256")
}

func TestRejectsShowDoesNotDriveTheTerminal(t *testing.T) {
	db := pgtest.New(t, template)
	isolate(t, "DATABASE_URL="+db.URL)
	change(t, db, largeSQL)
	id := fmt.Sprint(query[int64](t, db, "SELECT id FROM hub.reject")[0])
	if text := onTerminal(t, "rejects", "show", id); text != `\x1b[2J`+"\n"+`\x80`+"\n" {
		t.Errorf("got %q", text)
	}
	raw := "\x1b[2J\n\x80"
	if text := onTerminal(t, "rejects", "show", "--raw", id); text != raw {
		t.Errorf("raw: %q", text)
	}
	if r := hub(t.Context(), "rejects", "show", id); r.stdout != raw || bytes.ContainsAny([]byte(r.stderr), "\x1b") {
		t.Errorf("into a pipe: %q, %q", r.stdout, r.stderr)
	}
}

func TestForgetAsks(t *testing.T) {
	db := pgtest.New(t, template)
	isolate(t, "DATABASE_URL="+db.URL)
	change(t, db, accountsSQL)
	stdin := os.Stdin
	defer func() { os.Stdin = stdin }()
	for _, test := range []struct {
		answer string
		code   int
		left   int64
	}{{"yes", program.ExitUsage, 2}, {"111122223333", program.ExitDone, 1}} {
		tty, output, typed := programtest.Console(t, 80)
		os.Stdin = tty
		typed(test.answer + "\n")
		code := run(t.Context(), tty, tty, []string{"forget", "--account", "111122223333"})
		text := output()
		if code != test.code || !strings.Contains(text, "Remove all 5 rows of account 111122223333 for ever?") {
			t.Errorf("%s: exit code %d:\n%s", test.answer, code, text)
		}
		if n := accountsLeft(t, db); n != test.left {
			t.Errorf("%s: %d accounts are left", test.answer, n)
		}
	}
}

var colorRE = regexp.MustCompile("\x1b\\[[0-9;]*m")

// TestShowFitsATerminal: no page is wider than 80 columns, colours are for terminals that want
// them, and what rows say does not drive the terminal.
func TestShowFitsATerminal(t *testing.T) {
	db := pgtest.New(t, hubtest.Filled)
	isolate(t, "DATABASE_URL="+db.URL)
	t.Setenv("TERM", "xterm")
	account := query[string](t, db, "SELECT min(account_id) FROM account_overview")[0]
	for _, p := range pages.All() {
		args := []string{"show", p.Name}
		if dashboard.FixedFilter(p) != "" {
			args = append(args, "--filter", "account="+account)
		}
		t.Setenv("NO_COLOR", "")
		colored := onTerminal(t, args...)
		text := colorRE.ReplaceAllString(colored, "")
		if colored == text {
			t.Errorf("%s has no colours", p.Name)
		}
		for line := range strings.Lines(text) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 80 {
				t.Errorf("hub show %s: a line of %d characters:\n%s", p.Name, n, line)
			}
		}
		if strings.ContainsAny(text, "\x1b\r") || strings.Contains(text, "no answer") {
			t.Errorf("hub show %s: %q", p.Name, text)
		}
		t.Setenv("NO_COLOR", "1")
		if plain := onTerminal(t, args...); strings.Contains(plain, "\x1b") {
			t.Errorf("hub show %s has colours that nobody wants", p.Name)
		}
	}
	t.Setenv("NO_COLOR", "")
	if r := hub(t.Context(), "show", "overview"); strings.Contains(r.stdout, "\x1b") {
		t.Errorf("a file gets colours: %q", r.stdout)
	}
	change(t, db, `UPDATE obs.secrets SET name = E'\x1b[2J' || name`)
	if text := colorRE.ReplaceAllString(onTerminal(t, "show", "secrets"), ""); strings.Contains(text, "\x1b") {
		t.Errorf("a row drives the terminal: %q", text)
	}
	narrow := onTerminal(t, "show", "accounts")
	if wide := onTerminal(t, "show", "accounts", "--wide"); !strings.Contains(narrow, "--wide shows all") ||
		strings.Contains(wide, "--wide shows all") || !strings.Contains(wide, "THIS") {
		t.Errorf("--wide shows no more:\n%s\n%s", narrow, wide)
	}
}
