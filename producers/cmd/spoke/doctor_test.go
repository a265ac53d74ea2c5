package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/smithy-go"

	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/lib/awsfake"
	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/envelope"
	"github.com/hubspoke/observability/lib/schema"
)

const (
	scpText = "with an explicit deny in a service control policy: " + scpARN
	scpARN  = "arn:aws:organizations::999999999999:policy/o-a/service_control_policy/p-0xn1"
)

func denied(text string) error {
	return &smithy.GenericAPIError{Code: "AccessDenied", Message: text}
}

// TestDoctor: a line for each category, the worst first, with the next step, and an exit code.
func TestDoctor(t *testing.T) {
	isolate(t)
	good := collector(things, nil, thing{ID: "a"})
	off := collector(others, collect.Disabled(smithy.APIError(&smithy.GenericAPIError{Code: "NotOn"})))
	refused := collector(others, denied("because no identity-based policy allows it"))
	paid := collector(others, denied("")).(collect.Collector[other])
	paid.PaidRequests = 1

	spoke(t.Context(), fixed(good, off), "doctor").want(t, program.ExitDone, "enable the service", "")
	spoke(t.Context(), fixed(good, paid), "doctor").want(t, program.ExitDone, "--paid tries it", "")
	spoke(t.Context(), fixed(good, paid), "doctor", "--paid").want(t, program.ExitPartly, "denied", "")
	r := spoke(t.Context(), fixed(good, refused), "doctor")
	r.want(t, program.ExitPartly, "attach the policy that `spoke policy --category others` prints",
		"1 of 2 cannot be collected")
	if strings.Index(r.stdout, "others") > strings.Index(r.stdout, "things") {
		t.Errorf("the worst is not first:\n%s", r.stdout)
	}
	spoke(t.Context(), fixed(refused), "doctor").want(t, program.ExitFailed, "", "1 of 1 cannot be collected")
	spoke(t.Context(), awsSources, "doctor", "--region", region).want(t, program.ExitUsage, "", "no AWS credentials found")

	r = spoke(t.Context(), fixed(good, refused), "doctor", "-o", "json")
	var got doctorJSON
	if err := json.Unmarshal([]byte(r.stdout), &got); err != nil {
		t.Fatal(err)
	}
	first := got.Probes[0]
	if len(got.Probes) != 2 || first.Verdict != collect.ProbeDenied || first.Reason != collect.ReasonIdentity ||
		first.Category != "others" || first.Region != region || first.Account != account || first.NextStep == "" {
		t.Errorf("%+v", got)
	}
}

// TestDoctorSaysOncePerRegion that one policy of the organisation denies all of it.
func TestDoctorSaysOncePerRegion(t *testing.T) {
	isolate(t, "COLUMNS=300")
	find := func(ctx context.Context, f sourceFlags, log *slog.Logger) ([]source, error) {
		thingsThere := collector(things, nil).(collect.Collector[thing])
		thingsThere.Collect = func(_ context.Context, env *collect.Env, _ func(thing) error) error {
			if env.Region != region {
				return denied(scpText)
			}
			return nil
		}
		othersThere := collector(others, nil).(collect.Collector[other])
		othersThere.Collect = func(_ context.Context, env *collect.Env, _ func(other) error) error {
			if env.Region != region {
				return denied(scpText)
			}
			return nil
		}
		sources, err := fixed(thingsThere, othersThere)(ctx, f, log)
		sources[0].regions = []string{region, "eu-west-1", "eu-west-2"}
		return sources, err
	}
	r := spoke(t.Context(), find, "doctor")
	r.want(t, program.ExitPartly, scpARN, "4 of 6 cannot be collected")
	if lines := strings.Count(r.stdout, "all 2 categories"); lines != 2 || strings.Count(r.stdout, "│ things") != 1 {
		t.Errorf("stdout:\n%s", r.stdout)
	}
}

// TestDoctorSendsOneRun, of the smallest category that answered, through stream and bucket.
func TestDoctorSendsOneRun(t *testing.T) {
	send := []string{"doctor", "--stream", streamARN, "--stream-role-arn", roleARN, "--external-id", "secret", "--bucket",
		"hub-archive"}
	large := collector(others, nil, other{ID: "b"}).(collect.Collector[other])
	large.Calls = append(large.Calls, "x:Describe")
	sources := fixed(large, collector(things, nil, thing{ID: "a"}))

	server := fake(t)
	spoke(t.Context(), sources, send...).want(t, program.ExitDone, "2 ok", "")
	if ends, _ := stored(t, server); len(ends) != 1 || ends[0].Category != "things" || ends[0].Outcome != schema.OK {
		t.Errorf("ends %+v", ends)
	}
	server = fake(t)
	server.Inject(awsfake.Fault{Operation: "kinesis:PutRecords", Effect: awsfake.Deny})
	spoke(t.Context(), sources, send...).want(t, program.ExitPartly, "things", "sending: 1 of 1 runs failed")
}

type contacted struct {
	ID    string  `col:"id,key"`
	Email *string `col:"email,personal=contact"`
}

// TestDoctorKeepsPersonalDataAtHome, as `spoke run` with the same settings does.
func TestDoctorKeepsPersonalDataAtHome(t *testing.T) {
	contacts := schema.Of[contacted](schema.Spec{Name: "contacts", Mode: schema.Snapshot})
	email := "somebody@example.com"
	find := fixed(collector(contacts, nil, contacted{ID: "a", Email: &email}))
	for _, test := range []struct {
		personal string
		sent     bool
	}{{"contact=keep", true}, {"contact=drop", false}} {
		server := fake(t)
		t.Setenv("SPOKE_PERSONAL", test.personal)
		spoke(t.Context(), find, "doctor", "--stream", streamARN, "--stream-role-arn", roleARN, "--external-id",
			"secret").want(t, program.ExitDone, "contacts", "")
		records, err := server.Records(streamARN)
		if err != nil {
			t.Fatal(err)
		}
		opener, sent := envelope.NewDecoder(), false
		for _, r := range records {
			record, err := envelope.Parse(r.Data)
			if err != nil {
				t.Fatal(err)
			}
			if record.Part != nil {
				body, err := opener.Body(nil, record.Part, record.Body)
				if err != nil {
					t.Fatal(err)
				}
				sent = sent || strings.Contains(string(body), email)
			}
		}
		opener.Close()
		if sent != test.sent {
			t.Errorf("%s: sent %t", test.personal, sent)
		}
	}
}

// TestDoctorAsksAWS: real collectors, of a service that denies. AWS is asked as often as the
// budget allows at most.
func TestDoctorAsksAWS(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"__type":"AccessDeniedException","message":"User: x is not authorized to perform: ` +
			`secretsmanager:ListSecrets because no permissions boundary allows the secretsmanager:ListSecrets action"}`))
	}))
	t.Cleanup(server.Close)
	fake(t)
	t.Setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", server.URL)
	r := spoke(t.Context(), awsSources, "doctor", "--region", region, "--category", "secrets", "-o", "json")
	var got doctorJSON
	if err := json.Unmarshal([]byte(r.stdout), &got); err != nil {
		t.Fatal(err)
	}
	if p := got.Probes[0]; r.code != program.ExitFailed || p.Reason != collect.ReasonBoundary || len(p.Calls) != 1 ||
		p.Calls[0].Call != "secretsmanager:ListSecrets" || p.Calls[0].Code != "AccessDeniedException" {
		t.Errorf("exit code %d, %+v", r.code, p)
	}
}
