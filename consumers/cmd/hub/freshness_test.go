package main

import (
	"strings"
	"testing"
	"time"

	"github.com/hubspoke/observability/consumers/verify"
	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/internal/programtest"
	"github.com/hubspoke/observability/lib/envelope"
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/schemas"
)

// TestStatusNamesALostPart has a part of the newest run arrive damaged, and its end
// say that all went well.
func TestStatusNamesALostPart(t *testing.T) {
	w := newWorld(t, 1)
	c := w.consume("--no-refresh")
	w.send("111122223333", collector(schemas.Certificates, nil, certificate(1, "ISSUED")))
	ended := func() int64 { return w.count("SELECT count(*) FROM hub.run WHERE outcome IS NOT NULL") }
	programtest.Eventually(t, "a run", func() bool { return ended() == 1 })
	if s := parse[verify.Status](t, hub(t.Context(), "status", "-o", "json")); s.Sources == nil || len(s.Sources) != 0 {
		t.Errorf("not fresh: %+v", s.Sources)
	}

	packer, err := envelope.NewPacker(envelope.Config{})
	if err != nil {
		t.Fatal(err)
	}
	scope := schema.Scope{Category: "certificates", Account: "111122223333", Region: region}
	run, err := packer.Run(scope, schema.NewRunID(time.Now()))
	if err != nil {
		t.Fatal(err)
	}
	run.Every = 90 * time.Minute
	if err := run.Add([]byte(`{"certificate_arn":"arn:aws:acm:eu-central-1:111122223333:certificate/1"}`)); err != nil {
		t.Fatal(err)
	}
	damaged := run.Flush()[0].Record
	damaged[len(damaged)-1] ^= 1
	end, err := run.End(schema.OK, "")
	if err != nil {
		t.Fatal(err)
	}
	w.put(damaged)
	w.put(end)
	programtest.Eventually(t, "the damaged run", func() bool { return ended() == 2 })
	c.stop(t)

	const reason = "1 of 1 parts did not arrive; part 0 was refused (hash)"
	s := parse[verify.Status](t, hub(t.Context(), "status", "-o", "json").want(t, program.ExitDone))
	if len(s.Sources) != 1 || s.Sources[0].Status != "failing" || s.Sources[0].Red || s.Sources[0].Complete == nil ||
		s.Sources[0].Reason != reason {
		t.Errorf("not fresh: %+v", s.Sources)
	}
	hub(t.Context(), "status").want(t, program.ExitDone, "certificates 111122223333 eu-central-1: failing, complete ",
		reason)
	if after := query[string](t, w.db, "SELECT stale_after::text FROM freshness"); strings.Join(after, " ") != "03:10:00" {
		t.Errorf("stale after %q", after)
	}
}
