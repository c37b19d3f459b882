package substitute

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/fluxcd/pkg/envsubst"
	"github.com/fluxcd/pkg/envsubst/parse"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	k8sjson "k8s.io/apimachinery/pkg/util/json"
	k8syaml "sigs.k8s.io/yaml"

	"github.com/pushboat/pushboat/internal/manifest"
)

// PostBuild is what is done to objects in the end, as Flux's kustomize-controller does it
// (fluxcd/pkg/kustomize, SubstituteVariables): the YAML of each object is a text in which
// names are replaced, with the defaults and functions of shells, so that a value may become
// structure. nil does nothing.
type PostBuild struct {
	Values map[string]string // none: no name is replaced, unless Always is set
	Always bool              // names without a value are replaced by their defaults
	Secret map[string]bool   // names whose values must not be shown
	// Unread replaces other names, where it is not known which have a value; "": they have
	// none. A name that has a default in an object is not replaced there, but has its default.
	Unread string
	// Guessed are the names for which that was done, and whether each has its default.
	Guessed map[string]bool

	Labels, Annotations map[string]string // that every object gets
}

// maxExpressions bounds the expressions of one object: the library parses each by a call
// inside the last.
const maxExpressions = 20_000

// errSecretName is the error for an object whose name would tell a value.
var errSecretName = errors.New("the name is made of a value of a Secret, and names are shown everywhere")

// errTooMany is the error for more.
var errTooMany = fmt.Errorf("the object has more than %d ${…}", maxExpressions)

// apply does it to objects, in place, and returns those without a problem.
func (p *PostBuild) apply(objects []*manifest.Object) ([]*manifest.Object, manifest.Problems) {
	if p == nil {
		return objects, nil
	}
	var problems manifest.Problems
	sound := make([]*manifest.Object, 0, len(objects))
	grown := 0
	for _, o := range objects {
		used, err := p.object(o, &grown)
		switch wrong := o.Check(); {
		case err != nil:
			hint := "write $${ for a ${ that stays; kustomize.toolkit.fluxcd.io/substitute: disabled on the object leaves all as written"
			if errors.Is(err, errSecretName) {
				hint = "move the value to a ConfigMap, which substituteFrom takes as well, or to postBuild.substitute: it is in every list of these objects"
			}
			problems = append(problems, manifest.Problem{
				Source: o.Source, Object: o.ID().String(), Message: "replace names: " + manifest.Clean(err.Error()), Hint: hint,
			})
		case used && len(wrong) > 0:
			problems = append(problems, wrong...)
		default:
			sound = append(sound, o)
		}
	}
	return sound, problems
}

// object replaces names in an object, and adds labels and annotations. It reports whether it
// has replaced any.
func (p *PostBuild) object(o *manifest.Object, grown *int) (used bool, err error) {
	if (len(p.Values) > 0 || p.Unread != "" || p.Always) && !excepted(o) {
		if used, err = p.replace(o, grown); err != nil {
			return false, err
		}
	}
	if len(p.Labels) > 0 {
		o.SetLabels(joined(o.GetLabels(), p.Labels))
	}
	if len(p.Annotations) > 0 {
		o.SetAnnotations(joined(o.GetAnnotations(), p.Annotations))
	}
	return used, nil
}

func joined(own, more map[string]string) map[string]string {
	all := maps.Clone(own)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, more)
	return all
}

// replace replaces names in the YAML of an object. What it makes of values that must not be
// shown is concealed, whatever a function did to them: it is what differs with other values.
func (p *PostBuild) replace(o *manifest.Object, grown *int) (used bool, err error) {
	written, err := k8syaml.Marshal(o.Object)
	text := string(written)
	switch {
	case err != nil:
		return false, err
	case !strings.Contains(text, "$"):
		return false, nil
	case strings.Count(text, "${") > maxExpressions:
		return false, errTooMany
	}
	fields, hidden, err := p.evaluated(text, grown, 0)
	if err != nil {
		return false, err
	}
	made := &unstructured.Unstructured{Object: fields}
	variants := make([]manifest.Variant, 0, Variants)
	for i := 0; i < Variants && len(hidden) > 0; i++ {
		other, _, err := p.evaluated(text, grown, i+1)
		if err != nil {
			continue // the values decide whether the object can be read: all of it is concealed
		}
		twin := &unstructured.Unstructured{Object: other}
		if manifest.IDOf(twin) != manifest.IDOf(made) {
			return false, errSecretName
		}
		variants = append(variants, manifest.Variant{Object: other, Same: func(string, string) bool { return false }})
	}
	o.Object = fields
	if len(hidden) > 0 {
		o.ConcealDependent(variants)
		o.Hide(hidden...)
	}
	return true, nil
}

// Variants is how many other values are tried in place of those that must not be shown.
const Variants = 2

// Other is another text of the same length and kind for a text that must not be shown: other
// digits in place of digits, and other letters in place of letters.
func Other(text string, variant int) string {
	return strings.Map(func(r rune) rune {
		step := rune(1 + 2*variant)
		switch {
		case r >= '0' && r <= '9':
			return '0' + (r-'0'+step)%10
		case r >= 'a' && r <= 'z':
			return 'a' + (r-'a'+step)%26
		case r >= 'A' && r <= 'Z':
			return 'A' + (r-'A'+step)%26
		}
		return r
	}, text)
}

// evaluated are the fields of an object after names in its text are replaced, and the values
// among them that must not be shown. A variant has others in place of these; 0 has the values.
func (p *PostBuild) evaluated(text string, grown *int, variant int) (fields map[string]any, hidden []string, err error) {
	var defaulted map[string]bool
	if p.Unread != "" {
		defaulted = withDefaults(text)
	}
	made, err := evaluate(text, func(name string) (string, bool) {
		value, known := p.Values[name]
		if !known && p.Unread != "" {
			value = p.guess(name, defaulted[name])
		}
		if p.Secret[name] {
			hidden = append(hidden, value)
			if variant > 0 {
				value = Other(value, variant)
			}
		}
		*grown += len(value)
		return value, *grown <= MaxGrowth
	})
	switch {
	case *grown > MaxGrowth:
		return nil, nil, fmt.Errorf("the values add more than %d MiB to the objects", MaxGrowth>>20)
	case err != nil:
		return nil, nil, withoutValues(err, hidden)
	}
	asJSON, err := k8syaml.YAMLToJSONStrict([]byte(made))
	if err != nil {
		return nil, nil, fmt.Errorf("with the values, the object is no YAML any more: %w", withoutValues(err, hidden))
	}
	fields = map[string]any{}
	if err := k8sjson.Unmarshal(asJSON, &fields); err != nil {
		return nil, nil, fmt.Errorf("with the values, the object is no mapping any more: %w", withoutValues(err, hidden))
	}
	return fields, hidden, nil
}

// guess is what stands for a value that may be among those that were not read: "", for which a
// default is taken, or Unread. Its own default is the likeliest value, and fits where it stands:
// a word would be no number, and no truth value.
func (p *PostBuild) guess(name string, defaulted bool) string {
	if p.Guessed == nil {
		p.Guessed = map[string]bool{}
	}
	p.Guessed[name] = defaulted || p.Guessed[name]
	if defaulted {
		return ""
	}
	return p.Unread
}

// withDefaults are the names that have a default somewhere in a text. One that cannot be parsed
// has none: to evaluate it says what is wrong.
func withDefaults(text string) map[string]bool {
	names := map[string]bool{}
	if !eachUse(text, func(n *parse.FuncNode) {
		if slices.Contains(defaults, n.Name) {
			names[n.Param] = true
		}
	}) {
		return nil
	}
	return names
}

// NamesIn are the names in a text that PostBuild replaces, each once, in the order of their places; none
// of a text that has too many.
func NamesIn(text string) []string {
	if strings.Count(text, "${") > maxExpressions {
		return nil
	}
	var names []string
	eachUse(text, func(n *parse.FuncNode) {
		if !slices.Contains(names, n.Param) {
			names = append(names, n.Param)
		}
	})
	return names
}

// eachUse calls do for each use of a name in a text; false if the text cannot be parsed.
func eachUse(text string, do func(*parse.FuncNode)) (ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	tree, err := parse.Parse(text)
	if err != nil {
		return false
	}
	var visit func(parse.Node)
	visit = func(n parse.Node) {
		switch n := n.(type) {
		case *parse.ListNode:
			for _, inner := range n.Nodes {
				visit(inner)
			}
		case *parse.FuncNode:
			for _, inner := range n.Args {
				visit(inner)
			}
			do(n)
		}
	}
	visit(tree.Root)
	return true
}

// defaults are the operators that give a name without a value a default (fluxcd/pkg/envsubst,
// isDefaultOp; the library takes them all for one).
var defaults = []string{"-", "+", "=", "?", ":-", ":+", ":=", ":?"}

// withoutValues is an error without the values that must not be shown.
func withoutValues(err error, hidden []string) error {
	return errors.New(manifest.NewRedacter(hidden)(err.Error()))
}

// evaluate replaces names in a text. The library panics on some wrong expressions.
func evaluate(text string, value func(string) (string, bool)) (made string, err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("an expression cannot be read")
		}
	}()
	return envsubst.Eval(text, value)
}
