package sql

import "github.com/hubspoke/observability/schemas"

// LegacyRelation is a relation of schema legacy.
type LegacyRelation struct {
	Name, Doc, Wrong string
	Table            string // the view is a table and its account; "" for all others
	Columns          []LegacyColumn
}

// LegacyColumn is a column of one.
type LegacyColumn struct{ Name, Doc, Wrong string }

// LegacyRelations returns what legacy/relations.txt says, and the views that are rendered.
func LegacyRelations() (relations []LegacyRelation) {
	for _, r := range legacyRelations(schemas.Catalog()) {
		exported := LegacyRelation{Name: r.name, Doc: r.doc, Wrong: r.wrong, Table: r.table}
		for _, c := range r.columns {
			exported.Columns = append(exported.Columns, LegacyColumn{c.name, c.doc, c.wrong})
		}
		relations = append(relations, exported)
	}
	return relations
}

// ParseLegacy is parseLegacy with the categories of the project.
func ParseLegacy(text string) error {
	_, err := parseLegacy(text, schemas.Catalog())
	return err
}
