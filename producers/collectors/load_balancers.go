package collectors

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/schemas"
)

// Load balancers are listed, but for classic ones, which have another API. One request reads
// 400 of them, and one more the tags of 20. AWS charges nothing for them.
var LoadBalancers = collect.Collector[schemas.LoadBalancer]{
	Category: schemas.LoadBalancers,
	Reach:    collect.PerRegion,
	Every:    6 * time.Hour,
	Calls:    []string{"elasticloadbalancing:DescribeLoadBalancers", "elasticloadbalancing:DescribeTags"},
	Hints: []collect.Hint{
		{Source: "aws.elasticloadbalancing", Calls: []string{
			"CreateLoadBalancer", "DeleteLoadBalancer", "SetSecurityGroups", "SetSubnets", "SetIpAddressType",
			"AddTags", "RemoveTags",
		}},
	},
	Collect: collectLoadBalancers,
}

// The bucket of Describe requests refills at 10 a second, those of all clients together.
var elasticloadbalancingService = collect.Service{
	ID:    "Elastic Load Balancing v2",
	Name:  "elasticloadbalancing",
	Rate:  collect.Rate{PerSecond: 5, Burst: 5},
	Quota: "https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/api-throttling.html",
}

func collectLoadBalancers(ctx context.Context, env *collect.Env, emit func(schemas.LoadBalancer) error) error {
	client := elb.NewFromConfig(env.AWS)
	pages := elb.NewDescribeLoadBalancersPaginator(client, &elb.DescribeLoadBalancersInput{PageSize: aws.Int32(400)})
	list := each(ctx, pages, func(p *elb.DescribeLoadBalancersOutput) ([]types.LoadBalancer, *string) {
		return p.LoadBalancers, p.NextMarker
	})
	return listInBatches(list, 20, func(batch []*types.LoadBalancer) error {
		var tags map[string]map[string]string
		var batchDetails details
		known, err := batchDetails.read("elasticloadbalancing:DescribeTags", func() (err error) {
			tags, err = loadBalancerTags(ctx, client, batch)
			return err
		})
		if err != nil {
			return err
		}
		for _, item := range batch {
			row := loadBalancer(item)
			row.DeniedActions = batchDetails.column()
			if known == detailKnown {
				row.Tags = jsonObject(tags[row.LoadBalancerARN])
			}
			if err := emit(row); err != nil {
				return err
			}
		}
		return nil
	}, "LoadBalancerNotFound")
}

// loadBalancerTags returns the tags of each load balancer by its ARN. If one of them was
// deleted, AWS answers for none.
func loadBalancerTags(
	ctx context.Context, client *elb.Client, batch []*types.LoadBalancer,
) (map[string]map[string]string, error) {
	var arns []string
	for _, item := range batch {
		arns = append(arns, aws.ToString(item.LoadBalancerArn))
	}
	answer, err := client.DescribeTags(ctx, &elb.DescribeTagsInput{ResourceArns: arns})
	if err != nil {
		return nil, err
	}
	if answer.TagDescriptions == nil {
		return nil, without(answer, "its list")
	}
	tags := map[string]map[string]string{}
	for _, d := range answer.TagDescriptions {
		tags[aws.ToString(d.ResourceArn)] = tagMap(d.Tags)
	}
	return tags, nil
}

func loadBalancer(b *types.LoadBalancer) schemas.LoadBalancer {
	row := schemas.LoadBalancer{
		LoadBalancerARN:       aws.ToString(b.LoadBalancerArn),
		Name:                  text(b.LoadBalancerName),
		DNSName:               text(b.DNSName),
		Type:                  enum(b.Type),
		Scheme:                enum(b.Scheme),
		VPCID:                 text(b.VpcId),
		IPAddressType:         enum(b.IpAddressType),
		AvailabilityZones:     jsonOf(b.AvailabilityZones),
		SecurityGroups:        jsonOf(b.SecurityGroups),
		LoadBalancerCreatedAt: b.CreatedTime,
	}
	if b.State != nil {
		row.State, row.StateReason = enum(b.State.Code), text(b.State.Reason)
	}
	return row
}
