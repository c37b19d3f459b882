package top

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/pushboat/pushboat/internal/manifest"
)

// Control sequences for styles (ECMA-48).
const (
	boldText = "\x1b[1m"
	reverse  = "\x1b[7m"
	plain    = "\x1b[0m"
)

// The least size of a screen that can be used.
const (
	leastColumns = 40
	leastRows    = 8
)

// View draws the screen: as many lines as it has rows, none wider than it is.
func (m Model) View() string {
	var lines []string
	switch {
	case m.columns < leastColumns || m.rows < leastRows:
		lines = []string{fmt.Sprintf("too small: %d x %d", m.columns, m.rows), "80 x 24 is good", "q ends"}
	case m.help:
		lines = m.drawHelp()
	case m.ask != nil:
		lines = m.drawQuestion()
	case m.text != nil:
		lines = m.drawText()
	case m.open != nil:
		lines = m.drawApp()
	default:
		lines = m.drawList()
	}
	lines = padded(lines, m.rows)[:m.rows]
	for i, line := range lines {
		lines[i] = ansi.Truncate(line, m.columns, "…")
	}
	return strings.Join(lines, "\n")
}

// clean makes a text fit for one line of the screen.
func clean(text string) string { return manifest.Clean(text) }

// padded fills lines up to a number.
func padded(lines []string, n int) []string {
	for len(lines) < n {
		lines = append(lines, "")
	}
	return lines
}

// spread writes one text at the left, and one at the right if there is room.
func spread(left, right string, columns int) string {
	space := columns - ansi.StringWidth(left) - ansi.StringWidth(right)
	if space < 2 || right == "" {
		return left
	}
	return left + strings.Repeat(" ", space) + right
}

// rule is a line across the screen with a name in it.
func rule(name string, columns int) string {
	text := ""
	if name != "" {
		text = "── " + name + " "
	}
	return text + strings.Repeat("─", max(columns-ansi.StringWidth(text), 0))
}

// title is the first line of the screen.
func (m Model) title(left, right string) string {
	return m.look.bold(spread(left, right, m.columns))
}

// lastLine is the last line of the screen: a notice, the filter, or the keys.
func (m Model) lastLine(keys string) string {
	switch {
	case m.notice != "":
		return m.look.bold(clean(m.notice))
	case m.list.typing && m.open == nil && m.text == nil:
		return "filter: " + clean(m.list.filter) + "_   enter keeps it, esc drops it"
	}
	return keys
}

// few breaks lines at the width of the screen, and drops those for which there is no room.
func (m Model) few(lines []string, room int) []string {
	var rows []string
	for _, line := range lines {
		for i, row := range strings.Split(ansi.Wrap(clean(line), max(m.columns-4, 1), ""), "\n") {
			if i > 0 {
				row = "  " + row
			}
			rows = append(rows, "  "+row)
		}
	}
	if len(rows) > room && room > 0 {
		rows = append(rows[:room-1], fmt.Sprintf("  ... and %s more", manifest.Plural(len(rows)-room+1, "line")))
	}
	return rows
}

// host is the server, as the user calls it.
func (l Look) host() string {
	return clean(strings.Trim(strings.TrimPrefix(l.Fill("ssh://HOST/"), "ssh://"), "/"))
}

func (l Look) bold(text string) string {
	if l.Colour == nil {
		return text
	}
	return boldText + text + plain
}

// paint colours a text by the word that it shows.
func (l Look) paint(word, text string) string {
	if l.Colour == nil {
		return text
	}
	if colour := l.Colour(strings.TrimSpace(word)); colour != "" {
		return colour + text + plain
	}
	return text
}

// table is a table of which some lines are shown, with one selected.
type table struct {
	heads   []string
	n       int                  // how many lines there are
	row     func(i int) []string // the cells of a line
	at      int                  // the selected line
	room    int                  // how many lines are shown
	columns int
	look    Look
}

// between is the space between two columns.
const between = 2

// draw draws the heads and the lines around the selected one.
func (t table) draw() []string {
	from := max(min(t.at-t.room/2, t.n-t.room), 0)
	to := min(from+t.room, t.n)
	widths := t.widths(from, to)
	lines := []string{"  " + t.line(t.heads, widths, false)}
	for i := from; i < to; i++ {
		if i != t.at {
			lines = append(lines, "  "+t.line(t.row(i), widths, true))
			continue
		}
		line := "> " + t.line(t.row(i), widths, false)
		if t.look.Colour != nil {
			line = reverse + line + strings.Repeat(" ", max(t.columns-ansi.StringWidth(line), 0)) + plain
		}
		lines = append(lines, line)
	}
	return lines
}

func (t table) line(cells []string, widths []int, coloured bool) string {
	var line strings.Builder
	for i, cell := range cells {
		text := clean(cell)
		if ansi.StringWidth(text) > widths[i] {
			text = ansi.Truncate(text, widths[i], "…")
		}
		space := strings.Repeat(" ", max(widths[i]-ansi.StringWidth(text), 0)+between)
		if coloured {
			text = t.look.paint(cell, text)
		}
		line.WriteString(text + space)
	}
	return strings.TrimRight(line.String(), " ")
}

// leastColumn is the width below which a column does not shrink.
const leastColumn = 10

// measured is up to how many lines all are measured, so that columns stay where they are while
// somebody scrolls; of more, those that are shown.
const measured = 300

// widths are the widths of the columns: of their widest cells, less where the screen is too
// narrow. The widest shrinks first.
func (t table) widths(from, to int) []int {
	if t.n <= measured {
		from, to = 0, t.n
	}
	widths := make([]int, len(t.heads))
	for i, head := range t.heads {
		widths[i] = ansi.StringWidth(head)
	}
	for line := from; line < to; line++ {
		for i, cell := range t.row(line) {
			widths[i] = max(widths[i], ansi.StringWidth(clean(cell)))
		}
	}
	total := 2 + between*(len(widths)-1)
	for _, width := range widths {
		total += width
	}
	for ; total > t.columns; total-- {
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
	}
	return widths
}
