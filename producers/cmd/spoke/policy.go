package main

import (
	"cmp"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/lib/archive"
	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/producers/collectors"
	"github.com/hubspoke/observability/producers/policy"
)

// policyCommand prints the IAM policies that a spoke needs.
type policyCommand struct {
	Category       []string           `placeholder:"NAME" help:"Category to collect; repeat it or separate with commas. Defaults to all: see 'spoke categories'."`
	Exclude        []string           `placeholder:"NAME" help:"Category not to collect, of all there are; repeat it or separate with commas. Defaults to none."`
	Region         []string           `placeholder:"REGION" help:"Regions to collect, as for 'spoke run': with all, their listing is allowed, too."`
	Stream         string             `aliases:"stream-arn" placeholder:"ARN" help:"Kinesis data stream of the hub: its ARN, or its name if it is in the spoke's account."`
	StreamRoleARN  string             `name:"stream-role-arn" placeholder:"ARN" help:"Role that the spoke assumes for writing into the stream. Defaults to none."`
	Bucket         program.BucketName `placeholder:"NAME" help:"S3 bucket that keeps all rows as Parquet."`
	BucketPrefix   string             `placeholder:"PREFIX" help:"Prefix of all keys in the bucket, with a slash at its end. Defaults to data/."`
	KMSKey         []string           `name:"kms-key" aliases:"kms-key-id" env:"SPOKE_KMS_KEY,SPOKE_KMS_KEY_ID" placeholder:"ARN" help:"KMS key that encrypts the stream or the objects; repeat it or separate with commas. Defaults to none."`
	Events         string             `placeholder:"ARN" help:"SQS queue with events. Defaults to none."`
	Lambda         bool               `help:"The queue is that of 'spoke lambda': Lambda asks how much is in it, and what did not fit into an invocation goes back."`
	PersonalKeyARN string             `name:"personal-key-arn" placeholder:"ARN" help:"KMS HMAC key from which the key of pseudonyms is made. Defaults to none."`
	Partition      string             `enum:"aws,aws-cn,aws-us-gov" default:"aws" help:"Partition of the account: ${enum}."`
	Format         string             `enum:"json,cloudformation,terraform" default:"json" help:"Format on standard output: ${enum}."`
	NoDeny         bool               `help:"Leave out the statement that denies to read values, whatever other policies allow."`
}

// Help is shown by `spoke policy -h`.
func (policyCommand) Help() string {
	return `Allows what the collectors call, and nothing else; with --stream, --bucket and --events what
the spoke sends with and hears from. AWS is not asked, and no credentials are needed.

What does not fit into one policy comes as several: with the format json one document after
the other. Attach all of them to the role of the spoke.

Examples:

  spoke policy
  spoke policy --category secrets,kms_keys --no-deny
  spoke policy --stream arn:aws:kinesis:eu-central-1:444455556666:stream/observability --bucket hub-archive
  spoke policy --bucket hub-archive --format terraform > spoke_policy.tf`
}

// Run prints the policies.
func (c policyCommand) Run(p program.Program, log *slog.Logger) error {
	if err := c.validate(); err != nil {
		return err
	}
	chosen, err := sourceFlags{Category: c.Category, Exclude: c.Exclude}.choose(collectors.All())
	if err != nil {
		return err
	}
	actions := actionsOf(chosen)
	if slices.Contains(c.Region, allRegions) {
		actions = append(actions, "ec2:DescribeRegions")
	}
	documents, err := policy.Documents(policy.Config{Actions: actions, Others: c.statements()})
	if err != nil {
		return program.Usagef("%w", err)
	}
	if len(documents) > 1 {
		log.Info("one policy is too small: attach all of these to the role of the spoke", "policies", len(documents))
	}
	switch c.Format {
	case "cloudformation":
		fmt.Fprintln(p.Stdout, policy.CloudFormation(documents))
	case "terraform":
		fmt.Fprintln(p.Stdout, policy.Terraform(documents))
	default:
		for _, d := range documents {
			fmt.Fprintln(p.Stdout, d.JSON())
		}
	}
	return nil
}

// actionsOf returns the IAM actions that collectors need.
func actionsOf(all []collect.Any) (actions []string) {
	for _, c := range all {
		actions = append(actions, collectors.Actions(c.Declaration())...)
	}
	return actions
}

func (c policyCommand) validate() error {
	_, err := destinationFlags{
		Stream: c.Stream, StreamRoleARN: c.StreamRoleARN, Bucket: c.Bucket, BucketPrefix: c.BucketPrefix,
	}.validate()
	if err != nil {
		return err
	}
	if p := c.BucketPrefix; p != "" && (!strings.HasSuffix(p, "/") || strings.HasPrefix(p, "/")) {
		return program.Usagef("--bucket-prefix %q must end and not begin with a slash", p)
	}
	for _, key := range c.KMSKey {
		if err := checkARN("--kms-key", key, "kms", "arn:aws:kms:eu-central-1:444455556666:key/<id>"); err != nil {
			return err
		}
	}
	if c.PersonalKeyARN != "" {
		if err := checkHMACKey(c.PersonalKeyARN); err != nil {
			return err
		}
	}
	if c.Lambda && c.Events == "" {
		return program.Usagef("--lambda without --events: give the ARN of the queue, or leave out --lambda")
	}
	if c.Events != "" {
		return checkARN("--events", c.Events, "sqs", "arn:aws:sqs:eu-central-1:111122223333:spoke-events")
	}
	return nil
}

func checkARN(flag, text, service, example string) error {
	if parsed, err := arn.Parse(text); err != nil || parsed.Service != service || strings.ContainsAny(text, "*? ") {
		return program.Usagef("%s %q is not an ARN of %s, such as %s", flag, text, service, example)
	}
	return nil
}

// statements returns what is allowed and denied besides collecting.
func (c policyCommand) statements() []policy.Statement {
	statements := policy.Send(policy.Destination{
		Partition: c.Partition, Stream: c.Stream, StreamRole: c.StreamRoleARN,
		Bucket: string(c.Bucket), Prefix: cmp.Or(c.BucketPrefix, archive.DefaultPrefix), Keys: c.KMSKey,
	})
	switch {
	case c.Lambda:
		statements = append(statements, policy.HearInLambda(c.Events))
	case c.Events != "":
		statements = append(statements, policy.Hear(c.Events))
	}
	if c.PersonalKeyARN != "" {
		statements = append(statements, policy.Pseudonyms(c.PersonalKeyARN))
	}
	if !c.NoDeny {
		statements = append(statements, policy.NeverValues()...)
	}
	return statements
}
