package collecttest

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/schema"
)

// write makes files below testdata of a new working directory, besides the streams.
func write(t *testing.T, files map[string]string) {
	t.Helper()
	base, err := filepath.Abs("testdata/streams")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	if err := os.CopyFS("testdata/streams", os.DirFS(base)); err != nil {
		t.Fatal(err)
	}
	for name, content := range files {
		path := filepath.Join("testdata", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

const disabledStory = `
-- ListStreams --
{"Limit": 2}

400
{"__type": "SubscriptionRequiredException", "message": "The account needs a subscription."}
`

// disabledText is what want.outcome has of it.
const disabledText = "disabled\noperation error Kinesis: ListStreams, https response error StatusCode: 400, " +
	"RequestID: 00000000-0000-0000-0000-000000000000, " +
	"api error SubscriptionRequiredException: The account needs a subscription.\n"

func TestScenarios(t *testing.T) {
	global := func(c *collect.Collector[Stream]) { c.Reach = collect.PerRegionAndGlobal }
	list := "-- ListStreams --\n{\"Limit\": 2}\n\n200\n{\"StreamNames\": []}\n"
	for name, test := range map[string]struct {
		files  map[string]string
		change func(*collect.Collector[Stream])
		want   string // in the report; "" is no report
	}{
		"disabled": {files: map[string]string{
			"streams/disabled/env.json": `{"account": "444455556666", "labels": {"team": "a"}}`,
			"streams/disabled/a.txtar":  disabledStory, "streams/disabled/want.outcome": disabledText,
		}},
		"other outcome": {files: map[string]string{
			"streams/disabled/env.json": `{}`, "streams/disabled/a.txtar": disabledStory,
			"streams/disabled/want.outcome": "denied\n",
		}, want: "-denied"},
		"outcome without a file": {files: map[string]string{
			"streams/disabled/env.json": `{}`, "streams/disabled/a.txtar": disabledStory,
		}, want: "want.outcome does not exist"},
		"no env.json": {files: map[string]string{"streams/disabled/a.txtar": disabledStory},
			want: "env.json: no such file"},
		"unknown member": {files: map[string]string{"streams/disabled/env.json": `{"now?": 1}`},
			want: `unknown field "now?"`},
		"since": {files: map[string]string{"streams/since/env.json": `{"since": "2026-10-20T05:30:00Z"}`,
			"streams/since/a.txtar": list, "streams/since/want.outcome": "empty\n"},
			want: "a scenario with since in env.json: true; the collector is incremental: false"},
		"no global": {change: global, want: `no scenario has "global": true`},
		"global": {change: global, files: map[string]string{"streams/global/env.json": `{"global": true}`,
			"streams/global/a.txtar": list, "streams/global/want.outcome": "empty\n"}},
		"unused": {files: map[string]string{"streams/global/env.json": `{}`,
			"streams/global/a.txtar": list + strings.Replace(list, "2", "3", 1), "streams/global/want.outcome": "empty\n"},
			want: "a.txtar, section 2 (ListStreams)"},
	} {
		t.Run(name, func(t *testing.T) {
			write(t, test.files)
			c := collector{}.declare()
			if test.change != nil {
				test.change(&c)
			}
			if got := report(t, c); test.want == "" && got != "" || !strings.Contains(got, test.want) {
				t.Errorf("the suite reports\n%s\nwant %q", got, test.want)
			}
		})
	}
}

// TestEnvironment: a collector gets what env.json says, and else the defaults.
func TestEnvironment(t *testing.T) {
	write(t, map[string]string{"streams/other/env.json": `{"account": "1", "partition": "aws-cn", "region": "cn-north-1",
		"global": true, "labels": {"a": "b"}, "now": "2026-01-01T00:00:00Z", "since": "2025-01-01T00:00:00Z"}`})
	list, err := scenarios("streams", collect.PerRegion)
	if err != nil || len(list) != 2 {
		t.Fatalf("%d scenarios, error %v", len(list), err)
	}
	env := list[0].collectEnv(nil)
	if env.Account != Account || env.Partition != "aws" || env.Region != Region ||
		env.AWS.Region != Region || env.Global || env.Labels != nil || env.Now != Now || !env.Since.IsZero() {
		t.Errorf("defaults %+v", env)
	}
	env = list[1].collectEnv(nil)
	if env.Account != "1" || env.Partition != "aws-cn" || env.Region != "cn-north-1" || env.AWS.Region != "cn-north-1" ||
		!env.Global || env.Labels["a"] != "b" || env.Now.Year() != 2026 || env.Since.Year() != 2025 {
		t.Errorf("scenario %+v", env)
	}
}

func TestOutcome(t *testing.T) {
	bySlice := collect.SliceErrors{"2026-10-02": errors.New("no day"), "2026-10-01": collect.Disabled(errors.New("off"))}
	for _, test := range []struct {
		rows int
		err  error
		want schema.Outcome
		text string
	}{
		{0, nil, schema.Empty, ""},
		{1, nil, schema.OK, ""},
		{1, errors.New("broken"), schema.Partial, "broken\n"},
		{0, errors.New("broken"), schema.Failed, "broken\n"},
		{1, bySlice, schema.Partial, "2026-10-01: disabled: off\n2026-10-02: failed: no day\n"},
	} {
		if got, want := outcome(test.rows, test.err), string(test.want)+"\n"+test.text; got != want {
			t.Errorf("%d rows, %v: %q, want %q", test.rows, test.err, got, want)
		}
	}
	if Now.Location() != time.UTC {
		t.Error("Now is not in UTC")
	}
}

func TestEnds(t *testing.T) {
	s := &suite[Stream]{want: result[Stream]{replay: &replay{operations: strings.Fields("List Get Get List Get Tag Get")}}}
	for _, test := range []struct {
		pick func(int) bool
		want []int
	}{
		{func(int) bool { return true }, []int{0, 1, 3, 5, 6}},
		{func(i int) bool { return i > 1 && i < 6 }, []int{2, 3, 4, 5}},
		{func(int) bool { return false }, nil},
	} {
		if got := s.ends(test.pick); !slices.Equal(got, test.want) {
			t.Errorf("%v, want %v", got, test.want)
		}
	}
}

// TestActions: denied_actions has the IAM action of a call, whatever the call's name is.
func TestActions(t *testing.T) {
	sub := func(_ string, test func(testing.TB)) { test(t) }
	c := collector{deniedAction: "kinesis:DescribeSummary"}.declare()
	runAll(t, c, sub, Actions(func(call string) string {
		return strings.Replace(call, "DescribeStreamSummary", "DescribeSummary", 1)
	}))
	if got := report(t, c); !strings.Contains(got, "column denied_actions is [kinesis:DescribeSummary]") {
		t.Errorf("without Actions the suite reports\n%s", got)
	}
}
