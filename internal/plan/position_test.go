package plan

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/record"
)

func TestSortSteps(t *testing.T) {
	step := func(kind, name string, wave int32) Step {
		return Step{ID: manifest.ID{Kind: kind, Name: name}, Policy: manifest.Policy{Wave: wave}}
	}
	hook := step("Pod", "hook", 0)
	hook.Action = record.Hook
	want := []Step{
		step("Pod", "early", -1),
		step("Namespace", "n", 0), step("ConfigMap", "a", 0), step("ConfigMap", "b", 0), step("Secret", "a", 0), step("Pod", "p", 0), hook,
		step("Namespace", "late", 1),
	}
	names := func(steps []Step) string {
		var names []string
		for _, step := range steps {
			names = append(names, step.ID.String())
		}
		return strings.Join(names, ", ")
	}
	for turn := range want {
		got := slices.Concat(want[turn:], want[:turn])
		if SortSteps(got); names(got) != names(want) {
			t.Errorf("turned by %d, the order is %s; want %s", turn, names(got), names(want))
		}
		slices.Reverse(got)
		if SortSteps(got); names(got) != names(want) {
			t.Errorf("reversed, the order is %s; want %s", names(got), names(want))
		}
	}
}

func TestPositions(t *testing.T) {
	order := []Position{{-1, 4}, {0, 0}, {0, 1}, {2, 0}}
	for i, x := range order {
		for j, y := range order {
			if got := x.Before(y); got != (i < j) {
				t.Errorf("%v comes before %v: %v", x, y, got)
			}
		}
	}
}

func TestHoistNamespaces(t *testing.T) {
	namespace := func(name string, wave int32) Step {
		return Step{ID: NamespaceID(name), Policy: manifest.Policy{Wave: wave}}
	}
	object := func(kind, namespace, name string, wave int32) Step {
		return Step{ID: manifest.ID{Kind: kind, Namespace: namespace, Name: name}, Policy: manifest.Policy{Wave: wave}}
	}
	steps := []Step{
		namespace("later", 3), namespace("earlier", -5), namespace("unused", 2), object("ClusterRole", "", "later", 3),
		object("ConfigMap", "later", "a", 1), object("ConfigMap", "later", "b", 0), object("ConfigMap", "later", "c", 2), object("ConfigMap", "earlier", "a", 0),
	}
	hoistNamespaces(steps)
	var waves []string
	for _, step := range steps {
		waves = append(waves, fmt.Sprint(step.Policy.Wave))
	}
	if got := strings.Join(waves, " "); got != "0 -5 2 3 1 0 2 0" {
		t.Errorf("the waves are %s", got)
	}
}
