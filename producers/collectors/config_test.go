package collectors

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// TestConfigParameters: AWS sends the parameters of a rule as a text, in which the tests of
// recordings cannot plant a secret.
func TestConfigParameters(t *testing.T) {
	for document, want := range map[string]string{
		`{"tag1Key":"owner"}`: `{"tag1Key":"owner"}`,
		`{"MinimumPasswordLength":"14","MaxPasswordAge":"90"}`: `{"MaxPasswordAge":"90","MinimumPasswordLength":"14"}`,
		`{"password":"12345678"}`:                              `{"password":"[redacted]"}`,
		`{"apiToken":"correct horse","url":"https://a:b@c/"}`:  `{"apiToken":"[redacted]","url":"[redacted]"}`,
		`{"n":7,"on":true,"list":["a"],"none":null}`:           `{"list":"[\"a\"]","n":"7","none":"null","on":"true"}`,
		`{"credentials":{"key":"correct horse"}}`:              `{"credentials":"[redacted]"}`,
		`{}`:      "",
		`["a"]`:   "",
		`correct`: "",
		``:        "",
	} {
		if got := configParameters(aws.String(document)); string(got) != want {
			t.Errorf("%s: %s, want %s", document, got, want)
		}
	}
	if got := configParameters(nil); got != nil {
		t.Errorf("nil: %s", got)
	}
}
