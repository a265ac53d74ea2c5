package programtest_test

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"testing"

	"github.com/hubspoke/observability/internal/programtest"
)

func TestIsolate(t *testing.T) {
	t.Setenv("AWS_PROFILE", "mine")
	t.Setenv("PROG_NAME", "mine")
	t.Setenv("PROGRAM", "stays")
	t.Run("isolated", func(t *testing.T) {
		programtest.Isolate(t, []string{"PROG_"}, "PROG_SIZE=a=b")
		for name, want := range map[string]string{"PROG_SIZE": "a=b", "PROGRAM": "stays",
			"AWS_EC2_METADATA_DISABLED": "true"} {
			if got := os.Getenv(name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		for _, name := range []string{"AWS_PROFILE", "PROG_NAME"} {
			if value, ok := os.LookupEnv(name); ok {
				t.Errorf("%s is %q", name, value)
			}
		}
	})
	if os.Getenv("AWS_PROFILE") != "mine" || os.Getenv("PROG_NAME") != "mine" {
		t.Error("the environment is not restored")
	}
	if _, ok := os.LookupEnv("PROG_SIZE"); ok {
		t.Error("a setting outlives its test")
	}
}

// end is a test that keeps how it ended.
type end struct {
	testing.TB
	how, why string
}

func (*end) Helper()          {}
func (e *end) Fatal(a ...any) { e.end("fails", a) }
func (e *end) Skip(a ...any)  { e.end("is skipped", a) }
func (e *end) end(how string, a []any) {
	e.how, e.why = how, fmt.Sprint(a...)
	runtime.Goexit()
}

func TestMissing(t *testing.T) {
	for ci, want := range map[string]string{"": "is skipped", "true": "fails"} {
		t.Setenv("CI", ci)
		var got end
		var wg sync.WaitGroup
		wg.Go(func() {
			programtest.Missing(&got, "no browser")
			got.how = "goes on"
		})
		wg.Wait()
		if got.how != want || got.why != "no browser" {
			t.Errorf("with CI=%q the test %s, want that it %s: %q", ci, got.how, want, got.why)
		}
	}
}

func TestBufferIsReadWhileItIsWritten(t *testing.T) {
	var b programtest.Buffer
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() { fmt.Fprint(&b, "x") })
	}
	programtest.Eventually(t, "ten writes", func() bool { return b.String() == "xxxxxxxxxx" })
	wg.Wait()
}
