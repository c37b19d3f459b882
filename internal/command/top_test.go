package command

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/errand"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/report"
)

// screenSession is a session at a terminal.
type screenSession struct {
	*errand.Session
	term  string
	there bool
}

func (s screenSession) Term() string             { return s.term }
func (s screenSession) Terminal() bool           { return s.there }
func (s screenSession) Resized() <-chan struct{} { return nil }
func (s screenSession) Keys(int) io.ReadCloser   { return io.NopCloser(strings.NewReader("")) }
func (s screenSession) Restore(string)           {}

// TestTopWantsATerminal that can be drawn on.
func TestTopWantsATerminal(t *testing.T) {
	plain := &errand.Session{}
	for _, test := range []struct {
		session Session
		wrong   string
	}{
		{screenSession{plain, "xterm-256color", true}, ""},
		{addressed{screenSession{plain, "xterm", true}}, ""},
		{screenSession{plain, "xterm", false}, "this session has none"},
		{screenSession{plain, "dumb", true}, "a dumb one cannot"},
		{addressed{screenSession{plain, "dumb-emacs-ansi", true}}, "a dumb one cannot"},
		{screenSession{plain, "", true}, "a dumb one cannot"},
		{plain, "this session has none"},
	} {
		screen, err := (&call{Session: test.session}).screen()
		if (err == nil) != (test.wrong == "") || err == nil && screen.Term() == "" {
			t.Errorf("%+v: %v", test.session, err)
		}
		if err != nil {
			message, hint := report.Door{}.Explain(err)
			if !strings.Contains(message, test.wrong) || !strings.Contains(hint, "ssh -t HOST top") || !strings.Contains(hint, "status --watch") {
				t.Errorf("got %q, %q", message, hint)
			}
		}
	}
}

// TestCausesAreKept: a cluster is asked for the causes of symptoms when they are others, and
// after a while.
func TestCausesAreKept(t *testing.T) {
	sick := deploy.Status{App: "shop", Health: "progressing", Sick: []deploy.Symptom{{Object: "Deployment shop/web", State: "0 of 1 pods ready"}}}
	knows := func(s deploy.Status, age time.Duration) bool {
		source := topSource{causes: map[name.App]diagnosis{"shop": {inBrief(sick), time.Now().Add(-age), []deploy.Symptom{{Object: "x", Cause: "why"}}, "failing"}}}
		known := source.hasCauses(&s)
		if known && len(s.Sick) > 0 && s.Outage == nil && (s.Health != "failing" || s.Sick[0].Cause != "why") {
			t.Errorf("the causes are not filled in: %+v", s)
		}
		return known
	}
	well, worse, away, other := sick, sick, sick, sick
	well.Sick = nil
	worse.Sick = []deploy.Symptom{{Object: "Deployment shop/web", State: "no progress"}}
	away.Outage = &deploy.Outage{}
	other.App = "blog"
	for text, got := range map[string]bool{
		"the same": knows(sick, time.Second), "well": knows(well, time.Hour), "on a cluster that is away": knows(away, time.Hour),
		"not the same": !knows(worse, time.Second), "old": !knows(sick, explainAgain), "another app": !knows(other, 0),
	} {
		if !got {
			t.Errorf("what is %s is not taken for that", text)
		}
	}
}

func TestCellsOfTop(t *testing.T) {
	now := time.Now()
	for kind, want := range map[string]string{"Pod": "pod/shop/x", "Deployment": "deployment/shop/x", "ConfigMap": "", "Job": "job/shop/x"} {
		id := manifest.ID{Group: map[string]string{"Deployment": "apps", "Job": "batch"}[kind], Kind: kind, Namespace: "shop", Name: "x"}
		if got := podLogs(deploy.Node{ID: id}); got != want {
			t.Errorf("the logs of a %s are %q, want %q", kind, got, want)
		}
	}
	cells := historyCells(record.Record{Revision: "3f2c1ab00", Result: record.Deployed, Seconds: 4.31, Started: now.Add(-time.Hour), Operator: "ana", Cause: record.CauseRollback}, now)
	if got := strings.Join(cells, "|"); got != "3f2c1ab|deployed|4.3 s|1 h ago|ana (rollback)|0" {
		t.Errorf("got %s", got)
	}
	node := deploy.Node{Object: "a", Health: "healthy"}
	drifted := node
	drifted.Drifted = true
	if overviewBrief([]deploy.Node{node}) == overviewBrief([]deploy.Node{drifted}) {
		t.Error("drift changes nothing")
	}
	for verb := range refusals {
		if _, ok := errand.Of(verb); !ok {
			t.Errorf("%s is no errand", verb)
		}
	}
}
