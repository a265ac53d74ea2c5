package sql

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/hubspoke/observability/schemas"
)

// Names of the files of schema legacy that are rendered.
const (
	legacyViewsFile    = "87_legacy_views.sql"
	legacyCommentsFile = "89_legacy_comments.sql"
)

// legacyPairs are the views of schema legacy that are a table and what account_card says of
// its account.
var legacyPairs = []struct {
	view, table string
	more        string // further columns, of table t and of join
	join        string
}{
	{view: "view_contact_info", table: "contact_info"},
	{view: "view_alternate_contacts", table: "alternate_contacts"},
	{view: "view_acct_serv", table: "services"},
	{view: "view_acct_cost_rep", table: "cost_reports", more: "t.period_start AS date_from, t.period_end AS date_to"},
	{view: "view_acct_serv_cost", table: "service_costs", more: "t.usage_date AS date_from, t.usage_date + 1 AS date_to"},
	{view: "view_acct_cost_rep_forecast", table: "cost_forecasts",
		more: "t.forecast_date - 1 AS date_from, t.forecast_date AS date_to"},
	{view: "view_acct_security", table: "security"},
	{view: "view_acct_security_findings_details", table: "findings"},
	{view: "view_product_acct", table: "product_accounts", more: "p.name AS project_product_name",
		join: "JOIN legacy.products p ON p.id = t.product_id"},
	{view: "view_acct_logs", table: "logs", more: "c.account_status AS acct_status"},
	{view: "view_acct_log_messages", table: "log_messages"},
	{view: "view_config_reports", table: "config_reports"},
	{view: "view_non_compliant_resources", table: "non_compliant_resources"},
	{view: "view_service_resources", table: "service_resources"},
	{view: "view_compute_optimizer", table: "compute_optimizer"},
	{view: "view_guard_duty_findings", table: "guard_duty_findings"},
	{view: "view_kms_keys", table: "kms_keys"},
	{view: "view_waf_rules", table: "waf_rules"},
	{view: "view_waf_rules_detailed", table: "waf_rules_detailed"},
	{view: "view_cloudtrail_logs", table: "cloudtrail_logs"},
	{view: "view_secrets_manager_secrets", table: "secrets_manager_secrets"},
	{view: "view_certificates", table: "certificates"},
	{view: "view_inspector_findings", table: "inspector_findings"},
	{view: "view_inventory_instances", table: "inventory_instances"},
	{view: "view_inventory_patches", table: "inventory_patches",
		more: "t.node AS instance_name, i.instance_type",
		join: "JOIN legacy.inventory_instances i ON i.account = t.account AND i.account_region = t.account_region" +
			" AND i.instance_id = t.node"},
	{view: "view_marketplace_usage", table: "marketplace_usage"},
	{view: "view_trusted_advisor_checks", table: "trusted_advisor_checks"},
	{view: "view_health_events", table: "health_events"},
	{view: "view_application_signals", table: "application_signals"},
	{view: "view_resilience_hub_apps", table: "resilience_hub_apps"},
	{view: "view_acct_support_tickets", table: "support_tickets"},
	{view: "view_ri_sp_daily_savings", table: "ri_sp_daily_savings"},
}

// legacyPairDocs document further columns of these views.
var legacyPairDocs = map[string]string{
	"date_from":            "First day.",
	"date_to":              "Day after the last one.",
	"project_product_name": "Name of the product.",
	"acct_status":          "State of the account, which has another name because account_status is that of collecting.",
	"instance_name":        "Identifier of the node.",
	"instance_type":        "Type of the EC2 instance. Null: the node is none.",
}

// cardColumns are what these views take from account_card.
var cardColumns = []string{"account_name", "account_type", "account_category", "account_status", "account_partner",
	"account_customer", "account_full", "project_product_name"}

// legacyColumn is a column of a relation of schema legacy.
type legacyColumn struct {
	name, doc string
	wrong     string // what was wrong with it in the predecessor, or "": the reference has it
}

// legacyRelation is a relation of schema legacy.
type legacyRelation struct {
	name, doc, wrong string
	columns          []legacyColumn
	table            string // the view is a table and its account; "" for all others
}

// legacyRelations returns all relations with their documentation. It panics if
// legacy/relations.txt is wrong: a test reads it.
func legacyRelations(catalog []schemas.CatalogCategory) []legacyRelation {
	text, err := embedded.ReadFile("legacy/relations.txt")
	if err != nil {
		panic(err) // it is embedded
	}
	relations, err := parseLegacy(string(text), catalog)
	if err != nil {
		panic(fmt.Errorf("legacy/relations.txt: %w", err))
	}
	byName := map[string]legacyRelation{}
	for _, r := range relations {
		byName[r.name] = r
	}
	for _, pair := range legacyPairs {
		relations = append(relations, pairRelation(pair.view, byName[pair.table], byName["account_card"], pair.more))
	}
	return relations
}

// pairRelation documents a view that is a table and its account.
func pairRelation(view string, table, card legacyRelation, more string) legacyRelation {
	r := legacyRelation{name: view, doc: "The rows of " + table.name + " with what is known of their account.",
		columns: slices.Clone(table.columns), table: table.name}
	add := func(c legacyColumn) {
		if !slices.ContainsFunc(r.columns, func(o legacyColumn) bool { return o.name == c.name }) {
			r.columns = append(r.columns, c)
		}
	}
	for _, column := range strings.Split(more, ",") {
		if column = strings.TrimSpace(column); column != "" {
			name := column[strings.LastIndexAny(column, " .")+1:]
			add(legacyColumn{name: name, doc: legacyPairDocs[name]})
		}
	}
	for _, c := range card.columns {
		if slices.Contains(cardColumns, c.name) {
			add(c)
		}
	}
	return r
}

// legacyDocs document columns: of categories by their name, of relations as
// legacy.<name>, and as * those that mean the same everywhere.
type legacyDocs map[string]map[string]string

// parseLegacy parses legacy/relations.txt, which says how it is written.
func parseLegacy(text string, catalog []schemas.CatalogCategory) ([]legacyRelation, error) {
	docs := legacyDocs{}
	for _, category := range catalog {
		docs[category.Name] = map[string]string{}
		for _, c := range category.Columns {
			docs[category.Name][c.Name] = c.Doc
		}
	}
	_, text, _ = strings.Cut(text, "\n= ")
	var relations []legacyRelation
	for _, section := range strings.Split(text, "\n= ") {
		r, err := docs.parseSection(strings.Split(strings.TrimSpace(section), "\n"))
		if err != nil {
			return nil, err
		}
		own := map[string]string{}
		for _, c := range r.columns {
			own[c.name] = c.doc
		}
		if r.name == "*" {
			docs["*"] = own
			continue
		}
		docs["legacy."+r.name] = own
		relations = append(relations, r)
	}
	return relations, nil
}

// parseSection parses a relation: its name with those that document its columns, what it
// is, what was wrong with it, and its columns.
func (d legacyDocs) parseSection(lines []string) (r legacyRelation, err error) {
	name, sources, _ := strings.Cut(lines[0], ": ")
	r.name, lines = name, lines[1:]
	if name != "*" {
		if len(lines) == 0 {
			return r, fmt.Errorf("%s says nothing", name)
		}
		r.doc, lines = lines[0], lines[1:]
		if len(lines) > 0 && strings.HasPrefix(lines[0], "! ") {
			r.wrong, lines = strings.TrimPrefix(lines[0], "! "), lines[1:]
		}
	}
	documenting := strings.Fields(sources)
	for _, source := range documenting {
		if d[source] == nil {
			return r, fmt.Errorf("%s: nothing is called %s", name, source)
		}
	}
	documenting = append(documenting, "*")
	for _, line := range lines {
		columns, err := parseLegacyLine(line, func(column string) string { return d.first(documenting, column) })
		if err != nil {
			return r, fmt.Errorf("%s: %w", name, err)
		}
		r.columns = append(r.columns, columns...)
	}
	return r, nil
}

// first returns what the first of sources that knows a column says of it.
func (d legacyDocs) first(sources []string, column string) string {
	for _, source := range sources {
		if doc := d[source][column]; doc != "" {
			return doc
		}
	}
	return ""
}

// parseLegacyLine returns the columns of one line: one with its documentation, or several
// with documentation that is found elsewhere.
func parseLegacyLine(line string, doc func(column string) string) ([]legacyColumn, error) {
	line, wrong, _ := strings.Cut(line, " ! ")
	names, own, documented := strings.Cut(line, ": ")
	var columns []legacyColumn
	list := strings.Split(names, ", ")
	for i, item := range list {
		name, source, renamed := strings.Cut(item, " = ")
		c := legacyColumn{name: name}
		if !renamed {
			source = name
		}
		if i == len(list)-1 {
			c.wrong = wrong
		}
		if c.doc = doc(source); i == len(list)-1 && documented {
			c.doc = own
		}
		if c.doc == "" {
			return nil, fmt.Errorf("nothing documents the column %s", item)
		}
		columns = append(columns, c)
	}
	return columns, nil
}

// renderLegacyViews returns the file that makes the views that are a table and its account.
func renderLegacyViews(relations []legacyRelation) []byte {
	b := &bytes.Buffer{}
	byName := map[string]legacyRelation{}
	for _, r := range relations {
		byName[r.name] = r
	}
	for _, pair := range legacyPairs {
		has := map[string]bool{}
		columns := []string{"t.*"}
		for _, c := range byName[pair.table].columns {
			has[c.name] = true
		}
		if pair.more != "" {
			columns = append(columns, pair.more)
		}
		for _, name := range cardColumns {
			if !has[name] && !strings.Contains(pair.more, " "+name) {
				columns = append(columns, "c."+name)
			}
		}
		fmt.Fprintf(b, "CREATE VIEW legacy.%s AS\nSELECT %s\nFROM legacy.%s t\n",
			pair.view, strings.Join(columns, ",\n       "), pair.table)
		if pair.join != "" {
			b.WriteString(pair.join + "\n")
		}
		b.WriteString("LEFT JOIN legacy.account_card c ON c.account = t.account;\n\n")
	}
	return b.Bytes()
}

// renderLegacyComments returns the file with the comments of all relations.
func renderLegacyComments(relations []legacyRelation) []byte {
	b := &bytes.Buffer{}
	for _, r := range relations {
		comment(b, "VIEW legacy."+r.name, r.doc)
		for _, c := range r.columns {
			comment(b, fmt.Sprintf("COLUMN legacy.%s.%s", r.name, c.name), c.doc)
		}
	}
	return b.Bytes()
}

// embedLegacy adds the files of schema legacy.
func (v viewFiles) embedLegacy() {
	v.embed("legacy/*.sql", "")
	relations := legacyRelations(schemas.Catalog())
	v[legacyViewsFile] = renderLegacyViews(relations)
	v[legacyCommentsFile] = renderLegacyComments(relations)
}
