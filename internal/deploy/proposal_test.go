package deploy

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/manifest/manifesttest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/report"
)

// TestProposalIsPrinted checks which parts of a proposal its pusher sees.
func TestProposalIsPrinted(t *testing.T) {
	const (
		blind     = "planned without keys and without values of the cluster: nobody who may\ndeploy has accepted this revision, and you may not\n"
		planned   = "shop: plan for cluster default, 0123456\n  + ConfigMap shop/a\n"
		wrong     = "error: it is wrong\n"
		refused   = "shop: refused, 1 problem; nothing was changed\n"
		unchanged = "1 app unchanged\n"
		planOnly  = "plan only: nothing was changed\n"
	)
	broken := manifest.Problems{{Message: "it is wrong"}}
	for what, test := range map[string]struct {
		set  func(p *Proposal)
		want []string
	}{
		"a change":                       {func(*Proposal) {}, []string{planned, unchanged}},
		"one app of it":                  {func(p *Proposal) { p.Only = "shop" }, []string{planned}},
		"a change of all apps":           {func(p *Proposal) { p.targets = p.targets[:1] }, []string{planned}},
		"one that is skipped":            {func(p *Proposal) { p.Options.Skip = true }, []string{planned}},
		"one with a problem":             {func(p *Proposal) { p.Problems = broken }, []string{wrong, refused}},
		"one to be confirmed":            {func(p *Proposal) { p.Problems, p.guarded = broken, true }, []string{planned, wrong, refused}},
		"a plan":                         {func(p *Proposal) { p.Options.Plan = true }, []string{planned, unchanged, planOnly}},
		"a plan with a problem":          {func(p *Proposal) { p.Problems, p.Options.Plan = broken, true }, []string{planned, wrong, refused}},
		"a revision nobody has accepted": {func(p *Proposal) { p.Unaccepted = true }, []string{blind, planned, unchanged}},
		"apps that come":                 {func(p *Proposal) { p.added = []name.App{"api"} }, []string{"added", "api", planned, unchanged}},
		"apps that leave":                {func(p *Proposal) { p.removed = []name.App{"old"} }, []string{"removed", "old", planned, unchanged}},
	} {
		p := &Proposal{
			Change:  Change{Repo: "shop"},
			Plans:   []*plan.Plan{{App: "shop", Cluster: "default", Revision: "0123456789", Steps: []plan.Step{{ID: manifesttest.ConfigMap("a"), Action: record.Create}}}},
			targets: []*target{{}, {}},
		}
		test.set(p)
		var out strings.Builder
		p.Print(&out, report.Door{})
		rest := out.String()
		for _, part := range test.want {
			_, after, found := strings.Cut(rest, part)
			if rest = after; !found {
				t.Errorf("%s: %q is missing in\n%s", what, part, out.String())
			}
		}
		for _, part := range []string{blind, planned, wrong, refused, unchanged, planOnly, "added", "removed"} {
			wanted := strings.Contains(strings.Join(test.want, ""), part)
			if !wanted && strings.Contains(out.String(), part) {
				t.Errorf("%s: %q is printed", what, part)
			}
		}
	}
}

// TestDraftIsRenderedOnce: a draft is rendered once, by the first method that needs the
// result.
func TestDraftIsRenderedOnce(t *testing.T) {
	o := newOffice(t)
	o.answering()
	a := o.settledOn(config)
	a.last.Content = a.contentFor(a.wanted())
	draft := o.opened("main", oneApp(config))
	if !draft.AsDeployed("web") {
		t.Error("an unchanged revision does not count as deployed")
	}
	if o.opened("main", oneApp(twoConfigs)).AsDeployed("web") {
		t.Error("a revision with one more object counts as deployed")
	}
	broken := o.opened("main", oneApp("a: [\n"))
	if broken.AsDeployed("web") {
		t.Error("a revision that cannot be rendered counts as deployed")
	}
	if p := broken.Propose(t.Context()); len(p.Problems) != 1 {
		t.Errorf("the problems are %v", p.Problems)
	}
}

// TestDraftWaitsForTheFirstReading: a change waits until the apps of every repository are
// known.
func TestDraftWaitsForTheFirstReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		o.answering()
		o.loaded = make(chan struct{})
		opened := make(chan struct{})
		go func() {
			defer close(opened)
			o.opened("main", oneApp(config))
		}()
		if synctest.Wait(); isClosed(opened) {
			t.Error("the change was opened before the repositories were read")
		}
		close(o.loaded)
		<-opened
	})
}

// broken is an API that panics when inventories are listed, as by a fault of the server's
// own.
type broken struct{ *fakeAPI }

func (broken) ListParents(context.Context) ([]kube.Parent, error) { panic("a fault") }

// TestFaultAmidAPlanReservesNothing: after a panic during a plan, the branch is free for
// other pushes.
func TestFaultAmidAPlanReservesNothing(t *testing.T) {
	o := newOffice(t)
	o.Clusters.Get("default").api = broken{o.answering()}
	files := map[string]string{appfile.Name: "apps: [{path: 'a*', namespace: shop}]\n"}
	for i := range fewParents + 1 {
		files[fmt.Sprintf("a%d/all.yaml", i)] = strings.Replace(config, "name: a", fmt.Sprint("name: a", i), 1)
	}
	defer func() {
		if recover() == nil {
			t.Error("the fault is hidden")
		}
		if o.reservations.expect("shop", "main") {
			t.Error("the branch stays reserved")
		}
	}()
	o.proposes(files)
}

// TestProposalIsAcceptedOnce tries the ways to accept and close a proposal in every order.
func TestProposalIsAcceptedOnce(t *testing.T) {
	type step struct {
		name string
		do   func(*Proposal) error
		want error
	}
	accept := func(want error) step {
		return step{"accept", func(p *Proposal) error { _, err := p.Accept(); return err }, want}
	}
	closing := step{"close", func(p *Proposal) error { p.Close(); return nil }, nil}
	for name, test := range map[string]struct {
		options Options
		steps   []step
	}{
		"accepted":              {Options{}, []step{accept(nil), closing}},
		"accepted twice":        {Options{}, []step{accept(nil), accept(ErrAccepted), closing, accept(ErrClosed)}},
		"given up":              {Options{}, []step{closing, accept(ErrClosed)}},
		"closed twice":          {Options{}, []step{closing, closing}},
		"only planned":          {Options{Plan: true}, []step{accept(ErrRefused), closing}},
		"only planned, closed":  {Options{Plan: true}, []step{closing, accept(ErrRefused)}},
		"skipped, and accepted": {Options{Skip: true}, []step{accept(nil), closing}},
	} {
		e := New(Config{})
		p := &Proposal{Change: Change{Repo: "shop", Branch: "main", Revision: "0123456789", Options: test.options}, engine: e, claims: e.claims.Overlay()}
		if problems := e.reservations.take(p); len(problems) > 0 {
			t.Fatal(problems)
		}
		for i, step := range test.steps {
			if err := step.do(p); !errors.Is(err, step.want) {
				t.Errorf("%s: step %d, %s: %v, want %v", name, i+1, step.name, err, step.want)
			}
		}
		if e.reservations.expect("shop", "main") {
			t.Errorf("%s: a closed proposal keeps its branch", name)
		}
	}
}
