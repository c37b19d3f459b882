package importer

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/importer/meaning"
	"github.com/pushboat/pushboat/internal/manifest"
)

// worldWith is a world with files.
func worldWith(files map[string]string) meaning.World {
	tree := fstest.MapFS{}
	for name, text := range files {
		tree[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return meaning.World{Repo: "fleet", Branch: "main", Tree: tree, Clusters: appfile.Clusters{"default": nil}}
}

// TestApplied adds the Namespace whose labels an object asks for.
func TestApplied(t *testing.T) {
	objects, problems := manifest.Parse("a.yaml", []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: other}\n---\n"+kustomization("k", "path: a")))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	spec := appfile.Default()
	spec.Namespace = "shop"
	if applied, meant := Applied(spec, objects); len(applied) != 2 || len(meant) != 1 {
		t.Errorf("without labels: %v, %v", applied, meant)
	}
	spec.NamespaceMetadata = appfile.Metadata{Labels: map[string]string{"a": "b"}, Annotations: map[string]string{"c": "d"}}
	applied, meant := Applied(spec, objects)
	if len(applied) != 3 || len(meant) != 1 || applied[0].ID().String() != "Namespace shop" || applied[0].GetLabels()["a"] != "b" || applied[0].GetAnnotations()["c"] != "d" || !strings.Contains(applied[0].GetAnnotations()[keepNamespace], "Prune=false") {
		t.Errorf("with labels: %v, %v", applied, meant)
	}
	spec.Namespace = "other"
	if applied, _ := Applied(spec, objects); len(applied) != 2 {
		t.Errorf("that is written: %v", applied)
	}
}

// TestRootThatIsAnApp: what deploys itself is one app, that of its object.
func TestRootThatIsAnApp(t *testing.T) {
	tree, problems := new(Finder).begin(worldWith(map[string]string{"boot/kustomization.yaml": "resources: [apps.yaml]\n", "boot/apps.yaml": argoApp("boot", "boot"), "apps/a.yaml": "", "leaf/a.yaml": ""}), appfile.Import{})
	roots, wrong := tree.Roots()
	if problems = append(problems, wrong...); len(problems) > 0 || len(roots) != 1 || roots[0].Path != "boot" || tree.GivenTo(roots[0].Name) != "" {
		t.Fatalf("%+v, problems %v", roots, problems)
	}
	objects, _ := manifest.Parse("boot/apps.yaml", []byte(argoApp("boot", "boot")+argoApp("other", "leaf")))
	tree.Add(roots[0], nil, objects)
	apps, problems := tree.Next()
	if len(problems) > 0 || len(apps) != 2 || tree.GivenTo(roots[0].Name) != "boot" || tree.GivenTo("other") != "" {
		t.Errorf("%+v, problems %v, given to %q", apps, problems, tree.GivenTo(roots[0].Name))
	}
	if text, _ := tree.Explain(); strings.Count(string(text), "- name: ") != 2 {
		t.Errorf("%s", text)
	}
}
