package argo

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pushboat/pushboat/internal/importer/meaning"
)

// counting counts the folders of a revision that are listed.
type counting struct {
	fs.FS
	listed int
}

func (c *counting) ReadDir(name string) ([]fs.DirEntry, error) {
	c.listed++
	return fs.ReadDir(c.FS, name)
}

// wideTree is a revision with many folders and files.
func wideTree(folders int, files ...string) *counting {
	tree := fstest.MapFS{}
	for i := range folders {
		for j := range 20 {
			tree[fmt.Sprintf("wide/d%d/f%d.txt", i, j)] = &fstest.MapFile{}
		}
	}
	for i := 0; i+1 < len(files); i += 2 {
		tree[files[i]] = &fstest.MapFile{Data: []byte(files[i+1])}
	}
	return &counting{FS: tree}
}

// TestManySetsLookOnce: the files and folders of a revision are listed once, however many sets look
// for some among them; and where that takes too long all the same, it is a problem.
func TestManySetsLookOnce(t *testing.T) {
	for _, test := range []struct {
		sets int
		want string
	}{{50, ""}, {1000, "look at too many files and folders"}} {
		w := site()
		tree := wideTree(400)
		w.Tree = tree
		set := New(w)
		set.budget.steps /= 4
		text := setOf("[{git: {repoURL: 'https://example.org/team/site', directories: [{path: '*/none*'}]}}]", "{{path.basename}}", "")
		for i := range test.sets {
			for _, o := range parsed(strings.Replace(text, "name: all", fmt.Sprintf("name: all-%d", i), 1)) {
				set.Add(nil, o)
			}
		}
		_, problems := set.Next()
		if got := problems.Error(); test.want == "" && got != "" || !strings.Contains(got, test.want) {
			t.Errorf("%d sets: %.300s, want %s", test.sets, got, test.want)
		}
		if tree.listed > 500 {
			t.Errorf("%d sets list %d folders", test.sets, tree.listed)
		}
	}
}

// TestGlobsAreBounded: the globs of many apps do not look through the revision again and again.
func TestGlobsAreBounded(t *testing.T) {
	w := site()
	tree := wideTree(400)
	w.Tree = tree
	set := New(w)
	set.budget.steps /= 20
	globs := strings.TrimSuffix(strings.Repeat("'**/none-*.yaml', ", 150), ", ")
	text := applicationOf("source: {repoURL: 'https://example.org/team/site', path: wide, helm: {ignoreMissingValueFiles: true, valueFiles: [" + globs + "]}}")
	for i := range 40 { // each of 6,000 globs is tried on 8,000 files
		for _, o := range parsed(strings.Replace(text, "name: web", fmt.Sprintf("name: web-%d", i), 1)) {
			set.Add(nil, o)
		}
	}
	_, problems := set.Next()
	if tree.listed > 500 {
		t.Errorf("%d folders are listed", tree.listed)
	}
	if !strings.Contains(problems.Error(), "look at too many files and folders") {
		t.Errorf("problems %.300s", problems.Error())
	}
}

// TestPatternsOfProjectsAreBounded: a project with many patterns is held to the budget, for apps and
// for their objects.
func TestPatternsOfProjectsAreBounded(t *testing.T) {
	many := "[" + strings.TrimSuffix(strings.Repeat("'none-*', ", 20_000), ", ") + "]"
	project := "apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {name: p, namespace: argocd}\nspec:\n  sourceRepos: ['*']\n  destinations: [{server: '*', namespace: '*'}]\n" +
		"  syncWindows: [{kind: deny, schedule: '0 0 * * *', duration: 1h, applications: " + many + "}]\n"
	set := New(site())
	objects := parsed(project)
	for i := range 1200 {
		objects = append(objects, parsed(strings.NewReplacer("name: web", fmt.Sprintf("name: web-%d", i), "project: default", "project: p").Replace(applicationOf("source: {repoURL: 'https://example.org/team/site', path: apps/web}")))...)
	}
	for _, o := range objects {
		set.Add(nil, o)
	}
	apps, problems := set.Next()
	if len(apps) == 0 || len(apps) > MaxSteps/(20_000/patternsInAStep) || !strings.Contains(problems.Error(), "look at too many files and folders, or patterns") {
		t.Errorf("%d apps, problems %.300s", len(apps), problems.Error())
	}
	object := parsed("apiVersion: v1\nkind: Service\nmetadata: {name: a}\n")
	if problems := set.Check(apps[0], object); !strings.Contains(problems.Error(), "look at too many files") {
		t.Errorf("of objects: %v", problems)
	}
}

// TestManyAnnotations: what is said of one object has an end.
func TestManyAnnotations(t *testing.T) {
	var annotations strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&annotations, "    argocd.argoproj.io/x%d: a\n", i)
	}
	text := strings.Replace(applicationOf("source: {repoURL: 'https://example.org/team/site', path: apps/web}"), "metadata:\n  name: web\n", "metadata:\n  name: web\n  annotations:\n"+annotations.String(), 1)
	if !strings.Contains(text, "x4999") {
		t.Fatal("no annotations: " + text)
	}
	apps, problems, _ := readAll(t, site(), text)
	if len(problems) > 0 || len(apps) != 1 || len(apps[0].Notes) != 101 {
		t.Fatalf("%d notes, problems %v", len(apps[0].Notes), problems)
	}
	if !slices.ContainsFunc(apps[0].Notes, func(n meaning.Note) bool { return n.Text == "there is more without effect in the object" }) {
		t.Error("it is not said that there is more")
	}
}

// TestRootsCoverEachOther: which objects others cover is found in time that grows with the files,
// not with the product of objects and what kustomizations list.
func TestRootsCoverEachOther(t *testing.T) {
	const n = 600
	files := []string{"root.yaml", strings.Replace(applicationOf("source: {repoURL: 'https://example.org/team/site', path: k0}"), "name: web", "name: root", 1)}
	for i := range n { // each kustomization lists the next, and an Application of the first
		called := strings.NewReplacer("name: web", fmt.Sprintf("name: a%d", i)).Replace(applicationOf("source: {repoURL: 'https://example.org/team/site', path: k0}"))
		files = append(files, fmt.Sprintf("k%d/kustomization.yaml", i), fmt.Sprintf("resources: [../k%d, a.yaml]\n", (i+1)%n), fmt.Sprintf("k%d/a.yaml", i), called)
	}
	w := site(files...)
	scan := scanner.Scan(w)
	start, problems := Roots(w, scan)
	if len(problems) > 0 || len(start.Objects) != 1 || start.Objects[0].GetName() != "root" || len(start.Folders) > 0 {
		t.Fatalf("roots %v, in %v; problems %v", start.Objects, start.Folders, problems)
	}
	var found roots
	found.world = worldFrom(w)
	scan.Visit(found.enter, found.page)
	c := &covering{roots: &found, budget: newBudget(), listings: map[string]*catalog{}}
	if c.of(start.Objects[0]); c.budget.steps < MaxSteps-10 {
		t.Errorf("an Application of a kustomization takes %d steps", MaxSteps-c.budget.steps)
	}
}

// TestRootsShareABudget: sets that make much are not expanded one after the other.
func TestRootsShareABudget(t *testing.T) {
	var files []string
	for i := range 60 {
		list := "[{matrix: {generators: [{list: {elements: [" + strings.Repeat("{a: x}, ", 200) + "]}}, {list: {elements: [" + strings.Repeat("{b: x}, ", 100) + "]}, selector: {matchLabels: {b: none}}}]}}]"
		files = append(files, fmt.Sprintf("s%d.yaml", i), strings.Replace(setOf(list, "{{a}}", ""), "name: all", fmt.Sprintf("name: all-%d", i), 1))
	}
	w := site(files...)
	start, problems := Roots(w, scanner.Scan(w))
	if len(start.Objects) > 0 || len(problems) != 1 || !strings.Contains(problems.Error(), "look for objects of Argo CD: ") {
		t.Errorf("%d roots, problems %v", len(start.Objects), problems)
	}
}
