package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/hubspoke/observability/lib/awsconfig"
	"github.com/hubspoke/observability/lib/awsfake"
)

// accountSize is how much a large account has.
type accountSize struct {
	findings, nodes, applications, resources int // applications are those of each node
	page                                     int // of most lists
}

func (a accountSize) rows() int { return a.findings + a.nodes*a.applications + a.resources }

// measureAccount has spoke collect the largest categories of one account at the same time,
// once. Each page must be asked for exactly once.
func measureAccount(ctx context.Context, program string, s size) (usage, error) {
	a := s.account
	u := usage{
		what: fmt.Sprintf("spoke once, %d findings, %d applications, %d resources", a.findings, a.nodes*a.applications,
			a.resources),
		limit: 160 << 20, count: a.rows(), unit: "rows",
	}
	server, err := awsfake.New(awsfake.Config{Region: region})
	if err != nil {
		return u, err
	}
	defer server.Close()
	if err := createStream(ctx, server, account, 4); err != nil {
		return u, err
	}
	if _, err := awsconfig.S3(server.AWSConfig(account, region)).CreateBucket(ctx,
		&s3.CreateBucketInput{Bucket: aws.String(bucketName)}); err != nil {
		return u, err
	}
	served, err := serveAccount(a, http.NotFound)
	if err != nil {
		return u, err
	}
	defer served.Close()
	var env []string
	for _, service := range []string{"SECURITYHUB", "SSM", "CONFIG_SERVICE"} {
		env = append(env, "AWS_ENDPOINT_URL_"+service+"="+served.url)
	}
	cmd, err := command(ctx, append(server.Environment(account), env...), program, "once",
		"--category", "security_findings,ssm_applications,config_resources", "--region", region,
		"--stream", streamName, "--bucket", bucketName, "--output", "json")
	if err != nil {
		return u, err
	}
	began := time.Now()
	spoke, err := start(cmd)
	if err != nil {
		return u, err
	}
	<-spoke.ended
	u.elapsed, u.memory = time.Since(began), spoke.memory.Load()
	if spoke.err != nil {
		return u, fmt.Errorf("%w, see %s", spoke.err, cmd.Stderr.(*os.File).Name())
	}
	return u, served.check(a)
}

// servedAccount answers Security Hub, Systems Manager and Config, and keeps nothing but the
// number of requests by operation.
type servedAccount struct {
	*http.Server
	url string

	mu    sync.Mutex
	asked map[string]int
}

// serveAccount answers other requests by other.
func serveAccount(a accountSize, other http.HandlerFunc) (*servedAccount, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &servedAccount{url: "http://" + listener.Addr().String(), asked: map[string]int{}}
	s.Server = &http.Server{Handler: s.handler(a, other), ReadHeaderTimeout: time.Minute}
	go s.Serve(listener) //nolint:errcheck // it ends with Close
	return s, nil
}

func (s *servedAccount) handler(a accountSize, other http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		var in struct{ NextToken string }
		_ = json.Unmarshal(body, &in) // of another form: there is no next page
		_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
		if operation == "" {
			operation = strings.TrimPrefix(r.URL.Path, "/")
		}
		s.mu.Lock()
		s.asked[operation]++
		s.mu.Unlock()
		from, _ := strconv.Atoi(in.NextToken) // empty is the first page
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		switch operation {
		case "findings":
			w.Write(findingsPage(from, min(from+a.page, a.findings), a.findings))
		case "DescribeInstanceInformation":
			w.Write(page("InstanceInformationList", from, 50, a.nodes, func(b []byte, i int) []byte {
				return fmt.Appendf(b, `{"InstanceId":"i-%017x","PingStatus":"Online"}`, i)
			}))
		case "ListInventoryEntries":
			w.Write(page("Entries", from, a.page, a.applications, func(b []byte, i int) []byte {
				return fmt.Appendf(b, application, i)
			}))
		case "SelectResourceConfig":
			w.Write(page("Results", from, a.page, a.resources, func(b []byte, i int) []byte {
				return strconv.AppendQuote(b, fmt.Sprintf(resource, i, region, account))
			}))
		default:
			other(w, r)
		}
	}
}

// page returns the page of a list of n things that begins with the given one.
func page(list string, from, most, n int, appendOne func(b []byte, i int) []byte) []byte {
	b := fmt.Appendf(nil, `{%q:[`, list)
	to := min(from+most, n)
	for i := from; i < to; i++ {
		if i > from {
			b = append(b, ',')
		}
		b = appendOne(b, i)
	}
	b = append(b, ']')
	if to < n {
		b = fmt.Appendf(b, `,"NextToken":"%d"`, to)
	}
	return append(b, '}')
}

// check compares the requests with the pages that there are.
func (s *servedAccount) check(a accountSize) error {
	pages := func(n, most int) int { return (n + most - 1) / most }
	want := map[string]int{
		"findings":                    pages(a.findings, a.page),
		"DescribeInstanceInformation": pages(a.nodes, 50),
		"ListInventoryEntries":        a.nodes * pages(a.applications, a.page),
		"SelectResourceConfig":        pages(a.resources, a.page),
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for operation, n := range want {
		if s.asked[operation] != n {
			return fmt.Errorf("%s was asked for %d pages %d times", operation, n, s.asked[operation])
		}
	}
	if len(s.asked) != len(want) {
		return fmt.Errorf("asked for %v, and not only for the pages of %v", s.asked, want)
	}
	return nil
}

const application = `{"ApplicationType":"System Environment/Libraries","Architecture":"x86_64","Epoch":"1",
"InstalledTime":"2026-09-01T10:11:12Z","Name":"package-%06[1]d","PackageId":"package-%06[1]d-3.0.8-1.amzn2023.src.rpm",
"Publisher":"Amazon Linux","Release":"1.amzn2023","URL":"https://packages.example.com/%06[1]d","Version":"3.0.8"}`

const resource = `{"resourceType":"AWS::EC2::NetworkInterface","resourceId":"eni-%017[1]x","resourceName":"eni-%[1]d",` +
	`"arn":"arn:aws:ec2:%[2]s:%[3]s:network-interface/eni-%017[1]x","accountId":"%[3]s","awsRegion":"%[2]s",` +
	`"availabilityZone":"%[2]sa","configurationItemCaptureTime":"2026-10-19T20:11:01.002Z",` +
	`"configurationItemStatus":"ResourceDiscovered","tags":[{"key":"team","value":"orders"}],` +
	`"configuration":{"status":"in-use","vpcId":"vpc-0a1b2c3d4e5f60718"}}`
