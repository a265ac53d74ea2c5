package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"

	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/lib/awsconfig"
	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/producers/collectors"
)

// sourceFlags say what is collected.
type sourceFlags struct {
	Region     []string          `placeholder:"REGION" help:"Region to collect; repeat it or separate with commas. With all: those that the account has enabled, listed every hour. Defaults to the region of the AWS configuration."`
	HomeRegion string            `placeholder:"REGION" help:"Region through which categories without regions are collected. Set the same one everywhere if an account has several spokes: only the one that collects this region does it. Defaults to the first region, with --region all to the region of the AWS configuration."`
	Category   []string          `placeholder:"NAME" help:"Category to collect; repeat it or separate with commas. Defaults to all: see 'spoke categories'."`
	Exclude    []string          `placeholder:"NAME" help:"Category not to collect, of all there are; repeat it or separate with commas. Defaults to none."`
	Profile    string            `help:"Profile of the AWS configuration files."`
	Label      map[string]string `placeholder:"KEY=VALUE" mapsep:"," help:"Label of the account, such as product=payments, for categories with a column for it; repeat it or separate with commas."`
	Concurrent int               `placeholder:"4" max:"1000" help:"How many categories and regions are collected at the same time. At most half of them are long runs: of categories with very many rows, or that took more than 5 minutes the last time. Each may take 9 MiB. Defaults to 4, and to 16 with several accounts."`

	pullFlags

	MaxPaidRequests int `default:"200" help:"How many requests that AWS charges for (those of Cost Explorer, USD 0.01 each) one run may send; then it is stopped, and is not complete."`
}

// Validate is called by kong.
func (f sourceFlags) Validate() error {
	if err := cmp.Or(f.validateRegions(), f.validatePull()); err != nil {
		return err
	}
	for key, value := range f.Label {
		if err := checkLabel(key, value); err != nil {
			return err
		}
	}
	return nil
}

// places is how many collections run at the same time.
func (f sourceFlags) places() int {
	if f.Concurrent == 0 && f.pulls() {
		return defaultPullConcurrent
	}
	return cmp.Or(f.Concurrent, defaultConcurrent)
}

const (
	defaultConcurrent = 4
	// defaultPullConcurrent is for many accounts: memory grows with the collections that run
	// at the same time, not with accounts, and these fit into 256 MiB.
	defaultPullConcurrent = 16
)

// pullChunkBytes is how much of a collection of several accounts is gathered before it is
// sent: a quarter of what else is. It makes more objects of large collections, and lets
// twice as many run in the same memory.
const pullChunkBytes = 1 << 20

// chunkBytes is how much of a collection is gathered before it is sent; 0 is the default.
func (f sourceFlags) chunkBytes() int {
	if f.pulls() {
		return pullChunkBytes
	}
	return 0
}

// Limits of a label in characters, those of a tag of AWS.
const (
	maxLabelKey   = 128
	maxLabelValue = 256
)

func checkLabel(key, value string) error {
	if key = strings.TrimSpace(key); key == "" || utf8.RuneCountInString(key) > maxLabelKey {
		return fmt.Errorf("--label: the key %.40q must have 1 to %d characters", key, maxLabelKey)
	}
	if utf8.RuneCountInString(value) > maxLabelValue {
		return fmt.Errorf("--label %s: the value has more than %d characters", key, maxLabelValue)
	}
	return nil
}

// knownLabels are the labels that views make columns of. Others are in account_labels alone.
var knownLabels = []string{"category", "customer", "environment", "partner", "product"}

// warnOfUnknownLabels says which labels may be misspelt. They are sent all the same.
func (f sourceFlags) warnOfUnknownLabels(log *slog.Logger) {
	for _, key := range slices.Sorted(maps.Keys(f.Label)) {
		if !slices.Contains(knownLabels, strings.ToLower(strings.TrimSpace(key))) {
			log.Warn("a label that no view makes a column of is in account_labels alone: check its name",
				"label", key, "known", knownLabels)
		}
	}
}

// source is one account and what is collected from it.
type source struct {
	account, partition string
	regions            []string
	home               string
	aws                func(region string) aws.Config
	collectors         []collect.Any
	faults             []error // of regions that did not answer; at least one did

	// to is where its rows go; nil until that is opened.
	to *destination
	// list returns the regions that the account has enabled now; nil if they are given.
	list func(context.Context) ([]string, error)
	// pulled is set for one of several accounts, which need not be within reach at the start.
	pulled bool
	// verify says why nothing can be collected from the account; nil if nothing can be wrong.
	verify func(context.Context) error
	// inactive is the state of an account that is not collected because of it.
	inactive string
	// lifetime is how long it is collected; 0 is without end.
	lifetime time.Duration
}

// config returns the configuration of a runner of some regions. shared is what all runners
// have in common.
func (s source) config(shared collect.Config, regions ...string) collect.Config {
	c := shared
	c.Account, c.Partition, c.AWS, c.Collectors = s.account, s.partition, s.aws, s.collectors
	c.Regions, c.HomeRegion = regions, s.home
	c.Publisher, c.Archive, c.Packer = s.to.publisher, s.to.archive, s.to.packer
	return c
}

// awsSources returns the account that the credentials belong to, or those that the flags
// name. It asks every region that is named who they are, so that a wrong name is an error
// at once and not an empty table.
func awsSources(ctx context.Context, f sourceFlags, log *slog.Logger) ([]source, error) {
	chosen, err := f.choose(collectors.All())
	if err != nil {
		return nil, err
	}
	all := f.givesAllRegions()
	base := f.HomeRegion
	if !all && len(f.Region) > 0 {
		base = f.Region[0]
	}
	cfg, err := awsconfig.Load(ctx, awsconfig.Config{Profile: f.Profile, Region: base, Logger: log})
	switch {
	case errors.Is(err, awsconfig.ErrNoRegion) && all:
		return nil, program.Usagef("--region all: no home region: give --home-region, or set AWS_REGION")
	case errors.Is(err, awsconfig.ErrNoRegion):
		return nil, program.Usagef("no region to collect: give --region, or set AWS_REGION")
	case err != nil:
		return nil, startError(err)
	}
	asked := f.Region
	if all || len(asked) == 0 {
		asked = []string{cfg.Region}
	}
	identity, faults, err := checkRegions(ctx, cfg, asked, log)
	if err != nil {
		return nil, err
	}
	one := source{
		account:    identity.Account,
		partition:  identity.Partition,
		regions:    asked,
		home:       cmp.Or(f.HomeRegion, asked[0]),
		aws:        func(region string) aws.Config { return inRegion(cfg, region) },
		collectors: chosen,
		faults:     faults,
	}
	if all {
		one.regions = nil
		one.list = func(ctx context.Context) ([]string, error) { return enabledRegions(ctx, one.aws(one.home)) }
	}
	if f.pulls() {
		sources, err := f.pulled(ctx, one, inRegion(cfg, one.home), identity, log)
		if err != nil {
			return nil, startError(err)
		}
		return sources, nil
	}
	if all {
		if one.regions, err = one.list(ctx); err != nil {
			return nil, startError(err)
		}
	}
	return []source{one}, nil
}

func checkRegion(flag, region string) error {
	if err := (schema.Scope{Category: "x", Account: "000000000000", Region: region}).Validate(); err != nil ||
		region == schema.GlobalRegion {
		return program.Usagef("%s %q is not the name of a region, such as eu-central-1", flag, region)
	}
	return nil
}

// checkRegions asks STS in each region who the credentials belong to. It returns
// the faults of regions that did not answer; the error is that of all of them if
// none did, or of a region that there is not.
// A region that the account has not enabled refuses the credentials that others
// accept: that is no fault, and its runs end with disabled.
func checkRegions(ctx context.Context, cfg aws.Config, regions []string, log *slog.Logger) (awsconfig.Identity, []error,
	error) {
	identities, answers := make([]awsconfig.Identity, len(regions)), make([]error, len(regions))
	var wg sync.WaitGroup
	for i, region := range regions {
		wg.Go(func() { identities[i], answers[i] = awsconfig.Account(ctx, inRegion(cfg, region)) })
	}
	wg.Wait()
	var identity awsconfig.Identity
	var faults []error
	for i, err := range answers {
		var dns *net.DNSError
		switch {
		case err == nil:
			identity = identities[i]
		case errors.As(err, &dns) && dns.IsNotFound:
			return identity, nil, &program.UsageError{Err: err}
		default:
			faults = append(faults, err)
		}
	}
	if len(faults) == len(regions) {
		return identity, nil, startError(faults...)
	}
	return identity, slices.DeleteFunc(faults, func(err error) bool {
		api, ok := errors.AsType[smithy.APIError](err)
		disabled := ok && api.ErrorCode() == "InvalidClientTokenId"
		if disabled {
			log.Info("a region is not enabled in the account", "account", identity.Account, "error", err)
		}
		return disabled
	}), nil
}

// startError returns the faults as one error: a prerequisite that is missing, or
// a failure if every one of them may go away by itself.
func startError(faults ...error) error {
	for _, err := range faults {
		if !awsconfig.Transient(err) {
			return &program.UsageError{Err: errors.Join(faults...)}
		}
	}
	return errors.Join(faults...)
}

func inRegion(cfg aws.Config, region string) aws.Config {
	cfg = cfg.Copy()
	cfg.Region = region
	return cfg
}

// choose returns the collectors that the flags ask for, in the order of --category where
// it is given.
func (f sourceFlags) choose(all []collect.Any) ([]collect.Any, error) {
	byName := map[string]collect.Any{}
	var known []string
	for _, c := range all {
		known = append(known, c.Table().Name())
		byName[c.Table().Name()] = c
	}
	check := func(flag string, names []string) error {
		for i, name := range names {
			if byName[name] == nil {
				return program.Usagef("%s: unknown category %q: choose from %s", flag, name, strings.Join(known, ", "))
			}
			if slices.Contains(names[:i], name) {
				return program.Usagef("%s %s is given twice", flag, name)
			}
		}
		return nil
	}
	if err := cmp.Or(check("--category", f.Category), check("--exclude", f.Exclude)); err != nil {
		return nil, err
	}
	names := f.Category
	if len(names) == 0 {
		names = known
	}
	var chosen []collect.Any
	for _, name := range names {
		if !slices.Contains(f.Exclude, name) {
			chosen = append(chosen, byName[name])
		} else if len(f.Category) > 0 {
			return nil, program.Usagef("%s is both in --category and in --exclude: leave it out of one of them", name)
		}
	}
	if len(chosen) == 0 && len(all) > 0 {
		return nil, program.Usagef("--exclude leaves no category to collect: leave out at least one of its names")
	}
	return chosen, nil
}

// runners returns one runner per source, of all its regions. They share the workers and
// what c has. It is wrong usage if they have nothing to collect.
func runners(sources []source, c collect.Config) ([]*collect.Runner, error) {
	if err := checkNotNothing(sources); err != nil {
		return nil, err
	}
	var out []*collect.Runner
	for _, s := range sources {
		runner, err := collect.New(s.config(c, s.regions...))
		if err != nil {
			return nil, fmt.Errorf("account %s: %w", s.account, err)
		}
		out = append(out, runner)
		s.sayLeftToHome(c.Logger)
	}
	return out, nil
}

// checkNotNothing returns an error if the sources have nothing to collect.
func checkNotNothing(sources []source) error {
	for _, s := range sources {
		if s.list != nil || slices.Contains(s.regions, s.home) || s.someInRegions() {
			return nil
		}
	}
	if len(sources) == 0 {
		return nil
	}
	s := sources[0]
	return program.Usagef("nothing to collect: %s is left to the spoke that collects the home region %s, and "+
		"this one collects %s. Give --region %s, or another --home-region",
		strings.Join(s.leftToHome(), ", "), s.home, strings.Join(s.regions, ", "), s.home)
}

// someInRegions reports whether any category is collected in each region.
func (s source) someInRegions() bool {
	return slices.ContainsFunc(s.collectors, func(c collect.Any) bool { return c.Declaration().Reach != collect.Global })
}

// sayLeftToHome logs what another spoke collects.
func (s source) sayLeftToHome(log *slog.Logger) {
	if left := s.leftToHome(); len(left) > 0 {
		log.Info("left to the spoke that collects the home region", "account", s.account, "categories", left, "home", s.home,
			"regions", s.regions)
	}
}

// leftToHome returns the categories for which another spoke collects what has no
// region.
func (s source) leftToHome() []string {
	if slices.Contains(s.regions, s.home) {
		return nil
	}
	var left []string
	for _, c := range s.collectors {
		if d := c.Declaration(); d.Reach != collect.PerRegion {
			left = append(left, d.Category)
		}
	}
	return left
}
