package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/producers/simulate"
)

// worldFlags describe a made-up organisation.
type worldFlags struct {
	Accounts int    `placeholder:"20" max:"100000" help:"Accounts of the made-up organisation. Defaults to 20."`
	Seed     uint64 `placeholder:"0" help:"Makes another made-up organisation. Defaults to 0."`
}

// simulateFlags swap AWS for a made-up organisation. Only the collectors differ:
// what they emit goes the way that every row goes.
type simulateFlags struct {
	program.OutputFlag // of the summary
	worldFlags
	Simulate bool    `help:"Collect a made-up organisation that changes every second, instead of an account of AWS. One account falls silent after a minute, and one is denied a category. At the end every scope is collected once more, and a summary is printed, in the format of --output."`
	Rate     float64 `placeholder:"1000" help:"Rows per second of the made-up organisation, all accounts together. Defaults to 1,000."`
}

const (
	simulatedRate = 1000
	// simulatedInterval is the interval of all categories: in a made-up organisation
	// there is something new all the time.
	simulatedInterval = 5 * time.Second
	// hintedInterval replaces it where events tell of the changes. After a run they leave a
	// scope alone for simulatedInterval.
	hintedInterval = 15 * time.Second
	// simulatedDrain is for collecting everything once more.
	simulatedDrain = 10 * time.Minute
)

func (f simulateFlags) validate() error {
	if !f.Simulate && (f.worldFlags != worldFlags{} || f.Rate != 0) {
		return program.Usagef("--accounts, --rate and --seed need --simulate")
	}
	return nil
}

// simulation is a made-up organisation and what was collected from it.
type simulation struct {
	world  *simulate.World
	events *events // where its changes are told; nil: nowhere

	mu    sync.Mutex
	tally tally
}

// tally counts what became of runs.
type tally struct {
	Runs     int                    `json:"runs"`
	Rows     int64                  `json:"rows"`
	Faults   int                    `json:"faults"`
	Outcomes map[schema.Outcome]int `json:"outcomes"`
	Hinted   []hintedRun            `json:"hinted_runs,omitempty"`
}

// hintedRun is a complete run that answers an event.
type hintedRun struct {
	Run   schema.RunID `json:"run"`
	Event time.Time    `json:"event"` // the oldest one
}

// simulationJSON is the summary as `-o json` prints it: an interface, add only.
// With the world and its steps anybody can make the same world again.
type simulationJSON struct {
	World simulate.Config `json:"world"`
	Steps int             `json:"steps"`
	tally
}

// newSimulation returns the organisation, and its accounts as sources.
func (f simulateFlags) newSimulation(from sourceFlags) (*simulation, []source, error) {
	world, sources, err := f.sources(from)
	if err != nil {
		return nil, nil, err
	}
	world.SetRate(simulatedRate)
	if f.Rate > 0 {
		world.SetRate(f.Rate)
	}
	return &simulation{world: world, tally: tally{Outcomes: map[schema.Outcome]int{}}}, sources, nil
}

// sources returns the organisation, and its accounts as sources.
func (f worldFlags) sources(from sourceFlags) (*simulate.World, []source, error) {
	if from.pulls() || from.givesAllRegions() {
		return nil, nil, program.Usagef("--simulate makes up accounts and regions: leave out --account, --organization and " +
			"--region all")
	}
	world, err := simulate.New(simulate.Config{Accounts: f.Accounts, Regions: from.Region, Seed: f.Seed})
	if err != nil {
		return nil, nil, &program.UsageError{Err: err}
	}
	var sources []source
	for _, account := range world.Accounts() {
		chosen, err := from.choose(world.Collectors(account.ID))
		if err != nil {
			return nil, nil, err
		}
		home := from.HomeRegion
		if home == "" {
			home = world.Regions()[0]
		}
		s := source{
			account: account.ID, partition: "aws", regions: world.Regions(), home: home,
			aws:        func(region string) aws.Config { return aws.Config{Region: region} },
			collectors: chosen,
		}
		s.lifetime, _ = world.SilentAfter(account.ID)
		sources = append(sources, s)
	}
	return world, sources, nil
}

// counting returns the hooks with the tally added.
func (s *simulation) counting(hooks collect.Hooks) collect.Hooks {
	finished := hooks.Finished
	hooks.Finished = func(r collect.Result) {
		finished(r)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.tally.Runs++
		s.tally.Rows += int64(r.Rows)
		s.tally.Outcomes[r.Outcome]++
		if !r.Hinted.IsZero() && r.Outcome.Complete() {
			s.tally.Hinted = append(s.tally.Hinted, hintedRun{r.Run, r.Hinted})
		}
		if s.unwanted(r) {
			s.tally.Faults++
		}
	}
	return hooks
}

// every returns the interval of all categories.
func (s *simulation) every() time.Duration {
	if s.events != nil {
		return hintedInterval
	}
	return simulatedInterval
}

// run lets the world change until ctx is done, and tells of it.
func (s *simulation) run(ctx context.Context) error {
	ticker := time.NewTicker(s.world.Config().StepTime)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			changed := s.world.Step()
			if s.events != nil {
				s.tell(ctx, changed)
			}
		}
	}
}

// tell puts an event for each change into the queue, as EventBridge does for AWS.
func (s *simulation) tell(ctx context.Context, changed []schema.Scope) {
	now := time.Now()
	var messages []string
	for _, scope := range changed {
		if message, ok := s.world.Event(scope, now); ok {
			messages = append(messages, string(message))
		}
	}
	for batch := range slices.Chunk(messages, batchSize) {
		if err := s.events.send(ctx, batch); err != nil && ctx.Err() == nil {
			s.events.fault(err)
			return // what is not told is found at the interval
		}
	}
}

// finish collects every scope once more, as whole and as fast as possible, now
// that the world stands still, and prints the summary.
func (s *simulation) finish(ctx context.Context, w io.Writer, asJSON bool, sources []source, config collect.Config,
	log *slog.Logger) error {
	s.world.SetRate(0)
	last, err := runners(sources, config) // new ones read everything
	if err != nil {
		return err
	}
	log.Info("the world stands still; collecting everything once more", "steps", s.world.Steps())
	results, err := onceAll(context.WithoutCancel(ctx), last)
	if len(results) > 0 && !slices.ContainsFunc(results, s.unwanted) {
		err = nil // what is denied is meant to be
	}
	return errors.Join(s.print(w, asJSON), err)
}

// unwanted reports whether a run has a fault that is none of the world's.
func (s *simulation) unwanted(r collect.Result) bool {
	return r.Fault() != nil && (r.Outcome != schema.Denied || !s.world.Denies(r.Scope))
}

func (s *simulation) print(w io.Writer, asJSON bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	summary := simulationJSON{s.world.Config(), s.world.Steps(), s.tally}
	if asJSON {
		return program.WriteJSON(w, summary)
	}
	t := program.NewTable(w, "accounts", "regions", "steps", "runs", "rows", "runs with faults", "outcomes")
	t.AppendRow(table.Row{
		summary.World.Accounts, len(summary.World.Regions), summary.Steps, summary.Runs, summary.Rows, summary.Faults,
		outcomesText(summary.Outcomes),
	})
	t.Render()
	return nil
}

// outcomesText counts outcomes in their usual order, for people.
func outcomesText(counts map[schema.Outcome]int) string {
	var parts []string
	for _, o := range schema.Outcomes {
		if n := counts[o]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, o))
		}
	}
	return strings.Join(parts, ", ")
}
