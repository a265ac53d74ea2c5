package collectors

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/schemas"
)

// Cases are listed, open and resolved, without what was written in them. One request reads
// 100 cases, and AWS charges nothing for it. AWS keeps a case for up to 24 months, and it
// stays here after that.
//
// The API belongs to the Business, Enterprise On-Ramp and Enterprise plans: an account
// without one ends with the outcome disabled.
var SupportCases = collect.Collector[schemas.SupportCase]{
	Category: schemas.SupportCases,
	Reach:    collect.Global,
	Every:    time.Hour,
	Calls:    []string{"support:DescribeCases"},
	Hints: []collect.Hint{
		{Source: "aws.support", Types: []string{"Support Case Update"}, Only: "us-east-1"},
	},
	Collect: collectSupportCases,
}

type supportCasesInput struct {
	IncludeResolvedCases  bool    `json:"includeResolvedCases"`
	IncludeCommunications bool    `json:"includeCommunications"`
	MaxResults            int     `json:"maxResults"`
	NextToken             *string `json:"nextToken,omitempty"`
}

type supportCasesOutput struct {
	Cases     []supportCaseDetails `json:"cases"`
	NextToken *string              `json:"nextToken"`
}

type supportCaseDetails struct {
	CaseID           *string  `json:"caseId"`
	DisplayID        *string  `json:"displayId"`
	Subject          *string  `json:"subject"`
	Status           *string  `json:"status"`
	ServiceCode      *string  `json:"serviceCode"`
	CategoryCode     *string  `json:"categoryCode"`
	SeverityCode     *string  `json:"severityCode"`
	SubmittedBy      *string  `json:"submittedBy"`
	TimeCreated      *string  `json:"timeCreated"`
	CCEmailAddresses []string `json:"ccEmailAddresses"`
	Language         *string  `json:"language"`
}

func collectSupportCases(ctx context.Context, env *collect.Env, emit func(schemas.SupportCase) error) error {
	pages := &byToken[supportCasesOutput]{
		ask: func(ctx context.Context, token *string) (*supportCasesOutput, error) {
			in := supportCasesInput{IncludeResolvedCases: true, MaxResults: 100, NextToken: token}
			return callSupport[supportCasesOutput](ctx, env, "DescribeCases", in)
		},
		next: func(p *supportCasesOutput) *string { return p.NextToken },
	}
	list := each(ctx, pages, func(p *supportCasesOutput) ([]supportCaseDetails, *string) { return p.Cases, p.NextToken })
	return emitEach(list, func(c *supportCaseDetails) schemas.SupportCase { return supportCase(env, c) }, emit)
}

func supportCase(env *collect.Env, c *supportCaseDetails) schemas.SupportCase {
	return schemas.SupportCase{
		CaseID:           aws.ToString(c.CaseID),
		DisplayID:        text(c.DisplayID),
		Subject:          freeText(c.Subject),
		Status:           aws.ToString(c.Status),
		SeverityCode:     text(c.SeverityCode),
		ServiceCode:      text(c.ServiceCode),
		CategoryCode:     text(c.CategoryCode),
		CaseLanguage:     text(c.Language),
		SubmittedBy:      text(c.SubmittedBy),
		CCEmailAddresses: jsonOf(c.CCEmailAddresses),
		CaseCreatedAt:    parseTime(env, aws.ToString(c.CaseID), "timeCreated", c.TimeCreated),
	}
}
