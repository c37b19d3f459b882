package deploy

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

// wantProblems fails the test unless each problem has the text at its place in the list.
func wantProblems(t *testing.T, what string, problems manifest.Problems, want ...string) {
	t.Helper()
	if len(problems) != len(want) {
		t.Errorf("%s: the problems are\n%v\nwant %q", what, problems, want)
		return
	}
	for i, text := range want {
		if !strings.Contains(problems[i].Error(), text) {
			t.Errorf("%s: problem %d is %q, want it to have %q", what, i, problems[i].Error(), text)
		}
	}
}

func TestNamesThatAChangeMayUse(t *testing.T) {
	east := func(t *target) { t.Spec.Cluster = "east" }
	for name, test := range map[string]struct {
		set    func(o *office)
		change *target
		want   []string
	}{
		"of a new app":           {func(*office) {}, wanted("web"), nil},
		"of an app of its own":   {func(o *office) { o.deployed(wanted("web")) }, wanted("web"), nil},
		"of another repository":  {func(o *office) { o.has("web", "blog", nil) }, wanted("web"), []string{"app web is deployed from branch main of repository blog"}},
		"of an unknown cluster":  {func(*office) {}, wanted("web", func(t *target) { t.Spec.Cluster = "west" }), []string{`cluster "west" is not known to this server`}},
		"of an app that moves":   {func(o *office) { o.deployed(wanted("web")) }, wanted("web", east), []string{"app web runs on cluster default and cannot move to east by itself"}},
		"of an app that left":    {func(o *office) { o.has("web", "shop", wanted("web", func(t *target) { t.Gone = true })) }, wanted("web", east), nil},
		"of one that is removed": {func(o *office) { o.deployed(wanted("web")).remember(record.Record{Result: record.Removed}) }, wanted("web", east), nil},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			o.Clusters.put("east", o.Clusters.Get("default"))
			test.set(o)
			problems := o.checkNames(o.proposed("shop", test.change))
			wantProblems(t, name, problems, test.want...)
			for _, problem := range problems {
				if problem.App != "web" || problem.Hint == "" {
					t.Errorf("the problem is %+v", problem)
				}
			}
		})
	}
}

func TestAppsThatLeaveWithAChange(t *testing.T) {
	kept := func(t *target) { t.Spec.Prune = true }
	for name, test := range map[string]struct {
		set   func(o *office)
		leave string // the leaving app's prune setting and cluster; "" if no app leaves
	}{
		"an app that is named":            {func(o *office) { o.deployed(wanted("web", kept)) }, ""},
		"an app that is not":              {func(o *office) { o.deployed(wanted("old", kept)) }, "true default"},
		"one with prune: false":           {func(o *office) { o.deployed(wanted("old")) }, "false default"},
		"one of another branch":           {func(o *office) { o.deployed(wanted("old", kept)).branch = "release" }, ""},
		"one that is removed":             {func(o *office) { o.deployed(wanted("old", kept)).remember(record.Record{Result: record.Removed}) }, ""},
		"one that was only skipped":       {func(o *office) { o.has("old", "shop", nil).remember(record.Record{Cluster: "east"}) }, "true east"},
		"only skipped, with prune: false": {func(o *office) { o.has("old", "shop", nil).remember(record.Record{NoPrune: true}) }, "false default"},
		"one of which nothing is known":   {func(o *office) { o.has("old", "shop", nil) }, ""},
		"one that is known by its record": {func(o *office) { o.deployed(wanted("old", func(t *target) { t.origin = fromRecord })) }, "true default"},
		"known by its record, without prune": {func(o *office) {
			o.deployed(wanted("old", func(t *target) { t.origin = fromRecord })).remember(record.Record{NoPrune: true})
		}, "false default"},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			test.set(o)
			got := ""
			for _, left := range o.leaving(o.proposed("shop", wanted("web"))) {
				if got += fmt.Sprint(left.Spec.Prune, " ", left.Spec.Cluster); !left.Gone || left.Spec.Name != "old" || left.Revision != "new" {
					t.Errorf("the leaving app's target is %+v", left)
				}
			}
			if got != test.leave {
				t.Errorf("got %q, want %q", got, test.leave)
			}
		})
	}
}

func TestObjectsThatOtherAppsWant(t *testing.T) {
	skipped := wants("a")
	skipped[0].Policy.Phase = manifest.Skip
	for what, test := range map[string]struct {
		set     func(o *office, p *Proposal)
		objects []plan.Placed
		want    []string
	}{
		"nobody's":                       {func(*office, *Proposal) {}, wants("a"), nil},
		"its own":                        {func(_ *office, p *Proposal) { p.claims.Set("web", "default", wants("a")) }, wants("a"), nil},
		"another app's":                  {func(o *office, _ *Proposal) { o.claims.Set("api", "default", wants("a")) }, wants("a"), []string{"ConfigMap shop/a: belongs to app api"}},
		"that of another repository":     {func(o *office, _ *Proposal) { o.has("api", "blog", nil); o.claims.Set("api", "default", wants("a")) }, wants("a"), []string{"ConfigMap shop/a: belongs to app api of repository blog"}},
		"another app's, but not applied": {func(o *office, _ *Proposal) { o.claims.Set("api", "default", wants("a")) }, skipped, nil},
		"that of an app that comes later": {func(o *office, p *Proposal) {
			o.claims.Set("api", "default", wants("a"))
			p.targets = append(p.targets, wanted("api"))
		}, wants("a"), nil},
		"that of an app that stays as it is": {
			func(o *office, p *Proposal) {
				o.claims.Set("api", "default", wants("a"))
				p.targets = append(p.targets, wanted("api"))
				p.stays = map[name.App]bool{"api": true}
			}, wants("a"), []string{"ConfigMap shop/a: belongs to app api"},
		},
		"that of an app that came before": {
			func(_ *office, p *Proposal) {
				p.targets = append(p.targets, wanted("api"))
				p.claims.Set("api", "default", wants("a"))
			}, wants("a"), []string{"ConfigMap shop/a: belongs to app api"},
		},
	} {
		t.Run(what, func(t *testing.T) {
			o := newOffice(t)
			web := wanted("web")
			p := o.proposed("shop", web)
			test.set(o, p)
			wantProblems(t, what, o.contested(p, web, test.objects), test.want...)
		})
	}
}

// TestAppsOfAClusterThatIsGone: apps that leave a cluster which nobody names any more are
// refused, since what they have there cannot be deleted; the others are planned.
func TestAppsOfAClusterThatIsGone(t *testing.T) {
	o := newOffice(t)
	web := wanted("web")
	web.Spec.Cluster = "gone"
	p := o.proposed("shop", web)
	objects := o.resolveAll(t.Context(), p)
	wantProblems(t, "a cluster that is gone", p.Problems, `cluster "gone" is not known to this server: what its apps have there cannot be deleted`)
	if len(objects) > 0 || p.with["gone"] != nil || !strings.Contains(p.Problems[0].Hint, "push with prune: false") {
		t.Errorf("objects %v, companions %v, hint %q", objects, p.with["gone"], p.Problems[0].Hint)
	}
}

func TestAppsThatHaveNothingToPlan(t *testing.T) {
	for name, test := range map[string]struct {
		set  func(o *office, p *Proposal)
		want bool
	}{
		"deployed as it is": {func(*office, *Proposal) {}, true},
		"never deployed":    {func(o *office, _ *Proposal) { delete(o.apps, "web") }, false},
		"its deploy failed": {func(o *office, _ *Proposal) { o.app("web").last.Result = record.Failed }, false},
		"it is not healthy": {func(o *office, _ *Proposal) { o.app("web").last.Result = record.Unhealthy }, false},
		"suspended since": {func(o *office, _ *Proposal) {
			last := o.app("web").last
			last.Result, last.Standing = record.Suspended, record.Deployed
		}, true},
		"another target is wanted": {func(o *office, _ *Proposal) {
			o.app("web").setWant(wanted("web", func(t *target) { t.Digest = "other" }))
		}, false},
		"nothing is wanted":         {func(o *office, _ *Proposal) { o.app("web").setWant(nil) }, false},
		"it is asked for by itself": {func(_ *office, p *Proposal) { p.Only = "web" }, false},
		"another one is asked for":  {func(o *office, p *Proposal) { p.Only = "api"; delete(o.apps, "web") }, true},
	} {
		o := newOffice(t)
		web := wanted("web")
		o.deployed(web)
		p := o.proposed("shop", web)
		test.set(o, p)
		if got := o.upToDate(p, web); got != test.want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

func TestAppsThatComeAndLeaveAreNamed(t *testing.T) {
	o := newOffice(t)
	first := o.proposed("shop", wanted("web"))
	first.compareApps(nil)
	wantLines(t, "added by the first push", first.added)
	o.deployed(wanted("web"))
	o.deployed(wanted("old"))
	next := o.proposed("shop", wanted("web"), wanted("api"))
	next.compareApps([]*target{wanted("old")})
	wantLines(t, "added", next.added, "api")
	wantLines(t, "removed", next.removed, "old")
}

func TestProblemsOfAClusterAreTold(t *testing.T) {
	forbidden := apierrors.NewForbidden(schema.GroupResource{Resource: "pods"}, "", errors.New(`User "system:serviceaccount:pushboat:pushboat" cannot list resource "pods" in API group "" at the cluster scope`))
	unconverted := apierrors.NewInternalError(errors.New(`conversion webhook for conv.example/v1, Kind=Boat failed: Post "https://gone.default.svc:443/": service "gone" not found`))
	for name, test := range map[string]struct {
		err           error
		message, hint string
		remedy        manifest.RemedyKind
	}{
		"it does not answer": {&kube.UnreachableError{Cluster: "east", Err: errors.New("refused")}, "cluster east does not answer", "", manifest.RemedyAgainOrSkip},
		"it is not open yet": {fmt.Errorf("%w: cluster east", errNotOpen), "cluster east does not answer", "", manifest.RemedyAgainOrSkip},
		"an unknown kind":    {&kube.UnknownKindError{GVK: schema.GroupVersionKind{Group: "g", Version: "v1", Kind: "Widget"}}, "Widget of g/v1", "install its CustomResourceDefinition", ""},
		"no right":           {forbidden, "Pushboat may not list pods in the whole cluster", "give the ServiceAccount pushboat/pushboat the verbs", ""},
		"not converted":      {unconverted, "the conversion webhook for Boat of conv.example/v1 (service default/gone) does not answer", "", manifest.RemedyAgain},
		"something else":     {errors.New("too large"), "cluster east: too large", "check the rights of Pushboat's account there", manifest.RemedyAgain},
	} {
		got := noAnswer("east", test.err)
		if !strings.Contains(got.Message, test.message) || !strings.HasPrefix(got.Message, "cluster east") || !strings.Contains(got.Hint, test.hint) || got.Remedy.Kind != test.remedy {
			t.Errorf("%s: %q, hint %q, remedy %q", name, got.Message, got.Hint, got.Remedy.Kind)
		}
	}
}

func TestProblemsOfAClusterAreToldOnce(t *testing.T) {
	away, object := manifest.Problem{Message: "cluster default does not answer"}, manifest.Problem{Object: "ConfigMap a", Message: "wrong"}
	other := manifest.Problem{Message: "cluster east does not answer"}
	got := oncePerCluster(manifest.Problems{away, object, away, other, object})
	wantProblems(t, "kept", got, away.Message, object.Message, other.Message, object.Message)
}

func TestChangeOfAClusterThatIsAwayIsRefused(t *testing.T) {
	o := newOffice(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p := o.proposed("shop", wanted("web"), wanted("api"))
	p.plan(ctx)
	if wantProblems(t, "refused", p.Problems, "cluster default does not answer"); len(p.Plans) > 0 {
		t.Errorf("planned %+v", p.Plans)
	}
	if _, err := p.Accept(); !errors.Is(err, ErrRefused) {
		t.Errorf("accepted: %v", err)
	}
}

func TestPlanOfAChangeEndsEarly(t *testing.T) {
	o := newOffice(t)
	o.has("web", "blog", nil)
	misnamed := o.proposed("shop", wanted("web"))
	misnamed.plan(t.Context())
	wantProblems(t, "a name that another repository has", misnamed.Problems, "repository blog")
	unread := o.proposed("shop")
	unread.Problems = manifest.Problems{{Message: "pushboat.yaml is damaged"}}
	unread.plan(t.Context())
	wantProblems(t, "a revision that names nothing", unread.Problems, "damaged")
	if !unread.unread || unread.claims.Has("web") {
		t.Error("the revision counts as read in full")
	}
}
