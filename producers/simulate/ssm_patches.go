package simulate

import (
	"fmt"
	"slices"

	"github.com/hubspoke/observability/producers/collectors"
	"github.com/hubspoke/observability/schemas"
)

// Every node has the same patches, but for those that are missing, as ssm_patch_states counts
// them: these name vulnerabilities.
var ssmPatches = kind[schemas.SSMPatch]{
	of:      collectors.SSMPatches,
	make:    func(g *gen) schemas.SSMPatch { return newSSMPatch(g, g.node(), g.IntN(len(patchNames))) },
	initial: initialSSMPatches,
	births:  0.003,
	change:  changeSSMPatch,
}

func initialSSMPatches(g *gen) (list []schemas.SSMPatch) {
	for n := range g.nodes() {
		if !isScanned(g.nodeAt(n)) {
			continue
		}
		for patch := range patchNames {
			list = append(list, newSSMPatch(g, g.nodeAt(n), patch))
		}
	}
	return list
}

func newSSMPatch(g *gen, node string, patch int) schemas.SSMPatch {
	name := patchNames[patch]
	p := schemas.SSMPatch{
		InstanceID:     node,
		KBID:           name + ".x86_64",
		Title:          fmt.Sprintf("%s.x86_64:0:%d.%d.%d-1.amzn2023", name, 1+patch, 3*patch, 7+patch),
		Classification: new("Security"),
		Severity:       new("Important"),
		State:          pick(g, "Installed", "Installed", "Installed", "InstalledOther"),
		InstalledAt:    new(g.within(300 * day)),
	}
	if patch == 0 {
		p.Severity = new("Critical")
	}
	if patch < missingPatches(node, g.now) {
		missSSMPatch(&p, patch)
	}
	return p
}

func missSSMPatch(p *schemas.SSMPatch, patch int) {
	p.State, p.InstalledAt, p.CVEIDs = "Missing", nil, new(fmt.Sprintf("CVE-2026-%d", 1000+patch))
	if patch == len(patchNames)-1 {
		p.State = "Failed"
	}
}

func changeSSMPatch(g *gen, p *schemas.SSMPatch) fate {
	patch := slices.IndexFunc(patchNames, func(name string) bool { return p.KBID == name+".x86_64" })
	missing, was := patch < missingPatches(p.InstanceID, g.now), p.InstalledAt == nil
	switch {
	case g.chance(0.0005):
		return gone
	case missing == was:
		return same
	case missing:
		missSSMPatch(p, patch)
	default:
		p.State, p.InstalledAt, p.CVEIDs = "Installed", new(g.now), nil
	}
	return changed
}
