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

// The managed nodes are listed, and the patch summaries of 50 of them are read with one
// request; AWS charges nothing for it. A node that was never scanned has no row. It is the
// cheap half of ssm_patches, which may be left out where that is too much.
var SSMPatchStates = collect.Collector[schemas.SSMPatchState]{
	Category: schemas.SSMPatchStates,
	Reach:    collect.PerRegion,
	Every:    6 * time.Hour,
	Calls:    []string{"ssm:DescribeInstanceInformation", "ssm:DescribeInstancePatchStates"},
	Hints: []collect.Hint{
		{Source: "aws.ssm", Types: []string{"Configuration Compliance State Change"}},
	},
	Collect: collectSSMPatchStates,
}

func collectSSMPatchStates(ctx context.Context, env *collect.Env, emit func(schemas.SSMPatchState) error) error {
	return ssmPatchedNodes(ctx, ssm.NewFromConfig(env.AWS), func(s *types.InstancePatchState) error {
		return emit(ssmPatchState(s))
	})
}

func ssmPatchState(s *types.InstancePatchState) schemas.SSMPatchState {
	return schemas.SSMPatchState{
		InstanceID:                   aws.ToString(s.InstanceId),
		PatchGroup:                   text(s.PatchGroup),
		BaselineID:                   text(s.BaselineId),
		Operation:                    enum(s.Operation),
		RebootOption:                 enum(s.RebootOption),
		InstalledCount:               integer(&s.InstalledCount),
		InstalledOtherCount:          integer(&s.InstalledOtherCount),
		InstalledPendingRebootCount:  integer(s.InstalledPendingRebootCount),
		InstalledRejectedCount:       integer(s.InstalledRejectedCount),
		MissingCount:                 integer(&s.MissingCount),
		FailedCount:                  integer(&s.FailedCount),
		NotApplicableCount:           integer(&s.NotApplicableCount),
		CriticalNoncompliantCount:    integer(s.CriticalNonCompliantCount),
		SecurityNoncompliantCount:    integer(s.SecurityNonCompliantCount),
		OtherNoncompliantCount:       integer(s.OtherNonCompliantCount),
		AvailableSecurityUpdateCount: integer(s.AvailableSecurityUpdateCount),
		OperationStartedAt:           s.OperationStartTime,
		OperationEndedAt:             s.OperationEndTime,
		LastNoRebootInstallAt:        s.LastNoRebootInstallOperationTime,
	}
}
