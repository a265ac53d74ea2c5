package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hubspoke/observability/consumers/verify"
	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/internal/programtest"
	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/schemas"
)

var addressRE = regexp.MustCompile(`address=([0-9.:]+)`)

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	answer, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	return answer.StatusCode, string(must(io.ReadAll(answer.Body)))
}

func TestConsumeServesMetricsUntilStopped(t *testing.T) {
	w := newWorld(t, 2)
	c := w.consume("--metrics-addr", "127.0.0.1:0")
	w.send(spoke, collector(schemas.Certificates, nil, certificate(1, "ISSUED"), certificate(2, "ISSUED")))
	w.completed(1)
	w.send(spoke, collector(schemas.Certificates, nil, certificate(1, "EXPIRED")),
		collector(schemas.ServiceCosts, nil, cost("Amazon S3", "1.25")))
	w.put([]byte("garbage"))
	w.completed(3)
	programtest.Eventually(t, "the refresh", func() bool {
		return w.count(`SELECT count(*) FROM summary.costs, hub.view_refresh s, hub.view_refresh v
			WHERE s.view_name = 'summary.costs' AND v.view_name = 'public.cost_monthly' AND v.refreshed_at >= s.refreshed_at`) > 0
	})
	url := "http://" + addressRE.FindStringSubmatch(c.stderr.String())[1]
	for _, path := range []string{"/healthz", "/readyz"} {
		if status, body := get(t, url+path); status != http.StatusOK || body != "ok\n" {
			t.Errorf("%s: %d %q", path, status, body)
		}
	}
	wanted := []string{
		`hub_rows_total{category="certificates",result="new"} 2`,
		`hub_rows_total{category="certificates",result="changed"} 1`,
		`hub_rows_total{category="certificates",result="gone"} 1`,
		`hub_parts_total{category="certificates",result="applied"} 2`,
		`hub_completed_runs_total{category="service_costs"} 1`,
		`hub_rejects_total 1`,
		`hub_database_retries_total 0`,
		`hub_batch_duration_seconds_count`,
		`hub_open_shards 2`,
		`hub_lease{shard="shardId-000000000000"} 1`,
		`hub_shard_behind_seconds{shard="shardId-000000000001"} 0`,
		`hub_shard_lag_seconds{shard="shardId-00000000000`,
		`hub_read_records_total{shard="shardId-00000000000`,
		`hub_stream_failures_total{what="read"} 0`,
		`hub_view_refresh_duration_seconds_count{view="public.cost_monthly"}`,
		`hub_stream_gaps 0`,
		`hub_refresh_waiting_seconds 0`,
		`hub_build_info{version=`,
	}
	var text string
	programtest.Eventually(t, "the metrics", func() bool {
		_, text = get(t, url+"/metrics")
		for _, want := range wanted {
			if !strings.Contains(text, want) {
				return false
			}
		}
		return true
	})
	log := c.stop(t)
	if !strings.Contains(log, "msg=stopped rows=4 new=3 changed=1") {
		t.Errorf("log:\n%s", log)
	}
	if _, err := http.Get(url + "/healthz"); err == nil {
		t.Error("still serving")
	}
	hub(t.Context(), "verify").want(t, program.ExitDone)
}

func TestEndpointsAreServedWhileItDrains(t *testing.T) {
	w := newWorld(t, 1)
	c := w.consume("--metrics-addr", "127.0.0.1:0", "--no-refresh")
	held := must(w.db.Pool.Begin(t.Context()))
	defer held.Rollback(context.Background())
	must(held.Exec(t.Context(), "LOCK TABLE obs.certificates"))
	w.send(spoke, collector(schemas.Certificates, nil, certificate(1, "ISSUED")))
	programtest.Eventually(t, "a batch under way", func() bool {
		// Pruning waits for the table, too.
		return w.count(`SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)
			WHERE NOT granted AND relation = 'obs.certificates'::regclass AND query NOT LIKE '%hub.scope s%'`) > 0
	})
	c.cancel()
	url := "http://" + addressRE.FindStringSubmatch(c.stderr.String())[1]
	for path, want := range map[string]int{"/healthz": http.StatusOK, "/readyz": http.StatusServiceUnavailable,
		"/metrics": http.StatusOK} {
		if status, body := get(t, url+path); status != want {
			t.Errorf("%s: %d, want %d: %s", path, status, want, body)
		}
	}
	if err := held.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.stop(t)
	// The end of the run may not have been read before the signal.
	if n := w.count("SELECT count(*) FROM obs.certificates"); n != 1 {
		t.Errorf("%d rows of the batch that was under way are applied", n)
	}
}

func TestMisfitCategoryIsParkedAndOthersGoOn(t *testing.T) {
	w := newWorld(t, 1)
	change(t, w.db, "ALTER TABLE obs.certificates RENAME COLUMN domain_name TO domain")
	c := w.consume()
	w.send(spoke, collector(schemas.Certificates, nil, certificate(1, "ISSUED")),
		collector(schemas.ServiceCosts, nil, cost("Amazon S3", "1.25")))
	w.completed(1)
	programtest.Eventually(t, "parked records", func() bool {
		return w.count("SELECT count(*) FROM hub.reject WHERE "+
			"state = 'parked'") == 2
	})
	if log := c.stop(t); !strings.Contains(log, "category is parked until its table fits") ||
		!strings.Contains(log, "category=certificates") {
		t.Errorf("log:\n%s", log)
	}
	hub(t.Context(), "rejects", "list", "--state", "parked").want(t, program.ExitDone, "parked")
	hub(t.Context(), "check").want(t, program.ExitUsage, "ALTER TABLE obs.certificates ADD COLUMN domain_name text;")
	change(t, w.db, "ALTER TABLE obs.certificates RENAME COLUMN domain TO domain_name")
	c = w.consume()
	w.completed(2)
	if log := c.stop(t); !strings.Contains(log, `msg="applied parked records" records=2`) {
		t.Errorf("log:\n%s", log)
	}
	hub(t.Context(), "verify").want(t, program.ExitDone)
}

func TestDatabaseOutageIsSurvived(t *testing.T) {
	w := newWorld(t, 1)
	c := w.consume("--metrics-addr", "127.0.0.1:0")
	w.send(spoke, collector(schemas.Certificates, nil, certificate(1, "ISSUED")))
	w.completed(1)
	terminated := w.count(`SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
		WHERE datname = current_database() AND application_name = 'observability-hub'`)
	w.send(spoke, collector(schemas.Certificates, nil, certificate(2, "ISSUED")))
	w.completed(2)
	if terminated == 0 {
		t.Error("no connection was cut")
	}
	c.stop(t)
	hub(t.Context(), "verify").want(t, program.ExitDone)
}

func TestParkedLimitEndsConsumingWithTheNextStep(t *testing.T) {
	if text := explainParkedFull(fmt.Errorf("ingest: %w", load.ErrParkedFull)).Error(); !strings.Contains(text,
		"hub rejects list --state parked") || !strings.Contains(text, "hub check") {
		t.Error(text)
	}
}

// process is a real `hub consume`.
type process struct {
	*exec.Cmd
	stderr *programtest.Buffer
}

func (w *world) start(args ...string) process {
	w.Helper()
	args = append([]string{"consume", "--stream", streamARN, "--lease-duration", "500ms", "--batch-age", "50ms"}, args...)
	p := process{exec.Command(must(os.Executable()), args...), new(programtest.Buffer)}
	p.Env = append(os.Environ(), asProgram+"=1")
	p.Stderr = p.stderr
	if err := p.Start(); err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { p.Process.Kill() })
	return p
}

// publish sends runs of changing rows in four accounts until ctx is done, and
// returns how many it sent.
func (w *world) publish(ctx context.Context, rows int) (runs int64) {
	for step := 0; ctx.Err() == nil; step++ {
		var many []schemas.Certificate
		for n := step % 20; n < rows; n++ {
			many = append(many, certificate(n, fmt.Sprint("STEP", (step+n)/3)))
		}
		for account := range 4 {
			w.send(fmt.Sprintf("%012d", 111122223333+account), collector(schemas.Certificates, nil, many...))
			runs++
		}
	}
	return runs
}

func TestKilledAgainAndAgainNothingIsLostOrDoubled(t *testing.T) {
	w := newWorld(t, 3)
	publishing, stop := context.WithCancel(t.Context())
	defer stop()
	sent := make(chan int64, 1)
	go func() { sent <- w.publish(publishing, 120) }()
	const kills = 6
	for kill := range kills {
		p := w.start()
		parts := w.count("SELECT count(*) FROM hub.run_part")
		programtest.Eventually(t, "something to be applied", func() bool {
			return w.count("SELECT count(*) FROM hub.run_part") > parts+int64(kill)
		})
		if err := p.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		p.Wait()
	}
	stop()
	runs := <-sent
	p := w.start()
	programtest.Eventually(t, "all ends", func() bool {
		return w.count("SELECT count(*) FROM hub.run WHERE outcome IS "+
			"NOT NULL") == runs
	})
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(); err != nil {
		t.Errorf("%v\n%s", err, p.stderr)
	}
	report := parse[verify.Report](t, hub(t.Context(), "verify", "-o", "json").want(t, program.ExitDone))
	r := reported(t, report, "certificates")
	if r.Runs != runs || r.Rows != r.End || r.Rows == 0 || r.Open != 0 {
		t.Errorf("%d runs were sent: %+v", runs, r)
	}
	if n := w.count("SELECT count(*) FROM hub.run WHERE completed_at IS NULL") + w.count(
		"SELECT count(*) FROM hub.reject"); n != 0 {
		t.Errorf("%d runs are not complete, or rejects", n)
	}
	// The archive holds the same.
	t.Logf("%d runs, %d rows, %d kills", runs, r.Rows, kills)
}

func TestSIGTERMAppliesWhatWasReadWithinTheDeadline(t *testing.T) {
	w := newWorld(t, 2)
	publishing, stop := context.WithCancel(t.Context())
	defer stop()
	sent := make(chan int64, 1)
	go func() { sent <- w.publish(publishing, 300) }()
	p := w.start("--drain-timeout", "1m", "--batch-age", "1h", "--batch-rows", "2000")
	programtest.Eventually(t, "a first batch", func() bool { return w.count("SELECT count(*) FROM hub.run_part") > 0 })
	asked := time.Now()
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(); err != nil {
		t.Errorf("%v\n%s", err, p.stderr)
	}
	if took := time.Since(asked); took > time.Minute {
		t.Errorf("took %v", took)
	}
	if !strings.Contains(p.stderr.String(), "stopped") {
		t.Errorf("log:\n%s", p.stderr)
	}
	stop()
	runs := <-sent
	next := w.start() // does not wait for leases to expire
	programtest.Eventually(t, "all ends", func() bool {
		return w.count("SELECT count(*) FROM hub.run WHERE outcome IS "+
			"NOT NULL") == runs
	})
	next.Process.Signal(syscall.SIGTERM)
	if err := next.Wait(); err != nil {
		t.Errorf("%v\n%s", err, next.stderr)
	}
	hub(t.Context(), "verify").want(t, program.ExitDone)
}

func TestVersionIsSetByTheLinker(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hub")
	build := exec.Command("go", "build", "-ldflags", "-X main.version=v1.2.3", "-o", path, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // as make build does
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if out, err := exec.Command(path, "--version").Output(); err != nil || string(out) != "v1.2.3\n" {
		t.Errorf("%q, %v", out, err)
	}
}
