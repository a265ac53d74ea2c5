package collectors

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationsignals"
	"github.com/aws/aws-sdk-go-v2/service/applicationsignals/types"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/schemas"
)

// Services that reported in the last 24 hours are listed, without those of linked accounts.
// One request reads 100 of them, and AWS charges nothing for it. Where Application Signals
// is not enabled there are none, and the outcome is empty.
var ApplicationServices = collect.Collector[schemas.ApplicationService]{
	Category: schemas.ApplicationServices,
	Reach:    collect.PerRegion,
	Every:    6 * time.Hour,
	Calls:    []string{"application-signals:ListServices"},
	Collect:  collectApplicationServices,
}

// The lowest quota of the operations used here is 10 requests a second.
var applicationsignalsService = collect.Service{
	ID:    "Application Signals",
	Name:  "application-signals",
	Rate:  collect.Rate{PerSecond: 2, Burst: 3},
	Quota: "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html",
}

func collectApplicationServices(
	ctx context.Context, env *collect.Env, emit func(schemas.ApplicationService) error,
) error {
	pages := applicationsignals.NewListServicesPaginator(applicationsignals.NewFromConfig(env.AWS),
		&applicationsignals.ListServicesInput{
			StartTime: aws.Time(env.Now.Add(-24 * time.Hour)), EndTime: &env.Now, MaxResults: aws.Int32(100),
		})
	list := each(ctx, pages, func(p *applicationsignals.ListServicesOutput) ([]types.ServiceSummary, *string) {
		return p.ServiceSummaries, p.NextToken
	})
	return emitEach(list, applicationService, emit)
}

func applicationService(s *types.ServiceSummary) schemas.ApplicationService {
	key := s.KeyAttributes
	name := key["Name"]
	if name == "" {
		name = key["Identifier"] // a resource has no name
	}
	return schemas.ApplicationService{
		ServiceKey:       strings.Join([]string{key["Type"], name, key["Environment"]}, "|"),
		ServiceName:      enum(key["Name"]),
		ServiceType:      enum(key["Type"]),
		Environment:      enum(key["Environment"]),
		ResourceType:     enum(key["ResourceType"]),
		Identifier:       enum(key["Identifier"]),
		KeyAttributes:    jsonOf(key),
		AttributeMaps:    redactJSON(s.AttributeMaps),
		MetricReferences: jsonOf(s.MetricReferences),
		ServiceGroups:    jsonOf(s.ServiceGroups),
	}
}
