package kustomize

import (
	"cmp"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/pushboat/pushboat/internal/manifest"
)

// explanation explains an error of kustomize. message and hint are templates of
// regexp.Expand; the group file is a file, relative to the folder of the kustomization,
// the group line a line of it, and the group field a field of the kustomization.
type explanation struct {
	error         *regexp.Regexp
	message, hint string
}

// object matches kustomize's notation of an object: Kind.version.group/name.namespace.
const object = `(?P<kind>[A-Za-z0-9]+)\.[^/\s]*/(?P<name>[^\s"'/]+?)\.(\[noNs\]|(?P<ns>[a-z0-9-]+))`

// explanations cover the errors that people meet, the innermost cause first. They match
// kustomize's library in the version of go.mod, which a test checks.
var explanations = []explanation{
	{
		regexp.MustCompile(`MalformedYAMLError: yaml: (line (?P<line>\d+): )?(?P<why>.*) in File: (?P<file>\S+)`),
		"not valid YAML: $why", "fix the YAML",
	},
	{
		regexp.MustCompile(`(merging resources from '(?P<file>[^']+)': )?may not add resource with an already registered id: ` + object),
		"$kind $name is there already", "remove one of the two, or give it another name or namespace",
	},
	{
		regexp.MustCompile(`id resid\.ResId\{Gvk:resid\.Gvk\{[^}]*Kind:"(?P<kind>[^"]+)"[^}]*\}, Name:"(?P<name>[^"]+)"[^}]*\} exists; can ?not use behavior`),
		"a generator makes $kind $name, which is there already", "write behavior: merge or behavior: replace, or give it another name",
	},
	{
		regexp.MustCompile(`id resid\.ResId\{Gvk:resid\.Gvk\{[^}]*Kind:"(?P<kind>[^"]+)"[^}]*\}, Name:"(?P<name>[^"]+)"[^}]*\} does not exist; cannot merge or replace`),
		"a generator merges into $kind $name, or replaces it, and there is none", "name one that the resources make, or take behavior out",
	},
	{
		regexp.MustCompile(`no matches for Id ` + object + `; failed to find unique target for patch`),
		"no object is the target of the patch of $kind $name", "name kind, name and namespace as the resources have them, before prefixes and suffixes",
	},
	{
		regexp.MustCompile(`(?P<op>[a-z]+) operation does not apply: doc is missing (path|key): "?(?P<path>[^\s":]+)`),
		"a patch would $op $path, and an object that it is for has none", "fix the path or the target; op: add creates a missing one",
	},
	{
		regexp.MustCompile(`unable to parse SM or JSON patch from`),
		"a patch is neither a part of an object nor a list of operations", "write it like an object, with apiVersion, kind and metadata.name; or as a list of - op:, path:, value:",
	},
	{
		regexp.MustCompile(`nothing selected by (?P<kind>[A-Za-z0-9]+)\.[^/]*/(?P<name>[^.]+)\.[^:]*:(?P<path>\S+)`),
		"replacements: there is no $kind $name to take $path from", "name the source as the resources have it",
	},
	{
		regexp.MustCompile(`resource with name (?P<name>\S+) does not match a config`),
		"replicas: there is nothing to scale that is called $name", "write the name as the resources have it, before prefixes and suffixes",
	},
	{
		regexp.MustCompile(`invalid literal source (?P<text>.*), expected key=value`),
		"a generator's literal $text is not KEY=VALUE", "write it as KEY=VALUE",
	},
	{
		regexp.MustCompile(`json: unknown field "(?P<field>[^"]+)"`),
		`unknown field "$field"`, "take it out, or move it where it belongs",
	},
	{
		regexp.MustCompile(`json: cannot unmarshal (?P<is>\w+) into Go (struct field Kustomization\.(?P<field>\w+)[\w.]* of type (?P<type>\S+)|value of type (?P<type2>\S+))`),
		"", "",
	}, // see mismatch
	{regexp.MustCompile(regexp.QuoteMeta(emptyError)), "the kustomization is empty", "write resources: into it"},
	{regexp.MustCompile(`kind should be Kustomization or Component`), "its kind is that of another object", "take apiVersion and kind out"},
	{
		regexp.MustCompile(`unable to load builtin (?P<kind>[A-Za-z0-9]+)\.`),
		"no $kind is built into kustomize", "fix apiVersion and kind of the transformer or generator",
	},
	{
		regexp.MustCompile(`var '\{(?P<name>\S+) (?P<kind>[A-Za-z0-9]+)\..*\}' cannot be mapped`),
		"vars: there is no $kind for $name", "name an object that the resources make",
	},
}

// registered is in the error for an object that is there twice.
const registered = "already registered id"

// emptyError is in the error for a kustomization that says nothing.
const emptyError = "kustomization.yaml is empty"

// explain makes a problem from an error of kustomize, with the kustomization that it is
// about, and the line if it can be known.
func (b *build) explain(err error) manifest.Problem {
	text := pointers.ReplaceAllString(strings.TrimSpace(err.Error()), "")
	file := b.about(text)
	for _, e := range explanations {
		found := e.error.FindStringSubmatchIndex(text)
		if found == nil {
			continue
		}
		group := func(name string) string { return string(e.error.ExpandString(nil, "${"+name+"}", text, found)) }
		problem := manifest.Problem{Source: manifest.Source{File: file}, Message: string(e.error.ExpandString(nil, e.message, text, found)), Hint: e.hint}
		if name := group("file"); name != "" {
			problem.Source.File = path.Join(path.Dir(file), name)
			problem.Source.Line, _ = strconv.Atoi(group("line"))
		} else if field := group("field"); field != "" {
			problem.Source.Line = b.lineOf(file, field)
		}
		if near := manifest.Closest(group("field"), fieldNames); near != "" && group("is") == "" {
			problem.Hint = "did you mean " + near + "?"
		}
		if is := group("is"); is != "" {
			problem.Message, problem.Hint = mismatch(group("field"), is, cmp.Or(group("type"), group("type2")))
		}
		if strings.Contains(text, registered) {
			b.placeTwice(&problem, named{group("kind"), group("name")}, group("ns"))
		}
		problem.Message = "kustomize: " + problem.Message
		return problem
	}
	return manifest.Problem{
		Source: manifest.Source{File: file}, Message: "kustomize: " + absolute.ReplaceAllString(text, "$1$2"),
		Hint: "to try it alone: kubectl kustomize --load-restrictor LoadRestrictionsNone " + path.Dir(file),
	}
}

// placeTwice names the places of an object that is there twice, as far as they are known. In a base, it may
// have another name or namespace than it is written with.
func (b *build) placeTwice(p *manifest.Problem, object named, namespace string) {
	w := b.collect()
	w.know(b.inflated)
	var places, exact []manifest.Source
	for _, called := range w.affix.within(object.name) {
		key := named{object.kind, called}
		for _, at := range slices.Concat(w.places[key], w.made[key]) {
			if slices.Contains(places, at) {
				continue
			}
			places = append(places, at)
			if w.spaces[at] == namespace {
				exact = append(exact, at)
			}
		}
	}
	if len(exact) > 1 {
		places = exact
	}
	if len(places) == 0 {
		return
	}
	last := len(places) - 1
	for i, at := range places {
		if at.File == p.Source.File {
			last = i
		}
	}
	at := places[last]
	places = slices.Delete(places, last, last+1)
	p.Source = at
	if len(places) == 0 {
		p.Message += ": what has it is built twice"
		p.Hint = "name the file, or the folder with it, in one kustomization alone"
		return
	}
	p.Message += ", at " + places[0].String()
}

// pointers matches addresses in memory in kustomize's errors, which differ each time.
var pointers = regexp.MustCompile(`\s?&\{0x[0-9a-f]+ [^}]*\}`)

// absolute matches a path as this package passes it to kustomize.
var absolute = regexp.MustCompile(`(^|[\s'"(])/([\w.])`)

// withinFolder matches the kustomization that an error of kustomize names, the
// innermost last.
var withinFolder = regexp.MustCompile(`(?:couldn't make target for path|recursed accumulation of path|accumulating (?:resources|components) from path|Failed to read kustomization file under) '?/?([^':\s]+)`)

// about returns the kustomization that an error is about.
func (b *build) about(text string) string {
	found := withinFolder.FindAllStringSubmatch(text, -1)
	for _, in := range slices.Backward(found) {
		if file := Find(b.fsys, path.Clean(in[1])); file != "" {
			return file
		}
	}
	return b.first
}

// lineOf returns the line of a field of a kustomization; 0 if it is missing.
func (b *build) lineOf(file, field string) int {
	text, err := fs.ReadFile(b.fsys, file)
	if err != nil {
		return 0
	}
	root, _ := manifest.ReadYAML(file, text)
	if root == nil || root.Kind != yaml.MappingNode {
		return 0
	}
	for i := 0; i+1 < len(root.Content); i += 2 {
		if strings.EqualFold(root.Content[i].Value, field) {
			return root.Content[i].Line
		}
	}
	return 0
}

// mismatch describes a value of the wrong type in a field.
func mismatch(field, is, want string) (message, hint string) {
	what := map[string]string{"object": "a mapping", "array": "a list", "string": "text", "number": "a number", "bool": "a truth value"}
	wanted, hint := "a mapping", "write it as a mapping: KEY: VALUE"
	switch {
	case strings.HasPrefix(want, "[]"):
		wanted, hint = "a list", "write it in brackets, or each element on a line of its own behind a dash"
	case want == "string":
		wanted, hint = "text", "put quotes around it"
	case want == "bool":
		wanted, hint = "a truth value", "write true or false"
	case strings.HasPrefix(want, "int"):
		wanted, hint = "a number", "write it without quotes"
	}
	if field == "" {
		field = "the kustomization"
	}
	return fmt.Sprintf("%s: there is %s where %s should be", field, cmp.Or(what[is], is), wanted), hint
}
