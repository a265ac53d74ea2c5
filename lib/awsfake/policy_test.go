package awsfake_test

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/hubspoke/observability/lib/awsfake"
)

func allow(principal, actions, resource string) string {
	return fmt.Sprintf(
		`{"Version": "2012-10-17", "Statement": [{"Sid": "x", "Effect": "Allow", "Principal": {"AWS": %s}, "Action": %s, "Resource": %q}]}`, principal, actions, resource)
}

func TestResourcePolicyDecidesAcrossAccounts(t *testing.T) {
	s := start(t, awsfake.Config{Roles: []awsfake.Role{{ARN: "arn:aws:iam::" + spoke + ":role/spoke"}}})
	owner := createEvents(t, s, 1)
	role := must(sts.NewFromConfig(once(s, spoke)).AssumeRole(t.Context(),
		&sts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::" + spoke + ":role/spoke"),
			RoleSessionName: aws.String("me")}))(t).Credentials
	asRole := once(s, spoke)
	asRole.Credentials = credentials.NewStaticCredentialsProvider(*role.AccessKeyId, *role.SecretAccessKey,
		*role.SessionToken)

	send := func(k *kinesis.Client) error {
		_, err := k.PutRecords(t.Context(), &kinesis.PutRecordsInput{StreamARN: &events,
			Records: []types.PutRecordsRequestEntry{{PartitionKey: aws.String("k"), Data: []byte("x")}}})
		return err
	}
	user, session := kinesisAs(s, spoke), kinesis.NewFromConfig(asRole)
	if err := send(owner); err != nil {
		t.Fatal(err)
	}
	wantCode(t, send(user), "AccessDeniedException",
		"User: arn:aws:iam::222222222222:user/awsfake is not authorized to perform: kinesis:PutRecords on resource: "+events)

	root := `"arn:aws:iam::` + spoke + `:root"`
	for name, c := range map[string]struct {
		policy        string
		user, session bool
	}{
		"account root":      {allow(root, `["kinesis:PutRecord", "kinesis:PutRecords"]`, events), true, true},
		"account id":        {allow(`["333333333333", "`+spoke+`"]`, `"kinesis:Put*"`, events), true, true},
		"everyone":          {allow(`"*"`, `"kinesis:*"`, "arn:aws:kinesis:*:*:stream/ev?nts"), true, true},
		"the role":          {allow(`"arn:aws:iam::`+spoke+`:role/spoke"`, `"kinesis:PutRecords"`, events), false, true},
		"other account":     {allow(`"333333333333"`, `"kinesis:PutRecords"`, events), false, false},
		"other action":      {allow(root, `"kinesis:PutRecord"`, events), false, false},
		"other resource":    {allow(root, `"kinesis:PutRecords"`, events+"2"), false, false},
		"deny wins":         {`{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "kinesis:*", "Resource": "*"}, {"Effect": "Deny", "Principal": {"AWS": ` + root + `}, "Action": "kinesis:putrecords", "Resource": "*"}]}`, false, false},
		"only another user": {allow(`"arn:aws:iam::`+spoke+`:user/other"`, `"*"`, "*"), false, false},
	} {
		t.Run(name, func(t *testing.T) {
			must(owner.PutResourcePolicy(t.Context(), &kinesis.PutResourcePolicyInput{ResourceARN: &events,
				Policy: &c.policy}))(t)
			for who, k := range map[string]*kinesis.Client{"user": user, "session": session} {
				want := c.user
				if who == "session" {
					want = c.session
				}
				if err := send(k); (err == nil) != want {
					t.Errorf("%s: got %v, want allowed: %t", who, err, want)
				} else if err != nil {
					wantCode(t, err, "AccessDeniedException", "no resource-based policy allows")
				}
			}
		})
	}

	// Whatever the policy says, only the owner may change it.
	must(owner.PutResourcePolicy(t.Context(), &kinesis.PutResourcePolicyInput{ResourceARN: &events,
		Policy: aws.String(allow(`"*"`, `"*"`, "*"))}))(t)
	_, err := user.PutResourcePolicy(t.Context(),
		&kinesis.PutResourcePolicyInput{ResourceARN: &events, Policy: aws.String(allow(root, `"*"`, "*"))})
	wantCode(t, err, "AccessDeniedException", "PutResourcePolicy")
	must(owner.DeleteResourcePolicy(t.Context(), &kinesis.DeleteResourcePolicyInput{ResourceARN: &events}))(t)
	wantCode(t, send(session), "AccessDeniedException", "assumed-role/spoke/me")
	if p := must(owner.GetResourcePolicy(t.Context(),
		&kinesis.GetResourcePolicyInput{ResourceARN: &events}))(t).Policy; *p != "" {
		t.Fatalf("got the policy %s", *p)
	}
}

func TestConsumerOfAnotherAccount(t *testing.T) {
	s := start(t, awsfake.Config{})
	owner := createEvents(t, s, 1)
	put(t, owner, "k", "x")
	must(owner.PutResourcePolicy(t.Context(), &kinesis.PutResourcePolicyInput{ResourceARN: &events,
		Policy: aws.String(allow(`"`+spoke+`"`, `["kinesis:ListShards", "kinesis:GetShardIterator", "kinesis:GetRecords"]`,
			events))}))(t)
	k := kinesisAs(s, spoke)
	equal(t, "shards", shardIDs(t, k), []string{"shardId-000000000000"})
	it := horizon(t, k, "shardId-000000000000")
	data, _ := read(t, k, it)
	equal(t, "data", data, []string{"x"})

	must(owner.DeleteResourcePolicy(t.Context(), &kinesis.DeleteResourcePolicyInput{ResourceARN: &events}))(t)
	_, err := k.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: it})
	wantCode(t, err, "AccessDeniedException", "kinesis:GetRecords")
}

func TestPoliciesThatCannotBeEvaluatedAreRefused(t *testing.T) {
	s := start(t, awsfake.Config{})
	k := createEvents(t, s, 1)
	for name, policy := range map[string]string{
		"no JSON":        `{`,
		"no statement":   `{"Statement": []}`,
		"condition":      `{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*", "Condition": {}}]}`,
		"not principal":  `{"Statement": [{"Effect": "Allow", "NotPrincipal": "*", "Action": "*", "Resource": "*"}]}`,
		"no resource":    `{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*"}]}`,
		"effect":         `{"Statement": [{"Effect": "Perhaps", "Principal": "*", "Action": "*", "Resource": "*"}]}`,
		"bare principal": `{"Statement": [{"Effect": "Allow", "Principal": "x", "Action": "*", "Resource": "*"}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := k.PutResourcePolicy(t.Context(), &kinesis.PutResourcePolicyInput{ResourceARN: &events, Policy: &policy})
			wantCode(t, err, "InvalidArgumentException", "Invalid policy document")
		})
	}
}
