package main

// The types are those parts of Grafana's model of a dashboard that are used here, named as
// there: https://grafana.com/docs/grafana/latest/visualizations/dashboards/build-dashboards/view-dashboard-json-model/

// schemaVersion is that of Grafana 12.0. Later versions of Grafana bring it up to date.
const schemaVersion = 41

type board struct {
	UID           string          `json:"uid"`
	Title         string          `json:"title"`
	Description   string          `json:"description"`
	Tags          []string        `json:"tags"`
	Timezone      string          `json:"timezone"`
	Editable      bool            `json:"editable"`
	GraphTooltip  int             `json:"graphTooltip"`
	Refresh       string          `json:"refresh"`
	SchemaVersion int             `json:"schemaVersion"`
	Time          timeRange       `json:"time"`
	TimePicker    timePicker      `json:"timepicker"`
	Links         []dashboardLink `json:"links"`
	Templating    templating      `json:"templating"`
	Panels        []panel         `json:"panels"`
}

type timeRange struct {
	From string `json:"from"`
	To   string `json:"to"`
}

type timePicker struct {
	Hidden bool `json:"hidden"`
}

// dashboardLink leads from a dashboard or a panel.
type dashboardLink struct {
	Title       string   `json:"title"`
	Type        string   `json:"type"`
	URL         string   `json:"url,omitempty"`
	Tags        []string `json:"tags"`
	AsDropdown  bool     `json:"asDropdown"`
	IncludeVars bool     `json:"includeVars"`
	KeepTime    bool     `json:"keepTime"`
	TargetBlank bool     `json:"targetBlank"`
	Icon        string   `json:"icon"`
	Tooltip     string   `json:"tooltip"`
}

type templating struct {
	List []variable `json:"list"`
}

type variable struct {
	Name       string         `json:"name"`
	Label      string         `json:"label"`
	Type       string         `json:"type"`
	Datasource dataSource     `json:"datasource"`
	Query      string         `json:"query"`
	Refresh    int            `json:"refresh"`
	Multi      bool           `json:"multi"`
	IncludeAll bool           `json:"includeAll"`
	AllValue   string         `json:"allValue,omitempty"`
	Current    variableOption `json:"current"`
}

type variableOption struct {
	Text  any `json:"text"`
	Value any `json:"value"`
}

type dataSource struct {
	Type string `json:"type"`
	UID  string `json:"uid"`
}

type panel struct {
	ID          int             `json:"id"`
	Type        string          `json:"type"`
	Title       string          `json:"title"`
	Description string          `json:"description,omitempty"`
	Datasource  dataSource      `json:"datasource"`
	GridPos     gridPos         `json:"gridPos"`
	Targets     []target        `json:"targets"`
	FieldConfig fieldConfig     `json:"fieldConfig"`
	Options     object          `json:"options"`
	Links       []dashboardLink `json:"links,omitempty"`

	Transformations []transformation `json:"transformations,omitempty"`
}

type transformation struct {
	ID      string `json:"id"`
	Options object `json:"options"`
}

type gridPos struct {
	H int `json:"h"`
	W int `json:"w"`
	X int `json:"x"`
	Y int `json:"y"`
}

type target struct {
	RefID      string     `json:"refId"`
	Datasource dataSource `json:"datasource"`
	Format     string     `json:"format"`
	EditorMode string     `json:"editorMode"`
	RawQuery   bool       `json:"rawQuery"`
	RawSQL     string     `json:"rawSql"`
}

type fieldConfig struct {
	Defaults  object     `json:"defaults"`
	Overrides []override `json:"overrides"`
}

// override gives fields with a name properties of their own.
type override struct {
	Matcher    matcher    `json:"matcher"`
	Properties []property `json:"properties"`
}

type matcher struct {
	ID      string `json:"id"`
	Options string `json:"options"`
}

type property struct {
	ID    string `json:"id"`
	Value any    `json:"value"`
}

// object is a JSON object.
type object = map[string]any
