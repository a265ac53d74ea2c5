package collectors

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/hubspoke/observability/lib/awsanswer"
	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/schemas"
)

// asked gives every request of a runner the same answer and collects once.
func asked(t *testing.T, c collect.Any, body string) (collect.Result, []string) {
	t.Helper()
	a := &answer{status: http.StatusOK, body: body}
	env := a.env("eu-west-1")
	var rows []string
	runner, err := collect.New(collect.Config{
		Account: env.Account, Regions: []string{env.Region}, Collectors: []collect.Any{c}, Jitter: 1,
		AWS: func(string) aws.Config { return env.AWS },
		Row: func(_ schema.Scope, row []byte) { rows = append(rows, string(row)) },
	})
	if err != nil {
		t.Fatal(err)
	}
	results, _ := runner.Once(t.Context())
	return results[0], rows
}

// No collector takes an answer that is none for an empty list.
func TestAnswersThatAreNone(t *testing.T) {
	for _, c := range All() {
		for _, body := range []string{"", "null", "<html><body>hotel</body></html>", "OK", "{", "<a>"} {
			result, rows := asked(t, c, body)
			var wrong *awsanswer.Error
			if !errors.As(result.CollectErr, &wrong) || result.Outcome != schema.Failed || len(rows) > 0 {
				t.Errorf("%s, %q: %s with %d rows: %v", c.Table().Name(), body, result.Outcome, len(rows), result.CollectErr)
			}
		}
	}
}

func TestCertificateWithoutEnd(t *testing.T) {
	_, rows := asked(t, Certificates,
		`{"CertificateSummaryList":[{"CertificateArn":"arn:a","NotBefore":-11676096000,"NotAfter":2.53402300799E11}]}`)
	if len(rows) != 1 || !strings.Contains(rows[0], `"not_after":"9999-12-31T23:59:59Z"`) ||
		!strings.Contains(rows[0], `"not_before":"1600-01-01T00:00:00Z"`) {
		t.Errorf("rows %q", rows)
	}
}

// One finding that the SDK cannot read is refused by name, and no other.
func TestFindingThatCannotBeRead(t *testing.T) {
	finding := func(id, score string) string {
		return fmt.Sprintf(
			`{"Id":%q,"ProductArn":"p","GeneratorId":"g","AwsAccountId":"111122223333","Title":"t","Vulnerabilities":[{"Id":"CVE","Cvss":[{"BaseScore":%s}]}]}`, id, score)
	}
	result, rows := asked(t, SecurityFindings, `{"Findings":[`+finding("a", "7.5")+","+finding("bad", `"7.5"`)+","+
		finding("c", "1")+`]}`)
	if len(rows) != 2 || result.Outcome != schema.Partial || result.RefusedRows != 1 ||
		!strings.Contains(result.Refused[0].String(), "bad") {
		t.Errorf("%s with rows %q, refused %v: %v", result.Outcome, rows, result.Refused, result.CollectErr)
	}
}

const reservation = `<item><reservationId>r-%d</reservationId><instancesSet><item><instanceId>i-%[1]d</instanceId><launchTime>%s</launchTime>` +
	`<tagSet><item><key>k</key><value>%s</value></item></tagSet></item></instancesSet></item>`

func TestInstanceThatCannotBeRead(t *testing.T) {
	const now = "2026-10-20T06:30:00.000Z"
	body := `<?xml version="1.0" encoding="UTF-8"?><DescribeInstancesResponse><reservationSet>` +
		fmt.Sprintf(reservation, 1, now, "a\x1bb&#x1B;") + fmt.Sprintf(reservation, 2, "noon", "x") + fmt.Sprintf(reservation,
		3, now, "y") +
		`</reservationSet></DescribeInstancesResponse>`
	result, rows := asked(t, EC2Instances, body)
	if len(rows) != 2 || !strings.Contains(rows[0], "a\uFFFDb\uFFFD") || result.Outcome != schema.Partial ||
		result.RefusedRows != 1 || !strings.Contains(result.Refused[0].String(), "r-2") {
		t.Errorf("%s with rows %q, refused %v: %v", result.Outcome, rows, result.Refused, result.CollectErr)
	}
}

// A detail that is missing in an answer is an error or null, never false.
func TestKMSDetailThatIsMissing(t *testing.T) {
	for operation, bodies := range map[string][]string{
		"DescribeKey":          {`{}`, `{"KeyMetadata":null}`},
		"GetKeyRotationStatus": {`{}`, `{"KeyRotationEnabled":null}`},
	} {
		for _, body := range bodies {
			env := (&answer{}).env("eu-west-1")
			env.AWS.HTTPClient = kmsAnswers{operation: body}
			err := collectKMSKeys(t.Context(), env, func(schemas.KMSKey) error { return nil })
			if err == nil {
				t.Errorf("%s %s: no error", operation, body)
			}
		}
	}
	env := (&answer{}).env("eu-west-1")
	env.AWS.HTTPClient = kmsAnswers{"DescribeKey": `{"KeyMetadata":{"KeyId":"k"}}`}
	err := collectKMSKeys(t.Context(), env, func(row schemas.KMSKey) error {
		if row.Enabled != nil {
			t.Errorf("enabled is %v", *row.Enabled)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
