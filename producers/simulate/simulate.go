// Package simulate is a made-up organisation: accounts with certificates,
// instances, keys, secrets, findings and costs that change over time. Its
// [World.Collectors] take the place of those of AWS; everything behind them is the
// real thing. It shows the pipeline at work, and tests it, without an AWS account.
//
// The world is a pure function of its [Config] and the number of steps it has
// made: [At] makes the same one again anywhere, which is how a database can be
// compared with the world that it describes.
//
//	world, err := simulate.New(simulate.Config{Accounts: 2, Seed: 7})
//	...
//	runner, err := collect.New(collect.Config{
//		Account:    world.Accounts()[0].ID,
//		Regions:    world.Regions(),
//		Collectors: world.Collectors(world.Accounts()[0].ID),
//		...
//	})
//	world.Step()
package simulate

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"golang.org/x/time/rate"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/schema"
)

// Config describes a world. Two worlds of the same Config are the same, step by
// step, if Start is set. It can be kept as JSON.
type Config struct {
	// Accounts is how many accounts the organisation has. Defaults to 20.
	Accounts int `json:"accounts"`
	// Regions that the accounts use; the first is their home region.
	// Defaults to eu-central-1 and us-east-1.
	Regions []string `json:"regions"`
	// Seed makes another organisation. Defaults to 0, which is a seed like any other.
	Seed uint64 `json:"seed"`
	// Scale multiplies the size of every account: at 1 one has about 2,000 rows in
	// two regions. Defaults to 1.
	Scale float64 `json:"scale"`
	// Start is the time of the world before its first step. Defaults to the second
	// in which New is called.
	Start time.Time `json:"start"`
	// StepTime is how much time passes in the world with each step. Defaults to 1 second.
	StepTime time.Duration `json:"step_time"`
}

func (c Config) withDefaults() Config {
	if c.Accounts == 0 {
		c.Accounts = 20
	}
	if len(c.Regions) == 0 {
		c.Regions = []string{"eu-central-1", "us-east-1"}
	}
	if c.Scale == 0 {
		c.Scale = 1
	}
	if c.Start.IsZero() {
		c.Start = time.Now()
	}
	c.Start = c.Start.UTC().Truncate(time.Second)
	if c.StepTime == 0 {
		c.StepTime = time.Second
	}
	return c
}

func (c Config) validate() error {
	var faults []error
	if c.Accounts < 1 || c.Accounts > 10_000 {
		faults = append(faults, fmt.Errorf("%d accounts: must be 1 to 10,000", c.Accounts))
	}
	for i, region := range c.Regions {
		if err := (schema.Scope{Category: "x", Account: "000000000000", Region: region}).Validate(); err != nil {
			faults = append(faults, err)
		}
		if region == schema.GlobalRegion || slices.Contains(c.Regions[:i], region) {
			faults = append(faults, fmt.Errorf("region %s is named twice or no region", region))
		}
	}
	if c.Scale < 0 || c.Scale > 1000 {
		faults = append(faults, fmt.Errorf("scale %v: must be above 0 and at most 1,000", c.Scale))
	}
	if c.StepTime < 0 {
		faults = append(faults, errors.New("the time of a step is negative"))
	}
	return errors.Join(faults...)
}

// Account is one account of the organisation.
type Account struct {
	// ID has 12 digits.
	ID string
	// Name is what people call it, such as payments-production.
	Name string
}

// World is the organisation at one moment. Its methods may be called concurrently.
type World struct {
	cfg      Config
	accounts []Account
	limiter  *rate.Limiter

	mu    sync.RWMutex
	step  int
	cells map[schema.Scope]anyCell
}

// New returns the world before its first step, or every fault of the configuration.
func New(cfg Config) (*World, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("simulate: %w", err)
	}
	w := &World{cfg: cfg, limiter: rate.NewLimiter(rate.Inf, 0), cells: map[schema.Scope]anyCell{}}
	for i := range cfg.Accounts {
		w.accounts = append(w.accounts, w.account(i))
	}
	for _, account := range w.accounts {
		for _, k := range kinds() {
			k.populate(w, account)
		}
	}
	return w, nil
}

// At returns the world of a Config after a number of steps.
func At(cfg Config, step int) (*World, error) {
	if cfg.Start.IsZero() {
		return nil, errors.New("simulate: the Config has no Start, so that nobody knows which world is meant")
	}
	w, err := New(cfg)
	if err != nil {
		return nil, err
	}
	for range step {
		w.Step()
	}
	return w, nil
}

// rng returns a source of randomness of its own for every name.
func (w *World) rng(name ...string) *rand.Rand {
	d := schema.Digest(append([]string{fmt.Sprint(w.cfg.Seed)}, name...)...)
	return rand.New(rand.NewPCG(binary.BigEndian.Uint64(d[:8]), binary.BigEndian.Uint64(d[8:])))
}

var (
	products = []string{"payments", "checkout", "search", "catalogue", "logistics", "identity", "analytics",
		"marketing", "support", "platform"}
	environments = []string{"production", "staging", "development", "sandbox"}
)

// account returns the i-th account. Its id begins with i, so that no two are the same.
func (w *World) account(i int) Account {
	name := products[i/len(environments)%len(products)] + "-" + environments[i%len(environments)]
	if generation := i / len(environments) / len(products); generation > 0 {
		name += fmt.Sprintf("-%d", generation+1)
	}
	return Account{
		ID:   fmt.Sprintf("%d%07d", 10_000+i, w.rng("account", fmt.Sprint(i)).IntN(10_000_000)),
		Name: name,
	}
}

// Config returns the configuration with its defaults filled in: with it, [At]
// makes the same world.
func (w *World) Config() Config { return w.cfg }

// Accounts returns the accounts. The caller must not change the slice.
func (w *World) Accounts() []Account { return w.accounts }

// Regions returns the regions that the accounts use. The caller must not change the slice.
func (w *World) Regions() []string { return w.cfg.Regions }

// SetRate limits how many rows per second the collectors of all accounts together
// emit. 0 is no limit, which is how a world begins.
func (w *World) SetRate(rowsPerSecond float64) {
	if rowsPerSecond <= 0 {
		w.limiter.SetLimit(rate.Inf)
		return
	}
	w.limiter.SetBurst(max(1, int(rowsPerSecond/20)))
	w.limiter.SetLimit(rate.Limit(rowsPerSecond))
}

func (w *World) pace(ctx context.Context) error { return w.limiter.Wait(ctx) }

// Step lets [Config.StepTime] pass, in which some things change. It returns the scopes in
// which they do, in no order.
func (w *World) Step() (changed []schema.Scope) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.step++
	now := w.now()
	for scope, c := range w.cells {
		if c.advance(now) {
			changed = append(changed, scope)
		}
	}
	return changed
}

// Steps returns how many steps the world has made.
func (w *World) Steps() int {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.step
}

// now is the time in the world. The caller holds mu, or makes the world.
func (w *World) now() time.Time {
	return w.cfg.Start.Add(time.Duration(w.step) * w.cfg.StepTime)
}

// Scopes returns every scope that has rows or could have some, in order. Slices of
// a category are together in one scope.
func (w *World) Scopes() []schema.Scope {
	scopes := make([]schema.Scope, 0, len(w.cells))
	for scope := range w.cells {
		scopes = append(scopes, scope)
	}
	slices.SortFunc(scopes, func(a, b schema.Scope) int { return cmpText(a.String(), b.String()) })
	return scopes
}

// Record returns the rows of a scope of [World.Scopes] as they are now, and their
// table. The caller releases the record.
func (w *World) Record(scope schema.Scope) (*schema.Table, arrow.Record, error) {
	w.mu.RLock()
	c := w.cells[scope]
	w.mu.RUnlock()
	if c == nil {
		return nil, nil, fmt.Errorf("simulate: the world has no scope %v", scope)
	}
	return c.record(w)
}

func cmpText(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// Collectors returns the collectors of an account: the categories and declarations
// are those of AWS; what they read is this world, as it is when a run begins.
func (w *World) Collectors(account string) []collect.Any {
	var list []collect.Any
	for _, k := range kinds() {
		list = append(list, k.collector(w, account))
	}
	return list
}
