package programtest_test

import (
	"fmt"
	"os"
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

func TestBufferIsReadWhileItIsWritten(t *testing.T) {
	var b programtest.Buffer
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() { fmt.Fprint(&b, "x") })
	}
	programtest.Eventually(t, "ten writes", func() bool { return b.String() == "xxxxxxxxxx" })
	wg.Wait()
}
