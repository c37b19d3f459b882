package kustomize

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/pushboat/pushboat/internal/manifest"
)

// Limits on one app.
const (
	// MaxKustomizations bounds the kustomizations that one build reads.
	MaxKustomizations = 1000
	// MaxEntries bounds their entries that name files.
	MaxEntries = 20_000
)

// Names are the possible names of a kustomization, in the order in which they are
// tried.
var Names = []string{"kustomization.yaml", "kustomization.yml", "Kustomization"}

// checker checks every kustomization that a build will read, before the build:
// kustomize itself would fetch files that it does not find (CVE-2022-24877 and its
// kin), and names no line.
type checker struct {
	fsys     fs.FS
	problems manifest.Problems
	seen     map[string]bool // checked folders, with a "/" if for plugins
	within   []string        // folders that are being checked
	entries  int
	// generated are the files whose unchanged content generators put into objects.
	generated map[string]bool

	manifests []string                    // files with objects
	made      map[named][]manifest.Source // objects of generators, without the hash
	affix     affixes
	plugged   bool // there are plugins, whose objects and names cannot be predicted

	charts    map[string][]chart // named by kustomizations, by the file of each
	namespace string             // given by an enclosing kustomization

	plugins bool   // the current folder configures generators, transformers or validators
	first   string // the kustomization that was read first
}

func newChecker(fsys fs.FS) *checker {
	return &checker{fsys: fsys, seen: map[string]bool{}, generated: map[string]bool{}, made: map[named][]manifest.Source{}, charts: map[string][]chart{}}
}

func (c *checker) add(source manifest.Source, message, hint string) {
	c.problems = append(c.problems, manifest.Problem{Source: source, Message: message, Hint: hint})
}

// folder checks the kustomization in a folder and everything that it names.
func (c *checker) folder(folder string, from manifest.Source) {
	key := folder
	if c.plugins {
		key += "/"
	}
	switch {
	case slices.Contains(c.within, folder):
		c.add(from, fmt.Sprintf("%s includes itself: %s", folder, strings.Join(append(c.within, folder), " > ")), "take the entry out")
		return
	case c.seen[key]:
		c.namespaceOf(folder, from)
		return
	case len(c.seen) >= MaxKustomizations:
		c.add(from, fmt.Sprintf("there are more than %d kustomizations", MaxKustomizations), "split the app")
		return
	}
	c.seen[key] = true
	file, root := c.read(folder, from)
	if root == nil {
		return
	}
	if c.first == "" {
		c.first = file
	}
	c.within = append(c.within, folder)
	defer func() { c.within = c.within[:len(c.within)-1] }()
	c.fields(file, folder, root)
}

// read returns the kustomization of a folder; the node is nil, and the reason is
// reported, if it cannot be built.
func (c *checker) read(folder string, from manifest.Source) (string, *yaml.Node) {
	var found []string
	for _, name := range Names {
		if info, err := fs.Stat(c.fsys, path.Join(folder, name)); err == nil && !info.IsDir() {
			found = append(found, path.Join(folder, name))
		}
	}
	switch len(found) {
	case 0:
		c.add(from, fmt.Sprintf("%s has no kustomization.yaml", folder), "name a file, or a folder with a kustomization.yaml")
		return "", nil
	case 1:
	default:
		c.add(manifest.Source{File: found[1]}, "the folder has a second kustomization: "+path.Base(found[0]), "keep one of the two")
		return "", nil
	}
	data, err := fs.ReadFile(c.fsys, found[0])
	if err != nil {
		c.add(manifest.Source{File: found[0]}, manifest.WhyUnread(err), "")
		return "", nil
	}
	root, problems := manifest.ReadYAML(found[0], data)
	c.problems = append(c.problems, problems...)
	switch {
	case root == nil && len(problems) == 0:
		c.add(manifest.Source{File: found[0]}, "the kustomization is empty", "write resources: into it")
	case root != nil && root.Kind != yaml.MappingNode:
		c.add(manifest.Source{File: found[0], Line: root.Line}, "the kustomization is not a mapping", "write resources: into it")
		root = nil
	}
	if root == nil {
		return found[0], nil
	}
	return found[0], c.resolved(found[0], root)
}

// fields checks the fields that name files.
func (c *checker) fields(file, folder string, root *yaml.Node) {
	outer := c.namespace
	defer func() { c.namespace = outer }()
	if own := child(root, "namespace"); own != nil && own.Value != "" {
		c.namespace = own.Value
	}
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, value := root.Content[i], root.Content[i+1]
		at := place{file: file, folder: folder, field: key.Value}
		switch canonical(key.Value) {
		case "resources", "bases":
			c.each(value, func(n *yaml.Node) { c.resource(at, n) })
		case "components":
			c.each(value, func(n *yaml.Node) { c.component(at, n) })
		case "namePrefix":
			c.affix.prefixes = append(c.affix.prefixes, value.Value)
		case "nameSuffix":
			c.affix.suffixes = append(c.affix.suffixes, value.Value)
		case "generators", "transformers", "validators":
			c.plugged = true
			c.each(value, func(n *yaml.Node) { c.plugin(at, n) })
		case "crds", "configurations":
			c.each(value, func(n *yaml.Node) { c.local(at, n) })
		case "patchesStrategicMerge":
			c.each(value, func(n *yaml.Node) { c.inlineOrLocal(at, n) })
		case "patches", "patchesJson6902", "replacements":
			c.each(value, func(n *yaml.Node) { c.local(at, child(n, "path")) })
		case "openapi":
			c.local(at, child(value, "path"))
		case "configMapGenerator", "secretGenerator":
			c.each(value, func(n *yaml.Node) { c.generator(at, n) })
		case "helmCharts":
			c.helmCharts(at, root, outer)
		case "helmChartInflationGenerator":
			c.refuseCharts(at, key)
		}
	}
}

// place is a field of a kustomization.
type place struct{ file, folder, field string }

func (p place) source(n *yaml.Node) manifest.Source {
	return manifest.Source{File: p.file, Line: n.Line}
}

// resource checks a file of manifests, or a folder with a kustomization.
func (c *checker) resource(at place, n *yaml.Node) {
	name, info, ok := c.find(at, n, n.Value)
	switch {
	case !ok:
	case info.IsDir():
		c.folder(name, at.source(n))
	case c.plugins:
		c.pluginFile(name)
	default:
		c.manifests = append(c.manifests, name)
	}
}

func (c *checker) component(at place, n *yaml.Node) {
	name, info, ok := c.find(at, n, n.Value)
	switch {
	case !ok:
	case !info.IsDir():
		c.add(at.source(n), fmt.Sprintf("%s: %s is a file", at.field, show(n.Value)), "name the folder of the component")
	default:
		c.folder(name, at.source(n))
	}
}

// generator checks the files of a configMapGenerator or secretGenerator.
func (c *checker) generator(at place, n *yaml.Node) {
	kind := "ConfigMap"
	if canonical(at.field) == "secretGenerator" {
		kind = "Secret"
	}
	if name := child(n, "name"); name != nil {
		key := named{kind, name.Value}
		c.made[key] = append(c.made[key], at.source(n))
	}
	for _, field := range []string{"files", "envs"} {
		list := child(n, field)
		if list == nil {
			continue
		}
		c.each(list, func(n *yaml.Node) {
			name := n.Value
			if _, after, found := strings.Cut(name, "="); found && field == "files" {
				name = after
			}
			c.generated[path.Join(at.folder, name)] = true
			c.file(at, n, name)
		})
	}
	if env := child(n, "env"); env != nil {
		c.generated[path.Join(at.folder, env.Value)] = true
		c.file(at, env, env.Value)
	}
}

// local checks an entry that must be a file; n may be nil.
func (c *checker) local(at place, n *yaml.Node) {
	if n != nil && n.Value != "" {
		c.file(at, n, n.Value)
	}
}

func (c *checker) inlineOrLocal(at place, n *yaml.Node) {
	if !isInline(n) {
		c.local(at, n)
	}
}

func (c *checker) file(at place, n *yaml.Node, entry string) {
	if _, info, ok := c.find(at, n, entry); ok && info.IsDir() {
		c.add(at.source(n), fmt.Sprintf("%s: %s is a folder", at.field, show(entry)), "name a file")
	}
}

// isInline reports whether an entry is YAML, not the name of a file. kustomize treats
// text that looks like both as an address, if it cannot read it as YAML.
func isInline(n *yaml.Node) bool {
	looksSo := strings.ContainsAny(n.Value, "\n\r") || strings.Contains(n.Value, ": ") || strings.HasPrefix(n.Value, "{")
	return looksSo && !address.MatchString(n.Value)
}

// address matches the beginning of a text that is no YAML of an object.
var address = regexp.MustCompile(`(?i)^\s*(git::|gh:|https?:|[a-z][a-z0-9+.-]*://|[a-z0-9._-]*@|(www\.)?github\.com[:/])`)

// remote matches entries that kustomize would fetch, even if there were a file of that
// name.
var remote = regexp.MustCompile(`(?i)^\s*(git::|gh:|https?:|[a-z][a-z0-9+.-]*://|[^/]*@|(www\.)?github\.com[:/])`)

// find returns the path in the revision that an entry names, which must exist.
func (c *checker) find(at place, n *yaml.Node, entry string) (string, fs.FileInfo, bool) {
	if c.entries++; c.entries > MaxEntries {
		if c.entries == MaxEntries+1 {
			c.add(at.source(n), fmt.Sprintf("there are more than %d entries that name files", MaxEntries), "split the app")
		}
		return "", nil, false
	}
	name := path.Join(at.folder, entry)
	if n.Kind != yaml.ScalarNode || entry == "" {
		c.add(at.source(n), at.field+": the entry is not the name of a file", "name a file or folder of the repository")
		return "", nil, false
	}
	if c.foreign(at.source(n), at.field, entry, name) {
		return "", nil, false
	}
	info, err := fs.Stat(c.fsys, name)
	if err == nil && !info.IsDir() && !info.Mode().IsRegular() {
		_, err = fs.ReadFile(c.fsys, name) // reports the reason
	}
	if err != nil {
		c.add(at.source(n), fmt.Sprintf("%s: %s: %s", at.field, show(entry), manifest.WhyUnread(err)), "the path is from the folder of this file")
		return "", nil, false
	}
	return name, info, true
}

// foreign reports whether an entry of a field cannot be a path in the revision, where it
// would be name. It adds the problem then.
func (c *checker) foreign(at manifest.Source, field, entry, name string) bool {
	wrong := manifest.Problem{Source: at}
	switch {
	case remote.MatchString(entry):
		wrong.Message, wrong.Hint = "is not part of the repository, and nothing is fetched", "commit it, and name the file or folder"+fetchOnce(path.Dir(at.File), entry)
	case path.IsAbs(entry):
		wrong.Message, wrong.Hint = "is an absolute path", "write the path from this folder"
	case name == ".." || strings.HasPrefix(name, "../"):
		wrong.Message, wrong.Hint = "leads out of the repository", "move it into the repository"
		wrong.Remedy.Kind = manifest.RemedyRepository
	default:
		return false
	}
	wrong.Message = field + ": " + show(entry) + " " + wrong.Message
	c.problems = append(c.problems, wrong)
	return true
}

// pasteable is an address that no shell reads as anything else within quotes.
var pasteable = regexp.MustCompile(`^[A-Za-z0-9._~:/?&=%@+,-]+$`)

// fetchOnce is the line of a hint that fetches what an entry names into a folder; "" where that
// cannot be said. A file is fetched as it is, and a folder of a repository is built.
func fetchOnce(folder, entry string) string {
	where, _, _ := strings.Cut(entry, "?")
	base := path.Base(strings.TrimSuffix(where, "/"))
	if !pasteable.MatchString(entry) || base == "." || strings.HasPrefix(base, "-") {
		return ""
	}
	switch path.Ext(base) {
	case ".yaml", ".yml", ".json":
		if strings.HasPrefix(entry, "https://") || strings.HasPrefix(entry, "http://") {
			return fmt.Sprintf("\ncurl -fsSLo '%s' '%s'", path.Join(folder, base), entry)
		}
	}
	return fmt.Sprintf("\nkustomize build '%s' > '%s.yaml'", entry, path.Join(folder, strings.TrimSuffix(base, ".git")))
}

func show(entry string) string { return fmt.Sprintf("%q", entry) }
