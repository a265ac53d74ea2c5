package main

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/quicksight/types"
)

// Most that charts show one by one; the rest is one bar, slice or colour more.
const (
	mostCategories = 15
	mostColors     = 8
)

// visual returns a visual of QuickSight. The kinds are those of shapes.
func (b *builder) visual(id string, v *visual) types.Visual {
	title := &types.VisualTitleLabelOptions{
		Visibility: types.VisibilityVisible, FormatText: &types.ShortFormatText{PlainText: &v.title},
	}
	subtitle := &types.VisualSubtitleLabelOptions{
		Visibility: types.VisibilityVisible, FormatText: &types.LongFormatText{PlainText: &v.subtitle},
	}
	switch v.kind {
	case "kpi", "alert":
		return types.Visual{KPIVisual: &types.KPIVisual{
			VisualId: &id, Title: title, Subtitle: subtitle,
			ChartConfiguration: v.number(id), ConditionalFormatting: v.alarm(),
		}}
	case "bar", "column":
		return types.Visual{BarChartVisual: &types.BarChartVisual{
			VisualId: &id, Title: title, Subtitle: subtitle, ChartConfiguration: v.bars(id),
		}}
	case "line":
		return types.Visual{LineChartVisual: &types.LineChartVisual{
			VisualId: &id, Title: title, Subtitle: subtitle, ChartConfiguration: v.lines(id),
		}}
	case "pie":
		return types.Visual{PieChartVisual: &types.PieChartVisual{
			VisualId: &id, Title: title, Subtitle: subtitle, ChartConfiguration: v.pie(id),
		}}
	case "heat":
		return types.Visual{HeatMapVisual: &types.HeatMapVisual{
			VisualId: &id, Title: title, Subtitle: subtitle, ChartConfiguration: v.heat(id),
		}}
	case "pivot":
		return types.Visual{PivotTableVisual: &types.PivotTableVisual{
			VisualId: &id, Title: title, Subtitle: subtitle, ChartConfiguration: v.pivot(id),
		}}
	default: // table, list
		return types.Visual{TableVisual: &types.TableVisual{
			VisualId: &id, Title: title, Subtitle: subtitle,
			ChartConfiguration: b.table(id, v), ConditionalFormatting: v.cells(id),
		}}
	}
}

// number is a number; with a date it is that of the newest, compared with the one before.
func (v *visual) number(id string) *types.KPIConfiguration {
	out := &types.KPIConfiguration{
		FieldWells: &types.KPIFieldWells{Values: v.values(id), TrendGroups: v.groups(id, v.dimensions)},
		KPIOptions: &types.KPIOptions{PrimaryValueDisplayType: types.PrimaryValueDisplayTypeActual},
	}
	if len(v.dimensions) > 0 {
		out.KPIOptions.Comparison = &types.ComparisonConfiguration{ComparisonMethod: types.ComparisonMethodPercentDifference}
		out.KPIOptions.Sparkline = &types.KPISparklineOptions{
			Type: types.KPISparklineTypeArea, Visibility: types.VisibilityVisible,
		}
	}
	return out
}

// alarm colours a number that should be 0.
func (v *visual) alarm() *types.KPIConditionalFormatting {
	if v.kind != "alert" {
		return nil
	}
	of := fmt.Sprintf("%s({%s})", v.measures[0].aggregate, v.measures[0].counted())
	paint := func(condition, color string) types.KPIConditionalFormattingOption {
		return types.KPIConditionalFormattingOption{
			PrimaryValue: &types.KPIPrimaryValueConditionalFormatting{TextColor: solid(of+condition, color)},
		}
	}
	return &types.KPIConditionalFormatting{ConditionalFormattingOptions: []types.KPIConditionalFormattingOption{
		paint(" > 0", colorCritical), paint(" = 0", colorGood),
	}}
}

// bars has the first dimension along the axis and the second as colours.
func (v *visual) bars(id string) *types.BarChartConfiguration {
	out := &types.BarChartConfiguration{
		Orientation: types.BarChartOrientationHorizontal, BarsArrangement: types.BarsArrangementStacked,
		FieldWells: &types.BarChartFieldWells{BarChartAggregatedFieldWells: &types.BarChartAggregatedFieldWells{
			Category: v.groups(id, v.dimensions[:1]), Colors: v.groupsFrom(id, 1), Values: v.values(id),
		}},
		SortConfiguration: &types.BarChartSortConfiguration{
			CategorySort: v.sorted(id), CategoryItemsLimit: most(mostCategories), ColorItemsLimit: most(mostColors),
		},
		CategoryLabelOptions: hidden(), ValueLabelOptions: hidden(), Legend: v.legend(),
	}
	if v.kind == "column" { // by time, from left to right, however long
		out.Orientation = types.BarChartOrientationVertical
		out.SortConfiguration = &types.BarChartSortConfiguration{ColorItemsLimit: most(mostColors)}
	}
	return out
}

func (v *visual) lines(id string) *types.LineChartConfiguration {
	return &types.LineChartConfiguration{
		Type: types.LineChartTypeLine,
		FieldWells: &types.LineChartFieldWells{LineChartAggregatedFieldWells: &types.LineChartAggregatedFieldWells{
			Category: v.groups(id, v.dimensions[:1]), Colors: v.groupsFrom(id, 1), Values: v.values(id),
		}},
		SortConfiguration: &types.LineChartSortConfiguration{ColorItemsLimitConfiguration: most(mostColors)},
		XAxisLabelOptions: hidden(), PrimaryYAxisLabelOptions: hidden(), Legend: v.legend(),
	}
}

func (v *visual) pie(id string) *types.PieChartConfiguration {
	return &types.PieChartConfiguration{
		FieldWells: &types.PieChartFieldWells{PieChartAggregatedFieldWells: &types.PieChartAggregatedFieldWells{
			Category: v.groups(id, v.dimensions), Values: v.values(id),
		}},
		SortConfiguration: &types.PieChartSortConfiguration{
			CategorySort: v.sorted(id), CategoryItemsLimit: most(mostColors),
		},
		DonutOptions: &types.DonutOptions{ArcOptions: &types.ArcOptions{ArcThickness: types.ArcThicknessMedium}},
		DataLabels: &types.DataLabelOptions{
			Visibility: types.VisibilityVisible, CategoryLabelVisibility: types.VisibilityVisible,
			MeasureLabelVisibility: types.VisibilityVisible, Overlap: types.DataLabelOverlapDisableOverlap,
		},
		Legend: &types.LegendOptions{Visibility: types.VisibilityHidden},
	}
}

func (v *visual) heat(id string) *types.HeatMapConfiguration {
	return &types.HeatMapConfiguration{
		FieldWells: &types.HeatMapFieldWells{HeatMapAggregatedFieldWells: &types.HeatMapAggregatedFieldWells{
			Rows: v.groups(id, v.dimensions[:1]), Columns: v.groupsFrom(id, 1), Values: v.values(id),
		}},
		SortConfiguration: &types.HeatMapSortConfiguration{
			HeatMapRowSort: v.sorted(id), HeatMapRowItemsLimitConfiguration: most(mostCategories),
			HeatMapColumnItemsLimitConfiguration: most(mostCategories),
		},
		ColorScale: &types.ColorScale{
			ColorFillType: types.ColorFillTypeGradient,
			Colors:        []types.DataColor{{Color: new(colorPale)}, {Color: new(colorBad)}},
		},
		DataLabels: &types.DataLabelOptions{
			Visibility: types.VisibilityVisible, Overlap: types.DataLabelOverlapDisableOverlap,
		},
		RowLabelOptions: hidden(), ColumnLabelOptions: hidden(),
		Legend: &types.LegendOptions{Visibility: types.VisibilityHidden},
	}
}

// pivot has the last dimension across and the others down.
func (v *visual) pivot(id string) *types.PivotTableConfiguration {
	last := len(v.dimensions) - 1
	out := &types.PivotTableConfiguration{
		FieldWells: &types.PivotTableFieldWells{PivotTableAggregatedFieldWells: &types.PivotTableAggregatedFieldWells{
			Rows: v.groups(id, v.dimensions[:last]), Columns: v.groupsFrom(id, last), Values: v.values(id),
		}},
		FieldOptions: &types.PivotTableFieldOptions{},
	}
	for i, f := range v.fields() {
		out.FieldOptions.SelectedFieldOptions = append(out.FieldOptions.SelectedFieldOptions,
			types.PivotTableFieldOption{FieldId: new(fieldID(id, i)), CustomLabel: new(f.label())})
	}
	return out
}

// table is a row per group, and as a list a row per row of the view.
func (b *builder) table(id string, v *visual) *types.TableConfiguration {
	out := &types.TableConfiguration{
		FieldWells:   &types.TableFieldWells{},
		FieldOptions: &types.TableFieldOptions{},
		SortConfiguration: &types.TableSortConfiguration{
			RowSort: v.sorted(id),
		},
	}
	for i, f := range v.fields() {
		out.FieldOptions.SelectedFieldOptions = append(out.FieldOptions.SelectedFieldOptions,
			types.TableFieldOption{FieldId: new(fieldID(id, i)), CustomLabel: new(f.label())})
	}
	if v.kind == "table" {
		out.FieldWells.TableAggregatedFieldWells = &types.TableAggregatedFieldWells{
			GroupBy: v.groups(id, v.dimensions), Values: v.values(id),
		}
		return out
	}
	wells := &types.TableUnaggregatedFieldWells{}
	for i, f := range v.dimensions {
		value := types.UnaggregatedField{FieldId: new(fieldID(id, i)), Column: identify(v.view, f.column)}
		if isMoney(f.column) && b.catalog.has(v.view, "currency") {
			value.FormatConfiguration = plain(2, "") // its currency stands beside it
		}
		wells.Values = append(wells.Values, value)
	}
	out.FieldWells.TableUnaggregatedFieldWells = wells
	return out
}

// cells colours what values of a table mean.
func (v *visual) cells(id string) *types.TableConditionalFormatting {
	var options []types.TableConditionalFormattingOption
	for i, f := range v.dimensions {
		options = append(options, cellColors(fieldID(id, i), f.column)...)
	}
	if options == nil {
		return nil
	}
	return &types.TableConditionalFormatting{ConditionalFormattingOptions: options}
}

// groups are dimensions; the first of them is the first field of the visual.
func (v *visual) groups(id string, dimensions []field) []types.DimensionField {
	var out []types.DimensionField
	for i, f := range dimensions {
		out = append(out, v.group(fieldID(id, i), f))
	}
	return out
}

// groupsFrom are the dimensions from the i-th on.
func (v *visual) groupsFrom(id string, i int) []types.DimensionField {
	return v.groups(id, v.dimensions)[i:]
}

func (v *visual) group(id string, f field) types.DimensionField {
	if f.granularity != "" {
		return types.DimensionField{DateDimensionField: &types.DateDimensionField{
			FieldId: &id, Column: identify(v.view, f.column), DateGranularity: f.granularity,
		}}
	}
	return types.DimensionField{CategoricalDimensionField: &types.CategoricalDimensionField{
		FieldId: &id, Column: identify(v.view, f.column),
	}}
}

// values are the measures.
func (v *visual) values(id string) []types.MeasureField {
	var out []types.MeasureField
	for i, f := range v.measures {
		out = append(out, v.value(fieldID(id, len(v.dimensions)+i), f))
	}
	return out
}

func (v *visual) value(id string, f field) types.MeasureField {
	if f.aggregate == count || f.aggregate == distinctCount {
		return types.MeasureField{CategoricalMeasureField: &types.CategoricalMeasureField{
			FieldId: &id, Column: identify(v.view, f.counted()),
			AggregationFunction: types.CategoricalAggregationFunction(f.aggregate),
		}}
	}
	return types.MeasureField{NumericalMeasureField: &types.NumericalMeasureField{
		FieldId: &id, Column: identify(v.view, f.column),
		AggregationFunction: &types.NumericalAggregationFunction{
			SimpleNumericalAggregation: types.SimpleNumericalAggregationFunction(f.aggregate),
		},
	}}
}

// counted is the column of the measure. Rows are counted by account_id, which is never null.
func (f field) counted() string {
	if f.column == "" {
		return "account_id"
	}
	return f.column
}

// label is the name of the field for people.
func (f field) label() string {
	switch f.aggregate {
	case count:
		return "Number"
	case distinctCount:
		return label("different_" + f.column)
	case minimum:
		return label("least_" + f.column)
	case maximum:
		return label("most_" + f.column)
	case average:
		return label("mean_" + f.column)
	}
	return label(f.column)
}

// hidden leaves out the title of an axis: the title of the visual says it.
func hidden() *types.ChartAxisLabelOptions {
	return &types.ChartAxisLabelOptions{Visibility: types.VisibilityHidden}
}

// legend tells colours apart, where there are several.
func (v *visual) legend() *types.LegendOptions {
	if len(v.fields()) == 2 {
		return &types.LegendOptions{Visibility: types.VisibilityHidden}
	}
	return &types.LegendOptions{
		Visibility: types.VisibilityVisible, Position: types.LegendPositionBottom,
		Title: &types.LabelOptions{Visibility: types.VisibilityHidden},
	}
}

func most(items int64) *types.ItemsLimitConfiguration {
	return &types.ItemsLimitConfiguration{ItemsLimit: &items, OtherCategories: types.OtherCategoriesInclude}
}
