package collectors

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/schemas"
)

// Keys are listed, AWS managed ones included, and the aliases of the region are
// read once. Then each key is described, and asked for its rotation (symmetric keys
// with material in KMS) and its tags (customer managed keys): up to three requests
// per key. AWS charges nothing for them.
//
// ListKeys and ListAliases can be granted on the resource "*" only. The details may
// be denied by the policy of a single key, whatever the role may do: the row then
// says so in denied_actions, and the run is complete.
var KMSKeys = collect.Collector[schemas.KMSKey]{
	Category: schemas.KMSKeys,
	Reach:    collect.PerRegion,
	Every:    6 * time.Hour,
	Calls: []string{
		"kms:ListKeys",
		"kms:ListAliases",
		"kms:DescribeKey",
		"kms:GetKeyRotationStatus",
		"kms:ListResourceTags",
	},
	Hints: []collect.Hint{
		{Source: "aws.kms", Types: []string{
			"KMS CMK Rotation", "KMS CMK Deletion", "KMS Imported Key Material Expiration",
		}},
		{Source: "aws.kms", Calls: []string{
			"CreateKey", "ScheduleKeyDeletion", "CancelKeyDeletion", "EnableKey", "DisableKey",
			"EnableKeyRotation", "DisableKeyRotation", "CreateAlias", "UpdateAlias", "DeleteAlias",
			"UpdateKeyDescription", "ImportKeyMaterial", "DeleteImportedKeyMaterial", "ReplicateKey",
			"UpdatePrimaryRegion", "TagResource", "UntagResource",
		}},
	},
	Collect: collectKMSKeys,
}

// The lowest of the quotas is 500 requests a second, for the lists.
var kmsService = collect.Service{
	ID:    "KMS",
	Name:  "kms",
	Rate:  collect.Rate{PerSecond: 20, Burst: 20},
	Quota: "https://docs.aws.amazon.com/kms/latest/developerguide/requests-per-second.html",
}

func collectKMSKeys(ctx context.Context, env *collect.Env, emit func(schemas.KMSKey) error) error {
	client := kms.NewFromConfig(env.AWS)
	var aliases map[string][]string
	var shared details
	known, err := shared.read("kms:ListAliases", func() (err error) {
		aliases, err = kmsKeyAliases(ctx, client)
		return err
	})
	if err != nil {
		return err
	}
	pages := kms.NewListKeysPaginator(client, &kms.ListKeysInput{Limit: aws.Int32(1000)})
	list := each(ctx, pages, func(p *kms.ListKeysOutput) ([]types.KeyListEntry, *string) {
		return p.Keys, p.NextMarker
	})
	return emitDetailed(list, func(entry *types.KeyListEntry) (schemas.KMSKey, error) {
		key := kmsKey{client: client, details: details{slices.Clone(shared.denied)}}
		if known == detailKnown {
			key.row.Aliases = jsonArray(aliases[aws.ToString(entry.KeyId)])
		}
		err := key.read(ctx, entry)
		return key.row, err
	}, emit, "NotFoundException")
}

// kmsKeyAliases returns the sorted alias names of each key id.
func kmsKeyAliases(ctx context.Context, client *kms.Client) (map[string][]string, error) {
	names := map[string][]string{}
	pages := kms.NewListAliasesPaginator(client, &kms.ListAliasesInput{Limit: aws.Int32(100)})
	list := each(ctx, pages, func(p *kms.ListAliasesOutput) ([]types.AliasListEntry, *string) {
		return p.Aliases, p.NextMarker
	})
	for alias, err := range list {
		if err != nil {
			return nil, err
		}
		// Aliases that AWS reserves for services have no key yet.
		if id := aws.ToString(alias.TargetKeyId); id != "" {
			names[id] = append(names[id], aws.ToString(alias.AliasName))
		}
	}
	for _, list := range names {
		slices.Sort(list)
	}
	return names, nil
}

// kmsKey gathers what is known about one key.
type kmsKey struct {
	client  *kms.Client
	row     schemas.KMSKey
	details details
}

// read fills the row. A denied detail stays null and is named in denied_actions.
func (k *kmsKey) read(ctx context.Context, entry *types.KeyListEntry) error {
	k.row.KeyARN, k.row.KeyID = aws.ToString(entry.KeyArn), aws.ToString(entry.KeyId)
	var m *types.KeyMetadata
	_, err := k.details.read("kms:DescribeKey", func() (err error) {
		m, err = k.describe(ctx)
		return err
	})
	// Without its description nobody knows which other details a key has.
	if err == nil && m != nil && kmsKeyRotatable(m) {
		_, err = k.details.read("kms:GetKeyRotationStatus", func() error { return k.readRotation(ctx) },
			"UnsupportedOperationException", "KMSInvalidStateException")
	}
	if err == nil && m != nil && m.KeyManager == types.KeyManagerTypeCustomer {
		_, err = k.details.read("kms:ListResourceTags", func() error { return k.readTags(ctx) })
	}
	if err != nil {
		return fmt.Errorf("key %s: %w", k.row.KeyARN, err)
	}
	k.row.DeniedActions = k.details.column()
	return nil
}

func (k *kmsKey) describe(ctx context.Context) (*types.KeyMetadata, error) {
	answer, err := k.client.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &k.row.KeyARN})
	if err != nil {
		return nil, err
	}
	m := answer.KeyMetadata
	if m == nil {
		return nil, without(answer, "the key")
	}
	k.row.Description = freeText(m.Description)
	k.row.KeyManager = enum(m.KeyManager)
	k.row.KeyState = enum(m.KeyState)
	// The SDK has false for what is missing: only with the state it is an answer.
	if m.KeyState != "" && m.Enabled == (m.KeyState == types.KeyStateEnabled) {
		k.row.Enabled = &m.Enabled
	}
	k.row.KeySpec = enum(m.KeySpec)
	k.row.KeyUsage = enum(m.KeyUsage)
	k.row.Origin = enum(m.Origin)
	k.row.CustomKeyStoreID = text(m.CustomKeyStoreId)
	k.row.MultiRegion = m.MultiRegion
	if c := m.MultiRegionConfiguration; c != nil {
		k.row.MultiRegionKeyType = enum(c.MultiRegionKeyType)
		if c.PrimaryKey != nil {
			k.row.PrimaryKeyARN = text(c.PrimaryKey.Arn)
		}
		replicas := make([]string, len(c.ReplicaKeys))
		for i, replica := range c.ReplicaKeys {
			replicas[i] = aws.ToString(replica.Arn)
		}
		k.row.ReplicaKeyARNs = jsonArray(replicas)
	}
	k.row.KeyCreatedAt = m.CreationDate
	k.row.DeletionAt = m.DeletionDate
	k.row.PendingDeletionWindowDays = integer(m.PendingDeletionWindowInDays)
	k.row.ExpirationModel = enum(m.ExpirationModel)
	k.row.MaterialExpiresAt = m.ValidTo
	return m, nil
}

// kmsKeyRotatable reports whether KMS has a rotation status for keys of this kind.
func kmsKeyRotatable(m *types.KeyMetadata) bool {
	return m.KeySpec == types.KeySpecSymmetricDefault &&
		(m.Origin == types.OriginTypeAwsKms || m.Origin == types.OriginTypeExternal)
}

func (k *kmsKey) readRotation(ctx context.Context) error {
	answer, err := k.client.GetKeyRotationStatus(ctx, &kms.GetKeyRotationStatusInput{KeyId: &k.row.KeyARN})
	if err != nil {
		return err
	}
	// The SDK has false for what is missing: an answer that names no key is none.
	if !answer.KeyRotationEnabled && answer.KeyId == nil {
		return without(answer, "a status")
	}
	k.row.RotationEnabled = &answer.KeyRotationEnabled
	k.row.RotationPeriodDays = integer(answer.RotationPeriodInDays)
	k.row.NextRotationAt = answer.NextRotationDate
	k.row.OnDemandRotationStartedAt = answer.OnDemandRotationStartDate
	return nil
}

func (k *kmsKey) readTags(ctx context.Context) error {
	input := &kms.ListResourceTagsInput{KeyId: &k.row.KeyARN, Limit: aws.Int32(50)}
	pages := kms.NewListResourceTagsPaginator(k.client, input)
	list := each(ctx, pages, func(p *kms.ListResourceTagsOutput) ([]types.Tag, *string) {
		return p.Tags, p.NextMarker
	})
	tags, err := gather(list)
	if err != nil {
		return err
	}
	k.row.Tags = jsonObject(tagMap(tags))
	return nil
}
