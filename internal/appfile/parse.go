package appfile

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/pushboat/pushboat/internal/form"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// Place is where a file is read for.
type Place struct {
	Repo     name.Repo
	Branch   name.Branch // of which apps are wanted; "": all
	Main     name.Branch // the repository's main branch, that of the one app where there is no file
	Clusters Clusters    // from which entries select
	// Servers are the addresses of clusters, by which other tools name them.
	Servers map[string]string
	// Folder is from where the apps come if there is no file; "": from all.
	Folder string
	// Addresses mean the repository where it lives elsewhere, too: such as a mirror's upstream.
	Addresses []string
}

// File is what a pushboat.yaml makes at a place.
type File struct {
	Apps       []App
	Selections []Selection // of clusters, whether any matches or not
	// Released are whole apps that the file gives up, and to which repositories. They count
	// on the branch from which they were deployed.
	Released map[name.App]name.Repo
	// Import says that the apps are objects of other tools, and Imported that such objects were
	// found.
	Import   Import
	Imported bool
}

// Read reads the pushboat.yaml at the root of a revision and returns its apps, in the order in
// which they are written; globs, matrices and selections of clusters are resolved. Without
// that file the whole repository is one app, named after the last element of the repository's
// name, on the main branch. If there is any problem, the apps are not to be used; selections
// are known as far as they could be read.
//
// For one branch, it returns the apps of that branch alone, and does not ask whether the
// folders of other apps exist, for they may exist on their own branches only.
func Read(fsys fs.FS, at Place) (File, manifest.Problems) {
	return parse(fsys, at, func(a App) bool { return at.Branch == "" || a.Branch == at.Branch })
}

// Branches returns the branches from which the apps of a revision are deployed, in
// order, and whether a pushboat.yaml says so. Where that cannot be read, the only
// branch is DefaultBranch, on which it is refused.
func Branches(fsys fs.FS, repo name.Repo, main name.Branch) (branches []name.Branch, written bool) {
	_, err := readFile(fsys)
	written = !errors.Is(err, fs.ErrNotExist)
	note := func(branch name.Branch) {
		if !slices.Contains(branches, branch) {
			branches = append(branches, branch)
		}
	}
	file, problems := parse(fsys, Place{Repo: repo, Main: main}, func(a App) bool {
		note(a.Branch)
		return false // so that no folder of an app has to be there
	})
	if len(problems) > 0 {
		return []name.Branch{DefaultBranch}, written
	}
	for _, selection := range file.Selections {
		note(selection.Branch) // clusters that match may come
	}
	slices.Sort(branches)
	return branches, written
}

func parse(fsys fs.FS, at Place, wanted func(App) bool) (File, manifest.Problems) {
	data, err := readFile(fsys)
	if errors.Is(err, fs.ErrNotExist) {
		apps, problems := withoutFile(fsys, at, wanted)
		return File{Apps: apps}, problems
	}
	if err != nil {
		return File{}, manifest.Problems{{
			Source:  manifest.Source{File: Name},
			Message: strings.TrimPrefix(err.Error(), Name+": "),
			Hint:    fmt.Sprintf("%s is a plain file of at most %d KiB", Name, MaxBytes>>10),
		}}
	}
	r := &reader{Reader: form.Reader{File: Name}, dependsLine: map[int]int{}, absent: map[name.App]bool{}, clusters: at.Clusters}
	fields := r.file(decode(r, data))
	entries := r.entries(fsys, fields, at.Repo)
	imports := r.readImport(fields)
	apps := r.expand(fsys, entries, wanted)
	r.checkNames(apps)
	r.checkPaths(apps)
	r.checkDependencies(apps, wanted)
	var released map[name.App]name.Repo
	if list, ok := fields["release"]; ok {
		released = r.readReleases(list, apps, at.Repo)
	}
	if len(r.Problems) > 0 {
		r.Problems.Sort()
		return File{Selections: r.selectionsOf(at.Branch)}, r.Problems
	}
	exclude(apps)
	apps = slices.DeleteFunc(apps, func(a App) bool { return !wanted(a) })
	return File{Apps: apps, Selections: r.selectionsOf(at.Branch), Released: released, Import: imports}, nil
}

// readFile returns the file's text; the pusher reads the error.
func readFile(fsys fs.FS) ([]byte, error) {
	f, err := fsys.Open(Name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	data, err := io.ReadAll(io.LimitReader(f, MaxBytes+1))
	if err != nil {
		return nil, err
	}
	if len(data) > MaxBytes {
		return nil, fmt.Errorf("larger than %d bytes", MaxBytes)
	}
	return data, nil
}

// withoutFile returns the app of a repository that has no pushboat.yaml, on its main
// branch. It reports a file whose name is almost right instead of ignoring it: the
// whole repository would be deployed.
func withoutFile(fsys fs.FS, at Place, wanted func(App) bool) ([]App, manifest.Problems) {
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return nil, manifest.Problems{{Message: err.Error()}}
	}
	for _, entry := range entries {
		if name := entry.Name(); strings.EqualFold(name, Name) || strings.EqualFold(name, "pushboat.yml") || strings.EqualFold(name, "."+Name) {
			return nil, manifest.Problems{{
				Source:  manifest.Source{File: name},
				Message: "this file is not read under this name",
				Hint:    "rename it to " + Name,
			}}
		}
	}
	app := defaultApp()
	app.Name, app.Branch, app.Path = nameFrom(at.Repo), at.Main, cmp.Or(at.Folder, app.Path)
	if message := checkName(string(app.Name)); message != "" {
		return nil, manifest.Problems{{
			Message: fmt.Sprintf("the repository's name %q makes no name of an app: %s", at.Repo, message),
			Hint:    fmt.Sprintf("add a %s with a name", Name),
		}}
	}
	if !wanted(app) {
		return nil, nil
	}
	if info, err := fs.Stat(fsys, app.Path); err != nil || !info.IsDir() {
		return nil, manifest.Problems{{
			Message: fmt.Sprintf("there is no folder %s, from which the repository is to be deployed", app.Path),
			Hint:    fmt.Sprintf("change path in mirrors/%s.yaml of the repository admin, or add a %s", at.Repo, Name),
		}}
	}
	return []App{app}, nil
}

// NameFrom is the name of the app that is a whole repository.
func NameFrom(repo name.Repo) name.App { return nameFrom(repo) }

// nameFrom makes an app's name of a repository's: its last element, in the
// characters that a DNS label may have.
func nameFrom(repo name.Repo) name.App {
	base := strings.TrimSuffix(path.Base(string(repo)), ".git")
	return name.App(strings.Trim(strings.NewReplacer("_", "-", ".", "-").Replace(strings.ToLower(base)), "-"))
}

// decode returns the root of the file's one document, or nil.
func decode(r *reader, data []byte) *yaml.Node {
	root, problems := manifest.ReadYAML(Name, data)
	r.Problems = append(r.Problems, problems...)
	if root == nil && len(problems) == 0 {
		r.Add(1, "the file is empty", "write apps: [] to deploy nothing")
	}
	return root
}

// entry is an app before globs are resolved.
type entry struct {
	app      App
	named    bool // name was written
	repo     name.Repo
	cell     cell   // of its matrix
	suffix   string // of the name
	pathLine int
}

// file reads the fields of the file.
func (r *reader) file(root *yaml.Node) map[string]field {
	if root == nil {
		return nil
	}
	before := len(r.Problems)
	fields := r.Fields(root, "the file", fileFields)
	_, apps := fields["apps"]
	if _, imports := fields["import"]; !apps && !imports && len(r.Problems) == before {
		r.Add(1, "apps is missing", "write apps: [] to deploy nothing")
	}
	return fields
}

// entries reads the list of apps.
func (r *reader) entries(fsys fs.FS, fields map[string]field, repo name.Repo) []entry {
	apps, ok := fields["apps"]
	if !ok {
		return nil
	}
	var entries []entry
	for _, element := range r.List(apps, MaxApps) {
		for _, cell := range r.cells(fsys, element) {
			before := len(r.Problems)
			e := r.entry(field{Name: element.Name, Line: element.Line, Value: cell.fill(element.Value)}, repo, cell)
			e.onCluster(element.Value)
			if len(cell) > 0 {
				r.tellOnce(before)
			}
			if r.note(e) {
				entries = append(entries, e)
			}
		}
		if len(entries) > MaxApps {
			r.Add(element.Line, fmt.Sprintf("there are more than %d apps", MaxApps), "split the repository")
			return nil
		}
	}
	return entries
}

// tellOnce drops those of the problems from an index on that were told before: of
// another cell of the same matrix.
func (r *reader) tellOnce(from int) {
	news := slices.Clone(r.Problems[from:])
	r.Problems = r.Problems[:from]
	for _, problem := range news {
		if !slices.Contains(r.Problems, problem) {
			r.Problems = append(r.Problems, problem)
		}
	}
}

// fileFields are the fields of the file itself.
var fileFields = []string{"apps", "release", "import"}

// appFields are the fields of an app that this version knows.
var appFields = []string{
	"name", "path", "matrix", "branch", "cluster", "clusters", "namespace", "createNamespace", "serviceAccount", "artifact", "render", "kustomize", "helm", "manifests", "files", "sources", "substitute", "postBuild",
	"schedule", "fullSchedule", "drift", "prune", "onRemove", "timeout", "dependsOn", "onFailure", "plainSecrets", "ignore", "health", "windows", "suspended", "leaveOut",
}

// entry reads one app.
func (r *reader) entry(element field, repo name.Repo, cell cell) entry {
	e := entry{app: defaultApp(), repo: repo, cell: cell, pathLine: element.Line}
	e.app.Source = manifest.Source{File: Name, Line: element.Line}
	fields := r.Fields(element.Value, "an app", appFields)
	r.readPlace(&e, fields)
	r.readRules(&e.app, fields)
	if f, ok := fields["dependsOn"]; ok {
		for _, text := range r.texts(f) {
			e.app.DependsOn = append(e.app.DependsOn, name.App(text))
		}
		r.dependsLine[element.Line] = f.Line
	}
	if f, ok := fields["health"]; ok {
		r.readHealth(&e.app, f)
	}
	if f, ok := fields["windows"]; ok {
		r.readWindows(&e.app, f)
	}
	if f, ok := fields["ignore"]; ok {
		for _, element := range r.List(f, MaxList) {
			e.app.Ignore = append(e.app.Ignore, r.ignore(element))
		}
		if n := e.app.Expressions(); n > MaxList {
			r.Add(f.Line, fmt.Sprintf("ignore has %d expressions; at most %d are read", n, MaxList), "")
		}
	}
	return e
}

// readPlace reads the sources of the app and its destination.
func (r *reader) readPlace(e *entry, fields map[string]field) {
	checked := func(name string, check func(string) string, into *string) bool {
		f, ok := fields[name]
		if !ok {
			return false
		}
		text, ok := r.Text(f)
		message, hint := e.cell.unfilled(text)
		if message == "" {
			message = check(text)
		}
		if ok && message != "" {
			r.Add(f.Line, fmt.Sprintf("%s: %q %s", name, text, message), hint)
		}
		*into = text
		return true
	}
	e.named = checked("name", checkName, (*string)(&e.app.Name))
	if checked("path", checkPath, &e.app.Path) {
		e.pathLine = fields["path"].Line
		e.app.Path = path.Clean(strings.TrimSuffix(e.app.Path, "/"))
	}
	checked("branch", checkBranch, (*string)(&e.app.Branch))
	checked("cluster", checkLabel, &e.app.Cluster)
	checked("namespace", checkLabel, &e.app.Namespace)
	checked("serviceAccount", checkAccount, &e.app.ServiceAccount)
	if f, ok := fields["createNamespace"]; ok {
		e.app.CreateNamespace, _ = r.Boolean(f)
		if _, named := fields["namespace"]; e.app.CreateNamespace && !named {
			r.Add(f.Line, "createNamespace does not say which", "add namespace: "+string(orExample(e.app.Name)))
		}
	}
}

func orExample(app name.App) name.App { return cmp.Or(app, "shop") }

// readRules reads how the app is rendered and kept.
func (r *reader) readRules(app *App, fields map[string]field) {
	r.readRender(app, fields)
	r.readSchedule(&app.Schedule, fields, "schedule", `"" means watches only`)
	r.readSchedule(&app.FullSchedule, fields, "fullSchedule", `"" means never`)
	if f, ok := fields["drift"]; ok {
		app.Drift, _ = r.OneOf(f, DriftCorrect, DriftWarn, DriftOff)
	}
	if f, ok := fields["prune"]; ok {
		app.Prune, _ = r.Boolean(f)
	}
	if f, ok := fields["onRemove"]; ok {
		app.OnRemove, _ = r.OneOf(f, OnRemoveKeep, OnRemoveDelete)
	}
	if f, ok := fields["timeout"]; ok {
		app.Timeout, _ = r.duration(f, time.Second, 24*time.Hour)
	}
	if f, ok := fields["onFailure"]; ok {
		app.OnFailure, _ = r.OneOf(f, OnFailureKeep, OnFailureRollback)
	}
	r.readSuspended(app, fields)
	r.readLeaveOut(app, fields)
	if f, ok := fields["plainSecrets"]; ok {
		value, _ := r.OneOf(f, plainSecretsRefuse, plainSecretsAllow)
		app.PlainSecrets = value == plainSecretsAllow
	}
}

func (r *reader) readRender(app *App, fields map[string]field) {
	if f, ok := fields["render"]; ok {
		app.Render, _ = r.OneOf(f, RenderAuto, RenderPlain, RenderKustomize, RenderHelm)
	}
	r.readKustomize(app, fields)
	r.readHelm(app, fields)
	r.readManifests(app, fields)
	r.readFiles(app, fields)
	r.readArtifact(app, fields)
	r.readSources(app, fields)
	r.readSubstitute(app, fields)
	r.readPostBuild(app, fields)
}

// readSchedule reads a schedule. none explains an empty one.
func (r *reader) readSchedule(into *string, fields map[string]field, name, none string) {
	f, ok := fields[name]
	if !ok {
		return
	}
	text, ok := r.Text(f)
	if !ok {
		return
	}
	if *into = strings.TrimSpace(text); *into == "" {
		return
	}
	if _, err := ParseSchedule(*into); err != nil {
		r.Add(f.Line, fmt.Sprintf("%s: %q: %v", name, *into, err), `write it like "@every 5m" or "0 3 * * *"; `+none)
	}
}
