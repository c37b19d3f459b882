package deploy

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/access/glob"
	"github.com/pushboat/pushboat/internal/access/grant"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/plan"
)

// having gives a target ConfigMaps of the namespace shop.
func having(names ...string) func(*target) {
	return func(t *target) {
		for _, name := range names {
			u := &unstructured.Unstructured{Object: map[string]any{}}
			u.SetAPIVersion("v1")
			u.SetKind("ConfigMap")
			u.SetNamespace("shop")
			u.SetName(name)
			t.Objects = append(t.Objects, &manifest.Object{Unstructured: u})
		}
	}
}

// labelled is a grant of the namespaces that have a label.
func labelled() *grant.Grant {
	return &grant.Grant{Namespaces: grant.Namespaces{Selectors: []grant.Selector{{"team": "a"}}}}
}

// giving is a grant of namespaces by name.
func giving(patterns ...glob.Pattern) *grant.Grant {
	return &grant.Grant{Namespaces: grant.Namespaces{Patterns: patterns}}
}

// to has every repository have one grant.
func to(g *grant.Grant) Grants { return func(name.Repo) *grant.Grant { return g } }

// hasNamespace has the namespace shop run, with labels.
func (c *fakeAPI) hasNamespace(labels map[string]string) {
	u := &unstructured.Unstructured{Object: map[string]any{}}
	u.SetName("shop")
	u.SetLabels(labels)
	c.running[plan.NamespaceID("shop")] = u
}

func TestConfine(t *testing.T) {
	const outside = "ConfigMap shop/a: the grant of repository shop does not give the namespace shop"
	for what, test := range map[string]struct {
		grant  *grant.Grant
		set    func(*office, *fakeAPI)
		target []func(*target)
		want   string
		judged bool // the judgement is the app's from then on
	}{
		"nothing is granted to anybody": {judged: true},
		"all of it is within":           {grant: giving("sh*"), judged: true},
		"one object is outside":         {grant: giving("blog"), want: outside, judged: true},
		"several are":                   {grant: giving("blog"), target: []func(*target){having("c", "b", "d")}, want: outside + " (and 3 objects more)", judged: true},
		"it is on another cluster": {
			grant: &grant.Grant{Clusters: []glob.Pattern{"eu-*"}}, want: "the grant of repository shop does not give the cluster default", judged: true,
		},
		"its secrets were opened with a key that is not given": {
			grant: &grant.Grant{Keys: grant.Names{Given: []grant.Name{"b.age"}}}, want: "the grant of repository shop gives no key that opens login.yaml", judged: true,
			target: []func(*target){func(t *target) {
				t.used = &grant.Used{Files: []grant.UsedFile{{File: "login.yaml", Openers: [][]string{{"a.age"}}, Needs: 1}}}
			}},
		},
		"no grant is for its repository": {
			grant: grant.Find([]*grant.Grant{}, "shop"), want: "no grant is for repository shop: it may deploy nothing", judged: true,
		},
		"it is to be deleted": {grant: giving("blog"), target: []func(*target){func(t *target) { t.Gone = true }}, judged: true},
		"its cluster is not known": {
			grant: giving("blog"), target: []func(*target){func(t *target) { t.Spec.Cluster = "west" }},
		},
		"its cluster has never answered": {
			grant: giving("blog"), set: func(o *office, _ *fakeAPI) { o.Clusters.Get("default").opened = make(chan struct{}) },
		},
		"the namespace has the label":     {grant: labelled(), set: func(_ *office, api *fakeAPI) { api.hasNamespace(map[string]string{"team": "a"}) }, judged: true},
		"the namespace has another one":   {grant: labelled(), set: func(_ *office, api *fakeAPI) { api.hasNamespace(map[string]string{"team": "b"}) }, want: outside, judged: true},
		"there is no namespace":           {grant: labelled(), want: outside, judged: true},
		"the labels cannot be read":       {grant: labelled(), set: func(_ *office, api *fakeAPI) { api.fails["get"] = away }},
		"kinds of namespaces are unknown": {grant: labelled(), set: func(_ *office, api *fakeAPI) { delete(api.kinds, manifest.NamespaceKind.WithVersion("v1")) }},
	} {
		t.Run(what, func(t *testing.T) {
			o := newOffice(t)
			api := o.answering()
			o.Grants = to(test.grant)
			if test.set != nil {
				test.set(o, api)
			}
			a := o.deployed(wanted("web", append([]func(*target){having("a")}, test.target...)...))
			a.confined.set(nil, nil, "as it was judged before")
			if got := a.confine(a.wanted()); got != test.want {
				t.Errorf("held for %q, want %q", got, test.want)
			}
			if got := a.confined.reason(); got != test.want && test.judged || got != "as it was judged before" && !test.judged {
				t.Errorf("the app is held for %q", got)
			}
		})
	}
}

// TestJudgementsHold: a target is judged by a grant once, unless labels decide, which may
// change.
func TestJudgementsHold(t *testing.T) {
	for what, test := range map[string]struct {
		grant *grant.Grant
		then  func(o *office, a *app)
		want  string // after that
	}{
		"nothing changes":    {giving("shop"), func(*office, *app) {}, ""},
		"another target":     {giving("shop"), func(_ *office, a *app) { a.setWant(wanted("web", having("b", "c"), elsewhere)) }, "ConfigMap blog/b"},
		"a narrower grant":   {giving("shop"), func(o *office, _ *app) { o.Grants = to(giving("blog")) }, "ConfigMap shop/a"},
		"a wider one":        {giving("blog"), func(o *office, _ *app) { o.Grants = to(giving("shop")) }, ""},
		"none any more":      {giving("blog"), func(o *office, _ *app) { o.Grants = nil }, ""},
		"it is to be gone":   {giving("blog"), func(_ *office, a *app) { a.setWant(wanted("web", func(t *target) { t.Gone = true })) }, ""},
		"an unasked cluster": {giving("shop"), func(o *office, _ *app) { o.Clusters.Get("default").opened = make(chan struct{}) }, ""},
	} {
		t.Run(what, func(t *testing.T) {
			o := newOffice(t)
			o.answering()
			o.Grants = to(test.grant)
			a := o.deployed(wanted("web", having("a")))
			a.confine(a.wanted())
			test.then(o, a)
			for range 2 {
				if got := a.confine(a.wanted()); !strings.HasPrefix(got, test.want) || test.want == "" && got != "" {
					t.Errorf("held for %q, want %q", got, test.want)
				}
			}
		})
	}
	o := newOffice(t)
	api := o.answering()
	o.Grants = to(labelled())
	api.hasNamespace(map[string]string{"team": "a"})
	a := o.deployed(wanted("web", having("a", "b")))
	for asked := 1; asked <= 2; asked++ {
		if why := a.confine(a.wanted()); why != "" || len(api.asked) != asked {
			t.Errorf("held for %q, the cluster was asked %q", why, api.asked)
		}
	}
	api.hasNamespace(nil)
	if why := a.confine(a.wanted()); why == "" {
		t.Error("a label that is gone still gives the namespace")
	}
}

// elsewhere has a target's objects be in the namespace blog.
func elsewhere(t *target) {
	for _, o := range t.Objects {
		o.SetNamespace("blog")
	}
}

// TestMayUse: where a grant gives only some keys, a target counts only if it is known that it
// was made with those.
func TestMayUse(t *testing.T) {
	some := &grant.Grant{Keys: grant.Names{Given: []grant.Name{"a.age"}}}
	opened := func(by string) *grant.Used {
		return &grant.Used{Files: []grant.UsedFile{{File: "x", Openers: [][]string{{by}}, Needs: 1}}}
	}
	for what, test := range map[string]struct {
		grant *grant.Grant
		used  *grant.Used
		want  bool
	}{
		"nothing is granted": {nil, nil, true},
		"all keys":           {&grant.Grant{}, nil, true},
		"not known":          {some, nil, false},
		"nothing used":       {some, &grant.Used{}, true},
		"its key":            {some, opened("a.age"), true},
		"another key":        {some, opened("b.age"), false},
	} {
		o := newOffice(t)
		o.Grants = to(test.grant)
		if got := o.mayUse(wanted("web", func(t *target) { t.used = test.used })); got != test.want {
			t.Errorf("%s: %v", what, got)
		}
	}
}
