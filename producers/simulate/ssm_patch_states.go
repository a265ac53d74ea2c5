package simulate

import (
	"time"

	"github.com/hubspoke/observability/producers/collectors"
	"github.com/hubspoke/observability/schemas"
)

// Most nodes are patched; some lack patches or wait for a restart, and some were last scanned
// months ago.
var ssmPatchStates = kind[schemas.SSMPatchState]{
	of:      collectors.SSMPatchStates,
	make:    func(g *gen) schemas.SSMPatchState { return newSSMPatchState(g, g.node()) },
	initial: initialSSMPatchStates,
	births:  0.01,
	change:  changeSSMPatchState,
}

func initialSSMPatchStates(g *gen) []schemas.SSMPatchState {
	var list []schemas.SSMPatchState
	for n := range g.nodes() {
		if node := g.nodeAt(n); isScanned(node) {
			list = append(list, newSSMPatchState(g, node))
		}
	}
	return list
}

func newSSMPatchState(g *gen, node string) schemas.SSMPatchState {
	count := func(n int) *int64 { return new(int64(g.IntN(n))) }
	ended := g.within(day)
	if g.chance(0.1) {
		ended = g.within(200 * day)
	}
	s := schemas.SSMPatchState{
		InstanceID:                   node,
		BaselineID:                   new("pb-0" + g.hex(16)),
		Operation:                    new("Scan"),
		InstalledCount:               count(400),
		InstalledOtherCount:          count(40),
		InstalledPendingRebootCount:  new(int64(0)),
		InstalledRejectedCount:       new(int64(0)),
		MissingCount:                 new(int64(0)),
		FailedCount:                  new(int64(0)),
		NotApplicableCount:           count(1000),
		CriticalNoncompliantCount:    new(int64(0)),
		SecurityNoncompliantCount:    new(int64(0)),
		OtherNoncompliantCount:       count(6),
		AvailableSecurityUpdateCount: count(3),
		OperationStartedAt:           new(ended.Add(-g.between(day/1440, day/144))),
		OperationEndedAt:             &ended,
	}
	if g.chance(0.7) {
		s.PatchGroup = new(pick(g, "production", "staging"))
	}
	setSSMPatchStatesMissing(&s, missingPatches(node, g.now))
	if g.chance(0.3) {
		s.Operation, s.RebootOption = new("Install"), new(pick(g, "RebootIfNeeded", "NoReboot"))
		if *s.RebootOption == "NoReboot" {
			s.InstalledPendingRebootCount, s.LastNoRebootInstallAt = count(6), s.OperationStartedAt
		}
	}
	return s
}

// setSSMPatchStatesMissing sets what follows from how many patches a node lacks, as ssm_patches has them.
func setSSMPatchStatesMissing(s *schemas.SSMPatchState, missing int) {
	failed := int64(missing / len(patchNames))
	s.MissingCount, s.FailedCount = new(int64(missing)-failed), &failed
	s.CriticalNoncompliantCount = new(int64(min(missing, 1)))
	s.SecurityNoncompliantCount = new(int64(missing) - *s.CriticalNoncompliantCount)
}

func changeSSMPatchState(g *gen, s *schemas.SSMPatchState) fate {
	missing := missingPatches(s.InstanceID, g.now)
	switch {
	case g.chance(0.001):
		return gone
	case int64(missing) == *s.MissingCount+*s.FailedCount:
		return same
	}
	setSSMPatchStatesMissing(s, missing)
	s.OperationStartedAt, s.OperationEndedAt = new(g.now.Add(-time.Minute)), new(g.now)
	return changed
}
