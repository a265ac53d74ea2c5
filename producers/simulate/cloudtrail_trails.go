package simulate

import (
	"time"

	"github.com/hubspoke/observability/producers/collectors"
	"github.com/hubspoke/observability/schemas"
)

// The first region has the trail of the organization; some accounts have a trail of their own.
var cloudtrailTrails = kind[schemas.CloudTrailTrail]{
	of:      collectors.CloudTrailTrails,
	make:    newCloudTrailTrail,
	initial: initialCloudTrailTrails,
	births:  0.003,
	change:  changeCloudTrailTrail,
}

func initialCloudTrailTrails(g *gen) []schemas.CloudTrailTrail {
	var list []schemas.CloudTrailTrail
	if g.region == g.regions[0] {
		list = append(list, cloudtrailTrailOfOrganization(g))
	}
	for range 3 {
		if g.chance(0.6) {
			list = append(list, newCloudTrailTrail(g))
		}
	}
	return list
}

func newCloudTrailTrail(g *gen) schemas.CloudTrailTrail {
	t := plainCloudTrailTrail(g, g.account.ID, g.app()+"-"+g.hex(4))
	t.IsOrganizationTrail, t.IsMultiRegion = new(false), new(g.chance(0.5))
	t.LogFileValidation, t.HasInsightSelectors = new(g.chance(0.7)), new(g.chance(0.1))
	if g.chance(0.3) {
		t.S3KeyPrefix, t.SNSTopicARN = new("trails"), new(g.arn("sns", "trails"))
		t.LogGroupARN = new(g.arn("logs", "log-group:"+*t.Name+":*"))
		t.LogRoleARN = new("arn:aws:iam::" + g.account.ID + ":role/trails")
		t.LatestLogsDeliveryAt = t.LatestDeliveryAt
	}
	if g.chance(0.3) {
		t.AdvancedEventSelectors = nil
		t.EventSelectors = jsonOf([]any{map[string]any{"ReadWriteType": "All", "IncludeManagementEvents": true}})
	}
	if g.chance(0.2) {
		t.LatestDeliveryError, t.LatestDigestError, t.LatestLogsDeliveryError = new("NoSuchBucket"), new("NoSuchBucket"),
			new("AccessDenied")
	}
	return t
}

// cloudtrailTrailOfOrganization is one that another account owns, and shows the status of alone.
func cloudtrailTrailOfOrganization(g *gen) schemas.CloudTrailTrail {
	t := plainCloudTrailTrail(g, "999988887777", "organization")
	t.IsOrganizationTrail, t.IsMultiRegion, t.LogFileValidation = new(true), new(true), new(true)
	t.HasInsightSelectors = new(false)
	t.AdvancedEventSelectors, t.DeniedActions = nil, jsonOf([]string{"cloudtrail:GetEventSelectors"})
	t.KMSKeyID = new("arn:aws:kms:" + g.region + ":999988887777:key/0a1b2c3d-1111-4a5b-8c9d-0e1f2a3b4c5d")
	return t
}

func plainCloudTrailTrail(g *gen, owner, name string) schemas.CloudTrailTrail {
	return schemas.CloudTrailTrail{
		TrailARN:                "arn:aws:cloudtrail:" + g.region + ":" + owner + ":trail/" + name,
		Name:                    &name,
		OwnerAccountID:          &owner,
		HomeRegion:              &g.region,
		IsLogging:               new(true),
		IncludesGlobalEvents:    new(true),
		HasCustomEventSelectors: new(false),
		S3Bucket:                new("trails-" + owner),
		AdvancedEventSelectors: jsonOf([]any{map[string]any{
			"Name":           "Management events",
			"FieldSelectors": []any{map[string]any{"Field": "eventCategory", "Equals": []string{"Management"}}},
		}}),
		LoggingStartedAt: new(g.created(2 * year)),
		LatestDeliveryAt: new(g.now),
		LatestDigestAt:   new(g.now),
	}
}

func changeCloudTrailTrail(g *gen, t *schemas.CloudTrailTrail) fate {
	own := *t.OwnerAccountID == g.account.ID
	switch {
	case own && g.chance(0.002):
		return gone
	case own && *t.IsLogging && g.chance(0.005): // somebody stops it
		t.IsLogging, t.LoggingStoppedAt = new(false), new(g.now)
	case !*t.IsLogging && g.chance(0.02):
		t.IsLogging, t.LoggingStartedAt = new(true), new(g.now)
	case *t.IsLogging && g.now.Sub(*t.LatestDeliveryAt) > time.Hour && g.chance(0.05):
		t.LatestDeliveryAt = new(g.now)
	default:
		return same
	}
	return changed
}
