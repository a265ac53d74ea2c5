package simulate

import (
	"time"

	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/producers/collectors"
	"github.com/hubspoke/observability/schemas"
)

// Keys are created, disabled, rotated and, after a waiting time, deleted.
var kmsKeys = kind[schemas.KMSKey]{
	of:      collectors.KMSKeys,
	make:    func(g *gen) schemas.KMSKey { return newKMSKey(g, g.now) },
	initial: initialKMSKeys,
	births:  0.0008,
	change:  changeKMSKey,
}

func initialKMSKeys(g *gen) []schemas.KMSKey {
	keys := many(g.several(30), func() schemas.KMSKey { return newKMSKey(g, g.within(3*year)) })
	for _, service := range []string{"s3", "ebs", "rds", "secretsmanager"} {
		k := plainKMSKey(g, g.within(3*year))
		k.KeyManager, k.Tags = new("AWS"), nil
		k.Aliases = jsonOf([]string{"alias/aws/" + service})
		k.Description = new("Default key that protects my data when no other key is defined")
		rotateKMSKey(&k)
		keys = append(keys, k)
	}
	return keys
}

// plainKMSKey returns a symmetric key with material in KMS, without alias.
func plainKMSKey(g *gen, at time.Time) schemas.KMSKey {
	id := g.uuid()
	return schemas.KMSKey{
		KeyARN:       g.arn("kms", "key/"+id),
		KeyID:        id,
		Aliases:      schema.JSON("[]"),
		KeyManager:   new("CUSTOMER"),
		KeyState:     new("Enabled"),
		Enabled:      new(true),
		KeySpec:      new("SYMMETRIC_DEFAULT"),
		KeyUsage:     new("ENCRYPT_DECRYPT"),
		Origin:       new("AWS_KMS"),
		MultiRegion:  new(false),
		KeyCreatedAt: &at,
		Tags:         g.tags(),
	}
}

// newKMSKey returns a customer managed key of one of the kinds that there are.
func newKMSKey(g *gen, at time.Time) schemas.KMSKey {
	k := plainKMSKey(g, at)
	if g.chance(0.9) {
		app := g.app()
		k.Aliases, k.Description = jsonOf([]string{"alias/" + app + "-" + g.hex(4)}), new("Data of "+app)
	}
	switch {
	case g.chance(0.05):
		k.KeySpec, k.KeyUsage = new("RSA_2048"), new("SIGN_VERIFY")
	case g.chance(0.03):
		k.KeySpec, k.KeyUsage = new("HMAC_256"), new("GENERATE_VERIFY_MAC")
	case g.chance(0.05):
		k.Origin, k.ExpirationModel = new("EXTERNAL"), new("KEY_MATERIAL_EXPIRES")
		k.MaterialExpiresAt = new(at.Add(3 * year).Add(g.between(0, year)))
		k.RotationEnabled = new(false)
	case g.chance(0.03):
		k.Origin, k.CustomKeyStoreID = new("AWS_CLOUDHSM"), new("cks-"+g.hex(17))
	case g.chance(0.08):
		k.KeyID = "mrk-" + g.hex(32)
		k.KeyARN = g.arn("kms", "key/"+k.KeyID)
		k.MultiRegion, k.MultiRegionKeyType, k.PrimaryKeyARN = new(true), new("PRIMARY"), new(k.KeyARN)
		k.ReplicaKeyARNs = jsonOf([]string{"arn:aws:kms:ap-southeast-2:" + g.account.ID + ":key/" + k.KeyID})
		k.RotationEnabled = new(false)
	case g.chance(0.04): // its policy names somebody else alone
		k = schemas.KMSKey{KeyARN: k.KeyARN, KeyID: k.KeyID, Aliases: k.Aliases,
			DeniedActions: jsonOf([]string{"kms:DescribeKey"})}
	case g.chance(0.05):
		k.DeniedActions = jsonOf([]string{"kms:GetKeyRotationStatus"})
	case g.chance(0.7):
		rotateKMSKey(&k)
	default:
		k.RotationEnabled = new(false)
	}
	return k
}

func rotateKMSKey(k *schemas.KMSKey) {
	k.RotationEnabled, k.RotationPeriodDays = new(true), new(int64(365))
	k.NextRotationAt = new(k.KeyCreatedAt.Add(4 * year))
}

func changeKMSKey(g *gen, k *schemas.KMSKey) fate {
	if k.KeyManager == nil || *k.KeyManager == "AWS" {
		return same
	}
	switch state := *k.KeyState; {
	case state == "Enabled" && g.chance(0.001):
		k.KeyState, k.Enabled = new("Disabled"), new(false)
	case state == "Disabled" && g.chance(0.01):
		k.KeyState, k.Enabled = new("Enabled"), new(true)
	case state != "PendingDeletion" && state != "PendingReplicaDeletion" && g.chance(0.0008):
		k.Enabled, k.RotationEnabled, k.RotationPeriodDays, k.NextRotationAt = new(false), nil, nil, nil
		if *k.MultiRegion {
			k.KeyState, k.PendingDeletionWindowDays = new("PendingReplicaDeletion"), new(int64(30))
		} else {
			k.KeyState, k.DeletionAt = new("PendingDeletion"), new(g.now.Add(7*day))
		}
	case state == "PendingDeletion" && g.chance(0.01): // faster than any real week
		return gone
	case k.RotationEnabled != nil && !*k.RotationEnabled && *k.Origin == "AWS_KMS" && g.chance(0.001):
		rotateKMSKey(k)
	case k.OnDemandRotationStartedAt != nil && g.chance(0.1):
		k.OnDemandRotationStartedAt = nil
	case k.RotationPeriodDays != nil && g.chance(0.004):
		k.OnDemandRotationStartedAt = new(g.now)
	default:
		return same
	}
	return changed
}
