package flux

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/manifest"
)

// itemText is a Kustomization or HelmRelease, with more fields than those that it needs.
func itemText(kind, called, more string) string {
	if kind == "HelmRelease" {
		return fmt.Sprintf("apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: %s, namespace: flux-system}\n"+
			"spec: {chart: {spec: {chart: ./charts/a, sourceRef: {kind: GitRepository, name: flux-system}}}%s}\n---\n", called, more)
	}
	return fmt.Sprintf("apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: %s, namespace: flux-system}\n"+
		"spec: {path: ./apps, sourceRef: {kind: GitRepository, name: flux-system}%s}\n---\n", called, more)
}

// TestTurns: what has values of an object waits for the apps that may make it.
func TestTurns(t *testing.T) {
	const words = ", postBuild: {substituteFrom: [{kind: ConfigMap, name: words}]}"
	const release = ", valuesFrom: [{kind: ConfigMap, name: words, optional: true}]"
	after := func(on string) string { return ", dependsOn: [{name: " + on + "}]" }
	kustomization := func(called, more string) string { return itemText("Kustomization", called, more) }
	helm := func(called, more string) string { return itemText("HelmRelease", called, more) }
	for _, test := range []struct {
		text   string
		rounds string // the names that each round reads, with =x where the object was known
		makes  string // the app that makes the object once it is rendered
	}{
		{kustomization("a", words) + kustomization("b", ""), "b | a=x", "b"},
		{kustomization("a", words+after("b")) + kustomization("b", after("c")) + kustomization("c", ""), "b c | a=x", "b"},
		{kustomization("a", words+after("b")) + kustomization("b", words) + kustomization("c", ""), "c | b | a=x", "b"},
		{kustomization("a", words+after("b")) + kustomization("b", words+after("a")), "a b", ""},
		{kustomization("a", words), "a", ""},
		{kustomization("a", words+after("absent")) + kustomization("b", ""), "b | a", ""},
		{helm("a", release) + helm("b", ""), "b | a=x", "b"},
		{helm("a", release+after("b")) + helm("b", release) + kustomization("k", words), "k | b | a=x", "b"},
		{kustomization("a", ", postBuild: {substituteFrom: [1]}, dependsOn: [2]"), "", ""},
	} {
		tree := New(worldOf())
		add(t, tree, test.text)
		var rounds []string
		for {
			apps, _ := tree.Next()
			if len(apps) == 0 {
				break
			}
			var names []string
			for _, app := range apps {
				text := string(app.App.Name)
				for _, from := range app.App.PostBuild.From {
					text += strings.Repeat("=x", min(len(from.Data), 1))
				}
				for _, values := range app.App.Helm.Values {
					if values.From == nil {
						text += "=x"
					}
				}
				names = append(names, text)
			}
			slices.Sort(names)
			rounds = append(rounds, strings.Join(names, " "))
			if slices.Contains(names, test.makes) {
				add(t, tree, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: words, namespace: flux-system}\ndata: {word: x, values.yaml: 'word: x'}\n")
			}
		}
		if got := strings.Join(rounds, " | "); got != test.rounds {
			t.Errorf("%s\nrounds %s, want %s", test.text, got, test.rounds)
		}
	}
}

// add takes in the objects of a text.
func add(t *testing.T, tree *Tree, text string) {
	t.Helper()
	objects, problems := manifest.Parse("a.yaml", []byte(text))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for _, o := range objects {
		if Is(o) {
			tree.Add(nil, o)
		} else {
			tree.Note("words", o)
		}
	}
}
