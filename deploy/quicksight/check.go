package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/quicksight/types"
)

// shape says how many fields a kind of visual takes.
type shape struct {
	dimensions, measures [2]int // least and most
}

// shapes are the kinds of visuals. Two dimensions go with one measure in all charts.
var shapes = map[string]shape{
	"kpi":    {dimensions: [2]int{0, 1}, measures: [2]int{1, 1}}, // with a date: the newest, beside the one before
	"alert":  {dimensions: [2]int{0, 0}, measures: [2]int{1, 1}}, // a number that should be 0
	"bar":    {dimensions: [2]int{1, 2}, measures: [2]int{1, 3}}, // horizontal, by size
	"column": {dimensions: [2]int{1, 2}, measures: [2]int{1, 3}}, // upright, by time
	"line":   {dimensions: [2]int{1, 2}, measures: [2]int{1, 3}},
	"pie":    {dimensions: [2]int{1, 1}, measures: [2]int{1, 1}},
	"heat":   {dimensions: [2]int{2, 2}, measures: [2]int{1, 1}},
	"pivot":  {dimensions: [2]int{2, 4}, measures: [2]int{1, 3}},  // the last dimension goes across
	"table":  {dimensions: [2]int{1, 6}, measures: [2]int{1, 9}},  // a row per group
	"list":   {dimensions: [2]int{2, 15}, measures: [2]int{0, 0}}, // the rows of the view
}

// check returns what of a dashboard does not fit its views, each fault with its line.
func (d *dashboard) check(c catalog) error {
	var faults []error
	for view, column := range d.periods {
		if col, found := c.find(view, column); !found || !col.isDate() {
			faults = append(faults, fmt.Errorf("sheets.txt: period %s.%s: no such date column", view, column))
		}
	}
	for column, view := range d.choices {
		if !c.has(view, column) {
			faults = append(faults, fmt.Errorf("sheets.txt: choices %s.%s: no such column", view, column))
		}
	}
	seen := map[string]bool{}
	for _, s := range d.sheets {
		for _, v := range s.visuals {
			err := v.check(c)
			if id := visualID(s, v); seen[id] {
				err = errors.Join(err, fmt.Errorf("the sheet has a visual %q already", v.title))
			} else {
				seen[id] = true
			}
			if err != nil {
				faults = append(faults, fmt.Errorf("sheets.txt:%d: %w", v.line, err))
			}
		}
	}
	return errors.Join(faults...)
}

func (v *visual) check(c catalog) error {
	s, known := shapes[v.kind]
	if !known {
		return fmt.Errorf("no kind of visual is called %q", v.kind)
	}
	if len(c[v.view]) == 0 {
		return fmt.Errorf("columns.txt has no view %q; if the database has it, run: "+
			"go test ./deploy/quicksight -run TestColumns -update", v.view)
	}
	if !c.has(v.view, "account_id") {
		return fmt.Errorf("%s has no account_id, by which row-level security tells who may see a row", v.view)
	}
	faults := []error{
		fits("dimensions", len(v.dimensions), s.dimensions),
		fits("measures", len(v.measures), s.measures),
	}
	if len(v.dimensions) > 1 && len(v.measures) > 1 && v.kind != "table" && v.kind != "pivot" {
		faults = append(faults, errors.New("two dimensions go with one measure"))
	}
	for _, f := range v.dimensions {
		faults = append(faults, v.checkDimension(c, f))
	}
	for _, f := range v.measures {
		faults = append(faults, v.checkMeasure(c, f))
	}
	for _, cond := range v.conditions {
		faults = append(faults, v.checkCondition(c, cond))
	}
	return errors.Join(faults...)
}

func fits(what string, got int, limits [2]int) error {
	if got < limits[0] || got > limits[1] {
		return fmt.Errorf("%d %s; this kind takes %d to %d", got, what, limits[0], limits[1])
	}
	return nil
}

// column finds a column of the visual's set that QuickSight can read.
func (v *visual) column(c catalog, name string) (column, error) {
	col, found := c.find(v.view, name)
	switch {
	case !found:
		return column{}, fmt.Errorf("%s has no column %q", v.view, name)
	case col.input() == "":
		return column{}, fmt.Errorf("%s.%s: QuickSight has no type for %s", v.view, name, col.typ)
	}
	return col, nil
}

func (v *visual) checkDimension(c catalog, f field) error {
	col, err := v.column(c, f.column)
	switch {
	case err != nil:
		return err
	case v.kind == "list":
		if f.granularity != "" {
			return fmt.Errorf("%s: a list shows dates as they are", f.column)
		}
		if isMoney(f.column) && c.has(v.view, "currency") && !v.shows("currency") {
			return fmt.Errorf("%s: a list of amounts also shows their currency", f.column)
		}
	case col.isDate() != (f.granularity != ""):
		return fmt.Errorf("%s: dates, and only dates, have a granularity, such as @MONTH", f.column)
	case f.granularity != "" && !slices.Contains(f.granularity.Values(), f.granularity):
		return fmt.Errorf("%s: %s is none of %v", f.column, f.granularity, f.granularity.Values())
	case f.granularity == "" && col.input() != types.InputColumnDataTypeString:
		return fmt.Errorf("%s: %s is a measure, not a dimension", f.column, col.typ)
	}
	return nil
}

func (v *visual) checkMeasure(c catalog, f field) error {
	if f.aggregate == count {
		return nil
	}
	col, err := v.column(c, f.column)
	switch {
	case err != nil:
		return err
	case f.aggregate == distinctCount && col.input() != types.InputColumnDataTypeString:
		return fmt.Errorf("distinct %s: only text is counted", f.column)
	case f.aggregate != distinctCount && !col.isNumber():
		return fmt.Errorf("%s: %s is no number", f.column, col.typ)
	}
	return nil
}

func (v *visual) checkCondition(c catalog, cond condition) error {
	col, err := v.column(c, cond.column)
	if err != nil {
		return err
	}
	switch cond.operator {
	case "":
		if col.typ != "boolean" {
			return fmt.Errorf("%s: a condition without a value takes a boolean", cond.column)
		}
	case "=":
		if col.input() != types.InputColumnDataTypeString || len(cond.values) == 0 {
			return fmt.Errorf("%s: write column = value, value; the column is text", cond.column)
		}
	default:
		if _, err := strconv.ParseFloat(strings.Join(cond.values, ","), 64); err != nil || !col.isNumber() {
			return fmt.Errorf("%s %s: a number stands on both sides", cond.column, cond.operator)
		}
	}
	return nil
}

// shows reports whether a column is among the fields.
func (v *visual) shows(column string) bool {
	return slices.ContainsFunc(v.fields(), func(f field) bool { return f.column == column })
}
