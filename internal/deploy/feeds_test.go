package deploy

import (
	"errors"
	"testing"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/name"
)

const config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: shop}\n"

// opened returns a draft for a revision of a branch of the repository shop.
func (o *office) opened(branch name.Branch, files map[string]string) *Draft {
	o.source.push("shop", "new", files)
	return o.Open(Change{Repo: "shop", Branch: branch, Revision: "new", Tree: o.source.trees["new"], Push: "p1", Options: Options{ConfirmPrune: -1}})
}

func TestBranchesThatDeploy(t *testing.T) {
	one := map[string]string{"a.yaml": config}
	damaged := map[string]string{appfile.Name: "apps: 7\n"}
	for name, test := range map[string]struct {
		branch name.Branch
		files  map[string]string
		set    func(o *office)
		want   bool
	}{
		"the main branch":                    {"main", one, func(*office) {}, true},
		"another branch":                     {"release", one, func(*office) {}, false},
		"another branch that feeds an app":   {"release", one, func(o *office) { o.has("web", "shop", nil).branch = "release" }, true},
		"the main branch, damaged":           {"main", damaged, func(*office) {}, true},
		"another branch, damaged":            {"release", damaged, func(*office) {}, false},
		"where the main branch is not known": {"main", one, func(o *office) { o.source.err = errors.New("the disk is gone") }, true},
	} {
		o := newOffice(t)
		test.set(o)
		draft := o.opened(test.branch, test.files)
		if got := draft.Deploys(); got != test.want {
			t.Errorf("%s: the change deploys: %v", name, got)
		}
		if draft.Main == "" {
			t.Errorf("%s: the change does not say which branch is the main one", name)
		}
	}
}

func TestChangeSaysWhichBranchIsTheMainOne(t *testing.T) {
	o := newOffice(t)
	o.source.err = errors.New("asked, although it is known")
	draft := o.Open(Change{Repo: "shop", Branch: "trunk", Main: "trunk", Tree: shopAt("1")})
	if !draft.Deploys() || len(draft.p.Problems) > 0 || draft.Main != "trunk" {
		t.Errorf("the change deploys: %v, %v", draft.Deploys(), draft.p.Problems)
	}
}

func TestChangeIsAboutTheAppsThatAreChosen(t *testing.T) {
	o := newOffice(t)
	o.Choice.Names = []name.App{"a"}
	draft := o.opened("main", map[string]string{appfile.Name: "apps: [{path: a}, {path: b}]\n", "a/a.yaml": config, "b/a.yaml": config})
	if len(draft.p.specs) != 1 || draft.p.specs[0].Name != "a" {
		t.Errorf("the change is about %+v", draft.p.specs)
	}
}
