package web

import (
	"bytes"
	"context"
	"io"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/manifest"
)

// This file has what a page can change. A page asks in words what will happen, with the plan
// where there is one; the button runs the verb itself, as if it had been typed, so rights,
// guards and the audit trail are those of the verb.

// action is a verb that a page offers.
type action struct {
	Verb   string // also the end of its address
	Title  string
	right  access.Right // the verb's
	fits   func(s deploy.Status) bool
	says   func(s deploy.Status) string
	Fields []string                                    // that the form asks for, see the template of action
	words  func(app string, form url.Values) []string  // the verb, with its flags and words
	plan   func(app string, asked url.Values) []string // the verb that shows the plan; nil: there is none
}

func actions() []action {
	always := func(deploy.Status) bool { return true }
	return []action{
		{
			Verb: "sync", Title: "Sync", right: access.Sync, Fields: []string{"confirm-prune", "force"},
			fits: func(s deploy.Status) bool { return s.Suspension == nil },
			says: func(s deploy.Status) string {
				return "The newest revision of branch " + string(s.Branch) + " is deployed to cluster " + s.Cluster + ", also if it is deployed already."
			},
			plan: func(app string, _ url.Values) []string { return []string{"plan", app} },
			words: func(app string, form url.Values) []string {
				return append(append([]string{"sync", "--detach"}, syncFlags(form)...), "--", app)
			},
		},
		{
			Verb: "check", Title: "Check", right: access.CheckApps, fits: always,
			says: func(s deploy.Status) string {
				return "The app is compared with cluster " + s.Cluster + " now. Differences are corrected, or left, as the app's drift setting says."
			},
			words: func(app string, _ url.Values) []string { return []string{"check", app} },
		},
		{
			Verb: "rollback", Title: "Roll back", right: access.Rollback, Fields: []string{"to", "confirm-prune", "force"}, fits: func(s deploy.Status) bool { return s.Last != nil },
			says: func(s deploy.Status) string {
				return "A commit on branch " + string(s.Branch) + " restores the app's folder as it was at an earlier deploy, and is deployed. It goes through the gate like a push."
			},
			plan: func(app string, asked url.Values) []string {
				return append([]string{"rollback", "--plan", "--", app}, goal(asked)...)
			},
			words: func(app string, form url.Values) []string {
				return append(append(append([]string{"rollback", "--detach"}, syncFlags(form)...), "--", app), goal(form)...)
			},
		},
		{
			Verb: "suspend", Title: "Suspend", right: access.Suspend, Fields: []string{"reason", "until"},
			fits: func(s deploy.Status) bool { return s.Suspension == nil },
			says: func(deploy.Status) string {
				return "The app is left alone until it is resumed: pushes are checked and stored, but not deployed; drift is shown, but not corrected."
			},
			words: func(app string, form url.Values) []string {
				return []string{"suspend", "--reason=" + form.Get("reason"), "--until=" + form.Get("until"), "--", app}
			},
		},
		{
			Verb: "resume", Title: "Resume", right: access.Resume, fits: func(s deploy.Status) bool { return s.Suspension != nil },
			says: func(s deploy.Status) string {
				return "The suspension ends, and the newest revision of branch " + string(s.Branch) + " is deployed."
			},
			words: func(app string, _ url.Values) []string { return []string{"resume", app} },
		},
		{
			Verb: "restart", Title: "Restart", right: access.Restart, Fields: []string{"object"},
			fits: func(s deploy.Status) bool { return s.Suspension == nil && s.Objects > 0 },
			says: func(deploy.Status) string {
				return "The pods of the object are replaced as its rollout strategy says. Git and everything else of it stay as they are."
			},
			words: func(app string, form url.Values) []string {
				return []string{"restart", "--", app, form.Get("object")}
			},
		},
		{
			Verb: "cancel", Title: "End the wait", right: access.Cancel, fits: func(s deploy.Status) bool { return s.Running != "" },
			says: func(s deploy.Status) string {
				return "Deploy " + s.Running + " stops waiting, and ends. What it has applied stays; later steps are left out until a push or sync."
			},
			words: func(app string, _ url.Values) []string { return []string{"cancel", app} },
		},
	}
}

func actionOf(verb string) (action, bool) {
	for _, a := range actions() {
		if a.Verb == verb {
			return a, true
		}
	}
	return action{}, false
}

// syncFlags are the flags of verbs that deploy.
func syncFlags(form url.Values) []string {
	var flags []string
	if form.Get("force") == "yes" {
		flags = append(flags, "--force")
	}
	if n, err := strconv.Atoi(strings.TrimSpace(form.Get("confirm-prune"))); err == nil && n >= 0 {
		flags = append(flags, "--confirm-prune="+strconv.Itoa(n))
	}
	return flags
}

// goal is the deploy or the revision of a rollback; none for the verb's own choice.
func goal(form url.Values) []string {
	if to := strings.TrimSpace(form.Get("to")); to != "" {
		return []string{to}
	}
	return nil
}

// question is the page that asks before an action.
type question struct {
	App     deploy.Status
	Action  action
	Says    string
	Plan    []string
	Refused bool // the plan cannot be carried out
	To      string
	Objects []string // that can be restarted
	Typed   string   // the verb, as it is typed in a terminal
}

// ask shows what an action will do.
func (a action) ask(v *visit) error {
	q := question{App: v.app, Action: a, Says: a.says(v.app), To: strings.TrimSpace(v.r.URL.Query().Get("to"))}
	app := string(v.app.App)
	if a.plan != nil {
		output, status := v.run(v.r.Context(), a.plan(app, v.r.URL.Query()))
		q.Plan, q.Refused = splitLines(output), status != 0
	}
	if a.Verb == "restart" {
		for _, node := range v.door.Apps.Engine.Overview(v.app.App) {
			switch node.ID.Kind {
			case "Deployment", "StatefulSet", "DaemonSet":
				q.Objects = append(q.Objects, node.ID.Kind+"/"+node.ID.Namespace+"/"+node.ID.Name)
			}
		}
	}
	q.Typed = v.fill("ssh HOST " + a.Verb + " " + app)
	return v.show("action", frame{Title: a.Title + " " + app, Section: "overview", Body: q})
}

const (
	// doneWithin is how long a page waits for a verb; it goes on afterwards.
	doneWithin = 3 * time.Second
	// verbTimeout bounds a verb that a page has begun.
	verbTimeout = 15 * time.Minute
)

// do runs the verb, and shows what it said on the next page.
func (a action) do(v *visit) error {
	if err := v.r.ParseForm(); err != nil {
		return err
	}
	words := a.words(string(v.app.App), v.r.PostForm)
	as := v.asVerb()
	ctx, cancel := context.WithTimeout(v.door.work.ctx, verbTimeout) // it outlives the request
	ended := make(chan int, 1)
	v.door.work.group.Go(func() { // the request itself is still counted
		defer cancel()
		ended <- v.door.Run(ctx, as, words)
	})
	timer := time.NewTimer(doneWithin)
	defer timer.Stop()
	n := &news{Title: a.Title}
	select {
	case status := <-ended:
		n.Failed = status != 0
	case <-timer.C:
		n.GoesOn = true
	}
	n.Lines = splitLines(as.text())
	v.leaveNews(n)
	if now, ok := v.door.Apps.Engine.Status(v.app.App); ok && now.Running != "" && !n.Failed {
		return v.goTo("/deploys/" + now.Running)
	}
	return v.goTo("/apps/" + string(v.app.App))
}

// run runs a verb to its end, and returns what it said.
func (v *visit) run(ctx context.Context, words []string) (output string, status int) {
	as := v.asVerb()
	status = v.door.Run(ctx, as, words)
	return as.text(), status
}

// news is what an action said, for the page that comes next.
type news struct {
	Title          string
	Failed, GoesOn bool
	Lines          []string
}

func (v *visit) leaveNews(n *news) {
	v.session.mu.Lock()
	defer v.session.mu.Unlock()
	v.session.news = n
}

func (v *visit) takeNews() *news {
	if v.session == nil || v.r.Header.Get("HX-Request") != "" { // that is not a new page
		return nil
	}
	v.session.mu.Lock()
	defer v.session.mu.Unlock()
	n := v.session.news
	v.session.news = nil
	return n
}

// maxOutput bounds what is kept of a verb's output, in bytes.
const maxOutput = 64 << 10

// asVerb is a session of a verb that a page runs, see command.Session.
type asVerb struct {
	caller access.Caller
	key    ssh.PublicKey
	fill   func(string) string
	gone   chan struct{} // closed when the browser's session ends
	most   int           // that is kept of the output, in bytes
	errors *asVerb       // has the error output apart; nil: it is in the output

	mu  sync.Mutex
	out bytes.Buffer
}

func (v *visit) asVerb() *asVerb {
	return &asVerb{caller: v.caller, key: v.session.key, fill: v.fill, gone: v.session.ended, most: maxOutput}
}

// Write keeps the verb's output, as far as there is room.
func (s *asVerb) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.out.Write(p[:min(len(p), max(s.most-s.out.Len(), 0))])
	return len(p), nil
}

func (s *asVerb) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return manifest.CleanLines(strings.ToValidUTF8(s.out.String(), ""))
}

// Stderr is where the verb says what is wrong.
func (s *asVerb) Stderr() io.Writer {
	if s.errors != nil {
		return s.errors
	}
	return s
}

// The rest of command.Session: nobody types, and there is no terminal.

func (s *asVerb) Read([]byte) (int, error)  { return 0, io.EOF }
func (s *asVerb) Caller() access.Caller     { return s.caller }
func (s *asVerb) Key() ssh.PublicKey        { return s.key }
func (s *asVerb) Gone() <-chan struct{}     { return s.gone }
func (s *asVerb) Terminal() bool            { return false }
func (s *asVerb) Size() (columns, rows int) { return 0, 0 }
func (s *asVerb) Colour() bool              { return false }
func (s *asVerb) Fill(text string) string   { return s.fill(text) }
