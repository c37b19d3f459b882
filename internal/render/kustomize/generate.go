package kustomize

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"sigs.k8s.io/kustomize/api/types"
	k8syaml "sigs.k8s.io/yaml"

	"github.com/pushboat/pushboat/internal/manifest"
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

// generate returns the revision with a kustomization in a folder that has none, as Flux makes
// it: its resources are the manifests in it and below, and folders with a kustomization of
// their own (fluxcd/pkg/kustomize, generateKustomization).
func generate(fsys fs.FS, folder string) (fs.FS, manifest.Problems) {
	var resources []string
	problems := manifest.Problems{}
	entries := 0
	err := fs.WalkDir(fsys, folder, func(name string, entry fs.DirEntry, err error) error {
		if entries++; entries > maxEntries {
			return fmt.Errorf("there are more than %d files and folders", maxEntries)
		}
		switch {
		case err != nil:
			return err
		case name == folder:
		case isFolder(fsys, name, entry):
			if slices.Contains(leftOutFolders, path.Base(name)) {
				return fs.SkipDir
			}
			if Find(fsys, name) != "" {
				resources = append(resources, below(folder, name))
				return fs.SkipDir
			}
		case !isManifest(name):
		default:
			objects, wrong := objectsIn(fsys, name)
			problems = append(problems, wrong...)
			if objects > 0 {
				resources = append(resources, below(folder, name))
			}
		}
		return nil
	})
	if err != nil {
		return nil, manifest.Problems{{Source: manifest.Source{File: folder}, Message: "look for manifests: " + err.Error(), Hint: "the path is a folder of the repository"}}
	}
	if len(problems) > 0 {
		return nil, problems
	}
	text, err := k8syaml.Marshal(types.Kustomization{
		TypeMeta:  types.TypeMeta{APIVersion: types.KustomizationVersion, Kind: types.KustomizationKind},
		Resources: resources,
	})
	if err != nil {
		return nil, manifest.Problems{{Source: manifest.Source{File: folder}, Message: err.Error()}}
	}
	return &withFile{FS: fsys, name: path.Join(folder, Names[0]), text: text}, nil
}

// maxEntries bounds the files and folders of a generated kustomization; see plain.MaxEntries.
const maxEntries = 100_000

// isFolder reports whether an entry is a folder, or a link to one, which is not followed.
func isFolder(fsys fs.FS, name string, entry fs.DirEntry) bool {
	if entry.Type()&fs.ModeSymlink == 0 {
		return entry.IsDir()
	}
	info, err := fs.Stat(fsys, name)
	return err == nil && info.IsDir()
}

// isManifest reports whether a file is read as a manifest.
func isManifest(name string) bool {
	base := path.Base(name)
	ext := strings.ToLower(path.Ext(base))
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
