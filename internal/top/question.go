package top

import (
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/pushboat/pushboat/internal/manifest"
)

// planRows are the rows of the plan of the question.
func (m Model) planRows() []string {
	var rows []string
	for _, line := range m.ask.Plan {
		rows = append(rows, m.broken(line)...)
	}
	return rows
}

// saysRows are the rows of what the errand will do.
func (m Model) saysRows() []string {
	if m.ask.Says == "" {
		return nil
	}
	return append(strings.Split(ansi.Wrap(clean(m.ask.Says), m.columns, ""), "\n"), "")
}

// planRoom is how many rows of the plan are shown.
func (m Model) planRoom() int {
	return max(m.rows-4-len(m.saysRows()), 1) // title, blank, blank, keys
}

func (m Model) drawQuestion() []string {
	q := m.ask
	if !q.ready {
		return append(padded([]string{m.title(q.Verb+" "+clean(q.App), ""), "", "reading what it would do ..."}, m.rows-1), "esc back")
	}
	lines := append([]string{m.title(clean(q.Title), clean(q.Typed)), ""}, m.saysRows()...)
	rows := m.planRows()
	from := max(min(q.from, len(rows)-m.planRoom()), 0)
	lines = append(lines, rows[from:min(from+m.planRoom(), len(rows))]...)
	last := "y does it    any other key leaves everything as it is"
	switch {
	case q.doing:
		last = "it is being done ..."
	case q.Refused:
		last = "it cannot be done, and nothing was changed    any key goes back"
	}
	if more := len(rows) - from - m.planRoom(); more > 0 && !q.doing {
		last = manifest.Plural(more, "line") + " below    " + last
	}
	return append(padded(lines, m.rows-1), m.look.bold(last))
}

// drawHelp explains the keys.
func (m Model) drawHelp() []string {
	lines := []string{
		m.title("Keys", "any key goes back"),
		"",
		"  up k, down j       a line            enter  open what is selected",
		"  space, page keys   a page            esc    back; in the list, drop the filter",
		"  g home, G end      first, last       tab    objects or deploys of an app",
		"  q, Ctrl-C          end               r      read again",
		"",
		"  /   filter the list: apps that have all the words somewhere in their lines",
		"  o   order the list: what is wrong first, by name, newest deploy first",
		"",
		"  d   the app's running deploy, or else its newest one",
		"  l   the output of its pods; enter on a pod: of that one",
		"",
		"  s   sync: deploy the newest revision, or deploy it again",
		"  b   roll back: to the deploy before, or the one that is selected",
		"  c   check: compare with the cluster now",
		"  u   resume an app that is suspended",
		"  x   end the wait of its running deploy",
		"",
		"  These five ask first, and say what will happen; y does it. They are the",
		"  verbs of the same names, with your rights, and are audited like them.",
	}
	return lines
}
