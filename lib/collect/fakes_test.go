package collect_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"go.uber.org/goleak"

	"github.com/hubspoke/observability/lib/archive"
	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/envelope"
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/lib/stream"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const account = "111122223333"

// thing is a row of a snapshot category.
type thing struct {
	ID   string  `col:"id,key"`
	Name *string `col:"name"`
}

// event is a row of a category that is read incrementally.
type event struct {
	ID   string  `col:"id,key"`
	Name *string `col:"name"`
}

// cost is a row of a category with a slice per day.
type cost struct {
	Day     schema.Date `col:"day,key,slice"`
	Service string      `col:"service,key"`
}

var (
	things = schema.Of[thing](schema.Spec{Name: "things", Mode: schema.Snapshot})
	events = schema.Of[event](schema.Spec{Name: "events", Mode: schema.Snapshot, Incremental: true})
	costs  = schema.Of[cost](schema.Spec{Name: "costs", Mode: schema.Snapshot})
)

// collector returns a collector of things.
func collector(f func(ctx context.Context, env *collect.Env, emit func(thing) error) error) collect.Collector[thing] {
	return collect.Collector[thing]{
		Category: things,
		Reach:    collect.PerRegion,
		Every:    time.Hour,
		Calls:    []string{"sts:GetCallerIdentity"},
		Collect:  f,
	}
}

// emits returns a collector of n things that then ends with err.
func emits(n int, err error) collect.Collector[thing] {
	return collector(func(_ context.Context, _ *collect.Env, emit func(thing) error) error {
		for i := range n {
			if err := emit(thing{ID: fmt.Sprint("thing-", i)}); err != nil {
				return err
			}
		}
		return err
	})
}

// config returns a config for tests: one region, everything at once.
func config(collectors ...collect.Any) collect.Config {
	return collect.Config{
		Account:    account,
		Regions:    []string{"eu-central-1"},
		Collectors: collectors,
		AWS:        func(region string) aws.Config { return aws.Config{Region: region} },
		Jitter:     1,
	}
}

func newRunner(t *testing.T, cfg collect.Config) *collect.Runner {
	t.Helper()
	r, err := collect.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// journal is the order in which things were stored.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) add(format string, args ...any) {
	if j == nil {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, fmt.Sprintf(format, args...))
}

// publisher is a stream in memory. fail, if set, decides about each call.
type publisher struct {
	journal *journal
	fail    func(ctx context.Context, messages []stream.Message) error

	mu     sync.Mutex
	calls  int
	stored []stream.Message
}

func (p *publisher) Publish(ctx context.Context, messages []stream.Message) error {
	p.mu.Lock()
	p.calls++
	p.mu.Unlock()
	var err error
	if p.fail != nil {
		err = p.fail(ctx, messages)
	}
	missing := map[int]bool{}
	var partly *stream.PublishError
	if errors.As(err, &partly) {
		for _, i := range partly.Failed {
			missing[i] = true
		}
	} else if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, m := range messages {
		if missing[i] {
			continue
		}
		p.stored = append(p.stored, m)
		r, err := envelope.Parse(m.Data)
		switch {
		case err != nil:
			p.journal.add("not an envelope: %v", err)
		case r.Part != nil:
			p.journal.add("part %d", r.Part.Part)
		default:
			p.journal.add("end %s", r.End.Outcome)
		}
	}
	return err
}

// sent is what the stream has of one run.
type sent struct {
	end   *envelope.EndHeader
	parts []int
	rows  []string
}

// runs takes everything in the stream apart, by slice, and checks that each
// record is well-formed, lies behind no end, and that there is one end per run.
func (p *publisher) runs(t *testing.T) map[schema.Scope]*sent {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	decoder := envelope.NewDecoder()
	defer decoder.Close()
	out := map[schema.Scope]*sent{}
	for _, m := range p.stored {
		r, err := envelope.Parse(m.Data)
		if err != nil {
			t.Fatal(err)
		}
		if m.PartitionKey != envelope.PartitionKey(r.Scope) {
			t.Errorf("partition key %q", m.PartitionKey)
		}
		run := out[r.Scope]
		if run == nil {
			run = &sent{}
			out[r.Scope] = run
		}
		if run.end != nil {
			t.Errorf("%s: a record behind the end", r.Scope)
		}
		if r.End != nil {
			run.end = r.End
			continue
		}
		data, err := decoder.Body(nil, r.Part, r.Body)
		if err != nil {
			t.Fatal(err)
		}
		run.parts = append(run.parts, r.Part.Part)
		for _, line := range envelope.Lines(data) {
			run.rows = append(run.rows, string(line))
		}
	}
	for scope, run := range out {
		if run.end == nil {
			t.Fatalf("%s: no end", scope)
		}
	}
	return out
}

// only returns the one run in the stream.
func (p *publisher) only(t *testing.T) *sent {
	t.Helper()
	runs := p.runs(t)
	if len(runs) != 1 {
		t.Fatalf("%d runs in the stream, want 1", len(runs))
	}
	for _, run := range runs {
		return run
	}
	return nil
}

// bucket is S3 in memory. fail, if set, decides about each put.
type bucket struct {
	archive.S3
	journal *journal
	fail    func(key string) error
	discard bool

	mu      sync.Mutex
	objects map[string][]byte
}

func (b *bucket) PutObject(_ context.Context, in *s3.PutObjectInput, _ ...func(*s3.Options)) (*s3.PutObjectOutput,
	error) {
	key := aws.ToString(in.Key)
	if b.fail != nil {
		if err := b.fail(key); err != nil {
			return nil, err
		}
	}
	data, err := io.ReadAll(in.Body)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.objects == nil {
		b.objects = map[string][]byte{}
	}
	if b.discard {
		return &s3.PutObjectOutput{}, nil
	}
	b.objects[key] = data
	if strings.HasSuffix(key, ".parquet") {
		b.journal.add("file")
	} else {
		b.journal.add("manifest")
	}
	return &s3.PutObjectOutput{}, nil
}

// manifests returns all manifests, parsed.
func (b *bucket) manifests(t *testing.T) []archive.Manifest {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []archive.Manifest
	for key, data := range b.objects {
		if !strings.HasSuffix(key, ".manifest.json") {
			continue
		}
		m, err := archive.ParseManifest(bytes.Clone(data))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, *m)
	}
	return out
}
