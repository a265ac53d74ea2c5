package collectors

import (
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/schema"
)

// asking notes by which ID and name of a service requests are sent.
type asking struct {
	answer
	services map[string]string
}

func (a *asking) Do(r *http.Request) (*http.Response, error) {
	_, scope, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	a.services[awsmiddleware.GetServiceID(r.Context())] = strings.Split(scope, "/")[3]
	return a.answer.Do(r)
}

// TestServices: a limit with another ID than the SDK's would limit nothing, and a name
// other than that of the signature would belong to no call.
func TestServices(t *testing.T) {
	all := Services()
	if !slices.IsSortedFunc(all, func(a, b collect.Service) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("Services is not sorted by name")
	}
	used := map[string]bool{}
	for _, c := range All() {
		a := &asking{answer: answer{status: http.StatusForbidden, body: "{}"}, services: map[string]string{}}
		env := a.env("eu-west-1")
		env.AWS.HTTPClient = a
		runner, err := collect.New(collect.Config{
			Account: env.Account, Regions: []string{env.Region}, Collectors: []collect.Any{c}, Jitter: 1,
			Services: all, AWS: func(string) aws.Config { return env.AWS },
		})
		if err != nil {
			t.Fatal(err)
		}
		_, _ = runner.Once(t.Context()) // it is denied
		own := ServicesOf(c.Declaration())
		if len(a.services) == 0 {
			t.Errorf("%s asks nothing", c.Table().Name())
		}
		for id, name := range a.services {
			if !slices.ContainsFunc(own, func(s collect.Service) bool { return s.ID == id && s.Name == name }) {
				t.Errorf("%s asks %q, signed for %q: no such service among its own, %+v", c.Table().Name(), id, name, own)
			}
		}
		for _, call := range c.Declaration().Calls {
			name, _, _ := strings.Cut(call, ":")
			if !slices.ContainsFunc(own, func(s collect.Service) bool { return s.Name == name }) {
				t.Errorf("%s calls %s: Services has no %s", c.Table().Name(), call, name)
			}
		}
		paid := false
		for _, s := range own {
			used[s.Name] = true
			paid = paid || s.Price > 0
		}
		if d := c.Declaration(); paid != (d.PaidRequests > 0) || paid != (MonthlyPrice(d) > 0) {
			t.Errorf("%s calls a service with a price: %t; its PaidRequests are %d", d.Category, paid, d.PaidRequests)
		}
	}
	for _, s := range all {
		if !used[s.Name] {
			t.Errorf("no collector calls %s", s.Name)
		}
		if !strings.HasPrefix(s.Quota, "https://docs.aws.amazon.com/") {
			t.Errorf("%s: Quota %q is no page of AWS", s.Name, s.Quota)
		}
	}
}

func TestMonthlyPrice(t *testing.T) {
	for _, test := range []struct {
		call     string
		requests int
		every    time.Duration
		want     float64
	}{
		{"ce:GetCostAndUsage", 1, 24 * time.Hour, 0.30},
		{"ce:GetCostAndUsage", 2, 72 * time.Hour, 0.20},
		{"ce:GetCostAndUsage", 1, time.Hour, 7.20},
		{"ce:GetCostAndUsage", 0, time.Hour, 0},
		{"acm:ListCertificates", 1, time.Hour, 0},
	} {
		got := MonthlyPrice(collect.Declaration{Calls: []string{test.call}, PaidRequests: test.requests, Every: test.every})
		if math.Abs(got-test.want) > 1e-9 {
			t.Errorf("%+v: %v", test, got)
		}
	}
}

// TestMonthlyTotal: an account that does not manage its organization pays for nothing that
// only the management account reads.
func TestMonthlyTotal(t *testing.T) {
	d := collect.Declaration{Calls: []string{"ce:GetCostAndUsage"}, PaidRequests: 1, Every: 24 * time.Hour}
	manager := d
	manager.ManagementAccount = true
	if got := MonthlyTotal(d, manager, d); math.Abs(got-0.60) > 1e-9 {
		t.Errorf("got %v", got)
	}
}

// TestManagementAccount: a collector that is for it alone asks which account it is.
func TestManagementAccount(t *testing.T) {
	for _, c := range All() {
		d := c.Declaration()
		if d.ManagementAccount && !slices.Contains(d.Calls, "organizations:DescribeOrganization") {
			t.Errorf("%s does not ask which account that is", d.Category)
		}
	}
	if !LinkedAccountCosts.ManagementAccount {
		t.Error("linked_account_costs would be counted for every account")
	}
}

func TestActions(t *testing.T) {
	got := Actions(collect.Declaration{Calls: []string{"acm:ListCertificates", "s3:ListBuckets", "s3:ListAllMyBuckets"},
		Requires: []string{"ec2:DescribeVolumes", "acm:ListCertificates"}})
	if want := []string{"acm:ListCertificates", "s3:ListAllMyBuckets", "ec2:DescribeVolumes"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestEndpointRegion(t *testing.T) {
	for _, test := range []struct{ partition, service, want string }{
		{"aws", "organizations", "us-east-1"},
		{"aws-cn", "organizations", "cn-northwest-1"},
		{"aws-cn", "support", "cn-north-1"},
		{"aws", "support", "us-east-1"},
		{"aws-us-gov", "health", "us-gov-west-1"},
		{"aws-other", "health", ""},
	} {
		got, err := endpointRegion(test.partition, test.service)
		if got != test.want || (err == nil) != (test.want != "") || err != nil && collect.Classify(err) != schema.Disabled {
			t.Errorf("%s in %s: %q, error %v; want %q", test.service, test.partition, got, err, test.want)
		}
	}
	env := (&answer{}).env("eu-west-1")
	config := inRegion(env, "us-east-1")
	if config.Region != "us-east-1" || config.HTTPClient != env.AWS.HTTPClient || env.AWS.Region != "eu-west-1" {
		t.Errorf("region %s, of env %s", config.Region, env.AWS.Region)
	}
}
