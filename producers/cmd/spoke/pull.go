package main

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"

	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/lib/awsconfig"
)

// pullFlags name other accounts than the one that the credentials belong to.
type pullFlags struct {
	Account                   []string `placeholder:"ID" help:"Account to collect by assuming a role in it; repeat it or separate with commas. Defaults to the account of the credentials, and no role."`
	Organization              bool     `help:"Collect all active accounts of the organization, listed again every hour. Give it to the management account or a delegated administrator."`
	OrganizationalUnit        []string `placeholder:"ID" help:"Only accounts in or below this organizational unit; repeat it or separate with commas."`
	ExcludeAccount            []string `placeholder:"ID" help:"Account of the organization not to collect; repeat it or separate with commas."`
	ExcludeOrganizationalUnit []string `placeholder:"ID" help:"Organizational unit with accounts, in or below it, not to collect; repeat it or separate with commas."`
	AccountRole               string   `placeholder:"spoke" help:"Name of the role to assume in each account. Rows are sent with its credentials, too. Defaults to spoke."`
	AccountRolePath           string   `placeholder:"/" help:"Path of that role, such as /observability/. Defaults to /."`
	AccountExternalID         string   `name:"account-external-id" secret:"" help:"External id that the trust policy of that role asks for."`
}

const defaultAccountRole = "spoke"

// pulls reports whether other accounts are collected.
func (f pullFlags) pulls() bool { return f.Organization || len(f.Account) > 0 }

var (
	accountRE  = regexp.MustCompile(`^\d{12}$`)
	unitRE     = regexp.MustCompile(`^(ou-[0-9a-z]{4,32}-[0-9a-z]{8,32}|r-[0-9a-z]{4,32})$`)
	roleNameRE = regexp.MustCompile(`^[\w+=,.@-]{1,64}$`)
	rolePathRE = regexp.MustCompile(`^/([\w+=,.@-]+/)*$`)
)

// validatePull checks what can be known without AWS.
func (f pullFlags) validatePull() error {
	for _, ids := range []struct {
		flag, example string
		form          *regexp.Regexp
		given         []string
	}{
		{"--account", "the id of an account, 12 digits", accountRE, f.Account},
		{"--exclude-account", "the id of an account, 12 digits", accountRE, f.ExcludeAccount},
		{"--organizational-unit", "the id of an organizational unit, such as ou-ab12-11111111", unitRE, f.OrganizationalUnit},
		{"--exclude-organizational-unit", "the id of an organizational unit, such as ou-ab12-11111111", unitRE,
			f.ExcludeOrganizationalUnit},
	} {
		for i, id := range ids.given {
			if !ids.form.MatchString(id) {
				return program.Usagef("%s %q is not %s", ids.flag, id, ids.example)
			}
			if slices.Contains(ids.given[:i], id) {
				return program.Usagef("%s %s is given twice", ids.flag, id)
			}
		}
	}
	narrowed := len(f.OrganizationalUnit) + len(f.ExcludeAccount) + len(f.ExcludeOrganizationalUnit)
	switch {
	case f.Organization && len(f.Account) > 0:
		return program.Usagef("--account and --organization: give one of them")
	case !f.Organization && narrowed > 0:
		return program.Usagef("--organizational-unit, --exclude-account and --exclude-organizational-unit need " +
			"--organization")
	case !f.pulls() && (f.AccountRole != "" || f.AccountRolePath != "" || f.AccountExternalID != ""):
		return program.Usagef("--account-role, --account-role-path and --account-external-id need --account or " +
			"--organization")
	case f.AccountRole != "" && !roleNameRE.MatchString(f.AccountRole):
		return program.Usagef("--account-role %q is not the name of a role: its path is --account-role-path, its account "+
			"that which is collected", f.AccountRole)
	case f.AccountRolePath != "" && !rolePathRE.MatchString(f.AccountRolePath):
		return program.Usagef("--account-role-path %q is not a path, such as /observability/", f.AccountRolePath)
	}
	return nil
}

// role returns the role to assume in an account.
func (f pullFlags) role(partition, account string) awsconfig.Role {
	name, path := f.AccountRole, f.AccountRolePath
	if name == "" {
		name = defaultAccountRole
	}
	if path == "" {
		path = "/"
	}
	return awsconfig.Role{
		ARN:         fmt.Sprintf("arn:%s:iam::%s:role%s%s", partition, account, path, name),
		ExternalID:  f.AccountExternalID,
		SessionName: "spoke",
	}
}

// pulled returns a source like one for each account that the flags name. Nothing is asked
// in them yet. cfg and identity are those of the process, which needs no role for its own.
func (f pullFlags) pulled(ctx context.Context, one source, cfg aws.Config, identity awsconfig.Identity,
	log *slog.Logger) ([]source, error) {
	accounts, err := f.accounts(ctx, cfg, log)
	if err != nil {
		return nil, err
	}
	var sources []source
	for _, a := range accounts {
		s := one
		s.account, s.inactive, s.pulled = a.id, a.inactive, true
		own := cfg
		if a.id != identity.Account {
			role := f.role(identity.Partition, a.id)
			own = awsconfig.Assume(cfg, role)
			s.verify = func(ctx context.Context) error { return verifyRole(ctx, own, role, identity) }
		}
		s.aws = func(region string) aws.Config { return inRegion(own, region) }
		if one.list != nil {
			s.list = func(ctx context.Context) ([]string, error) { return enabledRegions(ctx, s.aws(s.home)) }
		}
		sources = append(sources, s)
	}
	return sources, nil
}

const assumeTimeout = 30 * time.Second

// verifyRole makes sure that the role of cfg can be assumed.
func verifyRole(ctx context.Context, cfg aws.Config, role awsconfig.Role, caller awsconfig.Identity) error {
	ctx, cancel := context.WithTimeout(ctx, assumeTimeout)
	defer cancel()
	_, err := cfg.Credentials.Retrieve(ctx)
	switch {
	case err == nil:
		return nil
	case awsconfig.Transient(err) || ctx.Err() != nil:
		return fmt.Errorf("assume role %s: %w", role.ARN, err)
	}
	external := "no external id was given (--account-external-id)"
	if role.ExternalID != "" {
		external = "the external id may be wrong (--account-external-id)"
	}
	// AWS gives one answer for all of these, so that nobody can probe.
	return fmt.Errorf("role %s cannot be assumed: it does not exist (--account-role), or its trust policy does not name "+
		"%s, or %s, or a service control policy forbids it, or the account is suspended: %w", role.ARN, caller.ARN,
		external, err)
}

// chosenAccount is an account that the flags name.
type chosenAccount struct {
	id       string
	inactive string // its state, if that is not ACTIVE
}

// accounts returns the accounts that the flags name, in order.
func (f pullFlags) accounts(ctx context.Context, cfg aws.Config, log *slog.Logger) ([]chosenAccount, error) {
	var chosen []chosenAccount
	if !f.Organization {
		for _, id := range f.Account {
			chosen = append(chosen, chosenAccount{id: id})
		}
		return chosen, nil
	}
	listed, err := listAccounts(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if err := f.checkNames(listed, log); err != nil {
		return nil, err
	}
	active := 0
	for _, a := range listed {
		if !f.wants(a) {
			continue
		}
		one := chosenAccount{id: aws.ToString(a.Id)}
		if a.State == types.AccountStateActive {
			active++
		} else {
			one.inactive = string(a.State)
		}
		chosen = append(chosen, one)
	}
	if active == 0 {
		return nil, program.Usagef("--organization: of %d accounts, none is active and asked for: see "+
			"--organizational-unit, --exclude-account and --exclude-organizational-unit", len(listed))
	}
	slices.SortFunc(chosen, func(a, b chosenAccount) int { return strings.Compare(a.id, b.id) })
	return chosen, nil
}

// listAccounts returns all accounts of the organization, with the organizational units that
// they are in: a few requests, and none for each account, which Organizations would throttle.
func listAccounts(ctx context.Context, cfg aws.Config) ([]types.Account, error) {
	pages := organizations.NewListAccountsPaginator(organizations.NewFromConfig(cfg), &organizations.ListAccountsInput{})
	var all []types.Account
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("--organization: its accounts cannot be listed: allow organizations:ListAccounts, which "+
				"only the management account and delegated administrators can have, or name accounts with --account: %w", err)
		}
		all = append(all, page.Accounts...)
	}
	for _, a := range all {
		if !accountRE.MatchString(aws.ToString(a.Id)) {
			return nil, fmt.Errorf("--organization: AWS named an account %.40q", aws.ToString(a.Id))
		}
	}
	return all, nil
}

// wants reports whether the flags ask for an account of the organization.
func (f pullFlags) wants(a types.Account) bool {
	in := func(unit string) bool { return inUnit(a, unit) }
	return (len(f.OrganizationalUnit) == 0 || slices.ContainsFunc(f.OrganizationalUnit, in)) &&
		!slices.Contains(f.ExcludeAccount, aws.ToString(a.Id)) && !slices.ContainsFunc(f.ExcludeOrganizationalUnit, in)
}

// inUnit reports whether an account is in or below an organizational unit. Its paths are
// like o-a1b2c3d4e5/r-ab12/ou-ab12-11111111/ou-ab12-22222222/111122223333.
func inUnit(a types.Account, unit string) bool {
	return slices.ContainsFunc(a.Paths, func(path string) bool { return slices.Contains(strings.Split(path, "/"), unit) })
}

// checkNames looks for flags that name what the organization does not have: a misspelt
// unit must neither collect nothing nor leave nothing out.
func (f pullFlags) checkNames(listed []types.Account, log *slog.Logger) error {
	if len(f.OrganizationalUnit)+len(f.ExcludeOrganizationalUnit) > 0 {
		for _, a := range listed {
			if len(a.Paths) == 0 && a.State == types.AccountStateActive {
				return fmt.Errorf("--organization: AWS does not say in which organizational unit account %s is: name accounts "+
					"with --account", aws.ToString(a.Id))
			}
		}
	}
	empty := func(unit string) bool {
		return !slices.ContainsFunc(listed, func(a types.Account) bool { return inUnit(a, unit) })
	}
	for _, unit := range f.OrganizationalUnit {
		if empty(unit) {
			return program.Usagef("--organizational-unit %s: no account of the organization is in or below it", unit)
		}
	}
	for _, unit := range f.ExcludeOrganizationalUnit {
		if empty(unit) {
			log.Warn("no account is in or below the organizational unit that is left out: check its id", "unit", unit)
		}
	}
	for _, id := range f.ExcludeAccount {
		if !slices.ContainsFunc(listed, func(a types.Account) bool { return aws.ToString(a.Id) == id }) {
			log.Warn("the account that is left out is not in the organization: check its id", "account", id)
		}
	}
	return nil
}

// reach looks at accounts that are collected once, several at a time. It returns those that
// can be collected, with their regions and destinations, and an error for each other one.
// Those that are not active are named in the log.
func reach(ctx context.Context, sources []source, open func(context.Context, source) (destination, error),
	log *slog.Logger) (ready []source, refused []error) {
	errs := make([]error, len(sources))
	var wg sync.WaitGroup
	places := make(chan struct{}, looksAtOnce)
	for i := range sources {
		s := &sources[i]
		if s.inactive != "" {
			log.Warn("an account is not active and not collected", "account", s.account, "state", s.inactive)
			continue
		}
		wg.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			errs[i] = s.reach(ctx, open)
		})
	}
	wg.Wait()
	for i, s := range sources {
		switch {
		case errs[i] != nil:
			log.Error("an account is not collected", "account", s.account, "error", errs[i])
			refused = append(refused, fmt.Errorf("account %s: %w", s.account, errs[i]))
		case s.inactive == "":
			ready = append(ready, s)
		}
	}
	return ready, refused
}

// reach makes sure that an account can be collected, lists its regions and opens its
// destination, as far as these are not known.
func (s *source) reach(ctx context.Context, open func(context.Context, source) (destination, error)) error {
	if s.verify != nil {
		if err := s.verify(ctx); err != nil {
			return err
		}
	}
	if s.regions == nil && s.list != nil {
		regions, err := s.list(ctx)
		if err != nil {
			return err
		}
		s.regions = regions
	}
	if s.to == nil {
		to, err := open(ctx, *s)
		if err != nil {
			return err
		}
		s.to = &to
	}
	return nil
}
