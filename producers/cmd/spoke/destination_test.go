package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hubspoke/observability/internal/program"
)

// receiver takes whatever is sent to the stream and the bucket, and notes how each
// was asked: service, region and access key of the signature, and the KMS key.
type receiver struct {
	mu    sync.Mutex
	asked []string
}

var signatureRE = regexp.MustCompile(`Credential=(\w+)/\d+/([\w-]+)/(\w+)/`)

func (s *receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	signed := signatureRE.FindStringSubmatch(r.Header.Get("Authorization"))
	body, err := io.ReadAll(r.Body)
	if err != nil || signed == nil {
		http.Error(w, "not a signed request", http.StatusBadRequest)
		return
	}
	line := strings.TrimSpace(fmt.Sprint(signed[3], " ", signed[2], " ", signed[1], " ",
		r.Header.Get("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id")))
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Contains(s.asked, line) {
		s.asked = append(s.asked, line)
	}
	if signed[3] != "kinesis" {
		return
	}
	var put struct{ Records []any }
	if err := json.Unmarshal(body, &put); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	stored := strings.TrimSuffix(strings.Repeat(`{"SequenceNumber":"1","ShardId":"0"},`, len(put.Records)), ",")
	fmt.Fprintf(w, `{"FailedRecordCount":0,"Records":[%s]}`, stored)
}

// TestWhereAndHowRowsAreSent: the collected region is eu-central-1 and the home
// region us-east-1, so that no region can be taken for another.
func TestWhereAndHowRowsAreSent(t *testing.T) {
	const ownKey, sender = "AKIAOWN", "AKIASENDER"
	const kmsKey = "arn:aws:kms:ap-south-1:444455556666:key/k"
	elsewhere := strings.Replace(streamARN, region, "eu-west-3", 1)
	for name, test := range map[string]struct {
		args string
		want []string
	}{
		"region of the stream's ARN": {"--stream " + elsewhere + " --bucket hub-archive",
			[]string{"kinesis eu-west-3 " + ownKey, "s3 eu-west-3 " + ownKey}},
		"stream by name: the home region": {"--stream observability --bucket hub-archive",
			[]string{"kinesis us-east-1 " + ownKey, "s3 us-east-1 " + ownKey}},
		"bucket alone: the home region": {"--bucket hub-archive",
			[]string{"s3 us-east-1 " + ownKey}},
		"region of the bucket": {"--stream " + elsewhere + " --bucket hub-archive --bucket-region ap-south-1",
			[]string{"kinesis eu-west-3 " + ownKey, "s3 ap-south-1 " + ownKey}},
		"key of the bucket": {"--bucket hub-archive --kms-key-id " + kmsKey,
			[]string{"s3 us-east-1 " + ownKey + " " + kmsKey}},
		"profile": {"--stream " + elsewhere + " --bucket hub-archive --profile sender",
			[]string{"kinesis eu-west-3 " + sender, "s3 eu-west-3 " + sender}},
	} {
		t.Run(name, func(t *testing.T) {
			to := &receiver{}
			server := httptest.NewServer(to)
			defer server.Close()
			credentials := filepath.Join(t.TempDir(), "credentials")
			if err := os.WriteFile(credentials, []byte("[sender]\naws_access_key_id = "+sender+"\naws_secret_access_key = x\n"),
				0o600); err != nil {
				t.Fatal(err)
			}
			isolate(t, "AWS_ENDPOINT_URL="+server.URL, "AWS_ACCESS_KEY_ID="+ownKey, "AWS_SECRET_ACCESS_KEY=x",
				"AWS_SHARED_CREDENTIALS_FILE="+credentials,
				"AWS_RESPONSE_CHECKSUM_VALIDATION=when_required")
			spoke(t.Context(), away(collector(things, nil, thing{ID: "a"})),
				append([]string{"once"}, strings.Fields(test.args)...)...).want(t, program.ExitDone, "ok", "")
			slices.Sort(to.asked)
			if !slices.Equal(to.asked, test.want) {
				t.Errorf("asked %q, want %q", to.asked, test.want)
			}
		})
	}
}
