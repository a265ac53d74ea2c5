package collectors

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/account"
	"github.com/aws/aws-sdk-go-v2/service/acm"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/configservice"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/guardduty"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/inspector2"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/wafv2"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/goldentest"
)

// clientOf is the client of the service that emits events of a source.
var clientOf = map[string]reflect.Type{
	"aws.account":              reflect.TypeFor[*account.Client](),
	"aws.acm":                  reflect.TypeFor[*acm.Client](),
	"aws.autoscaling":          reflect.TypeFor[*autoscaling.Client](),
	"aws.cloudfront":           reflect.TypeFor[*cloudfront.Client](),
	"aws.cloudtrail":           reflect.TypeFor[*cloudtrail.Client](),
	"aws.config":               reflect.TypeFor[*configservice.Client](),
	"aws.ec2":                  reflect.TypeFor[*ec2.Client](),
	"aws.elasticloadbalancing": reflect.TypeFor[*elasticloadbalancingv2.Client](),
	"aws.guardduty":            reflect.TypeFor[*guardduty.Client](),
	"aws.iam":                  reflect.TypeFor[*iam.Client](),
	"aws.inspector2":           reflect.TypeFor[*inspector2.Client](),
	"aws.kms":                  reflect.TypeFor[*kms.Client](),
	"aws.lambda":               reflect.TypeFor[*lambda.Client](),
	"aws.organizations":        reflect.TypeFor[*organizations.Client](),
	"aws.rds":                  reflect.TypeFor[*rds.Client](),
	"aws.s3":                   reflect.TypeFor[*s3.Client](),
	"aws.secretsmanager":       reflect.TypeFor[*secretsmanager.Client](),
	"aws.securityhub":          reflect.TypeFor[*securityhub.Client](),
	"aws.wafv2":                reflect.TypeFor[*wafv2.Client](),
}

// TestHintsNameEventsThatExist: a hint with a misspelt type or call would never be heard, and nobody
// would miss it. Types stand in a list with the page that names them; calls are
// operations of the SDK, or events of a service in that list.
func TestHintsNameEventsThatExist(t *testing.T) {
	const ofService = "AWS Service Event via CloudTrail: "
	list, err := os.ReadFile("testdata/eventbridge.txt")
	if err != nil {
		t.Fatal(err)
	}
	used := map[[2]string]bool{}
	for line := range strings.Lines(string(list)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(fields) != 3 || !strings.HasPrefix(fields[2], "https://docs.aws.amazon.com/") {
			t.Fatalf("%q is not a source, a type and a page", line)
		}
		used[[2]string{fields[0], fields[1]}] = false
	}
	known := func(source, name string) bool {
		key := [2]string{source, name}
		if _, ok := used[key]; !ok {
			return false
		}
		used[key] = true
		return true
	}
	for _, c := range All() {
		d := c.Declaration()
		for _, h := range d.Hints {
			for _, name := range h.Types {
				if !known(h.Source, name) {
					t.Errorf("%s: testdata/eventbridge.txt has no %q of %s", d.Category, name, h.Source)
				}
			}
			for _, name := range h.Calls {
				if !known(h.Source, ofService+name) && !isOperation(clientOf[h.Source], name) {
					t.Errorf("%s: %s has no operation %s", d.Category, h.Source, name)
				}
				for _, reading := range []string{"Get", "List", "Describe"} {
					if strings.HasPrefix(name, reading) {
						t.Errorf("%s: %s changes nothing", d.Category, name)
					}
				}
			}
		}
	}
	for key, used := range used {
		if !used {
			t.Errorf("no collector has a hint of %q", key)
		}
	}
}

// isOperation reports whether a client has an operation, or one that begins so before a *.
func isOperation(client reflect.Type, name string) bool {
	if client == nil {
		return false
	}
	prefix, open := strings.CutSuffix(name, "*")
	if !open {
		_, ok := client.MethodByName(name)
		return ok
	}
	for i := range client.NumMethod() {
		if strings.HasPrefix(client.Method(i).Name, prefix) {
			return true
		}
	}
	return false
}

// TestScopesOfEvents shows which scopes each of the recorded events is a hint for.
func TestScopesOfEvents(t *testing.T) {
	runner, err := collect.New(collect.Config{
		Account: "111122223333", Regions: []string{"eu-central-1", "us-east-1"}, Collectors: All(),
		AWS: func(region string) aws.Config { return aws.Config{Region: region} },
	})
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("testdata/events/*.json")
	if err != nil || len(files) < 40 {
		t.Fatalf("%d events, error %v", len(files), err)
	}
	var b strings.Builder
	hinted := map[string]bool{}
	for _, file := range files {
		message, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		event, err := collect.ParseEvent(message)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		fmt.Fprintf(&b, "%s: %s\n", filepath.Base(file), runner.Hear(event))
		for _, scope := range runner.ScopesOf(event) {
			fmt.Fprintf(&b, "  %s %s\n", scope.Category, scope.Region)
			hinted[scope.Category] = true
		}
	}
	goldentest.Equal(t, "events/scopes.txt", b.String())
	for _, c := range All() {
		if d := c.Declaration(); len(d.Hints) > 0 && !hinted[d.Category] {
			t.Errorf("no recorded event is a hint for %s", d.Category)
		}
	}
}
