package argo

import (
	"slices"
	"strconv"
	"strings"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/importer/meaning"
	"github.com/pushboat/pushboat/internal/manifest"
)

// cover are the files with objects that the apps of an object read: by their places, and by the
// folders of kustomizations.
type cover struct {
	objects []int
	folders []string
}

// covering finds out which of some objects are in files that the apps of others read.
type covering struct {
	*roots
	budget   *budget
	listings map[string]*catalog
	at       map[string][]int // the objects in each file
	files    []string         // sorted
	covers   []cover          // of each object

	seen    map[string]bool // folders that were reached
	reached []bool          // objects that were
}

// uncovered are the objects that no app of another one has among its sources. Of objects that
// cover each other in a ring, the first is one.
func (r *roots) uncovered() []*manifest.Object {
	c := &covering{roots: r, budget: newBudget(), at: map[string][]int{}, listings: map[string]*catalog{}, seen: map[string]bool{}, reached: make([]bool, len(r.objects))}
	for i, o := range r.objects {
		if file := o.Source.File; c.at[file] == nil {
			c.files = append(c.files, file)
		}
		c.at[o.Source.File] = append(c.at[o.Source.File], i)
	}
	slices.Sort(c.files)
	var starts []meaning.Start
	for i, o := range r.objects {
		c.covers = append(c.covers, c.of(o))
		for _, folder := range c.covers[i].folders {
			starts = append(starts, meaning.Start{Folder: folder, By: strconv.Itoa(i)})
		}
	}
	if err := c.budget.lasts(); err != nil {
		r.fail(err)
		return nil
	}
	inside := c.inside(starts)
	isRoot := make([]bool, len(r.objects))
	for pass := range 2 { // first those that nothing covers, then one of each ring
		for i := range r.objects {
			if !c.reached[i] && !isRoot[i] && (pass == 1 || !inside[i]) {
				isRoot[i] = true
				c.reach(i, i)
			}
		}
	}
	var all []*manifest.Object
	for i, o := range r.objects {
		if isRoot[i] {
			all = append(all, o)
		}
	}
	return all
}

// of is what the apps of an object cover.
func (c *covering) of(o *manifest.Object) (all cover) {
	if kind := o.GetKind(); kind != applicationKind && kind != setKind || c.budget.lasts() != nil {
		return all
	}
	scratch := New(c.world.World)
	scratch.budget, scratch.listings, scratch.world.patterns = c.budget, c.listings, c.world.patterns
	scratch.Add(nil, o)
	apps, _ := scratch.Next()
	for _, app := range apps {
		c.add(&all, app.App)
		for _, other := range app.App.Sources {
			c.add(&all, app.App.With(other))
		}
	}
	return all
}

// add notes what a source of an app covers.
func (c *covering) add(all *cover, app appfile.App) {
	switch {
	case app.Helm.Chart != "", !app.Artifact.IsZero():
	case app.Render != appfile.RenderPlain && c.layout.Builds(app.Path):
		all.folders = append(all.folders, app.Path)
	case app.Render == appfile.RenderHelm, app.Render == appfile.RenderPlain:
		all.objects = append(all.objects, c.within(app)...)
	}
}

// within are the objects in the folder of an app that is rendered from its files.
func (c *covering) within(app appfile.App) (all []int) {
	first := 0
	if app.Path != "." {
		first, _ = slices.BinarySearch(c.files, app.Path+"/")
	}
	chosen := func(patterns []string, inside string) bool {
		return c.world.patterns.any(patterns, []string{inside})
	}
	tried := 0
	for _, file := range c.files[first:] {
		if !meaning.Inside(file, app.Path) {
			break
		}
		tried++
		inside := strings.TrimPrefix(file, app.Path+"/")
		if app.Render == appfile.RenderPlain && (app.Files.Flat && strings.Contains(inside, "/") || len(app.Files.Include) > 0 && !chosen(app.Files.Include, inside) || chosen(app.Files.Exclude, inside)) {
			continue
		}
		all = append(all, c.at[file]...)
	}
	_ = c.budget.charge(1 + (tried+len(all))/entriesInAStep) // what is over is said in the end
	return all
}

// inside tells for each object whether another one covers it.
func (c *covering) inside(starts []meaning.Start) []bool {
	readers := c.layout.Readers(starts)
	inside := make([]bool, len(c.objects))
	for i, o := range c.objects {
		inside[i] = readers.Listed(o.Source.File).Other(strconv.Itoa(i))
	}
	for i, cover := range c.covers {
		for _, j := range cover.objects {
			inside[j] = inside[j] || i != j
		}
	}
	return inside
}

// reach notes what an object covers, and what that does, but not the root from which it came.
func (c *covering) reach(i, root int) {
	visit := func(j int) {
		if !c.reached[j] && j != root {
			c.reached[j] = true
			c.reach(j, root)
		}
	}
	for _, j := range c.covers[i].objects {
		visit(j)
	}
	waiting := slices.Clone(c.covers[i].folders)
	for len(waiting) > 0 {
		folder := waiting[len(waiting)-1]
		waiting = waiting[:len(waiting)-1]
		if c.seen[folder] {
			continue
		}
		c.seen[folder] = true
		for _, entry := range c.layout.Entries(folder) {
			for _, j := range c.at[entry] {
				visit(j)
			}
			waiting = append(waiting, entry)
		}
	}
}
