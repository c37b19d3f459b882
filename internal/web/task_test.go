package web

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/command"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/manifest"
)

// visiting is a visit of somebody who is logged in, to an app.
func (b *browser) visiting(t *testing.T, w http.ResponseWriter, path string) *visit {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	r.Host, r.RemoteAddr = host, "192.0.2.7:1234"
	for _, c := range b.cookies {
		r.AddCookie(c)
	}
	v := b.visit(w, r)
	v.app = deploy.Status{App: "shop", Repo: "shop"}
	return v
}

func (h *house) loggedIn(t *testing.T, name string) *browser {
	t.Helper()
	b := &browser{house: h}
	b.logIn(t, h.guest(t, name, access.RoleAdmin))
	return b
}

// TestTaskIsFollowed: what a verb says is sent as it comes, in whole lines, from the line on
// that the browser has not had; and then that it has ended.
func TestTaskIsFollowed(t *testing.T) {
	h := newHouse(t, nil)
	b := h.loggedIn(t, "ana")
	say := make(chan string)
	h.Run = func(_ context.Context, s command.Session, words []string) int {
		for text := range say {
			fmt.Fprint(s, text)
		}
		return len(words)
	}
	r := newReader()
	v := b.visiting(t, r, "/?from=1")
	task := v.begin("Run tests", []string{"test", "shop"})
	v.r.SetPathValue("task", "1")
	say <- "one\ntw"
	ended := make(chan error, 1)
	go func() { ended <- streamTask(v) }()
	if text := <-r.read; text != ":\n\n" {
		t.Fatalf("the stream begins with %q", text)
	}
	say <- "o\n<b>three</b>\n"
	if text, want := <-r.read, `id: 3`+"\n"+`data: <span class="line">two</span><span class="line">&lt;b&gt;three&lt;/b&gt;</span>`+"\n\n"; text != want {
		t.Errorf("the stream has %q, want %q", text, want)
	}
	close(say)
	if text := <-r.read; text != "event: end\ndata: \n\n" {
		t.Errorf("the stream ends with %q", text)
	}
	if err := <-ended; err != nil || !task.failed {
		t.Errorf("%v, and the task failed: %v", err, task.failed)
	}
}

// TestTasksAreOfTheirSession: nobody sees what the verbs of others say, nor under another app.
func TestTasksAreOfTheirSession(t *testing.T) {
	h := newHouse(t, nil)
	h.Run = func(context.Context, command.Session, []string) int { return 0 }
	ana, ben := h.loggedIn(t, "ana"), h.loggedIn(t, "ben")
	mine := ana.visiting(t, httptest.NewRecorder(), "/")
	begun := mine.begin("Check", []string{"check", "shop"})
	<-begun.ended
	for what, test := range map[string]struct {
		by   *browser
		app  string
		id   string
		want bool
	}{
		"own": {ana, "shop", "1", true}, "another": {ana, "shop", "2", false}, "no number": {ana, "shop", "x", false},
		"of another app": {ana, "blog", "1", false}, "of somebody else": {ben, "shop", "1", false},
	} {
		v := test.by.visiting(t, httptest.NewRecorder(), "/")
		v.app.App = "shop"
		if test.app != "shop" {
			v.app.App = "blog"
		}
		v.r.SetPathValue("task", test.id)
		if _, err := v.taskOf(); (err == nil) != test.want {
			t.Errorf("%s: %v", what, err)
		}
	}
	for range maxTasks {
		<-mine.begin("Check", nil).ended
	}
	mine.r.SetPathValue("task", "1")
	if _, err := mine.taskOf(); err == nil || len(mine.session.tasks) != maxTasks {
		t.Errorf("%d tasks are remembered, and the first: %v", len(mine.session.tasks), err)
	}
}

// TestLogsAreFollowed: lines go to the page as they come, cleaned and escaped; the verb waits
// while nobody reads, and ends with the reader.
func TestLogsAreFollowed(t *testing.T) {
	h := newHouse(t, nil)
	b := h.loggedIn(t, "ana")
	var asked []string
	over := make(chan error, 1)
	h.Run = func(ctx context.Context, s command.Session, words []string) int {
		asked = words
		fmt.Fprint(s, "[web/main] <script>\x1b[31m\n")
		fmt.Fprint(s.Stderr(), "the log of web ended\n")
		for ctx.Err() == nil {
			fmt.Fprintln(s, "more")
		}
		over <- ctx.Err()
		return 1
	}
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	r := newReader()
	v := b.visiting(t, r, "/?object=--help&container=-x")
	v.r = v.r.WithContext(ctx)
	ended := make(chan error, 1)
	go func() { ended <- streamLogs(v) }()
	<-r.read
	text := <-r.read
	if !strings.Contains(text, `<span class="line">[web/main] &lt;script&gt;\x1b[31m</span>`) || strings.ContainsAny(text, "\x1b") {
		t.Errorf("the stream has %q", text)
	}
	leave()
	for open := true; open; { // the last lines may be on their way
		select {
		case <-r.read:
		case err := <-ended:
			open = false
			if err != nil {
				t.Error(err)
			}
		}
	}
	if err := <-over; err == nil {
		t.Error("the verb goes on")
	}
	if want := []string{"logs", "--pods", "--tail=100", "--follow", "--container=-x", "--", "shop", "--help"}; !slices.Equal(asked, want) {
		t.Errorf("the verb was %q, want %q", asked, want)
	}
	if v.session.logs != 0 {
		t.Errorf("%d streams of logs are left", v.session.logs)
	}
}

func TestStreamsOfLogsAreBounded(t *testing.T) {
	v := newHouse(t, nil).loggedIn(t, "ana").visiting(t, httptest.NewRecorder(), "/")
	for range maxLogsEach {
		if _, ok := v.session.followsLogs(); !ok {
			t.Fatal("too many already")
		}
	}
	if err := streamLogs(v); err == nil {
		t.Error("one more is open")
	}
}

// TestQuestionsAreBounded: a session has one question looked into at a time, and all sessions
// together have a few.
func TestQuestionsAreBounded(t *testing.T) {
	h := newHouse(t, nil)
	h.answering(`{"object": "x", "causes": [{"file": "a.yaml", "line": 3, "author": "Ana"}]}`, "")
	ask := func(v *visit) (string, *why) {
		p := objectPage{}
		said, err := v.asksWhy(&p, manifest.ID{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web"}, ".spec")
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(said, ""), p.Why
	}
	v := h.loggedIn(t, "ana").visiting(t, httptest.NewRecorder(), "/")
	if said, found := ask(v); said != "" || found == nil || found.Causes[0].Author != "Ana" {
		t.Errorf("%q, %+v", said, found)
	}
	v.session.trials <- struct{}{}
	if said, found := ask(v); found != nil || !strings.HasPrefix(said, "Another question of yours") {
		t.Errorf("%q, %+v", said, found)
	}
	<-v.session.trials
	for range maxTrials {
		h.trials <- struct{}{}
	}
	if said, found := ask(v); found != nil || !strings.HasPrefix(said, "Questions of others") || len(v.session.trials) != 0 {
		t.Errorf("%q, %+v", said, found)
	}
}

func TestSpellings(t *testing.T) {
	for asked, want := range map[string]string{
		"Secret data.token": "stringData.token data.token", "ConfigMap data.token": "data.token", "Secret type": "type", "Secret.example.org data.token": "data.token",
	} {
		kind, field, _ := strings.Cut(asked, " ")
		if got := strings.Join(spellings(idIn(kind, "shop", "a"), field), " "); got != want {
			t.Errorf("%s: got %q, want %q", asked, got, want)
		}
	}
}

// TestKindsAreToldApart: a question about an object names its group, also if it has none.
func TestKindsAreToldApart(t *testing.T) {
	for kind, want := range map[string]string{"ConfigMap": "ConfigMap./shop/a", "Deployment.apps": "Deployment.apps/shop/a", "Service.serving.knative.dev": "Service.serving.knative.dev/shop/a"} {
		if got := exactName(idIn(kind, "shop", "a")); got != want {
			t.Errorf("%s: %q, want %q", kind, got, want)
		}
	}
	if got := exactName(idIn("Namespace", noNamespace, "shop")); got != "Namespace./shop" {
		t.Errorf("without a namespace: %q", got)
	}
}

func TestDeletionsAsked(t *testing.T) {
	for plan, want := range map[string]int{
		"error: x\nhint: if that is meant, repeat it with --confirm-prune=3\n":                       3,
		"hint: confirm-prune=2 does not match; if that is meant, ssh HOST sync x --confirm-prune=12": 12,
		"  says: hint: if that is meant, repeat it with --confirm-prune=3\n":                         0,
		"hint: push again": 0, "": 0, "hint: if that is meant, x --confirm-prune=99999999": 0,
	} {
		if got := deletionsAsked(plan); got != want {
			t.Errorf("%q: %d, want %d", plan, got, want)
		}
	}
}
