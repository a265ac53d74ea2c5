package collectors

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/schemas"
)

// Managed nodes are listed, those outside of EC2 included. One request reads 50 of them,
// and AWS charges nothing for it. A region without managed nodes is empty.
var SSMInstances = collect.Collector[schemas.SSMInstance]{
	Category: schemas.SSMInstances,
	Reach:    collect.PerRegion,
	Every:    time.Hour,
	Calls:    []string{"ssm:DescribeInstanceInformation"},
	Hints: []collect.Hint{
		{Source: "aws.ssm", Types: []string{
			"SSM Managed Instance Registration", "SSM Managed Instance Deregistration",
		}},
	},
	Collect: collectSSMInstances,
}

func collectSSMInstances(ctx context.Context, env *collect.Env, emit func(schemas.SSMInstance) error) error {
	return emitEach(ssmNodes(ctx, ssm.NewFromConfig(env.AWS)), ssmInstance, emit)
}

func ssmInstance(i *types.InstanceInformation) schemas.SSMInstance {
	return schemas.SSMInstance{
		InstanceID:               aws.ToString(i.InstanceId),
		Name:                     text(i.Name),
		ComputerName:             text(i.ComputerName),
		IPAddress:                text(i.IPAddress),
		ResourceType:             enum(i.ResourceType),
		SourceType:               enum(i.SourceType),
		SourceID:                 text(i.SourceId),
		PingStatus:               enum(i.PingStatus),
		LastPingAt:               i.LastPingDateTime,
		AgentVersion:             text(i.AgentVersion),
		IsLatestVersion:          i.IsLatestVersion,
		PlatformType:             enum(i.PlatformType),
		PlatformName:             text(i.PlatformName),
		PlatformVersion:          text(i.PlatformVersion),
		IAMRole:                  text(i.IamRole),
		ActivationID:             text(i.ActivationId),
		RegisteredAt:             i.RegistrationDate,
		AssociationStatus:        text(i.AssociationStatus),
		AssociationOverview:      jsonOf(i.AssociationOverview),
		LastAssociationAt:        i.LastAssociationExecutionDate,
		LastAssociationSuccessAt: i.LastSuccessfulAssociationExecutionDate,
	}
}
