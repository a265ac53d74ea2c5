package schemas

import "github.com/hubspoke/observability/lib/schema"

// WAFRule is one rule of a web ACL of AWS WAF, in the order of its priority. Columns come
// from GetWebACL (Rule). A rule group, of AWS, of a vendor or of the account, is one rule
// here: what is inside is not read.
type WAFRule struct {
	// ARN of the web ACL that has the rule (WebACL.ARN).
	WebACLARN string `col:"web_acl_arn,key"`
	// Name of the rule, unique in the web ACL (Name).
	RuleName string `col:"rule_name,key"`
	// Name of the web ACL (WebACL.Name).
	WebACLName string `col:"web_acl_name"`
	// What the web ACL is for: REGIONAL or CLOUDFRONT.
	Scope string `col:"scope"`
	// Place of the rule; the lowest is asked first (Priority).
	Priority int64 `col:"priority"`
	// What happens to requests that match: ALLOW, BLOCK, COUNT, CAPTCHA or CHALLENGE (Action). Null: the rule is a rule
	// group.
	Action *string `col:"action"`
	// Of a rule group, what comes of its result: NONE (it counts) or COUNT (requests are only counted) (OverrideAction).
	// Null: the rule is no rule group.
	OverrideAction *string `col:"override_action"`
	// Type of the statement, such as ManagedRuleGroupStatement or RateBasedStatement (Statement).
	StatementType *string `col:"statement_type"`
	// Vendor of a managed rule group, such as AWS (ManagedRuleGroupStatement.VendorName). Null: it is none.
	ManagedVendor *string `col:"managed_vendor"`
	// Name of a managed rule group, such as AWSManagedRulesCommonRuleSet (ManagedRuleGroupStatement.Name). Null: it is
	// none.
	ManagedName *string `col:"managed_name"`
	// Version of a managed rule group (ManagedRuleGroupStatement.Version). Null: the default one of the vendor.
	ManagedVersion *string `col:"managed_version"`
	// ARN of a rule group of the account (RuleGroupReferenceStatement.ARN). Null: it is none.
	RuleGroupARN *string `col:"rule_group_arn"`
	// Number of requests in the window from which a rate-based rule matches (RateBasedStatement.Limit). Null: it is none.
	RateLimit *int64 `col:"rate_limit"`
	// Window of a rate-based rule in seconds (RateBasedStatement.EvaluationWindowSec). Null: it is none.
	RateWindowSeconds *int64 `col:"rate_window_seconds"`
	// What requests of a rate-based rule are counted by, such as IP (RateBasedStatement.AggregateKeyType). Null: it is
	// none.
	RateAggregateKey *string `col:"rate_aggregate_key"`
	// JSON object of the whole statement, as a tree (Statement); jsonpath such as $.**.GeoMatchStatement finds what is
	// inside. The text that requests are searched for is left out, for it may be a secret: SearchStringLength is its
	// length in bytes.
	Statement schema.JSON `col:"statement,object"`
	// JSON array of the labels that the rule puts on requests (RuleLabels, Name). Null: none.
	Labels schema.JSON `col:"labels,array"`
	// Whether WAF keeps samples of requests that match (VisibilityConfig.SampledRequestsEnabled).
	SampledRequestsEnabled *bool `col:"sampled_requests_enabled"`
	// Whether WAF sends metrics to CloudWatch (VisibilityConfig.CloudWatchMetricsEnabled).
	CloudWatchMetricsEnabled *bool `col:"cloudwatch_metrics_enabled"`
	// Name of the metric (VisibilityConfig.MetricName).
	MetricName *string `col:"metric_name"`
}

// WAFRules is the category "waf_rules": every run lists all rules of all web ACLs of one
// account and region, or of its CloudFront.
var WAFRules = schema.Of[WAFRule](schema.Spec{Name: "waf_rules", Mode: schema.Snapshot})
