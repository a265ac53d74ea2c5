package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/jackc/pgx/v5"

	"github.com/hubspoke/observability/lib/awsfake"
	"github.com/hubspoke/observability/lib/pgtest/pgserver"
	"github.com/hubspoke/observability/lib/stream/kcl"
)

const (
	// idleGoal is how long a change may take from its event to its row where nothing was collected
	// for a while, and stormGoal the last one of a storm: the spoke leaves a scope alone for
	// hintGap after a run.
	idleGoal  = 5 * time.Second
	stormGoal = 68 * time.Second
	hintGap   = time.Minute
	// stormTime is how long a storm takes: the first run begins meanwhile, and the last change has
	// to wait for the next one.
	stormTime = 3 * time.Second
	queueName = "spoke-events"
)

// told is a category with one thing, and how AWS tells that it changed.
type told struct {
	category, column string // that shows how often it changed
	source, kind     string // of the event
	call             string // of an event of CloudTrail
	operation        string // that lists the thing
	answer           string // %d is how often it changed
}

const byCloudTrail = "AWS API Call via CloudTrail"

var toldOf = []told{
	{"secrets", "description", "aws.secretsmanager", byCloudTrail, "UpdateSecret", "ListSecrets",
		`{"SecretList":[{"ARN":"arn:aws:secretsmanager:eu-central-1:111122223333:secret:a-AbCdEf","Name":"a",` +
			`"Description":"%d"}]}`},
	{"lambda_functions", "description", "aws.lambda", byCloudTrail, "UpdateFunctionConfiguration20150331v2",
		"2015-03-31/functions", `{"Functions":[{"FunctionArn":"arn:aws:lambda:eu-central-1:111122223333:function:a",` +
			`"FunctionName":"a","Description":"%d"}]}`},
	{"ssm_instances", "computer_name", "aws.ssm", "SSM Managed Instance Registration", "", "DescribeInstanceInformation",
		`{"InstanceInformationList":[{"InstanceId":"i-0123456789abcdef0","ComputerName":"%d"}]}`},
	{"security_findings", "title", "aws.securityhub", "Security Hub Findings - Imported", "", "findings",
		`{"Findings":[{"Id":"a","ProductArn":"arn:aws:securityhub:eu-central-1::product/aws/securityhub","GeneratorId":"a",` +
			`"AwsAccountId":"111122223333","Title":"%d"}]}`},
	{"ebs_volumes", "size_gb", "aws.ec2", "EBS Volume Notification", "", "DescribeVolumes",
		`<DescribeVolumesResponse><volumeSet><item><volumeId>vol-0123456789abcdef0</volumeId><size>%d</size></item>` +
			`</volumeSet></DescribeVolumesResponse>`},
}

// event returns an event of EventBridge that tells of a change now.
func (t told) event() string {
	event := map[string]any{"source": t.source, "detail-type": t.kind, "account": account, "region": region,
		"time": time.Now().UTC().Format(time.RFC3339Nano), "detail": map[string]string{"eventName": t.call}}
	text, _ := json.Marshal(event) // texts alone
	return string(text)
}

// things are what the account has, one for each category.
type things struct {
	*http.Server
	url string

	mu      sync.Mutex
	changes map[string]int // by category
	asked   map[string]int
}

func serveThings() (*things, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &things{url: "http://" + listener.Addr().String(), changes: map[string]int{}, asked: map[string]int{}}
	s.Server = &http.Server{Handler: s, ReadHeaderTimeout: time.Minute}
	go s.Serve(listener) //nolint:errcheck // it ends with Close
	return s, nil
}

// ServeHTTP answers a list of any category.
func (s *things) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if operation == "" {
		operation = strings.Trim(r.URL.Path, "/")
	}
	for _, t := range toldOf {
		if operation == t.operation || bytes.Contains(body, []byte("Action="+t.operation+"&")) {
			s.mu.Lock()
			changes := s.changes[t.category]
			s.asked[t.category]++
			s.mu.Unlock()
			fmt.Fprintf(w, t.answer, changes+1)
			return
		}
	}
	deny(w, r)
}

// change changes the thing of a category, and returns what its column says from now on.
func (s *things) change(category string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changes[category]++
	return strconv.Itoa(s.changes[category] + 1)
}

// runs is how often a category was listed.
func (s *things) runs(category string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[category]
}

// eventBench is a spoke and a hub at work.
type eventBench struct {
	things *things
	queue  *sqs.Client
	url    string // of the queue
	db     *pgx.Conn
	spoke  *process
}

// measureEvents measures the time from an event to the row that shows the change: where nothing
// was collected for a while, and of the last of very many events.
func measureEvents(ctx context.Context, program, hubProgram string, s size) (figures []figure, err error) {
	server, err := awsfake.New(awsfake.Config{Region: region})
	if err != nil {
		return nil, err
	}
	defer server.Close()
	streamARN, err := makeDestinations(ctx, server)
	if err != nil {
		return nil, err
	}
	if err := kcl.CreateLeaseTable(ctx, dynamodb.NewFromConfig(server.AWSConfig(hubAccount, region)),
		leaseTable); err != nil {
		return nil, err
	}
	b := eventBench{queue: sqs.NewFromConfig(server.AWSConfig(account, region)),
		url: awsfake.QueueURL(account, region, queueName)}
	if _, err := b.queue.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String(queueName)}); err != nil {
		return nil, err
	}
	if b.things, err = serveThings(); err != nil {
		return nil, err
	}
	defer b.things.Close()
	postgres, err := pgserver.Start(ctx, pgserver.Config{})
	if err != nil {
		return nil, err
	}
	defer postgres.Stop()
	hub, err := startHub(ctx, server, postgres.URL(), hubProgram)
	if err != nil {
		return nil, err
	}
	defer stopped(hub, &err)
	if b.db, err = pgx.Connect(ctx, postgres.URL()); err != nil {
		return nil, err
	}
	defer b.db.Close(ctx)
	if b.spoke, err = b.startSpoke(ctx, server, program, streamARN); err != nil {
		return nil, err
	}
	defer stopped(b.spoke, &err)
	return b.measure(ctx, s.events)
}

// stopped stops a program, and makes it an error if it fails.
func stopped(p *process, err *error) {
	if stopErr := p.stop(); *err == nil {
		*err = stopErr
	}
}

func (b *eventBench) startSpoke(ctx context.Context, server *awsfake.Server, program, streamARN string) (*process,
	error) {
	env := append(server.Environment(account), "AWS_ENDPOINT_URL="+b.things.url)
	for _, service := range []string{"STS", "S3", "KINESIS", "SQS"} {
		env = append(env, "AWS_ENDPOINT_URL_"+service+"="+server.URL())
	}
	var categories []string
	for _, t := range toldOf {
		categories = append(categories, t.category)
	}
	cmd, err := command(ctx, env, program, "run", "--category", strings.Join(categories, ","), "--region", region,
		"--jitter", "1s", "--stream", streamARN, "--bucket", bucketName, "--events", b.url, "--log-format", "json")
	if err != nil {
		return nil, err
	}
	return start(cmd)
}

// measure is of one event for each category, and of a storm of n.
func (b *eventBench) measure(ctx context.Context, n int) ([]figure, error) {
	for _, t := range toldOf {
		if err := b.await(ctx, t, "1"); err != nil {
			return nil, err
		}
	}
	if err := wait(ctx, hintGap+time.Second); err != nil {
		return nil, err
	}
	var slowest time.Duration
	for _, t := range toldOf {
		want, began := b.things.change(t.category), time.Now()
		if err := b.tell(ctx, t, 1); err != nil {
			return nil, err
		}
		if err := b.await(ctx, t, want); err != nil {
			return nil, err
		}
		slowest = max(slowest, time.Since(began))
	}
	idle := atMost(fmt.Sprintf("an event to its row, slowest of %d idle scopes", len(toldOf)), slowest, idleGoal)

	if err := wait(ctx, hintGap+time.Second); err != nil {
		return nil, err
	}
	storm, err := b.storm(ctx, toldOf[0], n)
	return append([]figure{idle}, storm...), err
}

// storm changes the thing of a category n times, and tells of each.
func (b *eventBench) storm(ctx context.Context, t told, n int) ([]figure, error) {
	var want string
	before, began := b.things.runs(t.category), time.Now()
	for sent := 0; sent < n; sent += batchSize {
		for range batchSize {
			want = b.things.change(t.category)
		}
		if err := b.tell(ctx, t, batchSize); err != nil {
			return nil, err
		}
		if err := wait(ctx, time.Until(began.Add(stormTime*time.Duration(sent+batchSize)/time.Duration(n)))); err != nil {
			return nil, err
		}
	}
	last := time.Now()
	if err := b.await(ctx, t, want); err != nil {
		return nil, err
	}
	took := time.Since(last)
	runs, allowed := b.things.runs(t.category)-before, 1+int(time.Since(began)/hintGap)
	return []figure{
		atMost(fmt.Sprintf("the last of %d events to its row", n), took, stormGoal),
		{fmt.Sprintf("runs of its scope in %.0f s", time.Since(began).Seconds()), strconv.Itoa(runs),
			fmt.Sprintf("≤ %d", allowed), runs <= allowed},
	}, nil
}

// batchSize is how many messages SQS takes at once.
const batchSize = 10

// tell puts events into the queue, batchSize at most.
func (b *eventBench) tell(ctx context.Context, t told, n int) error {
	in := &sqs.SendMessageBatchInput{QueueUrl: &b.url}
	for i := range n {
		in.Entries = append(in.Entries, types.SendMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)),
			MessageBody: aws.String(t.event())})
	}
	out, err := b.queue.SendMessageBatch(ctx, in)
	if err == nil && len(out.Failed) > 0 {
		err = fmt.Errorf("%d messages were refused: %s", len(out.Failed), aws.ToString(out.Failed[0].Message))
	}
	return err
}

// await waits until the row of a category shows a change.
func (b *eventBench) await(ctx context.Context, t told, want string) error {
	var got *string
	err := b.spoke.await(ctx, func() (bool, error) {
		err := b.db.QueryRow(ctx, fmt.Sprintf("SELECT max(%s::text) FROM obs.%s", t.column, t.category)).Scan(&got)
		return got != nil && *got == want, err
	})
	if err != nil {
		return fmt.Errorf("%s: wait for %s, there is %s: %w", t.category, want, aws.ToString(got), err)
	}
	return nil
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
