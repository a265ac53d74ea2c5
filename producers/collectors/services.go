package collectors

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/hubspoke/observability/lib/collect"
)

// ServicesOf returns the services that a collector calls, in the order of Services.
func ServicesOf(d collect.Declaration) []collect.Service {
	return slices.DeleteFunc(Services(), func(s collect.Service) bool {
		return !slices.ContainsFunc(d.Calls, func(call string) bool { return strings.HasPrefix(call, s.Name+":") })
	})
}

// PriceOf returns what AWS charges for each paid request of a collector, in USD. It is 0
// where it charges nothing, or next to nothing.
func PriceOf(d collect.Declaration) float64 {
	var price float64
	for _, s := range ServicesOf(d) {
		price = max(price, s.Price)
	}
	return price
}

// MonthlyPrice returns what AWS charges for the requests of a collector in 30 days, in
// USD, for an ordinary account that has something to read. It is 0 where it charges
// nothing, or next to nothing.
func MonthlyPrice(d collect.Declaration) float64 {
	const month = 30 * 24 * time.Hour
	return PriceOf(d) * float64(d.PaidRequests) * float64(month) / float64(d.Every)
}

// MonthlyTotal returns what AWS charges for the requests of several collectors in 30 days,
// in USD, for an ordinary account, which does not manage its organization.
func MonthlyTotal(all ...collect.Declaration) float64 {
	var total float64
	for _, d := range all {
		if !d.ManagementAccount {
			total += MonthlyPrice(d)
		}
	}
	return total
}

// Declarations returns what collectors declare.
func Declarations(all ...collect.Any) []collect.Declaration {
	out := make([]collect.Declaration, len(all))
	for i, c := range all {
		out[i] = c.Declaration()
	}
	return out
}

// homes are the regions of each partition that have the services without regions.
var homes = map[string]string{"aws": "us-east-1", "aws-cn": "cn-northwest-1", "aws-us-gov": "us-gov-west-1"}

// endpointRegion returns the region in which a partition has the endpoint of a service
// that has only one there, by the name that requests are signed for: organizations,
// account, support, health, savingsplans, cost-optimization-hub, aws-marketplace,
// cloudfront, and wafv2 for CloudFront. Where the SDK knows it, it need not be asked.
// Of partitions that are not known it is an error, which is classified as disabled.
//
// https://docs.aws.amazon.com/general/latest/gr/aws-service-information.html
func endpointRegion(partition, service string) (string, error) {
	if partition == "aws-cn" && service == "support" {
		return "cn-north-1", nil
	}
	region, known := homes[partition]
	if !known {
		return "", collect.Disabled(fmt.Errorf("it is not known where the partition %s has %s", partition, service))
	}
	return region, nil
}

// inRegion returns the configuration of env for another region.
func inRegion(env *collect.Env, region string) aws.Config {
	config := env.AWS.Copy()
	config.Region = region
	return config
}
