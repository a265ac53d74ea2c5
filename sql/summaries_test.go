package sql_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/hubspoke/observability/internal/hubtest"
	"github.com/hubspoke/observability/lib/pgtest"
	"github.com/hubspoke/observability/lib/refresh"
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/schemas"
)

// wantSummariesRight fails where a summary is not what its live view says, or a
// materialized view not what its query says.
func (db *database) wantSummariesRight() {
	db.Helper()
	err := pgx.BeginTxFunc(db.Context(), db.Pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead}, func(tx pgx.Tx) error {
		// Whatever depends on the session differs from what the Refresher stored.
		if _, err := tx.Exec(db.Context(), "SET LOCAL timezone = 'America/New_York'; SET LOCAL datestyle = 'SQL, DMY'; "+
			"SET LOCAL intervalstyle = iso_8601"); err != nil {
			return err
		}
		checks, err := refresh.CheckSummaries(db.Context(), tx, 3)
		for _, c := range checks {
			if c.Differences() > 0 || c.Waiting || c.WaitingScopes > 0 {
				db.Errorf("%+v", c)
			}
		}
		return err
	})
	if err != nil {
		db.Fatal(err)
	}
	for _, view := range db.rows("SELECT view_name, pg_get_viewdef(to_regclass(view_name)) FROM hub.installed_view " +
		"WHERE view_name IN (SELECT schemaname || '.' || matviewname FROM pg_matviews)") {
		name, query, _ := strings.Cut(strings.TrimSuffix(view, ";"), " ")
		db.want(fmt.Sprintf("(TABLE %s EXCEPT ALL (%s)) UNION ALL ((%[2]s) EXCEPT ALL TABLE %[1]s)", name, query))
	}
}

// refreshed refreshes what changed, and returns the names of what that was, summaries first.
func (db *database) refreshed() (names []string) {
	db.Helper()
	for _, v := range refreshOnce(db.T, db.Pool).Views {
		names = append(names, v.Name)
	}
	slices.SortFunc(names, func(a, b string) int { return strings.Compare(b[:1], a[:1])*2 + strings.Compare(a, b) })
	return names
}

func refreshOnce(t testing.TB, pool *pgxpool.Pool) refresh.Result {
	t.Helper()
	refresher, err := refresh.New(pool, refresh.Config{})
	if err != nil {
		t.Fatal(err)
	}
	result, err := refresher.Once(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// wantChanged refreshes what changed, and fails if more rows of a summary were written
// than most.
func (db *database) wantChanged(summary string, most int64) {
	db.Helper()
	result := refreshOnce(db.T, db.Pool)
	i := slices.IndexFunc(result.Views, func(v refresh.View) bool { return v.Name == summary })
	if i < 0 || result.Views[i].Changed == 0 || result.Views[i].Changed > most {
		db.Errorf("%+v: want at least one changed row of %s and at most %d", result.Views, summary, most)
	}
}

// mark says that rows of an account and region changed, as the loader does.
func (db *database) mark(table, account, region string) {
	db.Helper()
	db.exec("INSERT INTO hub.dirty (table_name, account_id, region) VALUES ($1, $2, $3)", table, account, region)
}

// TestSummariesFollowEveryChange draws changes of all tables: new, changed and gone rows,
// scopes that come, are complete and go. When no mark waits, everything that is stored is
// what its query says.
func TestSummariesFollowEveryChange(t *testing.T) {
	const steps = 25
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	db := newDatabase(t)
	pick := func(values ...string) string { return values[random.IntN(len(values))] }
	insert := map[string]func(at ...string){
		"security_findings": func(at ...string) {
			db.finding(uuid(), append(at, "finding_account_id", pick(accountA, accountB, admin), "finding_region",
				pick("eu-central-1", "us-east-1"),
				"severity_label", pick("LOW", "HIGH"), "record_state", pick("ACTIVE", "ARCHIVED"), "sample",
				pick("true", "false", "false"),
				"collected_at", base.Format("2006-01-02"))...)
		},
		"service_costs": func(at ...string) {
			db.cost(pick("2026-06-30", "2026-07-01", "2026-07-31"), pick("EC2", "S3"), pick("1", "1.0", "-2"),
				pick("USD", "EUR"),
				append(at, "usage_region", uuid(), "amortized_cost", pick("NULL", "3"), "estimated", pick("true", "false"))...)
		},
		"linked_account_costs": func(at ...string) {
			db.insert("linked_account_costs", append(at, "linked_account_id", pick(accountA, accountB, uuid()), "usage_date",
				pick("2026-06-30", "2026-07-01"), "service", "EC2 "+uuid()[:1], "unblended_cost", pick("1", "-2"), "amortized_cost",
				pick("NULL", "3"), "currency", pick("USD", "EUR"), "estimated", pick("true", "false"))...)
		},
		"certificates": func(at ...string) {
			db.certificate(uuid(), append(at, "not_after", in(random.IntN(60)-10), "status", pick("ISSUED", "REVOKED"), "in_use",
				pick("true", "NULL", "false"))...)
		},
		"kms_keys": func(at ...string) {
			db.key(uuid(), append(at, "rotation_enabled", pick("true", "false", "NULL"), "key_state",
				pick("Enabled", "PendingDeletion", "NULL"))...)
		},
		"ec2_instances": func(at ...string) {
			db.insert("ec2_instances", append(at, "instance_id", uuid(), "state", pick("running", "stopped", "NULL"),
				"instance_type", pick("t3.nano", "m7g.large"),
				"public_ip_address", pick("198.51.100.1", "NULL"), "metadata_http_tokens", pick("optional", "required"),
				"metadata_http_endpoint", "enabled")...)
		},
		"ebs_volumes": func(at ...string) {
			db.insert("ebs_volumes", append(at, "volume_id", uuid(), "state", pick("available", "in-use"), "size_gb",
				pick("1", "20", "NULL"))...)
		},
		"s3_buckets": func(at ...string) {
			db.insert("s3_buckets", append(at, "bucket_name", uuid(), "bucket_region", pick("eu-central-1", "us-east-1", "NULL"),
				"policy_is_public", pick("true", "false", "NULL"))...)
		},
		"cost_recommendations": func(at ...string) {
			db.insert("cost_recommendations", append(at, "recommendation_id", uuid(), "resource_arn", pick("a", "b", "NULL"),
				"estimated_monthly_savings", pick("1", "2", "NULL"))...)
		},
		"secrets": func(at ...string) {
			db.secret(uuid(), append(at, "rotation_enabled", pick("true", "false", "NULL"), "deletion_requested_at",
				pick("NULL", in(-3)))...)
		},
	}
	tables := slices.Sorted(func(yield func(string) bool) {
		for name := range insert {
			if !yield(name) {
				return
			}
		}
	})
	runs := 0
	for step := range steps {
		for range random.IntN(8) {
			table, account, region := pick(tables...), pick(accountA, accountB, admin), pick("eu-central-1", "us-east-1")
			scope := fmt.Sprintf("account_id = '%s' AND region = '%s'", account, region)
			switch random.IntN(8) {
			case 0:
				db.exec(fmt.Sprintf("UPDATE obs.%s SET deleted_at = CASE WHEN deleted_at IS NULL THEN now() END WHERE %s AND "+
					"random() < 0.3", table, scope))
			case 1:
				db.exec(fmt.Sprintf("DELETE FROM obs.%s WHERE %s", table, scope))
			case 2:
				runs++
				db.run("security_findings", account, region, "", -runs, "ok", 0)
				db.mark("hub.scope", account, region)
				db.mark("security_findings", account, region)
			case 3:
				db.exec("DELETE FROM hub.run WHERE scope IN (SELECT scope FROM hub.scope WHERE " + scope + ")")
				db.exec("DELETE FROM hub.scope WHERE " + scope)
				db.mark("hub.scope", account, region)
				db.mark("security_findings", account, region)
			default:
				insert[table]("account_id", account, "region", region)
			}
			db.mark(table, account, region)
		}
		db.refreshed()
		if db.wantSummariesRight(); t.Failed() {
			t.Fatalf("step %d", step)
		}
	}
}

// TestSummariesAreTheSameInEveryTimeZone fails where a day depends on who refreshes: in
// these zones some days of the month have 23 hours.
func TestSummariesAreTheSameInEveryTimeZone(t *testing.T) {
	db := newDatabase(t)
	for _, day := range []string{"2026-03-05", "2026-03-26", "2026-10-23", "2026-10-31"} {
		at := day + "T23:30:00Z"
		db.finding(day, "first_observed_at", at)
		db.cost(day, "EC2", "1", "USD")
		db.certificate(day, "not_after", at)
		db.certificate(day+" revoked", "status", "REVOKED", "revoked_at", at)
		db.key(day, "key_state", "PendingDeletion", "deletion_at", at)
		db.key(day+" material", "origin", "EXTERNAL", "material_expires_at", at)
		db.secret(day, "deletion_requested_at", at)
	}
	db.exec("ALTER DATABASE " + pgx.Identifier{db.Pool.Config().ConnConfig.Database}.Sanitize() +
		" SET timezone = 'Europe/Berlin'")
	db.Pool.Reset()
	db.refresh()
	db.wantSummariesRight()
}

// TestFilesOfCategories: a file of views/attention or views/resources is of the category
// that it is called after, and all have the same columns.
func TestFilesOfCategories(t *testing.T) {
	for _, folder := range []string{"attention", "resources"} {
		testFilesOfCategories(t, newDatabase(t), folder)
	}
}

func testFilesOfCategories(t *testing.T, db *database, folder string) {
	files, err := filepath.Glob("views/" + folder + "/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	var want []string
	for _, file := range files {
		query, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		category := strings.TrimSuffix(filepath.Base(file), ".sql")
		if !slices.ContainsFunc(schemas.All(), func(c *schema.Table) bool { return c.Name() == category }) {
			t.Errorf("%s is not called after a category", file)
		}
		db.want("SELECT relation::regclass FROM hub.view_dependency WHERE view = 'live."+folder+"_"+category+"'::regclass "+
			"AND relation = 'obs."+category+"'::regclass", "obs."+category)
		rows, err := db.Pool.Query(t.Context(), string(query))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		var got []string
		for _, f := range rows.FieldDescriptions() {
			got = append(got, f.Name)
		}
		rows.Close()
		if slices.Sort(got); want == nil {
			want = got
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s has the columns %q, %s has %q", file, got, files[0], want)
		}
	}
}

// TestAChangeOfOneTableRefreshesOneView: and what stands above it, if it has other rows.
func TestAChangeOfOneTableRefreshesOneView(t *testing.T) {
	db := newDatabase(t)
	db.refresh()
	db.secret("a", "rotation_enabled", "false")
	db.cost("2026-07-01", "EC2", "1", "USD")
	db.finding("1")
	for table, want := range map[string]string{
		"secrets": "summary.attention_secrets public.crowded_issues",
		"ec2_instances": "summary.exposure summary.idle_resources summary.patch_compliance " +
			"summary.resources_ec2_instances",
		"service_costs": "summary.attention_cost_forecasts summary.cost_days summary.costs public.account_cost_daily " +
			"public.account_overview public.cost_monthly public.service_cost_daily",
		"security_findings": "summary.findings summary.findings_ages summary.findings_controls summary.findings_days " +
			"public.account_overview public.failing_controls public.findings_by_product public.findings_flow " +
			"public.findings_places",
	} {
		for range 2 {
			db.mark(table, accountA, "eu-central-1")
			db.mark(table, accountA, "global")
			if got := strings.Join(db.refreshed(), " "); got != want {
				t.Errorf("a change of %s refreshes %q, want %q", table, got, want)
			}
			want, _, _ = strings.Cut(want, " public.") // nothing has changed the second time
		}
	}
	// That a scope is complete again changes nothing but the accounts that are known.
	for i, want := range []string{"summary.findings_collected public.account_overview public.failing_controls " +
		"public.findings_by_product public.findings_flow public.findings_places",
		"summary.findings_collected public.account_overview"} {
		db.run("security_findings", accountB, "eu-central-1", "", -i, "ok", 0)
		db.mark("hub.scope", accountB, "eu-central-1")
		got := db.refreshed()
		if strings.Join(got, " ") != want {
			t.Errorf("a complete run refreshes %q, want %q", got, want)
		}
	}
}

// madeUp is how many accounts BenchmarkMadeUpAccounts makes up:
//
//	go test ./sql -run '^$' -bench MadeUp -benchtime 5x -made-up 500000
var madeUp = flag.Int("made-up", 20_000, "accounts in BenchmarkMadeUpAccounts")

// BenchmarkMadeUpAccounts changes one finding of a sender with findings about as many
// accounts as it liked, and refreshes.
func BenchmarkMadeUpAccounts(b *testing.B) {
	db := pgtest.New(b, hubtest.Views)
	exec := func(statement string, args ...any) {
		if _, err := db.Pool.Exec(b.Context(), statement, args...); err != nil {
			b.Fatal(err)
		}
	}
	exec(`INSERT INTO obs.security_findings (row_key, row_hash, account_id, region, run_id, collected_at, finding_id, product_arn, generator_id,
			finding_account_id, title, resource_count)
		SELECT md5(n::text)::uuid, md5(n::text)::uuid, $1, 'eu-central-1', '01930000-0000-7000-8000-000000000001', now(), n::text, 'p', 'g', n::text, 't', 1
		FROM generate_series(100000000000, 100000000000 + $2::bigint - 1) n`, accountA, *madeUp)
	exec("ANALYZE obs.security_findings")
	refreshOnce(b, db.Pool)
	var summary, views time.Duration
	var changed int64
	for n := range b.N {
		exec("UPDATE obs.security_findings SET severity_label = (ARRAY['LOW', 'HIGH'])[1 + $1 % 2] WHERE finding_id = "+
			"'100000000007'", n)
		exec("INSERT INTO hub.dirty (table_name, account_id, region) VALUES ('security_findings', $1, 'eu-central-1')",
			accountA)
		for _, v := range refreshOnce(b, db.Pool).Views {
			if strings.HasPrefix(v.Name, "summary.") {
				summary, changed = summary+v.Duration, changed+v.Changed
			} else {
				views += v.Duration
			}
		}
	}
	b.ReportMetric(float64(summary.Milliseconds())/float64(b.N), "ms-summary")
	b.ReportMetric(float64(views.Milliseconds())/float64(b.N), "ms-views")
	b.ReportMetric(float64(changed)/float64(b.N), "rows-changed")
}

// TestSummariesReadOneScope: what a summary says of one account and region reads the rows of
// these alone in each of its tables, so that its cost follows what changed.
func TestSummariesReadOneScope(t *testing.T) {
	db := newDatabase(t)
	views := db.rows("SELECT relname FROM pg_class WHERE relnamespace = 'live'::regnamespace AND relkind = 'v'")
	if len(views) == 0 {
		t.Fatal("no summaries")
	}
	for _, view := range views {
		var plans []struct{ Plan planNode }
		query := "EXPLAIN (FORMAT JSON) SELECT v.* FROM (VALUES ('1', '2'), ('3', '4')) AS d (account_id, region) " +
			"CROSS JOIN LATERAL (SELECT * FROM live." + view +
			" v WHERE v.account_id = d.account_id AND v.region = d.region OFFSET 0) v"
		if err := db.Pool.QueryRow(t.Context(), query).Scan(&plans); err != nil {
			t.Fatalf("%s: %v", view, err)
		}
		for _, table := range plans[0].Plan.readWhole() {
			t.Errorf("live.%s reads all of %s", view, table)
		}
	}
}

// planNode is a part of a plan that EXPLAIN shows.
type planNode struct {
	Relation  string     `json:"Relation Name"`
	IndexCond string     `json:"Index Cond"`
	Filter    string     `json:"Filter"`
	Parts     []planNode `json:"Plans"`
}

// readWhole returns the tables that are read, and not of an account.
func (n planNode) readWhole() (tables []string) {
	conditions := n.IndexCond + n.Filter
	for _, part := range n.Parts {
		tables = append(tables, part.readWhole()...)
		conditions += part.IndexCond
	}
	if n.Relation != "" && !strings.Contains(conditions, "account_id = ") {
		tables = append(tables, n.Relation)
	}
	return tables
}
