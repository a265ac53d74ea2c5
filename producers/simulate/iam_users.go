package simulate

import (
	"time"

	"github.com/hubspoke/observability/producers/collectors"
	"github.com/hubspoke/observability/schemas"
)

// Users are people with a password, some without MFA, and programs with access keys, some
// of them old. The root user is always there.
var iamUsers = kind[schemas.IAMUser]{
	of:      collectors.IAMUsers,
	make:    newIAMUser,
	initial: initialIAMUsers,
	change:  changeIAMUser,
}

func initialIAMUsers(g *gen) []schemas.IAMUser {
	return append(many(g.several(12), func() schemas.IAMUser { return newIAMUser(g) }), rootIAMUser(g))
}

func rootIAMUser(g *gen) schemas.IAMUser {
	return schemas.IAMUser{
		UserARN:           "arn:aws:iam::" + g.account.ID + ":root",
		UserName:          new("<root_account>"),
		IsRoot:            true,
		UserCreatedAt:     new(g.start.Add(-3 * year)),
		MFAActive:         new(g.rootMFA()),
		AccessKey1Active:  new(false),
		AccessKey2Active:  new(false),
		ReportGeneratedAt: new(g.now),
	}
}

func newIAMUser(g *gen) schemas.IAMUser {
	name, at := pick(g, "ada", "grace", "linus", "deploy", "backup", "metrics")+"-"+g.hex(4), g.created(3*year)
	u := schemas.IAMUser{
		UserARN:          "arn:aws:iam::" + g.account.ID + ":user/" + name,
		UserName:         &name,
		UserID:           new("AIDA" + g.hex(16)),
		Path:             new("/"),
		UserCreatedAt:    &at,
		PasswordEnabled:  new(g.chance(0.5)),
		MFAActive:        new(false),
		AccessKey1Active: new(g.chance(0.6)),
		AccessKey2Active: new(g.chance(0.1)),
		GroupNames:       jsonOf([]string{pick(g, "admins", "developers", "auditors")}),
		AttachedPolicies: jsonOf([]map[string]string{
			{"PolicyName": "ReadOnlyAccess", "PolicyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"},
		}),
		InlinePolicyNames: jsonOf([]string{}),
		ReportGeneratedAt: new(g.now),
	}
	if *u.PasswordEnabled {
		u.MFAActive = new(g.chance(0.8))
		u.PasswordLastChangedAt = &at
		u.PasswordNextRotationAt = new(at.Add(90 * day))
	}
	if *u.AccessKey1Active {
		u.AccessKey1LastRotatedAt = &at
	}
	if *u.AccessKey2Active {
		u.AccessKey2LastRotatedAt = &at
	}
	if g.chance(0.3) {
		u.PermissionsBoundaryARN = new("arn:aws:iam::" + g.account.ID + ":policy/boundary")
	}
	if g.chance(0.5) {
		u.Tags = g.tags()
	}
	useIAMUser(g, &u)
	return u
}

// useIAMUser lets somebody sign in, or a program use the keys, if there are any.
func useIAMUser(g *gen, u *schemas.IAMUser) {
	for _, way := range []struct {
		enabled *bool
		used    **time.Time
	}{
		{u.PasswordEnabled, &u.PasswordLastUsedAt},
		{u.AccessKey1Active, &u.AccessKey1LastUsedAt},
		{u.AccessKey2Active, &u.AccessKey2LastUsedAt},
	} {
		if way.enabled != nil && *way.enabled && g.chance(0.7) {
			*way.used = new(g.now.Add(-g.between(0, 100*day)))
		}
	}
}

func changeIAMUser(g *gen, u *schemas.IAMUser) fate {
	switch {
	case u.IsRoot && g.chance(0.001):
		u.PasswordLastUsedAt = new(g.now)
	case u.IsRoot:
		return same
	case g.chance(0.001):
		return gone
	case g.chance(0.001):
		u.MFAActive = new(*u.PasswordEnabled)
		useIAMUser(g, u)
	default:
		return same
	}
	u.ReportGeneratedAt = new(g.now)
	return changed
}
