// Package substitute replaces names in rendered objects by values: ${name}, if an app
// declares name, and nothing else. It replaces them in the values of parsed objects, so
// that a value cannot become structure.
package substitute

import (
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/manifest"
)

const (
	// MaxValue bounds a value, in bytes: the largest ConfigMap has 1 MiB.
	MaxValue = 1 << 20
	// MaxGrowth bounds the bytes that all values add to one app's objects.
	MaxGrowth = 64 << 20
	// maxName bounds the search for the end of a name, in bytes; names are shorter
	// (appfile).
	maxName = 128
)

// Value is the value of a name.
type Value struct {
	Text   string // inside other text or quotes
	Alone  any    // where the name stands alone and unquoted: string, bool, int64 or float64
	Secret bool   // from a Secret; must not be shown
	// Missing says that the name is declared and has no value: objects that use it are
	// incomplete.
	Missing bool
}

// Set holds the values for the objects of an app.
type Set struct {
	Prefix string // a name that begins with it and is not in Values is a problem; "": no check
	Values map[string]Value
	Post   *PostBuild // is done after that; nil does nothing
}

// Secrets returns the values that must not be shown.
func (s Set) Secrets() []string {
	var values []string
	for _, name := range slices.Sorted(maps.Keys(s.Values)) {
		if s.Values[name].Secret {
			values = append(values, s.Values[name].Text)
		}
	}
	if s.Post != nil {
		for _, name := range slices.Sorted(maps.Keys(s.Post.Secret)) {
			values = append(values, s.Post.Values[name])
		}
	}
	return values
}

// Apply replaces names in objects, in place. It returns all problems, and the objects
// without one. A name in a key is not replaced; that is a problem, too.
func (s Set) Apply(objects []*manifest.Object) ([]*manifest.Object, manifest.Problems) {
	if s.Prefix == "" && len(s.Values) == 0 {
		return s.Post.apply(objects)
	}
	a := &applying{set: s, own: s}
	sound := make([]*manifest.Object, 0, len(objects))
	for _, o := range objects {
		if a.object(o) {
			sound = append(sound, o)
		}
	}
	sound, wrong := s.Post.apply(sound)
	return sound, append(a.problems, wrong...)
}

// applying is the state of replacing names.
type applying struct {
	set      Set // for the current object
	own      Set // of the app
	problems manifest.Problems
	grown    int

	// the current object
	at      *manifest.Object
	path    []string // in the API server's notation, one element a step
	changed bool
	missing bool // a value of it
	hidden  []string
}

func (a *applying) add(message, hint string) {
	a.problems = append(a.problems, manifest.Problem{
		Source: a.at.At(strings.Join(a.path, "")), Object: a.at.ID().String(), Message: message, Hint: hint,
	})
}

// object replaces names in an object, and reports whether it has no problem.
func (a *applying) object(o *manifest.Object) bool {
	a.at, a.path, a.changed, a.missing, a.hidden, a.set = o, nil, false, false, nil, a.own
	if excepted(o) {
		a.set = a.own.asWritten()
	}
	before := len(a.problems)
	a.mapping(o.Object)
	o.Hide(a.hidden...)
	if a.changed && !a.missing && len(a.problems) == before {
		a.problems = append(a.problems, o.Check()...)
	}
	return len(a.problems) == before && !a.missing
}

// exception is Flux's annotation or label for objects in which nothing is replaced
// (fluxcd/pkg, kustomize/kustomize_varsub.go).
const exception = "kustomize.toolkit.fluxcd.io/substitute"

func excepted(o *manifest.Object) bool {
	return strings.EqualFold(o.GetAnnotations()[exception], "disabled") || strings.EqualFold(o.GetLabels()[exception], "disabled")
}

// asWritten replaces each name by itself, which removes the marks.
func (s Set) asWritten() Set {
	same := Set{Values: map[string]Value{}}
	for name := range s.Values {
		same.Values[name] = Value{Text: "${" + name + "}", Alone: "${" + name + "}"}
	}
	return same
}

func (a *applying) mapping(fields map[string]any) {
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		a.path = append(a.path, "["+key+"]")
		if u, found := a.next(key); found {
			a.add(fmt.Sprintf("${%s} stands in a key, and only values are replaced", u.name), "write the key out")
		}
		fields[key] = a.value(fields[key])
		a.path = a.path[:len(a.path)-1]
	}
}

func (a *applying) value(value any) any {
	switch v := value.(type) {
	case map[string]any:
		a.mapping(v)
	case []any:
		for i := range v {
			a.path = append(a.path, fmt.Sprintf("[%d]", i))
			v[i] = a.value(v[i])
			a.path = a.path[:len(a.path)-1]
		}
	case string:
		if a.isBase64() {
			return a.encoded(v)
		}
		return a.scalar(v)
	}
	return value
}

// isBase64 reports whether the path is that of a value in base64: generators and charts
// encode the files of Secrets before names are replaced.
func (a *applying) isBase64() bool {
	return len(a.path) == 2 && a.path[0] == "[data]" && a.at.GetKind() == "Secret"
}

func (a *applying) encoded(text string) any {
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil || !strings.Contains(string(data), "${") {
		return a.scalar(text)
	}
	return base64.StdEncoding.EncodeToString([]byte(a.text(string(data))))
}

// scalar replaces names in a text; a name that stands alone, without quotes, becomes
// its typed value.
func (a *applying) scalar(text string) any {
	if inner, ok := strings.CutPrefix(text, "${"); ok {
		name, alone := strings.CutSuffix(inner, mark+"}")
		if value, known := a.set.Values[name]; alone && known {
			a.take(name, value)
			return value.Alone
		}
	}
	return a.text(text)
}

// text replaces all names in a text.
func (a *applying) text(text string) string {
	var b strings.Builder
	for {
		u, found := a.next(text)
		if !found {
			b.WriteString(text)
			return b.String()
		}
		b.WriteString(text[:u.start])
		if value, known := a.set.Values[u.name]; !known || !u.closed {
			a.undeclared(u)
			b.WriteString(text[u.start:u.end])
		} else if a.take(u.name, value) {
			b.WriteString(value.Text)
		}
		text = text[u.end:]
	}
}

// use is a use of a name in a text.
type use struct {
	start, end int
	name       string
	closed     bool // by a brace
}

// next finds the first use of a name that is declared, or has the prefix of declared
// names. Text behind a second $ is meant for another program.
func (a *applying) next(text string) (use, bool) {
	for from := 0; ; {
		i := strings.Index(text[from:], "${")
		if i < 0 {
			return use{}, false
		}
		u := use{start: from + i}
		from = u.start + 2
		if u.start > 0 && text[u.start-1] == '$' {
			continue
		}
		within := text[from:min(from+maxName, len(text))]
		length := strings.IndexAny(within, "}\n")
		if length < 0 {
			length = len(within)
		}
		u.end = from + length
		u.name = strings.TrimSuffix(text[from:u.end], mark)
		if u.end < len(text) && text[u.end] == '}' {
			u.closed = true
			u.end++
		}
		_, known := a.set.Values[u.name]
		if known && u.closed || a.set.Prefix != "" && strings.HasPrefix(u.name, a.set.Prefix) {
			return u, true
		}
	}
}

// take notes that a value is inserted at the path, and reports whether that is allowed.
func (a *applying) take(name string, value Value) bool {
	a.changed, a.missing = true, a.missing || value.Missing
	if a.grown > MaxGrowth {
		return false
	}
	if a.grown += len(value.Text); a.grown > MaxGrowth {
		a.add(fmt.Sprintf("values put more than %d bytes into the objects of the app", MaxGrowth), "use long values less often")
		return false
	}
	if !value.Secret {
		return true
	}
	a.hidden = append(a.hidden, value.Text)
	switch at := strings.Join(a.path, ""); at {
	case "[apiVersion]", "[kind]", "[metadata][name]", "[metadata][generateName]", "[metadata][namespace]":
		a.add(fmt.Sprintf("${%s} is out of a Secret, and names of objects are shown everywhere", name), "take the value from a ConfigMap")
	}
	return true
}

func (a *applying) undeclared(u use) {
	names := slices.Sorted(maps.Keys(a.set.Values))
	shown := fmt.Sprintf("${%s}", strings.ToValidUTF8(u.name[:min(len(u.name), 60)], ""))
	near := manifest.Closest(u.name, names)
	var hint string
	switch {
	case !u.closed:
		a.add(fmt.Sprintf("%s has no closing brace", strings.TrimSuffix(shown, "}")), "only ${name} is replaced")
		return
	case strings.ContainsAny(u.name, ":-=/#%^,@"):
		hint = "only ${name} is replaced, without a default or anything else in the braces"
	case near != "":
		hint = "did you mean ${" + near + "}?"
	case len(names) > 0:
		hint = "declare it under substitute in pushboat.yaml; names there are " + strings.Join(names, ", ")
	default:
		hint = "declare it under substitute in pushboat.yaml"
	}
	a.add(fmt.Sprintf("%s is not declared, and begins with the prefix %s", shown, a.set.Prefix), hint)
}

// Uses reports whether a text contains a use of the name.
func Uses(text, name string) bool {
	a := &applying{set: Set{Values: map[string]Value{name: {}}}}
	_, found := a.next(text)
	return found
}
