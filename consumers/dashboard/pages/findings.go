package pages

import "github.com/hubspoke/observability/consumers/dashboard/page"

var byProduct = page.Filter{Name: "product", Column: "product_name", Label: "Product",
	Options: `SELECT DISTINCT product_name FROM findings_summary ORDER BY 1 LIMIT 1000`}

var byRegionOfFindings = page.Filter{Name: "region", Column: "region", Label: "Region",
	Options: `SELECT DISTINCT region FROM findings_summary ORDER BY 1`}

var findings = page.Page{
	Name: "findings", Path: "/findings", Title: "Findings", Group: "Security", Key: "f",
	Question: "Which findings are open, where, and are they closed faster than they come?",
	Sources:  []string{"security_findings"},
	Filters:  []page.Filter{byAccount, byRegionOfFindings, bySeverity, byProduct},
	Panels: []page.Panel{
		{Title: "Open", As: page.Tiles{}, Link: "?severity={tone}", SQL: `
			SELECT initcap(severity) AS label, sum(findings) AS value, severity AS tone
			FROM findings_summary WHERE is_open {where} GROUP BY severity
			ORDER BY array_position(ARRAY['CRITICAL','HIGH','MEDIUM','LOW','INFORMATIONAL','UNKNOWN'], severity)`},
		{Title: "Opened and closed by day", Note: "the last 60 days, all regions; closed ones below the line", Width: 6, As: page.Columns{}, SQL: `
			SELECT day, what, sum(findings) AS findings
			FROM findings_trend, LATERAL (VALUES ('opened', opened), ('closed', -closed)) AS w (what, findings)
			WHERE day >= current_date - 60 {where account, severity, product} GROUP BY 1, 2 ORDER BY 1, 2 DESC`},
		{Title: "How fast they are closed", Note: "all regions", Width: 6,
			As: page.Table{Bar: "open", Empty: "No findings."}, SQL: `
			SELECT severity, sum(open_findings) AS open, min(oldest_open_at) AS oldest_at, sum(closed_findings) AS closed,
			       round(sum(mean_days_to_resolve * closed_findings) / nullif(sum(closed_findings) FILTER (WHERE mean_days_to_resolve IS NOT NULL), 0), 1)
			           AS days_on_average
			FROM findings_resolution WHERE true {where account, severity, product} GROUP BY severity
			ORDER BY array_position(ARRAY['CRITICAL','HIGH','MEDIUM','LOW','INFORMATIONAL','UNKNOWN'], severity)`},
		{Title: "By product", Width: 6, Link: "?product={product_name}",
			As: page.Table{Bar: "findings", Empty: "No open findings."}, SQL: `
			SELECT product_name, sum(findings) FILTER (WHERE severity = 'CRITICAL') AS critical,
			       sum(findings) FILTER (WHERE severity = 'HIGH') AS high, sum(findings) AS findings
			FROM findings_summary WHERE is_open {where} GROUP BY product_name ORDER BY findings DESC, product_name LIMIT 12`},
		{Title: "Accounts with most", Width: 6, Link: "?account={account_id}", All: "/rows/open_findings",
			As: page.Table{Bar: "findings", Empty: "No open findings."}, SQL: `
			SELECT account_id, sum(findings) FILTER (WHERE severity = 'CRITICAL') AS critical,
			       sum(findings) FILTER (WHERE severity = 'HIGH') AS high, sum(findings) AS findings
			FROM findings_summary WHERE is_open {where} GROUP BY account_id
			ORDER BY critical DESC NULLS LAST, high DESC NULLS LAST, account_id LIMIT 12`},
		{Title: "Open by day", Note: "at its end, the last 60 days, all regions", As: page.Lines{Order: severityOrder}, SQL: `
			WITH change AS (
			    SELECT greatest(day, current_date - 60) AS day, severity, sum(opened) - sum(closed) AS findings
			    FROM findings_trend WHERE true {where account, severity, product} GROUP BY 1, 2
			)
			SELECT day, severity, coalesce(sum(findings) OVER (PARTITION BY severity ORDER BY day), 0) AS findings
			FROM (SELECT DISTINCT severity FROM change) s CROSS JOIN (SELECT current_date - d AS day FROM generate_series(0, 60) d) days
			LEFT JOIN change USING (severity, day) ORDER BY 1, 2`},
	},
}

// Controls are counted finding by finding, which takes its time where there are millions:
// the page is one of its own, so that no other waits for it.
var controls = page.Page{
	Name: "controls", Path: "/controls", Title: "Controls", Group: "Security",
	Question: "Which controls fail most? Fix one, and many findings close.",
	Sources:  []string{"security_findings"},
	Filters: []page.Filter{
		{Name: "account", Column: "finding_account_id", Label: "Account", Options: byAccount.Options},
		{Name: "region", Column: "home_region", Label: "Region", Options: byRegionOfFindings.Options},
		{Name: "severity", Column: "severity_label", Label: "Severity", Options: bySeverity.Options},
		byProduct,
	},
	Panels: []page.Panel{
		{Title: "Controls that fail most", Note: "open findings; a control leads to its findings in all states",
			Link: "/rows/findings_once?security_control_id={control}", All: "/rows/findings_once",
			As: page.Table{Bar: "findings", Empty: "No control fails."}, SQL: `
			SELECT security_control_id AS control, min(title) AS title, severity_label AS severity,
			       count(DISTINCT finding_account_id) AS accounts, count(*) AS findings
			FROM findings_once
			WHERE security_control_id IS NOT NULL AND sample IS NOT TRUE AND record_state IS DISTINCT FROM 'ARCHIVED'
			  AND compliance_status IS DISTINCT FROM 'PASSED' AND workflow_status IS DISTINCT FROM 'RESOLVED'
			  AND workflow_status IS DISTINCT FROM 'SUPPRESSED' {where}
			GROUP BY 1, 3 ORDER BY findings DESC, 1 LIMIT 50`},
	},
}
