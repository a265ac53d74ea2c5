package simulate

import (
	"fmt"
	"time"

	"github.com/hubspoke/observability/producers/collectors"
	"github.com/hubspoke/observability/schemas"
)

// Findings appear, are closed when somebody installs the fix, and are deleted some days later.
var inspectorFindings = kind[schemas.InspectorFinding]{
	of:      collectors.InspectorFindings,
	size:    120,
	make:    func(g *gen) schemas.InspectorFinding { return newInspectorFinding(g, g.now) },
	old:     func(g *gen) schemas.InspectorFinding { return newInspectorFinding(g, g.within(year)) },
	births:  0.0006,
	change:  changeInspectorFinding,
	updated: func(f *schemas.InspectorFinding) *time.Time { return f.FindingUpdatedAt },
}

func newInspectorFinding(g *gen, at time.Time) schemas.InspectorFinding {
	f := schemas.InspectorFinding{
		FindingARN:       g.arn("inspector2", "finding/"+g.hex(32)),
		FindingAccountID: g.account.ID,
		Status:           new("ACTIVE"),
		Severity:         new(pick(g, "LOW", "MEDIUM", "MEDIUM", "HIGH", "HIGH", "CRITICAL")),
		ResourceType:     new("AWS_EC2_INSTANCE"),
		ResourceID:       new("i-0" + g.hex(16)),
		ResourceRegion:   &g.region,
		ResourceTags:     g.tags(),
		ResourceCount:    1,
		RemediationText:  new("None Provided"),
		FirstObservedAt:  &at,
		LastObservedAt:   &at,
		FindingUpdatedAt: &at,
	}
	f.Resources = jsonOf([]any{map[string]any{"Id": *f.ResourceID, "Type": *f.ResourceType, "Region": g.region,
		"Partition": "aws"}})
	switch {
	case g.chance(0.05):
		inspectorFindingOfNetwork(g, &f)
	case g.chance(0.05):
		inspectorFindingOfCode(g, &f)
	default:
		inspectorFindingOfPackage(g, &f)
	}
	if g.chance(0.1) {
		f.Status = new("SUPPRESSED")
	}
	return f
}

func inspectorFindingOfPackage(g *gen, f *schemas.InspectorFinding) {
	cve, software := fmt.Sprintf("CVE-2025-%d", 1000+g.IntN(9000)), pick(g, securityFindingPackages...)
	score := 4 + float64(g.IntN(60))/10
	f.FindingType, f.Title = new("PACKAGE_VULNERABILITY"), new(cve+" - "+software.name)
	f.Description = new("A flaw was found in " + software.name + ".")
	f.InspectorScore, f.EPSSScore = &score, new(float64(g.IntN(1000))/1000)
	f.ExploitAvailable, f.FixAvailable = new("NO"), new("YES")
	if g.chance(0.2) {
		f.ExploitAvailable, f.LastKnownExploitAt = new("YES"), new(f.FirstObservedAt.Add(-g.between(time.Hour, 60*day)))
	}
	f.VulnerabilityID, f.VulnerabilitySource = &cve, new("NVD")
	f.SourceURL, f.RemediationURL = new("https://nvd.nist.gov/vuln/detail/"+cve),
		new("https://nvd.nist.gov/vuln/detail/"+cve)
	f.VendorSeverity, f.VendorPublishedAt, f.VendorUpdatedAt = f.Severity, new(f.FirstObservedAt.Add(-20*day)),
		f.FirstObservedAt
	f.CVSS = jsonOf([]any{map[string]any{"Version": "3.1", "BaseScore": score, "Source": "NVD"}})
	f.PackageName, f.PackageVersion, f.PackageManager, f.FixedInVersion = &software.name, &software.version, new("OS"),
		&software.fixed
	if g.chance(0.15) {
		f.FixAvailable, f.FixedInVersion = new("NO"), new("NotAvailable")
	}
	f.PackageCount = new(int64(1))
	f.Packages = jsonOf([]any{map[string]any{
		"Name": software.name, "Version": software.version, "PackageManager": "OS", "FixedInVersion": *f.FixedInVersion,
	}})
}

func inspectorFindingOfNetwork(g *gen, f *schemas.InspectorFinding) {
	port := pick(g, 22, 443, 3389, 5432)
	f.FindingType = new("NETWORK_REACHABILITY")
	f.Title = new(fmt.Sprintf("Port %d is reachable from an Internet Gateway - TCP", port))
	f.Description = new(fmt.Sprintf("On the instance %s, the port %d is reachable from an internet gateway.",
		*f.ResourceID, port))
	f.NetworkReachability = jsonOf(map[string]any{
		"OpenPortRange": map[string]int{"Begin": port, "End": port}, "Protocol": "TCP",
	})
}

func inspectorFindingOfCode(g *gen, f *schemas.InspectorFinding) {
	f.FindingType, f.Title = new("CODE_VULNERABILITY"), new("CWE-798 - Hardcoded credentials")
	f.Description = new("Credentials stand in the code of the function.")
	f.ResourceType, f.ResourceID = new("AWS_LAMBDA_FUNCTION"), new(g.arn("lambda", "function:"+g.app()+":$LATEST"))
	f.Resources = jsonOf([]any{map[string]any{"Id": *f.ResourceID, "Type": *f.ResourceType, "Region": g.region,
		"Partition": "aws"}})
	f.CodeVulnerability = jsonOf(map[string]any{
		"Cwes": []string{"CWE-798"}, "DetectorName": "Hardcoded credentials",
		"FilePath": map[string]any{"FileName": "app.py", "FilePath": "app.py", "StartLine": 1 + g.IntN(80)},
	})
}

func changeInspectorFinding(g *gen, f *schemas.InspectorFinding) fate {
	switch {
	case *f.Status == "CLOSED" && g.chance(0.01):
		return gone
	case *f.Status == "ACTIVE" && g.chance(0.0008): // the fix was installed
		f.Status, f.FindingUpdatedAt = new("CLOSED"), new(g.now)
	case *f.Status == "ACTIVE" && g.chance(0.001):
		f.LastObservedAt, f.FindingUpdatedAt = new(g.now), new(g.now)
	default:
		return same
	}
	return changed
}
