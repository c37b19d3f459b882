package importer

import (
	"context"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// fleet is a repository of many apps, of which one way to import them is tried.
type fleet struct {
	files map[string][]byte
	// meant are the texts of the files that have the apps' objects, which their parent renders to.
	meant map[string]string
	named string // the app that is their parent
	one   string // a file that a push changes
}

const workload = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  replicas: 2\n  selector: {matchLabels: {app: web}}\n" +
	"  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: registry.example/web:1}]}}\n"

// folders are those of n apps.
func (f *fleet) folders(n int) {
	for i := range n {
		folder := fmt.Sprintf("apps/app-%04d/", i)
		f.files[folder+"kustomization.yaml"] = []byte("resources: [web.yaml, config.yaml]\n")
		f.files[folder+"web.yaml"] = []byte(workload)
		f.files[folder+"config.yaml"] = fmt.Appendf(nil, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {n: '%d'}\n", i)
	}
	f.one = "apps/app-0000/config.yaml"
}

func (f *fleet) object(file, text string) {
	f.files[file], f.meant[file] = []byte(text), text
}

// fluxFleet has n Kustomizations, and a HelmRelease beside each tenth.
func fluxFleet(n int) *fleet {
	f := &fleet{files: map[string][]byte{"clusters/x/flux-system/gotk-sync.yaml": []byte(kustomization("flux-system", "path: ./clusters/x"))}, meant: map[string]string{}, named: "fleet"}
	f.folders(n)
	f.files["chart/Chart.yaml"] = []byte("apiVersion: v2\nname: c\nversion: 1.0.0\n")
	for i := range n {
		called := fmt.Sprintf("app-%04d", i)
		text := kustomization(called, "interval: 10m, wait: true, targetNamespace: shop, path: ./apps/"+called)
		if i%10 == 0 {
			text += release(called, "shop")
		}
		f.object("clusters/x/"+called+".yaml", text)
	}
	return f
}

// argoFleet has an Application of n others.
func argoFleet(n int) *fleet {
	f := &fleet{files: map[string][]byte{"root.yaml": []byte(argoApp("root", "argo"))}, meant: map[string]string{}, named: "root"}
	f.folders(n)
	for i := range n {
		called := fmt.Sprintf("app-%04d", i)
		f.object("argo/"+called+".yaml", argoApp(called, "apps/"+called))
	}
	return f
}

// setFleet has a set that makes an Application of each of n folders.
func setFleet(n int) *fleet {
	f := &fleet{files: map[string][]byte{"root.yaml": []byte(argoApp("root", "argo"))}, meant: map[string]string{}, named: "root"}
	f.folders(n)
	f.object("argo/set.yaml", "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: all, namespace: argocd}\nspec:\n  goTemplate: true\n"+
		"  generators: [{git: {repoURL: 'https://example.org/team/fleet', revision: HEAD, directories: [{path: 'apps/*'}]}}]\n"+
		"  template:\n    metadata: {name: '{{.path.basename}}', labels: {app: '{{.path.basename}}'}}\n    spec:\n      project: default\n"+
		"      destination: {server: 'https://kubernetes.default.svc', namespace: '{{.path.basename}}'}\n      source: {repoURL: 'https://example.org/team/fleet', targetRevision: HEAD, path: '{{.path.path}}'}\n"+
		"      syncPolicy: {automated: {prune: true, selfHeal: true}, syncOptions: [CreateNamespace=true]}\n")
	return f
}

// revisions are trees of a fleet before and after a push that changes one file, in a repository of
// Git.
func (f *fleet) revisions(t testing.TB) []fs.FS {
	t.Helper()
	store, err := git.OpenStore(t.TempDir(), git.StoreOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	r, err := store.Create(context.Background(), "fleet")
	if err != nil {
		t.Fatal(err)
	}
	first, err := r.Append(context.Background(), "refs/heads/main", "", git.NewCommit{Files: f.files})
	if err != nil {
		t.Fatal(err)
	}
	changed := f.files
	changed[f.one] = append([]byte("# changed\n"), changed[f.one]...)
	second, err := r.Append(context.Background(), "refs/heads/main", first, git.NewCommit{Files: changed})
	if err != nil {
		t.Fatal(err)
	}
	var trees []fs.FS
	for _, hash := range []git.Hash{first, second} {
		tree, err := r.Tree(hash)
		if err != nil {
			t.Fatal(err)
		}
		trees = append(trees, tree)
	}
	return trees
}

// rendered are the objects of the parent.
func (f *fleet) rendered(t testing.TB) (objects []*manifest.Object) {
	t.Helper()
	for file, text := range f.meant {
		parsed, problems := manifest.Parse(file, []byte(text))
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		objects = append(objects, parsed...)
	}
	return objects
}

// readAll reads all apps of a revision as the gate does, without rendering them, and returns how
// many there are.
func (f *fleet) readAll(t testing.TB, finder *Finder, tree fs.FS, rendered []*manifest.Object) int {
	t.Helper()
	file, grown, problems := ReadFile(tree, appfile.Place{Repo: "fleet", Branch: "main", Main: "main", Clusters: appfile.Clusters{"default": nil}}, finder)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	level, count := file.Apps, 0
	for len(level) > 0 {
		for _, app := range level {
			count++
			var meant []*manifest.Object
			if string(app.Name) == f.named {
				meant = rendered
			}
			grown.Add(app, nil, meant)
		}
		if level, problems = grown.Next(); len(problems) > 0 {
			t.Fatal(problems)
		}
	}
	if _, problems := grown.Finish(true); len(problems) > 0 {
		t.Fatal(problems)
	}
	grown.Lineages()
	return count
}

// fleets are the ways to import many apps, with how many a fleet of n has.
var fleets = []struct {
	name string
	make func(n int) *fleet
	apps func(n int) int
}{
	{"Flux", fluxFleet, func(n int) int { return n + n/10 + 1 }},
	{"app of apps", argoFleet, func(n int) int { return n + 1 }},
	{"set", setFleet, func(n int) int { return n + 1 }},
}

// TestNextPushReadsWhatChanged: at the push after the first, the files and folders that are read are
// those that changed, and those on the way to them, whatever the number of apps.
func TestNextPushReadsWhatChanged(t *testing.T) {
	for _, one := range fleets {
		var read [2][2]int64
		for i, n := range []int{20, 60} {
			f, finder := one.make(n), &Finder{}
			trees, rendered := f.revisions(t), f.rendered(t)
			for j, tree := range trees {
				c := &counted{FS: tree}
				if apps := f.readAll(t, finder, c, rendered); apps != one.apps(n) {
					t.Errorf("%s: %d apps, want %d", one.name, apps, one.apps(n))
				}
				read[i][j] = c.files.Load()
				if j == 1 && c.files.Load() > 4 {
					t.Errorf("%s: %d files are read at the next push", one.name, c.files.Load())
				}
				if folders := c.folders.Load(); j == 1 && one.name == "Flux" && folders > 8 {
					t.Errorf("%s: %d folders are read at the next push", one.name, folders)
				}
			}
		}
		if read[0][1] != read[1][1] || read[0][0] >= read[1][0] {
			t.Errorf("%s: files that are read at first and next pushes: %v", one.name, read)
		}
	}
}

// TestNextPushIsReadAsTheFirst: what a push finds by what is remembered is what it finds without.
func TestNextPushIsReadAsTheFirst(t *testing.T) {
	for _, one := range fleets {
		f, finder := one.make(12), &Finder{}
		trees, rendered := f.revisions(t), f.rendered(t)
		f.readAll(t, finder, trees[0], rendered)
		for _, root := range []string{"clusters/x/app-0003.yaml", "argo/app-0003.yaml", "argo/set.yaml"} {
			if _, has := f.meant[root]; !has {
				continue
			}
			before, after := &Finder{}, finder
			want, got := f.told(t, before, trees[1], rendered), f.told(t, after, trees[1], rendered)
			if want != got || got == "" {
				t.Errorf("%s: %s, want %s", one.name, got, want)
			}
		}
	}
}

// TestGatesShareWhatIsRemembered: pushes of one repository, and of others, are read side by side.
func TestGatesShareWhatIsRemembered(t *testing.T) {
	for _, one := range fleets {
		f, finder := one.make(8), &Finder{}
		trees, rendered := f.revisions(t), f.rendered(t)
		want := f.told(t, &Finder{}, trees[1], rendered)
		var gates sync.WaitGroup
		for i := range 4 {
			gates.Go(func() {
				f.readAll(t, finder, trees[i%2], rendered)
				if got := f.told(t, finder, trees[1], rendered); got != want {
					t.Errorf("%s: %s, want %s", one.name, got, want)
				}
			})
		}
		gates.Wait()
	}
}

// told are the apps of a revision, with what is said of them.
func (f *fleet) told(t *testing.T, finder *Finder, tree fs.FS, rendered []*manifest.Object) string {
	t.Helper()
	file, grown, problems := ReadFile(tree, appfile.Place{Repo: "fleet", Branch: "main", Main: "main", Clusters: appfile.Clusters{"default": nil}}, finder)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for _, app := range file.Apps {
		if string(app.Name) == f.named {
			grown.Add(app, nil, rendered)
		}
	}
	apps, _ := grown.Next()
	text := fmt.Sprintf("%+v %+v", file.Apps, apps)
	for _, one := range grown.Lineages() {
		text += fmt.Sprintf("\n%+v %v", one, grown.Inherited(one.App))
	}
	return fmt.Sprintf("%s\n%+v", text, grown.Notes(func(name.App) bool { return true }))
}

// BenchmarkManyApps measures what it takes to find out which apps a revision has, without their
// rendering: at the first push, and at the next that changes one file.
func BenchmarkManyApps(b *testing.B) {
	for _, one := range fleets {
		for _, n := range []int{1000, 1900} {
			f := one.make(n)
			trees, rendered := f.revisions(b), f.rendered(b)
			for _, push := range []string{"first", "next"} {
				b.Run(fmt.Sprintf("%s/%d/%s", strings.ReplaceAll(one.name, " ", "-"), n, push), func(b *testing.B) {
					b.ReportAllocs()
					finder := &Finder{}
					if push == "next" {
						f.readAll(b, finder, trees[0], rendered)
					}
					for i := 0; b.Loop(); i++ {
						if push == "first" {
							finder = &Finder{}
						}
						f.readAll(b, finder, trees[(i+1)%2], rendered)
					}
				})
			}
		}
	}
}

// counted counts the files and folders of a revision that are read.
type counted struct {
	fs.FS
	files, folders atomic.Int64
}

func (c *counted) Open(name string) (fs.File, error) {
	c.files.Add(1)
	return c.FS.Open(name)
}

func (c *counted) ReadFile(name string) ([]byte, error) {
	c.files.Add(1)
	return fs.ReadFile(c.FS, name)
}

func (c *counted) ReadDir(name string) ([]fs.DirEntry, error) {
	c.folders.Add(1)
	return fs.ReadDir(c.FS, name)
}

func (c *counted) Stat(name string) (fs.FileInfo, error) { return fs.Stat(c.FS, name) }
