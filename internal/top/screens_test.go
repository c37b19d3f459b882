package top

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write testdata/screens.txtar anew")

const screensFile = "testdata/screens.txtar"

var fill = strings.NewReplacer("ssh HOST ", "ssh git@git.example.org ", "ssh://HOST/", "ssh://git@git.example.org/").Replace

// theApps are apps as a server may have them.
func theApps() []App {
	return []App{
		{
			Name: "blog", Cells: [5]string{"77d01fe", "in sync", "failing", "1 d ago, ben", "-"}, Urgency: 0, Newest: "blog-7",
			Notes: []string{"Deployment blog/api: 0 of 2 pods ready: ImagePullBackOff", "registry.example/api:2.0: not found"},
			Facts: "repository blog, branch main, cluster default, 4 objects", When: time.Unix(100, 0),
		},
		{Name: "infra", Cells: [5]string{"0c9a8b1", "drifted", "healthy", "3 d ago, ana", "1, suspended by ben"}, Urgency: 1, Newest: "infra-2", When: time.Unix(300, 0), Words: "platform"},
		{
			Name: "shop", Cells: [5]string{"3f2c1ab", "deploying", "progressing", "2 min ago, ana", "-"}, Urgency: 1, Running: "shop-43", Newest: "shop-42",
			Notes: []string{"going on: shop-43   (logs -f shop-43)"}, When: time.Unix(200, 0), Words: "store main",
		},
		{Name: "wiki", Cells: [5]string{"1234567", "in sync", "healthy", "5 min ago, ana", "-"}, Urgency: 2, Newest: "wiki-1", When: time.Unix(250, 0)},
	}
}

func theDetail() Detail {
	return Detail{
		App: theApps()[0], Read: time.Date(2026, 1, 2, 14, 5, 33, 0, time.UTC), Partial: []string{"namespace blog has more pods than are shown"},
		Objects: []Object{
			{Cells: [4]string{"ConfigMap blog/*", "healthy", "3 d", "6 objects"}},
			{Cells: [4]string{"Deployment blog/api", "failing", "3 d", "0 of 2 pods ready"}, Logs: "deployment/blog/api"},
			{Depth: 1, Cells: [4]string{"ReplicaSet api-5d8f9c7b6d", "failing", "1 d", "0 of 2 pods ready"}, Logs: "replicaset/blog/api-5d8f9c7b6d"},
			{Depth: 2, Cells: [4]string{"Pod api-5d8f9c7b6d-x2x4z", "failing", "1 d", "ImagePullBackOff: Back-off pulling image"}, Logs: "pod/blog/api-5d8f9c7b6d-x2x4z"},
		},
		Deploys: []Deploy{
			{ID: "blog-7", Cells: [6]string{"77d01fe", "unhealthy", "300.1 s", "1 d ago", "ben", "1"}, Applied: true},
			{ID: "blog-6", Cells: [6]string{"6610aa2", "deployed", "4.3 s", "2 d ago", "ana (rollback)", "2"}, Applied: true},
			{ID: "blog-5", Cells: [6]string{"5510aa2", "failed", "0.3 s", "2 d ago", "ana", "0"}},
		},
	}
}

// stage is a screen in a test.
type stage struct {
	t       *testing.T
	model   Model
	effects []Effect // of the last message
}

func newStage(t *testing.T, columns, rows int) *stage {
	t.Helper()
	s := &stage{t: t}
	s.model, s.effects = New(Look{Fill: fill}, Size{columns, rows})
	return s
}

// tell has the model answer messages; it draws after each, as the program does.
func (s *stage) tell(messages ...any) *stage {
	s.t.Helper()
	for _, message := range messages {
		s.model, s.effects = s.model.Update(message)
		s.screen()
	}
	return s
}

// press presses keys.
func (s *stage) press(keys ...string) *stage {
	s.t.Helper()
	for _, key := range keys {
		s.tell(Key(key))
	}
	return s
}

// screen draws, and checks that the screen is as large as it should be, and clean.
func (s *stage) screen() string {
	s.t.Helper()
	view := s.model.View()
	lines := strings.Split(view, "\n")
	if len(lines) != s.model.rows {
		s.t.Errorf("the screen has %d lines, want %d:\n%s", len(lines), s.model.rows, view)
	}
	for i, line := range lines {
		if n := ansi.StringWidth(line); n > s.model.columns {
			s.t.Errorf("line %d has %d columns, want at most %d: %s", i, n, s.model.columns, line)
		}
		lines[i] = strings.TrimRight(line, " ")
	}
	text := strings.Join(lines, "\n")
	if s.model.look.Colour == nil && strings.ContainsFunc(text, func(r rune) bool { return r < ' ' && r != '\n' || r == 0x9b || r == 0x202e }) {
		s.t.Errorf("the screen has control characters: %q", text)
	}
	return text
}

// has fails unless the screen has all texts.
func (s *stage) has(texts ...string) *stage {
	s.t.Helper()
	for _, text := range texts {
		if !strings.Contains(s.screen(), text) {
			s.t.Errorf("%q is not on the screen:\n%s", text, s.screen())
		}
	}
	return s
}

// wants fails unless the last message had these effects.
func (s *stage) wants(effects ...Effect) *stage {
	s.t.Helper()
	if got, want := fmt.Sprintf("%#v", s.effects), fmt.Sprintf("%#v", effects); got != want && len(s.effects)+len(effects) > 0 {
		s.t.Errorf("effects %s, want %s", got, want)
	}
	return s
}

// TestScreens compares whole screens of 80 x 24.
func TestScreens(t *testing.T) {
	read := AppsRead{theApps()}
	question := Question{
		Verb: "sync", App: "blog", Title: "Sync: blog", Says: "The newest revision of branch main is deployed to cluster default, also if it is deployed already.",
		Plan: []string{"blog: plan for cluster default, 77d01fe", "  ~ Deployment blog/api", "  1 to change, 3 unchanged"}, Typed: "ssh git@git.example.org sync blog",
	}
	refused := question
	refused.Refused, refused.Plan = true, []string{"error: deploy/web.yaml:14: Deployment blog/api:", "  unknown field spec.replica"}
	hostile := theApps()
	hostile[0].Notes = []string{"\x1b]0;owned\x07\x1b[2J\u202egnp.exe", strings.Repeat("long ", 100)}
	hostile[0].Cells[3] = "1 d ago, \x1b[31mben\r"
	opened := func(s *stage) *stage { return s.tell(read).press("enter").tell(AppRead{"blog", theDetail(), true}) }
	screens := map[string]func(s *stage) *stage{
		"at first":                   func(s *stage) *stage { return s },
		"no apps":                    func(s *stage) *stage { return s.tell(AppsRead{}) },
		"list":                       func(s *stage) *stage { return s.tell(read) },
		"list, third selected":       func(s *stage) *stage { return s.tell(read).press("j", "down") },
		"filter is typed":            func(s *stage) *stage { return s.tell(read).press("/", "s", "t", "o") },
		"filter is kept":             func(s *stage) *stage { return s.tell(read).press("/", "h", "e", "a", "l", "enter") },
		"filter finds nothing":       func(s *stage) *stage { return s.tell(read).press("/", "x", "y", "enter") },
		"by name":                    func(s *stage) *stage { return s.tell(read).press("o") },
		"newest first":               func(s *stage) *stage { return s.tell(read).press("o", "o") },
		"hostile texts":              func(s *stage) *stage { return s.tell(AppsRead{hostile}) },
		"app is read":                func(s *stage) *stage { return s.tell(read).press("enter") },
		"app":                        opened,
		"app, deploys":               func(s *stage) *stage { return opened(s).press("tab", "down") },
		"app has gone":               func(s *stage) *stage { return opened(s).tell(AppRead{Name: "blog"}) },
		"object that prints nothing": func(s *stage) *stage { return opened(s).press("enter") },
		"question is read":           func(s *stage) *stage { return s.tell(read).press("s") },
		"question":                   func(s *stage) *stage { return s.tell(read).press("s").tell(Asked{question}) },
		"question, yes":              func(s *stage) *stage { return s.tell(read).press("s").tell(Asked{question}).press("y") },
		"question, refused":          func(s *stage) *stage { return s.tell(read).press("s").tell(Asked{refused}) },
		"deploy is followed": func(s *stage) *stage {
			return s.tell(read).press("end", "up", "d").tell(Lines{Number: 1, Lines: []string{"shop: deploying 3f2c1ab (deploy shop-43)", "  configured  Deployment shop/web"}})
		},
		"deploy has failed": func(s *stage) *stage {
			return s.tell(read).press("d").tell(Lines{Number: 1, Lines: []string{"error: it is\x1b[2J so"}}, Ended{Number: 1, Failed: true})
		},
		"help": func(s *stage) *stage { return s.tell(read).press("?") },
	}
	golden, err := txtar.ParseFile(screensFile)
	if err != nil && !*update {
		t.Fatal(err)
	}
	want := map[string]string{}
	if golden != nil {
		for _, file := range golden.Files {
			want[file.Name] = strings.TrimSuffix(string(file.Data), "\n")
		}
	}
	names, made := []string{}, &txtar.Archive{Comment: []byte("Screens of TestScreens; go test ./internal/top -update writes them.\n\n")}
	for name := range screens {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			got := screens[name](newStage(t, 80, 24)).screen()
			made.Files = append(made.Files, txtar.File{Name: name, Data: []byte(got + "\n")})
			if got != want[name] && !*update {
				t.Errorf("got\n%s\nwant\n%s", got, want[name])
			}
			delete(want, name)
		})
	}
	if *update {
		if err := os.WriteFile(screensFile, txtar.Format(made), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	for name := range want {
		t.Errorf("%s has a screen %q that no test draws", screensFile, name)
	}
}
