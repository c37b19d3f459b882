package argo

import (
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/importer/meaning"
	"github.com/pushboat/pushboat/internal/manifest"
)

// git are the folders or files that a git generator selects.
func (s *set) git(m *meaning.Map, given map[string]any) []map[string]any {
	folders, files := s.patterns(m, "directories", given), s.patterns(m, "files", given)
	m.Raw("values")
	prefix := s.filledText(m, "pathParamPrefix", given)
	repo, at := s.filledText(m, "repoURL", given), s.filledText(m, "revision", given)
	if left := unfilled(repo + at); left != "" {
		m.Problem("repoURL", notFilled(left), s.parametersHint(given))
		return nil
	}
	root, ok := s.tree.rootOf(m, repo, revision{"revision", at})
	if !ok {
		return nil
	}
	if len(folders)+len(files) == 0 {
		m.Problem("directories", "the git generator names no directories and no files", "write directories: [{path: apps/*}]")
	}
	if err := s.lang.lasts(); err != nil {
		m.Problem("directories", err.Error(), "")
		return nil
	}
	all, err := s.listed(m, slices.Concat(folders, files), len(folders) > 0, pathed{prefix, root, given})
	if err != nil {
		m.Problem("directories", err.Error(), "")
	} else {
		s.look(m, len(all) > 0)
	}
	return all
}

// looked is a git generator, and whether it has found anything. In a matrix, it looks again and again.
type looked struct {
	m     *meaning.Map
	found bool
}

// look notes whether a git generator has found anything this time.
func (s *set) look(m *meaning.Map, found bool) {
	at := slices.IndexFunc(s.gits, func(l *looked) bool { return l.m == m })
	if at < 0 {
		s.gits = append(s.gits, &looked{m, found})
		return
	}
	s.gits[at].found = s.gits[at].found || found
}

// tellEmpty says which git generators have found nothing: a path may be misspelt.
func (s *set) tellEmpty() {
	for _, l := range s.gits {
		if l.found {
			continue
		}
		field, what := "directories", "folder"
		if len(l.m.Maps(field)) == 0 {
			field, what = "files", "file"
		}
		var paths []string
		for _, one := range l.m.Maps(field) {
			if !one.Boolean("exclude", false) {
				paths = append(paths, manifest.Clean(one.Text("path")))
			}
		}
		l.m.Note(field, fmt.Sprintf("no %s matches %s, so the generator makes nothing; it does when one comes", what, meaning.Several(paths)))
	}
}

// listed are the parameters of the folders, or else the files, that patterns select.
func (s *set) listed(m *meaning.Map, patterns []pattern, isDir bool, p pathed) ([]map[string]any, error) {
	listing, err := s.tree.list(p.root)
	if err != nil {
		return nil, err
	}
	found, seen := listing.find(patterns, isDir)
	var all []map[string]any
	for _, e := range found {
		if len(all) <= meaning.MaxApps {
			all = append(all, s.found(m, e.name, e.isDir, p)...)
		}
	}
	if s.lang.charge(seen/entriesInAStep) != nil {
		return nil, errWalks
	}
	return all, nil
}

func (s *set) patterns(m *meaning.Map, field string, given map[string]any) []pattern {
	var all []pattern
	for _, one := range m.Maps(field) {
		text, _ := s.filled(one, "path", given).(string)
		one.Text("path")
		all = append(all, readPattern(text, one.Boolean("exclude", false)))
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
		contents = s.contents(path.Join(p.root, name))
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

// contents are the parameters in a file: a mapping, or a list of them. They may be changed, but for
// what is in them.
func (s *set) contents(name string) []map[string]any {
	known, ok := s.tree.files[name]
	if !ok {
		known = s.read(name)
		s.tree.files[name] = known
	}
	all := make([]map[string]any, len(known))
	for i, fields := range known {
		all[i] = maps.Clone(fields)
		if !s.lang.isGo {
			flat := map[string]any{}
			flatten(flat, "", fields)
			all[i] = flat
		}
	}
	return all
}

// read reads a file of parameters.
func (s *set) read(name string) []map[string]any {
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
	if err := s.lang.take(len(text)); err != nil {
		return wrong(err)
	}
	root, problems := manifest.ReadYAML(name, text)
	if len(problems) > 0 || root == nil {
		s.tree.problems = append(s.tree.problems, problems...)
		return []map[string]any{{}}
	}
	var value any
	if err := meaning.Unmarshal(text, &value); err != nil {
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
		all = append(all, fields)
	}
	if err := s.lang.keep(meaning.Weight(elements)); err != nil {
		return wrong(err)
	}
	return all
}
