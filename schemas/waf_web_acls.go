package schemas

import "github.com/hubspoke/observability/lib/schema"

// WAFWebACL is one web ACL of AWS WAF as seen in one account: of a region, or of CloudFront
// with the region global. Columns come from GetWebACL (WebACL), GetLoggingConfiguration,
// ListResourcesForWebACL, ListDistributionsByWebACLId and ListTagsForResource. A detail may be
// denied: denied_actions then names the action, and its columns are null. The rules are in
// waf_rules.
type WAFWebACL struct {
	// ARN of the web ACL (ARN).
	WebACLARN string `col:"web_acl_arn,key"`
	// What it is for: REGIONAL or CLOUDFRONT.
	Scope string `col:"scope"`
	// Identifier of the web ACL (Id).
	WebACLID *string `col:"web_acl_id"`
	// Name of the web ACL, unique in its scope and region (Name).
	Name *string `col:"name"`
	// Description of the web ACL (Description). Null: none.
	Description *string `col:"description,personal=text"`
	// What happens to requests that match no rule: ALLOW or BLOCK (DefaultAction).
	DefaultAction *string `col:"default_action"`
	// JSON object of the default action, with the response or the headers that it adds (DefaultAction). Values of headers
	// that are added to requests are [redacted] by the spoke.
	DefaultActionDetail schema.JSON `col:"default_action_detail,object"`
	// Capacity units that the web ACL uses (Capacity).
	Capacity *int64 `col:"capacity"`
	// Number of its own rules (Rules); those of Firewall Manager are not counted.
	RuleCount int64 `col:"rule_count"`
	// Whether Firewall Manager manages the web ACL (ManagedByFirewallManager).
	ManagedByFirewallManager *bool `col:"managed_by_firewall_manager"`
	// JSON array of the rule groups that Firewall Manager adds, those before the own rules first
	// (PreProcessFirewallManagerRuleGroups, PostProcessFirewallManagerRuleGroups). Null: none.
	FirewallManagerRuleGroups schema.JSON `col:"firewall_manager_rule_groups,array"`
	// Whether requests are logged (GetLoggingConfiguration). Null: the request was denied.
	LoggingEnabled *bool `col:"logging_enabled"`
	// JSON array of the ARNs that logs go to (GetLoggingConfiguration, LogDestinationConfigs). Null: nothing is logged.
	LogDestinations schema.JSON `col:"log_destinations,array"`
	// JSON object of the filter of logs: DefaultBehavior and Filters (GetLoggingConfiguration, LoggingFilter). Null: all
	// requests are logged, or none.
	LoggingFilter schema.JSON `col:"logging_filter,object"`
	// JSON array of the ARNs of what it protects (ListResourcesForWebACL, of CloudFront ListDistributionsByWebACLId). An
	// empty array: nothing. Null: the request was denied.
	AssociatedResources schema.JSON `col:"associated_resources,array"`
	// Number of things that it protects. Null: the request was denied.
	AssociatedResourceCount *int64 `col:"associated_resource_count"`
	// Whether WAF keeps samples of requests that match no rule (VisibilityConfig.SampledRequestsEnabled).
	SampledRequestsEnabled *bool `col:"sampled_requests_enabled"`
	// Whether WAF sends metrics to CloudWatch (VisibilityConfig.CloudWatchMetricsEnabled).
	CloudWatchMetricsEnabled *bool `col:"cloudwatch_metrics_enabled"`
	// Name of the metric (VisibilityConfig.MetricName).
	MetricName *string `col:"metric_name"`
	// Prefix of the labels that its rules put on requests (LabelNamespace).
	LabelNamespace *string `col:"label_namespace"`
	// JSON array of the domains from which tokens are accepted (TokenDomains). Null: that of the protected resource
	// alone.
	TokenDomains schema.JSON `col:"token_domains,array"`
	// JSON object of the tags of the web ACL (ListTagsForResource, TagList). An empty object: it has none. Null: the
	// request was denied. A value that may be a secret is [redacted] by the spoke.
	Tags schema.JSON `col:"tags,object"`
	// JSON array of the IAM actions that were denied for the web ACL. Null: none was.
	DeniedActions schema.JSON `col:"denied_actions,array"`
}

// WAFWebACLs is the category "waf_web_acls": every run lists all web ACLs of one account
// and region, or of its CloudFront.
var WAFWebACLs = schema.Of[WAFWebACL](schema.Spec{Name: "waf_web_acls", Mode: schema.Snapshot})
