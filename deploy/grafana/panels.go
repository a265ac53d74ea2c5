package main

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/hubspoke/observability/consumers/dashboard"
	"github.com/hubspoke/observability/consumers/dashboard/page"
)

// panel makes the panel of a form.
func (b builder) panel(p page.Panel) (*panel, error) {
	columns := b.columns[panelKey(b.page, p)]
	if len(columns) == 0 {
		return nil, errors.New("columns.txt does not have it; run: go test ./deploy/grafana -run TestColumns -update")
	}
	made := &panel{Title: p.Title, Description: dashboard.Description(b.page, p), Datasource: source,
		GridPos: gridPos{W: 2 * cmp.Or(p.Width, 12)}, FieldConfig: fieldConfig{object{}, []override{}}}
	if path, _, _ := strings.Cut(p.All, "?"); b.target(path) != nil {
		made.Links = []dashboardLink{{Title: "All", Type: "link", URL: b.link(p.All), Tags: []string{},
			Icon: "external link"}}
	}
	sql, format, err := b.sql(p), "table", error(nil)
	switch as := p.As.(type) {
	case page.Tiles:
		sql = b.tiles(made, p, as.Unit, sql)
	case page.Shares:
		sql = b.shares(made, p, sql)
	case page.Columns:
		bars(made, as.Unit)
		format = "time_series"
		sql, err = series(columns, sql)
	case page.Lines:
		lines(made, as.Unit)
		format = "time_series"
		sql, err = series(columns, sql)
	case page.Matrix:
		matrix(made, columns)
	case page.Table:
		sql = b.table(made, p, as, columns, sql)
	default:
		err = fmt.Errorf("package deploy/grafana does not know the form %T", as)
	}
	made.Targets = []target{{RefID: "A", Datasource: source, Format: format, EditorMode: "code", RawQuery: true,
		RawSQL: sql}}
	return made, err
}

// numbers is how numbers are written.
func numbers(unit page.Unit) object {
	if unit == page.Money {
		return object{"unit": "locale", "decimals": 2}
	}
	return object{"unit": "locale"}
}

// colors of severities.
var colors = map[string]string{
	"CRITICAL": "dark-red", "HIGH": "red", "MEDIUM": "orange", "LOW": "yellow", "INFORMATIONAL": "blue", "UNKNOWN": "text",
}

// severities in the order of colors that hurt most.
var severities = []string{"CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL", "UNKNOWN"}

// colored gives fields or rows with the name of a severity its colour.
func colored() (overrides []override) {
	for _, name := range severities {
		overrides = append(overrides, override{matcher{"byName", name},
			[]property{{"color", object{"mode": "fixed", "fixedColor": colors[name]}}}})
	}
	return overrides
}

// everyRow shows a value for each row, not one for all.
var everyRow = object{"values": true, "calcs": []string{"lastNotNull"}, "fields": "/^value$/", "limit": 100}

// tiles has a number for each row.
func (b builder) tiles(made *panel, p page.Panel, unit page.Unit, sql string) string {
	made.Type, made.GridPos.H = "stat", 4
	made.FieldConfig.Defaults = numbers(unit)
	made.FieldConfig.Defaults["color"] = object{"mode": "fixed", "fixedColor": "text"}
	made.Options = object{"reduceOptions": everyRow, "orientation": "auto", "textMode": "value_and_name",
		"colorMode": "value", "graphMode": "none", "justifyMode": "auto", "wideLayout": true, "showPercentChange": false}
	return b.rows(made, p, sql)
}

// shares has a bar for each row.
func (b builder) shares(made *panel, p page.Panel, sql string) string {
	made.Type, made.GridPos.H = "bargauge", 9
	made.FieldConfig.Defaults = numbers("")
	made.FieldConfig.Defaults["color"] = object{"mode": "palette-classic"}
	made.FieldConfig.Defaults["min"] = 0
	made.FieldConfig.Overrides = colored()
	made.Options = object{"reduceOptions": everyRow, "orientation": "horizontal", "displayMode": "basic",
		"valueMode": "text", "namePlacement": "auto", "showUnfilled": true, "sizing": "auto", "minVizWidth": 8,
		"minVizHeight": 16, "maxVizHeight": 300}
	return b.rows(made, p, sql)
}

// rows completes the SQL of panels that show label and value of each row, and links from
// them. Other text would become part of the label.
func (b builder) rows(made *panel, p page.Panel, sql string) string {
	if url := b.link(p.Link); url != "" {
		made.FieldConfig.Defaults["links"] = links(url)
	}
	selected := []string{"label", "value"}
	for _, m := range columnMark.FindAllStringSubmatch(p.Link, -1) {
		if made.FieldConfig.Defaults["links"] != nil && !slices.Contains(selected, m[1]) {
			selected = append(selected, m[1])
			made.FieldConfig.Defaults["displayName"] = "${__data.fields.label}"
		}
	}
	return fmt.Sprintf("SELECT %s FROM (\n%s\n) AS rows", strings.Join(selected, ", "), sql)
}

// bars stacks the values of series, a bar for each day, whatever period is chosen.
func bars(made *panel, unit page.Unit) {
	made.Type, made.GridPos.H = "barchart", 9
	made.FieldConfig.Defaults = numbers(unit)
	made.FieldConfig.Defaults["color"] = object{"mode": "palette-classic"}
	made.FieldConfig.Defaults["custom"] = object{"fillOpacity": 90, "lineWidth": 0}
	made.FieldConfig.Overrides = append(colored(), override{matcher{"byName", "Time"}, []property{{"unit", "time:D MMM"}}})
	made.Options = object{"xField": "Time", "stacking": "normal", "orientation": "vertical", "showValue": "never",
		"barWidth": 0.9, "groupWidth": 0.9, "fullHighlight": false, "xTickLabelRotation": 0, "xTickLabelMaxLength": 0,
		"xTickLabelSpacing": 100, "legend": legend, "tooltip": tooltip}
}

// lines draws the values of series over the time of the dashboard.
func lines(made *panel, unit page.Unit) {
	made.Type, made.GridPos.H = "timeseries", 9
	made.FieldConfig.Defaults = numbers(unit)
	made.FieldConfig.Defaults["color"] = object{"mode": "palette-classic"}
	made.FieldConfig.Defaults["custom"] = object{"drawStyle": "line", "lineWidth": 2, "showPoints": "auto"}
	made.FieldConfig.Overrides = colored()
	made.Options = object{"legend": legend, "tooltip": tooltip}
}

var (
	legend  = object{"showLegend": true, "displayMode": "list", "placement": "bottom", "calcs": []string{}}
	tooltip = object{"mode": "multi", "sort": "desc"}
)

// series completes the SQL of a chart: the last column over the first, which is a time, by the
// one between. Grafana makes a series of each value of the column metric.
func series(columns []column, sql string) (string, error) {
	shown := slices.DeleteFunc(slices.Clone(columns), func(c column) bool { return c.name == "soft" || c.name == "mark" })
	if first := shown[0]; first.kind != "date" && !strings.HasPrefix(first.kind, "timestamp") {
		return "", fmt.Errorf("%s is no time: write how Grafana shows it", first.name)
	}
	if len(shown) == 2 {
		return fmt.Sprintf("SELECT %s AS time, %s FROM (\n%s\n) AS rows\nORDER BY 1", shown[0].name, shown[1].name, sql), nil
	}
	return fmt.Sprintf("SELECT %s AS time, %s AS metric, %s AS value FROM (\n%s\n) AS rows\n"+
		"WHERE %[2]s IS NOT NULL ORDER BY 1, 2", shown[0].name, shown[1].name, shown[2].name, sql), nil
}

// matrix is a table with the values of the second column along its top.
func matrix(made *panel, columns []column) {
	made.Type, made.GridPos.H = "table", 10
	made.FieldConfig.Defaults = object{"noValue": "–", "custom": object{"align": "auto"}}
	made.Options = object{"showHeader": true, "cellHeight": "sm", "frameIndex": 0}
	made.Transformations = []transformation{{"groupingToMatrix", object{"rowField": columns[0].name,
		"columnField": columns[1].name, "valueField": columns[2].name, "emptyValue": "empty"}}}
}

// table shows rows as they are, but for hidden columns, and lists, which Grafana would show as
// text.
func (b builder) table(made *panel, p page.Panel, as page.Table, columns []column, sql string) string {
	made.Type, made.GridPos.H = "table", 10
	made.FieldConfig.Defaults = object{"noValue": "–", "custom": object{"align": "auto"}}
	made.Options = object{"showHeader": true, "cellHeight": "sm", "frameIndex": 0}
	var selected []string
	asTheyAre := true
	for i, c := range columns {
		if c.list() || slices.Contains(as.Hidden, c.name) {
			asTheyAre = false
			continue
		}
		properties := []property{{"displayName", dashboard.Heading(c.name)}}
		expression := c.name
		switch {
		case c.kind == "interval":
			expression, asTheyAre = fmt.Sprintf("extract(epoch FROM %s) AS %[1]s", c.name), false
			properties = append(properties, property{"unit", "s"}, property{"decimals", 0})
		case strings.HasPrefix(c.kind, "timestamp"):
			properties = append(properties, property{"unit", "dateTimeFromNow"})
		case c.kind == "date":
			properties = append(properties, property{"unit", "time:YYYY-MM-DD"})
		case c.number() && dashboard.IsMoney(c.name):
			properties = append(properties, property{"unit", "locale"}, property{"decimals", 2})
		case c.number():
			properties = append(properties, property{"unit", "locale"})
		case c.name == "severity":
			properties = append(properties, property{"custom.cellOptions", object{"type": "color-text"}},
				property{"mappings", severityMappings()})
		}
		if c.name == as.Bar {
			properties = append(properties, property{"custom.cellOptions", object{"type": "gauge", "mode": "basic"}},
				property{"min", 0}, property{"color", object{"mode": "fixed", "fixedColor": "blue"}})
		}
		if url := b.link(p.Link); i == 0 && url != "" {
			properties = append(properties, property{"links", links(url)})
		}
		made.FieldConfig.Overrides = append(made.FieldConfig.Overrides, override{matcher{"byName", c.name}, properties})
		selected = append(selected, expression)
	}
	if asTheyAre {
		return sql
	}
	return fmt.Sprintf("SELECT %s FROM (\n%s\n) AS rows", strings.Join(selected, ", "), sql)
}

func severityMappings() []object {
	options := object{}
	for i, name := range severities {
		options[name] = object{"color": colors[name], "index": i}
	}
	return []object{{"type": "value", "options": options}}
}

func links(url string) []object { return []object{{"title": "Show", "url": url}} }

var columnMark = regexp.MustCompile(`\{(\w+)\}`)

// target returns the page with a path in which marks may stand for values, nil if it is none
// of ours, as the rows of views.
func (b builder) target(path string) *page.Page {
	if path == "" {
		return nil
	}
	shape := columnMark.ReplaceAllString(path, "{}")
	for i, p := range b.all {
		if columnMark.ReplaceAllString(p.Path, "{}") == shape {
			return &b.all[i]
		}
	}
	return nil
}

// link writes where a row or a panel leads as Grafana has it, "" if that is nowhere. What is
// chosen goes along where the other page has the variable.
func (b builder) link(pattern string) string {
	path, query, _ := strings.Cut(pattern, "?")
	to := b.target(path)
	if path == "" && pattern != "" {
		to = &b.page
	}
	if to == nil {
		return ""
	}
	value := func(text string) string {
		return columnMark.ReplaceAllString(text, "$${__data.fields.$1:percentencode}")
	}
	var parameters, given []string
	if fixed := dashboard.FixedFilter(*to); fixed != "" && path != "" {
		given = append(given, fixed)
		parameters = append(parameters, "var-"+fixed+"="+value(path[strings.LastIndex(path, "/")+1:]))
	}
	for parameter := range strings.SplitSeq(query, "&") {
		if name, of, ok := strings.Cut(parameter, "="); ok {
			given = append(given, name)
			parameters = append(parameters, "var-"+name+"="+value(of))
		}
	}
	for _, f := range b.page.Filters {
		has := slices.ContainsFunc(to.Filters, func(other page.Filter) bool { return other.Name == f.Name })
		if has && !slices.Contains(given, f.Name) {
			parameters = append(parameters, "${"+f.Name+":queryparam}")
		}
	}
	return strings.TrimSuffix("/d/"+uid(*to)+"?"+strings.Join(parameters, "&"), "?")
}
