package flux

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/importer/meaning"
	"github.com/pushboat/pushboat/internal/manifest"
)

// rootsOf finds the start in the files of a tree.
func rootsOf(t *testing.T, files fstest.MapFS, clusters ...string) (Start, manifest.Problems) {
	t.Helper()
	world := worldOf()
	world.Tree, world.Clusters = files, appfile.Clusters{}
	for _, cluster := range clusters {
		world.Clusters[cluster] = nil
	}
	layout := &meaning.Layout{}
	finds := meaning.Scanner{}
	finds.Scan(meaning.World{Tree: files}).Visit(func(meaning.Dir) bool { return true }, layout.Note)
	var objects []*manifest.Object
	for _, name := range sortedFiles(files) {
		if strings.HasSuffix(name, "kustomization.yaml") {
			continue
		}
		found, problems := manifest.Parse(name, files[name].Data)
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		objects = append(objects, found...)
	}
	return Roots(world, layout, objects)
}

func sortedFiles(files fstest.MapFS) []string {
	var names []string
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// at is a file with a Kustomization of a path.
func at(name, path string) *fstest.MapFile {
	return &fstest.MapFile{Data: []byte(strings.Replace(strings.Replace(kustomization(""), "name: a,", "name: "+name+",", 1), "./apps", path, 1))}
}

func lists(namespace string, entries ...string) *fstest.MapFile {
	text := "resources: [" + strings.Join(entries, ", ") + "]\n"
	if namespace != "" {
		text += "namespace: " + namespace + "\n"
	}
	return &fstest.MapFile{Data: []byte(text)}
}

// TestRootOfNamespaces: folders that each set a namespace are the apps of one cluster, also if
// nothing in the repository says that their parent is deployed.
func TestRootOfNamespaces(t *testing.T) {
	for _, test := range []struct {
		name  string
		files fstest.MapFS
		want  string // the root, or a part of the problem
	}{
		{"a namespace for each", fstest.MapFS{
			"apps/ai/kustomization.yaml": lists("ai", "./x/ks.yaml", "yy/ks.yaml"), "apps/ai/x/ks.yaml": at("x", "./apps/ai/x/app"), "apps/ai/yy/ks.yaml": at("yy", "./apps/ai/yy/app"),
			"apps/db/kustomization.yaml": lists("db", "./z/ks.yaml"), "apps/db/z/ks.yaml": at("z", "./apps/db/z/app"),
		}, "apps"},
		{"one that is switched off", fstest.MapFS{
			"apps/ai/kustomization.yaml": lists("ai", "./x/ks.yaml"), "apps/ai/x/ks.yaml": at("x", "./apps/ai/x/app"), "apps/ai/off/kustomization.yaml": lists("", "ks.yaml"), "apps/ai/off/ks.yaml": at("idle", "./apps/ai/off/app"),
			"apps/db/kustomization.yaml": lists("db", "./z/ks.yaml"), "apps/db/z/ks.yaml": at("z", "./apps/db/z/app"),
		}, "apps"},
		{"the same namespace", fstest.MapFS{
			"clusters/a/kustomization.yaml": lists("flux-system", "x.yaml"), "clusters/a/x.yaml": at("x", "./apps/a"),
			"clusters/b/kustomization.yaml": lists("flux-system", "x.yaml"), "clusters/b/x.yaml": at("x", "./apps/b"),
		}, "several clusters: clusters/a, clusters/b"},
		{"no namespace", fstest.MapFS{
			"clusters/a/kustomization.yaml": lists("", "x.yaml"), "clusters/a/x.yaml": at("x", "./apps/a"),
			"clusters/b/kustomization.yaml": lists("b", "x.yaml"), "clusters/b/x.yaml": at("x", "./apps/b"),
		}, "several clusters"},
		{"other parents", fstest.MapFS{
			"one/a/kustomization.yaml": lists("a", "x.yaml"), "one/a/x.yaml": at("x", "./apps/a"),
			"two/b/kustomization.yaml": lists("b", "x.yaml"), "two/b/x.yaml": at("x", "./apps/b"),
		}, "several clusters"},
	} {
		start, problems := rootsOf(t, test.files)
		got := problems.Error()
		if len(problems) == 0 && len(start.Parts) == 1 && start.Taken == start.Parts[0].Folder {
			got = start.Taken
		}
		if len(problems) == 0 && got != test.want || !strings.Contains(got, test.want) {
			t.Errorf("%s: %+v, problems %v", test.name, start, problems)
		}
		if len(problems) > 0 && !strings.Contains(problems[0].Hint, "--cluster-labels ") {
			t.Errorf("%s: hint %q", test.name, problems[0].Hint)
		}
	}
	tree := New(worldOf())
	tree.Take("")
	tree.Take("apps")
	if notes := tree.Notes(); len(notes) != 1 || !strings.HasPrefix(notes[0].Text, "apps is taken for the path of the root") {
		t.Errorf("notes %+v", notes)
	}
}

// TestFoldersOfClusters: what people keep the roots of a cluster in is not the cluster.
func TestFoldersOfClusters(t *testing.T) {
	files := fstest.MapFS{
		"kubernetes/main/flux/config/cluster.yaml": at("main", "./apps/main"),
		"kubernetes/spare/flux/cluster.yaml":       at("spare", "./apps/spare"),
	}
	for clusters, want := range map[string]string{"main": "kubernetes/main/flux/config", "spare": "kubernetes/spare/flux", "config": "kubernetes/main/flux/config", "kubernetes": "called main and so on"} {
		start, problems := rootsOf(t, files, clusters)
		got := ""
		if len(problems) > 0 {
			got = problems[0].Hint
		} else if len(start.Parts) == 1 {
			got = start.Parts[0].Folder
		}
		if !strings.Contains(got, want) {
			t.Errorf("%s: %q, %+v", clusters, got, start)
		}
	}
	world := worldOf()
	world.Clusters = appfile.Clusters{"main": nil}
	if got := ClusterFolder(world, "kubernetes/main/flux/config/cluster.yaml"); got != "main" {
		t.Error(got)
	}
	if got := ClusterFolder(world, "flux/cluster.yaml"); got != "" {
		t.Error(got)
	}
}

// TestPathOfAClusterIsNotWritten: what stands below the folder of a cluster is deployed there, also
// where the root is not in the repository, and that of another cluster is.
func TestPathOfAClusterIsNotWritten(t *testing.T) {
	files := fstest.MapFS{
		"k/clusters/dev/config/kustomization.yaml": lists("", "cluster.yaml"), "k/clusters/dev/config/cluster.yaml": at("cluster", "./k/clusters/dev"),
		"k/clusters/dev/infra/kustomization.yaml": lists("", "x.yaml"), "k/clusters/dev/infra/x.yaml": at("x", "./k/x"),
		"k/clusters/prod/infra/kustomization.yaml": lists("", "x.yaml"), "k/clusters/prod/infra/x.yaml": at("x", "./k/x"),
		"k/clusters/prod/apps/kustomization.yaml": lists("", "y.yaml"), "k/clusters/prod/apps/y.yaml": at("z", "./k/z"),
	}
	for clusters, want := range map[string]string{"prod": "k/clusters/prod", "dev": "k/clusters/dev/config", "dev prod": "k/clusters/dev/config k/clusters/prod", "": "k/clusters/dev/config"} {
		start, problems := rootsOf(t, files, strings.Fields(clusters)...)
		var got []string
		for _, part := range start.Parts {
			got = append(got, part.Folder)
		}
		if len(problems) > 0 || strings.Join(got, " ") != want {
			t.Errorf("clusters %q: %q, want %q, problems %v", clusters, got, want, problems)
		}
	}
}

// TestRing: a path that is replaced further down may have the root's own file.
func TestRing(t *testing.T) {
	start, problems := rootsOf(t, fstest.MapFS{
		"k/boot/entry.yaml": at("entry", "./k/apps"), "k/apps/kustomization.yaml": lists("", "x.yaml"), "k/apps/x.yaml": at("x", "./k"),
	})
	if len(problems) > 0 || len(start.Parts) != 1 || len(start.Parts[0].Objects) != 1 || start.Parts[0].Objects[0].GetName() != "entry" {
		t.Errorf("%+v, problems %v", start, problems)
	}
}

// TestMadeTwice: an object that two apps make of one file alike is one app.
func TestMadeTwice(t *testing.T) {
	parent := func(name string) *appfile.App {
		app := appfile.Default()
		app.Name = meaning.NameOf(name)
		return &app
	}
	object := func(more string) *manifest.Object { return parse(t, kustomization(more))[0] }
	root := parent("fleet")
	root.Imported = meaning.Root
	for _, test := range []struct {
		name        string
		one, two    *appfile.App
		first, then *manifest.Object
		want        string // a problem
	}{
		{"alike", parent("x"), parent("y"), object(""), object(""), ""},
		{"not alike", parent("x"), parent("y"), object(""), object("namePrefix: a-"), "is made by x and y, and not alike"},
		{"by a root, and by what it makes", root, parent("y"), object(""), object("namePrefix: a-"), ""},
	} {
		tree := New(worldOf())
		tree.Add(test.one, test.first)
		tree.Add(test.two, test.then)
		_, problems := tree.Next()
		if test.want == "" && strings.Contains(problems.Error(), "made by") || !strings.Contains(problems.Error(), test.want) {
			t.Errorf("%s: problems %v", test.name, problems)
		}
		if notes := tree.Notes(); (len(notes) == 1) != (test.name == "alike") {
			t.Errorf("%s: notes %+v", test.name, notes)
		}
	}
}

// TestInItsOwnPath: of a Kustomization that is in its own path, what makes it counts.
func TestInItsOwnPath(t *testing.T) {
	tree := New(worldOf())
	above := appfile.Default()
	above.Name, above.Imported = "cluster-apps", "Kustomization"
	patched := parse(t, kustomization("namePrefix: a-"))[0]
	tree.Add(&above, patched)
	apps, problems := tree.Next()
	if len(apps) != 1 || len(problems) > 0 {
		t.Fatal(apps, problems)
	}
	itself := apps[0].App
	itself.Imported = "Kustomization"
	tree.Add(&itself, parse(t, kustomization(""))[0])
	again, problems := tree.Next()
	if notes := tree.Notes(); len(again) > 0 || len(problems) > 0 || len(notes) != 1 || notes[0].Text != "is in its own path: what cluster-apps makes of it counts" {
		t.Errorf("apps %v, problems %v, notes %+v", again, problems, notes)
	}
}
