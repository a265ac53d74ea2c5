package main

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/hubspoke/observability/consumers/dashboard/pages"
	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/internal/programtest"
	"github.com/hubspoke/observability/lib/pgtest"
)

// runningDashboard is a dashboard on a free port.
type runningDashboard struct {
	address        string
	stdout, stderr programtest.Buffer
	code           chan int
	stop           context.CancelFunc
}

func startDashboard(t *testing.T, args ...string) *runningDashboard {
	t.Helper()
	d := &runningDashboard{code: make(chan int, 1)}
	ctx, cancel := context.WithCancel(t.Context())
	d.stop = cancel
	t.Cleanup(cancel)
	go func() {
		d.code <- run(ctx, &d.stdout, &d.stderr,
			append([]string{"dashboard", "--addr", "127.0.0.1:0", "--metrics-addr", "127.0.0.1:0"}, args...))
	}()
	programtest.Eventually(t, "the address", func() bool {
		if m := regexp.MustCompile(`Look: (\S+)\n`).FindStringSubmatch(d.stdout.String()); m != nil {
			d.address = m[1]
		}
		return d.address != ""
	})
	return d
}

// get returns a page.
func (d *runningDashboard) get(t *testing.T, path string) string {
	t.Helper()
	answer, err := http.Get(d.address + path)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Errorf("%s: %s, %v: %s", path, answer.Status, err, body)
	}
	return string(body)
}

func TestDashboard(t *testing.T) {
	isolate(t, "DATABASE_URL="+pgtest.New(t, template).URL)
	d := startDashboard(t)
	address := d.address
	d.get(t, "/healthz")
	for _, p := range pages.All() {
		if body := d.get(t, strings.ReplaceAll(p.Path, "{account}", spoke)); !strings.Contains(body, p.Question) {
			t.Errorf("%s does not say what it answers: %s", p.Path, body)
		}
	}
	d.get(t, "/data/costs/services.csv")
	d.address = "http://" + addressRE.FindStringSubmatch(d.stderr.String())[1]
	d.get(t, "/readyz")
	metrics := d.get(t, "/metrics")
	for _, want := range []string{`hub_dashboard_request_duration_seconds_count{page="costs"} 1`,
		`hub_dashboard_query_duration_seconds_count{page="costs",panel="services"} 1`, "hub_dashboard_exported_rows_total ",
		"hub_build_info{"} {
		if !strings.Contains(metrics, want) {
			t.Errorf("no %s in %s", want, metrics)
		}
	}
	hub(t.Context(), "dashboard", "--addr", strings.TrimPrefix(address, "http://")).want(t, program.ExitUsage,
		"choose another port")
	d.stop()
	if got := <-d.code; got != program.ExitDone || !strings.Contains(d.stderr.String(), "msg=page path=/") {
		t.Errorf("exit code %d: %s", got, d.stderr.String())
	}
}

// TestDashboardSaysWhatBroke: a fault of the program is in the log.
func TestDashboardSaysWhatBroke(t *testing.T) {
	var log programtest.Buffer
	server := serverOf(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("out of bounds") }),
		slog.New(slog.NewTextHandler(&log, nil)))
	listener := must(net.Listen("tcp", "127.0.0.1:0"))
	go server.Serve(listener)
	defer server.Close()
	if answer, err := http.Get("http://" + listener.Addr().String()); err == nil {
		answer.Body.Close()
		t.Errorf("it answers %s", answer.Status)
	}
	programtest.Eventually(t, "a line in the log", func() bool {
		return strings.Contains(log.String(), "level=ERROR") && strings.Contains(log.String(), "out of bounds")
	})
}

func TestDashboardNeedsViews(t *testing.T) {
	isolate(t)
	r := hub(t.Context(), "dashboard", "--addr", "127.0.0.1:0", "--database-url", pgtest.Empty(t).URL)
	r.want(t, program.ExitUsage, "has no views yet; run: hub migrate")
}
