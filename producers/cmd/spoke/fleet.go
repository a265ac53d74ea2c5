package main

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/hubspoke/observability/lib/awsconfig"
	"github.com/hubspoke/observability/lib/collect"
)

const (
	// lookEvery is how often accounts and their regions are listed again.
	lookEvery = time.Hour
	// firstLook is how soon an account that cannot be collected is tried again. It doubles
	// until it reaches lookEvery.
	firstLook = time.Minute
	// looksAtOnce bounds the accounts that are looked at side by side.
	looksAtOnce = 16
)

// fleet is what one process collects again and again: accounts, with a runner for each
// region. Both come and go while it works. run calls set, add and remove; the other methods
// may be called by any goroutine.
type fleet struct {
	shared   collect.Config    // of all runners
	services []collect.Service // with limits that the runners of an account share
	open     func(context.Context, source) (destination, error)
	price    func(source) float64 // of a month, in USD
	metrics  *metrics
	log      *slog.Logger

	looking chan struct{} // has one for each account that is looked at
	working sync.WaitGroup

	mu       sync.Mutex
	members  map[string]*member
	inactive map[string]bool // accounts that are known, and not collected
}

func newFleet(shared collect.Config) *fleet {
	f := &fleet{
		shared: shared, services: shared.Services, log: shared.Logger,
		looking: make(chan struct{}, looksAtOnce), members: map[string]*member{}, inactive: map[string]bool{},
	}
	f.shared.Services = nil
	return f
}

// member is an account of a fleet.
type member struct {
	source
	limits *collect.Limits
	again  chan struct{} // has one when the regions are to be listed at once
	end    context.CancelFunc
	ended  chan struct{}

	// Written by one goroutine, with the fleet's mutex.
	runners map[string]*running // by region
	refused bool                // for the last time, and the log says why
}

// running is the runner of a region at work.
type running struct {
	*collect.Runner
	end   context.CancelFunc
	ended chan struct{}
}

func (r *running) stop() {
	r.end()
	<-r.ended
}

// add collects an account until ctx is done or remove is called. The error says why that
// is impossible; not so where there are many accounts: the others matter as much.
func (f *fleet) add(ctx context.Context, s source) error {
	limits, err := collect.NewLimits(f.services)
	if err != nil {
		return err
	}
	ctx, end := context.WithCancel(ctx)
	if s.lifetime > 0 {
		timer := time.AfterFunc(s.lifetime, end)
		context.AfterFunc(ctx, func() { timer.Stop() })
	}
	m := &member{source: s, limits: limits, again: make(chan struct{}, 1), end: end, ended: make(chan struct{}),
		runners: map[string]*running{}}
	if !s.pulled {
		if err := f.look(ctx, m); err != nil {
			f.stop(m)
			end()
			return err
		}
	}
	f.mu.Lock()
	f.members[s.account] = m
	f.mu.Unlock()
	f.working.Go(func() {
		defer close(m.ended)
		defer end()
		f.keep(ctx, m)
		f.stop(m)
		f.count()
	})
	return nil
}

// remove ends the runners of an account and waits for them.
func (f *fleet) remove(account string) {
	f.mu.Lock()
	m := f.members[account]
	delete(f.members, account)
	f.mu.Unlock()
	if m != nil {
		m.end()
		<-m.ended
	}
	f.metrics.forget(account, "")
	f.count()
}

// run collects accounts until ctx is done and everything has ended. find returns those
// that there are later; nil if they stay the same.
func (f *fleet) run(ctx context.Context, sources []source, find func(context.Context) ([]source, error)) error {
	defer f.working.Wait()
	if err := f.set(ctx, sources); err != nil && ctx.Err() == nil {
		return err
	}
	for find != nil && sleep(ctx, lookEvery) {
		sources, err := find(ctx)
		if err == nil {
			err = f.set(ctx, sources)
		}
		if err != nil && ctx.Err() == nil {
			f.log.Warn("the accounts could not be listed again; those that are known go on", "error", err)
		}
	}
	return nil
}

// set adds and removes accounts until there are those of the sources, and names those
// that are not active once.
func (f *fleet) set(ctx context.Context, sources []source) error {
	wanted, inactive := map[string]bool{}, map[string]bool{}
	for _, s := range sources {
		if s.inactive == "" {
			wanted[s.account] = true
			continue
		}
		inactive[s.account] = true
		if !f.inactive[s.account] {
			f.log.Warn("an account is not active and not collected", "account", s.account, "state", s.inactive)
		}
	}
	f.mu.Lock()
	f.inactive = inactive
	known := maps.Clone(f.members)
	f.mu.Unlock()
	for account := range known {
		if !wanted[account] {
			f.log.Info("an account is not collected any more", "account", account)
			f.remove(account)
		}
	}
	for _, s := range sources {
		if s.inactive == "" && known[s.account] == nil {
			if err := f.add(ctx, s); err != nil {
				return err
			}
		}
	}
	f.count()
	return nil
}

// runnersOf returns the runners of an account, and whether it is one of the fleet.
func (f *fleet) runnersOf(account string) ([]*collect.Runner, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	m := f.members[account]
	if m == nil {
		return nil, false
	}
	runners := make([]*collect.Runner, 0, len(m.runners))
	for _, r := range m.runners {
		runners = append(runners, r.Runner)
	}
	return runners, true
}

// lookAgain lists the regions of an account at once, for when one was switched on or off.
func (f *fleet) lookAgain(account string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if m := f.members[account]; m != nil {
		select {
		case m.again <- struct{}{}:
		default:
		}
	}
}

// keep looks at an account again and again until ctx is done.
func (f *fleet) keep(ctx context.Context, m *member) {
	var err error
	if m.pulled {
		err = f.look(ctx, m)
	}
	for failures := 0; ; {
		wait := lookEvery + rand.N(lookEvery/10)
		if err == nil {
			failures = 0
		} else {
			wait = min(wait, firstLook<<min(failures, 10))
			failures++
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-m.again:
			timer.Stop()
		case <-timer.C:
		}
		err = f.look(ctx, m)
	}
}

// look brings the runners of an account in line with what it is now. The error says that
// this is to be tried again soon.
func (f *fleet) look(ctx context.Context, m *member) error {
	select {
	case f.looking <- struct{}{}:
		defer func() { <-f.looking }()
	case <-ctx.Done():
		return ctx.Err()
	}
	err := f.bringInLine(ctx, m)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil && m.pulled && !m.refused:
		f.log.Error("an account is not collected", "account", m.account, "error", err)
	case err != nil && m.pulled:
		f.log.Debug("an account is still not collected", "account", m.account, "error", err)
	case err == nil && m.refused:
		f.log.Info("the account can be collected now", "account", m.account)
	}
	f.mu.Lock()
	m.refused = err != nil
	f.mu.Unlock()
	f.count()
	return err
}

func (f *fleet) bringInLine(ctx context.Context, m *member) error {
	if m.verify != nil {
		if err := m.verify(ctx); err != nil {
			return f.unlessItPasses(ctx, m, err)
		}
	}
	regions := m.regions // that were given, or listed a moment ago at the start
	if m.list != nil && (m.regions == nil || len(m.runners) > 0) {
		listed, err := m.list(ctx)
		if err != nil && len(m.runners) > 0 && ctx.Err() == nil {
			f.log.Warn("the regions could not be listed again; those that are known go on", "account", m.account,
				"error", err)
			return nil
		}
		if err != nil {
			return err
		}
		regions = listed
	}
	if m.to == nil {
		to, err := f.open(ctx, m.source)
		if err != nil {
			return err
		}
		m.to = &to
	}
	return f.setRegions(ctx, m, regions)
}

// unlessItPasses ends the runners of an account that refuses: each of their runs would say
// so. It returns nil where they go on because the fault may pass.
func (f *fleet) unlessItPasses(ctx context.Context, m *member, err error) error {
	if len(m.runners) == 0 || ctx.Err() != nil {
		return err
	}
	if awsconfig.Transient(err) {
		f.log.Warn("an account could not be looked at again; it is still collected", "account", m.account, "error", err)
		return nil
	}
	f.stop(m)
	return err
}

// setRegions starts and ends runners until there are those of the regions.
func (f *fleet) setRegions(ctx context.Context, m *member, regions []string) error {
	first := len(m.runners) == 0
	var added []string
	for _, region := range regions {
		if m.runners[region] != nil {
			continue
		}
		if err := f.start(ctx, m, region); err != nil {
			return err
		}
		added = append(added, region)
	}
	for _, region := range slices.Sorted(maps.Keys(m.runners)) {
		if !slices.Contains(regions, region) {
			f.log.Info("a region is switched off, and not collected any more; its rows stay", "account", m.account,
				"region", region)
			f.stopRegion(m, region)
			f.metrics.forget(m.account, region)
		}
	}
	if !first {
		for _, region := range added {
			f.log.Info("a region is switched on, and collected from now on", "account", m.account, "region", region)
		}
		return nil
	}
	now := m.source
	now.regions = regions
	f.log.Info("collecting", "account", m.account, "regions", regions, "home", m.home, "categories", len(m.collectors),
		"usd_per_month", fmt.Sprintf("%.2f", f.price(now)), "version", f.shared.Version)
	now.sayLeftToHome(f.log)
	return nil
}

func (f *fleet) start(ctx context.Context, m *member, region string) error {
	c := m.config(f.shared, region)
	c.Limits = m.limits
	runner, err := collect.New(c)
	if err != nil {
		return fmt.Errorf("account %s: %w", m.account, err)
	}
	ctx, end := context.WithCancel(ctx)
	r := &running{runner, end, make(chan struct{})}
	f.mu.Lock()
	m.runners[region] = r
	f.mu.Unlock()
	go func() {
		defer close(r.ended)
		_ = runner.Run(ctx) // nil: results are in the log and the metrics
	}()
	return nil
}

// stop ends the runners of an account.
func (f *fleet) stop(m *member) {
	for _, r := range m.runners {
		r.end() // all, before one is waited for
	}
	for region := range maps.Clone(m.runners) {
		f.stopRegion(m, region)
	}
}

func (f *fleet) stopRegion(m *member, region string) {
	m.runners[region].stop()
	f.mu.Lock()
	delete(m.runners, region)
	f.mu.Unlock()
}

// count tells the metrics how many accounts there are by state.
func (f *fleet) count() {
	f.mu.Lock()
	defer f.mu.Unlock()
	counts := map[string]int{"collected": 0, "refused": 0, "inactive": len(f.inactive)}
	for _, m := range f.members {
		switch {
		case m.refused:
			counts["refused"]++
		case len(m.runners) > 0:
			counts["collected"]++
		}
	}
	for state, n := range counts {
		f.metrics.accounts.WithLabelValues(state).Set(float64(n))
	}
}

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
