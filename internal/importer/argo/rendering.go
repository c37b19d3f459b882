package argo

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/importer/meaning"
	"github.com/pushboat/pushboat/internal/name"
)

// readChart reads the chart of a registry.
func (s *source) readChart(chart string) {
	helm := &s.part.Helm
	helm.Chart, helm.Version, helm.Repo = chart, s.m.Version("targetRevision"), s.repo
	helm.Line = s.m.Source("chart").Line
	s.part.Render = appfile.RenderHelm
	if !strings.Contains(helm.Repo, "://") { // a registry of OCI, as Argo CD writes it
		helm.Repo = "oci://" + helm.Repo
	}
	if folder, base := path.Split(chart); folder != "" {
		helm.Repo, helm.Chart = strings.TrimSuffix(helm.Repo, "/")+"/"+strings.TrimSuffix(folder, "/"), base
	}
	if s.repo == "" {
		s.m.Problem("repoURL", "the chart has no repoURL", "write the address of its registry")
	}
	if s.m.Text("chart") != "" && s.m.Text("path") != "" {
		s.m.Problem("path", "a source has a chart or a path", "keep one of the two")
	}
}

// readArchive reads the archive of an OCI registry: a chart, or manifests, of which folder is meant.
func (s *source) readArchive(written string) {
	folder, inside := meaning.Folder(written)
	switch {
	case s.m.Text("ref") != "":
		s.m.Problem("ref", s.m.At("ref")+": values are not read from archives of registries", "commit the files, and name this repository")
	case written == "":
		s.m.Problem("path", "the source names no folder", "write path: FOLDER, or path: . for the whole archive")
	case !inside:
		s.m.Problem("path", fmt.Sprintf("path: %q leads out of the archive", written), "write the path from its root")
	}
	at := s.m.Source("repoURL")
	s.part.Artifact = appfile.Artifact{URL: strings.TrimSuffix(s.repo, "/"), Version: archiveVersion(s.m), Path: folder, File: at.File, Line: at.Line}
	if err := s.part.Artifact.CheckURL(); err != nil {
		s.m.Problem("repoURL", "repoURL: "+err.Error(), "write oci://HOST/PATH/NAME")
	}
}

// archiveVersion is the version of an archive: what is no version, range or digest is a tag.
func archiveVersion(m *meaning.Map) string {
	text := m.Text("targetRevision")
	if text == "" || appfile.IsExactVersion(text) || appfile.IsVersionRange(text) {
		return m.Version("targetRevision")
	}
	if appfile.IsDigest(text) {
		return text
	}
	return appfile.TagOf + text
}

// readHelm reads how a chart is rendered.
func (s *source) readHelm(m *meaning.Map, registry bool) {
	if !m.There {
		return
	}
	helm := &s.part.Helm
	s.part.Render = appfile.RenderHelm
	missing := m.Boolean("ignoreMissingValueFiles", false)
	for i, file := range m.Texts("valueFiles") {
		s.readValueFile(m, fmt.Sprintf("%s[%d]", m.At("valueFiles"), i), file, registry && !strings.HasPrefix(file, "$"), missing)
	}
	s.readValues(m)
	for _, p := range m.Maps("parameters") {
		helm.Parameters = append(helm.Parameters, appfile.Parameter{
			Name: p.Text("name"), Value: s.fill(p, "value"), Text: p.Boolean("forceString", false), Line: p.Source("name").Line,
		})
	}
	for _, p := range m.Maps("fileParameters") {
		file, at := s.fill(p, "path"), p.At("path")
		if name, ok := s.fileOf(file); ok && s.tree.world.isFile(name) {
			helm.Parameters = append(helm.Parameters, appfile.Parameter{Name: p.Text("name"), File: meaning.Relative(s.part.Path, name), Line: p.Source("path").Line})
		} else {
			p.Text("name")
			s.reader.Add(at, fmt.Sprintf("there is no file %s in this revision", file), "the path is from the folder of the source; $REF/ begins one from the root")
		}
	}
	if release := m.Text("releaseName"); release != "" {
		if _, err := name.ParseApp(release); err != nil {
			m.Problem("releaseName", fmt.Sprintf("%s: %q %v", m.At("releaseName"), release, err), "")
		}
		helm.ReleaseName = release
	}
	helm.SkipCRDs = m.Boolean("skipCrds", false)
	if namespace := m.Text("namespace"); namespace != "" && namespace != s.app.App.Namespace {
		m.Problem("namespace", "the release has another namespace than the app", "write it under spec.destination.namespace")
	}
	for field, why := range map[string]string{
		"version": "charts are rendered by Helm 4, which renders those of version 3", "passCredentials": "credentials are the server's (charts.credentials)",
		"skipTests": "tests run only when somebody asks: ssh HOST test APP", "skipSchemaValidation": "values are always checked against the chart's schema",
		"kubeVersion": "charts see the version of the real cluster", "apiVersions": "charts see the kinds of the real cluster",
	} {
		m.Without(field, why)
	}
	m.Done()
}

// readValues reads the values that are written in place; valuesObject wins.
func (s *source) readValues(m *meaning.Map) {
	text, object := m.Text("values"), m.Map("valuesObject")
	var values any
	at := "values"
	switch {
	case object.There:
		values, at = m.Raw("valuesObject"), "valuesObject"
		for _, field := range object.Names() {
			object.Raw(field)
		}
	case text == "":
		return
	default:
		if err := meaning.Unmarshal([]byte(text), &values); err != nil {
			m.Problem("values", fmt.Sprintf("%s: %v", m.At("values"), oneLine(err)), "values are YAML: a mapping")
			return
		}
		if values == nil {
			return
		}
	}
	if _, ok := values.(map[string]any); !ok {
		m.Problem(at, m.At(at)+" is no mapping", "values are a mapping of names")
		return
	}
	written, err := json.Marshal(values)
	if err != nil {
		m.Problem(at, fmt.Sprintf("%s: %v", m.At(at), oneLine(err)), "")
		return
	}
	s.part.Helm.Values = append(s.part.Helm.Values, appfile.HelmValues{Inline: written, Line: m.Source(at).Line})
}

func oneLine(err error) string {
	first, _, _ := strings.Cut(err.Error(), "\n")
	return first
}

// readValueFile reads the name of a file of values, or a glob.
func (s *source) readValueFile(m *meaning.Map, at, written string, inChart, missing bool) {
	text := s.filled(at, written)
	switch {
	case strings.Contains(text, "://"):
		s.reader.Add(at, "nothing is fetched for values", "commit the file")
		return
	case inChart:
		s.readChartFile(at, text, missing)
		return
	}
	name, ok := s.fileOf(text)
	if !ok {
		s.reader.Add(at, fmt.Sprintf("%q names no file of this repository", text), "write a path from the folder of the source, or $REF/ with the ref of a source and a path from the root")
		return
	}
	files := []string{name}
	if strings.ContainsAny(name, "*?[{") {
		files = s.glob(name)
	} else if !s.tree.world.isFile(name) {
		files = nil
	}
	if len(files) == 0 && !missing {
		s.reader.Add(at, fmt.Sprintf("there is no file %s in this revision", name), "write ignoreMissingValueFiles: true if it need not be there")
	}
	for _, file := range files {
		s.part.Helm.Values = append(s.part.Helm.Values, appfile.HelmValues{File: meaning.Relative(s.part.Path, file), Line: s.reader.At(at).Line})
	}
}

// readChartFile reads the name of a file of values in a chart of a registry.
func (s *source) readChartFile(at, text string, missing bool) {
	name := path.Clean(strings.TrimPrefix(text, "/"))
	switch values := s.part.Helm.Values; {
	case name == "values.yaml" && len(values) == 0:
		return // they lie below all others anyway
	case !fs.ValidPath(name):
		s.reader.Add(at, fmt.Sprintf("%q leads out of the chart", text), "write a path from its root")
	case strings.ContainsAny(name, "*?[{"):
		s.reader.Add(at, fmt.Sprintf("%s: which files a chart of a registry has is known when it is fetched", text), "name each file")
	case missing:
		s.reader.Add(at, fmt.Sprintf("%s: whether a chart of a registry has a file is known when it is fetched", text), "take ignoreMissingValueFiles out, and name files that it has")
	default:
		s.part.Helm.Values = append(values, appfile.HelmValues{File: appfile.ChartFile + name, Line: s.reader.At(at).Line})
	}
}

// fileOf is the path from the root of a file that a source names.
func (s *source) fileOf(text string) (file string, ok bool) {
	root := s.root
	if strings.HasPrefix(text, "$") {
		ref, rest, _ := strings.Cut(text, "/")
		of, known := s.refs[ref]
		if !known {
			return "", false
		}
		root, text = of, "/"+rest
	}
	file = path.Join(s.part.Path, text)
	if strings.HasPrefix(text, "/") {
		file = path.Join(root, text[1:])
	}
	return file, file != root && file != "." && file != ".." && !strings.HasPrefix(file, "../") && (root == "" || root == "." || strings.HasPrefix(file, root+"/"))
}

// glob lists the files that match a pattern, in which * stands for letters of one name and **
// for any number of folders.
func (s *source) glob(pattern string) []string {
	expression, err := regexp.Compile(globExpression(pattern))
	if err != nil {
		return nil
	}
	base := pattern[:strings.IndexAny(pattern, "*?[{")]
	folder := path.Dir(base + "x")
	if folder != "." && strings.Contains("/"+folder, "/.") { // hidden, as other repositories are
		return s.globElsewhere(folder, expression)
	}
	all, err := s.tree.list(".")
	if err != nil || s.tree.budget.lasts() != nil {
		return nil
	}
	var found []string
	at := all.folders[folder]
	for _, e := range all.entries[at[0]:at[1]] {
		if !e.isDir && expression.MatchString(e.name) && len(found) < appfile.MaxList {
			found = append(found, e.name)
		}
	}
	if err := s.tree.budget.charge((at[1] - at[0]) / entriesInAStep); err != nil {
		s.reader.Add("spec", errWalks.Error(), "write the files' names")
	}
	slices.Sort(found)
	return found
}

// globElsewhere is glob in a folder that is hidden.
func (s *source) globElsewhere(folder string, expression *regexp.Regexp) []string {
	var found []string
	err := s.tree.walk(folder, func(name string, entry fs.DirEntry) bool {
		if !entry.IsDir() && expression.MatchString(name) && len(found) < appfile.MaxList {
			found = append(found, name)
		}
		return true
	})
	if err != nil {
		return nil
	}
	slices.Sort(found)
	return found
}

func globExpression(pattern string) string {
	quoted := regexp.QuoteMeta(pattern)
	return "^" + strings.NewReplacer(`\*\*/`, "(?:.*/)?", `\*\*`, ".*", `\*`, "[^/]*", `\?`, "[^/]", `\[`, "[", `\]`, "]", `\{`, "(?:", `\}`, ")", ",", "|").Replace(quoted) + "$"
}

// readKustomize reads what is added to a kustomization.
func (s *source) readKustomize(m *meaning.Map) {
	if !m.There {
		return
	}
	k := &s.part.Kustomize
	s.part.Render = appfile.RenderKustomize
	k.NamePrefix, k.NameSuffix = m.Text("namePrefix"), m.Text("nameSuffix")
	k.Replace = true
	k.Images = list(images(m))
	k.Replicas = s.rawList(m, "replicas")
	k.Patches = s.rawList(m, "patches")
	k.Components = s.components(m)
	k.Labels = commonLabels(m)
	k.CommonAnnotations = m.Pairs("commonAnnotations")
	if m.Boolean("commonAnnotationsEnvsubst", false) {
		for key, text := range k.CommonAnnotations {
			k.CommonAnnotations[key] = s.filled(m.At("commonAnnotations"), text)
		}
	}
	if namespace := m.Text("namespace"); namespace != "" {
		if err := name.CheckLabel(namespace); err != nil {
			m.Problem("namespace", fmt.Sprintf("%s: %q %v", m.At("namespace"), namespace, err), "")
		}
		k.Namespace = namespace
	}
	for field, why := range map[string]string{
		"version": "kustomizations are built by the server's own library", "kubeVersion": "charts see the version of the real cluster",
		"apiVersions": "charts see the kinds of the real cluster", "forceCommonLabels": "the labels here always win", "forceCommonAnnotations": "the annotations here always win",
	} {
		m.Without(field, why)
	}
	m.Done()
}

func list(elements []any) json.RawMessage {
	if len(elements) == 0 {
		return nil
	}
	text, err := json.Marshal(elements)
	if err != nil {
		return nil // elements of an object are JSON
	}
	return text
}

// rawList is a list in the words of kustomize.
func (s *source) rawList(m *meaning.Map, field string) json.RawMessage {
	elements := m.List(field)
	for i, element := range elements {
		if _, ok := element.(map[string]any); !ok {
			s.reader.Add(fmt.Sprintf("%s[%d]", m.At(field), i), fmt.Sprintf("%s[%d] is no mapping", m.At(field), i), "")
		}
	}
	return list(elements)
}

// components are those that are there, or all.
func (s *source) components(m *meaning.Map) json.RawMessage {
	missing := m.Boolean("ignoreMissingComponents", false)
	var kept []any
	if missing && !s.part.Artifact.IsZero() {
		m.Problem("ignoreMissingComponents", m.At("ignoreMissingComponents")+": which components an archive has is known when it is fetched", "take it out, and list those that it has")
	}
	for _, component := range m.Texts("components") {
		if !missing || s.tree.world.isFolder(path.Join(s.part.Path, component)) {
			kept = append(kept, component)
		}
	}
	return list(kept)
}

// images are the images of a kustomization, from [NAME=]NEW[:TAG][@DIGEST].
func images(m *meaning.Map) []any {
	var all []any
	for _, text := range m.Texts("images") {
		image := map[string]any{}
		old, replacement, renamed := strings.Cut(text, "=")
		if !renamed {
			replacement = text
		}
		rest, digest, hasDigest := strings.Cut(replacement, "@")
		if hasDigest {
			image["digest"] = digest
		}
		if colon := strings.LastIndex(rest, ":"); colon > strings.LastIndex(rest, "/") {
			image["newTag"], rest = rest[colon+1:], rest[:colon]
		}
		image["name"] = rest
		if renamed {
			image["name"] = old
			image["newName"] = rest
		}
		all = append(all, image)
	}
	return all
}

// commonLabels are those of a kustomization.
func commonLabels(m *meaning.Map) json.RawMessage {
	pairs := m.Pairs("commonLabels")
	without, templates := m.Boolean("labelWithoutSelector", false), m.Boolean("labelIncludeTemplates", false)
	if len(pairs) == 0 {
		return nil
	}
	entry := map[string]any{"pairs": pairs, "includeSelectors": !without}
	if without && templates {
		entry["includeTemplates"] = true
	}
	return list([]any{entry})
}

// readDirectory reads which manifests of a folder are meant. Argo CD does not go into the
// folders below unless it is told so.
func (s *source) readDirectory(m *meaning.Map) {
	files := appfile.Files{Flat: !m.Boolean("recurse", false)}
	for field, into := range map[string]*[]string{"include": &files.Include, "exclude": &files.Exclude} {
		pattern := m.Text(field)
		if pattern == "" {
			continue
		}
		if _, err := appfile.Pattern(pattern); err != nil {
			m.Problem(field, fmt.Sprintf("%s: %q %v", m.At(field), pattern, err), "")
		}
		*into = []string{pattern}
	}
	jsonnet := m.Map("jsonnet")
	if jsonnet.There && len(jsonnet.Names()) > 0 {
		m.Problem("jsonnet", m.At("jsonnet")+": Jsonnet is not rendered", "commit the manifests that it makes")
	}
	for _, field := range jsonnet.Names() {
		jsonnet.Raw(field)
	}
	if !s.part.Artifact.IsZero() {
		s.part.Files = files // if it has manifests, which is known when it is fetched
		return
	}
	if s.part.Render != appfile.RenderAuto || s.part.Path == "" || s.builds() && !m.There {
		return
	}
	var found, foreign []string
	err := s.tree.walk(s.part.Path, func(name string, entry fs.DirEntry) bool {
		switch {
		case entry.IsDir():
		case path.Ext(name) == ".jsonnet":
			found = append(found, name)
		case s.isForeign(name) && len(files.Exclude)+len(foreign) < appfile.MaxList:
			foreign = append(foreign, meaning.Below(s.part.Path, name))
		}
		return !files.Flat
	})
	if len(foreign) > 0 {
		s.m.Note("path", meaning.Several(foreign)+": no manifests, and left out, as Argo CD does")
	}
	files.Exclude = append(files.Exclude, foreign...)
	s.part.Render, s.part.Files = appfile.RenderPlain, files
	switch {
	case len(found) == 1:
		s.m.Problem("path", found[0]+": Jsonnet is not rendered", "commit the manifests that it makes")
	case len(found) > 1:
		s.m.Problem("path", fmt.Sprintf("%s and %d more: Jsonnet is not rendered", found[0], len(found)-1), "commit the manifests that they make")
	}
	if err != nil {
		s.m.Problem("path", fmt.Sprintf("%s: %v", s.part.Path, err), "give the app a path of its own")
	}
}

// isForeign reports whether a file of a folder of manifests is none itself, which Argo CD leaves out.
// One whose name would be a pattern is left as it is.
func (s *source) isForeign(name string) bool {
	is := s.tree.world.Foreign
	return is != nil && !strings.ContainsAny(name, "*?[]{}\\") && is(name)
}

// builds reports whether the folder has a kustomization or a chart.
func (s *source) builds() bool {
	return slices.ContainsFunc(append(meaning.Kustomizations(), "Chart.yaml"), func(file string) bool { return s.tree.world.isFile(path.Join(s.part.Path, file)) })
}

// variable is a name of Argo CD's build environment.
var variable = regexp.MustCompile(`\$\$|\$\{[A-Za-z0-9_]+\}|\$[A-Za-z0-9_]+`)

func (s *source) fill(m *meaning.Map, field string) string {
	return s.filled(m.At(field), m.Text(field))
}

// filled replaces the names of Argo CD's build environment; others are left, as those of refs.
func (s *source) filled(at, text string) string {
	known := map[string]string{
		"ARGOCD_APP_NAME": s.reader.Object.GetName(), "ARGOCD_APP_NAMESPACE": s.app.App.Namespace, "ARGOCD_APP_SOURCE_PATH": s.part.Path,
		"ARGOCD_APP_SOURCE_REPO_URL": s.repo, "ARGOCD_APP_SOURCE_TARGET_REVISION": s.m.Text("targetRevision"), "ARGOCD_APP_PROJECT_NAME": s.reader.Spec().Text("project"),
	}
	return variable.ReplaceAllStringFunc(text, func(use string) string {
		name := strings.Trim(use, "${}")
		value, ok := known[name]
		switch {
		case ok:
			return value
		case strings.HasPrefix(name, "ARGOCD_APP_REVISION"), name == "KUBE_VERSION", name == "KUBE_API_VERSIONS":
			s.reader.Add(at, use+" is not known when the app is checked", "write the value")
		}
		return use
	})
}
