package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awskinesis "github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/internal/programtest"
	"github.com/hubspoke/observability/lib/awsconfig"
	"github.com/hubspoke/observability/lib/awsfake"
	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/schema"
)

const (
	orders   = "222233334444"
	payments = "333344445555"
	closed   = "555566667777"
)

// organization is AWS with an organization of four accounts. The credentials are those of
// its management account.
func organization(t *testing.T) (*awsfake.Server, *cloud) {
	t.Helper()
	role := func(account string) awsfake.Role {
		return awsfake.Role{ARN: "arn:aws:iam::" + account + ":role/obs/reader", ExternalID: "secret"}
	}
	server, err := awsfake.New(awsfake.Config{Region: region, Roles: []awsfake.Role{role(orders), role(payments)}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	cfg := server.AWSConfig(hub, region)
	streams := awskinesis.NewFromConfig(cfg)
	if _, err := streams.CreateStream(t.Context(),
		&awskinesis.CreateStreamInput{StreamName: aws.String("observability"), ShardCount: aws.Int32(1)}); err != nil {
		t.Fatal(err)
	}
	if _, err := streams.PutResourcePolicy(t.Context(), &awskinesis.PutResourcePolicyInput{
		ResourceARN: aws.String(streamARN),
		Policy: aws.String(`{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*",
			"Action": "kinesis:PutRecords", "Resource": "` + streamARN + `"}]}`),
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := awsconfig.S3(cfg).CreateBucket(t.Context(),
		&s3.CreateBucketInput{Bucket: aws.String("hub-archive")}); err != nil {
		t.Fatal(err)
	}
	isolate(t, server.Environment(account)...)
	const root = "o-a1b2c3d4e5/r-ab12/"
	c := &cloud{denied: map[string]bool{}, accounts: []cloudAccount{
		{account, "ACTIVE", []string{root + account}, []string{region}},
		{orders, "ACTIVE", []string{root + "ou-ab12-11111111/ou-ab12-22222222/" + orders}, []string{region, "us-east-1"}},
		{payments, "ACTIVE", []string{root + "ou-ab12-11111111/" + payments}, []string{region}},
		{closed, "SUSPENDED", []string{root + "ou-ab12-11111111/" + closed}, []string{region}},
	}}
	c.serve(t)
	return server, c
}

// once collects secrets once and returns their scopes.
func onceSecrets(t *testing.T, exit int, stderr string, more ...string) (scopes []string) {
	t.Helper()
	r := spoke(t.Context(), awsSources, append([]string{"once", "--category", "secrets", "-o", "json"}, more...)...)
	r.want(t, exit, "", stderr)
	for line := range strings.Lines(r.stdout) {
		var row struct {
			AccountID string `json:"account_id"`
			Region    string
		}
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		scopes = append(scopes, row.AccountID+"/"+row.Region)
	}
	slices.Sort(scopes)
	return scopes
}

var role = []string{"--account-role", "reader", "--account-role-path", "/obs/", "--account-external-id", "secret"}

func TestOnceInAllRegions(t *testing.T) {
	_, c := organization(t)
	c.accounts[0].regions = []string{"us-east-1", region}
	if got := onceSecrets(t, program.ExitDone, "", "--region", "all"); !slices.Equal(got,
		[]string{account + "/" + region, account + "/us-east-1"}) {
		t.Errorf("collected %q", got)
	}
	if !slices.Contains(c.asked, account+" "+region+" DescribeRegions") {
		t.Errorf("the home region was not asked: %q", c.asked)
	}
	onceSecrets(t, program.ExitDone, "", "--region", "all", "--home-region", "us-east-1")
	if !slices.Contains(c.asked, account+" us-east-1 DescribeRegions") {
		t.Errorf("the home region that was given was not asked: %q", c.asked)
	}

	c.denied["DescribeRegions"] = true
	onceSecrets(t, program.ExitUsage, "allow ec2:DescribeRegions there, or name the regions with --region", "--region",
		"all")
	t.Setenv("AWS_REGION", "")
	t.Setenv("AWS_DEFAULT_REGION", "")
	onceSecrets(t, program.ExitUsage, "give --home-region, or set AWS_REGION", "--region", "all")
}

func TestOnceInSeveralAccounts(t *testing.T) {
	for name, test := range map[string]struct {
		args, stderr string
		want         []string
	}{
		"named":        {"--account " + orders + "," + account, "", []string{account, orders}},
		"organization": {"--organization", "account=" + closed + " state=SUSPENDED", []string{account, orders, payments}},
		"unit": {"--organization --organizational-unit ou-ab12-11111111", "state=SUSPENDED",
			[]string{orders, payments}},
		"without a unit": {"--organization --exclude-organizational-unit ou-ab12-22222222", "",
			[]string{account, payments}},
		"without accounts": {"--organization --exclude-account " + account + "," + closed, "", []string{orders, payments}},
		"a unit that is not there": {"--organization --exclude-organizational-unit ou-ab12-99999999", "check its id",
			[]string{account, orders, payments}},
	} {
		t.Run(name, func(t *testing.T) {
			organization(t)
			var want []string
			for _, id := range test.want {
				want = append(want, id+"/"+region)
			}
			got := onceSecrets(t, program.ExitDone, test.stderr, append(strings.Fields(test.args), role...)...)
			if !slices.Equal(got, want) {
				t.Errorf("collected %q, want %q", got, want)
			}
		})
	}
	t.Run("all regions of each", func(t *testing.T) {
		organization(t)
		got := onceSecrets(t, program.ExitDone, "", append(role, "--organization", "--region", "all")...)
		if want := []string{account + "/" + region, orders + "/" + region, orders + "/us-east-1",
			payments + "/" + region}; !slices.Equal(got, want) {
			t.Errorf("collected %q, want %q", got, want)
		}
	})
	t.Run("regions that cannot be listed", func(t *testing.T) {
		_, c := organization(t)
		c.denied["DescribeRegions"] = true
		onceSecrets(t, program.ExitUsage, "account "+orders+": --region all: the regions cannot be listed in "+region,
			append(role, "--organization", "--region", "all")...)
	})
	t.Run("a role refuses", func(t *testing.T) {
		server, _ := organization(t)
		refuse(server, payments)
		got := onceSecrets(t, program.ExitPartly, "role arn:aws:iam::"+payments+":role/obs/reader cannot be assumed",
			append(role, "--organization")...)
		if want := []string{account + "/" + region, orders + "/" + region}; !slices.Equal(got, want) {
			t.Errorf("collected %q, want %q", got, want)
		}
	})
}

// refuse makes the role of an account refuse.
func refuse(server *awsfake.Server, account string) {
	server.Inject(awsfake.Fault{Operation: "sts:AssumeRole", Effect: awsfake.Deny,
		When: func(c awsfake.Call) bool { return strings.Contains(string(c.Body), account) }})
}

func TestBadInputOfPull(t *testing.T) {
	organization(t)
	for args, want := range map[string]string{
		"--account 1234":                                                `--account "1234" is not the id of an account`,
		"--account " + orders + "," + orders:                            "is given twice",
		"--account " + orders + " --organization":                       "--account and --organization: give one of them",
		"--exclude-account " + orders:                                   "need --organization",
		"--organizational-unit ou-ab12-11111111":                        "need --organization",
		"--organization --organizational-unit prod":                     "is not the id of an organizational unit",
		"--account-role reader":                                         "need --account or --organization",
		"--account " + orders + " --account-role arn:aws:iam::1:role/x": "is not the name of a role",
		"--account " + orders + " --account-role-path obs":              "is not a path",
		"--account " + orders + " --stream observability":               "give the stream's ARN",
		"--region all --region " + region:                               "leave the others out",
		"--organization --organizational-unit ou-ab12-99999999": "--organizational-unit ou-ab12-99999999: no account of " +
			"the " +
			"organization is in or below it",
		"--organization --exclude-account " + account + "," + orders + "," + payments: "none is active and asked for",
		"--account " + orders: "role arn:aws:iam::" + orders + ":role/spoke cannot be assumed: it does not exist " +
			"(--account-role), or its trust policy does not name arn:aws:iam::" + account + ":",
		"--account " + orders + " --account-role reader --account-role-path /obs/": "no external id was given " +
			"(--account-external-id)",
		"--account " + orders + " --account-role reader --account-role-path /obs/ --account-external-id x": "" +
			"the external id may be wrong",
	} {
		r := spoke(t.Context(), awsSources, append([]string{"once", "--category", "secrets"}, strings.Fields(args)...)...)
		r.want(t, program.ExitUsage, "", want)
	}
	t.Run("an organization that is denied", func(t *testing.T) {
		_, c := organization(t)
		c.denied["ListAccounts"] = true
		onceSecrets(t, program.ExitUsage, "allow organizations:ListAccounts, which only the management account and "+
			"delegated "+
			"administrators can have, or name accounts with --account", "--organization")
	})
}

// TestPolicyOfAllRegions: what lists them is allowed only where they are listed.
func TestPolicyOfAllRegions(t *testing.T) {
	isolate(t)
	for args, want := range map[string]bool{"--region all": true, "--region eu-central-1": false, "": false} {
		r := spoke(t.Context(), nil, append([]string{"policy", "--category", "secrets"}, strings.Fields(args)...)...)
		r.want(t, program.ExitDone, "secretsmanager:ListSecrets", "")
		if got := strings.Contains(r.stdout, "ec2:DescribeRegions"); got != want {
			t.Errorf("%q: the listing of regions is allowed: %v\n%s", args, got, r.stdout)
		}
	}
}

func TestPlacesOfSeveralAccounts(t *testing.T) {
	several := pullFlags{Account: []string{orders, payments}}
	for _, test := range []struct {
		flags sourceFlags
		want  int
	}{
		{sourceFlags{}, 4},
		{sourceFlags{Concurrent: 2}, 2},
		{sourceFlags{pullFlags: several}, 16},
		{sourceFlags{pullFlags: several, Concurrent: 3}, 3},
	} {
		if got := test.flags.places(); got != test.want {
			t.Errorf("%+v: %d places, want %d", test.flags, got, test.want)
		}
	}
}

// TestPullSendsAsEachAccount: bucket and stream know each account by its own credentials,
// so that their policies bind it as they bind a spoke.
func TestPullSendsAsEachAccount(t *testing.T) {
	server, _ := organization(t)
	refuse(server, payments)
	var mu sync.Mutex
	var sent []string
	for _, operation := range []string{"s3:PutObject", "kinesis:PutRecords"} {
		server.Inject(awsfake.Fault{Operation: operation, Effect: awsfake.Reset, When: func(c awsfake.Call) bool {
			mu.Lock()
			defer mu.Unlock()
			if prefix := "/hub-archive/data/account=" + c.Account + "/"; operation == "s3:PutObject" &&
				!strings.HasPrefix(c.Path, prefix) {
				t.Errorf("%s writes %s", c.Account, c.Path)
			}
			sent = append(sent, operation+" by "+c.Account)
			return false
		}})
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var stdout, stderr programtest.Buffer
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, &stdout, &stderr, awsSources,
			slices.Concat([]string{"run", "--organization", "--category", "secrets",
				"--bucket", "hub-archive", "--stream", streamARN, "--jitter", "1ns"}, role))
	}()
	programtest.Eventually(t, "two runs, and a role that refuses", func() bool {
		return strings.Count(stderr.String(), "outcome=ok") == 2 && strings.Contains(stderr.String(), "cannot be assumed")
	})
	cancel()
	if got := <-code; got != program.ExitDone {
		t.Errorf("exit code %d\n%s", got, stderr.String())
	}
	for _, want := range []string{"s3:PutObject by " + account, "s3:PutObject by " + orders,
		"kinesis:PutRecords by " + account, "kinesis:PutRecords by " + orders} {
		if !slices.Contains(sent, want) {
			t.Errorf("no %s in %q", want, sent)
		}
	}
	if ends, _ := stored(t, server); len(ends) != 2 || ends[0].Outcome != schema.OK {
		t.Errorf("ends %+v", ends)
	}
	for text, n := range map[string]int{"account=" + closed + " state=SUSPENDED": 1,
		"an account is not collected\" account=" + payments: 1} {
		if got := strings.Count(stderr.String(), text); got != n {
			t.Errorf("%q is logged %d times, want %d\n%s", text, got, n, stderr.String())
		}
	}
}

// TestAccountsOfTheOrganizationAreListedPageByPage, and their number is not that of the
// requests.
func TestAccountsOfTheOrganizationAreListedPageByPage(t *testing.T) {
	_, c := organization(t)
	for i := range 100 {
		id := fmt.Sprintf("9%011d", i)
		c.accounts = append(c.accounts, cloudAccount{ID: id, State: "ACTIVE", Paths: []string{"o-a/r-ab12/" + id}})
	}
	sources, err := awsSources(t.Context(), sourceFlags{Region: []string{region},
		pullFlags: pullFlags{Organization: true}}, slog.New(slog.DiscardHandler))
	if err != nil || len(sources) != 104 || c.askedFor(account, "ListAccounts") != 2 || len(c.asked) != 2 {
		t.Errorf("%d sources, requests %q, error %v", len(sources), c.asked, err)
	}
}

// TestSessionOfARoleEndsInTheMiddleOfARun: a session lasts an hour, and a run may take
// longer.
func TestSessionOfARoleEndsInTheMiddleOfARun(t *testing.T) {
	var ahead atomic.Int64
	server, err := awsfake.New(awsfake.Config{Region: region,
		Now:   func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) },
		Roles: []awsfake.Role{{ARN: "arn:aws:iam::" + orders + ":role/spoke"}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	isolate(t, server.Environment(account)...)
	c := collector(things, nil).(collect.Collector[thing])
	c.Collect = func(ctx context.Context, env *collect.Env, emit func(thing) error) error {
		for range 2 {
			identity, err := awsconfig.Account(ctx, env.AWS)
			if err != nil {
				return err
			}
			if err := emit(thing{ID: fmt.Sprint(identity.Account, " after ", time.Duration(ahead.Load()))}); err != nil {
				return err
			}
			ahead.Add(int64(2 * time.Hour))
		}
		return nil
	}
	find := func(ctx context.Context, f sourceFlags, log *slog.Logger) ([]source, error) {
		sources, err := awsSources(ctx, f, log)
		for i := range sources {
			sources[i].collectors = []collect.Any{c}
		}
		return sources, err
	}
	r := spoke(t.Context(), find, "once", "--account", orders, "-o", "json")
	r.want(t, program.ExitDone, orders+" after 2h0m0s", "")
	if n := server.Calls("sts:AssumeRole"); n != 2 {
		t.Errorf("the role was assumed %d times", n)
	}
}
