package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awskinesis "github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	"go.uber.org/goleak"

	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/internal/programtest"
	"github.com/hubspoke/observability/lib/awsconfig"
	"github.com/hubspoke/observability/lib/awsfake"
	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/envelope"
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/producers/collectors"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// Connections that the SDK's shared client keeps open.
		goleak.IgnoreTopFunction("internal/poll.runtime_pollWait"),
		goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop"),
		goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop"),
	)
}

const (
	account   = "111122223333"
	hub       = "444455556666"
	region    = "eu-central-1"
	streamARN = "arn:aws:kinesis:eu-central-1:444455556666:stream/observability"
	roleARN   = "arn:aws:iam::444455556666:role/hub-writer"
)

type thing struct {
	ID   string      `col:"id,key"`
	Size *int64      `col:"size_bytes"`
	Tags schema.JSON `col:"tags"`
}

type other struct {
	ID string `col:"id,key"`
}

var (
	things = schema.Of[thing](schema.Spec{Name: "things", Mode: schema.Snapshot})
	others = schema.Of[other](schema.Spec{Name: "others", Mode: schema.Snapshot})
)

func collector[T any](category schema.Category[T], err error, rows ...T) collect.Any {
	return collect.Collector[T]{
		Category: category, Reach: collect.PerRegion, Every: time.Hour, Calls: []string{"x:ListThings"},
		Collect: func(_ context.Context, _ *collect.Env, emit func(T) error) error {
			for _, row := range rows {
				if err := emit(row); err != nil {
					return err
				}
			}
			return err
		},
	}
}

// fixed returns sources with made-up collectors instead of those of AWS.
func fixed(all ...collect.Any) findSources {
	return func(_ context.Context, f sourceFlags, _ *slog.Logger) ([]source, error) {
		chosen, err := f.choose(all)
		return []source{{
			account: account, partition: "aws", regions: []string{region}, home: region,
			aws: func(region string) aws.Config { return aws.Config{Region: region} }, collectors: chosen,
		}}, err
	}
}

// away returns sources. Another spoke collects their home region.
func away(all ...collect.Any) findSources {
	return func(ctx context.Context, f sourceFlags, log *slog.Logger) ([]source, error) {
		sources, err := fixed(all...)(ctx, f, log)
		sources[0].home = "us-east-1"
		return sources, err
	}
}

type result struct {
	code           int
	stdout, stderr string
}

func spoke(ctx context.Context, find findSources, args ...string) result {
	var stdout, stderr programtest.Buffer
	code := run(ctx, &stdout, &stderr, find, args)
	return result{code, stdout.String(), stderr.String()}
}

func (r result) want(t *testing.T, code int, stdout, stderr string) {
	t.Helper()
	if r.code != code || !strings.Contains(r.stdout, stdout) || !strings.Contains(r.stderr, stderr) {
		t.Errorf("exit code %d, want %d\nstdout, want %q:\n%s\nstderr, want %q:\n%s", r.code, code, stdout, r.stdout, stderr,
			r.stderr)
	}
}

// isolate gives the test an environment without settings, then sets the given ones.
func isolate(t *testing.T, settings ...string) {
	t.Helper()
	programtest.Isolate(t, []string{"SPOKE_"}, settings...)
}

// fake is a stand-in for AWS with the hub's stream, role and bucket.
func fake(t *testing.T) *awsfake.Server {
	t.Helper()
	server, err := awsfake.New(awsfake.Config{Region: region, Roles: []awsfake.Role{{ARN: roleARN, ExternalID: "secret"}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	cfg := server.AWSConfig(hub, region)
	if _, err := awskinesis.NewFromConfig(cfg).CreateStream(t.Context(),
		&awskinesis.CreateStreamInput{StreamName: aws.String("observability"), ShardCount: aws.Int32(2)}); err != nil {
		t.Fatal(err)
	}
	if _, err := awsconfig.S3(cfg).CreateBucket(t.Context(),
		&s3.CreateBucketInput{Bucket: aws.String("hub-archive")}); err != nil {
		t.Fatal(err)
	}
	isolate(t, server.Environment(account)...)
	return server
}

func TestHelpTeaches(t *testing.T) {
	isolate(t)
	r := spoke(t.Context(), fixed(), "-h")
	r.want(t, program.ExitDone, "spoke once --category", "")
	r.want(t, program.ExitDone, "0 done, 1 failed, 2 wrong usage or something missing, 3 partly done", "")
	r = spoke(t.Context(), fixed(), "once", "-h")
	r.want(t, program.ExitDone, "$SPOKE_STREAM_ROLE_ARN", "")
	r.want(t, program.ExitDone, "Examples:", "")
	spoke(t.Context(), fixed(), "run", "-h").want(t, program.ExitDone, "$SPOKE_METRICS_ADDR", "")
	spoke(t.Context(), fixed(), "--version").want(t, program.ExitDone, program.Program{Version: version}.VersionText(), "")
}

func TestUsageErrorsNameTheThingAndTheNextStep(t *testing.T) {
	isolate(t)
	for _, test := range []struct {
		args   string
		stderr string
	}{
		{"", "spoke -h"},
		{"collect", "unexpected argument collect"},
		{"once --no-such-flag", "unknown flag --no-such-flag"},
		{"once -o xml", `"xml"`},
		{"once --category nothing", `unknown category "nothing": choose from things, others`},
		{"once --category things --category things", "--category things is given twice"},
		{"once --exclude things,nothing", `--exclude: unknown category "nothing": choose from things, others`},
		{"once --exclude things,things", "--exclude things is given twice"},
		{"once --category things,others --exclude others",
			"others is both in --category and in --exclude: leave it out of one of them"},
		{"once --exclude things --exclude others", "--exclude leaves no category to collect"},
		{"run --stream x --exclude nothing", `unknown category "nothing"`},
		{"once --stream arn:aws:kinesis:eu-central-1:444455556666:observability", "is not the ARN of a stream, such as"},
		{"once --stream x --stream-role-arn hub-writer", "is not the ARN of a role, such as"},
		{"once --stream x --external-id y", "an external id without a role"},
		{"once --stream-role-arn " + roleARN, "--stream-role-arn without --stream"},
		{"once --kms-key-id x", "need --bucket"},
		{"run", "nowhere to send rows to: give --stream or --bucket"},
		{"run --stream x --interval=-1s", "must not be negative"},
		{"once --concurrent=-1", "--concurrent must not be negative"},
		{"once --concurrent=1001", "--concurrent must be at most 1000"},
		{"run --bucket s3://b/prefix", "is not the name of a bucket"},
		{"once --home-region Frankfurt", `--home-region "Frankfurt" is not the name of a region`},
		{"once --label product", `expected "<key>=<value>" but got "product"`},
		{"once --label =payments", "--label: the key \"\" must have 1 to 128 characters"},
		{"once --label product=" + strings.Repeat("x", 257), "--label product: the value has more than 256 characters"},
		{"run --stream x --home-region global", `--home-region "global" is not the name of a region`},
	} {
		spoke(t.Context(), fixed(collector(things, nil), collector(others, nil)), strings.Fields(test.args)...).want(t,
			program.ExitUsage, "", test.stderr)
	}
}

// TestCategoriesAreLeftOut: by a flag or its variable, of an account or a made-up organisation.
func TestCategoriesAreLeftOut(t *testing.T) {
	isolate(t)
	both := fixed(collector(things, nil, thing{ID: "a"}), collector(others, nil, other{ID: "b"}))
	want := func(r result) {
		t.Helper()
		if r.want(t, program.ExitDone, "things", ""); strings.Contains(r.stdout, "others") {
			t.Errorf("stdout:\n%s", r.stdout)
		}
	}
	want(spoke(t.Context(), both, "once", "--exclude", "others"))
	t.Setenv("SPOKE_EXCLUDE", "others")
	want(spoke(t.Context(), both, "once"))

	t.Setenv("SPOKE_EXCLUDE", "secrets,kms_keys")
	r := spoke(t.Context(), awsSources, "once", "--simulate", "--accounts", "1", "--region", region, "-o", "json")
	r.want(t, program.ExitDone, `"category":"certificates"`, "")
	for _, name := range []string{"secrets", "kms_keys"} {
		if strings.Contains(r.stdout, fmt.Sprintf(`"category":%q`, name)) {
			t.Errorf("%s was collected", name)
		}
	}
}

// TestOutcomesNameTheNextStep: five outcomes; three of them ask for something.
func TestOutcomesNameTheNextStep(t *testing.T) {
	isolate(t)
	for _, test := range []struct {
		exit       int
		err        error
		rows       []thing
		want, step string
	}{
		{program.ExitDone, collect.Disabled(errors.New("no plan")), nil, "disabled", "enable the service, get the plan"},
		{program.ExitFailed, &smithy.GenericAPIError{Code: "AccessDenied"}, nil, "denied", "allow the actions that"},
		{program.ExitFailed, &smithy.GenericAPIError{Code: "ThrottlingException"}, nil, "throttled", "others use up what"},
		{program.ExitDone, nil, nil, "empty", ""},
		{program.ExitDone, nil, []thing{{ID: "a"}}, "ok", ""},
	} {
		r := spoke(t.Context(), fixed(collector(things, test.err, test.rows...)), "once")
		r.want(t, test.exit, "", test.want)
		r.want(t, test.exit, "", test.step)
		if test.step == "" && (strings.Contains(r.stderr, "--exclude") || strings.Contains(r.stderr, "later")) {
			t.Errorf("%s: a step:\n%s", test.want, r.stderr)
		}
	}
}

// TestUnknownLabelIsNamed, and sent all the same.
func TestUnknownLabelIsNamed(t *testing.T) {
	isolate(t)
	source := fixed(collector(things, nil, thing{ID: "a"}))
	r := spoke(t.Context(), source, "once", "--label", "prodct=payments", "--label", "Environment=test")
	r.want(t, program.ExitDone, "things", `label=prodct known="[category customer environment partner product]"`)
	if strings.Contains(r.stderr, "label=Environment") {
		t.Errorf("stderr:\n%s", r.stderr)
	}
}

func TestMissingPrerequisites(t *testing.T) {
	t.Run("credentials", func(t *testing.T) {
		isolate(t)
		spoke(t.Context(), awsSources, "once", "--region", region).want(t, program.ExitUsage, "", "no AWS credentials found")
	})
	t.Run("region", func(t *testing.T) {
		isolate(t, "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b")
		spoke(t.Context(), awsSources, "once").want(t, program.ExitUsage, "", "give --region")
	})
	t.Run("profile", func(t *testing.T) {
		isolate(t)
		spoke(t.Context(), awsSources, "once", "--region", region, "--profile", "nobody").want(t, program.ExitUsage, "",
			`profile "nobody" does not exist`)
	})
	t.Run("malformed region", func(t *testing.T) {
		isolate(t)
		spoke(t.Context(), awsSources, "once", "--region", "Frankfurt").want(t, program.ExitUsage, "",
			`"Frankfurt" is not the name of a region`)
		spoke(t.Context(), awsSources, "once", "--region", "global").want(t, program.ExitUsage, "",
			`"global" is not the name of a region`)
	})
	t.Run("region that refuses", func(t *testing.T) {
		server := fake(t)
		server.Inject(awsfake.Fault{Operation: "sts:GetCallerIdentity", Effect: awsfake.Deny,
			When: func(c awsfake.Call) bool { return c.Region == "ap-east-1" }})
		spoke(t.Context(), awsSources, "once", "--region", region, "--region", "ap-east-1").want(t, program.ExitUsage, "",
			`region "ap-east-1"`)
	})
	t.Run("region that cannot be reached", func(t *testing.T) {
		fake(t)
		t.Setenv("AWS_ENDPOINT_URL_STS", "http://sts.nowhere.invalid")
		t.Setenv("AWS_MAX_ATTEMPTS", "1")
		for _, command := range []string{"once", "run --bucket hub-archive --duration 10ms"} {
			spoke(t.Context(), awsSources, append(strings.Fields(command), "--region", "eu-central-9")...).want(t,
				program.ExitUsage, "", `region "eu-central-9": sts.nowhere.invalid does not exist`)
		}
	})
	t.Run("unknown category", func(t *testing.T) {
		isolate(t)
		spoke(t.Context(), awsSources, "once", "--category", "certs").want(t, program.ExitUsage, "",
			`unknown category "certs": choose from `)
	})
	t.Run("metrics address", func(t *testing.T) {
		fake(t)
		spoke(t.Context(), fixed(collector(things, nil)), "run", "--bucket", "hub-archive", "--metrics-addr",
			"256.0.0.1:1").want(t, program.ExitUsage, "", "--metrics-addr 256.0.0.1:1")
	})
}

// TestCategoriesThatAreLeftToAnotherSpoke: a home region that nobody collects would
// else collect categories without regions nowhere, and nobody would know.
func TestCategoriesThatAreLeftToAnotherSpoke(t *testing.T) {
	fake(t)
	global := collector(others, nil, other{ID: "a"}).(collect.Collector[other])
	global.Reach = collect.Global
	regional := collector(things, nil, thing{ID: "a"})
	left := "left to the spoke that collects the home region"

	spoke(t.Context(), away(regional, global), "once").want(t, program.ExitDone, "things", left)
	r := spoke(t.Context(), away(regional, global), "run", "--bucket", "hub-archive", "--duration", "10ms")
	r.want(t, program.ExitDone, "", `categories=[others] home=us-east-1`)
	if strings.Count(r.stderr, left) != 1 {
		t.Errorf("stderr:\n%s", r.stderr)
	}
	for _, r := range []result{spoke(t.Context(), away(regional), "once"),
		spoke(t.Context(), fixed(regional, global), "once")} {
		r.want(t, program.ExitDone, "things", "")
		if strings.Contains(r.stderr, left) {
			t.Errorf("stderr:\n%s", r.stderr)
		}
	}

	for _, args := range []string{"once", "run --bucket hub-archive --duration 10ms"} {
		spoke(t.Context(), away(regional, global), append(strings.Fields(args), "--category", "others")...).
			want(t, program.ExitUsage, "", "nothing to collect: others is left to the spoke that collects the home region "+
				"us-east-1, and this one collects eu-central-1. Give --region us-east-1")
	}
}

// TestRegionThatDoesNotAnswerAtTheStart: it stops a service only if it is the only
// one. Who collects once must not take a part for the whole.
func TestRegionThatDoesNotAnswerAtTheStart(t *testing.T) {
	const elsewhere = "ap-east-1"
	both := []string{"--region", region, "--region", elsewhere, "--category", "certificates"}
	once := append([]string{"once"}, both...)
	run := append([]string{"run", "--bucket", "hub-archive", "--duration", "10ms"}, both...)
	for name, test := range map[string]struct {
		effect    awsfake.Effect
		all       bool // regions
		once, run int
		stderr    string
	}{
		"denied": {awsfake.Deny, false, program.ExitUsage, program.ExitDone,
			"AWS does not accept the credentials"},
		"fault": {awsfake.ServerError, false, program.ExitFailed, program.ExitDone, "AWS does not answer"},
		"cut":   {awsfake.Reset, false, program.ExitFailed, program.ExitDone, "AWS does not answer"},
		"denied everywhere": {awsfake.Deny, true, program.ExitUsage, program.ExitUsage,
			"AWS does not accept the credentials"},
		"fault everywhere": {awsfake.ServerError, true, program.ExitFailed, program.ExitFailed, "AWS does not answer"},
	} {
		t.Run(name, func(t *testing.T) {
			server := fake(t)
			t.Setenv("AWS_MAX_ATTEMPTS", "1")
			server.Inject(awsfake.Fault{Operation: "sts:GetCallerIdentity", Effect: test.effect,
				When: func(c awsfake.Call) bool { return test.all || c.Region == elsewhere }})
			r := spoke(t.Context(), awsSources, once...)
			r.want(t, test.once, "", `region "`+elsewhere+`": `+test.stderr)
			if strings.Contains(r.stderr, "collecting") {
				t.Errorf("once collects a part:\n%s", r.stderr)
			}
			r = spoke(t.Context(), awsSources, run...)
			r.want(t, test.run, "", test.stderr)
			if goesOn := !test.all; goesOn != strings.Contains(r.stderr, "regions=\"["+region+" "+elsewhere+"]\"") ||
				goesOn != strings.Contains(r.stderr, "a region does not answer") {
				t.Errorf("run:\n%s", r.stderr)
			}
		})
	}
}

func TestTransient(t *testing.T) {
	for _, test := range []struct {
		err  error
		want bool
	}{
		{context.DeadlineExceeded, true},
		{context.Canceled, true},
		{&smithy.GenericAPIError{Code: "Throttling"}, true},
		{&smithy.GenericAPIError{Code: "ExpiredToken"}, false},
		{&net.DNSError{Name: "x", IsNotFound: true}, false},
		{&net.DNSError{Name: "x", IsTimeout: true}, true},
		{fmt.Errorf("%w (%w)", awsconfig.ErrNoCredentials, context.DeadlineExceeded), false},
	} {
		if got := awsconfig.Transient(test.err); got != test.want {
			t.Errorf("%v: %v, want %v", test.err, got, test.want)
		}
	}
}

// hosts answers GetCallerIdentity, but for one host, which there is not, and one
// that does not know the credentials.
type hosts struct{ unknown, refuses string }

func (h hosts) Do(r *http.Request) (*http.Response, error) {
	if r.URL.Host == h.unknown {
		return nil, &net.DNSError{Err: "no such host", Name: h.unknown, IsNotFound: true}
	}
	if r.URL.Host == h.refuses {
		const body = "<ErrorResponse><Error><Code>InvalidClientTokenId</Code></Error></ErrorResponse>"
		return &http.Response{StatusCode: http.StatusForbidden, Header: http.Header{},
			Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
	}
	const body = "<GetCallerIdentityResponse><GetCallerIdentityResult><Account>" + account +
		"</Account><Arn>arn:aws:iam::" + account + ":role/spoke</Arn></GetCallerIdentityResult></GetCallerIdentityResponse>"
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)),
		Request: r}, nil
}

// TestRegionThatThereIsNot stops the program although another region answers.
func TestRegionThatThereIsNot(t *testing.T) {
	cfg := aws.Config{HTTPClient: hosts{unknown: "sts.eu-central-9.amazonaws.com"},
		Credentials: credentials.NewStaticCredentialsProvider("a", "b", "")}
	var usage *program.UsageError
	if _, _, err := checkRegions(t.Context(), cfg, []string{region, "eu-central-9"},
		slog.New(slog.DiscardHandler)); !errors.As(err, &usage) ||
		!strings.Contains(err.Error(), "sts.eu-central-9.amazonaws.com does not exist") {
		t.Errorf("error %v", err)
	}
	if identity, faults, err := checkRegions(t.Context(), cfg, []string{region, "us-east-1"},
		slog.New(slog.DiscardHandler)); err != nil || len(faults) > 0 || identity.Account != account {
		t.Errorf("%+v, faults %v, error %v", identity, faults, err)
	}
}

// A region that the account has not enabled is no fault, unless there is no other.
func TestRegionThatIsNotEnabled(t *testing.T) {
	cfg := aws.Config{HTTPClient: hosts{refuses: "sts.ap-east-1.amazonaws.com"},
		Credentials: credentials.NewStaticCredentialsProvider("a", "b", "")}
	var log strings.Builder
	_, faults, err := checkRegions(t.Context(), cfg, []string{region, "ap-east-1"},
		slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil || len(faults) > 0 || strings.Count(log.String(), "ap-east-1") == 0 {
		t.Errorf("faults %v, error %v, log %s", faults, err, &log)
	}
	if _, _, err := checkRegions(t.Context(), cfg, []string{"ap-east-1"}, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("the only region: no error")
	}
}

func TestHomeRegionIsTheFirstUnlessGiven(t *testing.T) {
	fake(t)
	regions := []string{region, "us-east-1"}
	for given, want := range map[string]string{"": region, "us-east-1": "us-east-1", "eu-north-1": "eu-north-1"} {
		sources, err := awsSources(t.Context(), sourceFlags{Region: regions, HomeRegion: given},
			slog.New(slog.DiscardHandler))
		if err != nil || len(sources) != 1 || sources[0].home != want || !slices.Equal(sources[0].regions, regions) {
			t.Errorf("home region %q: %+v, error %v", given, sources, err)
		}
	}
}

// TestLabelsReachTheCollectors of both commands, as flags and as a variable.
func TestLabelsReachTheCollectors(t *testing.T) {
	for _, test := range []struct{ settings, args, want string }{
		{"", "once --label product=payments --label team=a,stage=prod", "map[product:payments stage:prod team:a]"},
		{"SPOKE_LABEL=product=a=b,team=b", "once", "map[product:a=b team:b]"},
		{"", "run --stream observability --duration 1m --label product=payments", "map[product:payments]"},
		{"", "once", "map[]"},
	} {
		fake(t)
		if name, value, ok := strings.Cut(test.settings, "="); ok {
			t.Setenv(name, value)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var got atomic.Value
		c := collector(things, nil).(collect.Collector[thing])
		c.Every = time.Millisecond // the first run of spoke run is not a minute later
		c.Collect = func(_ context.Context, env *collect.Env, _ func(thing) error) error {
			got.Store(fmt.Sprint(env.Labels))
			cancel()
			return nil
		}
		r := spoke(ctx, fixed(c), strings.Fields(test.args)...)
		cancel()
		if got.Load() != test.want {
			t.Errorf("%s %s: labels %v, want %s\n%s", test.settings, test.args, got.Load(), test.want, r.stderr)
		}
	}
}

// TestOnceCollectsSoManyAtTheSameTime as --concurrent says, and no more.
func TestOnceCollectsSoManyAtTheSameTime(t *testing.T) {
	isolate(t)
	for args, want := range map[string]int{"": 4, "--concurrent 0": 4, "--concurrent 2": 2, "--concurrent 6": 6} {
		synctest.Test(t, func(t *testing.T) {
			var running atomic.Int64
			release := make(chan struct{})
			c := collector(things, nil).(collect.Collector[thing])
			c.Collect = func(context.Context, *collect.Env, func(thing) error) error {
				running.Add(1)
				<-release
				return nil
			}
			find := func(ctx context.Context, f sourceFlags, log *slog.Logger) ([]source, error) {
				sources, err := fixed(c)(ctx, f, log)
				sources[0].regions = []string{region, "eu-west-1", "eu-west-2", "eu-west-3", "eu-north-1", "us-east-1", "us-east-2"}
				return sources, err
			}
			done := make(chan result)
			go func() { done <- spoke(t.Context(), find, append([]string{"once"}, strings.Fields(args)...)...) }()
			synctest.Wait()
			if got := int(running.Load()); got != want {
				t.Errorf("%q: %d at the same time, want %d", args, got, want)
			}
			close(release)
			(<-done).want(t, program.ExitDone, "", "empty")
		})
	}
}

func TestCategories(t *testing.T) {
	isolate(t)
	r := spoke(t.Context(), nil, "categories")
	r.want(t, program.ExitDone, "acm:ListCertificates", "")
	price := collectors.MonthlyTotal(collectors.Declarations(collectors.All()...)...)
	if price < 0.3 {
		t.Errorf("all categories cost USD %v a month", price)
	}
	r.want(t, program.ExitDone, fmt.Sprintf("USD %.2f a month", price), "")
	r.want(t, program.ExitDone, "linked_account_costs are for the management account", "")
	r = spoke(t.Context(), nil, "categories", "-o", "json")
	var list []categoryJSON
	if err := json.Unmarshal([]byte(r.stdout), &list); err != nil {
		t.Fatal(err)
	}
	if len(list) != len(collectors.All()) {
		t.Errorf("%d categories", len(list))
	}
	for _, c := range list {
		if c.Name == "" || len(c.Actions) == 0 || len(c.Columns) == 0 || c.Every == "" {
			t.Errorf("%+v", c)
		}
		if c.Name == "service_costs" && c.USDPerMonth != 0.3 || c.Name == "certificates" && c.USDPerMonth != 0 ||
			c.ManagementAccount != (c.Name == "linked_account_costs") {
			t.Errorf("%s costs USD %v a month", c.Name, c.USDPerMonth)
		}
	}
}

// TestOneCategory is shown with its columns, within the width of the terminal.
func TestOneCategory(t *testing.T) {
	isolate(t, "COLUMNS=80")
	for _, c := range collectors.All() {
		r := spoke(t.Context(), nil, "categories", c.Table().Name())
		r.want(t, program.ExitDone, "IAM actions", "")
		for line := range strings.Lines(r.stdout) {
			if n := utf8.RuneCountInString(strings.TrimSpace(line)); n > 80 {
				t.Errorf("%s: a line of %d characters:\n%s", c.Table().Name(), n, line)
			}
		}
	}
	r := spoke(t.Context(), nil, "categories", "iam_users")
	r.want(t, program.ExitDone, "user_arn", "")
	r.want(t, program.ExitDone, "personal:", "")
	r = spoke(t.Context(), nil, "categories", "service_costs", "-o", "json")
	var c categoryDetailJSON
	if err := json.Unmarshal([]byte(r.stdout), &c); err != nil {
		t.Fatal(err)
	}
	if want := []string{"account_id", "region", "usage_date", "service", "usage_region"}; !slices.Equal(c.Key, want) ||
		c.Name != "service_costs" || c.PaidRequests != 1 || c.Services[0].Price != 0.01 || c.USDPerMonth != 0.3 ||
		c.Columns[0].Name != "usage_date" || !c.Columns[0].Slice || c.Columns[0].Doc == "" ||
		c.Actions[0] != "ce:GetCostAndUsage" {
		t.Errorf("%+v", c)
	}
	spoke(t.Context(), nil, "categories", "secret").want(t, program.ExitUsage, "", "`spoke categories` lists them")
}

func TestShort(t *testing.T) {
	for d, want := range map[time.Duration]string{time.Hour: "1h", 15 * time.Minute: "15m", 90 * time.Minute: "1h30m",
		24 * time.Hour: "24h", 10 * time.Second: "10s", 61 * time.Second: "1m1s"} {
		if got := short(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}

func TestOncePrintsRows(t *testing.T) {
	isolate(t)
	var rows []thing
	for i := range 150 {
		rows = append(rows, thing{ID: fmt.Sprintf("thing-%03d", i), Tags: schema.JSON(`{"a":"b"}`)})
	}
	rows[0].ID = "\x1b[31mred"
	rows[1].Size = aws.Int64(1 << 60)
	sources := fixed(collector(things, nil, rows...), collector(others, nil))

	r := spoke(t.Context(), sources, "once")
	r.want(t, program.ExitDone, "1152921504606846976", "things")
	r.want(t, program.ExitDone, "thing-099", "empty")
	r.want(t, program.ExitDone, "… 50 more rows and 1 more columns: use -o json", "")
	if strings.Contains(r.stdout, "\x1b") || strings.Contains(r.stdout, "thing-100") {
		t.Errorf("stdout:\n%s", r.stdout)
	}

	r = spoke(t.Context(), sources, "once", "-o", "json")
	lines := strings.Split(strings.TrimSpace(r.stdout), "\n")
	if len(lines) != 150 {
		t.Fatalf("%d lines", len(lines))
	}
	var line struct {
		Category  string
		AccountID string `json:"account_id"`
		Region    string
		Row       map[string]any
	}
	if err := json.Unmarshal([]byte(lines[2]), &line); err != nil {
		t.Fatal(err)
	}
	if line.Category != "things" || line.AccountID != account || line.Region != region || line.Row["id"] != "thing-002" {
		t.Errorf("line %+v", line)
	}
}

func TestEveryFlagIsAVariable(t *testing.T) {
	isolate(t, "SPOKE_CATEGORY=others", "SPOKE_OUTPUT=json", "SPOKE_LOG_FORMAT=json")
	r := spoke(t.Context(), fixed(collector(things, nil, thing{ID: "a"}), collector(others, nil, other{ID: "b"})), "once")
	r.want(t, program.ExitDone, `"row":{"id":"b"}`, `"category":"others"`)
	if strings.Contains(r.stdout, "things") {
		t.Errorf("stdout %s", r.stdout)
	}
}

type cost struct {
	Day schema.Date `col:"day,key,slice"`
}

func TestSlicesThatFailAlikeAreOneLine(t *testing.T) {
	isolate(t)
	sources := fixed(collect.Collector[cost]{
		Category: schema.Of[cost](schema.Spec{Name: "costs", Mode: schema.Snapshot}),
		Reach:    collect.Global, Every: time.Hour, Calls: []string{"x:Y"},
		Slices:  func(time.Time) []string { return []string{"2026-01-01", "2026-01-02", "2026-01-03"} },
		Collect: func(context.Context, *collect.Env, func(cost) error) error { return errors.New("no route\nto host") },
	})
	r := spoke(t.Context(), sources, "once")
	r.want(t, program.ExitFailed, "", "2026-01-01 … 2026-01-03")
	r.want(t, program.ExitFailed, "", "3 of 3 runs failed")
	if lines := strings.Count(r.stderr, "no route"); lines != 2 { // the log and the table
		t.Errorf("the error is there %d times:\n%s", lines, r.stderr)
	}
}

func TestExitCodes(t *testing.T) {
	isolate(t)
	good, denied := collector(things, nil, thing{ID: "a"}), &smithy.GenericAPIError{Code: "AccessDenied"}
	disabled := collect.Disabled(errors.New("not subscribed"))
	spoke(t.Context(), fixed(good, collector(others, denied)), "once").want(t, program.ExitPartly, "",
		"1 of 2 runs failed")
	spoke(t.Context(), fixed(collector(others, denied)), "once").want(t, program.ExitFailed, "", "1 of 1 runs failed")
	spoke(t.Context(), fixed(collector(others, denied, other{ID: "a"})), "once").want(t, program.ExitPartly, "", "partial")
	spoke(t.Context(), fixed(collector(others, disabled)), "once").want(t, program.ExitDone, "", "not subscribed")
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	spoke(cancelled, fixed(good), "once").want(t, program.ExitFailed, "", "1 collections were not started")
}

// stored returns the headers of all records in the hub's stream, ends and parts.
func stored(t *testing.T, server *awsfake.Server) (ends []envelope.EndHeader, parts []envelope.PartHeader) {
	t.Helper()
	records, err := server.Records(streamARN)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		record, err := envelope.Parse(r.Data)
		if err != nil {
			t.Fatal(err)
		}
		if record.End != nil {
			ends = append(ends, *record.End)
		} else {
			parts = append(parts, *record.Part)
		}
	}
	return ends, parts
}

// objects returns the keys in the archive.
func objects(t *testing.T, server *awsfake.Server) []string {
	t.Helper()
	list, err := awsconfig.S3(server.AWSConfig(hub, region)).ListObjectsV2(t.Context(),
		&s3.ListObjectsV2Input{Bucket: aws.String("hub-archive")})
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, o := range list.Contents {
		keys = append(keys, aws.ToString(o.Key))
	}
	return keys
}

func TestOnceSendsToStreamAndArchive(t *testing.T) {
	server := fake(t)
	r := spoke(t.Context(), fixed(collector(things, nil, thing{ID: "a"}, thing{ID: "b"}), collector(others, nil)), "once",
		"-o", "json",
		"--stream", streamARN, "--stream-role-arn", roleARN, "--external-id", "secret", "--bucket", "hub-archive",
		"--bucket-prefix", "v1/")
	r.want(t, program.ExitDone, "", "")
	var results []resultJSON
	if err := json.Unmarshal([]byte(r.stdout), &results); err != nil {
		t.Fatalf("%v in %s", err, r.stdout)
	}
	if len(results) != 2 || results[0].Outcome != schema.OK || results[0].Rows != 2 || results[0].Bytes == 0 ||
		results[1].Outcome != schema.Empty {
		t.Errorf("results %+v", results)
	}
	ends, parts := stored(t, server)
	if len(ends) != 2 || len(parts) != 1 || parts[0].Rows != 2 || parts[0].Run != results[0].Run ||
		parts[0].Account != account {
		t.Errorf("ends %+v, parts %+v", ends, parts)
	}
	keys := objects(t, server)
	if len(keys) != 3 { // two manifests, one file
		t.Errorf("objects %q", keys)
	}
	for _, key := range keys {
		if !strings.HasPrefix(key, "v1/account="+account+"/region="+region+"/category=") {
			t.Errorf("key %q", key)
		}
	}
}

func TestArchiveOrStreamRefuses(t *testing.T) {
	send := []string{"once", "--stream", streamARN, "--stream-role-arn", roleARN, "--external-id", "secret", "--bucket",
		"hub-archive"}
	sources := fixed(collector(things, nil, thing{ID: "a"}))
	t.Run("archive", func(t *testing.T) {
		server := fake(t)
		server.Inject(awsfake.Fault{Operation: "s3:PutObject", Effect: awsfake.Deny})
		spoke(t.Context(), sources, send...).want(t, program.ExitPartly, "ok", "archive: ")
		if ends, parts := stored(t, server); len(ends) != 1 || ends[0].Outcome != schema.OK || len(parts) != 1 {
			t.Errorf("ends %+v, parts %+v", ends, parts)
		}
	})
	t.Run("stream", func(t *testing.T) {
		server := fake(t)
		server.Inject(awsfake.Fault{Operation: "kinesis:PutRecords", Effect: awsfake.Deny})
		spoke(t.Context(), sources, send...).want(t, program.ExitPartly, "failed", "publish: ")
		if keys := objects(t, server); len(keys) != 2 {
			t.Errorf("objects %q", keys)
		}
	})
	t.Run("role", func(t *testing.T) {
		fake(t)
		spoke(t.Context(), sources, append(send, "--external-id", "wrong")...).want(t, program.ExitUsage, "", roleARN)
	})
	t.Run("role, for the moment", func(t *testing.T) {
		server := fake(t)
		t.Setenv("AWS_MAX_ATTEMPTS", "1")
		server.Inject(awsfake.Fault{Operation: "sts:AssumeRole", Effect: awsfake.ServerError})
		spoke(t.Context(), sources, send...).want(t, program.ExitFailed, "", roleARN)
	})
	t.Run("both", func(t *testing.T) {
		server := fake(t)
		server.Inject(awsfake.Fault{Operation: "s3:PutObject", Effect: awsfake.Deny})
		server.Inject(awsfake.Fault{Operation: "kinesis:PutRecords", Effect: awsfake.Deny})
		spoke(t.Context(), sources, send...).want(t, program.ExitFailed, "failed", "publish: ")
	})
}

var addressRE = regexp.MustCompile(`address=([0-9.:]+)`)

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	answer, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

func TestRunServesMetricsUntilStopped(t *testing.T) {
	server := fake(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var stdout, stderr programtest.Buffer
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, &stdout, &stderr, fixed(collector(things, nil, thing{ID: "a"})), []string{
			"run", "--interval", "20ms", "--metrics-addr", "127.0.0.1:0", "--bucket", "hub-archive",
			"--stream", streamARN, "--stream-role-arn", roleARN, "--external-id", "secret"})
	}()
	programtest.Eventually(t, "the address", func() bool { return addressRE.MatchString(stderr.String()) })
	url := "http://" + addressRE.FindStringSubmatch(stderr.String())[1]
	for _, path := range []string{"/healthz", "/readyz"} {
		if status, body := get(t, url+path); status != http.StatusOK || body != "ok\n" {
			t.Errorf("%s: %d %q", path, status, body)
		}
	}
	programtest.Eventually(t, "three runs", func() bool {
		return strings.Contains(stderr.String(), "outcome=ok") && strings.Count(stderr.String(), "outcome=unchanged") >= 2
	})
	_, text := get(t, url+"/metrics")
	for _, want := range []string{
		`spoke_runs_total{category="things",outcome="ok",region="eu-central-1"} 1`,
		`spoke_runs_total{category="things",outcome="unchanged",region="eu-central-1"}`,
		`spoke_rows_total{category="things",region="eu-central-1"}`,
		`spoke_last_complete_run_timestamp_seconds{category="things",region="eu-central-1"}`,
		`spoke_unsent_runs_total{destination="archive"} 0`,
		"spoke_build_info",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is not in the metrics", want)
		}
	}
	cancel()
	if got := <-code; got != program.ExitDone {
		t.Errorf("exit code %d\n%s", got, stderr.String())
	}
	if ends, _ := stored(t, server); len(ends) < 3 {
		t.Errorf("%d ends", len(ends))
	}
	if _, err := http.Get(url + "/healthz"); err == nil {
		t.Error("still serving")
	}
}

func TestRunEndsAtTheDeadlineWhileADestinationIsSilent(t *testing.T) {
	server := fake(t)
	silent := server.Inject(awsfake.Fault{Operation: "s3:PutObject", Effect: awsfake.BlackHole})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var stdout, stderr programtest.Buffer
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, &stdout, &stderr, fixed(collector(things, nil, thing{ID: "a"})), []string{
			"run", "--interval", "1ms", "--bucket", "hub-archive", "--drain-timeout", "50ms"})
	}()
	if err := silent.Wait(ctx, 1); err != nil {
		t.Fatal(err)
	}
	cancel()
	if got := <-code; got != program.ExitFailed || !strings.Contains(stderr.String(), "not done after 50ms") {
		t.Errorf("exit code %d\n%s", got, stderr.String())
	}
	server.Close()
	programtest.Eventually(t, "what was left to end", func() bool { return strings.Contains(stderr.String(), "stopped") })
}

func TestRunStopsAfterDuration(t *testing.T) {
	fake(t)
	spoke(t.Context(), fixed(collector(things, nil)), "run", "--bucket", "hub-archive", "--duration", "10ms").want(t,
		program.ExitDone, "", "stopped")
}

// TestProgram runs the real program against the stand-in, as an operator would.
func TestProgram(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "spoke")
	if out, err := exec.Command("go", "build", "-ldflags", "-X main.version=v1.2.3", "-o", binary,
		".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := exec.Command(binary, "--version").Output()
	if err != nil || string(out) != "v1.2.3\n" {
		t.Errorf("%q, %v", out, err)
	}

	server := fake(t)
	var stderr programtest.Buffer
	cmd := exec.Command(binary, "run", "--region", region, "--metrics-addr", "127.0.0.1:0", "--bucket", "hub-archive")
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	programtest.Eventually(t, "the first line", func() bool { return strings.Contains(stderr.String(), "collecting") })
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil || !strings.Contains(stderr.String(), "stopped") {
		t.Errorf("%v\n%s", err, stderr.String())
	}
	if server.Calls("sts:GetCallerIdentity") == 0 {
		t.Error("the program did not ask who it is")
	}

	testAsFunction(t, binary)

	cmd = exec.Command(binary, "once", "--category", "nothing")
	var exit *exec.ExitError
	if err := cmd.Run(); !errors.As(err, &exit) || exit.ExitCode() != program.ExitUsage {
		t.Errorf("got %v", err)
	}
}
