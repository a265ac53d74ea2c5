package simulate

import (
	"time"

	"github.com/hubspoke/observability/producers/collectors"
	"github.com/hubspoke/observability/schemas"
)

// Secrets are created, rotated, read, and deleted after a waiting time.
var secrets = kind[schemas.Secret]{
	of:     collectors.Secrets,
	size:   55,
	make:   func(g *gen) schemas.Secret { return newSecret(g, g.now) },
	old:    oldSecret,
	change: changeSecret,
}

func newSecret(g *gen, at time.Time) schemas.Secret {
	name := g.account.Name + "/" + g.app() + "/" + pick(g, "database", "api-key", "webhook", "oauth") + "-" + g.hex(4)
	s := schemas.Secret{
		SecretARN:       g.arn("secretsmanager", "secret:"+name+"-"+g.hex(6)),
		Name:            name,
		LastChangedAt:   &at,
		SecretCreatedAt: &at,
		VersionStages:   jsonOf(map[string][]string{g.uuid(): {"AWSCURRENT"}}),
	}
	if g.chance(0.7) {
		s.Tags = g.tags()
	}
	if g.chance(0.6) {
		s.Description = new("Used by " + g.app())
	}
	if g.chance(0.3) {
		s.KMSKeyID = new(g.arn("kms", "key/"+g.uuid()))
	}
	switch {
	case g.chance(0.1):
		s.OwningService, s.RotationEnabled, s.RotationSchedule = new("rds"), new(true), new("rate(7 days)")
		rotateSecret(g, &s, at)
	case g.chance(0.4):
		s.RotationEnabled, s.RotationIntervalDays = new(true), new(int64(30))
		s.RotationLambdaARN = new(g.arn("lambda", "function:rotate-"+g.app()))
		s.RotationWindow = new("3h")
		rotateSecret(g, &s, at)
	case g.chance(0.2):
		s.RotationEnabled = new(false)
	case g.chance(0.05):
		s.ExternalType = new("SalesforceClientSecret")
	case g.chance(0.1):
		s.PrimaryRegion = new(g.regions[0])
	}
	return s
}

func rotateSecret(g *gen, s *schemas.Secret, at time.Time) {
	s.LastRotatedAt, s.LastChangedAt, s.NextRotationAt = new(at), new(at), new(at.Add(30*day))
	s.VersionStages = jsonOf(map[string][]string{g.uuid(): {"AWSCURRENT"}, g.uuid(): {"AWSPREVIOUS"}})
}

func oldSecret(g *gen) schemas.Secret {
	s := newSecret(g, g.within(2*year))
	if s.LastRotatedAt != nil {
		rotateSecret(g, &s, g.within(40*day)) // some of them too late
	}
	if g.chance(0.9) {
		s.LastAccessedAt = new(g.within(60 * day).Truncate(day))
	}
	return s
}

func changeSecret(g *gen, s *schemas.Secret) fate {
	switch today := g.now.Truncate(day); {
	case s.DeletionRequestedAt != nil && g.chance(0.02): // faster than any real week
		return gone
	case s.DeletionRequestedAt != nil:
		return same
	case g.chance(0.001):
		s.DeletionRequestedAt, s.LastChangedAt = new(g.now), new(g.now)
	case s.LastRotatedAt != nil && g.chance(0.003):
		rotateSecret(g, s, g.now)
	case (s.LastAccessedAt == nil || s.LastAccessedAt.Before(today)) && g.chance(0.003):
		s.LastAccessedAt = &today
	default:
		return same
	}
	return changed
}
