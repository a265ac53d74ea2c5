package collectors

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/schemas"
)

// Secrets are listed, those that wait for their deletion included. Their values are
// never read: the collector does not call GetSecretValue, and its policy should deny
// it. One request reads 100 secrets and costs USD 0.000005 (USD 0.05 per 10,000 API
// calls).
var Secrets = collect.Collector[schemas.Secret]{
	Category: schemas.Secrets,
	Reach:    collect.PerRegion,
	Every:    6 * time.Hour,
	Calls:    []string{"secretsmanager:ListSecrets"},
	Hints: []collect.Hint{
		// RotationSucceeded, RotationFailed and EndSecretVersionDelete are no calls: the service did it.
		{Source: "aws.secretsmanager", Calls: []string{
			"CreateSecret", "UpdateSecret*", "PutSecretValue", "DeleteSecret", "RestoreSecret", "RotateSecret",
			"CancelRotateSecret", "RotationSucceeded", "RotationFailed", "EndSecretVersionDelete",
			"TagResource", "UntagResource",
		}},
	},
	Collect: collectSecrets,
}

// The quota of ListSecrets is 100 requests a second.
var secretsmanagerService = collect.Service{
	ID:    "Secrets Manager",
	Name:  "secretsmanager",
	Rate:  collect.Rate{PerSecond: 5, Burst: 5},
	Quota: "https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html",
}

func collectSecrets(ctx context.Context, env *collect.Env, emit func(schemas.Secret) error) error {
	pages := secretsmanager.NewListSecretsPaginator(secretsmanager.NewFromConfig(env.AWS),
		&secretsmanager.ListSecretsInput{
			MaxResults:             aws.Int32(100),
			IncludePlannedDeletion: aws.Bool(true),
		})
	list := each(ctx, pages, func(p *secretsmanager.ListSecretsOutput) ([]types.SecretListEntry, *string) {
		return p.SecretList, p.NextToken
	})
	return emitEach(list, secret, emit)
}

func secret(s *types.SecretListEntry) schemas.Secret {
	row := schemas.Secret{
		SecretARN:           aws.ToString(s.ARN),
		Name:                aws.ToString(s.Name),
		Description:         freeText(s.Description),
		KMSKeyID:            text(s.KmsKeyId),
		OwningService:       text(s.OwningService),
		ExternalType:        text(s.Type),
		PrimaryRegion:       text(s.PrimaryRegion),
		RotationEnabled:     s.RotationEnabled,
		RotationLambdaARN:   text(s.RotationLambdaARN),
		LastRotatedAt:       s.LastRotatedDate,
		NextRotationAt:      s.NextRotationDate,
		LastChangedAt:       s.LastChangedDate,
		LastAccessedAt:      s.LastAccessedDate,
		SecretCreatedAt:     s.CreatedDate,
		DeletionRequestedAt: s.DeletedDate,
		VersionStages:       jsonOf(s.SecretVersionsToStages),
		Tags:                jsonOf(tagMap(s.Tags)),
	}
	if rules := s.RotationRules; rules != nil {
		row.RotationIntervalDays = rules.AutomaticallyAfterDays
		row.RotationSchedule = text(rules.ScheduleExpression)
		row.RotationWindow = text(rules.Duration)
	}
	return row
}
