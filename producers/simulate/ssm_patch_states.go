package simulate

import (
	"github.com/hubspoke/observability/producers/collectors"
	"github.com/hubspoke/observability/schemas"
)

// Most nodes are patched; some lack patches or wait for a restart, and some were last scanned
// months ago.
var ssmPatchStates = kind[schemas.SSMPatchState]{
	of:   collectors.SSMPatchStates,
	size: 30,
	make: newSSMPatchState,
}

func newSSMPatchState(g *gen) schemas.SSMPatchState {
	count := func(n int) *int64 { return new(int64(g.IntN(n))) }
	ended := g.within(day)
	if g.chance(0.1) {
		ended = g.within(200 * day)
	}
	s := schemas.SSMPatchState{
		InstanceID:                   g.node(),
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
		OtherNoncompliantCount:       new(int64(0)),
		AvailableSecurityUpdateCount: count(3),
		OperationStartedAt:           new(ended.Add(-g.between(day/1440, day/144))),
		OperationEndedAt:             &ended,
	}
	if g.chance(0.7) {
		s.PatchGroup = new(pick(g, "production", "staging"))
	}
	if g.chance(0.3) {
		critical, security, other := int64(g.IntN(4)), int64(g.IntN(9)), int64(g.IntN(20))
		s.CriticalNoncompliantCount, s.SecurityNoncompliantCount, s.OtherNoncompliantCount = &critical, &security, &other
		s.MissingCount, s.FailedCount = new(critical+security+other), count(2)
	}
	if g.chance(0.3) {
		s.Operation, s.RebootOption = new("Install"), new(pick(g, "RebootIfNeeded", "NoReboot"))
		if *s.RebootOption == "NoReboot" {
			s.InstalledPendingRebootCount, s.LastNoRebootInstallAt = count(6), s.OperationStartedAt
		}
	}
	return s
}
