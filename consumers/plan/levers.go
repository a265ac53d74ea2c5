package plan

import (
	"cmp"
	"slices"
)

// levers returns what changes most, the largest first.
func (in Input) levers() []Lever {
	before := in.sum()
	var levers []Lever
	add := func(name string, change func(*Input)) {
		changed := in
		change(&changed)
		if d := changed.sum() - before; d != 0 {
			levers = append(levers, Lever{name, d})
		}
	}
	if !in.NoReader {
		add("no reader", func(in *Input) { in.NoReader, in.ReaderACU = true, 0 })
	}
	add("1 ACU more on average", func(in *Input) { in.WriterACU++ })
	add("no QuickSight: charts by another tool", func(in *Input) { in.NoQuickSight, in.Authors, in.Readers = true, 0, 0 })
	add("10 readers more", func(in *Input) { in.Readers += 10 })
	add("half as many objects: longer intervals, fewer categories", func(in *Input) { in.Objects /= 2 })
	add("endpoints in one zone", func(in *Input) { in.Zones = 1 })
	add("roles of the database made by hand", func(in *Input) { in.ManualBootstrap = true })
	if in.Shards == 0 {
		add("one provisioned shard, not on demand", func(in *Input) { in.Shards = 1 })
	}
	if paid := in.managementAccount(); *paid < *in.PaidRequests {
		add("Cost Explorer in the management account alone", func(in *Input) { in.PaidRequests = paid })
	}
	slices.SortStableFunc(levers, func(a, b Lever) int { return cmp.Compare(max(b.USD, -b.USD), max(a.USD, -a.USD)) })
	return levers
}

// managementAccount returns the paid requests of an account and day if the management
// account alone makes them, with the pages of linked_account_costs.
func (in Input) managementAccount() *float64 {
	accounts := float64(in.Accounts)
	if accounts == 0 {
		return new(0.0)
	}
	return new((*in.PaidRequests + accounts/10*pagesPerTen) / accounts)
}

// sum is what hub (with Lambda) and spokes cost. GuardDuty is left out: it is not
// everywhere, and no lever changes it.
func (in Input) sum() float64 {
	sum := total(in.hub()).Lambda
	for _, l := range in.spokes()[:3] {
		sum += l.USD
	}
	return sum
}

// cheapest returns the input of a hub that has what is needed and no more.
func (in Input) cheapest() Input {
	in.NoReader, in.ReaderACU = true, 0
	in.NoQuickSight, in.Authors, in.Readers = true, 0, 0
	in.ManualBootstrap = true
	if in.Shards == 0 {
		in.Shards = 1
	}
	return in
}

// CheapestIs says in words what the cheapest useful hub is.
func CheapestIs() string {
	return "the consumer as Lambda, no reader, a provisioned shard, roles of the database made by hand, " +
		"and charts by another tool than QuickSight"
}
