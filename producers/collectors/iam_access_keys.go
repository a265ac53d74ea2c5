package collectors

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/schemas"
)

// Users are listed, then the keys of each user, and for each key when it was used last: an
// account with 50 users needs about 130 requests, 26 seconds at the rate of 5 a second.
// AWS charges nothing for them. No list has the keys of the root user.
var IAMAccessKeys = collect.Collector[schemas.IAMAccessKey]{
	Category: schemas.IAMAccessKeys,
	Reach:    collect.Global,
	Every:    6 * time.Hour,
	Calls:    []string{"iam:ListUsers", "iam:ListAccessKeys", "iam:GetAccessKeyLastUsed"},
	Hints: []collect.Hint{
		{Source: "aws.iam", Calls: []string{
			"CreateAccessKey", "UpdateAccessKey", "DeleteAccessKey",
		}, Only: "us-east-1"},
	},
	Collect: collectIAMAccessKeys,
}

func collectIAMAccessKeys(ctx context.Context, env *collect.Env, emit func(schemas.IAMAccessKey) error) error {
	client := iam.NewFromConfig(env.AWS)
	users := iam.NewListUsersPaginator(client, &iam.ListUsersInput{MaxItems: aws.Int32(1000)})
	list := each(ctx, users, func(p *iam.ListUsersOutput) ([]types.User, *string) { return p.Users, p.Marker })
	for user, err := range list {
		if err != nil {
			return err
		}
		pages := iam.NewListAccessKeysPaginator(client, &iam.ListAccessKeysInput{UserName: user.UserName})
		keys := each(ctx, pages, func(p *iam.ListAccessKeysOutput) ([]types.AccessKeyMetadata, *string) {
			return p.AccessKeyMetadata, p.Marker
		})
		err := emitDetailed(keys, func(k *types.AccessKeyMetadata) (schemas.IAMAccessKey, error) {
			return readIAMAccessKey(ctx, client, k)
		}, emit, iamAccessKeyGone)
		if err != nil && !hasCode(err, iamAccessKeyGone) { // the user was deleted since it was listed
			return err
		}
	}
	return nil
}

// iamAccessKeyGone is the code of the answer that there is no such user or key.
const iamAccessKeyGone = "NoSuchEntity"

// readIAMAccessKey asks when a key was used. Where that is denied the run ends: without
// the answer the key would look as if nobody had ever used it.
func readIAMAccessKey(
	ctx context.Context, client *iam.Client, k *types.AccessKeyMetadata,
) (schemas.IAMAccessKey, error) {
	row := schemas.IAMAccessKey{
		AccessKeyID:  aws.ToString(k.AccessKeyId),
		UserName:     k.UserName,
		Status:       enum(k.Status),
		KeyCreatedAt: k.CreateDate,
	}
	answer, err := client.GetAccessKeyLastUsed(ctx, &iam.GetAccessKeyLastUsedInput{AccessKeyId: k.AccessKeyId})
	if err == nil && answer.AccessKeyLastUsed == nil {
		err = without(answer, "the last use")
	}
	if err != nil {
		return row, err
	}
	row.LastUsedAt = answer.AccessKeyLastUsed.LastUsedDate
	row.LastUsedService = knownIAMAccessKeyUse(answer.AccessKeyLastUsed.ServiceName)
	row.LastUsedRegion = knownIAMAccessKeyUse(answer.AccessKeyLastUsed.Region)
	return row, nil
}

// knownIAMAccessKeyUse returns a service or region; IAM says N/A where there is none.
func knownIAMAccessKeyUse(value *string) *string {
	if aws.ToString(value) == "N/A" {
		return nil
	}
	return text(value)
}
