package sql

import (
	"bytes"
	"cmp"
	"fmt"
	"strings"
)

// A file views/attention/<category>.sql is a query for what somebody has to look after in
// the category, a row per resource and issue. Each gets a summary, and the view
// attention_facts is all of them.

// attentionColumns are the columns of attention_facts, with their types. Such a query has them,
// in any order, but where value says what they are made of: in place of shown_at, high_at and
// critical_at it has shown_days, high_days and critical_days, each how many days before due_at
// that is; negative: after it; null: always for shown_days, never for the others. Without due_at
// nothing is shown that has shown_days.
var attentionColumns = []struct{ name, kind, doc, value string }{
	{"account_id", "text", "Account of the resource.", ""},
	{"region", "text", "Region of the resource.", ""},
	{"issue", "text", "What may be wrong, as a code.", ""},
	{"row_key", "uuid", "Key of the row in the table of the category.", ""},
	{"kind", "text", "Kind of the resource.", ""},
	{"resource_arn", "text", "ARN of the resource. Empty: the row stands for further ones of the account, region and " +
		"issue.", named("resource_arn", 512)},
	{"resource_name", "text", "Name of the resource.", named("resource_name", 256)},
	{"in_use", "boolean", "Whether the resource is in use. Null: not known, or it makes no difference.", ""},
	{"due_at", "timestamptz", "When it happens or happened, or had to. Null: no date belongs to the issue, or it is " +
		"not known.", ""},
	{"shown_at", "timestamptz", "From when on it needs attention. Null: always.", before("shown_days")},
	{"severity", "text", "CRITICAL, HIGH, MEDIUM or LOW, as long as high_at and critical_at say nothing else.", ""},
	{"high_at", "timestamptz", "From when on it is HIGH. Null: it never becomes so.", before("high_days")},
	{"critical_at", "timestamptz", "From when on it is CRITICAL. Null: it never becomes so.", before("critical_days")},
	{"reason", "text", "What is wrong, for people.", ""},
	{"overdue_reason", "text", "What is wrong after due_at, for people. Null: the same.", ""},
}

// named cuts what has no length that can be read, or is not ours. A row that stands for
// further resources has no name.
func named(column string, length int) string {
	return fmt.Sprintf("CASE WHEN place <= 10000 THEN left(%s, %d) ELSE '' END", column, length)
}

// before is so many days before due_at, null if either is.
func before(days string) string {
	return "CAST(due_at AS timestamptz) - CAST(" + days + " AS integer) * interval '24 hours'"
}

const moreDoc = "How many further resources the row stands for. Null: it stands for its own."

// renderAttentionSummary returns the file that makes a summary of the query of a category.
//
// Of each issue an account has 10,000 rows in a region at most, those that are due first,
// and one that says how many there are besides: one sender must not make the view large,
// and so late for everybody.
func renderAttentionSummary(category string, query []byte) []byte {
	b := &bytes.Buffer{}
	name := "attention_" + category
	fmt.Fprintf(b, "CREATE VIEW live.%s AS\nWITH fact AS (\n%s\n), ranked AS (\n", name, bytes.TrimSpace(query))
	b.WriteString("    SELECT *, row_number() OVER (PARTITION BY account_id, region, issue ORDER BY due_at, row_key) " +
		"AS place,\n" +
		"           count(*) OVER (PARTITION BY account_id, region, issue) - 10000 AS more\n    FROM fact\n" +
		"    WHERE shown_days IS NULL OR due_at IS NOT NULL\n)\nSELECT ")
	for _, c := range attentionColumns {
		fmt.Fprintf(b, "CAST(%s AS %s) AS %s,\n       ", cmp.Or(c.value, c.name), c.kind, c.name)
	}
	b.WriteString("CASE WHEN place > 10000 THEN more END AS more\nFROM ranked\nWHERE place <= 10001;\n\n")
	fmt.Fprintf(b, "ALTER TABLE summary.%s ADD PRIMARY KEY (account_id, region, issue, row_key);\n\n", name)
	comment(b, "VIEW live."+name, fmt.Sprintf("What may need attention in %s, a row per resource and issue, whether it "+
		"is due or not.", category))
	commentAttention(b, "live."+name)
	return b.Bytes()
}

// renderAttentionFacts returns the file that makes the view of all of them.
func renderAttentionFacts(categories []string) []byte {
	b := &bytes.Buffer{}
	b.WriteString("CREATE VIEW attention_facts AS\n")
	for i, category := range categories {
		columns := make([]string, len(attentionColumns))
		for j, c := range attentionColumns {
			columns[j] = c.name
		}
		if i > 0 {
			b.WriteString("UNION ALL\n")
		}
		fmt.Fprintf(b, "SELECT %s, more\nFROM summary.attention_%s\n", strings.Join(columns, ", "), category)
	}
	b.WriteString(";\n\n")
	comment(b, "VIEW attention_facts", "What needs_attention is made of: resources with the dates that are near or "+
		"far, and their faults.")
	commentAttention(b, "attention_facts")
	return b.Bytes()
}

func commentAttention(b *bytes.Buffer, view string) {
	for _, c := range attentionColumns {
		comment(b, "COLUMN "+view+"."+c.name, c.doc)
	}
	comment(b, "COLUMN "+view+".more", moreDoc)
}
