package argo

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/importer/meaning"
	"github.com/pushboat/pushboat/internal/manifest"
)

// pattern is a path of a git generator.
type pattern struct {
	text    string
	exclude bool
}

// git are the folders or files that a git generator selects.
func (s *set) git(m *meaning.Map, given map[string]any) []map[string]any {
	folders, files := s.patterns(m, "directories", given), s.patterns(m, "files", given)
	m.Raw("values")
	prefix := m.Text("pathParamPrefix")
	root, ok := s.tree.rootOf(m, m.Text("repoURL"), "revision")
	if !ok {
		return nil
	}
	if len(folders)+len(files) == 0 {
		m.Problem("directories", "the git generator names no directories and no files", "write directories: [{path: apps/*}]")
	}
	chosen := slices.Concat(folders, files)
	match := func(name string, isDir bool) bool {
		if isDir != (len(folders) > 0) {
			return false
		}
		found := false
		for _, p := range chosen {
			if matchPath(p.text, name, isDir) {
				if p.exclude {
					return false
				}
				found = true
			}
		}
		return found
	}
	var all []map[string]any
	seen := 0
	err := s.tree.world.walk(root, func(name string, entry fs.DirEntry) bool {
		seen++
		name = meaning.Below(root, name)
		if len(all) <= meaning.MaxApps && match(name, entry.IsDir()) {
			all = append(all, s.found(m, name, entry.IsDir(), pathed{prefix, root, given})...)
		}
		return true
	})
	if err == nil {
		err = s.lang.charge(seen / entriesInAStep)
	}
	if err != nil {
		m.Problem("directories", err.Error(), "")
	}
	return all
}

// matchPath matches a folder as Go's path.Match, and a file as Git's pathspecs, in which *
// stands for slashes as well.
func matchPath(pattern, name string, isDir bool) bool {
	pattern = strings.TrimSuffix(strings.TrimPrefix(pattern, "./"), "/")
	if isDir {
		ok, err := path.Match(pattern, name)
		return ok && err == nil
	}
	expression, err := appfile.Pattern(strings.ReplaceAll(pattern, "**/", "*"))
	return err == nil && expression.MatchString(name)
}

func (s *set) patterns(m *meaning.Map, field string, given map[string]any) []pattern {
	var all []pattern
	for _, one := range m.Maps(field) {
		text, _ := s.filled(one, "path", given).(string)
		one.Text("path")
		all = append(all, pattern{text, one.Boolean("exclude", false)})
	}
	return all
}

// pathed are the name under which a path is among parameters, the folder of the repository from
// which paths are, and the parameters of the generator before.
type pathed struct {
	prefix, root string
	given        map[string]any
}

// found are the parameters of a folder or a file.
func (s *set) found(m *meaning.Map, name string, isDir bool, p pathed) []map[string]any {
	folder := name
	contents := []map[string]any{{}}
	if !isDir {
		folder = path.Dir(name)
		contents = s.contents(m, path.Join(p.root, name))
	}
	var all []map[string]any
	for _, params := range contents {
		s.setPath(params, folder, name, isDir, p.prefix)
		all = s.with(m, params, p.given, all)
	}
	return all
}

// setPath puts what is known of a path among parameters.
func (s *set) setPath(params map[string]any, folder, name string, isDir bool, prefix string) {
	base, segments := path.Base(folder), strings.Split(folder, "/")
	if !s.lang.isGo {
		key := strings.TrimPrefix(prefix+".path", ".")
		params[key], params[key+".basename"], params[key+".basenameNormalized"] = folder, base, sanitize(base)
		for i, segment := range segments {
			params[fmt.Sprintf("%s[%d]", key, i)] = segment
		}
		if !isDir {
			params[key+".filename"], params[key+".filenameNormalized"] = path.Base(name), sanitize(path.Base(name))
		}
		return
	}
	is := map[string]any{"path": folder, "basename": base, "basenameNormalized": sanitize(base), "segments": texts(segments)}
	if !isDir {
		is["filename"], is["filenameNormalized"] = path.Base(name), sanitize(path.Base(name))
	}
	if prefix == "" {
		params["path"] = is
		return
	}
	params[prefix] = map[string]any{"path": is}
}

func texts(list []string) []any {
	all := make([]any, len(list))
	for i, text := range list {
		all[i] = text
	}
	return all
}

// contents are the parameters in a file: a mapping, or a list of them.
func (s *set) contents(m *meaning.Map, name string) []map[string]any {
	wrong := func(err error) []map[string]any {
		s.tree.problems = append(s.tree.problems, manifest.Problem{
			Source: manifest.Source{File: name}, Object: s.it.object.ID().String(), Message: "read by the git generator: " + oneLine(err), Hint: "write a mapping of names, or a list of such",
		})
		return nil
	}
	text, err := fs.ReadFile(s.tree.world.Tree, name)
	if err != nil {
		return wrong(err)
	}
	if len(text) > maxConfigFile {
		return wrong(errText)
	}
	root, problems := manifest.ReadYAML(name, text)
	if len(problems) > 0 || root == nil {
		s.tree.problems = append(s.tree.problems, problems...)
		return []map[string]any{{}}
	}
	var value any
	if err := yaml.Unmarshal(text, &value); err != nil {
		return wrong(err)
	}
	elements, isList := value.([]any)
	if !isList {
		elements = []any{value}
	}
	var all []map[string]any
	for _, element := range elements {
		fields, ok := element.(map[string]any)
		if !ok {
			return wrong(fmt.Errorf("it is no mapping"))
		}
		if !s.lang.isGo {
			flat := map[string]any{}
			flatten(flat, "", fields)
			fields = flat
		}
		all = append(all, fields)
	}
	return all
}
