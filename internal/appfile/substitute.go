package appfile

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/pushboat/pushboat/internal/form"
	"github.com/pushboat/pushboat/internal/manifest"
)

// Substitute declares the names that are replaced in the rendered objects. The zero
// value replaces nothing.
type Substitute struct {
	Prefix string         // a name that begins so and is not declared is a problem; "": none is
	Names  []Substitution // in the order of their lines
}

// IsZero reports whether there is nothing to replace or to check.
func (s Substitute) IsZero() bool { return s.Prefix == "" && len(s.Names) == 0 }

// Asks reports whether a cluster has to be asked for values.
func (s Substitute) Asks() bool {
	for _, n := range s.Names {
		if n.From != (Origin{}) {
			return true
		}
	}
	return false
}

// Substitution is a name and its value.
type Substitution struct {
	Name  string
	Line  int
	Text  string // within other text or quotes: as it was written
	Value any    // where it stands alone and unquoted: string, bool, int64 or float64
	From  Origin // on the app's cluster, instead of Text and Value; the zero Origin if those are there
}

// Origin is a key of a ConfigMap or Secret.
type Origin struct {
	Kind      string // ConfigMap or Secret
	Namespace string
	Name      string
	Key       string
}

// String names it as a message does.
func (o Origin) String() string { return fmt.Sprintf("%s %s/%s", o.Kind, o.Namespace, o.Name) }

// substituted is the grammar of a name. It is that of shells; the lack of dots and
// dashes keeps ${x:-default} and the like out.
var substituted = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// maxSubstituted bounds it, in bytes.
const maxSubstituted = 63

func isSubstituted(name string) bool {
	return len(name) <= maxSubstituted && substituted.MatchString(name)
}

var (
	substituteFields = []string{"prefix", "values", "from"}
	originFields     = []string{"configMap", "secret", "key"}
)

func (r *reader) readSubstitute(app *App, fields map[string]field) {
	f, ok := fields["substitute"]
	if !ok {
		return
	}
	settings := r.Fields(f.Value, "substitute", substituteFields)
	if prefix, ok := settings["prefix"]; ok {
		app.Substitute.Prefix, ok = r.Text(prefix)
		if ok && !isSubstituted(app.Substitute.Prefix) {
			r.Add(prefix.Line, fmt.Sprintf("substitute.prefix: %q is not made of letters, digits and _", app.Substitute.Prefix), "for example prefix: app_")
		}
	}
	lines := map[string]int{}
	if values, ok := settings["values"]; ok {
		r.eachName(values, "substitute.values", lines, r.inlineValue, &app.Substitute.Names)
	}
	if from, ok := settings["from"]; ok {
		r.eachName(from, "substitute.from", lines, func(s *Substitution, value *yaml.Node) { s.From = r.origin(value, app.Namespace) }, &app.Substitute.Names)
	}
}

// eachName reads the names of a mapping, in the order of their lines; lines are
// those of the names that are known already.
func (r *reader) eachName(f field, where string, lines map[string]int, read func(*Substitution, *yaml.Node), into *[]Substitution) {
	var names []string
	if f.Value.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(f.Value.Content); i += 2 {
			if key := f.Value.Content[i]; key.Kind == yaml.ScalarNode && key.Value != "<<" {
				names = append(names, key.Value)
			}
		}
	}
	if len(names) > MaxList {
		r.Add(f.Line, fmt.Sprintf("%s has %d names; at most %d are read", where, len(names), MaxList), "")
		return
	}
	fields := r.Fields(f.Value, where, names)
	for _, name := range names {
		setting, ok := fields[name]
		delete(fields, name) // of a name that is there twice, the first counts
		switch first, twice := lines[name]; {
		case !ok:
		case !isSubstituted(name):
			r.Add(setting.Line, fmt.Sprintf("%s: %q is no name: it is not made of letters, digits and _", where, name), "for example app_host")
		case twice:
			r.Add(setting.Line, fmt.Sprintf("%s: %s is already set on line %d", where, name, first), "keep one of the two")
		default:
			lines[name] = setting.Line
			s := Substitution{Name: name, Line: setting.Line}
			read(&s, setting.Value)
			*into = append(*into, s)
		}
	}
}

// inlineValue reads a value that is written in place: its type is that of YAML as
// kubectl reads it.
func (r *reader) inlineValue(s *Substitution, n *yaml.Node) {
	if n.Kind != yaml.ScalarNode {
		r.Add(s.Line, fmt.Sprintf("substitute.values: %s is %s", s.Name, form.Describe(n)), "a value is text, a number, true or false")
		return
	}
	value, err := manifest.Scalar(n)
	if err != nil || !utf8.ValidString(n.Value) {
		r.Add(s.Line, fmt.Sprintf("substitute.values: %s: the value cannot be read", s.Name), "quote it if it is text")
	}
	s.Text, s.Value = n.Value, value
}

// origin reads where on the cluster a value is.
func (r *reader) origin(n *yaml.Node, namespace string) Origin {
	before := len(r.Problems)
	fields := r.Fields(n, "an entry of substitute.from", originFields)
	if len(r.Problems) > before {
		return Origin{}
	}
	key, hasKey := fields["key"]
	configMap, isConfigMap := fields["configMap"]
	secret, isSecret := fields["secret"]
	if !hasKey || isConfigMap == isSecret {
		r.Add(n.Line, "an entry of substitute.from names a configMap or a secret, and a key", "for example {configMap: platform/cluster, key: domain}")
		return Origin{}
	}
	o := Origin{Kind: "ConfigMap"}
	object := configMap
	if isSecret {
		o.Kind, object = "Secret", secret
	}
	o.Key, _ = r.Text(key)
	before = len(r.Problems)
	o.Namespace, o.Name = r.object(object, namespace)
	if len(r.Problems) == before && len(validation.IsConfigMapKey(o.Key)) > 0 {
		r.Add(key.Line, fmt.Sprintf("key: %q is not a key of a ConfigMap or Secret", o.Key), "")
	}
	return o
}

// object reads the name of an object, with its namespace or in that of the app.
func (r *reader) object(f field, of string) (namespace, name string) {
	text, _ := r.Text(f)
	namespace, name, named := strings.Cut(text, "/")
	if !named {
		namespace, name = of, text
	}
	switch {
	case namespace == "" && !named:
		r.Add(f.Line, fmt.Sprintf("%s: %q names no namespace, and the app has none", f.Name, text), "write namespace/name")
	case checkLabel(namespace) != "" || !objectName.MatchString(name) || len(name) > 253:
		r.Add(f.Line, fmt.Sprintf("%s: %q is not the name of an object", f.Name, text), "write namespace/name, or name for one in the app's namespace")
	}
	return namespace, name
}

// objectName is what the API server lets objects be called (RFC 1123 subdomains).
var objectName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`)
