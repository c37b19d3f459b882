package helm

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"helm.sh/helm/v4/pkg/chart/loader/archive"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/render/charts"
)

// loadNamed reads the chart that the release names, or else the one in the folder; nil
// if it cannot, or not yet.
func (r *renderer) loadNamed() *chart.Chart {
	if r.release.Chart == nil {
		return r.load(r.folder, nil)
	}
	loaded, files := r.unpack(*r.release.Chart)
	if loaded == nil {
		return nil
	}
	r.folder = fmt.Sprintf("%s-%s.tgz", loaded.Metadata.Name, loaded.Metadata.Version)
	r.fsys = &unpacked{FS: r.fsys, root: r.folder + "/", files: files}
	return loaded
}

// unpacked is a revision with the files of an archive in one of its folders, where
// later steps look for them when they report a place.
type unpacked struct {
	fs.FS
	root  string
	files []*archive.BufferedFile
}

// ReadFile implements fs.ReadFileFS.
func (u *unpacked) ReadFile(name string) ([]byte, error) {
	if inside, ok := strings.CutPrefix(name, u.root); ok {
		for _, file := range u.files {
			if file.Name == inside {
				return file.Data, nil
			}
		}
	}
	return fs.ReadFile(u.FS, name)
}

// unpack reads the archive of a chart, which contains its dependencies. It returns nil,
// and reports the reason, if the archive is missing or wrong.
func (r *renderer) unpack(wanted Wanted) (*chart.Chart, []*archive.BufferedFile) {
	at := slices.IndexFunc(r.release.Fetched, func(f Fetched) bool { return f.Ref == wanted.Ref })
	if at < 0 {
		r.lacking = true
		if r.release.Want == nil {
			r.add(wanted.Source.File, wanted.Source.Line, fmt.Sprintf("%s is not at hand, and nothing is fetched", wanted.Ref), "")
			return nil, nil
		}
		r.release.Want(wanted)
		return nil, nil
	}
	wrong := func(message string) {
		r.add(wanted.Source.File, wanted.Source.Line, fmt.Sprintf("%s: %s", wanted.Ref, manifest.Clean(message)), "take another version; this one was not packaged by helm package")
	}
	fetched := r.release.Fetched[at]
	data, err := fs.ReadFile(r.fsys, fetched.File)
	var files []*archive.BufferedFile
	if err == nil {
		files, err = archive.LoadArchiveFiles(bytes.NewReader(data))
	}
	var loaded *chart.Chart
	switch {
	case err != nil:
	case len(files) > MaxFiles:
		err = fmt.Errorf("it has more than %d files", MaxFiles)
	default:
		loaded, err = loader.LoadFiles(files)
	}
	if err != nil {
		wrong(strings.TrimSpace(err.Error()))
		return nil, nil
	}
	exact := cmp.Or(wanted.Exact(), fetched.Exact)
	if is := loaded.Metadata; is.Name != wanted.Name || exact != "" && !charts.SameVersion(is.Version, exact) {
		wrong(fmt.Sprintf("the archive holds %s %s", is.Name, is.Version))
		return nil, nil
	}
	for _, d := range loaded.Metadata.Dependencies {
		if !slices.ContainsFunc(loaded.Dependencies(), func(c *chart.Chart) bool { return c.Name() == d.Name }) {
			wrong("it does not bring its dependency " + d.Name)
		}
	}
	return loaded, files
}

// addFetched adds the dependency with that index from a registry.
func (r *renderer) addFetched(loaded *chart.Chart, index int, folder string) {
	file := path.Join(folder, "Chart.yaml")
	d := loaded.Metadata.Dependencies[index]
	line := r.lineOf(file, d.Name)
	charted := path.Join(folder, "charts")
	if r.release.Want == nil || d.Repository == "" {
		r.add(file, line, fmt.Sprintf("the dependency %s is not in charts/, and nothing is fetched", d.Name), "run helm dependency build, and commit "+charted)
		return
	}
	version, message, hint := locked(loaded, index)
	wanted := Wanted{
		Ref:    charts.Ref{Name: d.Name, Version: version, Repo: d.Repository},
		Source: manifest.Source{File: file, Line: line}, Folder: folder,
	}
	if message == "" {
		err := wanted.Check()
		if err == nil && wanted.Exact() == "" {
			err = fmt.Errorf("chart %s: %q is no exact version", d.Name, version)
		}
		if err != nil {
			message, hint = err.Error(), "run helm dependency update, and commit Chart.lock; or commit "+charted
		}
	}
	if message != "" {
		r.add(file, line, fmt.Sprintf("the dependency %s is not in charts/: %s", d.Name, manifest.Clean(message)), hint)
		return
	}
	if c, _ := r.unpack(wanted); c != nil {
		loaded.AddDependency(c)
	}
}

// locked returns the version of a dependency from Chart.lock, or else the exact one
// from Chart.yaml; or the problem with the lock.
func locked(loaded *chart.Chart, index int) (version, message, hint string) {
	d, lock := loaded.Metadata.Dependencies[index], loaded.Lock
	if lock == nil {
		return d.Version, "", ""
	}
	const update = "run helm dependency update, and commit Chart.lock"
	if !inSync(loaded) {
		return "", "Chart.lock is not of this Chart.yaml: its digest is another", update
	}
	if index >= len(lock.Dependencies) || lock.Dependencies[index] == nil || lock.Dependencies[index].Name != d.Name {
		return "", "Chart.lock does not have it", update
	}
	return lock.Dependencies[index].Version, "", ""
}

// inSync reports whether the lock was made from the dependencies that the chart names:
// Helm writes a digest of both into it (internal/resolver of Helm 3 and 4, and of Helm
// 2 in charts of the first version).
func inSync(loaded *chart.Chart) bool {
	wanted, lock := loaded.Metadata.Dependencies, loaded.Lock
	for _, of := range []any{
		[2][]*chart.Dependency{wanted, lock.Dependencies},
		map[string][]*chart.Dependency{"dependencies": wanted},
	} {
		if text, err := json.Marshal(of); err == nil {
			sum := sha256.Sum256(text)
			if "sha256:"+hex.EncodeToString(sum[:]) == lock.Digest {
				return true
			}
		}
		if loaded.Metadata.APIVersion != chart.APIVersionV1 {
			return false
		}
	}
	return false
}
