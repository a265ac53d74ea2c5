// Package collect runs collectors: it calls AWS for one category, account and
// region at a time, and sends what comes back to the archive and the stream.
//
// A [Collector] declares how one category is collected. It is a value with a
// function that pages through an AWS API and emits typed rows. A [Runner] calls it
// once, or again and again, and makes one run of what it emits (one per slice, for
// a category that has slices):
//
//	emit ──▶ Arrow record ──▶ rows that repeat a key or fit nowhere are left out
//	                      ──▶ archive: a Parquet file
//	                      ──▶ stream: parts
//	...
//	end  ──▶ archive: the manifest ──▶ stream: the end
//
// The archive comes first, so that the stream never knows of rows that a replay
// could not bring back, unless S3 refuses: then rows are still published, and the
// [Result] says so. Every run is closed by an end, also one that is empty or
// failed, as long as the stream takes it; a run that did not read or send
// everything never counts as complete, so that nothing is taken for gone. A run
// that takes longer than four times its interval, and an hour at least, is stopped.
//
// Events make a category due sooner (see [Hint] and [Runner.Hear]). Hints take at most a
// tenth of a scope's time, and only the interval decides which rows there are.
//
// emit blocks while a chunk is being sent. Memory is bounded by a few chunks per
// collection and 20 to 40 bytes per row of the run, to know its key again.
package collect

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/hubspoke/observability/lib/envelope"
	"github.com/hubspoke/observability/lib/schema"
)

// Env is what a collector may use during one run.
type Env struct {
	// AWS has the credentials of the account, Region, and the limits of Config.Services.
	// Clients must be made from it.
	AWS aws.Config
	// Account that is collected, 12 digits.
	Account string
	// Partition of the account: aws, aws-cn, aws-us-gov.
	Partition string
	// Region of the API that is asked, as AWS names it. Where Global is set it is the home
	// region.
	Region string
	// Global is set when the run describes what has no region.
	Global bool
	// Labels of the account, as Config has them. A copy; nil if there are none.
	Labels map[string]string
	// Version of the program, as Config has it.
	Version string
	// Now is the start of the run, in UTC and milliseconds.
	Now time.Time
	// Since is zero when everything must be read; otherwise rows that did not
	// change since then may be left out. Only Incremental collectors see it set.
	Since time.Time
	// Log has the category and region as attributes. Never nil.
	Logger *slog.Logger
}

// Reach says where a category exists.
type Reach uint8

const (
	// PerRegion categories are collected in every region of the runner.
	PerRegion Reach = iota + 1
	// Global categories are collected once per account, through the home region.
	Global
	// PerRegionAndGlobal categories are collected in every region, and once more per
	// account, through the home region: AWS keeps some of their things without a region.
	PerRegionAndGlobal
)

// String returns "per region", "global" or "per region and global".
func (r Reach) String() string {
	switch r {
	case PerRegion:
		return "per region"
	case Global:
		return "global"
	case PerRegionAndGlobal:
		return "per region and global"
	}
	return fmt.Sprintf("Reach(%d)", uint8(r))
}

// MarshalText returns String.
func (r Reach) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// Incremental is for categories with an API that can be asked for what changed. Their
// [schema.Spec] must say so.
type Incremental struct {
	// FullEvery is how often everything is read. The first run always does.
	FullEvery time.Duration
	// Overlap is how far before the last run that read and sent everything the
	// next one begins. Rows that were refused do not matter here.
	Overlap time.Duration
}

// Collector declares how one category is collected: reach, interval,
// calls, function. It is a value: declare it as a package variable.
type Collector[T any] struct {
	// Category that the rows belong to.
	Category schema.Category[T]
	// Reach of the category.
	Reach Reach
	// Every is the time from the start of one run to the start of the next, at most
	// envelope.MaxEvery.
	Every time.Duration
	// Calls are the operations that Collect calls, all of them and no other, as
	// service:Operation. The service is the one that a request is signed for:
	// "acm:ListCertificates". Most are also the names of IAM actions.
	Calls []string
	// Requires are IAM actions that AWS asks for besides those of Calls, because a
	// service calls another one. Link the page that says so next to it.
	Requires []string
	// PaidRequests is how many requests the run of an ordinary account sends to services
	// with a Price, for people who want to know what that costs. Defaults to none. What a
	// run may send is bounded by Config.MaxPaidRequests.
	PaidRequests int
	// ManagementAccount is set when only the management account of an organization has
	// something to read. Others end with disabled, before a request that AWS charges for.
	ManagementAccount bool
	// Long is set when a run of a large account takes more than 5 minutes. Without it
	// that is known only once a run did: see [Workers].
	Long bool
	// Incremental is nil when every run reads everything.
	Incremental *Incremental
	// Hints declare events after which the category is collected sooner. Defaults to
	// none. Where PaidRequests is set they are one type of event at most.
	Hints []Hint
	// Slices returns the slices that a run at now describes. One collection is
	// then one run per slice, and each row goes to the run that its slice column
	// names. nil for categories without a slice column.
	Slices func(now time.Time) []string
	// Collect reads from AWS and calls emit for every row. It returns nil when
	// it read everything; any other error ends the run, and [Classify] says what
	// that means. With [SliceErrors], only the runs of these slices are not
	// complete. It must return soon after ctx is done.
	//
	// emit blocks while buffers are full, may be called by several goroutines,
	// and keeps nothing of the row. An error of emit ends the run: Collect
	// returns it.
	Collect func(ctx context.Context, env *Env, emit func(T) error) error
}

// Any is a [Collector] of any row type. No other type implements it.
type Any interface {
	// Table returns the table of the category.
	Table() *schema.Table
	// Declaration returns what the collector declares, for documents and policies.
	Declaration() Declaration

	validate() error
	slices(now time.Time) []string
	collect(ctx context.Context, env *Env, to *collection) error
}

// Declaration is what a [Collector] declares, without its row type and functions.
type Declaration struct {
	// Category is the name of the category.
	Category string
	// Mode of the category.
	Mode schema.Mode
	// Reach of the category.
	Reach Reach
	// Every is the interval.
	Every time.Duration
	// Calls are the operations that it calls, as service:Operation.
	Calls []string
	// Requires are the IAM actions that it needs besides those of its calls.
	Requires []string
	// PaidRequests is how many requests a run sends for which AWS charges.
	PaidRequests int
	// ManagementAccount is set when only the management account of an organization has
	// something to read.
	ManagementAccount bool
	// Long is set when a run may take long.
	Long bool
	// Incremental is nil when every run reads everything.
	Incremental *Incremental
	// Hints declare events after which the category is collected sooner.
	Hints []Hint
	// Sliced is set when one collection is one run per slice.
	Sliced bool
}

// Table returns the table of the category.
func (c Collector[T]) Table() *schema.Table { return c.Category.Table }

// Declaration returns a copy of what the collector declares.
func (c Collector[T]) Declaration() Declaration {
	d := Declaration{
		Category:     c.Category.Name(),
		Mode:         c.Category.Mode(),
		Reach:        c.Reach,
		Every:        c.Every,
		Calls:        slices.Clone(c.Calls),
		Requires:     slices.Clone(c.Requires),
		PaidRequests: c.PaidRequests,
		Long:         c.Long,

		ManagementAccount: c.ManagementAccount,

		Hints:  cloneHints(c.Hints),
		Sliced: c.Slices != nil,
	}
	if c.Incremental != nil {
		incremental := *c.Incremental
		d.Incremental = &incremental
	}
	return d
}

// Runs returns how many runs a collection at now is: one, or as many as there are slices.
func Runs(c Any, now time.Time) int { return len(c.slices(now)) }

func (c Collector[T]) slices(now time.Time) []string {
	if c.Slices == nil {
		return []string{""}
	}
	return c.Slices(now)
}

var callRE = regexp.MustCompile(`^[a-z0-9-]+:[A-Z][A-Za-z0-9]*$`)

func (c Collector[T]) validate() error {
	if c.Category.Table == nil {
		return errors.New("a collector has no category")
	}
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("collector %s: "+format, append([]any{c.Category.Name()}, args...)...))
	}
	if c.Reach < PerRegion || c.Reach > PerRegionAndGlobal {
		fault("Reach is not PerRegion, Global or PerRegionAndGlobal")
	}
	if c.Every <= 0 || c.Every > envelope.MaxEvery {
		fault("Every is not above 0 and at most %v", envelope.MaxEvery)
	}
	if c.PaidRequests < 0 {
		fault("PaidRequests is negative")
	}
	if len(c.Calls) == 0 {
		fault("Calls is empty")
	}
	for i, call := range c.Calls {
		if !callRE.MatchString(call) {
			fault("call %q is not of the form service:Operation", call)
		}
		if slices.Contains(c.Calls[:i], call) {
			fault("call %q is declared twice", call)
		}
	}
	for i, action := range c.Requires {
		if !callRE.MatchString(action) {
			fault("required action %q is not of the form service:Action", action)
		}
		if slices.Contains(c.Requires[:i], action) {
			fault("required action %q is declared twice", action)
		}
	}
	if c.Incremental != nil {
		if !c.Category.Incremental() {
			fault("Incremental is set here and not in the schema.Spec of the category")
		}
		if c.Incremental.FullEvery <= 0 || c.Incremental.Overlap < 0 {
			fault("Incremental needs FullEvery > 0 and Overlap >= 0")
		}
	}
	types := 0
	for _, hint := range c.Hints {
		types += len(hint.Types) + 2*len(hint.Calls)
		if err := hint.validate(); err != nil {
			fault("%w", err)
		}
	}
	if c.PaidRequests > 0 && types > 1 {
		fault("its requests are paid, so its hints are one type of event at most")
	}
	if sliced := c.Category.SliceColumn() >= 0; sliced != (c.Slices != nil) {
		fault("Slices must be set exactly when the category has a slice column")
	}
	if c.Collect == nil {
		fault("Collect is nil")
	}
	return errors.Join(faults...)
}

// Validate reports every fault of the declarations: names that are not unique,
// malformed calls, missing functions and so on.
func Validate(collectors ...Any) error {
	var faults []error
	names := map[string]bool{}
	for _, c := range collectors {
		if c == nil {
			faults = append(faults, errors.New("a collector is nil"))
			continue
		}
		if err := c.validate(); err != nil {
			faults = append(faults, err)
		}
		if t := c.Table(); t != nil {
			if names[t.Name()] {
				faults = append(faults, fmt.Errorf("collector %s: the category has two collectors", t.Name()))
			}
			names[t.Name()] = true
		}
	}
	return errors.Join(faults...)
}
