package simulate_test

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/producers/simulate"
	"github.com/hubspoke/observability/schemas"
)

// rowsOf returns the rows of a category in all scopes of an account.
func rowsOf[Row any](t *testing.T, all map[schema.Scope][]string, category, account string) (list []Row) {
	t.Helper()
	for scope, rows := range all {
		if scope.Category != category || scope.Account != account {
			continue
		}
		for _, text := range rows {
			var row Row
			if err := json.Unmarshal([]byte(text), &row); err != nil {
				t.Fatal(err)
			}
			list = append(list, row)
		}
	}
	if len(list) == 0 {
		t.Fatalf("%s has no %s", account, category)
	}
	return list
}

// cost is a line of any category of costs.
type cost struct {
	Day     string  `json:"usage_date"`
	Service string  `json:"service"`
	Product string  `json:"product_name"`
	Amount  float64 `json:"unblended_cost,string"`
}

// TestCostsAddUp: usage and what the Marketplace bills are parts of the costs of services.
func TestCostsAddUp(t *testing.T) {
	w := world(t, simulate.Config{Accounts: 6}, 0)
	all := contents(t, w)
	marketplaces := 0
	for _, account := range w.Accounts() {
		services, days := map[string]float64{}, map[string]bool{}
		for _, c := range rowsOf[cost](t, all, schemas.ServiceCosts.Name(), account.ID) {
			services[c.Day+c.Service] += c.Amount
			days[c.Day] = true
		}
		if len(days) != 62 {
			t.Errorf("%s has costs on %d days", account.Name, len(days))
		}
		usage, products := map[string]float64{}, map[string]float64{}
		for _, c := range rowsOf[cost](t, all, schemas.UsageCosts.Name(), account.ID) {
			usage[c.Day+c.Service] += c.Amount
		}
		for _, c := range rowsOf[cost](t, all, schemas.MarketplaceCosts.Name(), account.ID) {
			if c.Product != "Example Scanner" { // it is tried out since yesterday
				products[c.Day+c.Product] += c.Amount
			}
		}
		marketplaces += len(products)
		for name, parts := range map[string]map[string]float64{"usage": usage, "Marketplace": products} {
			for line, amount := range parts {
				if math.Abs(services[line]-amount) > 1e-9 {
					t.Errorf("%s of %s: %s costs %v, as a service %v", name, account.Name, line, amount, services[line])
				}
			}
		}
	}
	if marketplaces == 0 {
		t.Error("nobody pays the Marketplace")
	}
}

// TestCostsOfTheOrganisation: what its managing account reads of an account is what the account
// reads itself, on all days once they are final.
func TestCostsOfTheOrganisation(t *testing.T) {
	type line struct {
		cost
		Account   string `json:"linked_account_id"`
		Estimated bool   `json:"estimated"`
	}
	for steps, wantDays := range map[int]int{0: 14, 400: 7} {
		w := world(t, simulate.Config{Accounts: 6}, steps)
		all := contents(t, w)
		linked, own := map[string]float64{}, map[string]float64{}
		days := map[string]bool{}
		final := func(c line) bool { return steps == 0 || !c.Estimated }
		for _, c := range rowsOf[line](t, all, schemas.LinkedAccountCosts.Name(), w.Accounts()[0].ID) {
			if final(c) {
				days[c.Day] = true
				linked[c.Account+c.Day+c.Service] += c.Amount
			}
		}
		for _, account := range w.Accounts() {
			for _, c := range rowsOf[line](t, all, schemas.ServiceCosts.Name(), account.ID) {
				if days[c.Day] && final(c) {
					own[account.ID+c.Day+c.Service] += c.Amount
				}
			}
		}
		if len(days) != wantDays || len(linked) != len(own) {
			t.Errorf("after %d steps: %d lines of %d days, and %d that accounts have themselves", steps, len(linked),
				len(days), len(own))
		}
		for line, amount := range own {
			if math.Abs(linked[line]-amount) > 1e-9 {
				t.Errorf("after %d steps: %s costs %v, the organisation %v", steps, line, amount, linked[line])
			}
		}
	}
}

// TestAnomaliesAreInTheCosts: what an anomaly says was spent is what the service cost.
func TestAnomaliesAreInTheCosts(t *testing.T) {
	w := world(t, simulate.Config{Accounts: 3}, 0)
	all := contents(t, w)
	for _, account := range w.Accounts() {
		costs := rowsOf[cost](t, all, schemas.ServiceCosts.Name(), account.ID)
		for _, a := range rowsOf[struct {
			Start    string  `json:"anomaly_start"`
			End      string  `json:"anomaly_end"`
			Service  string  `json:"service"`
			Actual   float64 `json:"total_actual_spend,string"`
			Expected float64 `json:"total_expected_spend,string"`
		}](t, all, schemas.CostAnomalies.Name(), account.ID) {
			var spent float64
			for _, c := range costs {
				if c.Service == a.Service && c.Day >= a.Start && c.Day <= a.End {
					spent += c.Amount
				}
			}
			if math.Abs(spent-a.Actual) > 1e-6 || a.Actual < 4*a.Expected {
				t.Errorf("%s: %v was spent, the anomaly is %+v", account.Name, spent, a)
			}
		}
	}
}

// TestNodesAreInstances: Systems Manager and EC2 speak of the same instances, and the patches
// that a node lacks are as many as its summary says.
func TestNodesAreInstances(t *testing.T) {
	for _, steps := range []int{0, 400} {
		w := world(t, simulate.Config{Accounts: 2}, steps)
		all := contents(t, w)
		for _, account := range w.Accounts() {
			type instance struct {
				ID string `json:"instance_id"`
			}
			running := map[string]bool{}
			for _, i := range rowsOf[instance](t, all, schemas.EC2Instances.Name(), account.ID) {
				running[i.ID] = true
			}
			for _, category := range []string{schemas.SSMInstances.Name(), schemas.SSMPatchStates.Name(),
				schemas.SSMPatches.Name()} {
				for _, node := range rowsOf[instance](t, all, category, account.ID) {
					if strings.HasPrefix(node.ID, "i-") && !running[node.ID] {
						t.Errorf("step %d: %s has the node %s, which is no instance", steps, category, node.ID)
					}
				}
			}
		}
	}
}

// TestPatchesAreCounted: the summary of a node counts what is in its list.
func TestPatchesAreCounted(t *testing.T) {
	w := world(t, simulate.Config{Accounts: 2}, 0)
	all, lacking := contents(t, w), 0
	for _, account := range w.Accounts() {
		missing := map[string]int{}
		for _, p := range rowsOf[struct {
			ID    string `json:"instance_id"`
			State string `json:"state"`
		}](t, all, schemas.SSMPatches.Name(), account.ID) {
			if p.State == "Missing" {
				missing[p.ID]++
			}
		}
		for _, s := range rowsOf[struct {
			ID      string `json:"instance_id"`
			Missing int    `json:"missing_count"`
		}](t, all, schemas.SSMPatchStates.Name(), account.ID) {
			if s.Missing > 0 {
				lacking++
			}
			if s.Missing != missing[s.ID] {
				t.Errorf("%s lacks %d patches, its list has %d", s.ID, s.Missing, missing[s.ID])
			}
		}
	}
	if lacking == 0 {
		t.Error("no node lacks a patch")
	}
}

// TestPlacesFit: instances and load balancers are in subnets that exist, and web ACLs in
// front of load balancers that do.
func TestPlacesFit(t *testing.T) {
	w := world(t, simulate.Config{Accounts: 3}, 0)
	all := contents(t, w)
	for _, account := range w.Accounts() {
		type row struct {
			Subnet    string   `json:"subnet_id"`
			VPC       string   `json:"vpc_id"`
			Balancer  string   `json:"load_balancer_arn"`
			Resources []string `json:"associated_resources"`
		}
		vpcs, balancers := map[string]string{}, map[string]bool{}
		for _, s := range rowsOf[row](t, all, schemas.Subnets.Name(), account.ID) {
			vpcs[s.Subnet] = s.VPC
		}
		for _, i := range rowsOf[row](t, all, schemas.EC2Instances.Name(), account.ID) {
			if i.Subnet != "" && vpcs[i.Subnet] != i.VPC {
				t.Errorf("an instance is in %s of %s, which is in %q", i.Subnet, i.VPC, vpcs[i.Subnet])
			}
		}
		for _, b := range rowsOf[row](t, all, schemas.LoadBalancers.Name(), account.ID) {
			balancers[b.Balancer] = true
		}
		for _, acl := range rowsOf[row](t, all, schemas.WAFWebACLs.Name(), account.ID) {
			for _, resource := range acl.Resources {
				if strings.Contains(resource, ":loadbalancer/") && !balancers[resource] {
					t.Errorf("a web ACL protects %s, which is no load balancer", resource)
				}
			}
		}
	}
}

// TestStories are those of single accounts.
func TestStories(t *testing.T) {
	w := world(t, simulate.Config{Accounts: 8}, 0)
	all := contents(t, w)
	var withoutMFA, public int
	var silent, denied []string
	for _, account := range w.Accounts() {
		for _, s := range rowsOf[struct {
			MFA bool `json:"root_mfa_enabled"`
		}](t, all, schemas.IAMAccountSettings.Name(), account.ID) {
			if !s.MFA {
				withoutMFA++
			}
		}
		for _, e := range rowsOf[struct {
			Scope string `json:"event_scope"`
			ARN   string `json:"event_arn"`
		}](t, all, schemas.HealthEvents.Name(), account.ID) {
			if e.Scope == "PUBLIC" {
				public++
			}
		}
		if _, ok := w.SilentAfter(account.ID); ok {
			silent = append(silent, account.Name)
		}
		for _, scope := range w.Scopes() {
			if scope.Account == account.ID && w.Denies(scope) && len(all[scope]) == 0 {
				denied = append(denied, account.Name)
			}
		}
	}
	if withoutMFA != 1 || public != len(w.Accounts()) {
		t.Errorf("%d accounts have a root user without MFA, %d see the public event", withoutMFA, public)
	}
	if !slices.Equal(silent, []string{"payments-sandbox"}) || len(denied) != 2 {
		t.Errorf("silent %q, denied %q", silent, denied)
	}
}
