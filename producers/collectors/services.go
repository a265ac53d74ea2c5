package collectors

import (
	"slices"
	"strings"

	"github.com/hubspoke/observability/lib/collect"
)

// Services returns how many requests the collectors may send to each AWS service, all
// of them together. What AWS allows is shared with everyone else in the account, so
// that these are a small part of it.
func Services() []collect.Service {
	return []collect.Service{
		{
			ID: "ACM", Name: "acm", Rate: collect.Rate{PerSecond: 1, Burst: 2},
			// A page has 1,000 certificates, so one request a second is plenty.
			Quota: "https://docs.aws.amazon.com/acm/latest/userguide/acm-limits.html#api-rate-limits",
		},
		{
			ID: "Cost Explorer", Name: "ce", Rate: collect.Rate{PerSecond: 1, Burst: 1}, PerAccount: true,
			// No quota is published; a run is a handful of requests, and each one costs money.
			Quota: "https://docs.aws.amazon.com/cost-management/latest/userguide/ce-api-best-practices.html",
		},
		{
			ID: "EC2", Name: "ec2", Rate: collect.Rate{PerSecond: 5, Burst: 5},
			// The bucket of paged Describe requests refills at 20 a second.
			Quota: "https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html",
		},
		{
			ID: "KMS", Name: "kms", Rate: collect.Rate{PerSecond: 20, Burst: 20},
			// The lowest of the quotas is 500 requests a second, for the lists.
			Quota: "https://docs.aws.amazon.com/kms/latest/developerguide/requests-per-second.html",
		},
		{
			ID: "Secrets Manager", Name: "secretsmanager", Rate: collect.Rate{PerSecond: 5, Burst: 5},
			// The quota of ListSecrets is 100 requests a second.
			Quota: "https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html",
		},
		{
			ID: "SecurityHub", Name: "securityhub", Rate: collect.Rate{PerSecond: 2, Burst: 3},
			// The quota of GetFindings is 3 requests a second with bursts of 6.
			Quota: "https://docs.aws.amazon.com/securityhub/1.0/APIReference/Welcome.html",
		},
	}
}

// ServicesOf returns the services that a collector calls, in the order of Services.
func ServicesOf(d collect.Declaration) []collect.Service {
	return slices.DeleteFunc(Services(), func(s collect.Service) bool {
		return !slices.ContainsFunc(d.Calls, func(call string) bool { return strings.HasPrefix(call, s.Name+":") })
	})
}
