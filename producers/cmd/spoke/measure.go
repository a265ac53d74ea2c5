package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"sync"

	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/envelope"
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/lib/stream"
	"github.com/hubspoke/observability/producers/collectors"
)

// round is what one collection of a category took, in all of its scopes.
type round struct {
	Runs         int   `json:"runs"`
	Requests     int64 `json:"requests"`
	PaidRequests int64 `json:"paid_requests"`
	Rows         int   `json:"rows"`
	// Sent is what the runs are in archive and stream.
	Sent sending `json:"sent"`
	// Again is what they are if they find nothing changed.
	Again    sending                `json:"again"`
	Outcomes map[schema.Outcome]int `json:"outcomes"`
}

// sending is what is written into the archive and the stream.
type sending struct {
	Objects int   `json:"objects"`
	Records int   `json:"records"`
	Bytes   int64 `json:"bytes"` // of the records
}

func (s *sending) add(b sending) {
	s.Objects, s.Records, s.Bytes = s.Objects+b.Objects, s.Records+b.Records, s.Bytes+b.Bytes
}

// meter is a stream that counts what it is sent and keeps nothing. It is safe for
// concurrent use.
type meter struct {
	mu     sync.Mutex
	byRun  map[schema.Scope]*sending
	ends   map[schema.Scope]int64 // bytes
	chunks map[schema.Scope]int
}

func newMeter() *meter {
	return &meter{byRun: map[schema.Scope]*sending{}, ends: map[schema.Scope]int64{}, chunks: map[schema.Scope]int{}}
}

// Publish implements stream.Publisher.
func (m *meter) Publish(_ context.Context, messages []stream.Message) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, message := range messages {
		record, err := envelope.Parse(message.Data)
		if err != nil {
			return err
		}
		run := m.byRun[record.Scope]
		if run == nil {
			run = &sending{}
			m.byRun[record.Scope] = run
		}
		run.add(sending{Records: 1, Bytes: int64(len(message.Data))})
		if record.End != nil {
			m.ends[record.Scope] = int64(len(message.Data))
		}
	}
	return nil
}

// sent counts a chunk, which would be a file of the archive.
func (m *meter) sent(scope schema.Scope, _ int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.chunks[scope]++
}

// of returns what a run is in archive and stream, and what it is if it finds nothing
// changed: nothing but its end, if all of it was read and fits in one chunk.
func (m *meter) of(r collect.Result, incremental bool) (sent, again sending) {
	if run := m.byRun[r.Scope]; run != nil {
		sent = *run
	}
	sent.Objects = m.chunks[r.Scope] + 1 // files and manifest
	end := sending{Records: 1, Bytes: m.ends[r.Scope]}
	switch {
	case incremental:
		end.Objects = 1
		return sent, end
	case r.Outcome.Complete() && m.chunks[r.Scope] <= 1:
		return sent, end
	}
	return sent, sent
}

// measured plans by a round of the account at hand. The error may be one of a part of it.
func (c planCommand) measured(ctx context.Context, p program.Program, find findSources, log *slog.Logger) (planJSON,
	error) {
	from := sourceFlags{Category: c.Category, Exclude: c.Exclude, Region: c.Region, Profile: c.Profile,
		MaxPaidRequests: c.MaxPaidRequests}
	if err := from.Validate(); err != nil {
		return planJSON{}, &program.UsageError{Err: err}
	}
	sources, err := find(ctx, from, log)
	if err != nil {
		return planJSON{}, err
	}
	if faults := sources[0].faults; len(faults) > 0 {
		return planJSON{}, startError(faults...)
	}
	packer, err := envelope.NewPacker(envelope.Config{})
	if err != nil {
		return planJSON{}, err
	}
	meter := newMeter()
	for i := range sources {
		sources[i].to = &destination{publisher: meter, packer: packer}
	}
	var done counter
	hooks := done.hooks()
	hooks.Sent = meter.sent
	all, err := runners(sources, collect.Config{
		Services: collectors.Services(), Workers: collect.NewWorkers(from.places()), MaxPaidRequests: c.MaxPaidRequests,
		Version: p.VersionText(), Logger: log, Hooks: hooks,
	})
	if err != nil {
		return planJSON{}, err
	}
	for _, r := range all {
		done.total += len(r.Scopes())
	}
	stop := program.NewProgress(p.Stderr, log, "measuring").Start(ctx, done.state)
	results, err := onceAll(ctx, all)
	stop()
	if err != nil {
		err = fmt.Errorf("what failed is counted as it is: %w", err)
	}
	plan := planJSON{Measured: true, Regions: len(sources[0].regions)}
	rounds := meter.rounds(results, sources[0].collectors)
	for _, collector := range sources[0].collectors {
		d := collector.Declaration()
		if round := rounds[d.Category]; round != nil {
			plan.Categories = append(plan.Categories, c.planRound(d, round))
		}
	}
	return plan, err
}

// rounds adds up the results by category.
func (m *meter) rounds(results []collect.Result, all []collect.Any) map[string]*round {
	incremental := map[string]bool{}
	for _, d := range collectors.Declarations(all...) {
		incremental[d.Category] = d.Incremental != nil
	}
	rounds := map[string]*round{}
	for _, r := range results {
		category := r.Scope.Category
		if rounds[category] == nil {
			rounds[category] = &round{Outcomes: map[schema.Outcome]int{}}
		}
		to := rounds[category]
		to.Runs++
		to.Requests += r.Requests
		to.PaidRequests += r.PaidRequests
		to.Rows += r.Rows
		to.Outcomes[r.Outcome]++
		sent, again := m.of(r, incremental[category])
		to.Sent.add(sent)
		to.Again.add(again)
	}
	return rounds
}

// planRound computes what a category takes in a day, by a round of it. Incremental
// collections in between are taken for one request of each run, because a round reads
// everything.
func (c planCommand) planRound(d collect.Declaration, r *round) planned {
	each := c.rhythm(d)
	a := planned{Category: d.Category, Every: short(cmp.Or(c.Interval, d.Every)), Scopes: r.Runs, Round: r}
	a.Runs = float64(r.Runs) * each.collections
	a.Requests = float64(r.Requests) * each.collections
	if d.Incremental != nil {
		a.Requests = float64(r.Requests)*each.full + float64(r.Runs)*(each.collections-each.full)
	}
	paid := float64(r.PaidRequests) * each.collections
	a.Paid = amount{paid, paid}
	perDay := func(sent, again float64) amount {
		return amount{sent*each.full + again*(each.collections-each.full), sent * each.collections}
	}
	a.Objects = perDay(float64(r.Sent.Objects), float64(r.Again.Objects))
	a.Records = perDay(float64(r.Sent.Records), float64(r.Again.Records))
	a.Bytes = perDay(float64(r.Sent.Bytes), float64(r.Again.Bytes))
	a.addPrice(collectors.PriceOf(d))
	return a
}
