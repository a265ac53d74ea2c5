package sql_test

import (
	"fmt"
	"time"

	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/schemas"
)

// fillValues are what columns have in fillForLegacy besides made up values: of the rows of a
// category one after the other. A name without a category is that of a column anywhere.
func fillValues(account string) map[string][]string {
	today := time.Now().UTC()
	date := func(days int) string { return today.AddDate(0, 0, days).Format(time.DateOnly) }
	return map[string][]string{
		"currency": {"USD"}, "usage_unit": {"Hrs"}, "usage_date": {date(0), date(-1), date(-31)},
		"finding_account_id": {account}, "finding_region": {"eu-central-1"}, "resource_region": {"eu-central-1"},
		"instance_id": {"i-1", "i-2", "i-3"}, "web_acl_arn": {"acl-1"}, "event_scope": {"PUBLIC", "ACCOUNT_SPECIFIC"},
		"savings_plan_arn": {"sp-1"}, "lease_id": {"lease-1"}, "rule_name": {"rule-1", "rule-2", "rule-3"},

		"accounts.reported_account_id":                      {account},
		"accounts.management_account_id":                    {accountA},
		"accounts.labels":                                   {`{"product": "payments, search", "environment": "DEV", "customer": "ACME"}`},
		"organization_accounts.member_account_id":           {accountA, accountB},
		"account_contacts.contact_type":                     {"PRIMARY", "BILLING"},
		"service_costs.service":                             {"Amazon EC2"},
		"usage_costs.service":                               {"Amazon EC2"},
		"cost_forecasts.metric":                             {"UNBLENDED_COST"},
		"cost_anomalies.anomaly_start":                      {date(-2)},
		"cost_anomalies.anomaly_end":                        {date(0)},
		"security_findings.severity_label":                  {"CRITICAL", "HIGH", "MEDIUM"},
		"security_findings.workflow_status":                 {"NEW", "NOTIFIED", "SUPPRESSED"},
		"security_findings.record_state":                    {"ACTIVE"},
		"security_findings.compliance_status":               {"FAILED"},
		"security_findings.sample":                          {"false"},
		"waf_rules.action":                                  {"BLOCK"},
		"waf_rules.statement":                               {`{"AndStatement": {"Statements": [{"GeoMatchStatement": {"CountryCodes": ["KP", "IR"]}}]}}`},
		"waf_web_acls.default_action_detail":                {`{"Allow": {}}`},
		"conformance_packs.rules":                           {`[{"ConfigRuleName": "rule-1", "ComplianceType": "NON_COMPLIANT"}]`},
		"config_resources.resource_type":                    {"AWS::RDS::DBInstance", "AWS::EC2::Subnet"},
		"auto_scaling_groups.availability_zones":            {`["eu-central-1a"]`},
		"subnets.owner_id":                                  {account},
		"trusted_advisor_checks.status":                     {"ok", "warning"},
		"commitment_utilization.commitment_kind":            {"savings_plan", "reservation"},
		"commitment_utilization.usage_date":                 {date(-1)},
		"reservations.recurring_charges":                    {`[{"Amount": 0.0285, "Frequency": "Hourly"}]`},
		"compute_recommendations.recommendation_type":       {"ec2", "ebs", "idle"},
		"compute_recommendations.finding":                   {"Overprovisioned"},
		"ssm_instances.ping_status":                         {"Online"},
		"commitment_utilization.service":                    {"Amazon Elastic Compute Cloud - Compute"},
		"cost_recommendations.estimated_monthly_savings":    {"10"},
		"compute_recommendations.estimated_monthly_savings": {"10"},
		"health_events.event_arn":                           {"event-1", "event-2"},
	}
}

// fillForLegacy gives every category of two accounts rows with a value in every column.
func (db *database) fillForLegacy() {
	db.Helper()
	for _, account := range []string{accountA, accountB} {
		values := fillValues(account)
		for _, table := range schemas.All() {
			region := "eu-central-1"
			switch table.Name() {
			case "accounts", "organization_accounts", "account_contacts", "service_costs":
				region = "global"
			}
			db.run(table.Name(), account, region, "", 0, "ok", 0)
			if account != accountA && table.Name() == "organization_accounts" {
				continue // only the management account has it
			}
			for i := range 3 {
				row := map[string]string{"account_id": account, "region": region}
				keys := 0
				for _, c := range table.Columns() {
					row[c.Name] = anyValue(c, i)
					if v := cmpOr(values[table.Name()+"."+c.Name], values[c.Name]); v != nil {
						row[c.Name] = v[i%len(v)]
						if c.Key && i >= len(v) {
							keys++
						}
					}
				}
				if keys == len(keyColumns(table)) && keys > 0 {
					break // it was there
				}
				if err := insert(db.T, db.DB, table.Name(), row); err != nil {
					db.Fatalf("%s: %v", table.Name(), err)
				}
			}
		}
	}
	db.run("kms_keys", accountA, "eu-central-1", "", 1, "denied", 0)
	for _, measure := range []string{"config.rules", "config.rules_evaluated"} {
		for _, compliance := range []string{"COMPLIANT", "NON_COMPLIANT"} {
			db.exec(`INSERT INTO history.daily_measures VALUES (current_date, $1, $2, 'eu-central-1', $3, 7)`, measure, accountA, compliance)
		}
	}
	db.exec(`INSERT INTO org.products (name, owner, position, description) VALUES ('payments', 'Jane', 'Lead', 'Pays')`)
}

func cmpOr(a, b []string) []string {
	if a != nil {
		return a
	}
	return b
}

func keyColumns(table *schema.Table) (keys []schema.Column) {
	for _, c := range table.Columns() {
		if c.Key {
			keys = append(keys, c)
		}
	}
	return keys
}

// anyValue returns some value for a column of the row of a number.
func anyValue(c schema.Column, i int) string {
	switch c.Kind {
	case schema.KindInt64, schema.KindFloat64, schema.KindDecimal:
		return fmt.Sprint(i + 1)
	case schema.KindBool:
		return fmt.Sprint(i%2 == 0)
	case schema.KindDate:
		return fmt.Sprintf("2026-07-%02d", i+1)
	case schema.KindTimestamp:
		return fmt.Sprintf("2026-07-%02dT10:00:00Z", i+1)
	case schema.KindJSON:
		return `["x"]`
	}
	return fmt.Sprintf("%s-%d", c.Name, i)
}
