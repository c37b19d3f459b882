// Package kustomize renders a folder with a kustomization.yaml as kubectl kustomize
// does, from the files of a revision alone. It fetches nothing, runs no program, and
// reads nothing outside the repository.
package kustomize

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/resource"
	"sigs.k8s.io/kustomize/api/types"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/render/substitute"
)

// MaxObjects bounds the objects of one folder.
const MaxObjects = 20_000

// Find returns the kustomization of a folder, or "" if it has none.
func Find(fsys fs.FS, folder string) string {
	for _, name := range Names {
		if info, err := fs.Stat(fsys, path.Join(folder, name)); err == nil && !info.IsDir() {
			return path.Join(folder, name)
		}
	}
	return ""
}

// Render builds the kustomization of a folder of the revision whose root is fsys. Each
// object has as its source the file that contains it or, if it was generated, the
// kustomization of the generator, with the line where that can be known. Render returns
// all problems that it finds before the build, or the one with which the build ends. It
// marks the names that the release's marks know in the files that it reads. If charts
// need a cluster that is not known, it asks for the cluster, and returns nothing.
func Render(ctx context.Context, fsys fs.FS, folder string, settings appfile.Kustomize, charts Charts) ([]*manifest.Object, manifest.Problems) {
	if settings.Generate && Find(fsys, folder) == "" {
		generated, empty, problems := generate(fsys, folder)
		if len(problems) > 0 || empty && len(settings.Components) == 0 {
			return nil, problems
		}
		fsys = generated
	}
	c := newChecker(fsys)
	c.folder(folder, manifest.Source{File: folder})
	c.settings(folder, settings)
	if len(c.problems) > 0 {
		return nil, c.problems
	}
	b := &build{checker: c, folder: folder, settings: settings, marks: charts.Release.Marks}
	if problems, ready := b.inflate(ctx, charts); !ready || len(problems) > 0 {
		return nil, problems
	}
	objects, problems := b.objects()
	b.markRandom(objects)
	return objects, problems
}

// build is one build of a checked kustomization.
type build struct {
	*checker
	folder   string
	settings appfile.Kustomize
	marks    *substitute.Marks

	inflated map[string][]*manifest.Object // the objects of charts, by the file that holds them
}

// objects builds, and finds the file of each object: by the object's name or, if that
// is not enough, by a build that notes it.
func (b *build) objects() ([]*manifest.Object, manifest.Problems) {
	built, own, problem := b.run(b.plugged)
	switch {
	case problem != nil:
		return nil, manifest.Problems{*problem}
	case b.plugged || own:
		return b.take(built, b.origins(own).of)
	}
	sources := make(map[*resource.Resource]manifest.Source, built.Size())
	w := b.collect()
	w.know(b.inflated)
	for _, res := range built.Resources() {
		source, found := w.of(res)
		if !found {
			if built, own, problem = b.run(true); problem != nil {
				return nil, manifest.Problems{*problem}
			}
			return b.take(built, b.origins(own).of)
		}
		sources[res] = source
	}
	return b.take(built, func(res *resource.Resource) (manifest.Source, error) { return sources[res], nil })
}

// run builds. noted makes the build note the origins in the objects; own tells that the
// author has asked for that as well.
func (b *build) run(noted bool) (built resmap.ResMap, own bool, _ *manifest.Problem) {
	replaced, own, err := b.replaced(noted)
	if err != nil {
		return nil, own, &manifest.Problem{Source: manifest.Source{File: b.first}, Message: err.Error()}
	}
	options := krusty.MakeDefaultOptions()
	options.LoadRestrictions = types.LoadRestrictionsNone // the revision is all there is to load
	files := &files{fsys: b.fsys, replaced: replaced, marks: b.marks, asIs: b.generated}
	built, err = krusty.MakeKustomizer(options).Run(files, path.Join("/", b.folder))
	if err != nil && b.settings.Generate && strings.Contains(err.Error(), emptyError) && b.about(err.Error()) == b.first {
		return resmap.New(), own, nil // as for Flux
	}
	if err != nil {
		problem := b.explain(err)
		return nil, own, &problem
	}
	return built, own, nil
}

// replaced returns the files whose content kustomize reads changed: the root with the
// settings of the app, and kustomizations with rendered charts.
func (b *build) replaced(noted bool) (files map[string][]byte, own bool, err error) {
	root, own, err := prepare(b.fsys, b.first, b.settings, b.marks, noted)
	files = map[string][]byte{b.first: root}
	for file := range b.charts {
		text := root
		if err == nil && file != b.first {
			text, err = fs.ReadFile(b.fsys, file)
			text = b.marks.Text(text)
		}
		if err != nil {
			return nil, own, err
		}
		made := path.Join(path.Dir(file), inflated)
		if files[file], err = withoutCharts(text, len(b.inflated[made]) > 0); err != nil {
			return nil, own, fmt.Errorf("read %s: %w", file, err)
		}
		if files[made], err = textOf(b.inflated[made]); err != nil {
			return nil, own, fmt.Errorf("write the rendered charts of %s: %w", file, err)
		}
	}
	return files, own, err
}

func (b *build) origins(own bool) *origins {
	return &origins{fsys: b.fsys, folder: b.folder, keep: own, first: b.first, made: b.inflated}
}

// take takes the objects out of a build result without checks; the caller checks them.
func (b *build) take(built resmap.ResMap, placeOf func(*resource.Resource) (manifest.Source, error)) ([]*manifest.Object, manifest.Problems) {
	if built.Size() > MaxObjects {
		return nil, manifest.Problems{{
			Source: manifest.Source{File: b.folder}, Message: fmt.Sprintf("the app has more than %d objects", MaxObjects),
			Hint: "split it into several apps",
		}}
	}
	var found []*manifest.Object
	var problems manifest.Problems
	for _, res := range built.Resources() {
		source, err := placeOf(res)
		if err != nil {
			problems = append(problems, manifest.Problem{Source: manifest.Source{File: b.folder}, Message: err.Error()})
			continue
		}
		fields, err := fieldsOf(res.YNode())
		if err != nil {
			problems = append(problems, manifest.Problem{Source: source, Message: fmt.Sprintf("read the output of kustomize: %v", err)})
			continue
		}
		found = append(found, &manifest.Object{Unstructured: &unstructured.Unstructured{Object: fields}, Source: source})
	}
	return found, problems
}
