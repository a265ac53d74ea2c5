package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awskinesis "github.com/aws/aws-sdk-go-v2/service/kinesis"
	kinesistypes "github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/lib/awsconfig"
	"github.com/hubspoke/observability/lib/awsfake"
	"github.com/hubspoke/observability/lib/envelope"
	"github.com/hubspoke/observability/lib/schema"
)

// person has personal data in its key and besides it.
type person struct {
	ARN   string  `col:"arn,key,personal=identity"`
	Name  *string `col:"name,personal=identity"`
	Email *string `col:"email,personal=contact"`
	Team  *string `col:"team"`
}

var (
	persons = schema.Of[person](schema.Spec{Name: "persons", Mode: schema.Snapshot})
	jane    = person{ARN: "arn:canary", Name: new("canary"), Email: new("canary@example.com"), Team: new("red")}
)

const hmacKey = "arn:aws:kms:eu-west-1:444455556666:key/mrk-0123456789abcdef0123456789abcdef"

// keyService is a stand-in for KMS. It makes MACs as long as status is 200.
func keyService(t *testing.T, status int) (requests *atomic.Int64) {
	t.Helper()
	requests = new(atomic.Int64)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		body, err := io.ReadAll(r.Body)
		var in struct {
			KeyId, MacAlgorithm string
			Message             []byte
		}
		if err != nil || json.Unmarshal(body, &in) != nil || r.Header.Get("X-Amz-Target") != "TrentService.GenerateMac" ||
			in.KeyId != hmacKey || in.MacAlgorithm != "HMAC_SHA_256" || string(in.Message) != keyMessage ||
			!strings.Contains(r.Header.Get("Authorization"), "/eu-west-1/kms/") {
			t.Errorf("request %s %s", r.Header, body)
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.WriteHeader(status)
		if status != http.StatusOK {
			fmt.Fprint(w, `{"__type":"AccessDeniedException","message":"not authorized to perform: kms:GenerateMac"}`)
			return
		}
		mac := bytes.Repeat([]byte("m"), 32)
		fmt.Fprintf(w, `{"KeyId":%q,"Mac":%q,"MacAlgorithm":"HMAC_SHA_256"}`, in.KeyId,
			base64.StdEncoding.EncodeToString(mac))
	}))
	t.Cleanup(server.Close)
	t.Setenv("AWS_ENDPOINT_URL_KMS", server.URL)
	return requests
}

// everything returns the bytes of all records and objects, and the rows in the records.
func everything(t *testing.T, server *awsfake.Server) (raw, rows string) {
	t.Helper()
	cfg := server.AWSConfig(hub, region)
	client, decoder := awskinesis.NewFromConfig(cfg), envelope.NewDecoder()
	defer decoder.Close()
	shards, err := client.ListShards(t.Context(), &awskinesis.ListShardsInput{StreamName: aws.String("observability")})
	if err != nil {
		t.Fatal(err)
	}
	for _, shard := range shards.Shards {
		at, err := client.GetShardIterator(t.Context(), &awskinesis.GetShardIteratorInput{ShardId: shard.ShardId,
			StreamName: aws.String("observability"), ShardIteratorType: kinesistypes.ShardIteratorTypeTrimHorizon})
		if err != nil {
			t.Fatal(err)
		}
		got, err := client.GetRecords(t.Context(), &awskinesis.GetRecordsInput{ShardIterator: at.ShardIterator})
		if err != nil {
			t.Fatal(err)
		}
		for _, record := range got.Records {
			raw += string(record.Data)
			parsed, err := envelope.Parse(record.Data)
			if err != nil {
				t.Fatal(err)
			}
			if parsed.Part == nil {
				continue
			}
			body, err := decoder.Body(nil, parsed.Part, parsed.Body)
			if err != nil {
				t.Fatal(err)
			}
			rows += string(body)
		}
	}
	for _, key := range objects(t, server) {
		object, err := awsconfig.S3(cfg).GetObject(t.Context(),
			&s3.GetObjectInput{Bucket: aws.String("hub-archive"), Key: aws.String(key)})
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(object.Body)
		if err != nil {
			t.Fatal(err)
		}
		raw += string(data)
	}
	return raw, rows
}

// TestPersonalDataIsNotSent: by a key of KMS, which is asked once, nothing of it is in what is
// sent, printed or logged; and what is printed is what is sent.
func TestPersonalDataIsNotSent(t *testing.T) {
	server := fake(t)
	asked := keyService(t, http.StatusOK)
	repeated := jane
	repeated.Team = new("blue") // is refused, and named
	find := fixed(collector(persons, nil, jane, repeated))
	args := []string{"once", "-o", "json", "--personal", "contact=drop,identity=hash", "--personal-key-arn", hmacKey}
	printed := spoke(t.Context(), find, args...)
	sent := spoke(t.Context(), find, append(args, "--stream", streamARN, "--stream-role-arn", roleARN, "--external-id",
		"secret", "--bucket", "hub-archive")...)
	raw, rows := everything(t, server)
	printed.want(t, program.ExitPartly, strings.TrimSpace(rows), "contact:drop,identity:hash")
	sent.want(t, program.ExitPartly, `"refused_rows": 1`, "changes once")
	for where, text := range map[string]string{
		"sent": raw, "rows": rows, "printed": printed.stdout, "logged": printed.stderr, "results": sent.stdout,
		"log": sent.stderr,
	} {
		if strings.Contains(text, "canary") {
			t.Errorf("the canary is in what is %s\n%s", where, text)
		}
	}
	if !strings.Contains(rows, `"arn":"h1_`) || !strings.Contains(rows, `"team":"red"`) ||
		strings.Contains(rows, "email") {
		t.Errorf("the rows are %s", rows)
	}
	if n := asked.Load(); n != 2 {
		t.Errorf("KMS is asked %d times in two starts", n)
	}
}

// TestKeyOfFile: the same file is the same pseudonym, with and without a line break at its end.
func TestKeyOfFile(t *testing.T) {
	isolate(t)
	name := filepath.Join(t.TempDir(), "key")
	row := func(key string) string {
		if err := os.WriteFile(name, []byte(key), 0o600); err != nil {
			t.Fatal(err)
		}
		r := spoke(t.Context(), fixed(collector(persons, nil, jane)), "once", "-o", "json", "--personal", "identity=hash",
			"--personal-key-file", name)
		r.want(t, program.ExitDone, `"arn":"h1_`, "")
		return r.stdout
	}
	key := strings.Repeat("k", 32)
	if row(key) != row(key+"\r\n") {
		t.Error("a line break changes the pseudonym")
	}
	if row(key) == row(key+"k") {
		t.Error("two keys make one pseudonym")
	}
}

func TestFaultsOfPersonalFlags(t *testing.T) {
	isolate(t, "AWS_REGION="+region)
	short := filepath.Join(t.TempDir(), "short")
	if err := os.WriteFile(short, []byte("0123456789\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ args, stderr string }{
		{"--personal shoes=drop", `unknown class of personal data "shoes"; use one of [contact identity network text]`},
		{"--personal contact=shred", `unknown action "shred" for contact; use one of [keep hash drop]`},
		{"--personal contact=hash", "hash needs a key: give --personal-key-arn"},
		{"--personal contact", `expected "<key>=<value>"`},
		{"--personal identity=drop",
			"--personal: column arn of persons (class identity): it is in the key, and can be kept or hashed: " +
				"give --personal identity=hash, or leave the category out with --exclude persons"},
		{"--personal contact=hash --personal-key-arn " + hmacKey + " --personal-key-file x", "give one of them"},
		{"--personal contact=drop --personal-key-arn " + hmacKey, "without a class that is hashed"},
		{"--personal contact=drop --personal-key-file x", "without a class that is hashed"},
		{"--personal contact=hash --personal-key-arn alias/pseudonyms", "is not an ARN of kms, such as"},
		{"--personal contact=hash --personal-key-arn arn:aws:kms:eu-west-1:444455556666:alias/x", "is not the ARN of a key"},
		{"--personal contact=hash --personal-key-file " + short, "must have 32 to 4096 bytes: make one with"},
		{"--personal contact=hash --personal-key-file /no/such/file", "no such file"},
	} {
		for _, command := range []string{"once", "run --stream observability"} {
			spoke(t.Context(), fixed(collector(persons, nil, jane)), strings.Fields(command+" "+test.args)...).want(t,
				program.ExitUsage, "", test.stderr)
		}
	}
	// The one that is left out needs no key.
	spoke(t.Context(), fixed(collector(persons, nil, jane), collector(things, nil, thing{ID: "a"})), "once", "--exclude",
		"persons", "--personal", "identity=drop").want(t, program.ExitDone, "a", "")
}

func TestKeyThatKMSRefuses(t *testing.T) {
	fake(t)
	keyService(t, http.StatusBadRequest)
	spoke(t.Context(), fixed(collector(persons, nil, jane)), "once", "--personal", "identity=hash", "--personal-key-arn",
		hmacKey).want(t, program.ExitUsage, "", "must allow kms:GenerateMac")
}

// TestRunHasThePolicy, too.
func TestRunHasThePolicy(t *testing.T) {
	server := fake(t)
	keyService(t, http.StatusOK)
	r := spoke(t.Context(), fixed(collector(persons, nil, jane)), "run", "--duration", "1s", "--jitter", "1ns", "--stream",
		streamARN, "--stream-role-arn", roleARN, "--external-id", "secret", "--personal", "identity=hash,contact=drop",
		"--personal-key-arn", hmacKey)
	r.want(t, program.ExitDone, "", "contact:drop,identity:hash")
	raw, rows := everything(t, server)
	if strings.Contains(raw+rows+r.stderr, "canary") || !strings.Contains(rows, `"arn":"h1_`) {
		t.Errorf("sent %s\nlogged %s", rows, r.stderr)
	}
}
