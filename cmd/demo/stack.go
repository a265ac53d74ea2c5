package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/lib/awsconfig"
	"github.com/hubspoke/observability/lib/awsfake"
	"github.com/hubspoke/observability/lib/stream/kcl"
)

const (
	region     = "eu-central-1"
	hubAccount = "444455556666"
	// spokeAccount is the account of the spoke's credentials: the one process stands for
	// the spokes of all accounts.
	spokeAccount = "111122223333"
	streamName   = "observability"
	bucket       = "observability-archive"
	leaseTable   = "observability-hub"
	queueName    = "spoke-events"
	shards       = 4
)

var (
	streamARN = awsfake.StreamARN(hubAccount, region, streamName)
	queueURL  = awsfake.QueueURL(spokeAccount, region, queueName)
)

// policy lets every account of the organisation write into the stream.
var policy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + spokeAccount +
	`:root"},` +
	`"Action":["kinesis:PutRecord","kinesis:PutRecords"],"Resource":"` + streamARN + `"}]}`

// placeFlags say where the demo finds and keeps files.
type placeFlags struct {
	Bin string `default:"bin" placeholder:"DIR" help:"Directory of the built programs spoke and hub (default: ${default})."`
	Dir string `default:".local" placeholder:"DIR" help:"Directory for logs and state (default: ${default})."`
}

// stack is what the programs need, and the programs.
type stack struct {
	out      io.Writer
	postgres *postgres
	aws      *awsfake.Server
	children *children
	kinesis  *kinesis.Client
	url      string        // of the hub's database
	db       *pgxpool.Pool // to the same
}

// startStack starts PostgreSQL and the stand-ins. The caller closes the stack.
func startStack(ctx context.Context, out io.Writer, bin, logs string) (s *stack, err error) {
	for _, name := range []string{"spoke", "hub"} {
		if _, err := os.Stat(filepath.Join(bin, name)); err != nil {
			return nil, program.Usagef("%w; run: make build", err)
		}
	}
	s = &stack{out: out}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if s.children, err = newChildren(bin, logs); err != nil {
		return s, err
	}
	if s.postgres, err = startPostgres(ctx, out); err != nil {
		return s, err
	}
	if s.url, err = s.postgres.createDatabase(ctx, "observability"); err != nil {
		return s, err
	}
	if s.db, err = pgxpool.New(ctx, s.url); err != nil {
		return s, err
	}
	if s.aws, err = awsfake.New(awsfake.Config{Region: region}); err != nil {
		return s, err
	}
	return s, s.deploy(ctx)
}

// deploy makes what somebody makes once in the hub's account: stream, policy, lease
// table, bucket; and in the spoke's account the queue of events.
func (s *stack) deploy(ctx context.Context) error {
	cfg := s.aws.AWSConfig(hubAccount, region)
	s.kinesis = kinesis.NewFromConfig(cfg)
	if _, err := s.kinesis.CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: aws.String(streamName),
		ShardCount: aws.Int32(shards)}); err != nil {
		return err
	}
	if _, err := s.kinesis.PutResourcePolicy(ctx,
		&kinesis.PutResourcePolicyInput{ResourceARN: &streamARN, Policy: &policy}); err != nil {
		return err
	}
	if err := kcl.CreateLeaseTable(ctx, dynamodb.NewFromConfig(cfg), leaseTable); err != nil {
		return err
	}
	if _, err := awsconfig.S3(cfg).CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String(bucket)}); err != nil {
		return err
	}
	_, err := sqs.NewFromConfig(s.aws.AWSConfig(spokeAccount, region)).CreateQueue(ctx,
		&sqs.CreateQueueInput{QueueName: aws.String(queueName)})
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "AWS: stand-ins in this process, at %s: the stream %s with %d shards and a policy "+
		"that lets spokes write, the lease table %s and the bucket %s; for the spoke the queue %s\n",
		s.aws.URL(), streamName, shards, leaseTable, bucket, queueName)
	return nil
}

// close ends the programs and everything else.
func (s *stack) close() error {
	var errs []error
	if s.children != nil {
		s.children.close()
	}
	if s.db != nil {
		s.db.Close()
	}
	if s.postgres != nil {
		errs = append(errs, s.postgres.close(context.Background()))
	}
	if s.aws != nil {
		errs = append(errs, s.aws.Close())
	}
	return errors.Join(errs...)
}

// hubEnv and spokeEnv are the environments of the programs.
func (s *stack) hubEnv() []string { return append(environment(), s.hubSettings()...) }

func (s *stack) hubSettings() []string {
	return append(s.aws.Environment(hubAccount), "DATABASE_URL="+s.url)
}

func (s *stack) spokeEnv() []string { return append(environment(), s.aws.Environment(spokeAccount)...) }

// environment is that of this process without what would point the programs elsewhere.
func environment() []string {
	var kept []string
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		prefix, _, _ := strings.Cut(name, "_")
		switch prefix {
		case "AWS", "SPOKE", "HUB", "DEMO", "DATABASE":
		default:
			kept = append(kept, entry)
		}
	}
	return kept
}

// exports are the lines by which a shell becomes the hub's.
func (s *stack) exports(assignment func(string) string) string {
	var b strings.Builder
	for _, entry := range s.hubSettings() {
		fmt.Fprintf(&b, "export %s\n", assignment(entry))
	}
	return b.String()
}

// assignment writes a setting as a shell reads it.
func assignment(entry string) string {
	name, value, _ := strings.Cut(entry, "=")
	return name + "=" + quote(value)
}

// shown is assignment for all to see. A password that was given is left out; that
// of the private server is what one needs to look at it.
func (s *stack) shown(entry string) string {
	if s.postgres.server == nil {
		entry = withoutPassword(entry)
	}
	return assignment(entry)
}

var passwordRE = regexp.MustCompile(`(://[^:/?#]*:)[^@/?#]*@|(password *= *)('[^']*'|\S+)`)

func withoutPassword(connection string) string {
	return passwordRE.ReplaceAllStringFunc(connection, func(found string) string {
		m := passwordRE.FindStringSubmatch(found)
		if m[1] != "" {
			return m[1] + "xxxxx@"
		}
		return m[2] + "xxxxx"
	})
}

// quote writes a word as a shell reads it.
func quote(word string) string {
	if word != "" && !strings.ContainsAny(word, " \t\n'\"\\$&|;<>()*?[]#~`!{}") {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// show prints a command line as a person would type it.
func (s *stack) show(settings []string, program string, args ...string) {
	var b strings.Builder
	b.WriteString("\n$ ")
	for _, entry := range settings {
		b.WriteString(s.shown(entry) + " \\\n  ")
	}
	b.WriteString(program)
	width := len(program) + 2
	for i := 0; i < len(args); i++ {
		word := quote(args[i])
		if strings.HasPrefix(word, "--") && i+1 < len(args) && !strings.HasPrefix(args[i+1], "--") {
			i++
			word += " " + quote(args[i])
		}
		if width += 1 + len(word); width > 100 {
			b.WriteString(" \\\n   ")
			width = 4 + len(word)
		}
		b.WriteString(" " + word)
	}
	fmt.Fprintln(s.out, b.String())
}

// hub runs a command of the hub to its end, and shows it and what it prints.
// settings are environment variables besides those that were shown at the start:
// unlike a command line they are not for everybody on the machine to see.
func (s *stack) hub(ctx context.Context, settings []string, args ...string) error {
	s.show(settings, "hub", args...)
	printed, err := s.children.run(ctx, "hub-"+args[0], append(s.hubEnv(), settings...), "hub", args...)
	fmt.Fprint(s.out, printed)
	return err
}
