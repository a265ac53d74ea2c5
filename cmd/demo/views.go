package main

import (
	"context"
	"fmt"
	"io"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/hubspoke/observability/internal/program"
)

// queries are what a person might ask the views.
var queries = []struct{ title, sql string }{
	{"Where are the most open findings?", `
SELECT account_id, region, severity, sum(findings)::bigint AS findings
FROM findings_summary
WHERE is_open AND severity IN ('CRITICAL', 'HIGH')
GROUP BY account_id, region, severity
ORDER BY findings DESC, account_id, region, severity LIMIT 5`},
	{"Which services cost the most this month?", `
SELECT month::text, service, round(sum(unblended_cost), 2)::text AS cost, currency, bool_or(estimated) AS estimated
FROM cost_monthly
GROUP BY month, service, currency
ORDER BY month DESC, sum(unblended_cost) DESC, service LIMIT 5`},
	{"What needs attention?", `
SELECT severity, kind, issue, count(*) AS resources, min(days_left) AS days_left
FROM needs_attention
WHERE severity IN ('CRITICAL', 'HIGH')
GROUP BY severity_order, severity, kind, issue
ORDER BY severity_order, resources DESC, issue`},
}

// showViews prints the answers of the materialized views.
func showViews(ctx context.Context, w io.Writer, db *pgxpool.Pool) error {
	for _, q := range queries {
		rows, err := db.Query(ctx, q.sql)
		if err != nil {
			return fmt.Errorf("%s %w", q.title, err)
		}
		header := []any{}
		for _, f := range rows.FieldDescriptions() {
			header = append(header, f.Name)
		}
		t := program.NewTable(w, header...)
		answers, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (table.Row, error) { return row.Values() })
		if err != nil {
			return fmt.Errorf("%s %w", q.title, err)
		}
		for _, answer := range answers {
			for i, value := range answer {
				if value == nil {
					answer[i] = "-"
				}
			}
			t.AppendRow(answer)
		}
		fmt.Fprintf(w, "\n%s%s;\n", q.title, q.sql)
		t.Render()
	}
	return nil
}
