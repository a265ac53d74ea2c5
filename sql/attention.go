package sql

import (
	"bytes"
	"fmt"
	"strings"
)

// A file views/attention/<category>.sql is a query for what somebody has to look after in
// the category, a row per resource and issue. Each gets a summary, and the view
// attention_facts is all of them.

// attentionColumns are the columns of such a query, in any order, with their types.
var attentionColumns = []struct{ name, kind, doc string }{
	{"account_id", "text", "Account of the resource."},
	{"region", "text", "Region of the resource."},
	{"issue", "text", "What may be wrong, as a code."},
	{"row_key", "uuid", "Key of the row in the table of the category."},
	{"kind", "text", "Kind of the resource."},
	{"resource_arn", "text", "ARN of the resource. Empty: the row stands for further ones of the account, region and " +
		"issue."},
	{"resource_name", "text", "Name of the resource."},
	{"in_use", "boolean", "Whether the resource is in use. Null: not known, or it makes no difference."},
	{"due_at", "timestamptz", "When it happens or happened, or had to. Null: no date belongs to the issue, or it is " +
		"not known."},
	{"shown_days", "integer", "It needs attention from so many days before due_at; negative: after it. Null: always."},
	{"severity", "text", "CRITICAL, HIGH, MEDIUM or LOW, as long as high_days and critical_days say nothing else."},
	{"high_days", "integer", "It is HIGH from so many days before due_at. Null: it never becomes so."},
	{"critical_days", "integer", "It is CRITICAL from so many days before due_at. Null: it never becomes so."},
	{"reason", "text", "What is wrong, for people."},
	{"overdue_reason", "text", "What is wrong after due_at, for people. Null: the same."},
}

// attentionLengths cut what has no length that can be read, or is not ours.
var attentionLengths = map[string]int{"resource_arn": 512, "resource_name": 256}

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
		"           count(*) OVER (PARTITION BY account_id, region, issue) - 10000 AS more\n    FROM fact\n)\nSELECT ")
	for _, c := range attentionColumns {
		value := c.name
		if n, ok := attentionLengths[c.name]; ok {
			value = fmt.Sprintf("CASE WHEN place <= 10000 THEN left(%s, %d) ELSE '' END", c.name, n)
		}
		fmt.Fprintf(b, "CAST(%s AS %s) AS %s,\n       ", value, c.kind, c.name)
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
