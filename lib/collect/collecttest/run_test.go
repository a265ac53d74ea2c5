package collecttest

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"golang.org/x/tools/txtar"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/schema"
)

// Stream is one Kinesis stream.
type Stream struct {
	// Name of the stream.
	Name string `col:"name,key"`
	// Status of the stream.
	Status *string `col:"status"`
	// Shards that are open.
	Shards *int64 `col:"shards"`
	// DeniedActions that the row misses.
	DeniedActions schema.JSON `col:"denied_actions"`
}

var streams = schema.Of[Stream](schema.Spec{Name: "streams", Mode: schema.Snapshot})

// collector reads streams in the way of a real collector: a paged list, and a
// detail of each entry that may be denied. Its fields are the mistakes to make.
type collector struct {
	firstPageOnly  bool
	guess          bool // status is ACTIVE where it is denied
	swallow        bool // any error of the detail is a null
	skip           bool // a row is left out if its detail is denied
	ignoreEmit     bool
	ignoreContext  bool
	otherPageSize  bool
	neverShards    bool
	emptyName      bool
	wrapThrottling bool
	emptyList      bool   // an answer without its list is an empty list
	sameToken      bool   // a token that comes back is asked for again
	stopOnToken    bool   // it ends the collection without an error
	deniedAction   string // DescribeStreamSummary in denied_actions
	countsAttempts bool   // status is SLOW where AWS was asked twice
}

func (c collector) collect(ctx context.Context, env *collect.Env, emit func(Stream) error) error {
	client := kinesis.NewFromConfig(env.AWS)
	input := &kinesis.ListStreamsInput{Limit: aws.Int32(2)}
	if c.otherPageSize {
		input.Limit = aws.Int32(3)
	}
	pages := kinesis.NewListStreamsPaginator(client, input, func(o *kinesis.ListStreamsPaginatorOptions) {
		o.StopOnDuplicateToken = c.stopOnToken
	})
	last := ""
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if c.ignoreContext && errors.Is(err, context.Canceled) {
			return nil
		}
		if c.wrapThrottling && err != nil {
			return errors.New("it did not work")
		}
		if err != nil {
			return err
		}
		if page.StreamNames == nil && !c.emptyList {
			return errors.New("no list")
		}
		if token := aws.ToString(page.NextToken); token != "" && token == last && !c.sameToken {
			return errors.New("the same token")
		} else {
			last = token
		}
		for _, name := range page.StreamNames {
			row := Stream{Name: name}
			if c.emptyName {
				row.Name = ""
			}
			answer, err := client.DescribeStreamSummary(ctx, &kinesis.DescribeStreamSummaryInput{StreamName: &name})
			var gone *types.ResourceNotFoundException
			switch {
			case err == nil && answer.StreamDescriptionSummary == nil:
				return errors.New("no summary")
			case err == nil:
				summary := answer.StreamDescriptionSummary
				row.Status = aws.String(string(summary.StreamStatus))
				if summary.OpenShardCount != nil {
					row.Shards = new(int64(*summary.OpenShardCount))
				}
				if attempts, ok := retry.GetAttemptResults(answer.ResultMetadata); c.countsAttempts && ok &&
					len(attempts.Results) > 1 {
					row.Status = aws.String("SLOW")
				}
			case errors.As(err, &gone):
				continue
			case c.skip && collect.Classify(err) == schema.Denied:
				continue
			case c.swallow || collect.Classify(err) == schema.Denied:
				row.DeniedActions = schema.JSON(fmt.Sprintf("[%q]", cmp.Or(c.deniedAction, "kinesis:DescribeStreamSummary")))
				if c.guess {
					row.Status = aws.String("UPDATING")
				}
			default:
				return err
			}
			if c.neverShards {
				row.Shards = nil
			}
			if err := emit(row); err != nil && !c.ignoreEmit {
				return err
			}
		}
		if c.firstPageOnly {
			return nil
		}
	}
	return nil
}

func (c collector) declare() collect.Collector[Stream] {
	return collect.Collector[Stream]{
		Category: streams,
		Reach:    collect.PerRegion,
		Every:    time.Hour,
		Calls:    []string{"kinesis:ListStreams", "kinesis:DescribeStreamSummary"},
		Collect:  c.collect,
	}
}

func TestRun(t *testing.T) { Run(t, collector{}.declare()) }

// recorder is a test that keeps what is reported.
type recorder struct {
	testing.TB
	failed bool
	text   strings.Builder
}

func (r *recorder) Helper()      {}
func (r *recorder) Failed() bool { return r.failed }

func (r *recorder) Errorf(format string, args ...any) {
	r.failed = true
	fmt.Fprintf(&r.text, format+"\n", args...)
}

func (r *recorder) Fatalf(format string, args ...any) { r.Errorf(format, args...); runtime.Goexit() }
func (r *recorder) Fatal(args ...any)                 { r.Fatalf("%s", fmt.Sprint(args...)) }

// report returns what the suite reports about c.
func report[T any](t *testing.T, c collect.Collector[T], o ...Option) string {
	r := &recorder{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		runAll(r, c, func(_ string, test func(testing.TB)) { test(r) }, o...)
	}()
	<-done
	return r.text.String()
}

// TestRunFindsMistakes proves that each rule fails when it is broken.
func TestRunFindsMistakes(t *testing.T) {
	edit := func(c collector, change func(*collect.Collector[Stream])) collect.Collector[Stream] {
		declared := c.declare()
		change(&declared)
		return declared
	}
	tests := []struct {
		name      string
		collector collect.Collector[Stream]
		files     map[string]func(string) string // changes of testdata/streams
		want      string
	}{
		{name: "declaration", collector: edit(collector{}, func(c *collect.Collector[Stream]) { c.Every = 0 }),
			want: "Every is not above 0"},
		{name: "call too many", collector: edit(collector{}, func(c *collect.Collector[Stream]) {
			c.Calls = append(c.Calls, "kinesis:ListShards")
		}), want: "the operations called are\n\tkinesis:DescribeStreamSummary kinesis:ListStreams"},
		{name: "call too few", collector: edit(collector{}, func(c *collect.Collector[Stream]) { c.Calls = c.Calls[:1] }),
			want: "Calls declares\n\tkinesis:ListStreams\n"},
		{name: "first page only", collector: collector{firstPageOnly: true}.declare(), want: "no request uses the recording"},
		{name: "another request", collector: collector{otherPageSize: true}.declare(),
			want: "requests without a recording in testdata/streams:\n-- ListStreams --\n{\n  \"Limit\": 3"},
		{name: "other rows", collector: collector{}.declare(), files: map[string]func(string) string{
			"want.ndjson": func(s string) string { return strings.Replace(s, `"shards":4`, `"shards":5`, 1) },
		}, want: "goldentest: diff"},
		{name: "column never filled", collector: collector{neverShards: true}.declare(),
			files: map[string]func(string) string{
				"want.ndjson": func(s string) string {
					return strings.NewReplacer(`,"shards":4`, "", `,"shards":1`,
						"").Replace(s)
				},
			}, want: "column shards is filled in no row"},
		{name: "same key", collector: collector{}.declare(), files: map[string]func(string) string{
			"lists.txtar": func(s string) string { return strings.Replace(s, `"orders", "deleted"`, `"orders", "orders"`, 1) },
			"want.ndjson": func(s string) string { line, _, _ := strings.Cut(s, "\n"); return line + "\n" + s },
			"details.txtar": func(s string) string {
				before, rest, _ := strings.Cut(s, "-- DescribeStreamSummary --\n{\"StreamName\": \"deleted\"}")
				_, after, _ := strings.Cut(rest, "-- Desc")
				return before + "-- Desc" + after
			},
		}, want: `the key "orders" is there twice`},
		{name: "row against the rules", collector: collector{emptyName: true}.declare(), want: "empty_key"},
		{name: "guessed value", collector: collector{guess: true}.declare(),
			want: "column status is UPDATING; with an answer it is ACTIVE, without it must be null"},
		{name: "row left out", collector: collector{skip: true}.declare(), want: "denied: 1 rows instead of 2, and no error"},
		{name: "throttling as null", collector: collector{swallow: true}.declare(),
			want: "throttled in every attempt: outcome ok, not throttled"},
		{name: "retry shows", collector: collector{countsAttempts: true}.declare(), want: "throttled once: the rows differ"},
		{name: "another operation", collector: collector{}.declare(), files: map[string]func(string) string{
			"details.txtar": func(s string) string { return strings.Replace(s, "DescribeStreamSummary", "DescribeStream", 1) },
		}, want: "requests without a recording in testdata/streams:\n-- DescribeStreamSummary --"},
		{name: "error hidden", collector: collector{wrapThrottling: true}.declare(),
			want: "the error is classified as failed, not denied"},
		{name: "no list", collector: collector{emptyList: true}.declare(),
			want: `ListStreams (request 0) answered without a list, "{}": Collect returns no error`},
		{name: "same token", collector: collector{sameToken: true}.declare(),
			want: "answers with the same token again: Collect asks again and again"},
		{name: "same token ends", collector: collector{sameToken: true, stopOnToken: true}.declare(),
			want: "answers with the same token again: Collect returns no error"},
		{name: "emit error", collector: collector{ignoreEmit: true}.declare(), want: "emit was called again after it failed"},
		{name: "context", collector: collector{ignoreContext: true}.declare(),
			want: "context canceled in request 0: the error is <nil>"},
	}
	base, err := filepath.Abs("testdata/streams")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			if err := os.CopyFS("testdata/streams", os.DirFS(base)); err != nil {
				t.Fatal(err)
			}
			for name, change := range test.files {
				changeFile(t, filepath.Join("testdata/streams", name), change)
			}
			if got := report(t, test.collector); !strings.Contains(got, test.want) {
				t.Errorf("the suite reports\n%s\nwant a report with\n%s", got, test.want)
			}
		})
	}
}

// changeFile rewrites a file, or removes it if change is nil.
func changeFile(t *testing.T, path string, change func(string) string) {
	t.Helper()
	if change == nil {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		return
	}
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	changed := change(string(old))
	if changed == string(old) {
		t.Fatalf("%s: the test changes nothing", path)
	}
	if err := os.WriteFile(path, []byte(changed), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestWithoutLists(t *testing.T) {
	for _, test := range []struct{ body, rest, bare string }{
		{`{"A": [1], "Next": "t", "B": {"C": []}}`, `{"B":{"C": []},"Next":"t"}`, `{}`},
		{`<R><One><a>1</a><b>2</b></One><Rule><a>1</a><b>2</b></Rule><Next>t</Next><Rule/></R>`,
			`<R><One><a>1</a><b>2</b></One><Next>t</Next></R>`, `<R></R>`},
		{`<R><QueryResult><set/><n>1</n></QueryResult><t>t</t></R>`, `<R><t>t</t></R>`, `<R></R>`},
		{`<R xmlns="x"><id>1</id><set><item><a>1</a></item></set><next>t</next></R>`,
			`<R xmlns="x"><id>1</id><next>t</next></R>`, `<R xmlns="x"></R>`},
	} {
		rest, lists := withoutLists([]byte(test.body), true)
		bare, _ := withoutLists([]byte(test.body), false)
		if string(rest) != test.rest || string(bare) != test.bare || !lists {
			t.Errorf("%s: %s, %s, %v", test.body, rest, bare, lists)
		}
		if texts := textsOf([]byte(test.body)); !slices.Contains(texts, "t") {
			t.Errorf("%s: texts %q", test.body, texts)
		}
	}
	for _, body := range []string{`{"A": {"B": []}}`, `<R><a>1</a></R>`, `<R><a><b/><c/><b/></a></R>`, ``, `[]`} {
		if _, lists := withoutLists([]byte(body), true); lists {
			t.Errorf("%s has a list", body)
		}
	}
}

func TestParseRecording(t *testing.T) {
	r, err := parseRecording(txtar.File{Name: "ListStreams",
		Data: []byte("{\n  \"Limit\": 2\n}\n\n200\n{\"StreamNames\": []}\n\n")})
	if err != nil || r.Operation != "ListStreams" || r.Status != 200 || string(r.Answer) != "{\"StreamNames\": []}\n\n" {
		t.Errorf("%+v, error %v", r, err)
	}
	for _, bad := range []string{"", "{}", "{}\n200\n{}", "{\n\n200\n{}", "{} {}\n\n200\n{}", "{}\n\nok\n{}"} {
		if _, err := parseRecording(txtar.File{Name: "ListStreams", Data: []byte(bad)}); err == nil {
			t.Errorf("%q is a recording", bad)
		}
	}
	if _, err := Recordings(t.TempDir()); err == nil {
		t.Error("a directory without recordings is accepted")
	}
}

func TestRequestValue(t *testing.T) {
	for _, test := range []struct{ method, url, body, want string }{
		{"POST", "/", `{"Limit":2}`, `{"Limit":2}`},
		{"POST", "/findings", `{"MaxResults":2}`, `{"MaxResults":2}`},
		{"GET", "/functions?Marker=a", "", `{"Marker":"a","path":"/functions"}`},
		{"GET", "/x?key=a&key=b&one=c", "", `{"key":["a","b"],"one":"c","path":"/x"}`},
		{"POST", "/x/1?page=2", `{"a":1}`, `{"body":{"a":1},"page":"2","path":"/x/1"}`},
		{"GET", "https://orders.s3.eu-west-1.amazonaws.com/?tagging=&x-id=GetBucketTagging", "",
			`{"bucket":"orders","path":"/","tagging":""}`},
	} {
		request := httptest.NewRequest(test.method, test.url, strings.NewReader(test.body))
		value, err := requestValue(request)
		if got, _ := json.Marshal(value); err != nil || string(got) != test.want {
			t.Errorf("%s %s %s: %s, %v; want %s", test.method, test.url, test.body, got, err, test.want)
		}
	}
}
