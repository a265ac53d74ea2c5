package dashboard

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html/template"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/hubspoke/observability/consumers/dashboard/chart"
)

// number is a value as a float, NaN if it is none.
func number(v any) float64 {
	switch v := v.(type) {
	case int64:
		return float64(v)
	case int32:
		return float64(v)
	case int16:
		return float64(v)
	case float64:
		return v
	case float32:
		return float64(v)
	case pgtype.Numeric:
		if f, err := v.Float64Value(); err == nil && f.Valid {
			return f.Float64
		}
	}
	return math.NaN()
}

// text is a value as an address or a file has it.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case time.Time:
		if v.Equal(v.Truncate(24 * time.Hour)) {
			return v.UTC().Format(time.DateOnly)
		}
		return v.UTC().Format(time.RFC3339Nano)
	case [16]byte:
		return pgtype.UUID{Bytes: v, Valid: true}.String()
	case []byte:
		return hex.EncodeToString(v)
	case pgtype.Interval:
		return interval(v).String()
	case pgtype.Numeric:
		if written, err := v.Value(); err == nil {
			return fmt.Sprint(written)
		}
	case map[string]any, []any:
		if written, err := json.Marshal(v); err == nil {
			return string(written)
		}
	}
	return fmt.Sprint(v)
}

func interval(v pgtype.Interval) time.Duration {
	return time.Duration(v.Microseconds)*time.Microsecond + time.Duration(v.Days+30*v.Months)*24*time.Hour
}

const year = 365 * 24 * time.Hour

// age is a duration in its largest unit.
func age(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	case d >= 2*year:
		return fmt.Sprintf("%d y", d/year)
	}
	return fmt.Sprintf("%d d", int(d.Hours()/24))
}

// signed writes the minus of a number as people do.
func signed(s string) string { return strings.Replace(s, "-", "−", 1) }

// grouped writes a whole number with commas, another one with up to two decimals.
func grouped(v float64) string {
	if v != math.Trunc(v) && math.Abs(v) < 100 {
		return groupedTo(2, v)
	}
	return groupedTo(0, v)
}

// groupedTo writes a number with commas and so many decimals.
func groupedTo(decimals int, v float64) string {
	whole, fraction, _ := strings.Cut(strconv.FormatFloat(math.Abs(v), 'f', decimals, 64), ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if fraction != "" {
		whole += "." + fraction
	}
	if v < 0 && strings.Trim(whole, "0.") != "" {
		whole = "−" + whole
	}
	return whole
}

// money writes an amount, with cents below 100.
func money(v float64) string {
	if math.Abs(v) < 100 {
		v = math.Round(100*v) / 100
		s := strconv.FormatFloat(v, 'f', 2, 64)
		if v == 0 {
			return "0.00"
		}
		return signed(s)
	}
	return grouped(math.Round(v))
}

// short writes a number in few characters, as axes and tiles do.
func short(v float64) string {
	if math.Abs(v) >= 1e16 {
		return signed(strconv.FormatFloat(v, 'e', 1, 64))
	}
	for _, u := range []struct {
		from, scale float64
		name        string
	}{{1e12, 1e12, "T"}, {1e9, 1e9, "G"}, {1e6, 1e6, "M"}, {1e4, 1e3, "k"}} {
		if math.Abs(v) < u.from {
			continue
		}
		x, decimals := v/u.scale, 1
		if math.Abs(x) >= 100 || x == math.Trunc(x) {
			decimals = 0
		}
		return signed(strconv.FormatFloat(x, 'f', decimals, 64)) + " " + u.name
	}
	if v == math.Trunc(v) || math.Abs(v) >= 1000 {
		return grouped(math.Round(v))
	}
	return signed(strconv.FormatFloat(v, 'g', 3, 64))
}

// severities in the order of what hurts most.
var severities = []string{"CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL", "UNKNOWN"}

// tones are the classes of colour of words that AWS and the views use, in lower case.
var tones = map[string]string{
	"critical": "critical", "high": "high", "medium": "medium", "low": "low", "informational": "info",
	"fresh": "good", "ok": "good", "compliant": "good", "policymet": "good", "active": "good",
	"failing": "medium", "warning": "medium", "upcoming": "medium", "reboot_pending": "medium",
	"changesdetected": "medium",
	"stale":           "high", "never complete": "high", "no spoke": "high", "non_compliant": "high", "breached": "high",
	"policybreached": "high", "error": "high", "action_required": "high", "never_scanned": "medium",
}

// tone is the class of colour of a word, "" if it has none.
func tone(word string) string { return tones[strings.ToLower(word)] }

// label writes a severity like a word, and leaves all else.
func label(s string) string {
	if slices.Contains(severities, s) {
		return s[:1] + strings.ToLower(s[1:])
	}
	return s
}

// heading writes the name of a column for people.
func heading(column string) string {
	name := strings.TrimSuffix(strings.TrimSuffix(column, "_at"), "_id")
	name = strings.ReplaceAll(strings.ReplaceAll(name, "_percentage", " %"), "_", " ")
	if name == "" {
		return column
	}
	words := strings.Split(name, " ")
	for i, word := range words {
		if acronyms[word] {
			words[i] = strings.ToUpper(word)
		}
	}
	name = strings.Join(words, " ")
	return strings.ToUpper(name[:1]) + name[1:]
}

// acronyms are words in names of columns that people write in capitals.
var acronyms = map[string]bool{"ami": true, "arn": true, "aws": true, "cidr": true, "cpu": true, "cve": true,
	"dns": true, "iam": true, "id": true, "ip": true, "kb": true, "kms": true, "mfa": true, "ok": true, "sns": true,
	"sql": true, "ssm": true, "tls": true, "url": true, "vpc": true}

// shortARN leaves out of an ARN what other columns say as a rule: partition, region and account.
func shortARN(arn string) string {
	if parts := strings.SplitN(arn, ":", 6); len(parts) == 6 && parts[0] == "arn" {
		return parts[2] + ":" + parts[5]
	}
	return arn
}

// cut shortens a text to n characters and the ellipsis.
func cut(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n]) + "…"
	}
	return s
}

// cell is a value as a table shows it.
type cell struct {
	Text, Small, Title, Class, Href string
	Graphic                         template.HTML
}

// shower shows values at one moment.
type shower struct {
	now      time.Time
	accounts map[string]string // names by number
	valid    *validity
}

// show shows a value after its type and the name of its column.
func (s shower) show(column pgconn.FieldDescription, v any) cell {
	switch v := v.(type) {
	case nil:
		return cell{Text: "–", Class: strings.TrimSpace("none " + side(column))}
	case bool:
		return cell{Text: map[bool]string{true: "yes", false: "no"}[v], Class: "word"}
	case time.Time:
		if column.DataTypeOID == pgtype.DateOID {
			if column.Name == "month" {
				return cell{Text: monthLabel(v.Format(time.DateOnly)), Title: v.Format(time.DateOnly), Class: "time"}
			}
			return cell{Text: v.Format(time.DateOnly), Class: "time"}
		}
		return s.moment(v)
	case pgtype.Interval:
		s.valid.aged(s.now, interval(v))
		return cell{Text: age(interval(v)), Title: interval(v).Round(time.Second).String(), Class: "number"}
	case string:
		return s.word(column.Name, v)
	case []any:
		if c, ok := sparkline(v); ok {
			return c
		}
	}
	if f := number(v); !math.IsNaN(f) {
		return amount(column.Name, f)
	}
	return cell{Text: cut(text(v), 200), Title: cut(text(v), 2000), Class: "text"}
}

// side is the class of a column with values that stand at the right.
func side(column pgconn.FieldDescription) string {
	switch column.DataTypeOID {
	case pgtype.Int2OID, pgtype.Int4OID, pgtype.Int8OID, pgtype.Float4OID, pgtype.Float8OID, pgtype.NumericOID,
		pgtype.IntervalOID, pgtype.NumericArrayOID:
		return "number"
	}
	return ""
}

// moment shows how long ago something was, or in how long it will be.
func (s shower) moment(t time.Time) cell {
	c := cell{Title: t.UTC().Format("2006-01-02 15:04:05 UTC"), Class: "time"}
	d := s.now.Sub(t)
	s.valid.aged(s.now, d)
	if d >= 0 {
		c.Text = age(d) + " ago"
	} else {
		c.Text = "in " + age(-d)
	}
	return c
}

// word shows a text.
func (s shower) word(column, v string) cell {
	switch {
	case v == "":
		return cell{Text: "–", Class: "none"}
	case slices.Contains(severities, v), strings.HasSuffix(column, "status"), column == "compliance_type":
		return cell{Text: label(v), Class: strings.TrimSpace("badge " + tone(v))}
	case column == "account_id":
		if name := s.accounts[v]; name != "" {
			return cell{Text: cut(name, 200), Small: v, Class: "id"}
		}
		return cell{Text: cut(v, 200), Class: "id"}
	case column == "issue" || column == "kind":
		return cell{Text: strings.ReplaceAll(cut(v, 200), "_", " "), Title: cut(v, 2000), Class: "text"}
	}
	c := cell{Text: cut(v, 200), Title: cut(v, 2000), Class: "text"}
	if u, err := url.Parse(v); strings.HasSuffix(column, "_url") && err == nil && u.Scheme == "https" && u.Host != "" {
		c.Href = v
	}
	return c
}

// numbers returns a list as numbers; ok is false if a value is none.
func numbers(list []any) (values []float64, ok bool) {
	for _, v := range list {
		f := number(v)
		if math.IsNaN(f) {
			return nil, false
		}
		values = append(values, f)
	}
	return values, true
}

// sparkline shows a list of numbers as a line; ok is false if it is no such list.
func sparkline(list []any) (c cell, ok bool) {
	values, ok := numbers(list)
	if !ok {
		return cell{}, false
	}
	if len(values) < 2 {
		return cell{Text: "–", Class: "none"}, true
	}
	first, last := short(values[0]), short(values[len(values)-1])
	return cell{Graphic: chart.Spark(values, "from "+first+" to "+last), Class: "graphic"}, true
}

// isMoney reports whether a column has amounts.
func isMoney(column string) bool {
	return strings.HasPrefix(column, "cost") || strings.HasSuffix(column, "_cost") ||
		strings.HasSuffix(column, "savings") || column == "change" || column == "usd"
}

// amount shows a number.
func amount(column string, f float64) cell {
	c := cell{Class: "number", Text: grouped(f)}
	switch {
	case column == "change":
		c.Text = money(f)
		if f > 0 {
			c.Text = "+" + c.Text
			c.Class += " up"
		} else if f < 0 {
			c.Class += " down"
		}
	case isMoney(column):
		c.Text = money(f)
	case strings.HasSuffix(column, "percentage"):
		c.Text = strconv.FormatFloat(f, 'f', 1, 64)
	}
	switch {
	case f == 0:
		c.Class += " zero"
	case column == "critical" || column == "days_left" && f < 7:
		c.Class += " tone-critical"
	case column == "high" || column == "stale" || column == "failing":
		c.Class += " tone-high"
	}
	return c
}
