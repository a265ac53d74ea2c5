package docs_test

import (
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"slices"
	"testing"

	"github.com/hubspoke/observability/consumers/plan"
)

// spokeSays runs a command of spoke, and decodes what it says as JSON.
func spokeSays[T any](t *testing.T, args ...string) (v T) {
	t.Helper()
	program := exec.Command("go", append([]string{"run", "./producers/cmd/spoke"}, args...)...)
	program.Dir, program.Stderr = root, os.Stderr
	program.Env = append(os.Environ(), "CGO_ENABLED=0") // as make build does, which then has compiled the SDK already
	out, err := program.Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// TestPlanOfHubIsThatOfSpoke: what hub plan assumes of a spoke is what spoke plan says. The
// programs share no code for it, because they are upgraded apart.
func TestPlanOfHubIsThatOfSpoke(t *testing.T) {
	type amount struct{ Least, Most float64 }
	said := spokeSays[struct {
		Categories []struct {
			Runs     float64 `json:"runs_a_day"`
			Requests float64 `json:"requests_at_least"`
			Objects  amount
		}
	}](t, "plan", "--region", "eu-central-1,us-east-1", "-o", "json")
	var runs, requests, objects float64
	for _, c := range said.Categories {
		runs, requests = runs+c.Runs, requests+2*c.Requests
		objects += c.Objects.Least + (c.Objects.Most-c.Objects.Least)/5
	}
	categories := spokeSays[[]struct {
		Name              string
		ManagementAccount bool    `json:"management_account"`
		USDPerMonth       float64 `json:"usd_per_month"`
	}](t, "categories", "-o", "json")
	var price float64
	for _, c := range categories {
		if !c.ManagementAccount {
			price += c.USDPerMonth
		}
	}
	costExplorer := plan.Prices()[slices.IndexFunc(plan.Prices(), func(p plan.Price) bool {
		return p.Name == "Cost Explorer"
	})].USD

	in := plan.Input{}.WithDefaults()
	for what, pair := range map[string][2]float64{
		"Runs": {in.Runs, runs}, "Requests": {in.Requests, requests}, "Objects": {in.Objects, objects},
		"PaidRequests": {*in.PaidRequests, price / costExplorer / 30},
	} {
		if math.Abs(pair[0]-pair[1]) > 0.01*pair[1] {
			t.Errorf("the default of plan.Input.%s is %.4g, and spoke says %.4g", what, pair[0], pair[1])
		}
	}
	one := spokeSays[struct {
		Services []struct {
			Name string
			USD  float64 `json:"usd_per_request"`
		}
	}](t, "categories", "service_costs", "-o", "json")
	if s := one.Services[0]; s.Name != "ce" || s.USD != costExplorer {
		t.Errorf("a request to %s is USD %v, and USD %v in hub plan", s.Name, s.USD, costExplorer)
	}
}
