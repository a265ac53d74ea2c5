package dashboard

import (
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
	"golang.org/x/net/html"

	"github.com/hubspoke/observability/consumers/dashboard/page"
)

// TestHeadings: names of columns are written as people write them.
func TestHeadings(t *testing.T) {
	for column, want := range map[string]string{
		"account_id": "Account", "oldest_at": "Oldest", "score_percentage": "Score %", "kb_id": "KB", "ok": "OK",
		"kms_key_arn": "KMS key ARN", "idle": "Idle", "_id": "_id",
	} {
		if got := heading(column); got != want {
			t.Errorf("%s is written %q, want %q", column, got, want)
		}
	}
}

// TestAges are written in their largest unit, days from two on, and years.
func TestAges(t *testing.T) {
	const day = 24 * time.Hour
	for d, want := range map[time.Duration]string{
		0: "0 s", 59 * time.Second: "59 s", time.Minute: "1 min", 59*time.Minute + 59*time.Second: "59 min",
		time.Hour: "1 h", 47 * time.Hour: "47 h", 2 * day: "2 d", 71 * time.Hour: "2 d", 729 * day: "729 d",
		730 * day: "2 y", 1457 * day: "3 y",
	} {
		if got := age(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
	if got := interval(pgtype.Interval{Months: 1, Days: 2, Microseconds: 3e6}); got != 32*24*time.Hour+3*time.Second {
		t.Errorf("a month, two days and three seconds are %v", got)
	}
}

// TestNumbers are written as exactly as people read them.
func TestNumbers(t *testing.T) {
	for v, want := range map[float64][3]string{ // grouped, money, short
		0: {"0", "0.00", "0"}, 0.004: {"0.00", "0.00", "0.004"}, -0.004: {"0.00", "0.00", "−0.004"},
		1.5: {"1.50", "1.50", "1.5"}, -99.99: {"−99.99", "−99.99", "−100"}, 100.4: {"100", "100", "100"},
		999: {"999", "999", "999"}, 1000: {"1,000", "1,000", "1,000"}, 9999: {"9,999", "9,999", "9,999"},
		12345: {"12,345", "12,345", "12.3 k"}, -250000: {"−250,000", "−250,000", "−250 k"},
		1234567: {"1,234,567", "1,234,567", "1.2 M"}, 2e9: {"2,000,000,000", "2,000,000,000", "2 G"},
		1e12: {"1,000,000,000,000", "1,000,000,000,000", "1 T"},
	} {
		if got := [3]string{grouped(v), money(v), short(v)}; got != want {
			t.Errorf("%v is %q, want %q", v, got, want)
		}
	}
}

// TestTones: what is urgent stands out.
func TestTones(t *testing.T) {
	for days, want := range map[float64]bool{-1: true, 6: true, 7: false, 30: false} {
		if got := strings.Contains(amount("days_left", days).Class, "tone-critical"); got != want {
			t.Errorf("%v days left are critical: %t, want %t", days, got, want)
		}
	}
}

// TestOrderOfSeries: the largest come first, then others, then what has not happened yet.
func TestOrderOfSeries(t *testing.T) {
	series := tabulated{names: []string{page.Forecast, "small", others, "large"}}
	series.order(nil, map[string]float64{page.Forecast: 9, "small": 1, others: 8, "large": 2})
	if want := []string{"large", "small", others, page.Forecast}; !slices.Equal(series.names, want) {
		t.Errorf("%q, want %q", series.names, want)
	}
}

// fitting is a page with tables of texts and numbers that have to be made to fit.
var fitting = page.Page{
	Name: "fitting", Path: "/", Title: "Fitting",
	Filters: []page.Filter{{Name: "currency", Column: "currency", Label: "Currency", First: "EUR", Options: `VALUES ('EUR')`}},
	Panels: []page.Panel{
		{Title: "Savings", As: page.Tiles{Unit: page.Money}, SQL: `
			SELECT 'known' AS label, 12345.6 AS value UNION ALL SELECT 'unknown', NULL`},
		{Title: "Table", As: page.Table{}, SQL: `
			SELECT 'arn:aws:ec2:eu-central-1:111122223333:instance/i-0123456789abcdef0' AS resource_arn, 'short' AS kind,
			       24.4 AS days, 250::float8 AS speed, date '2026-08-01' AS month
			UNION ALL SELECT 'arn:aws:s3:::bucket', 'text', 20, 0.25, '2026-07-01'
			UNION ALL SELECT '', NULL, 'NaN'::numeric, NULL, NULL`},
	},
}

// TestTablesAreMadeToFit: an ARN is shown without what other columns say, numbers of a column
// have the same decimals, and a month is no day. Amounts say their currency.
func TestTablesAreMadeToFit(t *testing.T) {
	s := serve(t, empty, []page.Page{fitting})
	body, _ := s.get("/", http.StatusOK)
	document, err := html.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	var shown []string
	for _, row := range tagged(document, "tr") {
		var cells []string
		for _, cell := range tagged(row, "td") {
			cells = append(cells, content(cell))
		}
		shown = append(shown, strings.Join(cells, "|"))
	}
	want := "\nec2:instance/i-0123456789abcdef0|short|24.4|250.00|Aug 2026\ns3:bucket|text|20.0|0.25|Jul 2026\n–|–|NaN|–|–"
	if got := strings.Join(shown, "\n"); got != want {
		t.Errorf("the table is %s, want %s", got, want)
	}
	long := classed(document, "long")
	if len(long) != 3 ||
		attribute(long[0], "title") != "arn:aws:ec2:eu-central-1:111122223333:instance/i-0123456789abcdef0" {
		t.Errorf("%d cells have long texts, want the three of a column", len(long))
	}
	if len(classed(document, "spread1")) != 1 {
		t.Error("the table does not say that one column has long texts")
	}
	values := classed(document, "value")
	if known, unknown := content(values[0]), content(values[1]); known != "12.3 k EUR" || unknown != "–" {
		t.Errorf("the tiles say %q and %q", known, unknown)
	}
}

func TestGroupedTo(t *testing.T) {
	for _, test := range []struct {
		decimals int
		v        float64
		want     string
	}{{1, 1234.56, "1,234.6"}, {2, -0.001, "0.00"}, {0, math.Pi, "3"}, {1, -1e6, "−1,000,000.0"}} {
		if got := groupedTo(test.decimals, test.v); got != test.want {
			t.Errorf("%v with %d decimals is %s, want %s", test.v, test.decimals, got, test.want)
		}
	}
}
