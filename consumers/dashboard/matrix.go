package dashboard

import (
	"cmp"
	"fmt"
	"math"
)

// matrixView is a matrix for its template.
type matrixView struct {
	Top  []cell
	Rows []matrixRow
	// Dense says that there are so many columns that the names at the side are cut.
	Dense bool
}

type matrixRow struct {
	Side  cell
	Cells []matrixCell
}

// matrixCell is where a row and a column meet. The zero value says that there is nothing.
type matrixCell struct {
	Text, Title, Class, Href string
	// Short is the text where the title says it more exactly.
	Short string
}

// matrix reads the columns of a side, a top, and what is where they meet; null is nothing.
func (s shower) matrix(set *rowSet, link func(int) string) (m matrixView) {
	at, row, column, highest := [2]map[string]int{{}, {}}, make([]int, len(set.rows)), make([]int, len(set.rows)), 0.0
	for i, values := range set.rows {
		for k, places := range [][]int{row, column} {
			name := text(values[k])
			n, known := at[k][name]
			if !known {
				n = len(at[k])
				at[k][name] = n
				named := s.show(set.columns[k], values[k])
				if named.Title == "" { // the number of an account
					named.Title = named.Small
				}
				if k == 0 {
					m.Rows = append(m.Rows, matrixRow{Side: named})
				} else {
					m.Top = append(m.Top, named)
				}
			}
			places[i] = n
		}
		if f := number(values[2]); f > highest {
			highest = f
		}
	}
	for i := range m.Rows {
		m.Rows[i].Cells = make([]matrixCell, len(m.Top))
	}
	for i, values := range set.rows {
		if values[2] == nil {
			continue
		}
		c := meeting(values[2], highest)
		c.Href = link(i)
		c.Title = cmp.Or(m.Rows[row[i]].Side.Text, "–") + ", " + m.Top[column[i]].Text + ": " + c.Title
		m.Rows[row[i]].Cells[column[i]] = c
	}
	m.Dense = len(m.Top) > 30
	return m
}

// signs say without a colour what a word of a tone says.
var signs = map[string]string{"good": "✓", "medium": "~", "high": "!", "critical": "!!"}

// meeting shows a word or a number of a matrix; highest is the highest number in it.
func meeting(v any, highest float64) matrixCell {
	f := number(v)
	if math.IsNaN(f) {
		word := text(v)
		return matrixCell{Text: cmp.Or(signs[tone(word)], "·"), Title: cmp.Or(word, "not known"), Class: tone(word)}
	}
	c := matrixCell{Text: short(f), Title: grouped(f), Class: "n0"}
	if c.Text != c.Title {
		c.Short = c.Text
	}
	if f > 0 {
		c.Class = fmt.Sprintf("n%d", 1+int(3*min(math.Log1p(f)/math.Log1p(highest), 1)))
	}
	return c
}
