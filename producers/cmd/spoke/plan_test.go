package main

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/producers/collectors"
)

func planOf(t *testing.T, args ...string) planJSON {
	t.Helper()
	return parsePlan(t, spoke(t.Context(), nil, append([]string{"plan", "-o", "json"}, args...)...), program.ExitDone)
}

func parsePlan(t *testing.T, r result, code int) (plan planJSON) {
	t.Helper()
	r.want(t, code, "", "")
	if err := json.Unmarshal([]byte(r.stdout), &plan); err != nil {
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

// TestPlanOfTheManagementAccount: it alone pays for what it alone reads.
func TestPlanOfTheManagementAccount(t *testing.T) {
	member := planOf(t, "--category", "linked_account_costs").Categories[0]
	manager := planOf(t, "--category", "linked_account_costs", "--management-account").Categories[0]
	if member.Paid != (amount{}) || member.Requests != 1 || member.Objects != (amount{member.Runs, member.Runs}) {
		t.Errorf("another account: %+v", member)
	}
	if manager.Paid != (amount{1, 200}) || manager.USD.Least < 0.01 {
		t.Errorf("the management account: %+v", manager)
	}
}

func TestPlanRefuses(t *testing.T) {
	for _, args := range [][]string{{"--region", "all"}, {"--interval=-1h"}, {"--full-every=-1h"}, {"--category", "x"},
		{"--measure", "--region", "all,eu-central-1"}} {
		spoke(t.Context(), fixed(), append([]string{"plan"}, args...)...).want(t, program.ExitUsage, "", "")
	}
}

// answers stands in for the services of AWS: it answers by the header X-Amz-Target.
type answers map[string]string

func (a answers) Do(r *http.Request) (*http.Response, error) {
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	body, known := a[operation]
	response := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Request: r,
		Body: io.NopCloser(strings.NewReader(body))}
	if !known {
		response.StatusCode = http.StatusBadRequest
		response.Body = io.NopCloser(strings.NewReader(`{"__type":"AccessDeniedException","message":"no"}`))
	}
	return response, nil
}

// TestPlanMeasures: requests and what is sent are those of a round, and nothing is sent.
func TestPlanMeasures(t *testing.T) {
	isolate(t)
	find := func(ctx context.Context, f sourceFlags, log *slog.Logger) ([]source, error) {
		sources, err := fixed(collector(things, nil, thing{ID: "a"}, thing{ID: "b"}), collectors.LinkedAccountCosts,
			collectors.ServiceCosts)(ctx, f, log)
		sources[0].aws = func(region string) aws.Config {
			return aws.Config{Region: region, Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
				HTTPClient: answers{"DescribeOrganization": `{"Organization":{"MasterAccountId":"444455556666"}}`}}
		}
		return sources, err
	}
	r := spoke(t.Context(), find, "plan", "--measure", "-o", "json", "--interval", "6h")
	plan := parsePlan(t, r, program.ExitPartly)
	if !plan.Measured || len(plan.Categories) != 3 {
		t.Fatalf("%+v", plan)
	}
	rows, linked, costs := plan.Categories[0], plan.Categories[1], plan.Categories[2]
	if round := *rows.Round; round.Rows != 2 || round.Requests != 0 || round.Sent.Records != 2 ||
		round.Sent.Objects != 2 || round.Again.Records != 1 || round.Again.Objects != 0 || round.Again.Bytes == 0 ||
		round.Sent.Bytes <= round.Again.Bytes {
		t.Errorf("a round of things: %+v", round)
	}
	// Sent once a day, and found unchanged three times.
	if rows.Objects != (amount{2, 8}) || rows.Records != (amount{5, 8}) || rows.Bytes.Least <= 0 ||
		rows.Bytes.Most != 4*float64(rows.Round.Sent.Bytes) {
		t.Errorf("things: %+v", rows)
	}
	if linked.Round.Requests != 1 || linked.Paid != (amount{}) || linked.Requests != 4 ||
		linked.Objects.Least != linked.Objects.Most || linked.Round.Outcomes[schema.Disabled] != linked.Round.Runs {
		t.Errorf("linked: %+v of %+v", linked, linked.Round)
	}
	if costs.Paid != (amount{4, 4}) || costs.USD.Least < 0.04 || costs.Round.Outcomes[schema.Denied] != costs.Round.Runs {
		t.Errorf("costs: %+v of %+v", costs, costs.Round)
	}
	r = spoke(t.Context(), find, "plan", "--measure", "--category", "things")
	r.want(t, program.ExitDone, "hub plan --accounts 100 --requests 0 --paid-requests 0.0 --objects", "")
	r.want(t, program.ExitDone, "by one round of it", "")
}
