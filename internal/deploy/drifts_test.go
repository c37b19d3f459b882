package deploy

import (
	"slices"
	"testing"

	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

// differing is a step that would correct a changed object.
func differing(name, fingerprint string, action record.Action) plan.Step {
	id := manifest.ID{Kind: "ConfigMap", Name: name}
	return plan.Step{ID: id, Action: action, Entry: live.Entry{ID: id, Fingerprint: fingerprint}}
}

func namesOf(steps []plan.Step) []string {
	var names []string
	for _, step := range steps {
		names = append(names, step.ID.Name)
	}
	return names
}

// TestWhichDriftsAreNews: a check that finds differences after an earlier check reports
// only the new ones.
func TestWhichDriftsAreNews(t *testing.T) {
	known := []plan.Step{differing("a", "1", record.Configure), differing("b", "1", record.Configure)}
	same := differing("a", "", record.Unchanged)
	for name, test := range map[string]struct {
		found plan.Plan
		news  []string
		left  []string
	}{
		"the same as before":              {plan.Plan{Steps: known}, nil, []string{"a", "b"}},
		"one is as it was left again":     {plan.Plan{Steps: []plan.Step{same, known[1]}}, nil, []string{"b"}},
		"changed once more":               {plan.Plan{Steps: []plan.Step{differing("a", "2", record.Configure), known[1]}}, []string{"a"}, []string{"a", "b"}},
		"deleted after it was changed":    {plan.Plan{Steps: []plan.Step{differing("a", "1", record.Create), known[1]}}, []string{"a"}, []string{"a", "b"}},
		"others":                          {plan.Plan{Steps: []plan.Step{differing("d", "1", record.Configure), differing("c", "1", record.Configure)}}, []string{"c", "d"}, []string{"c", "d"}},
		"one that is to be pruned":        {plan.Plan{Prune: []plan.Step{differing("z", "1", record.Delete)}}, []string{"z"}, []string{"z"}},
		"nothing":                         {plan.Plan{}, nil, nil},
		"a look at one that is right":     {plan.Plan{Partial: true, Steps: []plan.Step{same}}, nil, []string{"b"}},
		"a look that finds an object new": {plan.Plan{Partial: true, Steps: []plan.Step{differing("c", "1", record.Configure)}}, []string{"c"}, []string{"a", "b", "c"}},
	} {
		var d drifts
		if news := namesOf(d.note(&plan.Plan{Steps: known})); !slices.Equal(news, []string{"a", "b"}) {
			t.Errorf("at first: news of %q", news)
		}
		if news := namesOf(d.note(&test.found)); !slices.Equal(news, test.news) {
			t.Errorf("%s: news of %q, want %q", name, news, test.news)
		}
		if left := driftNames(&d); !slices.Equal(left, test.left) {
			t.Errorf("%s: leaves %q, want %q", name, left, test.left)
		}
	}
}

func driftNames(d *drifts) []string {
	var names []string
	for id := range d.all() {
		names = append(names, id.Name)
	}
	slices.Sort(names)
	return names
}

func TestDriftsAreForgotten(t *testing.T) {
	a := manifest.ID{Kind: "ConfigMap", Name: "a"}
	for name, test := range map[string]struct {
		forget func(*drifts)
		want   []string
	}{
		"by an apply of the whole app": {func(d *drifts) { d.clear(&plan.Plan{}) }, nil},
		"by a correction of one":       {func(d *drifts) { d.clear(&plan.Plan{Partial: true, Steps: []plan.Step{{ID: a}}}) }, []string{"b"}},
		"by a look at one that is right": {func(d *drifts) {
			d.clear(&plan.Plan{Partial: true, Same: []*plan.Placed{{Key: a}}})
		}, []string{"b"}},
		"by an event of one": {func(d *drifts) { d.forget(a) }, []string{"b"}},
	} {
		var d drifts
		d.note(&plan.Plan{Steps: []plan.Step{differing("a", "1", record.Configure), differing("b", "1", record.Configure)}})
		if !d.has(a) {
			t.Fatalf("%s: not known before", name)
		}
		if test.forget(&d); !slices.Equal(driftNames(&d), test.want) {
			t.Errorf("%s: left %q, want %q", name, driftNames(&d), test.want)
		}
		if d.has(a) || d.forget(a) {
			t.Errorf("%s: the object is still known to differ", name)
		}
	}
}
