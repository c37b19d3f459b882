package web

import (
	"context"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/errand"
)

// This file has what a page can change. A page asks in words what will happen, with the plan
// where there is one; the button runs the verb itself, as if it had been typed, so rights,
// guards and the audit trail are those of the verb.

// action is a verb that a page offers. The verb is also the end of its address.
type action struct {
	errand.Errand
	Fields []string                                    // that the form asks for, see the template of action
	words  func(app string, form url.Values) []string  // the verb, with its flags and words
	plan   func(app string, asked url.Values) []string // the verb that shows the plan; nil: there is none
	stays  bool                                        // whoever begins it wants to see what it says, to the end
}

func actions() []action {
	onlyApp := func(verb string) func(string, url.Values) []string {
		return func(app string, _ url.Values) []string { return []string{verb, app} }
	}
	more := map[string]action{
		"sync": {
			Fields: []string{"confirm-prune", "force"},
			plan:   func(app string, _ url.Values) []string { return []string{"plan", app} },
			words: func(app string, form url.Values) []string {
				return append(append([]string{"sync", "--detach"}, syncFlags(form)...), "--", app)
			},
		},
		"check": {words: onlyApp("check")},
		"rollback": {
			Fields: []string{"to", "confirm-prune", "force"},
			plan: func(app string, asked url.Values) []string {
				return append([]string{"rollback", "--plan", "--", app}, goal(asked)...)
			},
			words: func(app string, form url.Values) []string {
				return append(append(append([]string{"rollback", "--detach"}, syncFlags(form)...), "--", app), goal(form)...)
			},
		},
		"suspend": {
			Fields: []string{"reason", "until"},
			words: func(app string, form url.Values) []string {
				return []string{"suspend", "--reason=" + form.Get("reason"), "--until=" + form.Get("until"), "--", app}
			},
		},
		"resume": {words: onlyApp("resume")},
		"restart": {
			Fields: []string{"object"},
			words: func(app string, form url.Values) []string {
				return []string{"restart", "--", app, form.Get("object")}
			},
		},
		"cancel": {words: onlyApp("cancel")},
	}
	var list []action
	for _, e := range errand.All() {
		if a, ok := more[e.Verb]; ok {
			a.Errand = e
			list = append(list, a)
		}
	}
	return append(list, action{Errand: tests, words: onlyApp("test"), stays: true})
}

// tests is the errand of an app that has some.
var tests = errand.Errand{
	Verb: "test", Title: "Run tests", Right: access.Test,
	Fits: func(s deploy.Status) bool { return s.Last != nil && s.Suspension == nil },
	Says: func(s deploy.Status) string {
		return "The tests of the app's chart run on cluster " + s.Cluster + ", against what is deployed, until one fails. Nothing is recorded, and a newer push ends the wait for them."
	},
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
	Confirm int  // the deletions for which it asks to be confirmed; 0: it does not
	To      string
	Objects []string // that can be restarted
	Typed   string   // the verb, as it is typed in a terminal
}

// ask shows what an action will do.
func (a action) ask(v *visit) error {
	q := question{App: v.app, Action: a, Says: a.Says(v.app), To: strings.TrimSpace(v.r.URL.Query().Get("to"))}
	app := string(v.app.App)
	if a.plan != nil {
		output, status := v.run(v.r.Context(), a.plan(app, v.r.URL.Query()))
		q.Plan, q.Refused = splitLines(output), status != 0
		if q.Refused {
			q.Confirm = deletionsAsked(output)
		}
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

// confirmation is how a refused plan asks for its deletions to be confirmed, see
// report.Door.ConfirmPrune. The number is shown to whoever confirms it, and the verb compares it
// with its own.
var confirmation = regexp.MustCompile(`(?m)^hint: (?:.*; )?if that is meant, .*--confirm-prune=(\d{1,6})$`)

// deletionsAsked is the number of deletions that a refused plan asks to be confirmed; 0 if it
// asks for nothing of that kind.
func deletionsAsked(plan string) int {
	found := confirmation.FindStringSubmatch(plan)
	if found == nil {
		return 0
	}
	n, _ := strconv.Atoi(found[1]) // these are digits
	return n
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
	t := v.begin(a.Title, a.words(string(v.app.App), v.r.PostForm))
	if a.stays {
		return v.goTo(t.path())
	}
	n := &news{Title: a.Title, GoesOn: !t.await()}
	if !n.GoesOn {
		n.Failed = t.failed
	}
	n.Lines, _, _ = t.state()
	now, ok := v.door.Apps.Engine.Status(v.app.App)
	switch {
	case ok && now.Running != "" && !n.Failed:
		v.leaveNews(n)
		return v.goTo("/deploys/" + now.Running)
	case n.GoesOn:
		return v.goTo(t.path())
	}
	v.leaveNews(n)
	return v.goTo("/apps/" + string(v.app.App))
}

// run runs a verb to its end, and returns what it said.
func (v *visit) run(ctx context.Context, words []string) (output string, status int) {
	as := v.asVerb()
	status = v.door.Run(ctx, as, words)
	return as.Text(), status
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

// asVerb is the session of a verb that a page runs. It ends with the browser's.
func (v *visit) asVerb() *errand.Session {
	return &errand.Session{By: v.caller, With: v.session.key, FillWith: v.fill, End: v.session.ended}
}
