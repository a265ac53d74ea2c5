package awsjson_test

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/hubspoke/observability/lib/awsjson"
)

// support is AWS Support. Its only endpoint is in us-east-1.
var support = awsjson.Service{
	ID:          "Support",
	SigningName: "support",
	Target:      "AWSSupport_20130415",
	Endpoint:    "https://support.us-east-1.amazonaws.com",
	Region:      "us-east-1",
}

type describeCasesInput struct {
	IncludeResolvedCases bool    `json:"includeResolvedCases"`
	NextToken            *string `json:"nextToken,omitempty"`
}

type describeCasesOutput struct {
	Cases []struct {
		CaseID *string `json:"caseId"`
		Status *string `json:"status"`
	} `json:"cases"`
	NextToken *string `json:"nextToken"`
}

func Example() {
	listCases := func(ctx context.Context, cfg aws.Config) error {
		input := describeCasesInput{IncludeResolvedCases: true}
		for {
			page, err := awsjson.Call[describeCasesOutput](ctx, cfg, support, "DescribeCases", input)
			if err != nil {
				return err
			}
			for _, c := range page.Cases {
				fmt.Println(aws.ToString(c.CaseID), aws.ToString(c.Status))
			}
			if page.NextToken == nil {
				return nil
			}
			input.NextToken = page.NextToken
		}
	}
	// cfg is that of any client of the SDK; this one is answered by the example.
	cfg := config(
		answer{200, `{"cases":[{"caseId":"case-1","status":"opened"}],"nextToken":"page2"}`},
		answer{200, `{"cases":[{"caseId":"case-2","status":"resolved"}]}`},
	)
	if err := listCases(context.Background(), cfg); err != nil {
		fmt.Println(err)
	}
	// Output:
	// case-1 opened
	// case-2 resolved
}
