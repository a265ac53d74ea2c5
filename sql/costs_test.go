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

const costs = `SELECT account_id, month::text, service, currency, unblended_cost::text, share::text, days FROM cost_monthly ORDER BY 1, 2, 3, 4`

func TestCostMonthly(t *testing.T) {
	db := newDatabase(t)
	db.cost("2026-07-01", "EC2", "1.0000000001", "USD")
	db.cost("2026-07-31", "EC2", "2", "USD")
	db.cost("2026-07-31", "EC2", "0.9999999999", "USD", "usage_region", "us-east-1") // all regions are one service
	db.cost("2026-07-31", "S3", "12", "USD")
	db.cost("2026-08-01", "EC2", "5", "USD")
	db.cost("2026-07-05", "EC2", "100", "USD", "account_id", accountB)
	db.cost("2026-07-05", "EC2", "1000", "USD", "deleted_at", "2026-08-01T00:00:00Z")
	db.refresh()
	db.want(costs,
		accountA+" 2026-07-01 EC2 USD 4.0000000000 0.250000 2",
		accountA+" 2026-07-01 S3 USD 12.0000000000 0.750000 1",
		accountA+" 2026-08-01 EC2 USD 5.0000000000 1.000000 1",
		accountB+" 2026-07-01 EC2 USD 100.0000000000 1.000000 1")
}

// TestCurrenciesAreNotMixed: neither in a sum nor in what a share is a share of.
func TestCurrenciesAreNotMixed(t *testing.T) {
	db := newDatabase(t)
	db.cost("2026-07-01", "EC2", "1", "USD")
	db.cost("2026-07-01", "S3", "3", "USD")
	db.cost("2026-07-01", "EC2", "500", "JPY")
	db.cost("2026-07-01", "EC2", "7", "NULL")
	db.refresh()
	db.want(costs,
		accountA+" 2026-07-01 EC2 JPY 500.0000000000 1.000000 1",
		accountA+" 2026-07-01 EC2 UNKNOWN 7.0000000000 1.000000 1",
		accountA+" 2026-07-01 EC2 USD 1.0000000000 0.250000 1",
		accountA+" 2026-07-01 S3 USD 3.0000000000 0.750000 1")
}

func TestCreditsAndZeros(t *testing.T) {
	db := newDatabase(t)
	db.cost("2026-06-01", "EC2", "10", "USD")
	db.cost("2026-06-01", "Credit", "-15", "USD")
	db.cost("2026-07-01", "EC2", "10", "USD")
	db.cost("2026-07-01", "Credit", "-10", "USD")
	db.refresh()
	db.want("SELECT month::text, service, share::text FROM cost_monthly ORDER BY 1, 2",
		"2026-06-01 Credit 3.000000", "2026-06-01 EC2 -2.000000",
		"2026-07-01 Credit <nil>", "2026-07-01 EC2 <nil>")
}

// TestEstimatedCosts: the predecessor read a day once, while AWS still restated
// it, and did not say so.
func TestEstimatedCosts(t *testing.T) {
	db := newDatabase(t)
	db.cost("2026-07-01", "EC2", "1", "USD")
	db.cost("2026-07-02", "EC2", "2", "USD", "estimated", "true")
	db.cost("2026-06-02", "EC2", "2", "USD")
	db.refresh()
	db.want("SELECT month::text, estimated, estimated_cost::text, last_day::text FROM cost_monthly ORDER BY 1",
		"2026-06-01 false 0 2026-06-02", "2026-07-01 true 2.0000000000 2026-07-02")
}

func TestSumOfWhatIsNotReported(t *testing.T) {
	db := newDatabase(t)
	db.cost("2026-07-01", "EC2", "1", "USD")
	db.cost("2026-07-02", "EC2", "2", "USD", "amortized_cost", "NULL", "net_unblended_cost", "1")
	db.refresh()
	db.want("SELECT unblended_cost::text, amortized_cost, net_unblended_cost, net_amortized_cost FROM cost_monthly", "3.0000000000 <nil> <nil> <nil>")
}

// TestMonthIsThatOfTheDay in whatever time zone the view is refreshed.
func TestMonthIsThatOfTheDay(t *testing.T) {
	db := newDatabase(t)
	db.exec("DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET TimeZone = ''America/Los_Angeles''', current_database()); END $$")
	db.cost("2026-07-31", "EC2", "1", "USD")
	db.cost("2026-08-01", "EC2", "1", "USD")
	db.Pool.Reset() // connections take the setting over when they begin
	db.refresh()
	db.want("SELECT month::text FROM cost_monthly ORDER BY 1", "2026-07-01", "2026-08-01")
}
