package simulate

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/rows"
	"github.com/hubspoke/observability/lib/schema"
)

// kind says how the things of one category live. What it leaves out has a default: things
// appear, change all at once and, where the category is a snapshot, disappear.
type kind[T any] struct {
	// of is the collector that reads such things from AWS.
	of collect.Collector[T]
	// size is how many things an average account has in a region.
	size float64
	// make returns a new thing.
	make func(g *gen) T

	// fixed is set for things that neither appear nor disappear, such as the account
	// itself. They are few, and change more often than others by default.
	fixed bool

	// What follows is for a story that a view tells.

	// old returns a thing that was there before the first step. Defaults to make.
	old func(g *gen) T
	// initial returns what is there before the first step. Defaults to size times old.
	initial func(g *gen) []T
	// births is how many things appear in a step, for each one that was there at
	// the beginning. Defaults to 0.001.
	births float64
	// born returns a new thing, or false if there is none this time. Defaults to make.
	born func(g *gen, there []*T) (T, bool)
	// change lets a step pass for one thing. It may assign to the fields of row but
	// not write through its pointers, which a run may be reading. By default things get
	// other values, and disappear, with a probability of 0.001 each.
	change func(g *gen, row *T) fate
	// updated returns the time by which an incremental run finds a row. nil for
	// categories that are always read as a whole.
	updated func(row *T) *time.Time
	// slices returns the slices that a run describes. nil for categories without.
	slices func(start time.Time) []string
	// enabled reports whether the service is enabled in a place. nil: it always is.
	enabled func(w *World, here place) bool
}

// anyKind is a kind of any row type.
type anyKind interface {
	// populate makes the cells of an account.
	populate(w *World, account Account)
	// collector returns the collector of AWS, which reads the world in its place.
	collector(w *World, account string) collect.Any
	// fixedCategory returns the category if its things neither appear nor disappear.
	fixedCategory() string
}

// fate is what a step does to a thing.
type fate uint8

const (
	same fate = iota
	changed
	gone
)

// place is where the things of a cell are.
type place struct {
	account  Account
	region   string
	regions  []string
	accounts []Account // of the organisation; the first one manages it
}

// cell is the population of one scope. It is changed by Step only, which holds the
// lock of the world; its rows are never changed, only replaced.
type cell[T any] struct {
	kind    kind[T]
	gen     gen
	enabled bool
	births  float64 // per step
	rows    []*T
}

// anyCell is a cell of any category.
type anyCell interface {
	// advance lets a step pass, and reports whether anything changed.
	advance(now time.Time) bool
	// hints are those of the category.
	hints() []collect.Hint
	record(w *World) (*schema.Table, arrow.Record, error)
}

func (k kind[T]) populate(w *World, account Account) {
	if k.of.Reach != collect.Global {
		for _, region := range w.cfg.Regions {
			k.addCell(w, place{account, region, w.cfg.Regions, w.accounts})
		}
	}
	if k.of.Reach != collect.PerRegion {
		k.addCell(w, place{account, schema.GlobalRegion, w.cfg.Regions, w.accounts})
	}
}

func (k kind[T]) addCell(w *World, here place) {
	scope := schema.Scope{Category: k.of.Category.Name(), Account: here.account.ID, Region: here.region}
	c := &cell[T]{
		kind:    k.withDefaults(),
		enabled: (k.enabled == nil || k.enabled(w, here)) && !w.Denies(scope),
		gen: gen{
			Rand:     w.rng(scope.Category, scope.Account, scope.Region),
			place:    here,
			start:    w.cfg.Start,
			now:      w.now(),
			factor:   w.cfg.Scale * w.weight(here.account),
			factorOf: func(a Account) float64 { return w.cfg.Scale * w.weight(a) },
		},
	}
	if c.enabled {
		for _, row := range c.kind.initial(&c.gen) {
			c.rows = append(c.rows, &row)
		}
		if !k.fixed {
			c.births = c.kind.births * float64(len(c.rows))
		}
	}
	w.cells[scope] = c
}

// weight returns how large an account is against the average one.
func (w *World) weight(a Account) float64 {
	rng := w.rng("weight", a.ID)
	return []float64{0.3, 0.6, 0.8, 1.2, 2.1}[rng.IntN(5)] * (0.8 + 0.4*rng.Float64())
}

func (c *cell[T]) hints() []collect.Hint { return c.kind.of.Hints }

func (c *cell[T]) advance(now time.Time) (anything bool) {
	if !c.enabled {
		return false
	}
	g := &c.gen
	g.now = now
	kept := make([]*T, 0, len(c.rows)+1) // a run may be reading the old slice
	next := new(T)
	for _, row := range c.rows {
		*next = *row
		switch c.kind.change(g, next) {
		case same:
			kept = append(kept, row)
		case changed:
			kept = append(kept, next)
			next = new(T)
			anything = true
		case gone:
			anything = true
		}
	}
	for n := c.births; n > 0; n-- {
		if n < 1 && !g.chance(n) {
			break
		}
		if row, ok := c.kind.born(g, kept); ok {
			kept = append(kept, &row)
			anything = true
		}
	}
	c.rows = kept
	return anything
}

// snapshot returns the rows of a cell as they are now; false if the service is not
// enabled there.
func (c *cell[T]) snapshot(w *World) ([]*T, bool) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return c.rows, c.enabled
}

func (c *cell[T]) record(w *World) (*schema.Table, arrow.Record, error) {
	list, _ := c.snapshot(w)
	appender := rows.NewAppender(c.kind.of.Category, nil)
	defer appender.Release()
	for _, row := range list {
		if err := appender.Append(row); err != nil {
			return nil, nil, fmt.Errorf("simulate: a row of %s: %w", c.kind.of.Category.Name(), err)
		}
	}
	return c.kind.of.Category.Table, appender.Record(), nil
}

var errNotEnabled = errors.New("the account is not subscribed to the service in this region")

// collector returns a copy of the collector of AWS that reads the world.
func (k kind[T]) collector(w *World, account string) collect.Any {
	c := k.of
	if k.slices != nil {
		c.Slices = func(time.Time) []string { return k.slices(w.cfg.Start) }
	}
	c.Collect = func(ctx context.Context, env *collect.Env, emit func(T) error) error {
		region := env.Region
		if env.Global {
			region = schema.GlobalRegion
		}
		scope := schema.Scope{Category: c.Category.Name(), Account: account, Region: region}
		here, ok := w.cells[scope].(*cell[T])
		if !ok {
			return fmt.Errorf("the world has no %v", scope)
		}
		if w.Denies(scope) {
			return errDenied
		}
		list, enabled := here.snapshot(w)
		if !enabled {
			return collect.Disabled(errNotEnabled)
		}
		for _, row := range list {
			if !env.Since.IsZero() && k.updated(row).Before(env.Since) {
				continue
			}
			if err := w.pace(ctx); err != nil {
				return err
			}
			if err := emit(*row); err != nil {
				return err
			}
		}
		return nil
	}
	return c
}

func (k kind[T]) fixedCategory() string {
	if !k.fixed {
		return ""
	}
	return k.of.Category.Name()
}

// gen makes up values for one cell.
type gen struct {
	*rand.Rand
	place
	start  time.Time // of the world
	now    time.Time
	factor float64 // size of the account
	// factorOf returns the size of any account.
	factorOf func(Account) float64
}

const (
	day  = 24 * time.Hour
	year = 365 * day
)

// several returns n scaled by the size of the account, at least 1.
func (g *gen) several(n float64) int { return max(1, int(n*g.factor+0.5)) }

// chance is true with probability p.
func (g *gen) chance(p float64) bool { return g.Float64() < p }

// within returns a time of the last d, to the millisecond as AWS reports times.
func (g *gen) within(d time.Duration) time.Time {
	return g.now.Add(-time.Duration(g.Int64N(int64(d/time.Millisecond))) * time.Millisecond)
}

// created returns when the thing that is made was created: now, or in the last d if it was
// there before the first step.
func (g *gen) created(d time.Duration) time.Time {
	if g.now.After(g.start) {
		return g.now
	}
	return g.within(d)
}

// between returns a duration of whole seconds.
func (g *gen) between(from, to time.Duration) time.Duration {
	return from + time.Duration(g.Int64N(int64((to-from)/time.Second)))*time.Second
}

// hex returns n hexadecimal digits.
func (g *gen) hex(n int) string {
	const digits = "0123456789abcdef"
	b := make([]byte, n)
	for i := range b {
		b[i] = digits[g.IntN(16)]
	}
	return string(b)
}

func (g *gen) uuid() string {
	return g.hex(8) + "-" + g.hex(4) + "-4" + g.hex(3) + "-a" + g.hex(3) + "-" + g.hex(12)
}

func (g *gen) arn(service, resource string) string {
	return "arn:aws:" + service + ":" + g.region + ":" + g.account.ID + ":" + resource
}

// zone returns an availability zone of the region.
func (g *gen) zone() string { return g.region + pick(g, "a", "b", "c") }

// app returns the name of something that the account runs.
func (g *gen) app() string {
	return pick(g, apps...)
}

var apps = []string{
	"api", "web", "worker", "gateway", "billing", "orders", "ledger", "mailer", "reports", "auth", "cache", "ingest",
}

func (g *gen) tags() schema.JSON {
	tags := map[string]string{"account": g.account.Name, "team": pick(g, "red", "blue", "green", "data", "core")}
	if g.chance(0.5) {
		tags["cost-center"] = fmt.Sprint(4000 + g.IntN(40))
	}
	return jsonOf(tags)
}

// pick returns one of several values.
func pick[V any](g *gen, list ...V) V { return list[g.IntN(len(list))] }
