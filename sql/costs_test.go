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
