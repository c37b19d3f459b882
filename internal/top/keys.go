package top

import (
	"strings"

	"github.com/pushboat/pushboat/internal/manifest"
)

// key answers a key.
func (m Model) key(key string) (Model, []Effect) {
	m.notice = ""
	switch {
	case key == "ctrl+c":
		return m, []Effect{Quit{}}
	case m.help:
		m.help = false
		return m, nil
	case m.ask != nil:
		return m.keyOfQuestion(key)
	case m.list.typing:
		return m.keyOfFilter(key), nil
	}
	switch key {
	case "?":
		m.help = true
		return m, nil
	case "q":
		return m, []Effect{Quit{}}
	}
	switch {
	case m.text != nil:
		return m.keyOfText(key)
	case m.open != nil:
		return m.keyOfApp(key)
	}
	return m.keyOfList(key)
}

// errands are the keys that ask for verbs.
var errands = map[string]string{"s": "sync", "b": "rollback", "c": "check", "u": "resume", "x": "cancel"}

// keyOfErrand answers the keys that are about an app, wherever it is selected.
func (m Model) keyOfErrand(key string) (Model, []Effect) {
	app, ok := m.app()
	if !ok {
		return m, nil
	}
	if verb := errands[key]; verb != "" {
		to := ""
		if verb == "rollback" && m.open != nil {
			to = m.open.goal()
		}
		m.ask = &asking{Question: Question{Verb: verb, App: app.Name}}
		return m, []Effect{Ask{Verb: verb, App: app.Name, To: to}}
	}
	switch key {
	case "d":
		if app.Running != "" {
			return m.start("logs", "-f", app.Running)
		}
		if app.Newest != "" {
			return m.start("show", app.Newest)
		}
		m.notice = "app " + app.Name + " has no deploy yet"
	case "l":
		return m.start("logs", "-f", "--pods", "--", app.Name)
	}
	return m, nil
}

// start shows the output of a verb.
func (m Model) start(words ...string) (Model, []Effect) {
	m.started++
	m.text = newText(m.started, typed(words))
	return m, []Effect{Start{Number: m.started, Words: words}}
}

// typed writes a verb as a person types it.
func typed(words []string) string {
	var shown []string
	for _, word := range words {
		if word != "--" && word != "--pods" {
			shown = append(shown, word)
		}
	}
	return "ssh HOST " + strings.Join(shown, " ")
}

// maxFilter bounds a filter, in bytes.
const maxFilter = 100

func (m Model) keyOfFilter(key string) Model {
	switch {
	case key == "enter":
		m.list.typing = false
	case key == "esc":
		m.list.typing, m.list.filter = false, ""
	case key == "backspace":
		runes := []rune(m.list.filter)
		m.list.filter = string(runes[:max(len(runes)-1, 0)])
	case key == "ctrl+u":
		m.list.filter = ""
	case key == "up", key == "down", key == "pgup", key == "pgdown":
		m.list = m.list.move(key, len(m.found()), m.body())
		return m
	case key == "space":
		m = m.typed(" ")
	case len([]rune(key)) == 1:
		m = m.typed(key)
	}
	m.list = m.list.among(m.found())
	return m
}

func (m Model) typed(text string) Model {
	if len(m.list.filter)+len(text) <= maxFilter {
		m.list.filter += text
	}
	return m
}

// paste answers pasted text, which is for the filter alone: pasted keys do nothing.
func (m Model) paste(text string) Model {
	if !m.list.typing || m.help || m.ask != nil {
		return m
	}
	line, _, _ := strings.Cut(text, "\n")
	m = m.typed(manifest.Clean(strings.TrimSpace(line)))
	m.list = m.list.among(m.found())
	return m
}

// keyOfQuestion answers the keys of a question: only y does it.
func (m Model) keyOfQuestion(key string) (Model, []Effect) {
	q := *m.ask
	switch {
	case q.doing: // it cannot be taken back
		return m, nil
	case isMove(key):
		most := len(m.planRows()) - m.planRoom()
		q.from = max(min(moved(q.from, key, m.planRoom()), most), 0)
		m.ask = &q
		return m, nil
	case key == "y" && q.ready && !q.Refused && q.Follow:
		m.ask = nil
		return m.start(q.Words...)
	case key == "y" && q.ready && !q.Refused:
		q.doing = true
		m.ask = &q
		return m, []Effect{Do{q.Question}}
	}
	m.ask = nil
	return m.uncovered()
}

// asked takes a question that was read, unless it is not wanted any more.
func (m Model) asked(q Question) Model {
	if m.ask == nil || m.ask.ready || m.ask.Verb != q.Verb || m.ask.App != q.App {
		return m
	}
	m.ask = &asking{Question: q, ready: true}
	return m
}

// done shows how an errand went: the deploy that it began, or what the verb said.
func (m Model) done(msg Done) (Model, []Effect) {
	m.ask = nil
	switch {
	case msg.Running != "" && !msg.Failed:
		return m.start("logs", "-f", msg.Running)
	case len(msg.Lines) == 1 && !msg.Failed:
		m.notice = msg.Lines[0]
		return m.uncovered()
	}
	m.started++
	m.text = newText(m.started, msg.Question.Typed)
	m.text.ended, m.text.failed, m.text.lines = true, msg.Failed, msg.Lines
	m.text.follow = false
	return m, nil
}

// isMove reports whether a key moves in a list.
func isMove(key string) bool {
	switch key {
	case "up", "k", "down", "j", "pgup", "pgdown", "space", "home", "g", "end", "G":
		return true
	}
	return false
}

// far is further than any list is long.
const far = 1 << 30

// moved is the place in a list after a key that moves; the caller bounds it. page is how many
// lines are shown.
func moved(at int, key string, page int) int {
	switch key {
	case "up", "k":
		return at - 1
	case "down", "j":
		return at + 1
	case "pgup":
		return at - page
	case "pgdown", "space":
		return at + page
	case "home", "g":
		return 0
	case "end", "G":
		return far
	}
	return at
}
