package dashboard

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// term is one column of the order of rows. Nulls come last, in either direction.
type term struct {
	relationColumn
	down bool
}

// by writes the term for ORDER BY, back from the last row to the first.
func (t term) by(back bool) string {
	by := pgx.Identifier{t.name}.Sanitize()
	if t.down != back {
		by += " DESC"
	}
	switch {
	case back && !t.down: // what PostgreSQL does by itself
	case back:
		by += " NULLS FIRST"
	case t.down:
		by += " NULLS LAST"
	}
	return by
}

// beyond is the condition for rows that come after a value, which is at a parameter or null;
// "" where there can be none.
func (t term) beyond(parameter string, back bool) string {
	id := pgx.Identifier{t.name}.Sanitize()
	than := " > "
	if t.down != back {
		than = " < "
	}
	switch {
	case parameter == "" && back:
		return id + " IS NOT NULL"
	case parameter == "":
		return ""
	case back:
		return id + than + parameter
	}
	return "(" + id + than + parameter + " OR " + id + " IS NULL)"
}

// same is the condition for rows with the value.
func (t term) same(parameter string) string {
	id := pgx.Identifier{t.name}.Sanitize()
	if parameter == "" {
		return id + " IS NULL"
	}
	return id + " = " + parameter
}

// order are the columns by which rows are sorted: the one that was chosen, then what tells
// rows apart, so that pages are the same each time. ties are further ones that only sort what
// is the same in all of these.
func (b browsing) order() (order, ties []term) {
	if c, ok := b.rel.column(b.sort); ok {
		by := term{c, b.down}
		if made, ok := b.rel.column("seen_at"); ok && b.sort == "age" {
			by = term{made, !b.down} // an age grows from page to page, this stands still
		}
		order = append(order, by)
	}
	rest := b.rel.columns
	if b.rel.key != nil {
		rest = b.rel.key
	}
	for _, c := range rest {
		switch {
		case len(order) > 0 && c.name == order[0].name && b.sort != "":
		case c.kind == "json":
		case c.kind == "jsonb", c.kind == "interval", strings.HasSuffix(c.kind, "[]"):
			ties = append(ties, term{c, false})
		default:
			order = append(order, term{c, false})
		}
	}
	return order, ties
}

// place is a row at the end of a page, or at its beginning.
type place struct {
	// Number of the row, from 1.
	Number int `json:"n"`
	// Values of the row by the order, as text; nil is null. Fewer than there are terms where
	// all would be too long for an address.
	Values []*string `json:"v"`
	// Same is how many rows with these values are on the near side of the place. 0: the
	// values tell rows apart.
	Same int `json:"s,omitempty"`
}

// maxPlace is how long a place may be in an address.
const maxPlace = 3000

func (p place) String() string {
	written, err := json.Marshal(p)
	if err != nil {
		panic(err) // there are texts and numbers in it
	}
	return base64.RawURLEncoding.EncodeToString(written)
}

// placeOf reads what String wrote.
func placeOf(s string, terms int) (p place, err error) {
	written, err := base64.RawURLEncoding.DecodeString(s)
	if err == nil {
		err = json.Unmarshal(written, &p)
	}
	broken := err != nil || len(p.Values) > terms || p.Same < 0 || p.Number < 1 ||
		slices.ContainsFunc(p.Values, func(v *string) bool { return v != nil && !storable(*v) })
	if broken {
		return p, badRequest("This address of a page is broken.", "Begin at the first page: leave after and before out.")
	}
	return p, nil
}

// beyond completes a query with the condition for the rows behind the place.
func (b browsing) beyond(q *query) string {
	order, _ := b.order()
	order = order[:len(b.at.Values)]
	parameters := make([]string, len(order))
	for i, v := range b.at.Values {
		if v != nil {
			q.args = append(q.args, *v)
			parameters[i] = fmt.Sprintf("$%d::text::%s", len(q.args), order[i].kind)
		}
	}
	var alternatives, same []string
	add := func(condition string) {
		if condition != "" {
			alternatives = append(alternatives, strings.Join(append(slices.Clone(same), condition), " AND "))
		}
	}
	for i, t := range order {
		// The columns of a key are not null, and an index finds rows by all of them at once.
		if keys := order[i:]; b.at.Same == 0 && b.rel.key != nil && len(keys) <= len(b.rel.key) && !t.down &&
			!slices.Contains(parameters[i:], "") {
			add(rowComparison(keys, parameters[i:], b.back))
			break
		}
		add(t.beyond(parameters[i], b.back))
		same = append(same, t.same(parameters[i]))
	}
	if b.at.Same > 0 {
		add("true")
	}
	if len(alternatives) == 0 {
		return "false"
	}
	return "(" + strings.Join(alternatives, "\n    OR ") + ")"
}

func rowComparison(keys []term, parameters []string, back bool) string {
	var columns []string
	for _, t := range keys {
		columns = append(columns, pgx.Identifier{t.name}.Sanitize())
	}
	than := " > "
	if back {
		than = " < "
	}
	return "(" + strings.Join(columns, ", ") + ")" + than + "(" + strings.Join(parameters, ", ") + ")"
}

// place returns that of a row of a page, of its last one or of its first one.
func (b browsing) place(set *rowSet, row, number int) place {
	order, _ := b.order()
	p := place{Number: number, Values: b.valuesOf(set, row, len(order))}
	for len(p.Values) > 0 && len(p.String()) > maxPlace {
		p.Values = p.Values[:len(p.Values)-1]
	}
	if b.rel.key != nil && len(p.Values) == len(order) {
		return p
	}
	step := -1
	if row == 0 {
		step = 1
	}
	for i := row; i >= 0 && i < len(set.rows); i += step {
		if !slices.EqualFunc(b.valuesOf(set, i, len(p.Values)), p.Values, equalText) {
			return p
		}
		p.Same++
	}
	// All of the page is the same: so may be what is before it.
	if b.at != nil && (step > 0) == b.back && slices.EqualFunc(b.at.Values, p.Values, equalText) {
		p.Same += b.at.Same
	}
	return p
}

// values are the first n of a row by the order.
func (b browsing) valuesOf(set *rowSet, row, n int) (values []*string) {
	order, _ := b.order()
	for _, t := range order[:min(n, len(order))] {
		values = append(values, placeText(set.value(row, t.name)))
	}
	return values
}

func equalText(a, b *string) bool { return a == b || a != nil && b != nil && *a == *b }

// placeText is a value so that PostgreSQL reads it as it was; nil is null.
func placeText(v any) *string {
	switch v := v.(type) {
	case nil:
		return nil
	case pgtype.Interval:
		return new(fmt.Sprintf("%d months %d days %d microseconds", v.Months, v.Days, v.Microseconds))
	}
	return new(text(v))
}
