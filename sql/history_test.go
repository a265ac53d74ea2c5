package sql_test

import (
	"testing"
	"time"

	"github.com/hubspoke/observability/schemas"
)

// record writes the history of a time and fails if it wrote another number of rows.
func (db *database) record(at string, want int64) {
	db.Helper()
	var got int64
	if err := db.Pool.QueryRow(db.Context(), "SELECT history.record($1::timestamptz)", at).Scan(&got); err != nil {
		db.Fatal(err)
	}
	if got != want {
		db.Errorf("at %s %d rows were written, want %d", at, got, want)
	}
}

const measuresOfDay = "SELECT day::text, measure, region, dimension, value::text FROM history.daily_measures " +
	"WHERE measure <> 'coverage' ORDER BY 1, 2, 3, 4"

// TestHistory writes a day, what changes on it, and the next one.
func TestHistory(t *testing.T) {
	db := newDatabase(t)
	db.run("config_rules", accountA, "eu-central-1", "", 10, "ok", 0)
	rule := func(name, compliance, evaluated string) {
		db.insert("config_rules", "rule_name", name, "compliance_type", compliance, "last_evaluated_at", evaluated)
	}
	rule("a", "COMPLIANT", "2026-07-01T00:30:00Z")
	rule("b", "COMPLIANT", "2026-06-30T23:30:00Z")
	rule("c", "NON_COMPLIANT", "2026-07-02T08:00:00Z")
	db.insert("ec2_instances", "instance_id", "i-1", "state", "running")
	db.insert("ec2_instances", "instance_id", "i-2", "state", "stopped")
	db.refresh()
	const coverage = 2 // fresh, and never seen
	db.record("2026-07-01T23:50:00Z", 4+coverage)
	db.want(measuresOfDay,
		"2026-07-01 config.rules eu-central-1 COMPLIANT 2",
		"2026-07-01 config.rules eu-central-1 NON_COMPLIANT 1",
		"2026-07-01 config.rules_evaluated eu-central-1 COMPLIANT 1",
		"2026-07-01 resources eu-central-1 EC2/Instance 2")
	db.record("2026-07-01T23:59:59.9Z", 0) // nothing has changed

	db.exec("UPDATE obs.config_rules SET deleted_at = now() WHERE rule_name = 'b'")
	db.exec("UPDATE obs.ec2_instances SET deleted_at = now() WHERE instance_id = 'i-1'")
	db.refresh()
	db.record("2026-07-01T23:59:59.99Z", 2)
	db.exec("UPDATE obs.ec2_instances SET deleted_at = now()")
	db.exec("UPDATE obs.config_rules SET compliance_type = 'COMPLIANT'")
	db.refresh()
	// What was there the day before and is not any more is 0, on one day.
	db.record("2026-07-02T00:00:00Z", 4+coverage)
	db.record("2026-07-03T01:00:00Z", 2+coverage)
	db.want(measuresOfDay,
		"2026-07-01 config.rules eu-central-1 COMPLIANT 1",
		"2026-07-01 config.rules eu-central-1 NON_COMPLIANT 1",
		"2026-07-01 config.rules_evaluated eu-central-1 COMPLIANT 1",
		"2026-07-01 resources eu-central-1 EC2/Instance 1",
		"2026-07-02 config.rules eu-central-1 COMPLIANT 2",
		"2026-07-02 config.rules eu-central-1 NON_COMPLIANT 0",
		"2026-07-02 config.rules_evaluated eu-central-1 COMPLIANT 1",
		"2026-07-02 resources eu-central-1 EC2/Instance 0",
		"2026-07-03 config.rules eu-central-1 COMPLIANT 2",
		"2026-07-03 config.rules_evaluated eu-central-1 COMPLIANT 0")
	db.want("SELECT day::text, compliant_rules, noncompliant_rules, score_percentage::text FROM compliance_history "+
		"ORDER BY 1",
		"2026-07-01 1 1 50.00", "2026-07-02 2 0 100.00", "2026-07-03 2 0 100.00")
	db.want("SELECT day::text, resource_type, resources, change FROM resource_history ORDER BY 1",
		"2026-07-01 EC2/Instance 1 <nil>", "2026-07-02 EC2/Instance 0 -1")
}

// TestHistoryOfCoverage is written once an hour: it takes long to find out.
func TestHistoryOfCoverage(t *testing.T) {
	db := newDatabase(t)
	db.run("secrets", accountA, "eu-central-1", "", 10, "ok", 0)
	db.refresh()
	at := time.Date(2026, 7, 1, 10, 0, 0, 0, time.UTC)
	record := func(after time.Duration, want int64) {
		t.Helper()
		db.record(at.Add(after).Format(time.RFC3339), want)
	}
	record(0, 2)
	db.run("kms_keys", accountA, "eu-central-1", "", 10, "denied", 0)
	record(59*time.Minute, 0)
	record(61*time.Minute, 3)
	db.run("kms_keys", accountA, "eu-central-1", "", 5, "ok", 0)
	record(90*time.Minute, 0)
	record(14*time.Hour, 3) // the next day: denied is 0 then
	db.want("SELECT day::text, dimension, value::text FROM history.daily_measures WHERE value < 10 ORDER BY 1, 2",
		"2026-07-01 denied 1", "2026-07-01 fresh 1", "2026-07-02 denied 0", "2026-07-02 fresh 2")
	var never int
	if err := db.Pool.QueryRow(t.Context(), "SELECT value FROM history.daily_measures WHERE dimension = 'never seen' AND "+
		"day = '2026-07-02'").Scan(&never); err != nil || never != len(schemas.All())-2 {
		t.Errorf("%d categories were never seen (error %v), want all but two", never, err)
	}
}

// TestMeasures has each of them once, and what others say about an account counts only
// where the account itself is not collected.
func TestMeasures(t *testing.T) {
	db := newDatabase(t)
	db.finding("1", "severity_label", "HIGH")
	db.finding("2", "severity_label", "HIGH", "workflow_status", "RESOLVED")
	vulnerability := func(account, about, region string) {
		db.insert("inspector_findings", "account_id", account, "region", region, "finding_arn", uuid(),
			"finding_account_id", about, "status", "ACTIVE", "vulnerability_id", "CVE-1", "severity", "HIGH")
	}
	vulnerability(accountA, accountA, "eu-central-1")
	vulnerability(admin, accountA, "eu-central-1") // collected at home
	vulnerability(admin, accountA, "us-east-1")
	vulnerability(admin, accountA, "eu-west-1") // at home there is none
	db.run("inspector_findings", accountA, "eu-west-1", "", 10, "ok", 0)
	db.insert("ssm_instances", "instance_id", "i-1", "ping_status", "Online")
	db.insert("ssm_instances", "instance_id", "i-2", "ping_status", "NULL")
	db.insert("ssm_patch_states", "instance_id", "i-1", "missing_count", "3", "failed_count", "0")
	for _, r := range [][]string{{"1", "USD", "10"}, {"2", "NULL", "NULL"}, {"3", "CNY", "7"}} {
		db.insert("cost_recommendations", "region", "global", "recommendation_id", r[0], "currency", r[1],
			"estimated_monthly_savings", r[2])
	}
	db.insert("health_events", "region", "global", "event_arn", "1", "status", "open", "event_scope", "ACCOUNT_SPECIFIC")
	db.insert("health_events", "region", "global", "event_arn", "2", "status", "open", "event_scope", "PUBLIC")
	db.insert("support_cases", "region", "global", "case_id", "1", "status", "opened", "case_created_at", "2026-07-01")
	db.refresh()
	db.want("SELECT measure, account_id, region, dimension, trim_scale(value)::text FROM measures ORDER BY 1, 2, 3, 4",
		"cases.open 111111111111 global  1",
		"findings.open 111111111111 eu-central-1 HIGH 1",
		"health.open 111111111111 global  1",
		"nodes 111111111111 eu-central-1 Online 1",
		"nodes 111111111111 eu-central-1 Unknown 1",
		"patches 111111111111 eu-central-1 FAILED 0",
		"patches 111111111111 eu-central-1 MISSING 3",
		"savings.monthly 111111111111 global  10",
		"savings.monthly 111111111111 global CNY 7",
		"savings.opportunities 111111111111 global  3",
		"vulnerabilities.open 111111111111 eu-central-1 HIGH 1",
		"vulnerabilities.open 111111111111 us-east-1 HIGH 1")
}
