package sql

import (
	"bytes"
	"fmt"

	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/schemas"
)

// renderFindingsOnce returns the file that makes the view findings_once: the rows behind
// findings_summary, with all columns of the category.
//
// A place that the summary has not yet, or has under other, counts. What does not count is
// looked up, and not what does: PostgreSQL makes a small table of it then, whatever it
// thinks of the view.
func renderFindingsOnce(catalog []schemas.CatalogCategory) []byte {
	b := &bytes.Buffer{}
	b.WriteString("CREATE VIEW findings_once AS\nSELECT ")
	columns := []schema.SystemColumn{{Name: "row_key", Doc: "Key of the row in the table security_findings."}}
	for _, category := range catalog {
		if category.Name == schemas.SecurityFindings.Name() {
			columns = append(columns, viewColumns(category)...)
		}
	}
	for _, c := range columns {
		fmt.Fprintf(b, "f.%s,\n       ", c.Name)
	}
	b.WriteString(`coalesce(f.finding_region, f.region) AS home_region
FROM obs.security_findings f
WHERE f.deleted_at IS NULL AND f.sample IS NOT TRUE
  AND NOT EXISTS (SELECT FROM findings_places p
                  WHERE NOT p.counts AND p.account_id = f.account_id AND p.region = f.region
                    AND p.home_account_id = left(f.finding_account_id, 32)
                    AND p.home_region = left(coalesce(f.finding_region, f.region), 32));

`)
	comment(b, "VIEW findings_once", "Security findings where they count, as findings_places says: what an administrator "+
		"account or an aggregation region has collected too is left out, and so are samples.")
	for _, c := range columns {
		comment(b, "COLUMN findings_once."+c.Name, c.Doc)
	}
	comment(b, "COLUMN findings_once.home_region", "Region that the finding is about: finding_region, else region.")
	return b.Bytes()
}
