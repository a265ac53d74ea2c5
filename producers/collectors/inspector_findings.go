package collectors

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/inspector2"
	"github.com/aws/aws-sdk-go-v2/service/inspector2/types"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/schemas"
)

// Findings are listed in every status and of every type. The first run and one run a day
// read all of them; the other runs read those updated since the last complete run. One
// request reads 100 findings, so that 10,000 findings take about a minute; AWS charges
// nothing for it. A region in which Inspector is not enabled ends with the outcome disabled.
var InspectorFindings = collect.Collector[schemas.InspectorFinding]{
	Category:    schemas.InspectorFindings,
	Reach:       collect.PerRegion,
	Every:       time.Hour,
	Calls:       []string{"inspector2:BatchGetAccountStatus", "inspector2:ListFindings"},
	Incremental: &collect.Incremental{FullEvery: 24 * time.Hour, Overlap: 15 * time.Minute},
	Hints: []collect.Hint{
		{Source: "aws.inspector2", Types: []string{"Inspector2 Finding"}},
	},
	Collect: collectInspectorFindings,
}

// AWS names no quota of requests for Inspector.
var inspector2Service = collect.Service{
	ID:    "Inspector2",
	Name:  "inspector2",
	Rate:  collect.Rate{PerSecond: 2, Burst: 3},
	Quota: "https://docs.aws.amazon.com/inspector/latest/user/inspector_quotas.html",
}

func collectInspectorFindings(ctx context.Context, env *collect.Env, emit func(schemas.InspectorFinding) error) error {
	client := inspector2.NewFromConfig(env.AWS)
	account, err := inspectorState(ctx, env, client)
	if err != nil {
		return err
	}
	if status := account.State.Status; status != types.StatusEnabled {
		return collect.Disabled(fmt.Errorf("the status of Inspector is %s", status))
	}
	input := &inspector2.ListFindingsInput{MaxResults: aws.Int32(100)}
	if !env.Since.IsZero() {
		input.FilterCriteria = &types.FilterCriteria{UpdatedAt: []types.DateFilter{{StartInclusive: &env.Since,
			EndInclusive: &env.Now}}}
	}
	pages := inspector2.NewListFindingsPaginator(client, input)
	list := each(ctx, pages, func(p *inspector2.ListFindingsOutput) ([]types.Finding, *string) {
		return p.Findings, p.NextToken
	})
	return emitEach(list, inspectorFinding, emit)
}

func inspectorFinding(f *types.Finding) schemas.InspectorFinding {
	row := schemas.InspectorFinding{
		FindingARN:          aws.ToString(f.FindingArn),
		FindingAccountID:    aws.ToString(f.AwsAccountId),
		FindingType:         enum(f.Type),
		Status:              enum(f.Status),
		Severity:            enum(f.Severity),
		Title:               freeText(f.Title),
		Description:         freeText(f.Description),
		InspectorScore:      f.InspectorScore,
		ExploitAvailable:    enum(f.ExploitAvailable),
		FixAvailable:        enum(f.FixAvailable),
		ResourceCount:       int64(len(f.Resources)),
		Resources:           redactJSON(f.Resources),
		NetworkReachability: jsonOf(f.NetworkReachabilityDetails),
		CodeVulnerability:   jsonOf(f.CodeVulnerabilityDetails),
		FirstObservedAt:     f.FirstObservedAt,
		LastObservedAt:      f.LastObservedAt,
		FindingUpdatedAt:    f.UpdatedAt,
	}
	if f.Epss != nil {
		row.EPSSScore = &f.Epss.Score
	}
	if f.ExploitabilityDetails != nil {
		row.LastKnownExploitAt = f.ExploitabilityDetails.LastKnownExploitAt
	}
	if len(f.Resources) > 0 {
		first := f.Resources[0]
		row.ResourceType, row.ResourceID, row.ResourceRegion = enum(first.Type), text(first.Id), text(first.Region)
		row.ResourceTags = jsonOf(redactMap(first.Tags))
	}
	if f.Remediation != nil && f.Remediation.Recommendation != nil {
		row.RemediationText = freeText(f.Remediation.Recommendation.Text)
		row.RemediationURL = freeText(f.Remediation.Recommendation.Url)
	}
	if d := f.PackageVulnerabilityDetails; d != nil {
		setInspectorFindingPackages(&row, d)
	}
	return row
}

func setInspectorFindingPackages(row *schemas.InspectorFinding, d *types.PackageVulnerabilityDetails) {
	row.VulnerabilityID, row.VulnerabilitySource, row.SourceURL = text(d.VulnerabilityId), text(d.Source),
		text(d.SourceUrl)
	row.VendorSeverity, row.VendorPublishedAt, row.VendorUpdatedAt = text(d.VendorSeverity), d.VendorCreatedAt,
		d.VendorUpdatedAt
	row.CVSS = jsonOf(d.Cvss)
	row.PackageCount, row.Packages = aws.Int64(int64(len(d.VulnerablePackages))), jsonOf(d.VulnerablePackages)
	if len(d.VulnerablePackages) > 0 {
		first := d.VulnerablePackages[0]
		row.PackageName, row.PackageVersion = text(first.Name), text(first.Version)
		row.PackageManager, row.FixedInVersion = enum(first.PackageManager), text(first.FixedInVersion)
	}
}
