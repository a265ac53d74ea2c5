package simulate

import (
	"time"

	"github.com/hubspoke/observability/producers/collectors"
	"github.com/hubspoke/observability/schemas"
)

// Most accounts have all services. Somebody forgets one, or stops a recorder.
var securityServices = kind[schemas.SecurityService]{
	of:     collectors.SecurityServices,
	size:   12,
	make:   newSecurityService,
	births: 0.02,
	change: changeSecurityService,
	slices: func(start time.Time) []string { return collectors.SecurityServices.Slices(start) },
}

func newSecurityService(g *gen) schemas.SecurityService {
	s := schemas.SecurityService{
		Service:          pick(g, "accessanalyzer", "config", "guardduty", "inspector", "macie", "securityhub"),
		ResourceID:       g.account.ID,
		Enabled:          new(true),
		ServiceEnabledAt: new(g.created(2 * year)),
	}
	switch s.Service {
	case "accessanalyzer":
		s.ResourceID, s.Status = "external-access", new("ACTIVE")
		s.ResourceARN, s.Tags = new(g.arn("access-analyzer", "analyzer/external-access")), g.tags()
		s.Settings = jsonOf(map[string]string{"Type": "ACCOUNT"})
	case "config":
		s.ResourceID, s.LastStatus = "default", new("Success")
		s.ResourceARN = new(g.arn("config", "configuration-recorder/default/0a1b2c3d"))
		s.RecordsAllTypes, s.RecordsGlobalTypes = new(g.chance(0.8)), new(g.region == g.regions[0])
		s.Settings = jsonOf(map[string]bool{"AllSupported": *s.RecordsAllTypes})
		if g.chance(0.15) {
			s.Enabled, s.LastStatus, s.LastError = new(false), new("Failure"), new("The bucket does not exist")
		}
	case "guardduty":
		s.ResourceID, s.Status, s.AdministratorAccountID = "12abc34d567e8fa901bc2d34e56789f0", new("ENABLED"),
			new("999988887777")
		s.ServiceUpdatedAt = s.ServiceEnabledAt
		s.Settings = jsonOf([]any{map[string]string{"Name": "S3_DATA_EVENTS", "Status": pick(g, "ENABLED", "DISABLED")}})
	case "inspector":
		s.Status, s.ServiceEnabledAt = new("ENABLED"), nil
		s.Settings = jsonOf(map[string]any{"Ec2": map[string]string{"Status": "ENABLED"}})
	case "macie":
		s.Status = new("ENABLED")
	case "securityhub":
		s.ResourceID = g.arn("securityhub", "hub/default")
		s.ResourceARN, s.Settings = new(s.ResourceID), jsonOf(map[string]bool{"AutoEnableControls": true})
	}
	return s
}

func changeSecurityService(g *gen, s *schemas.SecurityService) fate {
	switch {
	case g.chance(0.001):
		return gone
	case s.Service == "config" && g.chance(0.005): // stopped, or started again
		s.Enabled, s.ServiceUpdatedAt = new(!*s.Enabled), new(g.now)
		return changed
	}
	return same
}
