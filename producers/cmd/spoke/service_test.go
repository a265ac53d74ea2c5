package main

import (
	"testing"

	"github.com/hubspoke/observability/internal/programtest"
)

// TestEnvironmentFile: every line is a setting that exists, with a value that it takes.
func TestEnvironmentFile(t *testing.T) {
	settings := programtest.EnvironmentFile(t, "../../../deploy/systemd/spoke.env", "SPOKE_")
	isolate(t, settings...)
	r := spoke(t.Context(), nil, "config", "-o", "json", "run")
	programtest.AllInForce(t, settings, r.code, r.stdout, r.stderr)
}
