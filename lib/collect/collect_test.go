package collect_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/schema"
)

func TestClassify(t *testing.T) {
	status := func(n int) error {
		return &smithyhttp.ResponseError{Response: &smithyhttp.Response{Response: &http.Response{StatusCode: n}},
			Err: errors.New("no code")}
	}
	for _, test := range []struct {
		err  error
		want schema.Outcome
	}{
		{nil, schema.OK},
		{code("AccessDenied"), schema.Denied},
		{fmt.Errorf("list keys: %w", code("AccessDeniedException")), schema.Denied},
		{code("UnauthorizedOperation"), schema.Denied},
		{code("UnrecognizedClientException"), schema.Denied},
		{code("Throttling"), schema.Throttled},
		{code("ThrottlingException"), schema.Throttled},
		{code("RequestLimitExceeded"), schema.Throttled},
		{code("TooManyRequestsException"), schema.Throttled},
		{code("SlowDown"), schema.Throttled},
		{status(429), schema.Throttled},
		{code("OptInRequired"), schema.Disabled},
		{code("SubscriptionRequiredException"), schema.Disabled},
		{code("SubscriptionRequiredException"), schema.Disabled},
		{code("InvalidAccessException"), schema.Failed}, // what it means depends on the service
		{collect.Disabled(code("AccessDenied")), schema.Disabled},
		{fmt.Errorf("hub: %w", collect.Disabled(errors.New("x"))), schema.Disabled},
		{code("ExpiredToken"), schema.Failed},
		{code("InternalFailure"), schema.Failed},
		{errors.New("access denied"), schema.Failed}, // words are not codes
		{context.Canceled, schema.Failed},
		{context.DeadlineExceeded, schema.Failed},
		{status(403), schema.Failed},
	} {
		if got := collect.Classify(test.err); got != test.want {
			t.Errorf("%v: %s, want %s", test.err, got, test.want)
		}
	}
	if collect.Disabled(nil) != nil {
		t.Error("Disabled(nil) is an error")
	}
	cause := code("X")
	if err := collect.Disabled(cause); !errors.Is(err, cause) || !errors.Is(err, collect.ErrDisabled) ||
		err.Error() != cause.Error() {
		t.Error("Disabled hides its cause")
	}
}

func TestValidate(t *testing.T) {
	good := emits(0, nil)
	if err := collect.Validate(good); err != nil {
		t.Fatal(err)
	}
	incremental := &collect.Incremental{FullEvery: time.Hour}
	for want, change := range map[string]func(*collect.Collector[thing]){
		"no category":     func(c *collect.Collector[thing]) { c.Category.Table = nil },
		"Reach":           func(c *collect.Collector[thing]) { c.Reach = 0 },
		"Every":           func(c *collect.Collector[thing]) { c.Every = 0 },
		"Calls is empty":  func(c *collect.Collector[thing]) { c.Calls = nil },
		`"acm:*"`:         func(c *collect.Collector[thing]) { c.Calls = []string{"acm:*"} },
		`"ListThings"`:    func(c *collect.Collector[thing]) { c.Calls = []string{"ListThings"} },
		"declared twice":  func(c *collect.Collector[thing]) { c.Calls = []string{"a:B", "a:B"} },
		`"iam:*"`:         func(c *collect.Collector[thing]) { c.Requires = []string{"iam:*"} },
		`"iam:ListUsers"`: func(c *collect.Collector[thing]) { c.Requires = []string{"iam:ListUsers", "iam:ListUsers"} },
		"schema.Spec":     func(c *collect.Collector[thing]) { c.Incremental = incremental },
		"Slices":          func(c *collect.Collector[thing]) { c.Slices = func(time.Time) []string { return nil } },
		"Collect is nil":  func(c *collect.Collector[thing]) { c.Collect = nil },
	} {
		c := good
		change(&c)
		if err := collect.Validate(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", want, err)
		}
	}
	if err := collect.Validate(good, good, nil); err == nil || !strings.Contains(err.Error(), "two collectors") ||
		!strings.Contains(err.Error(), "nil") {
		t.Errorf("got %v", err)
	}
}

func TestDeclarationIsACopy(t *testing.T) {
	c := emits(0, nil)
	d := c.Declaration()
	if d.Category != "things" || d.Mode != schema.Snapshot || d.Reach != collect.PerRegion || d.Every != time.Hour ||
		d.Sliced || d.Incremental != nil {
		t.Errorf("declaration %+v", d)
	}
	c.Requires = []string{"iam:ListUsers"}
	d = c.Declaration()
	d.Calls[0], d.Requires[0] = "other:Call", "other:Action"
	if c.Calls[0] == "other:Call" || c.Requires[0] == "other:Action" {
		t.Error("the declaration shares its calls with the collector")
	}
}
