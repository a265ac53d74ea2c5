package collectors

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/schemas"
)

// The managed nodes that were ever scanned are asked for their patches, whenever these were
// installed; patches that a node does not need, and those that its baseline has not
// approved, are left out. One request reads 100 patches of a node: 200 nodes with 800
// patches take 1,800 requests and 6 minutes. AWS charges nothing for it.
var SSMPatches = collect.Collector[schemas.SSMPatch]{
	Category: schemas.SSMPatches,
	Reach:    collect.PerRegion,
	Every:    24 * time.Hour,
	Long:     true,
	Calls: []string{
		"ssm:DescribeInstanceInformation",
		"ssm:DescribeInstancePatchStates",
		"ssm:DescribeInstancePatches",
	},
	Collect: collectSSMPatches,
}

// ssmPatchFilters are the states of patches that are rows.
var ssmPatchFilters = []types.PatchOrchestratorFilter{{
	Key:    aws.String("State"),
	Values: []string{"Installed", "InstalledOther", "InstalledPendingReboot", "InstalledRejected", "Missing", "Failed"},
}}

func collectSSMPatches(ctx context.Context, env *collect.Env, emit func(schemas.SSMPatch) error) error {
	client := ssm.NewFromConfig(env.AWS)
	var nodes []string
	err := ssmPatchedNodes(ctx, client, func(s *types.InstancePatchState) error {
		nodes = append(nodes, aws.ToString(s.InstanceId))
		return nil
	})
	if err != nil {
		return err
	}
	for _, node := range nodes {
		pages := ssm.NewDescribeInstancePatchesPaginator(client, &ssm.DescribeInstancePatchesInput{
			InstanceId: &node, Filters: ssmPatchFilters, MaxResults: aws.Int32(100),
		})
		list := each(ctx, pages, func(p *ssm.DescribeInstancePatchesOutput) ([]types.PatchComplianceData, *string) {
			return p.Patches, p.NextToken
		})
		row := func(p *types.PatchComplianceData) schemas.SSMPatch { return ssmPatch(node, p) }
		err := emitEach(list, row, emit, "InvalidInstanceId")
		if err != nil {
			return fmt.Errorf("node %s: %w", node, err)
		}
	}
	return nil
}

func ssmPatch(node string, p *types.PatchComplianceData) schemas.SSMPatch {
	id := aws.ToString(p.KBId)
	row := schemas.SSMPatch{
		InstanceID:     node,
		KBID:           id,
		Title:          cmp.Or(aws.ToString(p.Title), id),
		Classification: text(p.Classification),
		Severity:       text(p.Severity),
		State:          string(p.State),
		CVEIDs:         text(p.CVEIds),
	}
	// The beginning of 1970 stands for no time.
	if p.InstalledTime != nil && p.InstalledTime.Unix() > 0 {
		row.InstalledAt = p.InstalledTime
	}
	return row
}
