package kustomize

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"sigs.k8s.io/kustomize/api/types"
	k8syaml "sigs.k8s.io/yaml"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/render/plain"
)

// leftOut are the files that are never manifests, wherever they are: those that Flux's source
// controller leaves out of its archives and that have the extension of manifests
// (fluxcd/pkg/sourceignore, ExcludeCI and ExcludeExtra).
var leftOut = []string{
	".travis.yml", ".gitlab-ci.yml", "appveyor.yml", ".drone.yml", "cloudbuild.yaml", "codeship-services.yml", "codeship-steps.yml",
	".goreleaser.yml", ".sops.yaml", ".flux.yaml",
}

// leftOutFolders are those folders.
var leftOutFolders = []string{".git", ".github", ".circleci"}

// ignoreName is the file whose patterns keep files from Flux, in any folder from the repository's
// root down.
const ignoreName = ".sourceignore"

// generate returns the revision with a kustomization in a folder that has none, as Flux makes
// it: its resources are the manifests in it and below, and folders with a kustomization of
// their own (fluxcd/pkg/kustomize, generateKustomization). Links are none, since Flux's source
// controller takes none into its archives. empty reports that there are no resources.
func generate(fsys fs.FS, folder string) (generated fs.FS, empty bool, _ manifest.Problems) {
	g := &generator{fsys: fsys, folder: folder}
	for _, above := range foldersAbove(folder) {
		g.readIgnore(above)
	}
	err := fs.WalkDir(fsys, folder, g.visit)
	if err := cmp.Or(err, g.ignore.Err()); err != nil {
		return nil, true, manifest.Problems{{Source: manifest.Source{File: folder}, Message: "look for manifests: " + err.Error(), Hint: "the path is a folder of the repository"}}
	}
	if len(g.problems) > 0 {
		return nil, true, g.problems
	}
	text, err := k8syaml.Marshal(types.Kustomization{
		TypeMeta:  types.TypeMeta{APIVersion: types.KustomizationVersion, Kind: types.KustomizationKind},
		Resources: g.resources,
	})
	if err != nil {
		return nil, true, manifest.Problems{{Source: manifest.Source{File: folder}, Message: err.Error()}}
	}
	return &withFile{FS: fsys, name: path.Join(folder, Names[0]), text: text}, len(g.resources) == 0, nil
}

// generator looks for the resources of a folder.
type generator struct {
	fsys      fs.FS
	folder    string
	ignore    plain.Ignore
	entries   int
	resources []string
	problems  manifest.Problems
}

func (g *generator) visit(name string, entry fs.DirEntry, err error) error {
	if g.entries++; g.entries > maxEntries {
		return fmt.Errorf("there are more than %d files and folders", maxEntries)
	}
	switch {
	case err != nil:
		return err
	case g.ignore.Err() != nil:
		return g.ignore.Err()
	case entry.Type()&fs.ModeSymlink != 0:
	case entry.IsDir():
		return g.visitFolder(name)
	case isManifest(name) && !g.ignore.MatchWithin(name):
		objects, wrong := objectsIn(g.fsys, name)
		g.problems = append(g.problems, wrong...)
		if objects > 0 {
			g.resources = append(g.resources, below(g.folder, name))
		}
	}
	return nil
}

func (g *generator) visitFolder(name string) error {
	if name != g.folder {
		if slices.Contains(leftOutFolders, path.Base(name)) {
			return fs.SkipDir
		}
		if file := Find(g.fsys, name); file != "" && !g.ignore.MatchWithin(file) {
			g.resources = append(g.resources, below(g.folder, name))
			return fs.SkipDir
		}
	}
	g.readIgnore(name)
	return nil
}

// readIgnore reads the patterns of a folder, after those of the folders above.
func (g *generator) readIgnore(folder string) {
	name := path.Join(folder, ignoreName)
	text, err := fs.ReadFile(g.fsys, name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return
	case err == nil && len(text) > plain.MaxIgnoreBytes:
		err = fmt.Errorf("it has more than %d bytes", plain.MaxIgnoreBytes)
	case err == nil:
		err = g.ignore.Add(folder, string(text))
	}
	if err != nil {
		g.problems = append(g.problems, manifest.Problem{Source: manifest.Source{File: name}, Message: manifest.WhyUnread(err), Hint: "see gitignore(5) for the syntax"})
	}
}

// maxEntries bounds the files and folders of a generated kustomization; see plain.MaxEntries.
const maxEntries = 100_000

// foldersAbove are the folders above one, from the root down.
func foldersAbove(folder string) []string {
	var above []string
	for folder != "." {
		folder = path.Dir(folder)
		above = append(above, folder)
	}
	slices.Reverse(above)
	return above
}

// isManifest reports whether a file is read as a manifest.
func isManifest(name string) bool {
	base := path.Base(name)
	ext := path.Ext(base)
	return (ext == ".yaml" || ext == ".yml") && !slices.Contains(leftOut, base)
}

// below is a path as it is from a folder.
func below(folder, name string) string {
	if folder == "." {
		return name
	}
	return strings.TrimPrefix(name, folder+"/")
}

// objectsIn counts the objects of a file; one with anything else is a problem, as for the
// generator of Flux.
func objectsIn(fsys fs.FS, name string) (int, manifest.Problems) {
	text, err := fs.ReadFile(fsys, name)
	if err != nil {
		return 0, manifest.Problems{{Source: manifest.Source{File: name}, Message: manifest.WhyUnread(err)}}
	}
	objects, problems := manifest.Parse(name, text)
	return len(objects), problems
}

// withFile is a revision with one file more.
type withFile struct {
	fs.FS
	name string
	text []byte
}

// Open implements fs.FS.
func (w *withFile) Open(name string) (fs.File, error) {
	if name != w.name {
		return w.FS.Open(name)
	}
	return &memory{Reader: bytes.NewReader(w.text), name: path.Base(name)}, nil
}

// Stat implements fs.StatFS.
func (w *withFile) Stat(name string) (fs.FileInfo, error) {
	if name != w.name {
		return fs.Stat(w.FS, name)
	}
	return &memory{Reader: bytes.NewReader(w.text), name: path.Base(name)}, nil
}

// ReadFile implements fs.ReadFileFS.
func (w *withFile) ReadFile(name string) ([]byte, error) {
	if name != w.name {
		return fs.ReadFile(w.FS, name)
	}
	return bytes.Clone(w.text), nil
}

// memory is an open file with a text in memory, and its own description.
type memory struct {
	*bytes.Reader
	name string
}

func (m *memory) Close() error               { return nil }
func (m *memory) Stat() (fs.FileInfo, error) { return m, nil }
func (m *memory) Name() string               { return m.name }
func (m *memory) Mode() fs.FileMode          { return 0o444 }
func (m *memory) ModTime() time.Time         { return time.Time{} }
func (m *memory) IsDir() bool                { return false }
func (m *memory) Sys() any                   { return nil }
