package plan

import (
	"testing"

	"github.com/pushboat/pushboat/internal/manifest"
)

// TestBlindRevisions: a revision that nobody has accepted is compared only with the app's
// own objects, if they are wanted and have no hidden values.
func TestBlindRevisions(t *testing.T) {
	const unseen = ": not compared with the running object"
	secret := "apiVersion: v1\nkind: Secret\nmetadata: {name: web}\ndata: {password: YQ==}\n"
	for name, test := range map[string]struct {
		runs     func(w *world)
		accepted []string
		revision string
		change   func(w *world)
		want     string
		asked    []string
		problems []string
	}{
		"an object of the app": {
			accepted: []string{config("a", "1")}, revision: config("a", "2"),
			want: "configured ConfigMap shop/a", asked: []string{"apply ConfigMap shop/a", "get ConfigMap shop/a"},
		},
		"one that has not changed is looked at": {
			accepted: []string{config("a", "1")}, revision: config("a", "1"), want: "unchanged ConfigMap shop/a",
		},
		"one that is not wanted": {
			runs: func(w *world) { w.deployed(config("a", "1")) }, revision: config("a", "2"),
			want: "created ConfigMap shop/a" + unseen, asked: []string{"rehearse ConfigMap shop/a"},
		},
		"one that another is wanted for": {
			runs: func(w *world) { w.deployed(config("a", "1")) }, accepted: []string{config("b", "1")}, revision: config("a", "2"),
			want: "created ConfigMap shop/a" + unseen, asked: []string{"rehearse ConfigMap shop/a"},
		},
		"one of another app": {
			runs: func(w *world) { w.deployedBy("blog", "shop", config("a", "1")) }, revision: config("a", "2"),
			want: "created ConfigMap shop/a" + unseen, asked: []string{"rehearse ConfigMap shop/a"},
		},
		"one of another app, and wanted": {
			runs: func(w *world) { w.deployedBy("blog", "shop", config("a", "1")) }, accepted: []string{config("a", "1")}, revision: config("a", "2"),
			want: "created ConfigMap shop/a" + unseen, asked: []string{"rehearse ConfigMap shop/a"},
		},
		"one that is new, and wrong": {
			revision: config("a", "2"), change: func(w *world) { w.api.faults["ConfigMap shop/a"] = "is wrong" },
			want: "created ConfigMap shop/a" + unseen, asked: []string{"rehearse ConfigMap shop/a"}, problems: []string{"is wrong"},
		},
		"a Secret": {
			accepted: []string{secret}, revision: secret, want: "created Secret shop/web" + unseen, asked: []string{"rehearse Secret shop/web"},
		},
		"one that conceals something": {
			accepted: []string{config("a", "1")}, revision: config("a", "2"),
			change: func(w *world) { w.Target.Objects[0].Conceal("/data/value") },
			want:   "created ConfigMap shop/a" + unseen, asked: []string{"rehearse ConfigMap shop/a"},
		},
		"one that did conceal something": {
			accepted: []string{config("a", "1")}, revision: config("a", "2"),
			change: func(w *world) { w.Wanted.Objects[0].Conceal("/data/value") },
			want:   "created ConfigMap shop/a" + unseen, asked: []string{"rehearse ConfigMap shop/a"},
		},
		"a hook": {
			revision: job("h", preSync), want: "hook Job shop/h" + unseen, asked: []string{"rehearse Job shop/h"},
		},
		"a hook in the place of an object": {
			accepted: []string{job("h")}, revision: job("h", preSync), want: "hook Job shop/h" + unseen, asked: []string{"rehearse Job shop/h"},
		},
		"one without a namespace":    {revision: namespaceText("other"), want: "created Namespace other" + unseen},
		"one whose definition comes": {revision: widget("large"), change: (*world).defines, want: "created Widget shop/web" + unseen, problems: []string{"large"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if test.runs != nil {
				test.runs(w)
			}
			if test.accepted != nil {
				if test.runs == nil {
					w.deployed(test.accepted...)
				}
				wanted := *w.Target
				wanted.Objects = parsed(t, test.accepted...)
				w.Wanted = &wanted
			}
			w.Target.Blind, w.Partial = true, true
			w.Target.Objects = parsed(t, test.revision)
			revision := w.Target.Objects
			if test.change != nil {
				test.change(w)
			}
			w.Target.Objects = revision
			objects, problems := Resolve(t.Context(), w.api, w.Target, w.With, Bounds{})
			wantProblems(t, problems)
			plan, problems, err := w.Plan(t.Context(), objects)
			if err != nil {
				t.Fatal(err)
			}
			wantProblems(t, problems, test.problems...)
			wantTold(t, plan, test.want)
			wantAsked(t, w, test.asked...)
		})
	}
}

func TestHides(t *testing.T) {
	concealing := parsed(t, config("a", "1"))[0]
	concealing.Hide("1")
	for name, test := range map[string]struct {
		o    *manifest.Object
		want bool
	}{
		"a ConfigMap":                 {parsed(t, config("a", "1"))[0], false},
		"a Secret":                    {parsed(t, "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n")[0], true},
		"one that conceals something": {concealing, true},
	} {
		if got := hides(test.o); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
