package collectors

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/schemas"
)

// Checks and their newest results are read as of trusted_advisor_checks, and then the
// resources of each check that flags some: one request for each, about 60 in all, for which
// AWS charges nothing. Resources with which nothing is wrong are left out, unless somebody
// excluded them.
//
// The API belongs to the Business, Enterprise On-Ramp and Enterprise plans: an account
// without one ends with the outcome disabled.
var TrustedAdvisorResources = collect.Collector[schemas.TrustedAdvisorResource]{
	Category: schemas.TrustedAdvisorResources,
	Reach:    collect.Global,
	Every:    24 * time.Hour,
	Calls: []string{
		"support:DescribeTrustedAdvisorChecks", "support:DescribeTrustedAdvisorCheckSummaries",
		"support:DescribeTrustedAdvisorCheckResult",
	},
	Hints: []collect.Hint{
		{Source: "aws.trustedadvisor", Types: []string{
			"Trusted Advisor Check Item Refresh Notification",
		}, Only: "us-east-1"},
	},
	Collect: collectTrustedAdvisorResources,
}

type trustedAdvisorResourcesInput struct {
	CheckID  *string `json:"checkId"`
	Language string  `json:"language"`
}

type trustedAdvisorResourcesOutput struct {
	Result *struct {
		FlaggedResources []trustedAdvisorResourceDetail `json:"flaggedResources"`
	} `json:"result"`
}

type trustedAdvisorResourceDetail struct {
	Status       *string   `json:"status"`
	ResourceID   *string   `json:"resourceId"`
	Region       *string   `json:"region"`
	IsSuppressed *bool     `json:"isSuppressed"`
	Metadata     []*string `json:"metadata"`
}

func collectTrustedAdvisorResources(ctx context.Context, env *collect.Env,
	emit func(schemas.TrustedAdvisorResource) error) error {
	checks, newest, err := trustedAdvisor(ctx, env)
	if err != nil {
		return err
	}
	for _, check := range checks {
		summary := newest[aws.ToString(check.ID)]
		if summary == nil || !aws.ToBool(summary.HasFlaggedResources) {
			continue
		}
		in := trustedAdvisorResourcesInput{CheckID: check.ID, Language: "en"}
		answer, err := callSupport[trustedAdvisorResourcesOutput](ctx, env, "DescribeTrustedAdvisorCheckResult", in)
		if err == nil && (answer.Result == nil || answer.Result.FlaggedResources == nil) {
			err = errors.New("DescribeTrustedAdvisorCheckResult answered without its list")
		}
		if err != nil {
			return fmt.Errorf("check %s: %w", aws.ToString(check.ID), err)
		}
		for _, resource := range answer.Result.FlaggedResources {
			if aws.ToString(resource.Status) == "ok" && !aws.ToBool(resource.IsSuppressed) {
				continue
			}
			if err := emit(trustedAdvisorResource(&check, &resource)); err != nil {
				return err
			}
		}
	}
	return nil
}

func trustedAdvisorResource(c *trustedAdvisorCheck, r *trustedAdvisorResourceDetail) schemas.TrustedAdvisorResource {
	return schemas.TrustedAdvisorResource{
		CheckID:           aws.ToString(c.ID),
		FlaggedResourceID: aws.ToString(r.ResourceID),
		CheckName:         text(c.Name),
		Category:          text(c.Category),
		Status:            text(r.Status),
		ResourceRegion:    text(r.Region),
		IsSuppressed:      r.IsSuppressed,
		Metadata:          trustedAdvisorResourceMetadata(c.Metadata, r.Metadata),
	}
}

// trustedAdvisorResourceMetadata returns the values of a resource as an object, by the names
// that the check has for them. Names such as Access Key ID say what is found, and no secret;
// a value that looks like one is redacted, but for the identifier of a key.
func trustedAdvisorResourceMetadata(names, values []*string) schema.JSON {
	object := map[string]string{}
	for i, value := range values {
		if value == nil {
			continue
		}
		name := fmt.Sprintf("column %d", i+1)
		if i < len(names) && names[i] != nil {
			name = *names[i]
		}
		object[name] = *value
		if name != "Access Key ID" {
			object[name] = redact("", *value)
		}
	}
	return jsonOf(object)
}
