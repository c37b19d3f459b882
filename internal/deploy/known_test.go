package deploy

import (
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/manifest/manifesttest"
	"github.com/pushboat/pushboat/internal/record"
)

// TestQuestionsWaitForTheFirstReading: questions about apps wait until all repositories
// were read.
func TestQuestionsWaitForTheFirstReading(t *testing.T) {
	for what, ask := range map[string]func(o *office){
		"the apps":           func(o *office) { o.Apps() },
		"those of a branch":  func(o *office) { o.AppsOn("shop", "main") },
		"of a repository":    func(o *office) { o.AppsOf("shop") },
		"the status of one":  func(o *office) { o.Status("web") },
		"its tree":           func(o *office) { o.Tree(t.Context(), "web") },
		"its objects":        func(o *office) { o.Overview("web") },
		"a deploy of it":     func(o *office) { o.Run("web", 1) },
		"a repository to go": func(o *office) { o.Forget("shop") },
	} {
		synctest.Test(t, func(t *testing.T) {
			o := newOffice(t)
			o.loaded = make(chan struct{})
			answered := make(chan struct{})
			go func() {
				defer close(answered)
				ask(o)
			}()
			if synctest.Wait(); isClosed(answered) {
				t.Errorf("%s: answered before the repositories were read", what)
			}
			close(o.loaded)
			<-answered
		})
	}
}

// TestDeletedRepositoryIsForgotten: no branch of a deleted repository is tried again.
func TestDeletedRepositoryIsForgotten(t *testing.T) {
	o := newOffice(t)
	o.source.push("shop", "new", oneApp("a: [\n"))
	o.loads()
	o.noteUnread("blog", "main")
	if o.Forget("shop"); len(o.unreadBranches()) != 1 {
		t.Errorf("tried again are %v", o.unreadBranches())
	}
}

// ill is the app web with a Deployment that is not healthy, and a pod that shows why.
func (o *office) ill(api *fakeAPI) *app {
	a := o.deployed(wanted("web"))
	u := o.member(a, "web", func(u *unstructured.Unstructured) {
		u.SetAPIVersion("apps/v1")
		u.SetKind("Deployment")
		u.SetUID("d")
		u.SetGeneration(1)
		u.Object["spec"] = map[string]any{"replicas": int64(1), "selector": map[string]any{"matchLabels": map[string]any{"app": "web"}}}
	})
	api.running[manifest.IDOf(u)] = u
	pod := madeBy("Pod", "web-1", "d")
	pod.SetLabels(map[string]string{"app": "web"})
	pod.Object["status"] = map[string]any{"phase": "Failed", "reason": "Evicted", "message": "the node was low on memory"}
	api.owned = []*unstructured.Unstructured{pod}
	return a
}

// TestStatusIsExplained: a status explains unhealthy objects by their pods, as far as the
// pods can be read.
func TestStatusIsExplained(t *testing.T) {
	o := newOffice(t)
	api := o.answering()
	a := o.ill(api)
	explained := func() Status {
		s, _ := o.Status("web")
		o.Explain(t.Context(), &s)
		return s
	}
	if s := explained(); len(s.Sick) != 1 || s.Sick[0].Cause == "" || s.Health != "failing" {
		t.Errorf("got %+v, %s", s.Sick, s.Health)
	}
	o.member(a, "late", func(u *unstructured.Unstructured) { pending(u) })
	s, _ := o.Status("web")
	s.Sick = s.Sick[:1]
	api.asked = nil
	if o.Explain(t.Context(), &s); len(s.Sick) != 1 {
		t.Errorf("an object that fell ill meanwhile was added: %+v", s.Sick)
	}
	api.owned[0].Object["status"] = map[string]any{"phase": "Succeeded"}
	if s := explained(); s.Sick[0].Cause != "" || s.Health == "failing" {
		t.Errorf("a pod that has succeeded explains the illness: %+v", s.Sick)
	}
	api.fails["list pods shop"] = away
	if s := explained(); s.Sick[0].Cause != "" {
		t.Errorf("without an answer: %+v", s.Sick)
	}
	well := Status{App: "web"}
	api.asked = nil
	if o.Explain(t.Context(), &well); len(api.asked) > 0 {
		t.Errorf("for a healthy app, Explain asks %q", api.asked)
	}
	o.Explain(t.Context(), &Status{App: "unknown", Sick: s.Sick})
	a.setWant(nil)
	if o.Explain(t.Context(), &s); len(api.asked) > 0 {
		t.Errorf("for an app without a target, Explain asks %q", api.asked)
	}
}

// TestStatusOfWhatIsOver: a removed app is reported as removed, and a fight that goes on is
// shown.
func TestStatusOfWhatIsOver(t *testing.T) {
	o := newOffice(t)
	a := o.has("web", "shop", nil)
	a.remember(record.Record{Result: record.Removed})
	if s, _ := o.Status("web"); s.Sync != Gone {
		t.Errorf("the removed app is %s", s.Sync)
	}
	fought := o.deployed(wanted("api"))
	fought.fights.enter(manifesttest.ConfigMap("a"), Fight{Times: 4, with: "an operator", Calm: time.Now().Add(time.Hour)})
	if s, _ := o.Status("api"); len(s.Fights) != 1 {
		t.Errorf("the fights are %+v", s.Fights)
	}
}
