package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/quicksight/types"
)

// dashboard is what sheets.txt says.
type dashboard struct {
	// periods are the date columns by view that the controls From and To narrow.
	periods map[string]string
	// choices are where the controls have their values from, by the column that they narrow.
	choices map[string]string
	sheets  []*sheet
}

// sheet is a page of the dashboard.
type sheet struct {
	name     string
	question string // what the page answers
	visuals  []*visual
}

// visual is a number, chart or table.
type visual struct {
	line            int
	kind            string
	title, subtitle string
	view            string
	dimensions      []field
	measures        []field
	conditions      []condition
}

// field is a dimension or a measure.
type field struct {
	column string // "" counts rows
	// granularity is that of a date that is a dimension; "" for all others.
	granularity types.TimeGranularity
	aggregate   aggregate
	// direction sorts by the field; "" leaves the order to the kind of the visual.
	direction types.SortDirection
}

// aggregate is how a measure makes one number of many; "" for dimensions.
type aggregate string

const (
	sum           aggregate = "SUM"
	minimum       aggregate = "MIN"
	maximum       aggregate = "MAX"
	average       aggregate = "AVERAGE"
	count         aggregate = "COUNT"
	distinctCount aggregate = "DISTINCT_COUNT"
)

// aggregates are the words before the column of a measure; without one it is added up.
var aggregates = map[string]aggregate{
	"min": minimum, "max": maximum, "avg": average, "distinct": distinctCount,
}

// condition keeps the rows of one visual to some.
type condition struct {
	column   string
	operator string // "=", "<", ">"; "": a boolean column is true
	values   []string
}

// parse reads the description of a dashboard. Each fault is reported with its line.
func parse(text string) (*dashboard, error) {
	d := &dashboard{periods: map[string]string{}, choices: map[string]string{}}
	var faults []error
	for i, line := range strings.Split(text, "\n") {
		if err := d.parseLine(i+1, strings.TrimSpace(line)); err != nil {
			faults = append(faults, fmt.Errorf("sheets.txt:%d: %w", i+1, err))
		}
	}
	return d, errors.Join(faults...)
}

func (d *dashboard) parseLine(number int, line string) error {
	switch {
	case line == "" || strings.HasPrefix(line, "//"):
		return nil
	case strings.HasPrefix(line, "# "):
		name, question, _ := strings.Cut(line[2:], ": ")
		d.sheets = append(d.sheets, &sheet{name: name, question: question})
		return nil
	case strings.HasPrefix(line, "period "):
		view, column, found := strings.Cut(line[len("period "):], ".")
		if !found {
			return errors.New("write: period view.column")
		}
		d.periods[view] = column
		return nil
	case strings.HasPrefix(line, "choices "):
		view, column, found := strings.Cut(line[len("choices "):], ".")
		if !found {
			return errors.New("write: choices view.column")
		}
		d.choices[column] = view
		return nil
	case len(d.sheets) == 0:
		return errors.New("a visual stands below a sheet: write # Name: question")
	}
	v, err := parseVisual(line)
	if err != nil {
		return err
	}
	v.line = number
	s := d.sheets[len(d.sheets)-1]
	s.visuals = append(s.visuals, v)
	return nil
}

// parseVisual reads: kind "Title" "subtitle" view: dimensions | measures where conditions
func parseVisual(line string) (*visual, error) {
	quoted := strings.Split(line, `"`)
	if len(quoted) != 5 {
		return nil, errors.New(`write: kind "Title" "subtitle" view: dimensions | measures where conditions`)
	}
	v := &visual{kind: strings.TrimSpace(quoted[0]), title: quoted[1], subtitle: quoted[3]}
	data, conditions, _ := strings.Cut(quoted[4], " where ")
	view, fields, found := strings.Cut(data, ":")
	if !found {
		return nil, errors.New("a colon stands behind the view")
	}
	v.view = strings.TrimSpace(view)
	dimensions, measures, _ := strings.Cut(fields, "|")
	for _, word := range list(dimensions, ",") {
		v.dimensions = append(v.dimensions, parseDimension(word))
	}
	for _, word := range list(measures, ",") {
		v.measures = append(v.measures, parseMeasure(word))
	}
	for _, word := range list(conditions, ";") {
		v.conditions = append(v.conditions, parseCondition(word))
	}
	return v, nil
}

// list splits a text and drops what is empty.
func list(text, separator string) []string {
	words := strings.Split(text, separator)
	for i, word := range words {
		words[i] = strings.TrimSpace(word)
	}
	return slices.DeleteFunc(words, func(word string) bool { return word == "" })
}

// parseDimension reads column, column@MONTH, and either with + or - behind it.
func parseDimension(word string) field {
	word, direction := parseDirection(word)
	column, granularity, _ := strings.Cut(word, "@")
	return field{column: column, granularity: types.TimeGranularity(granularity), direction: direction}
}

// parseMeasure reads count, column, max column, and each of these with + or - behind it.
func parseMeasure(word string) field {
	word, direction := parseDirection(word)
	if word == "count" {
		return field{aggregate: count, direction: direction}
	}
	if function, column, found := strings.Cut(word, " "); found {
		if a, known := aggregates[function]; known {
			return field{column: column, aggregate: a, direction: direction}
		}
	}
	return field{column: word, aggregate: sum, direction: direction}
}

// parseDirection takes the mark of the order from the end of a field: + upwards, - downwards.
func parseDirection(word string) (string, types.SortDirection) {
	switch word[len(word)-1] {
	case '+':
		return word[:len(word)-1], types.SortDirectionAsc
	case '-':
		return word[:len(word)-1], types.SortDirectionDesc
	}
	return word, ""
}

// parseCondition reads column, column = value, value, column < number or column > number.
func parseCondition(text string) condition {
	for _, operator := range []string{"=", "<", ">"} {
		if column, values, found := strings.Cut(text, operator); found {
			return condition{column: strings.TrimSpace(column), operator: operator, values: list(values, ",")}
		}
	}
	return condition{column: text}
}

// views returns the names of the views that are read, in their order.
func (d *dashboard) views() []string {
	names := slices.Collect(maps.Values(d.choices))
	for _, s := range d.sheets {
		for _, v := range s.visuals {
			names = append(names, v.view)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// fields returns dimensions and measures.
func (v *visual) fields() []field { return slices.Concat(v.dimensions, v.measures) }
