package secrets

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/pushboat/pushboat/internal/manifest"
)

// Rendered is the result of rendering a variant of a revision.
type Rendered struct {
	Files    *Files
	Objects  []*manifest.Object // none if there are problems
	Problems manifest.Problems  // in a form that may be shown
}

// ConcealIn conceals every field that depends on decrypted values, however a template
// has transformed them: such a field differs in the variants, whose values differ. It
// returns a problem for each object whose name depends on one, since names are shown
// everywhere.
func (f *Files) ConcealIn(objects []*manifest.Object, variants []Rendered) manifest.Problems {
	variants = slices.DeleteFunc(slices.Clone(variants), func(v Rendered) bool { return len(v.Problems) > 0 })
	names := hashed(objects)
	var problems manifest.Problems
	for _, o := range objects {
		var twins []manifest.Variant
		for _, v := range variants {
			if twin := twinOf(o, v.Objects); twin != nil {
				twins = append(twins, manifest.Variant{Object: twin.Object, Same: names.same(f.Same(v.Files))})
			}
		}
		if len(variants) > 0 && len(twins) == 0 {
			problems = append(problems, f.nameProblem(o))
		}
		o.ConcealDependent(twins)
	}
	return problems
}

// hiddenValue is the name of the hidden values in messages.
func (f *Files) hiddenValue() string {
	if len(f.Given()) > 0 {
		return "a decrypted or generated value"
	}
	return "a decrypted value"
}

func (f *Files) nameProblem(o *manifest.Object) manifest.Problem {
	return manifest.Problem{
		Source: o.Source, Object: o.GetKind(),
		Message: "its name or namespace is made of " + f.hiddenValue() + ", or there is such an object because of one, and names are shown everywhere",
		Hint:    "take the name from a file that is not encrypted, or a value that is written out",
	}
}

// nameHash matches the hash of the content that kustomize appends to the names of
// generated ConfigMaps and Secrets. It is shown, as names are. Nobody can read a value
// from it, but somebody who knows all of the object except one word can guess that word
// by trying.
var nameHash = regexp.MustCompile(`-[2456789bcdfghkmt]{10}$`)

func withoutHash(name string) string { return nameHash.ReplaceAllString(name, "") }

// hashes are the names of objects that end in a hash.
type hashes map[string]bool

func hashed(objects []*manifest.Object) hashes {
	names := hashes{}
	for _, o := range objects {
		if name := o.GetName(); nameHash.MatchString(name) {
			names[name] = true
		}
	}
	return names
}

// same extends same to names that differ only in their hash.
func (h hashes) same(same func(text, other string) bool) func(text, other string) bool {
	return func(text, other string) bool {
		return h[text] && nameHash.MatchString(other) && withoutHash(text) == withoutHash(other) || same(text, other)
	}
}

// twinOf finds the same object in a variant; nil if it is missing.
func twinOf(o *manifest.Object, variant []*manifest.Object) *manifest.Object {
	var near *manifest.Object
	for _, twin := range variant {
		switch {
		case twin.GroupVersionKind() != o.GroupVersionKind(), twin.GetNamespace() != o.GetNamespace(), twin.GetGenerateName() != o.GetGenerateName():
		case twin.GetName() == o.GetName():
			return twin
		case near == nil && nameHash.MatchString(twin.GetName()) && withoutHash(twin.GetName()) == withoutHash(o.GetName()):
			near = twin
		}
	}
	return near
}

// TellAs returns the problems of a rendering that its variants have as well. All others
// may reveal the value that they depend on, so a general problem replaces them.
func (f *Files) TellAs(problems manifest.Problems, variants []Rendered) manifest.Problems {
	told := make(manifest.Problems, len(problems))
	for i, problem := range problems {
		told[i] = problem
		if !slices.ContainsFunc(variants, func(v Rendered) bool { return has(v.Problems, problem) }) {
			told[i] = manifest.Problem{
				Source:  problem.Source,
				Message: "there is a problem that depends on " + f.hiddenValue() + ", and is not shown",
				Hint:    "render it where you have the keys: pushboat render --age-key FILE",
			}
		}
	}
	return told
}

// has reports whether a problem is among others, on any line: lines of an encrypted
// file differ.
func has(problems manifest.Problems, problem manifest.Problem) bool {
	text := func(p manifest.Problem) string {
		return fmt.Sprintf("%q %q %q %q", p.Source.File, p.Object, p.Message, p.Hint)
	}
	return slices.ContainsFunc(problems, func(p manifest.Problem) bool { return text(p) == text(problem) })
}
