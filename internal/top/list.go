package top

import (
	"fmt"
	"slices"

	"github.com/pushboat/pushboat/internal/manifest"
)

// list is the state of the list of apps.
type list struct {
	order  order
	filter string
	typing bool   // the filter is being typed
	at     int    // the selected line
	name   string // the selected app
}

// among has the same app selected in another list, or the line where it was.
func (l list) among(apps []App) list {
	if i := slices.IndexFunc(apps, func(app App) bool { return app.Name == l.name }); i >= 0 && l.name != "" {
		l.at = i
	}
	l.at = max(min(l.at, len(apps)-1), 0)
	return l
}

// move answers a key that moves, in a list of n lines of which page are shown.
func (l list) move(key string, n, page int) list {
	l.at = max(min(moved(l.at, key, page), n-1), 0)
	l.name = ""
	return l
}

func (m Model) keyOfList(key string) (Model, []Effect) {
	found := m.found()
	switch {
	case isMove(key):
		m.list = m.list.move(key, len(found), m.body())
	case key == "/":
		m.list.typing = true
	case key == "esc":
		m.list.filter = ""
		m.list = m.list.among(m.found())
	case key == "o":
		m.list.order = (m.list.order + 1) % orders
		m.list.name = ""
		m.list.at = 0
		return m.sorted(), nil
	case key == "r":
		return m.read()
	case key == "enter" || key == "right":
		if app, ok := m.app(); ok {
			m.list.name = app.Name
			m.open = &opened{name: app.Name, Detail: Detail{App: app}}
			return m.readNow(false)
		}
	default:
		return m.keyOfErrand(key)
	}
	if app, ok := m.app(); ok {
		m.list.name = app.Name
	}
	return m, nil
}

// heads are the columns of the list.
var heads = []string{"APP", "REVISION", "SYNC", "HEALTH", "DEPLOYED", "DRIFT"}

// notesRoom is how many lines below the list say what is wrong with the selected app.
func (m Model) notesRoom() int {
	switch {
	case m.rows >= 20:
		return 5
	case m.rows >= 14:
		return 3
	}
	return 0
}

// body is how many lines of apps are shown.
func (m Model) body() int {
	fixed := 3 // the title, the heads, the keys
	if notes := m.notesRoom(); notes > 0 {
		fixed += notes + 1
	}
	return max(m.rows-fixed, 1)
}

func (m Model) drawList() []string {
	found := m.found()
	row := func(i int) []string { return append([]string{found[i].Name}, found[i].Cells[:]...) }
	t := table{heads: heads, n: len(found), row: row, at: m.list.at, room: m.body(), columns: m.columns, look: m.look}
	lines := append([]string{m.title(m.counts(len(found)), m.list.order.String())}, t.draw()...)
	if len(found) == 0 {
		lines = append(lines[:1], m.none()...)
	}
	lines = padded(lines, 2+m.body())
	if m.notesRoom() > 0 {
		lines = append(lines, m.notes()...)
	}
	return append(lines, m.lastLine("/ filter  enter open  d deploy  l logs  s sync  b roll back  ? keys  q end"))
}

// none says why the list is empty.
func (m Model) none() []string {
	switch {
	case !m.loaded:
		return []string{"", "  reading ..."}
	case m.list.filter != "":
		return []string{"", "  no app has " + clean(m.list.filter) + "   (esc drops the filter)"}
	}
	return []string{"", "  No apps yet. Push a repository to deploy one:", "  " + clean(m.look.Fill("git push ssh://HOST/NAME main"))}
}

// counts is the line that sums the apps up.
func (m Model) counts(found int) string {
	if !m.loaded {
		return m.look.host()
	}
	wrong, running := 0, 0
	for _, app := range m.apps {
		if app.Urgency == 0 {
			wrong++
		}
		if app.Running != "" {
			running++
		}
	}
	text := fmt.Sprintf("%s: %s", m.look.host(), manifest.Plural(len(m.apps), "app"))
	if wrong > 0 {
		text += fmt.Sprintf(", %d in trouble", wrong)
	}
	if running > 0 {
		text += fmt.Sprintf(", %d deploying", running)
	}
	if m.list.filter != "" {
		text += fmt.Sprintf("; %d with %s", found, clean(m.list.filter))
	}
	return text
}

// notes are the lines below the list, about the selected app.
func (m Model) notes() []string {
	app, ok := m.app()
	if !ok {
		return padded([]string{rule("", m.columns)}, m.notesRoom()+1)
	}
	lines := []string{rule(clean(app.Name), m.columns)}
	return padded(append(lines, m.few(append(slices.Clone(app.Notes), app.Facts), m.notesRoom())...), m.notesRoom()+1)
}
