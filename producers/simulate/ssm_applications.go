package simulate

import (
	"fmt"
	"strings"

	"github.com/hubspoke/observability/producers/collectors"
	"github.com/hubspoke/observability/schemas"
)

// Applications are packages of Linux and programs of Windows, in several versions.
var ssmApplications = kind[schemas.SSMApplication]{
	of:   collectors.SSMApplications,
	size: 80,
	make: newSSMApplication,
}

func newSSMApplication(g *gen) schemas.SSMApplication {
	name := pick(g, "openssl", "python3", "nginx", "bash", "curl", "java-21-amazon-corretto", "amazon-ssm-agent", "docker")
	version, architecture, release := fmt.Sprintf("%d.%d.%d", 1+g.IntN(4), g.IntN(12), g.IntN(9)), "x86_64", ""
	a := schemas.SSMApplication{
		InstanceID:   g.node(),
		Name:         name,
		Version:      &version,
		Architecture: &architecture,
		InstalledAt:  new(g.created(year)),
	}
	if g.chance(0.6) {
		release = fmt.Sprintf("%d.amzn2023", 1+g.IntN(9))
		a.Release, a.Publisher, a.ApplicationType = &release, new("Amazon Linux"), new("System Environment/Base")
		a.URL = new("https://www.example.com/" + name)
	} else {
		a.PackageID, a.Publisher = new("{"+g.uuid()+"}"), new("Example Inc.")
	}
	a.ApplicationKey = strings.Join([]string{name, version, release, architecture}, "|")
	return a
}
