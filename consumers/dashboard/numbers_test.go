package dashboard

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/hubspoke/observability/consumers/dashboard/page"
	"github.com/hubspoke/observability/consumers/dashboard/pages"
)

// counted are the columns with the number of rows behind the links of panels. "" is a panel
// with links that lead to a row, or to rows that are not what is counted.
var counted = map[string]string{
	"account/resources": "resources", "account/categories": "rows", "controls/controls-that-fail-most": "",
	"attention/what-is-wrong": "resources", "compliance/rules-that-are-violated-most": "",
	"compliance/accounts-and-rules": "", "costs/anomalies": "", "savings/what-to-do": "resources",
	"savings/idle": "resources", "savings/compute-optimizer": "value", "inventory/by-type-and-state": "",
	"inventory/patches": "value", "inventory/patches-that-are-missing-most": "nodes",
	"operations/support-cases": "", "operations/health-events": "",
	"inventory/nodes-that-need-patches": "", "operations/trusted-advisor": "", "freshness/accounts-and-categories": "",
	"rejects/by-reason": "",
}

// TestNumbersAreThoseOfTheirRows follows the links from each row of each panel to the rows
// behind it: there are some, and as many as the panel says, without a filter and with each.
func TestNumbersAreThoseOfTheirRows(t *testing.T) {
	s := serve(t, filled, pages.All())
	views, err := readRelations(t.Context(), s.db.Pool)
	if err != nil {
		t.Fatal(err)
	}
	followed := map[string]int{}
	for _, p := range pages.All() {
		var sets []rowSet
		var chosen []choice
		var of []page.Panel
		err := read(t.Context(), s.db.Pool, time.Minute, func(tx pgx.Tx) error {
			for _, c := range choices(t, tx, p) {
				for _, panel := range p.Panels {
					if strings.HasPrefix(panel.Link, "/rows/") {
						sets = append(sets, ask(t.Context(), tx, c.query(string(panel.SQL))))
						chosen, of = append(chosen, c), append(of, panel)
					}
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for k := range sets {
			name := p.Name + "/" + slug(of[k].Title)
			column, known := counted[name]
			if !known {
				t.Errorf("%s leads to rows: say in this test what it counts", name)
			}
			for i := range min(len(sets[k].rows), 8) {
				href := links{pages.All(), views}.link(chosen[k], of[k].Link,
					func(c string) string { return text(sets[k].value(i, c)) })
				if _, is := of[k].As.(page.Matrix); href == "" || is && sets[k].rows[i][2] == nil { // they do not meet
					continue
				}
				followed[name]++
				s.followed(href, name, sets[k].value(i, column))
			}
		}
	}
	for _, tile := range []string{"Issues of AWS", "Changes announced", "Objectives missed"} {
		s.tile("operations", "now", tile)
	}
	for name, column := range counted {
		if column != "" && followed[name] == 0 && name != "inventory/patches-that-are-missing-most" { // not in each world
			t.Errorf("%s has no row in this database", name)
		}
	}
}

// TestOpenFindingsByDay: the lines end where the tiles beside them are, and begin where what was
// opened and closed before adds up to. What is of a day to come, by a clock that is wrong, is of
// the last day.
func TestOpenFindingsByDay(t *testing.T) {
	s := serve(t, filled, pages.All())
	if _, err := s.db.Pool.Exec(t.Context(), `UPDATE summary.findings_days SET day = current_date + 30
		WHERE day = (SELECT max(day) FROM summary.findings_days); REFRESH MATERIALIZED VIEW findings_flow`); err != nil {
		t.Fatal(err)
	}
	file, _ := s.get("/data/findings/open-by-day.json", http.StatusOK)
	var days []struct {
		Day, Severity string
		Findings      int64
	}
	if err := json.Unmarshal([]byte(file), &days); err != nil || len(days) == 0 || len(days)%61 != 0 {
		t.Fatalf("%d days: %v: %s", len(days), err, file)
	}
	last := days[len(days)-1].Day
	for _, day := range days {
		var open int64
		sql, args := "SELECT coalesce(sum(opened - closed), 0) FROM findings_daily WHERE severity = $1 AND day <= $2",
			[]any{day.Severity, day.Day}
		if day.Day == last {
			sql, args = "SELECT coalesce(sum(findings), 0) FROM findings_summary WHERE is_open AND severity = $1", args[:1]
		}
		if err := s.db.Pool.QueryRow(t.Context(), sql, args...).Scan(&open); err != nil || open != day.Findings {
			t.Errorf("%s: the line is at %d on %s, and %d were open: %v", day.Severity, day.Findings, day.Day, open, err)
		}
	}
}

// TestNewestFindings: the panel has the newest open findings, also when some were closed since
// groups were counted.
func TestNewestFindings(t *testing.T) {
	s := serve(t, filled, pages.All())
	findings := pageNamed("findings")
	panel := findings.Panels[len(findings.Panels)-1]
	compare := func() (compared int) {
		t.Helper()
		err := read(t.Context(), s.db.Pool, time.Minute, func(tx pgx.Tx) error {
			for _, c := range choices(t, tx, findings) {
				got := ask(t.Context(), tx, c.query(string(panel.SQL)))
				want := ask(t.Context(), tx, c.query(`SELECT finding_updated_at AS updated_at FROM findings WHERE is_open {where}
					ORDER BY 1 DESC NULLS LAST LIMIT 15`))
				if got.err != nil || want.err != nil || len(got.rows) != len(want.rows) {
					t.Fatalf("%v: %d rows, want %d: %v, %v", c.values, len(got.rows), len(want.rows), got.err, want.err)
				}
				for i := range want.rows {
					if a, b := text(got.value(i, "updated_at")), text(want.value(i, "updated_at")); a != b {
						t.Errorf("%v: row %d is of %s, want %s", c.values, i, a, b)
					}
				}
				compared += len(want.rows)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return compared
	}
	if n := compare(); n < 30 {
		t.Errorf("%d rows are too few", n)
	}
	_, err := s.db.Pool.Exec(t.Context(), `UPDATE obs.security_findings SET workflow_status = 'RESOLVED' WHERE row_key IN (
		SELECT row_key FROM findings WHERE is_open ORDER BY finding_updated_at DESC NULLS LAST LIMIT 5)`)
	if err != nil {
		t.Fatal(err)
	}
	compare()
}

// tile follows the link that a tile has of its own.
func (s *site) tile(page, panel, label string) {
	s.Helper()
	answer, _ := s.get("/data/"+page+"/"+panel+".json", http.StatusOK)
	var tiles []struct {
		Label, Link string
		Value       int64
	}
	if err := json.Unmarshal([]byte(answer), &tiles); err != nil {
		s.Fatal(err)
	}
	for _, tile := range tiles {
		if tile.Label == label {
			s.followed(tile.Link, page+"/"+label, tile.Value)
			return
		}
	}
	s.Errorf("%s/%s has no tile %s", page, panel, label)
}

// followed counts the rows at an address. want is how many there are; nil: some.
func (s *site) followed(href, from string, want any) {
	s.Helper()
	view, query, _ := strings.Cut(href, "?")
	answer, _ := s.get(view+".json?"+query, http.StatusOK)
	var behind []map[string]any
	if err := json.Unmarshal([]byte(answer), &behind); err != nil {
		s.Errorf("%s: %s: %v", from, href, err)
	}
	switch n := number(want); {
	case want == nil && len(behind) == 0:
		s.Errorf("%s: no rows at %s", from, href)
	case want != nil && float64(len(behind)) != n:
		s.Errorf("%s: %d rows at %s, want %v", from, len(behind), href, n)
	}
}
