package flux

import (
	"strings"
	"testing"
)

// TestSetsOfTheOperator: the refusal of a ResourceSet has the line that makes its objects.
func TestSetsOfTheOperator(t *testing.T) {
	for more, want := range map[string]string{
		"spec: {resources: []}":                "\nflux-operator build resourceset -f 'a/b.yaml' > 'a/all-objects.yaml'",
		"spec: {inputsFrom: [{name: static}]}": "\nflux-operator build resourceset -f 'a/b.yaml' --inputs-from-provider FILE > 'a/all-objects.yaml'",
	} {
		tree := New(worldOf())
		tree.Add(nil, parse(t, "apiVersion: fluxcd.controlplane.io/v1\nkind: ResourceSet\nmetadata: {name: all}\n"+more+"\n")[0])
		tree.Add(nil, parse(t, "apiVersion: fluxcd.controlplane.io/v1\nkind: ResourceSetInputProvider\nmetadata: {name: static}\n")[0])
		if _, problems := tree.Next(); len(problems) != 1 || !strings.HasSuffix(problems[0].Hint, want) {
			t.Errorf("%s: %v, hint %q", more, problems, problems[0].Hint)
		}
		if notes := tree.Notes(); len(notes) != 1 {
			t.Errorf("notes %+v", notes)
		}
	}
}
