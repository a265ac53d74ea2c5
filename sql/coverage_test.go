package sql_test

import (
	"testing"

	"github.com/hubspoke/observability/schemas"
)

// TestCoverage has each status once: the worst region of an account counts, and services
// that are off somewhere do not hide others.
func TestCoverage(t *testing.T) {
	db := newDatabase(t)
	hourly := func(category, account, region, slice, outcome string, from int) {
		for i := from; i < 6; i++ {
			db.run(category, account, region, slice, 30+60*i, "ok", 0)
		}
		if outcome != "" {
			db.run(category, account, region, slice, 10, outcome, 0)
		}
	}
	hourly("secrets", accountA, "eu-central-1", "", "", 0)
	hourly("kms_keys", accountA, "eu-central-1", "", "", 0)
	hourly("kms_keys", accountA, "us-east-1", "", "denied", 0)
	hourly("certificates", accountA, "eu-central-1", "", "disabled", 6)
	hourly("ec2_instances", accountA, "eu-central-1", "", "", 0)
	hourly("ec2_instances", accountA, "us-east-1", "", "", 3)
	hourly("ebs_volumes", accountA, "eu-central-1", "", "throttled", 0)
	hourly("subnets", accountA, "eu-central-1", "", "failed", 6)
	// Slices that are kinds are judged each for itself, days together.
	hourly("security_services", accountA, "eu-central-1", "guardduty", "", 0)
	hourly("security_services", accountA, "eu-central-1", "macie", "disabled", 6)
	hourly("security_services", accountA, "eu-central-1", "config", "denied", 6)
	hourly("reservations", accountA, "eu-central-1", "rds", "", 0)
	hourly("reservations", accountA, "eu-central-1", "redshift", "disabled", 6)
	db.run("service_costs", accountA, "global", "2026-07-01", 60+4*day, "ok", 0)
	db.run("service_costs", accountA, "global", "2026-07-02", 60, "ok", 0)
	db.want("SELECT category, status, sources, fresh, off, reason FROM coverage WHERE status <> 'never seen' ORDER BY 1",
		"certificates off 1 0 1 ",
		"ebs_volumes failing 1 0 0 throttled: why throttled",
		"ec2_instances stale 2 1 0 ",
		"kms_keys denied 2 1 0 denied: why denied",
		"reservations fresh 2 1 1 ",
		"secrets fresh 1 1 0 ",
		"security_services denied 3 1 1 denied: why denied",
		"service_costs fresh 1 1 0 ",
		"subnets never complete 1 0 0 failed: why failed")
	if got := len(db.rows("SELECT category FROM coverage")); got != len(schemas.All()) {
		t.Errorf("%d rows, want one for each of %d categories", got, len(schemas.All()))
	}
}

// TestCoverageOfAccountsWithoutASpoke: what a management account says adds accounts that
// nobody collects, and changes none.
func TestCoverageOfAccountsWithoutASpoke(t *testing.T) {
	db := newDatabase(t)
	db.run("secrets", accountA, "eu-central-1", "", 10, "ok", 0)
	db.run("organization_accounts", admin, "global", "", 10, "ok", 0)
	db.run("organization_accounts", accountB, "global", "", 10, "ok", 0)
	member := func(by, account string, values ...string) {
		db.insert("organization_accounts", append([]string{"account_id", by, "region", "global", "member_account_id", account,
			"is_management_account", "false"}, values...)...)
	}
	member(admin, admin, "is_management_account", "true")
	member(admin, accountA) // has a spoke
	member(admin, "444444444444")
	member(admin, "555555555555", "state", "SUSPENDED")
	member(admin, "666666666666", "deleted_at", "2026-07-01T00:00:00Z")
	member(admin, "no account")
	// It says of another one that it manages: nobody knows that.
	member(accountB, admin, "is_management_account", "true")
	member(accountB, accountB)
	member(accountB, "777777777777")
	db.want("SELECT account_id, category, status, named_by FROM coverage WHERE category = 'all' OR status = 'no spoke'",
		"444444444444 all no spoke "+admin)
	db.want("SELECT status FROM coverage WHERE (account_id, category) = ($$"+accountA+"$$, 'secrets')", "fresh")
}
