package main

import (
	"context"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/internal/programtest"
	"github.com/hubspoke/observability/lib/pgtest"
)

func TestDashboard(t *testing.T) {
	isolate(t, "DATABASE_URL="+pgtest.New(t, template).URL)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var stdout, stderr programtest.Buffer
	code := make(chan int)
	go func() { code <- run(ctx, &stdout, &stderr, []string{"dashboard", "--addr", "127.0.0.1:0"}) }()
	var address string
	programtest.Eventually(t, "the address", func() bool {
		if m := regexp.MustCompile(`Look: (\S+)\n`).FindStringSubmatch(stdout.String()); m != nil {
			address = m[1]
		}
		return address != ""
	})
	for path, want := range map[string]string{"/healthz": "ok", "/": "Is something wrong, and can I trust what I see?"} {
		answer, err := http.Get(address + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil || answer.StatusCode != http.StatusOK || !strings.Contains(string(body), want) {
			t.Errorf("%s: %s, %v: %s", path, answer.Status, err, body)
		}
	}
	hub(t.Context(), "dashboard", "--addr", strings.TrimPrefix(address, "http://")).want(t, program.ExitUsage,
		"choose another port")
	cancel()
	if got := <-code; got != program.ExitDone || !strings.Contains(stderr.String(), "msg=page path=/") {
		t.Errorf("exit code %d: %s", got, stderr.String())
	}
}

func TestDashboardNeedsViews(t *testing.T) {
	isolate(t)
	r := hub(t.Context(), "dashboard", "--addr", "127.0.0.1:0", "--database-url", pgtest.Empty(t).URL)
	r.want(t, program.ExitUsage, "has no views yet; run: hub migrate")
}
