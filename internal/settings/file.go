package settings

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/pushboat/pushboat/internal/manifest"
)

// maxFile is the largest configuration file that is read, in bytes.
const maxFile = 1 << 20

// readFile reads the settings in a file. It keeps errors in the settings among the
// origins, for newProblems; its own error means that the file cannot be read.
func (c *Config) readFile(path string) error {
	root, err := parseFile(path)
	if err != nil || root == nil {
		return err
	}
	f := file{path: path, config: c}
	f.mapping(root, "")
	return nil
}

// parseFile returns the one mapping in a file; nil if the file is empty.
func parseFile(path string) (*yaml.Node, error) {
	opened, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	defer opened.Close()
	text, err := io.ReadAll(io.LimitReader(opened, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	return parseDocument(path, text)
}

// parseDocument is parseFile for a given text.
func parseDocument(path string, text []byte) (*yaml.Node, error) {
	if len(text) > maxFile {
		return nil, fmt.Errorf("read configuration %s: it has more than %d bytes", path, maxFile)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var document, second yaml.Node
	switch err := decoder.Decode(&document); {
	case errors.Is(err, io.EOF):
		return nil, nil //nolint:nilnil // an empty file gives nothing
	case err != nil:
		return nil, syntaxError(path, err)
	}
	switch err := decoder.Decode(&second); {
	case err == nil:
		return nil, fmt.Errorf("%s:%d: a configuration is one document, and here a second one begins", path, second.Line)
	case !errors.Is(err, io.EOF):
		return nil, syntaxError(path, err)
	}
	root := document.Content[0]
	if isNull(root) {
		return nil, nil //nolint:nilnil // as an empty file
	}
	if root.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%s:%d: a configuration is a mapping of settings: {data: DIR, ssh: {address: :2222}}", path, root.Line)
	}
	return root, nil
}

// errorOfValue are errors of the YAML decoder that repeat the content of the file.
// People put tokens and keys where a file's name or a list belongs.
var errorOfValue = []struct {
	pattern *regexp.Regexp
	without string
}{
	{regexp.MustCompile(`(?s)^unknown anchor '.*' referenced$`), "an anchor is not known"},
	{regexp.MustCompile(`(?s)^anchor '.*' value contains itself$`), "an anchor contains itself"},
	{regexp.MustCompile(`(?s)^invalid map key: .*$`), "a name is no text"},
}

// errorLine is the beginning of an error of the YAML decoder.
var errorLine = regexp.MustCompile(`(?s)^yaml: (?:line (\d+): )?(.*)$`)

// syntaxError returns an error of the YAML decoder, with its line, and without anything
// from the file.
func syntaxError(path string, err error) error {
	text := err.Error()
	if found := errorLine.FindStringSubmatch(text); found != nil {
		text = found[2]
		if found[1] != "" {
			path += ":" + found[1]
		}
	}
	for _, known := range errorOfValue {
		text = known.pattern.ReplaceAllString(text, known.without)
	}
	return fmt.Errorf("%s: this is no YAML: %s", path, text)
}

// file is a file that is being read into a configuration.
type file struct {
	path   string
	config *Config
}

func (f file) at(node *yaml.Node) Place { return Place{Name: f.path, Line: node.Line} }

// wrong notes an error at a place of the file. setting is the name of the setting that
// has no value because of it; "": none.
func (f file) wrong(node *yaml.Node, setting, message string) {
	f.config.origins.wrong = append(f.config.origins.wrong, Problem{Place: f.at(node), Setting: setting, Message: message})
}

// mapping reads the settings of the whole file, or of a section.
func (f file) mapping(node *yaml.Node, section string) {
	if node = resolved(node); isNull(node) {
		return
	}
	if node.Kind != yaml.MappingNode {
		f.wrong(node, section, "this is a section; its settings stand below it, each with two blanks before it")
		return
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		if line, twice := seen[key.Value]; twice {
			f.wrong(key, "", fmt.Sprintf("the same name stands on line %d", line))
			continue
		}
		seen[key.Value] = key.Line
		f.entry(key, value, section)
	}
}

func (f file) entry(key, value *yaml.Node, section string) {
	name := key.Value
	if section != "" {
		name = section + "." + name
	}
	if setting, known := find(name); known {
		f.setting(setting, key, value)
		return
	}
	if section == "" && isSection(name) {
		f.mapping(value, name)
		return
	}
	f.wrong(key, "", unknown(key.Value, section))
}

func (f file) setting(s Setting, key, value *yaml.Node) {
	f.config.origins.set(s.Name, f.at(key))
	err := decode(s.field(f.config), value, func(entry string, line int) {
		f.config.origins.set(s.Name+"/"+entry, Place{Name: f.path, Line: line})
	})
	if err != nil {
		f.wrong(key, s.Name, err.Error())
	}
	if s.paths {
		s.relativeTo(filepath.Dir(f.path), f.config)
	}
}

func isSection(name string) bool {
	for _, s := range sections() {
		if s.name == name {
			return true
		}
	}
	return false
}

// plainName matches a name that an error may repeat: made of words, each with at most
// its first letter in upper case, and without digits. Keys and tokens do not look like
// that.
var plainName = regexp.MustCompile(`^[a-z]{1,20}([A-Z][a-z]{1,20}|[_.-][a-z]{1,20}){0,5}$`)

// unknown says that a setting does not exist, and which one may be meant: a similar
// name in the section, or the same name in another section.
func unknown(name, section string) string {
	called := "of this name"
	if plainName.MatchString(name) {
		called = name
		if section != "" {
			called = section + "." + name
		}
	}
	hint := "pushboat config table lists all"
	if near := nearest(name, section); near != "" {
		hint = "did you mean " + near + "?"
	}
	return "there is no setting " + called + "; " + hint
}

// nearest returns the setting or section that a name is most likely a misspelling of;
// "" if there is none.
func nearest(name, within string) string {
	var here, lasts, names []string // lasts are the names without their sections
	elsewhere := ""
	for _, s := range Table() {
		section, last, inSection := strings.Cut(s.Name, ".")
		switch {
		case !inSection:
			section, last = "", section
		case within == "":
			here = append(here, section)
		}
		lasts, names = append(lasts, last), append(names, s.Name)
		if section == within {
			here = append(here, last)
		}
		if words := wordsOf(name); slices.Equal(words, wordsOf(last)) || strings.Join(words, "-") == s.Flag() {
			elsewhere = s.Name
		}
	}
	if near := manifest.Closest(name, here); near != "" {
		if within != "" {
			return within + "." + near
		}
		return near
	}
	if elsewhere != "" {
		return elsewhere
	}
	if near := manifest.Closest(name, lasts); near != "" {
		return names[slices.Index(lasts, near)]
	}
	return manifest.Closest(name, names)
}
