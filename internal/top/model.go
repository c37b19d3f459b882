package top

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

const (
	// rest is the least time between two looks: a rollout has many events in a second.
	rest = 500 * time.Millisecond
	// age is after how long the times on the screen are counted again.
	age = 30 * time.Second
)

// Model is what the screen shows. The zero value is not ready; use New. Update returns
// another one, and leaves the old one as it was but for memory that they share.
type Model struct {
	look          Look
	columns, rows int

	apps   []App // all, in order
	loaded bool
	list   list
	open   *opened // the app that is open; nil: the list is shown
	text   *text   // over them, the output of a verb; nil for none
	ask    *asking // over them, a question; nil for none
	help   bool    // over everything
	notice string  // a line that stays until the next key

	reading, resting, moved bool
	started                 int // verbs whose lines were shown
}

// asking is a question on the screen.
type asking struct {
	Question
	ready bool // it was read
	doing bool // the answer was yes
	from  int  // the first line that is shown
}

// New makes the model of a screen of a size, which shows that it reads. Its first effects
// read the apps.
func New(look Look, size Size) (Model, []Effect) {
	m := Model{look: look, columns: size.Columns, rows: size.Rows, reading: true}
	return m, []Effect{ReadApps{}, Age{age}}
}

// Update answers a message.
func (m Model) Update(message any) (Model, []Effect) {
	switch msg := message.(type) {
	case Size:
		m.columns, m.rows = msg.Columns, msg.Rows
		return m, nil
	case Key:
		return m.key(string(msg))
	case Paste:
		return m.paste(string(msg)), nil
	case Moved:
		return m.read()
	case Aged:
		m, effects := m.read()
		return m, append(effects, Age{age})
	case Rested:
		m.resting = false
		if m.moved {
			return m.read()
		}
		return m, nil
	case AppsRead, AppRead:
		return m.wasRead(msg)
	case Asked:
		return m.asked(msg.Question), nil
	case Lines, Ended:
		return m.told(msg), nil
	case Done:
		return m.done(msg)
	}
	return m, nil
}

// read looks again, at what is shown. It waits while a look is under way or has just been,
// and while something else covers it.
func (m Model) read() (Model, []Effect) {
	if m.reading || m.resting || m.text != nil || m.ask != nil {
		m.moved = true
		return m, nil
	}
	return m.readNow(false)
}

func (m Model) readNow(fresh bool) (Model, []Effect) {
	m.moved, m.reading = false, true
	if m.open != nil {
		return m, []Effect{ReadApp{Name: m.open.name, Fresh: fresh}}
	}
	return m, []Effect{ReadApps{}}
}

// uncovered looks again when nothing covers the list or the app any more.
func (m Model) uncovered() (Model, []Effect) {
	if m.text != nil || m.ask != nil || m.reading {
		return m, nil
	}
	return m.readNow(false)
}

// wasRead takes what was read, and rests.
func (m Model) wasRead(message any) (Model, []Effect) {
	m.reading, m.resting = false, true
	effects := []Effect{Rest{rest}}
	switch msg := message.(type) {
	case AppsRead:
		m.apps, m.loaded = slices.Clone(msg.Apps), true
		m = m.sorted()
	case AppRead:
		switch {
		case m.open == nil || m.open.name != msg.Name: // it is for what was open before
		case !msg.OK:
			m.open, m.notice = nil, "app "+msg.Name+" is not there any more, or you may not see it"
		default:
			m.open = m.open.with(msg.Detail)
		}
	}
	return m, effects
}

// sorted puts the apps in order. The same app stays selected.
func (m Model) sorted() Model {
	slices.SortStableFunc(m.apps, m.list.order.compare)
	m.list = m.list.among(m.found())
	return m
}

// order is what comes first in the list.
type order int

const (
	wrongFirst order = iota
	byName
	newestFirst
	orders // how many there are
)

func (o order) String() string {
	return [...]string{"wrong first", "by name", "newest first"}[o]
}

func (o order) compare(a, b App) int {
	switch o {
	case wrongFirst:
		return cmp.Or(cmp.Compare(a.Urgency, b.Urgency), cmp.Compare(a.Name, b.Name))
	case newestFirst:
		return cmp.Or(b.When.Compare(a.When), cmp.Compare(a.Name, b.Name))
	}
	return cmp.Compare(a.Name, b.Name)
}

// found lists the apps that pass the filter: all its words are somewhere in them.
func (m Model) found() []App {
	words := strings.Fields(strings.ToLower(m.list.filter))
	if len(words) == 0 {
		return m.apps
	}
	var found []App
	for _, app := range m.apps {
		text := strings.ToLower(app.Name + " " + strings.Join(app.Cells[:], " ") + " " + app.Words)
		if !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(text, word) }) {
			found = append(found, app)
		}
	}
	return found
}

// app is the app that keys are about; ok is false if there is none.
func (m Model) app() (app App, ok bool) {
	if m.open != nil {
		return m.open.App, true
	}
	found := m.found()
	if m.list.at < len(found) {
		return found[m.list.at], true
	}
	return App{}, false
}
