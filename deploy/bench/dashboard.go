package main

import (
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/hubspoke/observability/consumers/dashboard"
	"github.com/hubspoke/observability/consumers/dashboard/access"
	declared "github.com/hubspoke/observability/consumers/dashboard/page"
	"github.com/hubspoke/observability/consumers/dashboard/pages"
	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/pgtest/pgserver"
	"github.com/hubspoke/observability/lib/refresh"
	"github.com/hubspoke/observability/schemas"
	"github.com/hubspoke/observability/sql"
)

const (
	// pageGoal is how long a page may take, by the slowest but one of pageRequests.
	pageGoal     = 300 * time.Millisecond
	pageRequests = 20
	// visibleGoal is how long a change may take until a page shows it, and shareGoal how much
	// of the processor time of a full refresh it may cost.
	visibleGoal = 5 * time.Second
	shareGoal   = 0.02
	// visiblePatience is how long it is waited for.
	visiblePatience = 10 * time.Minute
	// pace is the time between requests: a viewer may ask ten times a second.
	pace = 110 * time.Millisecond
	// refreshInterval is that of hub consume.
	refreshInterval = 10 * time.Second
	// changedAccounts is in how many accounts findings change, changedFindings in each.
	changedAccounts, changedFindings = 5, 100
	// measuredChanges is of how many changes the median counts.
	measuredChanges = 3
	// teamAccounts is how many accounts somebody sees who does not see all.
	teamAccounts = 50
	// sourceCategories is how many categories are collected in each account and region.
	sourceCategories = 45
)

// dashboardSize is the size of the organisation that the dashboard shows.
type dashboardSize struct {
	accounts, findings, requests int
	// dir keeps the database for the next time. "" is a temporary one.
	dir string
}

//go:embed dashboard.sql
var fillSQL string

// dashboardBench is a dashboard at work.
type dashboardBench struct {
	pool     *pgxpool.Pool
	server   int // process of PostgreSQL
	url      string
	warnings *warnings
	size     dashboardSize
}

// measureDashboard measures every page with each of its filters, and how soon a page shows a
// change.
func measureDashboard(ctx context.Context, s size) ([]figure, error) {
	postgres, err := pgserver.Start(ctx, pgserver.Config{Dir: s.dashboard.dir, Settings: map[string]string{
		"autovacuum": "off", "shared_buffers": "2GB", "effective_cache_size": "8GB", "max_wal_size": "8GB",
		"random_page_cost": "1.1",
	}})
	if err != nil {
		return nil, err
	}
	defer postgres.Stop()
	b := dashboardBench{size: s.dashboard, warnings: &warnings{}}
	if b.pool, err = openPool(ctx, postgres.URL()); err != nil {
		return nil, err
	}
	defer b.pool.Close()
	if err := b.prepare(ctx); err != nil {
		return nil, err
	}
	if b.server, err = serverProcess(ctx, b.pool); err != nil {
		return nil, err
	}
	shown, err := openPool(ctx, postgres.URL())
	if err != nil {
		return nil, err
	}
	defer shown.Close()
	end, err := b.serve(shown, nil)
	if err != nil {
		return nil, err
	}
	defer end() //nolint:errcheck // all is answered
	var figures []figure
	for _, p := range pages.All() {
		f, err := b.measurePage(ctx, p)
		if err != nil {
			return figures, fmt.Errorf("page %s: %w", p.Name, err)
		}
		figures = append(figures, f)
	}
	restricted, err := b.measureTeam(ctx, shown)
	if err != nil {
		return figures, err
	}
	changes, err := b.measureChange(ctx)
	return append(append(figures, restricted), changes...), err
}

// serve begins to serve pages, to those who pass the gate; end must be called.
func (b *dashboardBench) serve(pool *pgxpool.Pool, gate access.Gate) (end func() error, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	b.url = "http://" + listener.Addr().String()
	handler := dashboard.New(pool, dashboard.Config{Pages: pages.All(), Gate: gate,
		Log: slog.New(slog.NewTextHandler(b.warnings, &slog.HandlerOptions{Level: slog.LevelWarn}))})
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	go server.Serve(listener) //nolint:errcheck // it ends with Close
	return server.Close, nil
}

// team is a gate: everybody is of a team that sees some accounts.
type team struct{}

func (team) Admit(http.ResponseWriter, *http.Request) (*access.Viewer, error) {
	return &access.Viewer{Name: "team", Principals: []string{"group:team"}}, nil
}

// measureTeam asks for each page as somebody who sees some accounts.
func (b dashboardBench) measureTeam(ctx context.Context, pool *pgxpool.Pool) (f figure, err error) {
	if _, err := b.pool.Exec(ctx, `INSERT INTO hub.access SELECT 'group:team', account_id FROM obs.accounts
		ORDER BY md5(account_id) LIMIT $1 ON CONFLICT DO NOTHING`, teamAccounts); err != nil {
		return f, err
	}
	end, err := b.serve(pool, team{})
	if err != nil {
		return f, err
	}
	defer end() //nolint:errcheck // all is answered
	var visits []visit
	for _, p := range pages.All() {
		if strings.Contains(p.Path, "{") {
			continue
		}
		v, err := b.visit(ctx, p.Path)
		if err != nil {
			return f, err
		}
		fmt.Fprintf(os.Stderr, "as a team: %-59s %s\n", v.address, v)
		visits = append(visits, v)
	}
	return slowest(fmt.Sprintf("who sees %d accounts", teamAccounts), visits), nil
}

// openPool opens connections as the hub does.
func openPool(ctx context.Context, url string) (*pgxpool.Pool, error) {
	cfg, err := load.PoolConfig(url)
	if err != nil {
		return nil, err
	}
	cfg.MaxConns = dashboard.Connections
	return pgxpool.NewWithConfig(ctx, cfg)
}

// prepare makes tables and views, and fills them unless they are.
func (b *dashboardBench) prepare(ctx context.Context) error {
	if _, err := load.NewMigrator(b.pool).Up(ctx); err != nil {
		return err
	}
	conn, err := b.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, "RESET ALL"); err != nil { // joins that suit the loader are not for this
		return err
	}
	if _, _, err := load.Ensure(ctx, conn, schemas.All()...); err != nil {
		return err
	}
	var filled bool
	if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM obs.security_findings)").Scan(&filled); err != nil {
		return err
	}
	if !filled {
		if err := b.fill(ctx, conn.Conn()); err != nil {
			return err
		}
		if _, err := conn.Exec(ctx, "VACUUM ANALYZE"); err != nil {
			return err
		}
	}
	if filled { // sources are as old as they were
		if _, err := conn.Exec(ctx, `
			UPDATE hub.source SET last_run_at = last_run_at + passed, complete_run_at = complete_run_at + passed, seen_at = seen_at + passed,
			    disabled_until = disabled_until + passed, red_at = red_at + passed, overdue_at = overdue_at + passed
			FROM (SELECT now() - interval '20 minutes' - max(last_run_at) AS passed FROM hub.source) p`); err != nil {
			return err
		}
		if _, err := conn.Exec(ctx, "VACUUM ANALYZE hub.source"); err != nil {
			return err
		}
	}
	for _, role := range []string{"obs_reader", "obs_restricted"} { // which get their rights with the views
		_, err := conn.Exec(ctx, "CREATE ROLE "+role)
		server, ok := errors.AsType[*pgconn.PgError](err)
		if isThere := ok && server.Code == "42710"; err != nil && !isThere { // duplicate_object
			return err
		}
	}
	fmt.Fprintln(os.Stderr, "fills summaries and views")
	if _, err := refresh.Install(ctx, conn.Conn(), sql.Views()); err != nil {
		return err
	}
	refresher, err := refresh.New(b.pool, refresh.Config{ViewTimeout: time.Hour, OnView: func(v refresh.View) {
		if v.Duration > time.Second {
			fmt.Fprintf(os.Stderr, "filled %s in %.1f s\n", v.Name, v.Duration.Seconds())
		}
	}})
	if err != nil {
		return err
	}
	if _, err := refresher.Once(ctx); err != nil {
		return err
	}
	_, err = conn.Exec(ctx, "ANALYZE")
	return err
}

// fill makes up the organisation, all of it or nothing.
func (b *dashboardBench) fill(ctx context.Context, conn *pgx.Conn) error {
	fmt.Fprintf(os.Stderr, "makes up %d accounts and %d findings\n", b.size.accounts, b.size.findings)
	categories := []string{"security_findings", "certificates", "kms_keys", "secrets"}
	for _, t := range schemas.All() {
		if len(categories) < sourceCategories && !slices.Contains(categories, t.Name()) {
			categories = append(categories, t.Name())
		}
	}
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		for _, q := range []struct {
			sql  string
			args []any
		}{
			{"CREATE TEMPORARY TABLE size (accounts integer, findings integer)", nil},
			{"INSERT INTO size VALUES ($1, $2)", []any{b.size.accounts, b.size.findings}},
			{"CREATE TEMPORARY TABLE category (category text)", nil},
			{"INSERT INTO category SELECT unnest($1::text[])", []any{categories}},
			{fillSQL, []any{pgx.QueryExecModeSimpleProtocol}},
		} {
			if _, err := tx.Exec(ctx, q.sql, q.args...); err != nil {
				return err
			}
		}
		_, left, err := load.Ensure(ctx, tx, schemas.SecurityFindings.Table)
		if err == nil && len(left) > 0 {
			err = fmt.Errorf("the table of the findings is not as it was: %v", left)
		}
		return err
	})
}

// visit is an address, and what it took.
type visit struct {
	address string
	took    time.Duration // 95 of 100 requests
	cpu     time.Duration // of PostgreSQL, per request
	bytes   int
	fault   string // why the page is not complete
}

func (v visit) String() string {
	text := fmt.Sprintf("%d ms, PostgreSQL %d ms, %d kB", v.took.Milliseconds(), v.cpu.Milliseconds(), (v.bytes+999)/1000)
	if v.fault != "" {
		text += ", INCOMPLETE: " + v.fault
	}
	return text
}

// measurePage asks for a page as it is, and with each of its filters.
func (b *dashboardBench) measurePage(ctx context.Context, p declared.Page) (figure, error) {
	addresses, err := b.addresses(ctx, p)
	if err != nil {
		return figure{}, err
	}
	var visits []visit
	for _, address := range addresses {
		v, err := b.visit(ctx, address)
		if err != nil {
			return figure{}, err
		}
		fmt.Fprintf(os.Stderr, "%-70s %s\n", v.address, v)
		visits = append(visits, v)
	}
	return slowest(p.Title, visits), nil
}

// slowest is the figure of the visit that took longest, or is not complete.
func slowest(what string, visits []visit) figure {
	v := slices.MaxFunc(visits, func(x, y visit) int {
		return cmp.Or(cmp.Compare(min(len(x.fault), 1), min(len(y.fault), 1)), cmp.Compare(x.took, y.took))
	})
	return figure{fmt.Sprintf("%s, slowest of %d: %s", what, len(visits), v.address), v.String(),
		fmt.Sprintf("≤ %d ms", pageGoal.Milliseconds()), v.fault == "" && v.took <= pageGoal}
}

// addresses are those of a page without a choice, and with the first value of each filter: of
// accounts, the largest.
func (b *dashboardBench) addresses(ctx context.Context, p declared.Page) (addresses []string, err error) {
	path := p.Path
	values := make([]string, len(p.Filters))
	for i, f := range p.Filters {
		if err := b.pool.QueryRow(ctx, string(f.Options)).Scan(&values[i]); err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return nil, fmt.Errorf("filter %s: %w", f.Name, err)
		}
		path = strings.Replace(path, "{"+f.Name+"}", url.PathEscape(values[i]), 1)
	}
	addresses = []string{path}
	for i, f := range p.Filters {
		if values[i] != "" && !strings.Contains(p.Path, "{"+f.Name+"}") {
			addresses = append(addresses, path+"?"+url.Values{f.Name: {values[i]}}.Encode())
		}
	}
	return addresses, nil
}

// visit asks for an address again and again.
func (b *dashboardBench) visit(ctx context.Context, address string) (visit, error) {
	v := visit{address: address}
	if err := wait(ctx, pace); err != nil {
		return v, err
	}
	if _, err := b.get(ctx, address); err != nil { // the first one reads from the disk
		return v, err
	}
	b.warnings.take()
	before, err := b.processorTime()
	if err != nil {
		return v, err
	}
	times := make([]time.Duration, b.size.requests)
	for i := range times {
		if err := wait(ctx, pace); err != nil {
			return v, err
		}
		start := time.Now()
		body, err := b.get(ctx, address)
		if err != nil {
			return v, err
		}
		times[i], v.bytes = time.Since(start), len(body)
	}
	after, err := b.processorTime()
	slices.Sort(times)
	v.took, v.cpu = times[(len(times)*95+99)/100-1], (after-before)/time.Duration(len(times))
	v.fault = b.warnings.take()
	return v, err
}

// get returns the compressed answer to a request.
func (b *dashboardBench) get(ctx context.Context, address string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, b.url+address, http.NoBody)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept-Encoding", "gzip") // so that the client leaves it compressed
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", address, answer.Status)
	}
	return body, err
}

// warnings keeps the newest line of a log.
type warnings struct{ last atomic.Pointer[string] }

func (w *warnings) Write(line []byte) (int, error) {
	w.last.Store(new(strings.TrimSpace(string(line))))
	return len(line), nil
}

// take returns the newest line, "" if there is none since the last time.
func (w *warnings) take() string {
	if line := w.last.Swap(nil); line != nil {
		return *line
	}
	return ""
}

// measureChange changes findings in a few accounts: what it costs beside a full refresh of
// all that depends on findings, and how soon the page shows it.
func (b *dashboardBench) measureChange(ctx context.Context) ([]figure, error) {
	refresher, err := refresh.New(b.pool, refresh.Config{ViewTimeout: time.Hour, OnView: printView})
	if err != nil {
		return nil, err
	}
	if _, err := b.pool.Exec(ctx, "INSERT INTO hub.dirty (table_name) VALUES ('security_findings')"); err != nil {
		return nil, err
	}
	whole, err := b.costOf(func() error { _, err := refresher.Once(ctx); return err })
	if err != nil {
		return nil, err
	}
	var changes []time.Duration
	for i := range measuredChanges {
		if _, err := b.change(ctx, i*changedAccounts); err != nil {
			return nil, err
		}
		some, err := b.costOf(func() error { _, err := refresher.Once(ctx); return err })
		if err != nil {
			return nil, err
		}
		changes = append(changes, some)
	}
	slices.Sort(changes)
	some := changes[measuredChanges/2]
	took, err := b.timeToPage(ctx)
	if err != nil {
		return nil, err
	}
	share := some.Seconds() / whole.Seconds()
	what := fmt.Sprintf("a change in %d of %d accounts", changedAccounts, b.size.accounts)
	return []figure{
		atMost(what+", from its commit to the page", took, visibleGoal),
		{what + ", processor time of its refresh",
			fmt.Sprintf("%.1f %% of %.0f s for all findings", 100*share, whole.Seconds()),
			fmt.Sprintf("≤ %.0f %%", 100*shareGoal), share <= shareGoal},
	}, nil
}

func printView(v refresh.View) {
	fmt.Fprintf(os.Stderr, "refreshed %s in %d ms, %d rows changed\n", v.Name, v.Duration.Milliseconds(), v.Changed)
}

// timeToPage is how long a change takes until the page shows it, with a refresher at work.
func (b *dashboardBench) timeToPage(ctx context.Context) (took time.Duration, err error) {
	refresher, err := refresh.New(b.pool, refresh.Config{Interval: refreshInterval, OnView: printView})
	if err != nil {
		return 0, err
	}
	if err := wait(ctx, refreshInterval); err != nil { // the last refresh was just now
		return 0, err
	}
	working, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		refresher.Run(working) //nolint:errcheck // it returns nil
	}()
	defer func() { stop(); <-ended }()
	before, err := b.openFindings(ctx)
	if err != nil {
		return 0, err
	}
	changed, err := b.change(ctx, measuredChanges*changedAccounts)
	if err != nil {
		return 0, err
	}
	committed := time.Now()
	ctx, cancel := context.WithTimeout(ctx, visiblePatience)
	defer cancel()
	for {
		now, err := b.openFindings(ctx)
		if err != nil || now == before-changed {
			return time.Since(committed), err
		}
		if err := wait(ctx, pace); err != nil {
			return 0, fmt.Errorf("the page shows %d open findings, and not %d: %w", now, before-changed, err)
		}
	}
}

// change resolves findings of some accounts, from a place in their order on, and marks them
// as the loader does. It returns how many there were.
func (b *dashboardBench) change(ctx context.Context, from int) (findings int64, err error) {
	err = pgx.BeginFunc(ctx, b.pool, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `
			UPDATE obs.security_findings f SET workflow_status = 'RESOLVED', finding_updated_at = now()
			FROM (SELECT account_id FROM obs.accounts ORDER BY md5(account_id) LIMIT $1 OFFSET $2) a CROSS JOIN LATERAL (
			    SELECT row_key FROM obs.security_findings o
			    WHERE o.account_id = a.account_id AND record_state = 'ACTIVE' AND workflow_status = 'NEW'
			      AND severity_label = 'HIGH'
			    LIMIT $3
			) open WHERE f.row_key = open.row_key`, changedAccounts, from, changedFindings)
		if err != nil {
			return err
		}
		if findings = tag.RowsAffected(); findings == 0 {
			return errors.New("these accounts have no open finding any more: remove the database that -keep has kept")
		}
		_, err = tx.Exec(ctx, `
			INSERT INTO hub.dirty (table_name, account_id, region)
			SELECT category, account_id, region FROM hub.scope
			WHERE category = 'security_findings'
			  AND account_id IN (SELECT account_id FROM obs.accounts ORDER BY md5(account_id) LIMIT $1 OFFSET $2)`,
			changedAccounts, from)
		return err
	})
	return findings, err
}

// openFindings is what the page of the findings says.
func (b *dashboardBench) openFindings(ctx context.Context) (findings int64, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, b.url+"/data/findings/open.json", http.NoBody)
	if err != nil {
		return 0, err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	var rows []struct{ Value json.Number }
	if err := json.NewDecoder(answer.Body).Decode(&rows); err != nil {
		return 0, fmt.Errorf("open findings: %s: %w", answer.Status, err)
	}
	for _, row := range rows {
		n, err := row.Value.Int64()
		if err != nil {
			return 0, err
		}
		findings += n
	}
	return findings, nil
}

// costOf is the processor time of PostgreSQL that something takes.
func (b *dashboardBench) costOf(do func() error) (time.Duration, error) {
	before, err := b.processorTime()
	if err != nil {
		return 0, err
	}
	if err := do(); err != nil {
		return 0, err
	}
	after, err := b.processorTime()
	return after - before, err
}

// processorTime is what the processes of the server have used so far, also those that ended.
func (b *dashboardBench) processorTime() (time.Duration, error) {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0, err
	}
	ticks := 0
	for _, path := range stats {
		p, err := readStat(path)
		switch {
		case err != nil: // it ended meanwhile, and its time is in that of its parent
		case p.pid == b.server:
			ticks += p.own + p.children
		case p.parent == b.server:
			ticks += p.own
		}
	}
	return time.Duration(ticks) * time.Second / ticksPerSecond, nil
}

// ticksPerSecond is USER_HZ, which is the same on all platforms that Go has for Linux.
const ticksPerSecond = 100

// processStat is what Linux says of a process; times are in ticks.
type processStat struct{ pid, parent, own, children int }

// readStat reads a file /proc/<pid>/stat (proc(5)).
func readStat(path string) (p processStat, err error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return p, err
	}
	pid, _, _ := strings.Cut(string(content), " ")
	fields := strings.Fields(string(content[strings.LastIndex(string(content), ")")+1:])) // from the third on
	if len(fields) < 15 {
		return p, fmt.Errorf("%s has %d fields", path, len(fields))
	}
	var user, system, children, childrenSystem int
	for _, f := range []struct {
		text string
		to   *int
	}{{pid, &p.pid}, {fields[1], &p.parent}, {fields[11], &user}, {fields[12], &system}, {fields[13], &children},
		{fields[14], &childrenSystem}} {
		if *f.to, err = strconv.Atoi(f.text); err != nil {
			return p, fmt.Errorf("%s: %w", path, err)
		}
	}
	p.own, p.children = user+system, children+childrenSystem
	return p, nil
}

// serverProcess returns the number of the process that started those of the connections.
func serverProcess(ctx context.Context, pool *pgxpool.Pool) (pid int, err error) {
	var backend int
	if err := pool.QueryRow(ctx, "SELECT pg_backend_pid()").Scan(&backend); err != nil {
		return 0, err
	}
	p, err := readStat(fmt.Sprintf("/proc/%d/stat", backend))
	return p.parent, err
}
