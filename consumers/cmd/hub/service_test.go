package main

import (
	"testing"

	"github.com/hubspoke/observability/internal/programtest"
)

// TestEnvironmentFile: every line is a setting that exists, with a value that it takes.
func TestEnvironmentFile(t *testing.T) {
	settings := programtest.EnvironmentFile(t, "../../../deploy/systemd/hub.env", "HUB_")
	isolate(t, settings...)
	r := hub(t.Context(), "config", "-o", "json", "consume")
	programtest.AllInForce(t, settings, r.code, r.stdout, r.stderr)
}
