package simulate

import (
	"time"

	"github.com/hubspoke/observability/producers/collectors"
	"github.com/hubspoke/observability/schemas"
)

// Findings appear, are seen again, and are archived by somebody. GuardDuty deletes them in
// the end.
var guarddutyFindings = kind[schemas.GuardDutyFinding]{
	of:      collectors.GuardDutyFindings,
	size:    25,
	make:    func(g *gen) schemas.GuardDutyFinding { return newGuardDutyFinding(g, g.now) },
	old:     func(g *gen) schemas.GuardDutyFinding { return newGuardDutyFinding(g, g.within(89*day)) },
	births:  0.002,
	change:  changeGuardDutyFinding,
	updated: func(f *schemas.GuardDutyFinding) *time.Time { return f.FindingUpdatedAt },
}

type guarddutyFindingKind struct {
	name, resource, action, feature string
	severity                        float64
}

var guarddutyFindingKinds = []guarddutyFindingKind{
	{"UnauthorizedAccess:EC2/SSHBruteForce", "Instance", "NETWORK_CONNECTION", "FlowLogs", 2},
	{"Recon:EC2/PortProbeUnprotectedPort", "Instance", "PORT_PROBE", "FlowLogs", 2},
	{"CryptoCurrency:EC2/BitcoinTool.B!DNS", "Instance", "DNS_REQUEST", "DNSLogs", 8},
	{"UnauthorizedAccess:IAMUser/ConsoleLoginSuccess.B", "AccessKey", "AWS_API_CALL", "CloudTrail", 5},
	{"Policy:IAMUser/RootCredentialUsage", "AccessKey", "AWS_API_CALL", "CloudTrail", 2},
	{"Policy:S3/BucketBlockPublicAccessDisabled", "S3Bucket", "AWS_API_CALL", "CloudTrail", 2},
	{"Exfiltration:S3/AnomalousBehavior", "S3Bucket", "AWS_API_CALL", "S3DataEvents", 8},
	{"AttackSequence:IAM/CompromisedCredentials", "AccessKey", "AWS_API_CALL", "CloudTrail", 9},
}

func newGuardDutyFinding(g *gen, at time.Time) schemas.GuardDutyFinding {
	k, id, detector := pick(g, guarddutyFindingKinds...), g.hex(32), g.hex(32)
	f := schemas.GuardDutyFinding{
		FindingID:        id,
		FindingARN:       new(g.arn("guardduty", "detector/"+detector+"/finding/"+id)),
		DetectorID:       detector,
		FindingAccountID: g.account.ID,
		FindingRegion:    &g.region,
		FindingType:      &k.name,
		Severity:         &k.severity,
		Title:            new(k.name),
		Description:      new("GuardDuty saw " + k.name + " in the account " + g.account.Name + "."),
		Archived:         new(g.chance(0.4)),
		Count:            new(int64(1 + g.IntN(40))),
		ResourceType:     &k.resource,
		ActionType:       &k.action,
		FeatureName:      &k.feature,
		EventFirstSeenAt: new(at.Add(-g.between(time.Minute, time.Hour))),
		EventLastSeenAt:  &at,
		FindingCreatedAt: &at,
		FindingUpdatedAt: &at,
	}
	if g.chance(0.1) {
		f.Confidence, f.UserFeedback = new(float64(g.IntN(10))), new(pick(g, "USEFUL", "NOT_USEFUL"))
	}
	setGuardDutyFindingResource(g, &f)
	remote := map[string]any{"RemoteIpDetails": map[string]any{
		"IpAddressV4": pick(g, "198.51.100.7", "198.51.100.23", "203.0.113.9"),
		"Country":     map[string]string{"CountryName": pick(g, "Norway", "Brazil", "Canada")},
	}}
	f.Action = jsonOf(map[string]any{"ActionType": k.action,
		pick(g, "NetworkConnectionAction", "AwsApiCallAction"): remote})
	return f
}

func setGuardDutyFindingResource(g *gen, f *schemas.GuardDutyFinding) {
	details := map[string]any{"ResourceType": *f.ResourceType}
	switch *f.ResourceType {
	case "Instance":
		f.ResourceID = new("i-0" + g.hex(16))
		details["InstanceDetails"] = map[string]any{"InstanceId": *f.ResourceID, "InstanceType": "m7g.large"}
	case "S3Bucket":
		name := g.account.Name + "-" + g.app()
		f.ResourceID = new("arn:aws:s3:::" + name)
		details["S3BucketDetails"] = []any{map[string]any{"Arn": *f.ResourceID, "Name": name, "Type": "Destination"}}
	default:
		f.ResourceID = new("AIDA" + g.hex(16))
		details["AccessKeyDetails"] = map[string]any{"AccessKeyId": *f.ResourceID, "UserName": g.app(), "UserType": "IAMUser"}
	}
	f.Resource = jsonOf(details)
}

func changeGuardDutyFinding(g *gen, f *schemas.GuardDutyFinding) fate {
	switch {
	case g.chance(0.0005):
		return gone
	case !*f.Archived && g.chance(0.001):
		f.Archived, f.FindingUpdatedAt = new(true), new(g.now)
	case !*f.Archived && g.chance(0.002):
		f.Count, f.EventLastSeenAt, f.FindingUpdatedAt = new(*f.Count+1), new(g.now), new(g.now)
	default:
		return same
	}
	return changed
}
