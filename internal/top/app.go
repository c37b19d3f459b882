package top

import (
	"slices"
	"strings"
	"time"
)

// opened is the state of an app that is open.
type opened struct {
	name string
	Detail
	read    bool // its objects and deploys are there
	deploys bool // its deploys are shown, not its objects
	at      [2]int
}

// with has other data shown, and the same lines selected.
func (o opened) with(d Detail) *opened {
	o.Detail, o.read = d, true
	o.at[0] = max(min(o.at[0], len(d.Objects)-1), 0)
	o.at[1] = max(min(o.at[1], len(d.Deploys)-1), 0)
	return &o
}

// tab is the number of what is shown.
func (o opened) tab() int {
	if o.deploys {
		return 1
	}
	return 0
}

// size is how many lines are shown.
func (o opened) size() int {
	if o.deploys {
		return len(o.Deploys)
	}
	return len(o.Objects)
}

// row are the cells of a line.
func (o opened) row(i int) []string {
	if o.deploys {
		number := strings.TrimPrefix(o.Deploys[i].ID, o.name+"-") // a long name leaves no room
		return append([]string{number}, o.Deploys[i].Cells[:]...)
	}
	cells := o.Objects[i].Cells
	cells[0] = strings.Repeat("  ", o.Objects[i].Depth) + cells[0]
	return cells[:]
}

// goal is the deploy to which a rollback goes: the selected one, if that can be; "" for the
// verb's choice.
func (o opened) goal() string {
	if o.deploys && o.at[1] < len(o.Deploys) && o.Deploys[o.at[1]].Applied {
		return o.Deploys[o.at[1]].ID
	}
	return ""
}

func (m Model) keyOfApp(key string) (Model, []Effect) {
	o := *m.open
	switch {
	case key == "esc" || key == "left" || key == "backspace":
		m.open = nil
		return m.readNow(false)
	case isMove(key):
		o.at[o.tab()] = max(min(moved(o.at[o.tab()], key, m.appBody()), o.size()-1), 0)
	case key == "tab" || key == "shift+tab":
		o.deploys = !o.deploys
	case key == "r":
		return m.readNow(true)
	case key == "enter" || key == "right":
		return m.enter(o)
	default:
		return m.keyOfErrand(key)
	}
	m.open = &o
	return m, nil
}

// enter opens what is selected: the logs of an object, or a deploy.
func (m Model) enter(o opened) (Model, []Effect) {
	at := o.at[o.tab()]
	switch {
	case at >= o.size():
	case o.deploys && o.Deploys[at].ID == o.Running:
		return m.start("logs", "-f", o.Running)
	case o.deploys:
		return m.start("show", o.Deploys[at].ID)
	case o.Objects[at].Logs == "":
		m.notice = "it prints nothing itself; the pods below objects do"
	default:
		return m.start("logs", "-f", "--", o.name, o.Objects[at].Logs)
	}
	return m, nil
}

// headsOf are the columns of objects, and of deploys.
var headsOf = [2][]string{
	{"OBJECT", "HEALTH", "AGE", ""},
	{"DEPLOY", "REVISION", "RESULT", "TOOK", "WHEN", "BY", "CHANGED"},
}

// appNotes are the lines that say what is wrong with the open app.
func (m Model) appNotes() []string {
	return m.few(slices.Concat([]string{m.open.Facts}, m.open.Notes, m.open.Partial), max(m.rows/5, 1))
}

// appBody is how many lines of objects or deploys are shown.
func (m Model) appBody() int {
	return max(m.rows-4-len(m.appNotes()), 1) // the title, the tabs, the heads, the keys
}

func (m Model) drawApp() []string {
	o := m.open
	title := []string{clean(o.name)}
	for _, cell := range o.Cells {
		if cell != "" {
			title = append(title, m.look.paint(cell, clean(cell)))
		}
	}
	lines := append([]string{m.title(strings.Join(title, "  "), "")}, m.appNotes()...)
	lines = append(lines, m.tabs())
	t := table{heads: headsOf[o.tab()], n: o.size(), row: o.row, at: o.at[o.tab()], room: m.appBody(), columns: m.columns, look: m.look}
	lines = append(lines, m.appTable(t)...)
	return append(padded(lines, m.rows-1), m.lastLine(m.appKeys()))
}

func (m Model) appTable(t table) []string {
	switch {
	case !m.open.read:
		return []string{"  reading ..."}
	case t.n == 0 && m.open.deploys:
		return []string{"  it has not been deployed yet"}
	case t.n == 0:
		return []string{"  it has no objects on its cluster"}
	}
	return t.draw()
}

func (m Model) appKeys() string {
	if m.open.deploys {
		return "enter show  tab objects  s sync  b roll back to it  ? keys  esc back  q end"
	}
	return "enter logs  tab deploys  d deploy  s sync  b roll back  ? keys  esc back  q end"
}

// tabs is the line that says what is shown, and what tab shows.
func (m Model) tabs() string {
	names := [2]string{"objects", "deploys"}
	for i, name := range names {
		if i == m.open.tab() {
			names[i] = m.look.bold("[" + name + "]")
		} else {
			names[i] = " " + name + " "
		}
	}
	right := ""
	if !m.open.deploys && !m.open.Read.IsZero() {
		right = "pods as of " + m.open.Read.UTC().Format(time.TimeOnly) + " UTC, r reads again"
	}
	return spread(names[0]+" "+names[1], right, m.columns)
}
