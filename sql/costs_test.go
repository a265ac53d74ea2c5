package sql_test

import "testing"

// cost adds a line of account A.
func (db *database) cost(day, service, amount, currency string, values ...string) {
	db.Helper()
	db.insert("service_costs", append([]string{
		"region", "global", "usage_date", day, "service", service, "usage_region", "eu-central-1",
		"unblended_cost", amount, "amortized_cost", amount, "currency", currency,
	}, values...)...)
}

// TestMonthIsThatOfTheDay in whatever time zone the view is refreshed.
func TestMonthIsThatOfTheDay(t *testing.T) {
	db := newDatabase(t)
	db.exec("DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET TimeZone = ''America/Los_Angeles''', " +
		"current_database()); END $$")
	db.cost("2026-07-31", "EC2", "1", "USD")
	db.cost("2026-08-01", "EC2", "1", "USD")
	db.Pool.Reset() // connections take the setting over when they begin
	db.refresh()
	db.want("SELECT month::text FROM cost_monthly ORDER BY 1", "2026-07-01", "2026-08-01")
}

// TestOneChangeReachesEveryViewInOneRound: views over views are refreshed after those.
func TestOneChangeReachesEveryViewInOneRound(t *testing.T) {
	db := newDatabase(t)
	db.run("service_costs", accountA, "global", "", 10, "ok", 0)
	db.cost("2026-06-01", "EC2", "10", "USD")
	db.cost("2026-07-01", "EC2", "1", "USD")
	db.refresh()
	db.exec("UPDATE obs.service_costs SET unblended_cost = 5 WHERE usage_date = '2026-07-01'")
	db.mark("service_costs", accountA, "global")
	db.refreshed()
	db.want("SELECT trim_scale(cost)::text, trim_scale(change)::text FROM cost_change WHERE month = '2026-07-01'", "5 -5")
	db.want("SELECT trim_scale(month_to_date)::text FROM cost_daily WHERE usage_date = '2026-07-01'", "5")
	db.want("SELECT trim_scale(cost_this_month)::text, trim_scale(cost_last_month)::text FROM account_overview", "5 10")
}
