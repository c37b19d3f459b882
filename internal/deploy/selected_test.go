package deploy

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/access/glob"
	"github.com/pushboat/pushboat/internal/access/grant"
	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
)

func TestSelectableAreThoseOfTheGrant(t *testing.T) {
	all := appfile.Clusters{"default": nil, "paris": {"region": "eu"}, "rome": {"region": "eu"}}
	for _, test := range []struct {
		about string
		grant *grant.Grant
		has   map[string]bool
		want  string
	}{
		{"without grants", nil, nil, "default paris rome"},
		{"some", grantOfClusters(t, "paris"), nil, "paris"},
		{"none", grantOfClusters(t, "oslo"), nil, ""},
		{"one where the repository still has an app", grantOfClusters(t, "paris"), map[string]bool{"rome": true, "oslo": true}, "paris rome"},
	} {
		got := strings.Join(slices.Sorted(maps.Keys(selectable(all, test.grant, test.has))), " ")
		if got != test.want {
			t.Errorf("%s: %s", test.about, got)
		}
	}
}

func grantOfClusters(t *testing.T, clusters ...string) *grant.Grant {
	t.Helper()
	var patterns []glob.Pattern
	for _, cluster := range clusters {
		p, err := glob.Parse(cluster)
		if err != nil {
			t.Fatal(err)
		}
		patterns = append(patterns, p)
	}
	return &grant.Grant{Clusters: patterns}
}

func TestWhoSelectsNoneIsTold(t *testing.T) {
	told := unselected([]appfile.Selection{{Selector: "region=eu", Matches: []string{"paris"}}, {Selector: "region=mars"}})
	if len(told) != 1 || told[0].Message != "clusters: no cluster has region=mars, so the entry makes no app" {
		t.Errorf("told %v", told)
	}
}

func TestOnlyBranchesThatSelectAskForWhatGoes(t *testing.T) {
	removed := []name.App{"blog", "shop"}
	for about, test := range map[string]struct {
		p    *Proposal
		want int
	}{
		"a branch that names its clusters": {&Proposal{removed: removed}, 0},
		"one that selects":                 {&Proposal{removed: removed, selections: make([]appfile.Selection, 1)}, 2},
		"a change of one app":              {&Proposal{Change: Change{Only: "shop"}, removed: removed, selections: make([]appfile.Selection, 1)}, 1},
	} {
		if got := test.p.goes(); len(got) != test.want {
			t.Errorf("%s: %v", about, got)
		}
	}
}

func TestWhatIsConfirmedIsKeptWithTheRevision(t *testing.T) {
	source := &fakeSource{asked: map[name.Branch]record.Asked{"main": {Revision: "r1", Force: true, Leaving: []name.App{"shop"}}}}
	e := New(Config{Source: source})
	for _, step := range []struct {
		head    name.Revision
		apps    []name.App
		stay    []name.App
		force   bool
		leaving string
		keeping string
	}{
		{"r1", nil, nil, true, "shop", ""},
		{"r1", []name.App{"blog", "shop"}, nil, true, "shop, blog", ""},
		{"r1", nil, []name.App{"shop"}, true, "shop, blog", "shop"},
		{"r2", []name.App{"blog"}, []name.App{"blog"}, false, "blog", "blog"},
	} {
		if err := e.confirmLeaving("site", "main", step.head, step.apps, step.stay); err != nil {
			t.Fatal(err)
		}
		if got := source.asked["main"]; got.Revision != step.head || got.Force != step.force || name.Join(got.Leaving, ", ") != step.leaving || name.Join(got.Keeping, ", ") != step.keeping {
			t.Errorf("%+v: kept %+v", step, got)
		}
	}
}

func TestReselectionInWords(t *testing.T) {
	many := make([]name.App, maxNamedApps+2)
	for i := range many {
		many[i] = "app"
	}
	r := Reselection{Added: many, Changed: []name.App{"a"}, Leaving: []Leaving{{Apps: []name.App{"z", "y"}}, {Apps: []name.App{"b"}}}, Broken: []string{"why"}}
	got := strings.Join(r.Lines(), "\n")
	for _, want := range []string{
		"  + 22 apps come, whose clusters are selected now: app, ", " and 2 more\n", "  - 3 apps go, whose clusters are no longer selected: b, y, z",
		"  ~ 1 app changes with the labels of its cluster: a", "  ! its apps would be held as they are: why",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
	if lines := (Reselection{}).Lines(); len(lines) > 0 {
		t.Errorf("nothing: %q", lines)
	}
}
