package appfile

import (
	"fmt"
	"slices"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/manifest/jq"
)

// Ignored are the fields of an object that App.Ignore leaves out.
type Ignored struct {
	Pointers []string // JSON pointers, with steps manifest.Each
	Paths    []*jq.Path
}

// Ignored returns the fields of an object that App.Ignore leaves out. Expressions that cannot
// be read, which no app has that was read, are left out.
func (a App) Ignored(id manifest.ID) Ignored {
	var of Ignored
	for _, ignore := range a.Ignore {
		if !ignore.Matches(id) {
			continue
		}
		of.Pointers = append(of.Pointers, ignore.Pointers...)
		for _, text := range ignore.JQ {
			if path, refusal := jq.Parse(text); refusal == nil {
				of.Paths = append(of.Paths, path)
			}
		}
	}
	return of
}

// Expressions is how many expressions in jq App.Ignore has.
func (a App) Expressions() int {
	n := 0
	for _, ignore := range a.Ignore {
		n += len(ignore.JQ)
	}
	return n
}

// IsEmpty reports whether no field is left out.
func (i Ignored) IsEmpty() bool { return len(i.Pointers)+len(i.Paths) == 0 }

// In returns JSON pointers to the fields of one version of the object, which may have steps
// manifest.Each, and the object need not have them. Conditions are judged by this version. What
// says which object this is is never among them. An expression that fails on the object leads to
// none; note says so of one that takes too long.
func (i Ignored) In(object map[string]any) (pointers []string, note string) {
	if len(i.Paths) == 0 {
		return i.Pointers, ""
	}
	pointers = slices.Clone(i.Pointers)
	steps := jq.MaxSteps
	for _, path := range i.Paths {
		found, err := path.Fields(object, &steps)
		if err == jq.ErrTooLong && note == "" { //nolint:errorlint // it is not wrapped
			note = fmt.Sprintf("ignore: %s %v, and has no effect", path, err)
		}
		for _, pointer := range found {
			if !IsIdentity(pointer) {
				pointers = append(pointers, pointer)
			}
		}
	}
	return pointers, note
}

// CheckJQ reads an expression of Ignore; the refusal is nil if it can be one.
func CheckJQ(text string) (*jq.Path, *jq.Refusal) {
	path, refusal := jq.Parse(text)
	if refusal != nil {
		return nil, refusal
	}
	for _, pattern := range path.Patterns() {
		if IsIdentity(pattern) {
			return nil, &jq.Refusal{
				Message: fmt.Sprintf("the expression %s leads to %s, which cannot be ignored: it says which object this is", jq.Quote(text), pattern),
				Hint:    "write which objects are meant as kind, name and namespace of the entry",
			}
		}
	}
	return path, nil
}

var ignoreFields = []string{"kind", "name", "namespace", "group", "pointers", "jq"}

// ignore reads one entry of ignore.
func (r *reader) ignore(element field) Ignore {
	before := len(r.Problems)
	fields := r.Fields(element.Value, "an entry of ignore", ignoreFields)
	var i Ignore
	for name, into := range map[string]*string{"kind": &i.Kind, "name": &i.Name, "namespace": &i.Namespace, "group": &i.Group} {
		if f, ok := fields[name]; ok {
			*into, _ = r.Text(f)
		}
	}
	if len(r.Problems) > before {
		return i
	}
	if i.Kind == "" {
		r.Add(element.Line, "an entry of ignore has no kind", "for example kind: Deployment")
	}
	pointers, hasPointers := fields["pointers"]
	expressions, hasJQ := fields["jq"]
	if !hasPointers && !hasJQ {
		r.Add(element.Line, "an entry of ignore has neither pointers nor jq", "for example pointers: [/spec/replicas]")
	}
	if hasPointers {
		i.Pointers = r.someTexts(pointers, "for example pointers: [/spec/replicas]")
	}
	for _, pointer := range i.Pointers {
		r.checkPointer(pointers.Line, pointer)
	}
	if hasJQ {
		i.JQ = r.someTexts(expressions, `for example jq: ['.spec.ports[] | select(.name == "http") | .nodePort']`)
	}
	for _, text := range i.JQ {
		r.checkJQ(expressions.Line, text)
	}
	return i
}

// someTexts are the elements of a list that has to have some.
func (r *reader) someTexts(f field, hint string) []string {
	before := len(r.Problems)
	texts := r.texts(f)
	if len(texts) == 0 && len(r.Problems) == before {
		r.Add(f.Line, f.Name+" is empty", hint)
	}
	return texts
}

// checkJQ reports an expression that cannot be read, or that leads to no field that may be
// ignored.
func (r *reader) checkJQ(line int, text string) {
	if _, refusal := CheckJQ(text); refusal != nil {
		r.Add(line, "ignore: "+refusal.Message, refusal.Hint)
	}
}

// IsIdentity reports whether a pointer covers a field that cannot be ignored: one that says
// which object this is.
func IsIdentity(pointer string) bool {
	return slices.ContainsFunc([]string{"/apiVersion", "/kind", "/metadata/name", "/metadata/namespace"}, func(field string) bool {
		return manifest.Covers(pointer, field)
	})
}

func (r *reader) checkPointer(line int, pointer string) {
	if _, err := manifest.ParsePointer(pointer); err != nil {
		r.Add(line, "ignore: "+err.Error(), "")
		return
	}
	if IsIdentity(pointer) {
		r.Add(line, fmt.Sprintf("ignore: %s cannot be ignored: it says which object this is", pointer), "")
	}
}
