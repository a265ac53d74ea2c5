package programtest

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// Function is a program that runs as a function of Lambda, by the calls of the runtime API
// that a function needs: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html.
type Function struct {
	// Timeout of an invocation, which may be set before it. Defaults to 5 minutes.
	Timeout time.Duration

	tb      testing.TB
	stderr  Buffer
	events  chan []byte
	answers chan string
}

// StartFunction starts a program as the runtime does: without arguments, with its command as
// the handler. It is killed when the test ends. settings are variables beside those of the
// test, as NAME=value.
func StartFunction(tb testing.TB, path, handler string, settings ...string) *Function {
	tb.Helper()
	f := &Function{Timeout: waitTime, tb: tb, events: make(chan []byte), answers: make(chan string, 1)}
	mux := http.NewServeMux()
	invocation := 0
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", func(w http.ResponseWriter, r *http.Request) {
		select {
		case event := <-f.events:
			invocation++
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", fmt.Sprint(invocation))
			w.Header().Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(time.Now().Add(f.Timeout).UnixMilli()))
			w.Write(event)
		case <-r.Context().Done():
		}
	})
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/{kind}", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			tb.Error(err)
		}
		w.WriteHeader(http.StatusAccepted)
		f.answers <- r.PathValue("kind") + " " + string(body)
	})
	api := httptest.NewServer(mux)
	tb.Cleanup(api.Close)
	cmd := exec.Command(path)
	cmd.Env = append(os.Environ(), "AWS_LAMBDA_RUNTIME_API="+strings.TrimPrefix(api.URL, "http://"), "_HANDLER="+handler)
	cmd.Env = append(cmd.Env, settings...)
	cmd.Stderr = &f.stderr
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			tb.Error(err)
		}
		_ = cmd.Wait() // says that it was killed
	})
	return f
}

// Invoke invokes the function, and returns its answer behind the kind of it: "response" or
// "error".
func (f *Function) Invoke(event []byte) string {
	f.tb.Helper()
	limit := time.After(waitTime)
	select {
	case f.events <- event:
	case <-limit:
		f.tb.Fatalf("the function does not ask for events:\n%s", f.Log())
	}
	select {
	case answer := <-f.answers:
		return answer
	case <-limit:
		f.tb.Fatalf("the function does not answer:\n%s", f.Log())
	}
	return ""
}

// Log returns what the function wrote to standard error.
func (f *Function) Log() string { return f.stderr.String() }
