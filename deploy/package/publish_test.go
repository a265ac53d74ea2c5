package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// aws stands in for the AWS command line: it notes a call a line, and answers as AWS does.
const awsCommand = `#!/bin/sh
printf '%s ' "$@" | tr '\n' ' ' >> "$CALLS"
echo >> "$CALLS"
case "$*" in
  *put-object*) echo version-of-$(echo "$*" | sed 's/.*--key \([^ ]*\) .*/\1/' | tr / -) ;;
  *get-bucket-versioning*) echo "${VERSIONING:-Enabled}" ;;
  *get-caller-identity*) echo arn:aws:sts::444455556666:assumed-role/admin/me ;;
esac
`

// publish runs publish.sh for a release of small files, and returns what it prints and the
// calls of AWS.
func publish(t *testing.T, args ...string) (output string, calls []string, err error) {
	t.Helper()
	bin, dist := t.TempDir(), filepath.Join(t.TempDir(), "dist")
	if err := os.WriteFile(filepath.Join(bin, "aws"), []byte(awsCommand), 0o755); err != nil {
		t.Fatal(err)
	}
	r := must(newRelease(version, dist, []string{"arm64"}, epoch))
	for path, text := range map[string]string{
		"hub_v0.0.1_linux_arm64.tar.gz": "", "hub-lambda-arm64.zip": "hub", "spoke-lambda-arm64.zip": "spoke",
		"A360-Analytics.yaml": "", "A360-Sender.yaml": "", "stack-policy.json": "{}",
		"oci/hub/index.json": `{"digest":"sha256:0123"}`,
	} {
		path = filepath.Join(dist, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.checksums(t.Context()); err != nil {
		t.Fatal(err)
	}
	if os.Getenv("DAMAGED") != "" {
		if err := os.WriteFile(filepath.Join(dist, "spoke-lambda-arm64.zip"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	noted := filepath.Join(bin, "calls")
	cmd := exec.Command("deploy/package/publish.sh", append(args, dist)...)
	cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "CALLS="+noted)
	out, err := cmd.CombinedOutput()
	text, _ := os.ReadFile(noted) // there is none without calls
	return string(out), strings.Split(strings.TrimSpace(string(text)), " \n"), err
}

// TestPublish: each file is uploaded once, and the commands name the versions of the objects.
func TestPublish(t *testing.T) {
	t.Setenv("AWS_REGION", "")
	out, calls, err := publish(t, "--bucket", "artifacts", "--region", "eu-central-1", "--create-bucket", "--organization",
		"o-abcdefghij")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var operations, uploaded []string
	for _, call := range calls {
		words := strings.Fields(call)
		if !slices.Equal(words[:4], []string{"--region", "eu-central-1", "--output", "text"}) {
			t.Errorf("the call %q has another region or form", call)
		}
		if words[5] == "put-object" {
			uploaded = append(uploaded, words[slices.Index(words, "--key")+1])
			continue
		}
		operations = append(operations, words[5])
	}
	if want := []string{"create-bucket", "put-public-access-block", "put-bucket-versioning", "get-caller-identity",
		"put-bucket-policy", "get-bucket-versioning"}; !slices.Equal(operations, want) {
		t.Errorf("calls %q, want %q", operations, want)
	}
	want := []string{"A360-Analytics.yaml", "A360-Sender.yaml", "checksums.txt", "hub-lambda-arm64.zip",
		"spoke-lambda-arm64.zip", "stack-policy.json"}
	for i, name := range want {
		want[i] = "releases/v0.0.1/" + name
	}
	if slices.Sort(uploaded); !slices.Equal(uploaded, want) {
		t.Errorf("uploaded %q, want %q", uploaded, want)
	}
	for _, want := range []string{
		"ParameterKey=OrganizationId,ParameterValue=o-abcdefghij ",
		"ParameterKey=S3PrefixListId,ParameterValue=PREFIX_LIST ",
		"ParameterKey=SubnetIds,ParameterValue= ",
		"ParameterKey=HubZipVersion,ParameterValue=version-of-releases-v0.0.1-hub-lambda-arm64.zip\n",
		"ArtifactBucket=artifacts SpokeZipVersion=version-of-releases-v0.0.1-spoke-lambda-arm64.zip\n",
		"--template-url https://artifacts.s3.eu-central-1.amazonaws.com/releases/v0.0.1/A360-Analytics.yaml ",
		"HubImageDigest is then sha256:0123\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
	policy := regexp.MustCompile(`--policy (\{.*\})`).FindStringSubmatch(strings.Join(calls, "\n"))
	var document struct {
		Statement []struct {
			Sid, Effect string
			Resource    any
			Condition   map[string]map[string]string
		}
	}
	if err := json.Unmarshal([]byte(policy[1]), &document); err != nil {
		t.Fatal(err)
	}
	read := document.Statement[0]
	if read.Effect != "Allow" || read.Resource != "arn:aws:s3:::artifacts/releases/*" ||
		read.Condition["StringEquals"]["aws:PrincipalOrgID"] != "o-abcdefghij" {
		t.Errorf("who may read: %+v", read)
	}
}

// TestPublishNamesWhatTheHubNeeds: the command for the hub gives each parameter that has no default in a release.
func TestPublishNamesWhatTheHubNeeds(t *testing.T) {
	out, _, err := publish(t, "--bucket", "artifacts", "--region", "eu-central-1")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	template := string(must(os.ReadFile("deploy/cloudformation/hub.yaml")))
	_, parameters, _ := strings.Cut(template, "\nParameters:\n")
	parameters, _, _ = strings.Cut(parameters, "\nRules:\n")
	needed := 0
	for _, m := range regexp.MustCompile(`(?m)^  (\w+):\n((?:    .*\n)+)`).FindAllStringSubmatch(parameters, -1) {
		name, body := m[1], m[2]
		if strings.Contains(body, "\n    Default:") || name == "HubZipKey" || name == "HubZipSha256" {
			continue
		}
		needed++
		if !strings.Contains(out, "ParameterKey="+name+",ParameterValue=") {
			t.Errorf("%s is missing in\n%s", name, out)
		}
	}
	if needed == 0 {
		t.Error("no parameter of hub.yaml was found that has no default")
	}
}

// TestPublishRefuses: nothing is uploaded if something is wrong.
func TestPublishRefuses(t *testing.T) {
	t.Setenv("AWS_REGION", "eu-central-1")
	for args, want := range map[string]string{
		"":                           "--bucket is missing",
		"--bucket b --force":         "--force is no option",
		"--bucket b --create-bucket": "needs --organization",
		"--bucket b elsewhere":       "one directory only",
	} {
		out, calls, err := publish(t, strings.Fields(args)...)
		if err == nil || !strings.Contains(out, want) || calls[0] != "" {
			t.Errorf("%s: %v, calls %q\n%s", args, err, calls, out)
		}
	}
	for variable, want := range map[string]string{"DAMAGED=yes": "make the release again",
		"VERSIONING=Suspended": "keeps no versions"} {
		name, value, _ := strings.Cut(variable, "=")
		t.Run(name, func(t *testing.T) {
			t.Setenv(name, value)
			out, calls, err := publish(t, "--bucket", "b")
			if err == nil || !strings.Contains(out, want) || strings.Contains(strings.Join(calls, ""), "put-object") {
				t.Errorf("%v, calls %q\n%s", err, calls, out)
			}
		})
	}
	if out := run(t, "deploy/package/publish.sh", "-h"); !strings.Contains(out, "--create-bucket") {
		t.Errorf("its help is\n%s", out)
	}
}
