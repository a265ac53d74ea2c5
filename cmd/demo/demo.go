package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"time"

	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/producers/simulate"
)

// organisationFlags describe the made-up organisation; they are those of `spoke run --simulate`.
type organisationFlags struct {
	Accounts int     `default:"20" help:"Accounts of the made-up organisation, in two regions each."`
	Rate     float64 `default:"1000" help:"Rows per second, all accounts together."`
	Seed     uint64  `default:"0" help:"Makes another organisation."`
}

// Validate is called by kong.
func (f organisationFlags) Validate() error {
	if f.Accounts < 1 || f.Rate <= 0 {
		return errors.New("--accounts and --rate must be positive")
	}
	return nil
}

// demoCommand runs the pipeline in front of a person.
type demoCommand struct {
	organisationFlags
	placeFlags
	Duration time.Duration `placeholder:"20s" help:"End by itself after this time, and check the result. Defaults to never."`
	Chaos    bool          `help:"Kill the consumer and split and merge shards again and again meanwhile."`
}

// spokeArguments is the command line of the spoke.
func (f organisationFlags) spokeArguments(duration time.Duration) []string {
	args := []string{
		"run", "--simulate", "--accounts", strconv.Itoa(f.Accounts), "--rate", strconv.FormatFloat(f.Rate, 'f', -1, 64),
		"--seed", strconv.FormatUint(f.Seed, 10), "--stream", streamARN, "--bucket", bucket,
		"--events", queueURL,
	}
	if duration > 0 {
		args = append(args, "--duration", duration.String(), "--output", "json")
	}
	return args
}

// consumeArguments is the command line of a consumer that nobody kills.
var consumeArguments = []string{"consume", "--stream", streamARN, "--lease-table", leaseTable}

// mortalArguments is that of one that is killed: the short lease lets the next one take
// over soon. It also bounds a read, so that a slow one ends with a warning.
var mortalArguments = append(slices.Clip(consumeArguments), "--lease-duration", "1s")

// pipeline is a stack at work.
type pipeline struct {
	*stack
	consumer *consumer
	spoke    *child
	pages    string // address of the dashboard
}

// startPipeline migrates the database and starts consumer and spoke.
func startPipeline(ctx context.Context, s *stack, consumeArguments, spokeArguments []string) (*pipeline, error) {
	fmt.Fprintf(s.out, "\nThe programs find everything by their environment. The hub's:\n\n%s", s.exports(s.shown))
	fmt.Fprintf(s.out, "\nThe spoke has the credentials of another account, %s.\n", spokeAccount)
	if err := s.hub(ctx, nil, "migrate"); err != nil {
		return nil, err
	}
	p := &pipeline{stack: s}
	var err error
	if p.pages, err = s.startDashboard(ctx); err != nil {
		return nil, err
	}
	s.show(nil, "hub", consumeArguments...)
	p.consumer, err = startConsumer(func() (*child, error) {
		return s.children.start("hub-consume", s.hubEnv(), "hub", consumeArguments...)
	})
	if err != nil {
		return nil, err
	}
	s.show(nil, "spoke", spokeArguments...)
	p.spoke, err = s.children.start("spoke", s.spokeEnv(), "spoke", spokeArguments...)
	return p, err
}

// startDashboard shows the views on a free port of this host, and returns the address. It
// ends with the stack.
func (s *stack) startDashboard(ctx context.Context) (string, error) {
	free, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	addr := free.Addr().String()
	if err := free.Close(); err != nil {
		return "", err
	}
	_, err = s.children.start("hub-dashboard", s.hubEnv(), "hub", "dashboard", "--addr", addr)
	return "http://" + addr, err
}

// Run runs the demo.
func (c demoCommand) Run(ctx context.Context, p program.Program) (err error) {
	s, err := startStack(ctx, p.Stdout, c.Bin, c.logs("demo"))
	if err != nil {
		return interrupted(ctx, err)
	}
	defer func() { err = errors.Join(err, s.close()) }()
	consume := consumeArguments
	if c.Chaos {
		consume = mortalArguments
	}
	work, err := startPipeline(ctx, s, consume, c.spokeArguments(c.Duration))
	if err != nil {
		return interrupted(ctx, err)
	}
	fmt.Fprintf(s.out, "\nLook: %s\n\nThe logs of the programs are in %s.", work.pages, s.children.logs)
	if c.Duration == 0 {
		fmt.Fprint(s.out, " Ctrl-C ends the demo.")
		go s.forget(ctx)
	}
	fmt.Fprint(s.out, "\n\n")
	done, err := c.watch(ctx, work)
	if err != nil {
		return interrupted(ctx, err)
	}
	if c.Chaos {
		fmt.Fprintf(s.out, "\nChaos: %v.\n", done)
	}
	if ctx.Err() != nil {
		return c.end(ctx, work)
	}
	return interrupted(ctx, c.finish(ctx, work))
}

// interrupted replaces what an interrupt led to by the interrupt itself.
func interrupted(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return errors.New("interrupted")
	}
	return err
}

// watch shows what happens until the spoke has ended or ctx is done.
func (c demoCommand) watch(ctx context.Context, work *pipeline) (done chaos, err error) {
	if c.Chaos {
		wreaking, stop := context.WithCancel(ctx)
		wreaked := make(chan error, 1)
		var c chaos
		go func() { wreaked <- c.wreak(wreaking, work.kinesis, work.consumer, work.db) }()
		defer func() {
			stop()
			err = errors.Join(err, <-wreaked)
			done = c
		}()
	}
	w := newWatcher(work.out, work.db)
	ticker := time.NewTicker(w.interval())
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return done, nil
		case <-work.spoke.done:
			w.show(ctx)
			return done, work.spoke.failure()
		case err := <-work.consumer.failed:
			return done, err
		case <-ticker.C:
			w.show(ctx)
		}
	}
}

// end is for a person who has seen enough: nothing is checked.
func (c demoCommand) end(ctx context.Context, work *pipeline) error {
	fmt.Fprintln(work.out, "\nStopping.")
	work.spoke.kill() // asked to end, it would first collect everything once more
	err := work.consumer.stop()
	if c.Duration > 0 {
		err = errors.Join(err, errors.New("interrupted before the check"))
	}
	return err
}

// finish waits until everything has arrived, and checks it.
func (c demoCommand) finish(ctx context.Context, work *pipeline) error {
	var spoke sent
	if err := json.Unmarshal(work.spoke.stdout.Bytes(), &spoke); err != nil {
		return fmt.Errorf("the summary of the spoke: %w", err)
	}
	fmt.Fprintf(work.out, "\nThe world stands still after %d steps; everything was collected once more: %d runs, %d "+
		"rows. Waiting until all is applied.\n",
		spoke.Steps, spoke.Runs, spoke.Rows)
	if err := drained(ctx, work.kinesis, work.db, work.consumer.failed); err != nil {
		return err
	}
	if err := work.consumer.stop(); err != nil {
		return err
	}
	if err := work.hub(ctx, nil, "refresh"); err != nil {
		return err
	}
	if err := showViews(ctx, work.out, work.db); err != nil {
		return err
	}
	list, err := readCounts(ctx, work.db)
	if err != nil {
		return err
	}
	fmt.Fprintf(work.out, "\n%s\n", countsTable(list))
	checks, err := work.check(ctx, spoke)
	if err != nil {
		return err
	}
	fmt.Fprintln(work.out)
	if err := printChecks(work.out, checks); err != nil {
		return err
	}
	fmt.Fprintln(work.out, "\nThe database is the world: nothing lost, nothing doubled.")
	return nil
}

// check makes the world again and compares the database with it, with what was
// sent, and with a replay of the archive.
func (p *pipeline) check(ctx context.Context, spoke sent) ([]check, error) {
	world, err := simulate.At(spoke.World, spoke.Steps)
	if err != nil {
		return nil, err
	}
	checks, err := checkWorld(ctx, p.db, world)
	if err != nil {
		return nil, err
	}
	runs, err := checkRuns(ctx, p.db, spoke)
	if err != nil {
		return nil, fmt.Errorf("check the runs: %w", err)
	}
	rejects, err := checkRejects(ctx, p.db)
	if err != nil {
		return nil, fmt.Errorf("look for rejects: %w", err)
	}
	replayed, err := p.checkReplay(ctx)
	if err != nil {
		return nil, fmt.Errorf("replay the archive: %w", err)
	}
	events, err := p.checkEvents(ctx, spoke)
	if err != nil {
		return nil, fmt.Errorf("look for what answers events: %w", err)
	}
	return append(checks, runs, rejects, replayed, events), nil
}

// checkReplay applies the archive to an empty database and compares the two.
func (p *pipeline) checkReplay(ctx context.Context) (check, error) {
	c := check{what: "replay of the archive", unit: "databases"}
	fmt.Fprint(p.out, "\nThe archive alone must give the same state. Into an empty database:\n")
	replica, err := p.postgres.createDatabase(ctx, "observability_replay")
	if err != nil {
		return c, err
	}
	into := []string{"DATABASE_URL=" + replica}
	if err := p.hub(ctx, into, "migrate"); err != nil {
		return c, err
	}
	if err := p.hub(ctx, into, "replay", "--bucket", bucket); err != nil {
		return c, err
	}
	c.compared = 2
	err = p.hub(ctx, []string{"HUB_AGAINST=" + replica}, "verify") // or: hub verify --against URL
	var ended *programError
	if errors.As(err, &ended) && ended.code == program.ExitPartly {
		c.fault("the database that was replayed differs: see what `hub verify` says above")
		return c, nil
	}
	return c, err
}
