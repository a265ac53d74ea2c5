package collectors

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/envelope"
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/lib/stream"
	"github.com/hubspoke/observability/schemas"
)

// ThingsOutput is an answer of the operation Things.
type ThingsOutput struct {
	list []int
	next *string
}

func TestEach(t *testing.T) {
	fault := errors.New("no route to host")
	page := func(next string, list ...int) *ThingsOutput {
		return &ThingsOutput{append([]int{}, list...), &next}
	}
	for name, test := range map[string]struct {
		pages []*ThingsOutput // nil is fault
		want  []int
		err   string
	}{
		"pages":          {[]*ThingsOutput{page("a", 1, 2), page("b"), page("", 3)}, []int{1, 2, 3}, ""},
		"nothing":        {[]*ThingsOutput{page("")}, nil, ""},
		"no token":       {[]*ThingsOutput{{list: []int{1}}}, []int{1}, ""},
		"no list":        {[]*ThingsOutput{{}}, nil, "Things: the answer has no list (page 1)"},
		"no second list": {[]*ThingsOutput{page("a", 1), {}}, []int{1}, "Things: the answer has no list (page 2)"},
		"error":          {[]*ThingsOutput{page("a", 1), nil}, []int{1}, fault.Error()},
		"same token": {[]*ThingsOutput{page("a", 1), page("a", 2), page("a", 3)}, []int{1, 2},
			"Things: AWS sent the token of a page again (page 2)"},
		"tokens in turn": {[]*ThingsOutput{page("a", 1), page("b", 2), page("a", 3), page("b", 4)}, []int{1, 2, 3},
			"again (page 3)"},
	} {
		t.Run(name, func(t *testing.T) {
			asked := 0
			pages := &byToken[ThingsOutput]{
				ask: func(_ context.Context, token *string) (*ThingsOutput, error) {
					if asked > 0 && aws.ToString(token) != aws.ToString(test.pages[asked-1].next) {
						t.Errorf("request %d has the token %q", asked, aws.ToString(token))
					}
					asked++
					if answer := test.pages[asked-1]; answer != nil {
						return answer, nil
					}
					return nil, fault
				},
				next: func(p *ThingsOutput) *string { return p.next },
			}
			var got []int
			err := emitEach(each(t.Context(), pages, func(p *ThingsOutput) ([]int, *string) { return p.list, p.next }),
				func(n *int) int { return *n }, func(n int) error { got = append(got, n); return nil })
			if !slices.Equal(got, test.want) || (err == nil) != (test.err == "") ||
				err != nil && !strings.Contains(err.Error(), test.err) {
				t.Errorf("%v, error %v; want %v, %q", got, err, test.want, test.err)
			}
		})
	}
}

// TestCostsWithoutGroupsAreNotComplete: a day without costs has an empty list.
func TestCostsWithoutGroupsAreNotComplete(t *testing.T) {
	whole := costAnswer(t, nil)
	env := (&answer{}).env("eu-west-1")
	env.AWS.HTTPClient = &answer{status: 200, body: strings.Replace(whole, `"Groups":[]`, `"Groups":null`, 1)}
	if err := collectServiceCosts(t.Context(), env, func(schemas.ServiceCost) error { return nil }); err == nil {
		t.Error("no error")
	}
}

// TestReservationWithoutInstancesIsNotComplete: every reservation has some.
func TestReservationWithoutInstancesIsNotComplete(t *testing.T) {
	env := (&answer{}).env("eu-west-1")
	env.AWS.HTTPClient = &answer{status: 200,
		body: `<DescribeInstancesResponse><reservationSet><item><reservationId>r-1</reservationId></item></reservationSet></DescribeInstancesResponse>`}
	if err := collectEC2Instances(t.Context(), env, func(schemas.EC2Instance) error { return nil }); err == nil {
		t.Error("no error")
	}
}

// TestEmptyRegionIsNotNoRegion: both are regions of Cost Explorer, and the costs of
// neither may be lost.
func TestEmptyRegionIsNotNoRegion(t *testing.T) {
	const group = `{"Keys":["Tax",%q],"Metrics":{"UnblendedCost":{"Amount":%q,"Unit":"USD"}}}`
	env := (&answer{}).env("eu-west-1")
	env.AWS.HTTPClient = &answer{status: 200, body: costAnswer(t, map[string]string{
		"2026-10-19": fmt.Sprintf(group, "", "903.25") + "," + fmt.Sprintf(group, "NoRegion", "110.5"),
	})}
	var rows []string
	err := collectServiceCosts(t.Context(), env, func(row schemas.ServiceCost) error {
		rows = append(rows, row.UsageRegion+" "+row.UnblendedCost.String())
		return nil
	})
	if want := []string{"(empty) 903.25", "NoRegion 110.5"}; err != nil || !slices.Equal(rows, want) {
		t.Errorf("rows %q, error %v; want %q", rows, err, want)
	}
}

// kept is a stream that keeps what it gets.
type kept struct{ messages []stream.Message }

func (k *kept) Publish(_ context.Context, messages []stream.Message) error {
	k.messages = append(k.messages, messages...)
	return nil
}

// secretsWithTags answers ListSecrets with secrets that have many tags and versions.
func secretsWithTags() string {
	type tag struct{ Key, Value string }
	type entry struct {
		ARN, Name              string
		Tags                   []tag
		SecretVersionsToStages map[string][]string
	}
	var list []entry
	for i := range 20 {
		e := entry{ARN: fmt.Sprint("arn:", i), Name: "n", SecretVersionsToStages: map[string][]string{}}
		for j := range 12 {
			e.Tags = append(e.Tags, tag{fmt.Sprintf("key%d", j*7%12), "v"})
			e.SecretVersionsToStages[fmt.Sprint("version", j)] = []string{"AWSPREVIOUS"}
		}
		list = append(list, e)
	}
	body, _ := json.Marshal(map[string]any{"SecretList": list})
	return string(body)
}

// TestEqualAnswersAreEqualParts: Go walks a map in another order each time. The hub
// takes a part with other bytes for another one.
func TestEqualAnswersAreEqualParts(t *testing.T) {
	env := (&answer{}).env("eu-west-1")
	env.AWS.HTTPClient = sameAnswer(secretsWithTags())
	collectOnce := func() (sums [][32]byte) {
		to := &kept{}
		runner, err := collect.New(collect.Config{
			Account: env.Account, Regions: []string{env.Region}, Collectors: []collect.Any{Secrets},
			AWS:       func(string) aws.Config { return env.AWS },
			Publisher: to,
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := runner.Once(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, m := range to.messages {
			record, err := envelope.Parse(m.Data)
			if err != nil {
				t.Fatal(err)
			}
			if record.Part != nil {
				sums = append(sums, record.Part.SHA256)
			}
		}
		return sums
	}
	if first, second := collectOnce(), collectOnce(); len(first) != 1 || !slices.Equal(first, second) {
		t.Errorf("the parts have the hashes %x, and then %x", first, second)
	}
	// What does not pass the runner must be equal, too.
	object := map[string]int{}
	for i := range 50 {
		object[fmt.Sprint(i)] = i
	}
	for range 10 {
		if a, b := jsonOf(object), jsonOf(object); string(a) != string(b) {
			t.Fatalf("%s, and then %s", a, b)
		}
	}
}

// sameAnswer is an HTTP client that gives every request this answer.
type sameAnswer string

func (a sameAnswer) Do(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{},
		Body: io.NopCloser(strings.NewReader(string(a))), Request: r}, nil
}

// TestTagsWithControlCharactersAreSent: a NUL in a tag must not cost the row.
func TestTagsWithControlCharactersAreSent(t *testing.T) {
	env := (&answer{}).env("eu-west-1")
	env.AWS.HTTPClient = sameAnswer(
		`{"SecretList":[{"ARN":"arn:1","Name":"n","Description":"a\u0000b","Tags":[{"Key":"k\u0000","Value":"\u0000v"}]}]}`)
	var rows []string
	runner, err := collect.New(collect.Config{
		Account: env.Account, Regions: []string{env.Region}, Collectors: []collect.Any{Secrets},
		AWS: func(string) aws.Config { return env.AWS },
		Row: func(_ schema.Scope, row []byte) { rows = append(rows, string(row)) },
	})
	if err != nil {
		t.Fatal(err)
	}
	want := "{\"secret_arn\":\"arn:1\",\"name\":\"n\",\"description\":\"a\ufffdb\",\"tags\":{\"k\ufffd\":\"\ufffdv\"}}"
	if _, err := runner.Once(t.Context()); err != nil || len(rows) != 1 || rows[0] != want {
		t.Errorf("rows %q, error %v; want %q", rows, err, want)
	}
}

func TestBySlice(t *testing.T) {
	denied, full := codeError("AccessDenied"), errors.New("full")
	rows := func(n int, err error) sliceOf[string] {
		return func(_ context.Context, _ *collect.Env, emit func(string) error) error {
			for i := range n {
				if err := emit(fmt.Sprint(i)); err != nil {
					return fmt.Errorf("emit: %w", err)
				}
			}
			return err
		}
	}
	type lists = map[string]sliceOf[string]
	for name, test := range map[string]struct {
		lists  lists
		emit   error // of the second row
		cancel bool
		rows   int
		slices []string // that are not complete
		err    error
	}{
		"all":        {lists: lists{"a": rows(1, nil), "b": rows(2, nil)}, rows: 3},
		"one denied": {lists: lists{"a": rows(1, denied), "b": rows(2, nil)}, rows: 3, slices: []string{"a"}, err: denied},
		"emit":       {lists: lists{"a": rows(3, nil), "b": rows(2, nil)}, emit: full, rows: 1, err: full},
		"canceled": {lists: lists{"a": rows(1, context.Canceled), "b": rows(2, nil)},
			cancel: true, rows: 1, err: context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if test.cancel {
				cancel()
			}
			emitted, calls := 0, 0
			err := bySlice(ctx, nil, func(string) error {
				if calls++; calls == 2 && test.emit != nil {
					return test.emit
				}
				emitted++
				return nil
			}, test.lists)
			var bySlice collect.SliceErrors
			isSlices := errors.As(err, &bySlice)
			if emitted != test.rows || !errors.Is(err, test.err) || isSlices != (test.slices != nil) ||
				test.emit != nil && calls != 2 {
				t.Errorf("%d rows, %d calls, error %v", emitted, calls, err)
			}
			if isSlices && !slices.Equal(slices.Sorted(maps.Keys(bySlice)), test.slices) {
				t.Errorf("slices %v, want %v", bySlice, test.slices)
			}
		})
	}
}

// TestEachByToken: the input asks for the page of the token, and the list of a page is read once.
func TestEachByToken(t *testing.T) {
	type input struct{ token *string }
	pages, read := map[string]*ThingsOutput{
		"": {[]int{1, 2}, aws.String("a")}, "a": {[]int{}, aws.String("b")}, "b": {[]int{3}, nil},
	}, 0
	list := eachByToken(t.Context(), &input{},
		func(_ context.Context, in *input, _ ...func(*struct{})) (*ThingsOutput, error) {
			return pages[aws.ToString(in.token)], nil
		},
		func(in *input) **string { return &in.token },
		func(p *ThingsOutput) ([]int, *string) { read++; return p.list, p.next })
	if got, err := gather(list); err != nil || !slices.Equal(got, []int{1, 2, 3}) || read != 3 {
		t.Errorf("got %v of %d pages, error %v", got, read, err)
	}
}

func TestGather(t *testing.T) {
	fault := errors.New("a fault")
	items := func(yield func(*int, error) bool) {
		for i := range 3 {
			if !yield(&i, nil) {
				return
			}
		}
		yield(nil, fault)
	}
	if list, err := gather(items); !errors.Is(err, fault) || list != nil {
		t.Errorf("got %v, %v", list, err)
	}
}

// TestListOfWhatIsGone: a thing that was deleted while its list was read has the rows that
// were read before. Nothing else is hidden, and not what emit returns.
func TestListOfWhatIsGone(t *testing.T) {
	gone, full := &smithy.GenericAPIError{Code: "NotFound"}, errors.New("the buffer is full")
	one, two := 1, 2
	items := func(end error) iter.Seq2[*int, error] {
		return func(yield func(*int, error) bool) {
			_ = yield(&one, nil) && yield(&two, nil) && end != nil && yield(nil, end)
		}
	}
	for name, test := range map[string]struct {
		end, emit, want error
		codes           []string
		rows            int
	}{
		"all":        {rows: 2, codes: []string{"NotFound"}},
		"gone":       {end: gone, codes: []string{"Other", "NotFound"}, rows: 2},
		"other code": {end: gone, codes: []string{"Other"}, rows: 2, want: gone},
		"no code":    {end: gone, rows: 2, want: gone},
		"emit":       {emit: full, want: full, codes: []string{"NotFound"}},
		"emit: gone": {emit: gone, want: gone, codes: []string{"NotFound"}},
	} {
		rows := 0
		err := emitEach(items(test.end), func(i *int) int { return *i }, func(int) error {
			if test.emit == nil {
				rows++
			}
			return test.emit
		}, test.codes...)
		if !errors.Is(err, test.want) || rows != test.rows {
			t.Errorf("%s: %d rows, error %v; want %d, %v", name, rows, err, test.rows, test.want)
		}
	}
}

func TestGatherBy(t *testing.T) {
	fault := errors.New("no route to host")
	one, two, again := "one", "two", "one"
	items := func(end error) iter.Seq2[*string, error] {
		return func(yield func(*string, error) bool) {
			_ = yield(&one, nil) && yield(&two, nil) && yield(&again, nil) && end != nil && yield(nil, end)
		}
	}
	name := func(s *string) *string { return s }
	byName, err := gatherBy(items(nil), name)
	if err != nil || len(byName) != 2 || byName["one"] != &again || byName["two"] != &two {
		t.Errorf("%v, error %v", byName, err)
	}
	if byName, err := gatherBy(items(fault), name); byName != nil || !errors.Is(err, fault) {
		t.Errorf("%v, error %v", byName, err)
	}
}

func TestSingle(t *testing.T) {
	asked := 0
	pages := single(func(context.Context) (*ThingsOutput, error) {
		asked++
		return &ThingsOutput{list: []int{1, 2, 1}, next: aws.String("ignored")}, nil
	})
	list, err := gather(each(t.Context(), pages, func(p *ThingsOutput) ([]int, *string) { return p.list, nil }))
	if err != nil || asked != 1 || !slices.Equal(list, []int{1, 2, 1}) {
		t.Errorf("%v after %d requests, error %v", list, asked, err)
	}
	if once := distinct(list); !slices.Equal(once, []int{1, 2}) {
		t.Errorf("distinct: %v", once)
	}
	broken := single(func(context.Context) (*ThingsOutput, error) { return &ThingsOutput{}, nil })
	if _, err := gather(each(t.Context(), broken,
		func(p *ThingsOutput) ([]int, *string) { return p.list, nil })); err == nil {
		t.Error("an answer without its list is no error")
	}
}
