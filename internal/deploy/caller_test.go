package deploy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/kube/kubetest"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

// fakeRights are the rights of a service account.
type fakeRights struct {
	missing error           // the answer of CheckAccount
	has     map[string]bool // the account's rights, as "delete shop/Service/web"
	fails   error
	asked   []string
}

func (f *fakeRights) CheckAccount(context.Context) error { return f.missing }

func (f *fakeRights) Needs(_ context.Context, right manifest.Right) error {
	text := right.Verbs + " " + right.Namespace + "/" + right.Resource + "/" + right.Name
	f.asked = append(f.asked, text)
	if f.fails == nil && !f.has[text] {
		return &kube.RefusedError{Right: right}
	}
	return f.fails
}

// TestDeletionsOfAnAccount: for the deletions of a plan, the gate asks for the right by
// kind and namespace first, and then object by object.
func TestDeletionsOfAnAccount(t *testing.T) {
	step := func(action record.Action, kind, name string) plan.Step {
		return plan.Step{Action: action, ID: manifest.ID{Kind: kind, Namespace: "shop", Name: name}}
	}
	todo := &plan.Plan{
		App:   "web",
		Prune: []plan.Step{step(record.Delete, "Service", "a"), step(record.Delete, "Service", "b"), step(record.Release, "Service", "kept")},
		Steps: []plan.Step{step(record.Create, "Pod", "new"), step(record.Recreate, "Pod", "anew")},
		Hooks: []plan.Step{step(record.Create, "Pod", "hook")},
	}
	all := map[string]bool{"delete shop/Service/": true, "delete shop/Pod/": true}
	for name, test := range map[string]struct {
		rights *fakeRights
		want   string
		asked  int
	}{
		"may delete all":       {&fakeRights{has: all}, "", 2},
		"may delete by name":   {&fakeRights{has: map[string]bool{"delete shop/Pod/": true, "delete shop/Service/a": true}}, "Service shop/b", 4},
		"may delete no pods":   {&fakeRights{has: map[string]bool{"delete shop/Service/": true}}, "Pod shop/anew, Pod shop/hook", 4},
		"a cluster that fails": {&fakeRights{fails: kubetest.Down}, "", 2},
	} {
		t.Run(name, func(t *testing.T) {
			problems, err := caller{api: newFakeAPI(), rights: test.rights}.deletions(t.Context(), todo)
			var got []string
			for _, p := range problems {
				got = append(got, p.Object)
				if p.Lacks.Verbs != manifest.KeepVerbs || p.App != "web" {
					t.Errorf("%+v", p)
				}
			}
			slices.Sort(got)
			if strings.Join(got, ", ") != test.want || len(test.rights.asked) != test.asked || !errors.Is(err, test.rights.fails) {
				t.Errorf("%v, %v; asked %q", got, err, test.rights.asked)
			}
		})
	}
	if problems, err := (caller{}).deletions(t.Context(), todo); len(problems) > 0 || err != nil {
		t.Errorf("of the server itself: %v, %v", problems, err)
	}
}

// TestRefusalOfAnAccount: a refusal names the right that the account lacks, whatever has
// wrapped the error.
func TestRefusalOfAnAccount(t *testing.T) {
	refused := func(resource string) error {
		return &kube.RefusedError{Right: manifest.Right{User: "system:serviceaccount:a:d", Verbs: "get", Resource: resource, Namespace: "shop"}}
	}
	problems := manifest.Problems{{Message: "m"}, {Message: "n", Lacks: manifest.Right{User: "u", Verbs: "get", Resource: "pods", Namespace: "shop"}}}
	missing := &kube.MissingAccountError{Account: kube.Account{Namespace: "a", Name: "d"}}
	for name, test := range map[string]struct {
		err       error
		missing   error
		want, not string
	}{
		"another error":       {kubetest.Down, nil, kubetest.Down.Error(), "kubectl"},
		"a refusal":           {refused("pods"), nil, "resources: [pods]", "no ServiceAccount"},
		"one in an error":     {fmt.Errorf("x: %w", refused("pods")), nil, "resources: [pods]", "no ServiceAccount"},
		"several":             {errors.Join(kubetest.Down, refused("pods"), refused("secrets")), nil, "resources: [pods, secrets]", "no ServiceAccount"},
		"problems":            {problems, nil, "resources: [pods]", "no ServiceAccount"},
		"no account":          {refused("pods"), missing, "hint: kubectl create serviceaccount -n a d", "resources"},
		"nothing of accounts": {kubetest.Down, missing, kubetest.Down.Error(), "kubectl"},
	} {
		got := caller{rights: &fakeRights{missing: test.missing}}.refusal(t.Context(), test.err)
		if !strings.Contains(got, test.want) || strings.Contains(got, test.not) {
			t.Errorf("%s: %s", name, got)
		}
	}
}
