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
	Region     []string          `placeholder:"REGION" help:"Region to collect; repeat it or separate with commas. Defaults to the region of the AWS configuration."`
	HomeRegion string            `placeholder:"REGION" help:"Region through which categories without regions are collected. Set the same one everywhere if an account has several spokes: only the one that collects this region does it. Defaults to the first region."`
	Category   []string          `placeholder:"NAME" help:"Category to collect; repeat it or separate with commas. Defaults to all: see 'spoke categories'."`
	Exclude    []string          `placeholder:"NAME" help:"Category not to collect, of all there are; repeat it or separate with commas. Defaults to none."`
	Profile    string            `help:"Profile of the AWS configuration files."`
	Label      map[string]string `placeholder:"KEY=VALUE" mapsep:"," help:"Label of the account, such as product=payments, for categories with a column for it; repeat it or separate with commas."`
	Concurrent int               `default:"4" max:"1000" help:"How many categories and regions are collected at the same time. At most half of them are long runs: of categories with very many rows, or that took more than 5 minutes the last time."`

	MaxPaidRequests int `default:"200" help:"How many requests that AWS charges for (those of Cost Explorer, USD 0.01 each) one run may send; then it is stopped, and is not complete."`
}

// Validate is called by kong.
func (f sourceFlags) Validate() error {
	for _, region := range f.Region {
		if err := checkRegion("--region", region); err != nil {
			return err
		}
	}
	for key, value := range f.Label {
		if err := checkLabel(key, value); err != nil {
			return err
		}
	}
	if f.HomeRegion != "" {
		return checkRegion("--home-region", f.HomeRegion)
	}
	return nil
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

// in returns the configuration of the runner of one region. What all runners share is
// given, with the destination and the limits of the account.
func (s source) in(shared collect.Config, to destination, limits *collect.Limits, region string) collect.Config {
	shared.Account, shared.Partition, shared.AWS, shared.Collectors = s.account, s.partition, s.aws, s.collectors
	shared.Regions, shared.HomeRegion = []string{region}, s.home
	shared.Publisher, shared.Archive, shared.Packer = to.publisher, to.archive, to.packer
	shared.Limits = limits
	return shared
}

// awsSources returns the account that the credentials belong to. It asks every
// region who they are, so that a wrong name is an error at once and not an empty
// table.
func awsSources(ctx context.Context, f sourceFlags, log *slog.Logger) ([]source, error) {
	chosen, err := f.choose(collectors.All())
	if err != nil {
		return nil, err
	}
	regions := f.Region
	var base string
	if len(regions) > 0 {
		base = regions[0]
	}
	for i, region := range regions {
		if slices.Contains(regions[:i], region) {
			return nil, program.Usagef("--region %s is given twice", region)
		}
	}
	cfg, err := awsconfig.Load(ctx, awsconfig.Config{Profile: f.Profile, Region: base, Logger: log})
	if errors.Is(err, awsconfig.ErrNoRegion) {
		return nil, program.Usagef("no region to collect: give --region, or set AWS_REGION")
	}
	if err != nil {
		return nil, startError(err)
	}
	if len(regions) == 0 {
		regions = []string{cfg.Region}
	}
	identity, faults, err := checkRegions(ctx, cfg, regions, log)
	if err != nil {
		return nil, err
	}
	home := f.HomeRegion
	if home == "" {
		home = regions[0]
	}
	return []source{{
		account:    identity.Account,
		partition:  identity.Partition,
		regions:    regions,
		home:       home,
		aws:        func(region string) aws.Config { return inRegion(cfg, region) },
		collectors: chosen,
		faults:     faults,
	}}, nil
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
		c.Account, c.Partition, c.Regions, c.HomeRegion = s.account, s.partition, s.regions, s.home
		c.AWS, c.Collectors = s.aws, s.collectors
		runner, err := collect.New(c)
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
