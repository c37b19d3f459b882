package kustomize

import (
	"fmt"
	"io/fs"
	"path"
	"strings"

	"sigs.k8s.io/kustomize/api/resource"

	"github.com/pushboat/pushboat/internal/manifest"
)

// origins finds the files of objects.
type origins struct {
	fsys   fs.FS
	folder string // of the kustomization that was built
	first  string // its file
	keep   bool   // the author wants the annotation in the objects

	files map[string][]*manifest.Object // of each file that was read
	made  map[string][]*manifest.Object // of files that do not exist: the objects of charts
}

// of returns the place of an object, and removes the annotation with it from the
// object.
func (o *origins) of(res *resource.Resource) (manifest.Source, error) {
	origin, err := res.GetOrigin()
	if err != nil {
		return manifest.Source{}, fmt.Errorf("read where %s comes from: %w", res.CurId(), err)
	}
	if !o.keep {
		if err := res.SetOrigin(nil); err != nil {
			return manifest.Source{}, fmt.Errorf("take the origin out of %s: %w", res.CurId(), err)
		}
	}
	switch {
	case origin == nil:
		return manifest.Source{File: o.first}, nil
	case origin.Path != "" && origin.Repo == "":
		return o.place(path.Join(o.folder, origin.Path), res), nil
	}
	return manifest.Source{File: path.Join(o.folder, origin.ConfiguredIn)}, nil
}

// place returns the line where the object starts in its file, or only the file. By then
// the object may have another name, with prefix, suffix and hash around the written
// one.
func (o *origins) place(file string, res *resource.Resource) manifest.Source {
	best := manifest.Source{File: file}
	length := -1
	for _, written := range o.written(file) {
		if written.GetKind() != res.GetKind() || !strings.Contains(res.GetName(), written.GetName()) {
			continue
		}
		if n := len(written.GetName()); n > length {
			best, length = written.Source, n
		}
	}
	return best
}

// written returns the objects of a file as they were written.
func (o *origins) written(file string) []*manifest.Object {
	if objects, ok := o.made[file]; ok {
		return objects
	}
	if objects, ok := o.files[file]; ok {
		return objects
	}
	if o.files == nil {
		o.files = map[string][]*manifest.Object{}
	}
	var objects []*manifest.Object
	if data, err := fs.ReadFile(o.fsys, file); err == nil {
		objects, _ = manifest.Parse(file, data) // kustomize reports its problems
	}
	o.files[file] = objects
	return objects
}
