package top

import (
	"fmt"
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/pushboat/pushboat/internal/manifest"
)

// Limits of what is kept of a verb's output.
const (
	maxLines = 2000
	maxLine  = 4 << 10 // bytes
)

// text is the output of a verb on the screen.
type text struct {
	number  int
	title   string
	lines   []string
	skipped int // lines before those
	from    int // the first row that is shown, unless follow is set
	follow  bool
	ended   bool
	failed  bool
}

func newText(number int, title string) *text {
	return &text{number: number, title: title, follow: true}
}

// told takes what the verb that is shown says.
func (m Model) told(message any) Model {
	if m.text == nil {
		return m
	}
	t := *m.text
	switch msg := message.(type) {
	case Lines:
		if msg.Number != t.number {
			return m
		}
		t.skipped += msg.Skipped
		t.lines = append(slices.Clip(t.lines), msg.Lines...)
		if more := len(t.lines) - maxLines; more > 0 {
			t.lines, t.skipped = t.lines[more:], t.skipped+more
		}
	case Ended:
		if msg.Number != t.number {
			return m
		}
		t.ended, t.failed = true, msg.Failed
	}
	m.text = &t
	return m
}

func (m Model) keyOfText(key string) (Model, []Effect) {
	t := *m.text
	switch {
	case key == "esc" || key == "left" || key == "backspace":
		m.text = nil
		m, effects := m.uncovered()
		return m, append([]Effect{Stop{}}, effects...)
	case isMove(key):
		last := max(len(m.textRows())-m.textRoom(), 0)
		if t.follow {
			t.from = last
		}
		t.from = max(min(moved(t.from, key, m.textRoom()), last), 0)
		t.follow = key == "end" || key == "G"
		m.text = &t
	}
	return m, nil
}

// textRoom is how many rows of the output are shown.
func (m Model) textRoom() int { return max(m.rows-2, 1) }

// textRows are the rows of the output: its lines, broken at the width of the screen.
func (m Model) textRows() []string {
	var rows []string
	if m.text.skipped > 0 {
		rows = append(rows, fmt.Sprintf("... %s before these are not kept", manifest.Plural(m.text.skipped, "line")))
	}
	for _, line := range m.text.lines {
		rows = append(rows, m.broken(line)...)
	}
	return rows
}

// broken is a line of output as rows, cleaned and coloured.
func (m Model) broken(line string) []string {
	if len(line) > maxLine {
		line = strings.ToValidUTF8(line[:maxLine], "") + " ..."
	}
	rows := strings.Split(ansi.Wrap(clean(line), m.columns, ""), "\n")
	if m.look.Line != nil {
		rows[0] = m.look.Line(rows[0])
	}
	return rows
}

func (m Model) drawText() []string {
	t := m.text
	state := "live"
	switch {
	case t.failed:
		state = "failed"
	case t.ended:
		state = "ended"
	}
	rows := m.textRows()
	last := max(len(rows)-m.textRoom(), 0)
	from := min(t.from, last)
	if t.follow {
		from = last
	}
	shown := rows[from:min(from+m.textRoom(), len(rows))]
	if len(rows) == 0 && !t.ended {
		shown = []string{"waiting for the first line ..."}
	}
	lines := append([]string{m.title(clean(m.look.Fill(t.title)), state)}, shown...)
	keys := "up down  space pages on  end follows  ? keys  esc back  q end"
	if below := len(rows) - from - m.textRoom(); below > 0 {
		keys = manifest.Plural(below, "line") + " below  " + keys
	}
	return append(padded(lines, m.rows-1), m.lastLine(keys))
}
