package simulate

import (
	"fmt"

	"github.com/hubspoke/observability/producers/collectors"
	"github.com/hubspoke/observability/schemas"
)

// Patches are installed, but for some that are missing or failed: those name vulnerabilities.
var ssmPatches = kind[schemas.SSMPatch]{
	of:   collectors.SSMPatches,
	size: 60,
	make: newSSMPatch,
}

func newSSMPatch(g *gen) schemas.SSMPatch {
	name := pick(g, "openssl", "kernel", "glibc", "curl", "systemd", "python3", "bash", "sudo", "vim", "zlib")
	p := schemas.SSMPatch{
		InstanceID:     g.node(),
		KBID:           name + ".x86_64",
		Title:          fmt.Sprintf("%s.x86_64:0:%d.%d.%d-1.amzn2023", name, 1+g.IntN(8), g.IntN(20), g.IntN(40)),
		Classification: new(pick(g, "Security", "Bugfix", "Enhancement")),
		State:          pick(g, "Installed", "Installed", "Installed", "InstalledOther"),
		InstalledAt:    new(g.within(300 * day)),
	}
	if *p.Classification == "Security" {
		p.Severity = new(pick(g, "Critical", "Important", "Medium", "Low"))
	}
	if g.chance(0.15) {
		p.State, p.InstalledAt = pick(g, "Missing", "Missing", "Failed"), nil
		p.CVEIDs = new(fmt.Sprintf("CVE-2026-%d", 1000+g.IntN(60)))
	}
	return p
}
