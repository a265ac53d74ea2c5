package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/producers/collectors"
)

// categoriesCommand lists what can be collected, or shows one category.
type categoriesCommand struct {
	Name string `arg:"" optional:"" help:"Category to show, with its columns. Defaults to a list of all."`
	program.OutputFlag
	program.WideFlag
}

// Help is shown by `spoke categories -h`.
func (categoriesCommand) Help() string {
	return `AWS charges for some requests: the price is that of an ordinary account in 30 days, with the
intervals shown.

Examples:

  spoke categories
  spoke categories secrets                            its columns, key, permissions and price
  spoke categories -o json | jq -r '.[].actions[]'    every IAM action that spoke needs`
}

// categoryJSON is one category as `-o json` prints it: an interface, add only.
type categoryJSON struct {
	Name      string  `json:"name"`
	Mode      string  `json:"mode"`
	Reach     string  `json:"reach"`
	Every     string  `json:"every"`
	FullEvery string  `json:"full_every,omitempty"`
	Sliced    bool    `json:"sliced"`
	PerSecond float64 `json:"requests_per_second"`
	// ManagementAccount is set when only the management account of an organization has
	// something to read.
	ManagementAccount bool `json:"management_account"`
	// USDPerMonth is what AWS charges for the requests of an ordinary account that has
	// something to read.
	USDPerMonth float64  `json:"usd_per_month"`
	Actions     []string `json:"actions"`
	Columns     []string `json:"columns"`
}

// categoryOf returns what is said of a category.
func categoryOf(collector collect.Any) categoryJSON {
	d := collector.Declaration()
	category := categoryJSON{
		Name: d.Category, Mode: d.Mode.String(), Reach: d.Reach.String(), Every: short(d.Every),
		Sliced: d.Sliced, PerSecond: perSecond(d), Actions: collectors.Actions(d),
		USDPerMonth: math.Round(collectors.MonthlyPrice(d)*100) / 100, ManagementAccount: d.ManagementAccount,
	}
	if d.Incremental != nil {
		category.FullEvery = short(d.Incremental.FullEvery)
	}
	for _, column := range collector.Table().Columns() {
		category.Columns = append(category.Columns, column.Name)
	}
	return category
}

// Run lists the categories, or shows one.
func (c categoriesCommand) Run(p program.Program) error {
	if c.Name != "" {
		return c.show(p)
	}
	var list []categoryJSON
	var managers []string
	for _, collector := range collectors.All() {
		list = append(list, categoryOf(collector))
		if d := collector.Declaration(); d.ManagementAccount {
			managers = append(managers, d.Category)
		}
	}
	if c.JSON() {
		return program.WriteJSON(p.Stdout, list)
	}
	header := []any{"category", "every", "USD a month", "IAM actions"}
	if c.Wide {
		header = append(header, "mode", "reach", "requests/s")
	}
	t := program.NewTable(p.Stdout, header...)
	for _, l := range list {
		usd := ""
		if l.USDPerMonth > 0 {
			usd = fmt.Sprintf("%.2f", l.USDPerMonth)
		}
		row := table.Row{l.Name, l.Every, usd, strings.Join(l.Actions, "\n")}
		if c.Wide {
			row = append(row, l.Mode, l.Reach, fmt.Sprint(l.PerSecond))
		}
		t.AppendRow(row)
	}
	t.Render()
	fmt.Fprintln(p.Stdout, program.Wrap(p.Stdout, fmt.Sprintf("All of them together cost an ordinary account "+
		"USD %.2f a month, because AWS charges for requests to Cost Explorer; of these %s are for the management account "+
		"of an organization alone, and cost others nothing. More pages, a shorter --interval and each start add to it; "+
		"--exclude leaves categories out.", collectors.MonthlyTotal(collectors.Declarations(collectors.All()...)...),
		strings.Join(managers, ", ")), ""))
	return nil
}

// perSecond returns the lowest of the rates of the services that a collector calls.
func perSecond(d collect.Declaration) float64 {
	return slices.MinFunc(collectors.ServicesOf(d), func(a, b collect.Service) int {
		return cmp.Compare(a.Rate.PerSecond, b.Rate.PerSecond)
	}).Rate.PerSecond
}

// short writes 1h0m0s as 1h.
func short(d time.Duration) string {
	text := strings.TrimSuffix(d.String(), "m0s")
	if text != d.String() {
		text = strings.TrimSuffix(text+"m", "h0m")
		if !strings.HasSuffix(text, "m") {
			text += "h"
		}
	}
	return text
}
