package simulate

import (
	"strings"

	"github.com/hubspoke/observability/producers/collectors"
	"github.com/hubspoke/observability/schemas"
)

// Most accounts ask for long passwords, and some have a root user with access keys. The
// sandboxes may not be asked for their rules.
var iamAccountSettings = kind[schemas.IAMAccountSetting]{
	of:    collectors.IAMAccountSettings,
	make:  newIAMAccountSetting,
	fixed: true,
}

func newIAMAccountSetting(g *gen) schemas.IAMAccountSetting {
	count := func(n int64) *int64 { return new(n/2 + g.Int64N(n)) }
	s := schemas.IAMAccountSetting{
		ReportedAccountID:   g.account.ID,
		Users:               count(12),
		Groups:              count(6),
		Roles:               count(80),
		CustomerPolicies:    count(30),
		InstanceProfiles:    count(10),
		ServerCertificates:  count(2),
		IdentityProviders:   count(2),
		MFADevices:          count(8),
		MFADevicesInUse:     count(6),
		RootMFAEnabled:      new(g.rootMFA()),
		RootAccessKeys:      new(pick[int64](g, 0, 0, 0, 0, 1)),
		RootPasswordPresent: new(true),
		PasswordPolicySet:   new(g.chance(0.8)),
	}
	switch {
	case strings.HasSuffix(g.account.Name, "-sandbox"):
		s.PasswordPolicySet, s.DeniedActions = nil, jsonOf([]string{"iam:GetAccountPasswordPolicy"})
	case *s.PasswordPolicySet:
		s.MinimumPasswordLength = new(pick[int64](g, 8, 14, 14, 20))
		s.MaxPasswordAgeDays = new(int64(90))
		s.PasswordReusePrevention = new(int64(24))
		s.RequireSymbols, s.RequireNumbers = new(g.chance(0.8)), new(true)
		s.RequireUppercase, s.RequireLowercase = new(true), new(true)
		s.UsersMayChangePassword, s.ExpirePasswords, s.HardExpiry = new(true), new(true), new(false)
	}
	return s
}
