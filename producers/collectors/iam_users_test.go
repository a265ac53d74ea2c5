package collectors

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hubspoke/observability/schemas"
)

// reportStates answers GenerateCredentialReport with one state after the other, the last
// one again and again, and denies everything else.
type reportStates struct {
	states []string
	asked  int
}

func (a *reportStates) Do(r *http.Request) (*http.Response, error) {
	form, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	status, body := 403, `<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>`
	if strings.Contains(string(form), "Action=GenerateCredentialReport") {
		state := a.states[min(a.asked, len(a.states)-1)]
		a.asked++
		status, body = 200, fmt.Sprintf(`<GenerateCredentialReportResponse><GenerateCredentialReportResult><State>%s</State>`+
			`</GenerateCredentialReportResult></GenerateCredentialReportResponse>`, state)
	}
	return &http.Response{
		StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r,
	}, nil
}

// TestIAMUsersWaitForTheReport, but not for ever.
func TestIAMUsersWaitForTheReport(t *testing.T) {
	for _, test := range []struct {
		states []string
		asked  int
		took   time.Duration
		fault  string
	}{
		{[]string{"STARTED", "INPROGRESS", "COMPLETE"}, 3, 3 * time.Second, "AccessDenied"},
		{[]string{"INPROGRESS"}, iamUserReportTries, 255 * time.Second, "still making the credential report"},
	} {
		synctest.Test(t, func(t *testing.T) {
			start, a := time.Now(), &reportStates{states: test.states}
			env := (&answer{}).env("us-east-1")
			env.AWS.HTTPClient = a
			err := collectIAMUsers(t.Context(), env, func(schemas.IAMUser) error { return nil })
			if err == nil || !strings.Contains(err.Error(), test.fault) {
				t.Errorf("%q: error %v, want %s", test.states, err, test.fault)
			}
			if took := time.Since(start); a.asked != test.asked || took != test.took {
				t.Errorf("%q: asked %d times in %v, want %d in %v", test.states, a.asked, took, test.asked, test.took)
			}
		})
	}
}
