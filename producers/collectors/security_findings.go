package collectors

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/schemas"
)

// Findings are listed in every record state, severity and workflow status, in the
// order of their last update. The first run and one run a day read all of them; the
// other runs read those updated since the last complete run. A region in which
// Security Hub is not enabled ends with the outcome disabled. One request reads 100
// findings, so that 10,000 findings take about a minute; AWS charges nothing for it.
var SecurityFindings = collect.Collector[schemas.SecurityFinding]{
	Category: schemas.SecurityFindings,
	Reach:    collect.PerRegion,
	Every:    15 * time.Minute,
	Calls:    []string{"securityhub:GetFindings"},
	// AWS does not move UpdatedAt for every change (a workflow status, for
	// example), so everything is read once a day.
	Incremental: &collect.Incremental{FullEvery: 24 * time.Hour, Overlap: 15 * time.Minute},
	Hints: []collect.Hint{
		// Security Hub imports each finding of a control again every 12 to 24 hours.
		{
			Source: "aws.securityhub",
			Types:  []string{"Security Hub Findings - Imported"},
			Match:  `{"findings": {"Severity": {"Label": ["CRITICAL", "HIGH"]}}}`,
		},
	},
	Collect: collectSecurityFindings,
}

// The quota of GetFindings is 3 requests a second with bursts of 6.
var securityhubService = collect.Service{
	ID:    "SecurityHub",
	Name:  "securityhub",
	Rate:  collect.Rate{PerSecond: 2, Burst: 3},
	Quota: "https://docs.aws.amazon.com/securityhub/1.0/APIReference/Welcome.html",
}

func collectSecurityFindings(ctx context.Context, env *collect.Env, emit func(schemas.SecurityFinding) error) error {
	input := &securityhub.GetFindingsInput{
		MaxResults: aws.Int32(100),
		// A finding that is updated while pages are read moves to the end, where
		// it is seen again, instead of out of sight.
		SortCriteria: []types.SortCriterion{{Field: aws.String("UpdatedAt"), SortOrder: types.SortOrderAscending}},
	}
	if !env.Since.IsZero() {
		const format = "2006-01-02T15:04:05.000Z"
		input.Filters = &types.AwsSecurityFindingFilters{UpdatedAt: []types.DateFilter{{
			Start: aws.String(env.Since.UTC().Format(format)),
			End:   aws.String(env.Now.UTC().Format(format)),
		}}}
	}
	list := eachByToken(ctx, input, securityhub.NewFromConfig(env.AWS).GetFindings,
		func(in *securityhub.GetFindingsInput) **string { return &in.NextToken },
		func(p *securityhub.GetFindingsOutput) ([]types.AwsSecurityFinding, *string) {
			return p.Findings, p.NextToken
		})
	err := emitEach(list, func(f *types.AwsSecurityFinding) schemas.SecurityFinding { return securityFinding(env, f) },
		emit)
	var unsubscribed *types.InvalidAccessException
	if errors.As(err, &unsubscribed) {
		return collect.Disabled(err) // the region is not subscribed to Security Hub
	}
	return err
}

func securityFinding(env *collect.Env, f *types.AwsSecurityFinding) schemas.SecurityFinding {
	row := schemas.SecurityFinding{
		FindingID:          aws.ToString(f.Id),
		ProductARN:         aws.ToString(f.ProductArn),
		ProductName:        text(f.ProductName),
		CompanyName:        text(f.CompanyName),
		GeneratorID:        aws.ToString(f.GeneratorId),
		FindingAccountID:   aws.ToString(f.AwsAccountId),
		FindingRegion:      text(f.Region),
		Title:              redact("", aws.ToString(f.Title)),
		Description:        freeText(f.Description),
		FindingTypes:       jsonOf(f.Types),
		RecordState:        enum(f.RecordState),
		ResourceCount:      int64(len(f.Resources)),
		Resources:          securityFindingResources(f.Resources),
		Vulnerabilities:    jsonOf(f.Vulnerabilities),
		ProductFields:      jsonOf(redactMap(f.ProductFields)),
		FirstObservedAt:    securityFindingTime(env, f, "FirstObservedAt", f.FirstObservedAt),
		LastObservedAt:     securityFindingTime(env, f, "LastObservedAt", f.LastObservedAt),
		FindingCreatedAt:   securityFindingTime(env, f, "CreatedAt", f.CreatedAt),
		FindingUpdatedAt:   securityFindingTime(env, f, "UpdatedAt", f.UpdatedAt),
		Sample:             f.Sample,
		FindingAccountName: text(f.AwsAccountName),
	}
	if severity := f.Severity; severity != nil {
		row.SeverityLabel = enum(severity.Label)
		row.SeverityNormalized = integer(severity.Normalized)
		row.SeverityOriginal = text(severity.Original)
	}
	if f.Workflow != nil {
		row.WorkflowStatus = enum(f.Workflow.Status)
	}
	if compliance := f.Compliance; compliance != nil {
		row.ComplianceStatus = enum(compliance.Status)
		row.SecurityControlID = text(compliance.SecurityControlId)
		row.ComplianceReasons = redactJSON(compliance.StatusReasons)
		standards := make([]string, len(compliance.AssociatedStandards))
		for i, standard := range compliance.AssociatedStandards {
			standards[i] = aws.ToString(standard.StandardsId)
		}
		row.AssociatedStandards = jsonOf(standards)
	}
	if len(f.Resources) > 0 {
		row.ResourceType = text(f.Resources[0].Type)
		row.ResourceID = text(f.Resources[0].Id)
	}
	if f.Remediation != nil && f.Remediation.Recommendation != nil {
		row.RemediationText = freeText(f.Remediation.Recommendation.Text)
		row.RemediationURL = freeText(f.Remediation.Recommendation.Url)
	}
	return row
}

// securityFindingResources leaves out what a resource's own category holds better, and
// what may be secret: its configuration, the data found in it, and tags.
func securityFindingResources(resources []types.Resource) []byte {
	brief := make([]types.Resource, len(resources))
	for i, r := range resources {
		r.Details, r.DataClassification, r.Tags = nil, nil, redactMap(r.Tags)
		brief[i] = r
	}
	return jsonOf(brief)
}

// securityFindingLayouts are the formats of times that the API reference lists
// (https://docs.aws.amazon.com/securityhub/1.0/APIReference/Welcome.html#timestamps).
var securityFindingLayouts = []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700"}

func securityFindingTime(env *collect.Env, f *types.AwsSecurityFinding, field string, value *string) *time.Time {
	return parseTime(env, aws.ToString(f.Id), field, value, securityFindingLayouts...)
}
