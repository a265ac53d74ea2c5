package main

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/hubspoke/observability/consumers/verify"
	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/internal/programtest"
	"github.com/hubspoke/observability/lib/archive"
	"github.com/hubspoke/observability/lib/awsfake"
	"github.com/hubspoke/observability/lib/pgtest"
	"github.com/hubspoke/observability/schemas"
)

const spoke = "111122223333"

// filled is a world after its database has applied three runs of certificates and one
// of costs.
func filled(t *testing.T) *world {
	w := newWorld(t, 2)
	c := w.consume()
	var many []schemas.Certificate
	for n := range 250 { // several parts and files
		many = append(many, certificate(n, "ISSUED"))
	}
	w.send(spoke, collector(schemas.Certificates, nil, many...),
		collector(schemas.ServiceCosts, nil, cost("Amazon S3", "1.25"), cost("Amazon EC2", "100")))
	w.send(spoke, collector(schemas.Certificates, nil, many[10:]...))
	w.send("222233334444", collector(schemas.Certificates, nil, many[0]))
	w.completed(4)
	c.stop(t)
	return w
}

// completed waits until n runs are complete.
func (w *world) completed(n int64) {
	w.Helper()
	programtest.Eventually(w.TB, "complete runs",
		func() bool { return w.count("SELECT count(*) FROM hub.run WHERE completed_at IS NOT NULL") == n })
}

// change changes the database.
func change(t *testing.T, db *pgtest.DB, sql string) {
	t.Helper()
	if _, err := db.Pool.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func TestVerifyAddsUp(t *testing.T) {
	w := filled(t)
	hub(t.Context(), "verify").want(t, program.ExitDone,
		"│ certificates      │    3 │    0 │          491 │       241 │           0 │",
		"\nAll is right: nothing of 4 runs with 493 rows was lost or doubled.\n")
	hub(t.Context(), "verify", "--wide").want(t, program.ExitDone, "│ ROWS OF ENDS │ DOUBLED │ MISSING │")
	certificates := func(r result) verify.Category {
		return reported(t, parse[verify.Report](t, r), "certificates")
	}
	if a := certificates(hub(t.Context(), "verify", "-o", "json", "--category", "certificates")); a.Differences() > 0 ||
		a.Runs != 3 || a.Rows != 491 || a.Live != 241 {
		t.Errorf("%+v", a)
	}
	// A run without its end is no difference.
	change(t, w.db, "INSERT INTO hub.run (scope, run, collected_at) SELECT scope, gen_random_uuid(), now() FROM "+
		"hub.scope WHERE category = 'certificates' LIMIT 1; SELECT hub.store_all_sources()")
	if a := certificates(hub(t.Context(), "verify", "-o", "json").want(t, program.ExitDone)); a.Open != 1 {
		t.Errorf("%+v", a)
	}
	hub(t.Context(), "verify").want(t, program.ExitDone, "Of 1 more the end has not arrived")
	for _, test := range []struct {
		name, change, undo string
		found              func(verify.Category) int64
		example, verdict   string
	}{
		{"doubled rows", "UPDATE hub.run SET rows = rows + 1 WHERE end_rows = 250",
			"UPDATE hub.run SET rows = rows - 1 WHERE end_rows = 250",
			func(a verify.Category) int64 { return a.Doubled }, "doubled: 251 rows in 3 parts arrived, its end names 250 in 3",
			"- 1 runs have more than their end names"},
		{"doubled parts", "UPDATE hub.run SET parts = parts + 1 WHERE end_rows = 250",
			"UPDATE hub.run SET parts = parts - 1 WHERE end_rows = 250",
			func(a verify.Category) int64 { return a.Doubled }, "doubled: 250 rows in 4 parts",
			"- 1 runs have more than their end names"},
		{"lost rows", "UPDATE hub.run SET rows = rows - 1 WHERE end_rows = 250",
			"UPDATE hub.run SET rows = rows + 1 WHERE end_rows = 250",
			func(a verify.Category) int64 { return a.Missing }, "missing: 249 rows",
			"- 1 runs lack rows or parts. If none arrived"},
		{"refused part",
			"UPDATE hub.run SET rows = rows - 100, parts = parts - 1 WHERE end_rows = 250; INSERT INTO hub.reject (reason, " +
				"detail, category, run, part, size, sha256) SELECT 'hash', '', 'certificates', run, 1, 1, '' FROM hub.run WHERE " +
				"end_rows = 250",
			"UPDATE hub.run SET rows = rows + 100, parts = parts + 1 WHERE end_rows = 250; DELETE FROM hub.reject",
			func(a verify.Category) int64 { return a.Refused }, "refused: 150 rows in 2 parts",
			"- 1 runs lack parts that were refused: hub rejects list"},
		{"parts that are not there", "UPDATE hub.run_part SET rows = rows + 1 WHERE part = 2 AND rows = 50",
			"UPDATE hub.run_part SET rows = rows - 1 WHERE part = 2 AND rows = 51",
			func(a verify.Category) int64 { return a.Inconsistent }, "its stored parts say something else",
			"- 1 runs do not have the parts that they count"},
		{"rejected rows of a run that cannot be complete", "UPDATE hub.run SET rejects = 2, completed_at = NULL WHERE " +
			"end_rows = 250; UPDATE hub.scope SET complete_run = NULL, full_run = NULL WHERE live_rows = 240",
			"UPDATE hub.run SET rejects = 0, completed_at = now() WHERE end_rows = 250; UPDATE hub.scope s SET " +
				"(complete_run, full_run) = (SELECT run, run FROM hub.run r WHERE r.scope = s.scope AND end_rows = 240) WHERE " +
				"live_rows = 240",
			func(a verify.Category) int64 { return a.Rejected }, "2 rows were rejected: hub rejects list",
			"- 1 runs have rejected rows"},
		{"row lost from the table", "UPDATE obs.certificates SET deleted_at = now() WHERE certificate_arn LIKE '%0100'",
			"UPDATE obs.certificates SET deleted_at = NULL WHERE certificate_arn LIKE '%0100'",
			func(a verify.Category) int64 { return a.Scopes }, "scope certificates/111122223333/eu-central-1: 239 rows are " +
				"live, the bookkeeping has 240", "- 1 scopes have other live rows"},
		{"another row in its place", "UPDATE hub.scope SET live_xor = live_xor # 1 WHERE live_rows = 240",
			"UPDATE hub.scope SET live_xor = live_xor # 1 WHERE live_rows = 240",
			func(a verify.Category) int64 { return a.Scopes }, "240 rows are live, the bookkeeping has 240, or others",
			"- 1 scopes have other live rows"},
		{"rows of a scope that nobody knows", "UPDATE obs.certificates SET region = 'x' WHERE account_id = '222233334444'",
			"UPDATE obs.certificates SET region = 'eu-central-1' WHERE region = 'x'",
			func(a verify.Category) int64 { return a.Scopes - 1 },
			"scope certificates/222233334444/x: 1 rows are live, the bookkeeping has 0", "- 2 scopes have other live rows"},
		{"source with another word", "UPDATE hub.source SET rejects = rejects + 7 WHERE account_id = '222233334444'",
			"UPDATE hub.source SET rejects = rejects - 7 WHERE account_id = '222233334444'",
			func(a verify.Category) int64 { return a.Sources },
			"source certificates/222233334444/eu-central-1: rejects is 7, not 0", "- 1 sources are not as their runs say"},
		{"lost source", "DELETE FROM hub.source WHERE account_id = '222233334444'", "SELECT hub.store_all_sources()",
			func(a verify.Category) int64 { return a.Sources }, "eu-central-1: it has no row", "hub.store_all_sources() mends"},
	} {
		t.Run(test.name, func(t *testing.T) {
			change(t, w.db, test.change)
			defer change(t, w.db, test.undo)
			a := certificates(hub(t.Context(), "verify", "-o", "json").want(t, program.ExitPartly,
				"the database does not add up"))
			if test.found(a) != 1 || !slices.ContainsFunc(a.Examples,
				func(e string) bool { return strings.Contains(e, test.example) }) {
				t.Errorf("%+v", a)
			}
			hub(t.Context(), "verify").want(t, program.ExitPartly, test.example, "Not all is right:\n", test.verdict)
		})
	}
	// What was rejected before the newest complete run is past.
	change(t, w.db, "UPDATE hub.run SET rejects = 1 WHERE end_rows = 250")
	hub(t.Context(), "verify").want(t, program.ExitDone)
	change(t, w.db, "INSERT INTO hub.gap (stream, stream_created_at, shard, after_sequence, until_sequence, reason) "+
		"VALUES ('s', now(), '7', '1', '2', 'trimmed')")
	hub(t.Context(), "verify").want(t, program.ExitPartly, "1 gaps are noted", "- 1 gaps are noted")
	change(t, w.db, "DELETE FROM hub.gap")
	// The loader may lose count of a scope, which is no difference.
	change(t, w.db, "UPDATE hub.scope SET live_rows = -1")
	hub(t.Context(), "verify").want(t, program.ExitDone)
}

func TestRefreshPrunes(t *testing.T) {
	w := filled(t)
	runs := func() int64 { return w.count("SELECT count(*) FROM hub.run") }
	hub(t.Context(), "refresh").want(t, program.ExitDone)
	if n := runs(); n != 4 {
		t.Errorf("%d runs: young ones were deleted", n)
	}
	// What the stream may still bring is not forgotten: its retention is known from the consumer.
	hub(t.Context(), "refresh", "--keep", "1s").want(t, program.ExitUsage,
		"--keep 1s is less than the 24h0m0s for which the stream keeps records")
	if n := w.count("SELECT count(*) FROM hub.stream WHERE retention = '24 hours'"); n != 1 {
		t.Errorf("the consumer noted the retention of %d streams", n)
	}
	change(t, w.db, "UPDATE hub.stream SET retention = '7 days'")
	hub(t.Context(), "refresh", "--keep", "167h").want(t, program.ExitUsage, "--keep 167h0m0s is less than the 168h0m0s")
	if n := runs(); n != 4 {
		t.Errorf("%d runs: they were deleted all the same", n)
	}
	// A stream that has not been consumed for long holds nothing any more.
	change(t, w.db, "UPDATE hub.stream SET seen_at = now() - interval '16 days'")
	change(t, w.db, "UPDATE hub.run SET collected_at = collected_at - interval '9 days'")
	change(t, w.db, "SELECT hub.store_all_sources()")
	hub(t.Context(), "refresh", "--keep", "48h").want(t, program.ExitDone, `msg="deleted bookkeeping of old runs" runs=1`)
	if n := runs(); n != 3 {
		t.Errorf("%d runs", n)
	}
	hub(t.Context(), "verify").want(t, program.ExitDone)
}

func TestReplayIntoAnEmptyDatabaseIsEqual(t *testing.T) {
	filled(t)
	empty := pgtest.New(t, template)
	replay := []string{"replay", "--bucket", bucket, "--database-url", empty.URL}
	hub(t.Context(), "verify", "--against", empty.URL).want(t, program.ExitPartly, "the databases differ")

	dry := parse[replayJSON](t, hub(t.Context(), append(replay, "--dry-run", "-o", "json")...).want(t, program.ExitDone))
	if !dry.DryRun || !dry.Complete || dry.Runs != 4 || dry.Rows != 493 || dry.Files != 8 || len(dry.Categories) != 0 {
		t.Errorf("%+v", dry)
	}
	done := parse[replayJSON](t, hub(t.Context(), append(replay, "-o", "json")...).want(t, program.ExitDone))
	if done.Rows != dry.Rows || dry.Applied != 0 || done.Applied != done.Rows || !done.Complete ||
		done.Categories["certificates"].Rows != 491 || done.Categories["certificates"].Gone != 10 ||
		done.Categories["certificates"].Completed != 3 {
		t.Errorf("%+v", done)
	}
	hub(t.Context(), "verify", "--against", empty.URL).want(t, program.ExitDone,
		"│ certificates      │       241 │   241 │", "All is right: the databases have the same 243 live rows.")
	hub(t.Context(), "verify", "--database-url", empty.URL).want(t, program.ExitDone)
	hub(t.Context(), replay...).want(t, program.ExitDone, "0 files with 0 rows applied, 8 files with 493 rows were before")
	none := append(slices.Clone(replay), "--from", "2099-01-01")
	hub(t.Context(), none...).want(t, program.ExitPartly, "nothing was found", "--bucket-prefix")
	if found := parse[replayJSON](t, hub(t.Context(), append(none, "-o", "json")...).want(t,
		program.ExitPartly)); found.Complete || found.Runs != 0 {
		t.Errorf("%+v", found)
	}

	for _, test := range []struct {
		name, change, undo string
		found              func(verify.Comparison) int64
		text               string
	}{
		{"only here", "UPDATE obs.certificates SET deleted_at = now() WHERE certificate_arn LIKE '%0100'",
			"UPDATE obs.certificates SET deleted_at = NULL WHERE certificate_arn LIKE '%0100'",
			func(c verify.Comparison) int64 { return c.OnlyHere },
			"certificates only here: 111122223333/eu-central-1 " +
				"certificate_arn=arn:aws:acm:eu-central-1:111122223333:certificate/0100"},
		{"only there", "UPDATE obs.certificates SET deleted_at = NULL WHERE certificate_arn LIKE '%0005'",
			"UPDATE obs.certificates SET deleted_at = now() WHERE certificate_arn LIKE '%0005'",
			func(c verify.Comparison) int64 { return c.OnlyThere }, "certificates only there: 111122223333/eu-central-1 " +
				"certificate_arn=arn:aws:acm:eu-central-1:111122223333:certificate/0005"},
		{"other content", "UPDATE obs.certificates SET status = 'X' WHERE account_id = '222233334444'", "",
			func(c verify.Comparison) int64 { return c.Differing }, "certificates differing: 222233334444/eu-central-1 " +
				"certificate_arn=arn:aws:acm:eu-central-1:111122223333:certificate/0000 in status"},
	} {
		t.Run(test.name, func(t *testing.T) {
			change(t, empty, test.change)
			if test.undo != "" {
				defer change(t, empty, test.undo)
			}
			against := []string{"verify", "--against", empty.URL}
			r := hub(t.Context(), append(against, "-o", "json")...).want(t, program.ExitPartly)
			c := compared(t, parse[[]verify.Comparison](t, r), "certificates")
			if test.found(c) != 1 || c.OnlyHere+c.OnlyThere+c.Differing != 1 || len(c.Differences) != 1 {
				t.Errorf("%+v", c)
			}
			hub(t.Context(), against...).want(t, program.ExitPartly, test.text, "Not all is right: 1 rows differ.")
			hub(t.Context(), append(against, "--category", "service_costs")...).want(t, program.ExitDone)
		})
	}
	hub(t.Context(), "verify", "--against", "postgres://127.0.0.1:1/x").want(t, program.ExitFailed,
		"--against: database x on 127.0.0.1:1")
	hub(t.Context(), "verify", "--against", pgtest.Empty(t).URL).want(t, program.ExitUsage, "--against: database",
		"run: hub migrate, with --database-url of that database")
	hub(t.Context(), "verify", "--against", "").want(t, program.ExitUsage, "--against is empty")
	hub(t.Context(), "verify", "--against", empty.URL, "--content").want(t, program.ExitUsage, "--content")
	// Settings of a database change nothing.
	change(t, empty, "UPDATE obs.certificates SET status = 'ISSUED' WHERE status = 'X'")
	change(t, empty, "ALTER DATABASE "+empty.Pool.Config().ConnConfig.Database+" SET timezone = 'Asia/Tokyo'")
	hub(t.Context(), "verify", "--against", empty.URL).want(t, program.ExitDone)
	// An account that only one of them has.
	change(t, empty, "UPDATE obs.certificates SET account_id = '333344445555' WHERE account_id = '222233334444'")
	against := func(args ...string) verify.Comparison {
		r := hub(t.Context(), append([]string{"verify", "--against", empty.URL, "-o", "json"}, args...)...)
		return compared(t, parse[[]verify.Comparison](t, r), "certificates")
	}
	if c := against(); c.Differing != 1 || c.Rows != c.There ||
		!slices.Equal(c.Differences[0].Columns, []string{"account_id"}) {
		t.Errorf("%+v", c)
	}
	// Examples are limited, counts are not.
	change(t, empty, "UPDATE obs.certificates SET deleted_at = now()")
	if c := against("--limit", "3"); c.OnlyHere != 241 || c.There != 0 || len(c.Differences) != 3 {
		t.Errorf("%+v", c)
	}
}

func TestVerifyContent(t *testing.T) {
	w := filled(t)
	hub(t.Context(), "verify", "--content").want(t, program.ExitDone, "All is right: 243 live rows are as they were sent.")
	change(t, w.db, "UPDATE obs.certificates SET status = 'X' WHERE certificate_arn LIKE '%010_'")
	change(t, w.db, "UPDATE obs.certificates SET certificate_arn = 'arn' WHERE certificate_arn LIKE '%0200'")
	change(t, w.db, "UPDATE obs.certificates SET row_hash = '00000000-0000-0000-0000-000000000000' WHERE "+
		"certificate_arn LIKE '%0201'")
	hub(t.Context(), "verify", "--content").want(t, program.ExitPartly,
		"certificates edited: 111122223333/eu-central-1 certificate_arn=arn",
		"11 rows are not as they were sent")
	r := hub(t.Context(), "verify", "--content", "--limit", "4", "-o", "json").want(t, program.ExitPartly)
	c := of(t, parse[[]verify.Content](t, r), "certificates", func(c verify.Content) string { return c.Category })
	if c.Category != "certificates" || c.Rows != 241 || c.Hashes != 10 || c.Keys != 1 || c.Waiting != 1 ||
		c.Unreadable != 0 ||
		len(c.Differences) != 4 || c.Differences[0].What != "edited" {
		t.Errorf("%+v", c)
	}
	hub(t.Context(), "verify", "--content", "--category", "service_costs").want(t, program.ExitDone)
}

func TestReplayNamesWhatItCouldNotApply(t *testing.T) {
	w := filled(t)
	var manifests []string
	for run := range w.archive.Runs(t.Context(),
		archive.Filter{Accounts: []string{spoke}, Categories: []string{"certificates"}}) {
		manifests = append(manifests, strings.TrimPrefix(w.archive.ManifestURL(run), "s3://"+bucket+"/"))
	}
	w.putObject(manifests[0], []byte("{"))
	w.deleteObject(manifests[1])
	empty := pgtest.New(t, template)
	replay := []string{"replay", "--bucket", bucket, "--database-url", empty.URL}
	hub(t.Context(), replay...).want(t, program.ExitPartly,
		"refused: manifest: s3://"+bucket+"/"+manifests[0]+": archive: manifest:",
		"unfinished: certificates/111122223333/eu-central-1 run",
		"not everything could be applied")
	s := parse[replayJSON](t, hub(t.Context(), append(replay, "-o", "json")...).want(t, program.ExitPartly))
	if s.Complete || s.BadCount != 1 || s.Bad[0].Reason != "manifest" || len(s.Unfinished) != 1 || s.SkippedRows != 3 {
		t.Errorf("%+v", s)
	}
	hub(t.Context(), "rejects", "list", "--database-url", empty.URL).want(t, program.ExitDone, "manifest")
	hub(t.Context(), append(replay, "--category", "service_costs")...).want(t, program.ExitDone)
	// Only selected categories are looked at, and unknown ones are named.
	w.send(spoke, collector(others, nil, other{"a"}))
	hub(t.Context(), append(replay, "--account", "222233334444")...).want(t, program.ExitDone)
	hub(t.Context(), replay...).want(t, program.ExitPartly, "unknown: 1 runs of category others")
}

// A replay that could not go on says so on standard output, too: a program reads
// nothing else.
func TestReplayThatEndsEarlyIsNotComplete(t *testing.T) {
	w := filled(t)
	replay := func(ctx context.Context, url string, args ...string) result {
		return hub(ctx, append([]string{"replay", "--bucket", bucket, "--database-url", url, "--workers", "1"}, args...)...)
	}
	// The file of the second scope is not read: the first scope is applied before.
	costs := func(c awsfake.Call) bool {
		return strings.Contains(c.Path, "service_costs/") && strings.HasSuffix(c.Path, ".parquet")
	}
	costFile := func(effect awsfake.Effect) *awsfake.Injection {
		return w.aws.Inject(awsfake.Fault{Operation: "s3:GetObject", Effect: effect, When: costs})
	}
	check := func(r result, code int, text string) {
		t.Helper()
		s := parse[replayJSON](t, r.want(t, code, text))
		if s.Complete || !strings.Contains(s.Error, strings.TrimSuffix(text, "; replay again to go on")) ||
			s.Applied != 490 || s.Rows != 492 {
			t.Errorf("%+v", s)
		}
	}
	t.Run("failed", func(t *testing.T) {
		empty := pgtest.New(t, template)
		t.Setenv("AWS_MAX_ATTEMPTS", "1")
		broken := costFile(awsfake.ServerError)
		check(replay(t.Context(), empty.URL, "-o", "json"), program.ExitPartly, "InternalError")
		replay(t.Context(), empty.URL).want(t, program.ExitFailed,
			"1 files with 2 rows to be applied (0 rows are), 6 files with 490 rows were before")
		broken.Remove()
		replay(t.Context(), empty.URL).want(t, program.ExitDone,
			"2 files with 3 rows applied, 6 files with 490 rows were before")
	})
	t.Run("refused", func(t *testing.T) {
		denied := costFile(awsfake.Deny)
		defer denied.Remove()
		replay(t.Context(), pgtest.New(t, template).URL).want(t, program.ExitPartly,
			"8 files with 493 rows to be applied (491 rows are)", "not everything could be applied")
	})
	t.Run("interrupted", func(t *testing.T) {
		empty := pgtest.New(t, template)
		ctx, interrupt := context.WithCancel(t.Context())
		stuck := costFile(awsfake.BlackHole)
		defer stuck.Remove()
		go func() {
			defer interrupt()
			if err := stuck.Wait(t.Context(), 1); err != nil {
				t.Error(err)
			}
		}()
		r := replay(ctx, empty.URL, "-o", "json").want(t, program.ExitFailed, "interrupted; replay again to go on")
		if s := parse[replayJSON](t, r); s.Complete || s.Error != "interrupted" || s.Applied != 0 {
			t.Errorf("%+v", s)
		}
	})
	t.Run("before anything was found", func(t *testing.T) {
		denied := w.aws.Inject(awsfake.Fault{Operation: "s3:ListObjectsV2", Effect: awsfake.Deny})
		defer denied.Remove()
		if r := replay(t.Context(), pgtest.New(t, template).URL).want(t, program.ExitUsage, "AccessDenied"); r.stdout != "" {
			t.Errorf("there is a summary:\n%s", r.stdout)
		}
	})
}

func TestVerifySummaries(t *testing.T) {
	w := filled(t)
	summaries := func(exit int, args ...string) map[string]verify.Summary {
		t.Helper()
		by := map[string]verify.Summary{}
		for _, s := range parse[verify.Report](t, hub(t.Context(),
			append([]string{"verify", "-o", "json"}, args...)...).want(t, exit)).Summaries {
			by[s.Name] = s
		}
		return by
	}
	hub(t.Context(), "refresh").want(t, program.ExitDone)
	if s := summaries(program.ExitDone); len(s) < 6 || s["summary.costs"].Rows != 2 || s["summary.costs"].Waiting {
		t.Errorf("%+v", s)
	}
	hub(t.Context(), "status").want(t, program.ExitDone, "│ summary.costs ")
	// One row more, one row less, and one that differs.
	change(t, w.db, "INSERT INTO summary.findings_collected VALUES ('1', '2')")
	change(t, w.db, "UPDATE summary.costs SET unblended_cost = 7 WHERE service = 'Amazon S3'")
	if s := summaries(program.ExitPartly); s["summary.findings_collected"].Extra != 1 || s["summary.costs"].Missing != 1 ||
		s["summary.costs"].Extra != 1 {
		t.Errorf("%+v", s)
	}
	hub(t.Context(), "verify").want(t, program.ExitPartly, "summary.findings_collected has too many: (1,2)",
		"summary.costs lacks: (111122223333,eu-central-1,", "Not all is right",
		"- 3 rows of summaries are not what their tables say: hub refresh --all")
	if s := summaries(program.ExitDone, "--category", "certificates"); len(s) > 0 {
		t.Errorf("they are compared for one category: %+v", s)
	}
	// What waits to be refreshed is no difference.
	change(t, w.db, "INSERT INTO hub.dirty (table_name, account_id, region) VALUES ('service_costs', '111122223333', "+
		"'eu-central-1'), ('hub.scope', NULL, NULL)")
	if s := summaries(program.ExitDone); s["summary.costs"].WaitingScopes != 1 ||
		!s["summary.findings_collected"].Waiting {
		t.Errorf("%+v", s)
	}
	hub(t.Context(), "verify").want(t, program.ExitDone, "1 accounts and regions wait", "not compared: it waits")
	hub(t.Context(), "refresh", "--all").want(t, program.ExitDone)
	if s := summaries(program.ExitDone); s["summary.costs"].WaitingScopes != 0 || s["summary.findings_collected"].Waiting {
		t.Errorf("%+v", s)
	}
}

// TestBothDatabasesAreAtWorkAtOnce compares digests side by side.
func TestBothDatabasesAreAtWorkAtOnce(t *testing.T) {
	here, there := pgtest.New(t, template), pgtest.New(t, template)
	isolate(t)
	var locks []pgx.Tx
	for _, db := range []*pgtest.DB{here, there} {
		lock := must(db.Pool.Begin(t.Context()))
		must(lock.Exec(t.Context(), "LOCK TABLE obs.certificates"))
		locks = append(locks, lock)
	}
	verified := make(chan result, 1)
	go func() { verified <- hub(t.Context(), "verify", "--database-url", here.URL, "--against", there.URL) }()
	programtest.Eventually(t, "both databases to read the table", func() bool {
		return query[int64](t, here, "SELECT count(DISTINCT database) FROM pg_locks WHERE NOT granted AND mode = "+
			"'AccessShareLock' AND database IN (SELECT oid FROM pg_database WHERE datname IN ($1, $2))",
			here.Pool.Config().ConnConfig.Database, there.Pool.Config().ConnConfig.Database)[0] == 2
	})
	for _, lock := range locks {
		if err := lock.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	r := <-verified
	r.want(t, program.ExitDone)
}
