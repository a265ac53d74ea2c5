package main

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/producers/collectors"
)

func planOf(t *testing.T, args ...string) (plan planJSON) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), &stdout, &stderr, nil, append([]string{"plan", "-o", "json"}, args...)); code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr.String())
	}
	if err := json.Unmarshal(stdout.Bytes(), &plan); err != nil {
		t.Fatal(err)
	}
	return plan
}

func TestPlan(t *testing.T) {
	all := planOf(t)
	if len(all.Categories) != len(collectors.All()) || all.Regions != 1 || all.USDLeast <= 0 ||
		all.USDMost < all.USDLeast {
		t.Errorf("%d categories in %d regions for USD %g to %g", len(all.Categories), all.Regions, all.USDLeast, all.USDMost)
	}
	two := planOf(t, "--region", "eu-central-1,us-east-1", "--interval", "6h", "--category", "kms_keys,service_costs",
		"--max-paid-requests", "10")
	keys, costs := two.Categories[0], two.Categories[1]
	if keys.Category != "kms_keys" {
		keys, costs = costs, keys
	}
	if want := (planned{Category: "kms_keys", Every: "6h", Scopes: 2, Runs: 8, Requests: 8, Objects: amount{2, 16},
		Records: amount{8, 16}, USD: amount{2 * putPrice, 16 * putPrice}}); keys != want {
		t.Errorf("keys: %+v, want %+v", keys, want)
	}
	// Global, with a run for each day; a collection asks once for all of them.
	if costs.Scopes < 2 || costs.Runs != 4*float64(costs.Scopes) || costs.Requests != 4 || costs.Paid != (amount{4, 40}) ||
		costs.USD.Least < 0.04 || costs.USD.Most < 0.4 {
		t.Errorf("costs: %+v", costs)
	}
	always := planOf(t, "--category", "kms_keys", "--interval", "6h", "--full-every", "0")
	if got := always.Categories[0].Objects; got != (amount{4, 8}) {
		t.Errorf("objects of what is always sent: %+v", got)
	}
	for _, c := range collectors.All() {
		if d := c.Declaration(); d.Reach == collect.PerRegionAndGlobal {
			if got := planOf(t, "--category", d.Category, "--region", "eu-central-1,us-east-1").Categories[0].Scopes; got < 3 {
				t.Errorf("%s: %d scopes", d.Category, got)
			}
			break
		}
	}
}

func TestPlanRefuses(t *testing.T) {
	for _, args := range [][]string{{"--region", "all"}, {"--interval=-1h"}, {"--full-every=-1h"}, {"--category", "x"}} {
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), &stdout, &stderr, nil, append([]string{"plan"}, args...)); code != 2 {
			t.Errorf("%v: exit code %d, %s", args, code, stderr.String())
		}
	}
}
