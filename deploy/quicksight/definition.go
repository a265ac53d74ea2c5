package main

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/quicksight/types"
)

// Parameters of the dashboard. A choice holds on all sheets.
const (
	accountParameter = "Account"
	regionParameter  = "Region"
	fromParameter    = "From"
	toParameter      = "To"
)

// builder makes the definition of a dashboard.
type builder struct {
	*dashboard
	catalog catalog
	out     types.DashboardVersionDefinition
}

// define returns the definition of the dashboard, and of the analysis that is equal to it.
// The identifier of a set is the name of its view.
func define(d *dashboard, c catalog) types.DashboardVersionDefinition {
	b := builder{dashboard: d, catalog: c}
	for _, view := range d.views() {
		b.out.DataSetIdentifierDeclarations = append(b.out.DataSetIdentifierDeclarations, types.DataSetIdentifierDeclaration{
			Identifier: &view, DataSetArn: new("${" + setResource(view) + ".Arn}"),
		})
		shown := d.shown(view)
		for _, col := range c[view] {
			if shown[col.name] {
				b.configure(view, col)
			}
		}
	}
	b.out.ParameterDeclarations = parameters()
	for _, s := range d.sheets {
		b.addSheet(s)
	}
	return b.out
}

// shown returns the columns of a view that a visual names.
func (d *dashboard) shown(view string) map[string]bool {
	names := map[string]bool{}
	for _, s := range d.sheets {
		for _, v := range s.visuals {
			if v.view != view {
				continue
			}
			for _, f := range v.fields() {
				names[f.column] = true
			}
			for _, cond := range v.conditions {
				names[cond.column] = true
			}
		}
	}
	return names
}

// configure says how a column is written and coloured wherever it is shown.
func (b *builder) configure(view string, col column) {
	written, coloured := format(view, col, b.catalog), colors(col.name)
	if written != nil || coloured != nil {
		b.out.ColumnConfigurations = append(b.out.ColumnConfigurations, types.ColumnConfiguration{
			Column: identify(view, col.name), FormatConfiguration: written, ColorsConfiguration: coloured,
		})
	}
}

func identify(view, column string) *types.ColumnIdentifier {
	return &types.ColumnIdentifier{DataSetIdentifier: &view, ColumnName: &column}
}

// parameters are those that the controls of the sheets set: no account and no region chosen
// means all, and the period is that of the last six months.
func parameters() []types.ParameterDeclaration {
	texts := func(name string) types.ParameterDeclaration {
		return types.ParameterDeclaration{StringParameterDeclaration: &types.StringParameterDeclaration{
			Name: &name, ParameterValueType: types.ParameterValueTypeMultiValued,
			DefaultValues: &types.StringDefaultValues{},
			ValueWhenUnset: &types.StringValueWhenUnsetConfiguration{
				ValueWhenUnsetOption: types.ValueWhenUnsetOptionRecommendedValue,
			},
		}}
	}
	day := func(name, expression string) types.ParameterDeclaration {
		return types.ParameterDeclaration{DateTimeParameterDeclaration: &types.DateTimeParameterDeclaration{
			Name: &name, TimeGranularity: types.TimeGranularityDay,
			DefaultValues: &types.DateTimeDefaultValues{RollingDate: &types.RollingDateConfiguration{Expression: &expression}},
		}}
	}
	return []types.ParameterDeclaration{
		texts(accountParameter),
		texts(regionParameter),
		day(fromParameter, "addDateTime(-6, 'MM', truncDate('MM', now()))"),
		day(toParameter, "truncDate('DD', now())"),
	}
}

// addSheet adds a sheet with its visuals, the controls over them and what these filter.
func (b *builder) addSheet(s *sheet) {
	id := slug(s.name)
	out := types.SheetDefinition{
		SheetId: &id, Name: &s.name, Title: &s.question, ContentType: types.SheetContentTypeInteractive,
		Layouts: []types.Layout{{Configuration: &types.LayoutConfiguration{GridLayout: grid(s)}}},
	}
	for _, v := range s.visuals {
		out.Visuals = append(out.Visuals, b.visual(visualID(s, v), v))
		b.filterVisual(s, v)
	}
	b.addControls(s, &out)
	b.out.Sheets = append(b.out.Sheets, out)
}

// addControls adds the controls of a sheet: account, and region and period where a view has
// them.
func (b *builder) addControls(s *sheet, out *types.SheetDefinition) {
	b.addChoice(s, out, accountParameter, accountLabel)
	b.addChoice(s, out, regionParameter, "region")
	dated := slices.DeleteFunc(s.views(), func(view string) bool { return b.periods[view] == "" })
	for _, view := range dated {
		b.filterPeriod(s, view)
	}
	if len(dated) > 0 {
		b.addDay(s, out, fromParameter)
		b.addDay(s, out, toParameter)
	}
	out.SheetControlLayouts = []types.SheetControlLayout{{
		Configuration: &types.SheetControlLayoutConfiguration{GridLayout: controlGrid(out.ParameterControls)},
	}}
}

// addChoice adds a control that keeps the rows of all views with a column to values of it.
func (b *builder) addChoice(s *sheet, out *types.SheetDefinition, parameter, column string) {
	views := s.views()
	i := slices.IndexFunc(views, func(view string) bool { return b.catalog.has(view, column) })
	if i < 0 {
		return
	}
	b.filterSheet(s, parameter, views[i], column)
	out.ParameterControls = append(out.ParameterControls, types.ParameterControl{
		Dropdown: &types.ParameterDropDownControl{
			ParameterControlId: new(controlID(s, parameter)), SourceParameterName: &parameter, Title: &parameter,
			Type: types.SheetControlListTypeMultiSelect,
			SelectableValues: &types.ParameterSelectableValues{
				LinkToDataSetColumn: identify(cmp.Or(b.choices[column], views[i]), column),
			},
		},
	})
}

// addDay adds a control of one end of the period.
func (b *builder) addDay(s *sheet, out *types.SheetDefinition, parameter string) {
	out.ParameterControls = append(out.ParameterControls, types.ParameterControl{
		DateTimePicker: &types.ParameterDateTimePickerControl{
			ParameterControlId: new(controlID(s, parameter)), SourceParameterName: &parameter, Title: &parameter,
			DisplayOptions: &types.DateTimePickerControlDisplayOptions{DateTimeFormat: new("YYYY-MM-DD")},
		},
	})
}

func controlID(s *sheet, parameter string) string { return slug(s.name) + "-" + slug(parameter) }

// views returns the views of a sheet, each once, in the order of the visuals.
func (s *sheet) views() []string {
	var names []string
	for _, v := range s.visuals {
		if !slices.Contains(names, v.view) {
			names = append(names, v.view)
		}
	}
	return names
}

// filterSheet keeps the rows of all sets with a column to what a parameter says. A filter
// across sets finds the column by its name.
func (b *builder) filterSheet(s *sheet, parameter, view, column string) {
	id := slug(s.name) + "-by-" + strings.ToLower(parameter)
	b.addFilter(id, types.CrossDatasetTypesAllDatasets, types.SheetVisualScopingConfiguration{
		SheetId: new(slug(s.name)), Scope: types.FilterVisualScopeAllVisuals,
	}, types.Filter{CategoryFilter: &types.CategoryFilter{
		FilterId: &id, Column: identify(view, column),
		Configuration: &types.CategoryFilterConfiguration{CustomFilterConfiguration: &types.CustomFilterConfiguration{
			MatchOperator: types.CategoryFilterMatchOperatorEquals, NullOption: types.FilterNullOptionNonNullsOnly,
			ParameterName: &parameter,
		}},
	}})
}

// filterPeriod keeps the rows of a set on a sheet to the period.
func (b *builder) filterPeriod(s *sheet, view string) {
	id := slug(s.name) + "-period-" + slug(view)
	b.addFilter(id, types.CrossDatasetTypesSingleDataset, types.SheetVisualScopingConfiguration{
		SheetId: new(slug(s.name)), Scope: types.FilterVisualScopeAllVisuals,
	}, types.Filter{TimeRangeFilter: &types.TimeRangeFilter{
		FilterId: &id, Column: identify(view, b.periods[view]), TimeGranularity: types.TimeGranularityDay,
		NullOption: types.FilterNullOptionNonNullsOnly, IncludeMinimum: new(true), IncludeMaximum: new(true),
		RangeMinimumValue: &types.TimeRangeFilterValue{Parameter: new(fromParameter)},
		RangeMaximumValue: &types.TimeRangeFilterValue{Parameter: new(toParameter)},
	}})
}

// filterVisual keeps the rows of a visual to its conditions. Amounts of several currencies
// are never added up: those of the stack's currency are shown.
func (b *builder) filterVisual(s *sheet, v *visual) {
	conditions := v.conditions
	isAmount := func(f field) bool { return f.aggregate != "" && isMoney(f.column) }
	if slices.ContainsFunc(v.measures, isAmount) && b.catalog.has(v.view, "currency") {
		conditions = append(slices.Clone(conditions),
			condition{column: "currency", operator: "=", values: []string{"${Currency}"}})
	}
	for _, cond := range conditions {
		id := visualID(s, v) + "-if-" + slug(cond.column)
		b.addFilter(id, types.CrossDatasetTypesSingleDataset, types.SheetVisualScopingConfiguration{
			SheetId: new(slug(s.name)), Scope: types.FilterVisualScopeSelectedVisuals, VisualIds: []string{visualID(s, v)},
		}, cond.filter(id, v.view))
	}
}

// filter returns a condition as a filter of QuickSight.
func (c condition) filter(id, view string) types.Filter {
	of := identify(view, c.column)
	switch c.operator {
	case "":
		return types.Filter{NumericEqualityFilter: &types.NumericEqualityFilter{
			FilterId: &id, Column: of, Value: new(1.0), MatchOperator: types.NumericEqualityMatchOperatorEquals,
			NullOption: types.FilterNullOptionNonNullsOnly,
		}}
	case "=":
		return types.Filter{CategoryFilter: &types.CategoryFilter{
			FilterId: &id, Column: of,
			Configuration: &types.CategoryFilterConfiguration{FilterListConfiguration: &types.FilterListConfiguration{
				MatchOperator: types.CategoryFilterMatchOperatorContains, CategoryValues: c.values,
			}},
		}}
	}
	limit, _ := strconv.ParseFloat(c.values[0], 64) // checked
	value := &types.NumericRangeFilterValue{StaticValue: &limit}
	between := types.NumericRangeFilter{FilterId: &id, Column: of, NullOption: types.FilterNullOptionNonNullsOnly}
	if c.operator == "<" {
		between.RangeMaximum, between.IncludeMaximum = value, new(false)
	} else {
		between.RangeMinimum, between.IncludeMinimum = value, new(false)
	}
	return types.Filter{NumericRangeFilter: &between}
}

func (b *builder) addFilter(id string, across types.CrossDatasetTypes, scope types.SheetVisualScopingConfiguration,
	filter types.Filter) {
	b.out.FilterGroups = append(b.out.FilterGroups, types.FilterGroup{
		FilterGroupId: new(id + "-group"), CrossDataset: across, Status: types.WidgetStatusEnabled,
		Filters: []types.Filter{filter},
		ScopeConfiguration: &types.FilterScopeConfiguration{SelectedSheets: &types.SelectedSheetsFilterScopeConfiguration{
			SheetVisualScopingConfigurations: []types.SheetVisualScopingConfiguration{scope},
		}},
	})
}

// The grid of a sheet has 36 columns. Rows are about 25 pixels high.
const (
	gridColumns   = 36
	numberHeight  = 6
	chartHeight   = 13
	numbersAcross = 4
)

// grid places the visuals: numbers in rows of four, then charts in pairs. A table of many
// columns, and a chart without a neighbour, take the whole width.
func grid(s *sheet) *types.GridLayoutConfiguration {
	layout := &types.GridLayoutConfiguration{CanvasSizeOptions: &types.GridLayoutCanvasSizeOptions{
		ScreenCanvasSizeOptions: &types.GridLayoutScreenCanvasSizeOptions{
			ResizeOption: types.ResizeOptionFixed, OptimizedViewPortWidth: new("1600px"),
		},
	}}
	row := int32(0)
	for _, visuals := range s.rows() {
		width := int32(gridColumns / len(visuals))
		height := int32(chartHeight)
		if visuals[0].isNumber() {
			height = numberHeight
		}
		for i, v := range visuals {
			layout.Elements = append(layout.Elements, types.GridLayoutElement{
				ElementId: new(visualID(s, v)), ElementType: types.LayoutElementTypeVisual,
				ColumnIndex: new(int32(i) * width), ColumnSpan: &width, RowIndex: new(row), RowSpan: &height,
			})
		}
		row += height
	}
	return layout
}

// rows returns the visuals of a sheet row by row.
func (s *sheet) rows() [][]*visual {
	var rows [][]*visual
	for _, v := range s.visuals {
		if len(rows) > 0 {
			last := rows[len(rows)-1]
			numbers := v.isNumber() && last[0].isNumber() && len(last) < numbersAcross
			charts := !v.isNumber() && !v.isWide() && !last[0].isNumber() && !last[0].isWide() && len(last) < 2
			if numbers || charts {
				rows[len(rows)-1] = append(last, v)
				continue
			}
		}
		rows = append(rows, []*visual{v})
	}
	return rows
}

func (v *visual) isNumber() bool { return v.kind == "kpi" || v.kind == "alert" }

func (v *visual) isWide() bool { return len(v.fields()) > 5 }

// controlGrid places the controls in one row of 12 columns.
func controlGrid(controls []types.ParameterControl) *types.GridLayoutConfiguration {
	layout := &types.GridLayoutConfiguration{}
	column := int32(0)
	for _, control := range controls {
		var id *string
		width := int32(2)
		if control.Dropdown != nil {
			id, width = control.Dropdown.ParameterControlId, 3
		} else {
			id = control.DateTimePicker.ParameterControlId
		}
		layout.Elements = append(layout.Elements, types.GridLayoutElement{
			ElementId: id, ElementType: types.LayoutElementTypeParameterControl,
			ColumnIndex: new(column), ColumnSpan: &width, RowIndex: new(int32(0)), RowSpan: new(int32(1)),
		})
		column += width
	}
	return layout
}

// visualID names a visual after its sheet and title, so that links to it, and what the stack
// updates, do not depend on the order.
func visualID(s *sheet, v *visual) string { return slug(s.name) + "-" + slug(v.title) }

// slug turns a name into an identifier.
func slug(name string) string {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
	return strings.Join(words, "-")
}

// sorted returns how a visual sorts: by the field that says so, else by the first measure,
// the largest first.
func (v *visual) sorted(id string) []types.FieldSortOptions {
	fields := v.fields()
	i := slices.IndexFunc(fields, func(f field) bool { return f.direction != "" })
	if i < 0 {
		if i = len(v.dimensions); i == len(fields) {
			return nil
		}
	}
	return []types.FieldSortOptions{{FieldSort: &types.FieldSort{
		FieldId: new(fieldID(id, i)), Direction: cmp.Or(fields[i].direction, types.SortDirectionDesc),
	}}}
}

// fieldID names the i-th field of a visual, dimensions first.
func fieldID(id string, i int) string { return fmt.Sprintf("%s.%d", id, i) }
