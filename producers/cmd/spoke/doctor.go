package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/lib/stream/kinesis"
	"github.com/hubspoke/observability/producers/collectors"
)

// doctorCommand says what can be collected, and why not the rest.
type doctorCommand struct {
	sourceFlags
	destinationFlags
	personalFlags
	program.OutputFlag
	Paid bool `help:"Try also categories for which AWS charges: up to 8 requests of USD 0.01 for each."`
}

// Help is shown by `spoke doctor -h`.
func (doctorCommand) Help() string {
	return `Each category is asked for one row in each region, with at most 8 requests and 10 seconds and
without retries, and nothing is sent. With --stream or --bucket the smallest category that answered is
then collected and sent once, because a destination cannot be tried without writing.

Examples:

  spoke doctor --region eu-central-1
  spoke doctor --region all --stream arn:aws:kinesis:eu-central-1:444455556666:stream/observability
  spoke doctor -o json | jq '.probes[] | select(.verdict == "denied")'

Exit codes: 0 what is on can be collected, 1 nothing answered, 2 wrong usage or no credentials, 3 some
categories or a destination cannot be used. What is off, not in the plan, or not offered is no fault.`
}

// probeJSON is one probe as `-o json` prints it: an interface, add only. Its reason is for
// people: it is read from texts that AWS changes.
type probeJSON struct {
	Category string          `json:"category"`
	Account  string          `json:"account_id"`
	Region   string          `json:"region"`
	Verdict  collect.Verdict `json:"verdict"`
	Reason   collect.Reason  `json:"reason,omitempty"`
	Policy   string          `json:"policy,omitempty"`
	Error    string          `json:"error,omitempty"`
	Calls    []probeCallJSON `json:"calls"`
	Untried  []string        `json:"untried"`
	NextStep string          `json:"next_step,omitempty"`
}

type probeCallJSON struct {
	Call  string `json:"call"`
	Code  string `json:"code,omitempty"`
	Error string `json:"error,omitempty"`
}

// doctorJSON is all of it.
type doctorJSON struct {
	Probes []probeJSON  `json:"probes"`
	Sent   []resultJSON `json:"sent"`
}

// Run probes, and sends once if there is somewhere to send to.
func (c doctorCommand) Run(ctx context.Context, p program.Program, find findSources, log *slog.Logger) error {
	if err := cmp.Or(c.validateFor(c.sourceFlags), c.validatePersonal()); err != nil {
		return err
	}
	sources, err := find(ctx, c.sourceFlags, log)
	if err != nil {
		return err
	}
	policy, err := c.personalPolicy(ctx, sources, ownConfiguration(c.Profile, log), log)
	if err != nil {
		return err
	}
	opener, err := c.opener(log, kinesis.Hooks{})
	if err != nil {
		return err
	}
	sources, refused, err := c.reachAll(ctx, sources, opener, log)
	if err != nil {
		return err
	}
	config := collect.Config{
		Services: collectors.Services(), Workers: collect.NewWorkers(c.places()), MaxPaidRequests: c.MaxPaidRequests,
		Labels: c.Label, Version: p.VersionText(), Logger: log, Personal: policy, ChunkBytes: c.chunkBytes(),
	}
	all, err := runners(sources, config)
	if err != nil {
		return err
	}
	probes := c.probe(ctx, all)
	sent, err := sendOne(ctx, sources, config, probes)
	if !c.JSON() {
		printProbes(p.Stdout, probes)
		if len(sent) > 0 {
			printResultTable(p.Stdout, sent)
		}
	} else if failed := program.WriteJSON(p.Stdout, doctorJSON{probesJSON(probes), resultsJSON(sent)}); failed != nil {
		return failed
	}
	return verdict(probes, errors.Join(err, refused))
}

// probe probes with all runners side by side.
func (c doctorCommand) probe(ctx context.Context, runners []*collect.Runner) []collect.Probe {
	probes := make([][]collect.Probe, len(runners))
	var wg sync.WaitGroup
	for i, r := range runners {
		wg.Go(func() { probes[i] = r.Probe(ctx, c.Paid) })
	}
	wg.Wait()
	all := slices.Concat(probes...)
	slices.SortStableFunc(all, func(a, b collect.Probe) int { return cmp.Compare(rank(a), rank(b)) })
	return all
}

// rank orders verdicts, the worst first.
func rank(p collect.Probe) int {
	return slices.Index([]collect.Verdict{collect.ProbeFailed, collect.ProbeUnreachable, collect.ProbeDenied,
		collect.ProbeSkipped, collect.ProbeOff, collect.ProbeOK}, p.Verdict)
}

// sendOne collects the smallest category that answered, and sends it, once for each account.
func sendOne(ctx context.Context, sources []source, config collect.Config, probes []collect.Probe) ([]collect.Result,
	error) {
	var all []*collect.Runner
	for _, s := range sources {
		chosen, scope := s.smallest(probes)
		if s.to.none() || chosen == nil {
			continue
		}
		region := scope.Region
		if region == schema.GlobalRegion {
			region = s.home
		}
		s.collectors = []collect.Any{chosen}
		runner, err := collect.New(s.config(config, region))
		if err != nil {
			return nil, err
		}
		all = append(all, runner)
	}
	if len(all) == 0 {
		return nil, nil
	}
	results, err := onceAll(ctx, all)
	if err != nil {
		err = fmt.Errorf("sending: %w", err)
	}
	return results, err
}

// smallest returns the collector with the fewest calls of those that answered, and where.
func (s source) smallest(probes []collect.Probe) (smallest collect.Any, scope schema.Scope) {
	for _, c := range s.collectors {
		d := c.Declaration()
		if d.Sliced || d.Long || d.PaidRequests > 0 || smallest != nil && len(d.Calls) >= len(smallest.Declaration().Calls) {
			continue
		}
		i := slices.IndexFunc(probes, func(p collect.Probe) bool {
			return p.Verdict == collect.ProbeOK && p.Scope.Category == d.Category && p.Scope.Account == s.account
		})
		if i >= 0 {
			smallest, scope = c, probes[i].Scope
		}
	}
	return smallest, scope
}

// verdict returns the error of the command. sending is what is wrong besides the probes.
func verdict(probes []collect.Probe, sending error) error {
	count := map[collect.Verdict]int{}
	for _, p := range probes {
		count[p.Verdict]++
	}
	faults := count[collect.ProbeDenied] + count[collect.ProbeUnreachable] + count[collect.ProbeFailed]
	text := fmt.Errorf("%d of %d cannot be collected", faults, len(probes))
	switch {
	case faults == 0 && sending == nil:
		return nil
	case faults == 0:
		return &program.PartialError{Err: sending}
	case count[collect.ProbeOK]+count[collect.ProbeOff] == 0:
		return errors.Join(text, sending)
	}
	return &program.PartialError{Err: errors.Join(text, sending)}
}

func probesJSON(probes []collect.Probe) []probeJSON {
	list := []probeJSON{}
	for _, p := range probes {
		out := probeJSON{
			Category: p.Scope.Category, Account: p.Scope.Account, Region: p.Scope.Region, Verdict: p.Verdict, Reason: p.Reason,
			Policy: p.Policy, Error: errorText(p.Err), NextStep: nextStep(p, p.Scope.Category), Calls: []probeCallJSON{},
			Untried: append([]string{}, p.Untried...),
		}
		for _, call := range p.Calls {
			out.Calls = append(out.Calls, probeCallJSON{call.Call, call.Code, errorText(call.Err)})
		}
		list = append(list, out)
	}
	return list
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// nextStep says what to do about a probe of the named categories.
func nextStep(p collect.Probe, categories string) string {
	switch p.Reason {
	case collect.ReasonIdentity, collect.ReasonDenied:
		return fmt.Sprintf("attach the policy that `spoke policy --category %s` prints", categories)
	case collect.ReasonBoundary:
		return "widen the permissions boundary of the role" + named(p.Policy)
	case collect.ReasonSession:
		return "assume the role without the session policy that leaves this out"
	case collect.ReasonSCP, collect.ReasonRCP:
		return "ask who owns the policies of the organisation" + named(p.Policy)
	case collect.ReasonResource, collect.ReasonTrust:
		return "ask the owner of the resource to allow the role in its policy" + named(p.Policy)
	case collect.ReasonEndpointPolicy:
		return "allow it in the policy of the VPC endpoint" + named(p.Policy)
	case collect.ReasonServiceOff:
		return "enable the service, or leave the category out with --exclude"
	case collect.ReasonSupportPlan:
		return "it takes a support plan that has this API, or --exclude"
	case collect.ReasonRegionOff:
		return "enable the region, or leave it out"
	case collect.ReasonNotOffered:
		return "nothing: AWS does not offer the service there"
	case collect.ReasonUnreachable:
		return "look at the network, the proxy (HTTPS_PROXY) and AWS_ENDPOINT_URL"
	case collect.ReasonClock:
		return "set the clock of this machine"
	case collect.ReasonCredentials:
		return "get other credentials: `aws sts get-caller-identity` must accept them"
	case collect.ReasonThrottled:
		return "others use up what AWS allows the account: try again later"
	case collect.ReasonOther:
		return "read the error with -o json"
	}
	if p.Verdict == collect.ProbeSkipped {
		return "AWS charges for it: --paid tries it"
	}
	return ""
}

func named(policy string) string {
	if policy == "" {
		return ""
	}
	return ": " + policy
}

// printProbes prints a line for each category and region, and one for a region in which one
// policy denies everything.
func printProbes(w io.Writer, probes []collect.Probe) {
	accounts := map[string]bool{}
	for _, p := range probes {
		accounts[p.Scope.Account] = true
	}
	header := []any{"category", "region", "verdict", "reason", "answer", "next step"}
	if len(accounts) > 1 {
		header = slices.Insert(header, 0, any("account"))
	}
	t := program.NewTable(w, header...)
	for _, p := range oneLineForAll(probes) {
		row := table.Row{p.Scope.Category, p.Scope.Region, p.Verdict, p.Reason, program.OneLine(answer(p)),
			nextStep(p, p.Scope.Category)}
		if len(accounts) > 1 {
			row = slices.Insert(row, 0, any(p.Scope.Account))
		}
		t.AppendRow(row)
	}
	t.Render()
	count := map[collect.Verdict]int{}
	for _, p := range probes {
		count[p.Verdict]++
	}
	var parts []string
	for _, v := range slices.Sorted(maps.Keys(count)) {
		parts = append(parts, fmt.Sprintf("%d %s", count[v], v))
	}
	fmt.Fprintln(w, strings.Join(parts, ", "))
}

// answer names the call that decided, with its code, or the error without one.
func answer(p collect.Probe) string {
	for _, call := range slices.Backward(p.Calls) {
		if call.Err != nil && errors.Is(p.Err, call.Err) && call.Code != "" {
			if p.Reason == collect.ReasonClock {
				return call.Call + ": " + call.Code + lastClause(p.Err)
			}
			return call.Call + ": " + call.Code
		}
	}
	return program.Cut(errorText(p.Err), maxCell)
}

// lastClause returns the end of an error after its last semicolon.
func lastClause(err error) string {
	if i := strings.LastIndex(err.Error(), "; "); i >= 0 {
		return err.Error()[i:]
	}
	return ""
}

// oneLineForAll replaces the probes of a region that one policy, or kind of policy, denies
// all alike by one.
func oneLineForAll(probes []collect.Probe) (lines []collect.Probe) {
	type place struct{ account, region string }
	of := map[place][]collect.Probe{}
	for _, p := range probes {
		if p.Verdict != collect.ProbeSkipped {
			key := place{p.Scope.Account, p.Scope.Region}
			of[key] = append(of[key], p)
		}
	}
	for _, p := range probes {
		all := of[place{p.Scope.Account, p.Scope.Region}]
		alike := len(all) > 1 && !slices.ContainsFunc(all, func(other collect.Probe) bool {
			return other.Verdict != collect.ProbeDenied || other.Reason != collect.ReasonSCP || other.Policy != all[0].Policy
		})
		switch {
		case !alike || p.Verdict == collect.ProbeSkipped:
			lines = append(lines, p)
		case p.Scope == all[0].Scope:
			p.Scope.Category = fmt.Sprintf("all %d categories", len(all))
			lines = append(lines, p)
		}
	}
	return lines
}
