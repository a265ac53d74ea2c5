package simulate

import (
	"fmt"
	"strings"
	"time"

	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/producers/collectors"
	"github.com/hubspoke/observability/schemas"
)

// Findings appear, are worked on, resolved and archived, and deleted in the end. Neither a
// change of the workflow status nor a deletion moves the time of an update, as in AWS:
// only a run that reads everything sees them.
var securityFindings = kind[schemas.SecurityFinding]{
	of:      collectors.SecurityFindings,
	size:    600,
	make:    func(g *gen) schemas.SecurityFinding { return newSecurityFinding(g, g.now) },
	old:     oldSecurityFinding,
	births:  0.0004,
	change:  changeSecurityFinding,
	updated: func(f *schemas.SecurityFinding) *time.Time { return f.FindingUpdatedAt },
	// Here and there somebody forgot to enable Security Hub.
	enabled: func(w *World, here place) bool {
		return here.region == here.regions[0] || w.rng("enabled", here.account.ID, here.region).IntN(6) > 0
	},
}

func oldSecurityFinding(g *gen) schemas.SecurityFinding {
	f := newSecurityFinding(g, g.within(year).Add(-time.Hour))
	switch {
	case g.chance(0.5):
		passed := f.FindingCreatedAt.Add(g.between(time.Minute, 90*day))
		if passed.After(g.now) {
			passed = f.FindingCreatedAt.Add(time.Minute)
		}
		passSecurityFinding(&f, passed)
	case g.chance(0.2):
		f.WorkflowStatus = new(pick(g, "NOTIFIED", "SUPPRESSED"))
	}
	if g.chance(0.1) {
		f.RecordState = new("ARCHIVED")
	}
	return f
}

// securityFindingControl is a control of Security Hub.
type securityFindingControl struct{ id, title, severity, resource string }

var securityFindingControls = []securityFindingControl{
	{"S3.1", "S3 general purpose buckets should have block public access settings enabled", "MEDIUM", "AwsS3Bucket"},
	{"S3.5", "S3 general purpose buckets should require requests to use SSL", "MEDIUM", "AwsS3Bucket"},
	{"S3.8", "S3 general purpose buckets should block public access", "HIGH", "AwsS3Bucket"},
	{"S3.9", "S3 general purpose buckets should have server access logging enabled", "MEDIUM", "AwsS3Bucket"},
	{"EC2.2", "VPC default security groups should not allow inbound or outbound traffic", "HIGH", "AwsEc2SecurityGroup"},
	{"EC2.8", "EC2 instances should use Instance Metadata Service Version 2 (IMDSv2)", "HIGH", "AwsEc2Instance"},
	{"EC2.9", "EC2 instances should not have a public IPv4 address", "HIGH", "AwsEc2Instance"},
	{"EC2.19", "Security groups should not allow unrestricted access to ports with high risk", "CRITICAL",
		"AwsEc2SecurityGroup"},
	{"IAM.3", "IAM users' access keys should be rotated every 90 days or less", "MEDIUM", "AwsIamUser"},
	{"IAM.5", "MFA should be enabled for all IAM users that have a console password", "MEDIUM", "AwsIamUser"},
	{"IAM.21", "IAM customer managed policies should not allow wildcard actions for services", "LOW", "AwsIamPolicy"},
	{"KMS.3", "AWS KMS keys should not be deleted unintentionally", "CRITICAL", "AwsKmsKey"},
	{"KMS.4", "AWS KMS key rotation should be enabled", "MEDIUM", "AwsKmsKey"},
	{"Lambda.2", "Lambda functions should use supported runtimes", "MEDIUM", "AwsLambdaFunction"},
	{"RDS.2", "RDS DB instances should prohibit public access", "CRITICAL", "AwsRdsDbInstance"},
	{"RDS.3", "RDS DB instances should have encryption at-rest enabled", "MEDIUM", "AwsRdsDbInstance"},
	{"SecretsManager.1", "Secrets Manager secrets should have automatic rotation enabled", "MEDIUM",
		"AwsSecretsManagerSecret"},
	{"SecretsManager.4", "Secrets Manager secrets should be rotated within a specified number of days", "MEDIUM",
		"AwsSecretsManagerSecret"},
	{"CloudTrail.1", "CloudTrail should be enabled with at least one multi-Region trail", "HIGH", "AwsAccount"},
	{"GuardDuty.1", "GuardDuty should be enabled", "HIGH", "AwsAccount"},
}

var securityFindingSeverities = map[string]int64{"INFORMATIONAL": 0, "LOW": 1, "MEDIUM": 40, "HIGH": 70, "CRITICAL": 90}

func newSecurityFinding(g *gen, at time.Time) schemas.SecurityFinding {
	f := schemas.SecurityFinding{
		CompanyName:        new("AWS"),
		FindingAccountID:   g.account.ID,
		FindingAccountName: &g.account.Name,
		FindingRegion:      &g.region,
		WorkflowStatus:     new("NEW"),
		RecordState:        new("ACTIVE"),
		FirstObservedAt:    &at,
		LastObservedAt:     &at,
		FindingCreatedAt:   &at,
		FindingUpdatedAt:   &at,
		Sample:             new(false),
	}
	switch {
	case g.chance(0.85):
		securityFindingOfControl(g, &f)
	case g.chance(0.5):
		securityFindingOfThreat(g, &f)
	default:
		securityFindingOfPackage(g, &f)
	}
	return f
}

// setSecurityFindingProduct names the product that made a finding, as ARN and as people call it.
func setSecurityFindingProduct(g *gen, f *schemas.SecurityFinding, name, id string) {
	f.ProductName = &name
	f.ProductARN = "arn:aws:securityhub:" + g.region + "::product/aws/" + id
}

func setSecurityFindingSeverity(f *schemas.SecurityFinding, label string) {
	f.SeverityLabel, f.SeverityOriginal, f.SeverityNormalized = &label, &label, new(securityFindingSeverities[label])
}

func securityFindingOfControl(g *gen, f *schemas.SecurityFinding) {
	setSecurityFindingProduct(g, f, "Security Hub", "securityhub")
	c := pick(g, securityFindingControls...)
	f.FindingID = g.arn("securityhub", "security-control/"+c.id+"/finding/"+g.uuid())
	f.GeneratorID, f.SecurityControlID, f.Title = "security-control/"+c.id, new(c.id), c.title
	f.Description = new("This control checks the following: " + strings.ToLower(c.title[:1]) + c.title[1:] + ".")
	f.FindingTypes = schema.JSON(`["Software and Configuration Checks/Industry and Regulatory Standards"]`)
	setSecurityFindingSeverity(f, c.severity)
	f.ComplianceStatus = new("FAILED")
	if g.chance(0.02) {
		f.ComplianceStatus = new("WARNING")
		f.ComplianceReasons = schema.JSON(
			`[{"ReasonCode":"CONFIG_ACCESS_DENIED","Description":"AWS Config lacks a permission that the rule needs."}]`)
	}
	f.AssociatedStandards = schema.JSON(`["standards/aws-foundational-security-best-practices/v/1.0.0"]`)
	f.RemediationText = new("For information on how to correct this issue, consult the AWS Security Hub controls " +
		"documentation.")
	f.RemediationURL = new("https://docs.aws.amazon.com/console/securityhub/" + c.id + "/remediation")
	setSecurityFindingResources(g, f, 1, c.resource)
	f.ProductFields = jsonOf(map[string]string{
		"aws/securityhub/ProductName": "Security Hub", "aws/securityhub/CompanyName": "AWS",
		"aws/securityhub/FindingId": f.ProductARN + "/" + f.FindingID, "Resources:0/Id": *f.ResourceID,
	})
}

func securityFindingOfThreat(g *gen, f *schemas.SecurityFinding) {
	setSecurityFindingProduct(g, f, "GuardDuty", "guardduty")
	kind := pick(g, "UnauthorizedAccess:EC2/SSHBruteForce", "Recon:EC2/PortProbeUnprotectedPort",
		"CryptoCurrency:EC2/BitcoinTool.B!DNS")
	f.FindingID = g.arn("guardduty", "detector/"+g.hex(32)+"/finding/"+g.hex(32))
	f.GeneratorID, f.Title = "arn:aws:guardduty:"+g.region+":"+g.account.ID+":detector", kind
	f.FindingTypes = jsonOf([]string{"TTPs/" + kind})
	setSecurityFindingSeverity(f, pick(g, "LOW", "MEDIUM", "HIGH"))
	f.Sample = new(g.chance(0.05))
	setSecurityFindingResources(g, f, 1+g.IntN(3), "AwsEc2Instance")
}

// securityFindingPackages are those that Inspector finds vulnerable, with their version and the one that mends it.
var securityFindingPackages = []struct{ name, version, fixed string }{
	{"openssl", "3.0.8", "0:3.0.8-1.amzn2023.0.14"},
	{"curl", "8.3.0", "0:8.5.0-1.amzn2023.0.4"},
	{"python3", "3.9.16", "0:3.9.20-1.amzn2023.0.1"},
	{"kernel", "6.1.79", "0:6.1.112-122.189.amzn2023"},
}

func securityFindingOfPackage(g *gen, f *schemas.SecurityFinding) {
	setSecurityFindingProduct(g, f, "Inspector", "inspector")
	cve, software := fmt.Sprintf("CVE-2025-%d", 1000+g.IntN(9000)), pick(g, securityFindingPackages...)
	f.FindingID = g.arn("inspector2", "finding/"+g.hex(32))
	f.GeneratorID, f.Title = "AWSInspector", cve+" - "+software.name
	f.FindingTypes = schema.JSON(`["Software and Configuration Checks/Vulnerabilities/CVE"]`)
	setSecurityFindingSeverity(f, pick(g, "MEDIUM", "HIGH", "CRITICAL"))
	fix, fixedIn := "YES", software.fixed
	if g.chance(0.2) {
		fix, fixedIn = "NO", "NotAvailable"
	}
	f.Vulnerabilities = jsonOf([]map[string]any{{
		"Id": cve, "FixAvailable": fix,
		"VulnerablePackages": []map[string]any{{
			"Name": software.name, "Version": software.version, "Epoch": "0", "Release": "1.amzn2023", "Architecture": "X86_64",
			"PackageManager": "OS", "FixedInVersion": fixedIn,
		}},
		"Cvss": []map[string]any{{"Version": "3.1", "BaseScore": 4 + float64(g.IntN(60))/10}},
	}})
	setSecurityFindingResources(g, f, 1, "AwsEc2Instance")
}

// setSecurityFindingResources fills in the resources of a finding.
func setSecurityFindingResources(g *gen, f *schemas.SecurityFinding, n int, kind string) {
	type resource struct{ Id, Partition, Region, Type string }
	list := many(n, func() resource {
		id := "arn:aws:" + strings.ToLower(strings.TrimPrefix(kind, "Aws")) + ":" + g.region + ":" + g.account.ID + ":" +
			g.app() + "-" + g.hex(12)
		if kind == "AwsAccount" {
			id = "AWS::::Account:" + g.account.ID
		}
		return resource{Id: id, Partition: "aws", Region: g.region, Type: kind}
	})
	f.ResourceType, f.ResourceID, f.ResourceCount, f.Resources = &kind, &list[0].Id, int64(n), jsonOf(list)
}

// passSecurityFinding notes that a control found nothing wrong any more, or that the
// product no longer sees the problem.
func passSecurityFinding(f *schemas.SecurityFinding, at time.Time) {
	if f.ComplianceStatus != nil {
		f.ComplianceStatus, f.ComplianceReasons = new("PASSED"), nil
		setSecurityFindingSeverity(f, "INFORMATIONAL")
	}
	f.WorkflowStatus = new("RESOLVED")
	f.LastObservedAt, f.FindingUpdatedAt = new(at), new(at)
}

func changeSecurityFinding(g *gen, f *schemas.SecurityFinding) fate {
	switch status := *f.WorkflowStatus; {
	case *f.RecordState == "ARCHIVED":
		if g.chance(0.001) { // Security Hub deletes it
			return gone
		}
		return same
	case status == "NEW" && g.chance(0.001): // somebody sets it; the product does not know
		f.WorkflowStatus = new(pick(g, "NOTIFIED", "NOTIFIED", "SUPPRESSED"))
	case status != "RESOLVED" && g.chance(0.0005):
		passSecurityFinding(f, g.now)
	case status == "RESOLVED" && g.chance(0.0005):
		f.RecordState, f.FindingUpdatedAt = new("ARCHIVED"), new(g.now)
	case g.chance(0.001): // seen again
		f.LastObservedAt, f.FindingUpdatedAt = new(g.now), new(g.now)
	default:
		return same
	}
	return changed
}
