package pages

import "github.com/hubspoke/observability/consumers/dashboard/page"

var inventory = page.Page{
	Name: "inventory", Path: "/inventory", Title: "Inventory", Group: "Resources", Key: "i",
	Question: "What runs where, how old, how patched?",
	Sources: []string{"auto_scaling_groups", "ebs_volumes", "ec2_instances", "lambda_functions", "load_balancers",
		"rds_instances", "s3_buckets", "subnets", "ssm_instances", "ssm_patch_states"},
	Filters: []page.Filter{
		byAccount,
		{Name: "region", Column: "region", Label: "Region", Options: `SELECT DISTINCT region FROM resource_counts ORDER BY 1`},
		{Name: "type", Column: "resource_type", Label: "Type", Options: `SELECT DISTINCT resource_type FROM resource_counts ORDER BY 1`},
	},
	Panels: []page.Panel{
		{Title: "Resources", As: page.Tiles{}, Link: "?type={note}", SQL: `
			SELECT service AS label, sum(resources) AS value, resource_type AS note FROM resource_counts WHERE true {where}
			GROUP BY 1, 3 ORDER BY 2 DESC, 1, 3`},
		{Title: "By region", Width: 4, As: page.Shares{}, Link: "?region={label}", SQL: `
			SELECT region AS label, sum(resources) AS value FROM resource_counts WHERE true {where} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 9`},
		{Title: "By type and state", Width: 8, All: "/rows/resource_counts?sort=-resources",
			Link: "/rows/resource_counts?resource_type={resource_type}&state={state}",
			As:   page.Table{Bar: "resources", Empty: "No resources."}, SQL: `
			SELECT resource_type, service, state, count(DISTINCT account_id) AS accounts, sum(resources) AS resources, min(oldest_at) AS oldest_at
			FROM resource_counts WHERE true {where} GROUP BY 1, 2, 3 ORDER BY 5 DESC, 1, 2, 3 LIMIT 15`},
		{Title: "By day", Note: "the last 60 days, from the first that the hub wrote down; the 8 types with most",
			All: "/rows/resource_history?sort=-day", As: page.Lines{Empty: notWrittenDown}, SQL: `
			WITH one AS (
			    SELECT day, resource_type, sum(resources) AS resources
			    FROM (SELECT day, account_id, region, split_part(resource_type, '/', 2) AS resource_type, resources FROM resource_history) h
			    WHERE day >= current_date - 60 {where} GROUP BY 1, 2
			), top AS (SELECT resource_type FROM one GROUP BY 1 ORDER BY max(resources) DESC, 1 LIMIT 8)
			SELECT day, resource_type, resources FROM one JOIN top USING (resource_type) ORDER BY 1, 2`},
		{Title: "Patches", Note: "nodes of Systems Manager", Width: 4, As: page.Shares{},
			Link: "/rows/patch_compliance?status={label}", SQL: `
			SELECT coalesce(status, 'UNKNOWN') AS label, count(*) AS value FROM patch_compliance WHERE true {where account, region}
			GROUP BY 1 ORDER BY 2 DESC, 1`},
		{Title: "Nodes that need patches", Note: "or have an agent that does not report", Width: 8,
			Link: "/rows/patch_compliance?instance_id={instance_id}&account_id={account_id}",
			All:  "/rows/patch_compliance?sort=-missing_count",
			As:   page.Table{Hidden: []string{"instance_id"}, Empty: "All nodes are patched and report."}, SQL: `
			SELECT coalesce(name, instance_id) AS node, instance_id, account_id, ping_status, missing_count AS missing, failed_count AS failed,
			       operation_ended_at AS scanned_at
			FROM patch_compliance WHERE (missing_count > 0 OR failed_count > 0 OR ping_status <> 'Online') {where account, region}
			ORDER BY failed_count DESC NULLS LAST, missing_count DESC NULLS LAST, instance_id LIMIT 12`},
		{Title: "Patches that are missing most", Note: "or could not be installed",
			Link: "/rows/current_ssm_patches?kb_id={kb_id}&state={state}",
			As:   page.Table{Bar: "nodes", Empty: "No patch is missing."}, SQL: `
			SELECT kb_id, min(title) AS title, state, min(severity) AS severity, count(DISTINCT account_id) AS accounts, count(*) AS nodes
			FROM current_ssm_patches WHERE lower(state) IN ('missing', 'failed') {where account, region}
			GROUP BY kb_id, state ORDER BY nodes DESC, kb_id, state LIMIT 12`},
	},
}

var operations = page.Page{
	Name: "operations", Path: "/operations", Title: "Operations", Group: "Resources", Key: "p",
	Question: "What is AWS telling us, and do we reach our objectives?",
	Sources: []string{"health_events", "support_cases", "trusted_advisor_checks", "service_level_objectives",
		"resilience_apps"},
	Filters: []page.Filter{byAccount},
	Panels: []page.Panel{
		{Title: "Now", As: page.Tiles{}, SQL: `
			SELECT t.* FROM (VALUES
			    ('Issues of AWS', (SELECT count(*) FROM health_now WHERE category = 'issue' {where}), 'high', '/rows/health_now?category=issue'),
			    ('Changes announced', (SELECT count(*) FROM health_now WHERE category = 'scheduledChange' {where}), 'medium',
			     '/rows/health_now?category=scheduledChange'),
			    ('Support cases open', (SELECT coalesce(sum(open_cases), 0) FROM support_load WHERE true {where}), '', '/rows/support_load?open_cases=%3E0'),
			    ('Cases that wait for us', (SELECT coalesce(sum(waiting_for_us), 0) FROM support_load WHERE true {where}), 'medium',
			     '/rows/support_load?waiting_for_us=%3E0'),
			    ('Objectives missed', (SELECT count(*) FROM service_levels WHERE status IN ('BREACHED', 'PolicyBreached') {where}), 'high',
			     '/rows/service_levels?status=BREACHED&status=PolicyBreached')
			) AS t (label, value, tone, link)`},
		{Title: "Health events", Note: "open or upcoming; public ones have the account all",
			Link: "/rows/health_now?event_arn={event_arn}", All: "/rows/health_now",
			As: page.Table{Hidden: []string{"event_arn"}, Empty: "AWS reports nothing."}, SQL: `
			SELECT service, event_arn, event_type_code, category, status, account_id, region, started_at, pending_entities AS resources_pending
			FROM health_now WHERE true {where}
			ORDER BY category = 'issue' DESC, started_at NULLS LAST, event_arn, account_id LIMIT 15`},
		{Title: "Health events by start", Note: "the last 60 days, also those that are over", Width: 6,
			All: "/rows/current_health_events?sort=-started_at",
			As:  page.Columns{}, SQL: `
			WITH event AS (
			    SELECT (started_at AT TIME ZONE 'UTC')::date AS day, event_type_category AS category, count(DISTINCT event_arn) AS events
			    FROM current_health_events WHERE started_at >= current_date - 60 AND started_at < current_date + 1 {where} GROUP BY 1, 2
			)
			SELECT current_date - d AS day, category, events FROM generate_series(0, 60) d LEFT JOIN event ON day = current_date - d
			WHERE EXISTS (SELECT FROM event) ORDER BY 1, 2`},
		{Title: "Changes by day", Note: "scheduled by AWS, of the next 60 days", Width: 6, As: page.Columns{}, SQL: `
			WITH change AS (SELECT day, service, count(*) AS changes FROM health_calendar WHERE true {where} GROUP BY 1, 2)
			SELECT current_date + d AS day, service, changes FROM generate_series(-7, 60) d LEFT JOIN change ON day = current_date + d
			WHERE EXISTS (SELECT FROM change) ORDER BY d, service`},
		{Title: "Support cases", Note: "open ones, the oldest first",
			Link: "/rows/current_support_cases?display_id={number}",
			All:  "/rows/support_load", As: page.Table{Empty: "No case is open."}, SQL: `
			SELECT display_id AS number, severity_code AS severity, subject, status, account_id, case_created_at AS created_at
			FROM current_support_cases WHERE status <> 'resolved' {where} ORDER BY case_created_at NULLS LAST, case_id LIMIT 12`},
		{Title: "Trusted Advisor", Note: "checks by result",
			Link: "/rows/trusted_advisor_status?category={category}",
			As:   page.Table{Bar: "resources_flagged", Empty: "No check has run: they need a support plan."}, SQL: `
			SELECT category, sum(checks) FILTER (WHERE status = 'error') AS errors, sum(checks) FILTER (WHERE status = 'warning') AS warnings,
			       sum(checks) FILTER (WHERE status = 'ok') AS ok, sum(resources_flagged) AS resources_flagged
			FROM trusted_advisor_status WHERE true {where} GROUP BY 1 ORDER BY 2 DESC NULLS LAST, 3 DESC NULLS LAST, 1`},
		{Title: "Objectives and resilience", Note: "missed ones first", All: "/rows/service_levels",
			As: page.Table{Empty: "There is no objective."}, SQL: `
			SELECT name, kind, status, value, goal, account_id, region, assessed_at FROM service_levels WHERE true {where}
			ORDER BY status IN ('BREACHED', 'PolicyBreached') DESC, status IN ('WARNING', 'ChangesDetected') DESC, value - goal, name, resource LIMIT 15`},
	},
}
