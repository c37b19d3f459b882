package flux

import (
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/importer/meaning"
	"github.com/pushboat/pushboat/internal/manifest"
)

// This file has ArtifactGenerators (source.extensions.fluxcd.io/v1beta1), which copy folders of
// sources into ExternalArtifacts, from which Kustomizations are built. Here nothing is copied:
// a folder of the artifact is the folder of this repository that would be copied there.

const (
	generatorKind = "ArtifactGenerator"
	artifactKind  = "ExternalArtifact"
	ociKind       = "OCIRepository"
)

// generator is an ArtifactGenerator.
type generator struct {
	object *manifest.Object
	reader *meaning.Reader
	spec   *meaning.Map
}

// addGenerator takes in an ArtifactGenerator.
func (t *Tree) addGenerator(o *manifest.Object) {
	if o.GetKind() != generatorKind {
		t.refuse(o, fmt.Sprintf("the kind %s of Flux is not known here", o.GetKind()), "take it out")
		return
	}
	ref := refOf(o)
	ref.Source = o.Source
	if t.generates[ref] {
		return // a root includes its own object
	}
	t.generates[ref] = true
	reader := meaning.Read(o, t.world.Place)
	g := &generator{object: o, reader: reader, spec: reader.Spec()}
	if sources := g.spec.List("sources"); len(sources) > appfile.MaxList {
		t.refuse(o, fmt.Sprintf("there are more than %d sources", appfile.MaxList), "split the generator")
		return
	}
	for _, source := range g.spec.Maps("sources") {
		for _, field := range []string{"alias", "kind", "name", "namespace"} {
			source.Text(field)
		}
	}
	for _, artifact := range g.spec.Maps("artifacts") {
		for _, field := range []string{"name", "revision", "originRevision"} {
			artifact.Text(field)
		}
		if steps := artifact.List("copy"); len(steps) > appfile.MaxList {
			t.refuse(o, fmt.Sprintf("an artifact is copied in more than %d steps", appfile.MaxList), "copy whole folders")
			return
		}
		for _, step := range artifact.Maps("copy") {
			step.Text("from")
			step.Text("to")
			step.Text("strategy")
			step.List("exclude")
		}
	}
	g.spec.Text("pathPattern")
	g.spec.Raw("commonMetadata")
	g.spec.Done()
	t.wrong = append(t.wrong, reader.Problems...)
	reader.Problems = nil
	t.generators = append(t.generators, g)
}

// inArtifact is the folder of this repository that is a folder of an artifact. What cannot be
// said is a problem.
func (t *Tree) inArtifact(it *item, ref *meaning.Map, folder string) string {
	called, namespace := ref.Text("name"), cmp.Or(ref.Text("namespace"), it.ref.Namespace)
	ref.Raw("apiVersion")
	made, over := t.artifacts.find(t, meaning.Ref{Namespace: namespace, Name: called})
	switch {
	case made.of != nil:
		return t.copied(made.by, made.of, made.variables, folder)
	case over:
		ref.Problem("name", fmt.Sprintf("the ArtifactGenerators of this revision make more than %d artifacts", maxArtifacts), "name the GitRepository of this repository")
		return folder
	}
	ref.Problem("name", fmt.Sprintf("no ArtifactGenerator of this revision makes ExternalArtifact %s/%s", namespace, called), "commit it beside the Kustomization, or name the GitRepository of this repository")
	return folder
}

// copied is the folder of this repository that is a folder of an artifact.
func (t *Tree) copied(g *generator, artifact *meaning.Map, variables map[string]string, folder string) string {
	before := len(g.reader.Problems)
	defer func() {
		t.wrong = append(t.wrong, g.reader.Problems[before:]...)
		g.reader.Problems = g.reader.Problems[:before]
	}()
	found := ""
	for _, step := range artifact.Maps("copy") {
		from, to, whole, ok := t.step(g, step, variables)
		if !ok {
			return folder
		}
		root, same := strings.CutSuffix("/"+from, strings.TrimSuffix("/"+to, "/."))
		if !same {
			step.Problem("to", fmt.Sprintf("the artifact has %s as %s", from, to), "here a folder stays where it is among others: copy @SOURCE/x/a/** to @artifact/a/, or name the GitRepository as the source of the Kustomization")
			return folder
		}
		if at := path.Join(".", strings.TrimPrefix(root, "/"), folder); whole && (at == from || meaning.Inside(at, from)) {
			found = at
		}
	}
	if found == "" {
		artifact.Problem("copy", fmt.Sprintf("no single step copies the folder %s of the artifact", folder), "copy it as a whole: from @SOURCE/FOLDER/**, or name the GitRepository as the source of the Kustomization")
		return folder
	}
	return found
}

// step reads a step of copying: the folder from which it copies, the folder of the artifact
// where that is then, and whether all of it is copied.
func (t *Tree) step(g *generator, step *meaning.Map, variables map[string]string) (from, to string, whole, ok bool) {
	alias, pattern, hasSource := strings.Cut(filled(step.Text("from"), variables), "/")
	target, isArtifact := strings.CutPrefix(filled(step.Text("to"), variables), "@artifact/")
	switch source := sourceOf(g, strings.TrimPrefix(alias, "@")); {
	case !strings.HasPrefix(alias, "@") || !hasSource:
		step.Problem("from", fmt.Sprintf("from: %q is not @SOURCE/PATH", step.Text("from")), "")
		return "", "", false, false
	case !isArtifact:
		step.Problem("to", fmt.Sprintf("to: %q is not @artifact/PATH", step.Text("to")), "")
		return "", "", false, false
	case source == nil:
		step.Problem("from", fmt.Sprintf("from: there is no source %s", alias), "")
		return "", "", false, false
	default:
		before := len(g.reader.Problems)
		it := &item{ref: meaning.Ref{Namespace: cmp.Or(g.object.GetNamespace(), System)}}
		switch root := t.repository(it, source); {
		case root != "":
			step.Problem("from", fmt.Sprintf("from: %s is another repository", alias), "name its GitRepository as the source of the Kustomization")
			return "", "", false, false
		case it.lost || len(g.reader.Problems) > before:
			return "", "", false, false
		}
	}
	if strategy := step.Text("strategy"); strategy != "" && strategy != "Overwrite" {
		step.Problem("strategy", fmt.Sprintf("strategy: %s is not done here", strategy), "commit the result")
		return "", "", false, false
	}
	for _, pattern := range step.Texts("exclude") {
		if ext := path.Ext(pattern); ext == "" || slices.Contains([]string{".yaml", ".yml", ".json", ".*"}, ext) {
			step.Problem("exclude", fmt.Sprintf("exclude: %q may leave manifests out, which are there here", pattern), "leave them out of the kustomization")
			return "", "", false, false
		}
	}
	from, to, whole = t.layOut(path.Clean(pattern), path.Join(".", target))
	return from, to, whole, true
}

// layOut says which folder of a source is which of the artifact, as source-watcher copies: what
// is below a folder, for FOLDER/**; a folder or file into the target, under its own name; and
// what other patterns match under its whole path.
func (t *Tree) layOut(pattern, target string) (from, to string, whole bool) {
	switch folder, below := strings.CutSuffix(pattern, "/**"); {
	case pattern == "**":
		return ".", target, true
	case below && !strings.ContainsAny(folder, "*?[{"):
		return folder, target, true
	case strings.ContainsAny(pattern, "*?[{"):
		return ".", target, false
	}
	if info, err := fs.Stat(t.world.Tree, pattern); err == nil && info.IsDir() {
		return pattern, path.Join(target, path.Base(pattern)), true
	}
	if path.Base(target) == path.Base(pattern) {
		target = path.Dir(target)
	}
	return path.Dir(pattern), target, false
}

// sourceOf is the source with an alias; nil: there is none.
func sourceOf(g *generator, alias string) *meaning.Map {
	for _, source := range g.spec.Maps("sources") {
		if source.Text("alias") == alias {
			return source
		}
	}
	return nil
}

// capture is a name of a part of a path, as {app}.
var capture = regexp.MustCompile(`\{[A-Za-z0-9_-]+\}`)

// filled fills a text with what was captured.
func filled(text string, variables map[string]string) string {
	return capture.ReplaceAllStringFunc(text, func(use string) string {
		if value, ok := variables[strings.Trim(use, "{}")]; ok {
			return value
		}
		return use
	})
}

// Limits of what the generators of a revision make.
const (
	maxArtifacts = 20_000
	maxLooked    = 200_000 // folders that are tried with patterns
)

// artifacts are those that generators make, by namespace and name: the first of each.
type artifacts struct {
	known map[meaning.Ref]artifact
	read  int  // generators
	tried int  // folders
	over  bool // there are more than are known
}

// artifact is what a generator makes, of the folder in which it has captured variables.
type artifact struct {
	by        *generator
	of        *meaning.Map
	variables map[string]string
}

// find is an artifact; over says that there are more than are known.
func (a *artifacts) find(t *Tree, ref meaning.Ref) (found artifact, over bool) {
	if a.known == nil {
		a.known = map[meaning.Ref]artifact{}
	}
	for _, g := range t.generators[a.read:] {
		a.add(t, g)
	}
	a.read = len(t.generators)
	return a.known[ref], a.over
}

// add notes what a generator makes.
func (a *artifacts) add(t *Tree, g *generator) {
	namespace, made := cmp.Or(g.object.GetNamespace(), System), g.spec.Maps("artifacts")
	_, pattern, _ := strings.Cut(g.spec.Text("pathPattern"), "/")
	note := func(variables, lower map[string]string) bool {
		for _, of := range made {
			if a.over = a.over || len(a.known) >= maxArtifacts; a.over {
				return false
			}
			ref := meaning.Ref{Namespace: namespace, Name: filled(of.Text("name"), lower)}
			if _, known := a.known[ref]; !known {
				a.known[ref] = artifact{g, of, variables}
			}
		}
		return true
	}
	if pattern == "" {
		note(map[string]string{}, nil)
		return
	}
	t.captures(".", strings.Split(path.Clean(pattern), "/"), map[string]string{}, func(variables map[string]string) bool {
		lower := map[string]string{}
		for name, value := range variables {
			lower[name] = strings.ToLower(value)
		}
		return note(variables, lower)
	})
}

// captures calls do for each folder that a pattern matches, until that is false.
func (t *Tree) captures(folder string, pattern []string, variables map[string]string, do func(map[string]string) bool) bool {
	if len(pattern) == 0 {
		return do(variables)
	}
	part := pattern[0]
	names := capture.FindAllString(part, -1)
	quoted := regexp.QuoteMeta(part)
	for _, name := range names {
		quoted = strings.Replace(quoted, regexp.QuoteMeta(name), "([^/]+)", 1)
	}
	expression, err := regexp.Compile("^" + strings.ReplaceAll(quoted, `\*`, "[^/]*") + "$")
	if err != nil {
		return true
	}
	entries, err := fs.ReadDir(t.world.Tree, folder)
	if err != nil {
		return true // what cannot be listed has nothing in it
	}
	for _, entry := range entries {
		if t.artifacts.tried++; t.artifacts.tried > maxLooked {
			t.artifacts.over = true
			return false
		}
		match := expression.FindStringSubmatch(entry.Name())
		if match == nil || !entry.IsDir() {
			continue
		}
		more := maps.Clone(variables)
		for i, name := range names {
			more[strings.Trim(name, "{}")] = match[i+1]
		}
		if !t.captures(path.Join(folder, entry.Name()), pattern[1:], more, do) {
			return false
		}
	}
	return true
}
