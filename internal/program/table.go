package program

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/term"
)

// WideFlag asks for all columns of a table, to be embedded in commands with a table
// that has more of them than a terminal of 80 columns shows.
type WideFlag struct {
	Wide bool `help:"Show all columns of the tables."`
}

// defaultWidth is assumed of a terminal that does not know its width.
const defaultWidth = 80

// Terminal returns the terminal that w writes to, nil if it is none. w may be an
// output of the [Program] that Run gave to a command.
func Terminal(w io.Writer) *os.File {
	switch unwrapped := w.(type) {
	case *resultWriter:
		return Terminal(unwrapped.w)
	case *console:
		return Terminal(unwrapped.w)
	case *frame:
		return unwrapped.terminal
	case *os.File:
		if term.IsTerminal(int(unwrapped.Fd())) {
			return unwrapped
		}
	}
	return nil
}

// Width returns how many characters a line of w may have: the variable COLUMNS if
// it is a number, else the width of the terminal, and 0, without limit, for what
// is no terminal.
func Width(w io.Writer) int {
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		return n
	}
	terminal := Terminal(w)
	if terminal == nil {
		return 0
	}
	if n, _, err := term.GetSize(int(terminal.Fd())); err == nil && n > 0 {
		return n
	}
	return defaultWidth
}

// Wrap breaks text between words, and longer words too, into lines that fit into
// the [Width] of w; lines after the first begin with indent.
func Wrap(w io.Writer, s, indent string) string {
	width := Width(w)
	if width == 0 || text.StringWidth(s) <= width {
		return s
	}
	return strings.ReplaceAll(wrap(s, max(width-len(indent), minCell)), "\n", "\n"+indent)
}

// wrap breaks each line of s for itself.
func wrap(s string, width int) string {
	var lines []string
	for line := range strings.SplitSeq(s, "\n") {
		for part := range strings.SplitSeq(text.WrapSoft(line, width), "\n") {
			lines = append(lines, strings.TrimRight(part, " "))
		}
	}
	return strings.Join(lines, "\n")
}

// Table is a table for people. Render writes it, at most as wide as the [Width] of
// its writer: cells that are too long are wrapped.
type Table struct {
	table.Writer
	width  int
	header table.Row
	rows   []table.Row // with the footer
	whole  map[int]bool
	align  map[int]text.Align
	hidden int
}

// NewTable returns an empty table that Render writes to w.
func NewTable(w io.Writer, header ...any) *Table {
	t := &Table{Writer: table.NewWriter(), width: Width(w), header: header, whole: map[int]bool{},
		align: map[int]text.Align{}}
	t.SetOutputMirror(w)
	t.SetStyle(table.StyleLight)
	t.AppendHeader(header)
	return t
}

// AppendRow adds a row.
func (t *Table) AppendRow(row table.Row, config ...table.RowConfig) {
	t.rows = append(t.rows, row)
	t.Writer.AppendRow(row, config...)
}

// AppendRows adds rows.
func (t *Table) AppendRows(rows []table.Row, config ...table.RowConfig) {
	for _, row := range rows {
		t.AppendRow(row, config...)
	}
}

// AppendFooter adds a row below the others.
func (t *Table) AppendFooter(row table.Row, config ...table.RowConfig) {
	t.rows = append(t.rows, row)
	t.Writer.AppendFooter(row, config...)
}

// Whole says that cells of a column, counted from 0, are not broken into lines.
func (t *Table) Whole(column int) { t.whole[column] = true }

// Right says that cells of a column, counted from 0, stand at the right. Those that are
// numbers do so anyway.
func (t *Table) Right(column int) { t.align[column] = text.AlignRight }

// HideToFit hides columns from the last one on, but not the first keep ones, until
// the others fit without being wrapped, and returns how many it hid. It is called
// after all rows are there.
func (t *Table) HideToFit(keep int) int {
	natural, _, _ := t.widths()
	return t.hide(keep, natural)
}

// maxWord is how much of a word HideToWrap has room for: longer ones are broken.
const maxWord = 20

// HideToWrap is like HideToFit, but the columns that it leaves may be wrapped between words.
func (t *Table) HideToWrap(keep int) int {
	_, words, least := t.widths()
	for i := range words {
		words[i] = max(min(words[i], maxWord), least[i])
	}
	return t.hide(keep, words)
}

func (t *Table) hide(keep int, widths []int) int {
	for t.width > 0 && len(widths)-t.hidden > max(keep, 1) && lineWidth(widths[:len(widths)-t.hidden]) > t.width {
		t.hidden++
	}
	return t.hidden
}

// Render writes the table, and returns it.
func (t *Table) Render() string {
	natural, words, least := t.widths()
	widths := natural[:len(natural)-t.hidden]
	if t.width > 0 {
		shrink(widths, words, least, t.width)
	}
	var configs []table.ColumnConfig
	for i := range natural {
		c := table.ColumnConfig{Number: i + 1, Hidden: i >= len(widths), Align: t.align[i], AlignHeader: t.align[i]}
		if !c.Hidden {
			c.WidthMax, c.WidthMaxEnforcer = widths[i], wrap
		}
		configs = append(configs, c)
	}
	t.SetColumnConfigs(configs)
	return t.Writer.Render()
}

const (
	// minCell is the width to which a longer word may be broken.
	minCell = 8
	// cellBorder is what a column takes besides its text: a line and two spaces.
	cellBorder = 3
)

func lineWidth(columns []int) int {
	n := 1
	for _, width := range columns {
		n += width + cellBorder
	}
	return n
}

// widths returns, for each column, how wide its longest line and its longest word
// are, and how narrow it may become: numbers and what is whole are not broken.
func (t *Table) widths() (natural, words, least []int) {
	natural, words, least = make([]int, len(t.header)), make([]int, len(t.header)), make([]int, len(t.header))
	for k, row := range append([]table.Row{t.header}, t.rows...) {
		for i, cell := range row[:min(len(row), len(natural))] {
			s := fmt.Sprint(cell)
			n := text.LongestLineLen(s)
			natural[i] = max(natural[i], n)
			if t.whole[i] && k > 0 {
				words[i], least[i] = max(words[i], n), max(least[i], n)
			}
			for word := range strings.FieldsSeq(s) {
				n := text.StringWidthWithoutEscSequences(word)
				words[i] = max(words[i], n)
				if !isInteger(cell) {
					n = min(n, minCell)
				}
				least[i] = max(least[i], n)
			}
		}
	}
	return natural, words, least
}

func isInteger(v any) bool {
	switch v.(type) {
	case int, int32, int64, uint64:
		return true
	}
	return false
}

// shrink makes columns narrower until a line of them fits into width: the widest
// first, to their longest words, and if that is not enough to the least.
func shrink(columns, words, least []int, width int) {
	for _, floor := range [][]int{words, least} {
		for lineWidth(columns) > width {
			widest := -1
			for i := range columns {
				if columns[i] > floor[i] && (widest < 0 || columns[i] > columns[widest]) {
					widest = i
				}
			}
			if widest < 0 {
				break
			}
			columns[widest]--
		}
	}
}
