package sql_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hubspoke/observability/schemas"
)

const (
	accountA = "111111111111"
	accountB = "222222222222"
	admin    = "999999999999"
)

// finding adds a finding that its own account saw in its own region.
func (db *database) finding(id string, values ...string) {
	db.Helper()
	db.insert("security_findings", append([]string{
		"finding_id", id, "product_arn", "product", "product_name", "GuardDuty",
		"account_id", accountA, "finding_account_id", accountA, "finding_region", "eu-central-1",
		"severity_label", "HIGH", "workflow_status", "NEW", "record_state", "ACTIVE",
	}, values...)...)
}

// TestFindingSeenInSeveralPlaces: the predecessor booked the findings of members
// on their administrator, and would have counted them twice.
func TestFindingSeenInSeveralPlaces(t *testing.T) {
	db := newDatabase(t)
	db.finding("1", "collected_at", "2026-08-01T00:00:00Z")
	db.finding("1", "region", "us-east-1", "severity_label", "LOW", "collected_at", "2026-08-02T00:00:00Z") // aggregated
	db.finding("1", "account_id", admin, "severity_label", "LOW", "collected_at",
		"2026-08-03T00:00:00Z") // administrator
	db.finding("1", "product_arn", "another product")
	// B is not collected. Its findings count as others see them, of each in one region.
	db.finding("2", "account_id", admin, "region", "us-east-1", "finding_account_id", accountB, "severity_label",
		"CRITICAL",
		"collected_at", base.Format(time.RFC3339Nano))
	db.finding("2", "account_id", admin, "finding_account_id", accountB, "severity_label", "LOW")
	db.finding("2", "account_id", "888888888888", "finding_account_id", accountB, "severity_label", "MEDIUM")
	const counted = "SELECT account_id, region, severity, sum(findings)::int FROM findings_summary GROUP BY 1, 2, 3 " +
		"ORDER BY 1, 3"
	db.refresh()
	db.want(counted,
		accountA+" eu-central-1 HIGH 2",
		accountB+" eu-central-1 LOW 1",
		accountB+" eu-central-1 MEDIUM 1")
	// A region that was collected completely says more than the one that it is about.
	db.run("security_findings", admin, "us-east-1", "", 0, "ok", 0)
	db.refresh()
	db.want(counted,
		accountA+" eu-central-1 HIGH 2",
		accountB+" eu-central-1 CRITICAL 1",
		accountB+" eu-central-1 MEDIUM 1")
	// What the account itself sees elsewhere comes before what others see.
	db.finding("2", "account_id", accountB, "region", "ap-south-1", "finding_account_id", accountB, "severity_label",
		"INFORMATIONAL")
	db.refresh()
	db.want(counted,
		accountA+" eu-central-1 HIGH 2",
		accountB+" eu-central-1 INFORMATIONAL 1")
	// Where it is collected itself and has none, there is none.
	db.run("security_findings", accountB, "eu-central-1", "", 0, "ok", 0)
	db.refresh()
	db.want(counted, accountA+" eu-central-1 HIGH 2")
}

// TestDeletedFindingsAreNotOpen: neither those that Security Hub has deleted, which a full
// run no longer named, nor samples.
func TestDeletedFindingsAreNotOpen(t *testing.T) {
	db := newDatabase(t)
	seen := func(id string, values ...string) { db.finding(id, append([]string{"product_name", id}, values...)...) }
	gone := base.Format(time.RFC3339Nano)
	db.run("security_findings", accountA, "eu-central-1", "", 0, "ok", 0)
	seen("exists")
	seen("deleted", "deleted_at", gone)
	seen("sample", "sample", "true")
	// Nor does the copy of a deleted finding that is not deleted elsewhere.
	seen("elsewhere deleted", "deleted_at", gone)
	seen("elsewhere deleted", "account_id", admin)
	db.refresh()
	db.want("SELECT product_name, findings FROM findings_summary WHERE is_open ORDER BY product_name", "exists 1")
	// So do the example queries: the first one counts open findings.
	queries, err := schemas.Queries("security_findings")
	if err != nil {
		t.Fatal(err)
	}
	db.exec("UPDATE obs.security_findings SET severity_label = product_name")
	db.exec("DELETE FROM obs.security_findings WHERE account_id = '" + admin + "'")
	for _, row := range db.rows(queries[0].SQL) {
		if strings.Contains(row, "deleted") || strings.Contains(row, "sample") {
			t.Errorf("%s: %s", queries[0].Title, row)
		}
	}
}

// TestLongTextsDoNotStopARefresh: the key of an index has a limit, and a view
// that cannot be refreshed is old for everybody.
func TestLongTextsDoNotStopARefresh(t *testing.T) {
	db := newDatabase(t)
	var long strings.Builder // incompressible
	for long.Len() < 20_000 {
		long.WriteString(uuid())
	}
	text := "ä€" + long.String()
	db.finding(text, "product_arn", text, "product_name", text, "finding_account_id", text, "finding_region", text,
		"severity_label", text, "workflow_status", text, "record_state", text, "compliance_status", text)
	db.insert("service_costs", "service", text, "currency", text, "usage_region", text)
	db.insert("linked_account_costs", "linked_account_id", accountB, "service", text, "currency", text)
	db.insert("certificates", "certificate_arn", text, "domain_name", text, "not_after", "2026-01-01T00:00:00Z")
	db.insert("kms_keys", "key_arn", text, "key_id", text, "key_state", "PendingDeletion", "deletion_at",
		"9999-12-31T23:59:59Z")
	db.insert("secrets", "secret_arn", text, "name", text, "deletion_requested_at", "9999-12-31T23:59:59Z")
	db.refresh() // fails if one fails
	db.want("SELECT length(product_name) FROM findings_summary", "128")
	db.want("SELECT DISTINCT length(resource_name), length(resource_arn) FROM needs_attention", "256 512")
	db.want("SELECT length(service) FROM cost_monthly", "256")
	db.want("SELECT length(service) FROM summary.linked_cost_days", "256")
	db.want("SELECT kind, days_left IS NOT NULL FROM needs_attention ORDER BY kind", "certificate true", "kms_key true",
		"secret true")
}

// more inserts n rows like one that is there, each with other values: SQL of them by
// column, in which n is the number of the row.
func (db *database) more(category string, n int, values string) {
	db.Helper()
	db.exec(fmt.Sprintf(
		`INSERT INTO obs.%[1]s SELECT (jsonb_populate_record(r, jsonb_build_object('row_key', gen_random_uuid(), %[3]s))).*
		FROM obs.%[1]s r, generate_series(1, %[2]d) n WHERE r.row_key = (SELECT row_key FROM obs.%[1]s LIMIT 1)`, category, n, values))
}

// TestWhatAnAccountAddsToAViewIsBounded: one sender cannot make the views large, and so
// late for everybody. What is too much is counted together, and not left out.
func TestWhatAnAccountAddsToAViewIsBounded(t *testing.T) {
	db := newDatabase(t)
	db.finding("0")
	db.more("security_findings", 21_000,
		`'finding_id', n, 'finding_account_id', lpad(n::text, 12, '0'), 'finding_region', 'r' || n, 'security_control_id', n,
		'severity_label', CASE WHEN n % 2 = 0 THEN 'HIGH' ELSE 'made up ' || n END`)
	db.cost("2026-07-01", "EC2", "5", "USD")
	db.more("service_costs", 1_500, `'service', 'made up ' || n, 'unblended_cost', 1`)
	db.secret("0", "deletion_requested_at", "2026-07-01T00:00:00Z")
	db.more("secrets", 10_500,
		`'secret_arn', n, 'name', n, 'deletion_requested_at', timestamptz '2026-07-01' + n * interval '1 second'`)
	db.refresh()
	// 21,000 and its own are 20,000, and others of two severities.
	db.want("SELECT count(*), sum(findings)::bigint FROM findings_summary", "20002 21001")
	db.want("SELECT DISTINCT region, severity FROM findings_summary WHERE account_id = 'other' ORDER BY 2", "other HIGH",
		"other UNKNOWN")
	db.want("SELECT findings FROM findings_summary WHERE account_id = '"+accountA+"'", "1")
	db.want("SELECT count(*), sum(findings)::bigint FROM findings_by_control", "20002 21000")
	db.want("SELECT count(*), sum(unblended_cost)::int FROM cost_monthly", "1001 1505")
	db.want("SELECT unblended_cost::int FROM cost_monthly WHERE service = 'other'", "501")
	db.want("SELECT count(*) FROM needs_attention WHERE issue = 'secret_pending_deletion'", "10001")
	db.want("SELECT resource_name, (due_at AT TIME ZONE 'UTC')::text FROM needs_attention WHERE resource_arn = ''",
		"501 more 2026-07-08 02:46:40")
	db.want("SELECT count(*) FROM summary.findings", "20002")
	// Nor does one change cost what the sender has made up.
	db.exec("UPDATE obs.security_findings SET severity_label = 'CRITICAL' WHERE finding_id = '77'")
	db.mark("security_findings", accountA, "eu-central-1")
	db.wantChanged("summary.findings", 4)
	// Other regions of the account do not get as many again.
	db.more("security_findings", 21_000,
		`'region', 'us-east-1', 'finding_id', n || 'u', 'finding_account_id', lpad((n + 30000)::text, 12, '0'),
		'severity_label', 'LOW', 'security_control_id', n`)
	db.more("service_costs", 10, `'region', 'elsewhere', 'service', 'made up too ' || n, 'unblended_cost', 1`)
	db.more("secrets", 10,
		`'region', 'us-east-1', 'secret_arn', n || 'u', 'name', n || 'u', 'deletion_requested_at', timestamptz '2026-07-01'`)
	db.refresh()
	if n := db.rows("SELECT count(*) FROM findings_summary WHERE account_id <> 'other'"); n[0] != "20000" {
		t.Errorf("%s rows of findings_summary", n)
	}
	db.want("SELECT sum(findings)::bigint FROM findings_summary", "42001")
	db.want("SELECT count(*) FILTER (WHERE account_id <> 'other'), sum(findings)::bigint FROM findings_by_control",
		"20000 42000")
	db.want("SELECT count(*) FROM cost_monthly", "1001")
	db.want("SELECT count(*) FROM needs_attention WHERE issue = 'secret_pending_deletion'", "10001")
	db.want("SELECT resource_name FROM needs_attention WHERE resource_arn = ''", "511 more")
}
