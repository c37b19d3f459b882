package command

import (
	"io"
	"strings"
	"unicode"

	"golang.org/x/text/width"

	"github.com/pushboat/pushboat/internal/manifest"
)

// columns is a table for people: cells are aligned as displayed, including wide
// characters, and notes between the rows do not affect them. On a terminal, no line is
// wider than the terminal.
type columns struct {
	heads []string
	lines []columnsLine
	to    io.Writer
	width int                             // of the terminal; 0: none
	paint func(cell, shown string) string // colours the visible part of a cell; nil: it has no colour
}

// columnsLine is a row, or a note if it has no cells.
type columnsLine struct {
	cells []string
	note  string
}

// gap is the space between two columns.
const gap = 3

// row adds a row. Cells have one line each.
func (t *columns) row(cells ...string) {
	for i := range cells {
		cells[i] = manifest.Clean(cells[i])
	}
	t.lines = append(t.lines, columnsLine{cells: cells})
}

// note adds indented lines below the last row.
func (t *columns) note(text string) {
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		t.lines = append(t.lines, columnsLine{note: manifest.Clean(line)})
	}
}

func (t *columns) print() {
	rows := append([]columnsLine{{cells: t.heads}}, t.lines...)
	widths := t.widths(rows)
	var out strings.Builder
	for i, line := range rows {
		if line.cells == nil {
			for _, part := range wrap(line.note, t.width-2) {
				out.WriteString("  " + part + "\n")
			}
			continue
		}
		out.WriteString(t.line(line.cells, widths, i == 0))
	}
	_, _ = io.WriteString(t.to, out.String()) // the session notices a writer that is gone
}

func (t *columns) line(cells []string, widths []int, head bool) string {
	var text strings.Builder
	for i, cell := range cells {
		shown := clip(cell, widths[i])
		space := strings.Repeat(" ", widths[i]-cellWidth(shown)+gap)
		if t.paint != nil && !head {
			shown = t.paint(cell, shown)
		}
		text.WriteString(shown)
		if strings.Join(cells[i+1:], "") == "" {
			break
		}
		text.WriteString(space)
	}
	return text.String() + "\n"
}

// leastColumn is the minimum width to which a column shrinks.
const leastColumn = 12

// widths returns the widths of the columns: those of their widest cells, or less if the
// terminal is too narrow. The widest column shrinks first.
func (t *columns) widths(rows []columnsLine) []int {
	widths := make([]int, len(t.heads))
	total := 0
	for _, line := range rows {
		for i, cell := range line.cells {
			widths[i] = max(widths[i], cellWidth(cell))
		}
	}
	for _, n := range widths {
		total += n
	}
	total += gap * (len(widths) - 1)
	for t.width > 0 && total > t.width {
		widest := 0
		for i := range widths {
			if widths[i] > widths[widest] {
				widest = i
			}
		}
		if widths[widest] <= leastColumn {
			break
		}
		widths[widest]--
		total--
	}
	return widths
}

// clip cuts a text that is wider than a column, and marks the cut.
func clip(text string, limit int) string {
	if cellWidth(text) <= limit {
		return text
	}
	n := 0
	for i, r := range text {
		if n += runeWidth(r); n > limit-1 {
			return text[:i] + "…"
		}
	}
	return text
}

// wrap breaks a line at blanks, so that no part is wider than limit, if possible; 0 or
// less means no limit. Parts after the first are indented.
func wrap(text string, limit int) []string {
	indent := text[:len(text)-len(strings.TrimLeft(text, " "))]
	var parts []string
	for limit > len(indent)+leastColumn && cellWidth(text) > limit {
		at, n := 0, 0
		for i, r := range text {
			if r == ' ' && i > len(indent)+2 && n <= limit {
				at = i
			}
			n += runeWidth(r)
		}
		if at == 0 {
			break
		}
		parts = append(parts, strings.TrimRight(text[:at], " "))
		text = indent + "  " + strings.TrimLeft(text[at:], " ")
	}
	return append(parts, text)
}

// cellWidth returns the number of terminal cells of a text.
func cellWidth(text string) int {
	n := 0
	for _, r := range text {
		n += runeWidth(r)
	}
	return n
}

// runeWidth returns 2 for the wide characters of East Asia and emoji (UAX 11), and 0
// for combining marks.
func runeWidth(r rune) int {
	if r < 0x300 {
		return 1
	}
	if unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf) {
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// newTable starts a table on a page, or on any other writer. On a page, words for a
// state are coloured.
func newTable(w io.Writer, heads ...string) *columns {
	t := &columns{heads: heads, to: w}
	on, _ := w.(page)
	t.width = on.width
	if on.colour {
		t.paint = func(cell, shown string) string { return painted(colourOf(strings.TrimSpace(cell)), shown) }
	}
	return t
}
