package plan

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/manifest/manifesttest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
)

// planOf makes a plan that leaves some objects as they are and deletes others.
func planOf(unchanged int, deleted ...manifest.ID) *Plan {
	plan := &Plan{App: "shop", Cluster: "default", Revision: name.Revision(strings.Repeat("a", 40))}
	for i := range unchanged {
		plan.Steps = append(plan.Steps, Step{ID: manifesttest.ConfigMap(fmt.Sprint("kept", i)), Action: record.Unchanged})
	}
	for _, id := range deleted {
		plan.Prune = append(plan.Prune, Step{ID: id, Action: record.Delete})
	}
	return plan
}

func namespaces(n int) []manifest.ID {
	ids := make([]manifest.ID, n)
	for i := range ids {
		ids[i] = NamespaceID(fmt.Sprint("n", i))
	}
	return ids
}

func TestGuard(t *testing.T) {
	namespace := manifest.ID{Kind: "Namespace", Name: "shop"}
	claim := manifest.ID{Kind: "PersistentVolumeClaim", Namespace: "shop", Name: "data"}
	gone := planOf(0, manifesttest.ConfigMaps(2)...)
	gone.Gone = true
	meant := planOf(0, manifesttest.ConfigMaps(2)...)
	meant.Gone, meant.Target = true, &Target{Gone: true, Meant: true}
	recreated := planOf(5)
	recreated.Steps = append(recreated.Steps, Step{ID: claim, Action: record.Recreate})
	database := manifest.ID{Group: "apps", Kind: "StatefulSet", Namespace: "shop", Name: "db"}
	remade := planOf(5)
	remade.Steps = append(remade.Steps, Step{ID: database, Action: record.Recreate})
	exposed := planOf(5, manifest.ID{Kind: "Service", Namespace: "shop", Name: "web"})
	exposed.Prune[0].Exposed = true
	emptied := planOf(0, manifesttest.ConfigMaps(1)...)
	emptied.Steps = []Step{{ID: namespace, Action: record.Unchanged}}
	hooked := planOf(0, manifesttest.ConfigMaps(1)...)
	hooked.Hooks = []Step{{ID: manifesttest.ConfigMap("hook"), Action: record.Hook}}
	giving := planOf(5, manifesttest.ConfigMaps(1)...)
	giving.Moved = []Step{{ID: manifesttest.ConfigMap("moved"), Action: record.Hand, Other: "blog"}}
	renamed := planOf(0, manifesttest.ConfigMaps(2)...)
	renamed.Gone, renamed.Moved = true, []Step{{ID: manifesttest.ConfigMap("moved"), Action: record.Hand, Other: "blog"}}
	confirmed := planOf(5, manifesttest.ConfigMap("a"), manifesttest.ConfigMap("b"), manifesttest.ConfigMap("c"))
	confirmed.Prune[0].Policy.Policies, confirmed.Prune[2].Policy.Policies = manifest.ConfirmPrune, manifest.ConfirmPrune
	released := planOf(5, namespace)
	released.Prune[0].Action = record.Release
	changing := planOf(0, manifesttest.ConfigMaps(1)...)
	changing.Steps = []Step{{ID: manifesttest.ConfigMap("other"), Action: record.Configure}}
	shares := planOf(0, manifesttest.ConfigMaps(1)...)
	shares.Same = []*Placed{{Key: manifesttest.ConfigMap("same")}}
	moved := func(n int) *Plan {
		plan := planOf(0, manifesttest.ConfigMaps(n)...)
		plan.Steps = []Step{{ID: namespace, Action: record.Create}, {ID: manifesttest.ConfigMap("other"), Action: record.Create}}
		return plan
	}
	tests := []struct {
		name      string
		plan      *Plan
		confirmed int
		refused   string // part of the message; "" if the push is accepted
	}{
		{"nothing deleted", planOf(10), -1, ""},
		{"three of four, few enough to pass", planOf(1, manifesttest.ConfigMaps(3)...), -1, ""},
		{"four of five", planOf(1, manifesttest.ConfigMaps(4)...), -1, "would delete 4 of 5 objects"},
		{"four of twenty is not more than a fifth", planOf(16, manifesttest.ConfigMaps(4)...), -1, ""},
		{"four of nineteen is", planOf(15, manifesttest.ConfigMaps(4)...), -1, "would delete 4 of 19 objects"},
		{"four of five, confirmed", planOf(1, manifesttest.ConfigMaps(4)...), 4, ""},
		{"four of five, another number confirmed", planOf(1, manifesttest.ConfigMaps(4)...), 5, "would delete 4 of 5 objects"},
		{"a namespace", planOf(100, namespace), -1, "would delete Namespace shop"},
		{"a claim", planOf(100, claim), -1, "would delete PersistentVolumeClaim shop/data"},
		{"a claim, confirmed", planOf(100, claim), 1, ""},
		{"all that is lost is named", planOf(100, namespace, claim), -1, "app shop: would delete Namespace shop and PersistentVolumeClaim shop/data, with"},
		{"a claim recreated by force", recreated, -1, "would delete PersistentVolumeClaim shop/data"},
		{"a stateful set", planOf(100, database), -1, "would delete StatefulSet shop/db, with"},
		{"a stateful set, confirmed", planOf(100, database), 1, ""},
		{"a stateful set of another group", planOf(100, manifest.ID{Group: "example.org", Kind: "StatefulSet", Name: "db"}), -1, ""},
		{"a stateful set made anew", remade, -1, ""},
		{"a service with an address", exposed, -1, "would delete Service shop/web (LoadBalancer), with"},
		{"another service", planOf(5, manifest.ID{Kind: "Service", Namespace: "shop", Name: "web"}), -1, ""},
		{"the last object", planOf(0, manifesttest.ConfigMaps(1)...), -1, "would be left without an object: all it has (1) would be deleted"},
		{"the last object, confirmed", planOf(0, manifesttest.ConfigMaps(1)...), 1, ""},
		{"all but the namespace", emptied, -1, "would be left without an object"},
		{"all but a hook", hooked, -1, ""},
		{"one object for another", moved(1), -1, ""},
		{"all objects for others", moved(2), -1, "would delete all it has (2) and make others"},
		{"all objects for others, confirmed", moved(2), 2, ""},
		{"a whole app", gone, -1, "all its objects (2) would be deleted"},
		{"a whole app, confirmed", gone, 2, ""},
		{"a whole app of another tool", meant, -1, "app shop is no longer in the repository: all its objects (2) would be deleted"},
		{"the rest of an app that moves", renamed, -1, "the objects that no other app takes over (2 objects) would be deleted"},
		{"an object that is deleted beside one that moves", giving, -1, ""},
		{"what asks to be confirmed", confirmed, -1, "would delete ConfigMap shop/a and ConfigMap shop/c, which asks for it to be confirmed"},
		{"what asks to be confirmed, confirmed", confirmed, 3, ""},
		{"a namespace that is let go", released, -1, ""},
		{"all but one that changes", changing, -1, ""},
		{"all but what stays as it is", shares, -1, ""},
		{"three precious ones", planOf(9, namespaces(3)...), -1, "Namespace n0 and Namespace n1 and Namespace n2, with"},
		{"more than three", planOf(9, namespaces(5)...), -1, "Namespace n0 and Namespace n1 and Namespace n2 and 2 more, with"},
		{"a definition", planOf(9, manifest.ID{Group: manifest.DefinitionKind.Group, Kind: manifest.DefinitionKind.Kind, Name: "d"}), -1, "would delete CustomResourceDefinition d"},
		{"a volume", planOf(9, manifest.ID{Kind: "PersistentVolume", Name: "v"}), -1, "would delete PersistentVolume v"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			problems, deletions := Guard([]*Plan{test.plan}, test.confirmed, false)
			if test.refused == "" {
				if len(problems) > 0 {
					t.Fatalf("refused: %v", problems)
				}
				return
			}
			if len(problems) != 1 || !strings.Contains(problems[0].Message, test.refused) {
				t.Fatalf("got %v, want one problem with %q", problems, test.refused)
			}
			if want := len(test.plan.deletions()); deletions != want {
				t.Errorf("%d deletions to confirm, not %d", deletions, want)
			}
		})
	}
}

// TestRecreationsCountAsDeletions: only the recreation of an object that holds data or
// other objects counts.
func TestRecreationsCountAsDeletions(t *testing.T) {
	plan := planOf(5, manifesttest.ConfigMaps(1)...)
	for _, kind := range []string{"PersistentVolumeClaim", "StatefulSet", "ConfigMap"} {
		plan.Steps = append(plan.Steps, Step{ID: manifest.ID{Kind: kind, Name: "x"}, Action: record.Recreate})
	}
	plan.Steps = append(plan.Steps, Step{ID: NamespaceID("x"), Action: record.Configure})
	if _, deletions := Guard([]*Plan{plan}, -1, false); deletions != 2 {
		t.Errorf("%d deletions are to be confirmed, want the prune and the claim", deletions)
	}
	if reason := (&Plan{}).loss(); reason != "" {
		t.Errorf("a plan that deletes nothing %s", reason)
	}
}

func TestGuardCountsTheWholePush(t *testing.T) {
	small, big := planOf(10, manifesttest.ConfigMaps(1)...), planOf(1, manifesttest.ConfigMaps(4)...)
	if problems, deletions := Guard([]*Plan{small, big}, 4, false); len(problems) != 1 || deletions != 5 {
		t.Fatalf("got %v, %d; want the number of all deletions of the push, 5", problems, deletions)
	}
	if problems, _ := Guard([]*Plan{small, big}, 5, false); len(problems) > 0 {
		t.Fatalf("the right number is refused: %v", problems)
	}
}

// TestGuardLetsFailuresBeUndone: a rollback may delete the objects that a failed deploy has
// made, except those that hold data.
func TestGuardLetsFailuresBeUndone(t *testing.T) {
	service := planOf(0, manifest.ID{Kind: "Service", Namespace: "shop", Name: "web"}, manifest.ID{Group: "apps", Kind: "StatefulSet", Namespace: "shop", Name: "db"})
	service.Prune[0].Exposed = true
	if problems, _ := Guard([]*Plan{service}, -1, true); len(problems) > 0 {
		t.Errorf("refused: %v", problems)
	}
	claim := planOf(5, manifest.ID{Kind: "PersistentVolumeClaim", Namespace: "shop", Name: "data"})
	if problems, _ := Guard([]*Plan{claim}, -1, true); len(problems) != 1 {
		t.Errorf("a claim: %v", problems)
	}
}
