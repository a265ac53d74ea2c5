package schemas_test

import (
	"regexp"
	"testing"

	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/schemas"
)

// soundsPersonal matches names of columns that often hold data about people.
var soundsPersonal = regexp.MustCompile(`mail|phone|name|address|subject|description|(^|_)title|(^|_)ips?(_|$)|(^|_)user`)

// Why a column with such a name is not personal data.
const (
	ofThing  = "people name a thing by it, not themselves"
	ofAWS    = "AWS names its own thing by it"
	ofFirm   = "a company, not a person"
	byAWS    = "AWS writes it, about no person"
	setting  = "a setting, one of a few values"
	noFreely = "AWS writes it, and it must have a value; it can quote names, as docs/security.md says"
)

// notPersonal are the columns that somebody looked at and found to be no personal data, by
// category, and why. A column belongs here or has a mark (personal=CLASS).
var notPersonal = map[string]map[string]string{
	"account_contacts":              {"company_name": ofFirm},
	"account_regions":               {"region_name": ofAWS},
	"accounts":                      {"account_name": ofThing},
	"application_services":          {"service_name": ofThing},
	"auto_scaling_groups":           {"name": ofThing, "launch_configuration_name": ofThing},
	"certificates":                  {"domain_name": ofThing, "subject_alternative_names": ofThing},
	"cloudtrail_trails":             {"name": ofThing},
	"compute_recommendations":       {"resource_name": ofThing},
	"config_noncompliant_resources": {"rule_name": ofThing},
	"config_resources":              {"resource_name": ofThing},
	"config_rules":                  {"rule_name": ofThing},
	"conformance_packs":             {"pack_name": ofThing},
	"ebs_volumes":                   {"name": ofThing},
	"ec2_instances":                 {"name": ofThing, "key_name": ofThing},
	"guardduty_findings":            {"feature_name": ofAWS, "user_feedback": setting},
	"health_events":                 {"description": byAWS},
	"iam_users":                     {"group_names": ofThing, "inline_policy_names": ofThing},
	"inspector_findings":            {"title": byAWS, "description": byAWS, "package_name": ofThing},
	"lambda_functions":              {"name": ofThing},
	"load_balancers":                {"name": ofThing, "dns_name": ofThing, "ip_address_type": setting},
	"marketplace_costs":             {"product_name": ofFirm},
	"organization_accounts":         {"account_name": ofThing},
	"rds_instances":                 {"endpoint_address": ofThing},
	"reservations":                  {"product_description": setting},
	"resilience_apps":               {"name": ofThing, "policy_name": ofThing},
	"s3_buckets":                    {"bucket_name": ofThing},
	"savings_plans":                 {"description": byAWS},
	"secrets":                       {"name": ofThing},
	"security_findings": {
		"product_name": ofFirm, "company_name": ofFirm, "title": noFreely, "finding_account_name": ofThing,
	},
	"service_level_objectives":  {"name": ofThing, "service_name": ofThing, "operation_name": ofThing},
	"ssm_applications":          {"name": ofThing},
	"ssm_instances":             {"name": ofThing, "platform_name": ofThing},
	"ssm_patches":               {"title": byAWS},
	"subnets":                   {"name": ofThing},
	"trusted_advisor_checks":    {"name": ofAWS, "description": byAWS, "metadata_names": ofAWS},
	"trusted_advisor_resources": {"check_name": ofAWS},
	"waf_rules": {
		"rule_name": ofThing, "web_acl_name": ofThing, "managed_name": ofAWS, "metric_name": ofThing,
	},
	"waf_web_acls": {"name": ofThing, "metric_name": ofThing, "label_namespace": ofThing},
}

// TestPersonalColumnsAreMarked: a column that sounds like data about people has a mark or
// stands above.
func TestPersonalColumnsAreMarked(t *testing.T) {
	found := map[string]bool{}
	for _, table := range schemas.All() {
		for _, c := range table.Columns() {
			if c.Kind != schema.KindText && c.Kind != schema.KindJSON {
				continue
			}
			sounds, excused := soundsPersonal.MatchString(c.Name), notPersonal[table.Name()][c.Name] != ""
			switch {
			case sounds && c.Personal == "" && !excused:
				t.Errorf("%s.%s may be personal data: mark it (personal=CLASS), or say in notPersonal why it is none",
					table.Name(), c.Name)
			case excused && (!sounds || c.Personal != ""):
				t.Errorf("%s.%s stands in notPersonal for nothing", table.Name(), c.Name)
			}
			found[table.Name()+"."+c.Name] = true
		}
	}
	for category, columns := range notPersonal {
		for column := range columns {
			if !found[category+"."+column] {
				t.Errorf("notPersonal names %s.%s, which is not there", category, column)
			}
		}
	}
}
