package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/quicksight/types"
)

// money are columns with amounts; those in percent are none.
var money = regexp.MustCompile(
	`cost|savings$|^change$|^change_to|on_demand_equivalent|unused_commitment|per_hour$|previous_day|week_before|month_to_date`)

func isMoney(column string) bool { return money.MatchString(column) }

// format says how the values of a column are written, by its name and type, so that no
// visual has to say it.
func format(view string, col column, c catalog) *types.FormatConfiguration {
	switch {
	case col.typ == "date":
		return dates("YYYY-MM-DD")
	case col.isDate():
		return dates("YYYY-MM-DD HH:mm")
	case !col.isNumber() || col.input() == types.InputColumnDataTypeInteger && !strings.HasSuffix(col.name, "_gb"):
		return nil // as QuickSight writes it
	case isMoney(col.name) && c.has(view, "currency"):
		return numbers(types.NumericFormatConfiguration{
			CurrencyDisplayFormatConfiguration: &types.CurrencyDisplayFormatConfiguration{
				Symbol: new("${Currency}"), DecimalPlacesConfiguration: decimals(2), SeparatorConfiguration: thousands(),
			},
		})
	case col.name == "share" || col.name == "epss_score": // parts of 1
		return numbers(types.NumericFormatConfiguration{
			PercentageDisplayFormatConfiguration: &types.PercentageDisplayFormatConfiguration{
				DecimalPlacesConfiguration: decimals(1), SeparatorConfiguration: thousands(),
			},
		})
	case strings.HasSuffix(col.name, "_percentage"):
		return plain(1, "%")
	case strings.HasSuffix(col.name, "_gb"):
		return plain(0, " GiB")
	case isMoney(col.name):
		return plain(2, "")
	}
	return plain(1, "")
}

// plain is a number with a unit behind it.
func plain(places int64, unit string) *types.FormatConfiguration {
	display := &types.NumberDisplayFormatConfiguration{
		DecimalPlacesConfiguration: decimals(places), SeparatorConfiguration: thousands(),
	}
	if unit != "" {
		display.Suffix = &unit
	}
	return numbers(types.NumericFormatConfiguration{NumberDisplayFormatConfiguration: display})
}

func numbers(n types.NumericFormatConfiguration) *types.FormatConfiguration {
	return &types.FormatConfiguration{
		NumberFormatConfiguration: &types.NumberFormatConfiguration{FormatConfiguration: &n},
	}
}

func dates(form string) *types.FormatConfiguration {
	return &types.FormatConfiguration{
		DateTimeFormatConfiguration: &types.DateTimeFormatConfiguration{DateTimeFormat: &form},
	}
}

func decimals(places int64) *types.DecimalPlacesConfiguration {
	return &types.DecimalPlacesConfiguration{DecimalPlaces: &places}
}

func thousands() *types.NumericSeparatorConfiguration {
	return &types.NumericSeparatorConfiguration{
		DecimalSeparator: types.NumericSeparatorSymbolDot,
		ThousandsSeparator: &types.ThousandSeparatorOptions{
			Symbol: types.NumericSeparatorSymbolComma, Visibility: types.VisibilityVisible,
		},
	}
}

// Colours of what values mean. They differ in lightness, too, so that nobody needs to tell
// red from green.
const (
	colorCritical = "#9E1B1B"
	colorBad      = "#D55E00"
	colorWarning  = "#E6AC00"
	colorMinor    = "#56B4E9"
	colorGood     = "#007A5A"
	colorMuted    = "#9AA5B1"
	colorPale     = "#FFF4E8" // the least of a scale
)

// tone is a colour with the values that it stands for.
type tone struct {
	color  string
	values []string
}

// tones are the colours of values by column.
var tones = map[string][]tone{
	"severity": {
		{colorCritical, []string{"CRITICAL", "critical"}},
		{colorBad, []string{"HIGH", "urgent"}},
		{colorWarning, []string{"MEDIUM", "high"}},
		{colorMinor, []string{"LOW", "normal"}},
		{colorMuted, []string{"INFORMATIONAL", "UNTRIAGED", "UNKNOWN", "low", "unknown"}},
	},
	"status": {
		{colorCritical, []string{"NON_COMPLIANT", "BREACHED", "PolicyBreached", "error", "never complete", "no spoke"}},
		{colorBad, []string{"stale", "denied", "issue", "open"}},
		{colorWarning, []string{"failing", "warning", "WARNING", "REBOOT_PENDING", "ChangesDetected", "upcoming"}},
		{colorGood, []string{"fresh", "ok", "OK", "COMPLIANT", "PolicyMet"}},
		{colorMuted, []string{"disabled", "off", "never seen", "not_available", "INSUFFICIENT_DATA", "NEVER_SCANNED",
			"NotAssessed", "UNKNOWN"}},
	},
	"compliance": {
		{colorCritical, []string{"NON_COMPLIANT"}},
		{colorGood, []string{"COMPLIANT"}},
		{colorMuted, []string{"INSUFFICIENT_DATA", "NOT_APPLICABLE"}},
	},
	"outcome": {
		{colorCritical, []string{"failed"}},
		{colorBad, []string{"denied"}},
		{colorWarning, []string{"partial", "throttled"}},
		{colorGood, []string{"ok", "empty"}},
		{colorMuted, []string{"disabled"}},
	},
}

// tonesOf returns the colours of a column's values, nil if it has none.
func tonesOf(column string) []tone {
	switch column {
	case "compliance_type", "compliance_status":
		return tones["compliance"]
	case "last_outcome":
		return tones["outcome"]
	}
	return tones[column]
}

// colors are the colours of a column's values in charts.
func colors(column string) *types.ColorsConfiguration {
	var custom []types.CustomColor
	for _, t := range tonesOf(column) {
		for _, value := range t.values {
			custom = append(custom, types.CustomColor{Color: &t.color, FieldValue: &value})
		}
	}
	if custom == nil {
		return nil
	}
	return &types.ColorsConfiguration{CustomColors: custom}
}

// cellColors are the colours of a column's values in tables.
func cellColors(fieldID, column string) []types.TableConditionalFormattingOption {
	var options []types.TableConditionalFormattingOption
	for _, t := range tonesOf(column) {
		var equal []string
		for _, value := range t.values {
			equal = append(equal, fmt.Sprintf(`({%s} = "%s")`, column, value))
		}
		expression := strings.Join(equal, " OR ")
		options = append(options, types.TableConditionalFormattingOption{Cell: &types.TableCellConditionalFormatting{
			FieldId: &fieldID,
			TextFormat: &types.TextConditionalFormat{
				BackgroundColor: solid(expression, t.color), TextColor: solid(expression, readableOn(t.color)),
			},
		}})
	}
	return options
}

func solid(expression, color string) *types.ConditionalFormattingColor {
	return &types.ConditionalFormattingColor{
		Solid: &types.ConditionalFormattingSolidColor{Expression: &expression, Color: &color},
	}
}

// readableOn is the colour of text on a background, #rrggbb: black on light, white on dark.
func readableOn(background string) string {
	rgb, _ := strconv.ParseUint(background[1:], 16, 32)
	red, green, blue := rgb>>16&0xff, rgb>>8&0xff, rgb&0xff
	if 299*red+587*green+114*blue > 128*1000 {
		return "#000000"
	}
	return "#FFFFFF"
}

// label is the name of a column for people.
func label(column string) string {
	words := strings.ReplaceAll(column, "_", " ")
	words = strings.NewReplacer("percentage", "%", " id", " ID", " gb", " (GiB)", " arn", " ARN").Replace(words)
	return strings.ToUpper(words[:1]) + words[1:]
}
