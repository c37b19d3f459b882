package top

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

var wasRead = AppsRead{theApps()}

// TestNewsAreReadAtMostOnceInARest: a burst of news is one look after the rest.
func TestNewsAreReadAtMostOnceInARest(t *testing.T) {
	s := newStage(t, 80, 24)
	s.wants(ReadApps{}, Age{age})
	s.tell(Moved{}).wants() // the first look is under way
	s.tell(wasRead).wants(Rest{rest})
	s.tell(Moved{}, Moved{}).wants()
	s.tell(Rested{}).wants(ReadApps{})
	s.tell(wasRead).wants(Rest{rest})
	s.tell(Rested{}).wants() // nothing has moved
	s.tell(Moved{}).wants(ReadApps{})
	s.tell(wasRead, Rested{}, Aged{}).wants(ReadApps{}, Age{age})
	s.tell(Aged{}).wants(Age{age}) // a look is under way
}

// TestReadsWhatIsShown: of an app that is open, that app; of what is covered, nothing until it
// is uncovered.
func TestReadsWhatIsShown(t *testing.T) {
	s := newStage(t, 80, 24).tell(wasRead, Rested{})
	s.press("enter").wants(ReadApp{Name: "blog"})
	s.tell(AppRead{"blog", theDetail(), true}, Rested{}, Moved{}).wants(ReadApp{Name: "blog"})
	s.tell(AppRead{"blog", theDetail(), true}, Rested{})
	s.press("r").wants(ReadApp{Name: "blog", Fresh: true})
	s.tell(AppRead{"blog", theDetail(), true}, Rested{})
	s.press("d").wants(Start{Number: 1, Words: []string{"show", "blog-7"}})
	s.tell(Moved{}).wants()
	s.press("esc").wants(Stop{}, ReadApp{Name: "blog"})
	s.tell(AppRead{"blog", theDetail(), true}, Rested{})
	s.press("esc").wants(ReadApps{})
	s.tell(AppRead{"blog", theDetail(), true}).has("wrong first") // it comes too late
	s.tell(wasRead).press("right").wants(ReadApp{Name: "blog"})
	s.tell(AppRead{Name: "blog"}).has("app blog is not there any more", "wrong first")
	s.press("j")
	if strings.Contains(s.screen(), "not there") {
		t.Error("a notice stays after a key")
	}
}

// TestKeysStartVerbs: what each key of an app runs or asks.
func TestKeysStartVerbs(t *testing.T) {
	for key, want := range map[string]Effect{
		"s": Ask{Verb: "sync", App: "shop"},
		"b": Ask{Verb: "rollback", App: "shop"},
		"c": Ask{Verb: "check", App: "shop"},
		"u": Ask{Verb: "resume", App: "shop"},
		"x": Ask{Verb: "cancel", App: "shop"},
		"d": Start{Number: 1, Words: []string{"logs", "-f", "shop-43"}},
		"l": Start{Number: 1, Words: []string{"logs", "-f", "--pods", "--", "shop"}},
	} {
		newStage(t, 80, 24).tell(wasRead).press("j", "j", key).wants(want)
	}
	for _, key := range []string{"q", "ctrl+c"} {
		newStage(t, 80, 24).tell(wasRead).press(key).wants(Quit{})
	}
	s := newStage(t, 80, 24)
	for _, key := range []string{"s", "d", "l", "enter", "j", "z", "left", "tab"} { // there is no app yet
		s.press(key).wants()
	}
	s.tell(AppsRead{[]App{{Name: "new"}}}).press("d").wants().has("app new has no deploy yet")
}

func TestKeysOfAnApp(t *testing.T) {
	open := func() *stage {
		return newStage(t, 80, 24).tell(wasRead).press("enter").tell(AppRead{"blog", theDetail(), true})
	}
	open().press("j", "j", "j", "enter").wants(Start{Number: 1, Words: []string{"logs", "-f", "--", "blog", "pod/blog/api-5d8f9c7b6d-x2x4z"}})
	open().press("end", "enter").wants(Start{Number: 1, Words: []string{"logs", "-f", "--", "blog", "pod/blog/api-5d8f9c7b6d-x2x4z"}})
	open().press("tab", "j", "enter").wants(Start{Number: 1, Words: []string{"show", "blog-6"}})
	open().press("tab", "j", "b").wants(Ask{Verb: "rollback", App: "blog", To: "blog-6"})
	open().press("tab", "end", "b").wants(Ask{Verb: "rollback", App: "blog"}) // the selected deploy has failed
	open().press("b").wants(Ask{Verb: "rollback", App: "blog"})
	running := theDetail()
	running.Running = "blog-8"
	running.Deploys = append([]Deploy{{ID: "blog-8", Cells: [6]string{"", "going on"}}}, running.Deploys...)
	s := open().tell(AppRead{"blog", running, true})
	s.press("tab", "enter").wants(Start{Number: 1, Words: []string{"logs", "-f", "blog-8"}})
	s.press("q").wants(Quit{})
	s = open().press("end").tell(AppRead{"blog", Detail{App: theApps()[0]}, true}) // it has lost its objects
	s.press("enter").wants().has("it has no objects on its cluster")
	s.press("tab").has("it has not been deployed yet")
}

// TestSelectionFollowsTheApp: when the order changes, the same app stays selected.
func TestSelectionFollowsTheApp(t *testing.T) {
	s := newStage(t, 80, 24).tell(wasRead).press("j", "j", "j").has("> wiki")
	worse := theApps()
	worse[3].Urgency = 0
	s.tell(AppsRead{worse}).has("> wiki").press("enter").wants(ReadApp{Name: "wiki"})
	s.press("esc").tell(AppsRead{worse[:3]}).has("> infra") // it has gone
	s.tell(AppsRead{}).press("enter").wants()
}

func TestFilter(t *testing.T) {
	for filter, want := range map[string]string{
		"": "blog infra shop wiki", "platform": "infra", "MAIN store": "shop", "healthy": "infra wiki", "ana h": "infra shop wiki", "zzz": "",
	} {
		m := newStage(t, 80, 24).tell(wasRead).model
		m.list.filter = filter
		var names []string
		for _, app := range m.found() {
			names = append(names, app.Name)
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%q finds %q, want %q", filter, got, want)
		}
	}
	s := newStage(t, 80, 24).tell(wasRead).press("/", "q", "?", "s", "space", "ü", "backspace")
	if s.model.list.filter != "q?s " || !s.model.list.typing {
		t.Errorf("typed: %q", s.model.list.filter)
	}
	s.press("ctrl+u", "up", "left", "j").tell(Paste("\x1b[31mz\nrm")).has(`filter: j\x1b[31mz_`)
	s.press("esc")
	if s.model.list.filter != "" || s.model.list.typing {
		t.Errorf("after esc: %q", s.model.list.filter)
	}
	s.tell(Paste("sync")).press("backspace")
	if s.model.list.filter != "" || s.model.ask != nil {
		t.Error("pasted text does something where nothing is typed")
	}
	s.press("/")
	for range 2 * maxFilter {
		s.press("x")
	}
	s.tell(Paste(strings.Repeat("y", maxFilter)))
	if n := len(s.model.list.filter); n != maxFilter {
		t.Errorf("a filter has %d bytes, want at most %d", n, maxFilter)
	}
	s.press("enter", "esc").has("> blog")
}

func TestOrder(t *testing.T) {
	for presses, want := range map[int]string{0: "blog infra shop wiki", 1: "blog infra shop wiki", 2: "infra wiki shop blog", 3: "blog infra shop wiki"} {
		s := newStage(t, 80, 24)
		apps := theApps()
		apps[0], apps[3] = apps[3], apps[0]
		s.tell(AppsRead{apps})
		for range presses {
			s.press("o")
		}
		var names []string
		for _, app := range s.model.apps {
			names = append(names, app.Name)
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("after %d times o: %s, want %s", presses, got, want)
		}
	}
	var broken []string
	for _, urgency := range []int{2, 0, 1} {
		broken = append(broken, fmt.Sprint(wrongFirst.compare(App{Urgency: urgency, Name: "a"}, App{Urgency: 1, Name: "b"})))
	}
	if got := strings.Join(broken, " "); got != "1 -1 -1" {
		t.Errorf("wrong first: %s", got)
	}
}

// TestQuestions: only y does something, only of a question that was read, and once.
func TestQuestions(t *testing.T) {
	question := Question{Verb: "sync", App: "blog", Title: "Sync", Words: []string{"sync", "--detach", "--", "blog"}, Typed: "ssh HOST sync blog"}
	ask := func() *stage { return newStage(t, 80, 24).tell(wasRead, Rested{}).press("s") }
	ask().press("y").wants(ReadApps{}) // it was not read: that is no answer
	ask().tell(Asked{Question{Verb: "sync", App: "shop"}}).has("reading what it would do")
	ask().press("esc").tell(Asked{question}).has("wrong first")
	ask().tell(Asked{question}).press("n").wants(ReadApps{})
	ask().tell(Asked{question}).press("q").wants(ReadApps{})
	ask().tell(Asked{question}).press("ctrl+c").wants(Quit{})
	s := ask().tell(Asked{question}).press("y").wants(Do{question}).has("it is being done")
	s.press("y").wants().press("esc").wants().has("it is being done")
	s.tell(Done{Question: question, Running: "blog-8"}).wants(Start{Number: 1, Words: []string{"logs", "-f", "blog-8"}})

	said := func(failed bool, lines ...string) *stage {
		return ask().tell(Asked{question}).press("y").tell(Done{Question: question, Failed: failed, Lines: lines})
	}
	said(false, "blog: unchanged").wants(ReadApps{}).has("blog: unchanged", "wrong first")
	said(true, "error: not allowed").wants().has("error: not allowed", "failed")
	said(false, "one", "two").has("one\ntwo", "ended").press("esc").has("wrong first")

	question.Refused = true
	ask().tell(Asked{question}).press("y").wants(ReadApps{}).has("wrong first")
	question.Refused, question.Follow, question.Words = false, true, []string{"check", "--", "blog"}
	ask().tell(Asked{question}).press("y").wants(Start{Number: 1, Words: []string{"check", "--", "blog"}}).has("ssh git@git.example.org check blog")

	for i := range 30 {
		question.Plan = append(question.Plan, fmt.Sprintf("line %d", i))
	}
	s = ask().tell(Asked{question}).has("line 0", "10 lines below")
	s.press("down").has("line 1\n", "9 lines below").press("end").has("line 29").press("end", "up").has("line 28", "1 line below")
	s.press("home").has("line 0", "10 lines below")
	if s.model.ask == nil {
		t.Error("a key that moves is taken for an answer")
	}
}

// TestLinesOfAVerb: it follows the end until somebody scrolls; lines of another verb are none
// of its own; and of too many the last count.
func TestLinesOfAVerb(t *testing.T) {
	lines := func(from, to int) (list []string) {
		for i := from; i < to; i++ {
			list = append(list, fmt.Sprintf("line %d", i))
		}
		return list
	}
	s := newStage(t, 80, 24).tell(wasRead).press("d").has("waiting for the first line")
	s.tell(Lines{Number: 1, Lines: lines(0, 100)}).has("line 99")
	s.press("up").has("line 98", "1 line below").tell(Lines{Number: 1, Lines: lines(100, 110)}).has("11 lines below")
	s.press("home").has("line 0\n").press("space").has("line 22\n").press("pgup").has("line 0\n")
	s.press("end").tell(Lines{Number: 1, Lines: lines(110, 111)}).has("line 110")
	s.tell(Lines{Number: 7, Lines: []string{"of another"}}, Ended{Number: 7}).has("live")
	s.tell(Ended{Number: 1}).has("ended")
	if strings.Contains(s.screen(), "of another") {
		t.Error("lines of another verb are shown")
	}
	s.tell(Lines{Number: 1, Lines: lines(0, maxLines+5), Skipped: 3})
	s.press("home").has("... 119 lines before these are not kept", "line 5\n")
	if n := len(s.model.text.lines); n != maxLines {
		t.Errorf("%d lines are kept", n)
	}
	s.press("esc").tell(Lines{Number: 1, Lines: lines(0, 1)}, Ended{Number: 1}).has("wrong first")
	s.press("d").tell(Lines{Number: 2, Lines: []string{strings.Repeat("x", 2*maxLine)}})
	if n := len(s.model.textRows()); n != maxLine/80+1 && n != maxLine/80+2 {
		t.Errorf("a long line has %d rows", n)
	}
}

// TestUsableAtAnySize: nothing is cut off that matters, and nothing breaks, while the window
// is resized.
func TestUsableAtAnySize(t *testing.T) {
	many := AppsRead{}
	for i := range 100 {
		many.Apps = append(many.Apps, App{Name: fmt.Sprintf("app-%02d", i), Cells: [5]string{"1234567", "in sync", "healthy", "1 d ago, ana", "-"}, Notes: []string{"a note"}})
	}
	s := newStage(t, 80, 24).tell(many).press("end").has("> app-99")
	for _, size := range []Size{{40, 8}, {200, 60}, {41, 9}, {1, 1}, {80, 13}, {1000, 1000}, {39, 24}, {80, 7}, {80, 24}} {
		s.tell(size)
		if small := strings.HasPrefix(s.screen(), "t") || size.Columns == 1; small != (size.Columns < 40 || size.Rows < 8) {
			t.Errorf("at %v:\n%s", size, s.screen())
		} else if !small {
			s.has("> app-99")
		}
		s.press("?", "x", "s", "n", "enter").tell(AppRead{"app-99", theDetail(), true}).press("tab", "tab", "l").tell(Lines{Number: s.model.started, Lines: []string{"x"}})
		s.press("esc", "esc")
		s.tell(many)
	}
	s.press("pgup").has("> app-84").press("pgdown", "home", "space").has("> app-15")
}

// TestColours: they are for words of states and for the line that is selected, and there are
// none without.
func TestColours(t *testing.T) {
	s := newStage(t, 80, 24)
	s.model.look.Colour = func(word string) string { return map[string]string{"healthy": "\x1b[32m"}[word] }
	s.model.look.Line = func(line string) string { return strings.ReplaceAll(line, "error:", "\x1b[31merror:\x1b[0m") }
	s.tell(wasRead).has("\x1b[1mgit@git.example.org", "\x1b[32mhealthy\x1b[0m", "\x1b[7m> blog")
	s.press("d").tell(Lines{Number: 1, Lines: []string{"error: \x1b[32m so", strings.Repeat("x", 100)}}).has("\x1b[31merror:\x1b[0m " + `\x1b[32m so`)
}

func TestFoundIsFast(t *testing.T) {
	many := AppsRead{}
	for i := range 10_000 {
		many.Apps = append(many.Apps, App{Name: fmt.Sprintf("app-%05d", i), Cells: [5]string{"1234567", "in sync", "healthy", "1 d ago, ana", "-"}, When: time.Unix(int64(i), 0)})
	}
	s := newStage(t, 80, 24).tell(many)
	if n := testing.AllocsPerRun(2, func() { _ = s.model.View() }); n > 2000 {
		t.Errorf("to draw 10,000 apps takes %.0f allocations", n)
	}
}
