package importer

import (
	"encoding/json"
	"errors"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/importer/meaning"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// foldersBetween are a folder, and those from the one of a file up to it, or up to the root
// where it is elsewhere.
func foldersBetween(top, folder string) []string {
	folders := []string{top}
	for ; folder != top && folder != "."; folder = path.Dir(folder) {
		folders = append(folders, folder)
	}
	return folders
}

// maxPatches bounds the patches of one kustomization that are looked at to say what has changed an
// object.
const maxPatches = 200

// patch is a patch of a kustomization.
type patch struct {
	at     manifest.Source
	Target *target `yaml:"target" json:"target"`
	Text   string  `yaml:"patch" json:"patch"`
	Path   string  `yaml:"path" json:"path"`

	selects *selector // see ready
}

// target says which objects a patch is for; the texts are regular expressions for the whole
// (kustomize, api/types/selector.go).
type target struct {
	Group      string `yaml:"group" json:"group"`
	Version    string `yaml:"version" json:"version"`
	Kind       string `yaml:"kind" json:"kind"`
	Name       string `yaml:"name" json:"name"`
	Namespace  string `yaml:"namespace" json:"namespace"`
	Labels     string `yaml:"labelSelector" json:"labelSelector"`
	Annotation string `yaml:"annotationSelector" json:"annotationSelector"`
}

// selector is a target, ready to be tried on many objects.
type selector struct {
	texts               []*regexp.Regexp // of group, version, kind, name and namespace; nil is for any
	labels, annotations labels.Selector
}

// patchesIn are patches in JSON.
func patchesIn(text json.RawMessage) []patch {
	var found []patch
	if json.Unmarshal(text, &found) != nil {
		return nil
	}
	found = found[:min(len(found), maxPatches)]
	for i := range found {
		found[i].ready()
	}
	return found
}

// ready reads which objects the patch is for; what cannot be read is for none. One without a target
// names its object itself.
func (p *patch) ready() {
	to := p.Target
	if to == nil {
		var named struct {
			Kind     string
			Metadata struct{ Name, Namespace string }
		}
		root, problems := manifest.ReadYAML(p.at.File, []byte(p.Text))
		if root == nil || len(problems) > 0 || decode(root, &named) != nil || named.Kind == "" {
			return
		}
		to = &target{Kind: regexp.QuoteMeta(named.Kind), Name: regexp.QuoteMeta(named.Metadata.Name), Namespace: regexp.QuoteMeta(named.Metadata.Namespace)}
	}
	ready := &selector{}
	for _, text := range []string{to.Group, to.Version, to.Kind, to.Name, to.Namespace} {
		var expression *regexp.Regexp
		if text != "" {
			var err error
			if expression, err = regexp.Compile("^(?:" + text + ")$"); err != nil {
				return
			}
		}
		ready.texts = append(ready.texts, expression)
	}
	var first, second error
	ready.labels, first = labels.Parse(to.Labels)
	ready.annotations, second = labels.Parse(to.Annotation)
	if first == nil && second == nil {
		p.selects = ready
	}
}

// fits reports whether the patch is for an object.
func (p *patch) fits(o *manifest.Object) bool {
	if p.selects == nil {
		return false
	}
	kind := o.GroupVersionKind()
	for i, text := range []string{kind.Group, kind.Version, kind.Kind, o.GetName(), o.GetNamespace()} {
		if expression := p.selects.texts[i]; expression != nil && !expression.MatchString(text) {
			return false
		}
	}
	return p.selects.labels.Matches(labels.Set(o.GetLabels())) && p.selects.annotations.Matches(labels.Set(o.GetAnnotations()))
}

// files knows the files of a revision that have objects, or patches.
type files struct {
	fsys    fs.FS
	scan    *meaning.Scan
	objects map[string][]*manifest.Object // of files that the scan has nothing of
	patched map[string][]patch            // by the folder of a kustomization
	own     map[name.App][]patch          // of an app's own settings
}

func newFiles(fsys fs.FS, scan *meaning.Scan) *files {
	return &files{fsys: fsys, scan: scan, objects: map[string][]*manifest.Object{}, patched: map[string][]patch{}, own: map[name.App][]patch{}}
}

// as is an object as it is written in its file; nil if it is not found there.
func (f *files) as(o *manifest.Object) *manifest.Object {
	file := o.Source.File
	if page := f.scan.Page(file); page != nil {
		if as := named(page.Objects, o); as != nil {
			return as
		}
	}
	objects, known := f.objects[file]
	if !known {
		if text, err := fs.ReadFile(f.fsys, file); err == nil && len(text) <= maxFile {
			objects, _ = manifest.Parse(file, text)
		}
		f.objects[file] = objects
	}
	return named(objects, o)
}

// named is the first of some objects with the kind and name of another; nil if there is none.
func named(objects []*manifest.Object, o *manifest.Object) *manifest.Object {
	for _, as := range objects {
		if as.GetKind() == o.GetKind() && as.GetName() == o.GetName() {
			return as
		}
	}
	return nil
}

// place finds the line of a field in the file that an object was written in: what kustomize
// makes of it knows the file alone.
func (f *files) place(o *manifest.Object, field string) manifest.Source {
	if as := f.as(o); as != nil {
		return as.At(field)
	}
	return o.At(field)
}

// patchesOfApp are those in the settings of an app.
func (f *files) patchesOfApp(app *appfile.App) []patch {
	found, known := f.own[app.Name]
	if !known {
		found = patchesIn(app.Kustomize.Patches)
		f.own[app.Name] = found
	}
	return found
}

// patches are those of the kustomization of a folder.
func (f *files) patches(folder string) []patch {
	if found, known := f.patched[folder]; known {
		return found
	}
	var found []patch
	for _, base := range []string{"kustomization.yaml", "kustomization.yml", "Kustomization"} {
		file := path.Join(folder, base)
		text, err := fs.ReadFile(f.fsys, file)
		if err != nil || len(text) > maxFile {
			continue
		}
		if root, problems := manifest.ReadYAML(file, text); root != nil && len(problems) == 0 {
			found = f.patchesOf(file, root)
		}
		break
	}
	f.patched[folder] = found
	return found
}

// patchesOf are those in a kustomization, with their lines.
func (f *files) patchesOf(file string, root *yaml.Node) []patch {
	var found []patch
	if root.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(root.Content); i += 2 {
		field, list := root.Content[i].Value, root.Content[i+1]
		if !slices.Contains([]string{"patches", "patchesStrategicMerge", "patchesJson6902"}, field) || list.Kind != yaml.SequenceNode {
			continue
		}
		for _, element := range list.Content {
			one := patch{}
			if element.Kind == yaml.ScalarNode {
				if one.Path = element.Value; strings.Contains(element.Value, "\n") {
					one.Path, one.Text = "", element.Value
				}
			} else if decode(element, &one) != nil {
				continue
			}
			one.at = manifest.Source{File: file, Line: element.Line}
			if one.Text == "" && one.Path != "" && !strings.Contains(one.Path, "://") {
				if text, err := fs.ReadFile(f.fsys, path.Join(path.Dir(file), one.Path)); err == nil && len(text) <= maxFile {
					one.Text = string(text)
				}
			}
			if len(found) == maxPatches {
				return found
			}
			one.ready()
			found = append(found, one)
		}
	}
	return found
}

// decode decodes a node, on which the library may panic.
func decode(n *yaml.Node, into any) (err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("it cannot be read")
		}
	}()
	return n.Decode(into)
}
