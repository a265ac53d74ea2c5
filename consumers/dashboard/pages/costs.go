package pages

import "github.com/hubspoke/observability/consumers/dashboard/page"

var costs = page.Page{
	Name: "costs", Path: "/costs", Title: "Costs", Group: "Cost", Key: "c",
	Question: "What do we spend, on what, and what changed?",
	Sources:  []string{"service_costs", "linked_account_costs"},
	Filters: []page.Filter{
		byAccount,
		{Name: "service", Column: "service", Label: "Service",
			Options: `SELECT DISTINCT service FROM cost_monthly ORDER BY 1 LIMIT 2000`},
		byCurrency,
	},
	Rollups: map[string]page.Rollup{"cost": cost},
	Panels: []page.Panel{
		{Title: "So far", As: page.Tiles{Unit: page.Money}, SQL: `
			WITH day AS (
			    SELECT usage_date AS day, sum(unblended_cost) AS cost FROM {cost by currency}
			    WHERE usage_date >= date_trunc('month', current_date - 32) {where} GROUP BY 1
			), last AS (SELECT max(day) AS day FROM day HAVING count(*) > 0)
			SELECT 'This month so far' AS label, sum(cost) FILTER (WHERE day.day >= date_trunc('month', last.day)) AS value,
			       sum(cost) FILTER (WHERE day.day < date_trunc('month', last.day) AND day.day >= date_trunc('month', last.day) - interval '1 month'
			                         AND extract(day FROM day.day) <= extract(day FROM last.day)) AS before,
			       'same days last month' AS note
			FROM day, last HAVING count(*) > 0
			UNION ALL SELECT 'Last 7 days', sum(cost) FILTER (WHERE day.day > last.day - 7),
			       sum(cost) FILTER (WHERE day.day <= last.day - 7 AND day.day > last.day - 14), '7 days before'
			FROM day, last HAVING count(*) > 0
			UNION ALL SELECT 'Last month', sum(cost) FILTER (WHERE date_trunc('month', day.day) = date_trunc('month', last.day) - interval '1 month'),
			       NULL, to_char(max(last.day) - interval '1 month', 'FMMonth')
			FROM day, last HAVING count(*) > 0
			UNION ALL SELECT 'Average day', avg(cost) FILTER (WHERE day.day > last.day - 30), NULL, 'of the last 30'
			FROM day, last HAVING count(*) > 0`},
		{Title: "By day and service", All: "/rows/cost_daily?sort=-usage_date",
			Note: "unblended, the last 60 days; the newest may still change",
			As:   page.Columns{Unit: page.Money, Signs: "those are pale; a dot marks where anomalies begin"}, SQL: `
			WITH day AS (
			    SELECT usage_date AS day, service, sum(unblended_cost) AS cost, bool_or(estimated) AS estimated
			    FROM {cost by service} WHERE usage_date >= current_date - 60 {where} GROUP BY 1, 2
			), top AS (SELECT service FROM day WHERE day >= current_date - 30 GROUP BY 1 ORDER BY sum(cost) DESC LIMIT 7),
			anomaly AS (
			    SELECT anomaly_start AS day, count(DISTINCT anomaly_id) AS begun, sum(total_impact) AS impact
			    FROM ` + anomalies + `
			    WHERE anomaly_start >= current_date - 60 {where} GROUP BY 1
			)
			SELECT day, CASE WHEN service IN (SELECT service FROM top) THEN service ELSE 'others' END AS service,
			       sum(cost) AS cost, bool_or(estimated) AS soft,
			       CASE max(begun) WHEN 1 THEN 'an anomaly begins' ELSE max(begun) || ' anomalies begin' END
			           || ': ' || round(max(impact)) || ' USD more than expected' AS mark
			FROM day LEFT JOIN anomaly USING (day) GROUP BY 1, 2 ORDER BY 1`},
		{Title: "By month", Note: "unblended, with the newest forecast", All: "/rows/cost_monthly?sort=-month",
			Width: 5, As: page.Columns{Unit: page.Money, Signs: "the forecast is an outline"}, SQL: `
			WITH expected AS (
			    SELECT DISTINCT ON (account_id, date_trunc('month', period_start))
			           account_id, date_trunc('month', period_start)::date AS month,
			           mean_cost * (period_end - greatest(period_start, current_date)) / (period_end - period_start) AS cost
			    FROM (SELECT *, NULL AS service FROM current_cost_forecasts) f
			    WHERE metric = 'UNBLENDED_COST' AND period_end > greatest(period_start, current_date) AND forecast_date > current_date - 7 {where}
			    ORDER BY account_id, date_trunc('month', period_start), forecast_date DESC
			)
			SELECT month, 'cost' AS what, sum(unblended_cost) AS cost, bool_or(estimated) AS soft FROM cost_monthly
			WHERE month > current_date - interval '13 months' {where} GROUP BY 1
			UNION ALL SELECT month, 'forecast', sum(cost), true FROM expected
			WHERE month < current_date + interval '3 months' GROUP BY 1
			ORDER BY 1, 2`},
		{Title: "Anomalies", Note: "as AWS detected them, the newest first", Width: 7,
			Link: "/rows/current_cost_anomalies?anomaly_id={anomaly_id}",
			All:  "/rows/current_cost_anomalies?sort=-anomaly_start", As: page.Table{Hidden: []string{"anomaly_id"}, Empty: "No anomaly is known."}, SQL: `
			SELECT anomaly_start AS day, total_impact AS cost_above, service, account_id, anomaly_id
			FROM ` + anomalies + `
			WHERE true {where} ORDER BY anomaly_start DESC NULLS LAST, total_impact DESC NULLS LAST, anomaly_id LIMIT 8`},
		{Title: "Services", Note: "the last 30 days against the 30 before", Width: 6, Link: "?service={service}",
			As: page.Table{Bar: "cost", Empty: "No costs are known."}, SQL: `
			WITH day AS (SELECT service, usage_date AS day, sum(unblended_cost) AS cost FROM {cost by service}
			             WHERE usage_date > current_date - 61 {where} GROUP BY 1, 2)
			SELECT service, sum(cost) FILTER (WHERE day > current_date - 31) AS cost,
			       sum(CASE WHEN day > current_date - 31 THEN cost ELSE -cost END) AS change, array_agg(cost ORDER BY day) AS trend
			FROM day GROUP BY 1 ORDER BY cost DESC NULLS LAST, 1 LIMIT 15`},
		{Title: "Accounts", Note: "the last 30 days against the 30 before", Width: 6, Link: "?account={account_id}",
			As: page.Table{Bar: "cost", Empty: "No costs are known."}, SQL: `
			WITH top AS (
			    SELECT account_id, sum(unblended_cost) FILTER (WHERE usage_date > current_date - 31) AS cost,
			           sum(CASE WHEN usage_date > current_date - 31 THEN unblended_cost ELSE -unblended_cost END) AS change
			    FROM {cost by account_id} WHERE usage_date > current_date - 61 {where}
			    GROUP BY 1 ORDER BY cost DESC NULLS LAST, 1 LIMIT 15
			)
			SELECT account_id, cost, change, trend
			FROM top CROSS JOIN LATERAL (
			    SELECT array_agg(cost ORDER BY day) AS trend
			    FROM (SELECT usage_date AS day, sum(unblended_cost) AS cost FROM {cost by account_id} c
			          WHERE c.account_id = top.account_id AND usage_date > current_date - 61 {where} GROUP BY 1) day
			) line
			ORDER BY cost DESC NULLS LAST, 1`},
		{Title: "What changed most", Note: "the newest month against the one before; the newest is not over yet, as a rule",
			All: "/rows/cost_change?sort=-change", As: page.Table{Empty: "No costs are known."}, SQL: `
			SELECT service, account_id, month, cost, previous_cost AS cost_before, change
			FROM cost_change
			WHERE month = (SELECT date_trunc('month', max(usage_date))::date FROM {cost by currency} WHERE true {where currency}) {where}
			ORDER BY abs(change) DESC, service, account_id LIMIT 12`},
	},
}

// anomalies are those that AWS detected, each once: a management account sees those of others.
const anomalies = `(
			        SELECT DISTINCT ON (anomaly_id) anomaly_id, anomaly_start, total_impact, service, 'USD' AS currency,
			               coalesce(linked_account_id, account_id) AS account_id
			        FROM current_cost_anomalies ORDER BY anomaly_id, account_id) a`

var savings = page.Page{
	Name: "savings", Path: "/savings", Title: "Savings", Group: "Cost", Key: "s",
	Question: "Where could we pay less?",
	Sources: []string{"cost_recommendations", "compute_recommendations", "commitment_utilization", "reservations",
		"savings_plans"},
	Filters: []page.Filter{
		byAccount,
		{Name: "region", Column: "region", Label: "Region", Options: `SELECT DISTINCT region FROM savings_opportunities ORDER BY 1`},
		{Name: "currency", Column: "coalesce(currency, 'USD')", Label: "Currency", First: "USD",
			Options: `SELECT DISTINCT coalesce(currency, 'USD') FROM savings_opportunities ORDER BY 1`},
	},
	Panels: []page.Panel{
		{Title: "In a month", As: page.Tiles{Unit: page.Money}, SQL: `
			SELECT label, CASE WHEN n > 0 THEN savings ELSE 0 END AS value, n || ' recommendations' AS note FROM (
			    SELECT 'Could be saved' AS label, sum(monthly_savings) AS savings, count(*) AS n
			    FROM savings_opportunities WHERE true {where}
			    UNION ALL SELECT 'With little work', sum(monthly_savings), count(*)
			    FROM savings_opportunities WHERE effort IN ('VeryLow', 'Low') {where}
			    UNION ALL SELECT 'Untouched for 30 days', sum(monthly_savings), count(*)
			    FROM recommendations_untouched WHERE days >= 30 {where}) t`},
		{Title: "What to do", Width: 6, Link: "/rows/savings_opportunities?action={action}&resource_type={resource_type}",
			As: page.Table{Bar: "monthly_savings", Empty: "Nothing is recommended."}, SQL: `
			SELECT action, resource_type, count(*) AS resources, sum(monthly_savings) AS monthly_savings
			FROM savings_opportunities WHERE true {where} GROUP BY 1, 2 ORDER BY 4 DESC NULLS LAST, 1, 2 LIMIT 12`},
		{Title: "Accounts", Width: 6, Link: "?account={account_id}",
			As: page.Table{Bar: "monthly_savings", Empty: "Nothing is recommended."}, SQL: `
			SELECT account_id, count(*) AS recommendations, sum(monthly_savings) AS monthly_savings
			FROM savings_opportunities WHERE true {where} GROUP BY 1 ORDER BY 3 DESC NULLS LAST, 1 LIMIT 12`},
		{Title: "Most to save", All: "/rows/savings_opportunities?sort=-monthly_savings",
			As: page.Table{Empty: "Nothing is recommended."}, SQL: `
			SELECT action, monthly_savings, resource, account_id, current, recommended, effort
			FROM savings_opportunities WHERE true {where} ORDER BY monthly_savings DESC NULLS LAST, resource LIMIT 20`},
		{Title: "Idle", Note: "costs money and does nothing", Width: 6, Link: "/rows/idle_resources?kind={kind}",
			As: page.Table{Bar: "resources", Empty: "Nothing is idle."}, SQL: `
			SELECT kind, count(DISTINCT account_id) AS accounts, count(*) AS resources, min(since) AS oldest_at
			FROM idle_resources WHERE true {where account, region} GROUP BY 1 ORDER BY 3 DESC, 1`},
		{Title: "Compute Optimizer", Note: "what it found, by finding", Width: 6, As: page.Shares{},
			Link: "/rows/current_compute_recommendations?finding={label}", SQL: `
			SELECT finding AS label, count(*) AS value FROM current_compute_recommendations WHERE finding IS NOT NULL {where account, region}
			GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 9`},
		{Title: "Commitments that end", Note: "then on-demand prices hold",
			All: "/rows/commitments_ending?sort=ends_at",
			As:  page.Table{Empty: "No commitment ends."}, SQL: `
			SELECT kind, type, detail, account_id, days_left, ends_at::date AS ends_on FROM commitments_ending WHERE true {where account, region}
			ORDER BY ends_at, commitment LIMIT 12`},
		{Title: "Use of commitments", Note: "in percent, by what they cost", As: page.Lines{}, SQL: `
			SELECT month, commitment_kind, round(sum(utilization_percentage * committed_cost) / nullif(sum(committed_cost), 0), 1) AS used
			FROM commitment_summary WHERE utilization_percentage IS NOT NULL {where account, currency} GROUP BY 1, 2 ORDER BY 1, 2`},
		{Title: "How commitments are used", Note: "by month", All: "/rows/commitment_summary?sort=-month",
			As: page.Table{Empty: "There are no commitments."}, SQL: `
			SELECT month, commitment_kind AS kind, sum(commitments) AS commitments, sum(committed_cost) AS committed_cost,
			       sum(on_demand_equivalent) AS on_demand_cost, sum(net_savings) AS net_savings
			FROM commitment_summary WHERE true {where account, currency} GROUP BY 1, 2 ORDER BY 1 DESC, 2 LIMIT 12`},
	},
}
