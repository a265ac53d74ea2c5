package plan

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"testing"
)

// resource is what is looked at of a resource of a template: its lines are read as text,
// because a plan needs counts alone.
type resource struct{ kind, condition, text string }

var (
	resourceRE  = regexp.MustCompile(`(?m)^  [A-Z][A-Za-z0-9]*:\n`)
	kindRE      = regexp.MustCompile(`(?m)^    Type: (AWS::\S+)$`)
	conditionRE = regexp.MustCompile(`(?m)^    Condition: (\S+)$`)
)

func resources(t *testing.T, file string) (all []resource) {
	t.Helper()
	text, err := os.ReadFile("../../deploy/cloudformation/" + file)
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range resourceRE.Split(string(text), -1) {
		if kind := kindRE.FindStringSubmatch(block); kind != nil {
			r := resource{kind: kind[1], text: block}
			if c := conditionRE.FindStringSubmatch(block); c != nil {
				r.condition = c[1]
			}
			all = append(all, r)
		}
	}
	return all
}

// TestPlanIsThatOfTheTemplates: what a plan counts is what the templates make by default.
func TestPlanIsThatOfTheTemplates(t *testing.T) {
	made := resources(t, "hub.yaml")
	// matches returns where a pattern is in resources of a kind, under no condition or one
	// of these.
	matches := func(kind, pattern string, conditions ...string) (found []string) {
		for _, r := range made {
			if r.kind == kind && (r.condition == "" || slices.Contains(conditions, r.condition)) {
				found = append(found, regexp.MustCompile(pattern).FindAllString(r.text, -1)...)
			}
		}
		return found
	}
	want := func(what string, n int, kind, pattern string, conditions ...string) {
		t.Helper()
		if found := matches(kind, pattern, conditions...); len(found) != n {
			t.Errorf("%s: the plan has %d, and the template %d", what, n, len(found))
		}
	}
	want("keys", keys, "AWS::KMS::Key", "Type:")
	want("secrets without that of the cluster", secrets-1, "AWS::SecretsManager::Secret", "Type:")
	// Two filters may write one metric; it is paid once.
	names := matches("AWS::Logs::MetricFilter", `MetricName: \w+`, "Bootstraps")
	slices.Sort(names)
	if names = slices.Compact(names); len(names) != metrics {
		t.Errorf("metrics: the plan has %d, and hub.yaml %q", metrics, names)
	}
	const alarm = "AWS::CloudWatch::Alarm"
	want("alarms, Lambda", alarmsOnLambda, alarm, "MetricName:", "Bootstraps", "HasReader", "UseLambda")
	want("alarms, EC2", alarmsOnServers, alarm, "MetricName:", "Bootstraps", "HasReader", "UseEC2")
	want("alarms, Fargate", alarmsOnServers, alarm, "MetricName:", "Bootstraps", "HasReader", "HasImage")
	const endpoint = "AWS::EC2::VPCEndpoint"
	want("endpoints, all", 1, endpoint, "Type: Interface", "MakesEndpoints")
	want("endpoints, EC2 and Fargate", 1+1, endpoint, "Type: Interface", "MakesEndpoints", "MakesServerEndpoints")
	want("endpoints, Fargate", 1+2, endpoint, "Type: Interface", "MakesEndpoints", "MakesImageEndpoints")
	want("endpoints that bootstrap", 1, endpoint, "Type: Interface", "MakesSecretsEndpoint")
	want("window", 1, "AWS::Lambda::EventSourceMapping", fmt.Sprintf("WindowInSeconds: %d\n", window), "UseLambda")
	want("instance", 1, "AWS::EC2::LaunchTemplate", "InstanceType: t4g.small\n", "UseEC2")
	want("volume", 1, "AWS::EC2::LaunchTemplate", fmt.Sprintf("gp3, VolumeSize: %d,", volumeGB), "UseEC2")
	want("tasks", 1, "AWS::ECS::Service", fmt.Sprintf("DesiredCount: %d\n", tasks), "HasImage")
	const function = "AWS::Lambda::Function"
	want("consumer", 1, function, fmt.Sprintf("MemorySize: %.0f\n", functionGB*1024), "UseLambda")
	want("views", 1, function, fmt.Sprintf("MemorySize: %.0f\n", refreshGB*1024), "UseLambda")
	made = resources(t, "spoke.yaml")
	want("spoke", 1, function, fmt.Sprintf("MemorySize: %.0f\n", functionGB*1024), "RunsLambda")
	want("queue of the spoke", 1, "AWS::Lambda::EventSourceMapping", "Events.Arn", "RunsLambda")
}
