package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/cfn"

	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/internal/programtest"
)

// stack is what CloudFormation has of the custom resource.
type stack struct {
	*testing.T
	*programtest.Function
	url     string
	answers chan cfn.Response
}

// newStack starts the function that migrates, and the server that takes its answers as S3
// does.
func newStack(t *testing.T, settings ...string) *stack {
	t.Helper()
	s := &stack{T: t, answers: make(chan cfn.Response, 1)}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var answer cfn.Response
		if err := json.NewDecoder(r.Body).Decode(&answer); err != nil || r.Method != http.MethodPut ||
			r.Header.Get("Content-Type") != "" || r.ContentLength > 4096 {
			t.Errorf("%s with %v of %d bytes: %v", r.Method, r.Header, r.ContentLength, err)
		}
		s.answers <- answer
	}))
	t.Cleanup(server.Close)
	s.url = server.URL
	s.Function = startFunction(t, "migrate", settings...)
	return s
}

// request calls the function as CloudFormation does, and returns what that is told.
func (s *stack) request(kind cfn.RequestType) cfn.Response {
	s.Helper()
	event := cfn.Event{RequestType: kind, RequestID: "request", ResponseURL: s.url, LogicalResourceID: "Migration",
		StackID: "stack", ResourceType: "AWS::CloudFormation::CustomResource",
		ResourceProperties: map[string]any{"Release": "v1"}}
	if kind != cfn.RequestCreate {
		event.PhysicalResourceID = resourceID
	}
	answer := s.Invoke(must(json.Marshal(event)))
	if !strings.HasPrefix(answer, "response ") {
		s.Errorf("%s: the function answers %s\n%s", kind, answer, s.Function.Log())
	}
	r := <-s.answers
	if r.PhysicalResourceID != resourceID || r.RequestID != "request" || r.LogicalResourceID != "Migration" ||
		r.StackID != "stack" {
		s.Errorf("%s: answer %+v", kind, r)
	}
	return r
}

func TestCustomResource(t *testing.T) {
	c := newCluster(t)
	s := newStack(t)
	for _, kind := range []cfn.RequestType{cfn.RequestCreate, cfn.RequestUpdate, cfn.RequestDelete} {
		if r := s.request(kind); r.Status != cfn.StatusSuccess {
			t.Fatalf("%s: %+v\n%s", kind, r, s.Function.Log())
		}
		hub(t.Context(), "migrate", "--dry-run").want(t, program.ExitDone, "nothing to do")
	}
	if log := s.Function.Log(); strings.Count(log, `"msg":"migrated","step":"role obs_migrator"`) != 1 ||
		strings.Count(log, `"step":"views"`) != 1 {
		t.Error(log)
	}

	// What cannot be done is told with its reason, and the function is ready for the next.
	c.exec("ALTER ROLE obs_consumer SUPERUSER")
	if r := s.request(cfn.RequestUpdate); r.Status != cfn.StatusFailed ||
		!strings.Contains(r.Reason, "role obs_consumer: somebody has given it SUPERUSER") {
		t.Errorf("%+v", r)
	}
	if log := s.Function.Log(); !strings.Contains(log, `"level":"ERROR","msg":"migration failed","error":"--bootstrap`) {
		t.Error(log)
	}
	c.exec("ALTER ROLE obs_consumer NOSUPERUSER")
	if r := s.request(cfn.RequestUpdate); r.Status != cfn.StatusSuccess {
		t.Errorf("%+v", r)
	}

	// Others fill the views that it cannot fill, or not in that time.
	c.exec(`DO $$ DECLARE i regclass; BEGIN
			SELECT indexrelid INTO i FROM pg_index WHERE indrelid = 'cost_monthly'::regclass AND indisunique;
			EXECUTE format('DROP INDEX %s', i);
		END $$;
		UPDATE hub.view_refresh SET refreshed_at = NULL WHERE view_name = 'public.cost_monthly'`)
	if r := s.request(cfn.RequestUpdate); r.Status != cfn.StatusSuccess ||
		!strings.Contains(s.Function.Log(), "some views have no rows yet") {
		t.Errorf("%+v\n%s", r, s.Function.Log())
	}

	// A migration that hangs is told while there is time, and the stack goes back.
	c.exec("BEGIN; LOCK hub.installed_view")
	s.Timeout = 5 * time.Second
	if r := s.request(cfn.RequestUpdate); r.Status != cfn.StatusFailed ||
		!strings.Contains(r.Reason, "the time of the function is up") {
		t.Errorf("%+v", r)
	}
	c.exec("ROLLBACK")
}

// A stack can be deleted whatever has become of its database.
func TestCustomResourceIsDeletedWithoutADatabase(t *testing.T) {
	newWorld(t, 1)
	s := newStack(t, "HUB_DATABASE_URL=postgres://hub@127.0.0.1:1/core", "HUB_DATABASE_IAM=true")
	if r := s.request(cfn.RequestDelete); r.Status != cfn.StatusSuccess {
		t.Errorf("%+v", r)
	}
	if r := s.request(cfn.RequestCreate); r.Status != cfn.StatusFailed ||
		!strings.Contains(r.Reason, "TLS is not verified in full") {
		t.Errorf("%+v", r)
	}
}
