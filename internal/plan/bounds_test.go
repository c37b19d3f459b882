package plan

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/access/glob"
	"github.com/pushboat/pushboat/internal/access/grant"
	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
)

// within are bounds by a grant; asked collects the namespaces whose labels are asked for.
func within(g *grant.Grant, labels map[string]string, err error, asked *[]string) Bounds {
	return Bounds{Grant: g, Repo: "shop", Labels: func(_ context.Context, namespace string) (map[string]string, error) {
		*asked = append(*asked, namespace)
		return labels, err
	}}
}

// selected is a grant of namespaces by labels, and of one by its name.
var selected = &grant.Grant{Namespaces: grant.Namespaces{Patterns: []glob.Pattern{"own"}, Selectors: []grant.Selector{{"team": "a"}}}}

func TestResolveWithinAGrant(t *testing.T) {
	lost := errors.New("no answer")
	for name, test := range map[string]struct {
		grant   *grant.Grant
		labels  map[string]string
		err     error
		asked   int
		refused int
		want    string // a part of each problem
	}{
		"none":                      {},
		"by name":                   {grant: &grant.Grant{Namespaces: grant.Namespaces{Patterns: []glob.Pattern{"shop"}}}},
		"another name":              {grant: &grant.Grant{Namespaces: grant.Namespaces{Patterns: []glob.Pattern{"own"}}}, refused: 2, want: "does not give the namespace shop"},
		"by labels, asked for once": {grant: selected, labels: map[string]string{"team": "a"}, asked: 1},
		"other labels":              {grant: selected, labels: map[string]string{"team": "b"}, asked: 1, refused: 2, want: "does not give the namespace shop"},
		"no such namespace":         {grant: selected, asked: 1, refused: 2, want: "does not give the namespace shop"},
		"labels cannot be read":     {grant: selected, err: lost, asked: 1, refused: 2, want: "cannot be told: its labels cannot be read: no answer"},
	} {
		var asked []string
		w := newWorld(t)
		w.resolved(config("a", "1"), config("b", "1"))
		bounds := within(test.grant, test.labels, test.err, &asked)
		placed, problems := Resolve(t.Context(), w.api, w.Target, w.With, bounds)
		if len(asked) != test.asked || len(problems) != test.refused || len(placed) != 2-test.refused {
			t.Errorf("%s: asked %q, placed %d, %v", name, asked, len(placed), problems)
		}
		for _, problem := range problems {
			if !strings.Contains(problem.Message, test.want) || problem.Object == "" {
				t.Errorf("%s: %+v", name, problem)
			}
		}
		outside, err := Outside(t.Context(), w.api, w.Target, w.With, bounds)
		if !errors.Is(err, test.err) || err == nil && len(outside) != test.refused {
			t.Errorf("%s: outside are %v, %v", name, outside, err)
		}
		w.Target.Gone = true
		if _, problems := Resolve(t.Context(), w.api, w.Target, w.With, bounds); len(problems) > 0 {
			t.Errorf("%s: an app that goes is refused: %v", name, problems)
		}
	}
}

func TestKept(t *testing.T) {
	id := manifest.ID{Kind: "ConfigMap", Namespace: "shop", Name: "a"}
	for name, test := range map[string]struct {
		grant  *grant.Grant
		labels map[string]string
		err    error
		want   string
	}{
		"no grant":              {nil, nil, nil, ""},
		"within":                {selected, map[string]string{"team": "a"}, nil, ""},
		"outside":               {selected, nil, nil, "kept: the grant of repository shop does not give the namespace shop"},
		"labels cannot be read": {selected, nil, errors.New("no answer"), "kept: whether a grant gives the namespace shop cannot be told: its labels cannot be read: no answer"},
	} {
		if got := within(test.grant, test.labels, test.err, &[]string{}).Kept(t.Context(), id); got != test.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// TestNothingOutsideOfAGrantIsDeleted: the plan keeps it, and says why.
func TestNothingOutsideOfAGrantIsDeleted(t *testing.T) {
	w := newWorld(t)
	w.deployed(config("a", "1"), config("b", "1"))
	w.Within = Bounds{Repo: "shop", Grant: &grant.Grant{Namespaces: grant.Namespaces{Patterns: []glob.Pattern{"own"}}}}
	plan, problems := w.planned(config("a", "1"))
	if len(problems) > 0 || len(plan.Prune) > 0 || len(plan.Outside) != 1 || plan.Outside[0].ID.Name != "b" || !strings.HasPrefix(plan.Outside[0].Note, "kept: ") || !plan.Empty() {
		t.Errorf("%v, deletes %v, keeps %v", problems, plan.Prune, plan.Outside)
	}
	w.Within.Grant.Namespaces.Patterns = []glob.Pattern{"shop"}
	if plan, _ = w.planned(config("a", "1")); len(plan.Outside) > 0 || !slices.ContainsFunc(plan.Prune, func(step Step) bool { return step.ID.Name == "b" }) {
		t.Errorf("within: deletes %v, keeps %v", plan.Prune, plan.Outside)
	}
}

// TestWhatIsReleasedStays: an object that the app gives up to another repository stays until
// that one takes it, whatever else would become of it.
func TestWhatIsReleasedStays(t *testing.T) {
	w := newWorld(t)
	w.deployed(config("a", "1"), config("b", "1"))
	w.Target.Spec.Released = []appfile.Released{{To: "team/store", Kind: "ConfigMap", Namespace: "shop", Name: "b"}}
	plan, problems := w.planned(config("a", "1"))
	if len(problems) > 0 || len(plan.Prune) > 0 || len(plan.Outside) != 1 || plan.Outside[0].Note != "released to team/store, kept until it is deployed there" || !plan.Empty() {
		t.Errorf("%v, deletes %v, keeps %v", problems, plan.Prune, plan.Outside)
	}
	if plan, _ = w.planned(config("a", "1"), config("b", "1")); len(plan.Outside) > 0 || len(plan.Same) != 2 {
		t.Errorf("while the revision has it: keeps %v", plan.Outside)
	}
}
