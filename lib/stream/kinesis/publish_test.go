package kinesis_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awskinesis "github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"

	"github.com/hubspoke/observability/lib/stream"
	"github.com/hubspoke/observability/lib/stream/kinesis"
)

// script is a Client. The test decides its answers.
type script struct {
	mu    sync.Mutex
	calls [][]string // data of the records of each call
	times []time.Time
	input *awskinesis.PutRecordsInput
	// answer returns the error code of each record ("" is stored), or an error;
	// n is the number of the call, from 0.
	answer func(ctx context.Context, n int, data []string) ([]string, error)
}

func (s *script) PutRecords(ctx context.Context, in *awskinesis.PutRecordsInput,
	_ ...func(*awskinesis.Options)) (*awskinesis.PutRecordsOutput, error) {
	var data []string
	for _, r := range in.Records {
		data = append(data, string(r.Data))
	}
	s.mu.Lock()
	n := len(s.calls)
	s.calls, s.times, s.input = append(s.calls, data), append(s.times, time.Now()), in
	s.mu.Unlock()
	codes, err := s.answer(ctx, n, data)
	if err != nil {
		return nil, err
	}
	out := &awskinesis.PutRecordsOutput{}
	for _, code := range codes {
		var r types.PutRecordsResultEntry
		if code != "" {
			r.ErrorCode, r.ErrorMessage = aws.String(code), aws.String("scripted")
		}
		out.Records = append(out.Records, r)
	}
	return out, nil
}

// stored answers that all records are stored.
func stored(data []string) ([]string, error) { return make([]string, len(data)), nil }

func apiError(code string) error {
	return &smithy.OperationError{ServiceID: "Kinesis", OperationName: "PutRecords",
		Err: &smithy.GenericAPIError{Code: code, Message: "scripted"}}
}

const throttled = "ProvisionedThroughputExceededException"

// publisher makes a Publisher for the client.
func publisher(t testing.TB, client kinesis.Client, change ...func(*kinesis.Config)) *kinesis.Publisher {
	t.Helper()
	cfg := kinesis.Config{Client: client, Stream: "events"}
	for _, c := range change {
		c(&cfg)
	}
	p, err := kinesis.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// messages makes n messages with their numbers as data.
func messages(n int) []stream.Message {
	out := make([]stream.Message, n)
	for i := range out {
		out[i] = stream.Message{PartitionKey: fmt.Sprintf("key-%d", i%7), Data: fmt.Append(nil, i)}
	}
	return out
}

// failedOf returns which messages an error of Publish names.
func failedOf(t *testing.T, err error) []int {
	t.Helper()
	var missing *stream.PublishError
	if !errors.As(err, &missing) {
		t.Fatalf("Publish returned %v, not a *stream.PublishError", err)
	}
	return missing.Failed
}

// TestFailedRecordsAreSentAgainFirst follows the batches of one Publish.
func TestFailedRecordsAreSentAgainFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := &script{answer: func(_ context.Context, n int, data []string) ([]string, error) {
			codes, _ := stored(data)
			switch n {
			case 0:
				codes[1], codes[3] = throttled, "InternalFailure"
			case 1:
				codes[0], codes[3] = "InternalFailure", throttled
			}
			return codes, nil
		}}
		p := publisher(t, client, func(c *kinesis.Config) { c.MaxRecords = 4 })
		if err := p.Publish(t.Context(), messages(8)); err != nil {
			t.Fatal(err)
		}
		got := fmt.Sprint(client.calls)
		if want := "[[0 1 2 3] [1 3 4 5] [1 5 6 7]]"; got != want {
			t.Errorf("calls were %s, not %s", got, want)
		}
	})
}

// A batch keeps the limit of bytes also when part of it is sent again.
func TestRetriedBytesCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := &script{answer: func(_ context.Context, n int, data []string) ([]string, error) {
			codes, _ := stored(data)
			if n == 0 {
				codes[1], codes[3] = throttled, throttled
			}
			return codes, nil
		}}
		const each = len("key-0") + len("0")
		p := publisher(t, client, func(c *kinesis.Config) { c.MaxRecordBytes, c.MaxBytes = each, 4*each })
		if err := p.Publish(t.Context(), messages(8)); err != nil {
			t.Fatal(err)
		}
		got := fmt.Sprint(client.calls)
		if want := "[[0 1 2 3] [1 3 4 5] [6 7]]"; got != want {
			t.Errorf("calls were %s, not %s", got, want)
		}
	})
}

// TestThrottledForTenMinutes is a stream that takes nothing for ten minutes.
func TestThrottledForTenMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		client := &script{answer: func(_ context.Context, _ int, data []string) ([]string, error) {
			if time.Since(start) < 10*time.Minute {
				return nil, apiError(throttled)
			}
			return stored(data)
		}}
		if err := publisher(t, client).Publish(t.Context(), messages(10)); err != nil {
			t.Fatal(err)
		}
		if n := len(client.calls); n < 40 || n > 130 { // pauses of 5 to 15 seconds
			t.Errorf("%d calls in 10 minutes", n)
		}
		for i := range client.times[1:] {
			pause := client.times[i+1].Sub(client.times[i])
			if pause < 50*time.Millisecond || pause > 15*time.Second {
				t.Errorf("the pause after call %d was %v", i, pause)
			}
		}
	})
}

func TestGivesUpWhenNothingIsStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := &script{answer: func(_ context.Context, n int, data []string) ([]string, error) {
			codes, _ := stored(data)
			for i := range codes {
				if n > 0 || i > 0 { // the first call stores one record
					codes[i] = throttled
				}
			}
			return codes, nil
		}}
		start := time.Now()
		err := publisher(t, client).Publish(t.Context(), messages(3))
		if failed := failedOf(t, err); !slices.Equal(failed, []int{1, 2}) {
			t.Errorf("Failed is %v", failed)
		}
		if took := time.Since(start); took < 14*time.Minute || took > 15*time.Minute {
			t.Errorf("gave up after %v", took)
		}
		var api smithy.APIError
		if !errors.As(err, &api) || api.ErrorCode() != throttled {
			t.Errorf("%v does not say that the stream is throttled", err)
		}
	})
}

// TestProgressKeepsItGoing stores one record a call for an hour.
func TestProgressKeepsItGoing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := &script{answer: func(_ context.Context, _ int, data []string) ([]string, error) {
			time.Sleep(10 * time.Second)
			codes := make([]string, len(data))
			for i := range codes[1:] {
				codes[i+1] = throttled
			}
			return codes, nil
		}}
		start := time.Now()
		if err := publisher(t, client).Publish(t.Context(), messages(360)); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took < time.Hour || took > time.Hour+time.Minute {
			t.Errorf("took %v: after progress the pauses are to be short", took)
		}
	})
}

func TestWhatPassesIsTriedAgain(t *testing.T) {
	for _, code := range []string{
		throttled, "InternalFailure", "InternalFailureException", "KMSThrottlingException", "LimitExceededException",
		"ServiceUnavailable", "ThrottlingException", "ResourceInUseException", "RequestTimeout",
	} {
		t.Run(code, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := &script{answer: func(_ context.Context, n int, data []string) ([]string, error) {
					if n < 2 {
						return nil, apiError(code)
					}
					return stored(data)
				}}
				if err := publisher(t, client).Publish(t.Context(), messages(2)); err != nil {
					t.Fatal(err)
				}
				if n := len(client.calls); n != 3 {
					t.Errorf("%d calls, not 3", n)
				}
			})
		})
	}
}

func TestWhatCannotPassIsReturnedAtOnce(t *testing.T) {
	for code, step := range map[string]string{
		"AccessDeniedException":     "resource policy",
		"ResourceNotFoundException": "describe-stream-summary",
		"KMSDisabledException":      "enable-key",
		"KMSInvalidStateException":  "describe-key",
		"KMSAccessDeniedException":  "kms:GenerateDataKey",
		"KMSNotFoundException":      "start-stream-encryption",
		"KMSOptInRequired":          "KMS",
		"ValidationException":       "limits",
		"InvalidArgumentException":  "limits",
		"InvalidSignatureException": "clock",
		"SomethingNew":              "SomethingNew",
	} {
		t.Run(code, func(t *testing.T) {
			client := &script{answer: func(context.Context, int, []string) ([]string, error) { return nil, apiError(code) }}
			err := publisher(t, client, func(c *kinesis.Config) { c.MaxRecords = 2 }).Publish(t.Context(), messages(3))
			if failed := failedOf(t, err); !slices.Equal(failed, []int{0, 1, 2}) {
				t.Errorf("Failed is %v", failed)
			}
			if n := len(client.calls); n != 1 {
				t.Errorf("%d calls, not 1", n)
			}
			if !strings.Contains(err.Error(), "stream events") || !strings.Contains(err.Error(), step) {
				t.Errorf("%q does not name the stream and %q", err, step)
			}
		})
	}
}

// TestAfterPartOfTheMessages fails for good when some messages are stored.
func TestAfterPartOfTheMessages(t *testing.T) {
	client := &script{answer: func(_ context.Context, n int, data []string) ([]string, error) {
		if n == 1 {
			return nil, apiError("AccessDeniedException")
		}
		return stored(data)
	}}
	err := publisher(t, client, func(c *kinesis.Config) { c.MaxRecords = 2 }).Publish(t.Context(), messages(5))
	if failed := failedOf(t, err); !slices.Equal(failed, []int{2, 3, 4}) {
		t.Errorf("Failed is %v", failed)
	}
}

func TestCancelWhileWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := &script{answer: func(context.Context, int, []string) ([]string, error) { return nil, apiError(throttled) }}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Minute, cancel)
		start := time.Now()
		err := publisher(t, client).Publish(ctx, messages(2))
		if failed := failedOf(t, err); !slices.Equal(failed, []int{0, 1}) {
			t.Errorf("Failed is %v", failed)
		}
		if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), throttled) {
			t.Errorf("%v does not say what happened", err)
		}
		if took := time.Since(start); took != time.Minute {
			t.Errorf("returned after %v", took)
		}
	})
}

// TestACallThatHangs is a black hole that takes the first two calls.
func TestACallThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := &script{answer: func(ctx context.Context, n int, data []string) ([]string, error) {
			if n < 2 {
				<-ctx.Done()
				return nil, &aws.RequestCanceledError{Err: ctx.Err()}
			}
			return stored(data)
		}}
		start := time.Now()
		if err := publisher(t, client).Publish(t.Context(), messages(2)); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start).Round(time.Second); took != 2*time.Minute {
			t.Errorf("took %v, not two time-outs of a minute", took)
		}
	})
}

func TestAnAnswerForOtherRecordsIsNotBelieved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := &script{answer: func(_ context.Context, n int, data []string) ([]string, error) {
			if n == 0 {
				return stored(data[1:])
			}
			return stored(data)
		}}
		if err := publisher(t, client).Publish(t.Context(), messages(3)); err != nil {
			t.Fatal(err)
		}
		if n := len(client.calls); n != 2 {
			t.Errorf("%d calls, not 2", n)
		}
	})
}

func TestWhatKinesisNeverTakesIsNotSent(t *testing.T) {
	for name, c := range map[string]struct {
		bad  stream.Message
		want string
	}{
		"no partition key":       {stream.Message{Data: []byte("x")}, "1 to 256"},
		"a long partition key":   {stream.Message{PartitionKey: strings.Repeat("k", 257)}, "257 characters"},
		"a key that is no UTF-8": {stream.Message{PartitionKey: "\xff"}, "UTF-8"},
		"a byte too much":        {stream.Message{PartitionKey: "key", Data: make([]byte, 1<<20-2)}, "1048577 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			client := &script{answer: func(_ context.Context, _ int, data []string) ([]string, error) { return stored(data) }}
			err := publisher(t, client).Publish(t.Context(), append(messages(2), c.bad))
			if failed := failedOf(t, err); !slices.Equal(failed, []int{0, 1, 2}) {
				t.Errorf("Failed is %v", failed)
			}
			if len(client.calls) != 0 {
				t.Error("messages were sent")
			}
			if !strings.Contains(err.Error(), "message 2") || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%q does not name the message and %q", err, c.want)
			}
		})
	}
}

func TestTheLimitsThemselvesAreTaken(t *testing.T) {
	client := &script{answer: func(_ context.Context, _ int, data []string) ([]string, error) { return stored(data) }}
	err := publisher(t, client).Publish(t.Context(), []stream.Message{
		{PartitionKey: strings.Repeat("ж", 256)},
		{PartitionKey: "key", Data: make([]byte, 1<<20-3)},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestBatches counts the records of the calls.
func TestBatches(t *testing.T) {
	sized := func(n, bytes int) []stream.Message {
		var out []stream.Message
		for range n {
			out = append(out, stream.Message{PartitionKey: "k", Data: make([]byte, bytes-1)})
		}
		return out
	}
	for name, c := range map[string]struct {
		messages []stream.Message
		want     []int
	}{
		"none":                {nil, nil},
		"500 records":         {messages(500), []int{500}},
		"501 records":         {messages(501), []int{500, 1}},
		"5 MiB":               {sized(5, 1<<20), []int{5}},
		"5 MiB and a byte":    {append(sized(5, 1<<20), sized(1, 1)...), []int{5, 1}},
		"a byte in the front": {append(sized(1, 1), sized(5, 1<<20)...), []int{5, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			client := &script{answer: func(_ context.Context, _ int, data []string) ([]string, error) { return stored(data) }}
			if err := publisher(t, client).Publish(t.Context(), c.messages); err != nil {
				t.Fatal(err)
			}
			var got []int
			for _, data := range client.calls {
				got = append(got, len(data))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("calls of %v records, not %v", got, c.want)
			}
		})
	}
}

func TestConcurrencyBoundsTheCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		running, most := 0, 0
		client := &script{answer: func(_ context.Context, _ int, data []string) ([]string, error) {
			mu.Lock()
			running++
			most = max(most, running)
			mu.Unlock()
			time.Sleep(time.Second)
			mu.Lock()
			running--
			mu.Unlock()
			return stored(data)
		}}
		p := publisher(t, client, func(c *kinesis.Config) { c.Concurrency = 3 })
		var group sync.WaitGroup
		for range 12 {
			group.Go(func() {
				if err := p.Publish(t.Context(), messages(1)); err != nil {
					t.Error(err)
				}
			})
		}
		group.Go(func() { // one that gives up while it waits for its turn
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			defer cancel()
			synctest.Wait()
			if err := p.Publish(ctx, messages(1)); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Publish returned %v", err)
			}
		})
		group.Wait()
		if most != 3 {
			t.Errorf("%d calls were under way at once, not 3", most)
		}
	})
}

func TestHooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := &script{answer: func(_ context.Context, n int, data []string) ([]string, error) {
			time.Sleep(time.Second)
			switch n {
			case 0:
				return nil, apiError(throttled)
			case 1:
				return []string{throttled, "InternalFailure", ""}, nil
			}
			return stored(data)
		}}
		var calls []kinesis.Call
		p := publisher(t, client, func(c *kinesis.Config) {
			c.Hooks.Called = func(call kinesis.Call) { calls = append(calls, call) }
		})
		if err := p.Publish(t.Context(), messages(3)); err != nil {
			t.Fatal(err)
		}
		if len(calls) != 3 || calls[0].Err == nil {
			t.Fatalf("calls %+v", calls)
		}
		calls[0].Err = nil
		want := []kinesis.Call{
			{Records: 3, Bytes: 18, Failed: 3, Throttled: 3, Took: time.Second},
			{Records: 3, Bytes: 18, Failed: 2, Throttled: 1, Retried: 3, Took: time.Second},
			{Records: 2, Bytes: 12, Retried: 2, Took: time.Second},
		}
		if !slices.Equal(calls, want) {
			t.Errorf("calls are\n%+v, not\n%+v", calls, want)
		}
	})
}

func TestStreamByNameOrARN(t *testing.T) {
	client := &script{answer: func(_ context.Context, _ int, data []string) ([]string, error) { return stored(data) }}
	if err := publisher(t, client).Publish(t.Context(), messages(1)); err != nil {
		t.Fatal(err)
	}
	if in := client.input; aws.ToString(in.StreamName) != "events" || in.StreamARN != nil {
		t.Errorf("name %v, ARN %v", in.StreamName, in.StreamARN)
	}
	const arn = "arn:aws:kinesis:eu-central-1:111122223333:stream/events"
	if err := publisher(t, client, func(c *kinesis.Config) { c.Stream = arn }).Publish(t.Context(),
		messages(1)); err != nil {
		t.Fatal(err)
	}
	if in := client.input; aws.ToString(in.StreamARN) != arn || in.StreamName != nil {
		t.Errorf("name %v, ARN %v", in.StreamName, in.StreamARN)
	}
}

func TestConfigNamesEveryFault(t *testing.T) {
	_, err := kinesis.New(kinesis.Config{MaxRecords: 501, MaxBytes: 100, Concurrency: -1})
	if err == nil {
		t.Fatal("the configuration was taken")
	}
	for _, want := range []string{"Client", "Stream", "MaxRecords", "MaxRecordBytes", "Concurrency"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not name %s", err, want)
		}
	}
}
