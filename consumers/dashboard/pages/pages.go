// Package pages has the pages of the dashboard, each in a file of its own.
package pages

import "github.com/hubspoke/observability/consumers/dashboard/page"

// All returns all pages, in the order of the menu.
func All() []page.Page {
	return []page.Page{
		overview, accounts, account,
		findings, controls, attention, compliance,
		costs, savings,
		inventory, operations,
		freshness, rejects,
	}
}

// Filters that several pages have.
var (
	byAccount = page.Filter{Name: "account", Column: "account_id", Label: "Account",
		Options: `SELECT account_id FROM account_overview ORDER BY account_name, account_id LIMIT 2000`}
	bySeverity = page.Filter{Name: "severity", Column: "severity", Label: "Severity",
		Options: `VALUES ('CRITICAL'), ('HIGH'), ('MEDIUM'), ('LOW'), ('INFORMATIONAL'), ('UNKNOWN')`}
	byCurrency = page.Filter{Name: "currency", Column: "currency", Label: "Currency", First: "USD",
		Options: `SELECT DISTINCT currency FROM cost_monthly ORDER BY 1`}
)

// notWrittenDown is said where a history has no days.
const notWrittenDown = "No day is written down for this choice. The hub writes down what there is on a day whenever " +
	"it refreshes the views, from its first day on."

// cost is what was spent by day.
var cost = page.Rollup{
	{View: "service_cost_daily", Columns: []string{"service", "currency"}},
	{View: "account_cost_daily", Columns: []string{"account_id", "currency"}},
	{View: "cost_lines", Columns: []string{"account_id", "service", "currency"}},
}

// severityOrder are severities from the bottom of a chart to its top.
var severityOrder = []string{"UNKNOWN", "INFORMATIONAL", "LOW", "MEDIUM", "HIGH", "CRITICAL"}
